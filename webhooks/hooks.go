package webhooks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/outgoing"
	"github.com/prassi-cms/prassi/schemas"
)

// Log is the part of a content.Store that tells what happened.
type Log interface {
	Events(ctx context.Context, after int64, limit int) ([]content.Event, error)
	DocumentEvents(ctx context.Context, document string, before int64, limit int) ([]content.Event, error)
	LastSeq(ctx context.Context) (int64, error)
	RevisionsByHash(ctx context.Context, hashes []string) ([]*content.Revision, error)
}

// Options are what webhooks stand on. Ledger, Log and Schemas are needed for
// everything, Catalog for CatchUp and Run.
type Options struct {
	Ledger  *audit.Ledger
	Log     Log
	Catalog *catalog.Catalog
	Schemas *schemas.Registry
	// Territories replaces those of Schemas, when municipalities were imported.
	Territories *schemas.Territories
	// Outgoing says where requests may go; its time-out and bounds are ours.
	Outgoing outgoing.Options
	// PublicURL is how the outside reaches the API ("https://prassi.example").
	PublicURL string
	// Page gives the address of an item's page for people; nil: there is none.
	Page func(catalog.Entry) string
	// Owner names this process among those on the store, and is the same when it
	// comes back after a kill: what it had claimed is its own again at once. Two
	// processes never have one name. Empty: a name that never comes back.
	Owner string
	// Concurrency is how many requests are under way at once; 64 when zero. Those
	// to slow receivers do not count: of these each has one, and four at the first
	// sign of slowness.
	Concurrency int
	// Clock gives the time; time.Now when nil. Logger nil means silence.
	Clock  func() time.Time
	Logger *slog.Logger
}

// Bounds of the work.
const (
	// laneWidth is how many requests a lane has under way while its receiver is well.
	laneWidth = 4
	// slowAfter is when a request stops counting for the others.
	slowAfter = 500 * time.Millisecond
	// maxWaiting is how many deliveries may wait in one lane; then it reads on in
	// the log only as they go.
	maxWaiting = 1000
	// windowSize is how many notices are kept in memory.
	windowSize = 4096
	// readPage is how many events of the log are read at once.
	readPage = 500
	// refreshEvery is how often subscriptions and wishes of other processes are
	// looked for.
	refreshEvery = 2 * time.Second
)

// Hooks sends what changed to who asked for it. Make one with New; Run does the
// sending. It is safe for concurrent use, beside any number of others on the same
// store.
type Hooks struct {
	ledger      *audit.Ledger
	records     audit.Records
	log         Log
	catchUp     func(context.Context) (int64, error) // the catalogue's cursor, up to date
	items       items
	schemas     *schemas.Registry
	territories *schemas.Territories
	client      *http.Client
	plain       bool
	owner       string
	clock       func() time.Time
	logger      *slog.Logger
	slots       chan struct{}
	refreshes   chan struct{}
	placing     atomic.Bool // some filter names territories or topics
	busy        atomic.Bool // there are subscriptions to be served

	window window

	mu    sync.Mutex
	lanes map[string]*runner
	began bool // subscriptions were read once

	attempts map[Outcome]*atomic.Int64 // of this process
	served   Status                    // by the last refresh

	// checkpoint is after how many deliveries a lane's cursor is written.
	checkpoint int
	// afterSend is called between a request and what is written of it; in tests.
	afterSend func(d *Delivery)
}

// New makes Hooks; nothing is read or sent before Run.
func New(opt Options) *Hooks {
	h := &Hooks{
		ledger: opt.Ledger, records: opt.Ledger.Records(), log: opt.Log, schemas: opt.Schemas, territories: opt.Territories,
		client: client(opt.Outgoing), plain: opt.Outgoing.Plain, owner: opt.Owner, clock: opt.Clock, logger: opt.Logger,
		refreshes: make(chan struct{}, 1), lanes: map[string]*runner{}, attempts: map[Outcome]*atomic.Int64{}, checkpoint: 256,
	}
	for _, o := range Outcomes {
		h.attempts[o] = &atomic.Int64{}
	}
	if h.territories == nil {
		h.territories = opt.Schemas.Territories()
	}
	if h.clock == nil {
		h.clock = time.Now
	}
	if h.logger == nil {
		h.logger = slog.New(slog.DiscardHandler)
	}
	if h.owner == "" {
		h.owner = strconv.Itoa(os.Getpid()) + "-" + newID()
	}
	if opt.Concurrency <= 0 {
		opt.Concurrency = 64
	}
	h.slots = make(chan struct{}, opt.Concurrency)
	if c := opt.Catalog; c != nil {
		h.items = published{Catalog: c, base: strings.TrimRight(opt.PublicURL, "/"), page: opt.Page}
		h.catchUp = func(ctx context.Context) (int64, error) {
			err := c.CatchUp(ctx)
			return c.Cursor(), err
		}
	}
	return h
}

