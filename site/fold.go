package site

import (
	"html/template"
	"strings"
	"text/template/parse"
)

// A theme is compiled for each language, so that words and addresses which do not
// depend on the page can be put into the templates themselves. What is left to
// execute is what differs from page to page.

// constant are functions whose answer follows from their arguments and the language.
var constant = map[string]bool{"t": true, "asset": true, "url": true, "label": true, "plural": true, "term": true, "language": true}

// fold replaces {{t "code"}} and its like by their answers.
func fold(tree *parse.Tree, funcs template.FuncMap) {
	if tree != nil && tree.Root != nil {
		foldList(tree.Root, funcs)
	}
}

func foldList(list *parse.ListNode, funcs template.FuncMap) {
	if list == nil {
		return
	}
	before := ""
	for i, n := range list.Nodes {
		switch n := n.(type) {
		case *parse.TextNode:
			before = string(n.Text)
			continue
		case *parse.ActionNode:
			// The value of an attribute without quotation marks is left alone: what
			// stands there is escaped otherwise.
			if said, ok := answer(n.Pipe, funcs); ok && !strings.HasSuffix(strings.TrimRight(before, " \n\t"), "=") {
				list.Nodes[i] = &parse.TextNode{NodeType: parse.NodeText, Pos: n.Pos, Text: []byte(template.HTMLEscapeString(said))}
				continue
			}
		case *parse.IfNode:
			foldBranch(&n.BranchNode, funcs)
		case *parse.RangeNode:
			foldBranch(&n.BranchNode, funcs)
		case *parse.WithNode:
			foldBranch(&n.BranchNode, funcs)
		}
		before = ""
	}
}

func foldBranch(n *parse.BranchNode, funcs template.FuncMap) {
	foldList(n.List, funcs)
	foldList(n.ElseList, funcs)
}

// answer calls a constant function with texts alone.
func answer(p *parse.PipeNode, funcs template.FuncMap) (string, bool) {
	if p == nil || len(p.Decl) > 0 || len(p.Cmds) != 1 {
		return "", false
	}
	args := p.Cmds[0].Args
	name, ok := args[0].(*parse.IdentifierNode)
	if !ok || !constant[name.Ident] || len(args) < 2 {
		return "", false
	}
	texts := make([]string, 0, len(args)-1)
	for _, a := range args[1:] {
		s, ok := a.(*parse.StringNode)
		if !ok {
			return "", false
		}
		texts = append(texts, s.Text)
	}
	switch f := funcs[name.Ident].(type) {
	case func(string) string:
		if len(texts) == 1 {
			return f(texts[0]), true
		}
	case func(string, ...string) string:
		return f(texts[0], texts[1:]...), true
	case func(string, ...any) string:
		params := make([]any, len(texts)-1)
		for i, s := range texts[1:] {
			params[i] = s
		}
		return f(texts[0], params...), true
	}
	return "", false
}
