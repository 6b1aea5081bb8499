package api

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/prassi-cms/prassi/content/access"
)

// accessTable lists people, roles, tokens, the logs and the policy.
func (s *Server) accessTable() []*operation {
	const (
		get, post, remove = http.MethodGet, http.MethodPost, http.MethodDelete

		people   = manage + "/people"
		person   = people + "/{id}"
		sessions = person + "/sessions"
		tokens   = manage + "/tokens"
	)
	id := pathParam("id", "The person.", text(64))
	self := pathParam("id", "The caller: their id, or `me`.", text(64))
	grant := pathParam("grant", "The role, with its scope: `editor`, `reviewer@MI`.", text(200))
	limit := limitParam()
	byID := []param{limit, cursorParam(text(64))}
	ofTokens := append([]param{queryParam("all", "Everybody's, not only one's own (administrators).", flag())}, byID...)
	format := queryParam("format", "Without it, what `Accept` names first. `csv` and `jsonl` give the whole log as a file, without `limit` and `cursor`.",
		withDefault(oneOf(formatJSON, formatCSV, formatJSONL), formatJSON))
	entries := []param{queryParam("subject", "Only what is told of this one: `person:ID`, `token:ID`, `media:ID`.", text(200)), format, limit, cursorParam(text(300))}
	events := []param{format, limit, cursorParam(integer(1, 1<<53))}
	own := []param{self, limit, cursorParam(integer(1, 1<<53))}

	ok := func(body any) []answer { return []answer{{Status: http.StatusOK, Body: body}} }
	made := func(body any, headers ...string) []answer {
		return []answer{{Status: http.StatusCreated, Body: body, Headers: headers}}
	}
	done := []answer{{Status: http.StatusNoContent}}
	file, anyText := []string{"Content-Disposition"}, &huma.Schema{Type: "string"}
	log := func(body any) []answer {
		return append(ok(body),
			answer{Status: http.StatusOK, Media: mediaOfFormat[formatCSV], Body: anyText, Headers: file},
			answer{Status: http.StatusOK, Media: mediaOfFormat[formatJSONL], Body: anyText, Headers: file})
	}
	conflict := []int{http.StatusConflict}

	ops := []*operation{
		{Method: get, Route: people, ID: "listPeople", Summary: "The people who act here",
			Params: byID, Answers: ok(Page[Person]{}), Call: s.listPeople(byID), Needs: access.PersonRead},
		{Method: post, Route: people, ID: "invitePerson", Summary: "Invite somebody",
			Body: NewPerson{}, Answers: made(Person{}, "Location"), Problems: conflict, Call: s.invitePerson, Needs: access.PersonInvite},
		{Method: get, Route: person, ID: "getPerson", Summary: "A person with their roles",
			Params: []param{id}, Answers: ok(Person{}), Call: s.getPerson, Needs: access.PersonRead},
		{Method: http.MethodPatch, Route: person, ID: "changeOwnProfile", Summary: "Say one's own name and language",
			Params: []param{self}, Body: Profile{}, Answers: ok(Person{}), Call: s.changeMe, Needs: byCaller},
		{Method: remove, Route: person, ID: "erasePerson", Summary: "Forget who a person is",
			Description: "Name, address, identities and roles go; sessions and tokens end. The id stays as a pseudonym, so that documents keep their author and the log its chain. This cannot be undone.",
			Params:      []param{id}, Body: Erasure{}, Answers: done, Problems: conflict, Call: s.erasePerson, Needs: access.PersonErase},
		{Method: post, Route: person + "/roles", ID: "grantRole", Summary: "Give a role",
			Description: "A role that the person has already, given here, gets the new end.",
			Params:      []param{id}, Body: NewRole{}, Answers: ok(Person{}), Problems: conflict, Call: s.grantRole, Needs: access.RoleGrant},
		{Method: remove, Route: person + "/roles/{grant}", ID: "endRole", Summary: "Take a role away, or lay one down",
			Description: "Administrators take roles from anybody; everybody may lay down their own. The last administrator stays.",
			Params:      []param{id, grant}, Answers: done, Problems: conflict, Call: s.endRole, Needs: byObject},
		{Method: post, Route: person + "/delegations", ID: "delegateRole", Summary: "Lend a role of one's own until a day",
			Params: []param{self}, Body: NewDelegation{}, Answers: made(LentRole{}), Call: s.delegate, Needs: access.RoleDelegate},
		{Method: remove, Route: person + "/delegations/{to}/{grant}", ID: "endDelegation", Summary: "Take back a role that one has lent",
			Params:  []param{self, pathParam("to", "The person who has it.", text(64)), grant},
			Answers: done, Call: s.undelegate, Needs: access.RoleDelegate},
		{Method: get, Route: sessions, ID: "listPersonSessions", Summary: "Where a person is signed in",
			Params: []param{id}, Answers: ok(LoginSessions{}), Call: s.listPersonSessions, Needs: access.SessionManage},
		{Method: remove, Route: sessions, ID: "endPersonSessions", Summary: "Sign a person out everywhere",
			Params: []param{id}, Answers: done, Call: s.endPersonSessions, Needs: access.SessionManage},
		{Method: remove, Route: sessions + "/{session}", ID: "endPersonSession", Summary: "End one session of a person",
			Params:  []param{id, pathParam("session", "The session.", text(12))},
			Answers: done, Call: s.endPersonSessions, Needs: access.SessionManage},
		{Method: post, Route: person + "/link", ID: "createLink", Summary: "Make a one-time link with which a person comes in",
			Params: []param{id}, Body: NewLink{}, Answers: made(CreatedLink{}), Call: s.createLink, Needs: access.PersonInvite},
		{Method: get, Route: person + "/audit", ID: "listOwnAudit", Summary: "What the log tells of oneself",
			Params: own, Answers: ok(Page[AuditEntry]{}), Call: s.listOwnAudit(own), Needs: byCaller},
		{Method: get, Route: person + "/export", ID: "exportOwnData", Summary: "All that is kept about oneself",
			Description: "Only for who has signed in: a token is not given for that. It is told of in the log.",
			Params:      []param{self}, Answers: []answer{{Status: http.StatusOK, Body: OwnData{}, Headers: file}}, Call: s.exportOwn, Needs: byCaller},

		{Method: post, Route: tokens, ID: "createToken", Summary: "Make an API token for oneself or a partner",
			Description: "One's own has roles that one holds. A token that is made with a token has no more roles and lives no longer.",
			Body:        NewToken{}, Answers: made(CreatedToken{}), Problems: conflict, Call: s.createToken, Needs: access.TokenOwn},
		{Method: get, Route: tokens, ID: "listTokens", Summary: "One's API tokens, or all, without their secrets",
			Params: ofTokens, Answers: ok(Page[Token]{}), Call: s.listTokens(ofTokens), Needs: access.TokenOwn},
		{Method: remove, Route: tokens + "/{id}", ID: "revokeToken", Summary: "End an API token",
			Params: []param{pathParam("id", "The token.", text(64))}, Answers: done, Call: s.revokeToken, Needs: access.TokenOwn},

		{Method: get, Route: manage + "/audit", ID: "listAudit", Summary: "Who did what to people, roles, tokens and files",
			Description: "By subject, each subject's entries in their order. As a file, each line of `jsonl` is as it is stored, so that the hashes can be checked; taking a file is told of in the log.",
			Params:      entries, Answers: log(Page[AuditEntry]{}), Call: s.listAudit(entries), Needs: access.AuditRead},
		{Method: get, Route: manage + "/audit/documents", ID: "listDocumentEvents", Summary: "What happened to all documents, the oldest first",
			Params: events, Answers: log(Page[LoggedEvent]{}), Call: s.listDocumentEvents(events), Needs: access.AuditRead},
		{Method: get, Route: manage + "/policy", ID: "getPolicy", Summary: "Who may do what",
			Answers: ok(Policy{}), Call: s.getPolicy, Needs: access.PolicyRead},
	}
	for _, op := range ops {
		op.Tag = tagAccess
	}
	return ops
}
