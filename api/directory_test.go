package api

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/prassi-cms/prassi/auth"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/opendata"
)

// twins brings in two services that are alike, and gives their ids. n tells them
// from other twins.
func (w *world) twins(n int, territories ...string) (keep, gone string) {
	w.t.Helper()
	if len(territories) == 0 {
		territories = []string{"PO"}
	}
	ids := make([]string, 2)
	for i := range ids {
		ids[i] = fmt.Sprintf("0197d000-0000-7000-8000-%06d%06d", n, i)
		w.incoming(content.Incoming{Type: "service", ID: ids[i], Variants: []content.IncomingVariant{{Locale: "it", Publish: true, Slug: fmt.Sprintf("gemello-%d-%d", n, i), Fields: map[string]any{
			"title": fmt.Sprintf("Casa della donna %d", n), "topics": []any{"housing"}, "territories": []any{territories[i%len(territories)]},
			"contacts": []any{map[string]any{"phone": fmt.Sprintf("0574 %06d", n)}},
			"summary":  []string{"Il primo.", "Il secondo."}[i],
		}}}})
	}
	return ids[0], ids[1]
}

// preview shows two documents side by side.
func (w *world) preview(who, keep, gone string) MergePreview {
	w.t.Helper()
	var p MergePreview
	w.send(who, "GET", "/api/v1/manage/merges/preview?keep="+keep+"&gone="+gone, "").want(w.t, 200).into(w.t, &p)
	return p
}

// directoryExamples call the operations of the directory.
func directoryExamples(w *world) map[string]func() []request {
	const m = "/api/v1/manage"
	made := 100
	twins := func() (string, string) { // others each time: what was merged stays so
		made++
		return w.twins(made)
	}
	id := func(collection string) string {
		for e := range w.catalog.All() {
			if e.Collection() == collection {
				return e.ID()
			}
		}
		w.t.Fatalf("there are no %s", collection)
		return ""
	}
	one := func(path string) func() []request {
		return func() []request { return []request{{path: path, status: 200}} }
	}
	return map[string]func() []request{
		"listDuplicates": func() []request {
			twins()
			twins()
			return []request{
				{who: "edo", path: m + "/duplicates", status: 200},
				{who: "edo", path: m + "/duplicates?type=service&territory=PO&limit=1", status: 200},
			}
		},
		"dismissDuplicate": func() []request {
			a, b := twins()
			return []request{{who: "edo", path: m + "/duplicates/dismiss", status: 204, body: `{"a":"` + a + `","b":"` + b + `","comment":"Due case."}`}}
		},
		"restoreDuplicate": func() []request {
			a, b := twins()
			return []request{{who: "edo", path: m + "/duplicates/dismiss?a=" + a + "&b=" + b, status: 204}}
		},
		"previewMerge": func() []request {
			a, b := twins()
			return []request{{who: "edo", path: m + "/merges/preview?keep=" + a + "&gone=" + b, status: 200}}
		},
		"mergeDocuments": func() []request {
			a, b := twins()
			p := w.preview("edo", a, b)
			return []request{{who: "edo", path: m + "/merges", status: 200, body: `{"keep":"` + a + `","gone":"` + b + `","keep_etags":{"it":` + quote(p.Keep.ETags["it"]) +
				`},"gone_etags":{"it":` + quote(p.Gone.ETags["it"]) + `},"fields":{"":{"cost":"free"},"it":{"summary":"Il secondo."}},"comment":"La stessa casa."}`}}
		},
		"findOrganizations": func() []request {
			w.incoming(content.Incoming{Type: "organization", Variants: []content.IncomingVariant{{Locale: "it", Fields: map[string]any{"title": "Codice", "tax_code": "01533080675", "territories": []any{"PO"}}}}})
			return []request{{who: "edo", path: m + "/organizations?tax_code=IT%2001533080675", status: 200}}
		},
		"listMembers": func() []request {
			return []request{{who: "edo", path: m + "/organizations/" + w.organization("orti") + "/people", status: 200}}
		},
		"listSubmissions": func() []request {
			org := w.organization("orti-due")
			w.send("edo", "POST", m+"/documents", `{"type":"page","locale":"it","owner":"orti-due","fields":{"title":"Di orti-due"}}`).want(w.t, 201)
			return []request{{who: "edo", path: m + "/organizations/" + org + "/submissions?type=page&limit=5", status: 200}}
		},

		"getDataCatalog":  one("/opendata/catalog.jsonld"),
		"getConcepts":     one("/opendata/vocabularies/topics"),
		"describeService": func() []request { return []request{{path: "/opendata/services/" + id("services"), status: 200}} },
		"describeOrganization": func() []request {
			return []request{{path: "/opendata/organizations/" + id("organizations"), status: 200}}
		},
		"graphServices": one("/api/v1/services.jsonld?locale=it&territory=MI&limit=5"),

		"getHsds":               one("/hsds/"),
		"listHsdsServices":      one("/hsds/services?page=1&per_page=2&full=true&modified_after=2026-01-01T00:00:00Z"),
		"getHsdsService":        func() []request { return []request{{path: "/hsds/services/" + id("services"), status: 200}} },
		"listHsdsOrganizations": one("/hsds/organizations?minimal=true"),
		"getHsdsOrganization": func() []request {
			return []request{{path: "/hsds/organizations/" + w.hsdsID("organizations"), status: 200}}
		},
		"listHsdsSites": one("/hsds/service_at_locations?full=true"),
		"getHsdsSite": func() []request {
			return []request{{path: "/hsds/service_at_locations/" + w.hsdsID("service_at_locations"), status: 200}}
		},
		"listHsdsTaxonomies": one("/hsds/taxonomies"),
		"getHsdsTaxonomy":    func() []request { return []request{{path: "/hsds/taxonomies/" + w.hsdsID("taxonomies"), status: 200}} },
		"listHsdsTerms": func() []request {
			return []request{{path: "/hsds/taxonomy_terms?taxonomy_id=" + w.hsdsID("taxonomies"), status: 200}}
		},
		"getHsdsTerm": func() []request {
			return []request{{path: "/hsds/taxonomy_terms/" + w.hsdsID("taxonomy_terms"), status: 200}}
		},
	}
}

