package target

import (
	"context"
	"maps"
	"path"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// place is a target that is brought up to date file by file.
type place interface {
	name() string
	// manifest is nil when there is none.
	manifest(ctx context.Context) (*manifest, error)
	putManifest(ctx context.Context, m *manifest) error
	// empty is asked when there is no manifest.
	empty(ctx context.Context) (bool, error)
	// free refuses a path, new in the manifest, where something is that is not ours.
	free(ctx context.Context, path string, ours map[string]string) error
	// put writes a file whole or not at all.
	put(ctx context.Context, it *item) error
	// remove removes a file that may be gone already.
	remove(ctx context.Context, path string) error
	// key is by what a file is known in the manifest.
	key(it *item) string
	workers() int
}

// update writes what changed: first what pages need, then pages, and removes at
// last. Before anything, the manifest says which files are about to change: killed
// in between, the next update does it again and leaves nothing behind.
func update(ctx context.Context, to place, p *plan) (r Report, err error) {
	old, err := to.manifest(ctx)
	if err != nil {
		return r, err
	}
	first := old == nil
	if first {
		empty, err := to.empty(ctx)
		if err != nil {
			return r, err
		}
		if !empty {
			return r, &ForeignError{Place: to.name()}
		}
		old = &manifest{Format: manifestFormat, Files: map[string]string{}}
	}
	next := newManifest(p, to.key)
	between := &manifest{Format: manifestFormat, Files: maps.Clone(old.Files)}
	var changed []*item
	for i := range p.items {
		it := &p.items[i]
		if old.holds(it.path, next.Files[it.path]) {
			r.Kept++
			continue
		}
		if _, ours := old.Files[it.path]; !ours && !first {
			if err := to.free(ctx, it.path, old.Files); err != nil {
				return r, err
			}
		}
		changed = append(changed, it)
		between.Files[it.path] = ""
	}
	var before, after []string // to be removed
	blocked := inTheWay(p)
	for _, path := range slices.Sorted(maps.Keys(old.Files)) {
		if _, stays := next.Files[path]; stays {
			continue
		}
		if blocked(path) {
			before = append(before, path)
		} else {
			after = append(after, path)
		}
	}
	if len(changed)+len(before)+len(after) == 0 {
		return r, nil
	}
	if err := to.putManifest(ctx, between); err != nil {
		return r, err
	}
	if err := removeAll(ctx, to, before, &r); err != nil {
		return r, err
	}
	for _, pages := range []bool{false, true} {
		if err := putAll(ctx, to, changed, pages, &r); err != nil {
			return r, err
		}
	}
	if err := removeAll(ctx, to, after, &r); err != nil {
		return r, err
	}
	return r, to.putManifest(ctx, next)
}

func putAll(ctx context.Context, to place, items []*item, pages bool, r *Report) error {
	var written, bytes atomic.Int64
	g, group := errgroup.WithContext(ctx)
	g.SetLimit(to.workers())
	for _, it := range items {
		if it.page != pages || group.Err() != nil {
			continue
		}
		g.Go(func() error {
			if err := to.put(group, it); err != nil {
				return err
			}
			written.Add(1)
			bytes.Add(it.size)
			return nil
		})
	}
	err := g.Wait()
	r.Written += int(written.Load())
	r.Bytes += bytes.Load()
	if err == nil {
		err = ctx.Err()
	}
	return err
}

func removeAll(ctx context.Context, to place, paths []string, r *Report) error {
	for _, path := range paths {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := to.remove(ctx, path); err != nil {
			return err
		}
		r.Removed++
	}
	return nil
}

// inTheWay reports old files that must go before the new ones can come: one where
// a folder is to be, or in a folder where a file is to be.
func inTheWay(p *plan) func(string) bool {
	files, folders := map[string]bool{}, map[string]bool{}
	for i := range p.items {
		files[p.items[i].path] = true
		for dir := path.Dir(p.items[i].path); dir != "." && !folders[dir]; dir = path.Dir(dir) {
			folders[dir] = true
		}
	}
	return func(old string) bool {
		if folders[old] {
			return true
		}
		for dir := path.Dir(old); dir != "."; dir = path.Dir(dir) {
			if files[dir] {
				return true
			}
		}
		return false
	}
}
