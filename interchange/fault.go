package interchange

import (
	"fmt"
	"strings"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/schemas"
)

// Limits on what is read. They bound memory and time before anything is parsed.
const (
	// MaxFile bounds a Markdown or text file, in bytes.
	MaxFile = 1 << 20
	// MaxItem bounds one line of JSON Lines, one row of CSV, one element of a
	// JSON array, in bytes.
	MaxItem = 1 << 20
	// MaxFrontMatter bounds front matter, in bytes. It has room for an object of
	// another system (schemas.MaxAttributes) with every character escaped.
	MaxFrontMatter = 512 << 10
	// MaxDepth bounds the nesting of lists and objects: one more than that of a
	// field of kind attributes.
	MaxDepth = schemas.MaxAttributesDepth + 1
	// MaxItems bounds the items of one import.
	MaxItems = 500_000
	// maxFindings bounds how many findings are kept; all are counted.
	maxFindings = 10_000
)

// Codes of what an import or export may say, beside schemas.IssueCodes and
// content.Codes. The comment names the parameters.
const (
	CodeFileTooLarge         = "file_too_large"           // max (bytes)
	CodeItemTooLong          = "item_too_long"            // max (bytes)
	CodeFrontMatterTooLarge  = "front_matter_too_large"   // max (bytes)
	CodeFrontMatterUnclosed  = "front_matter_unclosed"    // delimiter
	CodeFrontMatterNotKeys   = "front_matter_not_keys"    // none
	CodeSyntax               = "syntax"                   // notation: YAML, TOML, JSON, CSV; detail (of the parser, in English)
	CodeYAMLAlias            = "yaml_alias"               // none
	CodeYAMLTag              = "yaml_tag"                 // tag
	CodeYAMLMerge            = "yaml_merge"               // none
	CodeTooDeep              = "too_deep"                 // max
	CodeDuplicateKey         = "duplicate_key"            // key
	CodeInvalidKey           = "invalid_key"              // key
	CodeNUL                  = "nul_character"            // none
	CodeUnsupportedFile      = "unsupported_file"         // extension, supported
	CodeUnreadable           = "unreadable_file"          // none
	CodeOutside              = "link_outside"             // none
	CodeNotRegular           = "not_a_regular_file"       // none
	CodeNothingFound         = "nothing_to_import"        // none
	CodeTooManyImports       = "too_many_imports"         // max
	CodeSourceChanged        = "source_changed"           // none
	CodeTypeMissing          = "type_missing"             // none
	CodeLocaleMissing        = "locale_missing"           // none
	CodeTitleMissing         = "title_missing"            // none
	CodeMisspelt             = "misspelt_key"             // key, hint
	CodeUnknownImportKey     = "unknown_import_key"       // key
	CodeAmbiguousDate        = "ambiguous_date"           // value
	CodeKeyTwice             = "key_given_twice"          // key, other
	CodeDuplicateVariant     = "duplicate_variant"        // locale, other
	CodeDuplicateSlug        = "duplicate_slug"           // slug, other
	CodeConflictingType      = "conflicting_type"         // type, other
	CodeSharedConflict       = "shared_conflict"          // field, other
	CodeReferenceCycle       = "reference_cycle"          // field
	CodeTranslationOfWhat    = "translation_not_found"    // value
	CodeUnknownWorkState     = "unknown_state"            // state, states
	CodeCSVHeader            = "csv_header"               // none
	CodeMappingTarget        = "mapping_target"           // key, hint
	CodeMappingPattern       = "mapping_pattern"          // pattern
	CodeDanglingReference    = "dangling_reference"       // field, value
	CodeExportNotEmpty       = "export_folder_not_empty"  // none
	CodeAddressInvalid       = "address_invalid"          // none
	CodeAddressRefused       = "address_refused"          // none
	CodeAddressUnreachable   = "address_unreachable"      // none
	CodeAddressRedirects     = "address_redirects"        // none
	CodeAddressSlow          = "address_slow"             // none
	CodeAddressTooLarge      = "address_too_large"        // max (bytes)
	CodeAddressStatus        = "address_status"           // status
	CodeAddressPage          = "address_page"             // none
	CodeArchiveDamaged       = "archive_damaged"          // none
	CodeArchiveEncrypted     = "archive_encrypted"        // none
	CodeArchiveMethod        = "archive_method"           // none
	CodeArchiveTooMany       = "archive_too_many_entries" // max
	CodeArchiveEntryTooLarge = "archive_entry_too_large"  // max (bytes)
	CodeArchiveTooLarge      = "archive_too_large"        // max (bytes)
	CodeArchiveRatio         = "archive_ratio"            // max
	CodeArchiveOverlap       = "archive_overlap"          // other
	CodeArchiveTwice         = "archive_entry_twice"      // other
	CodeArchiveEncoding      = "archive_name_not_utf8"    // none
	CodeArchiveAbsolute      = "archive_absolute_path"    // none
	CodeArchiveClimbs        = "archive_climbing_path"    // none
	CodeArchiveBackslash     = "archive_backslash"        // none
	CodeArchiveName          = "archive_name_invalid"     // none
	CodeArchiveLink          = "archive_link"             // none
	CodeReportCreated        = "import_created"           // document, locale, slug
	CodeReportChanged        = "import_changed"           // document, locale, slug
	CodeReportUnchanged      = "import_unchanged"         // document, locale, slug
	CodeReportField          = "import_field"             // field, before, after
	CodeReportIgnored        = "import_ignored_key"       // key, count
	CodeReportSummary        = "import_summary"           // documents, created, changed, unchanged, refused, ignored
	CodeReportDryRun         = "import_dry_run"           // none
	CodeReportMediaAdded     = "import_media_added"       // none
	CodeReportMediaUnchanged = "import_media_unchanged"   // none
	CodeReportStopped        = "import_media_stopped"     // none
)

