package archtest

import (
	"strings"
	"testing"
)

// Each rule is shown to fail on a house that breaks it: a check that cannot
// fail guards nothing.
func TestCheckImports(t *testing.T) {
	own := func(folder string) string { return module + "/" + folder }
	for name, test := range map[string]struct {
		folder   string
		imported string
		want     string // part of the only violation; empty when it is allowed
	}{
		"a driver and its contract":       {"content/sqlitestore", own("content"), ""},
		"a driver and its library":        {"content/mongostore", "go.mongodb.org/mongo-driver/v2/mongo", ""},
		"the wiring and a backend":        {"cmd/prassi", own("content/mongostore"), ""},
		"words and declarations":          {"messages", own("schemas"), ""},
		"a command and its part":          {"cmd/prassi", own("cmd/prassi/serve"), ""},
		"the rules and the machine":       {"content", own("content/workflow"), ""},
		"the renderer and its citations":  {"content/markdown", own("content/markdown/citation"), ""},
		"anything and a tool":             {"schemas", own("internal/wordcount"), ""},
		"a tool and a tool":               {"internal/mongoengine/install", own("internal/mongoengine"), ""},
		"the framework in its place":      {"api", "github.com/gin-gonic/gin", ""},
		"the benchmark and all":           {"internal/bench", own("content/sqlitestore"), ""},
		"the benchmark and the framework": {"internal/bench", "github.com/gin-gonic/gin", ""},
		"the standard library":            {"content/workflow", "strings", ""},

		"up":                            {"content/workflow", own("content"), "imports go down only"},
		"up from the ground":            {"schemas", own("content/markdown"), "imports go down only"},
		"a tool that knows the content": {"internal/wordcount", own("content"), "imports go down only"},
		"driver to driver":              {"content/sqlitestore", own("content/storetest"), "imports go down only"},
		"read model to sessions":        {"catalog", own("auth"), "imports go down only"},
		"jobs to the API":               {"jobs", own("api"), "imports go down only"},
		"nowhere":                       {"helpers", "strings", "no place in the house"},
		"content to search":             {"content", own("search"), "imports go down only"},
		"content to the transport":      {"content", "net/http", "no transport"},
		"content to a profile":          {"content/markdown", "net/http/pprof", "no transport"},
		"content to the framework":      {"content", "github.com/gin-gonic/gin", "detail of api"},
		"content to SQL":                {"content", "database/sql", "SQL stays"},
		"catalogue to SQLite":           {"catalog", "modernc.org/sqlite", "SQL stays"},
		"SQLite's driver to MongoDB's":  {"content/sqlitestore", "go.mongodb.org/mongo-driver/v2/bson", "MongoDB stays"},
		"content to its words":          {"content", own("messages"), "imports go down only"},
		"catalogue to Bleve":            {"catalog", "github.com/blevesearch/bleve/v2", "Bleve stays"},
		"catalogue to Meilisearch":      {"catalog", "github.com/meilisearch/meilisearch-go", "Meilisearch stays"},
		"a clock in the workflow":       {"content/workflow", "time", "pure function"},
		"a context in the workflow":     {"content/workflow", "context", "pure function"},
		"testing in the program":        {"api", "testing", "test helpers"},
		"testing in a service":          {"jobs", "testing/fstest", "test helpers"},
		"log without levels":            {"jobs", "log", "better way"},
		"tokens by dice":                {"auth", "math/rand/v2", "crypto/rand"},
		"nonces by dice":                {"auth/oidc", "math/rand", "crypto/rand"},
		"ids of files by dice":          {"media", "math/rand/v2", "crypto/rand"},
		"the ledger's old dice":         {"audit", "math/rand", "crypto/rand"},
		"the ledger's pause":            {"audit", "math/rand/v2", ""},
		"decisions and HTTP":            {"content/access", "net/http", "no transport"},
		"decisions that wait":           {"content/access", "context", "pure function of what"},
		"decisions and time":            {"content/access", "time", ""},
		"tokens of others in api":       {"api", "github.com/coreos/go-oidc/v3/oidc", "one place"},
		"tokens of others in auth":      {"auth", "github.com/go-jose/go-jose/v4", "one place"},
		"tokens of others in cmd":       {"cmd/prassi", "golang.org/x/oauth2/clientcredentials", "one place"},
		"tokens of others in place":     {"auth/oidc", "golang.org/x/oauth2", ""},
		"a provider for tests":          {"internal/oidcprovider", "github.com/go-jose/go-jose/v4", ""},
		"files in api":                  {"api", "gocloud.dev/blob", "detail of media"},
		"files in their place":          {"media", "gocloud.dev/blob/s3blob", ""},
		"the wiring and a bucket":       {"cmd/prassi", "gocloud.dev/blob", ""},
		"the wiring and a kind of it":   {"cmd/prassi", "gocloud.dev/blob/s3blob", "media.OpenBucket"},
		"a decoder in the API":          {"api", "image/jpeg", "within its budget"},
		"a decoder in its place":        {"media", "golang.org/x/image/webp", ""},
		"a bill of materials":           {"internal/sbom/write", "github.com/CycloneDX/cyclonedx-go", ""},
		"a bill in the program":         {"cmd/prassi", "github.com/CycloneDX/cyclonedx-go", "beside the program"},
		"a browser in the program":      {"cmd/prassi", own("internal/browser"), "must not carry"},
		"a provider in the API":         {"api", own("internal/oidcprovider"), "must not carry"},
		"the leak test in the ledger":   {"audit", own("internal/leak"), "must not carry"},
		"a tool's own tool":             {"internal/browser", own("internal/npmcache"), ""},
		"a tool that ships":             {"api", own("internal/csvcell"), ""},
		"another YAML":                  {"schemas", "gopkg.in/yaml.v3", "one YAML library"},
	} {
		t.Run(name, func(t *testing.T) {
			got := CheckImports([]Package{{Folder: test.folder, Imports: []string{test.imported}}})
			switch {
			case test.want == "" && len(got) > 0:
				t.Fatalf("refused: %q", got)
			case test.want != "" && len(got) != 1:
				t.Fatalf("got %q, want one violation with %q", got, test.want)
			case test.want != "" && !strings.Contains(got[0], test.want):
				t.Fatalf("got %q, want %q", got[0], test.want)
			}
		})
	}

	// These break two rules at once: the layer and the engine's own.
	for _, p := range []Package{
		{"api", []string{own("content/sqlitestore")}},
		{"jobs", []string{own("content/mongostore")}},
		{"cmd/prassi", []string{own("internal/mongoengine")}},
	} {
		if got := CheckImports([]Package{p}); len(got) == 0 {
			t.Errorf("%s may import %s", p.Folder, p.Imports)
		}
	}
}

