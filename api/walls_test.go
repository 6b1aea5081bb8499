package api

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/media"
	"github.com/prassi-cms/prassi/schemas"
)

// hidden is what outsiders must not learn of: drafts of every type, in Milano and
// of the organisation altra-riva, with a word of their own in every field.
type hidden struct {
	*stage
	secrets []string            // words, ids, slugs, hashes
	ids     []string            // of documents
	slugs   map[string][]string // by type
	media   media.Item
	by      content.Actor // who made them
	files   []string      // their addresses
}

// marked puts a word into every text of a sample that is free.
func marked(v any, word string) any {
	switch v := v.(type) {
	case string:
		for _, old := range []string{"Testo di", "Un titolo", "Legge 40/1998", "Scadenza", "example.org"} {
			to := word
			if old == "example.org" {
				to = word + "." + old
			}
			v = strings.ReplaceAll(v, old, to)
		}
		return v
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = marked(v[i], word)
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for k := range v {
			out[k] = marked(v[k], word)
		}
		return out
	}
	return v
}

func hide(t *testing.T) *hidden {
	s := newStage(t)
	s.fill()
	h := &hidden{stage: s, slugs: map[string][]string{}}
	ctx := context.Background()
	word := func() string {
		w := "zqxwk" + s.next()
		h.secrets = append(h.secrets, w)
		return w
	}
	by := content.Actor{ID: "person:" + s.newPerson("contributor@altra-riva").person, Via: "command", Grants: s.grants("administrator")}
	h.secrets = append(h.secrets, by.ID)
	var err error
	h.media, err = s.media.Add(ctx, by, media.NewItem{Owner: "altra-riva", Name: word() + ".png", Alt: word()}, bytes.NewReader(s.picture()))
	s.must(err)
	h.secrets = append(h.secrets, h.media.ID)
	for _, typ := range s.server.schemas.Types() {
		for _, live := range []bool{false, true} { // a draft, and the draft behind something live
			w := word()
			fields := map[string]any{}
			for _, f := range typ.Fields {
				if v := sample(f, nil); v != nil && f.Kind != "media" {
					fields[f.Name] = marked(v, w)
				}
			}
			fields["title"] = "Titolo " + w
			slug := "nascosto-" + w
			var doc *content.Document
			if live {
				plain := map[string]any{}
				for _, f := range typ.Fields {
					if v := sample(f, nil); v != nil {
						plain[f.Name] = v
					}
				}
				s.incoming(content.Incoming{Type: typ.Name, Owner: "altra-riva", Variants: []content.IncomingVariant{{Locale: "it", Slug: "noto-" + s.next(), Fields: plain, Publish: true}}})
				found := s.catalog.Get(typ.Collection, fmt.Sprintf("noto-%06d", s.serial), "it")
				doc, err = s.service.Edit(ctx, by, found.Entry.ID(), "it", "*", content.Edit{Fields: fields, Slug: slug, Note: w})
				s.must(err)
			} else {
				for _, f := range typ.Fields {
					if f.Kind == "markdown" {
						fields[f.Name] = fmt.Sprint(fields[f.Name], "\n\n[", w, "](/media/", h.media.ID, "/", h.media.Files[0].Name, ")")
						break
					}
				}
				doc, err = s.service.Create(ctx, by, content.NewVariant{Type: typ.Name, Locale: "it", Owner: "altra-riva", Slug: slug, Fields: fields, Note: w})
				s.must(err)
				h.ids = append(h.ids, doc.ID)
				h.secrets = append(h.secrets, doc.ID)
			}
			h.slugs[typ.Name] = append(h.slugs[typ.Name], slug)
			h.secrets = append(h.secrets, doc.Variant("it").Latest.Hash)
			for _, step := range []string{"submit", "request_changes"} {
				if s.service.Workflow(typ.Name).Transition(step) != nil {
					doc, err = s.service.Transition(ctx, system, doc.ID, "it", "*", content.Step{Name: step, Comment: "Commento " + w})
					s.must(err)
				}
			}
		}
	}
	s.catchUp()
	return h
}

// outsiders are the columns that stand behind the walls.
var outsiders = []string{"nobody", "no roles", "has left", "contributor", "reviewer", "secretary", "delegate", "partner"}

