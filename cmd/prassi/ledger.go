package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/internal/csvcell"
)

type auditCmd struct {
	Subject   string `name:"subject" placeholder:"KIND:ID" help:"Of one record only, such as person:ID or token:ID."`
	Documents bool   `name:"documents" help:"What happened to documents, instead of people, roles, tokens and files."`
	Format    string `name:"format" default:"text" enum:"text,csv,jsonl" help:"text, csv (for spreadsheets) or jsonl (each line as it is stored, to check the hashes)."`
}

func (c *auditCmd) Run(e *env) error {
	b, err := e.settled()
	if err != nil {
		return err
	}
	defer b.close()
	if _, err := b.ledger.Flush(e.ctx); err != nil {
		return err
	}
	count := 0
	switch entries := e.entries(b, c.Subject, &count); {
	case c.Documents:
		count, err = c.documents(e, b)
	case c.Format == "csv":
		err = audit.WriteCSV(e.stdout, entries)
	case c.Format == "jsonl":
		err = audit.WriteJSONL(e.stdout, entries)
	default:
		err = e.tellEntries(entries)
	}
	if err != nil {
		return err
	}
	return b.ledger.Note(e.ctx, exportSubject, commandLine, audit.AuditExported, map[string]string{"count": strconv.Itoa(count)})
}

// exportSubject is where it is told that the log was read.
const exportSubject = "export:audit"

// entries reads the ledger, or one subject's part of it, page by page, and counts.
func (e *env) entries(b *backend, subject string, count *int) iter.Seq2[audit.Entry, error] {
	const page = 500
	return func(yield func(audit.Entry, error) bool) {
		after, number := "", int64(0)
		for {
			var list []audit.Entry
			var err error
			if subject != "" {
				list, err = b.ledger.Entries(e.ctx, subject, number, page)
			} else {
				list, after, err = b.ledger.All(e.ctx, after, page)
			}
			if err != nil {
				yield(audit.Entry{}, err)
				return
			}
			for _, entry := range list {
				*count++
				number = entry.Number
				if !yield(entry, nil) {
					return
				}
			}
			if len(list) < page {
				return
			}
		}
	}
}

// tellEntries says each entry in the reader's language, on one line.
func (e *env) tellEntries(entries iter.Seq2[audit.Entry, error]) error {
	for entry, err := range entries {
		if err != nil {
			return err
		}
		by := entry.Actor
		if by == "" {
			by = "-"
		}
		if entry.Grant != "" {
			by += " (" + entry.Grant + ")"
		}
		if _, err := fmt.Fprintf(e.stdout, "%s  %s  %s  %s\n", entry.At.UTC().Format(time.RFC3339), entry.Subject, by, e.text(entry.Action, entry.Params())); err != nil {
			return err
		}
	}
	return nil
}

// eventHeader names the columns of what happened to documents.
var eventHeader = []string{
	"seq", "at", "kind", "document", "type", "locale", "version", "revision", "actor", "on_behalf_of", "grant", "grant_of",
	"via", "trace", "transition", "from", "to", "comment", "effect", "prev", "hash",
}

// documents writes what happened to documents, and says how much that is.
func (c *auditCmd) documents(e *env, b *backend) (count int, err error) {
	write, done := eventWriter(e.stdout, c.Format)
	const page = 500
	for after := int64(0); ; {
		events, err := b.service.AuditLog(e.ctx, commandLine, after, page)
		if err != nil {
			return count, err
		}
		for i := range events {
			after = events[i].Seq
			if c.Subject != "" && c.Subject != "document:"+events[i].Document {
				continue
			}
			if err := write(&events[i]); err != nil {
				return count, err
			}
			count++
		}
		if len(events) < page {
			return count, done()
		}
	}
}

// eventWriter writes events in a format; the second function ends it.
func eventWriter(w io.Writer, format string) (write func(*content.Event) error, done func() error) {
	done = func() error { return nil }
	switch format {
	case "csv":
		out := csv.NewWriter(w)
		_ = out.Write(eventHeader) // the writer keeps its error for the end
		return func(event *content.Event) error { return out.Write(eventRow(event)) }, func() error {
			out.Flush()
			return out.Error()
		}
	case "jsonl":
		lines := json.NewEncoder(w)
		return func(event *content.Event) error { return lines.Encode(event) }, done
	}
	return func(event *content.Event) error {
		what := strings.Join(strings.Fields(strings.Join([]string{string(event.Kind), event.Locale, event.Transition, event.From, event.To}, " ")), " ")
		by := event.Actor
		if event.Grant != "" {
			by += " (" + event.Grant + ")"
		}
		_, err := fmt.Fprintf(w, "%s  document:%s  %s  %s\n", event.At.UTC().Format(time.RFC3339), event.Document, by, what)
		return err
	}, done
}

// eventRow gives the columns of eventHeader, safe for spreadsheets.
func eventRow(event *content.Event) []string {
	row := []string{
		strconv.FormatInt(event.Seq, 10), event.At.UTC().Format(time.RFC3339Nano), string(event.Kind), event.Document, event.Type, event.Locale,
		strconv.FormatInt(event.Version, 10), event.Revision, event.Actor, event.OnBehalfOf, event.Grant, event.GrantOf,
		event.Via, event.Trace, event.Transition, event.From, event.To, event.Comment, string(event.Effect), event.Prev, event.Hash,
	}
	for i := range row {
		row[i] = csvcell.Safe(row[i])
	}
	return row
}

type retentionCmd struct {
	Now bool `name:"run" help:"Delete now what is older; a running server does so every hour."`
	kept
}

func (c *retentionCmd) Run(e *env) error {
	rules, err := c.retention()
	if err != nil {
		return err
	}
	if !c.Now {
		tw := tabwriter.NewWriter(e.stdout, 0, 4, 2, ' ', 0)
		lang := e.language()
		for _, row := range rules.Rows() {
			fmt.Fprintf(tw, "%s\t%s. %s\n", settingOf(rules, row.Kind), row.Label[lang], row.Purpose[lang])
		}
		return tw.Flush()
	}
	if e.limits, err = c.sessions(); err != nil {
		return err
	}
	b, err := e.existing()
	if err != nil {
		return err
	}
	defer b.close()
	counts, err := b.sweeper(rules, e.logger()).Run(e.ctx)
	total := 0
	for _, kind := range rules.Kinds() {
		if n := counts[kind]; n > 0 {
			total += n
			fmt.Fprintf(e.stdout, "%s  %d\n", kind, n)
		}
	}
	fmt.Fprintln(e.stdout, e.text("retention_done", map[string]any{"count": total}))
	return err
}

// settingOf gives the part of a retention's settings that is of one kind.
func settingOf(r audit.Retention, kind string) string {
	for part := range strings.SplitSeq(r.String(), ",") {
		if strings.HasPrefix(part, kind+"=") {
			return part
		}
	}
	return ""
}
