package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	flags "flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/prassi-cms/prassi/auth"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/media"
)

var update = flags.Bool("update", false, "write the golden files anew")

const permissionsHead = `# Who may do what, over HTTP. The real API answered; regenerate with
#   go test ./api -run TestPermissions -update
# and read the difference: every changed cell is a changed right.
#
# Rows: every operation of the table, with each thing that it may be asked about.
# The documents are practices of the organisation orti-insieme in the province of
# Prato, begun in Italian by somebody who has left since, unless the row says
# otherwise. "never existed" is an id that nobody ever had: who is told 404 about
# something that exists is told it in the same bytes and headers.
#
# Columns: contributor and partner are contributor@orti-insieme (the partner by a
# token of its own), "elsewhere" is contributor@altra-riva, reviewer and secretary
# are Prato's, "rev. MI" is Milano's reviewer, "delegate" a person without roles of
# their own to whom Prato's reviewer has delegated. People are asked about by
# token and by session, and both must answer alike; where only a session is good
# enough the cell says "session". Not shown, because they must answer as another
# column does: an invalid, an expired and a revoked token and the session of an
# erased person as nobody; who has left, whose delegation has ended, and whose
# delegator has lost the role as "no roles"; the token of a reviewer and translator
# that is for translating only as "trans. it".
#
#   200 …    the status of a success    401, 403, 404   unauthenticated, forbidden,
#   others   status and problem code                    not_found
`

// A caller is somebody with the means to show who they are.
type caller struct {
	person         string   // id; empty for nobody and for partners
	role           string   // one that they hold, or would like to
	token, session []string // headers; nil when they have none
	tokenID        string
	sessionID      string
	form           string // token of the forms of the session
}

// means are the ways in which the caller can show who they are.
func (c *caller) means() [][]string {
	var out [][]string
	for _, m := range [][]string{c.token, c.session} {
		if m != nil {
			out = append(out, m)
		}
	}
	if out == nil {
		return [][]string{nil}
	}
	return out
}

// column is a caller of the matrix; with as, one who must be answered as another.
type column struct {
	name, as string
	cast     func(*stage) *caller
}

// thing is what an operation is asked about.
type thing struct {
	params  map[string]string // parts of the path
	id      string            // what an answer may repeat
	version func() int64      // grows with every change; nil when there is none
	steady  bool              // it must not change, whatever the answer is
	marks   []string          // what nobody is told who does not see it
}

// situation makes a thing; own ones are made for each caller.
type situation struct {
	kind string // so that two kinds of things may be in situations of the same name
	name string
	own  bool
	make func(*stage, *caller) thing
}

// ask is one way of calling an operation.
type ask struct {
	what    string // added to the operation's name
	on      []situation
	query   string
	body    func(*stage, thing, *caller) string
	headers []string
	form    bool // the body is an HTML form
}

// stage is a world with a cast, and things that are made when they are needed.
type stage struct {
	*world
	serial int
	cast   map[string]*caller
	things map[string]thing
}

func newStage(t *testing.T) *stage {
	w := newWorld(t, onSite(t, siteFiles()), func(o *Options) { o.Rates = Rates{Off: true} })
	return &stage{world: w, cast: map[string]*caller{}, things: map[string]thing{}}
}

var system = content.System("stage")

// next gives a number that no other thing has, always as long.
func (s *stage) next() string {
	s.serial++
	return fmt.Sprintf("%06d", s.serial)
}

func (s *stage) grants(texts ...string) []content.Grant {
	var out []content.Grant
	for _, text := range texts {
		g, err := content.ParseGrant(text, s.service.Territories())
		s.must(err)
		out = append(out, g)
	}
	return out
}

// newPerson makes a person with those roles, and a token and a session.
func (s *stage) newPerson(roles ...string) *caller {
	c := &caller{person: "persona" + s.next(), role: "reviewer@PO"}
	s.putPerson(c.person, roles...)
	if len(roles) > 0 {
		c.role = roles[0]
		s.give(c, roles...)
	}
	s.enter(c)
	return c
}

func (s *stage) putPerson(id string, roles ...string) {
	s.must(s.auth.PutPerson(context.Background(), system, auth.Person{
		ID: id, Name: "Nome" + id, Email: id + "@example.org", Locale: "it", Grants: s.grants(roles...),
	}))
}

// give makes a personal token with those roles.
func (s *stage) give(c *caller, roles ...string) {
	s.must(s.giving(c, roles...))
}

// giving is give, which fails when the person has the roles no longer.
func (s *stage) giving(c *caller, roles ...string) error {
	secret, t, err := s.auth.CreateToken(context.Background(), system, auth.NewToken{Name: "lavoro", Person: c.person, Grants: s.grants(roles...), Life: 72 * time.Hour})
	if err == nil {
		c.token, c.tokenID = []string{"Authorization", "Bearer " + secret}, t.ID
	}
	return err
}

// enter begins a session.
func (s *stage) enter(c *caller) {
	secret, session, err := s.auth.StartSession(context.Background(), auth.NewSession{Person: c.person, Address: "192.0.2.7"})
	s.must(err)
	c.session, c.sessionID = []string{"Cookie", cookieLocal + "=" + secret, "Sec-Fetch-Site", "same-origin"}, session.ID
	c.form = s.auth.FormToken(secret)
}

// bearing is nobody but for a token.
func bearing(secret string) *caller {
	return &caller{token: []string{"Authorization", "Bearer " + secret}, role: "reviewer@PO"}
}

func (s *stage) partnerToken(life time.Duration, roles ...string) (string, auth.Token) {
	secret, t, err := s.auth.CreateToken(context.Background(), system, auth.NewToken{Name: "museo", Partner: "museo", Grants: s.grants(roles...), Life: life})
	s.must(err)
	return secret, t
}

// lent gives somebody without roles the role of a reviewer of Prato who lends it
// until then.
func (s *stage) lent(until time.Time) (giver, to *caller) {
	giver, to, err := s.lend(until)
	s.must(err)
	return giver, to
}

// lend is lent, which fails when until comes too soon.
func (s *stage) lend(until time.Time) (giver, to *caller, err error) {
	giver, to = s.newPerson("reviewer@PO"), s.newPerson()
	g := s.grants("reviewer@PO")[0]
	g.Until = until
	person, err := s.auth.Person(context.Background(), giver.person)
	s.must(err)
	if _, err := s.auth.Delegate(context.Background(), person.Actor(), to.person, g); err != nil {
		return nil, nil, err
	}
	to.role = "reviewer@PO"
	return giver, to, s.giving(to, "reviewer@PO")
}

