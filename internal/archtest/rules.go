// Package archtest keeps the house in order: its test reads the import graph,
// the source and the committed files, and fails when one of the rules of
// docs/ARCHITECTURE.md is broken.
//
//	go list ──▶ []Package ──▶ CheckImports   which package may know which
//	*.go    ──▶ source    ──▶ CheckSource    names that only one place may use
//	git     ──▶ files     ──▶ CheckFile      nothing of one machine in a commit
//
// Every rule is a row of a table in this file with the reason for it. A rule
// that turns out to be wrong is changed here, with a decision record, never
// worked around. Tests (_test.go) may reach anywhere: they show that the parts
// fit.
package archtest

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// module is the prefix of our own import paths.
const module = "github.com/prassi-cms/prassi"

// layers is the house from the ground up. A package imports only packages of
// lower layers, so there is one way down and no cycle of meaning; packages of
// one layer do not know each other, so a driver or a consumer can be replaced
// alone. A name that ends in /... stands for the folder and all below it.
var layers = [][]string{
	{"internal/..."}, // tools that know nothing of the content
	{"schemas", "outgoing"},
	{"content/access", "content/markdown/citation", "geo", "hours", "interchange/hsds"},
	{"content/workflow"},
	{"content/markdown"},
	{"content", "search", "messages"}, // content says codes, messages says them in words
	{"audit"},
	{
		"content/sqlitestore", "content/mongostore", "content/storetest",
		"search/bleveindex", "search/meiliindex", "search/searchtest", "search/golden",
		"catalog", "interchange", "auth", "auth/oidc", "media", "mail", "duplicates",
		"partners", "site/release", "site/card",
	},
	{"jobs", "search/feed", "freshness", "opendata", "feeds", "webhooks", "interchange/generators"},
	{"site", "widgets"},
	{"site/publish", "site/target"},
	{"api", "admin"},
	{"internal/endure"}, // drives the built program from outside
	{"cmd/...", "internal/bench/..."},
}

// importRule forbids imports (our own packages by their folder, others by their
// path; /... for all below) to the packages of, or to every package but those
// of, a list.
type importRule struct {
	forbidden []string
	to        []string // the packages that must not; empty means every package
	except    []string // the packages that may
	reason    string
}

// backends are the packages that only the wiring may name.
var backends = []string{
	"content/sqlitestore", "content/mongostore", "search/bleveindex", "search/meiliindex",
}

