package interchange

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"time"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/interchange/hsds"
	"github.com/prassi-cms/prassi/schemas"
)

// lift makes an item of what the lens read from an object, by the same rules as
// of any other file: the mapping file, the declared type. kept is the value of
// field hsds; it is not part of what a mapping file may change.
func (p *Plan) lift(from origin, kind hsds.Kind, line, kept map[string]any) (*item, []*fault) {
	front := nodeOf(line, from.at)
	it, faults := p.convert(from.src, page{front: front}, from.at)
	if len(faults) > 0 {
		return nil, faults
	}
	f, ok := it.typ.Field(hsds.Field)
	if ok {
		value, issues := f.Parse(kept, p.env)
		if len(issues) > 0 {
			for i := range issues {
				issues[i].Path = "/" + hsds.Field + issues[i].Path
			}
			return nil, issueFaults(issues, it.locate)
		}
		it.values[hsds.Field], it.variant.Fields[hsds.Field] = value, value
	}
	it.variant.Source = fmt.Sprintf("%s:%d", from.src.name, from.at.line)
	return it, nil
}

// nodeOf makes a tree of decoded JSON, all of it at one place.
func nodeOf(v any, at place) node {
	switch v := v.(type) {
	case nil:
		return node{at: at}
	case string:
		return scalar(v, at)
	case []any:
		n := node{kind: listNode, at: at, items: make([]node, len(v))}
		for i, x := range v {
			n.items[i] = nodeOf(x, at)
		}
		return n
	case map[string]any:
		n := node{kind: objectNode, at: at, pairs: make([]pair, 0, len(v))}
		for _, k := range sortedKeys(v) {
			n.pairs = append(n.pairs, pair{k, at, nodeOf(v[k], at)})
		}
		return n
	}
	data, err := json.Marshal(v) // a number or a boolean
	if err != nil {
		return node{at: at}
	}
	return node{kind: scalarNode, text: string(data), at: at, bare: true}
}

// lifted is an item of HSDS in the temporary file, where it waits to be brought
// in. It was checked when it was made.
type lifted struct {
	Owner     string         `json:",omitempty"`
	Assured   string         `json:",omitempty"`
	Working   bool           `json:",omitempty"`
	Public    bool           `json:",omitempty"`
	Ignored   []string       `json:",omitempty"`
	Slug      string         `json:",omitempty"`
	State     string         `json:",omitempty"`
	Publish   bool           `json:",omitempty"`
	Published time.Time      `json:",omitzero"`
	Updated   time.Time      `json:",omitzero"`
	PublishAt time.Time      `json:",omitzero"`
	ExpireAt  time.Time      `json:",omitzero"`
	Fields    map[string]any // with null where a value is taken away
}

func lower(it *item) lifted {
	v := &it.variant
	return lifted{
		it.owner, it.assured, it.working, it.public, it.ignored,
		v.Slug, v.State, v.Publish, v.PublishedAt, v.UpdatedAt, v.PublishAt, v.ExpireAt, v.Fields,
	}
}

// item gives back the item that lower took apart.
func (l *lifted) item(u *unit) *item {
	values := make(schemas.Values, len(l.Fields))
	for name, v := range l.Fields {
		if v != nil {
			values[name] = v
		}
	}
	return &item{
		src: u.src, at: u.at, typ: u.typ, id: u.id, owner: l.Owner, assured: l.Assured, working: l.Working, public: l.Public, ignored: l.Ignored, values: values,
		variant: content.IncomingVariant{
			Locale: u.locale, Slug: l.Slug, Fields: l.Fields, State: l.State, Publish: l.Publish, Source: fmt.Sprintf("%s:%d", u.src.name, u.at.line),
			PublishedAt: l.Published, UpdatedAt: l.Updated, PublishAt: l.PublishAt, ExpireAt: l.ExpireAt,
		},
	}
}

// over says what of an object to bring in where its document is there: what
// changed in the directory that it comes from since it came last. What somebody
// wrote here stays, unless the directory changed that very thing; then it.clashes
// has both. Whether a service is offered is taken over in the same way.
func (p *Plan) over(it *item) func(content.IncomingVariant, content.Present) content.IncomingVariant {
	kind := hsds.Kind(it.typ.Name)
	return func(v content.IncomingVariant, now content.Present) content.IncomingVariant {
		laid := v
		laid.Fields, laid.Slug, it.clashes = nil, "", nil
		kept, _ := now.Values[hsds.Field].(map[string]any)
		next, _ := v.Fields[hsds.Field].(map[string]any)
		if it.src.rule.changes() || !reflect.DeepEqual(kept, next) {
			laid.Fields, it.clashes = p.lens.Over(kind, now.Values, v.Fields, p.mapped(it, kind, kept))
		}
		if was, is := p.lens.Offered(kind, kept), p.lens.Offered(kind, next); kept != nil && was == is {
			switch {
			case now.Offline: // it was withdrawn here
				laid.Publish, laid.PublishAt = false, time.Time{}
			case now.Live && !is: // it was published here all the same
				laid.ExpireAt = time.Time{}
			}
		}
		return laid
	}
}

// mapped gives a kept original as this import would bring it in, where a mapping
// file has a say in it.
func (p *Plan) mapped(it *item, kind hsds.Kind, kept map[string]any) map[string]any {
	if kept == nil || !it.src.rule.changes() {
		return nil
	}
	original, keep := hsds.Original(kept)
	line := maps.Clone(p.lens.ToFields(kind, original).Fields)
	for _, field := range keep.Left {
		delete(line, field)
	}
	line[keyType], line[keyLocale] = string(kind), it.variant.Locale
	old, faults := p.lift(origin{it.src, it.at}, kind, line, kept)
	if len(faults) > 0 {
		return nil
	}
	return old.values
}