// columns are the callers, in order.
var columns = func() []column {
	with := func(roles ...string) func(*stage) *caller {
		return func(s *stage) *caller { return s.newPerson(roles...) }
	}
	later := func() time.Time { return time.Now().Add(24 * time.Hour) }
	ctx := context.Background()
	return []column{
		{name: "nobody", cast: func(*stage) *caller { return &caller{role: "reviewer@PO"} }},
		{name: "invalid token", as: "nobody", cast: func(s *stage) *caller {
			secret, _ := s.partnerToken(time.Hour, "administrator")
			return bearing(secret[:len(secret)-1] + map[bool]string{true: "0", false: "1"}[secret[len(secret)-1] != '0'])
		}},
		{name: "expired token", as: "nobody", cast: func(s *stage) *caller {
			secret, _ := s.partnerToken(time.Millisecond, "administrator")
			time.Sleep(3 * time.Millisecond)
			return bearing(secret)
		}},
		{name: "revoked token", as: "nobody", cast: func(s *stage) *caller {
			secret, t := s.partnerToken(time.Hour, "administrator")
			s.must(s.auth.RevokeToken(ctx, system, t.ID))
			return bearing(secret)
		}},
		{name: "erased person", as: "nobody", cast: func(s *stage) *caller {
			c := s.newPerson("editor")
			s.must(s.auth.Erase(ctx, system, c.person))
			c.person = ""
			return c
		}},
		{name: "no roles", cast: func(s *stage) *caller {
			c := s.newPerson("translator@it")
			_, err := s.auth.Ungrant(ctx, system, c.person, "translator", "it")
			s.must(err)
			c.role = "reviewer@PO"
			return c
		}},
		{name: "has left", as: "no roles", cast: func(s *stage) *caller {
			c := s.newPerson("contributor@orti-insieme")
			_, err := s.auth.Ungrant(ctx, system, c.person, "contributor", "orti-insieme")
			s.must(err)
			c.role = "reviewer@PO"
			return c
		}},
		{name: "delegation ended", as: "no roles", cast: func(s *stage) *caller {
			for life := 250 * time.Millisecond; ; life *= 4 {
				until := time.Now().Add(life)
				_, c, err := s.lend(until)
				if err != nil && life < time.Minute { // a slow machine took longer than that
					continue
				}
				s.must(err)
				time.Sleep(time.Until(until) + 2*time.Millisecond)
				return c
			}
		}},
		{name: "delegator lost it", as: "no roles", cast: func(s *stage) *caller {
			giver, c := s.lent(later())
			g := s.grants("reviewer@PO")[0]
			_, err := s.auth.Ungrant(ctx, system, giver.person, g.Role, g.Scope)
			s.must(err)
			return c
		}},
		{name: "contributor", cast: with("contributor@orti-insieme")},
		{name: "elsewhere", cast: with("contributor@altra-riva")},
		{name: "trans. it", cast: with("translator@it")},
		{name: "fewer by token", as: "trans. it", cast: func(s *stage) *caller {
			c := s.newPerson("reviewer@PO", "translator@it")
			c.session, c.role = nil, "translator@it"
			s.give(c, "translator@it")
			return c
		}},
		{name: "trans. fr", cast: with("translator@fr")},
		{name: "reviewer", cast: with("reviewer@PO")},
		{name: "rev. MI", cast: with("reviewer@MI")},
		{name: "secretary", cast: with("secretary@PO")},
		{name: "delegate", cast: func(s *stage) *caller { _, c := s.lent(later()); return c }},
		{name: "editor", cast: with("editor")},
		{name: "admin", cast: with("administrator")},
		{name: "partner", cast: func(s *stage) *caller {
			secret, t := s.partnerToken(time.Hour, "contributor@orti-insieme")
			c := bearing(secret)
			c.tokenID, c.role = t.ID, "contributor@orti-insieme"
			return c
		}},
	}
}()

// caller gives the caller of a column.
func (s *stage) caller(name string) *caller {
	if s.cast[name] == nil {
		at := slices.IndexFunc(columns, func(c column) bool { return c.name == name })
		s.cast[name] = columns[at].cast(s)
	}
	return s.cast[name]
}

// thing gives a thing in a situation, and the name under which it is kept.
func (s *stage) thing(si situation, column string) (thing, string) {
	key := si.kind + " " + si.name
	if si.own {
		key += " of " + column
	}
	if _, ok := s.things[key]; !ok {
		s.things[key] = si.make(s, s.caller(column))
	}
	return s.things[key], key
}

// spoil forgets what a call has changed.
func (s *stage) spoil(key, column string, own bool) {
	delete(s.things, key)
	if own {
		delete(s.cast, column)
		for k := range s.things {
			if strings.HasSuffix(k, " of "+column) || column == "secretary" && strings.HasSuffix(k, " begun by Prato's secretary") || column == "has left" {
				delete(s.things, k)
			}
		}
	}
}

// ghost is an id that nobody ever had.
const ghost = "01930000-0000-7000-8000-000000000000"

// draft is how a document of the matrix comes about.
type draft struct {
	author, typ, owner, territory string
	locales, steps                []string
	fields                        map[string]any
	discard                       bool
	uses                          string // address of a file
	schedule                      string
}

