package api

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/sqlitestore"
)

// bytesOf hashes everything that the store holds.
func (w *world) bytesOf() [sha256.Size]byte {
	w.t.Helper()
	db, err := sql.Open("sqlite", "file:"+url.PathEscape(w.store.(*sqlitestore.Store).Path())+"?mode=ro")
	w.must(err)
	defer db.Close()
	h := sha256.New()
	list := func(query string, each func([]any)) {
		rows, err := db.QueryContext(context.Background(), query)
		w.must(err)
		defer rows.Close()
		columns, err := rows.Columns()
		w.must(err)
		for rows.Next() {
			row := make([]any, len(columns))
			into := make([]any, len(columns))
			for i := range row {
				into[i] = &row[i]
			}
			w.must(rows.Scan(into...))
			each(row)
		}
		w.must(rows.Err())
	}
	var tables []string
	list("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name", func(row []any) { tables = append(tables, fmt.Sprint(row[0])) })
	if len(tables) < 4 {
		w.t.Fatalf("the store has only the tables %q", tables)
	}
	for _, t := range tables {
		list(`SELECT * FROM "`+t+`" ORDER BY 1, 2`, func(row []any) { fmt.Fprintf(h, "%s %q\n", t, row) })
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// unchanged fails when do has changed what is stored.
func (w *world) unchanged(what string, do func()) {
	w.t.Helper()
	before := w.bytesOf()
	do()
	if w.bytesOf() != before {
		w.t.Errorf("%s: what is stored has changed", what)
	}
}

// shownNames are the names of all members of all views, and of what is stored.
func shownNames(ops []*operation) []string {
	names, seen := map[string]bool{}, map[reflect.Type]bool{}
	var look func(reflect.Type)
	look = func(t reflect.Type) {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct || seen[t] {
			return
		}
		seen[t] = true
		for i := range t.NumField() {
			f := t.Field(i)
			if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" {
				names[name] = true
			}
			look(f.Type)
		}
	}
	for _, op := range ops {
		for _, a := range op.Answers {
			if a.Body != nil && reflect.TypeOf(a.Body).PkgPath() != "github.com/danielgtaylor/huma/v2" && !strings.HasSuffix(reflect.TypeOf(a.Body).String(), "huma.Schema") {
				look(reflect.TypeOf(a.Body))
			}
		}
	}
	look(reflect.TypeFor[content.Document]())
	look(reflect.TypeFor[content.Revision]())
	look(reflect.TypeFor[content.Event]())
	return sortedKeys(toAny(names))
}

func toAny(in map[string]bool) map[string]any {
	out := map[string]any{}
	for k := range in {
		out[k] = k
	}
	return out
}

// declares says whether an object of a body has that member.
func declares(t reflect.Type, place, member string) bool {
	for _, part := range strings.Split(place, "/")[1:] {
		for t.Kind() == reflect.Slice {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct {
			return true // the fields of a document: the type declares them
		}
		for i := range t.NumField() {
			if name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); name == part {
				t = t.Field(i).Type
				break
			}
		}
	}
	for t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return true
	}
	for i := range t.NumField() {
		if name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); name == member {
			return true
		}
	}
	return false
}

