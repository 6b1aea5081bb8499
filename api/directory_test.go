package api

import (
	"fmt"
	"testing"

	"github.com/prassi-cms/prassi/content"
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

// bothETags is the part of a merge that says what was seen.
func (w *world) preview(who, keep, gone string) MergePreview {
	w.t.Helper()
	var p MergePreview
	w.send(who, "GET", "/api/v1/manage/merges/preview?keep="+keep+"&gone="+gone, "").want(w.t, 200).into(w.t, &p)
	return p
}

// directoryExamples call the operations of the directory.
func directoryExamples(w *world) map[string]func() []request {
	const m = "/api/v1/manage"
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
			w.twins(1)
			w.twins(2)
			return []request{
				{who: "edo", path: m + "/duplicates", status: 200},
				{who: "edo", path: m + "/duplicates?type=service&territory=PO&limit=1", status: 200},
			}
		},
		"dismissDuplicate": func() []request {
			a, b := w.twins(3)
			return []request{{who: "edo", path: m + "/duplicates/dismiss", status: 204, body: `{"a":"` + a + `","b":"` + b + `","comment":"Due case."}`}}
		},
		"previewMerge": func() []request {
			a, b := w.twins(4)
			return []request{{who: "edo", path: m + "/merges/preview?keep=" + a + "&gone=" + b, status: 200}}
		},
		"mergeDocuments": func() []request {
			a, b := w.twins(5)
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
		"listHsdsSites":      one("/hsds/service_at_locations?full=true"),
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
		"GET " + m + "/merges/preview":                 {{on: pairs, query: "?keep={keep}&gone={gone}"}},
		"POST " + m + "/merges":                        {{on: pairs, body: merge}},
		"GET " + m + "/organizations":                  {{query: "?tax_code=01533080675"}},
		"GET " + m + "/organizations/{id}/people":      {{on: organizations}},
		"GET " + m + "/organizations/{id}/submissions": {{on: organizations}},
	}
}
