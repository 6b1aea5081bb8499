package generators

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/sqlitestore"
	"github.com/prassi-cms/prassi/interchange"
	"github.com/prassi-cms/prassi/schemas"
)

const (
	demo    = "../../cmd/prassi/demo"
	picture = "aaaaaaaaaaaaaaaaaaaaaaaaaa" // a file's id
)

// hostile are items whose authors would like a generator to do more than show
// their words, and one that nobody has published.
var hostile = fstest.MapFS{
	"article/hostile.it.md": {Data: []byte(`---
locale: it
slug: hostile
title: "\"]} --- {{ 7*7 }} <script>alert(1)</script> # : & 'x"
summary: "- [x] *y* {{< youtube abc >}} <b>z</b>"
---
` + hostileBody)},
	"article/draft.it.md": {Data: []byte("---\nlocale: it\nslug: bozza\ntitle: Bozza mai pubblicata\nstate: draft\n---\nSegreto di redazione.\n")},
}

const hostileBody = `<script>alert(2)</script>

Prima <img src=x onerror=alert(3)> e [clic](javascript:alert(4)) e <a href="javascript:alert(5)">qui</a>.
![x](data:text/html,alert) [vb](vbscript:x)

{{< youtube w7Ft2ymGmfc >}}
{{% include "secret" %}}
{{</* comment */>}}
{% include "layouts/base.njk" %} {{ 6*7 }} {{ site.title }}

    {{< figure src="x" >}}

---
title: second front matter
---

Fine.
`

// world is a store with the demonstration and what is hostile.
type world struct {
	t       testing.TB
	store   content.Store
	service *content.Service
	catalog *catalog.Catalog
	src     Source
}

func newWorld(t testing.TB) *world {
	t.Helper()
	ctx := context.Background()
	store, err := sqlitestore.Open(ctx, filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	reg := schemas.Default()
	places, err := os.Open(filepath.Join(demo, "../demo_municipalities.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer places.Close()
	list, issues, err := reg.Territories().ReadMunicipalities(places)
	if err != nil || len(issues) > 0 {
		t.Fatal(err, issues)
	}
	w := &world{t: t, store: store, src: Source{Schemas: reg, Territories: reg.Territories().WithMunicipalities(list)}}
	w.service, err = content.New(store, reg, content.Options{
		Territories: w.src.Territories,
		Media:       func(context.Context, content.Actor, string) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS(demo)); err != nil {
		t.Fatal(err)
	}
	w.edit(filepath.Join(folder, "practice/orti-condivisi.it.md"), "/media/picture", "/media/"+picture+"/640.png")
	shelter := filepath.Join(folder, "service/casa-ginestra.it.md")
	if data, err := os.ReadFile(shelter); err != nil || !bytes.Contains(data, []byte("sensitive: true")) {
		t.Fatalf("the demonstration has no shelter any more: %v", err)
	}
	w.load(os.DirFS(folder))
	w.load(hostile)
	w.catalog, err = catalog.Open(ctx, catalog.Options{
		Dir: t.TempDir(), Source: store, Schemas: reg, Territories: w.src.Territories,
		Media: func(_ context.Context, id string) (catalog.Media, error) {
			sum := sha256.Sum256([]byte("pixels"))
			return catalog.Media{ID: id, Name: "garden.png", Type: "image/png", Files: []catalog.MediaFile{
				{Name: "640.png", Type: "image/png", Bytes: 6, SHA256: hex.EncodeToString(sum[:]), Width: 640, Height: 400},
			}}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.catalog.Close() })
	w.src.Catalog = w.catalog
	return w
}

func (w *world) edit(name, old, new string) {
	w.t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		w.t.Fatal(err)
	}
	if !bytes.Contains(data, []byte(old)) {
		w.t.Fatalf("%s lacks %q", name, old)
	}
	if err := os.WriteFile(name, bytes.ReplaceAll(data, []byte(old), []byte(new)), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

// load imports and publishes.
func (w *world) load(files fs.FS) {
	w.t.Helper()
	ctx := context.Background()
	plan, err := interchange.OpenFS(ctx, files, "test", interchange.Options{Registry: w.src.Schemas, Env: &schemas.Env{Territories: w.src.Territories, Loose: true}, Publish: true})
	if err != nil {
		w.t.Fatal(err)
	}
	defer plan.Close()
	var report strings.Builder
	sum, err := interchange.Import(ctx, w.service, plan, interchange.RunOptions{
		Actor: content.System("test"), Report: &report, Messages: func(code string, params map[string]any) string { return code },
	})
	if err != nil || sum.Refused > 0 {
		w.t.Fatalf("%v\n%s", err, report.String())
	}
	w.relay()
}

// relay brings what happened into the catalogue.
func (w *world) relay() {
	w.t.Helper()
	ctx := context.Background()
	for {
		n, err := w.store.Relay(ctx)
		if err != nil {
			w.t.Fatal(err)
		}
		if n == 0 {
			break
		}
	}
	if w.catalog != nil {
		if err := w.catalog.CatchUp(ctx); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) export(dir, format string) Summary {
	w.t.Helper()
	sum, err := Export(context.Background(), w.src, dir, w.options(format))
	if err != nil {
		w.t.Fatal(err)
	}
	return sum
}

func (w *world) options(format string) Options {
	return Options{Format: format, Open: func(_ context.Context, id, file string) (io.ReadCloser, error) {
		if id != picture || file != "640.png" {
			w.t.Errorf("nobody shows %s/%s", id, file)
		}
		return io.NopCloser(strings.NewReader("pixels")), nil
	}}
}

// everything reads a folder, but for what tools put into it.
func everything(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == "node_modules" {
			return fs.SkipDir
		}
		if !d.Type().IsRegular() {
			return nil
		}
		data, err := os.ReadFile(name)
		rel, _ := filepath.Rel(dir, name)
		out[filepath.ToSlash(rel)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// withdraw takes an Italian variant off the air.
func (w *world) withdraw(slug string) {
	w.t.Helper()
	ctx := context.Background()
	for e := range w.catalog.All() {
		if e.Locale() != "it" || slugOf(e.AppendSummary(nil)) != slug {
			continue
		}
		actor := content.Actor{ID: "person:editor", Grants: []content.Grant{{Role: "editor"}}}
		d, err := w.service.Get(ctx, actor, e.ID())
		if err != nil {
			w.t.Fatal(err)
		}
		if _, err := w.service.Transition(ctx, actor, d.ID, "it", d.ETag("it"), content.Step{Name: "withdraw"}); err != nil {
			w.t.Fatal(err)
		}
		w.relay()
		return
	}
	w.t.Fatalf("%s is not public", slug)
}
