package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/auth/oidc"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/markdown"
	"github.com/prassi-cms/prassi/internal/secret"
	"github.com/prassi-cms/prassi/schemas"
)

// These tests keep the README and the guides in docs/ true: what they tell
// people to type is typed here, and what they say is answered is compared. In
// the answers that they print "…" stands for anything, and an object may have
// more keys than are shown.

func document(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// blocks gives the code blocks of one language in a document.
func blocks(text, language string) []string {
	var out []string
	for _, m := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(text, -1) {
		out = append(out, m[1])
	}
	return out
}

// alike says where got differs from what a document shows, or "".
func alike(want, got any, path string) string {
	if want == "…" {
		return ""
	}
	switch want := want.(type) {
	case map[string]any:
		object, ok := got.(map[string]any)
		if !ok {
			return fmt.Sprintf("%s: %v is no object", path, got)
		}
		for _, key := range slices.Sorted(maps.Keys(want)) {
			value, there := object[key]
			if !there {
				return fmt.Sprintf("%s has no %q", path, key)
			}
			if diff := alike(want[key], value, path+"/"+key); diff != "" {
				return diff
			}
		}
		return ""
	case []any:
		list, ok := got.([]any)
		if !ok {
			return fmt.Sprintf("%s: %v is no list", path, got)
		}
		n := len(want)
		open := n > 0 && want[n-1] == "…"
		if open {
			n--
		}
		if len(list) < n || len(list) > n && !open {
			return fmt.Sprintf("%s has %d entries, the document shows %d", path, len(list), n)
		}
		for i := range n {
			if diff := alike(want[i], list[i], fmt.Sprintf("%s/%d", path, i)); diff != "" {
				return diff
			}
		}
		return ""
	case string:
		if text, ok := got.(string); ok && alikeText(want, text) {
			return ""
		}
	default:
		if want == got {
			return ""
		}
	}
	return fmt.Sprintf("%s is %v, the document shows %v", path, got, want)
}

// alikeText compares text in which "…" stands for any run.
func alikeText(want, got string) bool {
	quoted := strings.ReplaceAll(regexp.QuoteMeta(want), "…", "(?s:.*)")
	return regexp.MustCompile("^" + quoted + "$").MatchString(got)
}

func decodeJSON(t *testing.T, what, text string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%s: %v\n%s", what, err, text)
	}
	return v
}

