package oidc

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/prassi-cms/prassi/internal/secret"
)

// Config is one provider. The zero value of what is optional is the usual choice.
type Config struct {
	// Name stands in addresses and in the log: lower-case letters, digits, "-".
	Name string
	// Label is what people read on the page of sign-in; the name when empty.
	Label string
	// Issuer is the provider's identifier, character by character as it is in
	// its metadata and tokens. It begins with https:// (http:// on loopback).
	Issuer string
	// ClientID is the name under which the provider knows us.
	ClientID string
	// Secret is the client secret, sent as client_secret_basic or _post, as the
	// provider's metadata prefers; or
	Secret secret.Value
	// Key is a private key in PEM (RSA of 2048 bits or more, or ECDSA P-256) for
	// private_key_jwt (RS256 or ES256), and KeyID the name that the provider
	// knows it under ("kid"), if any. Exactly one of Secret and Key is set.
	Key   secret.Value
	KeyID string
	// Scopes are asked for; openid, profile and email when empty. "openid" is
	// added when it is missing.
	Scopes []string
	// ACR, when set, is asked for (acr_values) and demanded: the "acr" of the ID
	// token must be one of these, so a stronger level that is acceptable is
	// listed too ("https://www.spid.gov.it/SpidL2", "…L3").
	ACR []string
	// RolesClaim is where the provider says what a person is there, with dots
	// into objects: "groups", "realm_access.roles". The claim is a string or a
	// list of strings.
	RolesClaim string
	// Roles maps a value of that claim to grants, "role" or "role@scope". One
	// "*" in the value stands for one or more letters, digits, "-", "_", "." and
	// ":" and may be used as scope: "council-*" → "reviewer@*". Values that
	// nothing matches mean nothing.
	Roles map[string][]string
	// TrustEmail says that an address which this provider calls verified is the
	// person's, so that an invitation to it may be taken up.
	TrustEmail bool
	// Algorithms may sign tokens: of RS256, ES256, PS256; RS256 and ES256 when
	// empty. What the provider's metadata allows does not count.
	Algorithms []string
	// Userinfo asks the userinfo endpoint for claims that the ID token lacks.
	Userinfo bool
}

var (
	providerName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)
	grantText    = regexp.MustCompile(`^[a-z][a-z_]*(@(\*|[A-Za-z0-9._:-]*\*?[A-Za-z0-9._:-]*))?$`)
	// parameterToken is a value of a list that is separated by spaces (RFC 6749,
	// appendix A.4).
	parameterToken = regexp.MustCompile(`^[\x21\x23-\x5b\x5d-\x7e]{1,255}$`)
	algorithms     = []string{"RS256", "ES256", "PS256"}
)

// checked fills in what is optional and returns the private key, if there is one.
func (c Config) checked() (Config, crypto.Signer, error) {
	if !providerName.MatchString(c.Name) {
		return c, nil, &fieldError{"name", "a name is made of lower-case letters, digits and -"}
	}
	if c.Label == "" {
		c.Label = c.Name
	}
	if err := checkURL(c.Issuer, false); err != nil {
		return c, nil, &fieldError{"issuer", err.Error()}
	}
	if strings.ContainsAny(c.Issuer, "?#") {
		return c, nil, &fieldError{"issuer", "an issuer has neither query nor fragment"}
	}
	if c.ClientID == "" {
		return c, nil, &fieldError{"client_id", "missing"}
	}
	if c.Secret.IsZero() == c.Key.IsZero() {
		return c, nil, &fieldError{"secret", "set either a secret or a key"}
	}
	var key crypto.Signer
	if !c.Key.IsZero() {
		var err error
		if key, err = parseKey(c.Key); err != nil {
			return c, nil, &fieldError{"key", err.Error()}
		}
	} else if c.KeyID != "" {
		return c, nil, &fieldError{"key_id", "there is no key"}
	}
	if len(c.Scopes) == 0 {
		c.Scopes = []string{"openid", "profile", "email"}
	} else if !slices.Contains(c.Scopes, "openid") {
		c.Scopes = append([]string{"openid"}, c.Scopes...)
	}
	for field, values := range map[string][]string{"scopes": c.Scopes, "acr": c.ACR} {
		for _, v := range values {
			if !parameterToken.MatchString(v) {
				return c, nil, &fieldError{field, fmt.Sprintf("%q is no value", v)}
			}
		}
	}
	if len(c.Algorithms) == 0 {
		c.Algorithms = algorithms[:2]
	}
	for _, a := range c.Algorithms {
		if !slices.Contains(algorithms, a) {
			return c, nil, &fieldError{"algorithms", fmt.Sprintf("%q is none of %s", a, strings.Join(algorithms, ", "))}
		}
	}
	if (c.RolesClaim == "") != (len(c.Roles) == 0) {
		return c, nil, &fieldError{"roles_claim", "roles_claim and roles go together"}
	}
	for value, grants := range c.Roles {
		if value == "" || strings.Count(value, "*") > 1 {
			return c, nil, &fieldError{"roles", fmt.Sprintf("%q: a value has at most one *", value)}
		}
		if len(grants) == 0 {
			return c, nil, &fieldError{"roles", fmt.Sprintf("%q gives no grant", value)}
		}
		for _, g := range grants {
			if !grantText.MatchString(g) || strings.HasSuffix(g, "@") {
				return c, nil, &fieldError{"roles", fmt.Sprintf("%q is no grant: write role or role@scope", g)}
			}
			if strings.Contains(g, "*") && !strings.Contains(value, "*") {
				return c, nil, &fieldError{"roles", fmt.Sprintf("%q: nothing in %q that * could stand for", g, value)}
			}
		}
	}
	return c, key, nil
}