func (s *stage) document(d draft) thing {
	ctx := context.Background()
	mark := "segreto" + s.next()
	fields := map[string]any{
		"title": "Titolo " + mark, "summary": "Riassunto " + mark, "territories": []any{or(d.territory, "PO")}, "topics": []any{"participation-volunteering"},
		"issue": "Problema " + mark, "objectives": "Obiettivi " + mark, "results": "Risultati " + mark,
		"activities": []any{map[string]any{"title": "Semina " + mark, "text": "Ogni sabato."}},
	}
	if d.uses != "" {
		fields["results"] = "Si veda [la foto](" + d.uses + ")."
	}
	if d.fields != nil {
		fields = map[string]any{"title": "Titolo " + mark, "territories": []any{or(d.territory, "PO")}}
		for k, v := range d.fields {
			fields[k] = v
		}
	}
	typ := or(d.typ, "practice")
	by := content.Actor{ID: or(d.author, "person:"+s.caller("has left").person), Via: "command", Grants: s.grants("administrator")}
	doc, err := s.service.Create(ctx, by, content.NewVariant{Type: typ, Locale: "it", Owner: d.owner, Fields: fields})
	s.must(err)
	doc, err = s.service.Edit(ctx, by, doc.ID, "it", "*", content.Edit{Fields: map[string]any{"summary": "Altro riassunto " + mark}})
	s.must(err)
	for _, l := range d.locales {
		doc, err = s.service.AddVariant(ctx, by, doc.ID, "*", content.NewVariant{Locale: l, Fields: map[string]any{"title": "Titre " + mark}})
		s.must(err)
	}
	for _, name := range d.steps {
		if name == "(edit)" {
			doc, err = s.service.Edit(ctx, by, doc.ID, "it", "*", content.Edit{Fields: map[string]any{"results": "Altri risultati " + mark}})
		} else {
			doc, err = s.service.Transition(ctx, system, doc.ID, "it", "*", content.Step{Name: name, Comment: "commento " + mark})
		}
		s.must(err)
	}
	if d.schedule != "" {
		doc, err = s.service.Transition(ctx, system, doc.ID, "it", "*", content.Step{Name: d.schedule, At: time.Now().Add(240 * time.Hour)})
		s.must(err)
	}
	if d.discard {
		s.must(s.service.Discard(ctx, system, doc.ID, "*"))
	}
	id := doc.ID
	return thing{
		id: id, params: map[string]string{"id": id, "locale": "it", "number": "1", "transition": "withdraw"},
		marks: []string{mark, id, doc.Variant("it").Slug},
		version: func() int64 {
			doc, err := s.store.Get(context.Background(), id)
			s.must(err)
			return doc.Version
		},
	}
}

// record gives the version of a stored record.
func (s *stage) record(kind, id string) func() int64 {
	return func() int64 {
		r, err := s.store.GetRecord(context.Background(), kind, id)
		if errors.Is(err, content.ErrNotFound) {
			return 0
		}
		s.must(err)
		return r.Version
	}
}

func document(name string, d draft) situation {
	return situation{name: name, make: func(s *stage, _ *caller) thing { return s.document(d) }}
}

// never is a thing that never was, with those parts of the path.
func never(id string, more ...string) situation {
	return situation{name: "never existed", make: func(*stage, *caller) thing {
		params := map[string]string{"id": id, "locale": "it", "number": "1", "transition": "withdraw"}
		for i := 0; i+1 < len(more); i += 2 {
			params[more[i]] = more[i+1]
		}
		return thing{id: id, params: params}
	}}
}

var (
	ours    = "orti-insieme"
	toLive  = []string{"submit", "endorse", "publish"}
	article = map[string]any{"body": "Testo."}

	documents = []situation{
		never(ghost),
		document("drawer", draft{owner: ours}),
		document("handed in", draft{owner: ours, steps: toLive[:1]}),
		document("live", draft{owner: ours, steps: toLive}),
		document("live and rewritten", draft{owner: ours, steps: []string{"submit", "endorse", "publish", "(edit)"}}),
		document("withdrawn", draft{owner: ours, steps: []string{"submit", "endorse", "publish", "withdraw"}}),
		document("discarded", draft{owner: ours, discard: true}),
		document("in French too, drawer", draft{owner: ours, locales: []string{"fr"}}),
		document("Milano, drawer", draft{owner: ours, territory: "MI"}),
		document("Milano, handed in", draft{owner: ours, territory: "MI", steps: toLive[:1]}),
		document("other organisation, drawer", draft{owner: "altra-riva"}),
		document("other organisation, handed in", draft{owner: "altra-riva", steps: toLive[:1]}),
		document("other organisation, Milano, live", draft{owner: "altra-riva", territory: "MI", steps: toLive}),
		document("newsroom's article, drawer", draft{typ: "article", fields: article, author: "person:edo"}),
		document("newsroom's article, live", draft{typ: "article", fields: article, author: "person:edo", steps: []string{"publish"}}),
		{name: "begun by Prato's secretary", make: func(s *stage, _ *caller) thing {
			return s.document(draft{typ: "service", fields: map[string]any{"topics": []any{"work"}}, author: "person:" + s.caller("secretary").person})
		}},
	}
	// services are facts that age.
	services = []situation{
		document("service, drawer", draft{typ: "service", owner: ours, fields: map[string]any{"topics": []any{"work"}}}),
		document("service, Milano, drawer", draft{typ: "service", owner: "altra-riva", territory: "MI", fields: map[string]any{"topics": []any{"work"}}}),
	}
	scheduled = append(slices.Clone(documents[:4:4]), document("live, withdrawal to come", draft{owner: ours, steps: toLive, schedule: "withdraw"}),
		document("other organisation, Milano, withdrawal to come", draft{owner: "altra-riva", territory: "MI", steps: toLive, schedule: "withdraw"}))
)

// fixed is a body that depends on nothing.
func fixed(text string) func(*stage, thing, *caller) string {
	return func(*stage, thing, *caller) string { return text }
}

// step asks for a step of the workflow.
func step(name string, on []situation) ask {
	return ask{what: name, on: on, headers: anyVersion, body: fixed(`{"transition":"` + name + `","comment":"Ecco."}`)}
}

var anyVersion = []string{"If-Match", "*"}

