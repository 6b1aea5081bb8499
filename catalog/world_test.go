package catalog

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/sqlitestore"
	"github.com/prassi-cms/prassi/internal/bitmap"
	"github.com/prassi-cms/prassi/schemas"
)

type values = map[string]any

// world is a store written by hand: documents and revisions as content.Service
// makes them, without its rules.
type world struct {
	t     testing.TB
	store *sqlitestore.Store
	reg   *schemas.Registry
	towns *schemas.Territories
	now   time.Time
	docs  map[string]*content.Document
	// batch collects writes until flush; nil writes at once.
	batch []content.Write
	bulk  bool
	media func(context.Context, string) (Media, error)
	clock time.Time // that the catalogue sees
}

func newWorld(t testing.TB) *world {
	t.Helper()
	store, err := sqlitestore.Open(context.Background(), filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	towns := schemas.Default().Territories().WithMunicipalities([]schemas.Municipality{{ISTAT: "015146", Name: "Milano", Province: "015", Lat: 45.4, Lon: 9.1}})
	return &world{t: t, store: store, reg: schemas.Default(), towns: towns, now: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC), clock: time.Date(2026, 11, 25, 9, 30, 12, 0, time.UTC), docs: map[string]*content.Document{}}
}

func (w *world) tick() time.Time {
	w.now = w.now.Add(time.Minute)
	return w.now
}

func canonical(t testing.TB, v any) json.RawMessage {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return bytes.TrimRight(buf.Bytes(), "\n")
}

// edit makes a revision that nobody has published.
func (w *world) edit(typ, id, locale, slug string, fields values) {
	w.t.Helper()
	w.change(typ, id, locale, func(d *content.Document, v *content.Variant) (*content.Revision, content.Event) {
		return w.revise(d, v, slug, fields), content.Event{Kind: content.EventEdited, To: v.State}
	})
}

// publish makes a revision and publishes it in the named state.
func (w *world) publish(typ, id, locale, slug string, fields values) {
	w.t.Helper()
	w.publishAs("published", typ, id, locale, slug, fields)
}

func (w *world) publishAs(state, typ, id, locale, slug string, fields values) {
	w.t.Helper()
	w.change(typ, id, locale, func(d *content.Document, v *content.Variant) (*content.Revision, content.Event) {
		r := w.revise(d, v, slug, fields)
		if v.LiveSlug != "" && v.LiveSlug != slug && !slices.Contains(v.OldSlugs, v.LiveSlug) {
			v.OldSlugs = append(v.OldSlugs, v.LiveSlug)
		}
		v.OldSlugs = slices.DeleteFunc(v.OldSlugs, func(s string) bool { return s == slug })
		v.Live, v.LiveSlug, v.State, v.LiveState, v.LiveUpdatedAt = r.Ref(), slug, state, state, v.UpdatedAt
		if v.PublishedAt.IsZero() {
			v.PublishedAt = w.now
		}
		d.LiveShared = r.Ref()
		return r, content.Event{Kind: content.EventTransition, To: state, Effect: content.EffectPublished}
	})
}

func (w *world) withdraw(id, locale string) {
	w.t.Helper()
	w.change(w.docs[id].Type, id, locale, func(d *content.Document, v *content.Variant) (*content.Revision, content.Event) {
		if v.LiveSlug != "" && !slices.Contains(v.OldSlugs, v.LiveSlug) {
			v.OldSlugs = append(v.OldSlugs, v.LiveSlug)
		}
		v.Live, v.LiveSlug, v.State, v.LiveState, v.LiveUpdatedAt = content.RevisionRef{}, "", "withdrawn", "", time.Time{}
		if !d.Live() {
			d.LiveShared = content.RevisionRef{}
		}
		return nil, content.Event{Kind: content.EventTransition, To: "withdrawn", Effect: content.EffectWithdrawn}
	})
}

func (w *world) revise(d *content.Document, v *content.Variant, slug string, fields values) *content.Revision {
	t, ok := w.reg.Type(d.Type)
	if !ok {
		w.t.Fatalf("no type %s", d.Type)
	}
	// As if read from JSON, which is how values come in.
	var in values
	if err := json.Unmarshal(canonical(w.t, fields), &in); err != nil {
		w.t.Fatal(err)
	}
	parsed, issues := t.Parse(in, &schemas.Env{Territories: w.towns})
	if issues != nil {
		w.t.Fatalf("%s %s: %+v", d.Type, slug, issues)
	}
	shared, local := t.Split(parsed)
	r := &content.Revision{
		Document: d.ID, Type: d.Type, Locale: v.Locale, Number: v.Latest.Number + 1, Prev: v.Latest.Hash, Author: "chiara",
		At: w.now, Slug: slug, Shared: canonical(w.t, shared), Localized: canonical(w.t, local), SharedVersion: d.SharedVersion + 1, Note: "segreto",
	}
	r.Hash = r.ComputeHash()
	d.Shared, d.SharedVersion = r.Shared, r.SharedVersion
	v.Latest, v.Slug, v.UpdatedAt = r.Ref(), slug, w.now
	v.Title, _ = fields["title"].(string)
	return r
}

