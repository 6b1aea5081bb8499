package catalog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// writer appends JSON with its keys in the order of the calls. Nothing is
// escaped for HTML: the answers are application/json.
type writer struct {
	b     []byte
	first bool
	err   error
}

func (w *writer) open(c byte) {
	w.b = append(w.b, c)
	w.first = true
}

func (w *writer) close(c byte) {
	w.b = append(w.b, c)
	w.first = false
}

// comma goes before every element but the first.
func (w *writer) comma() {
	if !w.first {
		w.b = append(w.b, ',')
	}
	w.first = false
}

func (w *writer) key(k string) {
	w.comma()
	w.b = appendString(w.b, k)
	w.b = append(w.b, ':')
}

// object and array write a value between brackets.
func (w *writer) object(f func()) {
	w.open('{')
	f()
	w.close('}')
}

func (w *writer) array(f func()) {
	w.open('[')
	f()
	w.close(']')
}

func (w *writer) string(s string) { w.b = appendString(w.b, s) }

func (w *writer) pair(k, v string) {
	w.key(k)
	w.string(v)
}

// raw writes a member as it was found.
func (w *writer) raw(key string, value []byte) {
	w.comma()
	w.b = append(append(append(w.b, '"'), key...), '"', ':')
	w.b = append(w.b, value...)
}

// optional writes a pair unless the value is empty.
func (w *writer) optional(k, v string) {
	if v != "" {
		w.pair(k, v)
	}
}

// flag writes true; what is false is not said.
func (w *writer) flag(k string, v bool) {
	if v {
		w.key(k)
		w.b = append(w.b, "true"...)
	}
}

func (w *writer) time(k string, ms int64) {
	w.key(k)
	w.b = append(w.b, '"')
	w.b = time.UnixMilli(ms).UTC().AppendFormat(w.b, time.RFC3339Nano)
	w.b = append(w.b, '"')
}

// value writes anything encoding/json can.
func (w *writer) value(v any) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		w.err = errors.Join(w.err, err)
		w.b = append(w.b, "null"...)
		return
	}
	w.b = append(w.b, bytes.TrimRight(buf.Bytes(), "\n")...)
}

const hexDigits = "0123456789abcdef"

// appendString appends a JSON string. Invalid UTF-8 becomes U+FFFD; the line
// separators U+2028 and U+2029 are escaped, as JavaScript once needed.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= 0x20 && c != '"' && c != '\\' {
				i++
				continue
			}
			b = append(b, s[from:i]...)
			switch c {
			case '"', '\\':
				b = append(b, '\\', c)
			case '\n':
				b = append(b, '\\', 'n')
			case '\r':
				b = append(b, '\\', 'r')
			case '\t':
				b = append(b, '\\', 't')
			default:
				b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
			}
			i++
			from = i
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			b = append(append(b, s[from:i]...), "\ufffd"...)
		case r == '\u2028', r == '\u2029':
			b = append(append(b, s[from:i]...), '\\', 'u', '2', '0', '2', hexDigits[r&15])
		default:
			i += n
			continue
		}
		i += n
		from = i
	}
	b = append(b, s[from:]...)
	return append(b, '"')
}

var errJSON = errors.New("catalog: not a JSON object")

// members calls f with every member of a JSON object: the key as it is written,
// without its quotation marks, and the value's bytes.
func members(obj []byte, f func(key string, value []byte) error) error {
	i := space(obj, 0)
	if i >= len(obj) || obj[i] != '{' {
		return errJSON
	}
	i = space(obj, i+1)
	if i < len(obj) && obj[i] == '}' {
		return nil
	}
	for {
		end := skipString(obj, i)
		if end < 0 {
			return errJSON
		}
		key := string(obj[i+1 : end-1])
		i = space(obj, end)
		if i >= len(obj) || obj[i] != ':' {
			return errJSON
		}
		i = space(obj, i+1)
		end = skipValue(obj, i)
		if end < 0 {
			return errJSON
		}
		if err := f(key, obj[i:end]); err != nil {
			return err
		}
		i = space(obj, end)
		if i >= len(obj) {
			return errJSON
		}
		if obj[i] == '}' {
			return nil
		}
		if obj[i] != ',' {
			return errJSON
		}
		i = space(obj, i+1)
	}
}

func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// skipString gives the place after the string that begins at i, or -1.
func skipString(b []byte, i int) int {
	if i >= len(b) || b[i] != '"' {
		return -1
	}
	from := i + 1
	for i = from; ; i++ {
		j := bytes.IndexByte(b[i:], '"')
		if j < 0 {
			return -1
		}
		i += j
		slashes := 0
		for i-slashes > from && b[i-slashes-1] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return i + 1
		}
	}
}

// skipValue gives the place after the value that begins at i, or -1. It matches
// brackets and strings and leaves the rest unchecked.
func skipValue(b []byte, i int) int {
	if i >= len(b) {
		return -1
	}
	switch b[i] {
	case '"':
		return skipString(b, i)
	case '{', '[':
		depth := 0
		for i < len(b) {
			switch b[i] {
			case '"':
				if i = skipString(b, i); i < 0 {
					return -1
				}
				continue
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
			i++
		}
		return -1
	}
	start := i
	for i < len(b) && !strings.ContainsRune(",}] \n\t\r", rune(b[i])) {
		i++
	}
	if i == start {
		return -1
	}
	return i
}

// projection says which keys of an item to keep.
type projection struct {
	top map[string]bool
	// fields are the names asked for below "fields"; nil when none or when the
	// whole is kept.
	fields map[string]bool
}

// always are the keys that every projection keeps.
var always = [...]string{"id", "type", "slug", "locale"}

func project(names []string) *projection {
	p := &projection{top: map[string]bool{}}
	for _, k := range always {
		p.top[k] = true
	}
	for _, n := range names {
		if name, ok := strings.CutPrefix(n, "fields."); ok {
			if p.fields == nil {
				p.fields = map[string]bool{}
			}
			p.fields[name] = true
			continue
		}
		p.top[n] = true
	}
	return p
}

// append appends the kept part of an item.
func (p *projection) append(dst, item []byte) ([]byte, error) {
	w := writer{b: dst}
	w.open('{')
	err := members(item, func(key string, value []byte) error {
		switch {
		case p.top[key]:
			w.raw(key, value)
		case key == "fields" && p.fields != nil:
			w.key(key)
			w.open('{')
			err := members(value, func(name string, v []byte) error {
				if p.fields[name] {
					w.raw(name, v)
				}
				return nil
			})
			w.close('}')
			return err
		}
		return nil
	})
	w.close('}')
	if err != nil {
		return dst, fmt.Errorf("sparse: %w", err)
	}
	return w.b, nil
}

// Sparse keeps of an item's JSON, long or short, the keys id, type, slug and
// locale and those named: top-level keys, or "fields.NAME" for one field. Keys
// stay in their order; names that the item lacks are passed over. The item is
// expected well formed; what is not an object is an error.
func Sparse(item []byte, fields []string) ([]byte, error) {
	return project(fields).append(make([]byte, 0, 256), item)
}