// asks says how to call each operation. An operation that is not here fails the
// test, and so does one whose things are not told.
var asks = map[string][]ask{
	"POST /api/v1/manage/documents": {
		{what: "own organisation", body: fixed(`{"type":"practice","locale":"it","owner":"orti-insieme","fields":{"title":"Nuova","territories":["PO"]}}`)},
		{what: "other organisation", body: fixed(`{"type":"practice","locale":"it","owner":"altra-riva","fields":{"title":"Nuova","territories":["PO"]}}`)},
		{what: "nobody's, Prato", body: fixed(`{"type":"service","locale":"it","fields":{"title":"Nuovo","topics":["work"],"territories":["PO"]}}`)},
		{what: "nobody's, Milano", body: fixed(`{"type":"service","locale":"it","fields":{"title":"Nuovo","topics":["work"],"territories":["MI"]}}`)},
		{what: "a page", body: fixed(`{"type":"page","locale":"it","fields":{"title":"Nuova"}}`)},
	},
	"GET /api/v1/manage/documents":         {{}, {what: "begun by me", query: "?mine=true"}, {what: "of Milano", query: "?territory=MI"}},
	"GET /api/v1/manage/documents/{id}":    {{on: documents}},
	"DELETE /api/v1/manage/documents/{id}": {{on: documents, headers: anyVersion}},
	"POST /api/v1/manage/documents/{id}/variants": {
		{what: "in French", on: documents, headers: anyVersion, body: fixed(`{"locale":"fr","fields":{"title":"Titre"}}`)},
		{what: "in Italian", on: documents[:3], headers: anyVersion, body: fixed(`{"locale":"it","fields":{"title":"Di nuovo"}}`)},
	},
	"GET /api/v1/manage/documents/{id}/variants/{locale}": {{on: documents}},
	"PATCH /api/v1/manage/documents/{id}/variants/{locale}": {
		{what: "text", on: documents, headers: anyVersion, body: func(s *stage, _ thing, _ *caller) string { return `{"fields":{"summary":"Nuovo ` + s.next() + `"}}` }},
		{what: "to Firenze", on: documents, headers: anyVersion, body: fixed(`{"fields":{"territories":["FI"]}}`)},
		{what: "wrong", on: documents[:7], headers: anyVersion, body: fixed(`{"fields":{"territories":["nowhere"],"nothing":1}}`)},
		{what: "stale", on: documents[:7], headers: []string{"If-Match", `"1.1.1"`}, body: fixed(`{"fields":{"summary":"Nuovo"}}`)},
		{what: "without If-Match", on: documents[:4], body: fixed(`{"fields":{"summary":"Nuovo"}}`)},
	},
	"POST /api/v1/manage/documents/{id}/variants/{locale}/transitions": {
		step("submit", documents), step("endorse", documents), step("publish", documents), step("withdraw", documents),
		step("recall", documents[:4]), step("request_changes", documents[:4]), step("decline", documents[:4]), step("showcase", documents[:4]), step("no_such_step", documents[:4]),
		{what: "withdraw later", on: documents, headers: anyVersion, body: fixed(`{"transition":"withdraw","at":"2099-03-29T02:30"}`)},
	},
	"DELETE /api/v1/manage/documents/{id}/variants/{locale}/schedule/{transition}":    {{on: scheduled, headers: anyVersion}},
	"GET /api/v1/manage/documents/{id}/events":                                        {{on: documents}},
	"GET /api/v1/manage/documents/{id}/variants/{locale}/revisions":                   {{on: documents}},
	"GET /api/v1/manage/documents/{id}/variants/{locale}/revisions/{number}":          {{on: documents}},
	"POST /api/v1/manage/documents/{id}/variants/{locale}/revisions/{number}/restore": {{on: documents, headers: anyVersion, body: fixed(`{}`)}},
	"GET /api/v1/manage/documents/{id}/variants/{locale}/comparison":                  {{on: documents, query: "?from=1&to=2"}},
	"POST /api/v1/manage/preview":                                                     {{body: fixed(`{"markdown":"## Ciao"}`)}},
	"POST /api/v1/manage/documents/{id}/assure":                                       {{on: append(slices.Clone(documents), services...), body: fixed(`{}`)}},
	"GET /api/v1/manage/freshness":                                                    {{}, {what: "of Milano", query: "?territory=MI"}},
	"GET /api/v1/manage/types":                                                        {{}},
	"GET /api/v1/manage/workflows":                                                    {{}},
	"GET /api/v1/manage/me":                                                           {{}},
	"GET /auth/me":                                                                    {{}},
}

// personThing is what is asked about a person.
func personThing(id, grant, to, session string) thing {
	return thing{id: id, params: map[string]string{"id": id, "grant": grant, "to": to, "session": session}, marks: []string{"Nome" + id}}
}

// myself is the caller; for who is no person, nobody.
var myself = situation{name: "oneself", own: true, make: func(s *stage, c *caller) thing {
	return personThing(or(c.person, "persona999998"), c.role, s.newPerson().person, or(c.sessionID, "AAAAAAAAAAAA"))
}}

var (
	persons = []situation{
		{name: "never existed", make: func(*stage, *caller) thing {
			return personThing("persona999999", "contributor@orti-insieme", "persona999997", "AAAAAAAAAAAA")
		}},
		myself,
		{name: "somebody else", make: func(s *stage, _ *caller) thing {
			c, to := s.newPerson("contributor@orti-insieme"), s.newPerson()
			p, err := s.auth.Person(context.Background(), c.person)
			s.must(err)
			g := s.grants(c.role)[0]
			g.Until = time.Now().Add(24 * time.Hour)
			_, err = s.auth.Delegate(context.Background(), p.Actor(), to.person, g)
			s.must(err)
			other := personThing(c.person, "contributor@orti-insieme", to.person, c.sessionID)
			other.version = s.record("person", c.person)
			return other
		}},
		{name: "somebody erased", make: func(s *stage, _ *caller) thing {
			c := s.newPerson("contributor@orti-insieme")
			s.must(s.auth.Erase(context.Background(), system, c.person))
			return personThing(c.person, "contributor@orti-insieme", "persona999997", c.sessionID)
		}},
	}
	lentByMe = situation{name: "lent by oneself", own: true, make: func(s *stage, c *caller) thing {
		to := s.newPerson()
		p, err := s.auth.Person(context.Background(), or(c.person, "ada"))
		s.must(err)
		g := s.grants(c.role)[0]
		g.Until = time.Now().Add(24 * time.Hour)
		if _, err = s.auth.Delegate(context.Background(), p.Actor(), to.person, g); err != nil && content.AsProblem(err).Code != "delegation_not_held" {
			s.must(err)
		}
		return personThing(or(c.person, "persona999998"), c.role, to.person, "AAAAAAAAAAAA")
	}}

	tokens = []situation{
		never(strings.Repeat("A", 20)),
		{name: "one's own", own: true, make: func(s *stage, c *caller) thing {
			id := c.tokenID
			if c.person != "" && s.holds(c.person, c.role) {
				_, t, err := s.auth.CreateToken(context.Background(), system, auth.NewToken{Name: "altro", Person: c.person, Grants: s.grants(c.role), Life: time.Hour})
				s.must(err)
				id = t.ID
			}
			return thing{id: or(id, strings.Repeat("B", 20)), params: map[string]string{"id": or(id, strings.Repeat("B", 20))}}
		}},
		{name: "another's", make: func(s *stage, _ *caller) thing {
			c := s.newPerson("contributor@orti-insieme")
			return thing{id: c.tokenID, params: map[string]string{"id": c.tokenID}, version: s.record("token", c.tokenID)}
		}},
		{name: "a partner's", make: func(s *stage, _ *caller) thing {
			_, t := s.partnerToken(time.Hour, "contributor@orti-insieme")
			return thing{id: t.ID, params: map[string]string{"id": t.ID}, version: s.record("token", t.ID)}
		}},
		{name: "another's, revoked", make: func(s *stage, _ *caller) thing {
			c := s.newPerson("contributor@orti-insieme")
			s.must(s.auth.RevokeToken(context.Background(), system, c.tokenID))
			return thing{id: c.tokenID, params: map[string]string{"id": c.tokenID}}
		}},
	}

	sessions = []situation{
		never("AAAAAAAAAAAA"),
		{name: "this one", own: true, make: func(_ *stage, c *caller) thing {
			return thing{id: c.sessionID, params: map[string]string{"id": or(c.sessionID, "BBBBBBBBBBBB")}}
		}},
		{name: "another of one's own", own: true, make: func(s *stage, c *caller) thing {
			id := "BBBBBBBBBBBB"
			if c.person != "" {
				_, session, err := s.auth.StartSession(context.Background(), auth.NewSession{Person: c.person})
				s.must(err)
				id = session.ID
			}
			return thing{id: id, params: map[string]string{"id": id}}
		}},
		{name: "another's", make: func(s *stage, _ *caller) thing {
			c := s.newPerson()
			return thing{id: c.sessionID, params: map[string]string{"id": c.sessionID}, steady: true, version: func() int64 {
				list, err := s.auth.Sessions(context.Background(), c.person)
				s.must(err)
				return int64(len(list))
			}}
		}},
	}
)

