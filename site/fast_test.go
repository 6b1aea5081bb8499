package site

import (
	"bytes"
	"strings"
	"testing"

	"github.com/prassi-cms/prassi/site/release"
)

// What is executed directly has the bytes that html/template writes, for every page
// of the example, and for articles and lists html/template is not needed.
func TestFastIsHTMLTemplate(t *testing.T) {
	w := example(t)
	w.publish("article", id(31), "it", "lungo", article(31))
	w.publish("article", id(30), "it", "segni", values{"title": `"A" & <b>'c'</b> + d`, "summary": "\u2028 <i>", "body": "## Uno\n\nTesto", "topics": []any{"work"}, "organization": id(1)})
	s := w.site(w.catalogue())
	p, err := s.newPlan(ctx, s.today())
	if err != nil {
		t.Fatal(err)
	}
	quick, all := map[string]int{}, map[string]int{}
	p.emit = func(j *job) {
		if j.page == nil || release.CheckPath(j.Path) != nil || j.ed.tag != "it" && j.ed.tag != "ar" && j.ed.tag != "bn" {
			return
		}
		page, err := j.page(p, j)
		if err != nil {
			t.Fatal(err)
		}
		page.tongue = j.ed.tongue
		var slow, direct bytes.Buffer
		if err := j.ed.pages[page.Kind].Execute(&slow, page); err != nil {
			t.Fatal(err)
		}
		all[page.Kind]++
		if !j.ed.tongue.fast[page.Kind].execute(&direct, page) {
			if direct.Len() != 0 {
				t.Errorf("%s: what was given up is still there", j.Path)
			}
			return
		}
		quick[page.Kind]++
		if a, b := direct.String(), slow.String(); a != b {
			i := 0
			for i < min(len(a), len(b)) && a[i] == b[i] {
				i++
			}
			t.Errorf("%s differs at\n%q\nhtml/template has\n%q", j.Path, a[max(0, i-80):min(len(a), i+80)], b[max(0, i-80):min(len(b), i+80)])
		}
	}
	for _, ed := range p.editions {
		p.edition(ed)
	}
	for _, kind := range strings.Fields("article news list home territory topic organization practice service event page") {
		if all[kind] == 0 || quick[kind] < all[kind] {
			t.Errorf("%s: %d of %d pages without html/template", kind, quick[kind], all[kind])
		}
	}
	t.Log(quick, all)
}
