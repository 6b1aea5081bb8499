package api

import (
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/access"
	"github.com/prassi-cms/prassi/messages"
	"github.com/prassi-cms/prassi/widgets"
)

const (
	tagWidgets   = "widgets"
	partnersPath = manage + "/partners"
)

// widgetsTable lists what widgets and partners need.
func (s *Server) widgetsTable() []*operation {
	var out []*operation
	if s.widgets != nil {
		out = s.widgetRoutes()
	}
	if s.partners != nil {
		out = append(out, s.partnerRoutes()...)
	}
	for _, op := range out {
		op.Tag = or(op.Tag, tagWidgets)
	}
	return out
}

func (s *Server) widgetRoutes() []*operation {
	word := &huma.Schema{Type: "string"}
	tokens := []param{}
	for _, name := range widgets.TokenNames {
		tokens = append(tokens, queryParam(name, "Design token: a colour such as #0066cc or a length such as 4px.", text(20)))
	}
	shown := append([]param{
		queryParam("locale", "The language (BCP 47); `it` without it.", localeSchema()),
		queryParam("territory", "Province acronyms or ISTAT codes, comma-separated.", text(400)),
		queryParam("national", "Beside `territory`, also what names no territory.", flag()),
		queryParam("topic", "Topics, comma-separated.", text(800)),
		queryParam("limit", "How many entries.", withDefault(integer(1, widgets.MaxLimit), widgets.DefaultLimit)),
		queryParam("partner", "Key of the partner whose page it is.", text(40)),
		queryParam("mode", "Colours: those that the reader's device prefers, light or dark ones.", withDefault(oneOf(widgets.Modes...), widgets.Modes[0])),
		queryParam("collection", "Of a card: the collection of the item.", text(40)),
		queryParam("slug", "Of a card: the item's name in addresses.", text(content.MaxSlug)),
	}, tokens...)
	form := append([]param{queryParam("widget", "The widget.", text(20)), queryParam("lang", "The language of the page.", oneOf(messages.Languages...))}, shown...)
	line := append([]param{{Name: "widget", In: "query", Required: true, Doc: "The widget.", Schema: oneOf(widgets.Names[:5]...)}}, shown...)
	frame := append([]param{pathParam("widget", "The widget.", oneOf(widgets.Names...))}, shown...)
	oembed := []param{
		{Name: "url", In: "query", Required: true, Doc: "Address of an item's page or of a frame.", Schema: addressSchema()},
		queryParam("format", "The format.", withDefault(oneOf("json", "xml"), "json")),
		queryParam("maxwidth", "Pixels.", integer(1, 100_000)),
		queryParam("maxheight", "Pixels.", integer(1, 100_000)),
	}
	deadlines := []param{
		queryParam("locale", "The language to read them in, where there is a choice (BCP 47); `it` without it.", localeSchema()),
		queryParam("territory", "Province acronyms or ISTAT codes, comma-separated.", text(400)),
		queryParam("national", "Beside `territory`, also what names no territory.", flag()),
		queryParam("topic", "Topics, comma-separated.", text(800)),
		queryParam("organization", "Slugs or ids of organizations, comma-separated.", text(2000)),
		queryParam("limit", "How many.", withDefault(integer(1, maxDeadlines), widgets.DefaultLimit)),
		ifNoneMatch,
	}
	script := func() []answer { return cached(word, "text/javascript") }
	ofDeadlines := &operation{Route: base + "/deadlines", ID: "listDeadlines", Tag: tagItems, Summary: "Deadlines of published items that are not over, the next first",
		Description: "Each document counts once, in one language. An item that another one has taken the place of is left out.",
		Params:      deadlines, Answers: cached(DeadlinePage{}, ""), Handle: s.listDeadlines(deadlines)}
	s.keyed(ofDeadlines, "news", false)
	ops := []*operation{
		ofDeadlines,
		{Route: "/widgets/" + widgets.Version + ".js", ID: "getWidgets", Summary: "The script that defines the elements", Params: []param{ifNoneMatch},
			Description: "The present build. Pages that pin it by its integrity name the build instead: see `/widgets/v1.json`.",
			Answers:     script(), Handle: s.widgetScript},
		{Route: "/widgets/" + widgets.Version + ".json", ID: "getWidgetBuild", Summary: "The files of the present build, with their integrity", Params: []param{ifNoneMatch},
			Answers: cached(widgets.Manifest{}, ""), Handle: s.widgetManifest},
		{Route: "/widgets/{build}/{file}", ID: "getWidgetFile", Summary: "A file of a build of the widgets",
			Params:  []param{pathParam("build", "`v1`, or `v1-` and a hash: that never changes.", text(40)), pathParam("file", "The file.", text(40)), ifNoneMatch},
			Answers: append(script(), answer{Status: http.StatusOK, Media: "text/css", Body: word}, answer{Status: http.StatusOK, Media: "application/json", Body: &huma.Schema{Type: "object"}}), Handle: s.widgetPart},
		{Route: "/widgets/tokens.css", ID: "getWidgetTokens", Summary: "Design tokens as a style sheet, for frames", Params: tokens,
			Answers: cached(word, "text/css"), Handle: s.widgetTokens(tokens)},
		{Route: "/widgets/line.json", ID: "getWidgetLines", Summary: "What to copy to show a widget", Params: line,
			Answers: cached(widgets.Lines{}, ""), Problems: []int{http.StatusNotFound}, Handle: s.widgetLines(line)},
		{Route: "/embed/{widget}", ID: "getEmbed", Summary: "A widget as a page for a frame, without JavaScript", Class: classEmbed,
			Description: "With a partner's key only its origins may show it.",
			Params:      frame, Answers: cached(word, "text/html", "Content-Language"), Problems: []int{http.StatusForbidden, http.StatusGone}, Handle: s.embed(frame)},
		{Route: "/oembed", ID: "getOEmbed", Summary: "oEmbed 1.0 for pages of items and frames", Params: oembed,
			Answers:  append(cached(widgets.OEmbed{}, ""), answer{Status: http.StatusOK, Media: "text/xml", Body: word}),
			Problems: []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusGone, http.StatusNotImplemented}, Handle: s.oembed(oembed)},
	}
	for _, op := range ops {
		op.Method, op.Access = http.MethodGet, public
		op.Problems = append(slices.Clone(op.Problems), http.StatusNotAcceptable)
	}
	return append(ops, &operation{Method: http.MethodGet, Route: "/widgets/", ID: "buildWidget", Summary: "The page that makes the line to copy", Access: open, Class: classWorkshop,
		Params: form, Answers: []answer{{Status: http.StatusOK, Media: "text/html", Body: htmlPage, Headers: []string{"Content-Language"}}}, Handle: s.widgetBuilder(form)})
}