func TestEveryRuleHasAReason(t *testing.T) {
	for _, rule := range importRules {
		if rule.reason == "" || len(rule.forbidden) == 0 {
			t.Errorf("a rule without a reason: %+v", rule)
		}
	}
	for _, rule := range nameRules {
		if rule.reason == "" || rule.pkg == "" || (len(rule.names) == 0) == (len(rule.but) == 0) {
			t.Errorf("a rule without a reason: %+v", rule)
		}
	}
	for _, rule := range wordRules {
		if rule.reason == "" || len(rule.only) == 0 || len(rule.selectors)+len(rule.literals) == 0 {
			t.Errorf("a rule without a reason: %+v", rule)
		}
	}
	for _, rule := range fileRules {
		if rule.reason == "" {
			t.Errorf("a rule without a reason: %s", rule.pattern)
		}
	}
}

func TestCheckSource(t *testing.T) {
	for name, test := range map[string]struct {
		file, source string
		want         int
	}{
		"the default client":       {"jobs/a.go", `import "net/http"; var c = http.DefaultClient`, 1},
		"under another name":       {"jobs/a.go", `import web "net/http"; var f = web.Get`, 1},
		"twice":                    {"jobs/a.go", `import "net/http"; var f, g = http.Get, http.Post`, 2},
		"a dot import":             {"jobs/a.go", `import . "net/http"; var c = DefaultClient`, 1},
		"a client of one's own":    {"jobs/a.go", `import "net/http"; var c = &http.Client{}`, 1},
		"a new client":             {"jobs/a.go", `import "net/http"; var c = new(http.Client)`, 1},
		"a client as a value":      {"jobs/a.go", `import "net/http"; type t struct{ c http.Client }`, 1},
		"a client that was given":  {"jobs/a.go", `import "net/http"; func f(c *http.Client) *http.Client { return c }`, 0},
		"a transport":              {"api/a.go", `import web "net/http"; var c web.RoundTripper = &web.Transport{}`, 1},
		"the one client":           {"outgoing/a.go", `import "net/http"; var c = &http.Client{Transport: &http.Transport{}}`, 0},
		"a tool's client":          {"internal/endure/a.go", `import "net/http"; var c = &http.Client{}`, 0},
		"a connection":             {"auth/oidc/a.go", `import "net"; var c, err = net.Dial("tcp", "x:1")`, 1},
		"a dialer":                 {"jobs/a.go", `import "net"; var d net.Dialer`, 1},
		"a pointer to a dialer":    {"jobs/a.go", `import "net"; var d *net.Dialer`, 1},
		"a connection with TLS":    {"jobs/a.go", `import "crypto/tls"; var c, err = tls.Dial("tcp", "x:1", nil)`, 1},
		"a listener":               {"api/a.go", `import "net"; var l, err = net.Listen("tcp", ":0")`, 0},
		"another package's Get":    {"jobs/a.go", `import http "example.org/http"; var c = http.Get`, 0},
		"a test":                   {"jobs/a_test.go", `import "net/http"; var c = http.Get`, 0},
		"escaping off":             {"api/a.go", `import "html/template"; var h = template.HTML("x")`, 1},
		"escaping off in its site": {"site/a.go", `import "html/template"; var h = template.HTML("x")`, 0},
		"text templates":           {"api/a.go", `import "text/template"; var h = template.New("x")`, 0},
		"a library that exits":     {"jobs/a.go", `import "os"; func f() { os.Exit(1) }`, 1},
		"a suite's child":          {"content/storetest/a.go", `import "os"; func f() { os.Exit(1) }`, 0},
		"a decision's clock":       {"content/access/a.go", `import "time"; var t = time.Now()`, 1},
		"a decision's time":        {"content/access/a.go", `import "time"; var t time.Time; var d time.Duration`, 0},
		"a clock elsewhere":        {"content/a.go", `import "time"; var t = time.Now()`, 0},
		"a pause by dice":          {"audit/a.go", `import "math/rand/v2"; var n = rand.N(5)`, 0},
		"an id by dice":            {"audit/a.go", `import "math/rand/v2"; var n = rand.Uint64()`, 1},
		"a decoder":                {"cmd/prassi/a.go", `import "image/png"; var f = png.Decode`, 1},
		"an encoder":               {"cmd/prassi/a.go", `import "image/png"; var f = png.Encode`, 0},
		"a broken hash":            {"media/a.go", `import "crypto/md5"; var n = md5.Sum(nil)`, 1},
		"a version that is over":   {"outgoing/a.go", `import "crypto/tls"; var v = tls.VersionTLS10`, 1},
		"asking for a role":        {"api/a.go", `func f() bool { return s.service.Holds(a, "x") }`, 1},
		"asking in the service":    {"content/a.go", `func f() bool { return s.Holds(a, "editor") }`, 0},
		"a role in the API":        {"api/a.go", `func f(r string) bool { return r == "editor" }`, 1},
		"a role in raw quotes":     {"api/a.go", "func f(r string) bool { return r == `administrator` }", 1},
		"a word with a role in it": {"api/a.go", `var s = "the editor of a text"`, 0},
		"a role in a test":         {"api/a_test.go", `var s = "editor"`, 0},
		"a command that exits":     {"cmd/prassi/a.go", `import "os"; func f() { os.Exit(1) }`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := CheckSource(test.file, []byte("package p; "+test.source))
			if err != nil || len(got) != test.want {
				t.Fatalf("got %q, %v; want %d violations", got, err, test.want)
			}
		})
	}
	if _, err := CheckSource("jobs/a.go", []byte("package")); err == nil {
		t.Fatal("a file that does not parse was let through")
	}
}

