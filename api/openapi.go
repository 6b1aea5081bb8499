package api

import (
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"github.com/prassi-cms/prassi/schemas"
)

// Names of the ways to say who calls, in the OpenAPI document.
const (
	schemeToken   = "token"
	schemeSession = "session"
)

// document derives the OpenAPI 3.1 document from the table.
func (s *Server) document() *huma.OpenAPI {
	huma.DefaultArrayNullable = false // an empty list is [], never null
	contact := s.opt.Contact
	if contact.Email == "" && contact.URL == "" {
		contact.URL = "https://github.com/prassi-cms/prassi"
	}
	doc := &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info: &huma.Info{
			Title:   "Prassi",
			Version: or(s.opt.Version, "dev"),
			Description: "Good practices, services, news and events for the integration of migrants in Italy.\n\n" +
				"Reading what is published needs no key. Times are RFC 3339 in UTC, languages BCP 47, coordinates WGS84. " +
				"Whatever is not a success is a problem (RFC 9457) with a stable `code` and a text in the language of `Accept-Language`.",
			Contact: &huma.Contact{Name: or(contact.Name, "Prassi"), URL: contact.URL, Email: contact.Email},
			License: &huma.License{Name: "EUPL-1.2", Identifier: "EUPL-1.2"},
			// The Italian guidelines on interoperability (ModI) ask for it.
			Extensions: map[string]any{"x-summary": "Good practices and services for the integration of migrants"},
		},
		Servers:    []*huma.Server{{URL: or(s.public, "/")}},
		Tags:       tags,
		Components: &huma.Components{Schemas: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)},
	}
	doc.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		schemeToken: {Type: "http", Scheme: "bearer", BearerFormat: "opaque", Description: "A token of `prassi token create`."},
	}
	doc.Components.SecuritySchemes[schemeSession] = &huma.SecurityScheme{
		Type: "apiKey", In: "cookie", Name: cookieSecure, Description: "The session of a browser; without TLS, on this machine, the cookie is called " + cookieLocal + ".",
	}
	maps.Copy(doc.Components.Schemas.Map(), sharedSchemas())
	for _, t := range s.schemas.Types() {
		maps.Copy(doc.Components.Schemas.Map(), itemSchemas(t))
	}
	doc.Components.Schemas.Map()["LocaleTag"] = s.locales()
	doc.Components.Headers = rateLimitHeaders()
	doc.Components.Responses = problemResponses(doc.Components.Schemas, s.operations)
	for _, op := range s.operations {
		doc.AddOperation(s.describe(doc.Components.Schemas, op))
	}
	return doc
}

// describe says one entry of the table in OpenAPI's terms.
func (s *Server) describe(reg huma.Registry, op *operation) *huma.Operation {
	out := &huma.Operation{
		Method: op.Method, Path: op.Route, OperationID: op.ID, Summary: op.Summary, Description: op.Description,
		Tags: []string{op.Tag}, Responses: map[string]*huma.Response{},
	}
	if op.Access == signed {
		out.Security = []map[string][]string{{schemeToken: {}}, {schemeSession: {}}}
	}
	for _, p := range op.Params {
		out.Parameters = append(out.Parameters, &huma.Param{
			Name: p.Name, In: p.In, Description: p.Doc, Required: p.Required, Schema: p.Schema,
		})
	}
	if op.Body != nil {
		media := &huma.MediaType{Schema: schemaOf(reg, op.Body)}
		out.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": media}}
		if op.Form {
			out.RequestBody.Content["application/x-www-form-urlencoded"] = media
		}
	}
	if op.Content != nil {
		out.RequestBody = &huma.RequestBody{Required: true, Content: op.Content}
	}
	for _, a := range op.Answers {
		r := describeAnswer(reg, a)
		if rateOf(op) != rateNone {
			r.Headers = withRateLimit(r.Headers)
		}
		if same := out.Responses[strconv.Itoa(a.Status)]; same != nil { // the same in another format
			maps.Copy(same.Content, r.Content)
			continue
		}
		out.Responses[strconv.Itoa(a.Status)] = r
	}
	for _, status := range commonProblems(op) {
		if key := strconv.Itoa(status); out.Responses[key] == nil {
			out.Responses[key] = &huma.Response{Ref: "#/components/responses/Problem" + key}
		}
	}
	return out
}

// problemResponses describes the problems of every status that the table names.
func problemResponses(reg huma.Registry, ops []*operation) map[string]*huma.Response {
	out := map[string]*huma.Response{}
	for _, op := range ops {
		for _, status := range commonProblems(op) {
			r := &huma.Response{
				Description: http.StatusText(status),
				Content:     map[string]*huma.MediaType{"application/problem+json": {Schema: schemaOf(reg, Problem{})}},
			}
			switch status {
			case http.StatusUnauthorized:
				r.Headers = map[string]*huma.Param{"WWW-Authenticate": {Description: "How to say who calls.", Schema: text(200), Required: true}}
			case http.StatusServiceUnavailable:
				r.Headers = map[string]*huma.Param{"Retry-After": {Description: "Seconds to wait.", Schema: integer(0, 0), Required: true}}
			case http.StatusTooManyRequests:
				r.Headers = withRateLimit(map[string]*huma.Param{"Retry-After": {Description: "Seconds to wait.", Schema: integer(1, 0), Required: true}})
			}
			out["Problem"+strconv.Itoa(status)] = r
		}
	}
	return out
}

