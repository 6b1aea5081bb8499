package catalog

import (
	"slices"

	"github.com/prassi-cms/prassi/internal/bitmap"
)

// posting is the set of slots that have a term: a sorted list while that is the
// smaller form, a bitmap after. Only the transaction that owns it may change it.
type posting struct {
	owner *tx
	name  term
	n     int
	list  []uint32
	bits  bitmap.Set // nil while list is used
}

// own gives a posting that t may change.
func (p *posting) own(t *tx) *posting {
	if p.owner == t {
		return p
	}
	return &posting{owner: t, name: p.name, n: p.n, list: slices.Clone(p.list), bits: slices.Clone(p.bits)}
}

func (p *posting) add(slot uint32) {
	if p.bits != nil {
		p.grow(slot)
		if !p.bits.Has(slot) {
			p.bits.Add(slot)
			p.n++
		}
		return
	}
	i, found := slices.BinarySearch(p.list, slot)
	if found {
		return
	}
	p.list = slices.Insert(p.list, i, slot)
	p.n++
	// 4 bytes a slot in a list, one bit for each slot of the range in a bitmap.
	if last := p.list[p.n-1]; p.n > 16 && p.n > int(last/32) {
		list := p.list
		p.list = nil
		p.grow(last)
		for _, s := range list {
			p.bits.Add(s)
		}
	}
}

func (p *posting) grow(slot uint32) {
	if need := int(slot>>6) + 1; need > len(p.bits) {
		p.bits = append(p.bits, make(bitmap.Set, need-len(p.bits))...)
	}
}

func (p *posting) remove(slot uint32) {
	if p.bits == nil {
		if i, found := slices.BinarySearch(p.list, slot); found {
			p.list = slices.Delete(p.list, i, i+1)
			p.n--
		}
		return
	}
	if int(slot>>6) >= len(p.bits) || !p.bits.Has(slot) {
		return
	}
	p.bits.Remove(slot)
	p.n--
	if p.n < len(p.bits) { // a quarter of where the bitmap began to pay
		list := make([]uint32, 0, p.n)
		p.bits.Each(func(s uint32) { list = append(list, s) })
		p.list, p.bits = list, nil
	}
}

// addTo adds the posting to b, which covers every slot. A nil posting is empty.
func (p *posting) addTo(b bitmap.Set) {
	if p == nil {
		return
	}
	for i, w := range p.bits {
		b[i] |= w
	}
	for _, s := range p.list {
		b.Add(s)
	}
}

// keepIn keeps what b and the posting share.
func (p *posting) keepIn(b bitmap.Set) {
	switch {
	case p == nil:
		clear(b)
	case p.bits != nil:
		n := min(len(b), len(p.bits))
		b[:n].And(p.bits)
		clear(b[n:])
	default:
		list := p.list
		for i := range b {
			var w uint64
			for len(list) > 0 && int(list[0]>>6) == i {
				w |= 1 << (list[0] & 63)
				list = list[1:]
			}
			b[i] &= w
		}
	}
}

// takeFrom takes the posting out of b.
func (p *posting) takeFrom(b bitmap.Set) {
	if p == nil {
		return
	}
	for i, w := range p.bits {
		b[i] &^= w
	}
	for _, s := range p.list {
		b.Remove(s)
	}
}
