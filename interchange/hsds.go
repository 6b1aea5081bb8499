package interchange

import (
	"bufio"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"path"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/interchange/hsds"
	"github.com/prassi-cms/prassi/schemas"
)

// Notations that Options.Notation asks for; empty tells by the shape.
const (
	NotationPrassi = "prassi" // the interchange format, and what site generators write
	NotationHSDS   = "hsds"   // Open Referral HSDS: JSON pages, or the tabular package
)

// Codes of what is said about files of HSDS, beside hsds.Codes.
const (
	CodeHSDSCounts     = "hsds_counts"               // member, said, found
	CodeHSDSPages      = "hsds_pages"                // said, found
	CodeHSDSRepeated   = "hsds_repeated"             // id, other, same
	CodeHSDSDiffers    = "hsds_organization_differs" // id, path, other
	CodeHSDSID         = "hsds_id"                   // id
	CodeHSDSNotUUID    = "hsds_not_uuid"             // id
	CodeHSDSUnknownKey = "hsds_unknown_key"          // column, value, table
	CodeHSDSCycle      = "hsds_cycle"                // ids
	CodeHSDSLocale     = "hsds_locale"               // locale
	CodeHSDSNotShown   = "hsds_not_published"        // field
	CodeHSDSMore       = "hsds_more"                 // what, count
	CodeHSDSResource   = "hsds_resource"             // path
	CodeHSDSNumber     = "hsds_number"               // none
	CodeHSDSLocales    = "hsds_other_languages"      // count
	CodeExportFile     = "export_file_exists"        // none
	CodeReportQueued   = "import_queued"             // document, locale, slug
	CodeHSDSBoth       = "hsds_both_changed"         // field, here, there
	CodeHSDSTwin       = "hsds_same_id"              // id
	CodeHSDSInside     = "hsds_services_inside"      // none
)

// maxTold is how often a hint about one member is told with its place; the rest
// is counted.
const maxTold = 20

// directory reads files of HSDS. Each object becomes an item as a file of the
// interchange format would, and waits in a temporary file; what is said about it
// names the place in the file that it came from.
//
//	services       are written as they come, unless their organisation is not
//	               yet known
//	organisations  are gathered first: every service may tell some of one
//	the rest       waits for the end, when all organisations are known
//
// In memory are only places and identifiers.
type directory struct {
	*Plan
	lines *spoolWriter        // items
	raw   *spoolWriter        // originals that wait
	count map[[16]byte]seenID // by a fingerprint of kind and identifier
	orgs  map[string]*party
	order []string // ids of organisations as they came
	wait  []waiting
	told  map[[2]string]int
	today string
	back  restore
}

// restore is what must be put back when the file at hand proves malformed:
// nothing of it comes in then.
type restore struct {
	units, orgs, waiting int
	seen                 []seenBefore
	parties              []partyBefore
	unmapped             map[string]int
}

type seenBefore struct {
	key [16]byte
	was seenID // n is 0 when it was not seen
}

type partyBefore struct {
	*party
	was party
}

// begin remembers how things stand before a file.
func (d *directory) begin() {
	d.back = restore{units: len(d.units), orgs: len(d.order), waiting: len(d.wait), unmapped: d.unmapped}
	d.unmapped = map[string]int{}
}

// undo takes back what the file brought.
func (d *directory) undo() {
	d.Refused += len(d.units) - d.back.units
	d.units, d.wait, d.unmapped = d.units[:d.back.units], d.wait[:d.back.waiting], nil
	for _, b := range slices.Backward(d.back.parties) {
		*b.party = b.was
	}
	for _, id := range d.order[d.back.orgs:] {
		delete(d.orgs, id)
	}
	d.order = d.order[:d.back.orgs]
	for _, b := range slices.Backward(d.back.seen) {
		if d.count[b.key] = b.was; b.was.n == 0 {
			delete(d.count, b.key)
		}
	}
}

// end adds up what the file has that no field here holds.
func (d *directory) end() {
	more := d.unmapped
	d.unmapped, d.back = d.back.unmapped, restore{}
	for _, path := range sortedKeys(more) {
		d.unheld(path, more[path])
	}
}

