package markdown

import (
	"sort"

	"github.com/yuin/goldmark/ast"
	east "github.com/yuin/goldmark/extension/ast"
)

// footnoteBacklinks is the most links back that one note gets.
const footnoteBacklinks = 26

// numberFootnotes puts the notes at the end of the document, in the order in
// which the text refers to them, with links back. Notes that nothing refers to
// come last: their text is not lost.
func (d *document) numberFootnotes() {
	var (
		list *east.FootnoteList
		refs []*east.FootnoteLink
		walk func(n ast.Node)
	)
	walk = func(n ast.Node) {
		switch n := n.(type) {
		case *east.FootnoteList:
			list = n
		case *east.FootnoteLink:
			refs = append(refs, n)
		}
		for c := n.FirstChild(); c != nil; c = c.NextSibling() {
			walk(c)
		}
	}
	walk(d.root)
	// Links are numbered even when a note inside a note took the list away.
	uses := map[int]int{}
	for _, r := range refs {
		r.RefIndex = uses[r.Index]
		uses[r.Index]++
	}
	if list == nil {
		return
	}
	var notes []*east.Footnote
	for c := list.FirstChild(); c != nil; c = c.NextSibling() {
		notes = append(notes, c.(*east.Footnote))
	}
	sort.SliceStable(notes, func(i, j int) bool {
		a, b := notes[i].Index, notes[j].Index
		return a > 0 && (b <= 0 || a < b)
	})
	list.RemoveChildren(list)
	for i, n := range notes {
		used := uses[n.Index]
		if n.Index <= 0 {
			used = 0
			n.Index = i + 1
		}
		list.AppendChild(list, n)
		var holder ast.Node = n
		if p, ok := n.LastChild().(*ast.Paragraph); ok {
			holder = p
		}
		for k := 0; k < min(used, footnoteBacklinks); k++ {
			back := east.NewFootnoteBacklink(n.Index)
			back.RefIndex = k
			holder.AppendChild(holder, back)
		}
	}
	if p := list.Parent(); p != nil {
		p.RemoveChild(p, list)
	}
	d.root.AppendChild(d.root, list)
}
