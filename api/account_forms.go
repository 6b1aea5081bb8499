package api

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	tongue "golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"github.com/prassi-cms/prassi/auth"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/messages"
	"github.com/prassi-cms/prassi/schemas"
)

// What the account's forms do:
//
//	visitor      only who has signed in; a token has no page
//	form_token   only a form of our page in this browser
//	the change   through package auth, as by the API
//	then         the account anew, or the form once more, with what was typed
//
// Nobody may list people, and no form tells whether an address is known here: who
// wants to be lent a role gives the code that the own account shows, which is the
// id that the log names.

// pageForm is a form of a page.
type pageForm struct {
	Action, Token, Button string
	Fields                []input
}

// input is a field of a form, with what was typed and what is wrong with it.
type input struct {
	ID, Name, Type, Label, Hint, Value, Wrong string
	Fill                                      string // autocomplete (HTML, autofill)
	Max                                       int    // characters
	From, To                                  string // bounds of a date
	Ltr, Focus                                bool
	Options                                   []option
}

// option is one of the values that a field may have.
type option struct{ Value, Text, Lang string }

// sentForm is a form that came and has to be corrected.
type sentForm struct {
	action string
	values map[string]string
	issues []schemas.Issue
}

// correct shows what was typed, and at each field what is wrong with it. The first
// wrong one is where the page begins.
func (f *pageForm) correct(lang string, sent *sentForm) {
	if f.Action != sent.action {
		return
	}
	found := false
	for i := range f.Fields {
		x := &f.Fields[i]
		x.Value = sent.values[x.Name]
		at := slices.IndexFunc(sent.issues, func(i schemas.Issue) bool { return i.Path == "/"+x.Name })
		if at < 0 {
			continue
		}
		x.Wrong = messages.Text(lang, sent.issues[at].Code, sent.issues[at].Params)
		x.Focus, found = !found, true
	}
}

const (
	profilePath    = accountPath + "/profile"
	delegationPath = accountPath + "/delegations"
)

func (p *accountPage) profileForm(person auth.Person) pageForm {
	speaks := p.Lang
	if spoken(person.Locale) {
		speaks = messages.Negotiate(person.Locale)
	}
	languages := input{ID: "profile-locale", Name: "locale", Label: p.T("label_profile_language"), Value: speaks}
	for _, tag := range messages.Languages {
		languages.Options = append(languages.Options, option{tag, display.Self.Name(tongue.Make(tag)), tag})
	}
	return pageForm{Action: profilePath, Token: p.FormToken, Button: p.T("label_profile_save"), Fields: []input{
		{ID: "profile-name", Name: "name", Type: "text", Label: p.T("label_profile_name"), Hint: p.T("profile_name_hint"), Value: person.Name, Fill: "name", Max: auth.MaxOwnName},
		languages,
	}}
}

func (p *accountPage) lendForm(roles []option, now time.Time) *pageForm {
	day := func(days int) string { return now.In(content.Rome).AddDate(0, 0, days).Format(time.DateOnly) }
	return &pageForm{Action: delegationPath, Token: p.FormToken, Button: p.T("label_lend"), Fields: []input{
		{ID: "lend-role", Name: "role", Label: p.T("label_lend_role"), Options: roles},
		{ID: "lend-to", Name: "to", Type: "text", Label: p.T("label_lend_to"), Hint: p.T("lend_to_hint"), Fill: "off", Max: 64, Ltr: true},
		{ID: "lend-until", Name: "until", Type: "date", Label: p.T("label_lend_until"), Hint: p.T("lend_until_hint"), Fill: "off",
			From: day(1), To: day(int(auth.MaxDelegation / (24 * time.Hour)))},
	}}
}

// lendable are the roles that the actor may lend: each once, and none that was
// lent to them.
func (s *Server) lendable(lang string, a content.Actor) (out []option) {
	for _, g := range a.Grants {
		if g.Of != "" || slices.ContainsFunc(out, func(o option) bool { return o.Value == g.String() }) {
			continue
		}
		l := s.roleLine(lang, g)
		if l.Where != "" {
			l.What += " · " + l.Where
		}
		out = append(out, option{Value: g.String(), Text: l.What})
	}
	return out
}