// picture is a small PNG that no other is equal to.
func (s *stage) picture() []byte {
	img := image.NewRGBA(image.Rect(0, 0, 4, 4))
	s.serial++
	img.Set(1, 1, color.RGBA{byte(s.serial), byte(s.serial >> 8), 7, 255})
	var b bytes.Buffer
	s.must(png.Encode(&b, img))
	return b.Bytes()
}

// file adds a picture, and a document that uses it when there is a draft.
func (s *stage) file(by, owner string, d *draft) thing {
	mark := "foto" + s.next()
	item, err := s.media.Add(context.Background(), content.Actor{ID: by, Via: "command"}, media.NewItem{Owner: owner, Name: mark + ".png", Alt: "Alt " + mark}, bytes.NewReader(s.picture()))
	s.must(err)
	name := item.Files[0].Name
	if d != nil {
		d := *d
		d.uses = "/media/" + item.ID + "/" + name
		s.document(d)
		s.catchUp()
	}
	return thing{
		id: item.ID, params: map[string]string{"id": item.ID, "media": item.ID, "file": name}, marks: []string{mark}, version: s.record("media", item.ID),
	}
}

func file(name, owner string, d *draft) situation {
	return situation{name: name, make: func(s *stage, _ *caller) thing { return s.file("person:edo", owner, d) }}
}

var files = []situation{
	never("aaaaaaaaaaaaaaaaaaaaaaaaaa", "media", "aaaaaaaaaaaaaaaaaaaaaaaaaa", "file", "4.png"),
	{name: "nobody's, one's own, unused", own: true, make: func(s *stage, c *caller) thing {
		by := "person:" + c.person
		if c.person == "" {
			by = "token:" + or(c.tokenID, "nobody")
		}
		return s.file(by, "", nil)
	}},
	file("nobody's, the newsroom's, unused", "", nil),
	file("organisation's, unused", ours, nil),
	file("organisation's, in a drawer", ours, &draft{owner: ours}),
	file("organisation's, handed in", ours, &draft{owner: ours, steps: toLive[:1]}),
	file("organisation's, live", ours, &draft{owner: ours, steps: toLive}),
	file("organisation's, withdrawn", ours, &draft{owner: ours, steps: []string{"submit", "endorse", "publish", "withdraw"}}),
	file("organisation's, Milano, handed in", ours, &draft{owner: ours, territory: "MI", steps: toLive[:1]}),
	file("other organisation's, unused", "altra-riva", nil),
	file("other organisation's, Milano, in a drawer", "altra-riva", &draft{owner: "altra-riva", territory: "MI"}),
	file("other organisation's, Milano, live", "altra-riva", &draft{owner: "altra-riva", territory: "MI", steps: toLive}),
	file("other organisation's, in a drawer of ours", "altra-riva", &draft{owner: ours}),
}

func (s *stage) holds(person, role string) bool {
	p, err := s.auth.Person(context.Background(), person)
	s.must(err)
	actor, err := s.auth.Actor(context.Background(), p)
	s.must(err)
	g := s.grants(role)[0]
	return slices.ContainsFunc(actor.Grants, func(h content.Grant) bool { return h.Role == g.Role && h.Scope == g.Scope })
}

// tomorrow is a moment that is a day away.
func tomorrow() string { return time.Now().Add(24 * time.Hour).UTC().Format(time.RFC3339) }

