package search

import (
	"fmt"
	"strings"

	"github.com/prassi-cms/prassi/schemas"
)

// Codes lists the codes of this package beside schemas.IssueCodes:
// unknown_facet (value, allowed), unknown_sort (value, allowed) and
// search_unavailable, which names a whole problem.
var Codes = []string{"unknown_facet", "unknown_sort", "search_unavailable"}

// Invalid is the error of a query that cannot be answered, with the parameter's
// name as the path of each issue.
type Invalid struct{ Issues []schemas.Issue }

// Error names the first issue.
func (e *Invalid) Error() string {
	return fmt.Sprintf("search: %s at %s (%d issues)", e.Issues[0].Code, e.Issues[0].Path, len(e.Issues))
}

// Unavailable is the error of an engine that cannot answer or write now. Its
// code to the outside is search_unavailable; Err is for the log.
type Unavailable struct{ Err error }

// Error says why.
func (e *Unavailable) Error() string { return "search: the engine is not available: " + e.Err.Error() }

// Unwrap gives the engine's error.
func (e *Unavailable) Unwrap() error { return e.Err }

// Code is the stable code of the problem.
func (e *Unavailable) Code() string { return "search_unavailable" }

// LockedError is returned by an embedded engine whose folder another process has.
type LockedError struct{ Dir string }

// Error names the folder.
func (e *LockedError) Error() string { return "search: " + e.Dir + " is in use by another process" }

// faults collects what is wrong with a query.
type faults []schemas.Issue

func (f *faults) add(path, code string, params map[string]any) {
	*f = append(*f, schemas.Issue{Path: "/" + path, Code: code, Params: params})
}

// echo is a refused value fit to be shown.
func echo(s string) string {
	s = strings.ToValidUTF8(s, "\ufffd")
	if r := []rune(s[:min(len(s), 400)]); len(r) > 80 {
		return string(r[:80]) + "…"
	}
	return s
}
