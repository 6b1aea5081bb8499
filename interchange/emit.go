package interchange

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
)

// entry is a key of an exported variant with its value: string, bool,
// json.Number, []any or map[string]any.
type entry struct {
	key   string
	value any
	// order lists the keys of objects in the value, as the field declares them.
	order []string
}

// writeYAML writes front matter. The form is fixed here and not left to a
// library, so that the same content has the same bytes after every upgrade:
// block style, two spaces, plain words where they cannot be mistaken, literal
// blocks for text of several lines, everything else in double quotes.
func writeYAML(b *strings.Builder, entries []entry) {
	for _, e := range entries {
		b.WriteString(e.key)
		b.WriteByte(':')
		writeYAMLValue(b, e.value, e.order, 1)
	}
}

// writeYAMLValue writes what follows the colon of a key; depth is the
// indentation of what belongs to it.
func writeYAMLValue(b *strings.Builder, v any, order []string, depth int) {
	indent := strings.Repeat("  ", depth)
	switch v := v.(type) {
	case []any:
		b.WriteByte('\n')
		for _, item := range v {
			b.WriteString(indent + "-")
			if m, ok := item.(map[string]any); ok {
				b.WriteByte(' ')
				writeYAMLObject(b, m, order, depth+1, true)
			} else {
				writeYAMLValue(b, item, order, depth+1)
			}
		}
	case map[string]any:
		b.WriteByte('\n')
		writeYAMLObject(b, v, order, depth, false)
	case string:
		if literal(v) {
			b.WriteString(" |-\n")
			for _, line := range strings.Split(v, "\n") {
				if line != "" {
					b.WriteString(indent + line)
				}
				b.WriteByte('\n')
			}
			return
		}
		b.WriteString(" " + yamlScalar(v) + "\n")
	default:
		fmt.Fprintf(b, " %v\n", v)
	}
}

func writeYAMLObject(b *strings.Builder, m map[string]any, order []string, depth int, inline bool) {
	for i, key := range objectKeys(m, order) {
		if i > 0 || !inline {
			b.WriteString(strings.Repeat("  ", depth))
		}
		b.WriteString(yamlScalar(key) + ":")
		writeYAMLValue(b, m[key], nil, depth+1)
	}
}

// attributesText writes an object of another system for a notation in which text
// and numbers look alike: as JSON, one member a line, in characters that can
// stand in a literal block.
func attributesText(o map[string]any) string {
	var b strings.Builder
	b.WriteString("{")
	for i, key := range sortedKeys(o) {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
		// What was decoded from JSON can be written.
		_ = writeJSONValue(&b, key, nil)
		b.WriteByte(':')
		_ = writeJSONValue(&b, o[key], nil)
	}
	b.WriteString("\n}")
	text := b.String()
	if !strings.ContainsFunc(text, func(r rune) bool { return r != '\n' && !visibleInYAML(r) }) {
		return text
	}
	b.Reset()
	for _, r := range text {
		switch {
		case r == '\n' || visibleInYAML(r):
			b.WriteRune(r)
		case r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, hi, lo)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// objectKeys lists the keys of an object: the declared ones in their order, then
// the others by name.
func objectKeys(m map[string]any, order []string) []string {
	out := make([]string, 0, len(m))
	seen := map[string]bool{}
	for _, key := range order {
		if _, ok := m[key]; ok {
			out = append(out, key)
			seen[key] = true
		}
	}
	for _, key := range sortedKeys(m) {
		if !seen[key] {
			out = append(out, key)
		}
	}
	return out
}

// literal says that a text can stand in a literal block and be read back the
// same: several lines, the first with words at its very start, and no character
// that YAML counts as a line end or not at all.
func literal(s string) bool {
	return strings.Contains(s, "\n") && s[0] != ' ' && s[0] != '\t' && s[0] != '\n' && !strings.HasSuffix(s, "\n") &&
		!strings.ContainsFunc(s, func(r rune) bool { return r != '\n' && r != '\t' && !visibleInYAML(r) })
}

func visibleInYAML(r rune) bool {
	switch {
	case r < 0x20, r >= 0x7f && r < 0xa0, r == 0x2028, r == 0x2029, r == 0xfeff, r >= 0xfffe && r <= 0xffff:
		return false
	case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069: // would reorder the file on the screen
		return false
	}
	return true
}

// plainWord is text that no reader of YAML 1.1 or 1.2 takes for anything else.
var plainWord = regexp.MustCompile(`^\p{L}[\p{L}\p{M}\p{N} _./()'’–-]*$`)

var yamlWords = wordSet("true false null yes no on off y n")

func yamlScalar(s string) string {
	if plainWord.MatchString(s) && !strings.HasSuffix(s, " ") && !yamlWords[strings.ToLower(s)] {
		return s
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case visibleInYAML(r) && (r == ' ' || !unicode.IsSpace(r) || r == 0xa0):
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08X`, r)
		default:
			fmt.Fprintf(&b, `\u%04X`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// writeJSON writes one object on one line, with the keys in the same order.
func writeJSON(b *strings.Builder, entries []entry) error {
	b.WriteByte('{')
	for i, e := range entries {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Quote(e.key) + ":")
		if err := writeJSONValue(b, e.value, e.order); err != nil {
			return err
		}
	}
	b.WriteString("}\n")
	return nil
}

func writeJSONValue(b *strings.Builder, v any, order []string) error {
	switch v := v.(type) {
	case []any:
		b.WriteByte('[')
		for i, item := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := writeJSONValue(b, item, order); err != nil {
				return err
			}
		}
		b.WriteByte(']')
		return nil
	case map[string]any:
		b.WriteByte('{')
		for i, key := range objectKeys(v, order) {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := writeJSONValue(b, key, nil); err != nil {
				return err
			}
			b.WriteByte(':')
			if err := writeJSONValue(b, v[key], nil); err != nil {
				return err
			}
		}
		b.WriteByte('}')
		return nil
	}
	var out strings.Builder
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	b.WriteString(strings.TrimSuffix(out.String(), "\n"))
	return nil
}
