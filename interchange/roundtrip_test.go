package interchange

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/content"
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
	create("service", "it", "sportello", map[string]any{
		"title": "Sportello", "organization": org.ID, "topics": []any{"work"}, "languages": []any{"it", "ar"},
		"places": []any{map[string]any{"label": "Sede", "address": "Via Sammartini 75", "municipality": "015146", "lat": 45.48, "lon": 9.2}},
	})
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
	if got.Unchanged != sum.Variants || got.Changed+got.Created+got.Refused != 0 {
		t.Errorf("a second import changes something: %+v\n%s", got, report)
	}

	// The same through JSON Lines.
	b.export(t, lines, ExportOptions{Format: FormatLines})
	c := newHouse(t)
	if got, report = c.bring(t, Options{}, RunOptions{}, lines); got.Refused != 0 {
		t.Fatalf("%+v\n%s", got, report)
	}
	c.export(t, third, ExportOptions{})
	sameTree(t, was, tree(t, third))
	_ = os.Stdout
	_ = json.Marshal
	_ = strings.Contains
}
