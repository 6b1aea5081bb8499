package api

import (
	"net/http"

	"github.com/prassi-cms/prassi/freshness"
)

// freshnessTable lists the page of confirmation, and what councils see of it.
// Without a Keeper nothing of it exists.
func (s *Server) freshnessTable() []*operation {
	if s.freshness == nil {
		return nil
	}
	const page = confirmPath + "{token}"
	token := pathParam("token", "What the link in the message holds.", text(freshness.MaxToken))
	html := []answer{{Status: http.StatusOK, Media: "text/html", Body: htmlPage, Headers: []string{"Content-Language"}}}
	conflict := http.StatusConflict
	var states []string
	for _, st := range freshness.States {
		states = append(states, string(st))
	}
	list := []param{
		queryParam("stage", "Only what is due, what the public reads is unverified, what is hidden, or what somebody says has changed.", oneOf(states...)),
		queryParam("territory", "Only what lies in this territory: province acronym or ISTAT code.", text(6)),
		limitParam(), cursorParam(text(80)),
	}
	out := []*operation{
		{Method: http.MethodGet, Route: page, ID: "showConfirmation", Access: open, Page: true, Class: classSecret,
			Summary: "What is published, to be confirmed", Description: "Nothing changes by looking. The link is used up by the next confirmation, whoever makes it.",
			Params: []param{token}, Answers: html, Problems: []int{conflict, http.StatusServiceUnavailable}, Handle: s.showConfirmation},
		{Method: http.MethodPost, Route: page, ID: "answerConfirmation", Access: open, Page: true, Class: classSecret,
			Summary:     "Confirm, or say what has changed",
			Description: "A form. `answer=right` confirms; `answer=changed` sends `words` to the council. Whoever has the link may do it, without an account.",
			Params:      []param{token}, Answers: html, Handle: s.answerConfirmation,
			Problems: []int{http.StatusBadRequest, conflict, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity, http.StatusServiceUnavailable}},
		{Method: http.MethodGet, Route: manage + "/freshness", ID: "listStale",
			Summary:     "What should be confirmed, the oldest first",
			Description: "Of what the caller may confirm: what is due, unverified, hidden or contradicted, with who was asked and when.",
			Params:      list, Answers: []answer{{Status: http.StatusOK, Body: Page[StaleDocument]{}}}, Call: s.listStale(list), Needs: byContent},
		{Method: http.MethodPost, Route: manage + "/documents/{id}/assure", ID: "assureDocument",
			Summary:     "Confirm that a document's facts are true",
			Description: "Drafts and opinions stay as they are. What was unverified or hidden for its age is current again. The same confirmation twice is one.",
			Params:      []param{pathParam("id", "The document.", format("uuid"))}, Body: Assure{}, Answers: []answer{{Status: http.StatusOK, Body: AssuredDocument{}}},
			Problems: []int{conflict}, Call: s.assureDocument, Needs: byContent},
	}
	for _, op := range out {
		op.Tag = tagFreshness
	}
	return out
}