// hsdsID is the identifier of the first of a list.
func (w *world) hsdsID(list string) string {
	w.t.Helper()
	return fmt.Sprint(w.hsdsPage(w.t, "/hsds/"+list).Contents[0]["id"])
}

func (w *world) hsdsPage(t testing.TB, path string) HSDSPage {
	t.Helper()
	var p HSDSPage
	w.send("", "GET", path, "").want(t, 200).into(t, &p)
	return p
}

// organization brings in the document of an organisation with that slug, in the
// province of Prato, and gives its id.
func (w *world) organization(slug string) string {
	w.t.Helper()
	results, err := w.service.Import(w.t.Context(), content.System("test"), []content.Incoming{{Type: "organization", Variants: []content.IncomingVariant{
		{Locale: "it", Slug: slug, Publish: true, Fields: map[string]any{"title": "Organizzazione " + slug, "territories": []any{"PO"}}},
	}}}, false)
	w.must(err)
	if results[0].Problem != nil {
		w.t.Fatalf("%+v", results[0].Problem)
	}
	w.catchUp()
	return results[0].Document
}

// Things of the directory that the matrix of permissions asks about: pairs of
// services, and organisations.
func directoryAsks() map[string][]ask {
	service := func(territory string, steps ...string) draft {
		return draft{typ: "service", owner: ours, territory: territory, steps: steps, fields: map[string]any{"topics": []any{"work"}}}
	}
	pair := func(name string, keep, gone draft) situation {
		return situation{kind: "pair", name: name, make: func(s *stage, _ *caller) thing {
			a, b := s.document(keep), s.document(gone)
			return thing{id: a.id, params: map[string]string{"keep": a.id, "gone": b.id}, version: b.version, marks: append(a.marks, b.marks...)}
		}}
	}
	pairs := []situation{
		{kind: "pair", name: "never existed", make: func(*stage, *caller) thing {
			return thing{id: ghost, params: map[string]string{"keep": ghost, "gone": "01930000-0000-7000-8000-000000000001"}}
		}},
		pair("both of Prato, live", service("PO", "publish"), service("PO", "publish")),
		pair("both of Prato, in the drawer", service("PO"), service("PO")),
		pair("of Prato and of Milano, live", service("PO", "publish"), service("MI", "publish")),
		pair("of two types, live", service("PO", "publish"), draft{owner: ours, territory: "PO", steps: toLive}),
	}
	organization := func(name string, d draft) situation {
		d.typ, d.fields = "organization", map[string]any{"summary": "Chi siamo."}
		return situation{kind: "organisation", name: name, make: func(s *stage, _ *caller) thing { return s.document(d) }}
	}
	known := situation{kind: "organisation", name: "that the roles name, live", make: func(s *stage, _ *caller) thing {
		id := s.organization(ours)
		return thing{id: id, params: map[string]string{"id": id}, marks: []string{id}}
	}}
	missing := never(ghost)
	missing.kind = "organisation"
	organizations := []situation{
		missing, known,
		organization("of Prato, in the drawer", draft{owner: ours}), organization("of Prato, live", draft{owner: "altra-riva", steps: []string{"publish"}}),
		organization("of Milano, live", draft{owner: "altra-riva", territory: "MI", steps: []string{"publish"}}),
		{kind: "organisation", name: "no organisation, live", make: func(s *stage, _ *caller) thing { return s.document(service("PO", "publish")) }},
	}
	const m = "/api/v1/manage"
	merge := func(_ *stage, t thing, _ *caller) string {
		return `{"keep":"` + t.params["keep"] + `","gone":"` + t.params["gone"] + `","keep_etags":{"*":"*"},"gone_etags":{"*":"*"}}`
	}
	return map[string][]ask{
		"GET " + m + "/duplicates": {{}},
		"POST " + m + "/duplicates/dismiss": {{on: pairs, body: func(_ *stage, t thing, _ *caller) string {
			return `{"a":"` + t.params["keep"] + `","b":"` + t.params["gone"] + `"}`
		}}},
		"DELETE " + m + "/duplicates/dismiss":          {{on: pairs, query: "?a={keep}&b={gone}"}},
		"GET " + m + "/merges/preview":                 {{on: pairs, query: "?keep={keep}&gone={gone}"}},
		"POST " + m + "/merges":                        {{on: pairs, body: merge}},
		"GET " + m + "/organizations":                  {{query: "?tax_code=01533080675"}},
		"GET " + m + "/organizations/{id}/people":      {{on: organizations}},
		"GET " + m + "/organizations/{id}/submissions": {{on: organizations}},
	}
}

