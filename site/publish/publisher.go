package publish

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/site"
	"github.com/prassi-cms/prassi/site/release"
)

// The times of Options, when they are not set.
const (
	DefaultQuiet  = 40 * time.Millisecond
	DefaultMost   = 2 * time.Second
	DefaultSettle = 10 * time.Second
)

// Times that nobody needs to set.
const (
	lazily      = time.Minute      // for what changed nothing that is listed as a change
	firstRetry  = time.Second      // after a build that failed; it doubles
	lastRetry   = 5 * time.Minute  // up to this
	firstAgain  = 30 * time.Second // after an output that failed; it doubles
	lastAgain   = 10 * time.Minute // up to this
	collectEach = 10 * time.Minute // between two collections of what no build needs
)

// Reasons of builds; a person's own is the id of the actor.
const (
	ReasonStart    = "start"
	ReasonChange   = "change"
	ReasonWithdraw = "withdrawal"
	ReasonMidnight = "midnight"
	ReasonRestore  = "restore"
)

// Catalog is what a Publisher asks of the catalogue.
type Catalog interface {
	Changes(since int64, limit int) ([]catalog.Change, int64)
	Generation() uint64
	Cursor() int64
	Variants(id string) []catalog.Entry
}

// Builder makes a build; *site.Site is one.
type Builder interface {
	Build(ctx context.Context, store *release.Store, reason string) (*release.Build, site.Report, error)
}

// Options are what a Publisher works with. Site, Store and Catalog are needed.
type Options struct {
	Site    Builder
	Store   *release.Store
	Catalog Catalog
	// Quiet is how long nothing may have changed before a build begins, Most how long
	// the first change waits at most; zero means the defaults.
	Quiet, Most time.Duration
	// Outputs carry each build further.
	Outputs []Output
	// Logger is for operators; nil means slog.Default().
	Logger *slog.Logger
}

// Publisher builds when something has changed. Make one with New, start it with Run;
// all its methods may be called at any time by anybody.
type Publisher struct {
	opt   Options
	log   *slog.Logger
	lanes []*lane
	noted chan struct{} // something is due; holds one
	jobs  chan job
	tidy  chan struct{} // there is a new build to compress; holds one

	mu     sync.Mutex
	cursor int64
	gen    uint64
	due    due
	status Status
}

// due is what has changed since the last build began.
type due struct {
	first, last time.Time // of the changes; zero when there is none
	withdrawn   bool
	lazy        time.Time // when something small is seen to; zero when there is nothing
	retry       time.Time // not before this; zero: whenever
	reason      string
}

// job is what somebody waits for.
type job struct {
	do   func(context.Context) (Built, error)
	done chan<- done
}

type done struct {
	built Built
	err   error
}

// Built is a build that is on the air now.
type Built struct {
	// Build is on the air, Before was until then; nil when there was none.
	Build, Before *release.Build
	// Report is of the newest build, when several came together.
	Report site.Report
	Reason string
	// Withdrawn says that something was taken back: nobody who shows the site waits.
	Withdrawn bool
}

// Changed says whether the bytes differ from what was there before.
func (b *Built) Changed() bool { return b.Before == nil || b.Before.ID() != b.Build.ID() }

// Status is how publishing goes.
type Status struct {
	// Builds and Failures count since the process began; Last is when the last build
	// ended, Took how long it took, Report what it did.
	Builds, Failures int
	Last             time.Time
	Took             time.Duration
	Report           site.Report
	// Pending says that something has changed that is not on the air, Building that
	// it is being built.
	Pending, Building bool
	// Held says that an earlier build was restored, and nothing is built by itself.
	Held bool
	// Err is why the last build failed; nil when it did not.
	Err error
	// Outputs are those that carry builds further.
	Outputs []OutputStatus
}

