package access_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/prassi-cms/prassi/content/access"
	"github.com/prassi-cms/prassi/schemas"
)

var now = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

func shipped(t testing.TB) *access.Policy {
	t.Helper()
	data, err := schemas.Files.ReadFile("access.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p, err := access.Parse("access.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func contains(outer, inner string) bool { return outer == inner || strings.HasPrefix(inner, outer) }

func grants(list ...string) []access.Grant {
	var out []access.Grant
	for _, s := range list {
		role, scope, _ := strings.Cut(s, "@")
		out = append(out, access.Grant{Role: role, Scope: scope})
	}
	return out
}

func is(conditions ...string) func(string) bool {
	return func(c string) bool { return slices.Contains(conditions, c) }
}

// The shipped policy, cell by cell; what is not in the table below is no.
func TestWhoMay(t *testing.T) {
	p := shipped(t)
	nowhere := access.Object{}
	mine := access.Object{Is: is(access.Own)}
	orti := access.Object{Organization: "orti", Territories: []string{"0901"}, Locales: []string{"it", "ar"}}
	handedIn, begun, live := orti, orti, orti
	handedIn.Is, begun.Is, live.Is = is(access.HandedIn, access.Translated), is(access.Own), is(access.Live)
	for _, c := range []struct {
		action string
		on     access.Object
		may    string // roles, in the order below
	}{
		{access.DocumentSee, orti, "contributor@orti editor administrator"},
		{access.DocumentSee, handedIn, "contributor@orti reviewer@09 secretary@09 translator@ar editor administrator"},
		{access.DocumentPlaces, orti, "contributor@orti reviewer@09 secretary@09 editor administrator"},
		{access.DocumentPlaces, handedIn, "contributor@orti reviewer@09 secretary@09 editor administrator"},
		{access.DocumentAssure, orti, "contributor@orti reviewer@09 secretary@09 editor administrator"},
		{access.DocumentMerge, orti, "secretary@09 editor administrator"},
		{access.DocumentMerge, nowhere, "editor administrator"},
		{access.DocumentSee, begun, "contributor@orti reviewer@09 secretary@09 editor administrator"},
		{access.DocumentSee, live, "contributor@orti translator@ar translator@es editor administrator"},
		{access.DocumentImport, nowhere, "editor administrator"},
		{access.DocumentForce, nowhere, "administrator"},
		{access.MediaAdd, nowhere, "contributor@orti contributor@riva reviewer@09 secretary@09 reviewer@08 translator@ar translator@es editor administrator"},
		{access.MediaAdd, orti, "contributor@orti editor administrator"},
		{access.MediaSee, orti, "contributor@orti editor administrator"},
		{access.MediaSee, nowhere, "editor administrator"},
		{access.MediaSee, begun, "contributor@orti editor administrator"}, // what belongs to an organisation is not the person's
		{access.MediaSee, mine, "contributor@orti contributor@riva reviewer@09 secretary@09 reviewer@08 translator@ar translator@es editor administrator"},
		{access.MediaChange, orti, "contributor@orti editor administrator"},
		{access.MediaChange, begun, "contributor@orti editor administrator"},
		{access.MediaChange, mine, "contributor@orti contributor@riva reviewer@09 secretary@09 reviewer@08 translator@ar translator@es editor administrator"},
		{access.TokenOwn, nowhere, "contributor@orti contributor@riva reviewer@09 secretary@09 reviewer@08 translator@ar translator@es editor administrator"},
		{access.TokenManage, nowhere, "administrator"},
		{access.PersonRead, nowhere, "editor administrator"},
		{access.OrganizationPeople, nowhere, "editor administrator"},
		{access.OrganizationPeople, orti, "contributor@orti secretary@09 editor administrator"},
		{access.PersonInvite, nowhere, "administrator"},
		{access.PersonErase, nowhere, "administrator"},
		{access.RoleGrant, nowhere, "administrator"},
		{access.RoleDelegate, nowhere, "contributor@orti contributor@riva reviewer@09 secretary@09 reviewer@08 translator@ar translator@es editor administrator"},
		{access.SessionManage, nowhere, "administrator"},
		{access.PartnerRead, nowhere, "editor administrator"},
		{access.PartnerManage, nowhere, "administrator"},
		{access.BuildManage, nowhere, "editor administrator"},
		{access.AuditRead, nowhere, "administrator"},
		{access.RetentionRun, nowhere, "administrator"},
		{access.PolicyRead, nowhere, "administrator"},
		{"", nowhere, ""},
		{"document.delete", nowhere, ""},
	} {
		var may []string
		for _, g := range []string{
			"contributor@orti", "contributor@riva", "contributor", "reviewer@09", "secretary@09", "reviewer@08", "reviewer",
			"translator@ar", "translator@es", "editor", "editor@orti", "administrator", "administrator@09", "king", "",
		} {
			held := grants(g)
			got := p.Permit(c.action, held, c.on, now, contains)
			if got != nil {
				may = append(may, g)
				if got != &held[0] {
					t.Errorf("%s: permitted by a grant that is not held: %v", c.action, got)
				}
			}
			held[0].Until = now // has just ended
			if p.Permit(c.action, held, c.on, now, contains) != nil {
				t.Errorf("%s by %s, whose grant has ended", c.action, g)
			}
		}
		want := strings.Fields(c.may)
		slices.Sort(want)
		slices.Sort(may)
		if !slices.Equal(may, want) {
			t.Errorf("%s on %+v:\n may %v\nwant %v", c.action, c.on, may, want)
		}
	}
}

// Nothing is permitted by what is not there.
func TestDenyByDefault(t *testing.T) {
	p := shipped(t)
	admin := grants("administrator")
	var none *access.Policy
	for name, got := range map[string]*access.Grant{
		"no policy":          none.Permit(access.DocumentSee, admin, access.Object{}, now, contains),
		"the zero policy":    new(access.Policy).Permit(access.DocumentSee, admin, access.Object{}, now, contains),
		"no grants":          p.Permit(access.DocumentSee, nil, access.Object{}, now, contains),
		"unknown action":     p.Permit("document.destroy", admin, access.Object{}, now, contains),
		"no conditions":      p.Permit(access.DocumentSee, grants("translator@ar"), access.Object{Locale: "ar"}, now, contains),
		"no map":             p.Permit(access.DocumentSee, grants("reviewer@09"), access.Object{Territories: []string{"09"}, Is: is(access.HandedIn)}, now, nil),
		"empty scope, owner": p.Permit(access.DocumentSee, grants("contributor"), access.Object{}, now, contains),
		"empty scope, place": p.Permit(access.DocumentSee, grants("reviewer"), access.Object{Territories: []string{""}, Is: is(access.HandedIn)}, now, contains),
		"empty scope, words": p.Permit(access.DocumentSee, grants("translator"), access.Object{Locales: []string{""}, Is: is(access.Translated)}, now, contains),
		"empty requirement":  access.Requirement{}.Met(append(admin, access.Grant{}), &access.Object{}, now, contains),
	} {
		if got != nil {
			t.Errorf("%s: permitted by %v", name, got)
		}
	}
	if got := none.Reach(access.DocumentSee, admin, now); got != nil {
		t.Errorf("no policy reaches %v", got)
	}
}

// The file is refused where it could not mean what it says.
func TestParseRefuses(t *testing.T) {
	data, err := schemas.Files.ReadFile("access.yaml")
	if err != nil {
		t.Fatal(err)
	}
	whole := string(data)
	last := "  - action: policy.read\n    allow:\n      - {role: administrator}\n"
	if !strings.HasSuffix(whole, last) {
		t.Fatal("the file no longer ends as this test expects")
	}
	for _, c := range []struct{ name, file, says string }{
		{"empty", "", "EOF"},
		{"no YAML", "actions: [", "yaml"},
		{"two documents", whole + "---\nactions: []\n", "one document"},
		{"unknown key", whole + "rules: []\n", "rules"},
		{"unknown key of a rule", whole + "      - {role: editor, unless: [own]}\n", "unless"},
		{"missing action", strings.TrimSuffix(whole, last), `"policy.read"`},
		{"unknown action", whole + "  - action: document.destroy\n    allow: [{role: editor}]\n", `"document.destroy"`},
		{"action without a name", whole + "  - allow: [{role: editor}]\n", `action ""`},
		{"action twice", whole + last, "twice"},
		{"nobody", strings.TrimSuffix(whole, last) + "  - action: policy.read\n    allow: []\n", "nobody may"},
		{"unknown role", whole + "      - {role: king}\n", `"king"`},
		{"no role", whole + "      - {scope: locale}\n", `unknown role ""`},
		{"scope of another role", whole + "      - {role: editor, scope: territory}\n", `"territory"`},
		{"unknown scope", whole + "      - {role: reviewer, scope: planet}\n", `"planet"`},
		{"scope that the action's objects lack", whole + "      - {role: reviewer, scope: territory}\n", `scope of "territory"`},
		{"unknown condition", strings.Replace(whole, "when: [live]", "when: [alive]", 1), `"alive"`},
		{"condition of another action", whole + "      - {role: editor, when: [live]}\n", `"live"`},
		{"rule twice", whole + "      - {role: administrator}\n", "twice"},
		{"condition that is no list", strings.Replace(whole, "when: [live]", "when: live", 1), "yaml"},
	} {
		_, err := access.Parse("access.yaml", []byte(c.file))
		if err == nil || !strings.Contains(err.Error(), c.says) || !strings.HasPrefix(err.Error(), "access.yaml: ") {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	p, err := access.Parse("access.yaml", data)
	if err != nil || len(p.Rows()) < 10 || p.Rows()[0].Action != access.DocumentSee {
		t.Errorf("%v, %v", p, err)
	}
}

// A requirement reads back what it writes, and only roles in their dimension.
func TestRequirement(t *testing.T) {
	for role, dimension := range access.Roles {
		want := access.Requirement{Role: role, Scope: dimension}
		var got access.Requirement
		if err := got.UnmarshalText([]byte(want.String())); err != nil || got != want {
			t.Errorf("%s: %v, %v", want, got, err)
		}
	}
	for _, s := range []string{"", "king", "reviewer", "reviewer@locale", "editor@territory", "@", "@territory", "Editor", "editor@"} {
		var r access.Requirement
		err := r.UnmarshalText([]byte(s))
		if s == "editor@" { // nothing after the sign is no scope
			if err != nil || r.Scope != "" {
				t.Errorf("%q: %v, %v", s, r, err)
			}
			continue
		}
		if err == nil || r != (access.Requirement{}) {
			t.Errorf("%q was taken as %v", s, r)
		}
	}
}

// What is permitted lies within the reach; ended grants and those without a
// needed scope reach nothing; more grants never take a right away.
func TestReachHoldsWhatIsPermitted(t *testing.T) {
	p := shipped(t)
	conditions := []string{access.Own, access.HandedIn, access.Live, access.Translated}
	rapid.Check(t, func(t *rapid.T) {
		pick := func(what string, from ...string) string { return rapid.SampledFrom(from).Draw(t, what) }
		var held []access.Grant
		for range rapid.IntRange(0, 4).Draw(t, "grants") {
			g := access.Grant{
				Role:  pick("role", "contributor", "reviewer", "secretary", "translator", "editor", "administrator", "king", ""),
				Scope: pick("scope", "", "orti", "09", "0901", "ar", "it"),
			}
			if rapid.Bool().Draw(t, "ends") {
				g.Until = now.Add(time.Duration(rapid.IntRange(-1, 1).Draw(t, "until")) * time.Second)
			}
			held = append(held, g)
		}
		var hold []string
		for _, c := range conditions {
			if rapid.Bool().Draw(t, c) {
				hold = append(hold, c)
			}
		}
		on := access.Object{
			Organization: pick("organization", "", "orti", "riva"), Is: is(hold...),
			Territories: rapid.SliceOfN(rapid.SampledFrom([]string{"09", "0901", "0902", "03"}), 0, 2).Draw(t, "territories"),
			Locales:     rapid.SliceOfN(rapid.SampledFrom([]string{"it", "ar", "es"}), 0, 2).Draw(t, "locales"),
		}
		got := p.Permit(access.DocumentSee, held, on, now, contains)
		inside := false
		for _, r := range p.Reach(access.DocumentSee, held, now) {
			covered := r.Dimension == ""
			switch r.Dimension {
			case access.Organization:
				covered = r.Scope == on.Organization
			case access.Locale:
				covered = slices.Contains(on.Locales, r.Scope)
			case access.Territory:
				covered = slices.ContainsFunc(on.Territories, func(t string) bool { return contains(r.Scope, t) })
			}
			if r.Dimension != "" && r.Scope == "" {
				t.Fatalf("reach without a scope: %+v", r)
			}
			for _, c := range r.When {
				covered = covered && slices.Contains(hold, c)
			}
			inside = inside || covered
		}
		if (got != nil) != inside {
			t.Fatalf("permitted by %v, within reach: %t", got, inside)
		}
		if got != nil && (!got.Active(now) || got.Role == "king" || got.Role == "") {
			t.Fatalf("permitted by %+v", got)
		}
		if got != nil && p.Permit(access.DocumentSee, append(held, grants("reviewer@03")...), on, now, contains) == nil {
			t.Fatal("one grant more took the right away")
		}
	})
}

// BenchmarkPermit decides for a person with five grants, of which the last
// permits.
func BenchmarkPermit(b *testing.B) {
	p := shipped(b)
	held := grants("translator@es", "contributor@riva", "contributor@monte", "reviewer@08", "secretary@09")
	on := access.Object{Organization: "orti", Territories: []string{"0401", "0901"}, Locales: []string{"it", "ar"}, Is: is(access.HandedIn)}
	b.ReportAllocs()
	for b.Loop() {
		if p.Permit(access.DocumentSee, held, on, now, contains) == nil {
			b.Fatal("denied")
		}
	}
}
