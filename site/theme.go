package site

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"maps"
	"mime"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/prassi-cms/prassi/site/card"
)

//go:embed all:theme/templates
var templateFiles embed.FS

//go:embed all:dist
var distFiles embed.FS

// Theme is how a site looks: templates, assets and tokens. It is immutable.
//
// A theme is a file system with any of
//
//	theme.yaml          name, and tokens: custom properties of CSS with their values
//	templates/KIND.html the middle of a page of that kind; see Page.Kind
//	templates/layout.html the whole page, which includes {{template "main" .}}
//	templates/header.html, footer.html  pieces, made once for each language and section
//	templates/languagemenu.html  what {{languagemenu}} stands for in those two
//	templates/_NAME.html files of {{define}} that the others use
//	assets/NAME         files that {{asset "NAME"}} gives the address of
//
// Files of the same name replace those of the default theme.
type Theme struct {
	// Name is that of theme.yaml.
	Name   string
	tokens map[string]string
	texts  map[string]string // templates by name of file
	assets map[string][]byte
	print  [sha256.Size]byte
}

// ThemeError is a fault of a theme. File is relative to the theme; Line is 0 when
// unknown.
type ThemeError struct {
	File string
	Line int
	Err  error
}

// Error names file and line.
func (e *ThemeError) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("theme: %s:%d: %v", e.File, e.Line, e.Err)
	}
	return fmt.Sprintf("theme: %s: %v", e.File, e.Err)
}

// Unwrap gives the cause.
func (e *ThemeError) Unwrap() error { return e.Err }

// Bounds of a theme.
const (
	maxTemplate = 1 << 20
	maxAsset    = 8 << 20
	maxFiles    = 500
)

// ErrNoAssets says that the program was built before its assets.
var ErrNoAssets = errors.New("the assets are missing: run make build")

var (
	tokenName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,63}$`)
	// tokenValue lets no value end its declaration, open a block or load a file.
	tokenValue = regexp.MustCompile(`^[\p{L}\p{N} #%.,()'"/+-]{1,200}$`)
	assetName  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)
	partName   = regexp.MustCompile(`^_?[a-z][a-z0-9_-]{0,63}\.html$`)
)

// DefaultTheme is the file system of the theme that others lie over.
func DefaultTheme() fs.FS { return defaultTheme{} }

// defaultTheme puts the two embedded folders under the names that themes have.
type defaultTheme struct{}