// unheld counts members without a field here; those past the first 1000 names
// together.
func (d *directory) unheld(path string, n int) {
	if d.unmapped == nil {
		d.unmapped = map[string]int{}
	}
	if _, known := d.unmapped[path]; !known && len(d.unmapped) >= 1000 {
		path = "…"
	}
	d.unmapped[path] += n
}

// origin is where an object came from.
type origin struct {
	src *source
	at  place
}

type seenID struct {
	n, line int32
	src     *source // with line: where the first one was
	sum     uint64  // of what it said
}

// party is an organisation that is being gathered.
type party struct {
	origin
	offset int64
	size   int
	sum    uint64 // of what was last seen of it
	named  bool
	own    bool // it stood by itself, not inside a service
	differ bool
}

// waiting is a service whose organisation was not known when it came.
type waiting struct {
	origin
	offset     int64
	size       int
	occurrence int
}

// readHSDS takes the sources that are HSDS and reads them. What it gives back
// is to be read as ever.
func (p *Plan) readHSDS(ctx context.Context, sources []*source) ([]*source, error) {
	if p.notation == NotationPrassi {
		return sources, nil
	}
	var rest, pages []*source
	packages, rest := p.packages(sources)
	for _, s := range rest {
		if (s.notation == jsonFile || s.notation == linesFile) && p.isHSDS(s) {
			pages = append(pages, s)
		}
	}
	if len(pages)+len(packages) == 0 {
		return rest, nil
	}
	rest = slices.DeleteFunc(rest, func(s *source) bool { return slices.Contains(pages, s) })
	p.lens = hsds.New(p.reg, p.env.Territories)
	d := &directory{
		Plan: p, count: map[[16]byte]seenID{}, orgs: map[string]*party{}, told: map[[2]string]int{},
		today: time.Now().In(content.Rome).Format(time.DateOnly),
	}
	var err error
	if d.lines, err = newSpoolWriter(); err != nil {
		return nil, err
	}
	p.close = append(p.close, d.lines)
	if d.raw, err = newSpoolWriter(); err != nil {
		return nil, err
	}
	defer d.raw.Close()
	if err := d.pages(ctx, pages); err != nil {
		return nil, err
	}
	for _, pack := range packages {
		if err := d.tables(ctx, pack); err != nil {
			return nil, err
		}
	}
	return rest, d.finish(ctx)
}

// object takes one decoded object.
func (d *directory) object(from origin, kind hsds.Kind, o map[string]any) error {
	if kind == hsds.Organization {
		return d.gather(from, o, true)
	}
	id, ok := d.identify(from, kind, o)
	if !ok {
		return nil
	}
	full := sha256.Sum256([]byte(string(kind) + "\x00" + id))
	key := [16]byte(full[:])
	seen, again := d.count[key]
	d.back.seen = append(d.back.seen, seenBefore{key, seen})
	if sum := sumOf(o); again {
		other := origin{seen.src, place{line: int(seen.line)}}
		d.say(from, CodeHSDSRepeated, "id", id, "other", other.String(), "same", seen.sum == sum)
	} else {
		seen = seenID{line: int32(from.at.line), src: from.src, sum: sum}
	}
	seen.n++
	d.count[key] = seen
	known := true
	if nested, ok := o["organization"].(map[string]any); ok {
		if hsds.ValidID(hsds.IDOf(nested)) {
			if err := d.gather(from, nested, false); err != nil {
				return err
			}
		}
	}
	if org := hsds.ProviderOf(o); org != "" {
		known = d.orgs[org] != nil && d.orgs[org].named
	}
	if known {
		return d.emit(from, kind, o, int(seen.n), nil)
	}
	offset, size, err := d.raw.add(o)
	d.wait = append(d.wait, waiting{from, offset, size, int(seen.n)})
	return err
}