// Codes lists them, so that another package can prove that each has a message
// in each language.
var Codes = []string{
	CodeFileTooLarge, CodeItemTooLong, CodeFrontMatterTooLarge, CodeFrontMatterUnclosed,
	CodeFrontMatterNotKeys, CodeSyntax, CodeYAMLAlias, CodeYAMLTag, CodeYAMLMerge, CodeTooDeep,
	CodeDuplicateKey, CodeInvalidKey, CodeNUL, CodeUnsupportedFile, CodeUnreadable, CodeOutside,
	CodeNotRegular, CodeNothingFound, CodeTooManyImports, CodeSourceChanged, CodeTypeMissing,
	CodeLocaleMissing, CodeTitleMissing, CodeMisspelt, CodeUnknownImportKey, CodeAmbiguousDate,
	CodeKeyTwice, CodeDuplicateVariant, CodeDuplicateSlug, CodeConflictingType, CodeSharedConflict,
	CodeReferenceCycle, CodeTranslationOfWhat, CodeUnknownWorkState, CodeCSVHeader, CodeMappingTarget,
	CodeMappingPattern, CodeDanglingReference, CodeExportNotEmpty,
	CodeAddressInvalid, CodeAddressRefused, CodeAddressUnreachable, CodeAddressRedirects, CodeAddressSlow, CodeAddressTooLarge, CodeAddressStatus, CodeAddressPage,
	CodeArchiveDamaged, CodeArchiveEncrypted, CodeArchiveMethod, CodeArchiveTooMany, CodeArchiveEntryTooLarge, CodeArchiveTooLarge, CodeArchiveRatio,
	CodeArchiveOverlap, CodeArchiveTwice, CodeArchiveEncoding, CodeArchiveAbsolute, CodeArchiveClimbs, CodeArchiveBackslash, CodeArchiveName, CodeArchiveLink,
	CodeReportCreated, CodeReportChanged,
	CodeReportUnchanged, CodeReportField, CodeReportIgnored, CodeReportSummary, CodeReportDryRun,
	CodeReportMediaAdded, CodeReportMediaUnchanged, CodeReportStopped,
	CodeHSDSCounts, CodeHSDSPages, CodeHSDSRepeated, CodeHSDSDiffers, CodeHSDSID, CodeHSDSNotUUID, CodeHSDSUnknownKey,
	CodeHSDSCycle, CodeHSDSLocale, CodeHSDSNotShown, CodeHSDSMore, CodeHSDSResource, CodeHSDSNumber, CodeHSDSLocales, CodeExportFile, CodeReportQueued,
	CodeHSDSBoth, CodeHSDSTwin, CodeHSDSInside,
}

