package duplicates

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/prassi-cms/prassi/geo"
)

// Pair is two subjects that may be the same; A is the lesser id.
type Pair struct {
	A, B string
	Type string
	Likeness
}

// Finder keeps subjects, and finds those that are alike without comparing each
// with each: two subjects are compared when they share a telephone number, a tax
// code, or a word of their own names in places that are near. It finds exactly
// the pairs that comparing all with all would find. The zero Finder is empty and
// ready; it is not safe for concurrent use.
//
// Memory is in proportion to the words of the names: about 1 KB a subject.
type Finder struct {
	subjects map[string]*prepared
	blocks   map[block][]*prepared
	shared   map[string]map[string]*Pair // found so far, by either id
	stale    map[string]bool             // subjects whose pairs are to be found anew
	sorted   []Pair                      // nil when it is to be made anew

	round, look uint64 // count the runs of Pairs, and of find
}

// block is a fingerprint of what two subjects must share to be compared. That
// two keys have one fingerprint costs a comparison and changes nothing.
type block uint64

// cell is a cube of a grid through the Earth, cellSize metres wide: two points
// within MaxMetres lie in the same cell or in neighbouring ones, at the poles
// and the date line too.
type cell struct{ x, y, z int32 }

const (
	cellSize = MaxMetres + 1
	radius   = 6_371_008.8 // of geo.Metres
)

func cellOf(p geo.Point) cell {
	const rad = math.Pi / 180
	c := math.Cos(p.Lat*rad) * radius
	at := func(v float64) int32 { return int32(math.Floor(v / cellSize)) }
	return cell{at(c * math.Cos(p.Lon*rad)), at(c * math.Sin(p.Lon*rad)), at(math.Sin(p.Lat*rad) * radius)}
}

// What a block is of.
const (
	ofPhone  = 'p'
	ofTax    = 't'
	ofCell   = 'c'
	ofTown   = 'm' // the municipality of any place
	ofCoarse = 'a' // the municipality of a place that is not exact
)

// FNV-1a, 64 bits.
const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

// with goes on with a fingerprint; the length keeps "ab","c" from "a","bc".
func (b block) with(s string) block {
	for i := range len(s) {
		b = (b ^ block(s[i])) * fnvPrime
	}
	return b.number(int32(len(s)))
}

func (b block) number(n int32) block {
	for range 4 {
		b = (b ^ block(n&0xff)) * fnvPrime
		n >>= 8
	}
	return b
}

// blockOf begins a fingerprint.
func blockOf(typ string, kind int32) block { return block(fnvOffset).with(typ).number(kind) }

func (b block) cell(c cell) block { return b.number(c.x).number(c.y).number(c.z) }