// rateLimitHeaders are the headers by which every answer says how many requests
// are left; none when the operator sets no bounds.
func rateLimitHeaders() map[string]*huma.Param {
	count := func(doc string) *huma.Param { return &huma.Param{Description: doc, Schema: integer(0, 0)} }
	return map[string]*huma.Param{
		"X-RateLimit-Limit":     count("Requests that may be made at once."),
		"X-RateLimit-Remaining": count("Requests of these that are left now."),
		"X-RateLimit-Reset":     count("Seconds until all are left again."),
	}
}

func withRateLimit(headers map[string]*huma.Param) map[string]*huma.Param {
	if headers == nil {
		headers = map[string]*huma.Param{}
	}
	for name := range rateLimitHeaders() {
		headers[name] = &huma.Param{Ref: "#/components/headers/" + name}
	}
	return headers
}

func describeAnswer(reg huma.Registry, a answer) *huma.Response {
	r := &huma.Response{Description: or(a.Doc, http.StatusText(a.Status))}
	for _, name := range a.Headers {
		if r.Headers == nil {
			r.Headers = map[string]*huma.Param{}
		}
		r.Headers[name] = &huma.Param{Description: headerDocs[name], Required: true, Schema: &huma.Schema{Type: "string"}}
	}
	if a.Body != nil || a.Media != "" {
		media := &huma.MediaType{}
		if a.Body != nil {
			media.Schema = schemaOf(reg, a.Body)
		}
		r.Content = map[string]*huma.MediaType{or(a.Media, "application/json"): media}
	}
	return r
}

// schemaOf gives the schema of a Go value, or the schema itself.
func schemaOf(reg huma.Registry, v any) *huma.Schema {
	if s, ok := v.(*huma.Schema); ok {
		return s
	}
	return reg.Schema(reflect.TypeOf(v), true, "")
}

func ref(name string) *huma.Schema { return &huma.Schema{Ref: "#/components/schemas/" + name} }

func list(items *huma.Schema) *huma.Schema { return &huma.Schema{Type: "array", Items: items} }

// object makes a schema that allows the named properties and no others; a name
// with a question mark may be absent.
func object(properties map[string]*huma.Schema) *huma.Schema {
	s := &huma.Schema{Type: "object", Properties: map[string]*huma.Schema{}, AdditionalProperties: false}
	for name, p := range properties {
		plain, optional := strings.CutSuffix(name, "?")
		s.Properties[plain] = p
		if !optional {
			s.Required = append(s.Required, plain)
		}
	}
	slices.Sort(s.Required)
	return s
}

// nullable allows null beside what a schema allows.
func nullable(s *huma.Schema) *huma.Schema {
	return &huma.Schema{AnyOf: []*huma.Schema{s, {Type: "null"}}}
}

