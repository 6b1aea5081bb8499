package interchange

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/mongostore"
	"github.com/prassi-cms/prassi/internal/mongoengine"
)

// do fails the test on an error and gives the document.
func do(t *testing.T) func(*content.Document, error) *content.Document {
	return func(d *content.Document, err error) *content.Document {
		t.Helper()
		if err != nil {
			p := content.AsProblem(err)
			t.Fatalf("%v %+v", err, p.Fields)
		}
		return d
	}
}

// fill makes content of every sort: every type, drafts, schedules, working
// copies beside live ones, references, something withdrawn, something thrown away.
func (h house) fill(t *testing.T) {
	t.Helper()
	ctx := context.Background()
	must := do(t)
	create := func(typ, locale, slug string, fields map[string]any) *content.Document {
		t.Helper()
		return must(h.Create(ctx, importer, content.NewVariant{Type: typ, Locale: locale, Slug: slug, Fields: fields}))
	}
	step := func(d *content.Document, locale string, names ...string) *content.Document {
		t.Helper()
		for _, name := range names {
			d = must(h.Transition(ctx, importer, d.ID, locale, "*", content.Step{Name: name, Comment: "ok"}))
		}
		return d
	}
	edit := func(d *content.Document, locale string, fields map[string]any) *content.Document {
		t.Helper()
		return must(h.Edit(ctx, importer, d.ID, locale, "*", content.Edit{Fields: fields}))
	}

	org := create("organization", "it", "comune-di-milano", map[string]any{
		"title": "Comune di Milano", "acronym": "CdM", "territories": []any{"MI"}, "topics": []any{"housing"},
		"contacts": []any{map[string]any{"name": "Sportello", "email": "sportello@example.org", "phone": "+39 02 0202"}},
	})
	step(org, "it", "publish")
	child := create("organization", "it", "ufficio-casa", map[string]any{"title": "Ufficio casa", "parent": org.ID})
	create("organization", "en", "", map[string]any{"title": "no: yes, 015", "parent": child.ID})

	article := create("article", "it", "orti", map[string]any{
		"title": "Orti condivisi: \"insieme\"", "summary": "Prima riga # non un commento", "body": "# Uno\n\nTesto con `codice`.\n\n    rientrato\n\n---\n\nfine",
		"territories": []any{"MI", "RM", "03"}, "topics": []any{"housing", "work"}, "organization": org.ID, "author": "true",
		"sources": []any{map[string]any{"title": "ISTAT", "text": "Riga uno\n\n- a\n- b\n\ttabulato"}, map[string]any{"text": " comincia con uno spazio\ne va avanti"}},
	})
	must(h.AddVariant(ctx, importer, article.ID, "*", content.NewVariant{Type: "article", Locale: "ar", Fields: map[string]any{
		"title": "حدائق مشتركة", "summary": "ملخص", "body": "نص\u200c عربي",
	}}))
	step(article, "it", "publish")
	step(article, "ar", "publish")
	// A working copy of the Arabic variant, and shared facts that are not public yet.
	edit(article, "ar", map[string]any{"body": "نص جديد", "territories": []any{"RM"}})
	must(h.AddVariant(ctx, importer, article.ID, "*", content.NewVariant{Type: "article", Locale: "en", Fields: map[string]any{"title": "Gardens", "body": "Text"}}))

	renamed := create("article", "it", "vecchio", map[string]any{"title": "Vecchio", "body": "x", "related": []any{article.ID}})
	step(renamed, "it", "publish")
	must(h.Edit(ctx, importer, renamed.ID, "it", "*", content.Edit{Slug: "nuovo", Fields: map[string]any{"title": "Nuovo"}}))
	// The slug of another type's document: a reference by it would be ambiguous.
	twin := create("page", "it", "orti", map[string]any{"title": "Orti, la pagina", "body": "x"})
	create("article", "it", "", map[string]any{"title": "Due orti", "body": "x", "related": []any{article.ID, twin.ID}})

	// Facts that all languages share, and that nobody may see yet.
	bare := create("article", "it", "spoglio", map[string]any{"title": "Spoglio", "body": "x"})
	step(bare, "it", "publish")
	edit(bare, "it", map[string]any{"territories": []any{"TO"}, "organization": org.ID})
	rich := create("article", "it", "ricco", map[string]any{"title": "Ricco", "body": "x", "territories": []any{"TO"}})
	step(rich, "it", "publish")
	edit(rich, "it", map[string]any{"territories": nil})

	later := create("article", "it", "domani", map[string]any{"title": "Domani", "body": "x"})
	in := time.Now().Add(48 * time.Hour).UTC().Truncate(time.Millisecond)
	must(h.Transition(ctx, importer, later.ID, "it", "*", content.Step{Name: "publish", At: in}))
	ending := create("article", "it", "finisce", map[string]any{"title": "Finisce", "body": "x"})
	step(ending, "it", "publish")
	must(h.Transition(ctx, importer, ending.ID, "it", "*", content.Step{Name: "withdraw", At: in}))

	gone := create("article", "it", "ritirato", map[string]any{"title": "Ritirato", "body": "x"})
	step(gone, "it", "publish", "withdraw")
	trash := create("article", "it", "cestino", map[string]any{"title": "Cestino"})
	if err := h.Discard(ctx, importer, trash.ID, "*"); err != nil {
		t.Fatal(err)
	}

	old := create("news", "it", "circolare", map[string]any{
		"title": "Circolare", "body": "x", "act": map[string]any{"identifier": "urn:nir:stato:legge:1998-03-06;40"}, "act_date": "2012-04-16",
		"deadlines": []any{map[string]any{"label": "Domanda", "to": "2026-12-31T12:00"}},
	})
	young := create("news", "it", "circolare-nuova", map[string]any{"title": "Circolare nuova", "body": "x"})
	edit(old, "it", map[string]any{"superseded_by": young.ID})
	edit(young, "it", map[string]any{"related": []any{old.ID}}) // a circle
	step(old, "it", "publish")
	step(young, "it", "submit", "approve")

	practice := create("practice", "it", "sportello-unico", map[string]any{
		"title": "Sportello unico", "summary": "Uno", "territories": []any{"MI"}, "topics": []any{"reception-innovation", "housing"}, "organization": org.ID,
		"issue": "x", "objectives": "y", "results": "z", "people_reached": 1200, "regular_service": true,
		"activities": []any{map[string]any{"title": "Ascolto", "text": "Ogni giorno"}}, "budget": map[string]any{"amount": "1500.5", "currency": "EUR"},
		"period":     map[string]any{"from": "2020-01-01", "to": "2021-12-31"},
		"indicators": []any{map[string]any{"name": "Persone", "baseline": 10.5, "value": 20}},
	})
	step(practice, "it", "submit", "endorse", "publish", "showcase")
	second := create("practice", "it", "corso", map[string]any{
		"title": "Corso", "summary": "Uno", "territories": []any{"RM"}, "topics": []any{"italian-language"},
		"issue": "x", "objectives": "y", "results": "z", "activities": []any{map[string]any{"title": "A", "text": "B"}},
	})
	step(second, "it", "submit", "endorse", "publish", "showcase")
	edit(second, "it", map[string]any{"results": "meglio"})
	step(second, "it", "submit")

	create("event", "it", "festa", map[string]any{"title": "Festa", "when": map[string]any{"from": "2026-03-01T18:00", "to": "2026-03-01T20:00"}})
	desk := create("service", "it", "sportello", map[string]any{
		"territories": []any{"MI"},
		"title":       "Sportello", "organization": org.ID, "topics": []any{"work"}, "languages": []any{"it", "ar"},
		"places": []any{map[string]any{"label": "Sede", "address": "Via Sammartini 75", "municipality": "015146", "lat": 45.48, "lon": 9.2}},
	})
	step(desk, "it", "publish") // on a day on which somebody says that it is true
	edit(desk, "it", map[string]any{"title": "Sportello stranieri"})
	twice := create("service", "it", "sportello-bis", map[string]any{"title": "Sportello", "topics": []any{"work"}, "territories": []any{"MI"}})
	step(twice, "it", "publish")
	edit(rich, "it", map[string]any{"related": []any{twice.ID}})
	all := map[string]string{"*": "*"}
	must(h.Merge(ctx, importer, content.Merge{Keep: desk.ID, Gone: twice.ID, KeepETags: all, GoneETags: all}))
}

