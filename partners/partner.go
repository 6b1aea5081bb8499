package partners

import (
	"maps"
	"net/mail"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/schemas"
)

// Partner is who shows our content elsewhere.
type Partner struct {
	// Key names the partner in addresses and pages, for ever: "comune-prato".
	Key  string `json:"key"`
	Name string `json:"name"`
	// Origins are where its pages are, as browsers write them (RFC 6454, section
	// 6.1): "https://www.comune.prato.it". An http origin is one of this machine.
	Origins []string `json:"origins"`
	// Domain is the host of a site that is built for it; empty when none is.
	Domain string `json:"domain,omitempty"`
	// Languages are those of that site, the first one its own; empty means ours.
	Languages []string `json:"languages,omitempty"`
	Filter    Filter   `json:"filter"`
	// Theme are design tokens by name: a colour ("#0066cc") or a length ("4px").
	Theme map[string]string `json:"theme,omitempty"`
	// Targets are where its site is copied to, as package site/target reads them.
	// Only buckets (s3://): a folder of this machine is the operator's to name.
	Targets []string `json:"targets,omitempty"`
	// Contact is an e-mail address of somebody there.
	Contact string `json:"contact,omitempty"`
	// Active is false while its pages are to show nothing.
	Active    bool      `json:"active"`
	CreatedAt time.Time `json:"created_at"`
	ChangedAt time.Time `json:"changed_at"`
}

// Filter says what a partner shows; an empty list does not filter.
type Filter struct {
	Territories   []string `json:"territories,omitempty"`   // ISTAT codes
	National      bool     `json:"national,omitempty"`      // beside Territories, what names no territory
	Topics        []string `json:"topics,omitempty"`        // terms
	Organizations []string `json:"organizations,omitempty"` // slugs or ids
	Collections   []string `json:"collections,omitempty"`   // "news", "services"
}

// Bounds of what is stored.
const (
	maxName   = 120 // characters
	maxList   = 50  // entries of each list
	maxKey    = 40
	maxEmail  = 254
	maxTarget = 500
	maxSlug   = 200
)

// clone is a copy that shares nothing.
func (p *Partner) clone() Partner {
	out := *p
	out.Origins, out.Languages, out.Targets = slices.Clone(p.Origins), slices.Clone(p.Languages), slices.Clone(p.Targets)
	out.Filter = Filter{slices.Clone(p.Filter.Territories), p.Filter.National, slices.Clone(p.Filter.Topics), slices.Clone(p.Filter.Organizations), slices.Clone(p.Filter.Collections)}
	out.Theme = maps.Clone(p.Theme)
	return out
}

var keyPattern = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

// check puts a partner into one form and refuses what cannot be meant, every
// fault at once: a content.Problem with paths into Partner's JSON.
func (r *Registry) check(p *Partner) error {
	var bad faults
	if len(p.Key) > maxKey || !keyPattern.MatchString(p.Key) {
		bad.value("/key", codeKey, p.Key)
	}
	switch name := strings.TrimSpace(p.Name); {
	case name == "":
		bad.add("/name", schemas.CodeRequired, map[string]any{"field": "name"})
	case utf8.RuneCountInString(name) > maxName:
		bad.add("/name", schemas.CodeTooLong, map[string]any{"max": maxName, "actual": utf8.RuneCountInString(name), "unit": "characters"})
	case strings.ContainsFunc(name, func(c rune) bool { return unicode.IsControl(c) || unicode.Is(unicode.Bidi_Control, c) }):
		bad.add("/name", schemas.CodeControlCharacter, nil)
	default:
		p.Name = name
	}
	p.Origins = each(&bad, "/origins", p.Origins, func(path, v string) string { return canonical(&bad, path, v, codeOrigin, Origin) })
	if p.Domain != "" {
		p.Domain = canonical(&bad, "/domain", p.Domain, codeDomain, host)
	}
	p.Languages = each(&bad, "/languages", p.Languages, func(path, v string) string {
		return canonical(&bad, path, v, schemas.CodeInvalidLanguage, func(v string) (string, bool) {
			l, ok := r.schemas.Locale(v)
			return l.Tag, ok
		})
	})
	r.checkFilter(&bad, &p.Filter)
	if len(p.Theme) > maxList {
		bad.add("/theme", schemas.CodeTooManyItems, map[string]any{"max": maxList, "actual": len(p.Theme)})
	} else {
		for _, name := range slices.Sorted(maps.Keys(p.Theme)) {
			path := "/theme/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
			if !tokenName.MatchString(name) {
				bad.value(path, codeThemeName, name)
			} else if value, ok := Token(p.Theme[name]); ok {
				p.Theme[name] = value
			} else {
				bad.value(path, codeThemeValue, p.Theme[name])
			}
		}
	}
	p.Targets = each(&bad, "/targets", p.Targets, func(path, v string) string { return canonical(&bad, path, v, codeTarget, bucket) })
	if p.Contact != "" {
		if at, err := mail.ParseAddress(p.Contact); err != nil || at.Name != "" || at.Address != p.Contact || len(p.Contact) > maxEmail {
			bad.value("/contact", schemas.CodeInvalidEmail, p.Contact)
		}
	}
	if len(bad) > 0 {
		return &content.Problem{Class: content.Invalid, Code: codeInvalid, Fields: bad}
	}
	return nil
}

