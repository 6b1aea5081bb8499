package api

import (
	"net/http"
)

// answersVariant is the answer to every change of a variant.
func answersVariant(status int) []answer {
	headers := []string{"ETag", "Content-Language"}
	if status == http.StatusCreated {
		headers = append(headers, "Location")
	}
	return []answer{{Status: status, Body: Variant{}, Headers: headers}}
}

// manageTable lists the editorial API.
func (s *Server) manageTable() []*operation {
	id := pathParam("id", "The document.", format("uuid"))
	locale := pathParam("locale", "The variant's language (BCP 47).", localeSchema())
	number := pathParam("number", "The revision's number.", integer(1, 0))
	limit, cursor := limitParam(), cursorParam
	ok := func(body any) []answer { return []answer{{Status: http.StatusOK, Body: body}} }

	var types, states []string
	seen := map[string]bool{}
	for _, t := range s.schemas.Types() {
		types = append(types, t.Name)
		for _, st := range s.service.Workflow(t.Name).States {
			if !seen[st.Name] {
				seen[st.Name] = true
				states = append(states, st.Name)
			}
		}
	}
	list := []param{
		queryParam("type", "Only this content type.", oneOf(types...)),
		queryParam("state", "Only documents with a variant in this state.", oneOf(states...)),
		queryParam("locale", "Only documents with a variant in this language.", localeSchema()),
		queryParam("territory", "Only what lies in this territory: province acronym or ISTAT code.", text(6)),
		queryParam("owner", "Only what belongs to this organization.", text(120)),
		queryParam("mine", "Only what the caller began.", flag()),
		queryParam("sort", "The order.", withDefault(oneOf(sortNewest, sortTitle), sortNewest)),
		limit, cursor(text(1000)),
	}
	history := []param{id, locale, limit, cursor(integer(1, 1<<31-1))}
	compare := []param{
		id, locale,
		queryParam("from", "Number of the earlier revision; 0, and without it, stands for nothing at all.", integer(0, 1<<31-1)),
		{Name: "to", In: "query", Required: true, Doc: "Number of the later revision.", Schema: integer(1, 1<<31-1)},
	}
	events := []param{id, limit, cursor(integer(1, 1<<53))}

	const (
		documents = manage + "/documents"
		document  = documents + "/{id}"
		variant   = document + "/variants/{locale}"
	)
	return []*operation{
		{Method: http.MethodPost, Route: documents, ID: "createDocument", Tag: tagDocuments,
			Summary: "Begin a document with its first variant", Body: NewDocument{}, Answers: answersVariant(http.StatusCreated),
			Problems: []int{http.StatusConflict}, Call: s.createDocument, Needs: byContent},
		{Method: http.MethodGet, Route: documents, ID: "listDocuments", Tag: tagDocuments,
			Summary: "The documents that the caller may see", Params: list, Answers: ok(Page[Document]{}), Call: s.listDocuments(list), Needs: byContent},
		{Method: http.MethodGet, Route: document, ID: "getDocument", Tag: tagDocuments,
			Summary: "A document with its variants", Params: []param{id},
			Answers: []answer{{Status: http.StatusOK, Body: Document{}, Headers: []string{"ETag"}}}, Call: s.getDocument, Needs: byContent},
		{Method: http.MethodDelete, Route: document, ID: "discardDocument", Tag: tagDocuments,
			Summary: "Throw away a draft that was never public", Params: []param{id, ifMatch},
			Answers: []answer{{Status: http.StatusNoContent}}, Call: s.discardDocument, Needs: byContent},
		{Method: http.MethodPost, Route: document + "/variants", ID: "addVariant", Tag: tagDocuments,
			Summary: "Begin a translation", Description: "`If-Match` takes the document's `add_variant.etag`.",
			Params: []param{id, ifMatch}, Body: NewVariant{}, Answers: answersVariant(http.StatusCreated), Call: s.addVariant, Needs: byContent},
		{Method: http.MethodGet, Route: variant, ID: "getVariant", Tag: tagDocuments,
			Summary: "A variant with its fields and what the caller may do", Params: []param{id, locale},
			Answers: answersVariant(http.StatusOK), Call: s.getVariant, Needs: byContent},
		{Method: http.MethodPatch, Route: variant, ID: "editVariant", Tag: tagDocuments,
			Summary: "Change the content", Description: "Only the named fields change; `null` removes one. An edit makes a new revision.",
			Params: []param{id, locale, ifMatch}, Body: Edit{}, Answers: answersVariant(http.StatusOK), Call: s.editVariant, Needs: byContent},
		{Method: http.MethodPost, Route: variant + "/transitions", ID: "takeStep", Tag: tagDocuments,
			Summary: "Take a step of the workflow, or schedule it", Params: []param{id, locale, ifMatch}, Body: Step{},
			Answers: answersVariant(http.StatusOK), Call: s.takeStep, Needs: byContent},
		{Method: http.MethodDelete, Route: variant + "/schedule/{transition}", ID: "unschedule", Tag: tagDocuments,
			Summary: "Take back a scheduled step",
			Params:  []param{id, locale, pathParam("transition", "The step's name.", text(40)), ifMatch},
			Answers: answersVariant(http.StatusOK), Call: s.unschedule, Needs: byContent},
		{Method: http.MethodGet, Route: document + "/events", ID: "listEvents", Tag: tagRevisions,
			Summary: "What happened to a document, newest first", Params: events, Answers: ok(Page[Event]{}), Call: s.listEvents(events), Needs: byContent},
		{Method: http.MethodGet, Route: variant + "/revisions", ID: "listRevisions", Tag: tagRevisions,
			Summary: "A variant's revisions, newest first", Params: history, Answers: ok(Page[Revision]{}), Call: s.listRevisions(history), Needs: byContent},
		{Method: http.MethodGet, Route: variant + "/revisions/{number}", ID: "getRevision", Tag: tagRevisions,
			Summary: "One revision with its fields", Params: []param{id, locale, number}, Answers: ok(Revision{}), Call: s.getRevision, Needs: byContent},
		{Method: http.MethodPost, Route: variant + "/revisions/{number}/restore", ID: "restoreRevision", Tag: tagRevisions,
			Summary: "Make a new revision with the content of an earlier one", Params: []param{id, locale, number, ifMatch}, Body: Restore{},
			Answers: answersVariant(http.StatusOK), Call: s.restoreRevision, Needs: byContent},
		{Method: http.MethodGet, Route: variant + "/comparison", ID: "compareRevisions", Tag: tagRevisions,
			Summary: "The fields that differ between two revisions", Params: compare, Answers: ok(Comparison{}), Call: s.compareRevisions(compare), Needs: byContent},
		{Method: http.MethodPost, Route: manage + "/preview", ID: "preview", Tag: tagForms,
			Summary: "Markdown as the public will read it", Body: Preview{}, Answers: ok(Previewed{}), Call: s.preview, Needs: byCaller},
		{Method: http.MethodGet, Route: manage + "/types", ID: "getFormTypes", Tag: tagForms,
			Summary: "Types, taxonomies and languages, with all labels", Answers: ok(FormTypes{}), Call: s.formTypes, Needs: byCaller},
		{Method: http.MethodGet, Route: manage + "/workflows", ID: "listWorkflows", Tag: tagForms,
			Summary: "Workflows, with all labels", Answers: ok(WorkflowPage{}), Call: s.listWorkflows, Needs: byCaller},
		{Method: http.MethodGet, Route: manage + "/me", ID: "getCaller", Tag: tagAccess,
			Summary: "Who calls, and with which roles", Answers: ok(Me{}), Call: s.me, Needs: byCaller},
	}
}
