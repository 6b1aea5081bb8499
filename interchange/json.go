package interchange

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// jsonReader reads JSON (RFC 8259) into a tree. It is stricter than
// encoding/json where that one guesses: repeated keys, lone surrogates and
// control characters are refused, and every value knows its place.
//
// The text must be valid UTF-8; checkText has seen to it.
type jsonReader struct {
	data []byte
	pos  int
	// line and column belong to seen, a position not after pos.
	line, column, seen int
}

// readJSON reads one value and requires that nothing follows. start is the
// place of data's first byte in its file.
func readJSON(data []byte, start place) (node, *fault) {
	r := &jsonReader{data: data, line: start.line, column: start.column}
	n, bad := r.value(1)
	if bad != nil {
		return node{}, bad
	}
	r.space()
	if r.pos < len(r.data) {
		return node{}, r.wrong("text after the value")
	}
	return n, nil
}

// place counts lines and characters up to the present position.
func (r *jsonReader) place() place {
	part := r.data[r.seen:r.pos]
	if i := bytes.LastIndexByte(part, '\n'); i >= 0 {
		r.line += bytes.Count(part, []byte{'\n'})
		r.column = 1
		part = part[i+1:]
	}
	r.column += utf8.RuneCount(part)
	r.seen = r.pos
	return place{r.line, r.column}
}

func (r *jsonReader) wrong(detail string) *fault {
	return faultAt(r.place(), CodeSyntax, "notation", "JSON", "detail", detail)
}

func (r *jsonReader) space() {
	for r.pos < len(r.data) {
		switch r.data[r.pos] {
		case ' ', '\t', '\r', '\n':
			r.pos++
		default:
			return
		}
	}
}

func (r *jsonReader) peek() byte {
	if r.pos < len(r.data) {
		return r.data[r.pos]
	}
	return 0
}

func (r *jsonReader) value(depth int) (node, *fault) {
	r.space()
	at := r.place()
	switch c := r.peek(); {
	case c == '{' || c == '[':
		if depth > MaxDepth {
			return node{}, faultAt(at, CodeTooDeep, "max", MaxDepth)
		}
		if c == '{' {
			return r.object(at, depth)
		}
		return r.list(at, depth)
	case c == '"':
		s, bad := r.text()
		return scalar(s, at), bad
	case c == '-' || c >= '0' && c <= '9':
		return r.number(at)
	}
	for _, word := range []string{"true", "false", "null"} {
		if bytes.HasPrefix(r.data[r.pos:], []byte(word)) {
			r.pos += len(word)
			if word == "null" {
				return node{at: at}, nil
			}
			return node{kind: scalarNode, text: word, at: at, bare: true}, nil
		}
	}
	return node{}, r.wrong("a value was expected")
}

func (r *jsonReader) object(at place, depth int) (node, *fault) {
	n := node{kind: objectNode, at: at}
	var seen map[string]bool // only for large objects
	r.pos++
	for first := true; ; first = false {
		r.space()
		if r.peek() == '}' {
			r.pos++
			return n, nil
		}
		if !first {
			if r.peek() != ',' {
				return node{}, r.wrong("a comma or } was expected")
			}
			r.pos++
			r.space()
		}
		if r.peek() != '"' {
			return node{}, r.wrong("a key in double quotes was expected")
		}
		keyAt := r.place()
		key, bad := r.text()
		if bad != nil {
			return node{}, bad
		}
		twice := false
		if len(n.pairs) < 32 {
			twice = n.get(key) != nil
		} else {
			if seen == nil {
				seen = map[string]bool{}
				for _, p := range n.pairs {
					seen[p.key] = true
				}
			}
			twice = seen[key]
			seen[key] = true
		}
		if twice {
			return node{}, faultAt(keyAt, CodeDuplicateKey, "key", key)
		}
		r.space()
		if r.peek() != ':' {
			return node{}, r.wrong("a colon was expected")
		}
		r.pos++
		v, bad := r.value(depth + 1)
		if bad != nil {
			return node{}, bad
		}
		n.pairs = append(n.pairs, pair{key, keyAt, v})
	}
}

