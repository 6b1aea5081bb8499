package api

import (
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/content"
)

// Tags group the operations in the documents.
const (
	tagItems      = "items"
	tagVocabulary = "vocabularies"
	tagDocuments  = "documents"
	tagRevisions  = "revisions"
	tagForms      = "forms"
	tagAccess     = "access"
	tagFreshness  = "freshness"
	tagSite       = "site"
	tagSystem     = "system"
)

var tags = []*huma.Tag{
	{Name: tagItems, Description: "What is published."},
	{Name: tagSearch, Description: "Finding what is published."},
	{Name: tagVocabulary, Description: "The words that items are described with."},
	{Name: tagDocuments, Description: "Writing, reviewing and publishing."},
	{Name: tagRevisions, Description: "What was written before."},
	{Name: tagForms, Description: "What an editor needs to draw its forms."},
	{Name: tagMedia, Description: "Pictures and documents."},
	{Name: tagFreshness, Description: "Whether facts are still true: who is asked, and what nobody confirmed."},
	{Name: tagSite, Description: "The public site: its builds, and looks at what is not public yet."},
	{Name: tagWidgets, Description: "What other sites show: elements, frames, oEmbed, and the register of partners."},
	{Name: tagWebhooks, Description: "Other systems that are told of what changes."},
	{Name: tagAccess, Description: "Who calls, and tokens."},
	{Name: tagDirectory, Description: "Duplicates, merging, and the register of organisations."},
	{Name: tagOpenData, Description: "What is published, in the European vocabularies: CPSV-AP, DCAT-AP."},
	{Name: tagHSDS, Description: "Services and organisations in Open Referral HSDS 3.1."},
	{Name: tagFeeds, Description: "Feeds, calendars, and the pictures that accompany links."},
	{Name: tagSystem, Description: "For machines and operators."},
}

// notModified is the answer to a caller that has what it asks for.
var notModified = answer{Status: http.StatusNotModified, Doc: "You have it already.", Headers: []string{"ETag", "Cache-Control"}}

// cached is the answer to a public read.
func cached(body any, media string, headers ...string) []answer {
	return []answer{
		{Status: http.StatusOK, Body: body, Media: media, Headers: append([]string{"ETag", "Cache-Control"}, headers...)},
		notModified,
	}
}

