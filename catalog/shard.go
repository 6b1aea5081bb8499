package catalog

import (
	"hash/maphash"
	"maps"
)

// table is a map in many small parts. A transaction copies only the parts that
// it changes, so the next snapshot shares the rest with the one before.
type table[K comparable, V any] struct {
	parts []*tablePart[K, V]
}

type tablePart[K comparable, V any] struct {
	owner *tx
	m     map[K]V
}

var tableSeed = maphash.MakeSeed()

func newTable[K comparable, V any](parts int) table[K, V] {
	return table[K, V]{parts: make([]*tablePart[K, V], parts)}
}

func (t table[K, V]) index(k K) int {
	return int(maphash.Comparable(tableSeed, k) % uint64(len(t.parts)))
}

// get answers the zero value when there is none.
func (t table[K, V]) get(k K) (v V) {
	if p := t.parts[t.index(k)]; p != nil {
		v = p.m[k]
	}
	return v
}

// fork gives a table that x may change without t seeing it.
func (t table[K, V]) fork() table[K, V] {
	return table[K, V]{parts: append([]*tablePart[K, V](nil), t.parts...)}
}

func (t table[K, V]) own(x *tx, k K) map[K]V {
	i := t.index(k)
	p := t.parts[i]
	switch {
	case p == nil:
		p = &tablePart[K, V]{owner: x, m: map[K]V{}}
	case p.owner != x:
		p = &tablePart[K, V]{owner: x, m: maps.Clone(p.m)}
	}
	t.parts[i] = p
	return p.m
}

func (t table[K, V]) put(x *tx, k K, v V) { t.own(x, k)[k] = v }
func (t table[K, V]) delete(x *tx, k K)   { delete(t.own(x, k), k) }

// all calls f for every pair, in no order, until it answers false.
func (t table[K, V]) all(f func(K, V) bool) {
	for _, p := range t.parts {
		if p == nil {
			continue
		}
		for k, v := range p.m {
			if !f(k, v) {
				return
			}
		}
	}
}