func (r *jsonReader) list(at place, depth int) (node, *fault) {
	n := node{kind: listNode, at: at}
	r.pos++
	for first := true; ; first = false {
		r.space()
		if r.peek() == ']' {
			r.pos++
			return n, nil
		}
		if !first {
			if r.peek() != ',' {
				return node{}, r.wrong("a comma or ] was expected")
			}
			r.pos++
		}
		v, bad := r.value(depth + 1)
		if bad != nil {
			return node{}, bad
		}
		n.items = append(n.items, v)
	}
}

// number keeps the digits as written.
func (r *jsonReader) number(at place) (node, *fault) {
	start := r.pos
	digits := func() bool {
		from := r.pos
		for c := r.peek(); c >= '0' && c <= '9'; c = r.peek() {
			r.pos++
		}
		return r.pos > from
	}
	if r.peek() == '-' {
		r.pos++
	}
	zero := r.peek() == '0'
	from := r.pos
	if !digits() || zero && r.pos > from+1 {
		return node{}, r.wrong("not a number")
	}
	if r.peek() == '.' {
		r.pos++
		if !digits() {
			return node{}, r.wrong("not a number")
		}
	}
	if c := r.peek(); c == 'e' || c == 'E' {
		r.pos++
		if c := r.peek(); c == '+' || c == '-' {
			r.pos++
		}
		if !digits() {
			return node{}, r.wrong("not a number")
		}
	}
	return node{kind: scalarNode, text: string(r.data[start:r.pos]), at: at, bare: true}, nil
}

// text reads a string in double quotes.
func (r *jsonReader) text() (string, *fault) {
	r.pos++
	start := r.pos
	for r.pos < len(r.data) && r.data[r.pos] != '"' && r.data[r.pos] != '\\' && r.data[r.pos] >= 0x20 {
		r.pos++
	}
	if r.peek() == '"' {
		r.pos++
		return string(r.data[start : r.pos-1]), nil
	}
	out := append([]byte(nil), r.data[start:r.pos]...)
	for r.pos < len(r.data) {
		switch c := r.data[r.pos]; {
		case c == '"':
			r.pos++
			return string(out), nil
		case c < 0x20:
			return "", r.wrong("a control character or line end inside a string")
		case c != '\\':
			out = append(out, c)
			r.pos++
		default:
			var bad *fault
			if out, bad = r.escape(out); bad != nil {
				return "", bad
			}
		}
	}
	return "", r.wrong("a string is not closed")
}

var jsonEscapes = map[byte]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

func (r *jsonReader) escape(out []byte) ([]byte, *fault) {
	if r.pos+1 >= len(r.data) {
		return nil, r.wrong("a string is not closed")
	}
	c := r.data[r.pos+1]
	if plain, ok := jsonEscapes[c]; ok {
		r.pos += 2
		return append(out, plain), nil
	}
	u, ok := r.hex()
	if c != 'u' || !ok {
		return nil, r.wrong("an unknown escape")
	}
	switch {
	case u == 0:
		return nil, faultAt(r.place(), CodeNUL)
	case !utf16.IsSurrogate(u):
		r.pos += 6
	default:
		first := u
		here := r.pos
		r.pos += 6
		second, ok := r.hex()
		u = utf16.DecodeRune(first, second)
		if !ok || u == utf8.RuneError {
			r.pos = here
			return nil, r.wrong("half a surrogate pair")
		}
		r.pos += 6
	}
	return utf8.AppendRune(out, u), nil
}

// hex reads \uXXXX at the present position.
func (r *jsonReader) hex() (rune, bool) {
	if r.pos+6 > len(r.data) || r.data[r.pos] != '\\' || r.data[r.pos+1] != 'u' {
		return 0, false
	}
	u, err := strconv.ParseUint(string(r.data[r.pos+2:r.pos+6]), 16, 32)
	return rune(u), err == nil
}