// TestDuplicates: pairs are listed with their reasons, page by page; who sees one
// side only is not told of the other; what was dismissed or merged is gone.
func TestDuplicates(t *testing.T) {
	w := newWorld(t)
	const m = "/api/v1/manage"
	list := func(who, query string) (out []Duplicate) {
		t.Helper()
		for next := m + "/duplicates" + query; next != ""; {
			var page Page[Duplicate]
			w.send(who, "GET", next, "", "Accept-Language", "en").want(t, 200).into(t, &page)
			out = append(out, page.Items...)
			next = page.Links.Next
		}
		return out
	}
	a, b := w.twins(11)
	w.twins(12, "PO", "MI")
	c, d := w.twins(13, "MI")
	for _, query := range []string{"", "?limit=1", "?limit=2", "?type=service"} {
		got := list("edo", query)
		if len(got) != 3 || got[0].A.ID == got[1].A.ID || got[0].A.ID == got[2].A.ID {
			t.Fatalf("%s: %+v", query, got)
		}
	}
	one := list("edo", "?limit=1")[0]
	if one.Reasons[0].Code != "same_phone" || one.Reasons[0].Message != "They have the same telephone number: +390574000011." || one.Score != 0.5 || !one.Merge ||
		one.A.Title != "Casa della donna 11" || one.Links.Preview != m+"/merges/preview?keep="+a+"&gone="+b {
		t.Errorf("%+v", one)
	}
	if got := list("rita", ""); len(got) != 1 || got[0].A.ID != c || got[0].Merge { // Milano's reviewer
		t.Errorf("a reviewer of Milano sees %+v", got)
	}
	for query, want := range map[string]int{"?territory=PO": 2, "?territory=015": 2, "?territory=NA": 0, "?type=organization": 0} {
		if got := list("edo", query); len(got) != want {
			t.Errorf("%s: %d pairs", query, len(got))
		}
	}
	for _, query := range []string{"?type=article", "?territory=nowhere", "?limit=0", "?x=1"} {
		w.send("edo", "GET", m+"/duplicates"+query, "").problem(t, 400, "invalid_query")
	}
	w.send("edo", "GET", m+"/duplicates?cursor=x", "").problem(t, 400, "invalid_cursor")

	w.send("edo", "POST", m+"/duplicates/dismiss", `{"a":"`+d+`","b":"`+c+`","comment":"Due case."}`).want(t, 204)
	w.send("edo", "POST", m+"/duplicates/dismiss", `{"a":"`+c+`","b":"`+d+`"}`).want(t, 204)
	w.send("edo", "POST", m+"/duplicates/dismiss", `{"a":"`+c+`","b":"`+c+`"}`).want(t, 422)
	if got := list("edo", ""); len(got) != 2 {
		t.Errorf("after one was dismissed: %+v", got)
	}
	if got := list("edo", "?dismissed=true"); len(got) != 1 || got[0].A.ID != c || got[0].Dismissed == nil || !strings.HasPrefix(got[0].Dismissed.By, "token:") || got[0].Dismissed.Comment != "Due case." {
		t.Errorf("dismissed are %+v", got)
	}
	undo := m + "/duplicates/dismiss?a=" + d + "&b=" + c
	w.send("rita", "DELETE", undo, "").problem(t, 403, "forbidden")
	w.send("edo", "DELETE", m+"/duplicates/dismiss?a="+d, "").problem(t, 400, "invalid_query")
	w.send("edo", "DELETE", undo, "").want(t, 204)
	if got := list("edo", ""); len(got) != 3 || len(list("edo", "?dismissed=true")) != 0 || got[0].Dismissed != nil {
		t.Errorf("after it was taken back: %+v", got)
	}
	var told []string
	entries, err := w.ledger.Entries(t.Context(), "not_duplicates:"+min(c, d)+"+"+max(c, d), 0, 10)
	for _, e := range entries {
		told = append(told, e.Actor+" "+e.Action)
	}
	edo := entries[0].Actor // the token that w.send calls with
	if want := []string{edo + " duplicate_dismissed", edo + " duplicate_restored"}; err != nil || !slices.Equal(told, want) {
		t.Errorf("the ledger tells %v, %v", told, err)
	}
	w.send("edo", "POST", m+"/duplicates/dismiss", `{"a":"`+d+`","b":"`+c+`"}`).want(t, 204)

	p := w.preview("edo", a, b)
	fields := map[string]MergeField{}
	for _, f := range p.Fields {
		fields[f.Locale+"/"+f.Field] = f
	}
	if f := fields["it/summary"]; !f.Differs || string(f.Keep) != `"Il primo."` || string(f.Gone) != `"Il secondo."` || f.Suggested != "keep" {
		t.Errorf("summary %+v", f)
	}
	if f := fields["/topics"]; f.Differs || len(f.Keep) == 0 {
		t.Errorf("topics %+v", f)
	}
	if p.Score != 0.5 || len(p.Reasons) != 1 || !p.Merge || p.Keep.ID != a || p.Gone.ID != b {
		t.Errorf("%+v", p)
	}
	for query, code := range map[string]string{"?keep=" + a: "invalid_query", "?keep=" + a + "&gone=" + a: "invalid_query"} {
		w.send("edo", "GET", m+"/merges/preview"+query, "").problem(t, 400, code)
	}

	body := func(etag string) string {
		return `{"keep":"` + a + `","gone":"` + b + `","keep_etags":{"it":` + quote(p.Keep.ETags["it"]) + `},"gone_etags":{"it":` + quote(etag) +
			`},"fields":{"it":{"summary":"Il secondo."},"":{"cost":"free"}},"comment":"La stessa."}`
	}
	w.send("edo", "POST", m+"/merges", body(`"9.9.9"`)).want(t, 412)
	for _, wrong := range []string{
		`{"keep":"` + a + `","gone":"` + b + `","keep_etags":{"it":1},"gone_etags":{}}`,
		`{"keep":"` + a + `","gone":"` + b + `","keep_etags":{},"gone_etags":{},"fields":{"it":[]}}`,
	} {
		w.send("edo", "POST", m+"/merges", wrong).problem(t, 422, "invalid_body")
	}
	w.send("edo", "POST", m+"/merges", body(p.Gone.ETags["it"])).want(t, 200)
	w.catchUp()
	if got := list("edo", ""); len(got) != 1 {
		t.Errorf("after the merge: %+v", got)
	}
	for from, to := range map[string]string{
		"/api/v1/services/gemello-11-1": "/api/v1/services/gemello-11-0?locale=it", "/hsds/services/" + b: "/hsds/services/" + a, "/opendata/services/" + b: "/opendata/services/" + a,
	} {
		if got := w.send("", "GET", from, "").want(t, 301).Header.Get("Location"); got != to {
			t.Errorf("%s leads to %s", from, got)
		}
	}
	var v Variant
	w.send("edo", "GET", m+"/documents/"+a+"/variants/it", "").want(t, 200).into(t, &v)
	if v.Fields["summary"] != "Il secondo." || v.Fields["cost"] != "free" {
		t.Errorf("the one that stays has %v", v.Fields)
	}
	for _, id := range []string{a, b} { // both histories stay
		var events Page[Event]
		w.send("edo", "GET", m+"/documents/"+id+"/events", "").want(t, 200).into(t, &events)
		if events.Items[0].Kind != "merged" || len(events.Items) < 2 {
			t.Errorf("%s: %+v", id, events.Items)
		}
	}
}

