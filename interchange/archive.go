package interchange

import (
	"archive/zip"
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Limits on a ZIP archive. Sizes are of bytes that were really unpacked, never
// of what the archive says of itself.
const (
	// MaxArchiveEntries bounds its entries, folders and other files included.
	MaxArchiveEntries = 10_000
	// MaxArchiveEntry bounds one unpacked file, in bytes.
	MaxArchiveEntry = 64 << 20
	// MaxArchive bounds all unpacked files together, in bytes.
	MaxArchive = 256 << 20
	// MaxArchiveRatio is how many times its packed size a file of more than
	// 1 MiB may have. Text packs to a tenth; what packs to a thousandth was made
	// to be unpacked.
	MaxArchiveRatio = 200

	ratioFrom    = 1 << 20
	maxDirectory = 8 << 20 // bytes of the directory at the archive's end
	maxEntryName = 1024    // bytes
)

// archiveExtension marks what is opened instead of read.
const archiveExtension = ".zip"

// unpackLimits are the limits of one archive; tests have smaller ones.
type unpackLimits struct {
	entry, all int64
	ratio      int64
}

var defaultUnpack = unpackLimits{MaxArchiveEntry, MaxArchive, MaxArchiveRatio}

// entryFault is what makes a whole archive be refused. entry is empty when it is
// about no entry.
type entryFault struct {
	entry string
	*fault
}

func (f *entryFault) Error() string { return f.entry + ": " + f.code }

// addArchive takes a ZIP archive as if it were a folder of the same name without
// the extension. It is checked and unpacked whole, into a spool, before anything
// of it is read; one bad entry refuses it.
func (w *walker) addArchive(ctx context.Context, r io.ReaderAt, size int64, shown, folder string) error {
	s, err := newSpool()
	if err != nil {
		return err
	}
	w.close = append(w.close, s)
	files, skipped, err := w.unpack.open(ctx, s, r, size)
	if bad, ok := errors.AsType[*entryFault](err); ok {
		name := shown
		if bad.entry != "" {
			name += "/" + bad.entry
		}
		w.report(name, bad.fault)
		return nil
	}
	if err != nil {
		return err
	}
	w.skipped += skipped
	for _, name := range w.takeParcels(s, shown, "", files) {
		w.sources = append(w.sources, &source{name: shown + "/" + name, fsys: s, path: name, folder: folder, notation: notations[extension(name)]})
	}
	return nil
}

// extension of a name, in lower case with its dot.
func extension(name string) string { return strings.ToLower(path.Ext(name)) }

// open checks an archive, takes the files that an import reads into a spool and
// lists them in the order of names. Others, archives inside among them, are
// counted and never unpacked. The error is an *entryFault, or of the spool.
func (l unpackLimits) open(ctx context.Context, into *spool, r io.ReaderAt, size int64) (files []string, skipped int, err error) {
	directory := &rationed{r: r, left: maxDirectory}
	z, err := zip.NewReader(directory, size)
	switch {
	case directory.left < 0:
		return nil, 0, refuseEntry("", CodeArchiveTooMany, "max", MaxArchiveEntries)
	case err != nil && !errors.Is(err, zip.ErrInsecurePath): // names are looked at below
		return nil, 0, refuseEntry("", CodeArchiveDamaged)
	case len(z.File) > MaxArchiveEntries:
		return nil, 0, refuseEntry("", CodeArchiveTooMany, "max", MaxArchiveEntries)
	}
	directory.free = true // from here on entries are read, each within its own limit
	if err := checkEntries(z.File, size); err != nil {
		return nil, 0, err
	}
	names := make([]string, 0, len(z.File))
	for _, f := range z.File {
		if !f.Mode().IsDir() && !inHidden(f.Name) {
			names = append(names, f.Name)
		}
	}
	parcels := parcelFolders(names)
	chosen := make([]*zip.File, 0, len(z.File))
	for _, f := range z.File {
		switch _, read := notations[extension(f.Name)]; {
		case f.Mode().IsDir():
		case inHidden(f.Name):
		case !read && parcelOf(parcels, f.Name) == "":
			skipped++
		default:
			chosen = append(chosen, f)
		}
	}
	slices.SortFunc(chosen, func(a, b *zip.File) int {
		// As a walk through folders would: a folder's files beside its folders.
		return slices.Compare(strings.Split(a.Name, "/"), strings.Split(b.Name, "/"))
	})
	for _, f := range chosen {
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
		if err := l.unpack(into, f); err != nil {
			return nil, 0, err
		}
		files = append(files, f.Name)
	}
	return files, skipped, nil
}

// unpack takes one entry into the spool, counting what comes out.
func (l unpackLimits) unpack(into *spool, f *zip.File) error {
	if f.Method != zip.Store && f.Method != zip.Deflate {
		return refuseEntry(f.Name, CodeArchiveMethod)
	}
	r, err := f.Open()
	if err != nil {
		return refuseEntry(f.Name, CodeArchiveDamaged)
	}
	defer r.Close()
	m := &meter{r: r, check: func(n int64) *fault {
		switch {
		case n > l.entry:
			return faultAt(place{}, CodeArchiveEntryTooLarge, "max", l.entry)
		case into.end+n > l.all:
			return faultAt(place{}, CodeArchiveTooLarge, "max", l.all)
		case n > ratioFrom && n/l.ratio > int64(f.CompressedSize64):
			return faultAt(place{}, CodeArchiveRatio, "max", l.ratio)
		}
		return nil
	}}
	err = into.take(f.Name, m)
	switch {
	case m.bad != nil:
		return &entryFault{f.Name, m.bad}
	case m.err != nil: // a wrong checksum, a wrong size, broken packing
		return refuseEntry(f.Name, CodeArchiveDamaged)
	}
	return err
}

// meter counts what is read and stops where check says so.
type meter struct {
	r     io.Reader
	n     int64
	check func(n int64) *fault
	bad   *fault
	err   error // of the reader, but for its end
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	m.n += int64(n)
	if m.bad = m.check(m.n); m.bad != nil {
		return n, m.bad
	}
	if err != nil && err != io.EOF {
		m.err = err
	}
	return n, err
}

// rationed lets only so much be read while the directory is, so that its size
// cannot fill the memory before its entries are counted.
type rationed struct {
	r    io.ReaderAt
	left int64
	free bool
}

func (r *rationed) ReadAt(p []byte, off int64) (int, error) {
	if !r.free {
		if r.left -= int64(len(p)); r.left < 0 {
			return 0, io.ErrUnexpectedEOF
		}
	}
	return r.r.ReadAt(p, off)
}

func refuseEntry(name, code string, params ...any) error {
	return &entryFault{name, faultAt(place{}, code, params...)}
}

// checkEntries checks what the archive says of all its entries, also of those
// that are not read: whoever packed a climbing path meant no good by the rest.
func checkEntries(entries []*zip.File, size int64) error {
	type seat struct {
		entry  string
		folder bool
	}
	taken := map[string]seat{}
	fold := cases.Fold()
	claim := func(name, of string, folder bool) error {
		key := norm.NFC.String(fold.String(norm.NFC.String(name)))
		was, ok := taken[key]
		if ok && !(was.folder && folder) {
			return refuseEntry(of, CodeArchiveTwice, "other", was.entry)
		}
		if !ok {
			taken[key] = seat{of, folder}
		}
		return nil
	}
	type extent struct {
		name     string
		from, to int64
	}
	extents := make([]extent, 0, len(entries))
	for _, f := range entries {
		if code := entryProblem(f); code != "" {
			return refuseEntry(f.Name, code)
		}
		name, folder := strings.CutSuffix(f.Name, "/")
		if err := claim(name, f.Name, folder); err != nil {
			return err
		}
		for up := path.Dir(name); up != "."; up = path.Dir(up) {
			if err := claim(up, f.Name, true); err != nil {
				return err
			}
		}
		from, err := f.DataOffset()
		if err != nil || f.CompressedSize64 > uint64(size) || from+int64(f.CompressedSize64) > size {
			return refuseEntry(f.Name, CodeArchiveDamaged)
		}
		extents = append(extents, extent{f.Name, from, from + int64(f.CompressedSize64)})
	}
	// Entries that share packed bytes unpack more than any ratio shows.
	slices.SortStableFunc(extents, func(a, b extent) int { return cmp.Compare(a.from, b.from) })
	for i, x := range extents {
		if i > 0 && x.from < extents[i-1].to {
			return refuseEntry(x.name, CodeArchiveOverlap, "other", extents[i-1].name)
		}
	}
	return nil
}

// entryProblem gives the code of what is wrong with an entry itself, or "".
func entryProblem(f *zip.File) string {
	const encrypted = 1 << 0 // general purpose bit flag (APPNOTE.TXT 4.4.4)
	switch name := strings.TrimSuffix(f.Name, "/"); {
	case !utf8.ValidString(f.Name):
		return CodeArchiveEncoding
	case strings.HasPrefix(f.Name, "/"), len(name) > 1 && name[1] == ':' && name[0] < utf8.RuneSelf && unicode.IsLetter(rune(name[0])):
		return CodeArchiveAbsolute
	case strings.Contains(name, `\`):
		return CodeArchiveBackslash
	case slices.Contains(strings.Split(name, "/"), ".."):
		return CodeArchiveClimbs
	case !fs.ValidPath(name), name == ".", len(name) > maxEntryName, strings.ContainsFunc(name, unicode.IsControl):
		return CodeArchiveName
	case !f.Mode().IsRegular() && !f.Mode().IsDir(), f.Mode().IsDir() != strings.HasSuffix(f.Name, "/"):
		return CodeArchiveLink
	case f.Flags&encrypted != 0:
		return CodeArchiveEncrypted
	}
	return ""
}
