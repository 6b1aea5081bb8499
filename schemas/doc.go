// Package schemas declares what Prassi publishes: content types and their
// fields, the kinds a field may have, taxonomies, locales and territories. The
// declarations are data (YAML and CSV files beside this one, embedded in the
// binary); the Go code reads them, checks them and applies them.
//
// # Flow
//
// [Load] reads a file system once and refuses it whole when anything is wrong,
// naming the file and the line. It answers an immutable [Registry], safe for
// concurrent use; [Default] is the registry of the embedded files.
//
// A document's fields enter through [Type.Parse] and through nothing else. It
// takes what a JSON or YAML decoder gives, and answers [Values] in canonical
// form (text in NFC, territories as ISTAT codes, languages as BCP 47 tags,
// numbers as float64, amounts as decimal strings), or a list of [Issue]: a path,
// a stable code and parameters, never a sentence. Canonical values encode to
// the same JSON bytes every time, and parsing them again changes nothing, so
// they can be hashed and compared.
//
// Parse asks whether values are well formed. Whether enough is there is asked
// apart, by [Type.Missing], because a draft may be incomplete and a published
// item may not. [Type.Split] divides values into those that all variants of a
// document share and those that each locale has for itself.
//
// What the public may know of values is asked of [Type.Public], which hides where
// the places of a private document are.
//
// JSON Schema ([Registry.JSONSchema]), forms, search settings and the site's
// data derive from the same declarations.
//
// # Files
//
//	types/NAME.yaml        one content type a file; adding one adds a type
//	fields.yaml            fields and form sections that several types use
//	kinds.yaml             labels of the parts of structured kinds
//	locales.yaml           locales that content may be written in
//	taxonomies/NAME.yaml   closed lists of terms with labels and aliases
//	freshness.yaml         how long the facts of a type stay true unconfirmed
//	holidays.yaml          public holidays of Italy, read by package hours
//	synonyms/*.yaml        words that mean the same, read by package search
//	territories/*.csv      regions and provinces of Italy
//	territories/*.topojson the shapes of the provinces
//	workflows/NAME.yaml    read by package content/workflow
//
// A field kind is one Go file, kind_NAME.go, in the list of kinds.go.
package schemas
