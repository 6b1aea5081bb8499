package catalog

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/content"
)

func TestItem(t *testing.T) {
	w := newWorld(t)
	w.publish("organization", "org-1", "it", "casa-dei-popoli", values{"title": "Casa dei Popoli"})
	w.publish("article", "art-1", "it", "imparare-insieme", values{
		"title": "Imparare <insieme>", "summary": "Un racconto \"vero\" & breve.", "body": "## Primo\n\nTesto **forte** & D.Lgs. 25 luglio 1998, n. 286.",
		"territories": []string{"MI", "03"}, "topics": []string{"italian-language"}, "organization": "org-1", "author": "Chiara",
		"sources": []any{values{"title": "Istat", "text": "Dati *veri*"}},
	})
	w.publish("article", "art-1", "en", "learning-together", values{"title": "Learning together", "body": "Text", "territories": []string{"MI", "03"}, "topics": []string{"italian-language"}, "organization": "org-1", "author": "Chiara"})
	c := w.open(t.TempDir())
	a := c.Get("articles", "imparare-insieme", "")
	raw, err := a.Entry.AppendTo(nil, Identity)
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	if err := members(raw, func(k string, _ []byte) error { keys = append(keys, k); return nil }); err != nil {
		t.Fatal(err)
	}
	want := []string{"id", "type", "collection", "slug", "locale", "requested_locale", "dir", "title", "summary", "territories", "topics",
		"organization", "published_at", "updated_at", "revision", "fields", "html", "rendered", "toc", "references", "alternates", "_links"}
	if !slices.Equal(keys, want) {
		t.Errorf("keys %v\nwant %v", keys, want)
	}
	for _, secret := range []string{"chiara", "padrone", "segreto", "riservato", "draft"} {
		if bytes.Contains(raw, []byte(secret)) {
			t.Errorf("%q leaks: %s", secret, raw)
		}
	}
	v := item(t, c, "articles", "imparare-insieme", "it")
	for path, want := range map[string]any{
		"title": "Imparare <insieme>", "summary": `Un racconto "vero" & breve.`, "dir": "ltr", "requested_locale": "it",
		"territories.0.acronym": "MI", "territories.0.istat": "015", "territories.0.region": "03", "territories.0.kind": "province",
		"territories.1.kind": "region", "topics.0.label": "Lingua italiana", "organization.title": "Casa dei Popoli",
		"organization.url": "/api/v1/organizations/casa-dei-popoli?locale=it", "fields.organization.type": "organization",
		"fields.author": "Chiara", "alternates.0.locale": "en", "alternates.0.url": "/api/v1/articles/learning-together?locale=en",
		"_links.self": "/api/v1/articles/imparare-insieme?locale=it", "references.0.scheme": "urn:nir",
		"references.0.identifier": "urn:nir:stato:decreto.legislativo:1998-07-25;286",
	} {
		if got := at(v, path); got != want {
			t.Errorf("%s = %v, want %v", path, got, want)
		}
	}
	if html, _ := v["html"].(string); !strings.Contains(html, "<strong>forte</strong>") {
		t.Errorf("html: %s", html)
	}
	if got := at(v, "toc.0.text"); got != "Primo" {
		t.Errorf("toc: %v", v["toc"])
	}
	if html, _ := at(v, "rendered.sources.0").(string); !strings.Contains(html, "<em>veri</em>") {
		t.Errorf("rendered: %v", v["rendered"])
	}
	if english := item(t, c, "articles", "learning-together", "en"); at(english, "topics.0.label") != "Italian language" {
		t.Errorf("topics: %v", english["topics"])
	}
	w.verified(c)
}

// at walks a decoded JSON value.
func at(v any, path string) any {
	for _, k := range strings.Split(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[k]
		case []any:
			i := int(k[0] - '0')
			if i >= len(x) {
				return nil
			}
			v = x[i]
		default:
			return nil
		}
	}
	return v
}

