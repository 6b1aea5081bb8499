package oidcprovider_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/internal/oidcprovider"
)

// parent makes TestMain, started once more as a child process, run a provider
// and wait to be killed.
const parent = "OIDCPROVIDER_TEST_PARENT"

const callback = "http://127.0.0.1:9/auth/callback" // nobody goes there

func TestMain(m *testing.M) {
	if os.Getenv(parent) != "" {
		p, err := oidcprovider.StartAlone(context.Background(), oidcprovider.Options{RedirectURIs: []string{callback}})
		if err != nil {
			panic(err)
		}
		os.Stdout.WriteString(p.Issuer + "\n")
		select {}
	}
	os.Exit(m.Run())
}

func get(t *testing.T, address string, into any) {
	t.Helper()
	response, err := oidcprovider.NewClient().Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil {
		err = json.Unmarshal(body, into)
	}
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %v, %d %s", address, err, response.StatusCode, body)
	}
}

func kids(t *testing.T, p *oidcprovider.Provider) (out []string) {
	var set struct{ Keys []struct{ Kid, D string } }
	get(t, p.Issuer+"/jwks", &set)
	for _, k := range set.Keys {
		if k.D != "" {
			t.Error("a private key is published")
		}
		out = append(out, k.Kid)
	}
	return out
}

// What the relying party's tests rely on: the provider is as demanding as they
// assume it is.
func TestProvider(t *testing.T) {
	p := oidcprovider.Start(t, oidcprovider.Options{RedirectURIs: []string{callback}})
	var metadata struct {
		Issuer      string
		Iss         bool     `json:"authorization_response_iss_parameter_supported"`
		Challenges  []string `json:"code_challenge_methods_supported"`
		EndSession  string   `json:"end_session_endpoint"`
		BackChannel bool     `json:"backchannel_logout_supported"`
	}
	get(t, p.Issuer+"/.well-known/openid-configuration", &metadata)
	if metadata.Issuer != p.Issuer || !metadata.Iss || strings.Join(metadata.Challenges, " ") != "S256" ||
		metadata.EndSession == "" || !metadata.BackChannel {
		t.Errorf("%+v", metadata)
	}

	query := url.Values{
		"client_id": {p.ClientID}, "redirect_uri": {callback}, "response_type": {"code"}, "scope": {"openid"}, "state": {"s"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"},
	}
	login := func(account string) url.Values {
		t.Helper()
		back, err := url.Parse(p.Login(t, oidcprovider.NewClient(), p.Issuer+"/auth?"+query.Encode(), account))
		if err != nil || !strings.HasPrefix(back.String(), callback) {
			t.Fatalf("%v, %v", back, err)
		}
		return back.Query()
	}
	if q := login("anna"); q.Get("code") == "" || q.Get("state") != "s" || q.Get("iss") != p.Issuer {
		t.Errorf("%v", q)
	}
	if q := login(""); q.Get("error") != "access_denied" || q.Get("state") != "s" || q.Get("iss") != p.Issuer {
		t.Errorf("%v", q)
	}
	query.Del("code_challenge")
	query.Del("code_challenge_method")
	back, err := url.Parse(p.Login(t, oidcprovider.NewClient(), p.Issuer+"/auth?"+query.Encode(), "anna"))
	if err != nil || back.Query().Get("error") != "invalid_request" {
		t.Errorf("without PKCE: %v, %v", back, err)
	}

	before := kids(t, p)
	p.RotateKeys(t)
	if after := kids(t, p); len(before) != 1 || len(after) != 2 || after[1] != before[0] {
		t.Errorf("the keys %v became %v", before, after)
	}
	p.Down(t)
	if _, err := oidcprovider.NewClient().Get(p.Issuer); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("down: %v", err)
	}
	p.Up(t)
	kids(t, p)
	if p.AccountClaims("anna")["email"] != "anna@example.org" || p.AccountClaims("nobody") != nil {
		t.Error("the claims of the accounts are lost")
	}
}

// A provider does not outlive the process that started it.
func TestProviderDiesWithItsParent(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	child := exec.CommandContext(ctx, os.Args[0])
	child.Env = append(os.Environ(), parent+"=1")
	child.Stderr = os.Stderr
	stdout, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	issuer := strings.TrimSpace(line)
	get(t, issuer+"/jwks", &struct{}{})
	_ = child.Process.Kill()
	_ = child.Wait()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		response, err := oidcprovider.NewClient().Get(issuer)
		if errors.Is(err, syscall.ECONNREFUSED) {
			return
		}
		if err == nil {
			response.Body.Close()
		}
		if time.Now().After(deadline) {
			t.Fatal("the provider outlives its parent")
		}
	}
}