// Open opens templates/… and assets/….
func (defaultTheme) Open(name string) (fs.File, error) {
	switch first, rest, _ := strings.Cut(name, "/"); {
	case !fs.ValidPath(name):
	case first == "templates":
		return templateFiles.Open(path.Join("theme/templates", rest))
	case first == "assets":
		return distFiles.Open(path.Join("dist", rest))
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// LoadTheme reads a theme over the default one; nil is the default itself. Its
// errors are *ThemeError, and ErrNoAssets. Templates are checked by New.
func LoadTheme(fsys fs.FS) (*Theme, error) {
	t := &Theme{Name: "default", tokens: map[string]string{}, texts: map[string]string{}, assets: map[string][]byte{}}
	if err := t.read(DefaultTheme()); err != nil {
		return nil, err
	}
	if t.assets["site.css"] == nil {
		return nil, ErrNoAssets
	}
	if fsys != nil {
		if err := t.read(fsys); err != nil {
			return nil, err
		}
		if err := t.settings(fsys); err != nil {
			return nil, err
		}
	}
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(t.texts)) {
		fmt.Fprintf(h, "%s %d\n%s", name, len(t.texts[name]), t.texts[name])
	}
	for _, name := range slices.Sorted(maps.Keys(t.assets)) {
		fmt.Fprintf(h, "%s %x\n", name, sha256.Sum256(t.assets[name]))
	}
	for _, name := range slices.Sorted(maps.Keys(t.tokens)) {
		fmt.Fprintf(h, "%s %s\n", name, t.tokens[name])
	}
	h.Sum(t.print[:0])
	return t, nil
}

func (t *Theme) read(fsys fs.FS) error {
	for _, folder := range [...]struct {
		name  string
		good  *regexp.Regexp
		limit int
		put   func(name string, data []byte)
	}{
		{"templates", partName, maxTemplate, func(name string, data []byte) { t.texts[name] = string(data) }},
		{"assets", assetName, maxAsset, func(name string, data []byte) { t.assets[name] = data }},
	} {
		entries, err := fs.ReadDir(fsys, folder.name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return &ThemeError{File: folder.name, Err: err}
		}
		if len(entries) > maxFiles {
			return &ThemeError{File: folder.name, Err: fmt.Errorf("more than %d files", maxFiles)}
		}
		for _, e := range entries {
			file := folder.name + "/" + e.Name()
			if e.IsDir() || strings.HasPrefix(e.Name(), ".") || slices.Contains(card.Fonts, e.Name()) {
				continue // fonts of cards are the painter's; pages load none of them
			}
			if !folder.good.MatchString(e.Name()) {
				return &ThemeError{File: file, Err: errors.New("the name has to be letters, digits, '-' and '_'")}
			}
			data, err := fs.ReadFile(fsys, file)
			if err != nil {
				return &ThemeError{File: file, Err: err}
			}
			if len(data) > folder.limit {
				return &ThemeError{File: file, Err: fmt.Errorf("more than %d bytes", folder.limit)}
			}
			folder.put(e.Name(), data)
		}
	}
	return nil
}

// settings reads theme.yaml.
func (t *Theme) settings(fsys fs.FS) error {
	const file = "theme.yaml"
	data, err := fs.ReadFile(fsys, file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return &ThemeError{File: file, Err: err}
	}
	var said struct {
		Name   string            `yaml:"name"`
		Tokens map[string]string `yaml:"tokens"`
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(&said); err != nil {
		line := 0
		if _, after, ok := strings.Cut(err.Error(), "line "); ok {
			line, _ = strconv.Atoi(after[:max(0, strings.IndexByte(after, ':'))])
		}
		return &ThemeError{File: file, Line: line, Err: err}
	}
	if said.Name != "" {
		t.Name = said.Name
	}
	if err := CheckTokens(said.Tokens); err != nil {
		return &ThemeError{File: file, Err: err}
	}
	maps.Copy(t.tokens, said.Tokens)
	return nil
}

// CheckTokens refuses tokens that are no plain custom properties of CSS: names of
// a-z, 0-9 and '-', values that neither end their declaration nor load anything.
func CheckTokens(tokens map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(tokens)) {
		value := tokens[name]
		if !tokenName.MatchString(name) || !tokenValue.MatchString(value) ||
			strings.Contains(strings.ToLower(value), "url(") || strings.Contains(value, "/*") ||
			strings.Count(value, `"`)%2 != 0 || strings.Count(value, "'")%2 != 0 || strings.Count(value, "(") != strings.Count(value, ")") {
			return fmt.Errorf("token %q: not a name and value of CSS that is taken: %q", name, value)
		}
	}
	return nil
}

// asset is a file with its hash in its name.
type asset struct {
	path string // "assets/site-1f2e3d4c5b6a.css"
	typ  string
	data []byte
}

// cssURL finds files that a style sheet loads.
var cssURL = regexp.MustCompile(`url\(\s*(["']?)([^"')\s]+)(["']?)\s*\)`)

// named gives each asset a name that holds its hash. Style sheets come last, since
// they name others.
func (t *Theme) named(tokens map[string]string) map[string]*asset {
	out := map[string]*asset{}
	add := func(name string, data []byte) {
		sum := sha256.Sum256(data)
		ext := path.Ext(name)
		out[name] = &asset{path: "assets/" + strings.TrimSuffix(name, ext) + "-" + hex.EncodeToString(sum[:6]) + ext, typ: mediaType(name), data: data}
	}
	for pass := range 2 {
		for name, data := range t.assets {
			css := path.Ext(name) == ".css"
			switch {
			case css != (pass == 1):
			case css:
				add(name, cssURL.ReplaceAllFunc(data, func(m []byte) []byte {
					parts := cssURL.FindSubmatch(m)
					if a := out[strings.TrimPrefix(string(parts[2]), "./")]; a != nil {
						return []byte(`url("` + path.Base(a.path) + `")`)
					}
					return m
				}))
			default:
				add(name, data)
			}
		}
	}
	if len(tokens) > 0 {
		var b strings.Builder
		b.WriteString(":root{")
		for _, name := range slices.Sorted(maps.Keys(tokens)) {
			fmt.Fprintf(&b, "--%s:%s;", name, tokens[name])
		}
		b.WriteString("}\n")
		add("tokens.css", []byte(b.String()))
	}
	return out
}

// types are the media types of assets, whatever the machine's own list says.
var types = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml", ".png": "image/png",
	".webp": "image/webp", ".jpg": "image/jpeg", ".ico": "image/vnd.microsoft.icon", ".woff2": "font/woff2", ".json": "application/json",
	".map": "application/json", ".txt": "text/plain; charset=utf-8", ".xml": "application/xml", ".html": "text/html; charset=utf-8",
	".webmanifest": "application/manifest+json",
}