// TestReadmeMainJob runs the lines of the README's main job with bash, on a
// demo of its own: only the address and the data folder are exchanged. Then come
// those about what the public sees, in the same folder.
func TestReadmeMainJob(t *testing.T) {
	readme := document(t, "README.md")
	shell := blocks(readme, "sh")
	if len(shell) != 3 || !strings.HasPrefix(shell[0], "make run ") || !strings.Contains(shell[0], "\nmake test ") {
		t.Fatalf("the README begins with make run and make test, then has the main job and what the public sees: %q", shell)
	}
	if n := len(regexp.MustCompile(`(?m)^(?:\w+=\S*\$\()?curl `).FindAllString(shell[1], -1)); n != 5 {
		t.Errorf("the main job has %d curl lines, not 5", n)
	}
	for _, program := range []string{"bash", "curl"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("%v: the main job needs it (apt-get install %s)", err, program)
		}
	}
	// TestMain leaves this binary in PATH as prassi.
	prassi, err := exec.LookPath("prassi")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	data := filepath.Join(folder, "data", "elsewhere")
	if err := os.Mkdir(filepath.Join(folder, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(prassi, filepath.Join(folder, "bin", "prassi")); err != nil {
		t.Fatal(err)
	}
	r := start(t, "--demo", "--data", data)

	exchange := strings.NewReplacer("http://127.0.0.1:8080", r.base, "data/demo", data)
	script := exchange.Replace(shell[1])
	if strings.Count(shell[1], "http://127.0.0.1:8080") != 1 || strings.Count(shell[1], "data/demo") != 1 {
		t.Fatal("the address and the data folder stand in the lines once each")
	}
	bash := func(script string) (stdout, stderr bytes.Buffer) {
		run := exec.Command("bash", "-euo", "pipefail", "-c", script)
		run.Dir = folder
		run.Env = append(os.Environ(), "HOME="+folder, "HOST="+r.base, "PRASSI_LANG=en", "no_proxy=127.0.0.1")
		run.Stdout, run.Stderr = &stdout, &stderr
		if err := run.Run(); err != nil {
			t.Fatalf("%v\n%s%s", err, stdout.String(), stderr.String())
		}
		return stdout, stderr
	}
	stdout, stderr := bash(script)
	printed, shown := json.NewDecoder(&stdout), blocks(readme, "json")
	if len(shown) != 2 {
		t.Fatalf("the README shows %d answers, not 2", len(shown))
	}
	for i, want := range shown {
		var got any
		if err := printed.Decode(&got); err != nil {
			t.Fatalf("answer %d: %v\n%s", i+1, err, stderr.String())
		}
		if diff := alike(decodeJSON(t, "README.md", want), got, ""); diff != "" {
			t.Errorf("answer %d: %s", i+1, diff)
		}
	}
	if rest, _ := io.ReadAll(printed.Buffered()); len(bytes.TrimSpace(rest)) > 0 {
		t.Errorf("more is printed than the README shows: %s", rest)
	}

	seen, _ := bash(exchange.Replace(shell[2]))
	for _, want := range []string{"Il permesso per lavoro</h1>", "<title", "SUMMARY", "Pages: "} {
		if !strings.Contains(seen.String(), want) {
			t.Errorf("what the public sees has no %q:\n%s", want, seen.String())
		}
	}
	if _, err := os.Stat(filepath.Join(folder, "data", "site", "it", "articles", "permesso-per-lavoro", "index.html")); err != nil {
		t.Error(err)
	}
	widget := blocks(readme, "html")
	if len(widget) != 1 {
		t.Fatalf("%d examples in HTML, not 1", len(widget))
	}
	for _, m := range regexp.MustCompile(`(?:src|href)="([^"]*)"`).FindAllStringSubmatch(widget[0], -1) {
		res, err := http.Get(exchange.Replace(m[1]))
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if kind := res.Header.Get("Content-Type"); res.StatusCode != http.StatusOK || strings.Contains(m[0], "src=") != strings.HasPrefix(kind, "text/javascript") {
			t.Errorf("%s: %s, %s", m[1], res.Status, kind)
		}
	}
}

// TestReadmeListsEveryCommand holds the table of commands against the program.
func TestReadmeListsEveryCommand(t *testing.T) {
	var out, stderr lockedBuffer
	if code := Main(t.Context(), []string{"--help"}, strings.NewReader(""), &out, &stderr); code != 0 {
		t.Fatalf("%d: %s", code, stderr.String())
	}
	_, list, _ := strings.Cut(out.String(), "Commands:\n")
	var have []string
	for _, m := range regexp.MustCompile(`(?m)^  ([a-z]+)`).FindAllStringSubmatch(list, -1) {
		have = append(have, m[1])
	}
	var told []string
	for _, m := range regexp.MustCompile("(?m)^\\| `prassi ([a-z]+)").FindAllStringSubmatch(document(t, "README.md"), -1) {
		told = append(told, m[1])
	}
	slices.Sort(have)
	slices.Sort(told)
	have = slices.DeleteFunc(slices.Compact(have), func(s string) bool { return s == "version" })
	if told = slices.Compact(told); !slices.Equal(have, told) {
		t.Errorf("the program has %q, the README tells of %q", have, told)
	}
}

// TestOperatorsListEverySetting holds the table of settings against the help.
func TestOperatorsListEverySetting(t *testing.T) {
	var out, stderr lockedBuffer
	if code := Main(t.Context(), []string{"serve", "--help"}, strings.NewReader(""), &out, &stderr); code != 0 {
		t.Fatalf("%d: %s", code, stderr.String())
	}
	have, flag := map[string]string{}, ""
	for _, m := range regexp.MustCompile(`(?m)^ +(?:-\w, +)?--([a-z-]+)|\$(PRASSI_[A-Z_]+)`).FindAllStringSubmatch(out.String(), -1) {
		if m[1] != "" {
			flag = m[1]
		} else {
			have[flag] = m[2]
		}
	}
	told := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `--([a-z-]+)[^`]*` \\| `(PRASSI_[A-Z_]+)`").FindAllStringSubmatch(document(t, "docs/operators.md"), -1) {
		told[m[1]] = m[2]
	}
	if len(have) < 5 || !maps.Equal(have, told) {
		t.Errorf("the program has\n%v\ndocs/operators.md tells of\n%v", have, told)
	}
}

// TestOperatorsProviders reads the example of several providers, and gives the
// roles that it shows.
func TestOperatorsProviders(t *testing.T) {
	examples := blocks(document(t, "docs/operators.md"), "yaml")
	if len(examples) != 1 {
		t.Fatalf("%d examples in YAML, not 1", len(examples))
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	pemKey := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	configs, err := oidc.ReadConfig("operators.md", []byte(examples[0]), func(name string) (secret.Value, error) {
		if strings.HasSuffix(name, ".pem") {
			return secret.New(pemKey), nil
		}
		return secret.New("a secret"), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(configs) != 3 {
		t.Errorf("%d providers", len(configs))
	}
	for _, c := range configs {
		for _, roles := range c.Roles {
			for _, role := range roles {
				if _, err := content.ParseGrant(strings.ReplaceAll(role, "*", "PO"), schemas.Default().Territories()); err != nil {
					t.Errorf("%s: %s: %v", c.Name, role, err)
				}
			}
		}
	}
}

// TestOperatorsRetention holds the table of what is kept how long against the
// declaration.
func TestOperatorsRetention(t *testing.T) {
	var told []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| (\\d+ days?|for ever) \\|").FindAllStringSubmatch(document(t, "docs/operators.md"), -1) {
		age := strings.Fields(m[2])[0] + "d"
		if m[2] == "for ever" {
			age = "never"
		}
		told = append(told, m[1]+"="+age)
	}
	if have := audit.DefaultRetention().String(); strings.Join(told, ",") != have {
		t.Errorf("it is %s, the guide tells of %s", have, told)
	}
}

// TestOperatorsMetrics sees that the figures the guide tells to watch exist.
func TestOperatorsMetrics(t *testing.T) {
	r := start(t, "--data", filepath.Join(t.TempDir(), "data"))
	var have []byte
	for range 2 { // requests are counted once there was one
		res, err := http.Get(r.base + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		have, err = io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
	}
	told := regexp.MustCompile("`((?:prassi|process)_[a-z_]+)`").FindAllStringSubmatch(document(t, "docs/operators.md"), -1)
	if len(told) < 5 {
		t.Fatalf("only %d metrics in the guide", len(told))
	}
	for _, m := range told {
		if !bytes.Contains(have, []byte("\n# TYPE "+m[1]+" ")) {
			t.Errorf("there is no metric %s", m[1])
		}
	}
}

// httpExchange is a request and its answer as the guide for integrators shows
// them.
type httpExchange struct {
	method, path, body string
	header             [][2]string
	status             string
	answer             [][2]string
	answerBody         string
}

func parseExchange(t *testing.T, block string) httpExchange {
	t.Helper()
	asked, answered, ok := strings.Cut(block, "\n\nHTTP/1.1 ")
	if !ok {
		t.Fatalf("no answer in\n%s", block)
	}
	head := func(text string) (first string, fields [][2]string, body string) {
		top, body, _ := strings.Cut(text, "\n\n")
		lines := strings.Split(strings.TrimSpace(top), "\n")
		for _, line := range lines[1:] {
			name, value, ok := strings.Cut(line, ": ")
			if !ok {
				t.Fatalf("no header: %q", line)
			}
			fields = append(fields, [2]string{name, value})
		}
		return lines[0], fields, strings.TrimSpace(body)
	}
	var x httpExchange
	var first string
	first, x.header, x.body = head(asked)
	words := strings.Fields(first)
	if len(words) != 3 || words[2] != "HTTP/1.1" {
		t.Fatalf("no request line: %q", first)
	}
	x.method, x.path = words[0], words[1]
	x.status, x.answer, x.answerBody = head(answered)
	return x
}

// TestIntegratorsRequests sends every request of the guide to a demo, in order,
// and compares the answers. In requests "…" stands for what an earlier answer
// gave: an ETag, a cursor, the {id} of a new document; or for a token.
func TestIntegratorsRequests(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	r := start(t, "--demo", "--data", data)
	var token, stderr lockedBuffer
	if code := Main(t.Context(), []string{"token", "create", "--data", data, "--role", "editor"}, strings.NewReader(""), &token, &stderr); code != 0 {
		t.Fatal(stderr.String())
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	var etag, id, cursor string
	guide := blocks(document(t, "docs/integrators.md"), "http")
	if len(guide) < 10 {
		t.Fatalf("only %d requests in the guide", len(guide))
	}
	for _, block := range guide {
		x := parseExchange(t, block)
		what := x.method + " " + x.path
		path := strings.NewReplacer("{id}", id, "cursor=…", "cursor="+cursor).Replace(x.path)
		send := func() (*http.Response, string) {
			req, err := http.NewRequestWithContext(t.Context(), x.method, r.base+path, strings.NewReader(x.body))
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			req.Header.Set("Accept-Encoding", "identity")
			for _, h := range x.header {
				value := strings.ReplaceAll(h[1], "Bearer …", "Bearer "+strings.TrimSpace(token.String()))
				req.Header.Set(h[0], strings.ReplaceAll(value, `"…"`, etag))
			}
			res, err := client.Do(req)
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			defer res.Body.Close()
			body, err := io.ReadAll(res.Body)
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			return res, string(body)
		}
		res, body := send()
		if !strings.Contains(x.path, "/manage/") && res.StatusCode == http.StatusNotFound && !strings.HasPrefix(x.status, "404") {
			// What was published just now is there in a moment.
			eventually(t, what, func() bool {
				res, body = send()
				return res.StatusCode != http.StatusNotFound
			})
		}
		if res.Status != x.status {
			t.Fatalf("%s: %s, the guide shows %s\n%s", what, res.Status, x.status, body)
		}
		for _, h := range x.answer {
			if got := res.Header.Get(h[0]); !alikeText(h[1], got) {
				t.Errorf("%s: %s is %q, the guide shows %q", what, h[0], got, h[1])
			}
		}
		if strings.HasPrefix(x.answerBody, "{") {
			if diff := alike(decodeJSON(t, what, x.answerBody), decodeJSON(t, what, body), ""); diff != "" {
				t.Errorf("%s: %s", what, diff)
			}
		}
		if h := res.Header.Get("ETag"); h != "" {
			etag = h
		}
		if _, after, ok := strings.Cut(res.Header.Get("Location"), "/documents/"); ok {
			id, _, _ = strings.Cut(after, "/")
		}
		if m := regexp.MustCompile(`"next":"[^"]*\bcursor=([^"&]+)`).FindStringSubmatch(body); m != nil {
			cursor = m[1]
		}
	}
}