var importRules = []importRule{
	{
		forbidden: []string{"github.com/gin-gonic/...", "github.com/gin-contrib/..."},
		except:    []string{"api", "internal/bench/..."},
		reason:    "the web framework is a detail of api (the benchmark measures against it)",
	},
	{
		forbidden: backends,
		except:    []string{"cmd/...", "internal/bench/..."},
		reason:    "only the wiring knows which engines there are; everything else knows the contract",
	},
	{
		forbidden: []string{"modernc.org/sqlite/...", "database/sql/..."},
		except:    []string{"content/sqlitestore", "internal/bench/..."},
		reason:    "SQL stays in its driver (the benchmark's ceiling is a bare insert)",
	},
	{
		forbidden: []string{"go.mongodb.org/..."},
		except:    []string{"content/mongostore"},
		reason:    "MongoDB stays in its driver",
	},
	{
		forbidden: []string{"github.com/blevesearch/..."},
		except:    []string{"search/bleveindex"},
		reason:    "Bleve stays in its driver",
	},
	{
		forbidden: []string{"github.com/meilisearch/..."},
		except:    []string{"search/meiliindex"},
		reason:    "Meilisearch stays in its driver",
	},
	{
		forbidden: []string{"github.com/wneessen/...", "net/smtp"},
		except:    []string{"mail"},
		reason:    "messages leave by one way, which lets no line end into a header",
	},
	{
		forbidden: []string{"github.com/emersion/...", "github.com/piprate/..."},
		reason:    "they check in tests what the program sends and writes",
	},
	{
		forbidden: []string{"github.com/arran4/..."},
		except:    []string{"internal/feedcheck"},
		reason:    "it checks in tests the calendars that feeds writes",
	},
	{
		forbidden: []string{"github.com/coreos/go-oidc/...", "golang.org/x/oauth2/...", "github.com/go-jose/..."},
		except:    []string{"auth/oidc", "internal/..."},
		reason:    "tokens of others are read in one place, which checks what these libraries do not",
	},
	{
		forbidden: []string{"gocloud.dev/...", "github.com/aws/..."},
		except:    []string{"media", "site/target", "cmd/..."},
		reason:    "where files lie is a detail of media and of a site's targets (the wiring closes the bucket that media opened)",
	},
	{
		forbidden: []string{"gocloud.dev/blob/fileblob", "gocloud.dev/blob/memblob", "gocloud.dev/blob/s3blob", "github.com/aws/..."},
		to:        []string{"cmd/..."},
		reason:    "which buckets there are is a detail of media.OpenBucket",
	},
	{
		forbidden: []string{"image/gif", "image/jpeg", "golang.org/x/image/...", "github.com/deepteams/webp/...", "github.com/gabriel-vasile/mimetype/..."},
		except:    []string{"media", "site/card", "internal/..."}, // site/card draws, and the next rule lets it decode nothing
		reason:    "strangers' pictures are decoded in one place, within its budget",
	},
	{
		forbidden: []string{"image/gif", "image/jpeg", "golang.org/x/image/bmp", "golang.org/x/image/tiff/...", "golang.org/x/image/webp", "github.com/deepteams/webp/...", "github.com/gabriel-vasile/mimetype/..."},
		to:        []string{"site/card"},
		reason:    "it draws pictures and reads none",
	},
	{
		forbidden: []string{"github.com/CycloneDX/...", "github.com/google/licensecheck/..."},
		except:    []string{"internal/sbom/..."},
		reason:    "the bill of materials is made beside the program, not by it",
	},
	{
		forbidden: []string{"github.com/evanw/esbuild/..."},
		except:    []string{"internal/assets"},
		reason:    "scripts are bundled before the program is built, not by it",
	},
	{
		forbidden: []string{"net/http/...", "net", "net/rpc/...", "html/template"},
		to:        []string{"messages", "schemas", "content", "content/access", "content/workflow", "content/markdown/...", "search", "audit"},
		reason:    "the rules are the same for every caller; they know no transport and no page",
	},
	{
		forbidden: []string{"context", "time", "math/rand/...", "crypto/rand", "os", "io/fs"},
		to:        []string{"content/workflow"},
		reason:    "the workflow is a pure function: no clock, no store, no chance",
	},
	{
		forbidden: []string{"context", "math/rand/...", "crypto/rand", "os", "io/fs", "sync/..."},
		to:        []string{"content/access"},
		reason:    "who may is a pure function of what it is given: no clock, no store, no chance",
	},
	{
		forbidden: []string{"math/rand/..."},
		to:        []string{"content", "content/access", "auth/...", "media", "outgoing", "api", "internal/secret"},
		reason:    "identifiers, tokens and nonces come from crypto/rand",
	},
	{
		forbidden: []string{"math/rand"}, // of the second version the name rules let one function through
		to:        []string{"audit"},
		reason:    "identifiers come from crypto/rand",
	},
	{
		forbidden: []string{"testing/..."},
		except:    []string{"content/storetest", "search/searchtest", "internal/..."},
		reason:    "test helpers stay out of the released program",
	},
	{
		forbidden: []string{"internal/mongoengine/..."},
		except:    []string{"internal/bench/...", "internal/mongoengine/..."},
		reason:    "the embedded engine is SSPL and for tests only; a release must not carry it",
	},
	{
		forbidden: []string{
			"internal/archtest", "internal/assets", "internal/browser/...", "internal/endure", "internal/feedcheck/...", "internal/leak", "internal/npmcache", "internal/oidcprovider/...",
			"internal/oidcrogue", "internal/projectfiles", "internal/sbom/...",
		},
		except: []string{"internal/..."},
		reason: "it serves tests and the making of a release; a release must not carry it",
	},
	{
		forbidden: []string{"io/ioutil", "log", "unsafe", "C"},
		reason:    "there is a better way (io and os, log/slog) or it gives up what Go guarantees",
	},
	{
		forbidden: []string{"encoding/gob", "gopkg.in/yaml.v2", "gopkg.in/yaml.v3"},
		reason:    "one YAML library (go.yaml.in/yaml/v3), and no format that only Go reads",
	},
}

// nameRule forbids names of a package in non-test code, but for some folders.
type nameRule struct {
	pkg    string
	names  []string
	but    []string // instead of names: all names are forbidden but these
	only   []string // the folders that it concerns; empty means every folder
	except []string
	// made: the names are types that may be passed along behind a pointer
	// (*http.Client), but not made.
	made   bool
	reason string
}

