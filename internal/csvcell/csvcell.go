// Package csvcell makes text safe for a cell of a CSV file that a person opens
// in a spreadsheet.
//
// A spreadsheet takes a cell for a formula by how it begins, quoted or not, and
// a formula can send the other cells to a stranger or start a program. What
// people wrote must never reach it as one (OWASP, "CSV Injection"; CWE-1236).
package csvcell

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Safe gives the text with an apostrophe before it when it begins, after any
// spaces and invisible characters, with = + - @ or one of their full-width
// forms, or begins with a tab or a line's end. Other text stays as it is, and so
// does what Safe gave. A number that the program itself computed needs no Safe:
// a negative one would become text.
func Safe(cell string) string {
	for _, r := range cell {
		switch {
		case strings.ContainsRune("=+-@＝＋－＠", r), r == '\t', r == '\r', r == '\n':
			return "'" + cell
		case r == utf8.RuneError, unicode.IsSpace(r), unicode.Is(unicode.Cf, r), unicode.IsControl(r):
			// A spreadsheet may skip it: look at the next one.
		default:
			return cell
		}
	}
	return cell
}
