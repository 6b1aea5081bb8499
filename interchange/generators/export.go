package generators

import (
	"bytes"
	"cmp"
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/messages"
	"github.com/prassi-cms/prassi/schemas"
)

// The generators that there is a starter for.
const (
	Hugo     = "hugo"
	Astro    = "astro"
	Eleventy = "eleventy"
)

// starters hold for each generator the files of a working site.
//
//go:embed all:hugo all:eleventy all:astro all:shared
var starters embed.FS

// shared are the parts of starters that several generators use, by where they go.
var shared = map[string][]string{
	"static/style.css": {Hugo, Astro, Eleventy},
	"pages.mjs":        {Astro, Eleventy},
}

// Formats lists the generators.
func Formats() []string { return []string{Hugo, Astro, Eleventy} }

// Options say what to write and for whom.
type Options struct {
	Format string // one of Formats
	// Site is the name of the site; Prassi when empty.
	Site string
	// API is where this Prassi answers, for the README; empty: an example.
	API string
	// Open opens a form of a file that live revisions use; nil leaves the files out.
	Open func(ctx context.Context, id, file string) (io.ReadCloser, error)
	// Progress, when set, hears how many items are done.
	Progress func(done, total int)
}

// Summary counts what was done.
type Summary struct {
	Items   int // published variants
	Files   int // of the export
	Written int // of these, new or changed
	Removed int
	// Kept are files that were not touched although they would have been written
	// or removed: somebody had changed or added them.
	Kept []string
}

// Source is what is public, and what it means.
type Source struct {
	Catalog     *catalog.Catalog
	Schemas     *schemas.Registry
	Territories *schemas.Territories // nil: the registry's
}

// Export writes into a folder that is new, is empty, or holds an earlier export
// for the same generator; another one is refused with an *interchange.Error.
// Files are replaced one by one, each whole, so a generator that watches sees what
// changed; an export that was interrupted is completed by the next one.
func Export(ctx context.Context, src Source, dir string, opt Options) (Summary, error) {
	if !slices.Contains(Formats(), opt.Format) {
		return Summary{}, fmt.Errorf("generators: no such format %q", opt.Format)
	}
	if src.Territories == nil {
		src.Territories = src.Schemas.Territories()
	}
	t := newTree(src, opt)
	if err := t.read(ctx); err != nil {
		return Summary{}, err
	}
	out, err := openFolder(dir, opt.Format)
	if err != nil {
		return Summary{}, err
	}
	defer out.close()
	files, err := t.files()
	if err != nil {
		return Summary{}, err
	}
	sum, err := out.sync(ctx, files)
	sum.Items = t.items
	return sum, err
}

// file is one file of an export.
type file struct {
	name string
	sum  string // SHA-256, hex
	open func(context.Context) (io.ReadCloser, error)
}

func text(name string, content []byte) file {
	return file{name: name, sum: hexSum(content), open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(content)), nil
	}}
}

// files gives everything, in order of names, each name once.
func (t *tree) files() ([]file, error) {
	out := t.content
	data, err := t.data()
	if err != nil {
		return nil, err
	}
	out = append(out, data...)
	out = append(out, t.mediaFiles()...)
	starter, err := t.starter()
	if err != nil {
		return nil, err
	}
	out = append(out, starter...)
	slices.SortFunc(out, func(a, b file) int { return cmp.Compare(a.name, b.name) })
	for i := 1; i < len(out); i++ {
		if out[i].name == out[i-1].name {
			return nil, fmt.Errorf("generators: two files are called %s", out[i].name)
		}
	}
	return out, nil
}

// staticFolder is where a generator looks for what it copies as it is.
func (t *tree) staticFolder() string {
	if t.opt.Format == Astro {
		return "public"
	}
	return "static"
}