// New makes a Publisher.
func New(opt Options) (*Publisher, error) {
	if opt.Site == nil || opt.Store == nil || opt.Catalog == nil {
		return nil, errors.New("publish: Site, Store and Catalog are needed")
	}
	opt.Quiet, opt.Most = or(opt.Quiet, DefaultQuiet), or(opt.Most, DefaultMost)
	p := &Publisher{
		opt: opt, log: opt.Logger, noted: make(chan struct{}, 1), jobs: make(chan job), tidy: make(chan struct{}, 1),
	}
	if p.log == nil {
		p.log = slog.Default()
	}
	for _, o := range opt.Outputs {
		p.lanes = append(p.lanes, newLane(o, p.log))
	}
	now := opt.Store.Current()
	p.status.Held = now != nil && strings.HasPrefix(now.Meta().Reason, ReasonRestore+" ")
	p.due = due{lazy: time.Now(), reason: ReasonStart}
	p.cursor, p.gen = opt.Catalog.Cursor(), opt.Catalog.Generation()
	if now != nil {
		// What was taken back while nobody was here must not stay on the air.
		p.cursor = min(p.cursor, now.Meta().Cursor)
	}
	p.Notice()
	return p, nil
}

func or(d, otherwise time.Duration) time.Duration {
	if d <= 0 {
		return otherwise
	}
	return d
}

// Name is what logs call the Publisher among the consumers.
func (p *Publisher) Name() string { return "site" }

// CatchUp notices what has changed and never waits, so a Publisher may be a consumer
// of package jobs. It reads the catalogue: call it (or Notice) right after that has
// caught up.
func (p *Publisher) CatchUp(context.Context) error {
	p.Notice()
	return nil
}