// accountForm does what a form of the account asks for, if it is ours. What is
// wrong with a field is shown there.
func (s *Server) accountForm(c *call, fields []string, do func(v visitor, q *query) error) error {
	v, err := s.visitor(c)
	if err != nil {
		return err
	}
	q, err := readForm(c.Request, append([]string{"form_token"}, fields...)...)
	if err != nil {
		return err
	}
	if !s.auth.CheckForm(v.secret, q.text("form_token")) {
		return formExpired()
	}
	if err = do(v, q); err == nil {
		return seeOther(c.Context, accountPath+"?saved=true")
	}
	if issues := fieldsOf(err); len(issues) > 0 && wantsPage(c.Request) {
		return s.answerAccount(c, v, statusOf(content.AsProblem(err)), false, &sentForm{c.Request.URL.Path, q.values, issues})
	}
	return err
}

// fieldOf says at which field a problem shows that names none itself.
var fieldOf = map[string]string{
	"delegation_not_held": "/role", "delegation_to_oneself": "/to", "delegation_end": "/until", "grant_past": "/until",
}

// fieldsOf gives what is wrong with the fields of a form.
func fieldsOf(err error) []schemas.Issue {
	p := content.AsProblem(err)
	if at, ok := fieldOf[p.Code]; ok {
		return []schemas.Issue{{Path: at, Code: p.Code, Params: p.Params}}
	}
	return p.Fields
}

// endMySession answers the form of one session, endMyOthers that of all others.
func (s *Server) endMySession(c *call) error {
	return s.accountForm(c, nil, func(v visitor, _ *query) error {
		err := s.auth.EndSessionOf(c.ctx(), c.actor, v.Person, c.Param("id"))
		if isNotFound(err) { // it ended meanwhile: what was wanted
			err = nil
		}
		return err
	})
}

func (s *Server) endMyOthers(c *call) error {
	return s.accountForm(c, nil, func(v visitor, _ *query) error { return s.endOtherSessions(c, v) })
}

// changeMyProfile answers the form of name and language.
func (s *Server) changeMyProfile(c *call) error {
	return s.accountForm(c, []string{"name", "locale"}, func(_ visitor, q *query) error {
		_, err := s.introduce(c, Profile{Name: q.text("name"), Locale: q.text("locale")})
		return err
	})
}

// lendMyRole answers the form that lends a role.
func (s *Server) lendMyRole(c *call) error {
	return s.accountForm(c, []string{"role", "to", "until"}, func(_ visitor, q *query) error {
		in := NewDelegation{Role: q.text("role"), Until: q.text("until"), To: strings.TrimPrefix(strings.TrimSpace(q.text("to")), "person:")}
		var empty []schemas.Issue
		for _, f := range []struct{ name, value string }{{"role", in.Role}, {"to", in.To}, {"until", in.Until}} {
			if f.value == "" {
				empty = append(empty, required(f.name))
			}
		}
		if len(empty) > 0 {
			return &content.Problem{Class: content.Invalid, Code: codeInvalidBody, Fields: empty}
		}
		_, err := s.lend(c, in)
		if errors.Is(err, content.ErrNotFound) {
			return invalid(codeInvalidBody, "/to", codeLendCode, nil)
		}
		return err
	})
}

// takeMyRoleBack answers the form that ends a delegation.
func (s *Server) takeMyRoleBack(c *call) error {
	return s.accountForm(c, nil, func(visitor, *query) error {
		g := s.pathRole(c)
		err := s.auth.Undelegate(c.ctx(), c.actor, c.Param("to"), g.Role, g.Scope)
		if isNotFound(err) { // it ended meanwhile: what was wanted
			err = nil
		}
		return err
	})
}

// introduce takes over what the caller says of themselves.
func (s *Server) introduce(c *call, in Profile) (auth.Person, error) {
	if in.Locale != "" && !slices.Contains(messages.Languages, in.Locale) {
		return auth.Person{}, invalid(codeInvalidBody, "/locale", schemas.CodeInvalidLanguage, map[string]any{"value": echo(in.Locale)})
	}
	return s.auth.Introduce(c.ctx(), c.actor, c.person(), in.Name, in.Locale)
}

// changeMe takes over what the caller says of themselves, by JSON.
func (s *Server) changeMe(c *call) error {
	if _, err := c.own(); err != nil {
		return err
	}
	var in Profile
	if err := s.decode(c.Request, &in); err != nil {
		return err
	}
	p, err := s.introduce(c, in)
	return s.answerPerson(c, http.StatusOK, p, err)
}