// TestRegistry: who acts for an organisation, what it submitted, and by which tax
// code it is found.
func TestRegistry(t *testing.T) {
	w := newWorld(t)
	const m = "/api/v1/manage"
	org := w.organization("orti")
	other := w.organization("riva")
	var page Page[Member]
	w.send("edo", "GET", m+"/organizations/"+org+"/people", "").want(t, 200).into(t, &page)
	if len(page.Items) != 1 || page.Items[0].ID != "carla" || page.Items[0].Scope != "orti" || page.Items[0].Lent {
		t.Errorf("%+v", page.Items)
	}
	// Renamed, it keeps its people; by its id it has others too.
	_, err := w.service.Edit(t.Context(), system, org, "it", "*", content.Edit{Slug: "orti-condivisi"})
	w.must(err)
	_, err = w.service.Transition(t.Context(), system, org, "it", "*", content.Step{Name: "publish"})
	w.must(err)
	w.must(w.auth.PutPerson(t.Context(), system, auth.Person{ID: "zoe", Name: "Zoe", Grants: []content.Grant{{Role: "contributor", Scope: org}}}))
	w.must(w.auth.PutPerson(t.Context(), system, auth.Person{ID: "yan", Name: "Yan", Grants: []content.Grant{{Role: "contributor", Scope: "riva"}, {Role: "reviewer", Scope: "015"}}}))
	page = Page[Member]{}
	w.send("edo", "GET", m+"/organizations/"+org+"/people?limit=1", "").want(t, 200).into(t, &page)
	first := page.Items[0].ID
	next := page.Links.Next
	page = Page[Member]{}
	w.send("edo", "GET", next, "").want(t, 200).into(t, &page)
	if first != "carla" || len(page.Items) != 1 || page.Items[0].ID != "zoe" || page.Links.Next != "" {
		t.Errorf("%s, then %+v", first, page)
	}

	// Its people see it whoever wrote its page, and other organisations' people do not.
	for path, want := range map[string]int{org: 200, other: 404} {
		w.send("carla", "GET", m+"/organizations/"+path+"/people", "").want(t, want)
	}
	// A draft under somebody's name is not theirs.
	var squat Document
	w.send("edo", "POST", m+"/documents", `{"type":"organization","locale":"en","slug":"orti","owner":"altri","fields":{"title":"Orti"}}`).want(t, 201).into(t, &squat)
	w.send("carla", "GET", m+"/organizations/"+squat.ID+"/people", "").problem(t, 404, "not_found")
	page = Page[Member]{}
	w.send("edo", "GET", m+"/organizations/"+squat.ID+"/people", "").want(t, 200).into(t, &page)
	if len(page.Items) != 0 {
		t.Errorf("a draft has taken %+v", page.Items)
	}

	for i, owner := range []string{"orti", "orti-condivisi", org, "riva"} {
		w.send("edo", "POST", m+"/documents", fmt.Sprintf(`{"type":"page","locale":"it","owner":%q,"fields":{"title":"Pagina %d"}}`, owner, i)).want(t, 201)
	}
	seen := map[string]bool{}
	for next := m + "/organizations/" + org + "/submissions?limit=2"; next != ""; {
		var page Page[Document]
		w.send("edo", "GET", next, "").want(t, 200).into(t, &page)
		for _, d := range page.Items {
			if seen[d.ID] || d.Owner == "riva" || d.Variants[0].State.Name != "draft" {
				t.Errorf("%+v", d)
			}
			seen[d.ID] = true
		}
		next = page.Links.Next
	}
	if len(seen) != 3 {
		t.Errorf("%d submissions", len(seen))
	}
	w.send("edo", "GET", m+"/organizations/"+org+"/submissions?cursor=x", "").problem(t, 400, "invalid_cursor")

	_, err = w.service.Edit(t.Context(), system, other, "it", "*", content.Edit{Fields: map[string]any{"tax_code": "01533080675"}})
	w.must(err)
	for code, want := range map[string]int{"01533080675": 1, "IT01533080675": 1, "84006890481": 0} {
		var found OrganizationMatches
		w.send("edo", "GET", m+"/organizations?tax_code="+code, "").want(t, 200).into(t, &found)
		if found.Total != want || want == 1 && (found.Items[0].ID != other || !slices.Contains(found.Items[0].Scopes, "riva")) {
			t.Errorf("%s: %+v", code, found)
		}
	}
	if got := w.send("carla", "GET", m+"/organizations?tax_code=01533080675", "").want(t, 200).json(t); got["total"] != 0.0 {
		t.Errorf("somebody else's draft of it is told: %v", got)
	}
	for _, query := range []string{"", "?tax_code=", "?tax_code=123", "?tax_code=RSSMRA80A01H501U"} {
		w.send("edo", "GET", m+"/organizations"+query, "").problem(t, 400, "invalid_query")
	}
}

