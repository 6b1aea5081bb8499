package api

import (
	"net/http"
	"slices"
	"strings"
)

// class says which headers protect an answer. An operation has one, and the
// headers are looked up when its route is made.
type class int

const (
	classDerived  class = iota // as its answers say: see classOf
	classData                  // JSON for a known caller, and whatever has no page
	classDelivery              // what any origin may read
	classPage                  // a page without forms
	classForm                  // a page whose forms lead to this origin, and to no other
	classSecret                // classForm at an address that nobody else may learn
	classAsset                 // what pages load: styles, scripts
	classMedia                 // a file that people uploaded
	classSite                  // the public site: its pages, and what they load
	classPreview               // a page of the site that only those may see who have its address
	classWorkshop              // the page that makes the line of a widget, with the widget on it
	classEmbed                 // a page that other sites show in a frame; /embed/ only
)

// Policies of content (CSP level 3). None of them lets anything inline run or
// style, and none but the embed's lets another site put the answer in a frame. A
// form whose answer redirects to another origin needs that origin in form-action
// in some browsers: use a link there.
const (
	policyData  = "default-src 'none'; frame-ancestors 'none'"
	policyMedia = "default-src 'none'; frame-ancestors 'none'; sandbox"
	policyPage  = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " + noScripts
	policyForm  = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; " + noScripts
	policyEmbed = "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; " +
		"frame-ancestors *; require-trusted-types-for 'script'; trusted-types 'none'"
	// policySite is that of the public site; %s are the hosts of its map's tiles.
	policySite = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:%s; font-src 'self'; connect-src 'self'; " +
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	policyWorkshop = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'%s; base-uri 'none'; form-action 'self'; " +
		"frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
	noScripts = "require-trusted-types-for 'script'; trusted-types 'none'"

	// permissions takes from pages what they never ask for (Permissions Policy).
	permissions = "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()"

	// transport holds for two years and for this host alone: what else lives below
	// it is its operator's business, and cannot be taken back (RFC 6797, section
	// 14.4). Cookies do not depend on it: __Host- keeps other hosts' out.
	transport = "max-age=63072000"
)

// header is one header with its value, which is never changed.
type header struct {
	name  string
	value []string
}

var (
	sniff    = header{"X-Content-Type-Options", nosniff}
	private  = header{"Cache-Control", noStore}
	sameSite = header{"Cross-Origin-Resource-Policy", []string{"same-origin"}}
	anySite  = header{"Cross-Origin-Resource-Policy", []string{"cross-origin"}}
	alone    = header{"Cross-Origin-Opener-Policy", []string{"same-origin"}}
	noTrace  = header{"Referrer-Policy", []string{"no-referrer"}}
	ownTrace = header{"Referrer-Policy", []string{"same-origin"}}
	asksFor  = header{"Permissions-Policy", []string{permissions}}
	// The site asks where somebody is when they press the button for it, and never else.
	asksHere   = header{"Permissions-Policy", []string{strings.Replace(permissions, "geolocation=()", "geolocation=(self)", 1)}}
	sendOrigin = header{"Referrer-Policy", []string{"strict-origin-when-cross-origin"}}
	unlisted   = header{"X-Robots-Tag", []string{"noindex, nofollow"}}
	hsts       = header{"Strict-Transport-Security", []string{transport}}
)

func policy(text string) header { return header{"Content-Security-Policy", []string{text}} }

// classHeaders is the one table of protective headers. Cache-Control is what an
// answer has that says nothing else.
var classHeaders = map[class][]header{
	classData:     {policy(policyData), sniff, sameSite, noTrace, private},
	classDelivery: {policy(policyData), sniff, anySite, {"Access-Control-Allow-Origin", anyOrigin}},
	classPage:     {policy(policyPage), sniff, sameSite, ownTrace, alone, asksFor, private},
	classForm:     {policy(policyForm), sniff, sameSite, ownTrace, alone, asksFor, private},
	classSecret:   {policy(policyForm), sniff, sameSite, noTrace, alone, asksFor, private},
	classAsset:    {policy(policyData), sniff, sameSite, private},
	classMedia:    {policy(policyMedia), sniff, anySite, noTrace, private, {"Access-Control-Allow-Origin", anyOrigin}},
	classSite:     {policy(policySite), sniff, anySite, sendOrigin, alone, asksHere},
	classPreview:  {policy(policySite), sniff, sameSite, noTrace, alone, asksFor, private, unlisted},
	classWorkshop: {policy(policyWorkshop), sniff, sameSite, ownTrace, alone, asksHere, private},
	classEmbed:    {policy(policyEmbed), sniff, anySite, ownTrace, alone, asksFor, private},
}

// classOf gives the class of an operation: what it says itself, or what follows
// from who may call it and what it answers with.
func classOf(op *operation) class {
	switch {
	case op.Class != classDerived:
		return op.Class
	case op.Access == public:
		return classDelivery
	case slices.ContainsFunc(op.Answers, func(a answer) bool { return strings.HasPrefix(a.Media, "text/html") }):
		return classForm
	}
	return classData
}

// headersOf gives the headers of every answer of an operation.
func (s *Server) headersOf(op *operation) []header {
	out := slices.Clone(classHeaders[classOf(op)])
	for i, x := range out {
		if x.name == "Content-Security-Policy" && strings.Contains(x.value[0], "%s") {
			out[i] = policy(strings.Replace(x.value[0], "%s", s.tiles, 1))
		}
	}
	if s.https {
		out = append(out, hsts)
	}
	return out
}

// oddFraming says whether another program on the way might see the end of a
// request elsewhere than we do (RFC 9112, sections 3.2.2, 6.3, 11.2). After such
// a request the connection is closed, so that nothing that was hidden behind it
// is taken for a request. A length beside chunks is among them: net/http follows
// the chunks and does not tell.
func oddFraming(r *http.Request) bool {
	return r.ProtoMajor == 1 && (r.ContentLength < 0 || r.ProtoMinor == 0 || r.URL.Host != "" ||
		r.ContentLength > 0 && (r.Method == http.MethodGet || r.Method == http.MethodHead))
}
