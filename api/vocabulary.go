package api

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/schemas"
)

// Bounds of the vocabularies' pages.
const (
	defaultTerritories = 200
	maxTerritories     = 500
	defaultChanges     = 100
	maxChanges         = 1000
)

// PageLinks are the addresses of a page and of those beside it.
type PageLinks struct {
	Self string `json:"self" format:"uri-reference"`
	Next string `json:"next,omitempty" format:"uri-reference"`
	Prev string `json:"prev,omitempty" format:"uri-reference"`
}

// Index says where everything is.
type Index struct {
	Name        string            `json:"name"`
	Version     string            `json:"version"`
	Collections map[string]string `json:"collections" doc:"Addresses of the collections, by name."`
	Links       map[string]string `json:"_links" doc:"Addresses of everything else, by name."`
}

// TerritoryPage is a page of territories.
type TerritoryPage struct {
	Items []TerritoryView `json:"items"`
	Total int             `json:"total"`
	Links PageLinks       `json:"_links"`
}

// TerritoryView is one territory.
type TerritoryView struct {
	ISTAT     string  `json:"istat" doc:"Code of the national statistical institute: 2 digits for a region, 3 for a province, 6 for a municipality."`
	Kind      string  `json:"kind" enum:"region,province,municipality"`
	Name      string  `json:"name"`
	Acronym   string  `json:"acronym,omitempty" doc:"Of a province, as on number plates."`
	Parent    string  `json:"parent,omitempty" doc:"ISTAT code of the territory that it is part of."`
	Cadastral string  `json:"cadastral,omitempty" doc:"Belfiore code of a municipality."`
	Lat       float64 `json:"lat" minimum:"-90" maximum:"90" doc:"WGS84 degrees."`
	Lon       float64 `json:"lon" minimum:"-180" maximum:"180" doc:"WGS84 degrees."`
}

// TopicPage is all topics.
type TopicPage struct {
	Items []Topic   `json:"items"`
	Total int       `json:"total"`
	Links PageLinks `json:"_links"`
}

// Topic is one topic.
type Topic struct {
	ID         string       `json:"id"`
	Label      schemas.Text `json:"label" doc:"By language (BCP 47)."`
	Help       schemas.Text `json:"help,omitempty" doc:"By language (BCP 47)."`
	Taxonomies []string     `json:"taxonomies" doc:"The lists that have it."`
}

// TypePage is all content types.
type TypePage struct {
	Items []TypeView `json:"items"`
	Total int        `json:"total"`
	Links PageLinks  `json:"_links"`
}

// TypeView is one declared content type.
type TypeView struct {
	schemas.Type
	Links TypeLinks `json:"_links"`
}

// TypeLinks are the addresses that belong to a type.
type TypeLinks struct {
	Collection string `json:"collection" format:"uri-reference"`
	Schema     string `json:"schema" format:"uri-reference"`
	Map        string `json:"map,omitempty" format:"uri-reference"`
}

// ChangePage is a page of what changed for the public.
type ChangePage struct {
	Items []catalog.Change `json:"items"`
	Next  int64            `json:"next" minimum:"0" doc:"Ask again with since=next."`
	Links PageLinks        `json:"_links"`
}

// addVocabularies names the answers that stay the same while the program runs.
func (s *Server) addVocabularies() {
	s.keep("index", "application/json", func() any { return s.index() })
	s.keep("types", "application/json", func() any { return s.types() })
	s.keep("topics", "application/json", func() any {
		items := s.topics()
		return TopicPage{Items: items, Total: len(items), Links: PageLinks{Self: s.public + base + "/topics"}}
	})
	for _, t := range s.schemas.Types() {
		s.keep("schema/"+t.Name+".json", "application/schema+json", func() any { return s.schemas.JSONSchema(t, s.public) })
	}
}

// keep names an answer that is rendered when somebody asks for it first.
func (s *Server) keep(name, media string, make func() any) {
	s.pages[name] = newStored(media, func() ([]byte, error) { return encode(make()) })
}

