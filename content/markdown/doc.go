// Package markdown turns what authors write into the HTML that readers get. It
// is the one renderer of the project: API, preview, site, feeds and widgets
// all show what Render returns, and nothing else may make HTML from content.
//
// How a body is read:
//
//  1. Size and encoding are checked (markdown.go), then goldmark parses the
//     body: GitHub's Markdown, footnotes and definition lists (parser.go). A
//     guard inside the parser counts nesting and marks and stops it before
//     hostile input can make it slow (guard.go).
//  2. Raw HTML is not passed on. Tags are taken out, their text stays, and
//     Markdown inside containers such as <div dir="rtl" markdown="1"> is read
//     as Markdown; the few tags that have a Markdown equivalent become that
//     (tags.go, untag.go).
//  3. The tree is rewritten: identifiers for headings and the table of contents
//     (headings.go), footnotes (footnotes.go), callouts, figures and tasks
//     (blocks.go), links on legal citations (references.go), direction and
//     language of what is written from the other side (direction.go).
//  4. The tree is written as HTML (html.go) from a closed vocabulary.
//  5. A small allow-list policy goes over that HTML once more (policy.go), so
//     that a mistake in the steps before cannot reach a reader.
//
// Render keeps no state: the same source and options give the same bytes, and
// any number of goroutines may call it. Stored results are to be made again
// when Version changes.
package markdown
