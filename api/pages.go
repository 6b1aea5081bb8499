package api

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"
)

//go:embed pages
var pageFiles embed.FS

var pageTemplates = template.Must(template.New("").Funcs(template.FuncMap{"lower": strings.ToLower, "prose": prose}).ParseFS(pageFiles, "pages/*.html"))

// What the pages show. They use no script and no inline style, so that their
// Content-Security-Policy can forbid both.
type (
	docsPage struct {
		Info    *huma.Info
		Groups  []docsGroup
		Schemas []docsSchema
	}
	docsGroup struct {
		Tag        *huma.Tag
		Operations []docsOperation
	}
	docsOperation struct {
		*operation
		Statuses []docsStatus
		BodyName string
	}
	docsStatus struct {
		Status       int
		Text, Schema string
	}
	docsSchema struct{ Name, JSON string }

	problemView struct{ Lang, Dir, Code, Title, Text string }
)

// span is a part of a text: words, or code between backticks.
type span struct {
	Text string
	Code bool
}

// prose parts a description into words and code, so that a template can mark the
// code.
func prose(text string) []span {
	var out []span
	for i, part := range strings.Split(text, "`") {
		if part != "" {
			out = append(out, span{part, i%2 == 1})
		}
	}
	return out
}

// direction is the direction of a language's script.
func direction(lang string) string {
	if lang == "ar" {
		return "rtl"
	}
	return "ltr"
}

func renderPage(name string, data any) ([]byte, error) {
	var b bytes.Buffer
	if err := pageTemplates.ExecuteTemplate(&b, name+".html", data); err != nil {
		return nil, fmt.Errorf("api: page %s: %w", name, err)
	}
	return b.Bytes(), nil
}

// asset answers with a page that was rendered at the start, or a file that pages
// use.
func (s *Server) asset(name string) handler {
	return func(c *gin.Context) error { return serveStored(c, s.pages[name], publicLonger) }
}

// docs renders the page at /docs.
func (s *Server) docs(doc *huma.OpenAPI) ([]byte, error) {
	page := docsPage{Info: doc.Info}
	for _, tag := range tags {
		group := docsGroup{Tag: tag}
		for _, op := range s.operations {
			if op.Tag == tag.Name {
				group.Operations = append(group.Operations, describePage(doc, op))
			}
		}
		page.Groups = append(page.Groups, group)
	}
	for _, name := range schemaNames(doc) {
		data, err := json.MarshalIndent(doc.Components.Schemas.Map()[name], "", "  ")
		if err != nil {
			return nil, err
		}
		page.Schemas = append(page.Schemas, docsSchema{Name: name, JSON: string(data)})
	}
	return renderPage("docs", page)
}

// describePage is what the page says of an operation.
func describePage(doc *huma.OpenAPI, op *operation) docsOperation {
	out := docsOperation{operation: op}
	if op.Body != nil {
		out.BodyName = refName(schemaOf(doc.Components.Schemas, op.Body))
	}
	for _, a := range op.Answers {
		st := docsStatus{Status: a.Status, Text: or(a.Doc, http.StatusText(a.Status))}
		if a.Body != nil {
			st.Schema = refName(schemaOf(doc.Components.Schemas, a.Body))
		}
		out.Statuses = append(out.Statuses, st)
	}
	for _, status := range commonProblems(op) {
		out.Statuses = append(out.Statuses, docsStatus{Status: status, Text: http.StatusText(status), Schema: "Problem"})
	}
	return out
}

// refName is the name of the component that a schema refers to, or "".
func refName(s *huma.Schema) string { return s.Ref[strings.LastIndexByte(s.Ref, '/')+1:] }

func schemaNames(doc *huma.OpenAPI) []string {
	return slices.Sorted(maps.Keys(doc.Components.Schemas.Map()))
}
