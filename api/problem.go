package api

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"github.com/prassi-cms/prassi/auth/oidc"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/messages"
	"github.com/prassi-cms/prassi/schemas"
)

// Codes of problems that arise here, before or beside content.Service. The
// comment names the parameters.
const (
	codeMalformedJSON    = "malformed_json"            // offset
	codeDuplicateKey     = "duplicate_key"             // key
	codeTooDeep          = "too_deep"                  // max
	codeInvalidUTF8      = schemas.CodeInvalidEncoding // offset
	codeInvalidBody      = "invalid_body"              // none; errors say what
	codeBodyTooLarge     = "body_too_large"            // max, in bytes
	codeMediaType        = "unsupported_media_type"    // expected
	codeInvalidQuery     = "invalid_query"             // none; errors say what
	codeUnknownParameter = "unknown_parameter"         // parameter
	codeRepeated         = "repeated_parameter"        // parameter
	codeInvalidParameter = "invalid_parameter"         // parameter
	codeInvalidHeader    = "invalid_header"            // header
	codeNotAcceptable    = "not_acceptable"            // none
	codeMethod           = "method_not_allowed"        // method
	codeGone             = "gone"                      // none
	codeTimeout          = "request_timeout"           // none
	codeTooBusy          = "too_busy"                  // none
	codeCrossOrigin      = "cross_origin"              // none
	codeNotHere          = "login_not_here"            // none
	codeUnknownPerson    = "unknown_person"            // person
	codeNotReady         = "not_ready"                 // none
	codeInvalidGrant     = "invalid_grant"             // value
	codeTooMany          = "too_many_requests"         // seconds
)

// Codes lists every code that this package may put into a problem of its own,
// into an error of a problem, or into a page: a test sees that each has its
// message in every language. It comes beside content.Codes and
// schemas.IssueCodes.
var Codes = slices.Concat([]string{
	codeMalformedJSON, codeDuplicateKey, codeTooDeep, codeInvalidUTF8, codeInvalidBody, codeBodyTooLarge,
	codeMediaType, codeInvalidQuery, codeUnknownParameter, codeRepeated, codeInvalidParameter, codeInvalidHeader,
	codeNotAcceptable, codeMethod, codeGone, codeTimeout, codeTooBusy, codeCrossOrigin, codeNotHere,
	codeUnknownPerson, codeNotReady, codeInvalidGrant, codeTooMany,
}, mediaCodes, peopleCodes, searchCodes, sessionCodes, confirmCodes, siteCodes, widgetCodes)

// The one table from failures to statuses. A class of package content has its
// row; a code with a status of its own comes first, and those of package oidc have
// the status of their kind (bySignIn).
var (
	byClass = map[content.Class]int{
		content.Internal:             http.StatusInternalServerError,
		content.Invalid:              http.StatusUnprocessableEntity,
		content.Unauthenticated:      http.StatusUnauthorized,
		content.Forbidden:            http.StatusForbidden,
		content.NotFound:             http.StatusNotFound,
		content.Conflict:             http.StatusConflict,
		content.PreconditionFailed:   http.StatusPreconditionFailed,
		content.PreconditionRequired: http.StatusPreconditionRequired,
		content.TooLarge:             http.StatusRequestEntityTooLarge,
		content.Unavailable:          http.StatusServiceUnavailable,
	}
	byCode = map[string]int{
		codeMalformedJSON: http.StatusBadRequest,
		codeDuplicateKey:  http.StatusBadRequest,
		codeTooDeep:       http.StatusBadRequest,
		codeInvalidUTF8:   http.StatusBadRequest,
		codeInvalidQuery:  http.StatusBadRequest,
		codeInvalidHeader: http.StatusBadRequest,
		"invalid_filter":  http.StatusBadRequest,
		"invalid_cursor":  http.StatusBadRequest,
		codeMediaType:     http.StatusUnsupportedMediaType,
		codeNotAcceptable: http.StatusNotAcceptable,
		codeMethod:        http.StatusMethodNotAllowed,
		codeGone:          http.StatusGone,
		codeTimeout:       http.StatusRequestTimeout,
		codeTooMany:       http.StatusTooManyRequests,
		codeMediaForm:     http.StatusBadRequest,
		"widget_invalid":  http.StatusBadRequest,
		codeFormat:        http.StatusNotImplemented,
		codeRange:         http.StatusRequestedRangeNotSatisfiable,
	}
)

// statusOf gives the status of a problem.
func statusOf(p *content.Problem) int {
	if status, ok := byCode[p.Code]; ok {
		return status
	}
	if row, ok := bySignIn[oidc.KindOf(p.Code)]; ok {
		return row.status
	}
	if status, ok := byClass[p.Class]; ok {
		return status
	}
	return http.StatusInternalServerError
}

// Problem is the body of every answer that is not a success: problem details
// after RFC 9457, with a stable code and what is wrong where.
type Problem struct {
	Type     string `json:"type" format:"uri-reference" doc:"Address of a page about this kind of problem."`
	Title    string `json:"title" doc:"The kind of problem, in the caller's language."`
	Status   int32  `json:"status" minimum:"200" maximum:"599" doc:"The status of the answer."`
	Detail   string `json:"detail" doc:"What happened, in the caller's language."`
	Instance string `json:"instance" format:"uri" doc:"Names this occurrence: the request's id as a URN (RFC 9562)."`
	Code     string `json:"code" doc:"Stable name of the problem."`
	// RequestID finds the request in the log.
	RequestID string           `json:"request_id" format:"uuid" doc:"Quote it when asking for help."`
	Errors    []FieldError     `json:"errors,omitempty" doc:"What is wrong where."`
	Yours     *content.Summary `json:"yours,omitempty" doc:"The version that the caller saw (412)."`
	Current   *content.Summary `json:"current,omitempty" doc:"The version that is stored now (412)."`
}