func init() {
	form := func(s *stage, _ thing, c *caller) string { return "form_token=" + c.form }
	lend := func(role func(*caller) string) func(*stage, thing, *caller) string {
		return func(_ *stage, t thing, c *caller) string {
			return `{"role":"` + role(c) + `","until":"` + tomorrow() + `","to":"` + t.params["to"] + `"}`
		}
	}
	lendForm := func(role func(*caller) string) func(*stage, thing, *caller) string {
		return func(_ *stage, _ thing, c *caller) string {
			return url.Values{"form_token": {c.form}, "role": {role(c)}, "to": {"edo"}, "until": {tomorrow()}}.Encode()
		}
	}
	upload := func(s *stage, _ thing, _ *caller) string { return string(s.picture()) }
	raw := []string{"Content-Type", "application/octet-stream"}
	for key, list := range map[string][]ask{
		"GET /api/v1/manage/media": {{}, {what: "of the organisation", query: "?owner=orti-insieme"}},
		"POST /api/v1/manage/media": {
			{what: "nobody's", body: upload, headers: raw},
			{what: "own organisation", query: "?owner=orti-insieme", body: upload, headers: raw},
			{what: "other organisation", query: "?owner=altra-riva", body: upload, headers: raw},
		},
		"GET /api/v1/manage/media/{id}":    {{on: files}},
		"PATCH /api/v1/manage/media/{id}":  {{on: files, body: func(s *stage, _ thing, _ *caller) string { return `{"alt":"Nuovo ` + s.next() + `"}` }}},
		"DELETE /api/v1/manage/media/{id}": {{on: files}},
		"GET /media/{media}/{file}":        {{on: files}},
		"GET /api/v1/manage/people":        {{}},
		"POST /api/v1/manage/people": {
			{what: "without a role", body: fixed(`{"name":"Nuova"}`)},
			{what: "with a role", body: fixed(`{"name":"Nuova","roles":[{"role":"reviewer@PO"}]}`)},
		},
		"GET /api/v1/manage/people/{id}": {{on: persons}},
		"DELETE /api/v1/manage/people/{id}": {
			{on: persons, body: func(_ *stage, t thing, _ *caller) string { return `{"confirm":"` + t.params["id"] + `"}` }},
			{what: "without saying so again", on: persons, body: fixed(`{"confirm":""}`)},
		},
		"POST /api/v1/manage/people/{id}/roles": {
			{what: "editor", on: persons, body: fixed(`{"role":"editor"}`)},
			{what: "administrator", on: persons, body: fixed(`{"role":"administrator"}`)},
		},
		"DELETE /api/v1/manage/people/{id}/roles/{grant}": {{on: persons}},
		"POST /api/v1/manage/people/{id}/delegations": {
			{what: "one's own role", on: persons, body: lend(func(c *caller) string { return c.role })},
			{what: "a role not held", on: persons, body: lend(func(*caller) string { return "reviewer@FI" })},
		},
		"DELETE /api/v1/manage/people/{id}/delegations/{to}/{grant}": {{on: append(slices.Clone(persons), lentByMe)}},
		"GET /api/v1/manage/people/{id}/sessions":                    {{on: persons}},
		"DELETE /api/v1/manage/people/{id}/sessions":                 {{on: persons}},
		"DELETE /api/v1/manage/people/{id}/sessions/{session}":       {{on: persons}},
		"POST /api/v1/manage/people/{id}/link":                       {{on: persons, body: fixed(`{}`)}},
		"GET /api/v1/manage/tokens":                                  {{what: "one's own"}, {what: "all", query: "?all=true"}},
		"POST /api/v1/manage/tokens": {
			{what: "role held", body: func(_ *stage, _ thing, c *caller) string { return `{"name":"x","grants":["` + c.role + `"]}` }},
			{what: "role not held", body: fixed(`{"name":"x","grants":["reviewer@FI"]}`)},
			{what: "for a partner", body: fixed(`{"name":"x","partner":"museo","grants":["contributor@orti-insieme"]}`)},
		},
		"DELETE /api/v1/manage/tokens/{id}":     {{on: tokens}},
		"GET /api/v1/manage/audit":              {{}, {what: "of a person", query: "?subject=person:edo"}},
		"GET /api/v1/manage/audit/documents":    {{}},
		"GET /api/v1/manage/people/{id}/audit":  {{on: persons}},
		"GET /api/v1/manage/people/{id}/export": {{on: persons}},
		"GET /api/v1/manage/policy":             {{}},
		"GET /auth/sessions":                    {{}},
		"DELETE /auth/sessions/{id}":            {{on: sessions}},
		"GET /auth/account":                     {{}},
		"POST /auth/account/sessions":           {{form: true, body: form}, {what: "without the form's token", form: true, body: fixed("form_token=")}},
		"POST /auth/account/sessions/{id}":      {{on: sessions, form: true, body: form}},
		"PATCH /api/v1/manage/people/{id}":      {{on: persons, body: func(s *stage, _ thing, _ *caller) string { return `{"name":"Nome ` + s.next() + `"}` }}},
		"POST /auth/account/profile": {
			{form: true, body: func(s *stage, _ thing, c *caller) string {
				return "form_token=" + c.form + "&locale=it&name=Nome" + s.next()
			}},
			{what: "without a name", form: true, body: form},
		},
		"POST /auth/account/delegations": {
			{what: "one's own role", form: true, body: lendForm(func(c *caller) string { return c.role })},
			{what: "a role not held", form: true, body: lendForm(func(*caller) string { return "reviewer@FI" })},
		},
		"POST /auth/account/delegations/{to}/{grant}": {{on: []situation{lentByMe}, form: true, body: form}},
	} {
		asks[key] = list
	}
	for key, list := range partnerAsks() {
		asks[key] = list
	}
	for key, list := range siteAsks() {
		asks[key] = list
	}
	for key, list := range webhookAsks() {
		asks[key] = list
	}
	for key, list := range directoryAsks() {
		asks[key] = list
	}
	for kind, list := range map[string][]situation{"document": documents, "service": services, "variant": scheduled, "person": persons, "token": tokens, "session": sessions, "file": files} {
		for i := range list {
			list[i].kind = kind
		}
	}
}

// openly is how the open operations are called by nobody: what is not here is
// called as the table says.
var openly = map[string]struct{ path, body, media string }{
	"POST /confirm/{token}":             {"", "answer=right", typeForm},
	"POST /auth/login":                  {"", `{"person":"edo"}`, ""},
	"POST /auth/logout":                 {"", `{}`, ""},
	"POST /auth/backchannel/{provider}": {"", "logout_token=x", typeForm},
	"POST /auth/link/{secret}":          {"", "form_token=x", typeForm},
	"GET /schemas/{file}":               {"/schemas/practice.json", "", ""},
	"GET /problems/{code}":              {"/problems/stale", "", ""},
}

