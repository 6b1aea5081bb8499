package media

import (
	"bytes"
	"context"
	"runtime"
	"runtime/metrics"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkAdd measures an upload from the stream to the stored files, and the
// most memory that the heap held beyond what it held before.
func BenchmarkAdd(b *testing.B) {
	for _, c := range []struct {
		name string
		data []byte
	}{
		{"jpeg_12_megapixels", jpegOf(photo(4000, 3000), exifGPS(6))},
		{"png_2_megapixels", pngOf(drawing(1600, 1200))},
		{"png_photo_2_megapixels", pngOf(photo(1600, 1200))},
		{"pdf", pdf(objectStream("<</A 1>>"))},
	} {
		b.Run(c.name, func(b *testing.B) {
			f := newFixture(b, Limits{})
			heap := func() uint64 {
				s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
				metrics.Read(s)
				return s[0].Value.Uint64()
			}
			runtime.GC()
			before := heap()
			var peak atomic.Uint64
			done := make(chan struct{})
			go func() {
				for {
					select {
					case <-done:
						return
					case <-time.After(2 * time.Millisecond):
						peak.Store(max(peak.Load(), heap()))
					}
				}
			}()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := f.Add(context.Background(), amina, NewItem{}, bytes.NewReader(c.data)); err != nil {
					b.Fatal(err)
				}
			}
			close(done)
			if p := peak.Load(); p > before {
				b.ReportMetric(float64(p-before)/(1<<20), "peak-MiB")
			}
		})
	}
}
