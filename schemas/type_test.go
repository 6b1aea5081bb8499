package schemas

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func codes(issues []Issue) string {
	var out []string
	for _, i := range issues {
		out = append(out, i.Path+" "+i.Code)
	}
	return strings.Join(out, ", ")
}

func TestParseUnknownFields(t *testing.T) {
	article, _ := Default().Type("article")
	v, issues := article.Parse(map[string]any{"title": "Ciao", "zeta": 1, "Title": "x", "a/b": nil}, nil)
	if got := codes(issues); got != "/Title unknown_field, /a~1b unknown_field, /zeta unknown_field" {
		t.Errorf("issues: %s", got)
	}
	if v["title"] != "Ciao" || len(v) != 1 {
		t.Errorf("values: %v", v)
	}
	if v, issues := article.Parse(nil, nil); len(v) != 0 || issues != nil {
		t.Errorf("nothing: %v %v", v, issues)
	}
}

func TestIssuesAreBounded(t *testing.T) {
	practice, _ := Default().Type("practice")
	in := map[string]any{}
	for i := range 5000 {
		in[fmt.Sprintf("%d%s", i, strings.Repeat("\u202e", 3))] = 1
	}
	_, issues := practice.Parse(in, nil)
	if len(issues) != maxIssues+1 || issues[maxIssues].Code != CodeTooManyIssues {
		t.Errorf("%d issues", len(issues))
	}
	for _, i := range issues {
		if strings.ContainsRune(i.Path, '\u202e') {
			t.Fatalf("path %q repeats a control character", i.Path)
		}
	}
	long := strings.Repeat("x", 1<<20)
	_, issues = practice.Parse(map[string]any{"territories": []any{long}}, nil)
	if len(issues) != 1 || len(issues[0].Params["value"].(string)) > 2*maxEcho {
		t.Errorf("a long value is repeated")
	}
}

func TestMissing(t *testing.T) {
	practice, _ := Default().Type("practice")
	if got := codes(practice.Missing(nil, Optional)); got != "" {
		t.Errorf("optional: %s", got)
	}
	if got := codes(practice.Missing(nil, Always)); got != "/title required" {
		t.Errorf("always: %s", got)
	}
	want := "/title required, /summary required, /territories required, /topics required, /issue required, /objectives required, /activities required, /results required"
	if got := codes(practice.Missing(Values{}, ToPublish)); got != want {
		t.Errorf("publish: %s", got)
	}
	if got := codes(practice.Missing(Values{"title": "x"}, Always)); got != "" {
		t.Errorf("with a title: %s", got)
	}
	if got := codes(practice.Missing(Values{"title": nil}, Always)); got != "/title required" {
		t.Errorf("with a null title: %s", got)
	}
	half := Values{"title": "x", "indicators": []any{map[string]any{"name": "a"}, map[string]any{"unit": "b"}}, "budget": map[string]any{"currency": "EUR"}}
	if got := codes(practice.Missing(half, Always)); got != "/budget/amount required, /indicators/1/name required" {
		t.Errorf("parts: %s", got)
	}
}

// An image is published only with words for those who cannot see it; a draft may
// wait for them, and other files need none.
func TestImagesNeedAlt(t *testing.T) {
	article, _ := Default().Type("article")
	file := func(parts ...string) map[string]any {
		m := map[string]any{}
		for i := 0; i < len(parts); i += 2 {
			m[parts[i]] = parts[i+1]
		}
		return m
	}
	for _, c := range []struct {
		file map[string]any
		want bool // alt is missing
	}{
		{file("src", "/media/x/foto.jpg"), true},
		{file("src", "/media/x/FOTO.WEBP"), true},
		{file("src", "https://example.org/foto.png?w=3#x"), true},
		{file("src", "/foto", "type", "image/avif"), true},
		{file("src", "/foto", "type", "IMAGE/avif"), true},
		{file("src", "/foto.jpg", "type", "application/octet-stream"), true},
		{file("src", "/foto.jpg", "alt", " \t\u00a0"), true},
		{file("src", "/foto.jpg", "alt", "Una porta"), false},
		{file("src", "/foto"), false},
		{file("src", "/foto.jpg/testo"), false},
		{file("src", "/modulo.pdf", "type", "application/pdf"), false},
		{file("src", "/voce.mp3", "type", "audio/mpeg"), false},
		{file(), false},
	} {
		for name, value := range map[string]any{"image": c.file, "documents": []any{file("src", "/a.pdf"), c.file}} {
			v := Values{"title": "x", "body": "x", name: value}
			want := map[string]string{"image": "/image/alt alt_required", "documents": "/documents/1/alt alt_required"}[name]
			if len(c.file) == 0 {
				want = strings.Replace(strings.TrimSuffix(want, " alt_required"), "/alt", "/src required", 1)
			} else if !c.want {
				want = ""
			}
			if got := codes(article.Missing(v, ToPublish)); got != want {
				t.Errorf("%v as %s: %q, want %q", c.file, name, got, want)
			}
			if got := codes(article.Missing(v, Always)); strings.Contains(got, "alt") {
				t.Errorf("%v as %s: a draft must wait for nothing: %q", c.file, name, got)
			}
		}
	}
}

