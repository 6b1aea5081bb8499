package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/prassi-cms/prassi/content"
)

var (
	// ErrBroken is returned by every write, and by Ping, after the engine has
	// reported an input or output error or a damaged file. Only a new process
	// may try again, after somebody has looked at the disk.
	ErrBroken = errors.New("sqlitestore: the store has stopped accepting writes after a disk error")
	// ErrClosed is returned after Close.
	ErrClosed = errors.New("sqlitestore: the store is closed")
)

// busyTimeout is how long a statement waits for another process's transaction.
const busyTimeout = 10 * time.Second

// Store is an open file. It implements content.Store; its methods may be called
// from several goroutines. Several Stores, in one process or in many, may have
// the same file open.
type Store struct {
	path   string
	step   func(name string)
	read   *pool
	write  *pool
	jobs   chan *job
	quit   chan struct{} // closed by Close: no more jobs
	done   chan struct{} // closed when the writer goroutine has ended
	broken atomic.Pointer[error]
	close  func() error
}

var _ content.Store = (*Store)(nil)

// Option changes how Open works.
type Option func(*Store)

// WithStep has step called before each statement that writes, from the
// goroutine that is about to run it, the write lock held or not. It is for
// tests that stop or disturb a write in the middle.
func WithStep(step func(name string)) Option { return func(s *Store) { s.step = step } }

// A process that opens and closes the file outside SQLite (to copy it, say)
// would silently lose its POSIX locks, and another process could then take the
// write-ahead log away. OFD locks do not have that trap. Where the system has
// none, SQLite goes on with the usual ones.
var locking = sync.OnceFunc(func() { _, _ = sqlite.OFDLocking(true) })

// Open opens the file at path, which is made when it does not exist (readable
// by its owner only); its folder must be there. The caller must call Close.
func Open(ctx context.Context, path string, options ...Option) (_ *Store, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("sqlitestore: %s: %w", path, err)
		}
	}()
	locking()
	path, err = filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	// Only when it does not exist: see locking. SQLite gives the files beside it
	// the same permissions.
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	switch {
	case err == nil:
		err = file.Close()
	case errors.Is(err, os.ErrExist):
		err = nil
	}
	if err != nil {
		return nil, err
	}

	s := &Store{
		path: path,
		step: func(string) {},
		jobs: make(chan *job, maxGroup),
		quit: make(chan struct{}),
		done: make(chan struct{}),
	}
	for _, option := range options {
		option(s)
	}
	writer, err := sql.Open("sqlite", dsn(path,
		"synchronous(full)", "wal_autocheckpoint(0)",
		"journal_size_limit(67108864)", "cache_size(-16000)"))
	if err != nil {
		return nil, err
	}
	writer.SetMaxOpenConns(1)
	defer func() {
		if err != nil {
			_ = writer.Close()
		}
	}()
	conn, err := writer.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = conn.Close()
		}
	}()
	if err := s.prepareFile(ctx, conn); err != nil {
		return nil, err
	}
	readers, err := sql.Open("sqlite", dsn(path, "query_only(1)", "cache_size(-4000)"))
	if err != nil {
		return nil, err
	}
	count := max(4, runtime.GOMAXPROCS(0))
	readers.SetMaxOpenConns(count)
	readers.SetMaxIdleConns(count)
	s.read = newPool(readers)
	s.write = newPool(conn)
	s.close = sync.OnceValue(func() error {
		close(s.quit)
		<-s.done
		err := errors.Join(s.read.close(), readers.Close())
		if s.broken.Load() != nil {
			// The writer's connection stays open: closing the last one would
			// checkpoint, which is the second try that must not be.
			return err
		}
		return errors.Join(err, s.write.close(), conn.Close(), writer.Close())
	})
	go s.writer()
	return s, nil
}

// dsn gives the file's URI with the settings of every connection, in order.
func dsn(path string, pragmas ...string) string {
	q := url.Values{"_pragma": append([]string{
		fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds()),
		"foreign_keys(0)", "trusted_schema(0)", "temp_store(memory)"}, pragmas...)}
	return (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: q.Encode()}).String()
}

// Path gives the absolute path of the file.
func (s *Store) Path() string { return s.path }

// Ping says whether the engine answers; ErrBroken when it no longer writes.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.refused(); err != nil {
		return err
	}
	var one int
	return s.read.row(ctx, "SELECT 1", nil, &one)
}

// Close waits for the writes under way and closes the file. Later calls of any
// method fail; a second Close does nothing.
func (s *Store) Close() error { return s.close() }

// judge gives a writer's error to its callers, and stops the store from writing
// if it is one after which nothing is sure.
func (s *Store) judge(err error) error {
	switch {
	case errors.Is(err, ErrBroken), errors.Is(err, ErrClosed):
		return err
	case !fatal(err):
		return fmt.Errorf("sqlitestore: %w", err)
	}
	err = fmt.Errorf("%w: %w", ErrBroken, err)
	s.broken.CompareAndSwap(nil, &err)
	return err
}

// refused says why the store does not write, or nil.
func (s *Store) refused() error {
	if err := s.broken.Load(); err != nil {
		return *err
	}
	select {
	case <-s.quit:
		return ErrClosed
	default:
		return nil
	}
}

// fatal says whether after this error the file and what the engine holds of it
// may differ. A full disk is not one: SQLite undoes the transaction and says so
// before anything is acknowledged.
func fatal(err error) bool {
	switch resultCode(err) & 0xff {
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB,
		sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOLFS, sqlite3.SQLITE_INTERNAL:
		return true
	}
	return false
}

// resultCode gives SQLite's extended result code, zero when there is none.
func resultCode(err error) int {
	var failure *sqlite.Error
	if errors.As(err, &failure) {
		return failure.Code()
	}
	return 0
}
