package catalog

import (
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/geo"
	"github.com/prassi-cms/prassi/schemas"
)

// Codes lists the codes that this package puts into a Problem or a field's
// Issue, beside content.Codes and schemas.IssueCodes: unknown_sort (value,
// allowed), unknown_parameter (parameter) and unknown_place (value, candidates).
var Codes = []string{"unknown_sort", "unknown_parameter", codeUnknownPlace}

const (
	defaultSort = "-published_at"
	byDistance  = "distance"
)

// fault collects what is wrong with a query.
type fault []schemas.Issue

func (f *fault) add(path, code string, params map[string]any) {
	*f = append(*f, schemas.Issue{Path: "/" + path, Code: code, Params: params})
}

func (f *fault) value(path, code, value string) {
	f.add(path, code, map[string]any{"value": excerpt(value)})
}

// excerpt is what a message repeats of a parameter.
func excerpt(value string) string {
	if len(value) > 80 {
		value = strings.ToValidUTF8(value[:80], "") + "…"
	}
	return strings.ToValidUTF8(value, "\ufffd")
}

func (f fault) problem() error {
	if len(f) == 0 {
		return nil
	}
	return &content.Problem{Class: content.Invalid, Code: "invalid_filter", Fields: f}
}

// normalise checks a query against the declarations and gives it in one form:
// canonical codes and tags, sorted and without repetition, limits filled in, so
// that queries that mean the same are equal. Organisations become ids. It
// returns a content.Problem: not_found for an unknown collection, invalid_filter
// for the rest, with the parameter's name as the path.
func (c *Catalog) normalise(q Query, s *snapshot) (Query, *partition, error) {
	part := s.parts[q.Collection]
	if part == nil {
		return q, nil, &content.Problem{Class: content.NotFound, Code: "not_found"}
	}
	var bad fault
	shape := part.shape
	locale := func(path, tag string) string {
		l, ok := c.schemas.Locale(tag)
		if !ok {
			bad.value(path, "unknown_locale", tag)
		}
		return l.Tag
	}
	if q.Locale != "" {
		q.Locale = locale("locale", q.Locale)
	}
	if len(q.Fallback) > 0 {
		if q.Locale == "" && len(bad) == 0 {
			bad.add("locale", schemas.CodeRequired, map[string]any{"field": "locale"})
		}
		list := make([]string, 0, len(q.Fallback))
		for _, tag := range q.Fallback[:min(len(q.Fallback), MaxValues)] {
			if tag = locale("fallback", tag); tag != q.Locale && !slices.Contains(list, tag) {
				list = append(list, tag)
			}
		}
		q.Fallback = list // in the order asked: it means something
	}
	q.Territory = set(&bad, "territory", q.Territory, func(v string) (string, string) {
		t, ok := c.territories.Lookup(v)
		if !ok {
			return "", schemas.CodeUnknownTerritory
		}
		return t.ISTAT, ""
	})
	q.Topic = set(&bad, "topic", q.Topic, func(v string) (string, string) {
		if f, ok := shape.typ.Field("topics"); ok {
			if t, ok := f.Term(v); ok {
				return t.ID, ""
			}
		}
		return "", schemas.CodeUnknownTerm
	})
	q.Organization = set(&bad, "organization", q.Organization, func(v string) (string, string) {
		if id := s.resolve(c, "organization", v); id != "" {
			return id, ""
		}
		return "", schemas.CodeInvalidReference
	})
	q.From, q.To = q.From.UTC(), q.To.UTC()
	if !q.From.IsZero() && !q.To.IsZero() && !q.From.Before(q.To) {
		bad.add("to", schemas.CodeWrongOrder, map[string]any{"from": q.From.Format("2006-01-02T15:04:05Z07:00"), "to": q.To.Format("2006-01-02T15:04:05Z07:00")})
	}
	q.normaliseText(&bad)
	c.normaliseHours(&q, shape, &bad)
	switch {
	case q.Assured == "":
	case !shape.ages:
		bad.add(assuranceParameter, "unknown_parameter", map[string]any{"parameter": assuranceParameter})
	case q.Assured != assuredCurrent && q.Assured != assuredUnverified:
		bad.value(assuranceParameter, schemas.CodeUnknownTerm, q.Assured)
	}
	geo.Check(q.Near, q.RadiusMetres, q.BBox, bad.add)
	c.normaliseFilters(&q, s, shape, &bad)
	if q.Sort == "" {
		q.Sort = defaultSort
	}
	if sorts := shape.sorts(); !slices.Contains(sorts, q.Sort) {
		bad.value("sort", "unknown_sort", q.Sort)
		bad.last()["allowed"] = sorts
	} else if q.Sort == byDistance && q.Near == nil {
		bad.add("near", schemas.CodeRequired, map[string]any{"field": "near"})
	}
	q.Fields = set(&bad, "fields", q.Fields, func(v string) (string, string) {
		name, sub := strings.CutPrefix(v, "fields.")
		if _, ok := shape.typ.Field(name); sub && ok || !sub && itemKeys[v] {
			return v, ""
		}
		return "", schemas.CodeUnknownField
	})
	switch {
	case q.Limit == 0:
		q.Limit = DefaultLimit
	case q.Limit < 1 || q.Limit > MaxLimit:
		bad.add("limit", schemas.CodeOutOfRange, map[string]any{"min": 1, "max": MaxLimit})
	}
	return q, part, bad.problem()
}

