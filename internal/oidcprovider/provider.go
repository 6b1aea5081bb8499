// Package oidcprovider runs a certified OpenID provider for the tests: npm's
// oidc-provider, in a Node.js process on loopback, so that signing in is tested
// against something that was not written by us.
//
//	Start
//	   │ install: npm ci into the user's cache folder, once a machine (npmcache)
//	   ▼
//	node provider.mjs ──stdout──▶ {"issuer":"http://127.0.0.1:…"}
//	   ▲ stdin: options, commands (rotate, down, up); closing it ends the
//	   │        provider, so it dies with its parent
//	   │
//	Login, or a browser: one form with a user name, no password
//
// The provider demands PKCE with S256, sends iss with its answers (RFC 9207),
// knows RP-initiated and back-channel logout, and asks nobody for consent. What
// it stores is in its memory.
//
// A test that needs it and cannot have it fails and says what to do; it never
// skips.
package oidcprovider

import (
	"bufio"
	"context"
	"crypto/rand"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/internal/npmcache"
)

// recipe is everything that decides what is installed.
//
//go:embed provider.mjs package.json package-lock.json
var recipe embed.FS

// Install makes sure that the provider is on this machine and returns its
// folder, prassi/oidcprovider-… in PRASSI_TEST_CACHE or else the user's cache
// folder; see package npmcache.
func Install(ctx context.Context) (string, error) {
	return npmcache.Recipe{Name: "oidcprovider", Files: recipe}.Install(ctx)
}

const (
	// startLimit bounds the start of an installed provider (0.3 s is usual).
	startLimit = time.Minute
	// stopLimit is how long an orderly end may take before it is killed.
	stopLimit = 5 * time.Second
)

// Options are what a provider knows. The zero value is one that nobody can use:
// it needs RedirectURIs.
type Options struct {
	RedirectURIs   []string // callbacks of both clients
	PostLogoutURIs []string // where people may be sent after signing out
	BackChannelURI string   // where logout tokens are posted; empty: nowhere
	// PublicKeyJWK, a public key in JSON, makes the second client, KeyClientID,
	// which signs in with private_key_jwt.
	PublicKeyJWK json.RawMessage
	// ACR are the levels that the provider knows; a login gets the first one
	// that was asked for, or GrantACR whatever was asked for.
	ACR      []string
	GrantACR string
	// Accounts are claims by user name (which is the subject too), in addition
	// to those of Accounts().
	Accounts map[string]map[string]any
	// Algorithm signs ID tokens: RS256 (when empty), PS256 or ES256.
	Algorithm string
	// Post makes the first client authenticate by client_secret_post.
	Post bool
	// UserinfoOnly leaves claims on the person out of the ID token.
	UserinfoOnly bool
}

// Accounts are the accounts that every provider has, with their claims.
func Accounts() map[string]map[string]any {
	return map[string]map[string]any{
		"anna": {
			"name": "Anna Bianchi", "given_name": "Anna", "family_name": "Bianchi", "locale": "it-IT",
			"email": "anna@example.org", "email_verified": true, "groups": []string{"editors", "council-prato"},
			"realm_access": map[string]any{"roles": []string{"editors"}},
		},
		"bruno": {
			"name": "Bruno Verdi", "email": "bruno@example.org", "email_verified": false,
			"locale": "it", "groups": []string{"council-milano"},
		},
		"chidi": {"name": "Chidi Okafor", "locale": "en"},
	}
}

// Provider is a running provider. Its methods may be called from several
// goroutines.
type Provider struct {
	Issuer      string // its address, without a slash at the end
	ClientID    string // of the client with a secret
	Secret      string
	KeyClientID string // of the client with a key, if Options.PublicKeyJWK was given

	accounts map[string]map[string]any
	command  *exec.Cmd
	stdin    io.WriteCloser
	answers  chan string
	ended    chan struct{}
	noise    *npmcache.Tail
	mu       sync.Mutex // one command at a time
}

