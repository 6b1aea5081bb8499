package interchange

import (
	"context"
	"crypto/x509"
	"io/fs"
	"net/netip"
	"sync"
	"time"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/workflow"
	"github.com/prassi-cms/prassi/interchange/hsds"
	"github.com/prassi-cms/prassi/schemas"
)

// Defaults say what a file does not: neither in its front matter, nor by its
// name or folder (locale), nor by the mapping file.
type Defaults struct{ Type, Locale string }

// Finder finds a stored document by a key of content.Keys.Slugs; content.Store
// is one.
type Finder interface {
	BySlug(ctx context.Context, slug string) (*content.Document, error)
}

// Options are what Open may be told; the zero value reads the interchange format.
type Options struct {
	// Registry declares the types; schemas.Default() when nil.
	Registry *schemas.Registry
	// Env is for parsing values; the registry's own territories when nil.
	Env      *schemas.Env
	Defaults Defaults
	Mapping  *Mapping
	// Publish asks for publication where a file names no state and is no draft.
	Publish bool
	// Now decides whether a date is in the future; time.Now() when zero.
	Now time.Time
	// Notation says how JSON and CSV files are to be read: NotationPrassi or
	// NotationHSDS; by their shape when empty.
	Notation string
	// Store finds what translation_of names when it is not part of the import;
	// when it has a method Get, as content.Store has, also organisations that
	// services of HSDS name.
	Store Finder
	// Allow lists private addresses that an import may fetch from, over http too;
	// see outgoing.Options.
	Allow []netip.Prefix

	roots  *x509.CertPool // in tests
	unpack unpackLimits   // in tests
}

// Plan is an import that was read once: every item was parsed and checked, its
// place remembered and its content let go, so that a plan's size does not depend
// on how long the texts are. Batches reads the texts again.
type Plan struct {
	// Findings are what was wrong, file by file; the first 10,000.
	Findings []Finding
	// Files, Documents and Variants count what will be imported, Refused the
	// items that will not, Skipped the files of other kinds.
	Files, Documents, Variants, Refused, Skipped int

	walker
	converter
	notation string
	lens     *hsds.Lens     // once there are files of HSDS
	unmapped map[string]int // members of HSDS objects without a field here
	store    Finder
	units    []unit
	groups   []group
	steps    []step
	bySlug   map[string]int // "type/slug", any locale → unit
	byID     map[string]int // id → unit
	held     heldFile
}

// unit is what a plan remembers of an item.
type unit struct {
	src        *source
	offset     int64
	size       int
	at         place
	typ        *schemas.Type
	locale     string
	slug       string
	id         string
	bucket     string
	translates *translation
	refs       []refUse
	rank       int8 // order within the document: see rankOf
	parent     int  // of the union
	dropped    bool
}

// refUse is a reference that an item makes.
type refUse struct {
	field  *schemas.Field
	target string
	at     place
}

// group is the variants of one document.
type group struct {
	units []int
	id    string
	deps  []dep
}

type dep struct {
	group int
	ref   refUse
	unit  int
}

// step is one document's turn. A document in a circle of references has two:
// first without the references named in strip, and as a plain draft.
type step struct {
	group int
	strip map[string]bool
	again bool
}

// Open reads the paths in order: files, folders, ZIP archives, and addresses of
// files and archives. What is wrong with a file is a finding and keeps only that
// file out (of an archive: the archive); an error means that nothing can be
// imported: a path that does not exist, or too many items. Close the plan.
func Open(ctx context.Context, paths []string, opt Options) (*Plan, error) {
	p, err := newPlan(opt)
	if err != nil {
		return nil, err
	}
	for _, name := range paths {
		if err := p.add(ctx, name); err != nil {
			p.Close()
			return nil, err
		}
	}
	if err := p.read(ctx); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// OpenFS reads all of a file system, shown under a name.
func OpenFS(ctx context.Context, fsys fs.FS, name string, opt Options) (*Plan, error) {
	p, err := newPlan(opt)
	if err != nil {
		return nil, err
	}
	if err := p.walk(fsys, name, "/"+name); err != nil {
		return nil, err
	}
	return p, p.read(ctx)
}

func newPlan(opt Options) (*Plan, error) {
	p := &Plan{store: opt.Store, notation: opt.Notation, bySlug: map[string]int{}, byID: map[string]int{}}
	p.reg, p.mapping, p.defaults, p.publish, p.now = opt.Registry, opt.Mapping, opt.Defaults, opt.Publish, opt.Now
	if p.reg == nil {
		p.reg = schemas.Default()
	}
	if p.now.IsZero() {
		p.now = time.Now()
	}
	env := schemas.Env{}
	if opt.Env != nil {
		env = *opt.Env
	}
	env.Loose = true
	p.env = &env
	p.fetcher = fetcher{allow: opt.Allow, roots: opt.roots}
	if p.unpack = opt.unpack; p.unpack == (unpackLimits{}) {
		p.unpack = defaultUnpack
	}
	p.report = func(name string, bad *fault) { p.refuseFile(name, bad) }
	var err error
	p.workflows, err = workflowsOf(p.reg)
	return p, err
}

// defaultWorkflows are those of the embedded declarations, read once.
var defaultWorkflows = sync.OnceValues(func() (map[string]*workflow.Definition, error) {
	return content.LoadWorkflows(schemas.Default())
})

func workflowsOf(reg *schemas.Registry) (map[string]*workflow.Definition, error) {
	if reg == schemas.Default() {
		return defaultWorkflows()
	}
	return content.LoadWorkflows(reg)
}

// Close lets go of the files.
func (p *Plan) Close() error {
	p.held.release()
	for _, c := range p.close {
		c.Close()
	}
	p.close = nil
	return nil
}

func (p *Plan) find(source string, bad *fault) {
	if len(p.Findings) < maxFindings {
		p.Findings = append(p.Findings, bad.in(source))
	}
}

func (p *Plan) refuseFile(name string, bad *fault) {
	p.Refused++
	p.find(name, bad)
}

func (p *Plan) refuseUnit(i int, code string, kv ...any) {
	u := &p.units[i]
	if !u.dropped {
		u.dropped = true
		p.refuseFile(u.src.name, faultAt(u.at, code, kv...))
	}
}
