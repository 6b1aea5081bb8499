package messages

import (
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/bidi"
)

// Bounds of what a parameter adds to a sentence.
const (
	maxValue = 200 // characters of one value
	maxItems = 12  // values of one list
)

// Text gives the sentence of a code in a locale, with its placeholders filled;
// in English where the locale has none; the code itself where nobody has.
//
// Params may be strings, numbers and lists of these, of any named type. They are
// shown as plain text of bounded length: numbers without grouping, lists joined
// as the language joins them, control characters as spaces. What is missing or
// of another type takes the words that need it away. The answer is plain text,
// not HTML.
func Text(locale, code string, params map[string]any) string {
	c, m := lookup(locale, code)
	switch {
	case m == nil:
		return code
	case len(m.parts) == 0:
		return m.text
	case len(params) == 0:
		return m.text
	}
	var b strings.Builder
	for _, p := range m.parts {
		if len(p.params) == 0 {
			b.WriteString(p.text)
			continue
		}
		c.fill(&b, p, params)
	}
	return b.String()
}

// Title gives the short title of a code, which is the same for every occurrence
// (RFC 9457, section 3.1.4): the sentence without parameters where there is no
// title, the code itself where there is neither.
func Title(locale, code string) string {
	_, m := lookup(locale, code)
	switch {
	case m == nil:
		return code
	case m.title == "":
		return m.text
	}
	return m.title
}

// fill writes what stood in brackets, if all its parameters are there.
func (c *catalog) fill(b *strings.Builder, p part, params map[string]any) {
	var room [4]string // more is allowed and allocates
	values := room[:0]
	for _, name := range p.params {
		v := c.value(name.name, params[name.name])
		if form := forms[name.form]; form != nil {
			v = form(c, v)
		}
		if v == "" {
			return
		}
		values = append(values, v)
	}
	from := 0
	for i, name := range p.params {
		b.WriteString(p.text[from:name.at])
		b.WriteString(values[i])
		from = name.at
	}
	b.WriteString(p.text[from:])
}

// value is how a parameter is shown; "" when it cannot be.
func (c *catalog) value(name string, v any) string {
	if list := reflect.ValueOf(v); list.Kind() == reflect.Slice || list.Kind() == reflect.Array {
		items := make([]string, 0, min(list.Len(), maxItems+1))
		for i := range list.Len() {
			if len(items) == maxItems {
				return c.list.join(append(items, "…"))
			}
			if s := c.scalar(name, list.Index(i).Interface()); s != "" {
				items = append(items, s)
			}
		}
		return c.list.join(items)
	}
	return c.scalar(name, v)
}

// scalar is how one value is shown.
func (c *catalog) scalar(name string, v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return c.word(name, v)
	case json.Number:
		return c.word(name, string(v))
	}
	// Named types, without calling methods of theirs.
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.String:
		return c.word(name, r.String())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return c.word(name, strconv.FormatInt(r.Int(), 10))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return c.word(name, strconv.FormatUint(r.Uint(), 10))
	case reflect.Float32, reflect.Float64:
		if x := r.Float(); !math.IsNaN(x) && math.Abs(x) < 1e18 {
			return c.word(name, strconv.FormatFloat(x, 'f', -1, 64))
		}
	}
	return ""
}

// word is what the language calls a value, else the value made fit to be shown.
func (c *catalog) word(name, v string) string {
	if w := c.words[name][v]; w != "" {
		return w
	}
	return isolate(plain(v), c.tag == "ar")
}

// forms are the ways to show a value that is written {name:form}.
var forms = map[string]func(c *catalog, value string) string{"size": (*catalog).size, "time": (*catalog).time}

// time shows an RFC 3339 time as a clock in Italy does; what is none stays as it is.
func (c *catalog) time(v string) string {
	t, err := time.Parse(time.RFC3339, strings.Trim(v, "\u2068\u2069"))
	if err != nil {
		return v
	}
	return isolate(Moment(c.tag, t), c.tag == "ar")
}

// size shows a number of bytes in the largest unit that keeps it whole.
func (c *catalog) size(bytes string) string {
	n, err := strconv.ParseUint(bytes, 10, 64)
	unit := "bytes"
	switch {
	case err != nil:
		return ""
	case n > 0 && n%(1<<20) == 0:
		n, unit = n>>20, "mebibytes"
	case n > 0 && n%(1<<10) == 0:
		n, unit = n>>10, "kibibytes"
	}
	return strconv.FormatUint(n, 10) + " " + c.words["unit"][unit]
}

// plain makes any text one short line: valid UTF-8 without control characters
// and without the marks that turn the direction of what follows.
func plain(s string) string {
	clean := len(s) <= maxValue
	for i := 0; clean && i < len(s); i++ {
		clean = s[i] >= ' ' && s[i] < 0x7f
	}
	if clean {
		return strings.TrimSpace(s)
	}
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n == maxValue {
			b.WriteRune('…')
			break
		}
		n++
		switch {
		case unicode.Is(unicode.Bidi_Control, r):
		case unicode.IsControl(r), r == '\u2028', r == '\u2029':
			b.WriteByte(' ')
		default:
			b.WriteRune(r) // utf8.RuneError for what is not UTF-8
		}
	}
	return strings.TrimSpace(b.String())
}

// isolate keeps a value that may run against the sentence from turning the words
// around it (Unicode Standard Annex 9, section 2.7).
func isolate(s string, rightToLeft bool) string {
	const open, closing = "\u2068", "\u2069"
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			if rightToLeft && (c < '0' || c > '9') {
				return open + s + closing
			}
			i++
			continue
		}
		p, size := bidi.LookupString(s[i:])
		switch p.Class() {
		case bidi.R, bidi.AL:
			if !rightToLeft {
				return open + s + closing
			}
		default:
			if rightToLeft {
				return open + s + closing
			}
		}
		i += max(size, 1)
	}
	return s
}

// joiner is how a language writes a list.
type joiner struct {
	separator, last string
	before          map[string]string // last, before a word that begins so
}

func (j joiner) join(items []string) string {
	switch len(items) {
	case 0:
		return ""
	case 1:
		return items[0]
	}
	end := items[len(items)-1]
	last, longest := j.last, 0
	for prefix, other := range j.before {
		if len(prefix) > longest && len(end) >= len(prefix) && strings.EqualFold(end[:len(prefix)], prefix) {
			last, longest = other, len(prefix)
		}
	}
	return strings.Join(items[:len(items)-1], j.separator) + last + end
}
