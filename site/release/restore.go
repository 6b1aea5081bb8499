package release

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Build gives a build that is listed, to be read without being served:
// *UnknownError, or an error that wraps ErrDamaged or is a *MissingError.
func (s *Store) Build(id string) (*Build, error) {
	s.gate.RLock()
	defer s.gate.RUnlock()
	return s.build(id)
}

// build is Build; s.gate is held, so that Collect does not forget meanwhile.
func (s *Store) build(id string) (*Build, error) {
	current := s.Current()
	if current != nil && current.ID() == id {
		return current, nil
	}
	r, err := s.root(id)
	if err != nil {
		return nil, err
	}
	var like *tree
	if current != nil {
		like = current.tree
	}
	t, err := s.load(r.tree, like)
	if err == nil {
		err = s.complete(t)
	}
	if err != nil {
		return nil, fmt.Errorf("release: build %s: %w", id, err)
	}
	return s.give(r.Meta, t), nil
}

// Restore puts an earlier build on the air again: as a new one, of the same
// files, whose Reason is "restore " and the earlier ID and whose Parent is the one
// it replaces. When the files are those of the current build, that stays. Errors
// are those of Build, and of a disk that fails.
func (s *Store) Restore(id string) (*Build, error) {
	s.commit.Lock()
	defer s.commit.Unlock()
	epoch := s.journal.state()
	s.gate.RLock()
	defer s.gate.RUnlock()
	b, err := s.build(id)
	if err != nil {
		return nil, err
	}
	if current := s.Current(); current != nil && current.hash == b.hash {
		return current, nil
	}
	meta := b.meta
	meta.Reason = "restore " + id
	return s.publish(epoch, meta, b.tree)
}

// Difference is a path that two builds serve differently.
type Difference struct {
	Path          string
	Before, After *File // nil when it was not there, or is gone
}

// Kind is "added", "removed" or "changed".
func (d Difference) Kind() string {
	switch {
	case d.Before == nil:
		return "added"
	case d.After == nil:
		return "removed"
	}
	return "changed"
}

// Diff lists what is served differently by two builds, in the order of the paths.
// It reads only the parts of the manifests that differ.
func (s *Store) Diff(from, to string) ([]Difference, error) {
	s.gate.RLock()
	defer s.gate.RUnlock()
	before, err := s.root(from)
	if err != nil {
		return nil, err
	}
	after, err := s.root(to)
	if err != nil {
		return nil, err
	}
	list := []Difference{}
	err = s.diffNodes([2]Hash{before.tree, after.tree}, func(i int, mid [2]Hash) error {
		return s.diffNodes(mid, func(k int, low [2]Hash) error {
			var l [2]*leaf
			for side, h := range low {
				if l[side], err = s.leaf(uint16(i*fanout+k), h, nil); err != nil {
					return err
				}
			}
			compareLeaves(l[0], l[1], func(before, after *File) {
				list = append(list, Difference{cmp.Or(before, after).Path, before, after})
			})
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("release: compare %s with %s: %w", from, to, err)
	}
	slices.SortFunc(list, func(a, b Difference) int { return strings.Compare(a.Path, b.Path) })
	return list, nil
}

// diffNodes goes through the children in which two nodes differ.
func (s *Store) diffNodes(h [2]Hash, each func(i int, below [2]Hash) error) error {
	if h[0] == h[1] {
		return nil
	}
	var n [2]node
	for side := range n {
		var err error
		if n[side], err = s.children(h[side]); err != nil {
			return err
		}
	}
	for i := range fanout {
		if n[0][i] != n[1][i] {
			if err := each(i, [2]Hash{n[0][i], n[1][i]}); err != nil {
				return err
			}
		}
	}
	return nil
}
