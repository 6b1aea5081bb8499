package site

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/sqlitestore"
	"github.com/prassi-cms/prassi/schemas"
	"github.com/prassi-cms/prassi/site/release"
)

var ctx = context.Background()

type values = map[string]any

// world is a store written by hand, as content.Service would, without its rules, with
// a catalogue over it.
type world struct {
	t     testing.TB
	store *sqlitestore.Store
	reg   *schemas.Registry
	now   time.Time
	docs  map[string]*content.Document
	batch []content.Write
	bulk  bool
	cat   *catalog.Catalog
	// clock is the day that the site sees.
	clock time.Time
}

func newWorld(t testing.TB, reg *schemas.Registry) *world {
	t.Helper()
	store, err := sqlitestore.Open(ctx, filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	if reg == nil {
		reg = schemas.Default()
	}
	return &world{t: t, store: store, reg: reg, now: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC), clock: time.Date(2026, 11, 25, 9, 30, 0, 0, time.UTC), docs: map[string]*content.Document{}}
}

// open opens another catalogue over the same store.
func (w *world) open() *catalog.Catalog {
	w.t.Helper()
	c, err := catalog.Open(ctx, catalog.Options{Dir: w.t.TempDir(), Source: w.store, Schemas: w.reg, Clock: func() time.Time { return w.clock }})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { c.Close() })
	return c
}

// catalogue opens the world's own, or catches up.
func (w *world) catalogue() *catalog.Catalog {
	w.t.Helper()
	if w.cat == nil {
		w.cat = w.open()
	} else if err := w.cat.CatchUp(ctx); err != nil {
		w.t.Fatal(err)
	}
	return w.cat
}

// site makes a site over a catalogue.
func (w *world) site(c *catalog.Catalog, change ...func(*Options)) *Site {
	w.t.Helper()
	opt := Options{Catalog: c, Schemas: w.reg, Clock: func() time.Time { return w.clock }, Config: Config{BaseURL: "https://prassi.example", SecurityContact: "mailto:security@prassi.example"}, Logger: slog.New(slog.NewTextHandler(testLog{w.t}, nil))}
	for _, f := range change {
		f(&opt)
	}
	s, err := New(opt)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

type testLog struct{ t testing.TB }

func (l testLog) Write(b []byte) (int, error) {
	l.t.Errorf("logged: %s", b)
	return len(b), nil
}

func newStore(t testing.TB) *release.Store {
	t.Helper()
	s, err := release.Open(t.TempDir(), release.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func build(t testing.TB, s *Site, store *release.Store) (*release.Build, Report) {
	t.Helper()
	b, r, err := s.Build(ctx, store, "test")
	if err != nil {
		t.Fatal(err)
	}
	return b, r
}

// file reads a file of a build.
func file(t testing.TB, b *release.Build, path string) string {
	t.Helper()
	f, ok := b.File(path)
	if !ok {
		t.Fatalf("there is no %s", path)
	}
	data, err := b.Read(nil, f.Hash, release.Identity)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
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

// merge withdraws a document for another.
func (w *world) merge(id, into string) {
	w.t.Helper()
	for _, v := range slices.Clone(w.docs[id].Variants) {
		if !v.Live.IsZero() {
			w.withdraw(id, v.Locale)
		}
	}
	w.change(w.docs[id].Type, id, w.docs[id].Variants[0].Locale, func(d *content.Document, v *content.Variant) (*content.Revision, content.Event) {
		d.MergedInto = into
		return nil, content.Event{Kind: content.EventMerged}
	})
}

func (w *world) revise(d *content.Document, v *content.Variant, slug string, fields values) *content.Revision {
	t, ok := w.reg.Type(d.Type)
	if !ok {
		w.t.Fatalf("no type %s", d.Type)
	}
	var in values
	if err := json.Unmarshal(canonical(w.t, fields), &in); err != nil {
		w.t.Fatal(err)
	}
	parsed, issues := t.Parse(in, &schemas.Env{Territories: w.reg.Territories()})
	if issues != nil {
		w.t.Fatalf("%s %s: %+v", d.Type, slug, issues)
	}
	shared, local := t.Split(parsed)
	r := &content.Revision{
		Document: d.ID, Type: d.Type, Locale: v.Locale, Number: v.Latest.Number + 1, Prev: v.Latest.Hash, Author: "chiara",
		At: w.now, Slug: slug, Shared: canonical(w.t, shared), Localized: canonical(w.t, local), SharedVersion: d.SharedVersion + 1,
	}
	r.Hash = r.ComputeHash()
	d.Shared, d.SharedVersion = r.Shared, r.SharedVersion
	v.Latest, v.Slug, v.UpdatedAt = r.Ref(), slug, w.now
	v.Title, _ = fields["title"].(string)
	return r
}

func (w *world) change(typ, id, locale string, f func(*content.Document, *content.Variant) (*content.Revision, content.Event)) {
	w.t.Helper()
	w.now = w.now.Add(time.Minute)
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
	e.ID, e.Document, e.Type, e.Locale, e.Version, e.At, e.Actor = fmt.Sprintf("%s-%d-0", id, d.Version), id, typ, locale, d.Version, w.now, "chiara"
	e.Revision = v.Latest.Hash
	d.Pending = []content.Event{e}
	w.docs[id] = d
	w.batch = append(w.batch, write)
	if !w.bulk || len(w.batch) == 500 {
		w.flush()
	}
}

func (w *world) flush() {
	w.t.Helper()
	for _, err := range w.store.Apply(ctx, w.batch) {
		if err != nil {
			w.t.Fatal(err)
		}
	}
	w.batch = nil
}

// declared loads the shipped declarations with files added or replaced.
func declared(t testing.TB, files map[string]string) *schemas.Registry {
	t.Helper()
	over := fstest.MapFS{}
	err := fs.WalkDir(schemas.Files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(schemas.Files, name)
		over[name] = &fstest.MapFile{Data: data}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		over[name] = &fstest.MapFile{Data: []byte(text)}
	}
	reg, err := schemas.Load(over)
	if err != nil {
		t.Fatal(err)
	}
	return reg
}

// small declares two regions and three provinces, so that builds are quick.
func small(t testing.TB) *schemas.Registry {
	t.Helper()
	return declared(t, map[string]string{
		"territories/regions.csv":   "istat,name,lat,lon\n03,Lombardia,45.5895,9.5461\n09,Toscana,43.563,11.0021\n",
		"territories/provinces.csv": "istat,acronym,name,region_istat,lat,lon\n015,MI,Milano,03,45.4767,9.1265\n048,FI,Firenze,09,43.7888,11.2477\n100,PO,Prato,09,43.9245,11.0833\n",
	})
}

func id(n int) string { return fmt.Sprintf("01970000-0000-7000-8000-%012d", n) }
