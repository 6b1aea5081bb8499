package release

import (
	"iter"
	"sync"
)

// Encoding is a form in which a file's bytes are kept.
type Encoding uint8

// The encodings. Identity is the bytes themselves and is always there.
const (
	Identity Encoding = iota
	Gzip              // RFC 1952
	Brotli            // RFC 7932

	encodings = 3
)

// location is where the bytes of a blob in one encoding lie. Without a pack they
// lie nowhere; of no size in an encoding other than Identity means that it was
// tried and gains nothing.
type location struct {
	pack           *pack
	off, size, sum uint32
}

// blob is where all the encodings of the same bytes lie.
type blob [encodings]location

// index finds blobs by their hash. Any number of readers and writers.
type index struct {
	parts [64]struct {
		sync.RWMutex
		blobs map[Hash]blob
	}
}

func (x *index) find(h Hash) (blob, bool) {
	p := &x.parts[h[0]&63]
	p.RLock()
	b, ok := p.blobs[h]
	p.RUnlock()
	return b, ok
}

// set replaces one encoding's place, and gives the one before.
func (x *index) set(h Hash, e Encoding, at location) location {
	p := &x.parts[h[0]&63]
	p.Lock()
	defer p.Unlock()
	if p.blobs == nil {
		p.blobs = map[Hash]blob{}
	}
	b := p.blobs[h]
	before := b[e]
	b[e] = at
	if b == (blob{}) {
		delete(p.blobs, h)
	} else {
		p.blobs[h] = b
	}
	return before
}

// replace moves an encoding from one place to another, unless it is elsewhere by
// now.
func (x *index) replace(h Hash, e Encoding, from, to location) bool {
	p := &x.parts[h[0]&63]
	p.Lock()
	defer p.Unlock()
	b, ok := p.blobs[h]
	if !ok || b[e] != from {
		return false
	}
	b[e] = to
	if b == (blob{}) {
		delete(p.blobs, h)
	} else {
		p.blobs[h] = b
	}
	return true
}

// retain forgets the blobs that keep refuses.
func (x *index) retain(keep func(Hash) bool) {
	for i := range x.parts {
		p := &x.parts[i]
		p.Lock()
		for h := range p.blobs {
			if !keep(h) {
				delete(p.blobs, h)
			}
		}
		p.Unlock()
	}
}

// all goes through the blobs; the index must not be changed by the loop's body.
func (x *index) all() iter.Seq2[Hash, blob] {
	return func(yield func(Hash, blob) bool) {
		for i := range x.parts {
			p := &x.parts[i]
			p.RLock()
			for h, b := range p.blobs {
				if !yield(h, b) {
					p.RUnlock()
					return
				}
			}
			p.RUnlock()
		}
	}
}