func TestRoundTrip(t *testing.T) {
	a := newHouse(t)
	a.fill(t)
	dir := t.TempDir()
	first, second, lines, third := filepath.Join(dir, "1"), filepath.Join(dir, "2"), filepath.Join(dir, "3"), filepath.Join(dir, "4")
	sum := a.export(t, first, ExportOptions{})
	if len(sum.Findings) != 0 || sum.Documents < 15 {
		t.Fatalf("%+v", sum)
	}
	was := tree(t, first)

	b := newHouse(t)
	got, report := b.bring(t, Options{}, RunOptions{}, first)
	if got.Refused != 0 || got.Documents != sum.Documents {
		t.Fatalf("%+v\n%s", got, report)
	}
	b.export(t, second, ExportOptions{})
	sameTree(t, was, tree(t, second))

	// Again into the same store: nothing changes.
	got, report = b.bring(t, Options{}, RunOptions{}, first)
	if got.Unchanged != sum.Variants || got.Created+got.Changed+got.Refused != 0 {
		t.Errorf("a second import changes something: %+v\n%s", got, report)
	}
	b.export(t, second, ExportOptions{})
	sameTree(t, was, tree(t, second))

	// The same through JSON Lines.
	b.export(t, lines, ExportOptions{Format: FormatLines})
	c := newHouse(t)
	if got, report = c.bring(t, Options{}, RunOptions{}, lines); got.Refused != 0 {
		t.Fatalf("%+v\n%s", got, report)
	}
	c.export(t, third, ExportOptions{})
	sameTree(t, was, tree(t, third))
	c.export(t, third, ExportOptions{Format: FormatLines})
	sameTree(t, tree(t, lines), tree(t, third))
}

