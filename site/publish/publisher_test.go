package publish

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/site"
	"github.com/prassi-cms/prassi/site/release"
)

// fakeCatalog is a log of changes.
type fakeCatalog struct {
	mu      sync.Mutex
	changes []catalog.Change
	gen     uint64
}

func (f *fakeCatalog) Changes(since int64, limit int) (out []catalog.Change, next int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.changes {
		if c.Seq > since && len(out) < limit {
			out = append(out, c)
		}
	}
	if len(out) == limit {
		return out, out[limit-1].Seq
	}
	return out, int64(len(f.changes))
}

func (f *fakeCatalog) Generation() uint64              { f.mu.Lock(); defer f.mu.Unlock(); return f.gen }
func (f *fakeCatalog) Cursor() int64                   { f.mu.Lock(); defer f.mu.Unlock(); return int64(len(f.changes)) }
func (f *fakeCatalog) Variants(string) []catalog.Entry { return nil }

// fakeSite writes the catalogue's length on its only page.
type fakeSite struct {
	mu      sync.Mutex
	catalog *fakeCatalog
	takes   time.Duration
	fails   error
	builds  []string // why, with the time since the world began
	running int
	world   *world
	same    bool // the page says nothing of the catalogue
}

func (f *fakeSite) Build(ctx context.Context, store *release.Store, reason string) (*release.Build, site.Report, error) {
	f.mu.Lock()
	f.running++
	if f.running > 1 {
		f.world.t.Error("two builds at once")
	}
	f.builds = append(f.builds, fmt.Sprintf("%s at %s", reason, time.Since(f.world.began).Round(time.Millisecond)))
	fails, takes, same, cursor := f.fails, f.takes, f.same, f.catalog.Cursor()
	f.mu.Unlock()
	defer func() { f.mu.Lock(); f.running--; f.mu.Unlock() }()
	time.Sleep(takes)
	if errors.Is(fails, errFault) {
		panic("no map")
	}
	if fails != nil {
		return nil, site.Report{}, fails
	}
	w := store.Begin(store.Current(), release.Meta{Reason: reason, Cursor: cursor})
	page := fmt.Sprintf("cursor %d", cursor)
	if same {
		page = "the same"
	}
	if err := w.Put(release.File{Path: "it/index.html", Type: "text/html"}, []byte(page)); err != nil {
		return nil, site.Report{}, err
	}
	b, err := w.Commit(ctx)
	return b, site.Report{Pages: 1, Rendered: 1}, err
}

// set changes how the next builds go.
func (f *fakeSite) set(change func(*fakeSite)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

func (f *fakeSite) said() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.builds, ", ")
}

var errFault = errors.New("a fault of the program")

// world is a Publisher in a bubble of time.
type world struct {
	t       *testing.T
	catalog *fakeCatalog
	site    *fakeSite
	store   *release.Store
	p       *Publisher
	began   time.Time
	log     *bytes.Buffer
	stop    func()
}

func newWorld(t *testing.T, outputs ...Output) *world {
	t.Helper()
	w := &world{t: t, catalog: &fakeCatalog{}, began: time.Now(), log: &bytes.Buffer{}}
	w.site = &fakeSite{catalog: w.catalog, world: w}
	var err error
	if w.store, err = release.Open(t.TempDir(), release.Options{}); err != nil {
		t.Fatal(err)
	}
	w.begin(outputs...)
	return w
}

// begin makes a Publisher over the store and lets it run.
func (w *world) begin(outputs ...Output) {
	w.t.Helper()
	var err error
	w.p, err = New(Options{Site: w.site, Store: w.store, Catalog: w.catalog, Outputs: outputs, Logger: slog.New(slog.NewTextHandler(w.log, nil))})
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { w.p.Run(ctx) })
	w.stop = func() { cancel(); running.Wait() }
	synctest.Wait()
}

func (w *world) end() {
	w.stop()
	if err := w.store.Close(); err != nil {
		w.t.Error(err)
	}
}

// change publishes or withdraws something and lets the Publisher notice.
func (w *world) change(effect content.Effect) {
	w.catalog.mu.Lock()
	w.catalog.changes = append(w.catalog.changes, catalog.Change{Seq: int64(len(w.catalog.changes) + 1), Effect: effect})
	w.catalog.gen++
	w.catalog.mu.Unlock()
	if err := w.p.CatchUp(context.Background()); err != nil {
		w.t.Error(err)
	}
}