func TestCheckFile(t *testing.T) {
	// Put together here, so that this file passes its own test.
	at := func(parts ...string) string { return "/" + strings.Join(parts, "/") }
	for name, test := range map[string]struct {
		content string
		bad     bool
	}{
		"a path of the workplace":     {"see " + at("wo"+"rk", "main/x"), true},
		"a home folder":               {`"` + at("ho"+"me", "anna", "src") + `"`, true},
		"an administrator's folder":   {"x=" + at("ro"+"ot", ".cache"), true},
		"a folder of that name below": {"/var/lib/wo" + "rk/x", false},
		"a relative path":             {"../shared/data/seeds", false},
		"an address":                  {"https://example.org/ro" + "ot/x", false},
		"a registry":                  {"https://regis" + "try.npmjs.org/x", true},
		"the module proxy":            {"GOPROXY=https://pro" + "xy.golang.org", true},
		"a lock file's address":       {`  "resol` + `ved": "https://example.org/x.tgz",`, true},
		"a conflict":                  {"a\n<<<<<<" + "< HEAD\nb", true},
		"a key":                       {"-----BEGIN EC PRIV" + "ATE KEY-----", true},
		"plain text":                  {"Buone pratiche / good practices", false},
	} {
		t.Run(name, func(t *testing.T) {
			got := CheckFile("docs/x.md", []byte(test.content))
			if bad := len(got) > 0; bad != test.bad {
				t.Fatalf("got %q", got)
			}
		})
	}
}
