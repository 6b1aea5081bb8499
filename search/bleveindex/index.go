package bleveindex

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/prassi-cms/prassi/search"
)

// Index is the embedded engine. It is a search.Index.
type Index struct {
	dir      string
	settings *search.Settings
	log      *slog.Logger
	lock     *os.File

	// swapping orders those who write; the generation guards itself.
	swapping sync.Mutex
	live     *generation // nil after Close
	name     string
	build    *build // nil: no rebuild is under way
	builders sync.WaitGroup
	current  atomic.Pointer[generation] // live, for those who read

	refresh *time.Timer
	step    func(string) // for tests: called between the steps of a swap
}

var _ search.Index = (*Index)(nil)

// Options say where an index lives.
type Options struct {
	Dir      string
	Settings *search.Settings
	Logger   *slog.Logger // nil: silence
	// Step is called between the steps of a rebuild, for tests that die there.
	Step func(name string)
}

// batchSize is how many documents a rebuild writes at once, bufferBytes about
// how many bytes of text; as many bytes of changes may wait for the new index.
const (
	batchSize   = 1000
	bufferBytes = 16 << 20
)

// build is a rebuild under way. What changes meanwhile waits in pending until the
// new index has written what it is at; what waits is bounded, and Apply waits
// when it is too much. Guarded by Index.swapping.
type build struct {
	stop    context.CancelFunc
	pending []search.Batch
	bytes   int
	room    chan struct{}   // closed when pending was taken
	touched map[string]bool // ids that changed since the rebuild began
}

// add lets a batch wait.
func (b *build) add(batch search.Batch) {
	b.pending = append(b.pending, batch)
	for _, id := range batch.Remove {
		b.touched[id] = true
	}
	for i := range batch.Put {
		b.touched[batch.Put[i].ID] = true
		b.bytes += size(&batch.Put[i])
	}
}

// take gives what waits.
func (b *build) take() []search.Batch {
	out := b.pending
	b.pending, b.bytes = nil, 0
	close(b.room)
	b.room = make(chan struct{})
	return out
}

// size is about how many bytes of text a document has.
func size(d *search.Document) int {
	n := len(d.Title) + len(d.Summary) + len(d.Body)
	for _, t := range d.Texts {
		n += len(t.Text)
	}
	return n
}

// Open opens the index of a folder, which is made when it is missing. It returns
// a search.LockedError when another process has the folder. What is in the
// folder and cannot be used is thrown away: see search.Index.Position.
func Open(o Options) (*Index, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Step == nil {
		o.Step = func(string) {}
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("bleveindex: %w", err)
	}
	lock, err := lockFolder(o.Dir)
	if err != nil {
		return nil, err
	}
	x := &Index{dir: o.Dir, settings: o.Settings, log: o.Logger, lock: lock, step: o.Step}
	if err := x.open(); err != nil {
		lock.Close()
		return nil, err
	}
	return x, nil
}

// lockFolder takes the folder for this process. The lock is the system's, so it
// falls when the process dies, however it dies.
func lockFolder(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("bleveindex: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, &search.LockedError{Dir: dir}
		}
		return nil, fmt.Errorf("bleveindex: lock %s: %w", dir, err)
	}
	return f, nil
}

const (
	currentFile = "CURRENT"
	folderBegin = "index-"
)

func (x *Index) open() error {
	data, err := os.ReadFile(filepath.Join(x.dir, currentFile))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("bleveindex: %w", err)
	}
	name := strings.TrimSpace(string(data))
	folders, err := filepath.Glob(filepath.Join(x.dir, folderBegin+"*"))
	if err != nil {
		return fmt.Errorf("bleveindex: %w", err)
	}
	highest := 0
	exists := false
	for _, folder := range folders {
		var n int
		if _, err := fmt.Sscanf(filepath.Base(folder), folderBegin+"%d", &n); err == nil {
			highest = max(highest, n)
		}
		if filepath.Base(folder) == name {
			exists = true
		} else if err := os.RemoveAll(folder); err != nil {
			return fmt.Errorf("bleveindex: %w", err)
		}
	}
	if exists {
		g, err := openGeneration(filepath.Join(x.dir, name), x.settings)
		if err == nil {
			x.live, x.name = g, name
			x.current.Store(g)
			return nil
		}
		x.log.Warn("the search index is thrown away and must be rebuilt", "reason", err.Error())
	}
	fresh := fmt.Sprintf("%s%06d", folderBegin, highest+1)
	g, err := openGeneration(filepath.Join(x.dir, fresh), x.settings)
	if err != nil {
		return err
	}
	if err := x.point(fresh); err != nil {
		g.close()
		return err
	}
	x.live, x.name = g, fresh
	x.current.Store(g)
	if exists {
		return os.RemoveAll(filepath.Join(x.dir, name))
	}
	return nil
}

