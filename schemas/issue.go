package schemas

import (
	"slices"
	"strconv"
	"strings"
)

// Issue is one thing wrong with some input. It carries no sentence: Code is
// stable and Params fill the translated message.
type Issue struct {
	// Path is a JSON Pointer (RFC 6901) to the value, such as
	// /results/0/name; empty for the input as a whole.
	Path string `json:"path"`
	// Code is one of IssueCodes.
	Code string `json:"code"`
	// Params are strings, numbers or lists of strings.
	Params map[string]any `json:"params,omitempty"`
	// Line and Column count from 1 in the source text; 0 when unknown.
	Line   int `json:"line,omitempty"`
	Column int `json:"column,omitempty"`
}

// Codes of issues. The comment names the parameters.
const (
	CodeRequired          = "required"           // field
	CodeUnknownField      = "unknown_field"      // field
	CodeUnknownKey        = "unknown_key"        // key
	CodeWrongType         = "wrong_type"         // expected: text, number, boolean, list, object
	CodeTooLong           = "too_long"           // max, actual, unit: characters, bytes
	CodeTooShort          = "too_short"          // min, actual
	CodeTooManyWords      = "too_many_words"     // max, actual
	CodeTooManyItems      = "too_many_items"     // max, actual
	CodeTooManyIssues     = "too_many_issues"    // max
	CodeDuplicate         = "duplicate"          // value
	CodeOutOfRange        = "out_of_range"       // min, max (either may be absent)
	CodeNotANumber        = "not_a_number"       // value
	CodeNotAnInteger      = "not_an_integer"     // value
	CodeTooPrecise        = "too_precise"        // decimals
	CodeNotADate          = "not_a_date"         // value, format
	CodeNotATime          = "not_a_time"         // value
	CodeWrongOrder        = "wrong_order"        // from, to
	CodeUnknownTerm       = "unknown_term"       // value, taxonomies
	CodeUnknownTerritory  = "unknown_territory"  // value
	CodeInvalidReference  = "invalid_reference"  // value
	CodeInvalidURL        = "invalid_url"        // value
	CodeInvalidEmail      = "invalid_email"      // value
	CodeInvalidPhone      = "invalid_phone"      // value
	CodeInvalidLanguage   = "invalid_language"   // value
	CodeInvalidCurrency   = "invalid_currency"   // value
	CodeInvalidMediaType  = "invalid_media_type" // value
	CodeInvalidIdentifier = "invalid_identifier" // value, scheme
	CodeInvalidEncoding   = "invalid_encoding"   // none
	CodeControlCharacter  = "control_character"  // character, such as U+202E
	CodeInvalidRow        = "invalid_row"        // value: the column; CSV files only
	CodeAltRequired       = "alt_required"       // none
	CodeTooDeep           = "too_deep"           // max: objects and lists inside one another
	CodeTaxCodeInvalid    = "tax_code_invalid"   // value
	CodeTaxCodePersonal   = "tax_code_personal"  // none: a person's code is not repeated
	CodeAddressInText     = "address_in_text"    // none: what it gives away is not repeated
)

// IssueCodes lists every code that an Issue may have, so that another package
// can prove that each has a message in each language.
var IssueCodes = []string{
	CodeRequired, CodeUnknownField, CodeUnknownKey, CodeWrongType, CodeTooLong, CodeTooShort,
	CodeTooManyWords, CodeTooManyItems, CodeTooManyIssues, CodeDuplicate, CodeOutOfRange,
	CodeNotANumber, CodeNotAnInteger, CodeTooPrecise, CodeNotADate, CodeNotATime, CodeWrongOrder,
	CodeUnknownTerm, CodeUnknownTerritory, CodeInvalidReference, CodeInvalidURL, CodeInvalidEmail,
	CodeInvalidPhone, CodeInvalidLanguage, CodeInvalidCurrency, CodeInvalidMediaType,
	CodeInvalidIdentifier, CodeInvalidEncoding, CodeControlCharacter, CodeInvalidRow, CodeAltRequired,
	CodeTooDeep, CodeTaxCodeInvalid, CodeTaxCodePersonal, CodeAddressInText,
}

// maxIssues bounds an answer: after so many, one CodeTooManyIssues ends the list.
const maxIssues = 100

// maxEcho bounds, in characters, how much of a wrong value an issue repeats.
const maxEcho = 80

func issue(code string, params map[string]any) []Issue {
	return []Issue{{Code: code, Params: params}}
}

// wrong is an issue that repeats the refused value.
func wrong(code, value string) []Issue {
	return issue(code, map[string]any{"value": echo(value)})
}

func wrongType(expected string) []Issue {
	return issue(CodeWrongType, map[string]any{"expected": expected})
}

// echo makes a refused value fit to be shown: valid UTF-8, short, no control characters.
func echo(s string) string {
	if len(s) > 4*maxEcho {
		s = s[:4*maxEcho]
	}
	s = strings.Map(func(r rune) rune {
		if forbidden(r) || isBidiControl(r) || r == '\n' || r == '\r' || r == '\t' {
			return '\uFFFD'
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	if r := []rune(s); len(r) > maxEcho {
		return string(r[:maxEcho]) + "…"
	}
	return s
}

var pointerEscape = strings.NewReplacer("~", "~0", "/", "~1")

// under moves issues below a key.
func under(key string, issues []Issue) []Issue {
	for i := range issues {
		issues[i].Path = "/" + pointerEscape.Replace(key) + issues[i].Path
	}
	return issues
}

func underIndex(i int, issues []Issue) []Issue { return under(strconv.Itoa(i), issues) }

// capped keeps the first maxIssues.
func capped(issues []Issue) []Issue {
	if len(issues) <= maxIssues {
		return issues
	}
	return append(slices.Clip(issues[:maxIssues]), issue(CodeTooManyIssues, map[string]any{"max": maxIssues})...)
}
