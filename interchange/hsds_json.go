package interchange

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/prassi-cms/prassi/interchange/hsds"
)

// keyContents is the member of a page with its objects (HSDS 3.1, API reference).
const keyContents = "contents"

// serviceKeys are members that only a service has, orgKeys those that only an
// organisation has. foreignKeys say that an object is none of HSDS's: ours.
var (
	serviceKeys = wordSet("status organization organization_id program_id service_at_locations cost_options required_documents application_process " +
		"interpretation_services fees fees_description eligibility_description assured_date assurer_email accreditations minimum_age maximum_age " +
		"alert wait_time licenses service_areas schedules capacities")
	orgKeys = wordSet("website tax_status tax_id year_incorporated legal_status logo parent_organization_id organization_identifiers " +
		"additional_websites programs locations services")
	foreignKeys = wordSet("type title locale slug body translation_of territories")
)

// hsdsKind tells a service from an organisation.
func hsdsKind(o map[string]any) hsds.Kind {
	for k := range o {
		if serviceKeys[k] {
			return hsds.Service
		}
	}
	for k := range o {
		if orgKeys[k] {
			return hsds.Organization
		}
	}
	return hsds.Service
}

// isHSDS tells by the first bytes of a file whether it is HSDS: a page, or an
// object or array of objects with its members and none of ours.
func (p *Plan) isHSDS(s *source) bool {
	shape, keys := p.sniff(s)
	switch {
	case p.notation == NotationHSDS:
		return shape != 0
	case slices.Contains(keys, keyContents):
		return true
	case !slices.Contains(keys, "id") || !slices.Contains(keys, "name") || slices.ContainsFunc(keys, func(k string) bool { return foreignKeys[k] }):
		return false
	}
	return slices.ContainsFunc(keys, func(k string) bool { return serviceKeys[k] || orgKeys[k] })
}

// sniff gives how a JSON file begins, { or [, and the keys of its first object
// as far as the first 64 KiB tell.
func (p *Plan) sniff(s *source) (shape byte, keys []string) {
	f, _, bad := s.open()
	if bad != nil {
		return 0, nil
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, 64<<10))
	if err != nil {
		return 0, nil
	}
	head = bytes.TrimLeft(bytes.TrimPrefix(head, []byte(byteOrderMark)), " \t\r\n")
	if len(head) == 0 {
		return 0, nil
	}
	dec := json.NewDecoder(bytes.NewReader(head))
	dec.UseNumber()
	at, key := 0, true // depth, and whether the next text is a key
	top := 1
	if head[0] == '[' {
		top = 2
	}
	for {
		tok, err := dec.Token()
		if err != nil {
			break
		}
		if d, ok := tok.(json.Delim); ok {
			if d == '{' || d == '[' {
				if at++; d == '{' {
					key = true
				}
				continue
			}
			if at--; at < top {
				break // the first object is over
			}
			key = true
			continue
		}
		if at != top {
			continue
		}
		if k, ok := tok.(string); ok && key {
			if keys = append(keys, k); k == keyContents {
				break
			}
			key = false
			continue
		}
		key = true
	}
	return head[0], keys
}

// pages reads JSON files: pages with their envelope, arrays, single objects and
// JSON Lines.
func (d *directory) pages(ctx context.Context, sources []*source) error {
	around := neighbours(sources, d.reg, d.mapping)
	var all envelope
	for _, s := range sources {
		env, err := d.page(ctx, s, d.lined(s, around))
		if err != nil {
			return err
		}
		all.add(env)
	}
	if all.pages > 0 && all.totalPages > float64(all.pages) {
		d.find(all.name, faultAt(place{}, CodeHSDSPages, "said", all.totalPages, "found", all.pages))
	} else if all.pages > 1 && all.totalItems != float64(all.found) {
		d.find(all.name, faultAt(place{}, CodeHSDSCounts, "member", "total_items", "said", all.totalItems, "found", all.found))
	}
	return nil
}

// envelope is what the pages say of themselves, and what is true.
type envelope struct {
	name                   string
	pages, found           int
	totalItems, totalPages float64
}

func (e *envelope) add(o envelope) {
	if o.pages == 0 {
		return
	}
	e.name, e.pages, e.found = o.name, e.pages+1, e.found+o.found
	e.totalItems, e.totalPages = max(e.totalItems, o.totalItems), max(e.totalPages, o.totalPages)
}

// page reads one file. When it is not well-formed nothing of it comes in.
func (d *directory) page(ctx context.Context, s, made *source) (envelope, error) {
	env := envelope{name: s.name}
	shape, keys := d.sniff(s)
	f, _, bad := s.open()
	if bad != nil {
		d.refuseFile(s.name, bad)
		return env, nil
	}
	defer f.Close()
	split := newSplitter(f)
	d.begin()
	defer d.end()
	broken, objects := false, 0
	element := func(c chunk, bad *fault) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		objects++
		n, bad := d.decode(c, bad)
		if bad != nil {
			broken = broken || bad.code == CodeSyntax
			d.refuseFile(s.name, bad)
			return nil
		}
		if n.kind != objectNode {
			d.refuseFile(s.name, faultAt(n.at, CodeFrontMatterNotKeys))
			return nil
		}
		v, err := n.typed()
		if err != nil {
			d.refuseFile(s.name, faultAt(n.at, CodeHSDSNumber))
			return nil
		}
		o := v.(map[string]any)
		return d.object(origin{made, n.at}, hsdsKind(o), o)
	}
	said := map[string]*node{}
	var err error
	switch {
	case s.notation == linesFile:
		err = split.lines(element)
	case shape == '{' && (slices.Contains(keys, keyContents) || d.notation == NotationHSDS && !slices.Contains(keys, "id")):
		env.pages = 1
		err = split.page(keyContents, element, func(key string, c chunk, bad *fault) error {
			n, bad := d.decode(c, bad)
			switch {
			case bad == nil && said[key] != nil:
				bad = faultAt(n.at, CodeDuplicateKey, "key", key)
			case bad == nil:
				said[key] = &n
				return nil
			}
			broken = true
			d.refuseFile(s.name, bad)
			return errStop
		})
	default:
		err = split.elements(element)
	}
	if broken || err == errStop {
		d.undo()
	}
	if err != nil && err != errStop && ctx.Err() == nil {
		if stop, ours := errors.AsType[*Error](err); ours {
			return env, stop
		}
		d.refuseFile(s.name, faultAt(place{split.line, split.column}, CodeUnreadable))
		return env, nil
	}
	if env.pages == 1 && !broken {
		d.counts(s, said, objects, &env)
	}
	return env, ctx.Err()
}

