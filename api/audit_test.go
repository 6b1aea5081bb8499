package api

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/content"
)

const auditPath = managePath + "/audit"

// TestAuditIsForItsReaders: nobody else sees the logs, in any format.
func TestAuditIsForItsReaders(t *testing.T) {
	w := newWorld(t)
	for _, who := range []string{"edo", "carla", "rita", "tariq"} {
		for _, path := range []string{auditPath, auditPath + "?subject=person:" + who, auditPath + "?format=csv", auditPath + "/documents", auditPath + "/documents?format=jsonl"} {
			w.send(who, "GET", path, "").problem(t, 403, "forbidden")
		}
	}
	for query, path := range map[string]string{"subject=x": "/subject", "subject=person:": "/subject", "subject=Person:x": "/subject", "format=xml": "/format", "limit=0": "/limit", "format=csv&limit=3": "/limit", "format=jsonl&cursor=x": "/cursor", "subject=person:ada&cursor=x": "/cursor"} {
		if p := w.send("ada", "GET", auditPath+"?"+query, "").problem(t, 400, codeInvalidQuery); p.Errors[0].Path != path {
			t.Errorf("%s: %+v", query, p.Errors)
		}
	}
}

// TestAuditPages: every entry comes once, with words in the caller's language and,
// while it is kept, from where.
func TestAuditPages(t *testing.T) {
	w := newWorld(t)
	p := w.invited("Nuova", "editor", "reviewer@PO")
	w.send("ada", "DELETE", managePath+"/people/"+p.ID+"/roles/editor", "").want(t, 204)
	want, _, err := w.ledger.All(context.Background(), "", 0)
	w.must(err)
	var got []audit.Entry
	for path := auditPath + "?limit=3"; path != ""; {
		var page Page[AuditEntry]
		w.send("ada", "GET", path, "").want(t, 200).into(t, &page)
		for _, e := range page.Items {
			got = append(got, e.Entry)
		}
		path = page.Links.Next
	}
	hashes := func(list []audit.Entry) (out []string) {
		for _, e := range list {
			out = append(out, e.Hash)
		}
		return out
	}
	if !slices.Equal(hashes(got), hashes(want)) {
		t.Errorf("%d entries, want %d", len(got), len(want))
	}
	of := func() (page Page[AuditEntry]) {
		w.send("ada", "GET", auditPath+"?subject=person:"+p.ID+"&limit=2", "", "Accept-Language", "it").want(t, 200).into(t, &page)
		return page
	}
	page := of()
	if len(page.Items) != 2 || page.Items[0].Text != "Persona invitata." || page.Items[0].Address != "127.0.0.1" || page.Links.Next == "" {
		t.Errorf("%+v", page)
	}
	next := page.Links.Next
	page = Page[AuditEntry]{}
	w.send("ada", "GET", next, "").want(t, 200).into(t, &page)
	if len(page.Items) != 2 || page.Items[1].Number != 4 || page.Items[1].Action != audit.RoleEnded || page.Links.Next != "" {
		t.Errorf("%+v", page)
	}
	_, err = w.ledger.ForgetTraces(context.Background(), page.Items[0].Actor)
	w.must(err)
	if page := of(); page.Items[0].Address != "" || page.Items[0].Trace == "" {
		t.Errorf("forgotten, and told: %+v", page.Items[0])
	}
}

// TestDocumentLog: the events of all documents, with the hashes of their chains.
func TestDocumentLog(t *testing.T) {
	w := newWorld(t)
	w.publish("edo", w.article("edo", "Uno"))
	w.article("carla", "Due")
	var got []LoggedEvent
	for path := auditPath + "/documents?limit=2"; path != ""; {
		var page Page[LoggedEvent]
		w.send("ada", "GET", path, "").want(t, 200).into(t, &page)
		got = append(got, page.Items...)
		path = page.Links.Next
	}
	if len(got) != 3 || got[1].Label == "" || got[1].Document == "" || got[1].Hash == "" || got[1].Prev != got[0].Hash || got[1].Address != "127.0.0.1" || got[2].Grant != "contributor@orti" {
		t.Errorf("%+v", got)
	}
}

