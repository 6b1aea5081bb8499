package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/prassi-cms/prassi/schemas"
)

// Names of the ways to say who calls, in the OpenAPI document.
const (
	schemeToken   = "token"
	schemeSession = "session"
)

// document derives the OpenAPI 3.1 document from the table.
func (s *Server) document() (*huma.OpenAPI, error) {
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
	if s.opt.Demo {
		doc.Components.SecuritySchemes[schemeSession] = &huma.SecurityScheme{
			Type: "apiKey", In: "cookie", Name: cookieLocal, Description: "The session of the demonstration's login.",
		}
	}
	for _, t := range s.schemas.Types() {
		for name, schema := range itemSchemas(t) {
			doc.Components.Schemas.Map()[name] = schema
		}
	}
	for _, op := range s.operations {
		doc.AddOperation(s.describe(doc.Components.Schemas, op))
	}
	return doc, nil
}

// describe says one entry of the table in OpenAPI's terms.
func (s *Server) describe(reg huma.Registry, op *operation) *huma.Operation {
	out := &huma.Operation{
		Method: op.Method, Path: op.Route, OperationID: op.ID, Summary: op.Summary, Description: op.Description,
		Tags: []string{op.Tag}, Responses: map[string]*huma.Response{},
	}
	if op.Access == signed {
		out.Security = []map[string][]string{{schemeToken: {}}}
		if s.opt.Demo {
			out.Security = append(out.Security, map[string][]string{schemeSession: {}})
		}
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
	for _, a := range op.Answers {
		out.Responses[strconv.Itoa(a.Status)] = describeAnswer(reg, a)
	}
	for _, status := range commonProblems(op) {
		key := strconv.Itoa(status)
		if out.Responses[key] != nil {
			continue
		}
		out.Responses[key] = &huma.Response{
			Description: http.StatusText(status),
			Content:     map[string]*huma.MediaType{"application/problem+json": {Schema: schemaOf(reg, Problem{})}},
		}
		switch status {
		case http.StatusUnauthorized:
			out.Responses[key].Headers = map[string]*huma.Param{"WWW-Authenticate": {Description: "How to say who calls.", Schema: text(200), Required: true}}
		case http.StatusServiceUnavailable:
			out.Responses[key].Headers = map[string]*huma.Param{"Retry-After": {Description: "Seconds to wait.", Schema: integer(0, 0), Required: true}}
		}
	}
	return out
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

// itemSchemas describes what the delivery API serves of a type: PublishedName,
// the whole, and PublishedNameSummary, as lists have it. With the parameter fields an answer
// may hold any part of it, so only the keys that are always there are required.
func itemSchemas(t *schemas.Type) map[string]*huma.Schema {
	word := &huma.Schema{Type: "string"}
	moment := format("date-time")
	uri := format("uri-reference")
	link := object(map[string]*huma.Schema{"id": word, "slug": word, "title": word, "url": uri})
	number := integer(1, 0)
	head := func() map[string]*huma.Schema {
		return map[string]*huma.Schema{
			"id": format("uuid"), "type": oneOf(t.Name), "slug": word, "locale": word,
			"collection?": oneOf(t.Collection), "requested_locale?": word, "dir?": oneOf("ltr", "rtl"),
			"title?": word, "summary?": word,
			"territories?": list(object(map[string]*huma.Schema{
				"istat": word, "acronym?": word, "name?": word, "kind": oneOf(schemas.Levels...), "region?": word,
			})),
			"topics?":       list(object(map[string]*huma.Schema{"id": word, "label": word})),
			"organization?": nullable(link),
			"published_at?": moment, "updated_at?": moment, "public_state?": word,
			"revision?": object(map[string]*huma.Schema{"id": word, "number": number, "at": moment}),
			"alternates?": list(object(map[string]*huma.Schema{
				"locale": word, "slug": word, "title": word, "url": uri,
			})),
			"fields?": fieldsSchema(t),
		}
	}
	summary, item := head(), head()
	summary["_links?"] = object(map[string]*huma.Schema{"self": uri})
	item["_links?"] = object(map[string]*huma.Schema{
		"self": uri, "collection": uri, "alternates": {Type: "object", AdditionalProperties: uri},
	})
	for _, m := range []map[string]*huma.Schema{summary, item} { // a list with fields=html has it too
		m["html?"] = word
		m["rendered?"] = &huma.Schema{Type: "object", AdditionalProperties: &huma.Schema{
			AnyOf: []*huma.Schema{word, list(word)}, Description: "A Markdown field as HTML, or each row of a rich list.",
		}}
		m["toc?"] = list(object(map[string]*huma.Schema{"level": integer(1, 6), "id": word, "text": word}))
		m["references?"] = list(object(map[string]*huma.Schema{
			"identifier": word, "scheme": word, "label": word, "url?": uri, "text?": word,
		}))
	}
	out := map[string]*huma.Schema{componentName(t, ""): object(item), componentName(t, "Summary"): object(summary)}
	out[componentName(t, "Page")] = object(map[string]*huma.Schema{
		"items": list(ref(componentName(t, "Summary"))), "total": integer(0, 0), "_links": ref("PageLinks"),
	})
	return out
}

// fieldsSchema describes the declared fields as they are served: terms with
// their labels, references as links, the rest as it was written.
func fieldsSchema(t *schemas.Type) *huma.Schema {
	word := &huma.Schema{Type: "string"}
	properties := map[string]*huma.Schema{}
	for _, f := range t.Fields {
		var s *huma.Schema
		switch f.Kind {
		case "choice":
			s = object(map[string]*huma.Schema{"id": word, "label": word})
		case "reference":
			s = object(map[string]*huma.Schema{"id": word, "type": word, "slug": word, "title": word, "url": format("uri-reference")})
		default:
			s = declared(f)
			properties[f.Name+"?"] = s
			continue
		}
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

// addDocuments renders the documents that derive from the table, once.
func (s *Server) addDocuments() error {
	if err := checkTable(s.operations); err != nil {
		return err
	}
	doc, err := s.document()
	if err != nil {
		return err
	}
	data, err := json.MarshalIndent(doc, "", " ")
	if err != nil {
		return fmt.Errorf("api: the OpenAPI document: %w", err)
	}
	if s.openapi, err = newStored("application/vnd.oai.openapi+json;version=3.1", data); err != nil {
		return err
	}
	if err := s.addPages(doc); err != nil {
		return err
	}
	return s.addVocabularies()
}