func (d *directory) decode(c chunk, bad *fault) (node, *fault) {
	if bad == nil {
		bad = checkText(c.data, c.line)
	}
	if bad != nil {
		return node{}, bad
	}
	return readJSON(bytes.TrimSpace(c.data), place{c.line, c.column})
}

// counts compares what a page says of itself with what is in it. It is told and
// not obeyed: what is there comes in.
func (d *directory) counts(s *source, said map[string]*node, found int, env *envelope) {
	env.found = found
	number := func(key string) (float64, bool) {
		n := said[key]
		if n == nil {
			return 0, false
		}
		v, err := n.typed()
		f, ok := v.(float64)
		return f, ok && err == nil
	}
	env.totalItems, _ = number("total_items")
	env.totalPages, _ = number("total_pages")
	differs := func(key string, is any) {
		d.find(s.name, faultAt(said[key].at, CodeHSDSCounts, "member", key, "said", said[key].text, "found", is))
	}
	if n, ok := number("size"); ok && n != float64(found) {
		// A last page may be shorter than the size that was asked for.
		if n < float64(found) || env.totalPages <= 1 {
			differs("size", found)
		}
	}
	if n, ok := number("total_items"); ok && (n < float64(found) || env.totalPages <= 1 && n != float64(found)) {
		differs("total_items", found)
	}
	if n := said["empty"]; n != nil && n.text != map[bool]string{true: "true", false: "false"}[found == 0] {
		differs("empty", found == 0)
	}
}

// page hands out the elements of one member of the object that the file is, and
// every other member whole.
func (s *splitter) page(list string, element func(chunk, *fault) error, member func(string, chunk, *fault) error) error {
	wrong := func(detail string) error {
		if err := element(chunk{line: s.line, column: s.column}, faultAt(place{s.line, s.column}, CodeSyntax, "notation", "JSON", "detail", detail)); err != nil {
			return err
		}
		return errStop
	}
	if c, err := s.skip(); err != nil || c != '{' {
		return wrong("an object was expected")
	}
	if _, err := s.next(false); err != nil {
		return err
	}
	listed := false
	for first := true; ; first = false {
		c, err := s.skip()
		if err != nil {
			return wrong("the object is not closed")
		}
		if c == '}' {
			break
		}
		if !first {
			if c != ',' {
				return wrong("a comma or } was expected")
			}
			if _, err := s.next(false); err != nil {
				return err
			}
			if c, err = s.skip(); err != nil {
				return wrong("the object is not closed")
			}
		}
		if c != '"' {
			return wrong("a key in double quotes was expected")
		}
		key, bad := "", (*fault)(nil)
		if err := s.text(func(c chunk, over *fault) error {
			n, f := node{}, over
			if f == nil {
				if f = checkText(c.data, c.line); f == nil {
					n, f = readJSON(c.data, place{c.line, c.column})
				}
			}
			key, bad = n.text, f
			return nil
		}); err != nil {
			return err
		}
		if bad != nil {
			return element(chunk{}, bad)
		}
		if c, err := s.skip(); err != nil || c != ':' {
			return wrong("a colon was expected")
		}
		if _, err := s.next(false); err != nil {
			return err
		}
		if c, err = s.skip(); err != nil {
			return wrong("a value was expected")
		}
		switch {
		case key == list && c == '[' && !listed:
			listed = true
			err = s.array(element)
		case key == list:
			return wrong("one array of objects was expected in " + list)
		default:
			err = s.element(func(c chunk, bad *fault) error { return member(key, c, bad) })
		}
		if err != nil {
			return err
		}
	}
	if _, err := s.next(false); err != nil {
		return err
	}
	if _, err := s.skip(); err == nil {
		return wrong("text after the object")
	}
	return nil
}

// text hands out the string that begins here.
func (s *splitter) text(yield func(chunk, *fault) error) error {
	item := s.begin()
	for escaped, n := false, 0; ; n++ {
		c, err := s.next(true)
		if err != nil {
			break // its reader says that it is not closed
		}
		if c == '"' && n > 0 && !escaped {
			break
		}
		escaped = c == '\\' && !escaped
	}
	return yield(s.finish(item))
}

// hashText is FNV-1a: rows and objects that it finds are compared all the same.
func hashText(s string) uint64 {
	var h uint64 = 14695981039346656037
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}

// hsdsName says whether a file name is that of a table: service.csv, services.csv.
func hsdsName(base string) string {
	name := strings.TrimSuffix(strings.ToLower(base), ".csv")
	for _, t := range hsds.Tables() {
		if name == t.Name || name == t.Name+"s" || name == strings.TrimSuffix(t.Name, "y")+"ies" || name == t.Name+"es" {
			return t.Name
		}
	}
	return ""
}