// TestHSDS: the envelope to the letter, pages, filters, identifiers as imported.
func TestHSDS(t *testing.T) {
	w := newWorld(t)
	if p := w.send("", "GET", "/hsds/services", "").want(t, 200); string(p.body) !=
		`{"total_items":0,"total_pages":0,"page_number":1,"size":0,"first_page":true,"last_page":true,"empty":true,"contents":[]}` {
		t.Errorf("nothing: %s", p.body)
	}
	for i := range 5 {
		fields := map[string]any{"title": fmt.Sprintf("Servizio %d", i), "topics": []any{"work"}, "territories": []any{"PO"},
			"places": []any{map[string]any{"label": "Uno", "lat": 43.8, "lon": 11.1}, map[string]any{"label": "Due", "lat": 43.9, "lon": 11.1}}}
		if i == 4 {
			fields["hsds"] = map[string]any{"id": "da fuori 4", "name": "Servizio 4", "x_extension": "resta"}
		}
		w.incoming(content.Incoming{Type: "service", ID: fmt.Sprintf("0197e000-0000-7000-8000-00000000000%d", i), Variants: []content.IncomingVariant{
			{Locale: "it", Publish: true, Slug: fmt.Sprintf("servizio-%d", i), Fields: fields},
		}})
	}
	for _, c := range []struct {
		query                    string
		total, pages, page, size int
		first, last              bool
	}{
		{"?per_page=2", 5, 3, 1, 2, true, false}, {"?per_page=2&page=2", 5, 3, 2, 2, false, false}, {"?per_page=2&page=3", 5, 3, 3, 1, false, true},
		{"?per_page=2&page=4", 5, 3, 4, 0, false, true}, {"?per_page=5", 5, 1, 1, 5, true, true}, {"?page=2147483647&per_page=100", 5, 1, 1<<31 - 1, 0, false, true},
		{"?modified_after=2099-01-01T00:00:00Z", 0, 0, 1, 0, true, true}, {"?modified_after=2020-01-01T00:00:00Z", 5, 1, 1, 5, true, true},
		{"?minimal=true", 5, 1, 1, 5, true, true}, {"?minimal=true&per_page=3&page=2", 5, 2, 2, 2, false, true},
	} {
		p := w.hsdsPage(t, "/hsds/services"+c.query)
		if p.TotalItems != c.total || p.TotalPages != c.pages || p.PageNumber != c.page || p.Size != c.size || len(p.Contents) != c.size ||
			p.FirstPage != c.first || p.LastPage != c.last || p.Empty != (c.size == 0) {
			t.Errorf("%s: %+v", c.query, p)
		}
	}
	for _, query := range []string{"?page=0", "?page=-1", "?page=x", "?per_page=0", "?per_page=101", "?minimal=true&per_page=50001", "?full=yes", "?modified_after=ieri", "?format=xml", "?format=ndjson&page=1", "?postcode=59100", "?search=" + strings.Repeat("parola%20", 13)} {
		w.send("", "GET", "/hsds/services"+query, "").problem(t, 400, "invalid_query")
	}
	for _, o := range w.hsdsPage(t, "/hsds/services").Contents {
		for k, v := range o {
			if _, many := v.([]any); many {
				t.Errorf("a short row has %s", k)
			}
		}
	}
	minimal := w.hsdsPage(t, "/hsds/services?minimal=true").Contents
	if len(minimal[0]) != 2 || minimal[0]["id"] != "0197e000-0000-7000-8000-000000000000" || minimal[4]["id"] != "da fuori 4" {
		t.Errorf("%v", minimal)
	}
	// The identifier it was imported with, and the extension that came along.
	got := w.send("", "GET", "/hsds/services/da%20fuori%204", "").want(t, 200).json(t)
	if got["id"] != "da fuori 4" || got["x_extension"] != "resta" {
		t.Errorf("%v", got)
	}
	w.send("", "GET", "/hsds/services/nothing", "").problem(t, 404, "not_found")
	w.send("", "GET", "/hsds/organizations/0197e000-0000-7000-8000-000000000000", "").problem(t, 404, "not_found")
	w.send("", "POST", "/hsds/services", "").problem(t, 405, "method_not_allowed")

	seen := map[any]bool{}
	for page := 1; page <= 4; page++ {
		p := w.hsdsPage(t, fmt.Sprintf("/hsds/service_at_locations?per_page=3&page=%d", page))
		if p.TotalItems != 10 || p.TotalPages != 4 {
			t.Fatalf("%+v", p)
		}
		for _, site := range p.Contents {
			if seen[site["id"]] || site["service_id"] == nil || site["location"] == nil {
				t.Errorf("%v", site)
			}
			seen[site["id"]] = true
		}
	}
	if len(seen) != 10 {
		t.Errorf("%d places", len(seen))
	}
	one := w.send("", "GET", "/hsds/service_at_locations/"+w.hsdsID("service_at_locations"), "").want(t, 200).json(t)
	if one["service"] == nil || one["id"] != w.hsdsID("service_at_locations") {
		t.Errorf("%v", one)
	}
	w.send("", "GET", "/hsds/service_at_locations/nothing", "").problem(t, 404, "not_found")
	// Withdrawn it is gone, and the pages know at once.
	_, err := w.service.Transition(t.Context(), system, "0197e000-0000-7000-8000-000000000000", "it", "*", content.Step{Name: "withdraw", Comment: "x"})
	w.must(err)
	w.catchUp()
	w.send("", "GET", "/hsds/services/0197e000-0000-7000-8000-000000000000", "").problem(t, 410, "gone")
	w.send("", "GET", "/opendata/services/0197e000-0000-7000-8000-000000000000", "").problem(t, 410, "gone")
	if p := w.hsdsPage(t, "/hsds/services"); p.TotalItems != 4 {
		t.Errorf("%+v", p)
	}
	if p := w.hsdsPage(t, "/hsds/service_at_locations"); p.TotalItems != 8 {
		t.Errorf("%d places", p.TotalItems)
	}
	terms := w.hsdsPage(t, "/hsds/taxonomy_terms?per_page=100")
	for _, term := range terms.Contents {
		if w.send("", "GET", "/hsds/taxonomy_terms/"+fmt.Sprint(term["id"]), "").want(t, 200).json(t)["code"] != term["code"] {
			t.Errorf("%v", term)
		}
	}
	if len(terms.Contents) < 30 {
		t.Errorf("%d terms", len(terms.Contents))
	}
}

