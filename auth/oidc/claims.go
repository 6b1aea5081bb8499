package oidc

import (
	"encoding/json"
	"errors"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/language"
)

// claims are the members of a token or of userinfo, by their exact names: the
// standard decoder takes "SUB" for "sub", and some providers let people name
// attributes.
type claims map[string]json.RawMessage

func parseClaims(data []byte) (claims, error) {
	var c claims
	if json.Unmarshal(data, &c) != nil || c == nil {
		return nil, errors.New("the claims are no JSON object")
	}
	return c, nil
}

// text gives a claim that is a string, "" for any other.
func (c claims) text(name string) string {
	var s string
	_ = json.Unmarshal(c[name], &s)
	return s
}

// texts gives a claim that is a string or a list of strings, nil for any other.
func (c claims) texts(name string) []string {
	var list []string
	if json.Unmarshal(c[name], &list) == nil {
		return list
	}
	if s := c.text(name); s != "" {
		return []string{s}
	}
	return nil
}

// time gives a claim that is a time; ok is false when there is none, or one that
// is out of this world.
func (c claims) time(name string) (at time.Time, ok bool) {
	var seconds float64
	if c[name] == nil || json.Unmarshal(c[name], &seconds) != nil || seconds < 1 || seconds > 1<<40 {
		return time.Time{}, false
	}
	return time.Unix(int64(seconds), 0), true
}

// isTrue says that a claim is true; some providers write it as a string.
func (c claims) isTrue(name string) bool {
	value := string(c[name])
	return value == "true" || value == `"true"`
}

// maxRoles bounds the values of a roles claim that are looked at.
const maxRoles = 1000

// at gives the strings at a path with dots. Names may have dots themselves
// ("https://example.it/roles"), so the longest name that exists is taken first.
func (c claims) at(path string) []string {
	if list := c.texts(path); list != nil {
		return list[:min(len(list), maxRoles)]
	}
	for i := len(path) - 1; i > 0; i-- {
		if path[i] != '.' {
			continue
		}
		inner, err := parseClaims(c[path[:i]])
		if err != nil {
			continue
		}
		if list := inner.at(path[i+1:]); list != nil {
			return list
		}
	}
	return nil
}

// add takes the claims of other that are not there. Whether an address is
// verified is taken only together with it, or for the same one.
func (c claims) add(other claims) {
	email := c.text("email")
	if email == "" && other["email"] != nil {
		delete(c, "email")
		delete(c, "email_verified")
	}
	for name, value := range other {
		if name == "email_verified" && email != "" && email != other.text("email") {
			continue
		}
		if _, ok := c[name]; !ok {
			c[name] = value
		}
	}
}

const (
	maxName  = 200 // characters
	maxEmail = 254 // bytes (RFC 5321, section 4.5.3.1.3)
)

// name gives what a person is called, in one line.
func (c claims) name() string {
	name := c.text("name")
	given, family := c.text("given_name"), c.text("family_name")
	if name == "" || family != "" && name == given { // SPID calls the first name "name"
		name = given + " " + family
	}
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, name)
	runes := []rune(strings.Join(strings.Fields(name), " "))
	return strings.TrimSpace(string(runes[:min(len(runes), maxName)]))
}

// email gives an address, "" for what is none.
func (c claims) email() string {
	email := strings.TrimSpace(c.text("email"))
	a, err := mail.ParseAddress(email)
	if err != nil || a.Address != email || len(email) > maxEmail {
		return ""
	}
	return email
}

// locale gives a BCP 47 tag, "" for what is none.
func (c claims) locale() string {
	value := c.text("locale")
	if value == "" || len(value) > 35 {
		return ""
	}
	tag, err := language.Parse(value)
	if err != nil || tag == language.Und {
		return ""
	}
	return tag.String()
}

// captured is what "*" may stand for: it becomes a scope.
var captured = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,100}$`)

// grants maps the values of a roles claim, sorted and each once.
func grants(rows map[string][]string, values []string) []string {
	var out []string
	for _, value := range values {
		if !strings.Contains(value, "*") { // a value that is a pattern's text is not meant
			out = append(out, rows[value]...)
		}
		for pattern, texts := range rows {
			before, after, ok := strings.Cut(pattern, "*")
			if !ok || len(value) <= len(before)+len(after) || !strings.HasPrefix(value, before) || !strings.HasSuffix(value, after) {
				continue
			}
			capture := value[len(before) : len(value)-len(after)]
			if !captured.MatchString(capture) {
				continue
			}
			for _, g := range texts {
				out = append(out, strings.Replace(g, "*", capture, 1))
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
