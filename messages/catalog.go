package messages

import (
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
)

// Languages are those in which Prassi speaks, the reference language first.
var Languages = []string{"it", "en", "fr", "es", "ar", "zh"}

// fallback speaks where a language has no words.
const fallback = "en"

//go:embed */*.yaml
var files embed.FS

// catalog is one language. It is immutable after load.
type catalog struct {
	tag      string
	messages map[string]*message
	codes    []string
	words    map[string]map[string]string // parameter → value → how it is called
	list     joiner
}

// message is what a code says.
type message struct {
	title string
	// text is the sentence without parameters; parts are the whole, and empty
	// when there is no placeholder.
	text  string
	parts []part
}

// part is literal text, or what stood in brackets.
type part struct {
	text   string
	params []param // in order; each stands before text[at]
}

type param struct {
	name string
	at   int
	form string // written {name:form}: one of forms, "" for as it is
}

// UnmarshalYAML takes a sentence, or a title and a text.
func (m *message) UnmarshalYAML(n *yaml.Node) error {
	var in struct {
		Title string `yaml:"title"`
		Text  string `yaml:"text"`
	}
	var err error
	if n.Kind == yaml.ScalarNode {
		err = n.Decode(&in.Text)
	} else {
		err = n.Decode(&in)
	}
	if err != nil {
		return err
	}
	if in.Text == "" {
		return fmt.Errorf("line %d: there is no text", n.Line)
	}
	m.title = in.Title
	if m.parts, err = parse(in.Text); err != nil {
		return fmt.Errorf("line %d: %w", n.Line, err)
	}
	for _, p := range m.parts {
		if len(p.params) == 0 {
			m.text += p.text
		}
	}
	if len(m.parts) == 1 && len(m.parts[0].params) == 0 {
		m.parts = nil
	}
	return nil
}

// parse cuts a sentence at its brackets and the brackets at their placeholders.
func parse(s string) ([]part, error) {
	var parts []part
	for s != "" {
		literal, rest, open := strings.Cut(s, "[")
		if strings.ContainsAny(literal, "]{}") {
			return nil, fmt.Errorf("%q: a placeholder stands in square brackets, each of which is opened and closed", literal)
		}
		if literal != "" {
			parts = append(parts, part{text: literal})
		}
		if !open {
			break
		}
		inner, after, closed := strings.Cut(rest, "]")
		if !closed || strings.Contains(inner, "[") {
			return nil, fmt.Errorf("%q: the bracket is not closed", rest)
		}
		p, err := parseInner(inner)
		if err != nil {
			return nil, err
		}
		parts, s = append(parts, p), after
	}
	return parts, nil
}

func parseInner(s string) (part, error) {
	p := part{}
	whole := s
	for {
		literal, rest, open := strings.Cut(s, "{")
		p.text += literal
		if strings.Contains(literal, "}") {
			return p, fmt.Errorf("%q: a brace is not opened", whole)
		}
		if !open {
			break
		}
		name, after, closed := strings.Cut(rest, "}")
		name, form, formed := strings.Cut(name, ":")
		if !closed || !isName(name) || formed && forms[form] == nil {
			return p, fmt.Errorf("%q: %q is no parameter", whole, name)
		}
		p.params = append(p.params, param{name, len(p.text), form})
		s = after
	}
	if len(p.params) == 0 {
		return p, fmt.Errorf("%q: the brackets hold no placeholder", whole)
	}
	return p, nil
}

// isName reports whether s is snake_case.
func isName(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

// catalogs are the languages by tag, read on first use. It panics when a file is
// wrong, which the tests exclude.
var catalogs = sync.OnceValue(func() map[string]*catalog {
	out := make(map[string]*catalog, len(Languages))
	for _, tag := range Languages {
		c, err := load(tag)
		if err != nil {
			panic(fmt.Sprintf("messages: %s: %v", tag, err))
		}
		out[tag] = c
	}
	return out
})

func load(tag string) (*catalog, error) {
	names, err := fs.Glob(files, tag+"/*.yaml")
	if err != nil {
		return nil, err
	}
	nodes := map[string]yaml.Node{}
	for _, name := range names {
		data, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		// The decoder refuses a key that stands twice in a file.
		part := map[string]yaml.Node{}
		if err := yaml.Unmarshal(data, &part); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for key, node := range part {
			if _, twice := nodes[key]; twice {
				return nil, fmt.Errorf("%s: %q stands in another file too", name, key)
			}
			nodes[key] = node
		}
	}
	c := &catalog{tag: tag, messages: map[string]*message{}, words: labels(tag)}
	for key, node := range nodes {
		name, value, dotted := strings.Cut(key, ".")
		if !isName(name) {
			return nil, fmt.Errorf("%q is no code", key)
		}
		if !dotted {
			m := &message{}
			if err := node.Decode(m); err != nil {
				return nil, fmt.Errorf("%s: %w", key, err)
			}
			c.messages[key] = m
			continue
		}
		var word string
		if err := node.Decode(&word); err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		switch {
		case name != "list":
			if c.words[name] == nil {
				c.words[name] = map[string]string{}
			}
			c.words[name][value] = word
		case value == "separator":
			c.list.separator = word
		case value == "last":
			c.list.last = word
		case strings.HasPrefix(value, "last."):
			if c.list.before == nil {
				c.list.before = map[string]string{}
			}
			c.list.before[strings.TrimPrefix(value, "last.")] = word
		default:
			return nil, fmt.Errorf("%q is no way to join a list", key)
		}
	}
	c.codes = slices.Sorted(maps.Keys(c.messages))
	return c, nil
}

// find gives the catalogue of a locale, or nil: "zh-Hans-CN" and "ZH" are zh.
func find(locale string) *catalog {
	all := catalogs()
	if c := all[locale]; c != nil {
		return c
	}
	if i := strings.IndexAny(locale, "-_"); i >= 0 {
		locale = locale[:i]
	}
	if len(locale) > 8 { // RFC 5646, section 2.1
		return nil
	}
	return all[strings.ToLower(locale)]
}

// lookup gives what a code says in a locale, else in the fallback, else nil.
func lookup(locale, code string) (*catalog, *message) {
	if c := find(locale); c != nil {
		if m := c.messages[code]; m != nil {
			return c, m
		}
	}
	c := catalogs()[fallback]
	return c, c.messages[code]
}

// Codes lists the codes that a locale has a sentence for, in order.
func Codes(locale string) []string {
	if c := find(locale); c != nil {
		return slices.Clone(c.codes)
	}
	return nil
}