var system = content.System("webhooks")

// now is the time as it is stored.
func (h *Hooks) now() time.Time { return h.clock().UTC().Truncate(time.Millisecond) }

// Name is part of jobs.Consumer.
func (h *Hooks) Name() string { return "webhooks" }

// Status is how it goes with all subscriptions.
type Status struct {
	// Attempts are those of this process since its start, by what became of the
	// delivery; Waiting: it failed and is tried again.
	Attempts map[Outcome]int64
	// Waiting is how many deliveries wait for receivers that are active, and Oldest
	// when the first of these happened; zero: none waits. Both are as of the last
	// look at the store, and say the same in every process.
	Waiting int
	Oldest  time.Time
}

// Status says how it goes.
func (h *Hooks) Status() Status {
	h.mu.Lock()
	out := h.served
	h.mu.Unlock()
	out.Attempts = map[Outcome]int64{}
	for o, n := range h.attempts {
		out.Attempts[o] = n.Load()
	}
	return out
}

// Run sends until the context ends, and waits for requests under way.
func (h *Hooks) Run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	tick := time.NewTicker(refreshEvery)
	defer tick.Stop()
	for {
		fresh, err := h.refresh(ctx)
		if err != nil && ctx.Err() == nil {
			h.logger.Error("webhooks could not be read; it is tried again", "error", err)
		}
		for _, r := range fresh {
			wg.Go(func() { r.follow(ctx) })
		}
		select {
		case <-ctx.Done():
			return
		case <-h.refreshes:
		case <-tick.C:
		}
	}
}

// refreshSoon asks for a look at the subscriptions. It never blocks.
func (h *Hooks) refreshSoon() {
	select {
	case h.refreshes <- struct{}{}:
	default:
	}
}

// refresh reads the subscriptions and the lanes, wakes those that somebody else
// changed, and gives those that nobody serves here yet.
func (h *Hooks) refresh(ctx context.Context) (fresh []*runner, err error) {
	ids, list, err := audit.List[stored](ctx, h.ledger, kindSubscription, "", 0)
	if err != nil {
		return nil, err
	}
	lanes, err := h.records.ListRecords(ctx, kindLane, "", 0)
	if err != nil {
		return nil, err
	}
	stand := map[string]lane{}
	for _, r := range lanes {
		var l lane
		if err := json.Unmarshal(r.Data, &l); err != nil {
			return nil, fmt.Errorf("webhooks: the lane %s: %w", r.ID, err)
		}
		stand[r.ID] = l
	}
	placing, busy := false, false
	var served Status
	h.mu.Lock()
	there := map[string]bool{}
	for i, id := range ids {
		there[id] = true
		s := &list[i]
		r := h.lanes[id]
		if r == nil {
			r = &runner{h: h, id: id, wake: make(chan struct{}, 1), gone: make(chan struct{})}
			h.lanes[id] = r
			fresh = append(fresh, r)
		}
		l := stand[id]
		if r.learn(s, l.Pokes) {
			r.poke()
		}
		if s.State != Active {
			continue
		}
		busy = true
		placing = placing || len(s.Filter.Territories)+len(s.Filter.Topics) > 0
		served.Waiting += l.Waiting
		served.Oldest = earlier(served.Oldest, l.Oldest)
	}
	for id, r := range h.lanes {
		if !there[id] {
			close(r.gone)
			delete(h.lanes, id)
		}
	}
	h.began, h.served = true, served
	h.mu.Unlock()
	if placing && !h.placing.Swap(true) { // what is in memory does not know places
		h.window.forget()
	}
	h.busy.Store(busy)
	for id := range stand { // of subscriptions that ended while somebody wrote
		if !there[id] {
			err = errors.Join(err, h.tidy(ctx, id))
		}
	}
	return fresh, err
}

