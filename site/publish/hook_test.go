package publish

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/prassi-cms/prassi/internal/secret"
	"github.com/prassi-cms/prassi/outgoing"
	"github.com/prassi-cms/prassi/site/release"
)

// built is two builds, one after the other.
func built(t *testing.T) Built {
	t.Helper()
	store, err := release.Open(t.TempDir(), release.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	var b Built
	for i, text := range []string{"one", "two"} {
		w := store.Begin(store.Current(), release.Meta{Cursor: int64(10 + i), Reason: "change"})
		if err := w.Put(release.File{Path: "index.html", Type: "text/html"}, []byte(text)); err != nil {
			t.Fatal(err)
		}
		b.Before = b.Build
		if b.Build, err = w.Commit(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	b.Reason = "change"
	return b
}

func TestHookAddress(t *testing.T) {
	for _, key := range []string{"", "whsec_" + base64.StdEncoding.EncodeToString([]byte("0123456789abcdef01234567")), "parola segreta che non si dice"} {
		var body []byte
		var head http.Header
		status := http.StatusNoContent
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ = io.ReadAll(r.Body)
			head = r.Header
			w.WriteHeader(status)
		}))
		client := outgoing.New(outgoing.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Plain: true})
		out, err := Hook(server.URL+"/hooks/site", client, secret.New(key))
		if err != nil {
			t.Fatal(err)
		}
		b := built(t)
		if err := out.Do(context.Background(), b); err != nil {
			t.Fatal(err)
		}
		var got HookBody
		if err := json.Unmarshal(body, &got); err != nil || got.Type != "build.finished" || got.Data.Build != b.Build.ID() || got.Data.Before != b.Before.ID() || got.Data.Cursor != 11 || got.Data.Since != 10 || got.Timestamp.IsZero() {
			t.Errorf("%s %v", body, err)
		}
		switch key {
		case "":
			if head.Get("webhook-signature") != "" {
				t.Error("signed with no key")
			}
		default: // the reference implementation agrees, and sees a change
			verifier, err := standard.NewWebhookRaw([]byte(key))
			if strings.HasPrefix(key, "whsec_") {
				verifier, err = standard.NewWebhook(key)
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := verifier.Verify(body, head); err != nil {
				t.Error(err)
			}
			if verifier.Verify(append(body, ' '), head) == nil {
				t.Error("another body has the same signature")
			}
		}
		status = http.StatusBadGateway
		if err := out.Do(context.Background(), b); err == nil || !strings.Contains(err.Error(), "502") {
			t.Error(err)
		}
		server.Close()
	}
	// The network that the server stands in is not reached.
	out, err := Hook("http://127.0.0.1:9/", outgoing.New(outgoing.Options{}), secret.Value{})
	if err != nil {
		t.Fatal(err)
	}
	if err := out.Do(context.Background(), built(t)); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Error(err)
	}
}

func TestHookProgram(t *testing.T) {
	dir := t.TempDir()
	script := filepath.Join(dir, "hook")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(script, []byte("#!/bin/sh\n"+text+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PRASSI_SEARCH_KEY", "segreto")
	write(`cat > "$1/body"; env > "$1/env"; printf '%s\n' "$@" > "$1/args"`)
	out, err := Hook(script+" "+dir+" $(id) ;x", nil, secret.Value{})
	if err != nil {
		t.Fatal(err)
	}
	b := built(t)
	if err := out.Do(context.Background(), b); err != nil {
		t.Fatal(err)
	}
	read := func(name string) string {
		t.Helper()
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	var got HookBody
	if err := json.Unmarshal([]byte(read("body")), &got); err != nil || got.Data.Build != b.Build.ID() {
		t.Errorf("%s %v", read("body"), err)
	}
	if env := read("env"); strings.Contains(env, "segreto") || !strings.Contains(env, "PRASSI_BUILD="+b.Build.ID()) {
		t.Errorf("%s", env)
	}
	if args := read("args"); args != dir+"\n$(id)\n;x\n" { // no shell has seen them
		t.Errorf("%q", args)
	}
	write("yes parola | head -c 100000; echo ultima; exit 3")
	if err := out.Do(context.Background(), b); err == nil || !strings.Contains(err.Error(), "exit status 3") || !strings.HasSuffix(err.Error(), "ultima") || len(err.Error()) > 3000 {
		t.Errorf("%.3000s", err)
	}
	for _, bad := range []string{"", "  ", "/no/such/program", "https://a b", "http://[::1"} {
		if _, err := Hook(bad, nil, secret.Value{}); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
