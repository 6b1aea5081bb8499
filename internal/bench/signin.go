package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/prassi-cms/prassi/api"
	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/auth"
	"github.com/prassi-cms/prassi/auth/oidc"
	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/sqlitestore"
	"github.com/prassi-cms/prassi/internal/endure"
	"github.com/prassi-cms/prassi/internal/secret"
	"github.com/prassi-cms/prassi/outgoing"
	"github.com/prassi-cms/prassi/schemas"
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

// serveSignIn is the server's process. It says its address and a token.
func serveSignIn(folder, issuer string) error {
	ctx := context.Background()
	store, err := sqlitestore.Open(ctx, filepath.Join(folder, "prassi.db"))
	if err != nil {
		return err
	}
	defer store.Close()
	reg := schemas.Default()
	service, err := content.New(store, reg, content.Options{})
	if err != nil {
		return err
	}
	published, err := catalog.Open(ctx, catalog.Options{Dir: filepath.Join(folder, "catalog"), Source: store, Schemas: reg})
	if err != nil {
		return err
	}
	defer published.Close()
	counted := &counter{Records: store}
	ledger := audit.New(counted, nil)
	accounts := auth.New(ledger, auth.Options{})
	key, err := accounts.Key(ctx, "sign_in")
	if err != nil {
		return err
	}
	providers, err := oidc.New([]oidc.Config{{Name: "bench", Issuer: issuer, ClientID: clientID, Secret: secret.New(clientSecret)}}, oidc.Options{
		Client: outgoing.New(outgoing.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Plain: true}),
		Key:    key, Once: accounts.Once,
	})
	if err != nil {
		return err
	}
	token, _, err := accounts.CreateToken(ctx, content.System("bench"), auth.NewToken{Name: "bench", Grants: []content.Grant{{Role: "editor"}}, Life: time.Hour})
	if err != nil {
		return err
	}
	plenty := api.Rate{Minute: 10_000_000, Burst: 10_000_000} // counted, and never refused
	server, err := api.New(api.Options{
		Service: service, Catalog: published, Auth: accounts, Ledger: ledger, Store: store, Schemas: reg, OIDC: providers,
		Logger: slog.New(slog.NewJSONHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelWarn})), Version: "bench",
		Rates: api.Rates{Read: plenty, Open: plenty, Token: plenty, SignIn: plenty, Refused: plenty},
	})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("http://%s %s\n", l.Addr(), token)
	configured := server.HTTPServer()
	configured.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/bench/writes" {
			fmt.Fprint(w, counted.writes.Load())
			return
		}
		server.ServeHTTP(w, r)
	})
	return configured.Serve(l)
}

// counter counts the durable writes of records.
type counter struct {
	audit.Records
	writes atomic.Int64
}

func (c *counter) PutRecord(ctx context.Context, r *content.Record, expect int64) error {
	c.writes.Add(1)
	return c.Records.PutRecord(ctx, r, expect)
}

func (c *counter) DeleteRecord(ctx context.Context, kind, id string, expect int64) error {
	c.writes.Add(1)
	return c.Records.DeleteRecord(ctx, kind, id, expect)
}

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

// idp is a provider that signs whoever comes in. It is a correct one; that
// wrong ones are refused is for the tests of auth/oidc.
type idp struct {
	url     string
	key     *rsa.PrivateKey
	signer  jose.Signer
	answers sync.Map // by code: what the token endpoint will say
}

func newIDP() (*idp, *httptest.Server, error) {
	p := &idp{}
	var err error
	if p.key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		return nil, nil, err
	}
	p.signer, err = jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: p.key, KeyID: "1"}}, nil)
	server := httptest.NewServer(p)
	p.url = server.URL
	return p, server, err
}

func (p *idp) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body any
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		body = map[string]any{
			"issuer": p.url, "authorization_endpoint": p.url + "/auth", "token_endpoint": p.url + "/token", "jwks_uri": p.url + "/jwks",
			"authorization_response_iss_parameter_supported": true,
		}
	case "/jwks":
		body = jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: p.key.Public(), KeyID: "1", Use: "sig"}}}
	case "/token":
		answer, ok := p.answers.LoadAndDelete(r.FormValue("code"))
		if !ok {
			http.Error(w, "no such code", http.StatusBadRequest)
			return
		}
		body = answer
	default:
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body) // a client that left asks again
}

