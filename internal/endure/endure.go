// Package endure kills Prassi, again and again, while it is being written to,
// and looks whether anything that it had acknowledged is gone.
//
// One round: start `prassi serve`, let several writers create, edit and publish
// through the editorial API, note down every answer that said yes, send SIGKILL
// at a random moment, run `prassi verify`, and look up every noted write in the
// store. The next round starts on what is left.
package endure

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/prassi-cms/prassi/content"
)

// Options say what to kill and how often.
type Options struct {
	Binary string // the built prassi
	Data   string // its data folder
	Kills  int
	// Store gives its --store; a database engine may have another address after
	// each start.
	Store func() string
	// Open gives a store on the same content, to look the writes up.
	Open func(context.Context) (content.Store, error)
	// Also is called in every second round together with the kill, for example
	// to kill and restart the database engine; nil for none.
	Also func() error
	// Progress is called after each round; nil for none.
	Progress func(round int, r Report)
}

// Report is what came of it.
type Report struct {
	Kills        int
	Acknowledged int
	Lost         []string // acknowledged writes that are not in the store
	Unclean      []string // what prassi verify said, when it was not clean
}

// write is an acknowledged state of a variant.
type write struct {
	document, body string
	number         int
	live           bool
}

const writers = 4

// Run kills o.Kills times. It returns an error when the harness itself fails;
// what it found is in the report.
func Run(ctx context.Context, o Options) (Report, error) {
	var r Report
	token, err := o.token(ctx)
	if err != nil {
		return r, err
	}
	last := map[string]write{} // by document: the newest acknowledged state
	for r.Kills < o.Kills {
		acknowledged, err := o.round(ctx, token, r.Kills)
		if err != nil {
			return r, fmt.Errorf("round %d: %w", r.Kills+1, err)
		}
		r.Kills++
		r.Acknowledged += len(acknowledged)
		touched := map[string]write{}
		for _, w := range acknowledged {
			last[w.document], touched[w.document] = w, w
		}
		out, err := o.run(ctx, "verify")
		if err != nil {
			r.Unclean = append(r.Unclean, fmt.Sprintf("after kill %d: %v\n%s", r.Kills, err, out))
		}
		look := touched // all of them in the last round
		if r.Kills == o.Kills {
			look = last
		}
		lost, err := o.lost(ctx, look)
		if err != nil {
			return r, err
		}
		for _, why := range lost {
			r.Lost = append(r.Lost, fmt.Sprintf("kill %d: %s", r.Kills, why))
		}
		if o.Progress != nil {
			o.Progress(r.Kills, r)
		}
	}
	return r, nil
}

// lost opens the store and names the acknowledged writes that it does not hold.
func (o *Options) lost(ctx context.Context, look map[string]write) ([]string, error) {
	store, err := o.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer store.Close()
	var out []string
	for _, w := range look {
		if why := lookUp(ctx, store, w); why != "" {
			out = append(out, w.document+": "+why)
		}
	}
	return out, nil
}

// lookUp says what is missing of an acknowledged write, or nothing.
func lookUp(ctx context.Context, store content.Store, w write) string {
	d, err := store.Get(ctx, w.document)
	if err != nil {
		return err.Error()
	}
	v := d.Variant("it")
	switch {
	case v == nil || v.Latest.Number < w.number:
		return fmt.Sprintf("revision %d was acknowledged, the latest is %+v", w.number, v)
	case w.live && v.Live.IsZero():
		return "its publication was acknowledged, and it is not live"
	}
	for hash := v.Latest.Hash; hash != ""; {
		rev, err := store.Revision(ctx, hash)
		if err != nil {
			return err.Error()
		}
		if rev.Number == w.number {
			if !bytes.Contains(rev.Localized, []byte(w.body)) {
				return fmt.Sprintf("revision %d holds other text", w.number)
			}
			return ""
		}
		hash = rev.Prev
	}
	return fmt.Sprintf("revision %d is not on the chain", w.number)
}

// args are the command and the flags that every command takes.
func (o *Options) args(command ...string) []string {
	return append(command, "--data", o.Data, "--store", o.Store())
}

func (o *Options) run(ctx context.Context, command ...string) (string, error) {
	out, err := exec.CommandContext(ctx, o.Binary, o.args(command...)...).CombinedOutput()
	return string(out), err
}

