package content

import (
	"context"
	"errors"
	"fmt"

	"github.com/prassi-cms/prassi/schemas"
)

// Class is the closed set of ways in which a request can fail. The API maps it
// to a status, the command line to an exit code.
type Class string

// The classes. The zero value is an internal fault: fail closed, say little.
const (
	Internal             Class = ""
	Invalid              Class = "invalid"               // the input is wrong; Fields say where
	Unauthenticated      Class = "unauthenticated"       // nobody is acting
	Forbidden            Class = "forbidden"             // the actor sees it but may not do this
	NotFound             Class = "not_found"             // there is none, or none the actor may see
	Conflict             Class = "conflict"              // the state of things does not allow it
	PreconditionFailed   Class = "precondition_failed"   // somebody else changed it first
	PreconditionRequired Class = "precondition_required" // the caller did not say what it saw
	TooLarge             Class = "too_large"
	Unavailable          Class = "unavailable" // an engine does not answer; try again
)

// Problem is every failure that a caller may be told about. Code is stable and
// names the message that package messages holds in each language; Params fill
// its placeholders; Fields say what is wrong where.
type Problem struct {
	Class  Class
	Code   string
	Params map[string]any
	Fields []schemas.Issue
	// Yours and Current summarise both versions when Class is PreconditionFailed.
	Yours, Current *Summary
	// Err is for the log, never for an answer.
	Err error
}

// Summary tells a writer in a conflict what the other version is.
type Summary struct {
	ETag      string   `json:"etag"`
	State     string   `json:"state,omitempty"`
	Revision  int      `json:"revision,omitempty"`
	Author    string   `json:"author,omitempty"`
	UpdatedAt string   `json:"updated_at,omitempty"`
	Changed   []string `json:"changed,omitempty"` // fields that differ from the other version
}

// Error is for logs: the code and the cause.
func (p *Problem) Error() string {
	switch {
	case p.Err != nil:
		return fmt.Sprintf("%s: %v", p.Code, p.Err)
	case len(p.Fields) > 0:
		return fmt.Sprintf("%s: %s %s", p.Code, p.Fields[0].Path, p.Fields[0].Code)
	}
	return p.Code
}

// Unwrap gives the cause.
func (p *Problem) Unwrap() error { return p.Err }

// AsProblem gives err as a Problem; anything unknown becomes an internal one.
func AsProblem(err error) *Problem {
	var p *Problem
	switch {
	case err == nil:
		return nil
	case errors.As(err, &p):
		return p
	case errors.Is(err, ErrNotFound):
		return &Problem{Class: NotFound, Code: "not_found", Err: err}
	case errors.Is(err, ErrConflict):
		return &Problem{Class: Conflict, Code: "busy", Err: err}
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return &Problem{Class: Unavailable, Code: "store_unavailable", Err: err}
	}
	return &Problem{Class: Internal, Code: "internal_error", Err: err}
}

// Codes lists every code that this package puts into a Problem or a field's
// Issue, beside schemas.IssueCodes; a test sees that each has its message.
var Codes = []string{
	"internal_error", "not_found", "unauthenticated", "forbidden", "busy",
	"invalid_content", "unknown_type", "unknown_locale", "unknown_transition", "wrong_state",
	"guard_complete", "guard_approved", "guard_not_author", "guard_live", "guard_not_live",
	"comment_required", "comment_too_long", "not_editable", "variant_exists", "no_such_variant", "no_such_revision",
	"stale", "precondition_required", "invalid_slug", "slug_taken", "id_taken", "invalid_id", "type_mismatch",
	"reference_not_found", "media_not_found", "not_schedulable", "time_past", "invalid_time", "live_cannot_be_discarded",
	"invalid_filter", "invalid_cursor", "invalid_state", "owner_required", "unknown_owner",
	"unknown_role", "scope_not_allowed", "scope_required",
	"not_assurable", "assured_in_future", "assured_earlier", "invalid_stage",
	"merged_away", "merge_itself", "merge_types_differ", "merge_under_way", "merge_not_public",
	"markdown_too_large", "markdown_too_deep", "invalid_utf8", "nothing_changed", "store_unavailable",
}

// storeProblem tells a caller what a store's error means.
func (s *Service) storeProblem(err error) error {
	var told *Problem
	switch {
	case err == nil:
		return nil
	case errors.As(err, &told):
		return err
	case errors.Is(err, ErrNotFound):
		return notFound()
	case errors.Is(err, ErrConflict), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	}
	return &Problem{Class: Unavailable, Code: "store_unavailable", Err: err}
}

func notFound() *Problem { return &Problem{Class: NotFound, Code: "not_found"} }

func forbidden() *Problem { return &Problem{Class: Forbidden, Code: "forbidden"} }

func unauthenticated() *Problem { return &Problem{Class: Unauthenticated, Code: "unauthenticated"} }

func invalidField(path, code string, params map[string]any) *Problem {
	return &Problem{Class: Invalid, Code: "invalid_content", Fields: []schemas.Issue{{Path: path, Code: code, Params: params}}}
}
