package site

import (
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// processors is the time that this process used of all processors.
func processors() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// body is some 3 kB of Markdown, as an article has.
func body(n int) string {
	var b strings.Builder
	for i := range 6 {
		fmt.Fprintf(&b, "## Parte %d di %d\n\n", i+1, n)
		b.WriteString("Le famiglie **straniere e italiane** si incontrano ogni settimana in [biblioteca](https://biblioteca.example/orari) e parlano di scuola, di lavoro e di salute. ")
		b.WriteString("Chi arriva da poco trova qualcuno che spiega come funziona il Comune, dove si fa la fila e quali moduli servono.\n\n")
		b.WriteString("- Portare un documento\n- Arrivare prima delle nove\n- Chiedere dell'interprete\n\nIl D.Lgs. 25 luglio 1998, n. 286 dice il resto.\n\n")
	}
	return b.String()
}

var benchTopics = []string{"work", "italian-language", "women", "participation-volunteering", "intercultural-mediation"}

// big is a store of n articles and news items in Italian.
func big(tb testing.TB, n int) *world {
	w := newWorld(tb, nil)
	w.bulk = true
	w.publish("organization", id(1), "it", "orti", values{"title": "Orti insieme", "territories": []any{"PO"}})
	for i := 2; i <= n; i++ {
		w.publish([]string{"article", "news"}[i%2], id(i), "it", fmt.Sprintf("voce-%d", i), article(i))
	}
	w.flush()
	return w
}

func article(i int) values {
	return values{
		"title": fmt.Sprintf("Voce numero %d della redazione", i), "summary": "Un riassunto di una riga o due, che sta negli elenchi.", "body": body(i),
		"territories": []any{[]string{"PO", "MI", "TO", "RM", "NA"}[i%5]}, "topics": []any{benchTopics[i%5]},
		"organization": id(1),
	}
}

// BenchmarkBuild makes the whole site of 10,000 items in one language.
func BenchmarkBuild(b *testing.B) {
	w := big(b, 10_000)
	c := w.catalogue()
	s := w.site(c, func(o *Options) { o.Config.Languages = []string{"it"} })
	var peak atomic.Uint64
	done := make(chan struct{})
	go func() {
		var m runtime.MemStats
		for {
			select {
			case <-done:
				return
			case <-time.After(20 * time.Millisecond):
				runtime.ReadMemStats(&m)
				for old := peak.Load(); m.HeapAlloc > old && !peak.CompareAndSwap(old, m.HeapAlloc); old = peak.Load() {
				}
			}
		}
	}()
	defer close(done)
	pages := 0
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		store := newStore(b)
		s.known, s.before, s.built = nil, nil, nil
		b.StartTimer()
		_, r := build(b, s, store)
		pages = r.Rendered
		b.Logf("%d files, made %s (%d MB), committed %s", r.Pages, r.Making, r.Bytes>>20, r.Committing)
	}
	b.ReportMetric(float64(pages)*float64(b.N)/b.Elapsed().Seconds(), "pages/s")
	b.ReportMetric(float64(peak.Load())/(1<<20), "MB-peak")
}

// BenchmarkOneChange edits one item of 10,000 and puts it on the air.
func BenchmarkOneChange(b *testing.B) {
	w := big(b, 10_000)
	c := w.catalogue()
	n := 0
	for _, languages := range [][]string{{"it"}, DefaultLanguages} {
		b.Run(fmt.Sprint(len(languages)), func(b *testing.B) {
			s := w.site(c, func(o *Options) { o.Config.Languages = languages })
			store := newStore(b)
			build(b, s, store)
			w.bulk = false
			var used time.Duration
			for b.Loop() {
				b.StopTimer()
				n++
				fields := article(5000)
				fields["body"] = fmt.Sprintf("Cambiato %d volte.", n)
				w.publish("article", id(5000), "it", "voce-5000", fields)
				w.catalogue()
				b.StartTimer()
				began := processors()
				_, r := build(b, s, store)
				used += processors() - began
				if n <= 3 {
					b.Logf("%d files, %d rendered, made %s, committed %s", r.Pages, r.Rendered, r.Making, r.Committing)
				}
			}
			b.ReportMetric(used.Seconds()*1000/float64(b.N), "cpu-ms/op")
		})
	}
}

// BenchmarkArticle renders one article, from the catalogue's bytes to the page.
func BenchmarkArticle(b *testing.B) {
	w := big(b, 200)
	s := w.site(w.catalogue(), func(o *Options) { o.Config.Languages = []string{"it"} })
	p, err := s.newPlan(ctx, "2026-11-25")
	if err != nil {
		b.Fatal(err)
	}
	var jobs []*job
	p.emit = func(j *job) {
		if j.page != nil && strings.HasPrefix(j.Path, "it/articles/voce") {
			jobs = append(jobs, j)
		}
	}
	p.edition(p.editions[0])
	b.ReportAllocs()
	i := 0
	var size int
	for b.Loop() {
		out := newBuffer()
		j := *jobs[i%len(jobs)]
		content, err := p.make(&j, out)
		if err != nil {
			b.Fatal(err)
		}
		size = len(content)
		giveBack(out)
		i++
	}
	b.ReportMetric(float64(size), "B/page")
}

// BenchmarkPlan plans a site in which nothing changed.
func BenchmarkPlan(b *testing.B) {
	w := big(b, 2000)
	s := w.site(w.catalogue(), func(o *Options) { o.Config.Languages = []string{"it"} })
	store := newStore(b)
	build(b, s, store)
	for b.Loop() {
		build(b, s, store)
	}
}