func (s *Server) partnerRoutes() []*operation {
	key := pathParam("key", "The partner.", text(40))
	ok := func(body any) []answer { return []answer{{Status: http.StatusOK, Body: body}} }
	list := []param{limitParam(), cursorParam(text(40))}
	days := []param{key,
		queryParam("from", "The first day; thirty days ago without it.", format("date")),
		queryParam("to", "The last day; today without it.", format("date")),
	}
	const one = partnersPath + "/{key}"
	return []*operation{
		{Method: http.MethodGet, Route: partnersPath, ID: "listPartners", Summary: "Who shows our content elsewhere", Params: list,
			Answers: ok(Page[PartnerView]{}), Call: s.listPartners(list), Needs: access.PartnerRead},
		{Method: http.MethodPost, Route: partnersPath, ID: "createPartner", Summary: "Register a partner", Body: NewPartner{},
			Answers: []answer{{Status: http.StatusCreated, Body: PartnerView{}, Headers: []string{"Location"}}}, Problems: []int{http.StatusConflict}, Call: s.createPartner, Needs: access.PartnerManage},
		{Method: http.MethodGet, Route: one, ID: "getPartner", Summary: "One partner", Params: []param{key},
			Answers: ok(PartnerView{}), Call: s.getPartner, Needs: access.PartnerRead},
		{Method: http.MethodPatch, Route: one, ID: "changePartner", Summary: "Change a partner", Description: "What is left out stays; a list that is there replaces the whole list.",
			Params: []param{key}, Body: PartnerChange{}, Answers: ok(PartnerView{}), Call: s.changePartner, Needs: access.PartnerManage},
		{Method: http.MethodDelete, Route: one, ID: "endPartner", Summary: "Remove a partner", Description: "Its pages show nothing from now on; other processes learn of it within seconds.",
			Params: []param{key}, Answers: []answer{{Status: http.StatusNoContent}}, Call: s.endPartner, Needs: access.PartnerManage},
		{Method: http.MethodGet, Route: one + "/usage", ID: "getPartnerUsage", Summary: "How often a partner's pages showed widgets", Description: "Counted by day, widget and partner, and by nothing else.",
			Params: days, Answers: ok(PartnerUsage{}), Call: s.partnerUsage(days), Needs: access.PartnerRead},
	}
}

// keyCollections lets widgets and partners ask for what collections publish: their
// lists, items and maps.
func (s *Server) keyCollections(ops []*operation) {
	for _, op := range ops {
		for _, t := range s.schemas.Types() {
			if rest, ok := strings.CutPrefix(op.Route, base+"/"+t.Collection); ok && op.Tag == tagItems {
				switch rest {
				case "", ".geojson":
					s.keyed(op, t.Collection, false)
				case "/{slug}":
					s.keyed(op, t.Collection, true)
				}
			}
		}
	}
}
