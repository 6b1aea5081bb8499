package schemas

import (
	"fmt"
	"regexp"
	"slices"
	"unicode/utf8"
)

// referenceKind points to a document: by its identifier, or by its slug until
// the service has resolved it. Where a field may point to several types, a slug
// may be written type/slug.
type referenceKind struct{ base }

func (referenceKind) Name() string      { return "reference" }
func (referenceKind) Set() bool         { return true }
func (referenceKind) Options() []string { return []string{"types"} }

func (referenceKind) Check(f *Field) error {
	if len(f.Types) == 0 {
		return fmt.Errorf("a reference needs types")
	}
	return nil // that they exist is checked when all types are read
}

const maxReference = 250

var referencePattern = regexp.MustCompile(`^(?:([a-z][a-z0-9_]*)/)?[\p{L}\p{N}][\p{L}\p{M}\p{N}_~.-]*$`)

func (referenceKind) Parse(f *Field, v any, env *Env) (any, []Issue) {
	s, issues := stringOf(v, env)
	if issues != nil {
		return nil, issues
	}
	if len(s) > 4*maxReference {
		return nil, wrong(CodeInvalidReference, s)
	}
	s, issues = cleanLine(s)
	if issues != nil {
		return nil, issues
	}
	if s == "" {
		return nil, nil
	}
	m := referencePattern.FindStringSubmatch(s)
	if m == nil || utf8.RuneCountInString(s) > maxReference || m[1] != "" && !slices.Contains(f.Types, m[1]) {
		return nil, wrong(CodeInvalidReference, s)
	}
	return s, nil
}

func (referenceKind) JSONSchema(f *Field) map[string]any {
	return map[string]any{"type": "string", "minLength": 1, "maxLength": maxReference}
}
