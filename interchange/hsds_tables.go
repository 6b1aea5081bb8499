package interchange

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/prassi-cms/prassi/interchange/hsds"
)

// packageFile describes a tabular package (Frictionless Data, Data Package v1).
const packageFile = "datapackage.json"

// maxJoined bounds the rows that one object is joined from.
const maxJoined = 5000

// tabular is one package: a CSV file for each table.
type tabular struct {
	name   string
	tables map[string]*tableFile
	// missing are paths that the description names and that are not to be had.
	missing []string
}

// tableFile is one CSV file while a package is read. Of its rows only places and
// fingerprints are kept.
type tableFile struct {
	src, made *source
	*hsds.Table
	header *csvHeader
	types  map[string]string // column → type of Table Schema
	file   interface {
		fs.File
		io.ReaderAt
	}
	ids    []rowRef // by identifier
	owners []rowRef // by the identifier of the row that it belongs to
	rows   []rowRef // in the order of the file; of services and organisations only
}

// rowRef is a place of a row with the fingerprint that it is found by.
type rowRef struct {
	key    uint64
	offset int64
	size   int32
	line   int32
	owner  int8 // index in Table.Owners
}

// packages takes the tabular packages out of the sources: folders with a
// datapackage.json that describes tables of HSDS. When HSDS was asked for, files
// with the names of tables are enough.
func (p *Plan) packages(sources []*source) (packs []*tabular, rest []*source) {
	type folder struct {
		fsys fs.FS
		dir  string
	}
	at := map[folder]*tabular{}
	taken := map[*source]bool{}
	for _, s := range sources {
		if path.Base(s.path) != packageFile {
			continue
		}
		in := folder{s.fsys, path.Dir(s.path)}
		resources := p.resources(s)
		if resources["service"].Path == "" && resources["organization"].Path == "" {
			continue
		}
		pack := &tabular{name: s.name, tables: map[string]*tableFile{}}
		taken[s] = true
		for _, name := range sortedKeys(resources) {
			r := resources[name]
			i := slices.IndexFunc(sources, func(o *source) bool {
				return o.fsys == in.fsys && o.notation == csvFile && o.path == path.Join(in.dir, r.Path)
			})
			if i < 0 || taken[sources[i]] || !fs.ValidPath(path.Clean(r.Path)) {
				pack.missing = append(pack.missing, r.Path)
				continue
			}
			taken[sources[i]] = true
			t := &tableFile{src: sources[i], Table: hsds.TableOf(name), types: map[string]string{}}
			for _, f := range r.Schema.Fields {
				t.types[f.Name] = f.Type
			}
			pack.tables[name] = t
		}
		at[in] = pack
		packs = append(packs, pack)
	}
	if p.notation == NotationHSDS {
		for _, s := range sources {
			name := hsdsName(path.Base(s.path))
			if s.notation != csvFile || taken[s] || name == "" {
				continue
			}
			in := folder{s.fsys, path.Dir(s.path)}
			if at[in] == nil {
				at[in] = &tabular{name: s.name, tables: map[string]*tableFile{}}
				packs = append(packs, at[in])
			}
			if at[in].tables[name] == nil {
				at[in].tables[name], taken[s] = &tableFile{src: s, Table: hsds.TableOf(name)}, true
			}
		}
	}
	return packs, slices.DeleteFunc(slices.Clone(sources), func(s *source) bool { return taken[s] })
}

// resource is a table of a datapackage.json, as far as it matters here.
type resource struct {
	Name   string `json:"name"`
	Path   string `json:"path"`
	Schema struct {
		Fields []struct {
			Name string `json:"name"`
			Type string `json:"type"`
		} `json:"fields"`
	} `json:"schema"`
}

// resources reads those of a description that are tables of HSDS.
func (p *Plan) resources(s *source) map[string]resource {
	data, bad := s.readAll(MaxFile)
	if bad != nil || checkText(data, 1) != nil {
		return nil
	}
	var described struct {
		Resources []json.RawMessage `json:"resources"`
	}
	if json.Unmarshal(data, &described) != nil {
		return nil
	}
	out := map[string]resource{}
	for _, raw := range described.Resources {
		var r resource
		if json.Unmarshal(raw, &r) != nil {
			continue
		}
		if hsds.TableOf(r.Name) == nil {
			r.Name = hsdsName(r.Name)
		}
		if _, twice := out[r.Name]; r.Name != "" && !twice {
			out[r.Name] = r
		}
	}
	return out
}