// change writes one document with one event.
func (w *world) change(typ, id, locale string, f func(*content.Document, *content.Variant) (*content.Revision, content.Event)) {
	w.t.Helper()
	w.tick()
	d := w.docs[id]
	if d == nil {
		d = &content.Document{ID: id, Type: typ, Owner: "padrone", Author: "chiara", CreatedAt: w.now, Shared: json.RawMessage("{}")}
	} else {
		data, err := json.Marshal(d)
		if err != nil {
			w.t.Fatal(err)
		}
		d = new(content.Document)
		if err := json.Unmarshal(data, d); err != nil {
			w.t.Fatal(err)
		}
	}
	if d.Variant(locale) == nil {
		d.Variants = append(d.Variants, content.Variant{Locale: locale, State: "draft"})
		slices.SortFunc(d.Variants, func(a, b content.Variant) int { return strings.Compare(a.Locale, b.Locale) })
	}
	v := d.Variant(locale)
	v.Version++
	r, e := f(d, v)
	write := content.Write{Document: d, Expect: d.Version}
	if r != nil {
		write.Revisions = []*content.Revision{r}
	}
	d.Version++
	d.UpdatedAt = w.now
	e.ID, e.Document, e.Type, e.Locale, e.Version, e.At, e.Actor, e.Comment = fmt.Sprintf("%s-%d-0", id, d.Version), id, typ, locale, d.Version, w.now, "chiara", "riservato"
	e.Revision = v.Latest.Hash
	d.Pending = []content.Event{e}
	w.docs[id] = d
	if w.bulk {
		w.batch = append(w.batch, write)
		if len(w.batch) < 500 {
			return
		}
	} else {
		w.batch = []content.Write{write}
	}
	w.flush()
}

func (w *world) flush() {
	w.t.Helper()
	for _, err := range w.store.Apply(context.Background(), w.batch) {
		if err != nil {
			w.t.Fatal(err)
		}
	}
	w.batch = nil
}

// open opens a catalogue over the store.
func (w *world) open(dir string) *Catalog {
	w.t.Helper()
	return w.openSource(dir, w.store)
}

func (w *world) openSource(dir string, src Source) *Catalog {
	w.t.Helper()
	c, err := Open(context.Background(), Options{Dir: dir, Source: src, Schemas: w.reg, Territories: w.towns, Media: w.media, Clock: func() time.Time { return w.clock }, Logger: slog.New(slog.NewTextHandler(logTo{w.t}, nil))})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { c.Close() })
	return c
}

type logTo struct{ t testing.TB }

func (l logTo) Write(b []byte) (int, error) {
	if _, bench := l.t.(*testing.B); !bench {
		l.t.Log(strings.TrimSpace(string(b)))
	}
	return len(b), nil
}

func (w *world) catchUp(c *Catalog) {
	w.t.Helper()
	if err := c.CatchUp(context.Background()); err != nil {
		w.t.Fatal(err)
	}
}

