package api

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/feeds"
)

const tagFeeds = "feeds"

// ifModifiedSince is for readers that remember a date rather than a tag.
var ifModifiedSince = param{
	Name: "If-Modified-Since", In: "header", Schema: text(40),
	Doc: "When you asked last; it counts without If-None-Match. When nothing has changed since, the answer is 304 without a body.",
}

// feedsTable lists feeds, calendars and the pictures that accompany links.
func (s *Server) feedsTable() []*operation {
	var names []string
	for _, name := range s.feeds.Collections() {
		for _, f := range feeds.Formats {
			names = append(names, name+"."+string(f))
		}
	}
	for _, name := range s.feeds.Calendars() {
		names = append(names, name+"."+string(feeds.ICS))
	}
	locale := pathParam("locale", "The language of what it holds (BCP 47).", localeSchema())
	file := pathParam("file", "What it holds and how it is written: RSS 2.0, Atom, JSON Feed 1.1 or iCalendar.", oneOf(names...))
	territory := queryParam("territory", "Only what concerns this territory: province acronym or ISTAT code.", text(6))
	topic := queryParam("topic", "Only this topic.", text(100))
	cursor := queryParam("cursor", "A later page: follow the feed's link with rel=next. Calendars, and the feed of everything, have one page.", text(1000))
	var answers []answer
	for _, f := range append([]feeds.Format{feeds.ICS}, feeds.Formats...) {
		body := &huma.Schema{Type: "string"}
		if f == feeds.JSON {
			body = &huma.Schema{Type: "object", AdditionalProperties: true, Description: "A JSON Feed 1.1."}
		}
		answers = append(answers, cached(body, f.Media(), "Content-Language")[0])
	}
	answers = append(answers, notModified)
	const about = "The newest 50 items, with their text. Identifiers never change. A calendar holds what is not longer past than 90 days; " +
		"what is called off has STATUS:CANCELLED, what was withdrawn is not there any more."
	root := "/feeds/{locale}/"
	ops := []*operation{
		{Route: root + "{file}", ID: "getFeed", Summary: "What is new, or a calendar", Description: about,
			Params: []param{locale, file, territory, topic, cursor, ifNoneMatch, ifModifiedSince}},
		{Route: root + "territories/{territory}/{file}", ID: "getTerritoryFeed", Summary: "What is new in a territory, or its calendar", Description: about,
			Params: []param{locale, pathParam("territory", "ISTAT code or province acronym.", text(6)), file, topic, cursor, ifNoneMatch, ifModifiedSince}},
		{Route: root + "topics/{topic}/{file}", ID: "getTopicFeed", Summary: "What is new about a topic, or its calendar", Description: about,
			Params: []param{locale, pathParam("topic", "A term.", text(100)), file, territory, cursor, ifNoneMatch, ifModifiedSince}},
	}
	for _, op := range ops {
		op.Answers, op.Handle = answers, s.feed(op.Params)
	}
	if s.cards != nil {
		ops = append(ops, &operation{
			Route: "/cards/{locale}/{collection}/{picture}", ID: "getCard", Summary: "The picture that accompanies the link to an item",
			Description: "1200 by 630 pixels: the title, what it is, and the site. An item that is not there in the language has its picture in another one, as its page has.",
			Params: []param{
				pathParam("locale", "The language of the page (BCP 47).", localeSchema()), pathParam("collection", "The item's collection.", text(40)),
				pathParam("picture", "The item's slug, and `.png`.", text(content.MaxSlug+4)), ifNoneMatch, ifModifiedSince,
			},
			Answers: append(cached(&huma.Schema{Type: "string", Format: "binary"}, typePNG[0]),
				answer{Status: http.StatusMovedPermanently, Doc: "The item has another slug now.", Headers: []string{"Location"}}),
			Problems: []int{http.StatusGone},
			Handle:   s.card,
		})
	}
	for _, op := range ops {
		op.Method, op.Tag, op.Access = http.MethodGet, tagFeeds, public
		op.Problems = append(op.Problems, http.StatusNotAcceptable, http.StatusServiceUnavailable)
	}
	return ops
}