// tables reads one package: first where every row is, then one object after the
// other with the rows that belong to it.
func (d *directory) tables(ctx context.Context, pack *tabular) error {
	for _, name := range pack.missing {
		d.find(pack.name, faultAt(place{}, CodeHSDSResource, "path", name))
	}
	defer func() {
		for _, t := range pack.tables {
			if t.file != nil {
				t.file.Close()
			}
		}
	}()
	for _, name := range sortedKeys(pack.tables) {
		if err := d.index(ctx, pack.tables[name]); err != nil {
			return err
		}
	}
	for _, name := range sortedKeys(pack.tables) {
		d.orphans(pack, pack.tables[name])
	}
	for _, kind := range []hsds.Kind{hsds.Organization, hsds.Service} {
		t := pack.tables[string(kind)]
		if t == nil {
			continue
		}
		for _, ref := range t.rows {
			if err := ctx.Err(); err != nil {
				return err
			}
			row, bad := t.read(ref)
			if bad != nil {
				d.refuseFile(t.src.name, bad)
				continue
			}
			j := joiner{directory: d, pack: pack, from: origin{t.made, place{int(ref.line), 1}}}
			o := j.object(t, row, ref, "", false)
			if j.rows > maxJoined {
				d.refuseFile(t.src.name, faultAt(place{int(ref.line), 1}, CodeItemTooLong, "max", MaxItem))
				continue
			}
			if err := d.object(j.from, kind, o); err != nil {
				return err
			}
		}
	}
	return nil
}

// index reads a file once and remembers where its rows are.
func (d *directory) index(ctx context.Context, t *tableFile) error {
	t.made = d.lined(t.src, nil)
	f, _, bad := t.src.open()
	if bad != nil {
		d.refuseFile(t.src.name, bad)
		return nil
	}
	file, ok := f.(interface {
		fs.File
		io.ReaderAt
	})
	if !ok {
		f.Close()
		d.refuseFile(t.src.name, faultAt(place{}, CodeUnreadable))
		return nil
	}
	t.file = file
	own := t.Name == string(hsds.Service) || t.Name == string(hsds.Organization)
	split := newSplitter(f)
	err := split.records(func(c chunk, bad *fault) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if bad != nil {
			d.refuseFile(t.src.name, bad)
			return nil
		}
		if t.header == nil {
			if t.header, bad = readHeader(c); bad != nil {
				d.refuseFile(t.src.name, bad)
				return errStop
			}
			return nil
		}
		ref := rowRef{offset: c.offset, size: int32(len(c.data)), line: int32(c.line)}
		row, bad := t.parse(c)
		if bad != nil {
			d.refuseFile(t.src.name, bad)
			return nil
		}
		if id := row["id"]; id != "" {
			r := ref
			r.key = hashText(id)
			t.ids = append(t.ids, r)
		}
		for i, column := range t.Owners {
			if id := row[column]; id != "" {
				r := ref
				r.key, r.owner = hashText(id), int8(i)
				t.owners = append(t.owners, r)
				break
			}
		}
		if t.Name == "location" && row["organization_id"] != "" {
			r := ref
			r.key, r.owner = hashText(row["organization_id"]), -1
			t.owners = append(t.owners, r)
		}
		if own {
			t.rows = append(t.rows, ref)
		}
		return nil
	})
	if err != nil && err != errStop {
		if ctx.Err() != nil {
			return err
		}
		d.refuseFile(t.src.name, faultAt(place{split.line, 1}, CodeUnreadable))
	}
	byKey := func(a, b rowRef) int { return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.offset, b.offset)) }
	slices.SortFunc(t.ids, byKey)
	slices.SortFunc(t.owners, byKey)
	if !own { // those are told one by one
		for i := 1; i < len(t.ids); i++ {
			a, b := t.ids[i-1], t.ids[i]
			if a.key != b.key {
				continue
			}
			x, _ := t.read(a)
			y, _ := t.read(b)
			if x["id"] == y["id"] {
				d.say(origin{t.made, place{int(b.line), 1}}, CodeHSDSRepeated, "id", y["id"], "other", origin{t.made, place{int(a.line), 1}}.String(), "same", bytes.Equal([]byte(textRow(x)), []byte(textRow(y))))
			}
		}
	}
	return nil
}

func textRow(row map[string]string) string {
	data, _ := json.Marshal(row) // strings can be written
	return string(data)
}

// orphans refuses the rows that belong to a row that is not there.
func (d *directory) orphans(pack *tabular, t *tableFile) {
	for _, ref := range t.owners {
		column, parents := "organization_id", []string{"organization"}
		if ref.owner >= 0 {
			column = t.Owners[ref.owner]
			parents = []string{strings.TrimSuffix(column, "_id")}
		}
		if column == "link_id" || column == "resource_id" { // of any table
			parents = sortedKeys(pack.tables)
		}
		found := false
		for _, name := range parents {
			if o := pack.tables[name]; o != nil {
				lo, hi := span(o.ids, ref.key)
				found = found || lo < hi
			}
		}
		if found {
			continue
		}
		row, bad := t.read(ref)
		if bad != nil {
			continue // refused already
		}
		bad = faultAt(place{int(ref.line), 1}, CodeHSDSUnknownKey, "column", column, "value", row[column], "table", strings.Join(parents[:min(1, len(parents))], ""))
		if ref.owner < 0 { // a location is there for its services, too
			d.find(t.src.name, bad)
			continue
		}
		d.refuseFile(t.src.name, bad)
	}
}

