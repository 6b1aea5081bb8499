// Package search is the contract of full-text search: what a document is to an
// engine, what may be asked, what is answered, and the rules of language that
// every engine shares. Engines are packages below (bleveindex embedded,
// meiliindex a server); searchtest is the suite that each of them passes.
//
// # The flow of a change
//
//	published variant ──▶ Document ──▶ Index.Apply (batch + position in the log, atomic)
//	                                      └─ lost or damaged: Index.Rebuild beside the live one, then a swap
//
// A Document is one variant (a document in one locale) in plain text with the
// facts that filters, facets and the map use. Everything an index holds can be
// made again from the catalogue, so an index is disposable. The position of the
// last change is stored together with it: a consumer continues after
// Index.Position, and repeating a change does no harm.
//
// # The flow of a question
//
//	Query ──▶ Settings.Check (bounds, known names)   ──▶ Issues, or a query in one form
//	      ──▶ Parse (quotes, exclusions, acts)       ──▶ Parsed: words, never an engine's syntax
//	      ──▶ Settings.Plan (stop words, synonyms)   ──▶ Units for one locale
//	      ──▶ the engine                             ──▶ Result: hits, facets, why
//
// No character of a query means anything to an engine: the parser of this
// package knows quotes and a leading hyphen, all the rest is words.
//
// # Words
//
// [Tokens] cuts a text into words and folds each: lower case, without accents,
// Arabic without marks and tatweel and with one form of alef, yeh, kaf and heh
// (so Persian and Urdu letters agree), Bengali with one form for vowels that
// are confused, digits of all scripts as 0 to 9, Chinese and Japanese as
// overlapping pairs of characters. Folding is the same in every locale; what
// depends on the language (stems, stop words, synonyms) is data in language.go
// and schemas/synonyms.
//
// # Matching
//
// Each word of a query must be found, in any of its forms. A form is the word,
// another with the same stem, a longer one when the word is the last and still
// being typed, a synonym, and, when none of these exists in the locale, a word
// at the edit distance that [TyposAllowed] grants. If no document has all the
// words, those that have the most (at least half) are found and
// [Result.Relaxed] says so. A document answers with one variant: the first
// locale of [Query.Locales] in which it is published.
package search
