package interchange

import "strconv"

// place is a position in a file. Lines and columns count from 1; columns count
// characters. The zero place is unknown.
type place struct{ line, column int }

type nodeKind uint8

const (
	nullNode nodeKind = iota
	scalarNode
	listNode
	objectNode
)

// node is a value as it stood in the file, whatever the notation: the readers
// of YAML, TOML, JSON and CSV all make one tree. A scalar keeps the characters
// that were written, so that a territory 015 does not become the number 13; what
// it means is decided by the field it goes into.
type node struct {
	kind nodeKind
	text string
	// bare says that JSON had a number or a boolean here and not a text.
	bare  bool
	at    place
	items []node
	pairs []pair
}

// pair is one key of an object with its value.
type pair struct {
	key   string
	at    place
	value node
}

func scalar(text string, at place) node { return node{kind: scalarNode, text: text, at: at} }

// get finds a key of an object; nil when there is none.
func (n *node) get(key string) *pair {
	for i := range n.pairs {
		if n.pairs[i].key == key {
			return &n.pairs[i]
		}
	}
	return nil
}

// value gives what a decoder would: strings, []any, map[string]any and nil.
func (n *node) value() any {
	switch n.kind {
	case scalarNode:
		return n.text
	case listNode:
		out := make([]any, len(n.items))
		for i := range n.items {
			out[i] = n.items[i].value()
		}
		return out
	case objectNode:
		out := make(map[string]any, len(n.pairs))
		for i := range n.pairs {
			out[n.pairs[i].key] = n.pairs[i].value.value()
		}
		return out
	}
	return nil
}

// typed gives what encoding/json would: numbers as float64. The error is that
// of a number that no float64 holds.
func (n *node) typed() (any, error) {
	switch {
	case n.kind == scalarNode && n.bare && n.text == "true", n.kind == scalarNode && n.bare && n.text == "false":
		return n.text == "true", nil
	case n.kind == scalarNode && n.bare:
		f, err := strconv.ParseFloat(n.text, 64)
		return f + 0, err // -0 becomes 0
	case n.kind == scalarNode:
		return n.text, nil
	case n.kind == listNode:
		out := make([]any, len(n.items))
		for i := range n.items {
			v, err := n.items[i].typed()
			if err != nil {
				return nil, err
			}
			out[i] = v
		}
		return out, nil
	case n.kind == objectNode:
		out := make(map[string]any, len(n.pairs))
		for i := range n.pairs {
			v, err := n.pairs[i].value.typed()
			if err != nil {
				return nil, err
			}
			out[n.pairs[i].key] = v
		}
		return out, nil
	}
	return nil, nil
}

// words lists the text of a scalar or of a list of scalars.
func (n *node) words() []string {
	switch n.kind {
	case scalarNode:
		return []string{n.text}
	case listNode:
		var out []string
		for i := range n.items {
			if n.items[i].kind == scalarNode {
				out = append(out, n.items[i].text)
			}
		}
		return out
	}
	return nil
}

// find follows the steps of a JSON Pointer as far as the tree goes and gives
// the place of the last value reached.
func (n *node) find(steps []string) place {
	at := n.at
	for _, step := range steps {
		switch n.kind {
		case objectNode:
			p := n.get(step)
			if p == nil {
				return at
			}
			n = &p.value
		case listNode:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(n.items) {
				return at
			}
			n = &n.items[i]
		default:
			return at
		}
		if n.at.line != 0 {
			at = n.at
		}
	}
	return at
}