// signIn is what happens at the provider: it gives the query of the callback.
func (p *idp) signIn(request url.Values, subject string) (url.Values, error) {
	now := time.Now()
	claims, err := json.Marshal(map[string]any{
		"iss": p.url, "aud": clientID, "sub": subject, "sid": rand.Text(), "nonce": request.Get("nonce"), "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		"name": "Anna Bianchi", "email": subject + "@example.org", "locale": "it-IT",
	})
	if err != nil {
		return nil, err
	}
	signed, err := p.signer.Sign(claims)
	if err != nil {
		return nil, err
	}
	token, err := signed.CompactSerialize()
	code := rand.Text()
	p.answers.Store(code, map[string]any{"access_token": rand.Text(), "token_type": "Bearer", "id_token": token, "expires_in": 60})
	return url.Values{"code": {code}, "state": {request.Get("state")}, "iss": {p.url}}, err
}

// browser logs in again and again, as one person.
type browser struct {
	base      string
	transport http.RoundTripper
	provider  *idp
	subject   string
	session   *http.Cookie
}

// get follows nothing and gives where the answer leads, with its cookies.
func (a *browser) get(ctx context.Context, address string, cookies ...*http.Cookie) (*url.URL, []*http.Cookie, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, nil, err
	}
	req.Header.Set("Accept", "text/html")
	req.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	for _, c := range cookies {
		if c != nil {
			req.AddCookie(c)
		}
	}
	res, err := a.transport.RoundTrip(req)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusSeeOther {
		err = fmt.Errorf("%s: %s: %.300s", req.URL.Path, res.Status, body)
	}
	if err != nil {
		return nil, nil, err
	}
	to, err := res.Location()
	return to, res.Cookies(), err
}

func (a *browser) login(ctx context.Context) error {
	to, cookies, err := a.get(ctx, a.base+"/auth/login/bench", a.session)
	if err != nil {
		return err
	}
	answer, err := a.provider.signIn(to.Query(), a.subject)
	if err != nil {
		return err
	}
	_, cookies, err = a.get(ctx, a.base+"/auth/callback?"+answer.Encode(), append(cookies, a.session)...)
	if err != nil {
		return err
	}
	before := a.session
	for _, c := range cookies {
		if strings.HasSuffix(c.Name, "prassi_session") {
			a.session = c
		}
	}
	if a.session == before {
		return errors.New("a login without a new session")
	}
	return nil
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
	slices.Sort(cpu)
	slices.Sort(wall)
	slices.Sort(bare)
	m := b.rounds / 2
	rate := func(d time.Duration) float64 { return float64(time.Second) / float64(d) }
	b.add(rate(cpu[m]) >= 64, fmt.Sprintf("logins, %d at once, provider left out", browsers),
		fmt.Sprintf("%.0f/s a core (%.2f ms CPU)", rate(cpu[m]), micro(cpu[m])/1000),
		fmt.Sprintf("%.0f/s, its %d writes bare", rate(bare[m]), writes), fmt.Sprintf("%.1f", float64(cpu[m])/float64(bare[m])), "≥ 64/s")
	b.add(rate(wall[m]) >= 64, "the same by the clock, server on one processor", fmt.Sprintf("%.0f/s", rate(wall[m])), "", "", "≥ 64/s")
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
		_, body, err := fetch(server.Base+"/auth/me", c.header)
		if err != nil {
			return err
		}
		bare, err := b.startBare(body)
		if err != nil {
			return err
		}
		defer bare.Kill()
		added, err := b.added(&target{server, []string{"/auth/me"}, c.header, http.StatusOK}, plain, &target{bare, []string{"/"}, plain.header, http.StatusOK})
		if err != nil {
			return err
		}
		b.add(added[0] < 20*time.Microsecond, "what a "+c.what+" adds to a request (over /livez)", fmt.Sprintf("%.1f µs CPU", micro(added[0])),
			fmt.Sprintf("%.1f µs over bare Gin", micro(added[1])), "", "< 20 µs")
	}
	return nil
}

// added gives the median CPU time that a target costs more than each of others.
func (b *bench) added(mine *target, others ...*target) ([]time.Duration, error) {
	var callers []*caller
	for _, t := range append([]*target{mine}, others...) {
		c, err := t.call()
		if err != nil {
			return nil, err
		}
		defer c.conn.Close()
		callers = append(callers, c)
	}
	more := make([][]time.Duration, len(others))
	for range b.rounds {
		for range turns {
			for _, c := range callers {
				if err := c.turn(); err != nil {
					return nil, err
				}
			}
		}
		for i, c := range callers[1:] {
			more[i] = append(more[i], (callers[0].spent-c.spent)/(turns*perTurn))
		}
		for _, c := range callers {
			c.spent = 0
		}
	}
	out := make([]time.Duration, len(others))
	for i := range more {
		slices.Sort(more[i])
		out[i] = more[i][b.rounds/2]
	}
	return out, nil
}
