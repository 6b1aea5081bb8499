// Package bitmap is a set of small numbers, one bit each. The catalogue and the
// embedded search number their items by slots; what passes a filter is a Set of
// slots, and filters are combined word by word.
package bitmap

import "math/bits"

// Set holds the numbers from 0 to 64·len-1. A number beyond that is a fault of
// the caller and panics, as an index does; so does a shorter set where two are
// combined.
type Set []uint64

// Sized gives an empty set for the numbers below n, out of b's memory where it
// suffices.
func Sized(b Set, n int) Set {
	words := (n + 63) / 64
	if cap(b) < words {
		return make(Set, words)
	}
	b = b[:words]
	clear(b)
	return b
}

// Has reports whether a number is in the set.
func (b Set) Has(n uint32) bool { return b[n>>6]&(1<<(n&63)) != 0 }

// Add puts a number into the set.
func (b Set) Add(n uint32) { b[n>>6] |= 1 << (n & 63) }

// Remove takes a number out.
func (b Set) Remove(n uint32) { b[n>>6] &^= 1 << (n & 63) }

// Count is how many numbers there are.
func (b Set) Count() (n int) {
	for _, w := range b {
		n += bits.OnesCount64(w)
	}
	return n
}

// Each calls f with the numbers in order. f may take the number out.
func (b Set) Each(f func(n uint32)) {
	for i, w := range b {
		for w != 0 {
			f(uint32(i<<6 + bits.TrailingZeros64(w)))
			w &= w - 1
		}
	}
}

// Or adds the numbers of o.
func (b Set) Or(o Set) {
	o = o[:len(b):len(o)]
	for i := range b {
		b[i] |= o[i]
	}
}

// And keeps what both have.
func (b Set) And(o Set) {
	o = o[:len(b):len(o)]
	for i := range b {
		b[i] &= o[i]
	}
}

// AndNot takes out the numbers of o.
func (b Set) AndNot(o Set) {
	o = o[:len(b):len(o)]
	for i := range b {
		b[i] &^= o[i]
	}
}

// Next gives the first number from n on, or 64·len (or n, when that is more).
func (b Set) Next(n int) int {
	if n >= len(b)*64 {
		return n
	}
	i := n >> 6
	w := b[i] >> (n & 63) << (n & 63)
	for w == 0 {
		if i++; i == len(b) {
			return len(b) * 64
		}
		w = b[i]
	}
	return i<<6 + bits.TrailingZeros64(w)
}

// Back gives the last number up to n, or -1.
func (b Set) Back(n int) int {
	if n < 0 || len(b) == 0 {
		return -1
	}
	i := min(n>>6, len(b)-1)
	w := b[i]
	if i == n>>6 {
		w = w << (63 - n&63) >> (63 - n&63)
	}
	for w == 0 {
		if i--; i < 0 {
			return -1
		}
		w = b[i]
	}
	return i<<6 + 63 - bits.LeadingZeros64(w)
}
