package interchange

import (
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"iter"
	"reflect"
	"time"

	"github.com/prassi-cms/prassi/content"
)

// Batch is some documents on their way in.
type Batch struct {
	Incoming []content.Incoming
	// Findings are items that cannot be imported after all; Refused counts them.
	Findings []Finding
	Refused  int
	items    [][]*item
	again    []bool
}

// Locate gives the place of a field of a variant: line and column, zero when
// unknown. pointer is a JSON Pointer such as /title.
func (b *Batch) Locate(document, variant int, pointer string) (line, column int) {
	at := b.items[document][variant].locate(pointer)
	return at.line, at.column
}

// BatchSize is how many documents Batches hands out at a time.
const BatchSize = 200

// Batches reads the items again and hands out documents in an order in which
// those that are referred to come before those that refer to them.
func (p *Plan) Batches(ctx context.Context) iter.Seq2[*Batch, error] {
	return func(yield func(*Batch, error) bool) {
		b := &Batch{}
		for _, s := range p.steps {
			if err := ctx.Err(); err != nil {
				yield(nil, err)
				return
			}
			p.assemble(b, s)
			if len(b.Incoming) >= BatchSize {
				if !yield(b, nil) {
					return
				}
				b = &Batch{}
			}
		}
		if len(b.Incoming) > 0 || b.Refused > 0 {
			yield(b, nil)
		}
	}
}

// assemble adds one document to a batch.
func (p *Plan) assemble(b *Batch, s step) {
	g := &p.groups[s.group]
	in := content.Incoming{ID: g.id}
	var items []*item
	for _, i := range g.units {
		u := &p.units[i]
		it, faults := p.reread(u)
		if len(faults) == 0 {
			faults = sharedConflict(items, it)
		}
		if len(faults) > 0 {
			if !s.again {
				b.Refused++
				for _, f := range faults {
					b.Findings = append(b.Findings, f.in(u.src.name))
				}
			}
			continue
		}
		v := it.variant
		if len(s.strip) > 0 {
			for name := range s.strip {
				delete(v.Fields, name)
			}
			v.State, v.Publish, v.PublishAt, v.ExpireAt = "", false, time.Time{}, time.Time{}
		}
		if u.src.notation == hsdsFile {
			v.Over = p.over(it)
		}
		in.Type, in.Owner = it.typ.Name, first(in.Owner, it.owner)
		in.AssuredDate = max(in.AssuredDate, it.assured)
		in.Variants = append(in.Variants, v)
		items = append(items, it)
	}
	if len(items) == 0 {
		return
	}
	if rankOf(items[len(items)-1]) == 2 {
		statesAll(items, in.Variants)
	}
	b.Incoming = append(b.Incoming, in)
	b.items = append(b.items, items)
	b.again = append(b.again, s.again)
}

// statesAll makes every variant of a document with a working copy say that the
// shared facts it does not name are absent. Elsewhere they are only not known;
// but here the public facts and the newest ones differ, and one must not stand
// in for the other.
func statesAll(items []*item, variants []content.IncomingVariant) {
	for i, it := range items {
		for _, f := range it.typ.Fields {
			if _, named := variants[i].Fields[f.Name]; !named && !f.Localized {
				variants[i].Fields[f.Name] = nil
			}
		}
	}
}

// reread reads an item's text again and makes sure that it is still the same.
func (p *Plan) reread(u *unit) (*item, []*fault) {
	c := chunk{line: u.at.line, column: u.at.column, offset: u.offset}
	var bad *fault
	if u.src.notation == pageFile {
		c.data, bad = u.src.readAll(MaxFile)
	} else {
		c.data, bad = p.held.read(u)
	}
	if bad != nil {
		return nil, []*fault{bad}
	}
	if u.src.notation == hsdsFile {
		var l lifted
		if err := json.Unmarshal(c.data, &l); err != nil {
			return nil, []*fault{faultAt(u.at, CodeSourceChanged)}
		}
		return l.item(u), nil
	}
	it, faults := p.parse(u.src, c)
	if len(faults) > 0 {
		return nil, faults
	}
	if it.typ != u.typ || it.variant.Locale != u.locale || it.variant.Slug != u.slug || rankOf(it) != u.rank {
		return nil, []*fault{faultAt(u.at, CodeSourceChanged)}
	}
	return it, nil
}

// sharedConflict refuses a variant that contradicts an earlier one of the same
// document about a fact that all of them share.
func sharedConflict(earlier []*item, it *item) []*fault {
	for _, other := range earlier {
		if rankOf(other) != rankOf(it) {
			continue
		}
		for _, f := range it.typ.Fields {
			if f.Localized || f.Kind == "reference" { // one document may have several slugs
				continue
			}
			a, b := other.values[f.Name], it.values[f.Name]
			if a != nil && b != nil && !reflect.DeepEqual(a, b) {
				return []*fault{faultAt(it.locate("/"+f.Name), CodeSharedConflict, "field", f.Name, "other", other.variant.Source)}
			}
		}
	}
	return nil
}

// heldFile keeps the file of the last item open, since its neighbours come next.
type heldFile struct {
	src *source
	fs.File
}

func (h *heldFile) release() {
	if h.File != nil {
		h.File.Close()
	}
	h.src, h.File = nil, nil
}

func (h *heldFile) read(u *unit) ([]byte, *fault) {
	if h.src != u.src {
		h.release()
		f, _, bad := u.src.open()
		if bad != nil {
			return nil, bad
		}
		h.src, h.File = u.src, f
	}
	data := make([]byte, u.size)
	r, ok := h.File.(io.ReaderAt)
	if !ok {
		return nil, faultAt(u.at, CodeUnreadable)
	}
	if _, err := r.ReadAt(data, u.offset); err != nil && err != io.EOF {
		return nil, faultAt(u.at, CodeUnreadable)
	}
	return data, nil
}