// FieldError is one thing wrong at one place of a body or query.
type FieldError struct {
	Path    string         `json:"path" doc:"JSON Pointer (RFC 6901) into the body; for a query, a slash and the parameter's name."`
	Code    string         `json:"code" doc:"Stable name of the error."`
	Message string         `json:"message" doc:"The error in the caller's language."`
	Params  map[string]any `json:"params,omitempty" doc:"What the message was made with."`
}

// problemType gives the address of the page about a code.
func problemType(code string) string { return "/problems/" + url.PathEscape(code) }

// invalid makes a Problem with one error.
func invalid(code, path, what string, params map[string]any) *content.Problem {
	return &content.Problem{Class: content.Invalid, Code: code, Fields: []schemas.Issue{{Path: path, Code: what, Params: params}}}
}

// fail answers with the problem of err. Causes go to the log, never into the
// answer.
func (s *Server) fail(c *gin.Context, err error) {
	if p, status, written := s.prepareFailure(c, err); !written {
		writeProblem(c, language(c), status, p, requestID(c))
	}
}

// prepareFailure gives the problem of err and its status, logs it and sets its
// headers. written says that an answer was begun already, and that it is too late
// to say anything: serve cuts the connection.
func (s *Server) prepareFailure(c *gin.Context, err error) (p *content.Problem, status int, written bool) {
	p = content.AsProblem(err)
	if p.Class == content.Internal && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
		p = &content.Problem{Class: content.Unavailable, Code: "store_unavailable", Err: err}
	}
	p = bounded(p)
	id := requestID(c)
	status = statusOf(p)
	if isFault(status) {
		s.log.LogAttrs(c.Request.Context(), slog.LevelError, "request failed",
			slog.String("request_id", id), slog.String("code", p.Code), slog.Any("error", p.Err))
	}
	if c.Writer.Written() {
		return p, status, true
	}
	h := c.Writer.Header()
	for _, name := range []string{"Etag", "Content-Encoding", "Content-Language", "Last-Modified", "Content-Length"} {
		delete(h, name)
	}
	h["Cache-Control"] = noStore
	switch status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", challenge(c.Request))
	case http.StatusServiceUnavailable:
		h.Set("Retry-After", "5")
	case http.StatusRequestTimeout, http.StatusRequestEntityTooLarge:
		h["Connection"] = closing // what is left of the body is not worth reading
	case http.StatusGone: // what is not there yet may be there in a moment: 404 is not kept
		if c.Request.Method == http.MethodGet && h.Get("Access-Control-Allow-Origin") != "" {
			h["Cache-Control"] = publicShort
		}
	}
	return p, status, false
}

// isFault says that a status tells of a fault of ours, for the log. 501 says what
// this server does not offer, whoever asks for it.
func isFault(status int) bool {
	return status >= http.StatusInternalServerError && status != http.StatusNotImplemented
}

// maxRepeated bounds what an answer repeats of one text, in characters: more than
// the longest slug and scope.
const maxRepeated = 200

// bounded gives the problem with the texts among its parameters cut: they may be
// what the caller sent, and that may be a whole body.
func bounded(p *content.Problem) *content.Problem {
	out := *p
	out.Params, out.Fields = boundedParams(p.Params), slices.Clone(p.Fields)
	for i := range out.Fields {
		out.Fields[i].Params = boundedParams(out.Fields[i].Params)
	}
	return &out
}

func boundedParams(params map[string]any) map[string]any {
	out := maps.Clone(params)
	for k, v := range out {
		if s, ok := v.(string); ok && utf8.RuneCountInString(s) > maxRepeated {
			out[k] = string([]rune(s)[:maxRepeated-1]) + "…"
		}
	}
	return out
}

// writeProblem writes the body of a problem in one language.
func writeProblem(c *gin.Context, language string, status int, p *content.Problem, id string) {
	body := Problem{
		Type: problemType(p.Code), Title: messages.Title(language, p.Code), Status: int32(status),
		Detail: messages.Text(language, p.Code, p.Params), Instance: "urn:uuid:" + id, Code: p.Code, RequestID: id,
		Errors: fieldErrors(language, p.Fields), Yours: p.Yours, Current: p.Current,
	}
	data, err := json.Marshal(body)
	if err != nil { // parameters that JSON cannot say: leave them out
		body.Errors = nil
		data, _ = json.Marshal(body)
	}
	h := c.Writer.Header()
	h["Content-Type"] = typeProblem
	h["Content-Language"] = []string{language}
	h["Vary"] = varyLanguage
	h["X-Content-Type-Options"] = nosniff
	h["Content-Length"] = []string{strconv.Itoa(len(data))}
	c.Writer.WriteHeader(status)
	writeBody(c, data)
}

// fieldErrors says issues in one language.
func fieldErrors(language string, issues []schemas.Issue) []FieldError {
	var out []FieldError
	for _, i := range issues {
		out = append(out, FieldError{Path: i.Path, Code: i.Code, Message: messages.Text(language, i.Code, i.Params), Params: i.Params})
	}
	return out
}
