package api

import (
	"net/http"

	"github.com/prassi-cms/prassi/content/access"
)

// sessionTable lists signing in and out, and what is about the caller alone. The
// development login is there in the demonstration only; nothing of it exists
// otherwise.
func (s *Server) sessionTable() []*operation {
	const get, post = http.MethodGet, http.MethodPost
	next := queryParam("next", "Where to go afterwards: a path of this server.", text(1024))
	provider := pathParam("provider", "A provider's name.", text(63))
	id := pathParam("id", "The session.", text(12))
	secret := pathParam("secret", "The link's secret.", text(80))
	pageAnswer := answer{Status: http.StatusOK, Media: "text/html", Body: htmlPage, Headers: []string{"Content-Language"}}
	elsewhere := answer{Status: http.StatusSeeOther, Headers: []string{"Location"}}
	signedIn := answer{Status: http.StatusSeeOther, Headers: []string{"Set-Cookie", "Location"}}
	form := []int{http.StatusBadRequest, http.StatusForbidden, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusServiceUnavailable}
	wrong := append(form, http.StatusUnprocessableEntity)
	saved := queryParam("saved", "Say that a change was made.", flag())

	comeBack := func(route, id, summary string, params ...param) *operation {
		return &operation{Method: get, Route: route, ID: id, Access: open, Page: true, Once: true, Class: classForm,
			Summary: summary, Description: "The answer to an authorization request (OpenID Connect Core 1.0, section 3.1.2.5; RFC 9207). It counts only at the address that was named to the provider.",
			Params: append(params,
				queryParam("state", "As it was sent to the provider.", text(128)), queryParam("code", "The authorization code.", text(8<<10)),
				queryParam("iss", "The issuer.", text(2<<10)), queryParam("error", "Why there is no code.", text(256))),
			Answers:  []answer{signedIn},
			Problems: []int{http.StatusForbidden, http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity, http.StatusBadGateway, http.StatusServiceUnavailable}, Handle: s.callback}
	}

	out := []*operation{
		{Method: get, Route: "/auth/me", ID: "getMe",
			Summary: "Who calls, and with which roles", Answers: []answer{{Status: http.StatusOK, Body: Me{}}}, Call: s.me, Needs: byCaller},
		{Method: get, Route: "/auth/login", ID: "showLogin", Access: open, Page: true,
			Summary:     "The ways to sign in, to choose from",
			Description: "With exactly one provider it leads straight on. The demonstration's people are shown to callers on the same machine only.",
			Params:      []param{next}, Answers: []answer{pageAnswer, elsewhere}, Problems: []int{http.StatusForbidden}, Handle: s.showLogin},
		{Method: get, Route: "/auth/login/{provider}", ID: "startLogin", Access: open, Page: true, Class: classForm,
			Summary: "Go to a provider to sign in", Params: []param{provider, next},
			Answers: []answer{signedIn}, Problems: []int{http.StatusBadGateway, http.StatusServiceUnavailable}, Handle: s.startLogin},
		comeBack(callbackPath, "finishLogin", "Come back from the only provider"),
		comeBack(callbackPath+"/{provider}", "finishLoginAt", "Come back from one of several providers", provider),
		{Method: get, Route: "/auth/logout", ID: "showLogout", Access: open, Page: true,
			Summary: "The page after signing out; the account, for who has not", Answers: []answer{pageAnswer, elsewhere},
			Problems: []int{http.StatusServiceUnavailable}, Handle: s.showLogout},
		{Method: post, Route: "/auth/logout", ID: "logOut", Access: open, Page: true, Class: classForm,
			Summary: "End the session", Problems: form, Handle: s.logout,
			Answers: []answer{
				{Status: http.StatusOK, Doc: "A page, instead, for a form after which the provider's session is to end too.", Body: LoggedOut{}, Headers: []string{"Set-Cookie"}},
				{Status: http.StatusSeeOther, Doc: "For a form.", Headers: []string{"Set-Cookie", "Location"}},
			}},
		{Method: post, Route: "/auth/backchannel/{provider}", ID: "endSessionsByProvider", Access: open,
			Summary: "A provider ends sessions", Description: "OpenID Connect Back-Channel Logout 1.0. A token that comes again is taken again, and ends no session that began after it was made.",
			Params: []param{provider}, Problems: form, Handle: s.backChannel, Rate: rateOpen,
			Answers: []answer{{Status: http.StatusOK}}},
		{Method: get, Route: "/auth/link/{secret}", ID: "showLink", Access: open, Page: true,
			Summary: "What a one-time link is for", Params: []param{secret},
			Answers: []answer{pageAnswer}, Problems: []int{http.StatusServiceUnavailable}, Handle: s.showLink},
		{Method: post, Route: "/auth/link/{secret}", ID: "useLink", Access: open, Page: true,
			Summary: "Use a one-time link", Description: "A form: it asks for the token of its page, and names a provider when the link is to bind a login there.",
			Params: []param{secret}, Problems: form, Handle: s.useLink,
			Answers: []answer{{Status: http.StatusOK, Doc: "A page that leads to the provider.", Media: "text/html", Body: htmlPage}, signedIn}},
		{Method: get, Route: "/auth/sessions", ID: "listSessions", Summary: "The caller's sessions",
			Description: "For sessions only: a token is refused.", Answers: []answer{{Status: http.StatusOK, Body: LoginSessions{}}}, Call: s.listSessions, Needs: byCaller},
		{Method: http.MethodDelete, Route: "/auth/sessions/{id}", ID: "endSession", Summary: "End one of the caller's sessions",
			Params: []param{id}, Answers: []answer{{Status: http.StatusNoContent}}, Call: s.endSession, Needs: byCaller},
		{Method: get, Route: accountPath, ID: "showAccount", Page: true, Summary: "Who one is here, as a page",
			Params: []param{saved}, Answers: []answer{pageAnswer, elsewhere}, Call: s.showAccount, Needs: byCaller},
		{Method: post, Route: accountPath + "/sessions", ID: "endOtherSessions", Page: true, Class: classForm, Summary: "End all other sessions, by a form",
			Answers: []answer{elsewhere}, Problems: form, Call: s.endMyOthers, Needs: byCaller},
		{Method: post, Route: accountPath + "/sessions/{id}", ID: "endSessionByForm", Page: true, Class: classForm, Summary: "End a session, by a form",
			Params: []param{id}, Answers: []answer{elsewhere}, Problems: form, Call: s.endMySession, Needs: byCaller},
		{Method: post, Route: profilePath, ID: "changeOwnProfileByForm", Page: true, Class: classForm, Summary: "Say one's own name and language, by a form",
			Answers: []answer{elsewhere}, Problems: wrong, Call: s.changeMyProfile, Needs: byCaller},
		{Method: post, Route: delegationPath, ID: "delegateRoleByForm", Page: true, Class: classForm, Summary: "Lend a role of one's own until a day, by a form",
			Answers: []answer{elsewhere}, Problems: wrong, Call: s.lendMyRole, Needs: access.RoleDelegate},
		{Method: post, Route: delegationPath + "/{to}/{grant}", ID: "endDelegationByForm", Page: true, Class: classForm, Summary: "Take back a role that one has lent, by a form",
			Params:  []param{pathParam("to", "The person who has it.", text(64)), pathParam("grant", "The role, with its scope.", text(200))},
			Answers: []answer{elsewhere}, Problems: form, Call: s.takeMyRoleBack, Needs: access.RoleDelegate},
	}
	if s.opt.Demo {
		out = append(out, &operation{
			Method: post, Route: "/auth/login", ID: "logIn", Access: open, Page: true, Class: classForm,
			Summary:     "Begin a session as one of the demonstration's people",
			Description: "Only in the demonstration, and only for callers on the same machine.",
			Body:        Login{}, Form: true, Handle: s.demoLogin, Problems: []int{http.StatusForbidden, http.StatusServiceUnavailable},
			Answers: []answer{
				{Status: http.StatusOK, Doc: "For a JSON body.", Body: Me{}, Headers: []string{"Set-Cookie"}},
				{Status: http.StatusSeeOther, Doc: "For a form.", Headers: []string{"Set-Cookie", "Location"}},
			},
		})
	}
	for _, op := range out {
		op.Tag = tagAccess
	}
	return out
}
