package webhooks

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/jobs"
	"github.com/prassi-cms/prassi/schemas"
)

// many publishes items at once.
func (w *world) many(tag string, n int) {
	w.t.Helper()
	batch := make([]content.Incoming, n)
	for i := range batch {
		batch[i] = content.Incoming{Type: "article", Variants: []content.IncomingVariant{{Locale: "it", Slug: fmt.Sprint(tag, "-", i), Publish: true, Fields: map[string]any{
			"title": fmt.Sprint("N", i), "summary": "Riassunto.", "body": "Testo.", "territories": []any{"MI"}, "topics": []any{"housing"},
		}}}}
	}
	results, err := w.service.Import(ctx, content.System("test"), batch, false)
	w.must(err)
	for _, r := range results {
		if r.Problem != nil {
			w.t.Fatal(r.Problem)
		}
	}
}

// BenchmarkDeliveries sends to one receiver, and to ten, on this machine over TLS
// as fast as it can: deliveries a second, each written down.
func BenchmarkDeliveries(b *testing.B) {
	for _, receivers := range []int{1, 10} {
		b.Run(fmt.Sprint("receivers=", receivers), func(b *testing.B) {
			w := newWorld(b)
			var list []*receiver
			for range receivers {
				r := newReceiver(b, nil)
				w.subscribe(r.URL, Filter{})
				list = append(list, r)
			}
			const items = 200
			var elapsed time.Duration
			turns := 0
			for b.Loop() {
				b.StopTimer()
				w.many(fmt.Sprint("t", turns), items)
				w.must(w.catalog.CatchUp(ctx))
				turns++
				ctx, stop := context.WithCancel(ctx)
				began := time.Now()
				b.StartTimer()
				done := make(chan struct{})
				go func() { defer close(done); w.hooks.Run(ctx) }()
				w.must(w.hooks.CatchUp(ctx))
				for _, r := range list {
					eventually(b, "all came", func() bool { return len(r.all()) >= items })
				}
				elapsed += time.Since(began)
				b.StopTimer()
				stop()
				<-done
				w.hooks.mu.Lock()
				clear(w.hooks.lanes)
				w.hooks.mu.Unlock()
				for _, r := range list {
					r.take()
				}
				b.StartTimer()
			}
			b.ReportMetric(float64(turns*items*receivers)/elapsed.Seconds(), "deliveries/s")
		})
	}
}

// BenchmarkLatency publishes one item after the other, as an editor does, with the
// jobs that a server runs: from the answer to the editor to the arrival.
func BenchmarkLatency(b *testing.B) {
	w := newWorld(b)
	var runner *jobs.Runner
	var err error
	w.service, err = content.New(w.store, schemas.Default(), content.Options{Changed: func() { runner.Wake() }})
	w.must(err)
	r := newReceiver(b, nil)
	w.subscribe(r.URL, Filter{})
	for range 9 {
		w.subscribe(newReceiver(b, nil).URL, Filter{})
	}
	runner = jobs.New(w.store, w.service, 0, w.hooks.logger, w.hooks)
	ctx, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); runner.Run(ctx) }()
	b.Cleanup(func() { stop(); <-done })
	w.run()
	var waits []time.Duration
	for b.Loop() {
		r.take()
		w.item(fmt.Sprint("n", len(waits)), "it", "N", "MI")
		published := time.Now()
		eventually(b, "it came", func() bool { return len(r.all()) > 0 })
		waits = append(waits, r.all()[0].at.Sub(published))
	}
	slices.Sort(waits)
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	b.ReportMetric(ms(waits[len(waits)/2]), "ms-p50")
	b.ReportMetric(ms(waits[len(waits)*99/100]), "ms-p99")
}