func TestEncodingsAndTags(t *testing.T) {
	w := newWorld(t)
	w.publish("page", "p", "it", "chi-siamo", values{"title": "Chi siamo", "body": strings.Repeat("Accoglienza e integrazione. ", 200)})
	c := w.open(t.TempDir())
	e := c.Get("pages", "chi-siamo", "it").Entry
	tags := map[string]bool{}
	for enc := Identity; enc < encodings; enc++ {
		var buf bytes.Buffer
		n, err := e.WriteTo(&buf, enc)
		if err != nil || int(n) != e.Len(enc) || buf.Len() != e.Len(enc) {
			t.Fatalf("%s: %d bytes, %v", enc.Token(), n, err)
		}
		if enc != Identity && e.Len(enc) > e.Len(Identity)/4 {
			t.Errorf("%s: %d of %d bytes", enc.Token(), e.Len(enc), e.Len(Identity))
		}
		tag := e.ETag(enc)
		if tags[tag] || !strings.HasPrefix(tag, `"`) || !strings.HasSuffix(tag, `"`) {
			t.Errorf("tag %s", tag)
		}
		tags[tag] = true
	}
	if got := e.LastModifiedHTTP(); got != e.LastModified().Format("Mon, 02 Jan 2006 15:04:05 GMT") || e.LastModified().Before(w.now) {
		t.Errorf("last modified %s", got)
	}
	before := e.ETag(Gzip)
	w.edit("page", "p", "it", "chi-siamo", values{"title": "Bozza", "body": "x"})
	w.catchUp(c)
	if e := c.Get("pages", "chi-siamo", "it").Entry; e.ETag(Gzip) != before || e.Title() != "Chi siamo" {
		t.Error("a draft changed what the public sees")
	}
	w.publish("page", "p", "it", "chi-siamo", values{"title": "Chi siamo", "body": "Nuovo"})
	w.catchUp(c)
	if c.Get("pages", "chi-siamo", "it").Entry.ETag(Gzip) == before {
		t.Error("the tag stayed, the bytes did not")
	}
	if b, err := e.AppendTo(nil, Identity); err != nil || !bytes.Contains(b, []byte("Accoglienza")) {
		t.Errorf("an entry held across a publication: %v", err)
	}
}

func TestLocales(t *testing.T) {
	w := newWorld(t)
	w.publish("news", "n", "en", "new-rules", values{"title": "New rules", "body": "x"})
	w.publish("news", "n", "ar", "qawaid", values{"title": "قواعد جديدة", "body": "نص"})
	w.publish("news", "m", "fr", "regles", values{"title": "Règles", "body": "x"})
	c := w.open(t.TempDir())
	for _, x := range []struct {
		slug, asked    string
		outcome        Outcome
		served, answer string
	}{
		{"new-rules", "", Found, "en", "en"},
		{"new-rules", "en", Found, "en", "en"},
		{"new-rules", "ar", Found, "ar", "ar"},
		{"qawaid", "en", Found, "en", "en"},
		{"qawaid", "", Found, "ar", "ar"},
		{"qawaid", "it", Found, "en", "it"},
		{"qawaid", "zh", Found, "en", "zh-Hans"},
		{"regles", "it", Found, "fr", "it"},
		{"regles", "FR", Found, "fr", "fr"},
		{"regles", `x"}<script>`, Found, "fr", "fr"},
		{"nothing", "it", NotFound, "", ""},
	} {
		a := c.Get("news", x.slug, x.asked)
		if a.Outcome != x.outcome {
			t.Errorf("%s in %q: outcome %d", x.slug, x.asked, a.Outcome)
			continue
		}
		if a.Outcome != Found {
			continue
		}
		if e := a.Entry; e.Locale() != x.served || e.RequestedLocale() != x.answer || e.Fallback() != (x.served != x.answer) {
			t.Errorf("%s in %q: %s for %s", x.slug, x.asked, e.Locale(), e.RequestedLocale())
		}
		v := item(t, c, "news", x.slug, x.asked)
		if v["locale"] != x.served || v["requested_locale"] != x.answer {
			t.Errorf("%s in %q: %v for %v", x.slug, x.asked, v["locale"], v["requested_locale"])
		}
	}
	own, other := c.Get("news", "new-rules", "en").Entry, c.Get("news", "new-rules", "zh").Entry
	if own.ETag(Identity) == other.ETag(Identity) || other.Stored(Gzip) || !own.Stored(Gzip) {
		t.Error("a fallback answer must have a tag of its own and no stored encodings")
	}
	if e, ok := c.ByID("n", "it"); !ok || e.Locale() != "en" || !e.Fallback() {
		t.Error("ByID")
	}
	if e, ok := c.ByID("m", ""); !ok || e.Locale() != "fr" || e.Fallback() {
		t.Error("ByID without locale")
	}
	if _, ok := c.ByID("x", ""); ok {
		t.Error("ByID of nothing")
	}
	if c.Get("nowhere", "new-rules", "").Outcome != NotFound {
		t.Error("unknown collection")
	}
	if v := item(t, c, "news", "qawaid", "ar"); v["dir"] != "rtl" {
		t.Error("direction")
	}
}