// leaks lists the secrets in an answer that the request did not name.
func (h *hidden) leaks(a answered, named string) []string {
	var b bytes.Buffer
	_ = a.Header.Write(&b)
	b.Write(a.body)
	text := strings.ToLower(b.String())
	var out []string
	for _, s := range h.secrets {
		if strings.Contains(text, strings.ToLower(s)) && !strings.Contains(strings.ToLower(named), strings.ToLower(s)) {
			out = append(out, s)
		}
	}
	return out
}

// guesses are the values that somebody may try for a parameter; cursors are those
// that an administrator was given.
func (h *hidden) guesses(p param, cursors []string) []string {
	out := map[string][]string{
		"id": append(slices.Clone(h.ids), h.media.ID, "edo", "me"), "media": {h.media.ID}, "locale": {"it", "en"}, "number": {"1", "2"}, "code": {"slug_taken"},
		"provider": {"nessuno"}, "secret": {"nessuno"}, "session": {"AAAAAAAAAAAA"}, "to": {"edo"}, "grant": {"editor"}, "transition": {"publish"},
		"territory": {"MI", "015", "03", "Milano"}, "within": {"MI"}, "owner": {"altra-riva"}, "organization": {h.slugs["organization"][0], "altra-riva", h.ids[0]},
		"limit": {"1", "100"}, "q": {h.secrets[0], "titolo"}, "near": {"45.46,9.19"}, "radius": {"1000000"}, "bbox": {"-180,-90,180,90"}, "since": {"0", "1", "2020-01-01T00:00:00Z"},
		"topic": {"housing", "participation-volunteering"}, "fields": {"title,fields.title,html", "slug"}, "fallback": {"ar,it,en"}, "mine": {"true"}, "all": {"true"}, "facets": {"type,organization,territory,topic,year"}, "locales": {"it,ar"},
		"subject": {"media:" + h.media.ID, "person:edo"}, "from": {"0", "1", "2020-01-01"}, "next": {"/docs"},
		"cursor": cursors, "state": nil, "If-None-Match": {"*"},
	}[p.Name]
	if p.Name == "to" && p.In == "query" {
		out = []string{"1", "2", "2099-01-01"}
	}
	if p.Name == "slug" {
		for _, list := range h.slugs {
			out = append(out, list...)
		}
	}
	if p.Name == "file" {
		out = []string{h.media.Files[0].Name, "practice.json"}
	}
	for _, e := range p.Schema.Enum {
		out = append(out, fmt.Sprint(e))
	}
	if len(out) == 0 && p.In == "path" {
		out = []string{"x"}
	}
	return out
}

// addresses are the ways of calling a GET operation: every path with no
// parameter, with each of them, and with each two of them.
func (h *hidden) addresses(op *operation, cursors []string) []string {
	paths := []string{op.Route}
	var pairs [][2]string
	for _, p := range op.Params {
		values := h.guesses(p, cursors)
		switch p.In {
		case "path":
			var next []string
			for _, path := range paths {
				for _, v := range values {
					next = append(next, strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(v)))
				}
			}
			paths = next
		case "query":
			for _, v := range values {
				pairs = append(pairs, [2]string{p.Name, v})
			}
		}
	}
	out := slices.Clone(paths)
	for i, a := range pairs {
		one := "?" + a[0] + "=" + url.QueryEscape(a[1])
		out = append(out, paths[0]+one)
		if len(paths) > 1 {
			out = append(out, paths[len(paths)-1]+one)
		}
		for _, b := range pairs[i+1:] {
			if a[0] != b[0] && (b[0] == "cursor" || b[0] == "limit" || b[0] == "sort" || len(pairs) < 12) {
				out = append(out, paths[0]+one+"&"+b[0]+"="+url.QueryEscape(b[1]))
			}
		}
	}
	return out
}

