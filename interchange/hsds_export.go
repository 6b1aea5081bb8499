package interchange

import (
	"archive/zip"
	"bufio"
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/workflow"
	"github.com/prassi-cms/prassi/interchange/hsds"
	"github.com/prassi-cms/prassi/schemas"
)

// More formats of an export, of services and organisations only.
const (
	FormatHSDSJSON = "hsds-json" // pages with their envelope
	FormatHSDSCSV  = "hsds-csv"  // a tabular package
)

// HSDSOptions say how an export to HSDS runs; the zero value writes JSON.
type HSDSOptions struct {
	Format string
	// Locale is the language to write where a document has several; the declared
	// order of locales decides among the rest.
	Locale string
	// Territories name municipalities; those of the registry when nil.
	Territories *schemas.Territories
	// Progress, when set, hears how many documents are written.
	Progress func(done, total int)
}

// HSDSPage is how many objects a page of JSON has in a folder; a single file has
// all of them.
const HSDSPage = 1000

// ExportHSDS writes services and organisations as HSDS 3.1, the newest that the
// store knows of each, drafts and what the public does not see included. The
// target is a folder, as for Export, or one file: .json for all services, .zip
// for a package. What nobody edited since it was imported is written as it came.
//
// HSDS has one language. What a document says in others is left out, and told.
func ExportHSDS(ctx context.Context, store content.Store, reg *schemas.Registry, target string, opt HSDSOptions) (ExportSummary, error) {
	workflows, err := workflowsOf(reg)
	if err != nil {
		return ExportSummary{}, err
	}
	e := &hsdsExport{
		exporter: exporter{store: store, reg: reg, workflows: workflows},
		lens:     hsds.New(reg, opt.Territories), opt: opt, orgs: map[string]*hsds.Facts{},
	}
	if err := e.list(ctx); err != nil {
		return e.sum, err
	}
	switch ext := extension(target); {
	case opt.Format == FormatHSDSCSV:
		return e.sum, e.packed(ctx, target, ext == archiveExtension)
	case ext == ".json":
		return e.sum, e.file(target, func(w io.Writer) error {
			return e.page(ctx, w, e.services, 0, len(e.services), hsds.Service)
		})
	}
	return e.sum, e.folder(ctx, target)
}

type hsdsExport struct {
	exporter
	lens            *hsds.Lens
	opt             HSDSOptions
	services, parts []entryHSDS // services, and organisations
	orgs            map[string]*hsds.Facts
	known           map[string]bool   // identifiers of organisations
	named           map[string]string // and those, by document
	done            int
}

// entryHSDS is what the order of an export is made of.
type entryHSDS struct {
	id         string // in HSDS
	occurrence int
	document   string
}

// list reads which documents there are. They go out by identifier, and those of
// one identifier in the order in which they came.
func (e *hsdsExport) list(ctx context.Context) error {
	e.merged, e.known, e.named = map[string]string{}, map[string]bool{}, map[string]string{}
	others := 0
	err := e.scan(ctx, func(page []*content.Document) error {
		for _, d := range page {
			if d.Type != string(hsds.Service) && d.Type != string(hsds.Organization) || len(d.Variants) == 0 {
				continue
			}
			var shared struct {
				Kept map[string]any `json:"hsds"`
			}
			if err := json.Unmarshal(d.Shared, &shared); err != nil {
				return err
			}
			original, keep := hsds.Original(shared.Kept)
			x := entryHSDS{first(hsds.IDOf(original), d.ID), keep.Occurrence, d.ID}
			others += len(d.Variants) - 1
			if d.Type == string(hsds.Service) {
				e.services = append(e.services, x)
			} else {
				e.parts, e.known[x.id], e.named[d.ID] = append(e.parts, x), true, x.id
			}
		}
		return nil
	})
	for _, list := range [][]entryHSDS{e.services, e.parts} {
		slices.SortFunc(list, func(a, b entryHSDS) int {
			return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(a.occurrence, b.occurrence), cmp.Compare(a.document, b.document))
		})
	}
	e.total = len(e.services) + len(e.parts)
	if others > 0 {
		e.sum.Findings = append(e.sum.Findings, Finding{Code: CodeHSDSLocales, Params: map[string]any{"count": others}})
	}
	return err
}

