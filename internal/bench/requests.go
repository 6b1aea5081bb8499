package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/prassi-cms/prassi/internal/endure"
)

// serveBare is the ceiling: a Gin handler that does nothing but write the bytes.
func serveBare(file string) error {
	body, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	gin.SetMode(gin.ReleaseMode)
	g := gin.New()
	g.GET("/", func(c *gin.Context) {
		c.Header("Content-Type", "application/json; charset=utf-8")
		c.Status(http.StatusOK)
		c.Writer.Write(body) // a client that left is no concern of the ceiling's
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("http://%s\n", l.Addr())
	return (&http.Server{Handler: g, ReadHeaderTimeout: time.Minute}).Serve(l)
}

// manyRequests is more than one address ever asks here: what the limiter costs is
// measured, and not that it limits.
const manyRequests = "read=100000000/2000"

// withoutSite leaves out the public site, which a server builds and compresses when it
// starts: part "site" measures that, and what else is measured would be mixed with it.
const withoutSite = "--no-site"

// startBare starts the ceiling in a process of its own.
func (b *bench) startBare(body []byte) (*endure.Server, error) {
	file := filepath.Join(b.dir, "bare.json")
	if err := os.WriteFile(file, body, 0o600); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(b.ctx, self, "-bare", file)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	return &endure.Server{Base: strings.TrimSpace(line), Cmd: cmd}, err
}

// target is one request, sent many times.
type target struct {
	server *endure.Server
	paths  []string // taken in turn
	header http.Header
	status int
}

// A round takes turns between the servers every few hundred requests, so that
// whatever else the machine does falls on all; each turn is held against the one
// beside it.
const (
	turns   = 12
	perTurn = 500
)

// caller sends a target's requests over one connection.
type caller struct {
	*target
	conn     net.Conn
	answers  *bufio.Reader
	requests [][]byte
	sent     int
}

// call connects and warms.
func (t *target) call() (*caller, error) {
	c, err := t.dial()
	if err != nil {
		return nil, err
	}
	return c, c.send(perTurn)
}

func (t *target) dial() (*caller, error) {
	conn, err := net.Dial("tcp", strings.TrimPrefix(t.server.Base, "http://"))
	if err != nil {
		return nil, err
	}
	c := &caller{target: t, conn: conn, answers: bufio.NewReaderSize(conn, 64<<10)}
	for _, p := range t.paths {
		var buf bytes.Buffer
		fmt.Fprintf(&buf, "GET %s HTTP/1.1\r\nHost: bench\r\n", p)
		for k := range t.header {
			fmt.Fprintf(&buf, "%s: %s\r\n", k, t.header.Get(k))
		}
		buf.WriteString("\r\n")
		c.requests = append(c.requests, buf.Bytes())
	}
	return c, nil
}

// turn sends perTurn requests and gives what one of them cost the server.
func (c *caller) turn() (time.Duration, error) {
	before, err := cpuTime(c.server.Cmd.Process.Pid)
	if err != nil {
		return 0, err
	}
	if err := c.send(perTurn); err != nil {
		return 0, err
	}
	after, err := cpuTime(c.server.Cmd.Process.Pid)
	return (after - before) / perTurn, err
}

// inTurns sends the requests of several targets, perTurn of each after the other,
// and gives what one request cost in each turn, by target.
func (b *bench) inTurns(targets ...*target) ([][]time.Duration, error) {
	callers := make([]*caller, len(targets))
	for i, t := range targets {
		c, err := t.call()
		if err != nil {
			return nil, err
		}
		defer c.conn.Close()
		callers[i] = c
	}
	costs := make([][]time.Duration, len(targets))
	for range b.rounds * turns {
		for i, c := range callers {
			cost, err := c.turn()
			if err != nil {
				return nil, err
			}
			costs[i] = append(costs[i], cost)
		}
	}
	return costs, nil
}

// middle gives the value at a part (0 to 1) of a list in order.
func middle[T cmp.Ordered](list []T, part float64) T {
	list = slices.Sorted(slices.Values(list))
	return list[int(part*float64(len(list)-1))]
}

func (c *caller) send(n int) error {
	for range n {
		i := c.sent % len(c.requests)
		c.sent++
		if _, err := c.conn.Write(c.requests[i]); err != nil {
			return err
		}
		res, err := http.ReadResponse(c.answers, nil)
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			return err
		}
		res.Body.Close()
		if res.StatusCode != c.status {
			return fmt.Errorf("%s: %s, want %d", c.paths[i], res.Status, c.status)
		}
	}
	return nil
}

// cpuTime reads user and system time of a process, to the nanosecond.
func cpuTime(pid int) (time.Duration, error) {
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil {
		return 0, err
	}
	var total int64
	for _, file := range tasks {
		data, err := os.ReadFile(file)
		if err != nil {
			continue // the thread has ended
		}
		n, err := strconv.ParseInt(strings.Fields(string(data))[0], 10, 64)
		if err != nil {
			return 0, err
		}
		total += n
	}
	return time.Duration(total), nil
}

// compare takes both in turn and adds a row with the median of the turns' ratios,
// and between which two half of them are.
func (b *bench) compare(what string, mine, ceiling *target, limit float64) error {
	costs, err := b.inTurns(mine, ceiling)
	if err != nil {
		return err
	}
	ratios := make([]float64, len(costs[0]))
	for i := range ratios {
		ratios[i] = float64(costs[0][i]) / float64(max(1, costs[1][i]))
	}
	ratio := middle(ratios, 0.5)
	b.add(ratio <= limit, what, fmt.Sprintf("%.1f µs CPU", micro(middle(costs[0], 0.5))), fmt.Sprintf("%.1f µs CPU, bare Gin", micro(middle(costs[1], 0.5))),
		fmt.Sprintf("%.2f (%.2f–%.2f)", ratio, middle(ratios, 0.25), middle(ratios, 0.75)), fmt.Sprintf("≤ %.1f", limit))
	return nil
}

func micro(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }

func fetch(url string, header http.Header) (*http.Response, []byte, error) {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return nil, nil, err
	}
	req.Header = header.Clone()
	if req.Header == nil {
		req.Header = http.Header{}
	}
	// Said aloud, so that the transport does not ask for gzip and undo it.
	if req.Header.Get("Accept-Encoding") == "" {
		req.Header.Set("Accept-Encoding", "identity")
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %.200s", url, res.Status, body)
	}
	return res, body, err
}

