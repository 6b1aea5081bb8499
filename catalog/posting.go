package catalog

import (
	"math/bits"
	"slices"
)

// bitmap is a set of slots.
type bitmap []uint64

func (b bitmap) has(slot uint32) bool { return b[slot>>6]&(1<<(slot&63)) != 0 }
func (b bitmap) set(slot uint32)      { b[slot>>6] |= 1 << (slot & 63) }
func (b bitmap) unset(slot uint32)    { b[slot>>6] &^= 1 << (slot & 63) }

func (b bitmap) count() int {
	n := 0
	for _, w := range b {
		n += bits.OnesCount64(w)
	}
	return n
}

// each calls f with the slots of the set in order. f may take the slot out.
func (b bitmap) each(f func(slot uint32)) {
	for i, w := range b {
		for w != 0 {
			f(uint32(i<<6 + bits.TrailingZeros64(w)))
			w &= w - 1
		}
	}
}

// posting is the set of slots that have a term: a sorted list while that is the
// smaller form, a bitmap after. Only the transaction that owns it may change it.
type posting struct {
	owner *tx
	name  term
	n     int
	list  []uint32
	bits  bitmap // nil while list is used
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
		if !p.bits.has(slot) {
			p.bits.set(slot)
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
			p.bits.set(s)
		}
	}
}

func (p *posting) grow(slot uint32) {
	if need := int(slot>>6) + 1; need > len(p.bits) {
		p.bits = append(p.bits, make(bitmap, need-len(p.bits))...)
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
	if int(slot>>6) >= len(p.bits) || !p.bits.has(slot) {
		return
	}
	p.bits.unset(slot)
	p.n--
	if p.n < len(p.bits) { // a quarter of where the bitmap began to pay
		list := make([]uint32, 0, p.n)
		p.bits.each(func(s uint32) { list = append(list, s) })
		p.list, p.bits = list, nil
	}
}

// or adds the posting to b, which covers every slot.
func (b bitmap) or(p *posting) {
	if p == nil {
		return
	}
	for i, w := range p.bits {
		b[i] |= w
	}
	for _, s := range p.list {
		b.set(s)
	}
}

// and keeps what b and the posting share.
func (b bitmap) and(p *posting) {
	switch {
	case p == nil:
		clear(b)
	case p.bits != nil:
		n := min(len(b), len(p.bits))
		for i := range b[:n] {
			b[i] &= p.bits[i]
		}
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

// andNot takes the posting out of b.
func (b bitmap) andNot(p *posting) {
	if p == nil {
		return
	}
	for i, w := range p.bits {
		b[i] &^= w
	}
	for _, s := range p.list {
		b.unset(s)
	}
}

// intersect keeps what both bitmaps share; they are of one length.
func (b bitmap) intersect(o bitmap) {
	for i := range b {
		b[i] &= o[i]
	}
}
