package interchange

import (
	"strings"

	"github.com/prassi-cms/prassi/internal/csvcell"
	"github.com/prassi-cms/prassi/schemas"
)

// cellValue gives a CSV cell the shape of its field: a list is written with |
// or ; between its items, anything with more structure as JSON.
func cellValue(f *schemas.Field, n node) (node, *fault) {
	if n.kind != scalarNode {
		return n, nil
	}
	text := strings.TrimSpace(n.text)
	if f.Parts != nil && (strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[")) || f.Repeated && strings.HasPrefix(text, "[") {
		return readJSON([]byte(text), n.at)
	}
	if !f.Repeated {
		return n, nil
	}
	list := node{kind: listNode, at: n.at}
	for _, part := range strings.FieldsFunc(text, func(c rune) bool { return c == '|' || c == ';' }) {
		if part = strings.TrimSpace(part); part != "" {
			list.items = append(list.items, scalar(part, n.at))
		}
	}
	return list, nil
}

// A cell that a spreadsheet would take for a formula is written with an
// apostrophe before it (internal/csvcell). guard and unguard are each other's
// inverse on every text: an apostrophe that was there already is kept apart.

func guard(cell string) string {
	if guarded(cell) {
		return "'" + cell
	}
	return cell
}

func unguard(cell string) string {
	if rest, ok := strings.CutPrefix(cell, "'"); ok && guarded(rest) {
		return rest
	}
	return cell
}

// guarded says that a text is written with an apostrophe before it.
func guarded(cell string) bool {
	return csvcell.Safe(strings.TrimLeft(cell, "'")) != strings.TrimLeft(cell, "'")
}