// TestEditorsGuides sees that both languages of the guide say the same, name the
// states and steps as the program does, and show Markdown that works.
func TestEditorsGuides(t *testing.T) {
	workflows, err := content.LoadWorkflows(schemas.Default())
	if err != nil {
		t.Fatal(err)
	}
	practice := workflows["practice"]
	practiceType, ok := schemas.Default().Type("practice")
	if !ok {
		t.Fatal("no practices")
	}
	shape := map[string][]int{}
	for locale, file := range map[string]string{"en": "docs/editors.md", "it": "docs/editors.it.md"} {
		text := document(t, file)
		flowing := strings.Join(strings.Fields(text), " ")
		for _, s := range practice.States {
			if !strings.Contains(flowing, "**"+s.Label[locale]+"**") {
				t.Errorf("%s does not name the state %q", file, s.Label[locale])
			}
		}
		for _, tr := range practice.Transitions {
			if !strings.Contains(flowing, "*"+tr.Label[locale]+"*") {
				t.Errorf("%s does not name the step %q", file, tr.Label[locale])
			}
		}
		var keeps, required []string
		for _, f := range practiceType.Fields {
			label := strings.ToLower(f.Label.In(locale))
			if !f.Voids() {
				keeps = append(keeps, label)
			}
			if f.Required != "" {
				required = append(required, label)
			}
		}
		if list := ": " + strings.Join(required, ", ") + "."; !strings.Contains(flowing, list) {
			t.Errorf("%s does not list what must be there%s", file, list)
		}
		if row := "| " + strings.Join(keeps, ", ") + " |"; !strings.Contains(flowing, row) {
			t.Errorf("%s does not have the row of what keeps an opinion: %s", file, row)
		}
		var html string
		examples := blocks(text, "markdown")
		for _, example := range examples {
			res, err := markdown.Render([]byte(example), markdown.Options{Locale: locale})
			if err != nil {
				t.Fatalf("%s: %v\n%s", file, err, example)
			}
			html += res.HTML
		}
		for _, want := range []string{"<h2", "<strong>", "<em>", "<ul>", "<ol>", "<table>", `class="callout callout-warning"`, "<figure>", "<figcaption>", `class="footnote-ref"`, `class="ref"`, "<blockquote>"} {
			if !strings.Contains(html, want) {
				t.Errorf("%s: no example gives %s", file, want)
			}
		}
		count := func(pattern string) int { return len(regexp.MustCompile(pattern).FindAllString(text, -1)) }
		shape[locale] = []int{count(`(?m)^#+ `), count("(?m)^```"), count(`(?m)^\| `), count(`(?m)^- `), count(`(?m)^\d+\. `), len(examples)}
	}
	if !slices.Equal(shape["en"], shape["it"]) {
		t.Errorf("headings, blocks, table rows, list items, steps, examples: English has %v, Italian %v", shape["en"], shape["it"])
	}
}