// TestWalls: whatever an outsider asks, by every operation that reads, with every
// filter, sort, cursor, id and entity tag that an administrator has, no word, id,
// slug or hash of what is hidden comes back.
func TestWalls(t *testing.T) {
	h := hide(t)
	admin := h.caller("admin").token
	told := map[string]bool{} // secrets that the administrator is told
	asked := 0
	for _, op := range h.server.operations {
		if op.Method != http.MethodGet {
			continue
		}
		// What the administrator gets, to steal cursors and entity tags from.
		tags := map[string]string{}
		var cursors []string
		for _, address := range h.addresses(op, nil) {
			if op.Access != signed && tags[""] != "" {
				break // everybody gets the same
			}
			a := h.send("", "GET", address, "", admin...)
			for _, s := range h.leaks(a, "") {
				told[s] = true
			}
			if tag := a.Header.Get("ETag"); tag != "" {
				tags[address] = tag
			}
			if _, rest, ok := strings.Cut(string(a.body), "cursor="); ok && len(cursors) < 8 {
				c, _, _ := strings.Cut(rest, `"`)
				c, _, _ = strings.Cut(c, `\u0026`)
				if c, err := url.QueryUnescape(c); err == nil && !slices.Contains(cursors, c) {
					cursors = append(cursors, c)
				}
			}
			if op.Access != signed {
				tags[""] = "once"
			}
		}
		addresses := h.addresses(op, cursors)
		for _, name := range outsiders {
			if op.Access != signed && name != "nobody" && name != "reviewer" && op.Route != "/media/{media}/{file}" {
				continue // it does not look who asks
			}
			if op.Access == signed && (name == "nobody" || name == "no roles") {
				addresses := addresses[:min(len(addresses), 12)]
				h.outside(op, name, addresses, tags, &asked)
				continue
			}
			h.outside(op, name, addresses, tags, &asked)
		}
	}
	for _, s := range h.secrets {
		if !told[s] {
			t.Errorf("the administrator is not told %q either: the test shows nothing", s)
		}
	}
	t.Logf("%d requests by outsiders", asked)
}

func (h *hidden) outside(op *operation, name string, addresses []string, tags map[string]string, asked *int) {
	means := h.caller(name).means()[0]
	for _, address := range addresses {
		headers := [][]string{means}
		if tag := tags[address]; tag != "" && tag != "once" {
			headers = append(headers, append(slices.Clone(means), "If-None-Match", tag))
		}
		for _, with := range headers {
			*asked++
			a := h.send("", "GET", address, "", with...)
			if found := h.leaks(a, unescaped(address)); found != nil {
				h.t.Errorf("%s: GET %s tells %s %q:\n%.600s", op.ID, address, name, found, a.body)
			}
			if a.StatusCode >= 500 {
				h.t.Errorf("%s: GET %s: %d for %s: %s", op.ID, address, a.StatusCode, name, a.body)
			}
			// Who names something hidden is told what is told of something invented.
			if invented := h.invented(address); invented != address {
				b := h.send("", "GET", invented, "", with...)
				if x, y := anonymised(a, ""), anonymised(b, ""); !bytes.Equal(h.forgotten(x), h.forgotten(y)) {
					h.t.Errorf("%s: %s can tell GET %s:\n%.900s\nfrom %s:\n%.900s", op.ID, name, address, x, invented, y)
				}
			}
		}
	}
}

func unescaped(s string) string {
	if out, err := url.QueryUnescape(s); err == nil {
		return out
	}
	return s
}

// invented replaces what is hidden in a request by what never was, of the same
// length.
func (h *hidden) invented(text string) string {
	for _, id := range h.ids {
		text = strings.ReplaceAll(strings.ReplaceAll(text, id, ghost), strings.ToUpper(id), strings.ToUpper(ghost))
	}
	text = strings.ReplaceAll(text, h.media.ID, strings.Repeat("a", 26))
	return strings.ReplaceAll(text, "zqxwk0", "zqxwk9")
}

// forgotten makes two answers equal that differ in what the request named.
func (h *hidden) forgotten(a []byte) []byte { return []byte(h.invented(string(a))) }

