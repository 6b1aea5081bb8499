package interchange

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/workflow"
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
	// Store finds what translation_of names when it is not part of the import.
	Store Finder
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
	store  Finder
	units  []unit
	groups []group
	steps  []step
	bySlug map[string]int // "type/slug", any locale → unit
	byID   map[string]int // id → unit
	held   heldFile
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

// Open reads the paths, files or folders, in order. What is wrong with a file
// is a finding and keeps only that file out; an error means that nothing can be
// imported: a path that does not exist, or too many items. Close the plan.
func Open(ctx context.Context, paths []string, opt Options) (*Plan, error) {
	p, err := newPlan(opt)
	if err != nil {
		return nil, err
	}
	for _, name := range paths {
		if err := p.add(name); err != nil {
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
	p := &Plan{store: opt.Store, bySlug: map[string]int{}, byID: map[string]int{}}
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
		p.Findings = append(p.Findings, Finding{source, bad.at.line, bad.at.column, bad.code, bad.params})
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

// read is the first reading and what follows from it.
func (p *Plan) read(ctx context.Context) error {
	around := neighbours(p.sources, p.reg, p.mapping)
	for _, s := range p.sources {
		if err := ctx.Err(); err != nil {
			return err
		}
		s.nameInfo = readName(s, p.reg, p.mapping, around)
		s.rule = p.mapping.merged(s.path)
		if err := p.readSource(ctx, s); err != nil {
			return err
		}
	}
	p.Skipped = p.skipped
	p.Files = len(p.sources)
	if len(p.units) == 0 && p.Refused == 0 {
		p.find("", faultAt(place{}, CodeNothingFound))
	}
	if err := p.gather(ctx); err != nil {
		return err
	}
	p.order()
	return nil
}

// readSource reads one file and remembers its items.
func (p *Plan) readSource(ctx context.Context, s *source) error {
	if s.notation == pageFile {
		data, bad := s.readAll(MaxFile)
		if bad != nil {
			p.refuseFile(s.name, bad)
			return nil
		}
		return p.remember(s, chunk{data: data, line: 1, column: 1}, nil)
	}
	f, _, bad := s.open()
	if bad != nil {
		p.refuseFile(s.name, bad)
		return nil
	}
	defer f.Close()
	split := newSplitter(f)
	each := map[notation]func(func(chunk, *fault) error) error{
		linesFile: split.lines, jsonFile: split.elements, csvFile: split.records,
	}[s.notation]
	from, broken := len(p.units), false
	err := each(func(c chunk, bad *fault) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if s.notation == csvFile && s.csv == nil && bad == nil {
			if s.csv, bad = readHeader(c); bad == nil {
				return nil
			}
			p.refuseFile(s.name, bad)
			return errStop // without a header the rows mean nothing
		}
		last := len(p.Findings)
		err := p.remember(s, c, bad)
		for _, f := range p.Findings[last:] {
			broken = broken || f.Code == CodeSyntax
		}
		return err
	})
	if s.notation == jsonFile && broken { // one document: refused whole
		p.Refused += len(p.units) - from
		p.units = p.units[:from]
	}
	if err == errStop {
		return nil
	}
	if err != nil && ctx.Err() == nil {
		if _, ours := err.(*Error); !ours {
			p.refuseFile(s.name, faultAt(place{split.line, split.column}, CodeUnreadable))
			return nil
		}
	}
	return err
}

var errStop = fmt.Errorf("stop")

func (p *Plan) remember(s *source, c chunk, bad *fault) error {
	if bad != nil {
		p.refuseFile(s.name, bad)
		return nil
	}
	if len(p.units) >= MaxItems {
		return &Error{Finding{Source: s.name, Line: c.line, Code: CodeTooManyImports, Params: map[string]any{"max": MaxItems}}}
	}
	it, faults := p.parse(s, c)
	if len(faults) > 0 {
		p.Refused++
		for _, bad := range faults {
			p.find(s.name, bad)
		}
		return nil
	}
	u := unit{
		src: s, offset: c.offset, size: len(c.data), at: it.at, typ: it.typ, locale: it.variant.Locale,
		slug: it.variant.Slug, id: it.id, bucket: it.group, translates: it.translates, rank: rankOf(it),
	}
	for _, ref := range it.typ.References(it.values) {
		name, _, _ := strings.Cut(strings.TrimPrefix(ref.Path, "/"), "/")
		f, _ := it.typ.Field(name)
		u.refs = append(u.refs, refUse{f, ref.Target, it.locate(ref.Path)})
	}
	p.units = append(p.units, u)
	return nil
}

// parse reads the text of one item.
func (p *Plan) parse(s *source, c chunk) (*item, []*fault) {
	at := place{c.line, c.column}
	var pg page
	var bad *fault
	switch s.notation {
	case pageFile:
		pg, bad = readPage(c.data)
	case csvFile:
		if bad = checkText(c.data, c.line); bad == nil {
			pg.front, bad = s.csv.row(c)
		}
	default:
		if bad = checkText(c.data, c.line); bad == nil {
			pg.front, bad = readJSON(bytes.TrimSpace(c.data), at)
		}
		if bad == nil && pg.front.kind != objectNode {
			bad = faultAt(at, CodeFrontMatterNotKeys)
		}
	}
	if bad != nil {
		return nil, []*fault{bad}
	}
	it, faults := p.convert(s, pg, at)
	if it != nil {
		it.variant.Source = s.name
		if s.notation != pageFile {
			it.variant.Source = fmt.Sprintf("%s:%d", s.name, at.line)
		}
	}
	return it, faults
}

// rankOf orders the variants of a document: what is public first, so that its
// shared facts are the public ones; then drafts; then working copies, whose
// shared facts are the newest.
func rankOf(it *item) int8 {
	switch {
	case it.working:
		return 2
	case it.public:
		return 0
	}
	return 1
}

// root finds the representative of a unit's document.
func (p *Plan) root(i int) int {
	for p.units[i].parent != i {
		p.units[i].parent = p.units[p.units[i].parent].parent
		i = p.units[i].parent
	}
	return i
}

// join makes two units variants of one document; the earlier one represents it.
func (p *Plan) join(a, b int) {
	a, b = p.root(a), p.root(b)
	p.units[max(a, b)].parent = min(a, b)
}

// gather finds out which units are variants of one document.
func (p *Plan) gather(ctx context.Context) error {
	buckets := map[string][]int{}
	var order []string
	exact := map[string]int{} // type/locale/slug
	for i := range p.units {
		u := &p.units[i]
		u.parent = i
		if u.id != "" {
			if j, ok := p.byID[u.id]; ok {
				p.join(i, j)
			} else {
				p.byID[u.id] = i
			}
		}
		if buckets[u.bucket] == nil {
			order = append(order, u.bucket)
		}
		buckets[u.bucket] = append(buckets[u.bucket], i)
		remember(exact, u.typ.Name+"/"+u.locale+"/"+u.slug, i)
		remember(p.bySlug, u.typ.Name+"/"+u.slug, i)
	}
	for _, name := range order {
		p.joinBucket(buckets[name])
	}
	for i := range p.units {
		if p.units[i].translates != nil {
			if err := p.joinTranslation(ctx, i, exact); err != nil {
				return err
			}
		}
	}
	p.refuseDuplicates()
	p.makeGroups()
	return nil
}

func remember(m map[string]int, key string, i int) {
	if _, ok := m[key]; !ok {
		m[key] = i
	}
}

// joinBucket joins units of one name unless they carry different ids, which
// say that they are different documents.
func (p *Plan) joinBucket(bucket []int) {
	ids := map[string]bool{}
	for _, i := range bucket {
		if p.units[i].id != "" {
			ids[p.units[i].id] = true
		}
	}
	if len(ids) > 1 {
		return
	}
	for _, i := range bucket[1:] {
		p.join(bucket[0], i)
	}
}

func (p *Plan) joinTranslation(ctx context.Context, i int, exact map[string]int) error {
	u := &p.units[i]
	t := u.translates
	if t.id != "" {
		if j, ok := p.byID[t.id]; ok {
			p.join(i, j)
		} else {
			p.byID[t.id] = i
			if u.id == "" {
				u.id = t.id
			}
		}
		return nil
	}
	if j, ok := exact[u.typ.Name+"/"+t.locale+"/"+t.slug]; ok && t.locale != "" {
		p.join(i, j)
		return nil
	}
	if j, ok := p.bySlug[u.typ.Name+"/"+t.slug]; ok && t.locale == "" {
		p.join(i, j)
		return nil
	}
	if p.store != nil {
		for _, l := range p.reg.Locales() {
			if t.locale != "" && t.locale != l.Tag {
				continue
			}
			d, err := p.store.BySlug(ctx, u.typ.Name+"/"+l.Tag+"/"+t.slug)
			if err == nil {
				u.id = d.ID
				if j, ok := p.byID[d.ID]; ok {
					p.join(i, j)
				}
				p.byID[d.ID] = i
				return nil
			}
			if content.AsProblem(err).Class != content.NotFound {
				return err
			}
		}
	}
	what := t.slug
	if t.locale != "" {
		what += "." + t.locale
	}
	u.at = t.at
	p.refuseUnit(i, CodeTranslationOfWhat, "value", what)
	return nil
}

// refuseDuplicates keeps the first of two items that claim one place.
func (p *Plan) refuseDuplicates() {
	type seat struct {
		root    int
		locale  string
		working bool
	}
	seats, slugs := map[seat]int{}, map[string]int{}
	for i := range p.units {
		u := &p.units[i]
		if u.dropped {
			continue
		}
		root := p.root(i)
		if first := &p.units[root]; first.typ != u.typ {
			p.refuseUnit(i, CodeConflictingType, "type", first.typ.Name, "other", first.src.name)
			continue
		}
		s := seat{root, u.locale, u.rank == 2}
		if j, taken := seats[s]; taken {
			p.refuseUnit(i, CodeDuplicateVariant, "locale", u.locale, "other", p.where(j))
			continue
		}
		key := u.typ.Name + "/" + u.locale + "/" + u.slug
		if j, taken := slugs[key]; taken && p.root(j) != root {
			p.refuseUnit(i, CodeDuplicateSlug, "slug", u.slug, "other", p.where(j))
			continue
		}
		seats[s], slugs[key] = i, i
	}
}

func (p *Plan) where(i int) string {
	u := &p.units[i]
	if u.src.notation == pageFile {
		return u.src.name
	}
	return fmt.Sprintf("%s:%d", u.src.name, u.at.line)
}

func (p *Plan) makeGroups() {
	at := map[int]int{}
	for i := range p.units {
		u := &p.units[i]
		if u.dropped {
			continue
		}
		root := p.root(i)
		g, ok := at[root]
		if !ok {
			g = len(p.groups)
			at[root] = g
			p.groups = append(p.groups, group{})
		}
		grp := &p.groups[g]
		grp.units = append(grp.units, i)
		grp.id = first(grp.id, u.id)
	}
	groupOf := make([]int, len(p.units))
	for i := range groupOf {
		groupOf[i] = -1
	}
	for g := range p.groups {
		grp := &p.groups[g]
		slices.SortStableFunc(grp.units, func(a, b int) int { return cmp.Compare(p.units[a].rank, p.units[b].rank) })
		for _, i := range grp.units {
			groupOf[i] = g
		}
		p.Variants += len(grp.units)
	}
	p.Documents = len(p.groups)
	for i := range p.units {
		if groupOf[i] < 0 {
			continue
		}
		for _, ref := range p.units[i].refs {
			if j, ok := p.refers(ref); ok && groupOf[j] >= 0 && groupOf[j] != groupOf[i] {
				grp := &p.groups[groupOf[i]]
				grp.deps = append(grp.deps, dep{groupOf[j], ref, i})
			}
		}
	}
}

// refers finds the unit that a reference points to, when it is in the plan.
func (p *Plan) refers(ref refUse) (int, bool) {
	if j, ok := p.byID[strings.ToLower(ref.target)]; ok {
		return j, true
	}
	if strings.Contains(ref.target, "/") { // type/slug
		j, ok := p.bySlug[ref.target]
		return j, ok
	}
	for _, t := range ref.field.Types {
		if j, ok := p.bySlug[t+"/"+ref.target]; ok {
			return j, true
		}
	}
	return 0, false
}

// order puts documents after those that they refer to. A circle is broken at a
// reference that a draft may lack: that document comes first without it and
// once more at the end with it. A circle of references that are always required
// cannot be imported.
func (p *Plan) order() {
	const (
		unseen = iota
		open
		done
	)
	state := make([]uint8, len(p.groups))
	refused := make([]bool, len(p.groups))
	var later []step
	var visit func(g int)
	visit = func(g int) {
		state[g] = open
		strip := map[string]bool{}
		for _, d := range p.groups[g].deps {
			if state[d.group] == unseen {
				visit(d.group)
			}
			if state[d.group] != open {
				continue
			}
			if d.ref.field.Required == schemas.Always {
				refused[g] = true
				p.units[d.unit].at = d.ref.at
				p.refuseUnit(d.unit, CodeReferenceCycle, "field", d.ref.field.Name)
			}
			strip[d.ref.field.Name] = true
		}
		state[g] = done
		switch {
		case refused[g]:
			p.Documents--
			p.Variants -= len(p.groups[g].units)
			for _, i := range p.groups[g].units {
				p.refuseUnit(i, CodeReferenceCycle, "field", "")
			}
		case len(strip) > 0:
			p.steps = append(p.steps, step{group: g, strip: strip})
			later = append(later, step{group: g, again: true})
		default:
			p.steps = append(p.steps, step{group: g})
		}
	}
	for g := range p.groups {
		if state[g] == unseen {
			visit(g)
		}
	}
	p.steps = append(p.steps, later...)
}

// Batch is some documents on their way in.
type Batch struct {
	Incoming []content.Incoming
	// Findings are items that cannot be imported after all; Refused counts them.
	Findings []Finding
	Refused  int
	items    [][]*item
	again    []bool
}

// Locate gives the place of a field of a variant: line and column, zero when
// unknown. pointer is a JSON Pointer such as /title.
func (b *Batch) Locate(document, variant int, pointer string) (line, column int) {
	at := b.items[document][variant].locate(pointer)
	return at.line, at.column
}

// BatchSize is how many documents Batches hands out at a time.
const BatchSize = 200

// Batches reads the items again and hands out documents in an order in which
// those that are referred to come before those that refer to them.
func (p *Plan) Batches(ctx context.Context) iter.Seq2[*Batch, error] {
	return func(yield func(*Batch, error) bool) {
		b := &Batch{}
		for _, s := range p.steps {
			if err := ctx.Err(); err != nil {
				yield(nil, err)
				return
			}
			p.assemble(b, s)
			if len(b.Incoming) >= BatchSize {
				if !yield(b, nil) {
					return
				}
				b = &Batch{}
			}
		}
		if len(b.Incoming) > 0 || b.Refused > 0 {
			yield(b, nil)
		}
	}
}

// assemble adds one document to a batch.
func (p *Plan) assemble(b *Batch, s step) {
	g := &p.groups[s.group]
	in := content.Incoming{ID: g.id}
	var items []*item
	for _, i := range g.units {
		u := &p.units[i]
		it, faults := p.reread(u)
		if len(faults) == 0 {
			faults = sharedConflict(items, it)
		}
		if len(faults) > 0 {
			if !s.again {
				b.Refused++
				for _, f := range faults {
					b.Findings = append(b.Findings, Finding{u.src.name, f.at.line, f.at.column, f.code, f.params})
				}
			}
			continue
		}
		v := it.variant
		if len(s.strip) > 0 {
			for name := range s.strip {
				delete(v.Fields, name)
			}
			v.State, v.Publish, v.PublishAt, v.ExpireAt = "", false, time.Time{}, time.Time{}
		}
		in.Type, in.Owner = it.typ.Name, first(in.Owner, it.owner)
		in.Variants = append(in.Variants, v)
		items = append(items, it)
	}
	if len(items) == 0 {
		return
	}
	if rankOf(items[len(items)-1]) == 2 {
		statesAll(items, in.Variants)
	}
	b.Incoming = append(b.Incoming, in)
	b.items = append(b.items, items)
	b.again = append(b.again, s.again)
}

// statesAll makes every variant of a document with a working copy say that the
// shared facts it does not name are absent. Elsewhere they are only not known;
// but here the public facts and the newest ones differ, and one must not stand
// in for the other.
func statesAll(items []*item, variants []content.IncomingVariant) {
	for i, it := range items {
		for _, f := range it.typ.Fields {
			if _, named := variants[i].Fields[f.Name]; !named && !f.Localized {
				variants[i].Fields[f.Name] = nil
			}
		}
	}
}

// reread reads an item's text again and makes sure that it is still the same.
func (p *Plan) reread(u *unit) (*item, []*fault) {
	c := chunk{line: u.at.line, column: u.at.column, offset: u.offset}
	var bad *fault
	if u.src.notation == pageFile {
		c.data, bad = u.src.readAll(MaxFile)
	} else {
		c.data, bad = p.held.read(u)
	}
	if bad != nil {
		return nil, []*fault{bad}
	}
	it, faults := p.parse(u.src, c)
	if len(faults) > 0 {
		return nil, faults
	}
	if it.typ != u.typ || it.variant.Locale != u.locale || it.variant.Slug != u.slug || rankOf(it) != u.rank {
		return nil, []*fault{faultAt(u.at, CodeSourceChanged)}
	}
	return it, nil
}

// sharedConflict refuses a variant that contradicts an earlier one of the same
// document about a fact that all of them share.
func sharedConflict(earlier []*item, it *item) []*fault {
	for _, other := range earlier {
		if rankOf(other) != rankOf(it) {
			continue
		}
		for _, f := range it.typ.Fields {
			if f.Localized || f.Kind == "reference" { // one document may have several slugs
				continue
			}
			a, b := other.values[f.Name], it.values[f.Name]
			if a != nil && b != nil && !reflect.DeepEqual(a, b) {
				return []*fault{faultAt(it.locate("/"+f.Name), CodeSharedConflict, "field", f.Name, "other", other.variant.Source)}
			}
		}
	}
	return nil
}

// heldFile keeps the file of the last item open, since its neighbours come next.
type heldFile struct {
	src *source
	fs.File
}

func (h *heldFile) release() {
	if h.File != nil {
		h.File.Close()
	}
	h.src, h.File = nil, nil
}

func (h *heldFile) read(u *unit) ([]byte, *fault) {
	if h.src != u.src {
		h.release()
		f, _, bad := u.src.open()
		if bad != nil {
			return nil, bad
		}
		h.src, h.File = u.src, f
	}
	data := make([]byte, u.size)
	r, ok := h.File.(io.ReaderAt)
	if !ok {
		return nil, faultAt(u.at, CodeUnreadable)
	}
	if _, err := r.ReadAt(data, u.offset); err != nil && err != io.EOF {
		return nil, faultAt(u.at, CodeUnreadable)
	}
	return data, nil
}
