package storetest

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/content"
)

// article makes the insert that the figures of the project speak of: a
// published document with a revision of 3 kB, ten terms, two slugs, two events.
func article(i int) content.Write {
	id := fmt.Sprintf("01j9%022x", i*7919%1_000_003)
	values := json.RawMessage(fmt.Sprintf(`{"organization":"org-%d","territories":["%03d"],"topics":["work","housing"]}`, i%97, i%107))
	w := write(id, func(d *content.Document) {
		d.Shared = values
		d.UpdatedAt = start.Add(-time.Duration(i*613%100_000) * time.Minute)
		d.Keys.Title = fmt.Sprintf("%x", fmt.Sprintf("titolo dell'articolo numero %d", i*31%10_007))
		d.Keys.Slugs = []string{fmt.Sprintf("article/it/titolo-dell-articolo-numero-%d", i), fmt.Sprintf("article/fr/titre-de-l-article-%d", i)}
		d.Keys.Terms = []string{
			"all", "type:article", "state:published", "live", "locale:it",
			fmt.Sprint("type:article/territory:", i%107), fmt.Sprint("territory:", i%107),
			fmt.Sprint("topic:", i%6), fmt.Sprint("author:", i%50), fmt.Sprint("organization:", i%97),
		}
	})
	r := w.Revisions[0]
	r.Localized = json.RawMessage(`{"body":"` + strings.Repeat("Una frase di quaranta lettere circa, sì. ", 68) + `","title":"Titolo"}`)
	r.Hash = r.ComputeHash()
	return w
}

// Bench measures a driver on 10,000 documents.
func Bench(b *testing.B, d Driver) {
	const count, part = 10_000, 200
	ctx := context.Background()
	s := d.fresh(b)
	size := 0
	batch := func() []content.Write {
		var batch []content.Write
		for range part {
			batch = append(batch, article(size))
			size++
		}
		return batch
	}
	b.Run("Insert", func(b *testing.B) {
		var spent time.Duration
		for b.Loop() {
			b.StopTimer()
			writes, begin := batch(), processor()
			b.StartTimer()
			mustApply(b, s, writes...)
			spent += processor() - begin
		}
		b.ReportMetric(float64(b.N*part)/b.Elapsed().Seconds(), "documents/s")
		b.ReportMetric(float64(spent.Microseconds())/float64(b.N*part), "cpu-µs/document")
	})
	for size < count {
		mustApply(b, s, batch()...)
	}
	begin := time.Now()
	moved := relay(b, s)
	if moved > 0 {
		b.Logf("relayed %d events at %.0f a second", moved, float64(moved)/time.Since(begin).Seconds())
	}

	last := make([]content.Write, count)
	for i := range last {
		last[i] = article(i)
	}
	b.Run("Update", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			w := next(last[i%count/2])
			mustApply(b, s, w)
			last[i%count/2] = w
		}
	})
	b.Run("UpdateBy16", func(b *testing.B) {
		var n atomic.Int64
		var all sync.WaitGroup
		b.ResetTimer()
		for i := range 16 {
			all.Go(func() {
				for k := 0; n.Add(1) <= int64(b.N); k++ {
					place := count/2 + i*300 + k%300
					w := next(last[place])
					mustApply(b, s, w)
					last[place] = w
				}
			})
		}
		all.Wait()
	})
	b.Run("Record", func(b *testing.B) {
		id := fmt.Sprint(time.Now().UnixNano())
		for i := int64(0); b.Loop(); i++ {
			if err := s.PutRecord(ctx, &content.Record{Kind: "cursor", ID: id, Data: []byte(`{"seq":1}`)}, i); err != nil {
				b.Fatal(err)
			}
		}
	})
	relay(b, s)
	reads := map[string]func(i int) error{
		"Get": func(i int) error { _, err := s.Get(ctx, last[i%count].Document.ID); return err },
		"BySlug": func(i int) error {
			_, err := s.BySlug(ctx, last[i%count].Document.Keys.Slugs[0])
			return err
		},
		"Revision": func(i int) error { _, err := s.Revision(ctx, last[i%count].Revisions[0].Hash); return err },
		"Revisions100": func(i int) error {
			var hashes []string
			for k := range 100 {
				hashes = append(hashes, last[(i+k)%count].Revisions[0].Hash)
			}
			_, err := s.RevisionsByHash(ctx, hashes)
			return err
		},
		"Scan100": func(i int) error { _, err := s.Scan(ctx, last[i%count].Document.ID, 100); return err },
		"Find20": func(i int) error {
			return wantPage(s.Find(ctx, content.Query{Terms: []string{"type:article", "live"}, Limit: 20,
				After: content.Position{UpdatedAt: last[i%count].Document.UpdatedAt, ID: "0"}}))
		},
		"Find20ByTitle": func(i int) error {
			return wantPage(s.Find(ctx, content.Query{Terms: []string{"type:article"}, Order: content.ByTitle, Limit: 20,
				After: content.Position{Title: last[i%count/2].Document.Keys.Title, ID: "0"}}))
		},
		"Find20OfTerritory": func(i int) error {
			return wantPage(s.Find(ctx, content.Query{Terms: []string{"type:article", "state:published", fmt.Sprint("territory:", i%107)}, Limit: 20}))
		},
		"Events100": func(i int) error { _, err := s.Events(ctx, int64(i%count), 100); return err },
	}
	for _, name := range []string{"Get", "BySlug", "Revision", "Revisions100", "Scan100", "Find20", "Find20ByTitle", "Find20OfTerritory", "Events100"} {
		read := reads[name]
		b.Run(name, func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				if err := read(i * 7919); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// processor gives the processor time this process has used: what other work on
// the machine does not change.
func processor() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func wantPage(found []*content.Document, err error) error {
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("an empty page")
	}
	return err
}
