package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing/fstest"
	"time"

	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/sqlitestore"
	"github.com/prassi-cms/prassi/interchange"
	"github.com/prassi-cms/prassi/internal/secret"
	"github.com/prassi-cms/prassi/schemas"
	"github.com/prassi-cms/prassi/search"
	"github.com/prassi-cms/prassi/search/bleveindex"
	"github.com/prassi-cms/prassi/search/feed"
	"github.com/prassi-cms/prassi/search/golden"
	"github.com/prassi-cms/prassi/search/meiliindex"
)

// Where the golden set's documents lie, from the project's root.
const (
	demoFolder   = "cmd/prassi/demo"
	sharedFolder = "../shared/data"
)

// wantedRecall is what recall@10 of the golden set must reach on each engine.
const wantedRecall = 0.95

// answers is the golden set's content in a store and a catalogue, brought in by
// the importer as any content is.
type answers struct {
	store    *sqlitestore.Store
	catalog  *catalog.Catalog
	settings *search.Settings
	names    map[string]string // document → slug of the Italian variant, or of its first
}

// newAnswers brings the content into a folder. It returns an fs.ErrNotExist that
// names what is missing when the shared material is not there.
func newAnswers(ctx context.Context, dir, root string) (*answers, error) {
	for _, folder := range []string{"multilingual", "seeds", "hsds", "territories"} {
		if _, err := os.Stat(filepath.Join(root, sharedFolder, folder)); err != nil {
			return nil, fmt.Errorf("the golden set needs the real material beside the project, and it is not there: %w", err)
		}
	}
	a := &answers{names: map[string]string{}}
	if err := a.fill(ctx, dir, root); err != nil {
		return nil, errors.Join(err, a.close())
	}
	return a, nil
}

func (a *answers) fill(ctx context.Context, dir, root string) (err error) {
	if a.store, err = sqlitestore.Open(ctx, filepath.Join(dir, "store.db")); err != nil {
		return err
	}
	shared := filepath.Join(root, sharedFolder)
	places, err := municipalities(filepath.Join(shared, "territories", "comuni.csv"))
	if err != nil {
		return err
	}
	service, err := content.New(a.store, schemas.Default(), content.Options{Territories: places})
	if err != nil {
		return err
	}
	demo, err := demonstration(filepath.Join(root, demoFolder))
	if err != nil {
		return err
	}
	counselling, err := sampleService(filepath.Join(shared, "hsds", "service_list.json"))
	if err != nil {
		return err
	}
	for _, part := range []struct {
		files    fs.FS
		defaults interchange.Defaults
	}{
		{demo, interchange.Defaults{}},
		{os.DirFS(filepath.Join(shared, "multilingual")), interchange.Defaults{Type: "article"}},
		{os.DirFS(filepath.Join(shared, "seeds")), interchange.Defaults{Type: "news", Locale: "it"}},
		{counselling, interchange.Defaults{}},
	} {
		if err := bring(ctx, service, a.store, part.files, part.defaults); err != nil {
			return err
		}
	}
	for n := 1; n > 0; {
		if n, err = a.store.Relay(ctx); err != nil {
			return err
		}
	}
	if a.catalog, err = catalog.Open(ctx, catalog.Options{Dir: filepath.Join(dir, "catalog"), Source: a.store, Territories: places}); err != nil {
		return err
	}
	if err = a.catalog.CatchUp(ctx); err != nil {
		return err
	}
	for e := range a.catalog.All() {
		if a.names[e.ID()] == "" || e.Locale() == "it" {
			a.names[e.ID()] = e.Slug()
		}
	}
	settings, err := search.Derive(schemas.Default())
	if err == nil {
		a.settings = settings.WithPlaces(places)
	}
	return err
}

// municipalities reads the list of all municipalities of Italy.
func municipalities(name string) (*schemas.Territories, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	list, issues, err := schemas.Default().Territories().ReadMunicipalities(file)
	if err == nil && len(issues) > 0 {
		err = fmt.Errorf("%s: %d rows are refused", name, len(issues))
	}
	if err != nil {
		return nil, err
	}
	return schemas.Default().Territories().WithMunicipalities(list), nil
}

func (a *answers) close() error {
	var err error
	if a.catalog != nil {
		err = a.catalog.Close()
	}
	if a.store != nil {
		err = errors.Join(err, a.store.Close())
	}
	return err
}

// bring imports and publishes files; one that is refused is an error.
func bring(ctx context.Context, service *content.Service, store content.Store, files fs.FS, defaults interchange.Defaults) error {
	plan, err := interchange.OpenFS(ctx, files, ".", interchange.Options{Defaults: defaults, Publish: true, Store: store})
	if err != nil {
		return err
	}
	defer plan.Close()
	var report strings.Builder
	sum, err := interchange.Import(ctx, service, plan, interchange.RunOptions{Actor: content.System("bench"), Report: &report})
	if err == nil && sum.Refused > 0 {
		err = fmt.Errorf("%d variants of the golden set's content were refused:\n%.3000s", sum.Refused, report.String())
	}
	return err
}

// picture is the one of the example content, which is drawn when it is loaded.
var picture = regexp.MustCompile(`(?m)^image:\n(?:  .*\n)+`)