// fieldError says which setting of a provider is wrong.
type fieldError struct{ field, text string }

func (e *fieldError) Error() string { return e.field + ": " + e.text }

// checkURL accepts https URLs, and http ones on loopback, without credentials
// and fragment. When secure is set, only https.
func checkURL(s string, secure bool) error {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "":
		return errors.New("not the URL of a server")
	case u.User != nil || u.Fragment != "":
		return errors.New("a URL with credentials or a fragment")
	case u.Scheme == "https", u.Scheme == "http" && !secure && isLoopback(u.Hostname()):
		return nil
	}
	return errors.New("the URL must begin with https:// (http:// on loopback only)")
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// parseKey reads a private key. Its errors show nothing of it.
func parseKey(v secret.Value) (crypto.Signer, error) {
	block, _ := pem.Decode([]byte(v.Reveal()))
	if block == nil {
		return nil, errors.New("not a key in PEM")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		if key, err = x509.ParsePKCS1PrivateKey(block.Bytes); err != nil {
			key, err = x509.ParseECPrivateKey(block.Bytes)
		}
	}
	if err != nil {
		return nil, errors.New("not a private key in PKCS #8, PKCS #1 or SEC 1")
	}
	switch key := key.(type) {
	case *rsa.PrivateKey:
		if key.N.BitLen() >= minRSA {
			return key, nil
		}
	case *ecdsa.PrivateKey:
		if key.Curve == elliptic.P256() {
			return key, nil
		}
	}
	return nil, errors.New("not RSA of 2048 bits or more, nor ECDSA on P-256")
}

// file is the YAML form of configurations. Secrets are named, never written.
type file struct {
	Providers []struct {
		Name       string           `yaml:"name"`
		Label      string           `yaml:"label"`
		Issuer     string           `yaml:"issuer"`
		ClientID   string           `yaml:"client_id"`
		Secret     string           `yaml:"secret"`
		Key        string           `yaml:"key"`
		KeyID      string           `yaml:"key_id"`
		Scopes     []string         `yaml:"scopes"`
		ACR        []string         `yaml:"acr"`
		RolesClaim string           `yaml:"roles_claim"`
		Roles      map[string]texts `yaml:"roles"`
		TrustEmail bool             `yaml:"trust_email"`
		Algorithms []string         `yaml:"algorithms"`
		Userinfo   bool             `yaml:"userinfo"`
	} `yaml:"providers"`
}

// texts is a text or a list of them.
type texts []string

// UnmarshalYAML reads both forms.
func (t *texts) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*t = texts{n.Value}
		return nil
	}
	return n.Decode((*[]string)(t))
}

// secretName is how an environment variable is called; a file has a slash.
var secretName = regexp.MustCompile(`^([A-Z][A-Z0-9_]{0,127}|[^\s]*/[^\s]*)$`)