// TestExports: a file holds everything as it is stored, is told of, and no cell
// of it is a formula.
func TestExports(t *testing.T) {
	w := newWorld(t)
	for _, evil := range []string{`=HYPERLINK("http://evil.example")`, "+1", "-1", "@SUM(A1)"} {
		v := w.article("edo", "Con commento")
		w.send("edo", "POST", variantPath(v)+"/transitions", `{"transition":"publish","comment":`+quote(evil)+`}`, "If-Match", v.ETag).want(t, 200)
		w.must(w.ledger.Note(context.Background(), "person:edo", content.System("test"), audit.SignInRefused, map[string]string{"reason": evil}))
	}
	for _, path := range []string{auditPath, auditPath + "/documents"} {
		a := w.send("ada", "GET", path, "", "Accept", "text/csv, */*;q=0.1").want(t, 200)
		if got := a.Header.Get("Content-Disposition"); !strings.HasPrefix(got, `attachment; filename="prassi-`) || !strings.HasSuffix(got, `.csv"`) || a.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%v", a.Header)
		}
		table, err := csv.NewReader(bytes.NewReader(a.body)).ReadAll()
		w.must(err)
		evil := 0
		for _, row := range table {
			for _, cell := range row {
				if cell != "" && strings.ContainsAny(cell[:1], "=+-@") {
					t.Errorf("%s: the cell %q is a formula", path, cell)
				}
				if strings.HasPrefix(cell, "'") {
					evil++
				}
			}
		}
		if evil != 4 || len(table) < 9 {
			t.Errorf("%s: %d rows, %d cells made safe", path, len(table), evil)
		}
	}
	n := 0
	lines := bufio.NewScanner(bytes.NewReader(w.send("ada", "GET", auditPath+"?format=jsonl", "").want(t, 200).body))
	for ; lines.Scan(); n++ {
		var e audit.Entry
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil || e.Hash != e.ComputeHash() {
			t.Errorf("%v: %s", err, lines.Bytes())
		}
	}
	all, _, err := w.ledger.All(context.Background(), "", 0)
	w.must(err)
	if n != len(all) {
		t.Errorf("%d lines of %d entries", n, len(all))
	}
	n = 0
	lines = bufio.NewScanner(bytes.NewReader(w.send("ada", "GET", auditPath+"/documents?format=jsonl", "").want(t, 200).body))
	for ; lines.Scan(); n++ {
		var e content.Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil || e.Hash != e.ComputeHash() {
			t.Errorf("%v: %s", err, lines.Bytes())
		}
	}
	if n != 8 {
		t.Errorf("%d events", n)
	}
	// One subject alone.
	a := w.send("ada", "GET", auditPath+"?format=jsonl&subject=person:edo", "").want(t, 200)
	for line := range bytes.Lines(a.body) {
		if !bytes.Contains(line, []byte(`"subject":"person:edo"`)) {
			t.Errorf("%s", line)
		}
	}
	// Each file is told of; what only asks for the head takes none.
	w.send("ada", "HEAD", auditPath+"?format=csv", "").want(t, 200)
	told, err := w.ledger.Entries(context.Background(), "log:audit", 0, 0)
	w.must(err)
	if len(told) != 3 || told[0].Action != audit.AuditExported || told[0].Grant != "administrator" || told[0].Trace == "" || told[0].Details["kind"] != "csv" {
		t.Errorf("%+v", told)
	}
}

