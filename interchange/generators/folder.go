package generators

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/prassi-cms/prassi/interchange"
)

// manifest marks a folder as an export for a generator: what for, and which files
// with which content are ours. While an export runs it names both the earlier
// and the new content of a file, so an interrupted one is known for ours too.
const manifest = ".prassi-generator"

// folder is the place of an export. Everything goes through root, so no link
// leads out of it.
type folder struct {
	dir    string
	root   *os.Root
	format string
	ours   map[string][]string // sums that we wrote, by file name
}

func hexSum(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// openFolder makes the folder or finds an earlier export in it. Hidden entries,
// such as .git, do not make a folder somebody else's.
func openFolder(dir, format string) (*folder, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	f := &folder{dir: dir, root: root, format: format, ours: map[string][]string{}}
	if err := f.read(); err != nil {
		root.Close()
		return nil, err
	}
	return f, nil
}

func (f *folder) close() { f.root.Close() }

// read reads the manifest.
func (f *folder) read() error {
	refused := &interchange.Error{Finding: interchange.Finding{Source: f.dir, Code: interchange.CodeExportNotEmpty}}
	data, err := f.root.ReadFile(manifest)
	if errors.Is(err, fs.ErrNotExist) {
		entries, err := os.ReadDir(f.dir)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return !strings.HasPrefix(e.Name(), ".") }) {
			return refused
		}
		return nil
	}
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(bytes.NewReader(data))
	if !lines.Scan() || lines.Text() != "# "+f.format {
		return refused
	}
	for lines.Scan() {
		sum, name, ok := strings.Cut(lines.Text(), "  ")
		if !ok || len(sum) != 2*sha256.Size || !fs.ValidPath(name) || name == "." {
			return refused
		}
		f.ours[name] = append(f.ours[name], sum)
	}
	return lines.Err()
}

// remember writes the manifest.
func (f *folder) remember(ctx context.Context, ours map[string][]string) error {
	var buf bytes.Buffer
	fmt.Fprintf(&buf, "# %s\n", f.format)
	for _, name := range sorted(ours) {
		for _, sum := range ours[name] {
			fmt.Fprintf(&buf, "%s  %s\n", sum, name)
		}
	}
	return f.write(ctx, text(manifest, buf.Bytes()))
}

// sync makes the folder hold exactly the files, but for what is not ours.
func (f *folder) sync(ctx context.Context, files []file) (Summary, error) {
	sum := Summary{Files: len(files)}
	both, after := map[string][]string{}, map[string][]string{}
	wanted := map[string]bool{}
	for name, sums := range f.ours {
		both[name] = slices.Clone(sums)
	}
	var write []file
	for _, w := range files {
		wanted[w.name] = true
		found, err := f.sum(w.name)
		switch {
		case err != nil:
			return sum, err
		case found == w.sum:
		case found != "" && !slices.Contains(f.ours[w.name], found):
			sum.Kept = append(sum.Kept, w.name)
			if sums := f.ours[w.name]; len(sums) > 0 {
				after[w.name] = sums // who puts it back has it renewed again
			}
			continue
		default:
			write = append(write, w)
			if !slices.Contains(both[w.name], w.sum) {
				both[w.name] = append(both[w.name], w.sum)
			}
		}
		after[w.name] = []string{w.sum}
	}
	if err := f.remember(ctx, both); err != nil {
		return sum, err
	}
	for _, w := range write {
		if err := ctx.Err(); err != nil {
			return sum, err
		}
		if err := f.write(ctx, w); err != nil {
			return sum, err
		}
		sum.Written++
	}
	for _, name := range sorted(f.ours) {
		if wanted[name] {
			continue
		}
		found, err := f.sum(name)
		switch {
		case err != nil:
			return sum, err
		case found == "":
		case !slices.Contains(f.ours[name], found):
			sum.Kept = append(sum.Kept, name)
		default:
			if err := f.remove(name); err != nil {
				return sum, err
			}
			sum.Removed++
		}
	}
	return sum, f.remember(ctx, after)
}

// sum hashes a file; empty when there is none. What is there and is no file of
// ours (a folder, a link) has a sum that nothing has.
func (f *folder) sum(name string) (string, error) {
	info, err := f.root.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil
	case err != nil && notFolder(f.root, name):
		return "in the way", nil
	case err != nil:
		return "", err
	case !info.Mode().IsRegular():
		return "in the way", nil
	}
	in, err := f.root.Open(name)
	if err != nil {
		return "", err
	}
	defer in.Close()
	h := sha256.New()
	if _, err := io.Copy(h, in); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// notFolder reports that something on the way to a file is no folder, or a link
// that leads out.
func notFolder(root *os.Root, name string) bool {
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if info, err := root.Lstat(dir); err == nil && !info.IsDir() {
			return true
		}
	}
	return false
}

// write writes a file under another name and renames it, so that it is the old or
// the new one. What arrives must be what was announced.
func (f *folder) write(ctx context.Context, w file) error {
	in, err := w.open(ctx)
	if err != nil {
		return err
	}
	defer in.Close()
	if dir := path.Dir(w.name); dir != "." {
		if err := f.root.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	temp := path.Join(path.Dir(w.name), ".prassi-"+rand.Text())
	out, err := f.root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	h := sha256.New()
	_, err = io.Copy(io.MultiWriter(out, h), in)
	err = errors.Join(err, out.Close())
	if got := hex.EncodeToString(h.Sum(nil)); err == nil && got != w.sum {
		err = fmt.Errorf("%s is damaged in the store: %s instead of %s", w.name, got, w.sum)
	}
	if err == nil {
		err = f.root.Rename(temp, w.name)
	}
	if err != nil {
		return errors.Join(err, f.root.Remove(temp))
	}
	return nil
}

// remove removes a file and the folders that are empty then.
func (f *folder) remove(name string) error {
	if err := f.root.Remove(name); err != nil {
		return err
	}
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if entries, err := os.ReadDir(filepath.Join(f.dir, filepath.FromSlash(dir))); err != nil || len(entries) > 0 {
			break
		}
		if f.root.Remove(dir) != nil {
			break // somebody was quicker
		}
	}
	return nil
}
