package interchange

import (
	"strings"

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