// TestRoundTripAcrossEngines: SQLite, MongoDB, SQLite.
func TestRoundTripAcrossEngines(t *testing.T) {
	// The name of the database goes before the options of the address.
	uri := strings.Replace(mongoengine.Start(t), "/?", "/"+mongoengine.DatabaseName()+"?", 1)
	store, err := mongostore.Open(t.Context(), uri)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })

	a, b, c := newHouse(t), houseOn(t, store), newHouse(t)
	a.fill(t)
	dir := t.TempDir()
	var trees []map[string]string
	for i, h := range []house{a, b, c} {
		if i > 0 {
			if sum, report := h.bring(t, Options{}, RunOptions{}, filepath.Join(dir, fmt.Sprint(i-1))); sum.Refused != 0 {
				t.Fatalf("%+v\n%s", sum, report)
			}
		}
		h.export(t, filepath.Join(dir, fmt.Sprint(i)), ExportOptions{})
		trees = append(trees, tree(t, filepath.Join(dir, fmt.Sprint(i))))
	}
	sameTree(t, trees[0], trees[1])
	sameTree(t, trees[1], trees[2])
}

func TestRealMultilingual(t *testing.T) {
	dir := realData(t, "multilingual")
	h := newHouse(t)
	opt := Options{Defaults: Defaults{Type: "article"}, Publish: true}
	sum, report := h.bring(t, opt, RunOptions{}, dir)
	if sum.Documents != 12 || sum.Created != 78 || sum.Refused != 0 {
		t.Fatalf("%+v\n%s", sum, report)
	}
	want := map[string]int{"class": 78, "image": 78, "order": 78, "redirect_from": 9, "related": 63, "untranslated": 6}
	if !maps.Equal(sum.Ignored, want) {
		t.Errorf("ignored %v, want %v", sum.Ignored, want)
	}
	locales := map[string]int{}
	docs, err := h.Find(t.Context(), content.Query{Terms: []string{"all"}, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range docs {
		for _, v := range d.Variants {
			locales[v.Locale]++
			if v.Live.IsZero() || v.Title == "" || strings.Contains(v.Title, "&") || v.Slug == "" {
				t.Errorf("%s %s %q is not as it should be", v.Slug, v.Locale, v.Title)
			}
		}
	}
	if !maps.Equal(locales, map[string]int{"it": 11, "en": 12, "fr": 11, "es": 11, "ar": 11, "bn": 11, "zh-Hans": 11}) {
		t.Error(locales)
	}
	d, err := h.BySlug(t.Context(), "article/ar/legal")
	if err != nil || len(d.Variants) != 7 {
		t.Fatal(d, err)
	}
	r, err := h.Revision(t.Context(), d.Variant("es").Live.Hash)
	if err != nil {
		t.Fatal(err)
	}
	values, err := r.Values()
	if err != nil || values["summary"] != "Todo lo que te has preguntado sobre la parte legal de código abierto." {
		t.Error(values["summary"], err)
	}
	source, err := os.ReadFile(filepath.Join(dir, "es", "legal.md"))
	if body, _ := values["body"].(string); err != nil || !strings.HasSuffix(strings.TrimSpace(string(source)), body) || len(body) < 1000 {
		t.Error("the body is not the file's", err)
	}

	if again, report := h.bring(t, opt, RunOptions{}, dir); again.Unchanged != 78 {
		t.Fatalf("the second import: %+v\n%s", again, report)
	}
	a, b := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	h.export(t, a, ExportOptions{})
	other := newHouse(t)
	if sum, report = other.bring(t, Options{}, RunOptions{}, a); sum.Created != 78 {
		t.Fatal(sum, report)
	}
	other.export(t, b, ExportOptions{})
	sameTree(t, tree(t, a), tree(t, b))
}

func TestRealSeeds(t *testing.T) {
	dir := realData(t, "seeds")
	for _, typ := range []string{"article", "news"} {
		h := newHouse(t)
		opt := Options{Defaults: Defaults{Type: typ, Locale: "it"}, Publish: true}
		sum, report := h.bring(t, opt, RunOptions{}, dir)
		if sum.Documents != 5 || sum.Created != 5 || sum.Refused != 0 {
			t.Fatalf("%+v\n%s", sum, report)
		}
		for slug, want := range map[string][2]string{ // title, day
			"comune-prefettura-questura-asl-e-uffici-scolastici-uniscono-le-forze-in-un":     {"Comune, Prefettura, Questura, Asl e Uffici scolastici uniscono le forze in un unico sportello. Majorino: “Pronto per il 2015”", "2013-02-18"},
			"inaugurato-il-milano-welcome-center":                                            {"INAUGURATO IL MILANO WELCOME CENTER", "2024-12-06"},
			"il-1-agosto-2019-la-dg-dell-immigrazione-e-delle-politiche-di-integrazione-del": {"Il 1 agosto 2019, la DG dell’Immigrazione e delle Politiche di integrazione del Ministero del Lavoro e delle Politiche…", ""},
			"immigrazione-da-emergenza-continua-a-servizi-sui-territori-la-sperimentazione":  {"Immigrazione – Da emergenza continua a servizi sui territori, la sperimentazione Anci su Roma, Milano e Prato", "2013-11-29"},
			"circolare-16-aprile-2012-n-2649-consigli-territoriali-per-l-lmmigrazione":       {"CIRCOLARE 16 aprile 2012, n. 2649: Consigli Territoriali per l'lmmigrazione - Portale Integrazione Migranti", ""},
		} {
			d, err := h.BySlug(t.Context(), typ+"/it/"+slug)
			if err != nil {
				t.Errorf("%s: %v\n%s", slug, err, report)
				continue
			}
			v := d.Variant("it")
			if v.Title != want[0] || v.Live.IsZero() {
				t.Errorf("%s: %q", slug, v.Title)
			}
			if day := v.PublishedAt.In(rome(t)).Format(time.DateOnly); want[1] != "" && day != want[1] {
				t.Errorf("%s: %s", slug, day)
			}
		}
		if again, report := h.bring(t, opt, RunOptions{}, dir); again.Unchanged != 5 {
			t.Fatalf("%+v\n%s", again, report)
		}
	}
}
