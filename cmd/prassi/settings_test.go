package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/prassi-cms/prassi/internal/leak"
	"github.com/prassi-cms/prassi/internal/secret"
)

// TestHelpListsEverySetting compares serve --help with what the source reads: the
// env tags, the constants that are given to secret.Lookup, and no others.
func TestHelpListsEverySetting(t *testing.T) {
	code, help := command(t, "serve", "--help")
	if code != 0 {
		t.Fatal(help)
	}
	name := regexp.MustCompile(`PRASSI_[A-Z_]+`)
	listed := name.FindAllString(help, -1)
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var read []string
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`env:"(PRASSI_[A-Z_]+)"`).FindAllStringSubmatch(string(source), -1) {
			read = append(read, m[1])
		}
		for _, m := range regexp.MustCompile(`Variable += "(PRASSI_[A-Z_]+)"`).FindAllStringSubmatch(string(source), -1) {
			read = append(read, m[1], m[1]+"_FILE")
		}
		if m := regexp.MustCompile(`(?:secret\.Lookup|os\.Getenv|os\.LookupEnv)\("PRASSI[^)]*`).FindString(string(source)); m != "" {
			t.Errorf("%s: %s: the name is a constant that ends in Variable, for this test", file, m)
		}
	}
	if len(read) < 20 {
		t.Fatalf("only %d settings found in the source: correct this test", len(read))
	}
	for _, name := range read {
		if !slices.Contains(listed, name) {
			t.Errorf("serve --help does not list %s", name)
		}
	}
	for _, name := range listed {
		if !slices.Contains(read, name) {
			t.Errorf("serve --help lists %s, which nothing reads", name)
		}
	}
}

// TestHelpShowsNoSecret although variables hold them.
func TestHelpShowsNoSecret(t *testing.T) {
	t.Setenv("PRASSI_STORE", "mongodb://prassi:"+leak.Secret("help-does-not-show-it")+"@host/prassi")
	t.Setenv("PRASSI_OIDC_CLIENT_SECRET", leak.Secret("nor-does-it-show-this"))
	for _, args := range [][]string{{"--help"}, {"serve", "--help"}, {"serve", "--unknown"}, {"serve", "extra"}} {
		if _, out := command(t, args...); strings.Contains(out, "show") && (strings.Contains(out, "help-does-not") || strings.Contains(out, "nor-does-it")) {
			t.Errorf("%v: %s", args, out)
		}
	}
}

