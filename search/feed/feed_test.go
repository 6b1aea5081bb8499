package feed_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"pgregory.net/rapid"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/schemas"
	"github.com/prassi-cms/prassi/search"
	"github.com/prassi-cms/prassi/search/feed"
)

// What is published can be found, what is withdrawn cannot, and what was never
// published never could.
func TestFollows(t *testing.T) {
	w := newWorld(t)
	ids := w.bring(article("girasole", "Il girasole", content.IncomingVariant{Locale: "en", Slug: "sunflower", Fields: values{"title": "The sunflower", "body": "Text"}, Publish: true}),
		article("margherita", "La margherita"))
	_, err := w.service.Create(context.Background(), editor, content.NewVariant{Type: "article", Locale: "it", Slug: "bozza", Fields: values{"title": "Segretissimo"}})
	w.must(err)
	w.catchUp()
	w.finds("girasole", 1)
	w.finds("segretissimo", 0)
	if got := w.found(search.Query{Text: "girasole", Locale: "en", Locales: []string{"en", "it"}}); len(got) != 0 {
		t.Errorf("a document answers with its first language alone: %v", got)
	}
	// The draft behind something live stays a secret too.
	_, err = w.service.Edit(context.Background(), editor, ids[1], "it", "*", content.Edit{Fields: values{"title": "Nascosto", "body": "Segretissimo"}})
	w.must(err)
	w.catchUp()
	w.finds("segretissimo", 0)
	w.finds("margherita", 1)
	// A variant that goes lets the others answer.
	w.step(ids[0], "en", "withdraw")
	w.catchUp()
	if got := w.found(search.Query{Text: "girasole", Locale: "en", Locales: []string{"en", "it"}}); !slices.Equal(got, []string{"girasole"}) {
		t.Errorf("after the English variant went: %v", got)
	}
	w.step(ids[0], "it", "withdraw")
	w.catchUp()
	w.finds("girasole", 0)
	w.clean()
	if s := w.feed.Stats(); s.Documents != 1 || s.Lag != 0 || !s.Available {
		t.Errorf("%+v", s)
	}
}

// A document of the index has everything that the declarations let search for.
func TestDocument(t *testing.T) {
	w := newWorld(t)
	org := w.bring(content.Incoming{Type: "organization", Variants: []content.IncomingVariant{
		{Locale: "it", Slug: "orti", Fields: values{"title": "Associazione Orti"}, Publish: true}}})
	ids := w.bring(content.Incoming{Type: "service", Variants: []content.IncomingVariant{{Locale: "it", Slug: "sportello", Publish: true, Fields: values{
		"title": "Sportello", "alternate_name": "Ufficio amico", "summary": "Aiuto subito",
		"body":         "## Capo\n\nUna **parola** chiave[^1], art. 5 del d.lgs. 286/1998. x<y & z\n\n[^1]: Nota a piè.",
		"eligibility":  "Chi *abita* qui.",
		"organization": "organization/orti", "territories": []any{"PO"}, "topics": []any{"health"}, "languages": []any{"it", "bn"}, "cost": "free",
		"places": []any{values{"label": "Sede", "address": "Via delle Rose 4", "municipality": "100005", "lat": 43.88, "lon": 11.1}},
	}}}}, content.Incoming{Type: "event", Variants: []content.IncomingVariant{{Locale: "it", Slug: "festa", Publish: true, Fields: values{
		"title": "Festa", "body": "Testo", "when": values{"from": "2026-01-01", "to": "2026-01-01"}, "topics": []any{"health"}}}}})
	w.catchUp()
	docs, err := feed.Documents(w.catalog, w.settings, ids[0])
	w.must(err)
	if len(docs) != 1 {
		t.Fatalf("%d documents", len(docs))
	}
	d := docs[0]
	if d.ID != ids[0]+"_it" || d.Document != ids[0] || d.Version == "" || d.Slug != "sportello" || d.Published.IsZero() || !slices.Equal(d.Locales, []string{"it"}) {
		t.Errorf("%+v", d)
	}
	if d.Body != "Capo Una parola chiave, art. 5 del d.lgs. 286/1998. x<y & z Nota a piè." {
		t.Errorf("body %q", d.Body)
	}
	if len(d.Acts) != 1 || d.Acts[0].Key() != "286/1998" {
		t.Errorf("acts %+v", d.Acts)
	}
	for facet, want := range map[string][]string{
		"territory": {"100", "09"}, "topic": {"health"}, "organization": org, "language": {"it", "bn"}, "cost": {"free"}, "type": {"service"},
	} {
		if got := d.Values(facet); !slices.Equal(got, want) {
			t.Errorf("facet %s: %v, want %v", facet, got, want)
		}
	}
	if len(d.Points) != 1 || d.Points[0] != (search.Point{Lat: 43.88, Lon: 11.1}) {
		t.Errorf("points %v", d.Points)
	}
	weights := map[string]int{}
	for _, x := range d.Texts {
		weights[x.Text] = x.Weight
	}
	health, _ := schemas.Default().Term("health")
	for text, want := range map[string]int{
		"Ufficio amico": 8, "Associazione Orti": 4, "Prato": 2, "Via delle Rose 4": 2, "Sede": 2, "Chi abita qui.": 1, health.Label.In("it"): 2,
	} {
		if weights[text] != want {
			t.Errorf("%q weighs %d, want %d (%v)", text, weights[text], want, weights)
		}
	}
	docs, err = feed.Documents(w.catalog, w.settings, ids[1])
	w.must(err)
	if got := docs[0].Values("year"); !slices.Equal(got, []string{"2026"}) || !docs[0].To.Equal(docs[0].From.AddDate(0, 0, 1)) {
		t.Errorf("a day of Italy's calendar: year %v, %v to %v", got, docs[0].From, docs[0].To)
	}
	if docs, err := feed.Documents(w.catalog, w.settings, "nobody"); err != nil || len(docs) != 0 {
		t.Errorf("%v %v", docs, err)
	}
}