// verified checks the catalogue against the store and against one made anew.
func (w *world) verified(c *Catalog) {
	w.t.Helper()
	for _, r := range c.records() {
		for _, v := range r.variants {
			for enc := Identity; enc < encodings; enc++ {
				stored, err := v.read(nil, enc)
				if err != nil {
					w.t.Fatalf("%s: %v", r.id, err)
				}
				if decompress(w.t, enc, stored) != decompress(w.t, Identity, must(v.read(nil, Identity))) {
					w.t.Errorf("%s: %s holds other bytes", r.id, enc.Token())
				}
			}
		}
	}
	found, err := c.Verify(context.Background(), w.store)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, d := range found {
		w.t.Errorf("verify: %+v", d)
	}
	fresh := w.open(w.t.TempDir())
	sameState(w.t, dump(w.t, c), dump(w.t, fresh))
	fresh.Close()
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

func (c *Catalog) records() (out []*record) {
	c.snap.Load().docs.all(func(_ string, r *record) bool {
		out = append(out, r)
		return true
	})
	return out
}

// dump is everything that a reader could tell, but for Last-Modified, which a
// rebuild may move forward.
func dump(t testing.TB, c *Catalog) map[string]string {
	t.Helper()
	out := map[string]string{}
	s := c.snap.Load()
	s.docs.all(func(id string, r *record) bool {
		for _, v := range r.variants {
			key := id + "/" + v.locale
			out[key+" summary"] = v.summary
			out[key+" index"] = fmt.Sprint(v.slug, v.titleKey, v.words, v.revision, v.state, v.published, v.updated, v.begins, v.ends, v.terms, v.keys, v.places, v.former, v.etags)
			out[key+" change"] = fmt.Sprint(v.change.seq, v.change.at, v.change.slug, v.change.withdrawn)
			for enc := Identity; enc < encodings; enc++ {
				stored, err := v.read(nil, enc)
				if err != nil {
					t.Fatalf("%s: %v", key, err)
				}
				out[key+" "+enc.Token()] = string(stored)
			}
			if p := s.parts[r.collection]; p.items[v.slot] != v {
				t.Errorf("%s: not in its slot", key)
			}
		}
		for _, g := range r.gone {
			out[id+"/"+g.locale+" gone"] = fmt.Sprint(g.slugs, g.change.seq, g.change.at, g.change.slug, g.change.withdrawn)
		}
		return true
	})
	s.slugs.all(func(k slugKey, list []target) bool {
		for i, x := range list {
			out[fmt.Sprintf("slug %s/%s %d", k.collection, k.slug, i)] = fmt.Sprint(x.rec.id, x.locale, x.former)
		}
		return true
	})
	s.media.all(func(id string, list []*Media) bool {
		var told []string
		for _, m := range list {
			told = append(told, fmt.Sprintf("%+v", *m))
		}
		slices.Sort(told)
		out["media "+id] = fmt.Sprint(told)
		return true
	})
	for i, x := range s.changes {
		out[fmt.Sprintf("change %d", i)] = fmt.Sprint(x.rec.id, x.locale, x.seq, x.withdrawn)
	}
	for name, p := range s.parts {
		for i, o := range p.orders {
			var ids []string
			for _, slot := range o.slots {
				ids = append(ids, p.items[slot].rec.id+"/"+p.items[slot].locale)
			}
			out[fmt.Sprintf("order %s %d", name, i)] = fmt.Sprint(o.keyed, ids)
		}
		p.postings.all(func(x term, post *posting) bool {
			var ids []string
			b := make(bitmap.Set, (len(p.items)+63)/64)
			post.addTo(b)
			b.Each(func(slot uint32) { ids = append(ids, p.items[slot].rec.id+"/"+p.items[slot].locale) })
			slices.Sort(ids)
			out[fmt.Sprintf("posting %s %v", name, x)] = fmt.Sprint(post.n, ids)
			return true
		})
	}
	out["counts"] = fmt.Sprint(s.items, s.documents, s.left)
	return out
}

func sameState(t testing.TB, got, want map[string]string) {
	t.Helper()
	for _, k := range slices.Sorted(maps.Keys(want)) {
		if got[k] != want[k] {
			t.Errorf("%s:\n got %.600s\nwant %.600s", k, got[k], want[k])
		}
	}
	for _, k := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[k]; !ok {
			t.Errorf("%s: should not be there: %.300s", k, got[k])
		}
	}
}

func decompress(t testing.TB, enc Encoding, b []byte) string {
	t.Helper()
	var r io.Reader = bytes.NewReader(b)
	switch enc {
	case Gzip:
		gz, err := gzip.NewReader(r)
		if err != nil {
			t.Fatal(err)
		}
		r = gz
	case Brotli:
		r = brotli.NewReader(r)
	case Zstd:
		zs, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
		if err != nil {
			t.Fatal(err)
		}
		defer zs.Close()
		r = zs
	}
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// item reads the long JSON of an address.
func item(t testing.TB, c *Catalog, collection, slug, locale string) values {
	t.Helper()
	a := c.Get(collection, slug, locale)
	if a.Outcome != Found {
		t.Fatalf("%s/%s in %q: outcome %d", collection, slug, locale, a.Outcome)
	}
	b, err := a.Entry.AppendTo(nil, Identity)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) != a.Entry.Len(Identity) {
		t.Errorf("Len says %d, there are %d bytes", a.Entry.Len(Identity), len(b))
	}
	var v values
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	return v
}

// list gives the slugs of a page.
func list(t testing.TB, c *Catalog, q Query) ([]string, Page) {
	t.Helper()
	p, err := c.List(q)
	if err != nil {
		t.Fatalf("%+v: %v", q, err)
	}
	slugs := []string{}
	for _, e := range p.Entries {
		slugs = append(slugs, e.Slug())
	}
	return slugs, p
}