// starter gives the files of a generator's starter with its few blanks filled in.
func (t *tree) starter() ([]file, error) {
	// What is filled in stands within quotation marks or prose, and a name is for
	// people to choose: it must not end the string.
	blanks := strings.NewReplacer(
		"@LANGUAGE@", key(t.languages()[0]),
		"@SITE@", strings.NewReplacer(`"`, "", `\`, "", "\n", " ", "\r", " ").Replace(t.site()),
		"@FORMAT@", t.opt.Format,
	)
	var out []file
	add := func(name, from string) error {
		data, err := starters.ReadFile(from)
		if err == nil {
			out = append(out, text(name, []byte(blanks.Replace(string(data)))))
		}
		return err
	}
	err := fs.WalkDir(starters, t.opt.Format, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return add(strings.TrimPrefix(p, t.opt.Format+"/"), p)
	})
	if err != nil {
		return nil, err
	}
	for name, formats := range shared {
		if slices.Contains(formats, t.opt.Format) {
			to := name
			if rest, ok := strings.CutPrefix(name, "static/"); ok {
				to = path.Join(t.staticFolder(), rest)
			}
			if err := add(to, path.Join("shared", path.Base(name))); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// mediaAddress finds the files of ours that an item shows.
var mediaAddress = regexp.MustCompile(`/media/([a-z2-7]{26})/`)

// mediaFiles gives the files in all their forms, as the catalogue knows them.
func (t *tree) mediaFiles() []file {
	if t.opt.Open == nil {
		return nil
	}
	var out []file
	for id, m := range t.media {
		for _, f := range m.Files {
			name := f.Name
			out = append(out, file{
				name: path.Join(t.staticFolder(), "media", id, name), sum: f.SHA256,
				open: func(ctx context.Context) (io.ReadCloser, error) { return t.opt.Open(ctx, id, name) },
			})
		}
	}
	return out
}

func (t *tree) site() string { return cmp.Or(t.opt.Site, "Prassi") }

// words are the few that a starter needs of its own, with their codes.
var words = map[string]string{
	"skip": "label_generators_skip", "languages": "label_generators_languages", "sections": "label_generators_sections",
	"newer": "label_generators_newer", "older": "label_generators_older", "pages": "label_generators_pages",
	"territories": "label_generators_territories", "topics": "label_generators_topics", "updated": "label_generators_updated",
}

// Codes lists the codes of this package's words, and generators_kept (none): a
// file was left as it is.
var Codes = []string{
	"label_generators_skip", "label_generators_languages", "label_generators_sections", "label_generators_newer", "label_generators_older",
	"label_generators_pages", "label_generators_territories", "label_generators_topics", "label_generators_updated", CodeKept,
}

// CodeKept tells of a file that was not touched; see Summary.Kept.
const CodeKept = "generators_kept"

// data gives what lists and navigation need, by language, as one JSON file that
// every generator reads, and what Hugo wants as files of its own.
func (t *tree) data() ([]file, error) {
	type language struct {
		Key   string            `json:"key"` // in addresses: lower case
		Tag   string            `json:"tag"` // BCP 47
		Name  string            `json:"name"`
		Dir   string            `json:"dir"`
		Words map[string]string `json:"words"`
	}
	type labelled struct {
		Name   string            `json:"name"`
		Labels map[string]string `json:"labels"` // by language key
		Code   string            `json:"code,omitempty"`
	}
	var languages []language
	labels := func(text schemas.Text) map[string]string {
		out := map[string]string{}
		for _, tag := range t.languages() {
			out[key(tag)] = text.In(tag)
		}
		return out
	}
	for _, tag := range t.languages() {
		l, _ := t.src.Schemas.Locale(tag)
		said := map[string]string{}
		for name, code := range words {
			said[name] = messages.Text(tag, code, nil)
		}
		languages = append(languages, language{key(tag), tag, cmp.Or(l.Name, tag), cmp.Or(l.Dir, "ltr"), said})
	}
	var collections, topics, territories []labelled
	for _, typ := range t.src.Schemas.Types() {
		if t.collections[typ.Collection] {
			collections = append(collections, labelled{Name: typ.Collection, Labels: labels(typ.Plural)})
		}
	}
	for _, id := range sorted(t.topics) {
		label := schemas.Text{"it": id}
		if term, ok := t.src.Schemas.Term(id); ok {
			label = term.Label
		}
		topics = append(topics, labelled{Name: id, Labels: labels(label)})
	}
	for _, name := range sorted(t.territories) {
		place := t.territories[name]
		territories = append(territories, labelled{Name: name, Labels: labels(schemas.Text{"it": place.Name}), Code: place.ISTAT})
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetIndent("", "  ")
	err := enc.Encode(map[string]any{
		"title": t.site(), "languages": languages, "collections": collections, "topics": topics, "territories": territories,
	})
	if err != nil {
		return nil, err
	}
	out := []file{text("data/site.json", buf.Bytes())}
	if t.opt.Format != Hugo {
		return out, nil
	}
	// Hugo takes the titles of lists from files in the content, and its languages
	// from the configuration.
	configured := mapping()
	for i, l := range languages {
		configured.put(l.Key, mapping().put("contentDir", "content/"+l.Key).put("languageName", l.Name).put("languageCode", l.Tag).
			put("languageDirection", l.Dir).put("weight", json.Number(fmt.Sprint(i+1))).put("title", t.site()))
		index := func(folder, title string) {
			out = append(out, text(path.Join("content", l.Key, folder, "_index.md"), mapping().put("title", title).front("")))
		}
		index("", t.site())
		index("territories", l.Words["territories"])
		index("topics", l.Words["topics"])
		for _, c := range collections {
			index(c.Name, c.Labels[l.Key])
		}
		for _, c := range topics {
			index("topics/"+c.Name, c.Labels[l.Key])
		}
		for _, c := range territories {
			index("territories/"+c.Name, c.Labels[l.Key])
		}
	}
	return append(out, text("config/_default/languages.yaml", configured.yaml())), nil
}