func (o *Options) token(ctx context.Context) (string, error) {
	cmd := exec.CommandContext(ctx, o.Binary, o.args("token", "create", "--role", "editor")...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	return string(bytes.TrimSpace(out)), err
}

// Server is a running `prassi serve`.
type Server struct {
	Base string // http://127.0.0.1:PORT
	Cmd  *exec.Cmd
}

var address = regexp.MustCompile(`http://127\.0\.0\.1:\d+`)

// Serve starts a server on a free port and waits until it has said its address.
// args are more of its flags, such as --rates: all requests come from one address.
func Serve(ctx context.Context, binary string, args ...string) (*Server, error) {
	cmd := exec.CommandContext(ctx, binary, append([]string{"serve", "--addr", "127.0.0.1:0", "--log-level", "error"}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if base := address.FindString(lines.Text()); base != "" {
			go io.Copy(io.Discard, stdout) // keeps the pipe from filling
			return &Server{Base: base, Cmd: cmd}, nil
		}
	}
	err = cmd.Wait()
	return nil, fmt.Errorf("the server ended before it said its address: %v\n%s", err, stderr.Bytes())
}

// Kill sends SIGKILL and waits for the end.
func (s *Server) Kill() {
	s.Cmd.Process.Kill() // it may be gone already
	s.Cmd.Wait()         // its status is "killed"
}

// round runs one life of the server and gives the acknowledged writes.
func (o *Options) round(ctx context.Context, token string, n int) ([]write, error) {
	server, err := Serve(ctx, o.Binary, append(o.args(), "--rates", "off")...)
	if err != nil {
		return nil, err
	}
	defer server.Kill()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: writers}}
	defer client.CloseIdleConnections()
	var (
		mu   sync.Mutex
		acks []write
		odd  error
		wg   sync.WaitGroup
	)
	for i := range writers {
		wg.Go(func() {
			w := writer{client: client, base: server.Base, token: token, rng: rand.New(rand.NewPCG(uint64(n), uint64(i)))}
			err := w.write(ctx, func(a write) {
				mu.Lock()
				defer mu.Unlock()
				acks = append(acks, a)
			})
			mu.Lock()
			defer mu.Unlock()
			odd = errors.Join(odd, err)
		})
	}
	time.Sleep(time.Duration(20+rand.IntN(400)) * time.Millisecond)
	if o.Also != nil && n%2 == 1 {
		err = o.Also()
	}
	server.Kill()
	wg.Wait()
	return acks, errors.Join(err, odd)
}

// writer creates, edits and publishes until the server dies.
type writer struct {
	client      *http.Client
	base, token string
	rng         *rand.Rand
}

func (w *writer) write(ctx context.Context, ack func(write)) error {
	for i := 0; ; i++ {
		mark := fmt.Sprintf("mark-%016x", w.rng.Uint64())
		a := write{body: mark, number: 1}
		at, etag, err := w.call(ctx, "POST", "/api/v1/manage/documents", "", map[string]any{
			"type": "article", "locale": "it", "fields": map[string]any{"title": "Prova " + mark, "body": mark},
		})
		if err != nil {
			return gone(err)
		}
		a.document = strings.TrimSuffix(strings.TrimPrefix(at, "/api/v1/manage/documents/"), "/variants/it")
		ack(a)
		for range 1 + w.rng.IntN(3) {
			mark = fmt.Sprintf("mark-%016x", w.rng.Uint64())
			if _, etag, err = w.call(ctx, "PATCH", at, etag, map[string]any{"fields": map[string]any{"body": mark}}); err != nil {
				return gone(err)
			}
			a.number, a.body = a.number+1, mark
			ack(a)
		}
		if _, _, err = w.call(ctx, "POST", at+"/transitions", etag, map[string]any{"transition": "publish"}); err != nil {
			return gone(err)
		}
		a.live = true
		ack(a)
	}
}

// refused is an answer that says no; every other error is the server's death.
type refused struct{ error }

func gone(err error) error {
	var r refused
	if errors.As(err, &r) {
		return err
	}
	return nil
}

// call sends a request and gives the Location and ETag of the answer.
func (w *writer) call(ctx context.Context, method, path, match string, body any) (location, etag string, err error) {
	data, err := json.Marshal(body)
	if err != nil {
		return "", "", err
	}
	req, err := http.NewRequestWithContext(ctx, method, w.base+path, bytes.NewReader(data))
	if err != nil {
		return "", "", err
	}
	req.Header.Set("Authorization", "Bearer "+w.token)
	req.Header.Set("Content-Type", "application/json")
	if match != "" {
		req.Header.Set("If-Match", match)
	}
	res, err := w.client.Do(req)
	if err != nil {
		return "", "", err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	switch {
	case err != nil:
	case res.StatusCode == http.StatusServiceUnavailable:
		err = errors.New("the engine is down")
	case res.StatusCode/100 != 2:
		err = refused{fmt.Errorf("%s %s: %s: %.300s", method, path, res.Status, answer)}
	}
	return res.Header.Get("Location"), res.Header.Get("ETag"), err
}
