package catalog

import (
	"cmp"
	"encoding/binary"
	"math"
	"strings"
	"sync"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"

	"github.com/prassi-cms/prassi/content/workflow"
	"github.com/prassi-cms/prassi/schemas"
)

// shape is what the declarations of one type say about finding and sorting.
type shape struct {
	typ *schemas.Type
	// sortable and filterable are the fields, by their place here in
	// variant.keys and term.field.
	sortable   []*schemas.Field
	filterable []*schemas.Field
	orders     []orderSpec
	// states are the public ones; firstState needs no mention in an item.
	states     map[string]bool
	firstState string
	// date is the field that from and to filter by; nil: the publication.
	date *schemas.Field
	// places is the field that puts items on the map, or nil.
	places *schemas.Field
	// hours is the field that says when things are open, or nil.
	hours *schemas.Field
	// ages: the facts need confirming from time to time.
	ages bool
}

// kindsFiltered are the kinds of fields that a list can be filtered by: those
// whose values come from a closed or enumerable set.
var kindsFiltered = map[string]bool{"choice": true, "boolean": true, "language_list": true, "reference": true, "territory": true}

// ownParameter are fields that have a parameter of their own, and keys that mean
// something else in a query.
var ownParameter = map[string]bool{
	"territories": true, "topics": true, "organization": true,
	"locale": true, "fallback": true, "territory": true, "topic": true, "from": true, "to": true, "q": true,
	"near": true, "radius": true, "bbox": true, "sort": true, "fields": true, "limit": true, "cursor": true,
	"national": true, publicState: true, "open_at": true, "open_on": true, assuranceParameter: true, "zoom": true,
}

// publicState is the parameter that filters by public state.
const publicState = "public_state"

func shapeOf(t *schemas.Type, def *workflow.Definition, ages bool) *shape {
	s := &shape{typ: t, states: map[string]bool{}, ages: ages}
	for _, f := range t.Fields {
		if f.Sortable && f.Name != "title" && len(s.sortable) < math.MaxUint8 {
			s.sortable = append(s.sortable, f)
		}
		if kindsFiltered[f.Kind] && !ownParameter[f.Name] && len(s.filterable) < math.MaxUint8 {
			s.filterable = append(s.filterable, f)
		}
	}
	for _, f := range t.Fields {
		if f.Kind == "opening_hours" && !f.Localized && s.hours == nil {
			s.hours = f
		}
	}
	if f, ok := t.Field(t.Search.Date); ok {
		s.date = f
	}
	if f, ok := t.Field(t.Route.Map); ok {
		s.places = f
	}
	for i := range def.States {
		if st := &def.States[i]; st.Public {
			if s.firstState == "" {
				s.firstState = st.Name
			}
			s.states[st.Name] = true
		}
	}
	s.orders = []orderSpec{
		timeOrder("published_at", func(v *variant) *int64 { return &v.published }),
		timeOrder("updated_at", func(v *variant) *int64 { return &v.updated }),
		{name: "title", get: func(v *variant) string { return v.titleKey }, set: func(v *variant, k string) bool { v.titleKey = k; return true },
			cmp: func(a, b *variant) int { return strings.Compare(a.titleKey, b.titleKey) }},
	}
	for i, f := range s.sortable {
		s.orders = append(s.orders, orderSpec{
			name: f.Name, optional: true,
			get: func(v *variant) string { return v.keys[i] },
			set: func(v *variant, k string) bool {
				v.keys = make([]string, len(s.sortable))
				v.keys[i] = k
				return true
			},
			cmp: func(a, b *variant) int { return strings.Compare(a.keys[i], b.keys[i]) },
		})
	}
	return s
}

// sorts lists the names of the orders, each also backwards.
func (s *shape) sorts() []string {
	out := make([]string, 0, 2*len(s.orders)+1)
	for _, o := range s.orders {
		out = append(out, o.name, "-"+o.name)
	}
	if s.places != nil {
		out = append(out, byDistance)
	}
	return out
}

// filter finds the index of a filterable field.
func (s *shape) filter(name string) (uint8, bool) {
	for i, f := range s.filterable {
		if f.Name == name {
			return uint8(i), true
		}
	}
	return 0, false
}

// orderSpec is one way to sort the items of a type.
type orderSpec struct {
	name string
	// optional: items may lack the key; they come last in either direction.
	optional bool
	cmp      func(a, b *variant) int
	// get and set carry the key through a cursor.
	get func(*variant) string
	set func(*variant, string) bool
}

func (o orderSpec) lacks(v *variant) bool { return o.optional && o.get(v) == "" }

// timeOrder sorts by a moment.
func timeOrder(name string, at func(*variant) *int64) orderSpec {
	return orderSpec{
		name: name,
		cmp:  func(a, b *variant) int { return cmp.Compare(*at(a), *at(b)) },
		get:  func(v *variant) string { return string(binary.BigEndian.AppendUint64(nil, uint64(*at(v)))) },
		set: func(v *variant, key string) bool {
			if len(key) != 8 {
				return false
			}
			*at(v) = int64(binary.BigEndian.Uint64([]byte(key)))
			return true
		},
	}
}

// byIdentity breaks ties, so that every order is total.
func byIdentity(a, b *variant) int {
	if c := strings.Compare(a.rec.id, b.rec.id); c != 0 {
		return c
	}
	return strings.Compare(a.locale, b.locale)
}

// sortKey is a text whose order by bytes is the order of the field's values;
// empty for none.
func sortKey(f *schemas.Field, value any, locale string) string {
	switch v := value.(type) {
	case string:
		switch f.Kind {
		case "date":
			return v
		case "choice":
			for i, t := range f.Terms() {
				if t.ID == v {
					return string([]byte{byte(i>>8) + 1, byte(i)})
				}
			}
			return ""
		}
		return collationKey(locale, v)
	case float64:
		u := math.Float64bits(v)
		if v < 0 {
			u = ^u
		} else {
			u |= 1 << 63
		}
		return string(binary.BigEndian.AppendUint64(nil, u))
	case map[string]any: // a span of days
		from, _ := v["from"].(string)
		to, _ := v["to"].(string)
		if from == "" {
			from = to
		}
		return from + "/" + to
	}
	return ""
}

// collators holds idle collators by locale: making one is dear, and one serves
// a single goroutine at a time.
var collators sync.Map // locale → *sync.Pool

// maxKey bounds a collation key, in bytes. Longer titles that begin alike fall
// to the next criterion.
const maxKey = 128

// collationKey orders text as a reader of the language expects.
func collationKey(locale, text string) string {
	pool, ok := collators.Load(locale)
	if !ok {
		pool, _ = collators.LoadOrStore(locale, &sync.Pool{New: func() any {
			return collate.New(language.Make(locale))
		}})
	}
	c := pool.(*sync.Pool).Get().(*collate.Collator)
	defer pool.(*sync.Pool).Put(c)
	var buf collate.Buffer
	key := c.KeyFromString(&buf, text)
	return string(key[:min(len(key), maxKey)])
}
