package oidc

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/prassi-cms/prassi/internal/secret"
)

const twoProviders = `# Who may sign in.
providers:
  - name: prato
    label: Comune di Prato
    issuer: https://id.example.it/realms/prato
    client_id: prassi
    secret: PRASSI_TEST_SECRET
    scopes: [profile, email, roles]
    acr: [https://www.spid.gov.it/SpidL2, https://www.spid.gov.it/SpidL3]
    roles_claim: realm_access.roles
    roles:
      council-*: reviewer@*
      staff: [editor, secretary@PO]
    trust_email: true
    algorithms: [PS256]
    userinfo: true
  - name: local
    issuer: http://127.0.0.1:8081
    client_id: prassi
    key: KEYFILE
    key_id: k1
`

func TestReadConfig(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key.pem")
	key := pemOf(ecKey())
	if err := os.WriteFile(path, []byte(key.Reveal()), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PRASSI_TEST_SECRET", hide("a secret in the environment", "Zq7-in-the-environment"))
	got, err := ReadConfig("oidc.yaml", []byte(strings.Replace(twoProviders, "KEYFILE", path, 1)), nil)
	if noted(err) != nil {
		t.Fatal(err)
	}
	want := []Config{
		{
			Name: "prato", Label: "Comune di Prato", Issuer: "https://id.example.it/realms/prato", ClientID: "prassi",
			Secret: secret.New("Zq7-in-the-environment"), Scopes: []string{"profile", "email", "roles"},
			ACR:        []string{"https://www.spid.gov.it/SpidL2", "https://www.spid.gov.it/SpidL3"},
			RolesClaim: "realm_access.roles", Roles: map[string][]string{"council-*": {"reviewer@*"}, "staff": {"editor", "secretary@PO"}},
			TrustEmail: true, Algorithms: []string{"PS256"}, Userinfo: true,
		},
		{Name: "local", Issuer: "http://127.0.0.1:8081", ClientID: "prassi", Key: secret.New(strings.TrimRight(key.Reveal(), "\n")), KeyID: "k1"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	once := &onceMap{}
	set, err := New(got, Options{Client: newHostile(t).Client(), Key: rigKey, Once: once.once})
	if err != nil {
		t.Fatal(err)
	}
	if got := set.Providers(); !slices.Equal(got, []Info{{"prato", "Comune di Prato"}, {"local", "local"}}) {
		t.Error(got)
	}
	if s := set.named["prato"].Scopes; !slices.Equal(s, []string{"openid", "profile", "email", "roles"}) {
		t.Error(s)
	}
	if a := set.named["local"].Algorithms; !slices.Equal(a, []string{"RS256", "ES256"}) {
		t.Error(a)
	}
}

func TestReadConfigRefuses(t *testing.T) {
	found := map[string]secret.Value{
		"SECRET": secret.New("a-good-secret"), "NONE": {}, "RSA": pemOf(rsaKey()), "SMALL": pemOf(smallRSA()), "TEXT": secret.New("hunter2-hunter2"),
	}
	hide("a secret", "a-good-secret")
	hide("a secret", "hunter2-hunter2")
	secrets := func(name string) (secret.Value, error) {
		v, ok := found[name]
		if !ok {
			return v, errors.New("cannot be read")
		}
		return v, nil
	}
	const head = "providers:\n  - name: a\n    issuer: https://id.example.it\n    client_id: prassi\n"
	const good = head + "    secret: SECRET\n"
	if _, err := ReadConfig("f", []byte(good), secrets); err != nil {
		t.Fatal(err)
	}
	pasted := hide("a secret that somebody wrote into the file", "7Hj-pasted in_the.file")
	for text, want := range map[string]string{
		"":                     "EOF",
		"providers: []":        "line 1: no providers",
		"- a":                  "line 1",
		"providers: {a: b}":    "line 1",
		good + "---\nx: 1\n":   "one document",
		good + "    colour: x": "line 6: the key colour is unknown",
		good + "    secret: B": "line 6: the key secret is there twice",
		good + "tokens: 1":     "line 6: the key tokens is unknown",
		good + "  - name: a\n    issuer: https://b.example\n    client_id: x\n    secret: SECRET\n": `line 6: name: "a" is there twice`,
		strings.Replace(good, "name: a", "name: Ä b", 1):                                            "line 2: name: a name is made of",
		strings.Replace(good, "https://id.example.it", "id.example.it", 1):                          "line 3: issuer: not the URL",
		strings.Replace(good, "https://id.example.it", "http://id.example.it", 1):                   "line 3: issuer: the URL must begin with https",
		strings.Replace(good, "https://id.example.it", "https://a:b@id.example.it", 1):              "line 3: issuer: a URL with credentials",
		strings.Replace(good, "https://id.example.it", "https://id.example.it/?x", 1):               "line 3: issuer: an issuer has neither",
		strings.Replace(good, "https://id.example.it", "javascript:alert(1)", 1):                    "line 3: issuer: not the URL",
		strings.Replace(good, "client_id: prassi", "client_id: ''", 1):                              "line 4: client_id: missing",
		good + "    " + pasted + ": x":                                                              "line 6: a key is unknown",
		good + "    ? |\n      " + pasted + "\n    : x":                                             "line 6: a key is unknown",
		good + "    roles: {" + pasted + ": a, " + pasted + ": b}":                                  "line 6: a key is there twice",
		good + "    " + strings.Repeat("a_", 21) + ": x":                                            "line 6: a key is unknown",
		good + "    label: *" + pasted:                                                              "unknown anchor a value",
		good + "    userinfo: !" + pasted:                                                           "line 6: a value of another kind",
		head:                                                                                        "line 2: secret: set either",
		good + "    key: RSA":                                                                       "line 5: secret: set either",
		good + "    key_id: k":                                                                      "line 6: key_id: there is no key",
		head + "    secret: NONE":                                                                   "line 5: secret: NONE is not set",
		head + "    secret: OTHER":                                                                  "line 5: secret: cannot be read",
		head + "    secret: " + pasted:                                                              "line 5: secret: name the environment variable",
		head + "    secret: [" + pasted + "]":                                                       "line 5",
		head + "    userinfo: " + pasted:                                                            "line 5: a value of another kind",
		head + "    key: TEXT":                                                                      "line 5: key: not a key in PEM",
		head + "    key: SMALL":                                                                     "line 5: key: not RSA of 2048",
		good + "    algorithms: [none]":                                                             `line 6: algorithms: "none" is none of`,
		good + "    algorithms: [RS256, HS256]":                                                     `line 6: algorithms: "HS256" is none of`,
		good + "    acr: ['a b']":                                                                   `line 6: acr: "a b" is no value`,
		good + "    scopes: ['']":                                                                   `line 6: scopes: "" is no value`,
		good + "    roles_claim: groups":                                                            "line 6: roles_claim: roles_claim and roles go together",
		good + "    roles: {a: editor}":                                                             "line 2: roles_claim: roles_claim and roles go together",
		good + "    roles_claim: g\n    roles: {'*-*': editor}":                                     `line 7: roles: "*-*": a value has at most one`,
		good + "    roles_claim: g\n    roles: {'': editor}":                                        "line 7: roles",
		good + "    roles_claim: g\n    roles: {a: []}":                                             `line 7: roles: "a" gives no grant`,
		good + "    roles_claim: g\n    roles: {a: 'Editor!'}":                                      "is no grant",
		good + "    roles_claim: g\n    roles: {a: 'reviewer@'}":                                    "is no grant",
		good + "    roles_claim: g\n    roles: {a: 'reviewer@x@y'}":                                 "is no grant",
		good + "    roles_claim: g\n    roles: {a: 'reviewer@*'}":                                   "nothing in",
		good + "    roles_claim: g\n    roles: {'a*': '*'}":                                         "is no grant",
		good + "    roles_claim: g\n    roles: {'a*': 'admin*'}":                                    "is no grant",
		good + "    roles_claim: g\n    roles: {'a*': 'reviewer@**'}":                               "is no grant",
	} {
		_, err := ReadConfig("f", []byte(text), secrets)
		if noted(err) == nil || !strings.HasPrefix(err.Error(), "f: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\ngives %v, want %q", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "struct") {
			t.Errorf("%v: that is for programmers", err)
		}
		if err != nil && strings.Contains(err.Error(), pasted[:6]) {
			t.Errorf("%v: the beginning of a secret", err)
		}
	}
}

func FuzzReadConfig(f *testing.F) {
	f.Add(twoProviders)
	f.Add("providers:\n- &a {name: a, roles: {x: *a}}")
	f.Fuzz(func(t *testing.T, text string) {
		configs, err := ReadConfig("f", []byte(text), func(string) (secret.Value, error) { return secret.New("s"), nil })
		if err == nil && len(configs) == 0 {
			t.Fatal("neither providers nor an error")
		}
		for _, c := range configs {
			if _, _, err := c.checked(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestGrants(t *testing.T) {
	rows := map[string][]string{
		"staff": {"editor"}, "council-*": {"reviewer@*", "contributor"}, "*-desk": {"secretary@*"}, "org:*:member": {"contributor@*"}, "council-prato": {"editor"},
	}
	for value, want := range map[string]string{
		"staff": "editor", "Staff": "", "staffx": "", "": "", "*": "", "council-*": "", "council-": "", "council": "",
		"council-milano": "contributor reviewer@milano", "council-prato": "contributor editor reviewer@prato",
		"council-a@b": "", "council-a b": "", "council-\n": "", "council-*x": "", "council-" + strings.Repeat("x", 101): "",
		"prato-desk": "secretary@prato", "-desk": "", "org:ab:member": "contributor@ab", "org::member": "", "org:member": "",
	} {
		if got := strings.Join(grants(rows, []string{value}), " "); got != want {
			t.Errorf("%q maps to %q, want %q", value, got, want)
		}
	}
	if got := grants(rows, []string{"staff", "council-prato", "staff", "offline_access"}); !slices.Equal(got, []string{"contributor", "editor", "reviewer@prato"}) {
		t.Error(got)
	}
}

// Whatever a provider claims, every grant is a row's role, and a scope is either
// a row's or one word of the value.
func TestGrantsProperty(t *testing.T) {
	rows := map[string][]string{"staff": {"editor"}, "council-*": {"reviewer@*"}, "*": {"contributor@x-*"}}
	rapid.Check(t, func(t *rapid.T) {
		part := rapid.SampledFrom([]string{"staff", "council-", "*", "@", "administrator", "editor", " ", "\x00", "è", "PO", "-"})
		values := rapid.SliceOf(rapid.Map(rapid.SliceOf(part), func(p []string) string { return strings.Join(p, "") })).Draw(t, "values")
		got := grants(rows, values)
		for _, g := range got {
			role, scope, _ := strings.Cut(g, "@")
			if role == "contributor" {
				var written bool
				if scope, written = strings.CutPrefix(scope, "x-"); !written {
					t.Fatalf("%q of %q", g, values)
				}
			}
			if !slices.Contains([]string{"editor", "reviewer", "contributor"}, role) || scope != "" && !captured.MatchString(scope) {
				t.Fatalf("%q of %q", g, values)
			}
		}
		if !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != len(got) {
			t.Fatalf("%q", got)
		}
	})
}

func TestClaims(t *testing.T) {
	parse := func(s string) claims {
		t.Helper()
		return must(parseClaims([]byte(s)))
	}
	paths := parse(`{"groups":["a","b"],"one":"a","realm_access":{"roles":["c"]},"resource_access":{"prassi.app":{"roles":["d"]}},
		"https://x.it/roles":["e"],"a.b":{"c":["f"]},"a":{"b":{"c":["g"]}},"n":7,"mixed":["a",7],"empty":[],"deep":{"x":{"y":"z"}}}`)
	for path, want := range map[string]string{
		"groups": "a b", "one": "a", "realm_access.roles": "c", "resource_access.prassi.app.roles": "d", "https://x.it/roles": "e", "a.b.c": "f",
		"n": "", "mixed": "", "empty": "", "deep.x": "", "deep.x.y": "z", "deep.x.y.z": "", "": "", ".": "", "realm_access.": "", ".roles": "", "Groups": "",
	} {
		if got := strings.Join(paths.at(path), " "); got != want {
			t.Errorf("at %q is %q, want %q", path, got, want)
		}
	}
	if n := len(parse(`{"g":["x"` + strings.Repeat(`,"x"`, 5000) + `]}`).at("g")); n != maxRoles {
		t.Errorf("%d values", n)
	}
	for text, want := range map[string]string{
		`{"name":"Anna Bianchi"}`: "Anna Bianchi", `{"name":" Anna\n\tB.\u0000 "}`: "Anna B.", `{"name":"Anna \u202eihcnaiB"}`: "Anna ihcnaiB",
		`{"given_name":"Anna","family_name":"Bianchi"}`: "Anna Bianchi", `{"name":"Anna","given_name":"Anna","family_name":"Bianchi"}`: "Anna Bianchi",
		`{"given_name":"Anna"}`: "Anna", `{}`: "", `{"name":"` + strings.Repeat("è", 300) + `"}`: strings.Repeat("è", maxName),
	} {
		if got := parse(text).name(); got != want {
			t.Errorf("%s is called %q, want %q", text, got, want)
		}
	}
	for email, want := range map[string]string{
		"anna@example.org": "anna@example.org", " anna@example.org ": "anna@example.org", "Anna <anna@example.org>": "", "anna": "", "anna@": "", "": "",
		"a@b, c@d": "", "anna@example.org\\r\\nBcc: x@y": "", strings.Repeat("a", 250) + "@example.org": "", "Anna@Example.org": "Anna@Example.org",
	} {
		if got := parse(`{"email":"` + email + `"}`).email(); got != want {
			t.Errorf("%q is the address %q, want %q", email, got, want)
		}
	}
	for locale, want := range map[string]string{
		"it": "it", "it-IT": "it-IT", "it_IT": "it-IT", "zh-Hans": "zh-Hans", "und": "", "": "", "../../etc": "", "it;q=1": "", strings.Repeat("a", 99): "",
	} {
		if got := parse(`{"locale":"` + locale + `"}`).locale(); got != want {
			t.Errorf("%q is the language %q, want %q", locale, got, want)
		}
	}
	for _, text := range []string{"", "null", "7", `"x"`, "[]", "{", `{"a":1}x`} {
		if _, err := parseClaims([]byte(text)); noted(err) == nil {
			t.Errorf("%q is claims", text)
		}
	}
}