func TestMovedAndGone(t *testing.T) {
	w := newWorld(t)
	w.publish("article", "a", "it", "vecchio", values{"title": "A", "body": "x"})
	w.publish("article", "a", "en", "old", values{"title": "A", "body": "x"})
	w.publish("article", "b", "it", "altro", values{"title": "B", "body": "x"})
	c := w.open(t.TempDir())
	check := func(slug, locale string, outcome Outcome, to string) {
		t.Helper()
		if a := c.Get("articles", slug, locale); a.Outcome != outcome || a.To != to {
			t.Errorf("%s in %q: %d to %q", slug, locale, a.Outcome, a.To)
		}
	}
	w.publish("article", "a", "it", "nuovo", values{"title": "A", "body": "x"})
	w.catchUp(c)
	check("vecchio", "it", Moved, "/api/v1/articles/nuovo?locale=it")
	check("vecchio", "", Moved, "/api/v1/articles/nuovo?locale=it")
	check("vecchio", "en", Moved, "/api/v1/articles/old?locale=en")
	check("nuovo", "it", Found, "")
	w.verified(c)

	w.withdraw("a", "it")
	w.catchUp(c)
	check("nuovo", "it", Gone, "")
	check("vecchio", "", Gone, "")
	check("old", "it", Found, "") // in English, since Italian is gone
	w.verified(c)
	if _, p := list(t, c, Query{Collection: "articles", Locale: "it"}); p.Total != 1 {
		t.Errorf("%d items", p.Total)
	}

	w.publish("article", "a", "it", "vecchio", values{"title": "A", "body": "x"})
	w.catchUp(c)
	check("vecchio", "it", Found, "")
	check("nuovo", "it", Moved, "/api/v1/articles/vecchio?locale=it")
	w.withdraw("a", "it")
	w.withdraw("a", "en")
	w.catchUp(c)
	check("old", "en", Gone, "")
	check("old", "", Gone, "")
	w.verified(c)
	if s := c.Stats(); s.Items != 1 || s.Documents != 1 || s.Lag != 0 {
		t.Errorf("%+v", s)
	}
}

// Drafts never appear, however they come to be: new, edited after publication,
// submitted, or as shared facts changed by another language.
func TestDrafts(t *testing.T) {
	w := newWorld(t)
	const secret = "NON PUBBLICO"
	w.edit("practice", "d", "it", "bozza", values{"title": secret})
	w.publish("practice", "p", "it", "pubblica", values{"title": "Pubblica", "territories": []string{"RM"}})
	w.edit("practice", "p", "it", "pubblica-segreta", values{"title": secret, "territories": []string{"NA"}})
	w.edit("practice", "p", "en", "draft", values{"title": secret, "territories": []string{"NA"}})
	dir := t.TempDir()
	c := w.open(dir)
	w.edit("practice", "p", "it", "pubblica-segreta-2", values{"title": secret + " 2", "territories": []string{"NA"}})
	w.catchUp(c)
	for _, slug := range []string{"bozza", "pubblica-segreta", "pubblica-segreta-2", "draft"} {
		if a := c.Get("practices", slug, ""); a.Outcome != NotFound {
			t.Errorf("%s: outcome %d", slug, a.Outcome)
		}
	}
	if slugs, _ := list(t, c, Query{Collection: "practices", Territory: []string{"NA"}}); len(slugs) != 0 {
		t.Errorf("draft territories find %v", slugs)
	}
	if slugs, _ := list(t, c, Query{Collection: "practices", Q: secret}); len(slugs) != 0 {
		t.Errorf("draft words find %v", slugs)
	}
	w.verified(c)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, segmentName))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(data, []byte(secret)) || bytes.Contains(data, []byte("segreta")) {
		t.Error("the file holds a draft")
	}
}