// An act is cited once and whole, however often and in whichever part it is cited.
func TestActs(t *testing.T) {
	w := newWorld(t)
	ids := w.bring(content.Incoming{Type: "article", Variants: []content.IncomingVariant{{Locale: "it", Slug: "norme", Publish: true, Fields: values{
		"title": "Norme", "summary": "Riassunto",
		"body": "L'art. 5, comma 2, del d.lgs. 286/1998, il d.lgs. 25 luglio 1998, n. 286, e l'art. 3 della legge 7 aprile 2017, n. 47.",
	}}}})
	w.catchUp()
	docs, err := feed.Documents(w.catalog, w.settings, ids[0])
	w.must(err)
	want := []search.Act{
		{Identifier: "urn:nir:stato:decreto.legislativo:1998-07-25;286", Label: "D.Lgs. 25 luglio 1998, n. 286"},
		{Identifier: "urn:nir:stato:legge:2017-04-07;47", Label: "L. 7 aprile 2017, n. 47"},
	}
	if !slices.Equal(docs[0].Acts, want) {
		t.Errorf("%+v, want %+v", docs[0].Acts, want)
	}
}

// A change of what others name reaches those that name it.
func TestNamesOfOthers(t *testing.T) {
	w := newWorld(t)
	org := w.bring(content.Incoming{Type: "organization", Variants: []content.IncomingVariant{
		{Locale: "it", Slug: "orti", Fields: values{"title": "Associazione Orti"}, Publish: true}}})
	w.bring(content.Incoming{Type: "article", Variants: []content.IncomingVariant{
		{Locale: "it", Slug: "pane", Fields: values{"title": "Il pane", "body": "Testo", "organization": "organization/orti"}, Publish: true}}})
	w.catchUp()
	w.finds("orti", 2)
	_, err := w.service.Edit(context.Background(), editor, org[0], "it", "*", content.Edit{Fields: values{"title": "Cooperativa Vigneto"}})
	w.must(err)
	w.step(org[0], "it", "publish")
	w.catchUp()
	w.finds("orti", 0)
	w.finds("vigneto", 2)
	w.clean()
}

// An engine that is down costs a catch-up and nothing else.
func TestEngineDown(t *testing.T) {
	w := newWorld(t)
	ids := w.bring(article("uno", "Girasole uno"), article("due", "Girasole due"))
	w.catchUp()
	w.index.down.Store(true)
	w.bring(article("tre", "Girasole tre"))
	w.step(ids[0], "it", "withdraw")
	w.relay()
	for range 3 {
		var unavailable *search.Unavailable
		if err := w.feed.CatchUp(context.Background()); !errors.As(err, &unavailable) {
			t.Fatalf("%v", err)
		}
	}
	if s := w.feed.Stats(); s.Available || s.Lag == 0 {
		t.Errorf("while it is down: %+v", s)
	}
	if w.catalog.Stats().Lag != 0 || w.catalog.Stats().Items != 2 {
		t.Errorf("the catalogue goes on: %+v", w.catalog.Stats())
	}
	w.index.down.Store(false)
	w.catchUp()
	if got := w.found(search.Query{Text: "girasole"}); len(got) != 2 || slices.Contains(got, "uno") {
		t.Errorf("after it came back: %v", got)
	}
	w.clean()
}

