package api

import (
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/prassi-cms/prassi/duplicates"
	"github.com/prassi-cms/prassi/interchange/hsds"
	"github.com/prassi-cms/prassi/opendata"
	"github.com/prassi-cms/prassi/search"
)

// Tags of what concerns the directory of services.
const (
	tagDirectory = "directory"
	tagOpenData  = "open data"
	tagHSDS      = "hsds"
)

// directoryTable lists duplicates, the register of organisations, open data and
// the HSDS API.
func (s *Server) directoryTable() []*operation {
	out := slices.Concat(s.openDataTable(), s.hsdsTable())
	if s.duplicates != nil {
		out = append(out, s.duplicatesTable()...)
	}
	return out
}

func (s *Server) duplicatesTable() []*operation {
	id := pathParam("id", "The organization's document.", format("uuid"))
	ok := func(body any) []answer { return []answer{{Status: http.StatusOK, Body: body}} }
	var types []string
	for _, t := range s.schemas.Types() {
		types = append(types, t.Name)
	}
	pairs := []param{
		queryParam("type", "Only documents of this type.", oneOf(duplicates.Types()...)),
		queryParam("territory", "Only pairs of which one lies in this territory: province acronym or ISTAT code.", text(6)),
		queryParam("dismissed", "Those of which somebody said that they are not the same, instead of the others.", flag()),
		limitParam(), cursorParam(text(300)),
	}
	either := []param{
		{Name: "a", In: "query", Required: true, Doc: "One of them.", Schema: format("uuid")},
		{Name: "b", In: "query", Required: true, Doc: "The other.", Schema: format("uuid")},
	}
	sides := []param{
		{Name: "keep", In: "query", Required: true, Doc: "The document that would stay.", Schema: format("uuid")},
		{Name: "gone", In: "query", Required: true, Doc: "The document that would go.", Schema: format("uuid")},
	}
	people := []param{id, limitParam(), cursorParam(text(64))}
	submissions := []param{id, queryParam("type", "Only this content type.", oneOf(types...)), limitParam(), cursorParam(text(1000))}
	codes := []param{{Name: "tax_code", In: "query", Required: true, Doc: "The tax code of a body: 11 digits, in any spelling.", Schema: text(40)}}
	const organizations = manage + "/organizations"
	ops := []*operation{
		{Method: http.MethodGet, Route: manage + "/duplicates", ID: "listDuplicates", Summary: "What may have been entered twice, the likeliest first",
			Description: "Pairs of which the caller may see both. A page may hold less than asked for although there is a next one.",
			Params:      pairs, Answers: ok(Page[Duplicate]{}), Call: s.listDuplicates(pairs), Needs: byObject},
		{Method: http.MethodPost, Route: manage + "/duplicates/dismiss", ID: "dismissDuplicate", Summary: "Say that two documents are not the same",
			Body: NotDuplicates{}, Answers: []answer{{Status: http.StatusNoContent}}, Problems: []int{http.StatusNotFound}, Call: s.dismissDuplicate, Needs: byObject},
		{Method: http.MethodDelete, Route: manage + "/duplicates/dismiss", ID: "restoreDuplicate", Summary: "Take back that two documents are not the same",
			Params: either, Answers: []answer{{Status: http.StatusNoContent}}, Problems: []int{http.StatusNotFound}, Call: s.restoreDuplicate(either), Needs: byObject},
		{Method: http.MethodGet, Route: manage + "/merges/preview", ID: "previewMerge", Summary: "Two documents side by side, field by field",
			Params: sides, Answers: ok(MergePreview{}), Problems: []int{http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity},
			Call: s.previewMerge(sides), Needs: byContent},
		{Method: http.MethodPost, Route: manage + "/merges", ID: "mergeDocuments", Summary: "Let one document go for another",
			Description: "The values chosen are written into the one that stays, as an edit. The other is withdrawn, keeps its history, and its addresses lead on. Asking for the same again finishes what was interrupted.",
			Body:        NewMerge{}, Answers: []answer{{Status: http.StatusOK, Body: Document{}, Headers: []string{"ETag"}}},
			Problems: []int{http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed, http.StatusPreconditionRequired}, Call: s.merge, Needs: byContent},
		{Method: http.MethodGet, Route: organizations, ID: "findOrganizations", Summary: "Organisations with a tax code",
			Params: codes, Answers: ok(OrganizationMatches{}), Call: s.findOrganizations(codes), Needs: byContent},
		{Method: http.MethodGet, Route: organizations + "/{id}/people", ID: "listMembers", Summary: "Who acts for an organisation",
			Description: "Those who hold, or are lent, a role whose scope names the organisation: its id, or any slug that it has or had.",
			Params:      people, Answers: ok(Page[Member]{}), Call: s.listMembers(people), Needs: byObject},
		{Method: http.MethodGet, Route: organizations + "/{id}/submissions", ID: "listSubmissions", Summary: "What an organisation has submitted, with its states, newest first",
			Params: submissions, Answers: ok(Page[Document]{}), Call: s.listSubmissions(submissions), Needs: byContent},
	}
	for _, op := range ops {
		op.Tag = tagDirectory
	}
	return ops
}