// point makes a generation the live one on disk: after it, and not before, a
// process that opens the folder finds that one.
func (x *Index) point(name string) error {
	path := filepath.Join(x.dir, currentFile)
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("bleveindex: %w", err)
	}
	_, err = f.WriteString(name + "\n")
	err = errors.Join(err, f.Sync(), f.Close())
	x.step("written")
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	x.step("renamed")
	if err == nil {
		err = syncFolder(x.dir)
	}
	if err != nil {
		return fmt.Errorf("bleveindex: %w", err)
	}
	return nil
}

func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

var errClosed = &search.Unavailable{Err: errors.New("closed")}

// Apply is part of search.Index.
func (x *Index) Apply(ctx context.Context, b search.Batch) error {
	for {
		x.swapping.Lock()
		if x.live == nil {
			x.swapping.Unlock()
			return errClosed
		}
		if x.build == nil || x.build.bytes < bufferBytes {
			break
		}
		room := x.build.room
		x.swapping.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	// Held to the end, so that batches reach the new index in their order.
	defer x.swapping.Unlock()
	if err := x.live.apply(ctx, b); err != nil {
		return err
	}
	if x.build != nil {
		x.build.add(b)
	}
	x.refreshSoon()
	return nil
}

// refreshSoon lets a while pass in which Bleve merges, and looks again.
func (x *Index) refreshSoon() {
	if x.refresh == nil {
		x.refresh = time.AfterFunc(2*time.Second, func() {
			x.swapping.Lock()
			defer x.swapping.Unlock()
			if x.live != nil {
				if err := x.live.refresh(); err != nil {
					x.log.Warn("the search index was not refreshed", "reason", err.Error())
				}
			}
		})
		return
	}
	x.refresh.Reset(2 * time.Second)
}

// Position is part of search.Index.
func (x *Index) Position(context.Context) (int64, error) {
	return use(x, func(g *generation) (int64, error) { return g.position, nil })
}

// Count is part of search.Index.
func (x *Index) Count(context.Context) (int, error) {
	return use(x, func(g *generation) (int, error) { return g.columns.live, nil })
}

// Entries is part of search.Index.
func (x *Index) Entries(_ context.Context, after string, limit int) ([]search.Entry, error) {
	return use(x, func(g *generation) (out []search.Entry, _ error) {
		for i := range g.columns.rows {
			if r := &g.columns.rows[i]; r.id > after {
				out = append(out, search.Entry{ID: r.id, Version: r.version})
			}
		}
		slices.SortFunc(out, func(a, b search.Entry) int { return strings.Compare(a.ID, b.ID) })
		return slices.Clip(out[:min(len(out), max(limit, 0))]), nil
	})
}

// Search is part of search.Index.
func (x *Index) Search(ctx context.Context, q search.Query) (*search.Result, error) {
	q, err := x.settings.Check(q)
	if err != nil {
		return nil, err
	}
	return use(x, func(g *generation) (*search.Result, error) { return g.search(ctx, &q) })
}

// Suggest is part of search.Index.
func (x *Index) Suggest(ctx context.Context, q search.SuggestQuery) ([]search.Suggestion, error) {
	q, err := x.settings.CheckSuggest(q)
	if err != nil {
		return nil, err
	}
	return use(x, func(g *generation) ([]search.Suggestion, error) { return g.suggest(ctx, &q) })
}

// use runs a read on the live generation. It does not wait for writers of the
// folder, only for the moment in which one becomes visible.
func use[T any](x *Index, read func(*generation) (T, error)) (out T, err error) {
	for {
		g := x.current.Load()
		if g == nil {
			return out, errClosed
		}
		if out, open, err := within(g, read); open {
			return out, err
		} // else it was swapped away in between
	}
}

// within runs a read under the generation's lock; open is false when it has been
// closed. A panic of a decoder over damaged files is an error, not an end.
func within[T any](g *generation, read func(*generation) (T, error)) (out T, open bool, err error) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.reader == nil {
		return out, false, nil
	}
	defer func() {
		if r := recover(); r != nil {
			open, err = true, &search.Unavailable{Err: fmt.Errorf("panic: %v", r)}
		}
	}()
	out, err = read(g)
	return out, true, err
}