// TestPermissions asks, for every operation, thing and caller, what the real API
// answers, and compares with what was agreed.
func TestPermissions(t *testing.T) {
	s := newStage(t)
	s.fill()
	m := &matrix{stage: s, t: t, seen: map[string]bool{}}
	m.out.WriteString(permissionsHead)
	shown := slices.DeleteFunc(slices.Clone(columns), func(c column) bool { return c.as != "" })
	for _, op := range s.server.operations {
		key := op.Method + " " + op.Route
		list := asks[key]
		if op.Access != signed && list == nil {
			continue
		}
		if len(list) == 0 {
			t.Errorf("%s (%s) has no row in the matrix: say in asks how it is called", op.ID, key)
			continue
		}
		fmt.Fprintf(&m.out, "\n== %s: %s, needs %s\n", op.ID, key, or(op.Needs, "nothing"))
		table := tabwriter.NewWriter(&m.out, 0, 0, 2, ' ', 0)
		fmt.Fprint(table, "\t")
		for _, c := range shown {
			fmt.Fprintf(table, "%s\t", c.name)
		}
		fmt.Fprintln(table)
		for _, a := range list {
			if strings.Contains(op.Route, "{") && len(a.on) == 0 {
				t.Errorf("%s: say which things it is asked about", op.ID)
			}
			m.rows(table, op, a)
		}
		table.Flush()
	}
	m.open()
	for key := range asks {
		if !slices.ContainsFunc(s.server.operations, func(op *operation) bool { return op.Method+" "+op.Route == key }) {
			t.Errorf("%s is no operation", key)
		}
	}
	golden(t, "permissions.golden", m.out.Bytes())
}

type matrix struct {
	*stage
	t    *testing.T
	out  bytes.Buffer
	seen map[string]bool // by thing and column: whether the caller sees the document
}

func (m *matrix) rows(table *tabwriter.Writer, op *operation, a ask) {
	on := a.on
	if len(on) == 0 {
		on = []situation{{name: "-", make: func(*stage, *caller) thing { return thing{} }}}
	}
	ghosts := map[string][]byte{}
	for _, si := range on {
		cells := map[string]string{}
		for _, c := range columns {
			cells[c.name] = m.cell(op, a, si, c.name, ghosts)
			byToken := cells[c.name] == "403 session_needed" && strings.HasSuffix(cells[c.as], " session") && m.caller(c.name).session == nil
			if c.as != "" && cells[c.name] != cells[c.as] && !byToken {
				m.t.Errorf("%s %s, %s: %s is told %s, and %s %s", op.ID, a.what, si.name, c.name, cells[c.name], c.as, cells[c.as])
			}
		}
		if op.Access == signed && cells["nobody"] != "401" {
			m.t.Errorf("%s %s, %s: nobody is told %s", op.ID, a.what, si.name, cells["nobody"])
		}
		name := strings.Trim(a.what+": "+si.name, ": -")
		fmt.Fprintf(table, "%s\t", or(name, "-"))
		for _, c := range columns {
			if c.as == "" {
				fmt.Fprintf(table, "%s\t", cells[c.name])
			}
		}
		fmt.Fprintln(table)
	}
}

// cell calls an operation by each of the caller's means, which must come to the
// same.
func (m *matrix) cell(op *operation, a ask, si situation, column string, ghosts map[string][]byte) string {
	var cells []string
	for i := 0; i < len(m.caller(column).means()); i++ {
		on, key := m.thing(si, column) // before the caller is asked for: it may be made anew
		c := m.caller(column)
		means := c.means()[i]
		hidden := false
		for _, getter := range []string{"/api/v1/manage/documents/", "/api/v1/manage/media/"} {
			hidden = hidden || strings.HasPrefix(op.Route, getter+"{id}") && !m.sees(getter+on.id, key, column)
		}
		var before int64
		if on.version != nil {
			before = on.version()
		}
		got := m.call(op, a, on, c, means)
		cell := short(got)
		cells = append(cells, cell)
		switch {
		case on.steady && on.version() != before:
			m.t.Errorf("%s %s, %s: %s has changed it", op.ID, a.what, si.name, column)
		case got.StatusCode < 400 && op.Method != http.MethodGet:
			m.spoil(key, column, si.own)
			m.forget(key)
		case on.version != nil && on.version() != before:
			m.t.Errorf("%s %s, %s, %s: refused, and changed", op.ID, a.what, si.name, column)
			m.spoil(key, column, si.own)
			m.forget(key)
		}
		if got.StatusCode >= 500 {
			m.t.Errorf("%s %s, %s: %s is told %d: %s", op.ID, a.what, si.name, column, got.StatusCode, got.body)
		}
		told, who := anonymised(got, on.id), fmt.Sprint(column, i)
		switch {
		case si.name == "never existed":
			ghosts[who] = told
		case (hidden || cell == "404") && ghosts[who] != nil && !bytes.Equal(told, ghosts[who]):
			m.t.Errorf("%s %s, %s: %s sees that it exists:\n%s\ninstead of\n%s", op.ID, a.what, si.name, column, told, ghosts[who])
		}
		if hidden {
			for _, mark := range on.marks {
				if mark != on.id && bytes.Contains(told, []byte(mark)) {
					m.t.Errorf("%s %s, %s: %s is told %q:\n%s", op.ID, a.what, si.name, column, mark, told)
				}
			}
		}
	}
	switch {
	case len(cells) == 1 || cells[0] == cells[1]:
		return cells[0]
	case cells[0] == "403 session_needed":
		return cells[1] + " session"
	}
	m.t.Errorf("%s %s, %s: %s is told %s by token and %s by session", op.ID, a.what, si.name, column, cells[0], cells[1])
	return strings.Join(cells, " | ")
}

// call asks for a thing.
func (s *stage) call(op *operation, a ask, on thing, c *caller, means []string) answered {
	s.t.Helper()
	path := op.Route + a.query
	for name, value := range on.params {
		path = strings.ReplaceAll(path, "{"+name+"}", value)
	}
	if strings.Contains(path, "{") {
		s.t.Errorf("%s: nothing stands for a part of the path: %s", op.ID, path)
	}
	body := ""
	if a.body != nil {
		body = a.body(s, on, c)
	}
	headers := append(slices.Clone(means), a.headers...)
	if a.form {
		headers = append(headers, "Content-Type", typeForm)
	}
	return s.send("", op.Method, path, body, headers...)
}

// sees says whether a caller gets the thing itself.
func (m *matrix) sees(address, key, column string) bool {
	at := key + "\n" + column
	seen, known := m.seen[at]
	if !known {
		c := m.caller(column)
		seen = m.send("", "GET", address, "", c.means()[0]...).StatusCode == 200
		m.seen[at] = seen
	}
	return seen
}

