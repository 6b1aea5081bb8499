package catalog

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/geo"
	"github.com/prassi-cms/prassi/schemas"
)

// Parameters are those of every list, in the order of the documentation. A
// collection has more: the names of Filterable, public_state where a type has
// several public states, open_at and open_on where it has opening hours, and
// assurance where its facts age.
var Parameters = []string{
	"locale", "fallback", "territory", "national", "topic", "organization", "from", "to", "q",
	"near", "radius", "bbox", "sort", "fields", "limit", "cursor",
}

// ParseQuery reads the parameters of a list. Parameters with several values may
// be repeated or take them parted by commas. from and to are days (both
// included, as Italy's calendar has them) or RFC 3339 moments (to excluded);
// open_at is a moment (RFC 3339) or "now", open_on a day or a day of the week
// ("sa"). near is "lat,lon" or a place's name, bbox "west,south,east,north" in degrees; radius
// is in metres. It returns a content.Problem as List does; what can only be told from
// the declarations is left to List.
func (c *Catalog) ParseQuery(collection string, v url.Values) (Query, error) {
	s := c.byName[collection]
	if s == nil {
		return Query{}, &content.Problem{Class: content.NotFound, Code: "not_found"}
	}
	q := Query{Collection: collection}
	var bad fault
	one := func(name string) string {
		list := v[name]
		if len(list) > 1 {
			bad.add(name, schemas.CodeTooManyItems, map[string]any{"max": 1, "actual": len(list)})
		}
		if len(list) == 0 {
			return ""
		}
		return list[0]
	}
	for name := range v {
		switch name {
		case "locale":
			q.Locale = one(name)
		case "fallback":
			q.Fallback = several(v[name])
		case "territory":
			q.Territory = several(v[name])
		case "topic":
			q.Topic = several(v[name])
		case "organization":
			q.Organization = several(v[name])
		case "fields":
			q.Fields = several(v[name])
		case "national":
			switch s := one(name); s {
			case "", "false":
			case "true":
				q.National = true
			default:
				bad.add(name, schemas.CodeWrongType, map[string]any{"expected": "boolean"})
			}
		case "from":
			q.From = day(one(name), name, 0, &bad)
		case "to":
			q.To = day(one(name), name, 1, &bad)
		case "q":
			q.Q = one(name)
		case "near":
			q.Near = c.near(one(name), &bad)
		case "radius":
			if n := numbers(one(name), name, 1, &bad); n != nil {
				if q.RadiusMetres = n[0]; n[0] <= 0 {
					bad.add(name, schemas.CodeOutOfRange, map[string]any{"min": 0, "max": geo.MaxRadius})
				}
			}
		case "bbox":
			if n := numbers(one(name), name, 4, &bad); n != nil {
				q.BBox = &BBox{West: n[0], South: n[1], East: n[2], North: n[3]}
			}
		case "sort":
			q.Sort = one(name)
		case "open_at":
			if text := one(name); text == "now" {
				q.OpenNow = true
			} else if text != "" {
				t, err := time.Parse(time.RFC3339, text)
				if err != nil {
					bad.value(name, schemas.CodeNotADate, text)
					bad.last()["format"] = openAtFormat
				}
				q.OpenAt = t
			}
		case "open_on":
			q.OpenOn = one(name)
		case assuranceParameter:
			q.Assured = one(name)
		case "cursor":
			q.Cursor = one(name)
		case "limit":
			if text := one(name); text != "" {
				n, err := strconv.Atoi(text)
				if err != nil || n < 1 || n > MaxLimit {
					bad.add(name, schemas.CodeOutOfRange, map[string]any{"min": 1, "max": MaxLimit})
					n = 0
				}
				q.Limit = n
			}
		default:
			if q.Filters == nil {
				q.Filters = map[string][]string{}
			}
			q.Filters[name] = several(v[name])
		}
	}
	for name, values := range q.Filters {
		if _, ok := s.filter(name); !ok && name != publicState {
			bad.add(name, "unknown_parameter", map[string]any{"parameter": strings.ToValidUTF8(name[:min(len(name), 80)], "")})
		} else if len(values) == 0 {
			delete(q.Filters, name)
		}
	}
	// A map has no order; the answer has.
	slices.SortStableFunc(bad, func(a, b schemas.Issue) int { return compareStrings(a.Path, b.Path) })
	return q, bad.problem()
}

// What open_at and open_on look like, for messages.
const (
	openAtFormat = "YYYY-MM-DDThh:mm:ss+01:00"
	openOnFormat = "YYYY-MM-DD, mo, tu, we, th, fr, sa, su"
)

// several splits repeated and comma-parted values; empty ones ask nothing.
func several(values []string) []string {
	if len(values) == 1 && values[0] != "" && !strings.Contains(values[0], ",") {
		return values
	}
	var out []string
	for _, v := range values {
		for x := range strings.SplitSeq(v, ",") {
			if x = strings.TrimSpace(x); x != "" {
				out = append(out, x)
			}
			if len(out) > 2*MaxValues {
				return out // List refuses so many
			}
		}
	}
	return out
}

// day reads a day of Italy's calendar, or a moment. add is how many days later
// the answer is for a day.
func day(s, path string, add int, bad *fault) time.Time {
	if s == "" {
		return time.Time{}
	}
	if t, err := time.ParseInLocation(time.DateOnly, s, content.Rome); err == nil {
		return t.AddDate(0, 0, add).UTC()
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		bad.value(path, schemas.CodeNotADate, s)
		bad.last()["format"] = "YYYY-MM-DD"
		return time.Time{}
	}
	return t.UTC()
}

// last gives the parameters of the fault added last.
func (f fault) last() map[string]any { return f[len(f)-1].Params }

// numbers reads n numbers parted by commas; nil when there is nothing to read.
func numbers(s, path string, n int, bad *fault) []float64 {
	if s == "" {
		return nil
	}
	parts := strings.Split(s, ",")
	out := make([]float64, 0, n)
	for _, p := range parts[:min(len(parts), n)] {
		f, err := strconv.ParseFloat(strings.TrimSpace(p), 64)
		if err != nil {
			break
		}
		out = append(out, f)
	}
	if len(parts) != n || len(out) != n {
		bad.value(path, schemas.CodeNotANumber, s)
		return nil
	}
	return out
}

// Locale gives the canonical tag of a declared locale, or the content.Problem
// that List answers for an unknown one.
func (c *Catalog) Locale(tag string) (string, error) {
	l, ok := c.schemas.Locale(tag)
	if !ok {
		var bad fault
		bad.value("locale", "unknown_locale", tag)
		return "", bad.problem()
	}
	return l.Tag, nil
}

// Sorts lists the values of Query.Sort for a collection; nil for an unknown one.
func (c *Catalog) Sorts(collection string) []string {
	if s := c.byName[collection]; s != nil {
		return s.sorts()
	}
	return nil
}

// Filterable lists the fields that Query.Filters may name for a collection.
func (c *Catalog) Filterable(collection string) []*schemas.Field {
	if s := c.byName[collection]; s != nil {
		return slices.Clone(s.filterable)
	}
	return nil
}

// PublicStates lists the values of the filter public_state for a collection.
func (c *Catalog) PublicStates(collection string) []string {
	s := c.byName[collection]
	if s == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(s.states))
}

// HasHours reports whether the items of a collection say when they are open.
func (c *Catalog) HasHours(collection string) bool {
	s := c.byName[collection]
	return s != nil && s.hours != nil
}

// OnMap reports whether the items of a collection may have places.
func (c *Catalog) OnMap(collection string) bool {
	s := c.byName[collection]
	return s != nil && s.places != nil
}
