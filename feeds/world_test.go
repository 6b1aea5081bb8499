package feeds_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/sqlitestore"
	"github.com/prassi-cms/prassi/feeds"
	"github.com/prassi-cms/prassi/schemas"
)

type values = map[string]any

// world is a catalogue over the real store and service, and feeds of it.
type world struct {
	t       testing.TB
	store   *sqlitestore.Store
	service *content.Service
	catalog *catalog.Catalog
	source  *feeds.Source
}

// today is the day of the calendars.
var today = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

func newWorld(t testing.TB) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{t: t}
	var err error
	w.store, err = sqlitestore.Open(t.Context(), filepath.Join(dir, "prassi.db"))
	w.must(err)
	t.Cleanup(func() { w.store.Close() })
	reg := schemas.Default()
	w.service, err = content.New(w.store, reg, content.Options{})
	w.must(err)
	w.catalog, err = catalog.Open(t.Context(), catalog.Options{Dir: filepath.Join(dir, "catalog"), Source: w.store, Schemas: reg})
	w.must(err)
	t.Cleanup(func() { w.catalog.Close() })
	w.source = &feeds.Source{
		Catalog: w.catalog, Schemas: reg, Base: "https://integrazione.example", Hub: "https://hub.example/", Paged: true,
		Name: schemas.Text{"it": "Integrazione & Dintorni", "ar": "الاندماج"}, Clock: func() time.Time { return today },
	}
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// doc is what a test publishes.
type doc struct {
	typ, locale, slug string
	at                string // published, 2006-01-02
	fields            values
}

// publish puts documents on the air, or changes those that have the slug already.
func (w *world) publish(docs ...doc) {
	w.t.Helper()
	var batch []content.Incoming
	for _, d := range docs {
		fields := values{"title": "Titolo di " + d.slug, "summary": "Un riassunto di " + d.slug + ".", "body": "## Capitolo\n\nTesto."}
		if d.typ == "event" {
			fields["when"] = values{"from": "2026-12-03"}
		}
		for k, v := range d.fields {
			fields[k] = v
		}
		at := today.AddDate(0, -1, 0)
		if d.at != "" {
			var err error
			at, err = time.Parse(time.DateOnly, d.at)
			w.must(err)
		}
		batch = append(batch, content.Incoming{Type: d.typ, Variants: []content.IncomingVariant{{
			Locale: d.locale, Slug: d.slug, Fields: fields, Publish: true, PublishedAt: at, UpdatedAt: at,
		}}})
	}
	results, err := w.service.Import(context.Background(), content.System("test"), batch, false)
	w.must(err)
	for _, r := range results {
		if r.Problem != nil {
			w.t.Fatalf("%s: %v %+v", r.Slug, r.Problem, r.Problem.Fields)
		}
	}
	w.relay()
}

func (w *world) relay() {
	w.t.Helper()
	for {
		n, err := w.store.Relay(context.Background())
		w.must(err)
		if n == 0 {
			break
		}
	}
	w.must(w.catalog.CatchUp(context.Background()))
}

// withdraw takes a variant off the air.
func (w *world) withdraw(collection, slug, locale string) {
	w.t.Helper()
	a := w.catalog.Get(collection, slug, locale)
	d, err := w.service.Get(w.t.Context(), content.System("test"), a.Entry.ID())
	w.must(err)
	_, err = w.service.Transition(w.t.Context(), content.System("test"), d.ID, locale, "*", content.Step{Name: "withdraw", Comment: "prova"})
	w.must(err)
	w.relay()
}

// feed writes a feed.
func (w *world) feed(q feeds.Query, f feeds.Format) []byte {
	w.t.Helper()
	out, _, _, err := w.source.Feed(q, f)
	w.must(err)
	return out
}

// calendar writes a calendar.
func (w *world) calendar(q feeds.Query) []byte {
	w.t.Helper()
	out, _, _, err := w.source.Calendar(q)
	w.must(err)
	return out
}

// filled publishes a bit of everything that feeds must cope with.
func (w *world) filled() *world {
	w.t.Helper()
	org := doc{typ: "organization", locale: "it", slug: "orti-insieme", fields: values{"title": "Orti & Insieme <ODV>"}}
	docs := []doc{
		{typ: "news", locale: "it", slug: "decreto-flussi", at: "2026-11-02", fields: values{
			"title": "Decreto flussi: si parte", "territories": []any{"PO"},
			"body":      "Leggi [la pagina](/it/pages/flussi), [il capitolo](#s-uno) e ![una foto](/media/0198/x.png)\n\n## Uno\n\nE `a < b && c`.",
			"deadlines": []any{values{"label": "Domande, prima parte; \\ e altro", "from": "2026-12-01T09:00", "to": "2026-12-31T23:59"}, values{"label": "Ricorsi", "to": "2027-01-15"}},
		}},
		{typ: "news", locale: "it", slug: "vecchia", at: "2024-01-02", fields: values{"deadlines": []any{values{"label": "Passata", "to": "2024-02-01"}}}},
		{typ: "news", locale: "ar", slug: "akhbar", at: "2026-11-03", fields: values{"title": "خبر عن تصاريح الإقامة", "summary": "ملخص قصير.", "deadlines": []any{values{"label": "آخر موعد", "to": "2026-12-24T12:00"}}}},
		{typ: "article", locale: "it", slug: "articolo", at: "2026-11-04", fields: values{"title": "Caffè, tè & <dolci>: \"una\" 'prova' ]]> 🎉"}},
		{typ: "event", locale: "it", slug: "festa", at: "2026-11-05", fields: values{
			"title": "Festa dei popoli; musica, cibo", "when": values{"from": "2026-12-05T18:00", "to": "2026-12-05T23:30"},
			"place": values{"label": "Palazzo, sala 1", "address": "Via Roma 1", "lat": 43.88, "lon": 11.1}, "online": "https://example.org/diretta?a=1&b=2",
		}},
		{typ: "event", locale: "it", slug: "corso", at: "2026-11-06", fields: values{"title": "Corso di tre giorni", "when": values{"from": "2026-12-10", "to": "2026-12-12"}}},
		{typ: "event", locale: "it", slug: "annullato", at: "2026-11-06", fields: values{"title": "Non si fa", "when": values{"from": "2027-03-28T01:30", "to": "2027-03-28T03:30"}, "cancelled": true}},
		{typ: "event", locale: "it", slug: "senza-fine", at: "2026-11-06", fields: values{"title": "Solo l'inizio", "when": values{"from": "2027-07-01T10:00"}}},
	}
	docs[0].fields["topics"] = []any{w.term()}
	docs[4].fields["topics"] = []any{w.term()}
	w.publish(org)
	docs[0].fields["organization"] = "orti-insieme"
	w.publish(docs...)
	return w
}

// term is a term of news and events.
func (w *world) term() string {
	t, _ := schemas.Default().Type("news")
	f, _ := t.Field("topics")
	return f.Terms()[0].ID
}

// many publishes n news items.
func (w *world) many(n int) {
	w.t.Helper()
	var docs []doc
	for i := range n {
		docs = append(docs, doc{typ: "news", locale: "it", slug: fmt.Sprintf("n-%03d", i), at: today.AddDate(0, 0, i-400).Format(time.DateOnly)})
	}
	w.publish(docs...)
}