// identify reads an object's identifier, or refuses the object.
func (d *directory) identify(from origin, kind hsds.Kind, o map[string]any) (string, bool) {
	id := hsds.IDOf(o)
	if !hsds.ValidID(id) {
		d.refuseFile(from.src.name, faultAt(from.at, CodeHSDSID, "id", id))
		return "", false
	}
	if !hsds.IsUUID(id) {
		d.hint(from, CodeHSDSNotUUID, string(kind)+".id", "id", id)
	}
	return id, true
}

// gather adds what an object says of an organisation to what is known of it.
func (d *directory) gather(from origin, o map[string]any, own bool) error {
	id := hsds.IDOf(o)
	if own {
		var ok bool
		if id, ok = d.identify(from, hsds.Organization, o); !ok {
			return nil
		}
	}
	// A service kept inside of its provider would stay readable there when the
	// service itself becomes sensitive.
	if _, inside := o["services"]; inside {
		o = maps.Clone(o)
		delete(o, "services")
		d.hint(from, CodeHSDSInside, "organization.services")
	}
	sum := sumOf(o)
	had := d.orgs[id]
	if had == nil {
		offset, size, err := d.raw.add(o)
		d.orgs[id] = &party{origin: from, offset: offset, size: size, sum: sum, named: hasName(o), own: own}
		d.order = append(d.order, id)
		return err
	}
	if had.sum == sum {
		return nil
	}
	d.back.parties = append(d.back.parties, partyBefore{had, *had})
	had.sum = sum
	all, err := d.raw.get(had.offset, had.size)
	if err != nil {
		return err
	}
	more := false
	for _, k := range sortedKeys(o) {
		was, there := all[k]
		switch {
		case !there:
			all[k], more = o[k], true
		case !had.differ && !reflect.DeepEqual(was, o[k]):
			had.differ = true // told once for each
			d.say(from, CodeHSDSDiffers, "id", id, "path", "organization."+k, "other", had.String())
		}
	}
	had.named = had.named || hasName(all)
	if own && !had.own {
		had.origin, had.own = from, true
	}
	if !more {
		return nil
	}
	had.offset, had.size, err = d.raw.add(all)
	return err
}

func hasName(o map[string]any) bool {
	s, _ := o["name"].(string)
	return strings.TrimSpace(s) != ""
}

// finish writes what had to wait.
func (d *directory) finish(ctx context.Context) error {
	// Parents first come to light now; a circle is cut where it closes.
	parents := map[string]string{}
	for _, id := range d.order {
		o, err := d.raw.get(d.orgs[id].offset, d.orgs[id].size)
		if err != nil {
			return err
		}
		if up := hsds.ParentOf(o); up != "" {
			parents[id] = up
		}
	}
	for _, id := range d.order {
		if err := ctx.Err(); err != nil {
			return err
		}
		g := d.orgs[id]
		o, err := d.raw.get(g.offset, g.size)
		if err != nil {
			return err
		}
		if !g.named {
			if g.own {
				d.refuseFile(g.src.name, faultAt(g.at, hsds.CodeNoName, "path", "organization.name"))
			}
			continue
		}
		var left []string
		if up := parents[id]; up != "" {
			switch circle := circleOf(parents, id); {
			case circle != nil:
				d.say(g.origin, CodeHSDSCycle, "ids", strings.Join(circle, " → "))
				delete(parents, id)
				left = []string{"parent"}
			case !d.exists(ctx, up):
				d.say(g.origin, CodeHSDSUnknownKey, "column", "parent_organization_id", "value", up, "table", "organization")
				left = []string{"parent"}
			}
		}
		if err := d.emit(g.origin, hsds.Organization, o, 1, left); err != nil {
			return err
		}
	}
	for i := range d.wait {
		w := &d.wait[i]
		if err := ctx.Err(); err != nil {
			return err
		}
		o, err := d.raw.get(w.offset, w.size)
		if err != nil {
			return err
		}
		var left []string
		if id := hsds.ProviderOf(o); !d.exists(ctx, id) {
			d.say(w.origin, CodeHSDSUnknownKey, "column", "organization_id", "value", id, "table", "organization")
			left = []string{"organization"}
		}
		if err := d.emit(w.origin, hsds.Service, o, w.occurrence, left); err != nil {
			return err
		}
	}
	d.twins()
	for _, key := range slices.SortedFunc(maps.Keys(d.told), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) }) {
		if n := d.told[key]; n > maxTold {
			d.find("", faultAt(place{}, CodeHSDSMore, "what", key[0]+" ("+key[1]+")", "count", n-maxTold))
		}
	}
	return d.lines.flush()
}