var nameRules = []nameRule{
	{
		pkg:    "net/http",
		names:  []string{"Get", "Head", "Post", "PostForm", "DefaultClient", "DefaultTransport", "DefaultServeMux", "Handle", "HandleFunc", "ListenAndServe", "ListenAndServeTLS"},
		except: []string{"internal/bench/..."},
		reason: "one outgoing client with limits and one server with time-outs; the package's defaults have neither",
	},
	{
		pkg:    "net/http",
		names:  []string{"Client", "Transport"},
		made:   true,
		except: []string{"outgoing", "internal/..."},
		reason: "only outgoing makes clients: it refuses the addresses of the network that it runs in",
	},
	{
		pkg:    "net",
		names:  []string{"Dial", "DialTimeout", "DialTCP", "DialUDP", "DialUnix", "DialIP", "Dialer"},
		except: []string{"outgoing", "internal/..."},
		reason: "only outgoing connects: it refuses the addresses of the network that it runs in",
	},
	{
		pkg:    "crypto/tls",
		names:  []string{"Dial", "DialWithDialer", "Dialer"},
		except: []string{"outgoing", "internal/..."},
		reason: "only outgoing connects: it refuses the addresses of the network that it runs in",
	},
	{
		pkg:    "html/template",
		names:  []string{"HTML", "HTMLAttr", "JS", "JSStr", "CSS", "Srcset", "URL"},
		except: []string{"site", "widgets"},
		reason: "these types switch escaping off; only the site may, and only for what the renderer made",
	},
	{
		pkg:    "os",
		names:  []string{"Exit"},
		except: []string{"cmd/...", "internal/...", "content/storetest", "search/searchtest"},
		reason: "a library returns its error; only a command ends the process (and a suite's child that dies on purpose)",
	},
	{
		pkg:    "time",
		but:    []string{"Time", "Duration"},
		only:   []string{"content/access"},
		reason: "who may is a pure function: it is told the time and does not ask for it",
	},
	{
		pkg:    "math/rand/v2",
		but:    []string{"N"},
		only:   []string{"audit"},
		reason: "identifiers come from crypto/rand; only how long a loser of a race waits is thrown by dice",
	},
	{
		pkg:    "image",
		names:  []string{"Decode", "DecodeConfig", "RegisterFormat"},
		except: []string{"media", "internal/..."},
		reason: "strangers' pictures are decoded in one place, within its budget",
	},
	{
		pkg:    "image/png",
		names:  []string{"Decode", "DecodeConfig"},
		except: []string{"media", "internal/..."},
		reason: "strangers' pictures are decoded in one place, within its budget",
	},
	{
		pkg:    "crypto/md5",
		but:    []string{"Size"},
		reason: "it is broken: crypto/sha256",
	},
	{
		pkg:    "crypto/sha1",
		but:    []string{"Size"},
		reason: "it is broken: crypto/sha256",
	},
	{
		pkg:    "crypto/tls",
		names:  []string{"VersionTLS10", "VersionTLS11", "VersionSSL30"},
		reason: "RFC 8996: these versions are over",
	},
}

// wordRule forbids a selector (x.Name, whatever x is) or whole string literals in
// the non-test code of some folders.
type wordRule struct {
	selectors []string
	literals  []string
	only      []string
	reason    string
}

var wordRules = []wordRule{
	{
		selectors: []string{"Holds"},
		only:      []string{"api", "media", "auth/...", "catalog", "jobs"},
		reason:    "who may is asked by action (content.Service.Allow), never by role",
	},
	{
		literals: []string{"administrator", "editor", "contributor", "reviewer", "secretary", "translator"},
		only:     []string{"api", "media", "auth/oidc", "catalog", "jobs", "audit"},
		reason:   "code that names a role decides by it; who may what stands in schemas/access.yaml",
	},
}

// Package is a package of ours as the checks see it.
type Package struct {
	Folder  string   // under the module's root, with slashes
	Imports []string // import paths of its non-test files
}

// CheckImports returns one sentence for each import that breaks a rule.
func CheckImports(packages []Package) (violations []string) {
	for _, p := range packages {
		from, known := layerOf(p.Folder)
		if !known {
			violations = append(violations, fmt.Sprintf(
				"%s has no place in the house: give it one in layers (internal/archtest/rules.go)", p.Folder))
			continue
		}
		for _, imported := range p.Imports {
			name := folderOf(imported)
			if strings.HasPrefix(imported, module+"/") && !within(p.Folder, name) {
				if to, known := layerOf(name); known && to >= from && !sameTool(p.Folder, name) {
					violations = append(violations, fmt.Sprintf(
						"%s imports %s: imports go down only, and never to a package of the same layer", p.Folder, name))
				}
			}
			for _, rule := range importRules {
				if matches(rule.forbidden, name) && rule.concerns(p.Folder) {
					violations = append(violations, fmt.Sprintf("%s imports %s: %s", p.Folder, name, rule.reason))
				}
			}
		}
	}
	return violations
}

func (r importRule) concerns(folder string) bool {
	return (len(r.to) == 0 || matches(r.to, folder)) && !matches(r.except, folder)
}

// layerOf finds a package's layer; the most exact name wins, so internal/bench
// is not one of the tools.
func layerOf(folder string) (layer int, known bool) {
	longest := -1
	for i, names := range layers {
		for _, name := range names {
			if matches([]string{name}, folder) && len(name) > longest {
				layer, known, longest = i, true, len(name)
			}
		}
	}
	return layer, known
}

// sameTool reports that two packages are tools, which may share each other.
func sameTool(a, b string) bool {
	i, _ := layerOf(a)
	j, _ := layerOf(b)
	return i == 0 && j == 0
}

// within reports that one folder is below the other and in its layer, as a
// command and its parts are.
func within(a, b string) bool {
	i, _ := layerOf(a)
	j, _ := layerOf(b)
	return i == j && (strings.HasPrefix(a, b+"/") || strings.HasPrefix(b, a+"/") || path.Dir(a) == path.Dir(b) && i == len(layers)-1)
}

func folderOf(imported string) string { return strings.TrimPrefix(imported, module+"/") }

// matches reports whether a name is one of the patterns: itself, or for
// pattern/... the folder and all below it.
func matches(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		folder, all := strings.CutSuffix(pattern, "/...")
		return name == folder || all && strings.HasPrefix(name, folder+"/")
	})
}