func (r *Registry) checkFilter(bad *faults, f *Filter) {
	f.Territories = each(bad, "/filter/territories", f.Territories, func(path, v string) string {
		return canonical(bad, path, v, schemas.CodeUnknownTerritory, func(v string) (string, bool) {
			t, ok := r.territories.Lookup(v)
			return t.ISTAT, ok
		})
	})
	f.Topics = each(bad, "/filter/topics", f.Topics, func(path, v string) string {
		return canonical(bad, path, v, schemas.CodeUnknownTerm, func(v string) (string, bool) {
			t, ok := r.schemas.Term(v)
			if !ok {
				return "", false
			}
			return t.ID, true
		})
	})
	f.Organizations = each(bad, "/filter/organizations", f.Organizations, func(path, v string) string {
		return canonical(bad, path, v, schemas.CodeInvalidReference, func(v string) (string, bool) {
			return v, len(v) <= maxSlug && keyOrID.MatchString(v)
		})
	})
	f.Collections = each(bad, "/filter/collections", f.Collections, func(path, v string) string {
		return canonical(bad, path, v, codeCollection, func(v string) (string, bool) {
			_, ok := r.schemas.TypeByCollection(v)
			return v, ok
		})
	})
}

var (
	keyOrID   = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	tokenName = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
)

// each puts every entry of a list into one form, and names those that are there
// twice.
func each(bad *faults, path string, list []string, one func(path, v string) string) []string {
	if len(list) > maxList {
		bad.add(path, schemas.CodeTooManyItems, map[string]any{"max": maxList, "actual": len(list)})
		return list
	}
	var out []string
	for i, v := range list {
		at := path + "/" + strconv.Itoa(i)
		c := one(at, v)
		if c != "" && slices.Contains(out, c) {
			bad.value(at, schemas.CodeDuplicate, v)
		}
		out = append(out, c)
	}
	return out
}

// canonical gives a text in the form that a rule gives it, or notes what is wrong.
func canonical(bad *faults, path, v, code string, form func(string) (string, bool)) string {
	if len(v) <= 4*maxTarget {
		if out, ok := form(v); ok {
			return out
		}
	}
	bad.value(path, code, v)
	return ""
}

// Origin reads an origin (RFC 6454): a scheme, a host and a port, and nothing
// else. It gives it as browsers send it: the host in lower-case ASCII, without the
// scheme's own port. http is for this machine only.
func Origin(s string) (string, bool) {
	u, err := url.Parse(strings.TrimSuffix(s, "/"))
	if err != nil || u.User != nil || u.Opaque != "" || u.Path != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.ContainsAny(s, "#? \\") {
		return "", false
	}
	name, ok := host(u.Hostname())
	if addr, err := netip.ParseAddr(u.Hostname()); err == nil && addr.Is6() && addr.Zone() == "" && strings.HasPrefix(u.Host, "[") {
		name, ok = "["+addr.String()+"]", true
	}
	if !ok || strings.HasSuffix(u.Host, ":") {
		return "", false
	}
	local := name == "localhost" || strings.HasSuffix(name, ".localhost") || name == "127.0.0.1" || name == "[::1]"
	own := map[string]string{"https": "443", "http": "80"}[u.Scheme]
	if own == "" || u.Scheme == "http" && !local {
		return "", false
	}
	port := u.Port()
	if port != "" && port != own {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 || strconv.FormatUint(n, 10) != port {
			return "", false
		}
		name += ":" + port
	}
	return u.Scheme + "://" + name, true
}

var hostPattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`)

// host gives the one form of a host's name, which is compared and stands in headers.
func host(s string) (string, bool) {
	name, ok := schemas.ASCIIHost(s)
	return name, ok && hostPattern.MatchString(name)
}

// bucket reads the address of a bucket: no user and no password in it.
func bucket(s string) (string, bool) {
	u, err := url.Parse(s)
	return s, err == nil && len(s) <= maxTarget && u.Scheme == "s3" && u.User == nil && u.Host != "" && u.Fragment == "" &&
		utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\\' })
}

var (
	colour = regexp.MustCompile(`^#([0-9a-f]{3}|[0-9a-f]{4}|[0-9a-f]{6}|[0-9a-f]{8})$`)
	length = regexp.MustCompile(`^(0|[0-9]{1,4}(\.[0-9]{1,3})?(px|rem|em|%))$`)
)

// Token reads the value of a design token: a colour in hexadecimal (CSS Color 4,
// section 5.2) or a length in px, rem, em or per cent. Nothing else passes, so that
// a value cannot end a declaration, load a file or hide what it stands beside.
func Token(s string) (string, bool) {
	s = strings.ToLower(strings.TrimSpace(s))
	return s, colour.MatchString(s) || length.MatchString(s)
}

// Allows says whether pages of an origin may speak for the partner. The empty
// origin, of a request that no page of another origin makes, may.
func (p *Partner) Allows(origin string) bool {
	return origin == "" || slices.Contains(p.Origins, origin)
}
