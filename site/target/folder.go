package target

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"sync/atomic"
	"syscall"

	"golang.org/x/sync/errgroup"

	"github.com/prassi-cms/prassi/site/release"
)

const (
	folderMode = 0o755 // a web server runs as somebody else
	fileMode   = 0o644
)

// folder publishes to a folder of this machine.
type folder struct {
	path string // absolute
	opt  Options
}

func (t *folder) Close() error { return nil }

// Publish makes the folder hold the build and the extras, and what others put
// there. Readers see all of the old state or all of the new one, except in a
// folder that cannot be exchanged.
func (t *folder) Publish(ctx context.Context, b *release.Build, extra iter.Seq2[Extra, error]) (Report, error) {
	p, err := makePlan(ctx, b, extra, t.opt.Precompressed)
	if err != nil {
		return Report{}, err
	}
	r, err := t.publish(ctx, p)
	if err != nil {
		return r, fmt.Errorf("target: %w", err)
	}
	return r, nil
}

func (t *folder) publish(ctx context.Context, p *plan) (Report, error) {
	where, err := t.where()
	if err != nil {
		return Report{}, err
	}
	if !t.opt.InPlace {
		s := newStaging(where, t.opt)
		r, err := s.publish(ctx, p)
		if !errors.Is(err, errNotBeside) {
			return r, err
		}
		t.opt.Logger.Info("target: the folder is brought up to date file by file", "folder", where, "because", err)
	}
	return updateFolder(ctx, where, p, t.opt)
}

// where is the folder itself, when a symbolic link leads to it, which stays one. Its
// parent is made.
func (t *folder) where() (string, error) {
	where := t.path
	if real, err := filepath.EvalSymlinks(where); err == nil {
		where = real
	}
	return where, os.MkdirAll(filepath.Dir(where), folderMode)
}

// errNotBeside says that no folder can be made beside this one, or that this one
// cannot be exchanged: it is a mount point, or its parent is not ours to write to.
var errNotBeside = errors.New("it cannot be exchanged")

// staging prepares the new folder beside the old one. All files are reached
// through the parent, so that no symbolic link leads elsewhere.
type staging struct {
	opt        Options
	parentPath string
	name       string // of the folder
	parent     *os.Root
	unlock     func()
	old        *manifest

	kept, written, bytes atomic.Int64
}

func newStaging(where string, opt Options) *staging {
	return &staging{opt: opt, parentPath: filepath.Dir(where), name: filepath.Base(where), unlock: func() {}}
}

// Names in the parent: hidden, and those of nobody else.
func (s *staging) fresh() string { return "." + s.name + ".prassi-new" }
func (s *staging) aside() string { return "." + s.name + ".prassi-old" }
func (s *staging) lock() string  { return "." + s.name + ".prassi-lock" }

func (s *staging) full(name string) string { return filepath.Join(s.parentPath, name) }

func (s *staging) publish(ctx context.Context, p *plan) (r Report, err error) {
	defer s.close()
	if err := s.open(); err != nil {
		return r, err
	}
	next := newManifest(p, folderKey)
	if s.nothingToDo(p, next) {
		r.Kept = len(p.items)
		return r, nil
	}
	if err := s.begin(); err != nil {
		return r, err
	}
	if err = s.fill(ctx, p.items); err == nil {
		r.Removed, err = s.finish(next)
	}
	if err != nil {
		s.discard()
	}
	return s.report(r), err
}

// open takes the folder for this process and reads what it holds.
func (s *staging) open() (err error) {
	if s.parent, err = os.OpenRoot(s.parentPath); err != nil {
		return err
	}
	unlock, err := lockFile(s.full(s.lock()))
	if err != nil {
		switch {
		case errors.Is(err, syscall.EWOULDBLOCK):
			return &BusyError{Place: s.full(s.name)}
		case errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS):
			return errors.Join(errNotBeside, err)
		}
		return err
	}
	s.unlock = unlock
	if s.mounted() {
		return errNotBeside
	}
	if err := s.clear(); err != nil {
		return err
	}
	s.old, err = readManifest(s.parent, s.name)
	return err
}