func (w *world) pass(d time.Duration) { time.Sleep(d); synctest.Wait() }

func (w *world) page() string {
	b := w.p.Current()
	f, ok := b.File("it/index.html")
	if !ok {
		return ""
	}
	data, err := b.Read(nil, f.Hash, release.Identity)
	if err != nil {
		w.t.Error(err)
	}
	return string(data)
}

func (w *world) want(builds string) {
	w.t.Helper()
	if got := w.site.said(); got != builds {
		w.t.Errorf("builds:\n got %s\nwant %s", got, builds)
	}
}

func TestQuietPeriod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.end()
		w.pass(0)
		w.want("start at 0s")
		// A hundred publications make one build, 40 ms after the last.
		for range 100 {
			w.change(content.EffectPublished)
			w.pass(time.Millisecond)
		}
		w.pass(time.Second)
		w.want("start at 0s, change at 139ms")
		if w.page() != "cursor 100" || w.p.Status().Pending {
			t.Errorf("%s %+v", w.page(), w.p.Status())
		}
	})
}

func TestMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.end()
		w.pass(time.Second)
		for range 150 { // it never gets quiet for three seconds
			w.change(content.EffectPublished)
			w.pass(20 * time.Millisecond)
		}
		w.pass(time.Second)
		w.want("start at 0s, change at 3s, change at 4.02s")
	})
}

func TestWithdrawalDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []time.Duration
		began := time.Now()
		w := newWorld(t, Output{Name: "bucket", Do: func(_ context.Context, b Built) error {
			if b.Withdrawn {
				told = append(told, time.Since(began))
			}
			return nil
		}})
		defer w.end()
		w.pass(time.Second)
		w.change(content.EffectPublished)
		w.change(content.EffectWithdrawn)
		w.pass(0)
		w.want("start at 0s, withdrawal at 1s")
		if len(told) != 1 || told[0] != time.Second {
			t.Errorf("the bucket was told at %v", told)
		}
	})
}

// While something is built nobody waits, and what comes meanwhile is built after it.
func TestNeverBlocksAndOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.end()
		w.pass(time.Second)
		w.site.set(func(f *fakeSite) { f.takes = time.Minute })
		w.change(content.EffectPublished)
		w.pass(time.Second)
		before := time.Now()
		for range 1000 {
			w.change(content.EffectWithdrawn)
		}
		if took := time.Since(before); took > 0 {
			t.Errorf("noticing took %s", took)
		}
		if st := w.p.Status(); !st.Building || !st.Pending {
			t.Errorf("%+v", st)
		}
		w.pass(3 * time.Minute)
		w.want("start at 0s, change at 1.04s, withdrawal at 1m1.04s")
	})
}

func TestFailureKeepsTheOldBuild(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.end()
		w.change(content.EffectPublished)
		w.pass(time.Second)
		w.site.set(func(f *fakeSite) { f.fails = errors.New("templates/item.html:12: no space left on device") })
		w.change(content.EffectPublished)
		w.pass(4 * time.Second)
		w.want("start at 0s, change at 40ms, change at 1.04s, change at 2.04s, change at 4.04s")
		st := w.p.Status()
		if w.page() != "cursor 1" || st.Err == nil || st.Failures != 3 || !st.Pending {
			t.Errorf("%s %+v", w.page(), st)
		}
		if !strings.Contains(w.log.String(), "templates/item.html:12") {
			t.Errorf("the log does not say why: %s", w.log)
		}
		w.site.set(func(f *fakeSite) { f.fails = errFault })
		// The next change tries at once, and a withdrawal stays one.
		w.change(content.EffectWithdrawn)
		w.pass(0)
		w.site.set(func(f *fakeSite) { f.fails = nil })
		w.pass(time.Hour)
		if w.page() != "cursor 3" || w.p.Status().Err != nil || w.p.Status().Pending {
			t.Errorf("%s %+v", w.page(), w.p.Status())
		}
		if got := w.site.said(); !strings.Contains(got, "withdrawal at 5s") {
			t.Error(got)
		}
	})
}