// Items that show another document follow its title, address and withdrawal.
func TestDependents(t *testing.T) {
	w := newWorld(t)
	w.publish("service", "s", "it", "sportello", values{"title": "Sportello", "organization": "o"})
	c := w.open(t.TempDir())
	organization := func() any {
		w.catchUp(c)
		return at(item(t, c, "services", "sportello", "it"), "organization.title")
	}
	if got := organization(); got != nil {
		t.Errorf("an organisation that is not public shows as %v", got)
	}
	raw, _ := c.Get("services", "sportello", "it").Entry.AppendTo(nil, Identity)
	if bytes.Contains(raw, []byte(`"o"`)) {
		t.Error("the id of a document that is not public leaks")
	}
	w.publish("organization", "o", "en", "house", values{"title": "House"})
	if got := organization(); got != "House" {
		t.Errorf("after publication: %v", got)
	}
	w.publish("organization", "o", "it", "casa", values{"title": "Casa"})
	if got := organization(); got != "Casa" {
		t.Errorf("after translation: %v", got)
	}
	w.publish("organization", "o", "it", "casa-nuova", values{"title": "Casa Nuova"})
	if got := organization(); got != "Casa Nuova" {
		t.Errorf("after a new title: %v", got)
	}
	tag := c.Get("services", "sportello", "it").Entry.ETag(Identity)
	w.publish("organization", "o", "it", "casa-nuova", values{"title": "Casa Nuova", "summary": "Altro"})
	w.catchUp(c)
	if c.Get("services", "sportello", "it").Entry.ETag(Identity) != tag {
		t.Error("the item changed without need")
	}
	if slugs, _ := list(t, c, Query{Collection: "services", Organization: []string{"casa"}}); len(slugs) != 1 {
		t.Errorf("by a former slug: %v", slugs)
	}
	w.verified(c)
	w.withdraw("o", "it")
	if got := organization(); got != "House" {
		t.Errorf("after withdrawal of Italian: %v", got)
	}
	w.withdraw("o", "en")
	if got := organization(); got != nil {
		t.Errorf("after withdrawal: %v", got)
	}
	w.verified(c)
}

func TestPublicState(t *testing.T) {
	w := newWorld(t)
	w.publish("practice", "p", "it", "buona", values{"title": "Buona"})
	w.publishAs("showcased", "practice", "q", "it", "ottima", values{"title": "Ottima"})
	dir := t.TempDir()
	c := w.open(dir)
	state := func(slug string) any { return item(t, c, "practices", slug, "it")["public_state"] }
	if state("buona") != nil || state("ottima") != "showcased" {
		t.Errorf("%v, %v", state("buona"), state("ottima"))
	}
	// A working copy ahead of the showcased revision takes nothing away.
	w.edit("practice", "q", "it", "ottima", values{"title": "Ottima 2"})
	w.docs["q"].Variants[0].State = "draft"
	w.edit("practice", "q", "it", "ottima", values{"title": "Ottima 3"})
	w.catchUp(c)
	if state("ottima") != "showcased" {
		t.Errorf("after an edit: %v", state("ottima"))
	}
	if slugs, _ := list(t, c, Query{Collection: "practices", Filters: map[string][]string{"public_state": {"showcased"}}}); !slices.Equal(slugs, []string{"ottima"}) {
		t.Errorf("showcase: %v", slugs)
	}
	if slugs, _ := list(t, c, Query{Collection: "practices", Filters: map[string][]string{"public_state": {"published"}}}); !slices.Equal(slugs, []string{"buona"}) {
		t.Errorf("others: %v", slugs)
	}
	w.verified(c)
}

func TestRestart(t *testing.T) {
	w := newWorld(t)
	for _, s := range []string{"a", "b", "c"} {
		w.publish("article", s, "it", s, values{"title": s, "body": "x"})
	}
	dir := t.TempDir()
	c := w.open(dir)
	if _, err := Open(context.Background(), Options{Dir: dir, Source: w.store}); !isLocked(err) {
		t.Fatalf("a second catalogue in one folder: %v", err)
	}
	w.withdraw("a", "it")
	w.catchUp(c)
	w.edit("article", "b", "it", "b", values{"title": "draft"})
	w.publish("article", "d", "it", "d", values{"title": "d", "body": "x"})
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.CatchUp(context.Background()); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	again := &counting{Source: w.store}
	c = w.openSource(dir, again)
	if again.scans != 0 {
		t.Error("a good file was rebuilt")
	}
	last, _ := w.store.LastSeq(context.Background())
	if c.Cursor() != last {
		t.Errorf("cursor %d, log %d", c.Cursor(), last)
	}
	w.verified(c)
	c.Close()

	// The same folder with another store.
	other := newWorld(t)
	for _, s := range []string{"x", "y", "z", "u", "v", "w"} {
		other.publish("article", s, "it", s, values{"title": s, "body": "x"})
	}
	c = other.open(dir)
	other.verified(c)
	if c.Get("articles", "b", "it").Outcome != NotFound {
		t.Error("another store's item is public")
	}
	c.Close()
	// And with an empty one.
	empty := newWorld(t)
	c = empty.open(dir)
	if s := c.Stats(); s.Items != 0 {
		t.Errorf("%+v", s)
	}
	empty.verified(c)
}