func (s *Server) openDataTable() []*operation {
	graph := &huma.Schema{Type: "object", AdditionalProperties: true, Description: "JSON-LD 1.1 with its context inside."}
	one := append(cached(graph, typeJSONLD[0]), answer{Status: http.StatusMovedPermanently, Doc: "It was merged into another one.", Headers: []string{"Location"}})
	gone := []int{http.StatusNotAcceptable, http.StatusGone}
	id := []param{pathParam("id", "The document.", format("uuid")), ifNoneMatch}
	name := []param{pathParam("name", "The field of services whose terms they are.", oneOf("topics", "target_groups")), ifNoneMatch}
	ops := []*operation{
		{Route: opendata.CatalogPath, ID: "getDataCatalog", Summary: "The datasets that are offered, in DCAT-AP", Params: []param{ifNoneMatch},
			Answers: cached(graph, typeJSONLD[0]), Problems: gone[:1], Handle: s.dataCatalog},
		{Route: opendata.ServicePath + "{id}", ID: "describeService", Summary: "One service in CPSV-AP: the address is its name", Params: id,
			Answers: one, Problems: gone, Handle: s.described("services", opendata.ServicePath, s.publisher.ServiceDocument)},
		{Route: opendata.OrganizationPath + "{id}", ID: "describeOrganization", Summary: "One organisation: the address is its name", Params: id,
			Answers: one, Problems: gone, Handle: s.described("organizations", opendata.OrganizationPath, s.publisher.OrganizationDocument)},
		{Route: opendata.VocabularyPath + "{name}", ID: "getConcepts", Summary: "The terms that services are described with, in SKOS", Params: name,
			Answers: cached(graph, typeJSONLD[0]), Problems: gone[:1], Handle: s.conceptScheme},
	}
	for _, t := range s.schemas.Types() {
		if t.Collection != "services" {
			continue
		}
		params := slices.DeleteFunc(s.collectionParams(t), func(p param) bool { return p.Name == "fields" })
		ops = append(ops, &operation{Route: base + "/" + t.Collection + ".jsonld", ID: "graphServices", Summary: "Published services in CPSV-AP, page by page",
			Description: "The same filters and pages as the list; each service comes with all its languages. The pages hang together by hydra:next.",
			Params:      params, Answers: cached(graph, typeJSONLD[0]), Problems: gone[:1], Handle: s.graph(t.Collection, params)})
	}
	for _, op := range ops {
		op.Method, op.Tag, op.Access = http.MethodGet, tagOpenData, public
	}
	return ops
}