func TestSplit(t *testing.T) {
	practice, _ := Default().Type("practice")
	v := fullPractice(t)
	shared, localized := practice.Split(v)
	if len(shared)+len(localized) != len(v) {
		t.Errorf("%d + %d of %d", len(shared), len(localized), len(v))
	}
	for name := range shared {
		if f, _ := practice.Field(name); f.Localized {
			t.Errorf("%s is localised", name)
		}
	}
	for _, name := range []string{"territories", "topics", "organization", "period", "places"} {
		if shared[name] == nil {
			t.Errorf("%s is not shared", name)
		}
	}
	for _, name := range []string{"title", "summary", "issue", "results", "indicators"} {
		if localized[name] == nil {
			t.Errorf("%s is not localised", name)
		}
	}
	if s, l := practice.Split(Values{"nothing": 1}); len(s)+len(l) != 0 {
		t.Error("an undeclared name goes somewhere")
	}
}

func TestChangedAndApproval(t *testing.T) {
	practice, _ := Default().Type("practice")
	a := fullPractice(t)
	b := fullPractice(t)
	if got := practice.Changed(a, b); got != nil {
		t.Errorf("equal values differ in %v", got)
	}
	b["title"] = "Altro"
	b["results"] = "Altri risultati"
	delete(b, "coverage")
	var names []string
	voids := false
	for _, f := range practice.Changed(a, b) {
		names = append(names, f.Name)
		voids = voids || f.Voids()
	}
	if !slices.Equal(names, []string{"title", "coverage", "results"}) || !voids {
		t.Errorf("%v %v", names, voids)
	}
	// A typo in the title keeps an approval; changed results void it.
	if f, _ := practice.Field("title"); f.Voids() {
		t.Error("a title voids")
	}
	if f, _ := practice.Field("results"); !f.Voids() {
		t.Error("results do not void")
	}
}

func TestReferences(t *testing.T) {
	practice, _ := Default().Type("practice")
	v := Values{
		"title": "x", "organization": "cpia-milano",
		"partner_organizations": []any{"a", "b", "c"}, "related": []any{"news/flussi", "gone"},
	}
	refs := practice.References(v)
	var got []string
	for _, r := range refs {
		got = append(got, r.Path+"="+r.Target+" "+strings.Join(r.Types, "|"))
	}
	want := []string{
		"/organization=cpia-milano organization", "/partner_organizations/0=a organization", "/partner_organizations/1=b organization",
		"/partner_organizations/2=c organization", "/related/0=news/flussi article|news|practice|service|event|page", "/related/1=gone article|news|practice|service|event|page",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	before := encode(t, v)
	mapped := practice.MapReferences(v, func(r Ref) (string, bool) {
		if r.Target == "b" {
			return "id-a", true // two slugs of one document
		}
		return "id-" + strings.TrimPrefix(r.Target, "news/"), r.Target != "gone"
	})
	if !reflect.DeepEqual(mapped, Values{
		"title": "x", "organization": "id-cpia-milano", "partner_organizations": []any{"id-a", "id-c"}, "related": []any{"id-flussi"},
	}) {
		t.Errorf("%v", mapped)
	}
	if encode(t, v) != before {
		t.Error("the values given have changed")
	}
	none := practice.MapReferences(v, func(Ref) (string, bool) { return "", false })
	if len(none) != 1 {
		t.Errorf("%v", none)
	}
}

func TestNewsCarriesTheAct(t *testing.T) {
	news, _ := Default().Type("news")
	v, issues := news.Parse(map[string]any{
		"title": "Portale Integrazione Migranti", "issuer": "Ministero dell'Interno", "act_number": "2649", "act_type": "circular",
		"act":      map[string]any{"identifier": "urn:nir:ministero.interno:circolare:2012-04-16;2649"},
		"act_date": "2012-04-16", "effective_from": "2012-04-16", "expires": "2013-01-01",
		"deadlines":     []any{map[string]any{"label": "Domande", "from": "2012-05-01T09:00", "to": "2012-05-31T18:00"}, map[string]any{"label": "Esito", "to": "2012-06-30"}},
		"superseded_by": "nuova-circolare", "territories": []any{"rm"}, "topics": []any{"orientation-access"},
	}, nil)
	if issues != nil {
		t.Fatal(codes(issues))
	}
	if got := encode(t, v["deadlines"]); got != `[{"from":"2012-05-01T09:00","label":"Domande","to":"2012-05-31T18:00"},{"label":"Esito","to":"2012-06-30"}]` {
		t.Error(got)
	}
	if got := encode(t, v["act"]); got != `{"identifier":"urn:nir:ministero.interno:circolare:2012-04-16;2649","scheme":"urn:nir"}` {
		t.Error(got)
	}
}