// Notice looks at what has changed in the catalogue since the last time.
func (p *Publisher) Notice() {
	p.mu.Lock()
	defer p.mu.Unlock()
	gen := p.opt.Catalog.Generation()
	var changes int
	var withdrawn bool
	for {
		list, next := p.opt.Catalog.Changes(p.cursor, catalog.MaxChanges)
		for i := range list {
			changes++
			withdrawn = withdrawn || takenBack(p.opt.Catalog, list[i])
		}
		p.cursor = next
		if len(list) < catalog.MaxChanges {
			break
		}
	}
	now := time.Now()
	switch {
	case changes > 0:
		if p.due.first.IsZero() {
			p.due.first = now
		}
		p.due.last, p.due.retry, p.due.reason = now, time.Time{}, ReasonChange
		if p.due.withdrawn = p.due.withdrawn || withdrawn; p.due.withdrawn {
			p.due.reason = ReasonWithdraw
		}
	case gen != p.gen && p.due.lazy.IsZero():
		// A draft was saved, or something changed that nobody outside is told of.
		p.due.lazy = now.Add(lazily)
	}
	p.gen = gen
	wake(p.noted)
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// next says when the next build begins, and why.
func (p *Publisher) next(midnight time.Time) (at time.Time, reason string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	d := &p.due
	at, reason = midnight, ReasonMidnight
	sooner := func(t time.Time, why string) {
		if !t.IsZero() && t.Before(at) {
			at, reason = t, why
		}
	}
	if p.status.Held && !d.withdrawn {
		return time.Now().Add(24 * time.Hour), ""
	}
	if !d.first.IsZero() {
		when := d.last.Add(p.opt.Quiet)
		if latest := d.first.Add(p.opt.Most); latest.Before(when) {
			when = latest
		}
		if d.withdrawn {
			when = d.first
		}
		sooner(when, d.reason)
	}
	sooner(d.lazy, orText(d.reason, ReasonChange))
	if at.Before(d.retry) {
		at = d.retry
	}
	return at, reason
}

func orText(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// Midnight is the next change of the civil day in Italy after t.
func Midnight(t time.Time) time.Time {
	y, m, d := t.In(content.Rome).Date()
	return time.Date(y, m, d+1, 0, 0, 0, 0, content.Rome)
}

// Run builds until the context ends. A build that is under way then is given up,
// and what was on the air stays.
func (p *Publisher) Run(ctx context.Context) {
	var others sync.WaitGroup
	defer others.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	others.Go(func() { p.keepTidy(ctx) })
	for _, l := range p.lanes {
		others.Go(func() { l.run(ctx) })
	}
	midnight := Midnight(time.Now())
	timer := time.NewTimer(0)
	defer timer.Stop()
	fails := 0
	for {
		at, reason := p.next(midnight)
		timer.Reset(time.Until(at))
		select {
		case <-ctx.Done():
			return
		case <-p.noted:
		case j := <-p.jobs:
			built, err := j.do(ctx)
			j.done <- done{built, err}
			if err == nil {
				fails, midnight = 0, Midnight(time.Now())
			}
		case <-timer.C:
			if reason == "" {
				continue
			}
			if _, err := p.build(ctx, reason); err != nil && ctx.Err() == nil {
				fails++
				pause := min(lastRetry, firstRetry<<min(fails-1, 20))
				p.log.Error("the site could not be built; what was there before stays", "reason", reason, "error", err, "pause", pause)
				p.mu.Lock()
				p.due.retry = time.Now().Add(pause)
				p.mu.Unlock()
			} else if err == nil {
				fails, midnight = 0, Midnight(time.Now())
			}
		}
	}
}

// build makes one build out of what is due, and hands it on.
func (p *Publisher) build(ctx context.Context, reason string) (Built, error) {
	p.mu.Lock()
	was := p.due
	p.due = due{}
	p.status.Building = true
	p.mu.Unlock()
	b := Built{Before: p.opt.Store.Current(), Reason: reason, Withdrawn: was.withdrawn}
	began := time.Now()
	var err error
	b.Build, b.Report, err = p.whole(ctx, reason)
	took := time.Since(began)

	p.mu.Lock()
	defer p.mu.Unlock()
	p.status.Building, p.status.Last, p.status.Took, p.status.Err = false, time.Now(), took, err
	if err != nil {
		p.status.Failures++
		p.due = was.and(p.due)
		if p.due.first.IsZero() && p.due.lazy.IsZero() { // midnight, or somebody's wish
			p.due.lazy = began
		}
		return b, err
	}
	p.status.Builds++
	p.status.Report, p.status.Held = b.Report, false
	p.log.Info("the site is built", "reason", reason, "build", b.Build.ID(), "changed", b.Changed(),
		"pages", b.Report.Pages, "rendered", b.Report.Rendered, "kept", b.Report.Kept, "ms", took.Milliseconds())
	p.handOn(b, reason == ReasonStart)
	return b, nil
}

// whole builds, and takes a fault of the program for a build that failed: the site
// must go on as it is.
func (p *Publisher) whole(ctx context.Context, reason string) (b *release.Build, r site.Report, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v", cause)
			p.log.Error("panic", "cause", cause, "stack", string(debug.Stack()))
		}
	}()
	return p.opt.Site.Build(ctx, p.opt.Store, reason)
}

// and is what is due when something was due and was not done, and more came since.
func (d due) and(later due) due {
	if later.first.IsZero() {
		later.last = d.last
	}
	if !d.first.IsZero() {
		later.first = d.first
	}
	later.withdrawn = later.withdrawn || d.withdrawn
	if later.lazy.IsZero() {
		later.lazy = d.lazy
	}
	if later.reason == "" || d.withdrawn {
		later.reason = d.reason
	}
	return later
}

// handOn gives a build to those who carry it further. After a start they are given
// what they may have missed.
func (p *Publisher) handOn(b Built, start bool) {
	for _, l := range p.lanes {
		if b.Changed() || start && l.out.Resume {
			l.offer(b)
		}
	}
	if b.Changed() || start { // only now: a lane must know what it is told is ready
		wake(p.tidy)
	}
}

// Build makes a build now, after the one that is under way, and ends a hold. It
// waits until the build is on the air, or ctx ends; the build goes on all the same.
func (p *Publisher) Build(ctx context.Context, reason string) (Built, error) {
	return p.ask(ctx, func(ctx context.Context) (Built, error) { return p.build(ctx, reason) })
}