// keys are the words of the names under which a subject is found: two names that
// are nearly the same share one.
func (p *prepared) keys() []string {
	var out []string
	for i := range p.names {
		n := &p.names[i]
		for _, w := range n.words {
			if n.isOwn(w) {
				out = append(out, w.stem)
			}
		}
		out = append(out, "="+n.joined)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// numbers are the blocks in which a subject is kept and looked for alike.
func (p *prepared) numbers() (out []block) {
	for _, t := range p.phones {
		out = append(out, phoneBlock(p.typ, t))
	}
	for _, t := range p.taxes {
		out = append(out, blockOf(p.typ, ofTax).with(t))
	}
	return out
}

// blocks are those that a subject is kept in.
func (p *prepared) blocks() []block {
	out := p.numbers()
	for _, k := range p.keys() {
		for i := range p.points {
			out = append(out, blockOf(p.typ, ofCell).with(k).cell(p.points[i].cell))
		}
		for _, t := range p.towns {
			out = append(out, blockOf(p.typ, ofTown).with(k).with(t))
		}
		for _, t := range p.coarse {
			out = append(out, blockOf(p.typ, ofCoarse).with(k).with(t))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func phoneBlock(typ, phone string) block { return blockOf(typ, ofPhone).with(phone) }

// looks are the blocks in which those that it may be like are found.
func (p *prepared) looks() []block {
	out := p.numbers()
	for _, k := range p.keys() {
		inCells := blockOf(p.typ, ofCell).with(k)
		for i := range p.points {
			c := p.points[i].cell
			for n := range int32(27) {
				out = append(out, inCells.cell(cell{c.x + n%3 - 1, c.y + n/3%3 - 1, c.z + n/9 - 1}))
			}
		}
		for _, t := range p.coarse {
			out = append(out, blockOf(p.typ, ofTown).with(k).with(t))
		}
		for _, t := range p.towns {
			out = append(out, blockOf(p.typ, ofCoarse).with(k).with(t))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Len is the number of subjects.
func (f *Finder) Len() int { return len(f.subjects) }

// Put adds a subject, or replaces the one of the same id.
func (f *Finder) Put(s Subject) {
	f.Remove(s.ID)
	if f.subjects == nil {
		f.subjects, f.blocks, f.shared, f.stale = map[string]*prepared{}, map[block][]*prepared{}, map[string]map[string]*Pair{}, map[string]bool{}
	}
	p := prepare(&s)
	f.subjects[p.id] = p
	for _, b := range p.blocks() {
		f.blocks[b] = append(f.blocks[b], p)
	}
	f.stale[p.id], f.sorted = true, nil
	f.crossed(p, MaxShared+1)
}

// Remove takes a subject away; one that is not there is nothing.
func (f *Finder) Remove(id string) {
	p := f.subjects[id]
	if p == nil {
		return
	}
	f.forget(id)
	delete(f.subjects, id)
	delete(f.stale, id)
	for _, b := range p.blocks() {
		list := slices.DeleteFunc(f.blocks[b], func(x *prepared) bool { return x == p })
		if len(list) == 0 {
			delete(f.blocks, b)
		} else {
			f.blocks[b] = list
		}
	}
	f.sorted = nil
	f.crossed(p, MaxShared)
}

// crossed marks everybody with a number of p's that has just become a
// switchboard's, or is one no longer: now so many have it.
func (f *Finder) crossed(p *prepared, now int) {
	for _, phone := range p.phones {
		holders := f.holders(p.typ, phone)
		if len(holders) != now {
			continue
		}
		for _, h := range holders {
			f.stale[h.id] = true
		}
	}
}

// holders are the subjects with a telephone number.
func (f *Finder) holders(typ, phone string) []*prepared {
	list := f.blocks[phoneBlock(typ, phone)]
	if !slices.ContainsFunc(list, func(p *prepared) bool { return p.typ != typ || !slices.Contains(p.phones, phone) }) {
		return list
	}
	var out []*prepared // another key has the same fingerprint
	for _, p := range list {
		if p.typ == typ && slices.Contains(p.phones, phone) {
			out = append(out, p)
		}
	}
	return out
}

func (f *Finder) switchboard(typ, phone string) bool { return len(f.holders(typ, phone)) > MaxShared }

// WithTaxCode gives the ids of the subjects of a type with a tax code, in any
// spelling, sorted.
func (f *Finder) WithTaxCode(typ, code string) []string {
	var out []string
	if code = TaxCode(code); code == "" {
		return nil
	}
	for _, p := range f.blocks[blockOf(typ, ofTax).with(code)] {
		if p.typ == typ && slices.Contains(p.taxes, code) {
			out = append(out, p.id)
		}
	}
	slices.Sort(out)
	return out
}

// forget drops the pairs of a subject.
func (f *Finder) forget(id string) {
	for other := range f.shared[id] {
		delete(f.shared[other], id)
	}
	delete(f.shared, id)
}

// Pairs gives all pairs, the likeliest first and then by ids. The list must not
// be changed.
func (f *Finder) Pairs() []Pair {
	for id := range f.stale {
		f.forget(id)
	}
	f.round++
	for id := range f.stale {
		f.find(f.subjects[id])
	}
	clear(f.stale)
	if f.sorted != nil {
		return f.sorted
	}
	f.sorted = []Pair{}
	for id, found := range f.shared {
		for _, pair := range found {
			if pair.A == id {
				f.sorted = append(f.sorted, *pair)
			}
		}
	}
	slices.SortFunc(f.sorted, comparePairs)
	return f.sorted
}

func comparePairs(a, b Pair) int {
	return cmp.Or(cmp.Compare(b.Score, a.Score), strings.Compare(a.A, b.A), strings.Compare(a.B, b.B))
}

// find compares a subject with those it may be like, but for those that have
// looked for it themselves in this round.
func (f *Finder) find(p *prepared) {
	f.look++
	p.seen, p.found = f.look, f.round
	for _, b := range p.looks() {
		for _, other := range f.blocks[b] {
			if other.seen == f.look {
				continue
			}
			other.seen = f.look
			if other.found == f.round {
				continue
			}
			if l := near(p, other, f.switchboard); l != nil {
				pair := &Pair{A: min(p.id, other.id), B: max(p.id, other.id), Type: p.typ, Likeness: *l}
				f.keep(p.id, other.id, pair)
				f.keep(other.id, p.id, pair)
			}
		}
	}
}

func (f *Finder) keep(id, other string, pair *Pair) {
	if f.shared[id] == nil {
		f.shared[id] = map[string]*Pair{}
	}
	f.shared[id][other] = pair
}
