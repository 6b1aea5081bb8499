package widgets

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/partners"
)

// Deadline is one deadline of a published item.
type Deadline struct {
	ID         string `json:"id" format:"uuid" doc:"Of the item."`
	Collection string `json:"collection"`
	Slug       string `json:"slug"`
	Locale     string `json:"locale"`
	Dir        string `json:"dir" enum:"ltr,rtl"`
	Title      string `json:"title"`
	Label      string `json:"label" doc:"What has to be done."`
	From       string `json:"from" doc:"A day, or a local time of Italy. Without to, when it ends."`
	To         string `json:"to,omitempty" doc:"A day, or a local time of Italy."`
}

// end is when it is over, as local time in Italy that sorts as text.
func (d *Deadline) end() string {
	last := cmp.Or(d.To, d.From)
	if len(last) == len(time.DateOnly) {
		last += "T24:00"
	}
	return last
}

// DeadlineQuery asks for deadlines that are not over.
type DeadlineQuery struct {
	Locale    string // the language to read them in, where there is a choice
	Territory []string
	// National adds what names no territory to those of Territory.
	National bool
	Topic    []string
	// Organization holds slugs or ids.
	Organization []string
	Limit        int
	// Partner's filter applies, when there is one.
	Partner *partners.Partner
}

// deadlines is what is known of the catalogue's. It is read anew when the
// catalogue has changed; only items that changed are decoded.
type deadlines struct {
	mu         sync.Mutex
	generation uint64
	filled     bool
	variants   map[string]*dated   // by id, locale and revision
	documents  map[string][]*dated // by id
}

// dated is a variant with deadlines.
type dated struct {
	document
	list []Deadline
}

// deadlinesField is the field that says them.
const deadlinesField = "deadlines"

// Deadlines gives the deadlines that are not over, the next first, each document
// in one language: the one that is asked for, else Italian, English, any. total
// says how many there are.
func (w *Widgets) Deadlines(q DeadlineQuery) (list []Deadline, total int, err error) {
	documents, err := w.dated()
	if err != nil {
		return nil, 0, err
	}
	now := w.clock().In(rome).Format("2006-01-02T15:04")
	within := func(has []string, wanted []string, is func(wanted, has string) bool) bool {
		return len(wanted) == 0 || slices.ContainsFunc(has, func(h string) bool {
			return slices.ContainsFunc(wanted, func(w string) bool { return is(w, h) })
		})
	}
	same := func(a, b string) bool { return a == b }
	for _, variants := range documents {
		v := choose(variants, q.Locale)
		of := v.asked()
		if !(q.National && len(of.Territories) == 0) && !within(of.Territories, q.Territory, w.territories.Contains) ||
			!within(of.Topics, q.Topic, same) || !within(of.Organizations, q.Organization, same) ||
			q.Partner != nil && !w.partners.Shows(q.Partner, v.Collection, of) {
			continue
		}
		for _, d := range v.list {
			if d.end() > now {
				list = append(list, d)
			}
		}
	}
	slices.SortFunc(list, func(a, b Deadline) int {
		return cmp.Or(strings.Compare(a.end(), b.end()), strings.Compare(a.Title, b.Title), strings.Compare(a.ID, b.ID), strings.Compare(a.Label, b.Label))
	})
	total = len(list)
	return list[:min(q.Limit, total)], total, nil
}

// choose gives the variant to read in a language.
func choose(variants []*dated, locale string) *dated {
	best := variants[0]
	rank := func(l string) int {
		switch l {
		case locale:
			return 0
		case "it":
			return 1
		case "en":
			return 2
		}
		return 3
	}
	for _, v := range variants[1:] {
		if cmp.Or(rank(v.Locale)-rank(best.Locale), strings.Compare(v.Locale, best.Locale)) < 0 {
			best = v
		}
	}
	return best
}

// dated gives the documents with deadlines, which must not be changed.
func (w *Widgets) dated() (map[string][]*dated, error) {
	k := &w.deadlines
	k.mu.Lock()
	defer k.mu.Unlock()
	generation := w.catalog.Generation()
	if k.filled && k.generation == generation {
		return k.documents, nil
	}
	variants, documents := map[string]*dated{}, map[string][]*dated{}
	var buffer []byte
	for e := range w.catalog.All() {
		if t, ok := w.schemas.Type(e.Type()); !ok {
			continue
		} else if _, ok := t.Field(deadlinesField); !ok {
			continue
		}
		key := e.ID() + " " + e.Locale() + " " + e.Revision()
		v, known := k.variants[key]
		if !known {
			var err error
			if v, err = datedOf(e, &buffer); err != nil {
				return nil, err
			}
		}
		variants[key] = v
		if v != nil {
			documents[v.ID] = append(documents[v.ID], v)
		}
	}
	k.variants, k.documents, k.generation, k.filled = variants, documents, generation, true
	return documents, nil
}

// datedOf reads the deadlines of an item; nil when it has none, or another item
// holds instead of it.
func datedOf(e catalog.Entry, buffer *[]byte) (*dated, error) {
	*buffer = e.AppendSummary((*buffer)[:0])
	if !bytes.Contains(*buffer, []byte(`"`+deadlinesField+`":[`)) {
		return nil, nil
	}
	v := new(dated)
	if err := json.Unmarshal(*buffer, &v.document); err != nil {
		return nil, err
	}
	if raw := v.Fields[deadlinesField]; raw != nil && v.Fields["superseded_by"] == nil {
		if err := json.Unmarshal(raw, &v.list); err != nil {
			return nil, err
		}
	}
	v.Fields = nil
	if len(v.list) == 0 {
		return nil, nil
	}
	for i := range v.list {
		d := &v.list[i]
		d.ID, d.Collection, d.Slug, d.Locale, d.Dir, d.Title = v.ID, v.Collection, v.Slug, v.Locale, v.Dir, v.Title
	}
	return v, nil
}

// rome is the zone of all deadlines.
var rome = func() *time.Location {
	zone, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		panic(err) // the program carries its zones
	}
	return zone
}()