func isLocked(err error) bool {
	var locked *LockedError
	return errors.As(err, &locked)
}

// counting counts scans.
type counting struct {
	Source
	scans int
}

func (s *counting) Scan(ctx context.Context, after string, limit int) ([]*content.Document, error) {
	s.scans++
	return s.Source.Scan(ctx, after, limit)
}

// A store brought back from a copy and written on differently has the same
// event numbers, and other events.
func TestDivergedLog(t *testing.T) {
	a, b := newWorld(t), newWorld(t)
	for _, w := range []*world{a, b} {
		w.publish("article", "a", "it", "a", values{"title": "a", "body": "x"})
	}
	dir := t.TempDir()
	a.publish("article", "a", "it", "a", values{"title": "first", "body": "x"})
	b.publish("article", "a", "it", "a", values{"title": "second", "body": "x"})
	a.open(dir).Close()
	c := b.open(dir)
	if got := c.Get("articles", "a", "it").Entry.Title(); got != "second" {
		t.Errorf("served %q", got)
	}
	b.verified(c)
}

func TestApply(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	c := w.open(t.TempDir())
	for _, s := range []string{"a", "b", "c", "d"} {
		w.publish("article", s, "it", s, values{"title": s, "body": "x"})
	}
	events, err := w.store.Events(ctx, 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	apply := func(from, to int) {
		t.Helper()
		if err := c.Apply(ctx, events[from:to]); err != nil {
			t.Fatal(err)
		}
	}
	apply(0, 2)
	if c.Cursor() != 2 || c.Stats().Items != 2 {
		t.Errorf("%+v", c.Stats())
	}
	gen := c.Generation()
	apply(0, 2)
	if c.Generation() != gen {
		t.Error("events taken in twice")
	}
	apply(1, 3)
	if c.Cursor() != 3 {
		t.Errorf("cursor %d", c.Cursor())
	}
	w.publish("article", "e", "it", "e", values{"title": "e", "body": "x"})
	more, err := w.store.Events(ctx, 4, 100)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Apply(ctx, more); err != nil { // 4 is missing: it must be read
		t.Fatal(err)
	}
	if c.Cursor() != 5 || c.Stats().Items != 5 {
		t.Errorf("%+v", c.Stats())
	}
	w.verified(c)
}

// failing fails every n-th call, as a store that goes away does.
type failing struct {
	Source
	left int
}

var errAway = errors.New("away")

func (s *failing) fail() bool {
	s.left--
	return s.left < 0
}

func (s *failing) Get(ctx context.Context, id string) (*content.Document, error) {
	if s.fail() {
		return nil, errAway
	}
	return s.Source.Get(ctx, id)
}

func (s *failing) RevisionsByHash(ctx context.Context, hashes []string) ([]*content.Revision, error) {
	if s.fail() {
		return nil, errAway
	}
	return s.Source.RevisionsByHash(ctx, hashes)
}

func TestStoreGoesAway(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	w.publish("organization", "o", "it", "o", values{"title": "O"})
	for _, s := range []string{"a", "b", "c"} {
		w.publish("article", s, "it", s, values{"title": s, "body": "x", "organization": "o"})
	}
	src := &failing{Source: w.store, left: 1 << 30}
	dir := t.TempDir()
	c := w.openSource(dir, src)
	w.publish("organization", "o", "it", "o", values{"title": "O2"})
	w.withdraw("a", "it")
	for n := range 12 {
		src.left = n
		if err := c.CatchUp(ctx); err == nil {
			break
		} else if !errors.Is(err, errAway) {
			t.Fatal(err)
		}
		if c.Get("articles", "a", "it").Outcome != Found {
			t.Fatal("half of a batch is public")
		}
	}
	src.left = 1 << 30
	w.verified(c)
	c.Close()
	c = w.open(dir)
	w.verified(c)
}

func TestChanges(t *testing.T) {
	w := newWorld(t)
	w.publish("article", "a", "it", "a", values{"title": "a", "body": "x"})
	w.publish("article", "b", "it", "b", values{"title": "b", "body": "x"})
	between := w.now.Add(30 * time.Second)
	w.edit("article", "b", "it", "b", values{"title": "draft"})
	w.publish("article", "a", "en", "a-en", values{"title": "a", "body": "x"})
	w.withdraw("b", "it")
	dir := t.TempDir()
	c := w.open(dir)
	for range 2 {
		all, next := c.Changes(0, 0)
		var got []string
		for _, x := range all {
			got = append(got, string(x.Effect)+" "+x.URL)
		}
		want := []string{"published /api/v1/articles/a?locale=it", "published /api/v1/articles/a-en?locale=en", "withdrawn /api/v1/articles/b?locale=it"}
		if !slices.Equal(got, want) || next != 5 {
			t.Errorf("%v, next %d", got, next)
		}
		first, next := c.Changes(0, 1)
		if len(first) != 1 || next != 1 {
			t.Errorf("%v, next %d", first, next)
		}
		if rest, next := c.Changes(next, 10); len(rest) != 2 || next != 5 {
			t.Errorf("%v, next %d", rest, next)
		}
		if late, _ := c.ChangesSince(between, 10); len(late) != 2 {
			t.Errorf("%v", late)
		}
		if none, next := c.Changes(5, 10); len(none) != 0 || none == nil || next != 5 {
			t.Errorf("%v, next %d", none, next)
		}
		c.Close()
		c = w.open(dir)
	}
	data, err := json.Marshal(mustChanges(c))
	if err != nil || !bytes.Contains(data, []byte(`"effect":"withdrawn"`)) {
		t.Errorf("%s %v", data, err)
	}
}

func mustChanges(c *Catalog) []Change {
	list, _ := c.Changes(0, 0)
	return list
}

func TestVerifyFindsFaults(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	for _, s := range []string{"a", "b", "c"} {
		w.publish("article", s, "it", s, values{"title": s, "body": "x"})
	}
	c := w.open(t.TempDir())
	other := newWorld(t)
	other.publish("article", "a", "it", "a", values{"title": "a", "body": "x"})
	other.publish("article", "b", "it", "b", values{"title": "different", "body": "x"})
	other.publish("article", "d", "it", "d", values{"title": "d", "body": "x"})
	found, err := c.Verify(ctx, other.store)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range found {
		got = append(got, d.Document+" "+d.Code)
	}
	slices.Sort(got)
	if want := []string{"b revision", "c surplus", "d missing"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	// A byte of a stored item changes under the catalogue.
	v := c.snap.Load().docs.get("a").variants[0]
	loc := v.rec.loc.Load()
	if _, err := loc.file.WriteAt([]byte{0xff}, loc.payload+v.payload[Brotli].off+3); err != nil {
		t.Fatal(err)
	}
	found, err = c.Verify(ctx, w.store)
	if err != nil || len(found) != 1 || found[0].Code != "damaged" || found[0].Got != "br" {
		t.Errorf("%+v, %v", found, err)
	}
	if _, err := c.Get("articles", "a", "it").Entry.AppendTo(nil, Brotli); !errors.Is(err, errBytes) {
		t.Errorf("damaged bytes are served: %v", err)
	}
	if err := c.Rebuild(ctx); err != nil {
		t.Fatal(err)
	}
	w.verified(c)
}

// A document that cannot be rendered is left out and counted; the rest goes on.
func TestUnrenderable(t *testing.T) {
	w := newWorld(t)
	w.publish("article", "a", "it", "a", values{"title": "a", "body": "x"})
	w.publish("article", "b", "it", "b", values{"title": "b", "body": "x"})
	src := &losing{Source: w.store, document: "a"}
	c := w.openSource(t.TempDir(), src)
	if s := c.Stats(); s.Items != 1 || s.Unrendered != 1 {
		t.Errorf("%+v", s)
	}
	if c.Get("articles", "a", "it").Outcome != NotFound || c.Get("articles", "b", "it").Outcome != Found {
		t.Error("outcomes")
	}
	found, err := c.Verify(context.Background(), w.store)
	if err != nil || len(found) != 1 || found[0].Code != "missing" {
		t.Errorf("%+v %v", found, err)
	}
	src.document = ""
	w.publish("article", "a", "it", "a", values{"title": "a2", "body": "x"})
	w.catchUp(c)
	w.verified(c)
}

// losing is a store that has lost the revisions of one document.
type losing struct {
	Source
	document string
}

func (s *losing) RevisionsByHash(ctx context.Context, hashes []string) ([]*content.Revision, error) {
	out, err := s.Source.RevisionsByHash(ctx, hashes)
	for i, r := range out {
		if r != nil && r.Document == s.document {
			out[i] = nil
		}
	}
	return out, err
}
