package leak

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// mode makes TestChild, in a child process under Main, leak on purpose.
const mode = "LEAK_TEST_MODE"

// word is the secret of the child; wellFormedToken has the shape and the checksum
// of an API token.
var (
	word            = strings.Repeat("Zq7-/parola ", 2) + "è"
	wellFormedToken = "prassi_" + strings.Repeat("a", 63) + "1AzEFq"
)

func TestMain(m *testing.M) { Main(m) }

func TestChild(t *testing.T) {
	leaks := map[string]func(){
		"":           func() {},
		"log":        func() { Logger().Debug("request", "authorization", "Bearer "+word) },
		"default":    func() { slog.Info("request", "url", "/x?token="+url.QueryEscape(word)) },
		"basic":      func() { fmt.Fprintf(Log(), "Basic %s\n", base64.StdEncoding.EncodeToString([]byte("user:"+word))) },
		"output":     func() { fmt.Println("here:", word) },
		"error":      func() { fmt.Fprintln(os.Stderr, "here:", word) },
		"token":      func() { Logger().Info("made", "token", wellFormedToken) },
		"not token":  func() { Logger().Info("made", "token", strings.Replace(wellFormedToken, "a1", "b1", 1)) },
		"told later": func() { fmt.Fprintln(Log(), "x", word) },
	}
	leaks[os.Getenv(mode)]()
	Secret(word)
	if os.Getenv(mode) == "" {
		fmt.Println("passed on")
	}
}

func TestRunFailsOnALeak(t *testing.T) {
	for name, test := range map[string]struct {
		want string // in the report; empty for none
	}{
		"log":        {"log, line 1: the secret of leak_test.go:"},
		"default":    {"escaped for an address"},
		"basic":      {"in base64"},
		"output":     {"standard output, line 1: the secret of leak_test.go:"},
		"error":      {"standard error, line 1: the secret of leak_test.go:"},
		"token":      {`an API token, after "time=`},
		"told later": {`the secret of leak_test.go:`},
		"not token":  {""},
		"":           {""},
	} {
		t.Run(name, func(t *testing.T) {
			child := exec.Command(os.Args[0], "-test.run=^TestChild$")
			child.Env = append(os.Environ(), mode+"="+name)
			output, err := child.CombinedOutput()
			report := string(output)
			if test.want == "" {
				if err != nil || strings.Contains(report, "LEAK") || name == "" && !strings.Contains(report, "passed on") {
					t.Errorf("%v: %s", err, report)
				}
				return
			}
			if err == nil || child.ProcessState.ExitCode() != 1 || !strings.Contains(report, "LEAK: ") || !strings.Contains(report, test.want) {
				t.Errorf("%v: %s", err, report)
			}
			if at := strings.Index(report, "LEAK: "); at >= 0 && len(newNet(map[string]string{word: ""}).search(output[at:])) > 0 {
				t.Errorf("the report shows the secret: %s", report)
			}
		})
	}
}

// TestEveryFormIsFound writes a secret in every form into any text.
func TestEveryFormIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.StringN(MinSecret, 60, -1).Draw(t, "secret")
		before := rapid.String().Draw(t, "before")
		after := rapid.String().Draw(t, "after")
		encoded, err := json.Marshal(secret)
		if err != nil {
			t.Fatal(err)
		}
		long := []byte(before + secret + after)
		text := rapid.SampledFrom([]string{
			string(long),
			before + hex.EncodeToString([]byte(secret)) + after,
			before + fmt.Sprintf("%X", secret) + after,
			before + url.QueryEscape(secret) + after,
			before + url.PathEscape(secret) + after,
			before + html.EscapeString(secret) + after,
			before + strconv.Quote(secret) + after,
			before + string(encoded) + after,
			base64.StdEncoding.EncodeToString(long),
			base64.URLEncoding.EncodeToString(long),
			base64.RawURLEncoding.EncodeToString([]byte(secret)),
		}).Draw(t, "text")
		k := keeper{}
		k.add(secret, "x_test.go:1")
		if _, err := k.stream("log").Write([]byte("first line\n" + text)); err != nil {
			t.Fatal(err)
		}
		found := k.search()
		if len(found) == 0 {
			t.Fatalf("not found in %q", text)
		}
	})
}

func TestIsToken(t *testing.T) {
	for s, want := range map[string]bool{
		wellFormedToken: true, wellFormedToken + "x": false, " " + wellFormedToken: false,
		wellFormedToken[1:]: false, strings.ToUpper(wellFormedToken): false, "": false,
	} {
		if IsToken(s) != want {
			t.Errorf("%q: %v", s, !want)
		}
	}
}

func TestOthersAreMasked(t *testing.T) {
	k := keeper{}
	k.add("first-secret-1", "a_test.go:1")
	k.add("second-secret-2", "b_test.go:2")
	fmt.Fprintln(k.stream("log"), "ok\nuser=first-secret-1 key=second-secret-2")
	want := []string{
		`log, line 2: the secret of a_test.go:1, after "user="`,
		`log, line 2: the secret of b_test.go:2, after "user=[secret] key="`,
	}
	if found := k.search(); len(found) != 2 || found[0] != want[0] || found[1] != want[1] {
		t.Errorf("%q", found)
	}
}

func TestShortSecretsAreRefused(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("accepted")
		}
	}()
	Secret("short")
}
