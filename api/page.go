package api

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/messages"
)

// page is what every page has that is made for one reader.
type page struct {
	Lang, Dir, Title string
	Contact          Contact
}

// newPage begins a page in the reader's language; the title is a code.
func (s *Server) newPage(c *gin.Context, title string) page {
	lang := language(c)
	return page{Lang: lang, Dir: direction(lang), Title: messages.Text(lang, title, nil), Contact: s.opt.Contact}
}

// T says a text of the page in its language.
func (p page) T(code string) string { return messages.Text(p.Lang, code, nil) }

// Ask says whom to ask, or "" when nobody is named.
func (p page) Ask() string {
	if who := or(p.Contact.Name, or(p.Contact.Email, p.Contact.URL)); who != "" {
		return messages.Text(p.Lang, codeAsk, map[string]any{"name": who})
	}
	return ""
}

// answerPage answers with a page for one reader.
func answerPage(c *gin.Context, status int, name string, data any) error {
	body, err := renderPage(name, data)
	if err != nil {
		return err
	}
	h := c.Writer.Header()
	h["Content-Type"], h["Content-Language"], h["Vary"] = typeHTML, []string{language(c)}, varyPage
	c.Writer.WriteHeader(status)
	writeBody(c, body)
	return nil
}

var varyPage = []string{"Accept, Accept-Language, Cookie"}

// wantsPage says that a person is reading: browsers ask for HTML when somebody
// goes to an address or sends a form, programs do not.
func wantsPage(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}

// refusedPage is a problem for people.
type refusedPage struct {
	page
	Text, Code, RequestID, Again, AgainText string
	Errors                                  []FieldError
}

// failPage answers with the problem of err as a page.
func (s *Server) failPage(c *gin.Context, err error) {
	p, status, written := s.prepareFailure(c, err)
	if written {
		return
	}
	v := refusedPage{
		page: s.newPage(c, "label_sign_in_title"), Text: messages.Text(language(c), p.Code, p.Params), Code: p.Code, RequestID: requestID(c),
		Errors: fieldErrors(language(c), p.Fields), Again: "/auth/login",
	}
	v.Title, v.AgainText = messages.Title(v.Lang, p.Code), v.T("label_page_sign_in")
	switch path := c.Request.URL.Path; {
	case strings.HasPrefix(path, confirmPath), strings.HasPrefix(path, previewPath): // there is nothing to sign in for
		v.Again = ""
	case strings.HasPrefix(path, accountPath), path == logoutPath:
		v.Again, v.AgainText = accountPath, v.T("label_page_account")
	case strings.HasPrefix(path, "/auth/callback"), strings.HasPrefix(path, "/auth/login"):
		v.AgainText = v.T("label_page_again")
	}
	if answerPage(c, status, "refused", v) != nil {
		writeProblem(c, v.Lang, status, p, v.RequestID)
	}
}

const typeForm = "application/x-www-form-urlencoded"

// isForm says that an HTML form sends the body.
func isForm(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Content-Type"), typeForm)
}

// maxForm bounds the body of a form, in bytes.
const maxForm = 4 << 10

// readForm reads the fields of a form; others than the known are refused.
func readForm(r *http.Request, known ...string) (*query, error) {
	data, err := readBody(r, maxForm, typeForm)
	if err != nil {
		return nil, err
	}
	return parseQuery(string(data), known...)
}

// formValue gives a field of a form that may have others; it must be there once.
func formValue(data, name string) (value string, ok bool) {
	found := 0
	for pair := range strings.SplitSeq(data, "&") {
		key, raw, _ := strings.Cut(pair, "=")
		if key == name {
			found++
			value, ok = unescape(raw)
		}
	}
	return value, ok && found == 1
}

// formExpired refuses a form that no page of ours in this browser holds.
func formExpired() error {
	return &content.Problem{Class: content.Forbidden, Code: codeFormExpired}
}

// Texts with parameters, which the comment names, and problems.
const (
	codeAsk           = "page_ask"              // name
	codeSignInWith    = "label_sign_in_with"    // provider
	codeDemoAs        = "label_demo_as"         // name
	codeLinkFor       = "link_for"              // name
	codeLinkWith      = "label_link_with"       // provider
	codeSignOutThere  = "label_sign_out_there"  // provider
	codeRoleOf        = "label_role_of"         // name
	codeRoleTo        = "label_role_to"         // name
	codeCouncil       = "label_scope_council"   // territory
	codeLanguage      = "label_scope_language"  // locale
	codeUntil         = "label_role_until"      // date
	codeSessionSeen   = "label_session_seen"    // date
	codeNetwork       = "label_session_network" // address
	codeFormExpired   = "form_expired"          // none
	codeSessionNeeded = "session_needed"        // none
)

// sessionCodes are those of signing in and of the pages.
var sessionCodes = []string{
	codeAsk, codeSignInWith, codeDemoAs, codeLinkFor, codeLinkWith, codeSignOutThere, codeNetwork, codeRoleOf, codeRoleTo,
	codeCouncil, codeLanguage, codeUntil, codeSessionSeen, codeFormExpired, codeSessionNeeded,
	"label_page_again", "label_page_account", "label_page_sign_in", "label_page_code", "label_page_request",
	"label_sign_in_title", "sign_in_intro", "sign_in_none", "label_sign_in_again", "label_demo_title", "demo_intro",
	"label_link_title", "link_first", "link_yours", "link_once", "label_link_alone", "label_onward_title", "onward_text",
	"label_signed_out_title", "signed_out_text", "signed_out_here", "label_log_out",
	"label_account_title", "label_account_roles", "account_no_roles", "label_account_lent", "label_account_sessions", "label_account_tokens", "account_no_tokens",
	"label_role_contributor", "label_role_reviewer", "label_role_secretary", "label_role_translator", "label_role_editor", "label_role_administrator",
	"label_account_profile", "label_profile_name", "profile_name_hint", "label_profile_language", "label_profile_save", "account_saved",
	"label_account_code", "account_code_text", "label_account_lend", "account_lend_intro",
	"label_lend_role", "label_lend_to", "lend_to_hint", "label_lend_until", "lend_until_hint", "label_lend", "label_lend_end",
	"label_role_no_end", "label_person_unnamed", "label_session_unknown", "label_session_current", "label_session_end", "label_session_end_others",
}
