package api

import (
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/opendata"
)

var typeJSONLD = []string{"application/ld+json"}

// graph answers GET /api/v1/services.jsonld: a page of the list, each service with
// all its languages, in CPSV-AP.
func (s *Server) graph(collection string, params []param) handler {
	known := queryNames(params)
	return func(c *gin.Context) error {
		q, err := s.catalogQuery(collection, c.Request.URL.RawQuery, known)
		if err != nil {
			return err
		}
		page, err := s.catalog.List(q)
		if err != nil {
			return err
		}
		links, previous := s.links(c, page.Next), ""
		if page.Prev != "" {
			previous = s.links(c, page.Prev).Next
		}
		ids := func(yield func(string) bool) {
			for _, e := range page.Entries {
				if !yield(e.ID()) {
					return
				}
			}
		}
		body, err := s.publisher.AppendGraph(make([]byte, 0, 64<<10), ids, links.Self, links.Next, previous)
		if err != nil {
			return err
		}
		return serveComputed(c, typeJSONLD, body, publicShort)
	}
}

// described answers with the description of one public document in JSON-LD.
func (s *Server) described(collection, path string, describe func([]catalog.Entry) ([]byte, error)) handler {
	return func(c *gin.Context) error {
		id, outcome := s.catalog.Kept(c.Param("id"))
		entries := s.catalog.Variants(id)
		switch {
		case outcome == catalog.Gone:
			return &content.Problem{Class: content.NotFound, Code: codeGone}
		case len(entries) == 0 || entries[0].Collection() != collection:
			return &content.Problem{Class: content.NotFound, Code: "not_found"}
		case outcome == catalog.Moved:
			return s.moved(c, path+id)
		}
		body, err := describe(entries)
		if err != nil {
			return err
		}
		return serveComputed(c, typeJSONLD, body, publicShort)
	}
}

// moved answers that something is at another address of ours now, for good.
func (s *Server) moved(c *gin.Context, path string) error {
	h := c.Writer.Header()
	h["Location"], h["Cache-Control"] = []string{s.public + path}, publicShort
	c.Writer.WriteHeader(http.StatusMovedPermanently)
	return nil
}

// vocabulary answers with the terms of a choice.
func (s *Server) conceptScheme(c *gin.Context) error {
	body, err := s.publisher.Vocabulary(c.Param("name"))
	if err != nil {
		return err
	}
	if body == nil {
		return &content.Problem{Class: content.NotFound, Code: "not_found"}
	}
	return serveComputed(c, typeJSONLD, body, publicLonger)
}

// dataCatalog answers GET /opendata/catalog.jsonld. It is made once for each
// publication.
func (s *Server) dataCatalog(c *gin.Context) error {
	key := "dcat " + strconv.FormatUint(s.catalog.Generation(), 10)
	body := s.hot.get(key)
	if body == nil {
		var err error
		if body, err = s.publisher.DCAT(); err != nil {
			return err
		}
		s.hot.put(key, body)
	}
	return serveComputed(c, typeJSONLD, body, publicShort)
}

// newPublisher says who publishes.
func (s *Server) newPublisher() *opendata.Publisher {
	return &opendata.Publisher{
		Base: s.public, Name: or(s.opt.Publisher.Name, s.opt.Contact.Name), Identifier: s.opt.Publisher.Identifier,
		Email: s.opt.Contact.Email, URL: s.opt.Contact.URL, Licence: s.opt.Licence,
		Schemas: s.schemas, Territories: s.service.Territories(), Catalog: s.catalog,
	}
}