func (s *staging) close() {
	s.unlock()
	if s.parent != nil {
		s.parent.Close()
	}
}

// begin makes the new folder.
func (s *staging) begin() error {
	s.opt.step("make folder")
	return s.parent.MkdirAll(path.Join(s.fresh(), release.Reserved), folderMode)
}

// discard gives the new folder up.
func (s *staging) discard() { _ = s.parent.RemoveAll(s.fresh()) }

func (s *staging) report(r Report) Report {
	r.Kept, r.Written, r.Bytes = int(s.kept.Load()), int(s.written.Load()), s.bytes.Load()
	return r
}

// finish puts the new folder, which holds all files of next, in the place of the
// old one.
func (s *staging) finish(next *manifest) (removed int, err error) {
	if err := s.carry(next); err != nil {
		return 0, err
	}
	text, err := next.encode()
	if err != nil {
		return 0, err
	}
	s.opt.step("write manifest")
	if err := s.parent.WriteFile(path.Join(s.fresh(), manifestPath), text, fileMode); err != nil {
		return 0, err
	}
	if info, err := s.parent.Stat(s.name); err == nil {
		if err := s.parent.Chmod(s.fresh(), info.Mode().Perm()); err != nil {
			return 0, err
		}
	}
	s.opt.step("sync")
	if !s.opt.noSync {
		if err := syncAll(s.full(s.fresh())); err != nil {
			return 0, err
		}
	}
	if err := s.swap(); err != nil {
		return 0, err
	}
	for path := range s.oldFiles() {
		if _, stays := next.Files[path]; !stays {
			removed++
		}
	}
	return removed, s.clear()
}

// mounted reports that the folder is on another file system than its parent.
func (s *staging) mounted() bool {
	var at [2]syscall.Stat_t
	return syscall.Stat(s.full(s.name), &at[0]) == nil && syscall.Stat(s.parentPath, &at[1]) == nil && at[0].Dev != at[1].Dev
}

func (s *staging) oldFiles() map[string]string {
	if s.old == nil {
		return nil
	}
	return s.old.Files
}

// clear removes what an earlier Publish left that did not come to its end. When
// it died between the two renames of a system without exchange, the old folder
// comes back.
func (s *staging) clear() error {
	if _, err := s.parent.Lstat(s.name); missing(err) {
		if _, err := s.parent.Lstat(s.aside()); err == nil {
			s.opt.step("rename back")
			if err := s.parent.Rename(s.aside(), s.name); err != nil {
				return err
			}
		}
	}
	for _, name := range []string{s.fresh(), s.aside()} {
		if _, err := s.parent.Lstat(name); missing(err) {
			continue
		}
		if _, err := s.parent.Lstat(path.Join(name, release.Reserved)); err != nil {
			if s.parent.Remove(name) != nil { // empty: killed right after it was made
				return &ForeignError{Place: s.parentPath, Path: name}
			}
			continue
		}
		s.opt.step("remove leftover")
		if err := removeMarked(s.parent, name); err != nil {
			return err
		}
	}
	return nil
}

// removeMarked removes a folder of ours; the mark that it is goes last, so that
// one that is half removed is still known.
func removeMarked(parent *os.Root, name string) error {
	dir, err := parent.Open(name)
	if err != nil {
		return err
	}
	entries, err := dir.ReadDir(-1)
	dir.Close()
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() != release.Reserved {
			if err := parent.RemoveAll(path.Join(name, e.Name())); err != nil {
				return err
			}
		}
	}
	return parent.RemoveAll(name)
}

