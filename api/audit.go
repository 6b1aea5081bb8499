package api

import (
	"context"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/messages"
)

// AuditEntry tells of one thing that was done to a person, a token, a file.
type AuditEntry struct {
	audit.Entry
	Text    string `json:"text" doc:"What was done, in the caller's language."`
	Address string `json:"address,omitempty" doc:"From where, as long as that is kept."`
}

// LoggedEvent tells of one thing that happened to some document.
type LoggedEvent struct {
	Event
	Document string `json:"document" format:"uuid"`
	Type     string `json:"type"`
	GrantOf  string `json:"grant_of,omitempty" doc:"Who lent the grant."`
	Via      string `json:"via,omitempty" doc:"The door by which the actor came."`
	Trace    string `json:"trace,omitempty"`
	Address  string `json:"address,omitempty" doc:"From where, as long as that is kept."`
	Prev     string `json:"prev,omitempty" doc:"The hash of the document's event before."`
	Hash     string `json:"hash,omitempty"`
}

// traceAddress tells from where somebody acted, as long as that is kept. An answer
// asks once for each trace.
func (s *Server) traceAddress(c *call, trace string) (string, error) {
	if trace == "" {
		return "", nil
	}
	if known, ok := c.traces[trace]; ok {
		return known, nil
	}
	address, err := s.ledger.TraceAddress(c.ctx(), trace)
	if err != nil && !errors.Is(err, content.ErrNotFound) {
		return "", err
	}
	if c.traces == nil {
		c.traces = map[string]string{}
	}
	c.traces[trace] = address
	return address, nil
}

func (s *Server) entryView(c *call, e audit.Entry) (out AuditEntry, err error) {
	out = AuditEntry{Entry: e, Text: messages.Text(c.lang, e.Action, e.Params())}
	out.Address, err = s.traceAddress(c, e.Trace)
	return out, err
}

// ownEntryView shows an entry to the person whom it is about. From where others
// acted is theirs.
func (s *Server) ownEntryView(c *call, e audit.Entry) (AuditEntry, error) {
	out, err := s.entryView(c, e)
	if e.Actor != c.actor.ID {
		out.Address = ""
	}
	return out, err
}

func (s *Server) loggedEventView(c *call, e content.Event) (out LoggedEvent, err error) {
	out = LoggedEvent{
		Event: s.eventView(&e, c.lang), Document: e.Document, Type: e.Type, GrantOf: e.GrantOf, Via: e.Via, Trace: e.Trace, Prev: e.Prev, Hash: e.Hash,
	}
	out.Address, err = s.traceAddress(c, e.Trace)
	return out, err
}

// entriesOf reads the chain of one subject from the cursor on, which is a number.
func (s *Server) entriesOf(c *call, q *query, subject string) rows[audit.Entry] {
	from := q.integer("cursor", 0, 1, 1<<53)
	return rows[audit.Entry]{
		read: func(limit int) ([]audit.Entry, error) {
			return s.ledger.Entries(c.ctx(), subject, from, limit)
		},
		place: func(e audit.Entry) string { return strconv.FormatInt(e.Number, 10) },
	}
}

// listAudit answers with the ledger, or with the chain of one subject.
func (s *Server) listAudit(params []param) func(*call) error {
	known := queryNames(params)
	return func(c *call) error {
		q, err := parseQuery(c.Request.URL.RawQuery, known...)
		if err != nil {
			return err
		}
		subject := q.text("subject")
		if kind, id, ok := strings.Cut(subject, ":"); subject != "" && (!ok || !plainWord(kind) || id == "" || strings.Contains(id, "/")) {
			q.refuse("subject", codeInvalidParameter)
		}
		if form := q.format(c); form != formatJSON {
			return s.export(c, q, "audit", form, func(ctx context.Context, w io.Writer) error {
				entries := s.ledger.Walk(ctx)
				if subject != "" {
					entries = s.chain(ctx, subject)
				}
				if form == formatCSV {
					return audit.WriteCSV(w, entries)
				}
				return audit.WriteJSONL(w, entries)
			})
		}
		if subject != "" {
			return answerPageOf(s, c, q, s.entriesOf(c, q, subject), s.entryView)
		}
		return answerPageOf(s, c, q, rows[audit.Entry]{
			read: func(limit int) ([]audit.Entry, error) {
				entries, _, err := s.ledger.All(c.ctx(), q.text("cursor"), limit)
				return entries, err
			},
			place: func(e audit.Entry) string { return e.Place() },
		}, s.entryView)
	}
}

// plainWord says whether a text is a kind's name.
func plainWord(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

// listDocumentEvents answers with the log of all documents.
func (s *Server) listDocumentEvents(params []param) func(*call) error {
	known := queryNames(params)
	return func(c *call) error {
		q, err := parseQuery(c.Request.URL.RawQuery, known...)
		if err != nil {
			return err
		}
		if form := q.format(c); form != formatJSON {
			return s.export(c, q, "documents", form, func(ctx context.Context, w io.Writer) error {
				if form == formatCSV {
					return writeEventsCSV(w, s.eventLog(ctx, c.actor))
				}
				return writeEventsJSONL(w, s.eventLog(ctx, c.actor))
			})
		}
		from := q.integer("cursor", 0, 1, 1<<53)
		return answerPageOf(s, c, q, rows[content.Event]{
			read:  func(limit int) ([]content.Event, error) { return s.service.AuditLog(c.ctx(), c.actor, from, limit) },
			place: func(e content.Event) string { return strconv.FormatInt(e.Seq, 10) },
		}, s.loggedEventView)
	}
}

// listOwnAudit answers with what the log tells of the caller.
func (s *Server) listOwnAudit(params []param) func(*call) error {
	list := listPage(s, params, func(c *call, q *query) rows[audit.Entry] {
		return s.entriesOf(c, q, c.actor.ID)
	}, s.ownEntryView)
	return func(c *call) error {
		if _, err := c.own(); err != nil {
			return err
		}
		return list(c)
	}
}