func mediaType(name string) string {
	if t := types[path.Ext(name)]; t != "" {
		return t
	}
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		return t
	}
	return "application/octet-stream"
}

// pieces are templates that are no kind of page.
var pieces = map[string]bool{"layout.html": true, "header.html": true, "footer.html": true, "languagemenu.html": true}

// templates are the pages of one language, ready to execute.
type templates struct {
	pages                  map[string]*template.Template // by kind, the layout
	fast                   map[string]*fast              // the same
	header, footer, choose *template.Template
	menu                   *fast // choose
}

// has reports whether there is a template of a kind.
func (t *Theme) has(kind string) bool {
	name := kind + ".html"
	_, ok := t.texts[name]
	return ok && !pieces[name] && partName.MatchString(name)
}

// compile parses the theme with the functions of one language. Its error is a
// *ThemeError.
func (t *Theme) compile(funcs template.FuncMap) (*templates, error) {
	base := template.New("").Funcs(funcs).Option("missingkey=zero")
	for _, name := range slices.Sorted(maps.Keys(t.texts)) {
		if strings.HasPrefix(name, "_") || pieces[name] {
			if _, err := base.New(name).Parse(t.texts[name]); err != nil {
				return nil, themeError(err, name)
			}
		}
	}
	for _, t := range base.Templates() {
		fold(t.Tree, funcs)
	}
	for name := range pieces {
		if base.Lookup(name) == nil {
			return nil, &ThemeError{File: "templates/" + name, Err: fs.ErrNotExist}
		}
	}
	out := &templates{pages: map[string]*template.Template{}, fast: map[string]*fast{}}
	for _, name := range slices.Sorted(maps.Keys(t.texts)) {
		if strings.HasPrefix(name, "_") || pieces[name] {
			continue
		}
		set, err := base.Clone()
		if err != nil {
			return nil, themeError(err, name)
		}
		own, err := set.New(name).Parse(t.texts[name])
		if err != nil {
			return nil, themeError(err, name)
		}
		fold(own.Tree, funcs)
		if _, err := set.AddParseTree("main", own.Tree); err != nil {
			return nil, themeError(err, name)
		}
		kind := strings.TrimSuffix(name, ".html")
		out.pages[kind] = set.Lookup("layout.html")
		out.fast[kind] = &fast{from: out.pages[kind], funcs: funcs}
	}
	set, err := base.Clone()
	if err != nil {
		return nil, themeError(err, "layout.html")
	}
	out.header, out.footer, out.choose = set.Lookup("header.html"), set.Lookup("footer.html"), set.Lookup("languagemenu.html")
	out.menu = &fast{from: out.choose, funcs: funcs}
	return out, nil
}

// place finds file and line in an error of the template packages.
var place = regexp.MustCompile(`^(?:html/)?template: ?([^:\s]+):(\d+)`)

// themeError turns an error of the template packages into one that names file and
// line; name is the file where they do not.
func themeError(err error, name string) *ThemeError {
	var known *ThemeError
	if errors.As(err, &known) {
		return known
	}
	out := &ThemeError{File: "templates/" + name, Err: err}
	if m := place.FindStringSubmatch(err.Error()); m != nil {
		out.File = "templates/" + m[1]
		out.Line, _ = strconv.Atoi(m[2])
	}
	return out
}