func (s *Server) index() Index {
	out := Index{Name: "Prassi", Version: or(s.opt.Version, "dev"), Collections: map[string]string{}, Links: map[string]string{
		"self": s.public + base, "territories": s.public + base + "/territories", "topics": s.public + base + "/topics",
		"types": s.public + base + "/types", "changes": s.public + base + "/changes",
		"openapi": s.public + "/openapi.json", "docs": s.public + "/docs", "status": s.public + "/status",
	}}
	for _, t := range s.schemas.Types() {
		out.Collections[t.Collection] = s.public + base + "/" + t.Collection
	}
	return out
}

func (s *Server) types() TypePage {
	out := TypePage{Items: []TypeView{}, Links: PageLinks{Self: s.public + base + "/types"}}
	for _, t := range s.schemas.Types() {
		address := s.public + base + "/" + t.Collection
		view := TypeView{Type: *t, Links: TypeLinks{Collection: address, Schema: s.public + "/schemas/" + t.Name + ".json"}}
		if s.catalog.OnMap(t.Collection) {
			view.Links.Map = address + ".geojson"
		}
		out.Items = append(out.Items, view)
	}
	out.Total = len(out.Items)
	return out
}

// encode gives JSON without escapes for HTML.
func encode(v any) ([]byte, error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return []byte(strings.TrimRight(b.String(), "\n")), nil
}

// topics gathers the terms of the taxonomies from which the field "topics" takes
// its values. Terms of two taxonomies with one id say the same.
func (s *Server) topics() []Topic {
	var names []string
	for _, t := range s.schemas.Types() {
		if f, ok := t.Field("topics"); ok {
			for _, name := range f.Taxonomies {
				if !slices.Contains(names, name) {
					names = append(names, name)
				}
			}
		}
	}
	out := []Topic{}
	at := map[string]int{}
	for _, name := range names {
		taxonomy, ok := s.schemas.Taxonomy(name)
		if !ok {
			continue
		}
		for _, term := range taxonomy.Terms {
			i, seen := at[term.ID]
			if !seen {
				i = len(out)
				at[term.ID] = i
				out = append(out, Topic{ID: term.ID, Label: term.Label, Help: term.Help})
			}
			out[i].Taxonomies = append(out[i].Taxonomies, name)
		}
	}
	return out
}

// page answers with something that was rendered at the start. It takes no
// parameters.
func (s *Server) page(name string) handler {
	return func(c *gin.Context) error {
		if _, err := parseQuery(c.Request.URL.RawQuery); err != nil {
			return err
		}
		return serveStored(c, s.pages[name], publicLonger)
	}
}

// schemaFiles lists the names under /schemas/.
func (s *Server) schemaFiles() []string {
	var out []string
	for _, t := range s.schemas.Types() {
		out = append(out, t.Name+".json")
	}
	return out
}

func (s *Server) schemaFile(c *gin.Context) error {
	if _, err := parseQuery(c.Request.URL.RawQuery); err != nil {
		return err
	}
	kept := s.pages["schema/"+c.Param("file")]
	if kept == nil {
		return &content.Problem{Class: content.NotFound, Code: "not_found"}
	}
	return serveStored(c, kept, publicLonger)
}