// Batches that fail halfway are repeated.
func TestHalfway(t *testing.T) {
	w := newWorld(t)
	w.bring(article("primo", "Girasole"))
	w.catchUp()
	var many []content.Incoming
	for i := range 600 {
		many = append(many, article(fmt.Sprintf("a-%d", i), fmt.Sprintf("Margherita %d", i)))
	}
	w.bring(many...)
	w.relay()
	w.index.after.Store(2)
	if err := w.feed.CatchUp(context.Background()); err == nil {
		t.Fatal("the second batch fails")
	}
	position, err := w.index.Position(context.Background())
	w.must(err)
	if position >= w.catalog.Cursor() {
		t.Errorf("position %d, though something is missing up to %d", position, w.catalog.Cursor())
	}
	w.index.after.Store(0)
	w.catchUp()
	if n, err := w.index.Count(context.Background()); err != nil || n != 601 {
		t.Errorf("%d %v", n, err)
	}
	w.clean()
}

// An engine may take a batch whose answer is lost: what was withdrawn meanwhile
// does not stay findable.
func TestLostAnswer(t *testing.T) {
	w := newWorld(t)
	w.bring(article("uno", "Margherita"))
	w.catchUp()
	ids := w.bring(article("due", "Girasole"))
	w.relay()
	w.index.lies.Store(true)
	if err := w.feed.CatchUp(context.Background()); err == nil {
		t.Fatal("the answer is lost")
	}
	w.index.lies.Store(false)
	w.step(ids[0], "it", "withdraw")
	w.catchUp()
	w.finds("girasole", 0)
	w.clean()
}

// A folder that was damaged, or made under other declarations, is made anew, and
// until then nothing is answered.
func TestMadeAnew(t *testing.T) {
	w := newWorld(t)
	w.bring(article("uno", "Girasole"))
	w.catchUp()
	for name, spoil := range map[string]func(){
		"gone": func() { w.must(os.RemoveAll(filepath.Join(w.dir, "search"))) },
		"spoilt": func() {
			files, err := filepath.Glob(filepath.Join(w.dir, "search", "index-*", "*"))
			if err != nil || len(files) == 0 {
				t.Fatalf("no files: %v", err)
			}
			for _, f := range files {
				w.must(os.WriteFile(f, []byte("garbage"), 0o600))
			}
		},
		"other places": func() { w.settings = w.settings.WithPlaces(schemas.Default().Territories()) },
	} {
		w.must(w.index.Close())
		spoil()
		w.open()
		if _, err := w.feed.Search(context.Background(), search.Query{Text: "girasole"}); !errors.As(err, new(*search.Unavailable)) {
			t.Errorf("%s: before it is made: %v", name, err)
		}
		w.catchUp()
		if w.index.rebuilt.Load() != 1 {
			t.Errorf("%s: %d rebuilds", name, w.index.rebuilt.Load())
		}
		w.finds("girasole", 1)
		w.clean()
	}
}

// A label of a topic or the name of a territory is in the documents: another one
// makes the index anew.
func TestFingerprint(t *testing.T) {
	with := func(file, old, to string) string {
		t.Helper()
		files := fstest.MapFS{}
		for _, name := range filesOf(t) {
			data, err := fs.ReadFile(schemas.Default().Files(), name)
			if err != nil {
				t.Fatal(err)
			}
			if name == file {
				if !strings.Contains(string(data), old) {
					t.Fatalf("%s has no %q", file, old)
				}
				data = []byte(strings.Replace(string(data), old, to, 1))
			}
			files[name] = &fstest.MapFile{Data: data}
		}
		reg, err := schemas.Load(files)
		if err != nil {
			t.Fatal(err)
		}
		s, err := search.Derive(reg)
		if err != nil {
			t.Fatal(err)
		}
		return s.Fingerprint
	}
	same := with("", "", "")
	if with("taxonomies/costs.yaml", "it: Gratuito", "it: Senza spese") == same {
		t.Error("another label, the same fingerprint")
	}
	derived, err := search.Derive(schemas.Default())
	if err != nil {
		t.Fatal(err)
	}
	if derived.Fingerprint == derived.WithPlaces(places).Fingerprint {
		t.Error("other names of places, the same fingerprint")
	}
}

