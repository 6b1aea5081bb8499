package schemas

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Text is a short text in several languages, keyed by BCP 47 tag: a label or a
// help text of the interface.
type Text map[string]string

// fallbacks are tried in this order when a text lacks the locale asked for.
var fallbacks = []string{"it", "en"}

// In answers the text in a locale: the exact tag, then its parents (zh-Hans →
// zh), then Italian, then English, then the first tag in alphabetical order.
// The text of a nil Text is empty.
func (t Text) In(locale string) string {
	for tag := locale; tag != ""; {
		if s, ok := t[tag]; ok {
			return s
		}
		i := strings.LastIndexByte(tag, '-')
		if i < 0 {
			break
		}
		tag = tag[:i]
	}
	for _, tag := range fallbacks {
		if s, ok := t[tag]; ok {
			return s
		}
	}
	first := ""
	for tag := range t {
		if first == "" || tag < first {
			first = tag
		}
	}
	return t[first]
}

// Equal reports whether two texts say the same in the same languages.
func (t Text) Equal(o Text) bool {
	if len(t) != len(o) {
		return false
	}
	for tag, s := range t {
		if o[tag] != s {
			return false
		}
	}
	return true
}

// Locales lists the languages of the text in alphabetical order.
func (t Text) Locales() []string {
	tags := make([]string, 0, len(t))
	for tag := range t {
		tags = append(tags, tag)
	}
	slices.Sort(tags)
	return tags
}

var tagPattern = regexp.MustCompile(`^[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?$`)

// UnmarshalYAML checks that keys are language tags and that no text is empty or
// hides control characters.
func (t *Text) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.MappingNode {
		return lineErrorf(n, "a text is a mapping from language to words")
	}
	// Merging onto an inherited text must not change the original.
	out := make(Text, len(*t)+len(n.Content)/2)
	for k, v := range *t {
		out[k] = v
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if !tagPattern.MatchString(k.Value) {
			return lineErrorf(k, "%q is not a language tag", k.Value)
		}
		s, issues := cleanLine(v.Value)
		if v.Kind != yaml.ScalarNode || s == "" || issues != nil {
			return lineErrorf(v, "the text in %q is empty or not plain", k.Value)
		}
		out[k.Value] = s
	}
	*t = out
	return nil
}

// lineError is a fault at a line of a declaration file.
type lineError struct {
	line int
	msg  string
}

func (e *lineError) Error() string { return fmt.Sprintf("line %d: %s", e.line, e.msg) }

func lineErrorf(n *yaml.Node, format string, args ...any) error {
	line := 1
	if n != nil && n.Line > 0 {
		line = n.Line
	}
	return &lineError{line, fmt.Sprintf(format, args...)}
}
