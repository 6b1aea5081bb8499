package interchange

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"time"
)

// spool keeps what came from elsewhere (an address, an archive) in one
// temporary file: an import reads its items twice and may not meet another
// content the second time. It is a file system of the names it was given, which
// never become names on the disk.
type spool struct {
	file *os.File
	end  int64
	at   map[string]*io.SectionReader
}

func newSpool() (*spool, error) {
	f, err := os.CreateTemp("", "prassi-import-*")
	if err != nil {
		return nil, err
	}
	// Where the system lets an open file go from its folder, nothing stays behind
	// even of a program that is killed; elsewhere Close removes it.
	_ = os.Remove(f.Name())
	return &spool{file: f, at: map[string]*io.SectionReader{}}, nil
}

// take copies all of r under a name.
func (s *spool) take(name string, r io.Reader) error {
	n, err := io.Copy(io.NewOffsetWriter(s.file, s.end), r)
	if err != nil {
		return err // what was written is written over
	}
	s.at[name] = io.NewSectionReader(s.file, s.end, n)
	s.end += n
	return nil
}

// Open opens what was taken under a name.
func (s *spool) Open(name string) (fs.File, error) {
	section, ok := s.at[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return spooled{io.NewSectionReader(section, 0, section.Size()), name}, nil
}

// Close lets go of everything.
func (s *spool) Close() error {
	err := s.file.Close()
	if gone := os.Remove(s.file.Name()); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	return err
}

// spooled is an open file of a spool, and what is known of it.
type spooled struct {
	*io.SectionReader
	name string
}

func (f spooled) Stat() (fs.FileInfo, error) { return f, nil }
func (f spooled) Close() error               { return nil }
func (f spooled) Name() string               { return f.name }
func (f spooled) Mode() fs.FileMode          { return 0o400 }
func (f spooled) ModTime() time.Time         { return time.Time{} }
func (f spooled) IsDir() bool                { return false }
func (f spooled) Sys() any                   { return nil }
