package api

import (
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"github.com/prassi-cms/prassi/content/access"
)

// handler answers a request, or returns the error that serve turns into a
// problem.
type handler func(*gin.Context) error

// audience says who may call an operation.
type audience int

const (
	open   audience = iota // anybody, from the same origin; never cached
	public                 // anybody, from any origin, cached for a while
	signed                 // who shows a token or a session; never cached
)

// Who decides on a call where no action of package access does.
const (
	byContent = "(content)" // content.Service, by the document and its workflow
	byObject  = "(object)"  // the handler asks content.Service with the thing at hand
	byCaller  = "(caller)"  // nobody: it is about the caller alone
)

// operation is one entry of the table.
type operation struct {
	Method string
	// Route is the path as OpenAPI writes it: /api/v1/topics, /things/{id}.
	Route   string
	ID      string // operationId
	Tag     string
	Summary string
	// Description adds what the summary cannot say; CommonMark.
	Description string
	Access      audience
	Params      []param
	// Body is a value of the struct that a request's JSON is bound to; nil when
	// there is none.
	Body any
	// Content are bodies that are not JSON, by media type.
	Content map[string]*huma.MediaType
	// Form: the body may also come from an HTML form.
	Form bool
	// Page: people come here in a browser. It is told failures as a page, and who
	// is not signed in is led to the login.
	Page bool
	// Deep: what the path ends with may hold slashes.
	Deep bool
	// Once: GET uses something up, so that there is no HEAD beside it.
	Once    bool
	Answers []answer
	// Problems are the statuses of problems beside those that commonProblems
	// adds.
	Problems []int
	// Handle answers; Call instead answers a caller that is known, and only
	// operations of Access signed have one.
	Handle handler
	Call   func(*call) error
	// Needs is what the caller of Call must be permitted: an action of package
	// access, asked before Call runs, or who decides instead. There is no default.
	Needs string
	// Class says which headers protect the answers; derived when zero.
	Class class
	// Rate says how often the operation may be called; derived when zero.
	Rate rateClass
	// quiet requests are logged at level debug.
	quiet bool
}

// answer is one success that an operation may give.
type answer struct {
	Status int
	Doc    string
	Media  string // application/json when Body is set and this is not
	// Body is a value of the struct that is encoded, or a *huma.Schema.
	Body any
	// Headers are names in headerDocs that the answer always carries.
	Headers []string
}

// param is one parameter of a path, a query or a header.
type param struct {
	Name     string
	In       string // path, query, header
	Doc      string
	Required bool
	Schema   *huma.Schema
}

func pathParam(name, doc string, schema *huma.Schema) param {
	return param{Name: name, In: "path", Doc: doc, Required: true, Schema: schema}
}

func queryParam(name, doc string, schema *huma.Schema) param {
	return param{Name: name, In: "query", Doc: doc, Schema: schema}
}

// Schemas of parameters.
func text(max int) *huma.Schema { return &huma.Schema{Type: "string", MaxLength: &max} }

func format(name string) *huma.Schema { return &huma.Schema{Type: "string", Format: name} }

func flag() *huma.Schema { return &huma.Schema{Type: "boolean"} }

func oneOf(words ...string) *huma.Schema {
	s := &huma.Schema{Type: "string"}
	for _, w := range words {
		s.Enum = append(s.Enum, w)
	}
	return s
}

func integer(low, high int64) *huma.Schema {
	l, h := float64(low), float64(high)
	s := &huma.Schema{Type: "integer", Format: "int64", Minimum: &l}
	if high > 0 {
		s.Maximum = &h
	}
	return s
}

func withDefault(s *huma.Schema, v any) *huma.Schema {
	s.Default = v
	return s
}

// ifMatch is the parameter of every change of a variant.
var ifMatch = param{
	Name: "If-Match", In: "header", Required: true, Schema: text(200),
	Doc: "The ETag of the version that you saw. Without it the answer is 428; when somebody else was faster, 412 with a summary of both versions.",
}

// ifNoneMatch is the parameter of every cacheable read.
var ifNoneMatch = param{
	Name: "If-None-Match", In: "header", Schema: text(2000),
	Doc: "ETags that you have; when one of them is current, the answer is 304 without a body.",
}

// headerDocs describes the headers that answers carry.
var headerDocs = map[string]string{
	"ETag":                "Names the version of what is answered (RFC 9110, section 8.8.3).",
	"Content-Language":    "The language of the content (BCP 47).",
	"Location":            "Where to go.",
	"Set-Cookie":          "The session.",
	"Cache-Control":       "How long the answer may be kept.",
	"Content-Disposition": "The name of the file.",
}