func (m *matrix) forget(key string) {
	for at := range m.seen {
		if strings.HasPrefix(at, key+"\n") {
			delete(m.seen, at)
		}
	}
}

// short says an answer in a word or two.
func short(a answered) string {
	out := strconv.Itoa(a.StatusCode)
	if a.StatusCode < 400 {
		return out
	}
	var p Problem
	if err := json.Unmarshal(a.body, &p); err != nil {
		return out + " ?"
	}
	switch out + " " + p.Code {
	case "401 unauthenticated", "403 forbidden", "404 not_found":
		return out
	}
	return out + " " + p.Code
}

// anonymised is a whole answer without what differs each time, and without the
// id that the caller named himself.
func anonymised(a answered, id string) []byte {
	var b bytes.Buffer
	fmt.Fprintln(&b, a.Status)
	h := a.Header.Clone()
	own := h.Get("X-Request-Id")
	for _, name := range []string{"Date", "X-Request-Id"} {
		h.Del(name)
	}
	_ = h.Write(&b)
	b.WriteString("\n")
	b.Write(a.body)
	out := b.Bytes()
	if own != "" {
		out = bytes.ReplaceAll(out, []byte(own), []byte("(request)"))
	}
	if id != "" {
		out = bytes.ReplaceAll(out, []byte(id), []byte("(id)"))
	}
	return out
}

// open writes what nobody in particular is told by the operations that ask for no
// credentials.
func (m *matrix) open() {
	fmt.Fprintf(&m.out, "\n== Open to everybody\n")
	table := tabwriter.NewWriter(&m.out, 0, 0, 2, ' ', 0)
	for _, op := range m.server.operations {
		if op.Access == signed || asks[op.Method+" "+op.Route] != nil {
			continue
		}
		known := openly[op.Method+" "+op.Route]
		path := or(known.path, regexp.MustCompile(`\{[a-z]+\}`).ReplaceAllString(op.Route, "nowhere"))
		var headers []string
		if known.media != "" {
			headers = []string{"Content-Type", known.media}
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", op.ID, op.Method+" "+op.Route, short(m.send("", op.Method, path, known.body, headers...)))
	}
	table.Flush()
}

// golden compares with a file of testdata, or writes it anew.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	got = regexp.MustCompile(` +\n`).ReplaceAll(got, []byte("\n"))
	path := filepath.Join("testdata", name)
	if *update && !t.Failed() {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	old, now := strings.Split(string(want), "\n"), strings.Split(string(got), "\n")
	for i := range max(len(old), len(now)) {
		var a, b string
		if i < len(old) {
			a = old[i]
		}
		if i < len(now) {
			b = now[i]
		}
		if a != b {
			t.Fatalf("%s, line %d:\n%s\nis now\n%s", path, i+1, a, b)
		}
	}
}

// TestDefaultDeny: an operation that does not say what its caller needs is not
// served, and what it needs is asked before it runs.
func TestDefaultDeny(t *testing.T) {
	s := newStage(t)
	ran := 0
	invented := func(access audience, needs string) *operation {
		op := &operation{
			Method: http.MethodGet, Route: "/api/v1/manage/invented", ID: "invented", Tag: tagAccess, Summary: "Invented", Access: access, Needs: needs,
			Answers: []answer{{Status: http.StatusNoContent}}, Call: func(c *call) error { ran++; c.Writer.WriteHeader(http.StatusNoContent); return nil },
		}
		op.Handle = s.server.signed(op)
		return op
	}
	for needs, access := range map[string]audience{"": signed, "document.sea": signed, "administrator": signed, "audit.read": open, byCaller: public} {
		if checkTable(append(slices.Clone(s.server.operations), invented(access, needs))) == nil {
			t.Errorf("an operation for audience %d that needs %q is served", access, needs)
		}
	}
	op := invented(signed, "audit.read")
	if err := checkTable(append(slices.Clone(s.server.operations), op)); err != nil {
		t.Fatal(err)
	}
	s.server.mount(op)
	for _, c := range columns {
		want := map[bool]int{true: 204, false: 403}[c.name == "admin"]
		if c.name == "nobody" || c.as == "nobody" {
			want = 401
		}
		for _, means := range s.caller(c.name).means() {
			s.send("", "GET", op.Route, "", means...).want(t, want)
		}
	}
	if ran != 2 { // by token and by session
		t.Errorf("it ran %d times", ran)
	}
	for _, op := range s.server.operations {
		if op.Access != signed && (op.Needs != "" || op.Call != nil) || op.Access == signed && op.Needs == "" {
			t.Errorf("%s: audience %d, needs %q", op.ID, op.Access, op.Needs)
		}
	}
}

// TestListsShowWhatMayBeSeen: a list of documents or files holds exactly what its
// reader gets one by one.
func TestListsShowWhatMayBeSeen(t *testing.T) {
	s := newStage(t)
	for _, kind := range []struct {
		list string
		of   []situation
	}{{"/api/v1/manage/documents", documents}, {"/api/v1/manage/media", files}} {
		ids := map[string]string{}
		for _, si := range kind.of {
			if !si.own {
				on, _ := s.thing(si, "nobody")
				ids[on.id] = si.name
			}
		}
		for _, c := range columns {
			if c.name == "nobody" || c.as == "nobody" {
				continue
			}
			means := s.caller(c.name).means()[0]
			listed := map[string]bool{}
			for next := kind.list + "?limit=7"; next != ""; {
				var page struct {
					Items []struct{ ID string }
					Links struct{ Next string } `json:"_links"`
				}
				s.send("", "GET", next, "", means...).want(t, 200).into(t, &page)
				for _, i := range page.Items {
					listed[i.ID] = true
				}
				next = page.Links.Next
			}
			for id, name := range ids {
				got := s.send("", "GET", kind.list+"/"+id, "", means...).StatusCode == 200
				if kind.of[0].kind == "file" && got && !listed[id] {
					continue // seen because a document shows it, and not listed: told so
				}
				if got != listed[id] {
					t.Errorf("%s, %s: %s: gets it %t, is listed %t", kind.list, name, c.name, got, listed[id])
				}
			}
			for id := range listed {
				if ids[id] == "" && s.send("", "GET", kind.list+"/"+id, "", means...).StatusCode != 200 {
					t.Errorf("%s: %s is listed what it does not get: %s", kind.list, c.name, id)
				}
			}
		}
	}
}