// TestNothingShownCanBeAssigned: whatever a view shows or the store keeps, state,
// author, live, version, hash, erased, is no member of a body that does not
// declare it: it is refused by name, and nothing changes.
func TestNothingShownCanBeAssigned(t *testing.T) {
	w := newWorld(t, withRogue(t), withSite(t))
	names := shownNames(w.server.operations)
	for _, must := range []string{"state", "author", "live", "grants", "version", "published_at", "handed_in", "id", "created_at", "erased_at", "hash", "owner", "last_event", "_links"} {
		if !slices.Contains(names, must) {
			t.Errorf("%q is not among the names that are tried", must)
		}
	}
	tried := 0
	for op, example := range bodied(w, examples(t, w)) {
		r := example()
		var tree any
		w.must(json.Unmarshal([]byte(r.body), &tree))
		at := places(tree, "", false)
		refuse := func(body, named string, code int) {
			a := w.send(r.who, op.Method, r.path, body, r.headers...)
			tried++
			var p Problem
			if json.Unmarshal(a.body, &p); a.StatusCode != code || named != "" && !says(p, named) {
				t.Errorf("%s: %s: %d %s", op.ID, body, a.StatusCode, a.body)
			}
		}
		refuse(altered(t, r.body, "", func(v any) any { v.(map[string]any)["warm"] = 1; return v }), "/warm", 422) // the trace of the day is there
		w.unchanged(op.ID, func() {
			for _, place := range at {
				for _, name := range names {
					for _, member := range []string{name, strings.ToUpper(name[:1]) + name[1:], name + "\x00", " " + name} {
						if member != name && (place != "" || tried%3 != 0) || declares(reflect.TypeOf(op.Body), place, member) {
							continue
						}
						for _, value := range []any{"administrator", map[string]any{"name": "published"}}[:1+tried%2] {
							refuse(altered(t, r.body, place, func(v any) any { v.(map[string]any)[member] = value; return v }), pointer(place, member), 422)
						}
					}
				}
			}
		})
	}
	if tried < 1000 {
		t.Errorf("only %d were tried", tried)
	}
	t.Logf("%d bodies, %d names", tried, len(names))
}

func anyTree(t *testing.T, body string) any {
	t.Helper()
	var tree any
	if err := json.Unmarshal([]byte(body), &tree); err != nil {
		t.Fatal(err)
	}
	return tree
}