// written writes a file and gives its name.
func written(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestWrongSettings: each is refused with a sentence, and none shows a secret.
// What is refused before anything is opened leaves no store behind.
func TestWrongSettings(t *testing.T) {
	const (
		password = "p4ss-of-the-store"
		client   = "s3cret-of-the-client"
		key      = "s3cret-in-the-wrong-place"
	)
	for _, s := range []string{password, client, key} {
		leak.Secret(s)
	}
	issuer := []string{"--oidc-issuer", "https://id.example.org", "--oidc-client-id", "prassi"}
	public := []string{"--public-url", "https://prassi.example.org"}
	provider := func(lines string) string {
		return written(t, "providers:\n  - name: a\n    issuer: https://id.example.org\n    client_id: prassi\n"+lines)
	}
	for name, test := range map[string]struct {
		env  map[string]string
		args []string
		says string // in the answer
		late bool   // the store was opened before
	}{
		"password in a flag":   {args: []string{"--store", "mongodb://prassi:" + password + "@127.0.0.1/prassi"}, says: "PRASSI_STORE_FILE"},
		"no such store":        {env: map[string]string{"PRASSI_STORE": "postgres://prassi:" + password + "@127.0.0.1/prassi"}, says: "This store is not known"},
		"slash in a password":  {env: map[string]string{"PRASSI_STORE": "mongodb://prassi:x/" + password + "@127.0.0.1/prassi"}, says: "percent sign"},
		"at in a password":     {env: map[string]string{"PRASSI_STORE": "mongodb://prassi:x@" + password + "@127.0.0.1/prassi"}, says: "percent sign"},
		"mark in a password":   {env: map[string]string{"PRASSI_STORE": "mongodb://prassi:x?" + password + "@127.0.0.1/prassi"}, says: "percent sign"},
		"half an escape":       {env: map[string]string{"PRASSI_STORE": "mongodb://prassi:%zz" + password + "@127.0.0.1/prassi"}, says: "percent sign"},
		"nobody answers":       {env: map[string]string{"PRASSI_STORE": "mongodb://prassi:" + password + "@127.0.0.1:1/prassi?serverSelectionTimeoutMS=200"}, says: "server selection"},
		"an option":            {env: map[string]string{"PRASSI_STORE": "mongodb://prassi:" + password + "@127.0.0.1:1/prassi?tlsCertificateKeyFilePassword=" + password + "&tls=maybe"}, says: "mongostore"},
		"no database":          {env: map[string]string{"PRASSI_STORE": "mongodb://prassi:" + password + "@127.0.0.1:1/a.b"}, says: "does not name a database"},
		"two stores":           {env: map[string]string{"PRASSI_STORE": "mongodb://prassi:" + password + "@h/p", "PRASSI_STORE_FILE": "x"}, says: "PRASSI_STORE_FILE are both set"},
		"no store file":        {env: map[string]string{"PRASSI_STORE_FILE": "/nowhere/store"}, says: "PRASSI_STORE_FILE"},
		"empty store file":     {env: map[string]string{"PRASSI_STORE_FILE": written(t, "\n")}, says: "is empty"},
		"store file, wrong":    {env: map[string]string{"PRASSI_STORE_FILE": written(t, "mongodb://prassi:x/"+password+"@h/p")}, says: "percent sign"},
		"no client":            {args: issuer[:2], says: "PRASSI_OIDC_CLIENT_ID"},
		"no issuer":            {args: issuer[2:], says: "PRASSI_OIDC_ISSUER"},
		"no secret":            {args: issuer, says: "PRASSI_OIDC_CLIENT_SECRET"},
		"an empty secret":      {args: issuer, env: map[string]string{"PRASSI_OIDC_CLIENT_SECRET_FILE": written(t, "")}, says: "is empty"},
		"two secrets":          {args: issuer, env: map[string]string{"PRASSI_OIDC_CLIENT_SECRET": client, "PRASSI_OIDC_CLIENT_SECRET_FILE": "x"}, says: "both set"},
		"no public address":    {args: issuer, env: map[string]string{"PRASSI_OIDC_CLIENT_SECRET": client}, says: "PRASSI_PUBLIC_URL"},
		"an issuer in clear":   {args: append([]string{"--oidc-issuer", "http://id.example.org", "--oidc-client-id", "p"}, public...), env: map[string]string{"PRASSI_OIDC_CLIENT_SECRET": client}, says: "must begin with https://", late: true},
		"settings and a file":  {args: append([]string{"--oidc-file", provider("")}, issuer...), env: map[string]string{"PRASSI_OIDC_CLIENT_SECRET": client}, says: "set up twice"},
		"no provider file":     {args: []string{"--oidc-file", "/nowhere/providers.yaml"}, says: "/nowhere/providers.yaml"},
		"a secret in the file": {args: []string{"--oidc-file", provider("    secret: " + key + "\n")}, says: "line 5: secret"},
		"an unknown key":       {args: []string{"--oidc-file", provider("    password: " + key + "\n")}, says: "line 5"},
		"an unset variable":    {args: []string{"--oidc-file", provider("    secret: PRASSI_TEST_NO_SUCH\n")}, says: "PRASSI_TEST_NO_SUCH is not set"},
		"no yaml":              {args: []string{"--oidc-file", written(t, "providers: ["+key)}, says: "line 1"},
		"a kind of data":       {args: []string{"--retention", "everything=1d"}, says: "everything"},
		"an age":               {args: []string{"--retention", "sessions=soon"}, says: "soon"},
		"the log of actions":   {args: []string{"--retention", "audit=30d"}, says: "cannot be changed"},
		"sessions":             {args: []string{"--session-idle", "3h", "--session-absolute", "2h"}, says: "limits of sessions"},
		"no time":              {args: []string{"--session-idle", "0"}, says: "limits of sessions"},
		"private addresses":    {args: []string{"--outgoing-allow", "intranet"}, says: "--outgoing-allow"},
		"files nowhere":        {args: []string{"--media", "ftp://host/" + "folder"}, says: "--media", late: true},
		"keys in the address":  {args: []string{"--media", "s3://key:" + key + "@bucket"}, says: "AWS_SECRET_ACCESS_KEY", late: true},
		"no such search":       {args: []string{"--search", "solr"}, says: "This search engine is not known"},
		"no host of search":    {env: map[string]string{"PRASSI_SEARCH": "https:///index"}, says: "This search engine is not known"},
		"password of search":   {env: map[string]string{"PRASSI_SEARCH": "https://prassi:" + key + "@search.example.org"}, says: "PRASSI_SEARCH_KEY_FILE"},
		"key in the address":   {env: map[string]string{"PRASSI_SEARCH": "https://search.example.org?key=" + key}, says: "PRASSI_SEARCH_KEY_FILE"},
		"two keys of search":   {env: map[string]string{"PRASSI_SEARCH_KEY": key, "PRASSI_SEARCH_KEY_FILE": "x"}, says: "both set"},
		"no hub":               {args: []string{"--websub-hub", "https://prassi:" + key + "@hub.example.org"}, says: "WebSub hub"},
		"a hub without us":     {args: []string{"--websub-hub", "https://hub.example.org"}, says: "PRASSI_PUBLIC_URL"},
		"a public address":     {args: []string{"--public-url", "prassi.example.org"}, says: "public address", late: true},
	} {
		t.Run(name, func(t *testing.T) {
			for k, v := range test.env {
				t.Setenv(k, v)
			}
			data := filepath.Join(t.TempDir(), "data")
			code, out := command(t, append([]string{"serve", "--locale-of-messages", "en", "--log-level", "debug", "--addr", "127.0.0.1:0", "--data", data}, test.args...)...)
			if code != 1 || !strings.Contains(out, test.says) {
				t.Errorf("%d, without %q:\n%s", code, test.says, out)
			}
			for _, s := range []string{password, client, key} {
				if strings.Contains(out, s) {
					t.Errorf("the secret is told: %s", out)
				}
			}
			if _, err := os.Stat(data); err == nil && !test.late {
				t.Error("something was made before the settings were found wrong")
			}
		})
	}
}

// Whatever a password is, nothing of it is told, neither when its address is
// refused nor when a driver repeats it.
func TestStoreAddressIsRedacted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		password := rapid.StringMatching(`[a-zA-Z0-9%/@:?#&=._-]{12,40}`).Draw(t, "password")
		address := "mongodb://prassi:" + password + "@host:27017/prassi?w=1"
		if err := checkAddress(address); err != nil {
			if strings.Contains(err.Error(), password) {
				t.Fatal(err)
			}
			return
		}
		told := redacted(errors.New("cannot connect to "+address+" with "+password), secret.New(address)).Error()
		if strings.Contains(told, password) {
			t.Fatalf("%q is told: %s", password, told)
		}
	})
}