// ceilingOf asks once, and starts the ceiling that gives the same bytes. Whoever
// calls kills its server.
func (b *bench) ceilingOf(server *endure.Server, path string, header http.Header) (*target, []byte, error) {
	_, body, err := fetch(server.Base+path, header)
	if err != nil {
		return nil, nil, err
	}
	bare, err := b.startBare(body)
	return &target{bare, []string{"/"}, http.Header{"Accept-Encoding": header["Accept-Encoding"]}, http.StatusOK}, body, err
}

// requests compares the hot reads with their ceilings.
func (b *bench) requests() error {
	server, err := endure.Serve(b.ctx, b.binary, "--data", b.data(), "--rates", manyRequests, withoutSite)
	if err != nil {
		return err
	}
	defer server.Kill()
	if err := awaitSearch(server.Base); err != nil { // the first start makes the index beside
		return err
	}
	// A hundred different items, so that no cache of one answer helps.
	_, list, err := fetch(server.Base+"/api/v1/articles?locale=it&limit=100", nil)
	if err != nil {
		return err
	}
	var page struct {
		Items []struct{ Slug string }
	}
	if err := json.Unmarshal(list, &page); err != nil {
		return err
	}
	var paths []string
	for _, it := range page.Items {
		paths = append(paths, "/api/v1/articles/"+it.Slug+"?locale=it")
	}
	plain := http.Header{"Accept-Encoding": {"identity"}}
	res, _, err := fetch(server.Base+paths[0], plain)
	if err != nil {
		return err
	}
	ceiling, item, err := b.ceilingOf(server, paths[0], plain)
	if err != nil {
		return err
	}
	defer ceiling.server.Kill()
	if err := b.compare(fmt.Sprintf("one item by slug (%d bytes)", len(item)), &target{server, paths, plain, http.StatusOK}, ceiling, 1.5); err != nil {
		return err
	}
	match := http.Header{"Accept-Encoding": {"identity"}, "If-None-Match": {res.Header.Get("ETag")}}
	if err := b.compare("the same, not modified (304)", &target{server, paths[:1], match, http.StatusNotModified}, ceiling, 1); err != nil {
		return err
	}
	gz := http.Header{"Accept-Encoding": {"br"}}
	ceiling, packed, err := b.ceilingOf(server, paths[0], gz)
	if err != nil {
		return err
	}
	defer ceiling.server.Kill()
	if err := b.compare(fmt.Sprintf("one item, stored brotli (%d bytes)", len(packed)), &target{server, paths, gz, http.StatusOK}, ceiling, 1.5); err != nil {
		return err
	}
	return b.lists(server, plain)
}

// lists compares pages of 20 by kind, territory and topic, newest first: every
// combination that the items have, one after another.
func (b *bench) lists(server *endure.Server, plain http.Header) error {
	var paths []string
	for _, territory := range territories {
		for _, topic := range topics {
			paths = append(paths, "/api/v1/articles?locale=it&territory="+territory+"&topic="+topic+"&sort=-published_at&limit=20")
		}
	}
	ceiling, page, err := b.ceilingOf(server, paths[0], plain)
	if err != nil {
		return err
	}
	defer ceiling.server.Kill()
	var got struct {
		Items []json.RawMessage
		Total int
	}
	if err := json.Unmarshal(page, &got); err != nil {
		return err
	}
	what := fmt.Sprintf("page of %d of %d by kind, territory, topic (%d bytes)", len(got.Items), got.Total, len(page))
	return b.compare(what, &target{server, paths, plain, http.StatusOK}, ceiling, 4)
}