// TestOpenData: every distribution that the catalogue names is there, in each
// encoding, and nothing tells of a shelter.
func TestOpenData(t *testing.T) {
	w := newWorld(t)
	w.fill()
	w.incoming(content.Incoming{Type: "service", Variants: []content.IncomingVariant{{Locale: "it", Publish: true, Slug: "rifugio", Fields: map[string]any{
		"title": "Casa rifugio", "topics": []any{"housing"}, "territories": []any{"PO"}, "sensitive": true,
		"hsds":   map[string]any{"id": "rifugio", "name": "Casa rifugio", "locations": []any{map[string]any{"id": "l", "latitude": 43.871234}}},
		"places": []any{map[string]any{"label": "Portone verde", "address": "Via Segreta 77", "lat": 43.871234, "lon": 11.095678}},
	}}}})
	paths := append(opendata.Paths(), "/opendata/catalog.jsonld", "/hsds/services?full=true", "/hsds/service_at_locations?full=true", "/opendata/vocabularies/target_groups")
	catalog := string(w.send("", "GET", "/opendata/catalog.jsonld", "").want(t, 200).body)
	for _, path := range paths {
		plain := w.send("", "GET", path, "").want(t, 200)
		if path != "/opendata/catalog.jsonld" && !strings.Contains(path, "?") && !strings.Contains(path, "vocabularies") && !strings.Contains(catalog, `"`+path+`"`) {
			t.Errorf("the catalogue does not name %s", path)
		}
		for _, secret := range []string{"Segreta", "43.871", "11.095", "Portone"} {
			if strings.Contains(string(plain.body), secret) {
				t.Errorf("%s tells %q", path, secret)
			}
		}
		gz := w.send("", "GET", path, "", "Accept-Encoding", "gzip").want(t, 200)
		if gz.Header.Get("Content-Encoding") != "gzip" || gz.Header.Get("ETag") == plain.Header.Get("ETag") || plain.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: %v", path, gz.Header)
		}
		w.send("", "GET", path, "", "If-None-Match", plain.Header.Get("ETag")).want(t, 304)
	}
	w.send("", "GET", "/opendata/vocabularies/title", "").problem(t, 404, "not_found")
	w.send("", "GET", "/api/v1/services.jsonld?limit=1000", "").want(t, 400)
	// The pages hang together.
	found := 0
	for next := "/api/v1/services.jsonld?limit=1"; next != ""; found++ {
		var page struct {
			Graph []map[string]any `json:"@graph"`
		}
		w.send("", "GET", next, "").want(t, 200).into(t, &page)
		next, _ = page.Graph[len(page.Graph)-1]["hydra:next"].(string)
		if len(page.Graph) != 2 || page.Graph[0]["@type"] != "cpsv:PublicService" {
			t.Fatalf("%v", page.Graph)
		}
	}
	if found != 2 {
		t.Errorf("%d pages", found)
	}
}

// TestHSDSFilters: search, organisation, term and taxonomy, ours and those of an
// import; identifiers of any characters; everything as lines; organisations with
// their services.
func TestHSDSFilters(t *testing.T) {
	w := newWorld(t)
	const foreign, odd = "tema/estero?x=1&y#z", "a/b+c %2F..//è\"d"
	w.incoming(content.Incoming{Type: "organization", ID: "0197e100-0000-7000-8000-000000000001", Variants: []content.IncomingVariant{{Locale: "it", Publish: true, Slug: "arca", Fields: map[string]any{
		"title": "Arca", "territories": []any{"PO"}, "hsds": map[string]any{"id": "org/1", "name": "Arca", "services": []any{map[string]any{"id": "old", "name": "Via Segreta"}}},
	}}}})
	service := func(n int, fields map[string]any) string {
		id := fmt.Sprintf("0197e100-0000-7000-8000-0000000001%02d", n)
		fields["territories"] = []any{"PO"}
		w.incoming(content.Incoming{Type: "service", ID: id, Variants: []content.IncomingVariant{{Locale: "it", Publish: true, Slug: fmt.Sprintf("filtro-%d", n), Fields: fields}}})
		return id
	}
	attribute := map[string]any{"id": "a", "taxonomy_term": map[string]any{"id": foreign, "name": "Estero", "taxonomy_detail": map[string]any{"id": "t/1"}}}
	first := service(1, map[string]any{"title": "Corso di cucina", "topics": []any{"work"}, "organization": "organization/arca", "places": []any{map[string]any{"label": "Sede", "lat": 43.8, "lon": 11.1}}})
	second := service(2, map[string]any{"title": "Sportello casa", "topics": []any{"housing"}})
	service(3, map[string]any{"title": "Corso di lingua", "topics": []any{"work"}, "organization": "organization/arca",
		"hsds": map[string]any{"id": odd, "name": "Corso di lingua", "organization_id": "org/1", "attributes": []any{attribute, 1.0, map[string]any{"taxonomy_term": "x"}}, "service_at_locations": []any{"x"}}})
	names := map[string]string{first: "1", second: "2", odd: "3", "org/1": "org"}
	list := func(path string) string {
		t.Helper()
		var out []string
		for _, o := range w.hsdsPage(t, path).Contents {
			if s, ok := o["service_id"]; ok {
				o["id"] = s
			}
			out = append(out, names[fmt.Sprint(o["id"])])
		}
		return strings.Join(out, " ")
	}
	term := func(code string) (id, taxonomy string) {
		for _, o := range w.hsdsPage(t, "/hsds/taxonomy_terms?per_page=100&search="+code).Contents {
			if o["code"] == code {
				return fmt.Sprint(o["id"]), fmt.Sprint(o["taxonomy_detail"].(map[string]any)["id"])
			}
		}
		t.Fatalf("no term %s", code)
		return "", ""
	}
	work, topics := term("work")
	for query, want := range map[string]string{
		"?search=corso": "1 3", "?search=CORSO+lin": "3", "?search=niente": "", "?organization_id=org%2F1": "1 3", "?organization_id=nobody": "",
		"?taxonomy_term_id=" + work: "1 3", "?taxonomy_id=" + topics: "1 2 3", "?taxonomy_term_id=" + url.QueryEscape(foreign): "3", "?taxonomy_id=t%2F1": "3", "?taxonomy_term_id=x": "",
		"?search=corso&taxonomy_id=t%2F1&organization_id=org%2F1": "3", "?search=casa&organization_id=org%2F1": "", "?minimal=true&search=corso": "1 3",
	} {
		if got := list("/hsds/services" + query); got != want {
			t.Errorf("%s finds %q, want %q", query, got, want)
		}
	}
	if got := list("/hsds/service_at_locations?organization_id=org%2F1"); got != "1" {
		t.Errorf("places of an organisation: %q", got)
	}
	if got := list("/hsds/organizations?search=arc"); got != "org" {
		t.Errorf("organisations: %q", got)
	}
	for query, want := range map[string]int{"?parent_id=x": 0, "?taxonomy_id=nothing": 0, "?search=qqq": 0} {
		if got := w.hsdsPage(t, "/hsds/taxonomy_terms"+query).TotalItems; got != want {
			t.Errorf("%s: %d terms", query, got)
		}
	}
	if all, top := w.hsdsPage(t, "/hsds/taxonomy_terms").TotalItems, w.hsdsPage(t, "/hsds/taxonomy_terms?top_only=true").TotalItems; all != top || all == 0 {
		t.Errorf("%d terms, %d at the top", all, top)
	}
	// Each is reached by its identifier, whatever is in it.
	for id, name := range names {
		if name == "org" {
			continue
		}
		if got := w.send("", "GET", "/hsds/services/"+url.PathEscape(id), "").want(t, 200).json(t); got["id"] != id {
			t.Errorf("%q: %v", id, got["id"])
		}
	}
	for path, full := range map[string]bool{"/org%2F1": false, "/org%2F1?full_service=true": true, "?full=true": false, "?full_service=true": true} {
		got := w.send("", "GET", "/hsds/organizations"+path, "").want(t, 200).json(t)
		if page, ok := got["contents"].([]any); ok {
			got = page[0].(map[string]any)
		}
		services, _ := got["services"].([]any)
		if len(services) != 2 {
			t.Fatalf("%s: %v", path, services)
		}
		s := services[0].(map[string]any)
		if s["id"] != first || s["name"] != "Corso di cucina" || (s["service_at_locations"] != nil) != full || s["organization"] != nil {
			t.Errorf("%s: %v", path, s)
		}
	}
	if got := w.hsdsPage(t, "/hsds/organizations").Contents[0]["services"]; got != nil {
		t.Errorf("a short row has %v", got)
	}
	// As lines, plain and packed.
	plain := w.send("", "GET", "/hsds/services?format=ndjson&full=true", "").want(t, 200)
	if lines := strings.Split(strings.TrimSpace(string(plain.body)), "\n"); len(lines) != 3 || plain.Header.Get("Content-Type") != "application/x-ndjson" || !strings.HasPrefix(lines[0], "{") {
		t.Errorf("%v %s", plain.Header, plain.body)
	}
	packed := w.send("", "GET", "/hsds/services?format=ndjson&full=true", "", "Accept-Encoding", "gzip").want(t, 200)
	z, err := gzip.NewReader(bytes.NewReader(packed.body))
	w.must(err)
	if data, err := io.ReadAll(z); err != nil || !bytes.Equal(data, plain.body) {
		t.Errorf("packed %v: %s", err, data)
	}
}

