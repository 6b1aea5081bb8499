package api

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/auth"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/internal/csvcell"
)

// OwnData is all that is kept about the person who asks.
type OwnData struct {
	Person   Person         `json:"person"`
	Sessions []LoginSession `json:"sessions"`
	Tokens   []Token        `json:"tokens"`
	Entries  []AuditEntry   `json:"entries" doc:"What the log tells of the person and their tokens, and what they did."`
}

// The formats of a log.
const (
	formatJSON  = "json"
	formatCSV   = "csv"
	formatJSONL = "jsonl"
)

var mediaOfFormat = map[string]string{formatJSON: "application/json", formatCSV: "text/csv; charset=utf-8; header=present", formatJSONL: "application/jsonl"}

// exportPage is how many rows an export reads at once.
const exportPage = 500

// inPages reads a log to its end, a page at a time: read gives what is behind a
// number, which number tells.
func inPages[E any](read func(after int64, limit int) ([]E, error), number func(E) int64) iter.Seq2[E, error] {
	return func(yield func(E, error) bool) {
		for after := int64(0); ; {
			page, err := read(after, exportPage)
			if err != nil {
				var none E
				yield(none, err)
				return
			}
			for _, e := range page {
				after = number(e)
				if !yield(e, nil) {
					return
				}
			}
			if len(page) < exportPage {
				return
			}
		}
	}
}

// chain reads all entries of a subject, and eventLog the log of all documents.
func (s *Server) chain(ctx context.Context, subject string) iter.Seq2[audit.Entry, error] {
	return inPages(func(after int64, limit int) ([]audit.Entry, error) {
		return s.ledger.Entries(ctx, subject, after, limit)
	}, func(e audit.Entry) int64 { return e.Number })
}

func (s *Server) eventLog(ctx context.Context, actor content.Actor) iter.Seq2[content.Event, error] {
	return inPages(func(after int64, limit int) ([]content.Event, error) {
		return s.service.AuditLog(ctx, actor, after, limit)
	}, func(e content.Event) int64 { return e.Seq })
}

// eventColumns are the columns of the documents' log.
var eventColumns = []struct {
	name string
	cell func(*content.Event) string
}{
	{"seq", func(e *content.Event) string { return strconv.FormatInt(e.Seq, 10) }},
	{"id", func(e *content.Event) string { return e.ID }},
	{"kind", func(e *content.Event) string { return string(e.Kind) }},
	{"document", func(e *content.Event) string { return e.Document }},
	{"type", func(e *content.Event) string { return e.Type }},
	{"locale", func(e *content.Event) string { return e.Locale }},
	{"version", func(e *content.Event) string { return strconv.FormatInt(e.Version, 10) }},
	{"revision", func(e *content.Event) string { return e.Revision }},
	{"at", func(e *content.Event) string { return cellTime(e.At) }},
	{"actor", func(e *content.Event) string { return e.Actor }},
	{"on_behalf_of", func(e *content.Event) string { return e.OnBehalfOf }},
	{"grant", func(e *content.Event) string { return e.Grant }},
	{"grant_of", func(e *content.Event) string { return e.GrantOf }},
	{"via", func(e *content.Event) string { return e.Via }},
	{"trace", func(e *content.Event) string { return e.Trace }},
	{"transition", func(e *content.Event) string { return e.Transition }},
	{"from", func(e *content.Event) string { return e.From }},
	{"to", func(e *content.Event) string { return e.To }},
	{"comment", func(e *content.Event) string { return e.Comment }},
	{"other", func(e *content.Event) string { return e.Other }},
	{"effect", func(e *content.Event) string { return string(e.Effect) }},
	{"due_at", func(e *content.Event) string { return cellTime(e.DueAt) }},
	{"prev", func(e *content.Event) string { return e.Prev }},
	{"hash", func(e *content.Event) string { return e.Hash }},
}

func cellTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// writeEventsCSV writes events as CSV (RFC 4180) for spreadsheets: no cell begins
// as a formula does.
func writeEventsCSV(w io.Writer, events iter.Seq2[content.Event, error]) error {
	out := csv.NewWriter(w)
	row := make([]string, len(eventColumns))
	for i, column := range eventColumns {
		row[i] = column.name
	}
	if err := out.Write(row); err != nil {
		return err
	}
	for e, err := range events {
		if err != nil {
			return err
		}
		for i, column := range eventColumns {
			row[i] = csvcell.Safe(column.cell(&e))
		}
		if err := out.Write(row); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// writeEventsJSONL writes events as JSON Lines, each as it is stored: whoever has
// the file can check the hashes.
func writeEventsJSONL(w io.Writer, events iter.Seq2[content.Event, error]) error {
	out := json.NewEncoder(w)
	for e, err := range events {
		if err != nil {
			return err
		}
		if err := out.Encode(&e); err != nil {
			return err
		}
	}
	return nil
}

// format gives the format that the caller wants: what the parameter says, or the
// first that Accept names.
func (q *query) format(c *call) string {
	if q.text("format") != "" {
		return q.oneOf("format", formatJSON, formatCSV, formatJSONL)
	}
	c.Writer.Header()["Vary"] = []string{"Accept, Accept-Language"}
	for _, header := range c.Request.Header["Accept"] {
		for item := range strings.SplitSeq(header, ",") {
			switch media, _, _ := mime.ParseMediaType(item); media {
			case "text/csv":
				return formatCSV
			case "application/jsonl", "application/x-ndjson":
				return formatJSONL
			case "application/json":
				return formatJSON
			}
		}
	}
	return formatJSON
}

// export answers with a whole log as a file. It is told of in the ledger first,
// so that nothing leaves untold.
func (s *Server) export(c *call, q *query, name, form string, write func(context.Context, io.Writer) error) error {
	for _, of := range []string{"limit", "cursor"} { // a file holds everything
		if _, given := q.values[of]; given {
			q.refuse(of, codeInvalidParameter)
		}
	}
	if err := q.err(); err != nil {
		return err
	}
	return s.stream(c, "prassi-"+name, form, "log:"+name, write)
}

// stream writes a file of any length: it holds little of it in memory, waits its
// turn, and may take longer than other answers while the caller keeps reading.
func (s *Server) stream(c *call, name, form, subject string, write func(context.Context, io.Writer) error) error {
	release, err := s.exports.take(c)
	if err != nil {
		return err
	}
	defer release()
	h := c.Writer.Header()
	if c.Request.Method != http.MethodHead {
		by := c.actor
		if by.Trace, err = s.ledger.Trace(c.ctx(), by.ID, s.addressText(c.Request)); err != nil {
			return err
		}
		if err := s.ledger.Note(c.ctx(), subject, by, audit.AuditExported, map[string]string{"kind": form}); err != nil {
			return err
		}
	}
	h["Content-Type"] = []string{mediaOfFormat[form]}
	h["Content-Disposition"] = []string{fmt.Sprintf("attachment; filename=%q", name+"-"+s.clock().UTC().Format(time.DateOnly)+"."+form)}
	h["X-Content-Type-Options"] = nosniff
	if c.Request.Method == http.MethodHead {
		c.Writer.WriteHeaderNow()
		return nil
	}
	out := bufio.NewWriterSize(&patient{c: c, s: s}, 32<<10)
	c.Request = c.Request.WithContext(c.whole)
	if err = write(c.ctx(), out); err == nil {
		err = out.Flush()
	}
	if err == nil {
		return nil
	}
	if !c.Writer.Written() {
		delete(h, "Content-Disposition")
		return err
	}
	if c.whole.Err() == nil {
		s.log.LogAttrs(c.whole, slog.LevelError, "export cut off", slog.String("request_id", requestID(c.Context)), slog.Any("error", err))
	}
	panic(http.ErrAbortHandler) // no one takes half of it for the whole
}

// patient writes to the caller, and gives each piece the time that an answer has.
type patient struct {
	c *call
	s *Server
}

func (p *patient) Write(data []byte) (int, error) {
	err := http.NewResponseController(p.c.Writer).SetWriteDeadline(time.Now().Add(p.s.limits.Write))
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	return p.c.Writer.Write(data)
}

// exportOwn answers with all that is kept about the caller (Regulation (EU)
// 2016/679, articles 15 and 20). A token is not given for that.
func (s *Server) exportOwn(c *call) error {
	id, err := c.own()
	if err != nil {
		return err
	}
	if _, err := s.visitor(c); err != nil {
		return err
	}
	stored, err := s.auth.Person(c.ctx(), id)
	if err != nil {
		return err
	}
	var head struct {
		Person   Person         `json:"person"`
		Sessions []LoginSession `json:"sessions"`
		Tokens   []Token        `json:"tokens"`
	}
	if head.Person, err = s.personFor(c, stored, true); err != nil {
		return err
	}
	sessions, err := s.loginSessions(c, id)
	if err != nil {
		return err
	}
	tokens, err := s.auth.TokensOf(c.ctx(), id)
	if err != nil {
		return err
	}
	head.Sessions, head.Tokens = sessions.Items, []Token{}
	for _, t := range tokens {
		head.Tokens = append(head.Tokens, tokenView(t))
	}
	begin, err := encode(head)
	if err != nil {
		return err
	}
	return s.stream(c, "prassi-my-data", formatJSON, c.actor.ID, func(ctx context.Context, w io.Writer) error {
		if _, err := fmt.Fprintf(w, `%s,"entries":[`, strings.TrimSuffix(strings.TrimSpace(string(begin)), "}")); err != nil {
			return err
		}
		separator := ""
		for e, err := range s.ledger.Walk(ctx) {
			if err != nil {
				return err
			}
			if !about(c.actor.ID, tokens, &e) {
				continue
			}
			v, err := s.ownEntryView(c, e)
			if err != nil {
				return err
			}
			data, err := json.Marshal(v)
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintf(w, "%s%s", separator, data); err != nil {
				return err
			}
			separator = ","
		}
		_, err := io.WriteString(w, "]}")
		return err
	})
}

// about says whether an entry is about a person: about them or their tokens, or
// about what they did.
func about(actor string, tokens []auth.Token, e *audit.Entry) bool {
	if e.Subject == actor || e.Actor == actor || e.OnBehalfOf == actor {
		return true
	}
	id, ok := strings.CutPrefix(e.Subject, "token:")
	return ok && slices.ContainsFunc(tokens, func(t auth.Token) bool { return t.ID == id })
}
