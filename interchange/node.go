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
	kind  nodeKind
	text  string
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