// commonProblems gives the statuses of problems that any operation of its kind
// may answer with.
func commonProblems(op *operation) []int {
	out := append([]int{http.StatusInternalServerError}, op.Problems...)
	if rateOf(op) != rateNone {
		out = append(out, http.StatusTooManyRequests)
	}
	if slices.ContainsFunc(op.Params, func(p param) bool { return p.In == "query" }) || op.Access != signed && op.Method == http.MethodGet && op.Tag != tagSystem {
		out = append(out, http.StatusBadRequest)
	}
	if op.Access == signed {
		out = append(out, http.StatusUnauthorized, http.StatusForbidden, http.StatusServiceUnavailable)
	}
	if op.Body != nil || op.Content != nil {
		out = append(out, http.StatusBadRequest, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge,
			http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity)
	}
	if slices.ContainsFunc(op.Params, func(p param) bool { return p.In == "path" }) {
		out = append(out, http.StatusNotFound)
	}
	if slices.ContainsFunc(op.Params, func(p param) bool { return p.Name == ifMatch.Name }) {
		out = append(out, http.StatusBadRequest, http.StatusConflict, http.StatusPreconditionFailed, http.StatusPreconditionRequired)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// ginPath writes a path as Gin does: /things/:id.
func ginPath(op *operation) string {
	path := strings.NewReplacer("{", ":", "}", "").Replace(op.Route)
	if i := strings.LastIndexByte(path, ':'); op.Deep && i >= 0 {
		path = path[:i] + "*" + path[i+1:]
	}
	return path
}

// queryNames lists the names of an operation's query parameters.
func queryNames(params []param) []string {
	var out []string
	for _, p := range params {
		if p.In == "query" {
			out = append(out, p.Name)
		}
	}
	return out
}

// table is every operation there is, in the order in which the documents list
// them.
func (s *Server) table() []*operation {
	out := s.deliveryTable()
	s.keyCollections(out)
	out = append(out, s.searchTable()...)
	out = append(out, s.directoryTable()...)
	out = append(out, s.feedsTable()...)
	out = append(out, s.manageTable()...)
	out = append(out, s.mediaTable()...)
	out = append(out, s.accessTable()...)
	out = append(out, s.sessionTable()...)
	out = append(out, s.freshnessTable()...)
	out = append(out, s.webhooksTable()...)
	out = append(out, s.siteTable()...)
	out = append(out, s.widgetsTable()...)
	out = append(out, s.systemTable()...)
	for _, op := range out {
		if op.Call != nil { // who calls is known
			op.Access, op.Handle = signed, s.signed(op)
		}
	}
	return out
}

// checkTable sees that entries do not contradict each other.
func checkTable(ops []*operation) error {
	ids, routes := map[string]bool{}, map[string]bool{}
	for _, op := range ops {
		route := op.Method + " " + op.Route
		switch {
		case op.ID == "" || ids[op.ID]:
			return fmt.Errorf("api: operation %s: the id %q is empty or taken", route, op.ID)
		case routes[route]:
			return fmt.Errorf("api: operation %s is there twice", route)
		case op.Handle == nil || len(op.Answers) == 0 || op.Summary == "" || op.Tag == "":
			return fmt.Errorf("api: operation %s lacks a handler, an answer, a summary or a tag", op.ID)
		case (op.Access == signed) != (op.Call != nil) || (op.Call != nil) != (op.Needs != ""):
			return fmt.Errorf("api: operation %s: who is signed in has a Call that says what it Needs, and nobody else has", op.ID)
		case op.Needs != "" && !slices.Contains([]string{byContent, byObject, byCaller}, op.Needs) && !access.Known(op.Needs):
			return fmt.Errorf("api: operation %s needs %q, which is no action", op.ID, op.Needs)
		case classOf(op) == classEmbed && !strings.HasPrefix(op.Route, "/embed/"):
			return fmt.Errorf("api: operation %s: only /embed/ may be put into a frame", op.ID)
		case op.Body != nil && reflect.TypeOf(op.Body).Kind() != reflect.Struct:
			return fmt.Errorf("api: operation %s: a body is a struct", op.ID)
		}
		for _, p := range op.Params {
			if p.In == "path" && !strings.Contains(op.Route, "{"+p.Name+"}") || p.Schema == nil {
				return fmt.Errorf("api: operation %s: parameter %s", op.ID, p.Name)
			}
		}
		if strings.Count(op.Route, "{") != len(op.Params)-countOther(op.Params) {
			return fmt.Errorf("api: operation %s: a part of the path is not a parameter", op.ID)
		}
		ids[op.ID], routes[route] = true, true
	}
	return nil
}

func countOther(params []param) int {
	n := 0
	for _, p := range params {
		if p.In != "path" {
			n++
		}
	}
	return n
}