// Verify tells what is wrong, and does not call late what is only late.
func TestVerify(t *testing.T) {
	w := newWorld(t)
	ids := w.bring(article("uno", "Girasole"), article("due", "Margherita"))
	w.catchUp()
	ctx := context.Background()
	position, err := w.index.Position(ctx)
	w.must(err)
	docs, err := feed.Documents(w.catalog, w.settings, ids[1])
	w.must(err)
	stale, surplus := docs[0], docs[0]
	stale.Version = "other"
	surplus.ID, surplus.Document = "ghost_it", "ghost"
	w.must(w.index.Apply(ctx, search.Batch{Position: position, Remove: []string{ids[0] + "_it"}, Put: []search.Document{stale, surplus}}))
	told := func() (codes []string) {
		found, err := w.feed.Verify(ctx)
		w.must(err)
		for _, d := range found {
			codes = append(codes, d.Code)
		}
		slices.Sort(codes)
		return codes
	}
	want := []string{"index_missing", "index_stale", "index_surplus"}
	for range 2 { // looking does not mend
		if got := told(); !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	}
	w.must(w.feed.Rebuild(ctx))
	w.clean()
	// Late, and broken elsewhere.
	w.bring(article("tre", "Rosa"))
	w.must(w.index.Apply(ctx, search.Batch{Position: position, Remove: []string{ids[0] + "_it"}}))
	w.relay()
	if got := told(); !slices.Equal(got, []string{"index_missing"}) {
		t.Errorf("late: %v", got)
	}
	w.clean()
}

// A rebuild beside the live index loses nothing that is written meanwhile, and
// the live index answers all the time.
func TestRebuildWhileWriting(t *testing.T) {
	w := newWorld(t)
	var many []content.Incoming
	for i := range 400 {
		many = append(many, article(fmt.Sprintf("a-%d", i), fmt.Sprintf("Margherita %d", i)))
	}
	ids := w.bring(many...)
	w.catchUp()
	done := make(chan error, 1)
	go func() { done <- w.feed.Rebuild(context.Background()) }()
	rebuilding := true
	for i := 0; rebuilding || i < 20; i++ {
		if i < 40 {
			w.bring(article(fmt.Sprintf("g-%d", i), fmt.Sprintf("Girasole %d", i)))
			w.step(ids[i], "it", "withdraw")
		}
		w.catchUp()
		w.finds(fmt.Sprintf("girasole %d ", min(i, 39)), 1)
		select {
		case err := <-done:
			w.must(err)
			rebuilding = false
		default:
		}
	}
	w.catchUp()
	w.clean()
}

// Whatever happens, in whatever order, the index is the catalogue in the end.
func TestConverges(t *testing.T) {
	w := newWorld(t)
	ids := w.bring(article("a", "Uno"), article("b", "Due"), article("c", "Tre", content.IncomingVariant{Locale: "fr", Slug: "c", Fields: values{"title": "Trois", "body": "Texte"}, Publish: true}))
	w.catchUp()
	n := 0
	rapid.Check(t, func(r *rapid.T) {
		for range rapid.IntRange(1, 6).Draw(r, "steps") {
			id := rapid.SampledFrom(ids).Draw(r, "id")
			n++
			switch rapid.IntRange(0, 6).Draw(r, "step") {
			case 0:
				w.perhaps(id, "withdraw")
			case 1, 2:
				if _, err := w.service.Edit(context.Background(), editor, id, "it", "*", content.Edit{Fields: values{"title": fmt.Sprint("Titolo ", n)}}); err != nil {
					continue
				}
				w.perhaps(id, "publish")
			case 3:
				w.index.after.Store(1) // the next batch fails
				w.relay()
				_ = w.feed.CatchUp(context.Background())
				w.index.after.Store(0)
			case 4:
				w.must(w.index.Close())
				w.open()
			case 5:
				w.relay()
				w.must(w.feed.Rebuild(context.Background()))
			case 6:
				w.catchUp()
			}
		}
		w.clean()
	})
}

// perhaps takes a step that the state may not allow.
func (w *world) perhaps(id, step string) {
	_, _ = w.service.Transition(context.Background(), editor, id, "it", "*", content.Step{Name: step})
}

func filesOf(t *testing.T) (names []string) {
	t.Helper()
	err := fs.WalkDir(schemas.Default().Files(), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// Nothing to do costs nothing.
func TestIdle(t *testing.T) {
	w := newWorld(t)
	w.catchUp() // an empty catalogue needs no index
	if w.index.rebuilt.Load() != 0 || w.index.applied.Load() != 0 {
		t.Error("something was written of nothing")
	}
	w.finds("girasole", 0)
	w.bring(article("uno", "Girasole"))
	w.catchUp()
	before := w.index.applied.Load() + w.index.rebuilt.Load()
	start := time.Now()
	for range 100 {
		w.catchUp()
	}
	if w.index.applied.Load()+w.index.rebuilt.Load() != before {
		t.Error("something was written though nothing had changed")
	}
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("100 times nothing took %v", took)
	}
}