// twins tells services from organisations with the same UUID: the organisation
// keeps it, since others name it by that.
func (d *directory) twins() {
	taken := map[string]bool{}
	for id, g := range d.orgs {
		if g.named && hsds.IsUUID(id) {
			taken[hsds.DocumentID(hsds.Organization, id, 1)] = true
		}
	}
	for i := range d.units {
		u := &d.units[i]
		if u.src.notation != hsdsFile || u.typ.Name != string(hsds.Service) {
			continue
		}
		if taken[u.id] {
			d.say(origin{u.src, u.at}, CodeHSDSTwin, "id", u.id)
			u.id = hsds.TwinID(hsds.Service, u.id)
		}
	}
}

// exists says whether an organisation is in the import or in the store.
func (d *directory) exists(ctx context.Context, id string) bool {
	if g := d.orgs[id]; g != nil && g.named {
		return true
	}
	store, ok := d.store.(interface {
		Get(ctx context.Context, id string) (*content.Document, error)
	})
	if !ok {
		return false
	}
	doc, err := store.Get(ctx, hsds.DocumentID(hsds.Organization, id, 1))
	return err == nil && doc.Type == string(hsds.Organization) && !doc.Discarded
}

// circleOf gives the circle that begins with id, or nil.
func circleOf(parents map[string]string, id string) []string {
	circle := []string{id}
	for at := parents[id]; at != ""; at = parents[at] {
		circle = append(circle, at)
		if at == id {
			return circle
		}
		if len(circle) > len(parents)+1 { // it leads into a circle of others
			return nil
		}
	}
	return nil
}

// emit makes an item of an object, and writes it down.
func (d *directory) emit(from origin, kind hsds.Kind, o map[string]any, occurrence int, left []string) error {
	m := d.lens.ToFields(kind, o)
	for _, n := range m.Notes {
		switch n.Code {
		case hsds.CodeNoName, hsds.CodeReserved:
			d.refuseFile(from.src.name, faultAt(from.at, n.Code, "path", n.Path))
			return nil
		}
		params := make([]any, 0, 2*len(n.Params))
		for _, k := range sortedKeys(n.Params) {
			params = append(params, k, n.Params[k])
		}
		d.hint(from, n.Code, n.Path, params...)
	}
	line := make(map[string]any, len(m.Fields)+8)
	maps.Copy(line, m.Fields)
	for _, field := range left {
		delete(line, field)
	}
	line[keyType] = string(kind)
	line[keyID] = hsds.DocumentID(kind, m.ID, occurrence)
	line[keyLocale] = from.src.locale
	switch {
	case m.Assured > d.today:
		d.hint(from, hsds.CodeKept, "service.assured_date", "path", "service.assured_date", "value", m.Assured, "reason", schemas.CodeOutOfRange)
	case m.Assured != "":
		line[keyAssuredDate] = m.Assured
	}
	if !m.Modified.IsZero() && !m.Modified.After(d.now) {
		line[keyUpdatedAt] = m.Modified.Format(time.RFC3339)
	}
	if !m.Active { // keeps it from the public, and takes it off the air
		line[keyExpireAt] = "1970-01-01T00:00:00Z"
	}
	if err := d.room(from.src, from.at.line); err != nil {
		return err
	}
	it, faults := d.lift(from, kind, line, hsds.Kept(o, hsds.Keep{Occurrence: occurrence, Left: append(m.Left, left...)}))
	if len(faults) > 0 {
		d.refuseItem(from.src, faults)
		return nil
	}
	offset, size, err := d.lines.add(lower(it))
	if err != nil {
		return err
	}
	d.plan(it, offset, size)
	hsds.Unmapped(kind, o, func(path string) { d.unheld(path, 1) })
	return nil
}