// demonstration reads the example content, without its picture.
func demonstration(dir string) (fs.FS, error) {
	out := fstest.MapFS{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		out[path.Clean(filepath.ToSlash(rel))] = &fstest.MapFile{Data: picture.ReplaceAll(data, nil)}
		return err
	})
	return out, err
}

// sampleService makes an item of the sample's service, which is in the list many
// times, more or less complete, under one id: the most complete counts.
func sampleService(name string) (fs.FS, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var list struct {
		Contents []struct{ Name, Description string }
	}
	if err := json.Unmarshal(data, &list); err != nil {
		return nil, err
	}
	for _, s := range list.Contents {
		if s.Description == "" {
			continue
		}
		item, err := json.Marshal(map[string]any{
			"type": "service", "locale": "en", "slug": "community-counselling", "title": s.Name, "summary": s.Description, "territories": []string{"RM"}, "topics": []string{"health"},
		})
		return fstest.MapFS{"services.jsonl": &fstest.MapFile{Data: append(item, '\n')}}, err
	}
	return nil, errors.New("no service of the sample has a description")
}

// score asks an engine the golden set.
func (a *answers) score(ctx context.Context, index search.Index) (*golden.Report, error) {
	set, err := golden.Load()
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for _, slug := range a.names {
		known[slug] = true
	}
	for name, slug := range set.Documents {
		if !known[slug] {
			return nil, fmt.Errorf("the golden set's document %s (%s) was not imported", name, slug)
		}
	}
	f := feed.New(a.catalog, index, a.settings, nil)
	if err := f.CatchUp(ctx); err != nil {
		return nil, err
	}
	return set.Score(func(q golden.Question) ([]string, int, error) {
		if q.Place != "" {
			asked, err := a.catalog.ParseQuery("services", url.Values{"near": {q.Place}})
			if err != nil {
				return nil, 0, err
			}
			q.Query.Near = asked.Near
		}
		r, err := f.Search(ctx, q.Query)
		if err != nil {
			return nil, 0, err
		}
		slugs := make([]string, 0, len(r.Hits))
		for _, h := range r.Hits {
			slugs = append(slugs, a.names[h.Document])
		}
		return slugs, r.Total, nil
	})
}

// meilisearch opens an index of its own on the server that the environment
// names; nil: it names none.
func meilisearch(ctx context.Context, settings *search.Settings) (search.Index, error) {
	address := os.Getenv("PRASSI_TEST_MEILI_URL")
	if address == "" {
		return nil, nil
	}
	return meiliindex.Open(ctx, meiliindex.Config{
		URL: address, Key: secret.New(os.Getenv("PRASSI_TEST_MEILI_KEY")), Index: fmt.Sprintf("prassi-golden-%d", time.Now().UnixNano()),
	}, settings)
}

// golden scores both engines by the golden set, side by side.
func (b *bench) golden() error {
	const what = "golden set, recall@10"
	dir := filepath.Join(b.dir, "golden")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	a, err := newAnswers(b.ctx, dir, ".")
	if errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintln(os.Stderr, " ", err)
		b.add(true, what, notMeasured+": "+sharedFolder+" is missing", "", "", "≥ 0.95")
		return nil
	}
	if err != nil {
		return err
	}
	defer a.close()
	for _, engine := range []struct {
		name string
		open func() (search.Index, error)
	}{
		{"bleve", func() (search.Index, error) {
			return bleveindex.Open(bleveindex.Options{Dir: filepath.Join(dir, "bleve"), Settings: a.settings})
		}},
		{"meilisearch", func() (search.Index, error) { return meilisearch(b.ctx, a.settings) }},
	} {
		index, err := engine.open()
		if err != nil {
			return err
		}
		if index == nil {
			b.add(os.Getenv("PRASSI_TEST_MEILI_REQUIRED") == "", what+", "+engine.name,
				notMeasured+": no server (PRASSI_TEST_MEILI_URL)", "", "", "≥ 0.95")
			continue
		}
		r, err := a.score(b.ctx, index)
		if server, ok := index.(*meiliindex.Index); ok {
			err = errors.Join(err, server.Drop(b.ctx))
		}
		if err = errors.Join(err, index.Close()); err != nil {
			return fmt.Errorf("%s: %w", engine.name, err)
		}
		explain(os.Stderr, r)
		b.add(r.All.Recall >= wantedRecall, what+", "+engine.name, fmt.Sprintf("%.3f", r.All.Recall),
			fmt.Sprintf("MRR %.3f", r.All.MRR), fmt.Sprintf("%d/%d false", r.All.False, r.All.Empty), "≥ 0.95")
	}
	return nil
}

// explain writes the figures of each language and kind, and what was missed.
func explain(w io.Writer, r *golden.Report) {
	line := func(name string, f *golden.Figures) {
		if f != nil {
			fmt.Fprintf(w, "    %-8s %3d questions, recall %.3f, MRR %.3f; %d of %d false\n", name, f.Questions, f.Recall, f.MRR, f.False, f.Empty)
		}
	}
	line("all", &r.All)
	for _, locale := range []string{"it", "en", "fr", "es", "ar", "bn", "zh-Hans", "ur"} {
		line(locale, r.Locale[locale])
	}
	for _, kind := range golden.Kinds {
		line(kind, r.Kind[kind])
	}
	for _, miss := range r.Misses {
		fmt.Fprintln(w, "     ", miss)
	}
}