// capital writes the name of a type as part of an identifier: "Practice".
func capital(name string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(name, "_") {
		b.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	return b.String()
}

// componentName gives the name of a type's schema: "PublishedPractice",
// "PublishedPracticePage". The first word keeps types yet to be declared apart
// from the schemas of Go's types.
func componentName(t *schemas.Type, suffix string) string {
	return "Published" + capital(t.Name) + suffix
}

// Schemas that the items of every type share.
func sharedSchemas() map[string]*huma.Schema {
	word, moment, uri := &huma.Schema{Type: "string"}, format("date-time"), format("uri-reference")
	return map[string]*huma.Schema{
		"PublishedTerritory": object(map[string]*huma.Schema{
			"istat": word, "acronym?": word, "name?": word, "kind": oneOf(schemas.Levels...), "region?": word,
		}),
		"PublishedTerm":      object(map[string]*huma.Schema{"id": word, "label": word}),
		"PublishedLink":      object(map[string]*huma.Schema{"id": word, "type?": word, "slug": word, "title": word, "url": uri}),
		"PublishedAssurance": object(map[string]*huma.Schema{"date?": format("date"), "status": oneOf("current", "unverified")}),
		"PublishedRevision": object(map[string]*huma.Schema{
			"id": word, "number": integer(1, 0), "at": moment,
		}),
		"PublishedAlternate": object(map[string]*huma.Schema{"locale": word, "slug": word, "title": word, "url": uri}),
		"PublishedHeading":   object(map[string]*huma.Schema{"level": integer(1, 6), "id": word, "text": word}),
		"PublishedReference": object(map[string]*huma.Schema{
			"identifier": word, "scheme": word, "label": word, "url?": uri, "text?": word,
		}),
		"PublishedMedia": object(map[string]*huma.Schema{
			"src": uri, "alt?": word, "caption?": word, "credit?": word, "type?": word,
			"width?": integer(1, 0), "height?": integer(1, 0), "bytes?": integer(1, 0), "files?": list(ref("PublishedMediaFile")),
		}),
		"PublishedMediaFile": object(map[string]*huma.Schema{
			"url": uri, "type": word, "width?": integer(1, 0), "height?": integer(1, 0), "bytes?": integer(1, 0),
		}),
		"PublishedItemLinks": object(map[string]*huma.Schema{
			"self": uri, "collection?": uri, "alternates?": {Type: "object", AdditionalProperties: uri},
		}),
	}
}

// itemSchemas describes what the delivery API serves of a type: PublishedName,
// whole or, in lists, in part. With the parameter fields an answer may hold any
// part of it, so only the keys that are always there are required.
func itemSchemas(t *schemas.Type) map[string]*huma.Schema {
	word, moment := &huma.Schema{Type: "string"}, format("date-time")
	name, fields, page := componentName(t, ""), componentName(t, "Fields"), componentName(t, "Page")
	return map[string]*huma.Schema{
		fields: fieldsSchema(t),
		name: object(map[string]*huma.Schema{
			"id": format("uuid"), "type": oneOf(t.Name), "slug": word, "locale": word,
			"collection?": oneOf(t.Collection), "requested_locale?": word, "dir?": oneOf("ltr", "rtl"),
			"title?": word, "summary?": word, "public_state?": word, "published_at?": moment, "updated_at?": moment,
			"assurance?": ref("PublishedAssurance"), "territories?": list(ref("PublishedTerritory")), "topics?": list(ref("PublishedTerm")),
			"organization?": nullable(ref("PublishedLink")), "revision?": ref("PublishedRevision"),
			"alternates?": list(ref("PublishedAlternate")), "fields?": ref(fields),
			"html?": {Type: "string", Description: "The field body, rendered."},
			"rendered?": {
				Type: "object", Description: "The other Markdown fields, rendered; of a rich list, each row.",
				AdditionalProperties: &huma.Schema{AnyOf: []*huma.Schema{word, list(word)}},
			},
			"toc?": list(ref("PublishedHeading")), "references?": list(ref("PublishedReference")),
			"_links?": ref("PublishedItemLinks"),
		}),
		page: object(map[string]*huma.Schema{"items": list(ref(name)), "total": integer(0, 0), "_links": ref("PageLinks")}),
	}
}

// fieldsSchema describes the declared fields as they are served: terms with
// their labels, references as links, the rest as it was written.
func fieldsSchema(t *schemas.Type) *huma.Schema {
	properties := map[string]*huma.Schema{}
	for _, f := range t.Fields {
		component := map[string]string{"choice": "PublishedTerm", "reference": "PublishedLink", "media": "PublishedMedia"}[f.Kind]
		if component == "" {
			properties[f.Name+"?"] = declared(f)
			continue
		}
		s := ref(component)
		if f.Repeated {
			s = list(s)
		}
		s.Title, s.Description = f.Label.In("en"), f.Help.In("en")
		properties[f.Name+"?"] = s
	}
	return object(properties)
}

// declared gives the schema that a field declares, with a format on every
// number.
func declared(f *schemas.Field) *huma.Schema {
	return &huma.Schema{Extensions: formatNumbers(f.JSONSchema()).(map[string]any)}
}

func formatNumbers(v any) any {
	switch v := v.(type) {
	case map[string]any:
		if _, has := v["format"]; !has {
			switch v["type"] {
			case "number":
				v["format"] = "double"
			case "integer":
				v["format"] = "int64"
			}
		}
		for _, child := range v {
			formatNumbers(child)
		}
	case []any:
		for _, child := range v {
			formatNumbers(child)
		}
	}
	return v
}

// localeSchema refers to the languages that content may be written in.
func localeSchema() *huma.Schema { return ref("LocaleTag") }

// locales describes them: aliases of a tag are taken too, and are not listed.
func (s *Server) locales() *huma.Schema {
	var tags []string
	for _, l := range s.schemas.Locales() {
		tags = append(tags, l.Tag)
	}
	out := oneOf(tags...)
	out.Description = "A language that content may be written in (BCP 47)."
	return out
}

// addDocuments says how the documents that derive from the table are rendered,
// when somebody asks for them first.
func (s *Server) addDocuments() error {
	if err := checkTable(s.operations); err != nil {
		return err
	}
	document := sync.OnceValue(s.document)
	s.pages["openapi"] = newStored("application/vnd.oai.openapi+json;version=3.1", func() ([]byte, error) { return json.Marshal(document()) })
	s.pages["docs"] = newStored(typeHTML[0], func() ([]byte, error) { return s.docs(document()) })
	s.pages["style"] = newStored(typeCSS[0], func() ([]byte, error) { return pageFiles.ReadFile("pages/style.css") })
	s.addVocabularies()
	return nil
}
