package api

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// systemTable lists what machines and operators ask.
func (s *Server) systemTable() []*operation {
	status := []answer{
		{Status: http.StatusOK, Body: Status{}, Media: "application/problem+json"},
		{Status: http.StatusServiceUnavailable, Body: Status{}, Media: "application/problem+json"},
	}
	documents := func(media string, body any) []answer {
		return []answer{{Status: http.StatusOK, Media: media, Body: body, Headers: []string{"ETag", "Cache-Control"}}, notModified}
	}
	ops := []*operation{
		{Route: "/openapi.json", ID: "getOpenAPI", Summary: "This description, as OpenAPI 3.1", Access: public, Params: []param{ifNoneMatch},
			Answers: documents("application/vnd.oai.openapi+json;version=3.1", &huma.Schema{Type: "object"}), Problems: []int{http.StatusNotAcceptable},
			Handle: s.asset("openapi")},
		{Route: "/", ID: "getRoot", Summary: "Where people begin: the site in the reader's language, or this description while there is none",
			Answers: []answer{{Status: http.StatusFound, Headers: []string{"Location"}}}, Handle: s.siteRoot},
		{Route: "/docs", ID: "getDocs", Summary: "This description, as a page", Params: []param{ifNoneMatch}, Class: classPage,
			Answers: documents("text/html", htmlPage), Handle: s.asset("docs")},
		{Route: "/docs/style.css", ID: "getStyle", Summary: "How the pages look", Params: []param{ifNoneMatch}, Class: classAsset,
			Answers: documents("text/css", &huma.Schema{Type: "string"}), Handle: s.asset("style")},
		{Route: "/favicon.ico", ID: "getIcon", Summary: "No icon: browsers ask for one unasked", Class: classAsset, quiet: true,
			Answers: []answer{{Status: http.StatusNoContent, Headers: []string{"Cache-Control"}}}, Handle: noIcon},
		{Route: "/problems/{code}", ID: "getProblem", Summary: "What a kind of problem means", Class: classPage,
			Params:  []param{pathParam("code", "The problem's code.", text(80))},
			Answers: []answer{{Status: http.StatusOK, Media: "text/html", Body: htmlPage, Headers: []string{"Content-Language"}}}, Handle: s.problemPage},
		{Route: "/status", ID: "getStatus", Summary: "How the service is", Answers: status, Handle: s.status, Rate: rateProbe, quiet: true},
		{Route: "/livez", ID: "getLive", Summary: "The process answers", Answers: status[:1], Handle: s.live, Rate: rateNone, quiet: true},
		{Route: "/readyz", ID: "getReady", Summary: "The process can do its work", Answers: status, Handle: s.ready, Rate: rateProbe, quiet: true},
		{Route: "/metrics", ID: "getMetrics", Summary: "Figures in Prometheus' text format",
			Description: "Only for the machine itself and the addresses that the operator names.", Problems: []int{http.StatusNotFound}, Rate: rateProbe,
			Answers: []answer{{Status: http.StatusOK, Media: "text/plain", Body: &huma.Schema{Type: "string"}}}, Handle: s.operators(s.serveMetrics), quiet: true},
	}
	for _, op := range ops {
		op.Method, op.Tag = http.MethodGet, tagSystem
	}
	return ops
}