// A right address gets through, and a wrong password at a real engine is not told.
func TestStoreSignIn(t *testing.T) {
	engine := emptyMongo(t)
	const password = "wr0ng-p4ssword"
	t.Setenv("PRASSI_STORE_FILE", written(t, strings.Replace(engine, "mongodb://", "mongodb://prassi:"+leak.Secret(password)+"@", 1)+"&serverSelectionTimeoutMS=500\n"))
	if code, out := command(t, "verify", "--data", t.TempDir()); code != 1 || strings.Contains(out, password) {
		t.Errorf("%d: %s", code, out)
	}
	t.Setenv("PRASSI_STORE_FILE", written(t, engine+"\n"))
	if code, out := command(t, "verify", "--data", t.TempDir()); code != 0 {
		t.Errorf("%d: %s", code, out)
	}
}

// The link for the first administrator is told on standard output and nowhere
// else, anew at each start, until somebody administers.
func TestFirstAdministrator(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	link := func(args ...string) string {
		t.Helper()
		r := start(t, append([]string{"--data", data, "--locale-of-messages", "en"}, args...)...)
		defer r.stop()
		found := linkSaid.FindStringSubmatch(r.first)
		if (found != nil) != strings.Contains(r.first, "Nobody administers this site yet") {
			t.Errorf("the link has no sentence: %s", r.first)
		}
		if found == nil {
			return ""
		}
		if strings.Contains(r.log.String(), found[1]) {
			t.Error("the log tells the link")
		}
		if !strings.Contains(r.first, "\n  https://prassi.example.org/auth/link/"+found[1]+"\n") {
			t.Errorf("the link is not on the public address: %s", r.first)
		}
		return found[1]
	}
	public := []string{"--public-url", "https://prassi.example.org/"}
	one, two := link(public...), link(public...)
	if one == "" || two == "" || one == two {
		t.Errorf("%q and %q", one, two)
	}
	if code, out := command(t, "grant", "--data", data, "anna", "administrator"); code != 0 {
		t.Fatal(out)
	}
	if three := link(public...); three != "" {
		t.Error("there is an administrator, and a link all the same")
	}
	code, out := command(t, "link", "--data", data, "anna", public[0], public[1])
	if code != 0 || !regexp.MustCompile(`^https://prassi\.example\.org/auth/link/\w{55}\n$`).MatchString(out) {
		t.Errorf("%d %s", code, out)
	}
	if r := start(t, "--demo", "--data", filepath.Join(t.TempDir(), "data")); linkSaid.MatchString(r.first) {
		t.Error("the demo has its administrator")
	}
}

