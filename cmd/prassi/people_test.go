package main

import (
	"bytes"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/content"
)

// at opens the backend on a data folder.
func at(t *testing.T, data string) *backend {
	t.Helper()
	e := &env{ctx: t.Context(), stdout: &bytes.Buffer{}, stderr: &bytes.Buffer{}, cli: &cli{Data: data}}
	b, err := e.open(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.close() })
	return b
}

// What the command line does is told as done by the command line.
func TestCommandsAreTold(t *testing.T) {
	data := t.TempDir()
	for _, args := range [][]string{
		{"grant", "anna@example.org", "editor", "--invite", "--name", "Anna"},
		{"grant", "boss", "administrator"},
		{"token", "create", "--role", "editor", "--partner", "comune"},
		{"link", "anna@example.org"},
		{"grant", "Anna@Example.org", "editor", "--remove"},
		{"erase", "anna@example.org", "--yes"},
		{"audit"},
	} {
		if code, out := command(t, append(args, "--data", data)...); code != 0 {
			t.Fatalf("%v: %s", args, out)
		}
	}
	b := at(t, data)
	entries, _, err := b.ledger.All(t.Context(), "", 0)
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	for _, entry := range entries {
		told[entry.Action] = true
		if entry.Action != audit.KeyMade && (entry.Actor != "system:command" || entry.Via != "command") {
			t.Errorf("%s %s by %q via %q", entry.Subject, entry.Action, entry.Actor, entry.Via)
		}
	}
	for _, action := range []string{audit.PersonInvited, audit.RoleGranted, audit.RoleEnded, audit.TokenMade, audit.LinkMade, audit.PersonErased, audit.AuditExported} {
		if !told[action] {
			t.Errorf("nothing tells of %s", action)
		}
	}
	if code, out := command(t, "verify", "--data", data); code != 0 {
		t.Error(out)
	}
	for _, format := range []string{"csv", "jsonl", "text"} {
		if code, out := command(t, "audit", "--data", data, "--format", format); code != 0 || strings.Contains(out, "example.org") || strings.Contains(out, "Anna") ||
			!strings.Contains(out, "person:boss") {
			t.Errorf("%s: %s", format, out)
		}
	}
	if code, out := command(t, "audit", "--data", data, "--subject", "person:boss", "--format", "jsonl"); code != 0 || strings.Count(out, "\n") != 1 {
		t.Errorf("of one subject: %s", out)
	}
}

// Erasing needs a yes: the id, typed.
func TestEraseAsks(t *testing.T) {
	data := t.TempDir()
	for _, who := range []string{"boss", "anna"} {
		if code, out := command(t, "grant", "--data", data, who, "administrator"); code != 0 {
			t.Fatal(out)
		}
	}
	for typed, want := range map[string]int{"": 1, "\n": 1, "yes\n": 1, "boss\n": 1} {
		var out bytes.Buffer
		if code := Main(t.Context(), []string{"erase", "--data", data, "anna"}, strings.NewReader(typed), &out, &out); code != want {
			t.Errorf("%q: %d %s", typed, code, out.String())
		}
	}
	var out bytes.Buffer
	if code := Main(t.Context(), []string{"erase", "--data", data, "anna"}, strings.NewReader("anna\n"), &out, &out); code != 0 {
		t.Error(out.String())
	}
	if code, said := command(t, "erase", "--data", data, "--yes", "--locale-of-messages", "it", "boss"); code != 1 || !strings.Contains(said, "ultima") {
		t.Errorf("the last administrator: %d %s", code, said)
	}
	if code, said := command(t, "people", "--data", data); code != 0 || !strings.Contains(said, "erased") {
		t.Error(said)
	}
}