// Finding is one thing to say about one place of the input.
type Finding struct {
	// Source is the file as the user named it; Line and Column count from 1 and
	// are zero when there is no place to point at.
	Source string
	Line   int
	Column int
	Code   string
	Params map[string]any
}

// Messages turns a code and its parameters into a sentence.
type Messages func(code string, params map[string]any) string

// plainMessages writes the parameters, for logs and tests.
func plainMessages(_ string, params map[string]any) string {
	parts := make([]string, 0, len(params))
	for _, k := range sortedKeys(params) {
		parts = append(parts, fmt.Sprintf("%s=%v", k, params[k]))
	}
	return strings.Join(parts, " ")
}

// String gives "source:line:column: code: message" with the parts that are known.
func (f Finding) String() string { return f.render(plainMessages) }

func (f Finding) render(say Messages) string {
	var b strings.Builder
	b.WriteString(f.place())
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	b.WriteString(f.Code)
	if message := say(f.Code, f.Params); message != "" && message != f.Code {
		b.WriteString(": ")
		b.WriteString(printable(message))
	}
	return b.String()
}

// place gives "source:line:column" with the parts that are known.
func (f Finding) place() string {
	var b strings.Builder
	b.WriteString(printable(f.Source))
	if f.Line > 0 {
		fmt.Fprintf(&b, ":%d", f.Line)
		if f.Column > 0 {
			fmt.Fprintf(&b, ":%d", f.Column)
		}
	}
	return b.String()
}

// printable keeps what came from a file from writing on the terminal. The first
// strong isolate stays: package messages sets it around values that run against
// the sentence, and it reorders nothing outside itself.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 || r >= 0x202a && r <= 0x202e || r == 0x2066 || r == 0x2067 {
			return '\uFFFD'
		}
		return r
	}, s)
}

// Error makes an error of a finding, for what stops a whole import or export.
type Error struct{ Finding Finding }

func (e *Error) Error() string { return e.Finding.String() }

// Problem gives the error to the package that words it for people.
func (e *Error) Problem() *content.Problem {
	return &content.Problem{Class: content.Invalid, Code: e.Finding.Code, Params: e.Finding.Params}
}

// fault is a finding that does not know its file yet.
type fault struct {
	at     place
	code   string
	params map[string]any
}

func (f *fault) Error() string { return f.code }

// in makes a finding of it, in a file.
func (f *fault) in(source string) Finding {
	return Finding{source, f.at.line, f.at.column, f.code, f.params}
}

func faultAt(at place, code string, params ...any) *fault {
	f := &fault{at: at, code: code}
	if len(params) > 0 {
		f.params = make(map[string]any, len(params)/2)
		for i := 0; i+1 < len(params); i += 2 {
			v := params[i+1]
			if s, ok := v.(string); ok {
				v = echo(s)
			}
			f.params[params[i].(string)] = v
		}
	}
	return f
}

// echo shortens a value that a message repeats.
func echo(s string) string {
	const longest = 80
	n := 0
	for i := range s {
		if n == longest {
			return printable(s[:i]) + "…"
		}
		n++
	}
	return printable(strings.ToValidUTF8(s, "\uFFFD"))
}

// issueFaults places the issues of a field by the tree it was read from.
func issueFaults(issues []schemas.Issue, locate func(pointer string) place) []*fault {
	out := make([]*fault, 0, len(issues))
	for _, is := range issues {
		at := place{is.Line, is.Column}
		if at.line == 0 {
			at = locate(is.Path)
		}
		params := is.Params
		if is.Path != "" && params["field"] == nil {
			params = withParam(params, "field", strings.TrimPrefix(is.Path, "/"))
		}
		out = append(out, &fault{at: at, code: is.Code, params: params})
	}
	return out
}

func withParam(params map[string]any, key string, value any) map[string]any {
	out := make(map[string]any, len(params)+1)
	for k, v := range params {
		out[k] = v
	}
	out[key] = value
	return out
}
