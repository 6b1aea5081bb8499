package schemas

import (
	"net/mail"
	"net/url"
	"path"
	"regexp"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/text/currency"
)

// format is a shape that text may be held to.
type format struct {
	// canonical answers the text's canonical form, or false.
	canonical func(string) (string, bool)
	code      string         // issue when it does not fit
	max       int            // characters
	schema    map[string]any // JSON Schema of the canonical form
	// fault says what is wrong when the code alone does not; may be nil.
	fault func(string) []Issue
}

// formats by name.
var formats = map[string]*format{
	// A web address, http or https.
	"url": {canonical: webURL, code: CodeInvalidURL, max: 2048, schema: map[string]any{"format": "uri", "pattern": "^https?://"}},
	// A web address, or an address that opens mail or telephone.
	"link": {canonical: linkURL, code: CodeInvalidURL, max: 2048, schema: map[string]any{"format": "uri", "pattern": "^(https?://|mailto:|tel:)"}},
	// Where a file is: a web address, or a path on this site.
	"source": {canonical: sourceURL, code: CodeInvalidURL, max: 2048, schema: map[string]any{"format": "uri-reference"}},
	"email":  {canonical: email, code: CodeInvalidEmail, max: 254, schema: map[string]any{"format": "email"}},
	"phone":  {canonical: phone, code: CodeInvalidPhone, max: 40, schema: map[string]any{"pattern": phonePattern.String()}},
	// A time of day, 00:00 to 23:59.
	"time": {canonical: clock, code: CodeNotATime, max: 5, schema: map[string]any{"pattern": timePattern.String()}},
	// A currency of ISO 4217.
	"currency": {canonical: currencyCode, code: CodeInvalidCurrency, max: 3, schema: map[string]any{"pattern": "^[A-Z]{3}$"}},
	// A media type of RFC 6838 without parameters.
	"media_type": {canonical: mediaType, code: CodeInvalidMediaType, max: 127, schema: map[string]any{"pattern": mediaTypePattern.String()}},
	// The tax code of an Italian body, 11 digits; a person's is refused.
	"tax_code": {canonical: taxCode, code: CodeTaxCodeInvalid, max: 11, schema: map[string]any{"pattern": "^[0-9]{11}$"}, fault: taxCodeFault},
}

// Formats names the formats that text may have.
func Formats() []string {
	return []string{"url", "link", "source", "email", "phone", "time", "currency", "media_type", "tax_code"}
}

// webURL takes absolute http and https addresses with a host and without user
// name. Host names become lower-case ASCII (IDNA 2008 with the checks of UTS
// 46), which shows look-alike letters for what they are; the rest is
// percent-encoded where RFC 3986 asks for it.
func webURL(s string) (string, bool) {
	if strings.ContainsAny(s, " \\\"<>`{}|^") {
		return "", false
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.Opaque != "" {
		return "", false
	}
	host, ok := hostName(u.Hostname())
	if !ok {
		return "", false
	}
	if port := u.Port(); port != "" {
		host += ":" + port
	} else if strings.HasSuffix(u.Host, ":") {
		return "", false
	}
	u.Host = host
	out := u.String()
	return out, len(out) <= 2048
}

// hostName answers a host name in lower-case ASCII.
func hostName(h string) (string, bool) {
	if h == "" || len(h) > 253 || strings.ContainsAny(h, ":%[]") {
		return "", false
	}
	a, ok := ASCIIHost(h)
	return a, ok && hostPattern.MatchString(a)
}

// ASCIIHost gives the one form of a host's name: lower-case ASCII (UTS 46), of 253
// octets at most (RFC 1035, section 3.1), in which letters that look alike differ. A
// name that is another one, or none, when it is read again has no such form. What else
// a name may hold is for the caller to say.
func ASCIIHost(name string) (string, bool) {
	a, err := idna.Lookup.ToASCII(name)
	if err != nil || a == "" || len(a) > 253 {
		return "", false
	}
	again, err := idna.Lookup.ToASCII(a)
	return a, err == nil && again == a
}

var hostPattern = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9])?)*\.?$`)

func linkURL(s string) (string, bool) {
	scheme, rest, _ := strings.Cut(s, ":")
	switch strings.ToLower(scheme) {
	case "mailto":
		a, ok := email(rest)
		return "mailto:" + a, ok
	case "tel":
		p, ok := phone(rest)
		return "tel:" + strings.ReplaceAll(p, " ", "-"), ok
	}
	return webURL(s)
}

// sourceURL takes a web address or a clean path, absolute or relative, that
// does not leave its folder and cannot be read as an address of another host.
func sourceURL(s string) (string, bool) {
	if strings.Contains(s, "://") {
		return webURL(s)
	}
	if strings.ContainsAny(s, "\\?#:\"<>`{}|^") || strings.HasPrefix(s, "//") {
		return "", false
	}
	decoded, err := url.PathUnescape(s)
	if err != nil {
		return "", false
	}
	decoded = strings.TrimPrefix(decoded, "./")
	if path.Clean(decoded) != decoded || decoded == "." || strings.HasPrefix(decoded, "..") || strings.HasPrefix(decoded, "//") {
		return "", false
	}
	for _, r := range decoded {
		if forbidden(r) || isBidiControl(r) || r == '\\' || r == '\n' || r == '\t' || r == '\r' || r == '\uFFFD' {
			return "", false
		}
	}
	out := (&url.URL{Path: decoded}).EscapedPath()
	return out, len(out) <= 2048
}

var localPart = regexp.MustCompile("^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}$")

// email takes one bare address as forms on the web do (HTML, "valid e-mail
// address"), with the domain in lower-case ASCII.
func email(s string) (string, bool) {
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s {
		return "", false
	}
	i := strings.LastIndexByte(s, '@')
	local, domain := s[:i], s[i+1:]
	domain, ok := hostName(domain)
	if !ok || !localPart.MatchString(local) || strings.HasSuffix(domain, ".") {
		return "", false
	}
	out := local + "@" + domain
	return out, len(out) <= 254
}

var phonePattern = regexp.MustCompile(`^\+?[0-9]([ ./-]?[0-9]){1,24}$`)

// phone takes digits with separators, short numbers and a leading plus; brackets
// are dropped. Numbers such as 112 or 800 123 456 stay as they are written,
// because they mean nothing with a country code.
func phone(s string) (string, bool) {
	s = collapse(strings.NewReplacer("(", " ", ")", " ", "\u00a0", " ", "–", "-", "‑", "-").Replace(s))
	s = strings.TrimSpace(s)
	s = strings.ReplaceAll(s, " - ", "-")
	s = strings.ReplaceAll(s, " / ", "/")
	return s, phonePattern.MatchString(s)
}

var timePattern = regexp.MustCompile(`^([01][0-9]|2[0-3]):[0-5][0-9]$`)

// clock takes hours and minutes, with or without a leading zero or seconds of zero.
func clock(s string) (string, bool) {
	if len(s) == 8 {
		s = strings.TrimSuffix(s, ":00")
	}
	if len(s) == 4 {
		s = "0" + s
	}
	return s, timePattern.MatchString(s)
}

func currencyCode(s string) (string, bool) {
	s = strings.ToUpper(s)
	_, err := currency.ParseISO(s)
	return s, err == nil && len(s) == 3
}

var mediaTypePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9!#$&^_.+-]{0,62}/[a-z0-9][a-z0-9!#$&^_.+-]{0,62}$`)

func mediaType(s string) (string, bool) {
	s = strings.ToLower(s)
	return s, mediaTypePattern.MatchString(s)
}
