package interchange

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
)

// lines makes JSON Lines of n articles with a body of about size bytes.
func benchLines(n, size int) []byte {
	var b bytes.Buffer
	body := strings.Repeat("Una comunità che accoglie è più forte e più giusta. ", size/54+1)
	for i := range n {
		line, _ := json.Marshal(map[string]any{
			"type": "article", "locale": "it", "slug": fmt.Sprintf("articolo-%d", i), "title": fmt.Sprintf("Articolo %d", i),
			"summary": "Un esempio.", "body": body, "territories": []string{"MI"}, "topics": []string{"housing"},
			"published_at": "2024-05-01T10:00:00Z",
		})
		b.Write(line)
		b.WriteByte('\n')
	}
	return b.Bytes()
}

func BenchmarkRead(b *testing.B) {
	const items = 10_000
	pages := fstest.MapFS{}
	for i := range items {
		pages[fmt.Sprintf("articolo-%d.it.md", i)] = &fstest.MapFile{Data: []byte(fmt.Sprintf(
			"---\ntype: article\nlocale: it\ntitle: Articolo %d\nsummary: Un esempio.\nterritories: [MI]\ntopics:\n  - housing\npublished_at: 2024-05-01T10:00:00Z\n---\n\n%s\n",
			i, strings.Repeat("Una comunità che accoglie è più forte e più giusta. ", 56)))}
	}
	for name, fsys := range map[string]fstest.MapFS{
		"jsonl":    {"items.jsonl": &fstest.MapFile{Data: benchLines(items, 3000)}},
		"markdown": pages,
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p, err := OpenFS(context.Background(), fsys, "bench", Options{})
				if err != nil || p.Variants != items {
					b.Fatal(err, p.Variants, p.Findings)
				}
				n := 0
				for batch, err := range p.Batches(context.Background()) {
					if err != nil {
						b.Fatal(err)
					}
					n += len(batch.Incoming)
				}
				if n != items {
					b.Fatal(n)
				}
			}
			b.ReportMetric(float64(items)*float64(b.N)/b.Elapsed().Seconds(), "items/s")
		})
	}
}