// deliveryTable lists what the public may read.
func (s *Server) deliveryTable() []*operation {
	out := []*operation{{
		Method: http.MethodGet, Route: base, ID: "getIndex", Tag: tagVocabulary, Access: public,
		Summary: "Where everything is", Params: []param{ifNoneMatch},
		Answers: cached(Index{}, ""), Handle: s.page("index"),
	}}
	tables := newTurns(maxTables, maxTables/4, s.limits.Turn)
	for _, t := range s.schemas.Types() {
		name := capital(t.Name)
		params := s.collectionParams(t)
		route := base + "/" + t.Collection
		out = append(out, &operation{
			Method: http.MethodGet, Route: route, ID: "list" + name, Tag: tagItems, Access: public,
			Summary: "Published items: " + t.Plural.In("en"), Params: params,
			Answers: cached(ref(componentName(t, "Page")), ""), Handle: s.listItems(t.Collection, params),
		}, &operation{
			Method: http.MethodGet, Route: route + "/{slug}", ID: "get" + name, Tag: tagItems, Access: public,
			Summary: "One item: " + t.Label.In("en"),
			Description: "When the item is not there in the language asked for it is answered in another one: " +
				"`requested_locale` says what was asked, `locale` what is served, `alternates` what there is.",
			Params: []param{
				pathParam("slug", "The item's name in addresses.", text(content.MaxSlug)),
				queryParam("locale", "The language to read it in (BCP 47); without it, that of the slug.", localeSchema()),
				queryParam("fields", "Keys to answer with, comma-separated: names of the head, or `fields.NAME`. Always there: id, type, slug, locale.", text(1000)),
				ifNoneMatch,
			},
			Answers: append(cached(ref(componentName(t, "")), "", "Content-Language"),
				answer{Status: http.StatusMovedPermanently, Doc: "The item has another slug now.", Headers: []string{"Location"}}),
			Problems: []int{http.StatusNotAcceptable, http.StatusGone},
			Handle:   s.item(t.Collection),
		})
		if s.catalog.OnMap(t.Collection) {
			filters := append([]param{
				queryParam("locale", "Items in this language (BCP 47).", localeSchema()),
				queryParam("fallback", "Languages to take for items that lack `locale`; comma-separated.", text(200)),
			}, s.filterParams(t)...)
			filters = append(filters, ifNoneMatch)
			zoomed := append([]param{queryParam("zoom", fmt.Sprintf("The zoom at which the map is drawn, of a map with tiles of 256 pixels. Below %d, "+
				"points that would lie on each other are clusters; without it, and from there on, every point stands alone.", catalog.PointsZoom), integer(0, catalog.MaxZoom))}, filters...)
			out = append(out, &operation{
				Method: http.MethodGet, Route: route + ".geojson", ID: "map" + name, Tag: tagItems, Access: public,
				Summary: "On the map: " + t.Plural.In("en"), Params: zoomed,
				Answers: cached(featureCollection(), "application/geo+json"), Problems: []int{http.StatusNotAcceptable},
				Handle: s.collectionMap(t.Collection, zoomed),
			}, &operation{
				Method: http.MethodGet, Route: route + ".csv", ID: "table" + name, Tag: tagItems, Access: public,
				Summary: "As a table: " + t.Plural.In("en"),
				Description: "All that the filters leave, newest first, a row for each place; UTF-8 with a byte order mark, so that spreadsheets read it rightly. " +
					"A cell that begins as a formula would has an apostrophe before it.",
				Params: filters, Answers: cached(&huma.Schema{Type: "string"}, mediaOfFormat[formatCSV], "Content-Disposition"),
				Problems: []int{http.StatusNotAcceptable, http.StatusServiceUnavailable}, Handle: s.collectionTable(t.Collection, filters, tables),
			})
		}
	}
	territoryParams := []param{
		queryParam("level", "Only territories of this level; without it, regions and provinces.", oneOf("region", "province", "municipality")),
		queryParam("within", "Only what lies in this territory: province acronym or ISTAT code.", text(6)),
		queryParam("limit", "Territories a page.", withDefault(integer(1, maxTerritories), defaultTerritories)),
		queryParam("cursor", "Where to go on: taken from `_links`.", text(20)),
		ifNoneMatch,
	}
	changeParams := []param{
		queryParam("since", "A number `seq` or a moment (RFC 3339); without it, from the beginning.", text(40)),
		queryParam("limit", "Changes a page.", withDefault(integer(1, maxChanges), defaultChanges)),
		ifNoneMatch,
	}
	return append(out,
		&operation{
			Method: http.MethodGet, Route: base + "/territories", ID: "listTerritories", Tag: tagVocabulary, Access: public,
			Summary: "Regions, provinces and municipalities of Italy", Params: territoryParams,
			Answers: cached(TerritoryPage{}, ""), Handle: s.listTerritories(territoryParams),
		}, &operation{
			Method: http.MethodGet, Route: base + "/topics", ID: "listTopics", Tag: tagVocabulary, Access: public,
			Summary: "Topics, with labels in every language", Params: []param{ifNoneMatch},
			Answers: cached(TopicPage{}, ""), Handle: s.page("topics"),
		}, &operation{
			Method: http.MethodGet, Route: base + "/types", ID: "listTypes", Tag: tagVocabulary, Access: public,
			Summary: "The declared content types", Params: []param{ifNoneMatch},
			Answers: cached(TypePage{}, ""), Handle: s.page("types"),
		}, &operation{
			Method: http.MethodGet, Route: "/schemas/{file}", ID: "getSchema", Tag: tagVocabulary, Access: public,
			Summary: "JSON Schema (2020-12) of a content type's interchange format",
			Params:  []param{pathParam("file", "The type's name and `.json`.", oneOf(s.schemaFiles()...)), ifNoneMatch},
			Answers: cached(&huma.Schema{Type: "object"}, "application/schema+json"), Handle: s.schemaFile,
		}, &operation{
			Method: http.MethodGet, Route: base + "/changes", ID: "listChanges", Tag: tagItems, Access: public,
			Summary:     "What changed for the public, in order",
			Description: "Keep `next` and ask again with `since=next`. Of several changes of one variant only the last is told.",
			Params:      changeParams, Answers: cached(ChangePage{}, ""), Handle: s.listChanges(changeParams),
		})
}

// metres is the schema of a radius.
func metres() *huma.Schema {
	low := 0.0
	return &huma.Schema{Type: "number", Format: "double", Minimum: &low}
}

// featureCollection describes the map (RFC 7946).
func featureCollection() *huma.Schema {
	word := &huma.Schema{Type: "string"}
	degrees := func(n int) *huma.Schema {
		return &huma.Schema{Type: "array", MinItems: &n, MaxItems: &n, Items: &huma.Schema{Type: "number", Format: "double"}}
	}
	feature := func(properties map[string]*huma.Schema) *huma.Schema {
		return object(map[string]*huma.Schema{
			"type":       oneOf("Feature"),
			"geometry":   object(map[string]*huma.Schema{"type": oneOf("Point"), "coordinates": degrees(2)}),
			"properties": object(properties),
		})
	}
	return object(map[string]*huma.Schema{
		"type": oneOf("FeatureCollection"),
		"features": list(&huma.Schema{AnyOf: []*huma.Schema{
			feature(map[string]*huma.Schema{
				"id": format("uuid"), "slug": word, "title": word, "locale": word, "topics": list(word), "territory?": word,
				"url": format("uri-reference"), "label?": word, "address?": word, "assurance?": ref("PublishedAssurance"),
				"approximate?": flag(), "sensitive?": flag(),
			}),
			feature(map[string]*huma.Schema{
				"cluster": flag(), "count": integer(2, 0), "bbox": degrees(4), "expansion_zoom": integer(1, catalog.PointsZoom), "approximate_count?": integer(1, 0),
			}),
		}}),
	})
}