// TestHostileBodies: every operation that reads JSON refuses what two programs
// might read differently, what has no end, and what is packed; nothing changes.
func TestHostileBodies(t *testing.T) {
	w := newWorld(t, withRogue(t), withSite(t))
	packed := func(body string) string {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = io.WriteString(z, body)
		_ = z.Close()
		return b.String()
	}
	for op, example := range bodied(w, examples(t, w)) {
		r := example()
		first := "" // some member of the body
		var tree map[string]any
		w.must(json.Unmarshal([]byte(r.body), &tree))
		for _, k := range sortedKeys(tree) {
			first = k
			break
		}
		if first == "" {
			first = "note"
			r.body = `{"note":"x"}`
		}
		member := quote(first)
		rest := strings.TrimPrefix(r.body, "{")
		big := quote(strings.Repeat("a", 1<<20-200))
		for _, place := range places(anyTree(t, r.body), "", true) {
			a := w.send(r.who, op.Method, r.path, altered(t, r.body, place, func(any) any { return strings.Repeat("lungo ", 170_000) }), r.headers...)
			if a.StatusCode < 400 || a.StatusCode >= 500 || len(a.body) > 4<<10 {
				t.Errorf("%s: a megabyte at %s: %d, and %d bytes: %.300s", op.ID, place, a.StatusCode, len(a.body), a.body)
			}
		}
		type hostile struct {
			what, body string
			headers    []string
			status     []int
		}
		list := []hostile{
			{"a key twice", `{` + member + `:"administrator",` + rest, nil, []int{400}},
			{"a key twice, once escaped", `{"\u00` + fmt.Sprintf("%02x", first[0]) + first[1:] + `":"administrator",` + rest, nil, []int{400}},
			{"a key in capitals", `{"` + strings.ToUpper(first) + `":"administrator",` + rest, nil, []int{422}},
			{"a prototype", `{"__proto__":{"role":"administrator"},"constructor":{"prototype":{"role":"administrator"}},` + rest, nil, []int{422}},
			{"a number without end", `{"x":1e999,` + rest, nil, []int{422}},
			{"a number beyond all", `{` + member + `:` + strings.Repeat("9", 5000) + `}`, nil, []int{422}},
			{"no number", `{"x":NaN,` + rest, nil, []int{400}},
			{"deep lists", `{"x":` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + `,` + rest, nil, []int{400}},
			{"deep objects", strings.Repeat(`{"x":`, 10_000) + "1" + strings.Repeat("}", 10_000), nil, []int{400}},
			{"deep in a member", `{` + member + `:` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + `}`, nil, []int{400}},
			{"half a character", `{"x":"\ud800",` + rest, nil, []int{400}},
			{"half a character in a member", `{` + member + `:"\udc00x"}`, nil, []int{400}},
			{"no UTF-8", "{\"x\":\"\xff\"," + rest, nil, []int{400}},
			{"overlong UTF-8", "{\"x\":\"\xc0\xaf\"," + rest, nil, []int{400}},
			{"a mark of byte order", "\ufeff" + r.body, nil, []int{400}},
			{"UTF-16", "\xfe\xff\x00{\x00}", nil, []int{400}},
			{"something behind it", r.body + r.body, nil, []int{400}},
			{"a comment", "/* */" + r.body, nil, []int{400}},
			{"a list", "[" + r.body + "]", nil, []int{422}},
			{"nothing", "null", nil, []int{422}},
			{"a long text", `{` + member + `:` + big + `}`, nil, []int{422}},
			{"a long key", `{` + big + `:1,` + rest, nil, []int{413, 422}},
			{"too long a text", `{` + member + `:` + quote(strings.Repeat("a", 1<<20)) + `}`, nil, []int{413}},
			{"gzip", packed(r.body), []string{"Content-Encoding", "gzip"}, []int{415}},
			{"gzip unannounced", packed(r.body), nil, []int{400}},
			{"said to be gzip", r.body, []string{"Content-Encoding", "gzip"}, []int{415}},
			{"deflate", r.body, []string{"Content-Encoding", "deflate"}, []int{415}},
			{"br", r.body, []string{"Content-Encoding", "br"}, []int{415}},
			{"zstd", r.body, []string{"Content-Encoding", "zstd"}, []int{415}},
			{"identity and gzip", r.body, []string{"Content-Encoding", "identity, gzip"}, []int{415}},
			{"a form", "a=b", []string{"Content-Type", typeForm}, []int{415}},
			{"plain text", r.body, []string{"Content-Type", "text/plain"}, []int{415}},
			{"another charset", r.body, []string{"Content-Type", "application/json; charset=utf-7"}, []int{415}},
			{"XML", "<x/>", []string{"Content-Type", "application/xml"}, []int{415}},
		}
		w.send(r.who, op.Method, r.path, "[]", r.headers...) // the trace of the day is there
		w.unchanged(op.ID, func() {
			for _, h := range list {
				a := w.send(r.who, op.Method, r.path, h.body, append(slices.Clone(r.headers), h.headers...)...)
				if !slices.Contains(h.status, a.StatusCode) || a.Header.Get("Content-Type") != "application/problem+json" {
					t.Errorf("%s, %s: %d, want %v: %.300s", op.ID, h.what, a.StatusCode, h.status, a.body)
				}
				if len(a.body) > 16<<10 {
					t.Errorf("%s, %s: the answer repeats %d bytes", op.ID, h.what, len(a.body))
				}
			}
		})
	}
}

// TestPackedUploads: files and forms are not unpacked either.
func TestPackedUploads(t *testing.T) {
	s := newStage(t)
	c := s.caller("contributor")
	raw := string(s.picture())
	s.send("", "POST", "/api/v1/manage/media", raw, append(slices.Clone(c.token), "Content-Type", "application/octet-stream")...).want(t, 201)
	s.unchanged("packed uploads", func() {
		for _, coding := range []string{"gzip", "deflate", "br", "x-gzip", "identity, gzip"} {
			for path, h := range map[string][]string{
				"/api/v1/manage/media": append(slices.Clone(c.token), "Content-Type", "application/octet-stream"), "/auth/account/sessions": append(slices.Clone(c.session), "Content-Type", typeForm),
				"/auth/link/x": {"Content-Type", typeForm},
			} {
				body := raw
				if path != "/api/v1/manage/media" {
					body = "form_token=" + c.form
				}
				if a := s.send("", "POST", path, body, append(slices.Clone(h), "Content-Encoding", coding)...); a.StatusCode != 415 {
					t.Errorf("%s, %s: %d %s", path, coding, a.StatusCode, a.body)
				}
			}
		}
	})
}

