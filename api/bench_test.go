package api

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/prassi-cms/prassi/content"
)

// recorder is a ResponseWriter that keeps the headers and counts the bytes, as
// cheaply as can be, so that what is measured is the handler.
type recorder struct {
	header http.Header
	status int
	bytes  int
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(b []byte) (int, error) { r.bytes += len(b); return len(b), nil }

// drive sends the same request over and over.
func drive(b *testing.B, h http.Handler, target string, status int, headers ...string) {
	b.Helper()
	req := httptest.NewRequest("GET", target, nil)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	b.ReportAllocs()
	for b.Loop() {
		rec := recorder{header: make(http.Header)}
		h.ServeHTTP(&rec, req)
		if rec.status != status {
			b.Fatalf("status %d, want %d", rec.status, status)
		}
	}
}

// benchWorld has a thousand published articles of about 3 kB.
func benchWorld(b *testing.B) *world {
	w := newWorld(b)
	var batch []content.Incoming
	for i := range 1000 {
		batch = append(batch, content.Incoming{Type: "article", Variants: []content.IncomingVariant{{
			Locale: "it", Publish: true, Fields: map[string]any{
				"title": fmt.Sprintf("Articolo %d", i), "summary": "Un riassunto di due frasi. Dice di che cosa si parla.",
				"body":        "## Capo\n\n" + strings.Repeat("Una frase di un testo che parla di accoglienza e di lavoro. ", 40),
				"territories": []any{[]string{"MI", "RM", "TO", "PO"}[i%4]}, "topics": []any{[]string{"housing", "work", "health"}[i%3]},
			},
		}}})
	}
	w.incoming(batch...)
	return w
}

// bare is the ceiling: a Gin handler that writes the same bytes.
func bare(body []byte) http.Handler {
	gin.SetMode(gin.ReleaseMode)
	g := gin.New()
	g.GET("/api/v1/articles", func(c *gin.Context) {
		c.Header("Content-Type", "application/json")
		c.Status(http.StatusOK)
		_, _ = c.Writer.Write(body)
	})
	return g
}

func BenchmarkRead(b *testing.B) {
	w := benchWorld(b)
	const item, page = "/api/v1/articles/articolo-7?locale=it", "/api/v1/articles?locale=it&territory=MI&topic=housing&sort=-published_at&limit=20"
	const modern = "gzip, deflate, br, zstd"
	one := w.send("", "GET", item, "").want(b, 200)
	packed := w.send("", "GET", item, "", "Accept-Encoding", modern).want(b, 200)
	many := w.send("", "GET", page, "").want(b, 200)
	for _, c := range []struct {
		name    string
		path    string
		status  int
		ceiling []byte
		headers []string
	}{
		{"Item", item, 200, one.body, nil},
		{"ItemBrotli", item, 200, packed.body, []string{"Accept-Encoding", modern}},
		{"Item304", item, 304, one.body, []string{"If-None-Match", one.Header.Get("ETag")}},
		{"Page", page, 200, many.body, nil},
		{"PageBrotli", page, 200, many.body, []string{"Accept-Encoding", modern}},
		{"Page304", page, 304, many.body, []string{"If-None-Match", many.Header.Get("ETag")}},
	} {
		b.Run(c.name, func(b *testing.B) { drive(b, w.server, c.path, c.status, c.headers...) })
		b.Run(c.name+"OverBareGin", func(b *testing.B) { overTheWire(b, w.server, c.path, c.headers, bare(c.ceiling)) })
	}
}

// overTheWire reports the CPU time of requests on a real connection as a
// multiple of what the ceiling takes, server and client together on one side
// as on the other; the median of short turns, so that a busy machine does not
// matter much.
func overTheWire(b *testing.B, h http.Handler, path string, headers []string, ceiling http.Handler) {
	mine, theirs := dial(b, h), dial(b, ceiling)
	head := ""
	for i := 0; i < len(headers); i += 2 {
		head += headers[i] + ": " + headers[i+1] + "\r\n"
	}
	const turn = 500
	var ratios []float64
	for b.Loop() {
		x := mine.cpu(b, path, head, turn)
		y := theirs.cpu(b, "/api/v1/articles", head, turn)
		ratios = append(ratios, float64(x)/float64(y))
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[len(ratios)/2], "ratio")
}

type wire struct {
	net.Conn
	r *bufio.Reader
}

func dial(b *testing.B, h http.Handler) *wire {
	s := httptest.NewServer(h)
	b.Cleanup(s.Close)
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	return &wire{conn, bufio.NewReaderSize(conn, 64<<10)}
}

// cpu sends requests and gives the CPU time of the process meanwhile.
func (w *wire) cpu(b *testing.B, path, head string, n int) time.Duration {
	request := []byte("GET " + path + " HTTP/1.1\r\nHost: bench\r\n" + head + "\r\n")
	before := cpuTime(b)
	for range n {
		if _, err := w.Write(request); err != nil {
			b.Fatal(err)
		}
		res, err := http.ReadResponse(w.r, nil)
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		res.Body.Close()
	}
	return cpuTime(b) - before
}

func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
