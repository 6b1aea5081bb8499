package content_test

import (
	"strings"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/access"
	"github.com/prassi-cms/prassi/content/workflow"
	"github.com/prassi-cms/prassi/schemas"
)

// May and Allow say no to nobody, to what nobody declared, and to who lacks the
// role; they know territories and ends of grants.
func TestMayAndAllow(t *testing.T) {
	d := newDesk(t)
	in := func(territory string) access.Object {
		return access.Object{Territories: []string{territory}, Is: func(c string) bool { return c == access.HandedIn }}
	}
	ending := person("ending", "administrator")
	ending.Grants[0].Until = d.now().Add(time.Hour)
	for _, c := range []struct {
		name   string
		actor  content.Actor
		action string
		on     access.Object
		grant  string
		class  content.Class
	}{
		{"nobody", content.Actor{Grants: director.Grants}, access.AuditRead, access.Object{}, "", content.Unauthenticated},
		{"without roles", content.Actor{ID: "person:x"}, access.TokenOwn, access.Object{}, "", content.Forbidden},
		{"without the role", elena, access.AuditRead, access.Object{}, "", content.Forbidden},
		{"unknown action", director, "audit.write", access.Object{}, "", content.Forbidden},
		{"administrator", director, access.AuditRead, access.Object{}, "administrator", ""},
		{"ending", ending, access.AuditRead, access.Object{}, "administrator", ""},
		{"the system", content.System("retention"), access.RetentionRun, access.Object{}, "administrator", ""},
		{"own province", rita, access.DocumentSee, in("100"), "reviewer@100", ""},
		{"within the own region", person("tina", "reviewer@09"), access.DocumentSee, in("100"), "reviewer@09", ""},
		{"another province", marco, access.DocumentSee, in("100"), "", content.Forbidden},
		{"the whole region", rita, access.DocumentSee, in("09"), "", content.Forbidden},
	} {
		got := ""
		if g := d.May(c.actor, c.action, c.on); g != nil {
			got = g.String()
		}
		if got != c.grant {
			t.Errorf("%s: under %q, want %q", c.name, got, c.grant)
		}
		err := d.Allow(c.actor, c.action, c.on)
		if p := content.AsProblem(err); c.class == "" && err != nil || c.class != "" && (p == nil || p.Class != c.class || p.Code != string(c.class)) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	d.set(d.now().Add(time.Hour))
	if d.May(ending, access.AuditRead, access.Object{}) != nil {
		t.Error("the grant has ended")
	}
}

func TestParseGrant(t *testing.T) {
	for text, want := range map[string]string{
		"editor": "editor", " administrator ": "administrator", "contributor@orti-insieme": "contributor@orti-insieme",
		"reviewer@PO": "reviewer@100", "secretary@100": "secretary@100", "reviewer@09": "reviewer@09",
		"translator@AR": "translator@ar", "translator@zh-hans": "translator@zh-Hans",
		"": "unknown_role", "king": "unknown_role", "Editor": "unknown_role", "king@PO": "unknown_role", "@PO": "unknown_role",
		"editor@PO": "scope_not_allowed", "administrator@x": "scope_not_allowed",
		"reviewer": "scope_required", "contributor@": "scope_required", "translator@": "scope_required",
		"reviewer@XX": "unknown_territory", "secretary@orti": "unknown_territory", "reviewer@PO@MI": "unknown_territory",
		"translator@klingon-empire": "unknown_locale", "translator@und": "unknown_locale",
		"contributor@../x": "unknown_owner", "contributor@a b": "unknown_owner",
	} {
		g, err := content.ParseGrant(text, schemas.Default().Territories())
		if err == nil {
			if g.String() != want || !g.Until.IsZero() {
				t.Errorf("%q: %v, want %s", text, g, want)
			}
			continue
		}
		p := content.AsProblem(err)
		if p.Class != content.Invalid || p.Code != want || len(p.Params) != 1 || g != (content.Grant{}) {
			t.Errorf("%q: %v %v, want %s", text, p, p.Params, want)
		}
	}
}

// The policy is data: another file decides otherwise, and a bad one is refused
// when the service begins.
func TestPolicyIsData(t *testing.T) {
	data, err := schemas.Files.ReadFile("access.yaml")
	if err != nil {
		t.Fatal(err)
	}
	row := "  - action: audit.read\n    allow:\n      - {role: administrator}\n"
	file := strings.Replace(string(data), row, row+"      - {role: secretary}\n", 1)
	d := newDesk(t)
	if d.May(sara, access.AuditRead, access.Object{}) != nil {
		t.Error("permitted by the shipped policy")
	}
	other, err := content.New(d.store, declared(t, map[string]string{"access.yaml": file}), content.Options{Clock: d.now})
	if err != nil {
		t.Fatal(err)
	}
	if g := other.May(sara, access.AuditRead, access.Object{}); g == nil || g.String() != "secretary@100" {
		t.Errorf("under %v", g)
	}
	if rows := other.Policy().Rows(); len(rows) != len(d.Policy().Rows()) {
		t.Errorf("%d rows", len(rows))
	}
	for _, bad := range []string{"", "actions: []\n", strings.Replace(file, "audit.read", "audit.write", 1), strings.Replace(file, "secretary", "king", 1)} {
		_, err := content.New(d.store, declared(t, map[string]string{"access.yaml": bad}), content.Options{})
		if err == nil || !strings.Contains(err.Error(), "access.yaml") {
			t.Errorf("a bad policy: %v", err)
		}
	}
}

// The whole log is for those who may read it, in order and in pages.
func TestAuditLog(t *testing.T) {
	d := newDesk(t)
	doc := d.create(amina, content.NewVariant{Type: "practice", Locale: "it", Fields: practice()})
	d.step(amina, doc, "it", "submit")
	for _, a := range []content.Actor{amina, rita, sara, elena, yusuf, {ID: "person:x"}} {
		events, err := d.AuditLog(ctx, a, 0, 10)
		wantCode(t, err, content.Forbidden, "forbidden")
		if len(events) > 0 {
			t.Errorf("%s reads %v", a.ID, events)
		}
	}
	_, err := d.AuditLog(ctx, content.Actor{}, 0, 10)
	wantCode(t, err, content.Unauthenticated, "unauthenticated")
	for _, c := range []struct {
		after       int64
		limit, want int
	}{{0, 0, 2}, {0, 1, 1}, {1, 10, 1}, {2, 10, 0}, {-5, -1, 2}} {
		events, err := d.AuditLog(ctx, director, c.after, c.limit)
		if err != nil || len(events) != c.want {
			t.Errorf("%+v: %v, %v", c, events, err)
		}
	}
}

// Leaving an organisation keeps authorship and ends access: what somebody wrote
// says so for ever, and they neither see nor change it any more.
func TestLeavingAnOrganisation(t *testing.T) {
	d := newDesk(t)
	leaving := person("lea", "contributor@orti-insieme", "contributor@altra-riva")
	leaving.Grants[0].Until = d.now().Add(time.Hour)
	in := content.NewVariant{Type: "practice", Locale: "it", Owner: "orti-insieme", Fields: with(practice(), "image", picture("a", "Un orto"))}
	draft := d.create(leaving, in)
	in.Fields = with(practice(), "title", "Pubblicata")
	public := d.create(leaving, in)
	public = d.step(sara, d.step(rita, d.step(leaving, public, "it", "submit"), "it", "endorse"), "it", "publish")
	mine := content.Filter{Mine: true}
	if list, err := d.List(ctx, leaving, mine); err != nil || len(list) != 2 {
		t.Fatal(list, err)
	}

	d.set(d.now().Add(time.Hour))
	for _, doc := range []*content.Document{draft, public} {
		id, tag := doc.ID, doc.ETag("it")
		_, errGet := d.Get(ctx, leaving, id)
		_, _, errLatest := d.Latest(ctx, leaving, id, "it")
		_, errHistory := d.History(ctx, leaving, id, "it", 0, 10)
		_, errRevision := d.RevisionAt(ctx, leaving, id, "it", 1)
		_, errEvents := d.Events(ctx, leaving, id, 0, 10)
		_, errEdit := d.Edit(ctx, leaving, id, "it", tag, content.Edit{Fields: map[string]any{"title": "x"}})
		_, errStep := d.Transition(ctx, leaving, id, "it", tag, content.Step{Name: "submit"})
		_, errAdd := d.AddVariant(ctx, leaving, id, doc.ETag("en"), content.NewVariant{Locale: "en", Fields: english()})
		_, errRestore := d.Restore(ctx, leaving, id, "it", tag, 1, "")
		errDiscard := d.Discard(ctx, leaving, id, tag)
		for i, err := range []error{errGet, errLatest, errHistory, errRevision, errEvents, errEdit, errStep, errAdd, errRestore, errDiscard} {
			d.refused(doc, err, content.NotFound, "not_found")
			if t.Failed() {
				t.Fatalf("operation %d on %s", i, doc.Variants[0].Title)
			}
		}
		if p, err := d.Permissions(ctx, leaving, doc, "it"); err != nil || p.Edit || len(p.Actions) > 0 {
			t.Errorf("may still: %+v, %v", p, err)
		}
	}
	for _, f := range []content.Filter{mine, {}, {Owner: "orti-insieme"}, {Type: "practice"}} {
		if list, err := d.List(ctx, leaving, f); err != nil || len(list) > 0 {
			t.Errorf("%+v lists %v, %v", f, list, err)
		}
	}
	if ok, err := d.SeesMedia(ctx, leaving, fileID("a")); ok || err != nil {
		t.Errorf("sees the files still: %v", err)
	}
	if d.May(leaving, access.MediaChange, access.Object{Organization: "orti-insieme", Is: func(c string) bool { return c == access.Own }}) != nil {
		t.Error("changes a file that stayed with the organisation")
	}
	_, err := d.Create(ctx, leaving, content.NewVariant{Type: "practice", Locale: "it", Owner: "orti-insieme", Fields: practice()})
	wantCode(t, err, content.Forbidden, "forbidden")

	// Authorship stays, for those who may see it.
	for _, doc := range []*content.Document{draft, public} {
		r, err := d.RevisionAt(ctx, amina, doc.ID, "it", 1)
		if err != nil || r.Author != "person:lea" || d.at(doc).Author != "person:lea" {
			t.Errorf("the author is %+v, %v", r, err)
		}
		events, err := d.Events(ctx, amina, doc.ID, 0, 0)
		if err != nil || events[len(events)-1].Actor != "person:lea" || events[len(events)-1].Grant != "contributor@orti-insieme" {
			t.Errorf("it was begun by %+v, %v", events[len(events)-1], err)
		}
	}
	// The other organisation's are still theirs.
	d.create(leaving, content.NewVariant{Type: "practice", Locale: "it", Fields: with(practice(), "title", "Riva")})
	if list, err := d.List(ctx, leaving, mine); err != nil || len(list) != 1 || list[0].Owner != "altra-riva" {
		t.Errorf("%v, %v", list, err)
	}
	d.clean()
}

// five is a person with five grants, of which the last one counts.
func five() content.Actor {
	return person("five", "translator@es", "contributor@altra-riva", "contributor@monte", "reviewer@MI", "secretary@PO")
}

// BenchmarkDecision is what one decision costs for a person with five grants:
// seeing a document, and which of a workflow's steps are theirs, guards included.
func BenchmarkDecision(b *testing.B) {
	b.Run("permit", func(b *testing.B) {
		policy, err := content.LoadPolicy(schemas.Default())
		if err != nil {
			b.Fatal(err)
		}
		actor, now := five(), time.Now()
		on := access.Object{Organization: "orti-insieme", Territories: []string{"015", "100"}, Locales: []string{"it", "ar"},
			Is: func(c string) bool { return c == access.HandedIn }}
		contains := schemas.Default().Territories().Contains
		b.ReportAllocs()
		for b.Loop() {
			if policy.Permit(access.DocumentSee, actor.Grants, on, now, contains) == nil {
				b.Fatal("denied")
			}
		}
	})
	facts := func(actor content.Actor) workflow.Facts {
		now := time.Now()
		on := &access.Object{Organization: "orti-insieme", Territories: []string{"015", "100"}, Locale: "it"}
		contains := schemas.Default().Territories().Contains
		return workflow.Facts{
			Holds:  func(r workflow.Requirement) bool { return r.Met(actor.Grants, on, now, contains) != nil },
			Passes: func(string) bool { return true },
		}
	}
	defs, err := content.LoadWorkflows(schemas.Default())
	if err != nil {
		b.Fatal(err)
	}
	b.Run("transition", func(b *testing.B) {
		def, f := defs["practice"], facts(five())
		b.ReportAllocs()
		for b.Loop() {
			if _, _, err := def.Fire("endorsed", "publish", f); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("permitted", func(b *testing.B) {
		def, f := defs["practice"], facts(five())
		b.ReportAllocs()
		for b.Loop() {
			if len(def.Permitted("endorsed", f)) == 0 {
				b.Fatal("nothing")
			}
		}
	})
}