// facts reads what documents say, a batch at a time.
func (e *hsdsExport) facts(ctx context.Context, list []entryHSDS, visit func(*hsds.Facts) error) error {
	for len(list) > 0 {
		n := min(len(list), scanPage)
		docs := make([]*content.Document, 0, n)
		var hashes []string
		for _, x := range list[:n] {
			d, err := e.store.Get(ctx, x.document)
			if errors.Is(err, content.ErrNotFound) {
				continue // purged since
			}
			if err != nil {
				return err
			}
			docs = append(docs, d)
			hashes = append(hashes, e.variantOf(d).Latest.Hash)
		}
		revisions, err := e.store.RevisionsByHash(ctx, hashes)
		if err != nil {
			return err
		}
		for i, d := range docs {
			if revisions[i] == nil {
				return fmt.Errorf("document %s: revision %s: %w", d.ID, hashes[i], content.ErrNotFound)
			}
			f, err := e.factsOf(d, revisions[i])
			if err != nil {
				return fmt.Errorf("document %s: %w", d.ID, err)
			}
			if d.Type == string(hsds.Service) {
				if id, _ := f.Fields["organization"].(string); id != "" {
					if f.Organization, err = e.party(ctx, id); err != nil {
						return err
					}
				}
			}
			if err := visit(f); err != nil {
				return err
			}
			e.sum.Documents++
			e.sum.Variants++
			if e.done++; e.opt.Progress != nil {
				e.opt.Progress(min(e.done, e.total), e.total)
			}
		}
		list = list[n:]
	}
	return nil
}

// variantOf picks the language of a document.
func (e *hsdsExport) variantOf(d *content.Document) *content.Variant {
	if v := d.Variant(e.opt.Locale); v != nil && e.opt.Locale != "" {
		return v
	}
	for _, l := range e.reg.Locales() {
		if v := d.Variant(l.Tag); v != nil {
			return v
		}
	}
	return &d.Variants[0]
}

func (e *hsdsExport) factsOf(d *content.Document, r *content.Revision) (*hsds.Facts, error) {
	f := &hsds.Facts{ID: d.ID, Fields: map[string]any{}}
	for _, part := range []json.RawMessage{d.Shared, r.Localized} {
		if err := json.Unmarshal(part, &f.Fields); err != nil {
			return nil, err
		}
	}
	v := e.variantOf(d)
	f.Modified, f.Shown = v.UpdatedAt, shownAs(e.workflows[d.Type], v)
	if d.Assured != nil {
		f.Assured = d.Assured.On
	}
	up, _ := f.Fields["parent"].(string)
	for e.merged[up] != "" {
		up = e.merged[up]
	}
	f.ParentID = e.named[up]
	return f, nil
}

func shownAs(def *workflow.Definition, v *content.Variant) hsds.Shown {
	if !v.Live.IsZero() {
		return hsds.Public
	}
	if s := def.State(v.State); s != nil && s.Offline {
		return hsds.Withdrawn
	}
	return hsds.Waiting
}

