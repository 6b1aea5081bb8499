package release

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"weak"
)

// Options are how a Store is opened. The zero value will do.
type Options struct {
	Logger *slog.Logger     // nil says nothing
	Keep   int              // how many builds Collect leaves; 0 means 20
	Clock  func() time.Time // nil is time.Now

	disk *disk // tests; nil is the system's
}

// Store keeps the builds of one folder. All methods may be called at the same
// time.
type Store struct {
	dir     string
	opt     Options
	log     *slog.Logger
	disk    *disk
	lock    *os.File
	index   index
	journal journal
	current atomic.Pointer[Build]
	lost    atomic.Bool // bytes were found damaged, so builds may lack some

	commit   sync.Mutex // one build is published at a time
	collect  sync.Mutex // one Collect at a time
	compress sync.Mutex // one Compress at a time
	// gate is held for reading by whoever decides by the index that bytes need not
	// be stored, until a Writer names them, and for writing by Collect while it
	// forgets.
	gate sync.RWMutex

	mu      sync.Mutex
	roots   []root // oldest first
	given   []weak.Pointer[Build]
	writers map[*Writer]struct{}
	closed  bool
}

// Open opens a folder, which is made when it is missing, and takes it for this
// process: *LockedError when another has it. What a crash left is removed; what
// is damaged is left out, with a line in the log.
func Open(dir string, opt Options) (_ *Store, err error) {
	if opt.Keep <= 0 {
		opt.Keep = 20
	}
	if opt.Clock == nil {
		opt.Clock = time.Now
	}
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	if opt.disk == nil {
		opt.disk = systemDisk()
	}
	s := &Store{dir: dir, opt: opt, log: opt.Logger, disk: opt.disk, writers: map[*Writer]struct{}{}}
	s.journal = journal{store: s, packs: map[uint32]*pack{}, fresh: map[Hash]location{}, dirty: map[*pack]struct{}{}}
	for _, sub := range []string{"", "packs", "builds"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o750); err != nil {
			return nil, fmt.Errorf("release: %w", err)
		}
	}
	if s.lock, err = lockFolder(dir); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if err := s.openPacks(); err != nil {
		return nil, fmt.Errorf("release: %w", err)
	}
	if err := s.openRoots(); err != nil {
		return nil, fmt.Errorf("release: %w", err)
	}
	return s, nil
}

func (s *Store) packFolder() string { return filepath.Join(s.dir, "packs") }

// openPacks reads the indexes, in the order in which they were written, so that a
// blob that Collect moved is found at its newer place.
func (s *Store) openPacks() error {
	entries, err := os.ReadDir(s.packFolder())
	if err != nil {
		return err
	}
	for _, e := range entries {
		name, isPack := strings.CutSuffix(e.Name(), ".pack")
		number, err := strconv.ParseUint(name, 10, 32)
		if !isPack || err != nil {
			if idx, ok := strings.CutSuffix(e.Name(), ".idx"); ok && has(entries, idx+".pack") {
				continue
			}
			s.leftover("packs", e.Name())
			continue
		}
		p, records, err := s.openPack(uint32(number))
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errPack) {
			s.leftover("packs", name+".idx")
			s.leftover("packs", name+".pack")
			continue
		}
		if err != nil {
			return err
		}
		s.journal.packs[p.number], s.journal.active = p, p
		for _, r := range records {
			s.index.set(r.hash, r.enc, r.loc)
		}
	}
	return nil
}

func has(entries []os.DirEntry, name string) bool {
	return slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Name() == name })
}

// leftover removes what no build needs.
func (s *Store) leftover(sub, name string) {
	path := filepath.Join(s.dir, sub, name)
	if err := s.disk.remove(path); !errors.Is(err, fs.ErrNotExist) {
		s.log.Info("release: a leftover was removed", "file", path, "error", err)
	}
}

// openRoots finds the builds, and the newest that is whole.
func (s *Store) openRoots() error {
	entries, err := os.ReadDir(filepath.Join(s.dir, "builds"))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !rootName.MatchString(e.Name()) {
			s.leftover("builds", e.Name())
			continue
		}
		r, err := s.readRoot(e.Name())
		if errors.Is(err, errRoot) {
			s.log.Warn("release: a build is damaged and is left out", "build", e.Name())
			s.leftover("builds", e.Name())
			continue
		}
		if err != nil {
			return err
		}
		s.roots = append(s.roots, r) // ReadDir sorts
	}
	for i := len(s.roots) - 1; i >= 0; i-- {
		r := s.roots[i]
		t, err := s.load(r.tree, nil)
		if err == nil {
			err = s.complete(t)
		}
		if err == nil {
			s.current.Store(s.give(r.Meta, t))
			break
		}
		s.log.Warn("release: a build is damaged; the one before it is served", "build", r.ID, "error", err)
		s.leftover("builds", r.ID)
		s.roots = s.roots[:i]
	}
	return nil
}

// give makes a Build and remembers that somebody may hold it.
func (s *Store) give(meta Meta, t *tree) *Build {
	b := &Build{store: s, meta: meta, tree: t}
	s.mu.Lock()
	s.given = append(s.held(), weak.Make(b))
	s.mu.Unlock()
	return b
}

// held gives the builds that are still in use; s.mu is held.
func (s *Store) held() []weak.Pointer[Build] {
	return slices.DeleteFunc(s.given, func(p weak.Pointer[Build]) bool { return p.Value() == nil })
}

// Current is the build that is on the air, or nil when there is none.
func (s *Store) Current() *Build { return s.current.Load() }

// Builds lists the builds that can be restored, the current one last.
func (s *Store) Builds() []Meta {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Meta, len(s.roots))
	for i, r := range s.roots {
		list[i] = r.Meta
	}
	return list
}

// UnknownError says that there is no build of a name (any more).
type UnknownError struct{ ID string }

func (e *UnknownError) Error() string { return fmt.Sprintf("release: there is no build %q", e.ID) }

func (s *Store) root(id string) (root, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.roots {
		if r.ID == id {
			return r, nil
		}
	}
	return root{}, &UnknownError{ID: id}
}

// ErrClosed is what a closed store answers.
var ErrClosed = errors.New("release: the store is closed")

// Close waits for a Commit or Collect to end, closes the files and frees the
// folder. A build that is not committed is lost; none can be read afterwards.
func (s *Store) Close() error {
	s.collect.Lock()
	defer s.collect.Unlock()
	s.commit.Lock()
	defer s.commit.Unlock()
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.mu.Unlock()
	j := &s.journal
	j.mu.Lock()
	defer j.mu.Unlock()
	err := j.flushLocked()
	j.epoch++
	j.failed = ErrClosed
	for _, p := range j.packs {
		err = errors.Join(err, p.close())
	}
	return errors.Join(err, unlockFolder(s.lock))
}
