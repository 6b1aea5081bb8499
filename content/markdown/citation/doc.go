// Package citation finds legal references in plain text and gives each an
// identifier that a machine can follow.
//
// How a text is read:
//
//  1. Find walks the text once, word by word, and looks each word up in a
//     small table of triggers (find.go). Words that cannot begin a citation
//     cost one map lookup; there is no regular expression.
//  2. A trigger starts a little recursive-descent parser at that place. It
//     reads either a literal identifier (literal.go: URN:NIR, ELI, CELEX,
//     ECLI), or a chain of partitions such as "artt. 4, comma 2, e 5-bis"
//     (partition.go) that must be tied to an act, or an act alone: a national
//     one (act.go), one known by its name (named.go), one of a ministry or
//     region (authority.go), one of the European Union (union.go).
//  3. Whatever was read becomes one Reference for each partition. Where the
//     words name no act that can be told from every other ("art. 5 del
//     bando", "legge n. 40", "L. 20.000") nothing comes out.
//
// Every lookahead has a fixed bound, and a chain that leads nowhere is skipped
// whole, so the time is linear in the length of the text whatever it holds.
//
// # Identifiers
//
// National acts follow URN:NIR as the AIPA circular CR/35 of 6 November 2001
// defines it and as Normattiva resolves it:
//
//	urn:nir:AUTHORITY:TYPE:DATE;NUMBER[:ANNEX][~artN[-comN][-letX][-numN]]
//
// DATE is the full date when the text gives one that exists, the year alone
// otherwise ("31 febbraio 2010" is read as 2010: the number and the year still
// tell the act). Latin suffixes are joined to the number (art5bis), letters
// are written after "let" (leta). The historical codes carry the annex under
// which Normattiva files them (:2 for the civil code, :1 for the penal code
// and for civil procedure). Acts of the Union have their CELEX number, without
// a partition, which CELEX does not know; judgments their ECLI.
package citation
