package interchange

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// manifest marks a folder as an export and lists what it holds, in the form that
// sha256sum -c reads. It is hidden, so that an import passes over it.
const manifest = ".prassi-export"

// folder is an export on its way to the disk. It is written beside its place
// and takes it at the end.
type folder struct {
	dir, temp string
	root      *os.Root
	sums      map[string]string // SHA-256 by file name
	open      map[string]*appended
	made      map[string]bool // folders
}

// appended is a file that grows line by line.
type appended struct {
	*bufio.Writer
	file *os.File
	sum  hash.Hash
}

// newFolder checks the place and makes the temporary folder.
func newFolder(dir string) (*folder, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := mayReplace(dir); err != nil {
		return nil, err
	}
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return nil, err
	}
	temp, err := os.MkdirTemp(parent, "."+filepath.Base(dir)+".partial-")
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(temp, 0o755); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(temp)
	if err != nil {
		return nil, err
	}
	return &folder{dir: dir, temp: temp, root: root, sums: map[string]string{}, open: map[string]*appended{}, made: map[string]bool{}}, nil
}

// mayReplace lets an export take a place that is free, empty, or holds an
// earlier export as it was written. Anything else may be somebody's work.
func mayReplace(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case len(entries) == 0:
		return nil
	}
	refuse := func(name string) error {
		return &Error{Finding{Source: name, Code: CodeExportNotEmpty}}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	list, err := root.ReadFile(manifest)
	if err != nil {
		return refuse(dir)
	}
	sums := map[string]string{}
	for _, line := range strings.Split(string(list), "\n") {
		if sum, name, ok := strings.Cut(line, "  "); ok {
			sums[name] = sum
		}
	}
	return fs.WalkDir(root.FS(), ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case p == "." || p == manifest:
			return nil
		case hidden(p) && !strings.Contains(p, "/"): // .git and the like move along
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			return nil
		case sums[p] == "":
			return refuse(filepath.Join(dir, p))
		}
		data, err := root.ReadFile(p)
		if err != nil {
			return err
		}
		if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != sums[p] {
			return refuse(filepath.Join(dir, p))
		}
		return nil
	})
}

func hidden(name string) bool { return strings.HasPrefix(path.Base(name), ".") }

// parent makes the folder of a file, once.
func (f *folder) parent(name string) error {
	dir := path.Dir(name)
	if f.made[dir] {
		return nil
	}
	f.made[dir] = true
	return f.root.MkdirAll(dir, 0o755)
}

// write writes a whole file. Two files of one name would mean that two documents
// share a slug, which the store forbids; it is an error here too.
func (f *folder) write(name, text string) error {
	if err := f.parent(name); err != nil {
		return err
	}
	file, err := f.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(text))
	f.sums[name] = hex.EncodeToString(sum[:])
	_, err = io.WriteString(file, text)
	return errors.Join(err, file.Close())
}

// append adds to a file.
func (f *folder) append(name, text string) error {
	a := f.open[name]
	if a == nil {
		if err := f.parent(name); err != nil {
			return err
		}
		file, err := f.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			return err
		}
		sum := sha256.New()
		a = &appended{bufio.NewWriterSize(io.MultiWriter(file, sum), 256<<10), file, sum}
		f.open[name] = a
		f.sums[name] = "" // known when the file is closed
	}
	_, err := a.WriteString(text)
	return err
}

// publish writes the manifest and puts the folder into its place.
func (f *folder) publish() error {
	for name, a := range f.open {
		if err := errors.Join(a.Flush(), a.file.Close()); err != nil {
			return err
		}
		f.sums[name] = hex.EncodeToString(a.sum.Sum(nil))
		delete(f.open, name)
	}
	var b bytes.Buffer
	for _, name := range sortedKeys(f.sums) {
		fmt.Fprintf(&b, "%s  %s\n", f.sums[name], name)
	}
	if err := f.root.WriteFile(manifest, b.Bytes(), 0o644); err != nil {
		return err
	}
	if err := f.root.Close(); err != nil {
		return err
	}
	entries, err := os.ReadDir(f.dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return os.Rename(f.temp, f.dir)
	case err != nil:
		return err
	case len(entries) == 0:
		if err := os.Remove(f.dir); err != nil {
			return err
		}
		return os.Rename(f.temp, f.dir)
	}
	// Somebody may have worked in the folder while the export ran.
	if err := mayReplace(f.dir); err != nil {
		return err
	}
	if err := exchange(f.temp, f.dir); err != nil {
		return err
	}
	for _, e := range entries { // f.temp is the earlier export now
		if hidden(e.Name()) && e.Name() != manifest {
			if err := os.Rename(filepath.Join(f.temp, e.Name()), filepath.Join(f.dir, e.Name())); err != nil {
				f.temp = "" // it still holds what is not ours: leave it
				return err
			}
		}
	}
	return nil
}

// abandon removes what is not in its place: after an error the new export,
// after a success the earlier one.
func (f *folder) abandon() {
	for _, a := range f.open {
		a.file.Close()
	}
	f.root.Close()
	if f.temp != "" {
		os.RemoveAll(f.temp)
	}
}

// swapByRename changes two folders in two steps, for systems that cannot do it
// in one. Between them the place is free, never half-written.
func swapByRename(a, b string) error {
	aside := a + "-earlier"
	if err := os.Rename(b, aside); err != nil {
		return err
	}
	if err := os.Rename(a, b); err != nil {
		return errors.Join(err, os.Rename(aside, b))
	}
	return os.Rename(aside, a)
}