// say tells something about an object that comes in all the same.
func (d *directory) say(from origin, code string, params ...any) {
	d.find(from.src.name, faultAt(from.at, code, params...))
}

// hint says what may be so of every object: the first times with its place, then
// only how often.
func (d *directory) hint(from origin, code, path string, params ...any) {
	key := [2]string{code, path}
	if d.told[key]++; d.told[key] <= maxTold {
		d.say(from, code, params...)
	}
}

func (o origin) String() string {
	return Finding{Source: o.src.name, Line: o.at.line}.place()
}

// lined gives the source that the lines made of a file belong to. It has the
// file's name, and the locale for what says none itself.
func (d *directory) lined(file *source, around map[string]bool) *source {
	made := *file
	s := &made
	s.nameInfo = readName(file, d.reg, d.mapping, around)
	s.rule = d.mapping.merged(file.path)
	s.locale = first(s.rule.locale, s.nameInfo.locale, d.defaults.Locale)
	if s.locale == "" {
		s.locale = d.reg.Locales()[0].Tag
		d.find(s.name, faultAt(place{}, CodeHSDSLocale, "locale", s.locale))
	}
	s.fsys, s.path, s.notation = d.lines, d.lines.name, hsdsFile
	return s
}

// sumOf is a fingerprint of a decoded value, whatever the order of its keys.
func sumOf(v any) uint64 {
	const mix = 0x9e3779b97f4a7c15
	switch v := v.(type) {
	case string:
		return hashText(v) + 1
	case float64:
		return math.Float64bits(v)*mix + 2
	case bool:
		if v {
			return 3
		}
		return 4
	case []any:
		sum := uint64(5)
		for _, x := range v {
			sum = (sum ^ sumOf(x)) * mix
		}
		return sum
	case map[string]any:
		sum := uint64(6)
		for k, x := range v {
			sum += (hashText(k) ^ sumOf(x)*mix) * mix
		}
		return sum
	}
	return 7
}

// spoolWriter is a temporary file of one JSON value a line; a file system of
// one file, for reading it again.
type spoolWriter struct {
	name string
	file *os.File
	w    *bufio.Writer
	end  int64
	last []byte
}

func newSpoolWriter() (*spoolWriter, error) {
	f, err := os.CreateTemp("", "prassi-import-*")
	if err != nil {
		return nil, err
	}
	name := path.Base(strings.ReplaceAll(f.Name(), `\`, "/"))
	_ = os.Remove(f.Name()) // as newSpool does
	return &spoolWriter{name: name, file: f, w: bufio.NewWriterSize(f, 256<<10)}, nil
}

// add writes a value; last is its text until the next one.
func (s *spoolWriter) add(v any) (offset int64, size int, err error) {
	if s.last, err = json.Marshal(v); err != nil {
		return 0, 0, err
	}
	offset = s.end
	if _, err = s.w.Write(s.last); err != nil {
		return 0, 0, err
	}
	s.end += int64(len(s.last))
	return offset, len(s.last), nil
}

func (s *spoolWriter) flush() error { return s.w.Flush() }

// get reads an object that was written.
func (s *spoolWriter) get(offset int64, size int) (map[string]any, error) {
	if err := s.flush(); err != nil {
		return nil, err
	}
	data := make([]byte, size)
	if _, err := s.file.ReadAt(data, offset); err != nil && err != io.EOF {
		return nil, err
	}
	var o map[string]any
	return o, json.Unmarshal(data, &o)
}

// Open opens the one file.
func (s *spoolWriter) Open(name string) (fs.File, error) {
	if name != s.name {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return spooled{io.NewSectionReader(s.file, 0, s.end), name}, nil
}

func (s *spoolWriter) Close() error {
	err := s.file.Close()
	if gone := os.Remove(s.file.Name()); gone != nil && !os.IsNotExist(gone) {
		err = cmp.Or(err, gone)
	}
	return err
}