// ReadConfig reads the YAML file of the providers:
//
//	providers:
//	  - name: prato
//	    label: Comune di Prato
//	    issuer: https://id.example.it/realms/prato
//	    client_id: prassi
//	    secret: PRASSI_OIDC_PRATO_SECRET   # a variable (or …_FILE), or a file's path
//	    acr: [https://www.spid.gov.it/SpidL2]
//	    roles_claim: realm_access.roles
//	    roles: {council-*: reviewer@*, staff: [editor]}
//
// with the keys of Config in snake_case. A secret or key is named there, never
// written; secrets finds it (nil: secret.Lookup for a name of an environment
// variable, secret.ReadFile for what has a slash). Unknown and repeated keys are
// refused. Errors begin with name and line.
func ReadConfig(name string, data []byte, secrets func(name string) (secret.Value, error)) ([]Config, error) {
	if secrets == nil {
		secrets = findSecret
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	var f file
	if err := decoder.Decode(&f); err != nil {
		return nil, fmt.Errorf("%s: %s", name, yamlError(err))
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: one document is enough", name)
	}
	var root yaml.Node
	if err := yaml.Unmarshal(data, &root); err != nil {
		return nil, fmt.Errorf("%s: %s", name, yamlError(err))
	}
	if len(f.Providers) == 0 {
		return nil, fmt.Errorf("%s: line 1: no providers", name)
	}
	entries := find(root.Content[0], "providers")
	var configs []Config
	for i, p := range f.Providers {
		entry := entries.Content[i]
		at := func(field string, err error) error {
			line := entry.Line
			if n := find(entry, field); n != nil {
				line = n.Line
			}
			return fmt.Errorf("%s: line %d: %s: %w", name, line, field, err)
		}
		c := Config{
			Name: p.Name, Label: p.Label, Issuer: p.Issuer, ClientID: p.ClientID, KeyID: p.KeyID,
			Scopes: p.Scopes, ACR: p.ACR, RolesClaim: p.RolesClaim, TrustEmail: p.TrustEmail,
			Algorithms: p.Algorithms, Userinfo: p.Userinfo,
		}
		for value, grants := range p.Roles {
			if c.Roles == nil {
				c.Roles = map[string][]string{}
			}
			c.Roles[value] = grants
		}
		for field, to := range map[string]*secret.Value{"secret": &c.Secret, "key": &c.Key} {
			source := map[string]string{"secret": p.Secret, "key": p.Key}[field]
			if source == "" {
				continue
			}
			// Whoever writes the secret itself here must not find it in an error.
			if !secretName.MatchString(source) {
				return nil, at(field, errors.New("name the environment variable or the file that holds it"))
			}
			v, err := secrets(source)
			if err != nil {
				return nil, at(field, err)
			}
			if v.IsZero() {
				return nil, at(field, fmt.Errorf("%s is not set", source))
			}
			*to = v
		}
		if _, _, err := c.checked(); err != nil {
			var field *fieldError
			if errors.As(err, &field) {
				return nil, at(field.field, errors.New(field.text))
			}
			return nil, at("name", err)
		}
		if slices.ContainsFunc(configs, func(other Config) bool { return other.Name == c.Name }) {
			return nil, at("name", fmt.Errorf("%q is there twice", c.Name))
		}
		configs = append(configs, c)
	}
	return configs, nil
}

func findSecret(name string) (secret.Value, error) {
	if strings.Contains(name, "/") {
		return secret.ReadFile(name)
	}
	return secret.Lookup(name)
}

// find gives the value of a key of a mapping, nil when there is none.
func find(mapping *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	return nil
}

// yamlError gives the complaint, which begins with the line, without values:
// somebody may have written a secret into the wrong place.
func yamlError(err error) string {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	text = strings.TrimSpace(strings.TrimPrefix(text, "unmarshal errors:\n"))
	if m := wrongKey.FindStringSubmatch(text); m != nil {
		line, key, what := m[1], m[2]+m[3], "unknown"
		if strings.HasSuffix(m[0], "already defined") {
			what = "there twice"
		}
		if !plainKey.MatchString(key) {
			return line + "a key is " + what
		}
		return fmt.Sprintf("%sthe key %s is %s", line, key, what)
	}
	text, _, _ = strings.Cut(text, "\n")
	if line, _, ok := strings.Cut(text, "cannot unmarshal "); ok {
		return line + "a value of another kind than this key has"
	}
	return quoted.ReplaceAllString(text, "a value")
}

var (
	// wrongKey is what the decoder says of keys, with the type that it fills.
	wrongKey = regexp.MustCompile(`(?s)^(line \d+: )(?:field (.*?) not found in type|mapping key "(.*?)" already defined)`)
	// plainKey is a key that may be told: what is none may be a secret that was
	// written in a key's place.
	plainKey = regexp.MustCompile(`^[a-z][a-z_]{0,39}$`)
	// quoted is what the decoder says of values and anchors.
	quoted = regexp.MustCompile("`[^`]*`|'[^']*'")
)
