package target

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"runtime"
	"sync/atomic"
	"syscall"

	"github.com/prassi-cms/prassi/site/release"
)

// inPlace is a folder that is brought up to date file by file.
type inPlace struct {
	root *os.Root
	opt  Options
	n    atomic.Int64 // of unfinished files
}

// unfinished is where files are written before they get their names.
const unfinished = release.Reserved + "/new"

func updateFolder(ctx context.Context, dir string, p *plan, opt Options) (r Report, err error) {
	if err := os.MkdirAll(dir, folderMode); err != nil {
		return r, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return r, err
	}
	defer root.Close()
	to := &inPlace{root: root, opt: opt}
	self, err := os.Open(dir)
	if err != nil {
		return r, err
	}
	defer self.Close()
	if err := syscall.Flock(int(self.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return r, &BusyError{Place: dir}
		}
		return r, err
	}
	defer syscall.Flock(int(self.Fd()), syscall.LOCK_UN)
	// What a kill left, if this folder is ours: then there is such a name in it.
	if err := root.RemoveAll(unfinished); err != nil {
		return r, err
	}
	if r, err = update(ctx, to, p); err != nil {
		return r, err
	}
	if err := root.RemoveAll(unfinished); err != nil {
		return r, err
	}
	if opt.noSync {
		return r, nil
	}
	return r, syncAll(dir)
}

func (t *inPlace) name() string        { return t.root.Name() }
func (t *inPlace) key(it *item) string { return folderKey(it) }
func (t *inPlace) workers() int        { return 2 * runtime.GOMAXPROCS(0) }

func missing(err error) bool { return errors.Is(err, fs.ErrNotExist) }

func (t *inPlace) manifest(context.Context) (*manifest, error) {
	text, err := t.root.ReadFile(manifestPath)
	if missing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return parseManifest(text)
}

// empty takes a folder in which only our first manifest is missing for empty.
func (t *inPlace) empty(context.Context) (bool, error) {
	entries, err := fs.ReadDir(t.root.FS(), ".")
	if err != nil {
		return false, err
	}
	for _, e := range entries {
		// A new file system has this one.
		if e.Name() != release.Reserved && e.Name() != "lost+found" {
			return false, nil
		}
	}
	return true, nil
}

func (t *inPlace) putManifest(ctx context.Context, m *manifest) error {
	text, err := m.encode()
	if err != nil {
		return err
	}
	if err := t.root.MkdirAll(unfinished, folderMode); err != nil {
		return err
	}
	it := textItem(manifestPath, text)
	return t.put(ctx, &it)
}

func (t *inPlace) free(_ context.Context, name string, ours map[string]string) error {
	foreign := &ForeignError{Place: t.name()}
	for i := range name {
		if name[i] != '/' {
			continue
		}
		info, err := t.root.Lstat(name[:i])
		if missing(err) {
			return nil
		}
		if err != nil {
			return err
		}
		if !info.IsDir() {
			if _, ok := ours[name[:i]]; ok { // it goes before anything comes
				return nil
			}
			foreign.Path = name[:i]
			return foreign
		}
	}
	info, err := t.root.Lstat(name)
	if missing(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if !info.IsDir() {
		foreign.Path = name
		return foreign
	}
	return fs.WalkDir(t.root.FS(), name, func(path string, e fs.DirEntry, err error) error {
		if _, ok := ours[path]; err == nil && !ok && !e.IsDir() {
			foreign.Path = path
			return foreign
		}
		return err
	})
}

func (t *inPlace) put(ctx context.Context, it *item) error {
	temp := path.Join(unfinished, fmt.Sprint(t.n.Add(1)))
	t.opt.step("write file")
	if err := writeFile(ctx, t.root, temp, it); err != nil {
		return err
	}
	if err := t.root.MkdirAll(path.Dir(it.path), folderMode); err != nil {
		return err
	}
	t.opt.step("rename")
	err := t.root.Rename(temp, it.path)
	if err == nil {
		return nil
	}
	if info, e := t.root.Lstat(it.path); e != nil || !info.IsDir() {
		return err
	}
	// Something of ours was in it, and empty folders are nobody's.
	if err := t.removeEmpty(it.path); err != nil {
		return err
	}
	return t.root.Rename(temp, it.path)
}

// removeEmpty removes a folder of folders.
func (t *inPlace) removeEmpty(dir string) error {
	entries, err := fs.ReadDir(t.root.FS(), dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.IsDir() {
			return &ForeignError{Place: t.name(), Path: path.Join(dir, e.Name())}
		}
		if err := t.removeEmpty(path.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return t.root.Remove(dir)
}

func (t *inPlace) remove(_ context.Context, name string) error {
	t.opt.step("remove")
	info, err := t.root.Lstat(name)
	switch {
	case missing(err) || errors.Is(err, syscall.ENOTDIR):
	case err != nil:
		return err
	case info.IsDir(): // it became one before an earlier Publish was killed
		return nil
	default:
		if err := t.root.Remove(name); err != nil && !missing(err) {
			return err
		}
	}
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		info, err := t.root.Lstat(dir)
		if err != nil || !info.IsDir() || t.root.Remove(dir) != nil { // something is in it
			break
		}
	}
	return nil
}