// readManifest reads what a folder says of itself; nil when there is no folder or
// it is empty. A *ForeignError when it holds other things and no manifest.
func readManifest(parent *os.Root, name string) (*manifest, error) {
	text, err := parent.ReadFile(path.Join(name, manifestPath))
	if err == nil {
		return parseManifest(text)
	}
	if !missing(err) {
		return nil, err
	}
	dir, err := parent.Open(name)
	if missing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	if names, err := dir.Readdirnames(1); len(names) > 0 {
		return nil, &ForeignError{Place: filepath.Join(parent.Name(), name)}
	} else if err != io.EOF {
		return nil, err
	}
	return nil, nil
}

func folderKey(it *item) string { return it.hash }

// nothingToDo reports that the folder is as it should be by its manifest.
func (s *staging) nothingToDo(p *plan, next *manifest) bool {
	if s.old == nil || len(s.old.Files) != len(next.Files) {
		return false
	}
	for i := range p.items {
		if !s.old.holds(p.items[i].path, next.Files[p.items[i].path]) {
			return false
		}
	}
	return true
}

// fill links what stays and writes the rest.
func (s *staging) fill(ctx context.Context, items []item) error {
	g, group := errgroup.WithContext(ctx)
	g.SetLimit(2 * runtime.GOMAXPROCS(0))
	const piece = 64 // items for one goroutine
	for part := range slices.Chunk(items, piece) {
		if group.Err() != nil {
			break
		}
		g.Go(func() error {
			to := &writing{staging: s}
			defer to.close()
			for i := range part {
				if err := group.Err(); err != nil {
					return err
				}
				if err := to.add(group, &part[i]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := g.Wait()
	if err == nil {
		err = ctx.Err()
	}
	return err
}

// writing holds open the folder that many pages have their own folders in, since a
// path is walked part by part below an os.Root.
type writing struct {
	*staging
	dir   *os.Root
	self  *os.File // the same
	above string   // its path in the new folder
	made  string   // the folder in it that was made last
}

// enter makes the folder of a path, and gives the file's name below w.dir.
func (w *writing) enter(file string) (name string, err error) {
	folder := path.Dir(file)
	above := path.Dir(folder)
	if w.dir == nil || above != w.above {
		w.close()
		at := path.Join(w.fresh(), above)
		if err := w.parent.MkdirAll(at, folderMode); err != nil {
			return "", err
		}
		if w.dir, err = w.parent.OpenRoot(at); err != nil {
			return "", err
		}
		if w.self, err = w.dir.Open("."); err != nil {
			return "", err
		}
		w.above, w.made = above, "."
	}
	if last := path.Base(folder); folder != above && last != w.made {
		if err := w.dir.Mkdir(last, folderMode); err != nil && !errors.Is(err, fs.ErrExist) {
			return "", err
		}
		w.made = last
	}
	if folder == above {
		return path.Base(file), nil
	}
	return path.Join(path.Base(folder), path.Base(file)), nil
}

// add puts an item into the new folder: a link to what the old one holds, or its
// bytes.
func (w *writing) add(ctx context.Context, it *item) error {
	name, err := w.enter(it.path)
	if err != nil {
		return err
	}
	if w.link(it, folderKey(it)) {
		w.kept.Add(1)
		return nil
	}
	w.opt.step("write file")
	if it.copy == nil {
		err = create(ctx, w.dir, w.self, name, it)
	} else {
		err = writeFile(ctx, w.dir, name, it)
	}
	if err != nil {
		return err
	}
	w.written.Add(1)
	w.bytes.Add(it.size)
	return nil
}

func (w *writing) close() {
	if w.dir != nil {
		w.self.Close()
		w.dir.Close()
	}
}

// link takes a file from the old folder when it is there as it should be.
func (s *staging) link(it *item, key string) bool {
	if !s.old.holds(it.path, key) {
		return false
	}
	from := path.Join(s.name, it.path)
	info, err := s.parent.Lstat(from)
	if err != nil || !info.Mode().IsRegular() || info.Size() != it.size {
		return false
	}
	s.opt.step("link file")
	return s.parent.Link(from, path.Join(s.fresh(), it.path)) == nil
}

func writeFile(ctx context.Context, root *os.Root, name string, it *item) error {
	f, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, fileMode)
	if err != nil {
		return err
	}
	return errors.Join(it.write(ctx, f), f.Close())
}

// carry takes over what others put into the old folder.
func (s *staging) carry(next *manifest) error {
	if s.old == nil {
		return nil
	}
	from, err := s.parent.OpenRoot(s.name)
	if err != nil {
		return err
	}
	defer from.Close()
	return fs.WalkDir(from.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name == ".":
			return nil
		case name == release.Reserved && e.IsDir():
			return fs.SkipDir
		}
		_, was := s.old.Files[name]
		_, is := next.Files[name]
		foreign := &ForeignError{Place: s.full(s.name), Path: name}
		to := path.Join(s.fresh(), name)
		switch {
		case e.IsDir():
			if is {
				return s.folderBecomesFile(from, name)
			}
			return nil
		case was:
			return nil
		case is:
			return foreign
		case e.Type() == fs.ModeSymlink:
			text, err := from.Readlink(name)
			if err != nil {
				return err
			}
			s.opt.step("carry")
			return notOurs(cmp.Or(s.parent.MkdirAll(path.Dir(to), folderMode), s.parent.Symlink(text, to)), foreign)
		case e.Type().IsRegular():
			s.opt.step("carry")
			return notOurs(cmp.Or(s.parent.MkdirAll(path.Dir(to), folderMode), s.parent.Link(path.Join(s.name, name), to)), foreign)
		}
		return foreign // a socket, a device
	})
}

// notOurs says which of their files it was that could not be carried over.
func notOurs(err error, foreign *ForeignError) error {
	if err != nil {
		return errors.Join(foreign, err)
	}
	return nil
}

// folderBecomesFile makes sure that nothing of others is in it.
func (s *staging) folderBecomesFile(from *os.Root, dir string) error {
	err := fs.WalkDir(from.FS(), dir, func(name string, e fs.DirEntry, err error) error {
		if _, was := s.old.Files[name]; err == nil && !was && !e.IsDir() {
			err = &ForeignError{Place: s.full(s.name), Path: name}
		}
		return err
	})
	if err != nil {
		return err
	}
	return fs.SkipDir
}

// swap puts the new folder in the place of the old one, which is left aside.
func (s *staging) swap() error {
	s.opt.step("exchange")
	if _, err := s.parent.Lstat(s.name); missing(err) {
		return s.parent.Rename(s.fresh(), s.name)
	}
	if !s.opt.noExchange {
		if ok, err := exchange(s.full(s.fresh()), s.full(s.name)); ok || err != nil {
			return notBeside(err)
		}
	}
	if err := s.parent.Rename(s.name, s.aside()); err != nil {
		return notBeside(err)
	}
	s.opt.step("rename in")
	if err := s.parent.Rename(s.fresh(), s.name); err != nil {
		return errors.Join(err, s.parent.Rename(s.aside(), s.name))
	}
	return nil
}

// notBeside marks the errors that mean that a folder cannot be renamed at all.
func notBeside(err error) error {
	if errors.Is(err, syscall.EXDEV) || errors.Is(err, syscall.EBUSY) || errors.Is(err, fs.ErrPermission) {
		return errors.Join(errNotBeside, err)
	}
	return err
}

// lockFile takes a file for this process, and gives what ends that. The file goes
// with the lock; one that a killed process left is taken over.
func lockFile(name string) (unlock func(), err error) {
	for {
		f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return nil, err
		}
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			f.Close()
			return nil, err
		}
		// It may have been removed between the two: then another has the name.
		mine, err := f.Stat()
		if err != nil {
			f.Close()
			return nil, err
		}
		if there, err := os.Stat(name); err == nil && os.SameFile(mine, there) {
			return func() {
				os.Remove(name)
				// A process that is being started has the file open as well until it runs.
				_ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN)
				f.Close()
			}, nil
		}
		f.Close()
	}
}