// Rebuild is part of search.Index.
func (x *Index) Rebuild(ctx context.Context, position int64, documents iter.Seq2[search.Document, error]) (err error) {
	x.swapping.Lock()
	if x.live == nil || x.build != nil {
		x.swapping.Unlock()
		return &search.Unavailable{Err: errors.New("closed, or being rebuilt")}
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	x.build = &build{stop: stop, room: make(chan struct{}), touched: map[string]bool{}}
	x.builders.Add(1)
	defer x.builders.Done()
	var n int
	fmt.Sscanf(x.name, folderBegin+"%d", &n)
	x.swapping.Unlock()
	name := fmt.Sprintf("%s%06d", folderBegin, n+1)
	path := filepath.Join(x.dir, name)
	defer func() {
		x.swapping.Lock()
		x.build.take() // whoever waits for room goes on
		x.build = nil
		x.swapping.Unlock()
		if err != nil {
			err = errors.Join(err, os.RemoveAll(path))
		}
	}()
	if err := os.RemoveAll(path); err != nil {
		return fmt.Errorf("bleveindex: %w", err)
	}
	if err := x.fill(ctx, path, position, documents); err != nil {
		return err
	}
	x.step("filled")
	next, err := openGeneration(path, x.settings)
	if err != nil {
		return err
	}
	old, err := x.swap(ctx, next, name)
	if err != nil {
		return errors.Join(err, next.close())
	}
	x.step("swapped")
	if err := old.close(); err != nil {
		x.log.Warn("the old search index was not closed", "reason", err.Error())
	}
	if err := os.RemoveAll(filepath.Join(x.dir, folderBegin+fmt.Sprintf("%06d", n))); err != nil {
		x.log.Warn("the old search index was not removed", "reason", err.Error()) // the next start does
	}
	return nil
}

// fill writes a generation, and what changes meanwhile, and closes it.
func (x *Index) fill(ctx context.Context, path string, position int64, documents iter.Seq2[search.Document, error]) (err error) {
	g, err := openGeneration(path, x.settings)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.close()) }()
	batch := search.Batch{Position: position}
	bytes := 0
	flush := func() error {
		if err := ctx.Err(); err != nil {
			return err
		}
		// What has changed since is newer than what the source gives.
		x.swapping.Lock()
		batch.Put = slices.DeleteFunc(batch.Put, func(d search.Document) bool { return x.build.touched[d.ID] })
		changes := x.build.take()
		x.swapping.Unlock()
		if _, err := g.write(batch); err != nil {
			return err
		}
		for _, b := range changes {
			if _, err := g.write(b); err != nil {
				return err
			}
			batch.Position = b.Position
		}
		clear(batch.Put) // their texts
		batch.Put, bytes = batch.Put[:0], 0
		return nil
	}
	for d, err := range documents {
		if err != nil {
			return err
		}
		batch.Put = append(batch.Put, d)
		if bytes += size(&d); len(batch.Put) == batchSize || bytes > bufferBytes {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := flush(); err != nil {
		return err
	}
	return g.settle(ctx)
}

// swap brings the next generation up to the live one and puts it into its place.
func (x *Index) swap(ctx context.Context, next *generation, name string) (old *generation, err error) {
	x.swapping.Lock()
	defer x.swapping.Unlock()
	if x.live == nil {
		return nil, errClosed
	}
	for _, b := range x.build.take() {
		if err := next.apply(ctx, b); err != nil {
			return nil, err
		}
	}
	if err := x.point(name); err != nil {
		return nil, err
	}
	old = x.live
	x.live, x.name = next, name
	x.current.Store(next)
	return old, nil
}

// Close ends the engine, and a rebuild that is under way.
func (x *Index) Close() error {
	x.swapping.Lock()
	live := x.live
	x.live = nil
	x.current.Store(nil)
	if x.refresh != nil {
		x.refresh.Stop()
	}
	if x.build != nil {
		x.build.stop()
	}
	x.swapping.Unlock()
	x.builders.Wait()
	if live == nil {
		return nil
	}
	return errors.Join(live.close(), x.lock.Close())
}