// TestHostileIDs: a part of a path is one spelling of one id. Everything else is
// not there, for those too who see everything, and nothing changes.
func TestHostileIDs(t *testing.T) {
	s := newStage(t)
	means := append(slices.Clone(s.caller("admin").token), "If-Match", "*")
	doc, _ := s.thing(documents[3], "admin")
	on, _ := s.thing(files[6], "admin")
	other := s.newPerson("editor")
	real := map[string]string{
		"id": doc.id, "media": on.id, "file": on.params["file"], "locale": "it", "number": "1", "transition": "withdraw", "grant": "editor", "to": "edo", "session": other.sessionID,
		"token": "MSB4IHggeCB4IHggeCB4IHggeCB4IHggeCB4IHggeCB4IHggeA",
	}
	s.send("", "PATCH", "/api/v1/manage/documents/x/variants/it", `{}`, means...) // the trace of the day is there
	spell := func(v string) []string {
		return []string{
			"%7B" + v + "%7D", "urn:uuid:" + v, strings.ReplaceAll(v, "-", "") + "-", v + "%00", "%00" + v, v + "%0d%0aX-Evil:%201", "%20" + v, v + "%20", "%2e%2e%2f" + v, "x%2f..%2f" + v,
			v + "%2f", "%2f" + v, "..%2f" + v, v + ";x=1", v + "%3Fx", v + "%23", v + "%e2%80%ae", v + "%c3%28", "%ff" + v, "*", "%24ne", "%7B%22%24ne%22%3Anull%7D", "-1", "0x1", "1e0", "%2b1", "٣", "null", "undefined",
			strings.Repeat("a", 10_000), "%252e%252e%252f" + v, v + "%5c", "\\" + v, "%c0%ae%c0%ae%c0%af" + v, strings.Repeat("%2e%2e%2f", 8) + "etc%2fpasswd",
		}
	}
	s.unchanged("hostile ids", func() {
		for _, op := range s.server.operations {
			if !strings.Contains(op.Route, "{") {
				continue
			}
			for _, p := range op.Params {
				if p.In != "path" {
					continue
				}
				right := real[p.Name]
				if p.Name == "id" && strings.Contains(op.Route, "/media/") {
					right = on.id
				} else if p.Name == "id" && strings.Contains(op.Route, "/people/") {
					right = other.person
				} else if p.Name == "id" && strings.Contains(op.Route, "/tokens/") {
					right = other.tokenID
				} else if p.Name == "id" && strings.Contains(op.Route, "/sessions/") {
					right = other.sessionID
				}
				list := spell(or(right, "x"))
				if strings.ToUpper(right) != right && p.Name != "locale" {
					list = append(list, strings.ToUpper(right))
				}
				for _, wrong := range list {
					path := op.Route
					for _, q := range op.Params {
						if q.In == "path" {
							path = strings.ReplaceAll(path, "{"+q.Name+"}", map[bool]string{true: wrong, false: or(real[q.Name], "x")}[q.Name == p.Name])
						}
					}
					body := ""
					if op.Body != nil {
						body = `{}`
					}
					if op.Method == http.MethodDelete && p.Name == "to" {
						continue // it ends what is there no longer
					}
					a := s.send("", op.Method, path, body, means...)
					if a.StatusCode < 400 && !(op.Page && a.StatusCode == 303) || a.StatusCode >= 500 {
						t.Errorf("%s %.200s: %d %.200s", op.Method, path, a.StatusCode, a.body)
					}
					if a.Header.Get("X-Evil") != "" {
						t.Errorf("%s: a header of its own", path)
					}
				}
			}
		}
	})
}