// party gives an organisation's facts; nil when it is gone.
func (e *hsdsExport) party(ctx context.Context, id string) (*hsds.Facts, error) {
	for e.merged[id] != "" {
		id = e.merged[id]
	}
	if f, ok := e.orgs[id]; ok {
		return f, nil
	}
	if len(e.orgs) >= 2000 {
		clear(e.orgs)
	}
	d, err := e.store.Get(ctx, id)
	if errors.Is(err, content.ErrNotFound) || err == nil && (len(d.Variants) == 0 || d.Type != string(hsds.Organization)) {
		e.orgs[id] = nil
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	list, err := e.store.RevisionsByHash(ctx, []string{e.variantOf(d).Latest.Hash})
	if err != nil || list[0] == nil {
		return nil, cmp.Or(err, content.ErrNotFound)
	}
	f, err := e.factsOf(d, list[0])
	e.orgs[id] = f
	return f, err
}

// page writes one page with its envelope. from counts the objects of the pages
// before.
func (e *hsdsExport) page(ctx context.Context, w io.Writer, list []entryHSDS, from, size int, kind hsds.Kind) error {
	all := len(list)
	list = list[from:min(from+size, all)]
	pages := max(1, (all+max(size, 1)-1)/max(size, 1))
	number := from/max(size, 1) + 1
	head, err := json.MarshalIndent(hsds.Envelope(all, pages, number, len(list)), "", "  ")
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "%s,\n  \"contents\": [", strings.TrimSuffix(string(head), "\n}")); err != nil {
		return err
	}
	separator := "\n    "
	err = e.facts(ctx, list, func(f *hsds.Facts) error {
		var out strings.Builder
		enc := json.NewEncoder(&out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("    ", "  ")
		if err := enc.Encode(e.lens.FromFields(kind, *f)); err != nil {
			return err
		}
		_, err := io.WriteString(w, separator+strings.TrimSuffix(out.String(), "\n"))
		separator = ",\n    "
		return err
	})
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, "\n  ]\n}\n")
	return err
}

// folder writes services-1.json, … and organizations-1.json, ….
func (e *hsdsExport) folder(ctx context.Context, dir string) error {
	out, err := newFolder(dir)
	if err != nil {
		return err
	}
	defer out.abandon()
	for _, part := range []struct {
		kind hsds.Kind
		name string
		list []entryHSDS
	}{{hsds.Organization, "organizations", e.parts}, {hsds.Service, "services", e.services}} {
		for from := 0; from == 0 || from < len(part.list); from += HSDSPage {
			var b strings.Builder
			if err := e.page(ctx, &b, part.list, from, HSDSPage, part.kind); err != nil {
				return err
			}
			if err := out.write(fmt.Sprintf("%s-%d.json", part.name, from/HSDSPage+1), b.String()); err != nil {
				return err
			}
		}
	}
	e.sum.Files = len(out.sums)
	return out.publish()
}

// file writes one file, which appears whole or not at all. One that is there
// already stays.
func (e *hsdsExport) file(name string, write func(io.Writer) error) error {
	if _, err := os.Lstat(name); err == nil {
		return &Error{Finding{Source: name, Code: CodeExportFile}}
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".prassi-export-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	w := bufio.NewWriterSize(f, 256<<10)
	err = cmp.Or(write(w), w.Flush(), f.Sync())
	if err = cmp.Or(err, f.Close()); err != nil {
		return err
	}
	e.sum.Files = 1
	return os.Rename(f.Name(), name)
}

// packed writes a tabular package. Rows wait in temporary files until it is
// known which columns there are.
func (e *hsdsExport) packed(ctx context.Context, target string, archive bool) error {
	rows := map[string]*tableRows{}
	defer func() {
		for _, t := range rows {
			t.spool.Close()
		}
	}()
	flat := &hsds.Flattener{Known: func(id string) bool { return e.known[id] }}
	emit := func(table string, row map[string]any) error {
		t := rows[table]
		if t == nil {
			spool, err := newSpoolWriter()
			if err != nil {
				return err
			}
			t = &tableRows{spool: spool, columns: map[string]string{}}
			rows[table] = t
		}
		return t.add(row)
	}
	for _, part := range []struct {
		kind hsds.Kind
		list []entryHSDS
	}{{hsds.Organization, e.parts}, {hsds.Service, e.services}} {
		err := e.facts(ctx, part.list, func(f *hsds.Facts) error {
			return flat.Flatten(part.kind, e.lens.FromFields(part.kind, *f), emit)
		})
		if err != nil {
			return err
		}
	}
	for _, name := range []string{string(hsds.Organization), string(hsds.Service)} { // a package has both, empty or not
		if rows[name] == nil {
			if err := emit(name, map[string]any{}); err != nil {
				return err
			}
			rows[name].places = nil
		}
	}
	if archive {
		return e.file(target, func(w io.Writer) error {
			z := zip.NewWriter(w)
			err := e.files(rows, func(name string, write func(io.Writer) error) error {
				f, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)})
				if err != nil {
					return err
				}
				return write(f)
			})
			return cmp.Or(err, z.Close())
		})
	}
	out, err := newFolder(target)
	if err != nil {
		return err
	}
	defer out.abandon()
	err = e.files(rows, func(name string, write func(io.Writer) error) error {
		b := bufio.NewWriterSize(appender{out, name}, 256<<10)
		return cmp.Or(write(b), b.Flush())
	})
	if err != nil {
		return err
	}
	e.sum.Files = len(out.sums)
	return out.publish()
}