// itemKeys are the keys at the top of an item, long form.
var itemKeys = map[string]bool{
	"id": true, "type": true, "collection": true, "slug": true, "locale": true, "requested_locale": true, "dir": true,
	"title": true, "summary": true, "territories": true, "topics": true, "organization": true, "published_at": true,
	"updated_at": true, publicState: true, "assurance": true, "revision": true, "fields": true, "html": true, "rendered": true, "toc": true,
	"references": true, "alternates": true, "_links": true,
}

// longKeys are those that the short form lacks, or has less of.
var longKeys = map[string]bool{"fields": true, "html": true, "rendered": true, "toc": true, "references": true}

// set checks each value of a filter and sorts them; one bad value spoils it.
func set(bad *fault, path string, values []string, check func(string) (value, code string)) []string {
	if len(values) == 0 {
		return nil
	}
	if len(values) > MaxValues {
		bad.add(path, schemas.CodeTooManyItems, map[string]any{"max": MaxValues, "actual": len(values)})
		return nil
	}
	if len(values) == 1 { // nothing to sort
		v, code := check(values[0])
		if code != "" {
			bad.value(path, code, values[0])
		} else if v == values[0] {
			return values
		}
		return []string{v}
	}
	out := make([]string, 0, len(values))
	for _, v := range values {
		got, code := check(v)
		if code != "" {
			bad.value(path, code, v)
			continue
		}
		out = append(out, got)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (q *Query) normaliseText(bad *fault) {
	if q.Q == "" {
		return
	}
	if n := utf8.RuneCountInString(q.Q); n > MaxQ {
		bad.add("q", schemas.CodeTooLong, map[string]any{"max": MaxQ, "actual": n, "unit": "characters"})
		return
	}
	words := needles(q.Q)
	if len(words) > MaxWords {
		bad.add("q", schemas.CodeTooManyWords, map[string]any{"max": MaxWords, "actual": len(words)})
		return
	}
	q.wordless = len(words) == 0 && strings.TrimSpace(q.Q) != ""
	q.Q = ""
	for i, w := range words {
		if i > 0 {
			q.Q += " "
		}
		q.Q += strings.TrimSpace(w)
	}
}

// normaliseFilters checks the filters on the type's own fields.
func (c *Catalog) normaliseFilters(q *Query, s *snapshot, shape *shape, bad *fault) {
	if len(q.Filters) == 0 {
		return
	}
	out := make(map[string][]string, len(q.Filters))
	for _, name := range slices.Sorted(maps.Keys(q.Filters)) {
		values := q.Filters[name]
		if name == publicState {
			out[name] = set(bad, name, values, func(v string) (string, string) {
				if shape.states[v] {
					return v, ""
				}
				return "", schemas.CodeUnknownTerm
			})
			continue
		}
		i, ok := shape.filter(name)
		if !ok {
			bad.add(name, "unknown_parameter", map[string]any{"parameter": strings.ToValidUTF8(name[:min(len(name), 80)], "")})
			continue
		}
		f := shape.filterable[i]
		out[name] = set(bad, name, values, func(v string) (string, string) { return c.filterValue(s, f, v) })
	}
	q.Filters = out
}

// filterValue gives the canonical value of a filter, or what is wrong with it.
func (c *Catalog) filterValue(s *snapshot, f *schemas.Field, v string) (string, string) {
	switch f.Kind {
	case "choice":
		if t, ok := f.Term(v); ok {
			return t.ID, ""
		}
		return "", schemas.CodeUnknownTerm
	case "boolean":
		if v == "true" || v == "false" {
			return v, ""
		}
		return "", schemas.CodeWrongType
	case "language_list":
		if tag, ok := schemas.CanonicalTag(v); ok {
			return tag, ""
		}
		return "", schemas.CodeInvalidLanguage
	case "territory":
		if t, ok := c.territories.Lookup(v); ok {
			return t.ISTAT, ""
		}
		return "", schemas.CodeUnknownTerritory
	}
	for _, typ := range f.Types {
		if id := s.resolve(c, typ, v); id != "" {
			return id, ""
		}
	}
	return "", schemas.CodeInvalidReference
}

// resolve gives the id of a document that the public knows, by id or by a slug
// in any language, present or former; empty when there is none.
func (s *snapshot) resolve(c *Catalog, typ, ref string) string {
	sh := c.shapes[typ]
	if sh == nil {
		return ""
	}
	if r := s.docs.get(ref); r != nil && r.typ == typ {
		return s.kept(r).id
	}
	if list := s.slugs.get(slugKey{sh.typ.Collection, ref}); len(list) > 0 {
		return s.kept(list[0].rec).id
	}
	return ""
}

// kept is the document that stands for another one: itself, or the last that it
// was merged into and that the catalogue knows.
func (s *snapshot) kept(r *record) *record {
	for range maxMerges {
		next := s.docs.get(r.merged)
		if next == nil {
			break
		}
		r = next
	}
	return r
}

// hash names what a normalised query asks for, in whatever order and page size:
// a cursor belongs to it.
func (q *Query) hash() [8]byte {
	var buf [512]byte
	b := buf[:0]
	str := func(s string) {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	list := func(l []string) {
		b = binary.AppendUvarint(b, uint64(len(l)))
		for _, s := range l {
			str(s)
		}
	}
	num := func(f float64) { b = binary.LittleEndian.AppendUint64(b, math.Float64bits(f)) }
	str(q.Collection)
	str(q.Locale)
	list(q.Fallback)
	list(q.Territory)
	list(q.Topic)
	list(q.Organization)
	str(q.Q)
	str(q.Sort)
	str(q.Assured)
	str(q.OpenOn)
	switch {
	case q.OpenNow: // which passes while somebody pages
		str("now")
	case !q.OpenAt.IsZero():
		b = binary.AppendVarint(b, q.OpenAt.UnixMilli())
	}
	b = strconv.AppendBool(b, q.National)
	for _, t := range [...]struct{ zero, at int64 }{{b2i(q.From.IsZero()), q.From.UnixMilli()}, {b2i(q.To.IsZero()), q.To.UnixMilli()}} {
		b = binary.AppendVarint(binary.AppendVarint(b, t.zero), t.at)
	}
	if q.Near != nil {
		str("near")
		num(q.Near.Lat)
		num(q.Near.Lon)
	}
	num(q.RadiusMetres)
	if q.BBox != nil {
		str("bbox")
		num(q.BBox.West)
		num(q.BBox.South)
		num(q.BBox.East)
		num(q.BBox.North)
	}
	if len(q.Filters) > 0 {
		for _, name := range slices.Sorted(maps.Keys(q.Filters)) {
			str(name)
			list(q.Filters[name])
		}
	}
	sum := sha256.Sum256(b)
	return [8]byte(sum[:8])
}

func b2i(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
