package interchange

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// readYAML reads one YAML mapping into a tree. It takes the part of YAML that
// front matter needs: plain mappings, lists and scalars. Anchors, aliases, merge
// keys and tags are refused, because they hide what a file says and can make a
// small file large; repeated keys are refused because one of them would be lost.
// first is the line of data's first byte in its file.
func readYAML(data []byte, first int) (node, *fault) {
	doc, err := decodeYAML(data)
	if err != nil {
		return node{}, yamlFault(data, err, first)
	}
	if doc == nil || len(doc.Content) == 0 {
		return node{kind: objectNode, at: place{first, 1}}, nil
	}
	root := doc.Content[0]
	n, bad := convertYAML(root, first-1, 1)
	if bad != nil {
		return node{}, bad
	}
	if n.kind == nullNode { // nothing but comments
		return node{kind: objectNode, at: place{first, 1}}, nil
	}
	if n.kind != objectNode {
		return node{}, faultAt(n.at, CodeFrontMatterNotKeys)
	}
	return n, nil
}

// decodeYAML gives the nodes of the only document. The library guards its own
// invariants with panics; input may not reach the user as one.
func decodeYAML(data []byte) (doc *yaml.Node, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("yaml: %v", p)
		}
	}()
	dec := yaml.NewDecoder(bytes.NewReader(data))
	doc = new(yaml.Node)
	if err := dec.Decode(doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		return nil, err
	}
	if err := dec.Decode(new(yaml.Node)); err == nil {
		return nil, errors.New("yaml: a second document starts")
	} else if !errors.Is(err, io.EOF) {
		return nil, err
	}
	return doc, nil
}

// yamlFault takes the line out of the library's message. It knows no column, so
// the place is where that line's text begins.
func yamlFault(data []byte, err error, first int) *fault {
	detail := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 1
	if rest, ok := strings.CutPrefix(detail, "line "); ok {
		number, text, _ := strings.Cut(rest, ": ")
		if n, err := strconv.Atoi(number); err == nil {
			line, detail = n, text
		}
		if parserProblems[detail] {
			line++
		}
	}
	lines := bytes.Split(data, []byte{'\n'})
	line = max(1, min(line, len(lines)))
	text := lines[line-1]
	column := len(text) - len(bytes.TrimLeft(text, " \t")) + 1
	return faultAt(place{first + line - 1, column}, CodeSyntax, "notation", "YAML", "detail", detail)
}

// parserProblems are the messages of the library's parser, which counts lines
// from zero where its scanner counts from one.
var parserProblems = map[string]bool{
	"did not find expected ',' or ']'": true, "did not find expected ',' or '}'": true,
	"did not find expected '-' indicator": true, "did not find expected key": true,
	"did not find expected node content": true, "did not find expected <document start>": true,
}

func convertYAML(y *yaml.Node, offset, depth int) (node, *fault) {
	at := place{y.Line + offset, y.Column}
	switch {
	case y.Kind == yaml.AliasNode || y.Anchor != "":
		return node{}, faultAt(at, CodeYAMLAlias)
	case y.Style&yaml.TaggedStyle != 0:
		return node{}, faultAt(at, CodeYAMLTag, "tag", y.Tag)
	case depth > MaxDepth && y.Kind != yaml.ScalarNode:
		return node{}, faultAt(at, CodeTooDeep, "max", MaxDepth)
	}
	switch y.Kind {
	case yaml.ScalarNode:
		if y.Tag == "!!null" && y.Style == 0 {
			return node{at: at}, nil
		}
		if strings.IndexByte(y.Value, 0) >= 0 { // written as an escape
			return node{}, faultAt(at, CodeNUL)
		}
		return scalar(y.Value, at), nil
	case yaml.SequenceNode:
		n := node{kind: listNode, at: at, items: make([]node, 0, len(y.Content))}
		for _, item := range y.Content {
			v, bad := convertYAML(item, offset, depth+1)
			if bad != nil {
				return node{}, bad
			}
			n.items = append(n.items, v)
		}
		return n, nil
	case yaml.MappingNode:
		return convertMapping(y, at, offset, depth)
	}
	return node{}, faultAt(at, CodeSyntax, "notation", "YAML", "detail", "not a value")
}

func convertMapping(y *yaml.Node, at place, offset, depth int) (node, *fault) {
	n := node{kind: objectNode, at: at, pairs: make([]pair, 0, len(y.Content)/2)}
	seen := make(map[string]bool, len(y.Content)/2)
	for i := 0; i+1 < len(y.Content); i += 2 {
		k := y.Content[i]
		keyAt := place{k.Line + offset, k.Column}
		switch {
		case k.Tag == "!!merge" && k.Style&yaml.TaggedStyle == 0:
			return node{}, faultAt(keyAt, CodeYAMLMerge)
		case k.Kind == yaml.AliasNode || k.Anchor != "":
			return node{}, faultAt(keyAt, CodeYAMLAlias)
		case k.Style&yaml.TaggedStyle != 0:
			return node{}, faultAt(keyAt, CodeYAMLTag, "tag", k.Tag)
		case k.Kind != yaml.ScalarNode || k.Value == "" || strings.IndexByte(k.Value, 0) >= 0:
			return node{}, faultAt(keyAt, CodeInvalidKey, "key", k.Value)
		case seen[k.Value]:
			return node{}, faultAt(keyAt, CodeDuplicateKey, "key", k.Value)
		}
		seen[k.Value] = true
		v, bad := convertYAML(y.Content[i+1], offset, depth+1)
		if bad != nil {
			return node{}, bad
		}
		n.pairs = append(n.pairs, pair{k.Value, keyAt, v})
	}
	return n, nil
}