// TestWallsAgainstWrites: what an outsider writes about something hidden is
// answered as if it did not exist.
func TestWallsAgainstWrites(t *testing.T) {
	h := hide(t)
	types := h.server.schemas.Types()
	id := func(typ string) string {
		return h.ids[slices.IndexFunc(types, func(t *schemas.Type) bool { return t.Name == typ })]
	}
	const create = "/api/v1/manage/documents"
	own := func(c *caller) Variant {
		var v Variant
		h.send("", "POST", create, `{"type":"practice","locale":"it","owner":"orti-insieme","fields":{"title":"Nostra `+h.next()+`","territories":["PO"]}}`, c.means()[0]...).want(t, 201).into(t, &v)
		return v
	}
	for _, name := range []string{"contributor", "partner", "editor"} {
		c := h.caller(name)
		means := c.means()[0]
		mine := variantPath(own(c))
		same := func(method, path, body string, more ...string) {
			t.Helper()
			headers := append(append(slices.Clone(means), "If-Match", "*"), more...)
			a, b := h.send("", method, path, body, headers...), h.send("", method, h.invented(path), h.invented(body), headers...)
			if name == "editor" { // sees it: the test is worth something
				if short(a) == short(b) {
					t.Errorf("%s %s %s: even an editor is told %s", method, path, body, short(a))
				}
				return
			}
			if found := h.leaks(a, path+body); found != nil {
				t.Errorf("%s %s %s tells %s %q", method, path, body, name, found)
			}
			if x, y := h.forgotten(anonymised(a, "")), h.forgotten(anonymised(b, "")); !bytes.Equal(x, y) {
				t.Errorf("%s can tell %s %s %s:\n%s\nfrom what never was:\n%s", name, method, path, body, x, y)
			}
		}
		for _, ref := range []string{id("organization"), h.slugs["organization"][0], "organization/" + h.slugs["organization"][0], strings.ToUpper(id("organization"))} {
			same("PATCH", mine, `{"fields":{"organization":`+quote(ref)+`}}`)
			if name != "editor" {
				same("POST", create, `{"type":"practice","locale":"it","owner":"orti-insieme","fields":{"title":"Altra `+h.next()+`","organization":`+quote(ref)+`}}`)
			}
		}
		if name == "editor" {
			continue
		}
		for typ, at := range map[string]string{"practice": variantPath(Variant{ID: id("practice"), Locale: "it"}), "article": variantPath(Variant{ID: id("article"), Locale: "it"})} {
			for _, tag := range []string{"*", `"1.1.1"`, `W/"2.1.1"`, `"9.9.9"`} {
				same("PATCH", at, `{"fields":{"title":"x"}}`, "If-Match", tag)
				same("PATCH", at, `{"fields":{"nothing":"x"}}`, "If-Match", tag)
				same("POST", at+"/transitions", `{"transition":"publish"}`, "If-Match", tag)
				same("POST", at+"/revisions/1/restore", `{}`, "If-Match", tag)
				same("POST", create+"/"+id(typ)+"/variants", `{"locale":"fr","fields":{"title":"x"}}`, "If-Match", tag)
				same("DELETE", create+"/"+id(typ), "", "If-Match", tag)
				same("DELETE", at+"/schedule/publish", "", "If-Match", tag)
			}
			same("GET", at+"/comparison?from=0&to=1", "")
		}
		same("PATCH", mine, `{"fields":{"image":{"src":"/media/`+h.media.ID+`/4.png","alt":"x"}}}`)
		same("PATCH", "/api/v1/manage/media/"+h.media.ID, `{"alt":"x"}`)
		same("DELETE", "/api/v1/manage/media/"+h.media.ID, "")
	}
}