// appender writes to one file of a folder.
type appender struct {
	*folder
	name string
}

func (a appender) Write(p []byte) (int, error) { return len(p), a.append(a.name, string(p)) }

// files writes the tables in their order, then their description.
func (e *hsdsExport) files(rows map[string]*tableRows, create func(string, func(io.Writer) error) error) error {
	var resources []map[string]any
	for _, t := range hsds.Tables() {
		r := rows[t.Name]
		if r == nil {
			continue
		}
		columns := r.order(&t)
		if err := create(t.Name+".csv", func(w io.Writer) error { return r.write(w, columns) }); err != nil {
			return err
		}
		fields := make([]map[string]any, len(columns))
		for i, c := range columns {
			fields[i] = map[string]any{"name": c, "type": r.typeOf(c)}
		}
		schema := map[string]any{"fields": fields, "primaryKey": "id"}
		resources = append(resources, map[string]any{
			"name": t.Name, "path": t.Name + ".csv", "profile": "tabular-data-resource", "format": "csv", "mediatype": "text/csv", "encoding": "utf-8", "schema": schema,
		})
	}
	return create(packageFile, func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(map[string]any{"name": "hsds", "profile": "tabular-data-package", "hsds_version": "3.1", "resources": resources})
	})
}

// tableRows are the rows of one table on their way out.
type tableRows struct {
	spool   *spoolWriter
	places  [][2]int64
	columns map[string]string // and the type that all their cells have
}

func (t *tableRows) add(row map[string]any) error {
	for column, v := range row {
		is := ""
		switch v := v.(type) {
		case nil:
			continue
		case string:
			if is = "string"; v == "" {
				continue // as good as nothing in a table
			}
		case float64:
			is = "number"
		case bool:
			is = "boolean"
		case map[string]any:
			is = "object"
		case []any:
			is = "array"
		}
		if was, known := t.columns[column]; known && was != is {
			is = "any"
		}
		t.columns[column] = is
	}
	offset, size, err := t.spool.add(row)
	t.places = append(t.places, [2]int64{offset, int64(size)})
	return err
}

// order lists the columns: those of HSDS, then others by name.
func (t *tableRows) order(table *hsds.Table) []string {
	out := slices.Clone(table.Columns)
	for _, c := range sortedKeys(t.columns) {
		if !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return out
}

func (t *tableRows) typeOf(column string) string { return first(t.columns[column], "string") }

func (t *tableRows) write(w io.Writer, columns []string) error {
	c := csv.NewWriter(w)
	if err := c.Write(columns); err != nil {
		return err
	}
	cells := make([]string, len(columns))
	for _, at := range t.places {
		row, err := t.spool.get(at[0], int(at[1]))
		if err != nil {
			return err
		}
		for i, column := range columns {
			if cells[i], err = cellOf(row[column], t.columns[column] == "any"); err != nil {
				return err
			}
		}
		if err := c.Write(cells); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

// harmless are numbers with a sign and international telephone numbers: no
// spreadsheet makes more of them than a number, and other programs want them as
// they are.
var harmless = regexp.MustCompile(`^[+-][0-9][0-9 ()./-]*$`)

// cellOf writes a value. In a column of several types all are JSON.
func cellOf(v any, mixed bool) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", nil
	case string:
		switch {
		case v == "":
			return "", nil
		case mixed:
		case harmless.MatchString(v):
			return v, nil
		default:
			return guard(v), nil
		}
	case float64:
		if !mixed {
			return strconv.FormatFloat(v, 'f', -1, 64), nil
		}
	case bool:
		return strconv.FormatBool(v), nil
	}
	data, err := json.Marshal(v)
	return string(data), err
}