// TestMergeEverywhere: two people merge the same pair at once, in both directions,
// on both engines. One of them does; afterwards every door leads to the one that
// stays, what pointed to the other points to it, and both histories can be read.
func TestMergeEverywhere(t *testing.T) {
	onEngines(t, func(t *testing.T, w *world) {
		const m, a, b = "/api/v1/manage", "0197f000-0000-7000-8000-00000000000a", "0197f000-0000-7000-8000-00000000000b"
		for id, slug := range map[string]string{a: "arca", b: "arca-due"} {
			w.incoming(content.Incoming{Type: "organization", ID: id, Variants: []content.IncomingVariant{{Locale: "it", Publish: true, Slug: slug, Fields: map[string]any{
				"title": "Arca Zqxunica", "tax_code": "01533080675", "territories": []any{"PO"},
			}}}})
		}
		w.incoming(content.Incoming{Type: "service", Variants: []content.IncomingVariant{{Locale: "it", Publish: true, Slug: "corso", Fields: map[string]any{
			"title": "Corso", "organization": "organization/arca-due", "topics": []any{"work"}, "territories": []any{"PO"},
		}}}})
		p := w.preview("edo", a, b)
		if p.Score != 0.9 || !p.Merge {
			t.Errorf("%+v", p)
		}
		merge := func(who, keep, gone string, keeps, goes DuplicateSide) answered {
			return w.send(who, "POST", m+"/merges", `{"keep":"`+keep+`","gone":"`+gone+`","keep_etags":{"it":`+quote(keeps.ETags["it"])+`},"gone_etags":{"it":`+quote(goes.ETags["it"])+`}}`)
		}
		w.send("edo", "POST", m+"/merges", `{"keep":"`+a+`","gone":"`+b+`","keep_etags":{},"gone_etags":{}}`).want(t, 428)
		var answers [2]answered
		var both sync.WaitGroup
		both.Go(func() { answers[0] = merge("edo", a, b, p.Keep, p.Gone) })
		both.Go(func() { answers[1] = merge("ada", b, a, p.Gone, p.Keep) })
		both.Wait()
		keep, gone, slugs := a, b, [2]string{"arca", "arca-due"}
		if answers[1].StatusCode == 200 {
			keep, gone, slugs = b, a, [2]string{"arca-due", "arca"}
		}
		lost := answers[0]
		if keep == a {
			lost = answers[1]
		}
		if answers[0].StatusCode == answers[1].StatusCode || lost.StatusCode != 409 && lost.StatusCode != 412 {
			t.Fatalf("both answered %d and %d: %s", answers[0].StatusCode, answers[1].StatusCode, lost.body)
		}
		w.catchUp()
		for from, to := range map[string]string{
			"/api/v1/organizations/" + slugs[1]: "/api/v1/organizations/" + slugs[0] + "?locale=it",
			"/hsds/organizations/" + gone:       "/hsds/organizations/" + keep, "/opendata/organizations/" + gone: "/opendata/organizations/" + keep,
		} {
			if got := w.send("", "GET", from, "").want(t, 301).Header.Get("Location"); got != to {
				t.Errorf("%s leads to %s, want %s", from, got, to)
			}
			w.send("", "GET", to, "").want(t, 200)
		}
		for _, path := range []string{"/api/v1/services/corso", "/api/v1/services.jsonld", "/hsds/services?full=true", "/hsds/organizations?full=true", "/api/v1/search?q=zqxunica", "/opendata/organizations/" + keep} {
			body := string(w.send("", "GET", path, "").want(t, 200).body)
			if !strings.Contains(body, keep) || strings.Contains(body, gone) {
				t.Errorf("%s: %s", path, body)
			}
		}
		if p := w.hsdsPage(t, "/hsds/services?organization_id="+gone); p.TotalItems != 1 { // its former name still finds what is offered
			t.Errorf("%+v", p)
		}
		for _, id := range []string{a, b} {
			var events Page[Event]
			w.send("edo", "GET", m+"/documents/"+id+"/events", "").want(t, 200).into(t, &events)
			if events.Items[0].Kind != "merged" || len(events.Items) < 2 {
				t.Errorf("%s: %+v", id, events.Items)
			}
			w.send("edo", "GET", m+"/documents/"+id+"/variants/it", "").want(t, 200)
		}
		if got := merge("edo", keep, gone, p.Keep, p.Gone); got.StatusCode != 200 { // asked for again it is done
			t.Errorf("%d %s", got.StatusCode, got.body)
		}
		w.send("edo", "POST", m+"/merges", `{"keep":"`+gone+`","gone":"`+keep+`","keep_etags":{"*":"*"},"gone_etags":{"*":"*"}}`).problem(t, 409, "merged_away")
	})
}

