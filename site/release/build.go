package release

import (
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Meta is what a build says of itself.
type Meta struct {
	// ID, Parent, At, Files, Changed and Bytes are set by the store.
	ID          string    `json:"id"`
	Parent      string    `json:"parent,omitempty"` // the build that was current before
	At          time.Time `json:"at"`
	Reason      string    `json:"reason,omitempty"`
	Cursor      int64     `json:"cursor"` // the catalogue's place in its log
	Day         string    `json:"day,omitempty"`
	Site        string    `json:"site,omitempty"`
	Fingerprint string    `json:"fingerprint,omitempty"` // of theme, settings and program
	Files       int       `json:"files"`
	Changed     int       `json:"changed"` // files that are served otherwise than by Parent, were not there or are gone
	Bytes       int64     `json:"bytes"`   // of all files, without encoding
}

// Build is one state of the site. It never changes and may be used by any number
// of readers; whoever holds it can read all of it, even when it was superseded
// and forgotten.
type Build struct {
	store *Store
	meta  Meta
	*tree
}

// ID names the build. Names of later builds sort after those of earlier ones.
func (b *Build) ID() string { return b.meta.ID }

// Meta says what the build is.
func (b *Build) Meta() Meta { return b.meta }

// Len is the number of files.
func (b *Build) Len() int { return int(b.start[leaves]) }

// Sum is the hash of the whole manifest: builds of the same files, with the same
// inputs, have the same.
func (b *Build) Sum() Hash { return b.hash }

// File gives the file of exactly this path. It must not be changed.
func (b *Build) File(path string) (*File, bool) { return b.leaves[leafOf(path)].find(path) }

// Files gives all files in the order of their paths, compared by bytes. They must
// not be changed.
func (b *Build) Files() iter.Seq[*File] {
	return func(yield func(*File) bool) {
		all := make([]*File, 0, b.Len())
		for _, l := range b.leaves {
			if l != nil {
				for i := range l.files {
					all = append(all, &l.files[i])
				}
			}
		}
		slices.SortFunc(all, func(f, g *File) int { return strings.Compare(f.Path, g.Path) })
		for _, f := range all {
			if !yield(f) {
				return
			}
		}
	}
}

// Read appends a file's bytes in an encoding to dst: one positioned read. The
// error wraps ErrDamaged when the disk gave other bytes than were written, and is
// a *MissingError from then on, or when there is no such encoding. A build from
// nothing mends that.
func (b *Build) Read(dst []byte, h Hash, e Encoding) ([]byte, error) {
	// While somebody holds the build, Collect keeps its bytes.
	defer runtime.KeepAlive(b)
	return b.store.read(dst, h, e)
}

// Encoded says how large a file is in an encoding, and whether it is kept in it.
func (b *Build) Encoded(h Hash, e Encoding) (size int64, ok bool) {
	found, ok := b.store.index.find(h)
	if !ok || e >= encodings || found[e].pack == nil || e != Identity && found[e].size == 0 {
		return 0, false
	}
	return int64(found[e].size), true
}

// MissingError says that bytes are not kept.
type MissingError struct {
	Path string // when they are a file's
	Hash Hash
}

func (e *MissingError) Error() string {
	if e.Path != "" {
		return fmt.Sprintf("release: the bytes of %s (%s) are missing", e.Path, e.Hash)
	}
	return fmt.Sprintf("release: %s is not kept in this encoding", e.Hash)
}

func (s *Store) read(dst []byte, h Hash, e Encoding) ([]byte, error) {
	b, ok := s.index.find(h)
	if !ok || e >= encodings || b[e].pack == nil || e != Identity && b[e].size == 0 {
		return dst, &MissingError{Hash: h}
	}
	got, err := b[e].read(dst)
	if errors.Is(err, ErrDamaged) {
		// The next Put of the same bytes stores them again.
		s.index.replace(h, e, b[e], location{})
		s.lost.Store(true)
		s.log.Error("release: stored bytes are damaged", "hash", h.String(), "error", err)
	}
	return got, err
}
