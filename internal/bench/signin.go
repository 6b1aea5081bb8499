package main

import (
	"bufio"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prassi-cms/prassi/internal/endure"
)

// Logins are measured from outside. The provider, which signs, and the browsers
// are in this process; the server, with everything that `prassi serve` stands on
// (HTTP, the relying party, SQLite, the ledger), is in another one that has a
// single processor. So the provider is left out by the process's boundary, and
// nothing has to be subtracted.
//
//	browser ──GET /auth/login/bench──▶ server
//	browser ──signs in─────────────▶ provider (here)
//	browser ──GET /auth/callback───▶ server ──POST /token──▶ provider (here)

const (
	clientID     = "bench"
	clientSecret = "bench-secret"
	browsers     = 64
	loginsEach   = 10
)

// startSignIn starts the server's process, on one processor.
func (b *bench) startSignIn(issuer string) (_ *endure.Server, token string, err error) {
	folder := filepath.Join(b.dir, "signin")
	if err := os.Mkdir(folder, 0o700); err != nil {
		return nil, "", err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, "", err
	}
	cmd := exec.CommandContext(b.ctx, self, "-signin", folder, "-issuer", issuer)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, "", err
	}
	if err := cmd.Start(); err != nil {
		return nil, "", err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	base, token, _ := strings.Cut(strings.TrimSpace(line), " ")
	return &endure.Server{Base: base, Cmd: cmd}, token, err
}

// signingIn adds the rows about logins and signed requests.
func (b *bench) signingIn() error {
	provider, providerServer, err := newIDP()
	if err != nil {
		return err
	}
	defer providerServer.Close()
	server, token, err := b.startSignIn(provider.url)
	if err != nil {
		return err
	}
	defer server.Kill()
	session, err := b.logins(server, provider)
	if err != nil {
		return err
	}
	return b.signed(server, session, token)
}

// logins measures logins, 64 at once, and gives a session.
func (b *bench) logins(server *endure.Server, provider *idp) (*http.Cookie, error) {
	transport := &http.Transport{MaxIdleConnsPerHost: browsers}
	defer transport.CloseIdleConnections()
	people := make([]*browser, browsers)
	for i := range people {
		people[i] = &browser{base: server.Base, transport: transport, provider: provider, subject: "person-" + strconv.Itoa(i)}
	}
	all := func(times int) error {
		failed := make([]error, browsers)
		var wait sync.WaitGroup
		for i, a := range people {
			wait.Go(func() {
				for n := 0; n < times && failed[i] == nil; n++ {
					failed[i] = a.login(b.ctx)
				}
			})
		}
		wait.Wait()
		return errors.Join(failed...)
	}
	if err := all(2); err != nil { // the first makes the persons, the second warms
		return nil, err
	}
	raw, err := openRaw(b.ctx, filepath.Join(b.dir, "raw-logins.db"))
	if err != nil {
		return nil, err
	}
	defer raw.Close()
	written := func() (int64, error) {
		_, body, err := fetch(server.Base+"/bench/writes", nil)
		if err != nil {
			return 0, err
		}
		return strconv.ParseInt(string(body), 10, 64)
	}
	const n = browsers * loginsEach
	var cpu, wall, bare []time.Duration
	var writes int64
	for range b.rounds {
		before, err := written()
		if err != nil {
			return nil, err
		}
		start := time.Now()
		spent, err := cpuTime(server.Cmd.Process.Pid)
		if err != nil {
			return nil, err
		}
		if err := all(loginsEach); err != nil {
			return nil, err
		}
		took := time.Since(start)
		after, err := cpuTime(server.Cmd.Process.Pid)
		if err != nil {
			return nil, err
		}
		if writes, err = written(); err != nil {
			return nil, err
		}
		writes = (writes - before) / n
		cpu, wall = append(cpu, (after-spent)/n), append(wall, took/n)
		used, insert := ownCPU(), inserts(b.ctx, raw, int(writes))
		for range 64 {
			if err := insert(); err != nil {
				return nil, err
			}
		}
		bare = append(bare, (ownCPU()-used)/64)
	}
	spent, took, least := middle(cpu, 0.5), middle(wall, 0.5), middle(bare, 0.5)
	rate := func(d time.Duration) float64 { return float64(time.Second) / float64(d) }
	b.add(rate(spent) >= 64, fmt.Sprintf("logins, %d at once, provider left out", browsers),
		fmt.Sprintf("%.0f/s a core (%.2f ms CPU)", rate(spent), micro(spent)/1000),
		fmt.Sprintf("%.0f/s, its %d writes bare", rate(least), writes), fmt.Sprintf("%.1f", float64(spent)/float64(least)), "≥ 64/s")
	b.add(true, "the same by the clock, browsers and provider beside it", fmt.Sprintf("%.0f/s", rate(took)), "", "", "stated")
	return people[0].session, nil
}

// signed measures what a session or a token adds to a request: the same wrapper
// and a small answer, with and without somebody to recognise. Beside it is a bare
// Gin handler with the same bytes: whatever Prassi adds at all.
func (b *bench) signed(server *endure.Server, session *http.Cookie, token string) error {
	plain := &target{server, []string{"/livez"}, http.Header{"Accept-Encoding": {"identity"}}, http.StatusOK}
	for _, c := range []struct {
		what   string
		header http.Header
	}{
		{"session", http.Header{"Accept-Encoding": {"identity"}, "Cookie": {session.Name + "=" + session.Value}}},
		{"token", http.Header{"Accept-Encoding": {"identity"}, "Authorization": {"Bearer " + token}}},
	} {
		bare, _, err := b.ceilingOf(server, "/auth/me", c.header)
		if err != nil {
			return err
		}
		defer bare.server.Kill()
		added, err := b.added(&target{server, []string{"/auth/me"}, c.header, http.StatusOK}, plain, bare)
		if err != nil {
			return err
		}
		b.add(added[0] < 20*time.Microsecond, "what a "+c.what+" adds to a request (over /livez)", fmt.Sprintf("%.1f µs CPU", micro(added[0])),
			fmt.Sprintf("%.1f µs over bare Gin", micro(added[1])), "", "< 20 µs")
	}
	return nil
}

// added gives what a target costs more than each of others, the median of the
// turns' differences.
func (b *bench) added(mine *target, others ...*target) ([]time.Duration, error) {
	costs, err := b.inTurns(append([]*target{mine}, others...)...)
	if err != nil {
		return nil, err
	}
	var out []time.Duration
	for _, other := range costs[1:] {
		more := make([]time.Duration, len(other))
		for i := range more {
			more[i] = costs[0][i] - other[i]
		}
		out = append(out, middle(more, 0.5))
	}
	return out, nil
}