// TestExportIsWholeOrCutOff: an export that fails on the way does not end as if
// it were whole; one that fails before it begins is a problem; so many at once,
// and no more; and none is held to the time of other answers.
func TestExportIsWholeOrCutOff(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Limits.Exports, o.Limits.Turn = 1, 10*time.Millisecond })
	engine := gin.New()
	broken := errors.New("the store broke")
	serve := func(path string, write func(context.Context, io.Writer) error) {
		engine.GET(path, func(c *gin.Context) {
			whole := c.Request.Context()
			ctx, cancel := context.WithTimeout(whole, 50*time.Millisecond)
			defer cancel()
			c.Request = c.Request.WithContext(ctx)
			if err := w.server.stream(&call{Context: c, whole: whole, actor: content.System("test")}, "x", formatCSV, "log:x", write); err != nil {
				w.server.fail(c, err)
			}
		})
	}
	serve("/early", func(context.Context, io.Writer) error { return broken })
	serve("/late", func(_ context.Context, out io.Writer) error {
		_, err := out.Write(make([]byte, 100<<10))
		return errors.Join(err, broken)
	})
	serve("/slow", func(ctx context.Context, out io.Writer) error {
		time.Sleep(100 * time.Millisecond)
		_, err := out.Write([]byte("there"))
		return errors.Join(err, ctx.Err())
	})
	server := httptest.NewServer(engine)
	defer server.Close()
	get := func(path string) (int, string, error) {
		res, err := http.DefaultTransport.RoundTrip(httptest.NewRequest("GET", server.URL+path, nil))
		w.must(err)
		defer res.Body.Close()
		data, err := io.ReadAll(res.Body)
		return res.StatusCode, string(data), err
	}
	if status, body, err := get("/early"); status != 500 || err != nil || strings.Contains(body, "broke") {
		t.Errorf("%d %v %s", status, err, body)
	}
	if status, _, err := get("/late"); status != 200 || err == nil {
		t.Errorf("%d, read without an error", status)
	}
	if status, body, err := get("/slow"); status != 200 || body != "there" || err != nil {
		t.Errorf("%d %q %v", status, body, err)
	}
	w.server.exports.all <- struct{}{}
	w.send("ada", "GET", auditPath+"?format=csv", "").problem(t, 503, codeTooBusy)
	<-w.server.exports.all
	w.send("ada", "GET", auditPath+"?format=csv", "").want(t, 200)
}

// TestOwnData: everybody reads what is kept about themselves, and about nobody
// else.
func TestOwnData(t *testing.T) {
	w := newWorld(t)
	carla, cookie := w.personal("carla"), w.session("carla")
	w.send("ada", "POST", managePath+"/people/carla/roles", `{"role":"translator@fr"}`).want(t, 200)
	w.token(carla, `{"name":"mio","grants":["contributor@orti"]}`)
	for _, path := range []string{"/people/rita/audit", "/people/rita/export", "/people/nobody/audit", "/people/nobody/export"} {
		w.send(carla, "GET", managePath+path, "").problem(t, 404, "not_found")
		w.send("ada", "GET", managePath+path, "").problem(t, 404, "not_found")
	}
	w.send(carla, "GET", managePath+"/people/me/export", "").problem(t, 403, codeSessionNeeded)

	var trail Page[AuditEntry]
	w.send(carla, "GET", managePath+"/people/carla/audit?limit=100", "").want(t, 200).into(t, &trail)
	last := trail.Items[len(trail.Items)-1]
	if last.Action != audit.RoleGranted || last.Actor == "" || last.Address != "" || last.Trace == "" || last.Hash != last.ComputeHash() {
		t.Errorf("%+v", last)
	}
	for _, e := range trail.Items {
		if e.Subject != "person:carla" {
			t.Errorf("%+v", e)
		}
		if e.Action == audit.SignedIn && e.Address != "192.0.2.7" {
			t.Errorf("one's own address is not told: %+v", e)
		}
	}
	a := w.send("", "GET", managePath+"/people/me/export", "", cookie...).want(t, 200)
	var own OwnData
	a.into(t, &own)
	if own.Person.ID != "carla" || own.Person.Name == "" || len(own.Sessions) != 1 || len(own.Tokens) != 2 || !strings.HasPrefix(a.Header.Get("Content-Disposition"), "attachment") {
		t.Errorf("%s", a.body)
	}
	made := 0
	for _, e := range own.Entries {
		if e.Subject != "person:carla" && !strings.HasPrefix(e.Subject, "token:") && e.Actor != "person:carla" {
			t.Errorf("an entry about somebody else: %+v", e)
		}
		if e.Action == audit.TokenMade {
			made++
		}
	}
	if made != 2 || own.Entries[len(own.Entries)-1].Text == "" || strings.Contains(string(a.body), "hash\":\"prassi") {
		t.Errorf("%d tokens made in %s", made, a.body)
	}
	told, err := w.ledger.Entries(context.Background(), "person:carla", 0, 0)
	w.must(err)
	if told[len(told)-1].Action != audit.AuditExported {
		t.Errorf("%+v", told[len(told)-1])
	}
}