// Start starts a provider and ends it with the test. When there is none to be
// had the test fails.
func Start(tb testing.TB, o Options) *Provider {
	tb.Helper()
	p, err := start(tb.Context(), o)
	if err != nil {
		tb.Fatalf("this test needs a real OpenID provider, and there is none:\n%v\n"+
			"It needs Node.js 20 or later and npm; `go run ./internal/oidcprovider/install` tries the installation alone.", err)
	}
	tb.Cleanup(func() {
		p.stop()
		if tb.Failed() {
			tb.Logf("the provider said: %s", p.noise)
		}
	})
	return p
}

func start(ctx context.Context, o Options) (*Provider, error) {
	home, err := Install(ctx)
	if err != nil {
		return nil, err
	}
	node, err := exec.LookPath("node")
	if err != nil {
		return nil, fmt.Errorf("oidcprovider: install Node.js 20 or later: %w", err)
	}
	p := &Provider{
		ClientID: "prassi", Secret: rand.Text(), accounts: Accounts(),
		answers: make(chan string, 16), ended: make(chan struct{}), noise: &npmcache.Tail{},
	}
	if o.PublicKeyJWK != nil {
		p.KeyClientID = "prassi-key"
	}
	maps.Copy(p.accounts, o.Accounts)
	if o.Algorithm == "" {
		o.Algorithm = "RS256"
	}
	arguments, err := json.Marshal(map[string]any{
		"redirectURIs": o.RedirectURIs, "postLogoutURIs": list(o.PostLogoutURIs), "backChannelURI": o.BackChannelURI,
		"publicKeyJWK": o.PublicKeyJWK, "acr": list(o.ACR), "grantACR": o.GrantACR, "alg": o.Algorithm,
		"post": o.Post, "userinfoOnly": o.UserinfoOnly, "accounts": p.accounts,
		"clientID": p.ClientID, "secret": p.Secret, "keyClientID": p.KeyClientID,
	})
	if err != nil {
		return nil, fmt.Errorf("oidcprovider: %w", err)
	}
	// Not bound to the test's context, which ends before the cleanups do.
	p.command = exec.Command(node, filepath.Join(home, "provider.mjs"))
	p.command.Dir = home
	p.command.Env = append(os.Environ(), "NODE_OPTIONS=", "NODE_ENV=production", "http_proxy=", "https_proxy=", "HTTP_PROXY=", "HTTPS_PROXY=")
	p.command.Stderr = p.noise
	if p.stdin, err = p.command.StdinPipe(); err != nil {
		return nil, fmt.Errorf("oidcprovider: %w", err)
	}
	stdout, err := p.command.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("oidcprovider: %w", err)
	}
	if err = p.command.Start(); err != nil {
		return nil, fmt.Errorf("oidcprovider: cannot start node: %w", err)
	}
	go func() {
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			select {
			case p.answers <- lines.Text():
			default: // nobody asked
			}
		}
		_ = p.command.Wait()
		close(p.ended)
	}()
	var line string
	if _, err = p.stdin.Write(append(arguments, '\n')); err == nil {
		line, err = p.answer(startLimit)
	}
	var hello struct{ Issuer string }
	if err == nil {
		err = json.Unmarshal([]byte(line), &hello)
	}
	if err != nil || hello.Issuer == "" {
		p.stop()
		return nil, fmt.Errorf("oidcprovider: it does not start (%v): %s", err, p.noise)
	}
	p.Issuer = hello.Issuer
	return p, nil
}

func list(s []string) []string { return append([]string{}, s...) }

// answer waits for one line.
func (p *Provider) answer(limit time.Duration) (string, error) {
	select {
	case line := <-p.answers:
		return line, nil
	case <-p.ended:
		return "", errors.New("the provider has ended")
	case <-time.After(limit):
		return "", errors.New("no answer in time")
	}
}

func (p *Provider) do(tb testing.TB, command string) {
	tb.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	_, err := io.WriteString(p.stdin, command+"\n")
	var line string
	if err == nil {
		line, err = p.answer(startLimit)
	}
	if err != nil || line != `{"done":"`+command+`"}` {
		tb.Fatalf("the OpenID provider cannot %s: %v %s", command, err, line)
	}
}