func TestMidnight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // the bubble begins on 1 January 2000 at 0:00 UTC
		w := newWorld(t)
		defer w.end()
		w.pass(50 * time.Hour)
		w.want("start at 0s, midnight at 23h0m0s, midnight at 47h0m0s")
	})
	for _, x := range [][2]string{ // days of 23 and of 25 hours
		{"2026-03-29T00:30:00+01:00", "2026-03-30T00:00:00+02:00"},
		{"2026-10-25T00:30:00+02:00", "2026-10-26T00:00:00+01:00"},
		{"2026-12-31T23:59:59+01:00", "2027-01-01T00:00:00+01:00"},
	} {
		at, _ := time.Parse(time.RFC3339, x[0])
		if got := Midnight(at).Format(time.RFC3339); got != x[1] {
			t.Errorf("after %s: %s, want %s", x[0], got, x[1])
		}
	}
}

// What is no change for the public makes a build in a while: it may be shown.
func TestLazy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.end()
		w.pass(time.Second)
		for range 10 {
			w.catalog.gen++
			w.p.Notice()
			w.pass(time.Second)
		}
		w.pass(time.Hour)
		w.want("start at 0s, change at 1m1s")
	})
}

func TestRestoreHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.change(content.EffectPublished)
		w.pass(time.Second)
		first := w.p.Current().ID()
		w.change(content.EffectPublished)
		w.pass(time.Second)
		if _, err := w.p.Restore(context.Background(), "nothing", false); !errors.As(err, new(*release.UnknownError)) {
			t.Error(err)
		}
		if b, err := w.p.Restore(context.Background(), first, false); err != nil || w.page() != "cursor 1" || !b.Changed() {
			t.Fatalf("%+v %v", b, err)
		}
		n := w.site.said()
		w.change(content.EffectPublished)
		w.pass(30 * time.Hour)
		w.want(n)
		if st := w.p.Status(); !st.Held || !st.Pending {
			t.Errorf("%+v", st)
		}
		// It holds over a restart.
		w.stop()
		w.begin()
		w.pass(30 * time.Hour)
		w.want(n)
		// Somebody asks.
		if b, err := w.p.Build(context.Background(), "ada"); err != nil || w.page() != "cursor 3" || b.Reason != "ada" || w.p.Status().Held {
			t.Fatalf("%+v %v", b, err)
		}
		// What was taken back does not come again, unless it is wanted.
		w.change(content.EffectWithdrawn)
		w.pass(time.Second)
		_, err := w.p.Restore(context.Background(), first, false)
		if shows, ok := errors.AsType[*WithdrawnError](err); !ok || shows.Pages != 1 || w.page() != "cursor 4" {
			t.Fatal(err)
		}
		if _, err := w.p.Restore(context.Background(), first, true); err != nil || w.page() != "cursor 1" {
			t.Fatal(err)
		}
		// And a withdrawal ends a hold.
		w.change(content.EffectWithdrawn)
		w.pass(0)
		if w.page() != "cursor 5" || w.p.Status().Held {
			t.Errorf("%s %+v", w.page(), w.p.Status())
		}
		w.end()
	})
}

// What was withdrawn while nobody was here is off the air as soon as somebody is.
func TestWithdrawnMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.change(content.EffectPublished)
		w.pass(time.Second)
		w.stop()
		w.change(content.EffectWithdrawn)
		w.p, w.site.builds = nil, nil
		w.began = time.Now()
		w.begin()
		w.pass(0)
		w.want("withdrawal at 0s")
		w.end()
	})
}

func TestBuildGoesOnWithoutItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.end()
		w.pass(time.Second)
		w.catalog.changes = append(w.catalog.changes, catalog.Change{Seq: 1, Effect: content.EffectPublished})
		w.site.set(func(f *fakeSite) { f.takes = time.Minute })
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if _, err := w.p.Build(ctx, "ada"); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		w.pass(2 * time.Minute)
		if w.page() != "cursor 1" {
			t.Error(w.page())
		}
	})
}