// TestHostilePaths: no way of writing a path leads around a wall.
func TestHostilePaths(t *testing.T) {
	s := newStage(t)
	doc, _ := s.thing(documents[8], "admin") // Milano's
	reviewer := s.caller("reviewer").token
	for _, path := range []string{
		"/api/v1/manage/documents/./" + doc.id, "/api/v1/manage//documents/" + doc.id, "//api/v1/manage/documents/" + doc.id, "/api/v1/../v1/manage/documents/" + doc.id, "/api/v1/manage/documents/x/../" + doc.id,
		"/api/v1/manage/documents/" + doc.id + "/", "/api/v1/manage/documents/" + doc.id + "/.", "/api/v1/manage/documents/" + doc.id + "%2fvariants%2fit", "/api/v1/manage/documents%2f" + doc.id, "/API/v1/manage/documents/" + doc.id,
		"/api/v1/manage/documents/" + doc.id + "?x=1", "/api/v1/manage/documents/" + doc.id + "/variants/IT", "/api/v1/practices/../manage/documents/" + doc.id, "/api/v1/practices/" + doc.id, "/docs/../api/v1/manage/documents/" + doc.id,
		"/api/v1/manage/documents/" + doc.id + "/variants/it/../../events", "/media/../api/v1/manage/documents/" + doc.id, "/api/v1/manage/documents/" + doc.id + ";/", "/api/v1/manage/documents?id=" + doc.id,
	} {
		for _, h := range [][]string{reviewer, append(slices.Clone(reviewer), "X-Original-URL", "/api/v1/manage/audit"), append(slices.Clone(reviewer), "X-HTTP-Method-Override", "DELETE"), append(slices.Clone(reviewer), "X-Rewrite-URL", "/metrics")} {
			a := s.send("", "GET", path, "", h...)
			if a.StatusCode < 300 || a.StatusCode >= 500 {
				t.Errorf("%s: %d %s", path, a.StatusCode, a.body)
			}
			for _, mark := range doc.marks {
				if mark != doc.id && bytes.Contains(a.body, []byte(mark)) {
					t.Errorf("%s tells %q", path, mark)
				}
			}
		}
	}
}

// TestHostileIfMatch: only the tag of what is there now lets a change through, or
// the star that asks for no comparison.
func TestHostileIfMatch(t *testing.T) {
	s := newStage(t)
	means := s.caller("contributor").token
	doc, _ := s.thing(documents[1], "contributor")
	another, _ := s.thing(documents[3], "contributor")
	path := "/api/v1/manage/documents/" + doc.id + "/variants/it"
	tag := s.send("", "GET", path, "", means...).want(t, 200).Header.Get("ETag")
	theirs := s.send("", "GET", "/api/v1/manage/documents/"+another.id+"/variants/it", "", means...).want(t, 200).Header.Get("ETag")
	body := `{"fields":{"summary":"Altro"}}`
	s.send("", "PATCH", path, body, append(slices.Clone(means), "If-Match", `"0.0.0"`)...).want(t, 412) // the trace of the day is there
	s.unchanged("If-Match", func() {
		for _, wrong := range []string{
			`""`, `"0.0.0"`, `"1.1.1"`, theirs, strings.Trim(tag, `"`), tag + `, "x"`, `"x", ` + tag, `*, ` + tag, `W/` + `*`, `"*"`, `w/` + tag, "W/ " + tag, tag + tag, `"` + tag + `"`, strings.ReplaceAll(tag, ".", ",") + `;`,
			`"-1.-1.-1"`, `"99999999999999999999.1.1"`, `"1e0.1.1"`, `"` + strings.Repeat("1.", 9000) + `"`, `"{\"$gt\":\"\"}"`, "null", "\ttrue", `"` + "\u202e" + `"`,
		} {
			a := s.send("", "PATCH", path, body, append(slices.Clone(means), "If-Match", wrong)...)
			if a.StatusCode != 400 && a.StatusCode != 412 && a.StatusCode != 428 {
				t.Errorf("If-Match %.80q (now %s): %d %s", wrong, tag, a.StatusCode, a.body)
			}
		}
		req, err := http.NewRequest("PATCH", s.http.URL+path, strings.NewReader(body))
		s.must(err)
		req.Header = http.Header{"If-Match": {tag, `"0.0.0"`}, "Content-Type": {"application/json"}, means[0]: {means[1]}}
		res, err := http.DefaultTransport.RoundTrip(req)
		s.must(err)
		defer res.Body.Close()
		if res.StatusCode != 400 {
			t.Errorf("two If-Match: %d", res.StatusCode)
		}
	})
	s.send("", "PATCH", path, body, append(slices.Clone(means), "If-Match", tag)...).want(t, 200)
}