// RotateKeys makes the provider sign with a new key; the ones before stay
// published.
func (p *Provider) RotateKeys(tb testing.TB) { tb.Helper(); p.do(tb, "rotate") }

// Down makes the provider refuse connections, and Up accept them again at the
// same address. What it knows stays.
func (p *Provider) Down(tb testing.TB) { tb.Helper(); p.do(tb, "down") }

// Up undoes Down.
func (p *Provider) Up(tb testing.TB) { tb.Helper(); p.do(tb, "up") }

// stop ends the process and returns when it is gone.
func (p *Provider) stop() {
	_ = p.stdin.Close()
	select {
	case <-p.ended:
	case <-time.After(stopLimit):
		_ = p.command.Process.Kill()
		<-p.ended
	}
}

// AccountClaims gives the claims of an account, nil when there is none.
func (p *Provider) AccountClaims(account string) map[string]any {
	return maps.Clone(p.accounts[account])
}

// NewClient makes an HTTP client with a cookie jar, as a browser has one, that
// follows no redirect.
func NewClient() *http.Client {
	jar, _ := cookiejar.New(nil) // never fails
	return &http.Client{
		Jar: jar, Timeout: 10 * time.Second, Transport: &http.Transport{},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

var (
	formAction  = regexp.MustCompile(`<form [^>]*action="([^"]*)"`)
	hiddenField = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)
)

// Login follows the authorization URL as a browser does, signs in as account
// where the provider asks, and returns the address at the client that the
// provider sends the browser to, without going there. An empty account cancels.
// client keeps the provider's cookies (NewClient): with the same one the
// provider need not ask again.
func (p *Provider) Login(tb testing.TB, client *http.Client, authorizationURL, account string) (callbackURL string) {
	tb.Helper()
	answer := url.Values{"username": {account}, "answer": {"sign-in"}}
	if account == "" {
		answer.Set("answer", "cancel")
	}
	return p.walk(tb, client, authorizationURL, answer)
}

// Logout follows an address of RP-initiated logout, confirms, and returns the
// address at the client that the provider sends the browser to.
func (p *Provider) Logout(tb testing.TB, client *http.Client, logoutURL string) (postLogoutURL string) {
	tb.Helper()
	return p.walk(tb, client, logoutURL, url.Values{"logout": {"yes"}})
}

// walk follows redirects within the provider and answers its forms, until it
// leads elsewhere.
func (p *Provider) walk(tb testing.TB, client *http.Client, address string, answer url.Values) string {
	tb.Helper()
	request, err := http.NewRequestWithContext(tb.Context(), http.MethodGet, address, nil)
	if err != nil {
		tb.Fatal(err)
	}
	for range 10 {
		response, err := client.Do(request)
		if err != nil {
			tb.Fatal(err)
		}
		body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
		response.Body.Close()
		if err != nil {
			tb.Fatal(err)
		}
		if next, err := response.Location(); err == nil {
			if !p.owns(next) {
				return next.String()
			}
			request, err = http.NewRequestWithContext(tb.Context(), http.MethodGet, next.String(), nil)
			if err != nil {
				tb.Fatal(err)
			}
			continue
		}
		form := formAction.FindSubmatch(body)
		if form == nil || response.StatusCode != http.StatusOK {
			tb.Fatalf("the provider answers %d to %s: %s", response.StatusCode, request.URL.Path, body)
		}
		values := maps.Clone(answer)
		for _, field := range hiddenField.FindAllSubmatch(body, -1) {
			values.Set(string(field[1]), html.UnescapeString(string(field[2])))
		}
		action, err := request.URL.Parse(html.UnescapeString(string(form[1])))
		if err != nil {
			tb.Fatal(err)
		}
		request, err = http.NewRequestWithContext(tb.Context(), http.MethodPost, action.String(), strings.NewReader(values.Encode()))
		if err != nil {
			tb.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	tb.Fatalf("the provider goes in circles at %s", request.URL.Path)
	return ""
}

func (p *Provider) owns(u *url.URL) bool { return u.Scheme+"://"+u.Host == p.Issuer }
