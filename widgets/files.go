package widgets

import (
	"crypto/sha256"
	"crypto/sha512"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/prassi-cms/prassi/messages"
)

//go:embed all:dist
var dist embed.FS

// Version is the version of the widgets: their elements, attributes and addresses.
const Version = "v1"

// ErrNoAssets says that the program was built before its assets.
var ErrNoAssets = errors.New("the assets are missing: run make build")

// outlinesFile are the shapes of the provinces.
const outlinesFile = "outlines.json"

// File is one file that the widgets load.
type File struct {
	Name string // "v1.js"
	Type string // media type
	Data []byte // not to be changed
	// Integrity is the value of the attribute of that name (Subresource Integrity):
	// "sha384-…".
	Integrity string
}

// files are those of one build.
type files struct {
	hash string // of all of them, 16 hexadecimal digits
	list map[string]*File
	dir  string // of earlier builds; "" keeps none
}

// newFiles gathers the files. An empty folder of assets is ErrNoAssets.
func newFiles(opt *Options) (*files, error) {
	f := &files{list: map[string]*File{}, dir: opt.Dir}
	entries, err := fs.ReadDir(dist, "dist")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".js") {
			continue
		}
		data, err := fs.ReadFile(dist, "dist/"+e.Name())
		if err != nil {
			return nil, err
		}
		f.add(e.Name(), data)
	}
	if f.list[Version+".js"] == nil {
		return nil, fmt.Errorf("widgets: %w", ErrNoAssets)
	}
	for _, lang := range messages.Languages {
		words := Words(lang)
		if opt.Outlines != nil {
			words["outlines"] = outlinesFile
		}
		if opt.Tiles != "" {
			words["tiles"], words["attribution"] = strings.ReplaceAll(opt.Tiles, "{s}", "a"), opt.TilesAttribution
		}
		data, err := json.Marshal(words)
		if err != nil {
			return nil, err
		}
		f.add("words."+lang+".json", data)
	}
	for name, source := range map[string]string{"style.css": "src/_style.css", "builder.css": "pages/builder.css"} {
		data, err := fs.ReadFile(pageFiles, source)
		if err != nil {
			return nil, err
		}
		f.add(name, data)
	}
	if opt.Outlines != nil {
		if !json.Valid(opt.Outlines) {
			return nil, errors.New("widgets: the outlines of the provinces are not JSON")
		}
		f.add(outlinesFile, opt.Outlines)
	}
	sum := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(f.list)) {
		fmt.Fprintf(sum, "%s %d\n", name, len(f.list[name].Data))
		sum.Write(f.list[name].Data)
	}
	f.hash = hex.EncodeToString(sum.Sum(nil))[:16]
	return f, f.keep()
}

func (f *files) add(name string, data []byte) {
	sum := sha512.Sum384(data)
	f.list[name] = &File{Name: name, Type: typeOf(name), Data: data, Integrity: "sha384-" + base64.StdEncoding.EncodeToString(sum[:])}
}

func typeOf(name string) string {
	if strings.HasSuffix(name, ".json") {
		return "application/json"
	}
	if strings.HasSuffix(name, ".css") {
		return "text/css; charset=utf-8"
	}
	return "text/javascript; charset=utf-8"
}

// keep writes this build beside the earlier ones: a page that pins a build by its
// integrity is to go on working when we have another.
func (f *files) keep() error {
	if f.dir == "" {
		return nil
	}
	home := filepath.Join(f.dir, f.hash)
	if _, err := os.Stat(home); err == nil {
		return nil
	}
	if err := os.MkdirAll(f.dir, 0o755); err != nil {
		return err
	}
	temporary, err := os.MkdirTemp(f.dir, ".new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temporary)
	if err := os.Chmod(temporary, 0o755); err != nil {
		return err
	}
	for _, file := range f.list {
		if err := os.WriteFile(filepath.Join(temporary, file.Name), file.Data, 0o644); err != nil {
			return err
		}
	}
	if err := os.Rename(temporary, home); err != nil && !errors.Is(err, fs.ErrExist) {
		if _, there := os.Stat(home); there != nil { // another process was faster otherwise
			return err
		}
	}
	return nil
}

var (
	buildPattern = regexp.MustCompile(`^` + Version + `-([0-9a-f]{16})$`)
	namePattern  = regexp.MustCompile(`^[a-z0-9]+(\.[a-z]+)?\.(js|json|css)$`)
)

// find gives a file of a build: "v1", the current one, or "v1-HASH", which never
// changes (immutable).
func (f *files) find(build, name string) (file *File, immutable, ok bool) {
	m := buildPattern.FindStringSubmatch(build)
	switch {
	case build == Version, m != nil && m[1] == f.hash:
		file = f.list[name]
		return file, m != nil, file != nil
	case m == nil, f.dir == "", !namePattern.MatchString(name):
		return nil, false, false
	}
	data, err := os.ReadFile(filepath.Join(f.dir, m[1], name))
	if err != nil {
		return nil, false, false
	}
	return &File{Name: name, Type: typeOf(name), Data: data}, true, true
}

// Manifest tells the files of the current build, for who writes pages.
type Manifest struct {
	Version string         `json:"version"`
	Build   string         `json:"build" doc:"Names the current build for ever."`
	Base    string         `json:"base" doc:"Address of the folder of the current build; it never changes."`
	Files   []ManifestFile `json:"files"`
}

// ManifestFile is one file of a Manifest.
type ManifestFile struct {
	Name      string `json:"name"`
	URL       string `json:"url" doc:"Its address, which never changes."`
	Integrity string `json:"integrity" doc:"Value of the attribute integrity (Subresource Integrity)."`
	Bytes     int    `json:"bytes" minimum:"0"`
}

// File gives a file of a build: "v1" is the current one; "v1-HASH" names one for
// ever, and immutable is true.
func (w *Widgets) File(build, name string) (file *File, immutable, ok bool) {
	return w.files.find(build, name)
}

// Build names the current build: "v1-0123456789abcdef".
func (w *Widgets) Build() string { return Version + "-" + w.files.hash }

// Manifest tells the files of the current build.
func (w *Widgets) Manifest() Manifest {
	m := Manifest{Version: Version, Build: w.Build(), Base: w.base + "/widgets/" + w.Build() + "/"}
	for _, name := range slices.Sorted(maps.Keys(w.files.list)) {
		f := w.files.list[name]
		m.Files = append(m.Files, ManifestFile{Name: name, URL: m.Base + name, Integrity: f.Integrity, Bytes: len(f.Data)})
	}
	return m
}