// sink gathers a log.
type sink struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

// TestNoForgedLines: what callers send makes no line of the log and no header of
// an answer, and nothing that turns the direction of either.
func TestNoForgedLines(t *testing.T) {
	log := &sink{}
	w := newWorld(t, withRogue(t), withSite(t), func(o *Options) {
		o.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	calls := examples(t, w)
	tricks := []string{"x\r\nlevel=FORGED msg=forged", "x\nlevel=FORGED\x00", "x\u202elevel=FORGED\u2066", "x\u2028level=FORGED\u0085level=FORGED", "x\x1b[31mlevel=FORGED"}
	sent := 0
	look := func(op *operation, a answered) {
		t.Helper()
		sent++
		if a.StatusCode >= 500 {
			t.Errorf("%s: %d %s", op.ID, a.StatusCode, a.body)
		}
		for name, values := range a.Header {
			text := name + strings.Join(values, " ")
			if strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' }) {
				t.Errorf("%s: the header %s is %q", op.ID, name, values)
			}
		}
	}
	for op, example := range bodied(w, calls) {
		r := example()
		var tree any
		w.must(json.Unmarshal([]byte(r.body), &tree))
		for _, place := range places(tree, "", true) {
			for _, trick := range tricks {
				if strings.HasPrefix(place, "/fields") {
					r = example() // it may be taken
				}
				look(op, w.send(r.who, op.Method, r.path, altered(t, r.body, place, func(any) any { return trick }), r.headers...))
			}
		}
	}
	for _, op := range w.server.operations {
		route := op.Route
		for _, p := range op.Params {
			for _, trick := range tricks {
				v := url.QueryEscape(trick)
				switch p.In {
				case "path":
					look(op, w.send("ada", op.Method, strings.ReplaceAll(route, "{"+p.Name+"}", url.PathEscape(trick)), ""))
				case "query":
					look(op, w.send("ada", op.Method, route+"?"+p.Name+"="+v, ""))
				}
			}
		}
		for _, trick := range []string{"x level=FORGED\u202e", "x\u0085level=FORGED\u2028"} {
			for _, name := range []string{"User-Agent", "Accept-Language", "Referer", "X-Request-Id", "X-Forwarded-For", "Forwarded", "Cookie", "If-Match", "If-None-Match", "Authorization", "Content-Disposition", "Range", "Origin"} {
				look(op, w.send("", op.Method, route, "", name, trick))
			}
		}
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(log.b.String(), "\n"), "\n") {
		if !strings.HasPrefix(line, "time=") || strings.Contains(strings.TrimPrefix(line, "time="), "\ntime=") {
			t.Errorf("a line of the log was forged: %.300q", line)
		}
		if strings.ContainsFunc(line, func(r rune) bool {
			return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029'
		}) {
			t.Errorf("a line of the log turns or breaks: %.300q", line)
		}
		if level := strings.SplitN(line, " ", 3)[1]; !slices.Contains([]string{"level=DEBUG", "level=INFO", "level=WARN", "level=ERROR"}, level) {
			t.Errorf("level %q", level)
		}
		if rest, ok := strings.CutPrefix(line, "time="); ok && strings.Contains(rest, " level=FORGED") && !strings.Contains(rest, `"`) {
			t.Errorf("a forged member: %s", line)
		}
	}
	if sent < 500 || strings.Count(log.b.String(), "\n") < 500 {
		t.Errorf("%d requests, %d lines", sent, strings.Count(log.b.String(), "\n"))
	}
}