// TestPreviewOfShelters: who may not know where a shelter is learns it from no
// comparison; who may see one side only is told of none.
func TestPreviewOfShelters(t *testing.T) {
	people := append(slices.Clone(people), auth.Person{ID: "seg", Name: "Seg", Grants: []content.Grant{{Role: "secretary", Scope: "100"}}},
		auth.Person{ID: "lontana", Name: "Lontana", Grants: []content.Grant{{Role: "secretary", Scope: "015"}}})
	w := newWorldOf(t, people)
	ids := []string{"0197f100-0000-7000-8000-000000000001", "0197f100-0000-7000-8000-000000000002", "0197f100-0000-7000-8000-000000000003"}
	for i, id := range ids {
		w.incoming(content.Incoming{Type: "service", ID: id, Variants: []content.IncomingVariant{{Locale: "it", Publish: true, Slug: fmt.Sprintf("casa-%d", i), Fields: map[string]any{
			"title": "Casa Artemisia", "topics": []any{"housing"}, "territories": []any{[]string{"PO", "PO", "MI"}[i]}, "sensitive": true,
			"places": []any{map[string]any{"label": "Zqxportone", "address": "Via Zqxsegreta 7", "municipality": "100005", "lat": 43.871234 + float64(i)/2000, "lon": 11.095678}},
		}}}})
	}
	secrets := []string{"Zqx", "43.87", "11.09", "metres", "distance"}
	tells := func(who, keep, gone string) (string, int) {
		a := w.send(who, "GET", "/api/v1/manage/merges/preview?keep="+keep+"&gone="+gone, "")
		return string(a.body), a.StatusCode
	}
	if body, status := tells("seg", ids[0], ids[1]); status != 200 || !strings.Contains(body, "Zqxsegreta") || !strings.Contains(body, "same_name_town") || strings.Contains(body, "same_name_near") {
		t.Errorf("the council of Prato sees %d %s", status, body)
	}
	if body, status := tells("tariq", ids[0], ids[1]); status != 200 {
		t.Errorf("a translator sees %d %s", status, body)
	} else {
		for _, secret := range secrets {
			if strings.Contains(body, secret) {
				t.Errorf("a translator is told %q: %s", secret, body)
			}
		}
	}
	for _, pair := range [][2]string{{ids[0], ids[1]}, {ids[0], ids[2]}, {ids[2], ids[0]}} {
		if body, status := tells("lontana", pair[0], pair[1]); status != 404 {
			t.Errorf("another council sees %d %s", status, body)
		}
	}
	for _, who := range []string{"lontana", "seg"} {
		var page Page[Duplicate]
		w.send(who, "GET", "/api/v1/manage/duplicates", "").want(t, 200).into(t, &page)
		if want := map[string]int{"lontana": 0, "seg": 1}[who]; len(page.Items) != want {
			t.Errorf("%s sees %+v", who, page.Items)
		}
	}
	w.send("lontana", "POST", "/api/v1/manage/merges", `{"keep":"`+ids[2]+`","gone":"`+ids[0]+`","keep_etags":{"*":"*"},"gone_etags":{"*":"*"}}`).problem(t, 404, "not_found")
}

// TestDistributions: what the data catalogue says of each format is so.
func TestDistributions(t *testing.T) {
	w := newWorld(t, func(o *Options) {
		o.Publisher = Publisher{Name: "Ministero", Identifier: "m_lps"}
		o.Licence = "CC0-1.0"
	})
	w.fill()
	var doc struct {
		Publisher map[string]any `json:"dct:publisher"`
		Datasets  []struct {
			Forms []struct {
				URL     string         `json:"dcat:downloadURL"`
				Media   string         `json:"dcat:mediaType"`
				Licence map[string]any `json:"dct:license"`
			} `json:"dcat:distribution"`
		} `json:"dcat:dataset"`
	}
	w.send("", "GET", "/opendata/catalog.jsonld", "").want(t, 200).into(t, &doc)
	n := 0
	for _, d := range doc.Datasets {
		for _, f := range d.Forms {
			n++
			got, _, _ := strings.Cut(w.send("", "GET", f.URL, "").want(t, 200).Header.Get("Content-Type"), ";")
			if f.Media != "http://www.iana.org/assignments/media-types/"+got || !strings.HasSuffix(fmt.Sprint(f.Licence["@id"]), "/licence/CC0") {
				t.Errorf("%s is %s, told %+v", f.URL, got, f)
			}
		}
	}
	if n < 8 || doc.Publisher["foaf:name"] != "Ministero" || doc.Publisher["dct:identifier"] != "m_lps" {
		t.Errorf("%d formats of %v", n, doc.Publisher)
	}
	if about := w.send("", "GET", "/hsds/", "").want(t, 200).json(t)["publisher"].(map[string]any); about["name"] != "Ministero" || about["identifier"] != "m_lps" {
		t.Errorf("%v", about)
	}
}
