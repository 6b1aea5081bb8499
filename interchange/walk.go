package interchange

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// notation is how a file is read.
type notation uint8

const (
	pageFile  notation = iota // one variant: front matter and Markdown
	linesFile                 // JSON Lines
	jsonFile                  // a JSON object, or an array of objects
	csvFile
	hsdsFile // lines that were made of files of HSDS
)

// notations by extension, in lower case.
var notations = map[string]notation{
	".md": pageFile, ".markdown": pageFile, ".mdx": pageFile, ".txt": pageFile,
	".jsonl": linesFile, ".ndjson": linesFile, ".json": jsonFile, ".csv": csvFile,
}

// Extensions lists the file name endings that are read.
func Extensions() []string { return sortedKeys(notations) }

// source is one file of the import.
type source struct {
	// name is the file as the user would name it.
	name string
	// fsys and path open it. fsys does not let a path leave its folder.
	fsys fs.FS
	path string
	// folder is the absolute path of the folder that fsys stands for, with slashes.
	folder string
	notation
	nameInfo
	rule rule // of the mapping file
	// csv is the header of a CSV file, set when it is first read.
	csv *csvHeader
}

// walker collects the files of an import.
type walker struct {
	sources []*source
	parcels []*parcel
	skipped int
	report  func(name string, bad *fault)
	close   []io.Closer
	fetcher fetcher
	unpack  unpackLimits
}

// add takes a path as the user named it: a file, a folder with all below it, an
// archive, or an address of a file or an archive.
func (w *walker) add(ctx context.Context, name string) error {
	if IsAddress(name) {
		return w.fetch(ctx, name)
	}
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	folder, only := name, ""
	if !info.IsDir() {
		folder, only = filepath.Split(name)
		if folder == "" {
			folder = "."
		}
	}
	abs, err := filepath.Abs(folder)
	if err != nil {
		return err
	}
	if only != "" && extension(only) == archiveExtension {
		return w.openArchive(ctx, name, abs)
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	w.close = append(w.close, root)
	if only == "" {
		return w.walk(root.FS(), name, filepath.ToSlash(abs))
	}
	kind, ok := notations[extension(only)]
	if !ok {
		w.report(name, faultAt(place{}, CodeUnsupportedFile, "extension", filepath.Ext(only), "supported", supported()))
		return nil
	}
	// The user named this very file, so a link is followed wherever it leads.
	fsys, file := fs.FS(root.FS()), only
	if target, err := filepath.EvalSymlinks(name); err == nil {
		dir, base := filepath.Split(target)
		if real, err := os.OpenRoot(filepath.Clean(dir + ".")); err == nil {
			w.close = append(w.close, real)
			fsys, file = real.FS(), base
		}
	}
	w.sources = append(w.sources, &source{name: name, fsys: fsys, path: file, folder: filepath.ToSlash(abs), notation: kind})
	return nil
}

// openArchive takes an archive that lies in a folder.
func (w *walker) openArchive(ctx context.Context, name, folder string) error {
	if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() { // opening a pipe may wait for ever
		w.report(name, faultAt(place{}, CodeNotRegular))
		return nil
	}
	f, err := os.Open(name)
	if err != nil {
		w.report(name, faultAt(place{}, CodeUnreadable))
		return nil
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	base := filepath.Base(name)
	return w.addArchive(ctx, f, info.Size(), name, path.Join(filepath.ToSlash(folder), strings.TrimSuffix(base, filepath.Ext(base))))
}

// inHidden says that a file, or a folder that it is in, has a name with a dot
// first.
func inHidden(name string) bool { return slices.ContainsFunc(strings.Split(name, "/"), hidden) }

// walk lists a folder in the order of names. Hidden files and folders, editors'
// left-overs and files of other kinds are passed over. Links to folders are not
// followed; a link to a file is, so long as it stays inside.
func (w *walker) walk(fsys fs.FS, name, folder string) error {
	var names []string
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		shown := path.Join(filepath.ToSlash(name), p)
		if err != nil {
			if p == "." {
				return err
			}
			w.report(shown, faultAt(place{}, CodeUnreadable))
			if d != nil && d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		base := path.Base(p)
		switch {
		case p == ".":
			return nil
		case strings.HasPrefix(base, "."):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			return nil
		}
		names = append(names, p)
		return nil
	})
	shown := filepath.ToSlash(name)
	for _, p := range w.takeParcels(fsys, shown, path.Base(folder), names) {
		kind, ok := notations[extension(p)]
		if !ok {
			w.skipped++
			continue
		}
		w.sources = append(w.sources, &source{name: path.Join(shown, p), fsys: fsys, path: p, folder: folder, notation: kind})
	}
	return err
}

// open opens a regular file. A pipe or device is refused before it is opened,
// since opening one may wait for ever.
func (s *source) open() (fs.File, int64, *fault) {
	info, err := fs.Stat(s.fsys, s.path)
	if err != nil {
		return nil, 0, openFault(err)
	}
	if !info.Mode().IsRegular() {
		return nil, 0, faultAt(place{}, CodeNotRegular)
	}
	f, err := s.fsys.Open(s.path)
	if err != nil {
		return nil, 0, openFault(err)
	}
	return f, info.Size(), nil
}

func openFault(err error) *fault {
	// os.Root has no exported error for a path that would leave it.
	if p, ok := errors.AsType[*fs.PathError](err); ok && strings.Contains(p.Err.Error(), "escapes") {
		return faultAt(place{}, CodeOutside)
	}
	return faultAt(place{}, CodeUnreadable)
}

// readAll reads a whole file of at most limit bytes.
func (s *source) readAll(limit int64) ([]byte, *fault) {
	f, size, bad := s.open()
	if bad != nil {
		return nil, bad
	}
	defer f.Close()
	if size > limit {
		return nil, faultAt(place{}, CodeFileTooLarge, "max", limit)
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, faultAt(place{}, CodeUnreadable)
	}
	if int64(len(data)) > limit {
		return nil, faultAt(place{}, CodeFileTooLarge, "max", limit)
	}
	return data, nil
}