// A restart of the demo gives nobody a role back, nor takes one.
func TestDemoKeepsRoles(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	start(t, "--demo", "--data", data).stop()
	for _, args := range [][]string{{"elena", "editor", "--remove"}, {"rita", "reviewer@MI"}} {
		if code, out := command(t, append([]string{"grant", "--data", data}, args...)...); code != 0 {
			t.Fatal(out)
		}
	}
	r := start(t, "--demo", "--data", data)
	var item struct {
		Fields struct {
			Image struct{ Src, Alt string }
		}
	}
	r.call(http.DefaultClient, "GET", "/api/v1/practices/orti-condivisi?locale=it", nil, "", 200, &item)
	picture := item.Fields.Image
	if !strings.HasPrefix(picture.Src, "/media/") || !strings.HasSuffix(picture.Src, ".png") || picture.Alt == "" {
		t.Errorf("the picture: %+v", picture)
	}
	if h := r.call(http.DefaultClient, "GET", picture.Src, nil, "", 200, nil); h.Get("Content-Type") != "image/png" {
		t.Errorf("the picture is %s", h.Get("Content-Type"))
	}
	r.stop()
	b := at(t, data)
	elena, err := b.auth.Person(t.Context(), "elena")
	if err != nil || len(elena.Grants) != 0 {
		t.Errorf("%v %v", elena.Grants, err)
	}
	rita, err := b.auth.Person(t.Context(), "rita")
	if err != nil || len(rita.Grants) != 2 {
		t.Errorf("%v %v", rita.Grants, err)
	}
}

// Nobody uses a file of another organisation by naming it, nor one that is not
// there.
func TestFilesAreWalls(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	r := start(t, "--demo", "--data", data)
	items, err := at(t, data).media.List(t.Context(), "", 0)
	if err != nil || len(items) != 1 {
		t.Fatalf("%v %v", items, err)
	}
	for owner, want := range map[string]int{"orti-insieme": 201, "ponte-sul-naviglio": 422} {
		code, token := command(t, "token", "create", "--data", data, "--role", "contributor@"+owner)
		if code != 0 {
			t.Fatal(token)
		}
		header := http.Header{"Authorization": {"Bearer " + strings.TrimSpace(token)}}
		for id, want := range map[string]int{items[0].ID: want, strings.Repeat("a", 26): 422} {
			body := `{"type":"practice","locale":"it","fields":{"title":"Una foto","image":{"src":"/media/` + id + `/` + items[0].Files[0].Name + `","alt":"Una foto"}}}`
			var problem struct{ Errors []struct{ Code string } }
			r.call(http.DefaultClient, "POST", "/api/v1/manage/documents", header, body, want, &problem)
			if want == 422 && (len(problem.Errors) != 1 || problem.Errors[0].Code != "media_not_found") {
				t.Errorf("%s: %+v", owner, problem)
			}
		}
	}
}

// What is old goes when it is asked for, and not before.
func TestRetentionRuns(t *testing.T) {
	data := t.TempDir()
	b := at(t, data)
	if _, err := b.auth.Once(t.Context(), "state", "x", time.Now().Add(-2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.auth.Once(t.Context(), "state", "y", time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) string {
		t.Helper()
		code, out := command(t, append([]string{"retention", "--data", data, "--locale-of-messages", "en"}, args...)...)
		if code != 0 {
			t.Fatal(out)
		}
		return out
	}
	if out := run(); !strings.Contains(out, "once=1d") || !strings.Contains(out, "audit=never") {
		t.Error(out)
	}
	if out := run("--run"); !strings.Contains(out, "How many: 0.") {
		t.Error(out)
	}
	if out := run("--run", "--retention", "once=1h"); !strings.Contains(out, "once  1\n") || !strings.Contains(out, "How many: 1.") {
		t.Error(out)
	}
	if code, out := command(t, "retention", "--retention", "once=1m"); code != 1 || out == "" {
		t.Error(out)
	}
}

// The log of documents leaves in the same forms, safe for spreadsheets.
func TestAuditDocuments(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	start(t, "--demo", "--data", data).stop()
	for format, want := range map[string]string{"csv": "seq,at,kind,document", "jsonl": `"hash":"`, "text": "document:01970000-0000-7000-8000-000000000301"} {
		code, out := command(t, "audit", "--documents", "--data", data, "--format", format)
		if code != 0 || !strings.Contains(out, want) || strings.Count(out, "\n") < 15 {
			t.Errorf("%s: %d %.300s", format, code, out)
		}
	}
	code, out := command(t, "audit", "--documents", "--data", data, "--format", "jsonl", "--subject", "document:01970000-0000-7000-8000-000000000301")
	if n := strings.Count(out, "\n"); code != 0 || n == 0 || n != strings.Count(out, "000000000301\"") {
		t.Errorf("of one document: %d lines", n)
	}
	row := eventRow(&content.Event{Comment: "=1+1", Actor: "@x"})
	if len(row) != len(eventHeader) || row[17] == "=1+1" || row[8] == "@x" {
		t.Errorf("%q", row)
	}
}
