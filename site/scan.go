package site

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/prassi-cms/prassi/catalog"
)

// text gives a JSON string; what is no string is empty.
func text(v []byte) string {
	if len(v) < 2 || v[0] != '"' {
		return ""
	}
	if bytes.IndexByte(v, '\\') < 0 {
		return string(v[1 : len(v)-1])
	}
	return unquote(v)
}

// unquote reads a string with escapes. Those that the catalogue writes often are
// read here, anything else by encoding/json.
func unquote(v []byte) string {
	out := make([]byte, 0, len(v))
	for rest := v[1 : len(v)-1]; ; {
		i := bytes.IndexByte(rest, '\\')
		if i < 0 {
			return string(append(out, rest...))
		}
		out = append(out, rest[:i]...)
		if i+1 >= len(rest) {
			return ""
		}
		switch c := rest[i+1]; c {
		case 'n':
			out = append(out, '\n')
		case '"', '\\', '/':
			out = append(out, c)
		case 't':
			out = append(out, '\t')
		case 'r':
			out = append(out, '\r')
		default:
			var s string
			if json.Unmarshal(v, &s) != nil {
				return ""
			}
			return s
		}
		rest = rest[i+2:]
	}
}

func float(v []byte) (f float64, ok bool) {
	f, err := strconv.ParseFloat(string(v), 64)
	return f, err == nil
}

// members and elements read what the catalogue wrote; what cannot be read is left
// out, as a page says less rather than nothing.
func members(object []byte, f func(key string, value []byte)) {
	if len(object) == 0 || object[0] != '{' {
		return
	}
	_ = catalog.Members(object, func(key string, value []byte) error {
		f(key, value)
		return nil
	})
}

func elements(array []byte, f func(value []byte)) { catalog.Elements(array, f) }

// each calls f with the elements of an array, or with the one value that is none.
func each(v []byte, f func(value []byte)) {
	switch {
	case len(v) == 0:
	case v[0] == '[':
		elements(v, f)
	default:
		f(v)
	}
}

// member gives the text of one key of an object.
func member(object []byte, name string) (s string) {
	members(object, func(key string, value []byte) {
		if key == name {
			s = text(value)
		}
	})
	return s
}