// listTerritories answers GET /api/v1/territories.
func (s *Server) listTerritories(params []param) handler {
	known := queryNames(params)
	return func(c *gin.Context) error {
		q, err := parseQuery(c.Request.URL.RawQuery, known...)
		if err != nil {
			return err
		}
		level := q.oneOf("level", "", schemas.LevelRegion, schemas.LevelProvince, schemas.LevelMunicipality)
		limit := int(q.integer("limit", defaultTerritories, 1, maxTerritories))
		if err := q.err(); err != nil {
			return err
		}
		all := s.service.Territories()
		within := q.text("within")
		if _, ok := all.Lookup(within); within != "" && !ok {
			return invalid(codeInvalidQuery, "/within", schemas.CodeUnknownTerritory, map[string]any{"value": echo(within)})
		}
		body := TerritoryPage{Items: []TerritoryView{}}
		after := q.text("cursor")
		more := false
		for _, list := range [][]schemas.Territory{all.Regions(), all.Provinces(), all.Municipalities()} {
			for i := range list {
				t := &list[i]
				if level != t.Level && (level != "" || t.Level == schemas.LevelMunicipality) || within != "" && !all.Contains(within, t.ISTAT) {
					continue
				}
				body.Total++
				switch {
				case after != "" && !follows(t.ISTAT, after):
				case len(body.Items) == limit:
					more = true
				default:
					body.Items = append(body.Items, TerritoryView{
						ISTAT: t.ISTAT, Kind: t.Level, Name: t.Name, Acronym: t.Acronym, Parent: t.Parent, Cadastral: t.Cadastral, Lat: t.Lat, Lon: t.Lon,
					})
				}
			}
		}
		next := ""
		if more {
			next = body.Items[len(body.Items)-1].ISTAT
		}
		body.Links = s.links(c, next)
		return answerCached(c, body)
	}
}

// follows says whether a code comes after another: regions (2 digits), provinces
// (3), municipalities (6), each by code.
func follows(code, after string) bool {
	if len(code) != len(after) {
		return len(code) > len(after)
	}
	return code > after
}

// links gives the addresses of this page and the next.
func (s *Server) links(c *gin.Context, next string) PageLinks {
	u := *c.Request.URL
	self := s.public + u.Path
	if u.RawQuery != "" {
		self += "?" + string(appendEscaped(nil, u.RawQuery))
	}
	out := PageLinks{Self: self}
	if next != "" {
		v := u.Query()
		v.Set("cursor", next)
		out.Next = s.public + u.Path + "?" + v.Encode()
	}
	return out
}

// answerCached answers a public read with JSON made for this request.
func answerCached(c *gin.Context, body any) error {
	data, err := encode(body)
	if err != nil {
		return err
	}
	return serveComputed(c, typeJSON, data, publicShort)
}

// listChanges answers GET /api/v1/changes.
func (s *Server) listChanges(params []param) handler {
	known := queryNames(params)
	return func(c *gin.Context) error {
		q, err := parseQuery(c.Request.URL.RawQuery, known...)
		if err != nil {
			return err
		}
		limit := int(q.integer("limit", defaultChanges, 1, maxChanges))
		if err := q.err(); err != nil {
			return err
		}
		body := ChangePage{}
		since := q.text("since")
		if seq, err := strconv.ParseInt(since, 10, 64); err == nil && seq >= 0 || since == "" {
			body.Items, body.Next = s.catalog.Changes(seq, limit)
		} else if t, err := time.Parse(time.RFC3339, since); err == nil {
			body.Items, body.Next = s.catalog.ChangesSince(t, limit)
		} else {
			return invalid(codeInvalidQuery, "/since", "invalid_time", map[string]any{"value": echo(since)})
		}
		if body.Items == nil {
			body.Items = []catalog.Change{}
		}
		body.Links = s.links(c, "")
		if len(body.Items) == limit {
			v := c.Request.URL.Query()
			v.Set("since", strconv.FormatInt(body.Next, 10))
			body.Links.Next = s.public + c.Request.URL.Path + "?" + v.Encode()
		}
		return answerCached(c, body)
	}
}

// answerJSON answers an editorial request.
func answerJSON(c *gin.Context, status int, body any) error {
	data, err := encode(body)
	if err != nil {
		return err
	}
	h := c.Writer.Header()
	h["Content-Type"] = typeJSON
	h["Content-Length"] = []string{strconv.Itoa(len(data))}
	c.Writer.WriteHeader(status)
	writeBody(c, data)
	return nil
}