// TestServeTellsNoSecret starts a server with all kinds of secrets, uses it, and
// looks at everything it wrote.
func TestServeTellsNoSecret(t *testing.T) {
	const client, second = "cl1ent-secret-one", "cl1ent-secret-two"
	leak.Secret(client)
	leak.Secret(second)
	engine := emptyMongo(t)
	t.Setenv("PRASSI_STORE", engine)
	t.Setenv("PRASSI_TEST_SECOND", second)
	file := written(t, `providers:
  - {name: one, label: Comune, issuer: "http://127.0.0.1:1", client_id: prassi, secret: `+written(t, client+"\n")+`}
  - {name: two, issuer: "https://id.example.org", client_id: prassi, secret: PRASSI_TEST_SECOND}
`)
	r := start(t, "--data", filepath.Join(t.TempDir(), "data"), "--oidc-file", file, "--public-url", "http://127.0.0.1:9")
	if !strings.Contains(r.first, "\n  http://127.0.0.1:9/auth/callback/one\n  http://127.0.0.1:9/auth/callback/two\n") {
		t.Errorf("the address of return is not told: %s", r.first)
	}
	link := linkSaid.FindStringSubmatch(r.first)
	if link == nil {
		t.Fatal("no link for the first administrator")
	}
	for _, path := range []string{"/auth/login", "/auth/login/one", "/auth/login/two", "/auth/link/" + link[1], "/auth/callback?code=" + client + "&state=" + second, "/api/v1/types"} {
		req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, r.base+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+client)
		req.AddCookie(&http.Cookie{Name: "prassi_session", Value: second})
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || strings.Contains(string(body), client) || strings.Contains(string(body), second) {
			t.Errorf("%s: %v: %s", path, err, body)
		}
	}
	time.Sleep(50 * time.Millisecond) // the lines of the last request
	r.stop()
	for _, s := range []string{client, second, link[1], engine} {
		if strings.Contains(r.log.String(), s) {
			t.Errorf("the log tells %q", s[:4])
		}
	}
	if !strings.Contains(r.log.String(), "/auth/link/") && !strings.Contains(r.log.String(), "request") {
		t.Error("the log tells nothing at all: correct this test")
	}
}