// span gives the part of a sorted list with one key.
func span(list []rowRef, key uint64) (lo, hi int) {
	lo, _ = slices.BinarySearchFunc(list, key, func(r rowRef, k uint64) int { return cmp.Compare(r.key, k) })
	for hi = lo; hi < len(list) && list[hi].key == key; hi++ {
	}
	return lo, hi
}

// read reads one row again.
func (t *tableFile) read(ref rowRef) (map[string]string, *fault) {
	data := make([]byte, ref.size)
	if _, err := t.file.ReadAt(data, ref.offset); err != nil && err != io.EOF {
		return nil, faultAt(place{int(ref.line), 1}, CodeUnreadable)
	}
	return t.parse(chunk{data: data, line: int(ref.line), column: 1})
}

// parse gives the cells of a row that are not empty.
func (t *tableFile) parse(c chunk) (map[string]string, *fault) {
	if bad := checkText(c.data, c.line); bad != nil {
		return nil, bad
	}
	cells, at, bad := readRow(c, t.header.comma)
	if bad != nil {
		return nil, bad
	}
	row := make(map[string]string, len(cells))
	for i, cell := range cells {
		if strings.TrimSpace(cell) == "" {
			continue
		}
		if i >= len(t.header.keys) {
			return nil, faultAt(at[i], CodeSyntax, "notation", "CSV", "detail", "more cells than columns")
		}
		row[t.header.keys[i]] = unguard(cell)
	}
	return row, nil
}

// joiner makes one object of its rows.
type joiner struct {
	*directory
	pack *tabular
	from origin
	rows int
}

// object joins a row with those that belong to it. parent is the column that
// led here, which the JSON form does not repeat; a bare object has no parts.
func (j *joiner) object(t *tableFile, row map[string]string, ref rowRef, parent string, bare bool) map[string]any {
	if j.rows++; j.rows > maxJoined {
		return nil
	}
	o := make(map[string]any, len(row))
	for column, cell := range row {
		if column != parent {
			o[column] = t.value(column, cell)
		}
	}
	id := row["id"]
	for _, p := range t.Parts {
		other := j.pack.tables[p.Table]
		if bare || other == nil && !p.One {
			continue
		}
		if p.One {
			key := row[p.Key]
			if key == "" {
				continue
			}
			var part map[string]any
			if other != nil {
				part = j.one(other, key, p.Table == string(hsds.Organization))
			}
			if part != nil {
				o[p.Member] = part
				delete(o, p.Key)
				if p.Table == string(hsds.Organization) {
					o[p.Key] = key
				}
			} else if p.Table != string(hsds.Organization) { // that is told at the end
				j.say(origin{t.made, place{int(ref.line), 1}}, CodeHSDSUnknownKey, "column", p.Key, "value", key, "table", p.Table)
			}
			continue
		}
		if id == "" {
			continue
		}
		var list []any
		lo, hi := span(other.owners, hashText(id))
		for _, r := range other.owners[lo:hi] {
			if r.owner >= 0 && other.Owners[r.owner] != p.Key || r.owner < 0 && p.Key != "organization_id" {
				continue
			}
			below, bad := other.read(r)
			if bad != nil || below[p.Key] != id || j.rows > maxJoined {
				continue
			}
			list = append(list, j.object(other, below, r, p.Key, false))
		}
		if list != nil {
			o[p.Member] = list
		}
	}
	return o
}

// one finds the row with an identifier; the first where several have it.
func (j *joiner) one(t *tableFile, id string, bare bool) map[string]any {
	lo, hi := span(t.ids, hashText(id))
	for _, r := range t.ids[lo:hi] {
		if row, bad := t.read(r); bad == nil && row["id"] == id {
			return j.object(t, row, r, "", bare)
		}
	}
	return nil
}

// value gives a cell the type of its column: the description's, else HSDS's own.
func (t *tableFile) value(column, cell string) any {
	kind := t.types[column]
	if kind == "" && slices.Contains(t.Numbers, column) {
		kind = "number"
	}
	switch kind {
	case "number", "integer", "year":
		if f, err := strconv.ParseFloat(strings.TrimSpace(cell), 64); err == nil && f-f == 0 {
			return f
		}
	case "boolean":
		if b, ok := readBool(strings.TrimSpace(cell)); ok {
			return b
		}
	case "object", "array", "any":
		if n, bad := readJSON([]byte(strings.TrimSpace(cell)), place{1, 1}); bad == nil {
			if v, err := n.typed(); err == nil {
				return v
			}
		}
	}
	return cell
}
