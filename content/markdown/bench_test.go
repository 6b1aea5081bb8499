package markdown

import (
	"os"
	"testing"
)

// typical is a body of the size that most have: 3 kB with headings, lists,
// links, a table, a footnote and legal citations.
func typical(tb testing.TB) []byte {
	tb.Helper()
	src, err := os.ReadFile("testdata/golden/article.it.md")
	if err != nil {
		tb.Fatal(err)
	}
	if len(src) < 2900 || len(src) > 3300 {
		tb.Fatalf("the typical body has %d bytes", len(src))
	}
	return src
}

func BenchmarkRender3kB(b *testing.B) {
	src := typical(b)
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Render(src, Options{Locale: "it"}); err != nil {
			b.Fatal(err)
		}
	}
}

// The parts of the above, to see which is worth work.

func BenchmarkParse3kB(b *testing.B) {
	src := typical(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := parse(src); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSanitize3kB(b *testing.B) {
	res, err := Render(typical(b), Options{Locale: "it"})
	if err != nil {
		b.Fatal(err)
	}
	html := []byte(res.HTML)
	b.ReportAllocs()
	for b.Loop() {
		sanitize(html)
	}
}