// TestHiddenFilesAreNotHungUpAtHome: who knows the address of a hidden file and
// puts it into a draft of their own, in whatever spelling, does not see it by
// that, and is told what is told of a file that never was.
func TestHiddenFilesAreNotHungUpAtHome(t *testing.T) {
	h := hide(t)
	address := "/media/" + h.media.ID + "/" + h.media.Files[0].Name
	typ, _ := h.server.schemas.Type("service")
	text := typ.Fields[slices.IndexFunc(typ.Fields, func(f *schemas.Field) bool { return f.Kind == "markdown" })].Name
	spellings := []string{
		address, "https://prassi.example" + address, "//prassi.example" + address, "/./media/" + h.media.ID + "/4.png", "/x/.." + address, "/%6dedia/" + h.media.ID + "/4.png",
		address + "?x", address + "#x", "/media//" + h.media.ID + "/4.png", strings.ToUpper(address), "\\media\\" + h.media.ID + "\\4.png",
	}
	for _, name := range []string{"contributor", "secretary", "partner"} {
		means := h.caller(name).means()[0]
		h.send("", "GET", address, "", means...).problem(t, 404, "not_found")
		refused := 0
		for _, spelling := range spellings {
			for _, field := range []string{
				`"image":{"src":` + quote(spelling) + `,"alt":"x"}`, quote(text) + `:` + quote("![x]("+spelling+")"), quote(text) + `:` + quote("[x][y]\n\n[y]: "+spelling),
				quote(text) + `:` + quote("<"+spelling+"> `"+spelling+"`"),
			} {
				body := `{"type":"service","locale":"it","fields":{"title":"Con foto ` + h.next() + `","topics":["work"],"territories":["PO"],` + field + `}}`
				a := h.send("", "POST", "/api/v1/manage/documents", body, means...)
				if strings.Contains(string(a.body), `"media_not_found"`) {
					refused++
				}
				if b := h.send("", "POST", "/api/v1/manage/documents", h.invented(body), means...); a.StatusCode != b.StatusCode || a.StatusCode != 201 && short(a) != short(b) {
					t.Errorf("%s, %s: %s, of a file that never was %s", name, field, short(a), short(b))
				}
				if file := h.send("", "GET", address, "", means...); file.StatusCode != 404 {
					t.Errorf("%s, who wrote %s (%s), gets the file: %d", name, field, short(a), file.StatusCode)
				}
				if item := h.send("", "GET", "/api/v1/manage/media/"+h.media.ID, "", means...); item.StatusCode != 404 {
					t.Errorf("%s, who wrote %s (%s), gets the item: %s", name, field, short(a), item.body)
				}
			}
		}
		if refused < 6 {
			t.Errorf("%s: only %d of the spellings were understood", name, refused)
		}
	}
}

// TestTakenSlugs says what the one key that all share tells: that a slug is taken
// in that type and language, and nothing else.
func TestTakenSlugs(t *testing.T) {
	h := hide(t)
	means := h.caller("contributor").means()[0]
	create := func(more string) answered {
		return h.send("", "POST", "/api/v1/manage/documents", `{"type":"practice","locale":"it","owner":"orti-insieme",`+more+`}`, means...)
	}
	slug := h.slugs["practice"][0]
	a := create(`"slug":` + quote(slug) + `,"fields":{"title":"Nostra"}`)
	if a.StatusCode == 201 { // the better answer: see the report
		return
	}
	a.problem(t, 409, "slug_taken")
	if found := h.leaks(a, slug); found != nil || bytes.Contains(a.body, []byte("altra-riva")) {
		t.Errorf("it tells %q: %s", found, a.body)
	}
	// Somebody else's hidden slug and one's own are refused in the same words.
	create(`"slug":"la-nostra","fields":{"title":"Nostra"}`).want(t, 201)
	b := create(`"slug":"la-nostra","fields":{"title":"Nostra"}`)
	x := bytes.ReplaceAll(anonymised(a, ""), []byte(slug), []byte("SLUG"))
	y := bytes.ReplaceAll(anonymised(b, ""), []byte("la-nostra"), []byte("SLUG"))
	strip := func(b []byte) string {
		_, body, _ := strings.Cut(string(b), "{") // the lengths in the heads differ
		return body
	}
	if strip(x) != strip(y) {
		t.Errorf("whose slug it is can be told:\n%s\n%s", x, y)
	}
	// A slug that is made steps aside, and what it adds is of the new document.
	w := strings.TrimPrefix(slug, "nascosto-")
	var v Variant
	create(`"fields":{"title":`+quote("Nascosto "+w)+`}`).want(t, 201).into(t, &v)
	if tail, ok := strings.CutPrefix(v.Slug, slug+"-"); !ok || !strings.HasSuffix(strings.ReplaceAll(v.ID, "-", ""), tail) {
		t.Errorf("slug %q of document %s", v.Slug, v.ID)
	}
	// Asking leaves traces: who is told that a slug is free has taken it.
	before, err := h.store.LastSeq(context.Background())
	h.must(err)
	create(`"slug":"forse-libero","fields":{"title":"Nostra"}`).want(t, 201)
	if after, err := h.store.LastSeq(context.Background()); err != nil || after != before+1 {
		t.Errorf("the log went from %d to %d: %v", before, after, err)
	}
}
