package partners

import (
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/schemas"
)

// The codes of what this package refuses. The comment names the parameters.
const (
	codeInvalid     = "partner_invalid"       // none; errors say what
	codeTaken       = "partner_key_taken"     // key
	codeKey         = "partner_key_form"      // value
	codeOrigin      = "partner_origin_form"   // value
	codeThemeName   = "partner_theme_name"    // value
	codeThemeValue  = "partner_theme_value"   // value
	codeTarget      = "partner_target_form"   // value
	codeDomain      = "partner_domain_form"   // value
	codeCollection  = "partner_no_collection" // value
	codeUnknown     = "partner_unknown"       // key
	codeOriginOther = "origin_not_allowed"    // origin, key
	codeOutside     = "partner_outside"       // key
)

// Codes lists every code that this package puts into a content.Problem, beside
// those of content and schemas; a test sees that each has its message.
var Codes = []string{
	codeInvalid, codeTaken, codeKey, codeOrigin, codeThemeName, codeThemeValue, codeTarget, codeDomain, codeCollection,
	codeUnknown, codeOriginOther, codeOutside,
}

func problem(class content.Class, code string, params map[string]any) *content.Problem {
	return &content.Problem{Class: class, Code: code, Params: params}
}

// faults collects what is wrong with a partner.
type faults []schemas.Issue

func (f *faults) add(path, code string, params map[string]any) {
	*f = append(*f, schemas.Issue{Path: path, Code: code, Params: params})
}

// value notes that a text is not what it should be, and repeats some of it.
func (f *faults) value(path, code, value string) {
	if r := []rune(value); len(r) > 80 {
		value = string(r[:79]) + "…"
	}
	f.add(path, code, map[string]any{"value": value})
}
