package markdown

import (
	"strings"

	"github.com/yuin/goldmark/ast"
)

// Target is an address to which a body leads, or from which it shows an image.
type Target struct {
	// URL is the address as Render writes it.
	URL   string
	Image bool
	// Alt is the alternative text of an image, without blanks around it.
	Alt string
}

// Targets lists the addresses of links and images in the order of the text,
// those included that Render leaves out. Its errors are Render's.
func Targets(src []byte, opt Options) ([]Target, error) {
	d, err := read(src, opt)
	if err != nil {
		return nil, err
	}
	var out []Target
	err = ast.Walk(d.root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Link:
			out = append(out, Target{URL: string(resolve(n.Destination))})
		case *ast.AutoLink:
			out = append(out, Target{URL: string(n.URL(src))})
		case *ast.Image:
			alt := strings.TrimSpace(string(d.appendText(nil, n)))
			out = append(out, Target{URL: string(resolve(n.Destination)), Image: true, Alt: alt})
		}
		return ast.WalkContinue, nil
	})
	return out, err
}