// Restore puts an earlier build on the air again, and holds: nothing is built by
// itself until something is taken back, or somebody calls Build.
//
// What was taken back since that build was made would be public again. Unless
// withdrawn says that this is wanted, it is refused with a *WithdrawnError. An
// unknown build is a *release.UnknownError.
func (p *Publisher) Restore(ctx context.Context, id string, withdrawn bool) (Built, error) {
	return p.ask(ctx, func(context.Context) (Built, error) {
		b := Built{Before: p.opt.Store.Current(), Reason: ReasonRestore, Withdrawn: true}
		if !withdrawn {
			if n := WithdrawnSince(p.opt.Store, p.opt.Catalog, id); n > 0 {
				return b, &WithdrawnError{Build: id, Pages: n}
			}
		}
		var err error
		if b.Build, err = p.opt.Store.Restore(id); err != nil {
			return b, err
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.status.Held, p.due = true, due{}
		p.log.Warn("an earlier build of the site is on the air again; nothing is built by itself", "build", id, "now", b.Build.ID())
		p.handOn(b, false)
		return b, nil
	})
}

// WithdrawnError says that a build shows what was taken back since.
type WithdrawnError struct {
	Build string
	Pages int // variants of documents
}

// Error names the build.
func (e *WithdrawnError) Error() string {
	return "build " + e.Build + " shows what was taken back since"
}

// WithdrawnSince counts the variants of documents that were taken back since a build
// was made and have not come again.
func WithdrawnSince(store *release.Store, c Catalog, id string) (n int) {
	for _, m := range store.Builds() {
		if m.ID != id {
			continue
		}
		for at := m.Cursor; ; {
			list, next := c.Changes(at, catalog.MaxChanges)
			for i := range list {
				if takenBack(c, list[i]) {
					n++
				}
			}
			if at = next; len(list) < catalog.MaxChanges {
				break
			}
		}
	}
	return n
}

// takenBack says whether earlier builds may show what the public must not see any
// more: what was withdrawn, and what has places that are secret now, since they may
// have become so by the change.
func takenBack(c Catalog, x catalog.Change) bool {
	if x.Effect == content.EffectWithdrawn {
		return true
	}
	return slices.ContainsFunc(c.Variants(x.ID), catalog.Entry.Sensitive)
}

// ask lets Run do something, between two builds. What has begun is done, whether
// the caller still waits or not.
func (p *Publisher) ask(ctx context.Context, do func(context.Context) (Built, error)) (Built, error) {
	answer := make(chan done, 1)
	select {
	case p.jobs <- job{do, answer}:
	case <-ctx.Done():
		return Built{}, ctx.Err()
	}
	select {
	case x := <-answer:
		return x.built, x.err
	case <-ctx.Done():
		return Built{}, ctx.Err()
	}
}

// Current is the build on the air; nil when there is none yet.
func (p *Publisher) Current() *release.Build { return p.opt.Store.Current() }

// Store keeps the builds.
func (p *Publisher) Store() *release.Store { return p.opt.Store }

// Status says how publishing goes.
func (p *Publisher) Status() Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := p.status
	out.Pending = !p.due.first.IsZero()
	out.Outputs = make([]OutputStatus, len(p.lanes))
	for i, l := range p.lanes {
		out.Outputs[i] = l.state()
	}
	return out
}

// keepTidy compresses what is new, lets the outputs go on, and from time to time
// lets go of what no build needs.
func (p *Publisher) keepTidy(ctx context.Context) {
	var collected time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.tidy:
		}
		began, build := time.Now(), p.opt.Store.Current()
		files, saved, err := p.opt.Store.Compress(ctx, 1)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			p.log.Error("the site could not be compressed", "error", err)
		case files > 0:
			p.log.Info("the site is compressed", "files", files, "saved", saved, "ms", time.Since(began).Milliseconds())
		}
		for _, l := range p.lanes {
			l.ready(build.ID())
		}
		if now := time.Now(); now.Sub(collected) >= collectEach {
			collected = now
			if _, err := p.opt.Store.Collect(ctx); err != nil && ctx.Err() == nil {
				p.log.Error("what no build of the site needs could not be removed", "error", err)
			}
		}
	}
}
