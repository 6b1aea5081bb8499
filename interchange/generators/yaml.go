package generators

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// ordered is a YAML mapping with its keys in the order in which they were put.
type ordered struct{ node yaml.Node }

func mapping() *ordered {
	return &ordered{yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}}
}

// put adds a key. Absent values (nil, "", empty lists and mappings) are left out.
func (m *ordered) put(name string, value any) *ordered {
	if n := node(value); n != nil {
		m.node.Content = append(m.node.Content, scalar("!!str", name, 0), n)
	}
	return m
}

// yaml writes the mapping as a document.
func (m *ordered) yaml() []byte {
	var buf bytes.Buffer
	enc := yaml.NewEncoder(&buf)
	enc.SetIndent(2)
	if err := enc.Encode(&m.node); err != nil {
		panic(fmt.Sprintf("generators: nodes that cannot be written: %v", err)) // they are made here
	}
	return buf.Bytes()
}

// front writes the mapping as front matter, then the text.
func (m *ordered) front(body string) []byte {
	return []byte("---\n" + string(m.yaml()) + "---\n" + body)
}

// node makes a YAML node of what encoding/json decodes with UseNumber, of lists of
// strings and of mappings; nil for what is absent. Strings are always quoted: what
// is a date or a number without quotation marks differs between YAML's versions.
func node(value any) *yaml.Node {
	switch v := value.(type) {
	case nil:
		return nil
	case *ordered:
		if len(v.node.Content) == 0 {
			return nil
		}
		return &v.node
	case string:
		if v == "" {
			return nil
		}
		return scalar("!!str", v, yaml.DoubleQuotedStyle)
	case bool:
		return scalar("!!bool", fmt.Sprint(v), 0)
	case json.Number:
		if strings.ContainsAny(string(v), ".eE") {
			return scalar("!!float", string(v), 0)
		}
		return scalar("!!int", string(v), 0)
	case []string:
		list := make([]any, len(v))
		for i, s := range v {
			list[i] = s
		}
		return node(list)
	case []*ordered:
		list := make([]any, len(v))
		for i, m := range v {
			list[i] = m
		}
		return node(list)
	case []any:
		out := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		for _, one := range v {
			if n := node(one); n != nil {
				out.Content = append(out.Content, n)
			}
		}
		if len(out.Content) == 0 {
			return nil
		}
		return out
	case map[string]any:
		m := mapping()
		for _, name := range sorted(v) {
			m.put(name, v[name])
		}
		return node(m)
	}
	panic(fmt.Sprintf("generators: no YAML for %T", value)) // only the kinds above come here
}

func scalar(tag, value string, style yaml.Style) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: value, Style: style}
}