// tidyAfter is when nobody is at work any more on a subscription that has ended.
const tidyAfter = 2 * lease

// tidy removes what is left of a subscription that has ended: what waits, then its
// lane, by which it is found.
func (h *Hooks) tidy(ctx context.Context, id string) error {
	r, err := h.records.GetRecord(ctx, kindLane, id)
	if errors.Is(err, content.ErrNotFound) {
		return nil
	}
	if err != nil || h.now().Sub(r.At) < tidyAfter { // it may be about to begin
		return err
	}
	if _, err := h.Get(ctx, id); !errors.Is(err, content.ErrNotFound) {
		return err
	}
	list, err := h.listWaiting(ctx, id)
	for _, w := range list {
		err = errors.Join(err, h.drop(ctx, kindWaiting, id+"/"+w.Key, w.version))
	}
	if err == nil {
		err = h.drop(ctx, kindLane, id, r.Version)
	}
	if errors.Is(err, content.ErrConflict) { // another process tidies too
		return nil
	}
	return err
}

// wakeAll lets every lane look.
func (h *Hooks) wakeAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range h.lanes {
		r.signal()
	}
}

// CatchUp reads the log as far as the catalogue knows it, and wakes the lanes. It
// sends nothing itself and holds up nobody.
func (h *Hooks) CatchUp(ctx context.Context) error {
	reached, err := h.catchUp(ctx)
	if err != nil {
		return err
	}
	woke := false
	for {
		to, ok := h.window.end()
		// Nobody listens, as far as we know: somebody may be about to. Or it is the
		// first time, or the store was put back.
		if !h.busy.Load() || !ok || to > reached {
			woke = h.window.restart(reached)
			break
		}
		if to == reached {
			break
		}
		list, end, err := h.read(ctx, to, reached)
		if err != nil {
			return err
		}
		h.window.add(to, end, list)
		woke = woke || len(list) > 0
	}
	if woke {
		h.wakeAll()
	}
	return nil
}

// read makes the notices of some events after a place; end is the last place that
// was looked at.
func (h *Hooks) read(ctx context.Context, after, reached int64) (list []notice, end int64, err error) {
	events, err := h.log.Events(ctx, after, readPage)
	if err != nil {
		return nil, after, err
	}
	end = after
	for i := range events {
		e := &events[i]
		if e.Seq > reached {
			return list, end, nil
		}
		if e.Effect != content.EffectNone {
			n, err := h.resolve(ctx, e)
			if err != nil {
				return nil, after, err
			}
			list = append(list, n)
		}
		end = e.Seq
	}
	if len(events) < readPage {
		end = max(end, reached)
	}
	return list, end, nil
}

// notices gives those after a place, from memory or from the log, and the last
// place that was looked at. That is where it begins when there are none.
func (h *Hooks) notices(ctx context.Context, after int64) (list []notice, end int64, err error) {
	list, end, ok := h.window.after(after)
	if ok {
		return list, end, nil
	}
	reached, known := h.window.end()
	if !known || after >= reached {
		return nil, after, nil
	}
	return h.read(ctx, after, reached)
}

// window keeps the newest notices: all that there are in (from, to].
type window struct {
	mu       sync.Mutex
	set      bool
	from, to int64
	list     []notice
}

func (w *window) end() (int64, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to, w.set
}

// restart empties it, unless it ends there already; what comes next follows that
// place.
func (w *window) restart(at int64) (moved bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.set && w.to == at {
		return false
	}
	w.set, w.from, w.to, w.list = true, at, at, nil
	return true
}

// forget empties it: what was in it is read from the log.
func (w *window) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.from, w.list = w.to, nil
}

// add appends what was found in (after, end], unless somebody emptied it.
func (w *window) add(after, end int64, list []notice) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.to != after {
		return
	}
	w.list, w.to = append(w.list, list...), end
	if over := len(w.list) - windowSize; over > 0 {
		w.from = w.list[over-1].seq
		w.list = append([]notice(nil), w.list[over:]...)
	}
}

// after gives what is in it after a place; false when it does not reach so far back.
func (w *window) after(at int64) ([]notice, int64, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.set || at < w.from || at > w.to {
		return nil, at, false
	}
	i := len(w.list)
	for i > 0 && w.list[i-1].seq > at {
		i--
	}
	return w.list[i:len(w.list):len(w.list)], w.to, true
}