func (s *Server) hsdsTable() []*operation {
	page := []param{
		queryParam("page", "The page, from 1.", withDefault(integer(1, 1<<31-1), 1)),
		queryParam("per_page", "Rows a page: at most 100, with `minimal` at most 50000, which is then what there is without it.", withDefault(integer(1, hsdsMinimal), hsdsDefault)),
	}
	find := queryParam("search", "Words that its name or its description has, as beginnings.", text(search.MaxChars))
	lines := queryParam("format", "`ndjson` gives everything that passes the filters, an object a line, without pages.", withDefault(oneOf("json", "ndjson"), "json"))
	term := []param{
		queryParam("taxonomy_term_id", "Only what has this term.", text(hsds.MaxID)),
		queryParam("taxonomy_id", "Only what has a term of this taxonomy.", text(hsds.MaxID)),
	}
	provider := queryParam("organization_id", "Only what this organisation offers.", text(hsds.MaxID))
	services := queryParam("full_service", "With the services that it offers, in full as far as 500 go in one answer.", flag())
	lists := slices.Concat(page, []param{find, lines}, term, []param{
		queryParam("modified_after", "Only what the public saw change at this moment or later (RFC 3339).", text(40)),
		queryParam("minimal", "Only `id` and `last_modified`.", flag()),
		queryParam("full", "With everything that belongs to a row; without it, only what a row has one of.", flag()),
		ifNoneMatch,
	})
	offered, offering := append(slices.Clone(lists), provider), append(slices.Clone(lists), services)
	words := append(slices.Clone(page), find, lines, ifNoneMatch)
	terms := append(slices.Clone(words),
		queryParam("taxonomy_id", "Only terms of this taxonomy.", text(64)),
		queryParam("parent_id", "Only terms below this one; no term has any.", text(64)),
		queryParam("top_only", "Only terms without one above; that is all of them.", flag()))
	one := cached(hsdsObject(), "")
	envelope := append(cached(hsdsPage(), ""), answer{Status: http.StatusOK, Media: typeLines[0], Body: hsdsObject(), Doc: "With format=ndjson: an object a line."})
	moved := append(slices.Clone(one), answer{Status: http.StatusMovedPermanently, Doc: "It was merged into another one.", Headers: []string{"Location"}})
	id := []param{pathParam("id", "The identifier in HSDS: the one that it was imported with, else the document's.", text(hsds.MaxID)), ifNoneMatch}
	organization := append(slices.Clone(id), services)
	wordID := []param{pathParam("id", "The identifier in HSDS.", format("uuid")), ifNoneMatch}
	gone := []int{http.StatusNotAcceptable, http.StatusGone}
	ops := []*operation{
		{Route: hsdsPath, ID: "getHsds", Summary: "What this API is", Params: []param{ifNoneMatch}, Answers: cached(HSDSAbout{}, ""), Handle: s.hsdsAbout},
		{Route: hsdsPath + "services", ID: "listHsdsServices", Summary: "Services", Params: offered, Answers: envelope, Handle: s.hsdsList("services", offered)},
		{Route: hsdsPath + "services/{id}", ID: "getHsdsService", Summary: "One service with everything that belongs to it", Deep: true,
			Params: id, Answers: moved, Problems: gone[1:], Handle: s.hsdsOne("services", id)},
		{Route: hsdsPath + "organizations", ID: "listHsdsOrganizations", Summary: "Organisations", Params: offering, Answers: envelope, Handle: s.hsdsList("organizations", offering)},
		{Route: hsdsPath + "organizations/{id}", ID: "getHsdsOrganization", Summary: "One organisation with everything that belongs to it", Deep: true,
			Params: organization, Answers: moved, Problems: gone[1:], Handle: s.hsdsOne("organizations", organization)},
		{Route: hsdsPath + "service_at_locations", ID: "listHsdsSites", Summary: "Where services are offered", Params: offered, Answers: envelope, Handle: s.hsdsSites(offered)},
		{Route: hsdsPath + "service_at_locations/{id}", ID: "getHsdsSite", Summary: "One of these, with its service", Deep: true, Params: id, Answers: one, Handle: s.hsdsSite},
		{Route: hsdsPath + "taxonomies", ID: "listHsdsTaxonomies", Summary: "The taxonomies that services and organisations are described with",
			Params: words, Answers: envelope, Handle: s.hsdsWords(words, s.taxonomies)},
		{Route: hsdsPath + "taxonomies/{id}", ID: "getHsdsTaxonomy", Summary: "One taxonomy", Params: wordID, Answers: one, Handle: s.hsdsWord(s.taxonomies)},
		{Route: hsdsPath + "taxonomy_terms", ID: "listHsdsTerms", Summary: "The terms of the taxonomies", Params: terms, Answers: envelope, Handle: s.hsdsWords(terms, s.terms)},
		{Route: hsdsPath + "taxonomy_terms/{id}", ID: "getHsdsTerm", Summary: "One term", Params: wordID, Answers: one, Handle: s.hsdsWord(s.terms)},
	}
	for _, op := range ops {
		op.Method, op.Tag, op.Access = http.MethodGet, tagHSDS, public
		op.Problems = append(slices.Clone(gone[:1]), op.Problems...)
	}
	return ops
}