// Outputs have lanes of their own: a slow or broken one holds up nobody, each gets
// the newest build with what it did last, and what failed comes again.
func TestOutputs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var log []string
		began := time.Now()
		note := func(name string, b Built) {
			mu.Lock()
			defer mu.Unlock()
			before := int64(-1)
			if b.Before != nil {
				before = b.Before.Meta().Cursor
			}
			log = append(log, fmt.Sprintf("%s %d..%d at %s", name, before, b.Build.Meta().Cursor, time.Since(began).Round(time.Second)))
		}
		tries := 0
		w := newWorld(t,
			Output{Name: "stuck", Settle: -1, Do: func(ctx context.Context, b Built) error { <-ctx.Done(); return ctx.Err() }},
			Output{Name: "ping", Settle: -1, Do: func(_ context.Context, b Built) error { note("ping", b); return nil }},
			Output{Name: "bucket", Packed: true, Resume: true, Do: func(_ context.Context, b Built) error {
				note("bucket", b)
				if tries++; tries == 2 {
					return errors.New("away")
				}
				return nil
			}})
		defer w.end()
		w.pass(time.Minute)
		for range 3 { // three builds, one copy
			w.change(content.EffectPublished)
			w.pass(3 * time.Second)
		}
		w.pass(10 * time.Minute)
		want := "ping -1..0 at 0s, bucket -1..0 at 10s, " +
			"ping 0..1 at 1m0s, ping 1..2 at 1m3s, ping 2..3 at 1m6s, bucket 0..3 at 1m10s, bucket 0..3 at 1m40s"
		mu.Lock()
		if got := strings.Join(log, ", "); got != want {
			t.Errorf("\n got %s\nwant %s", got, want)
		}
		mu.Unlock()
		for _, o := range w.p.Status().Outputs {
			if o.Name != "stuck" && (o.Pending || o.Err != nil || o.Build != w.p.Current().ID()) {
				t.Errorf("%+v", o)
			}
		}
		// Nothing changed: nobody is bothered.
		w.site.set(func(f *fakeSite) { f.same = true })
		if _, err := w.p.Build(context.Background(), "ada"); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Minute)
		n := len(log)
		if b, err := w.p.Build(context.Background(), "ada"); err != nil || b.Changed() {
			t.Fatalf("%+v %v", b, err)
		}
		w.pass(time.Hour)
		if len(log) != n {
			t.Errorf("told of nothing: %v", log[n:])
		}
	})
}

// What is told of an earlier build says nothing of the one that waits: it is not
// carried before it is compressed itself.
func TestReadyIsSaidOfABuild(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.end()
		earlier := w.p.Current()
		w.change(content.EffectPublished)
		w.pass(time.Second)
		l := newLane(Output{Name: "bucket", Packed: true}, slog.New(slog.DiscardHandler))
		l.ready(w.p.Current().ID()) // before it is known
		l.offer(Built{Build: w.p.Current()})
		l.ready(earlier.ID())
		if l.packed {
			t.Error("it is taken for compressed")
		}
		if l.ready(w.p.Current().ID()); !l.packed {
			t.Error("it is not taken for compressed")
		}
	})
}

// What was taken back is taken from an output at once, though it failed just now and
// rests, and only once for each time that something is taken back.
func TestOutputsTakeBackAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tries []string
		began := time.Now()
		w := newWorld(t, Output{Name: "bucket", Do: func(_ context.Context, b Built) error {
			tries = append(tries, fmt.Sprintf("%d at %s", b.Build.Meta().Cursor, time.Since(began).Round(time.Second)))
			return errors.New("away")
		}})
		defer w.end()
		w.pass(3 * time.Minute) // tried at 10 s, 40 s and 1m40s: it rests until 3m40s
		w.change(content.EffectWithdrawn)
		w.pass(10 * time.Second)
		w.change(content.EffectPublished)
		w.pass(time.Minute)
		if got := strings.Join(tries, ", "); got != "0 at 10s, 0 at 40s, 0 at 1m40s, 1 at 3m0s" {
			t.Error(got)
		}
	})
}

// After a start, outputs that may have missed the present build are given it.
func TestResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var bucket, ping int
		outputs := []Output{
			{Name: "bucket", Resume: true, Do: func(context.Context, Built) error { bucket++; return nil }},
			{Name: "ping", Do: func(context.Context, Built) error { ping++; return nil }},
		}
		w := newWorld(t, outputs...)
		defer func() { w.end() }()
		w.pass(time.Minute)
		w.stop()
		w.begin(outputs...)
		w.pass(time.Minute)
		if bucket != 2 || ping != 1 {
			t.Errorf("bucket %d, ping %d", bucket, ping)
		}
	})
}
