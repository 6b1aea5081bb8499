package hsds

import (
	"reflect"
	"slices"
)

// Clash is a field that was changed on both sides since the last import.
type Clash struct {
	Field       string
	Here, There any // what the document said, and what came in; nil is nothing
}

// Over compares three ways when an object comes that was imported before: what
// the document says today, the original that the last import kept with it, and
// what comes now (fields, with the new original in field hsds). It gives what to
// write:
//
//	nobody edited the field here    what comes, or nothing where that is gone
//	edited here, same original      the document keeps its own
//	edited here, other original     what comes, and a clash unless they agree
//
// A document without a kept original is taken for edited where it says anything.
// mapped is the kept original as the import would bring it in today, where a
// mapping file changes what is read; nil otherwise. Fields that are not read
// from HSDS, which only a mapping file adds, are written where the document says
// nothing.
func (l *Lens) Over(kind Kind, now, next, mapped map[string]any) (write map[string]any, clashes []Clash) {
	write = map[string]any{}
	nextKept, _ := next[Field].(map[string]any)
	nowKept, _ := now[Field].(map[string]any)
	same := reflect.DeepEqual(nowKept, nextKept)
	if !same {
		write[Field] = next[Field]
	}
	original, keep := Original(nextKept)
	base, kept := Original(nowKept)
	typ := l.types[kind]
	raw := &reader{Lens: l, kind: kind, typ: typ}
	then := &reader{Lens: l, kind: kind, typ: typ, keep: kept.Left}
	w := &writer{Lens: l, kind: kind, facts: Facts{Fields: now}}
	for _, f := range typ.Fields {
		if f.Name == Field {
			continue
		}
		here, there := w.want(f), next[f.Name]
		i := slices.IndexFunc(pieces[kind], func(p piece) bool { return p.field == f.Name })
		if i < 0 {
			if there != nil && (here == nil || mapped != nil && reflect.DeepEqual(here, mapped[f.Name]) && !reflect.DeepEqual(here, there)) {
				write[f.Name] = there
			}
			continue
		}
		p := &pieces[kind][i]
		if p.equal(here, there) || there == nil && slices.Contains(keep.Left, f.Name) {
			continue // what comes names something that nobody knows
		}
		if edited := !p.equal(here, then.one(f, *p, base)) && (mapped == nil || !p.equal(here, mapped[f.Name])); edited {
			if p.equal(raw.one(f, *p, base), raw.one(f, *p, original)) {
				continue
			}
			clashes = append(clashes, Clash{f.Name, here, there})
		}
		write[f.Name] = there
	}
	return write, clashes
}

// Offered says that an original does not call itself inactive. What is kept of
// an organisation always is offered.
func (l *Lens) Offered(kind Kind, kept map[string]any) bool {
	r := &reader{Lens: l, kind: kind, typ: l.types[kind]}
	return kind != Service || r.active(kept)
}
