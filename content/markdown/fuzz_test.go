package markdown

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tricks are what hostile authors are known to try.
var tricks = []string{
	"[a](javascript:alert(1))", "[a](java&#10;script:alert(1))", "[a](javascript&colon;alert(1))", "[a](&#x6A;avascript:alert(1))", "[a](\x01javascript:alert(1))",
	"[a](vbscript:x)", "[a](data:text/html,<script>alert(1)</script>)", "[a](<javascript:alert(1)>)", "![a](javascript:alert(1))", "![a](data:image/svg+xml,<svg onload=alert(1)>)",
	"<javascript:alert(1)>", "<a href=\"javascript:alert(1)\">x</a>", "<a href='jav\tascript:alert(1)'>x</a>", "<img src=x onerror=alert(1)>", "<img src=\"x\" alt=\"\" onload='a'>",
	"<script>alert(1)</script>", "<scr<script>ipt>", "<svg><script>alert(1)</script></svg>", "<svg/onload=alert(1)>", "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
	"<style>*{background:url(javascript:alert(1))}</style>", "<iframe srcdoc=\"<script>alert(1)</script>\">", "<object data=x>", "<embed src=x>", "<form action=javascript:alert(1)><input type=submit>",
	"<base href=//evil>", "<meta http-equiv=refresh content=0>", "<link rel=import href=x>", "<template><script>", "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
	"<textarea><script>", "<title></title><script>", "<xmp><script>", "<plaintext>", "<select><option><script>", "<!--><script>alert(1)</script>-->", "<!-- --!><script>", "<![CDATA[<script>alert(1)</script>]]>",
	"<?xml <script>?>", "<!DOCTYPE <script>", "</p></div></body><script>", "<p/onclick=a>", "<a\nhref=javascript:alert(1)\n>x</a>", "<b <script>x</b>",
	"# a {#x\" onclick=\"a}", "# {#constructor}", "# a {onclick=a}", "# <script>", "```\"><script>\n```", "``` a\" onclick=\"b\nx\n```", "~~~ javascript\nx\n~~~",
	"[^<script>]: x\n\n[^<script>]", "[^1]: [^1]\n\n[^1]", "[a[^1]](b)\n\n[^1]: [c](d)", "[a](b \"\\\" onclick=\\\"c\")", "![a](b \"<script>\")", "![<script>](b)", "[![a](b)](c)", "![[a](b)](c)", "[a [b](c) d](e)",
	"[a](b)<a href=c>[d](e)</a>", "<a href=b>[c](d) https://e.fg art. 5 L. 40/1998</a>", "https://e.fg/\"onmouseover=\"a", "www.a.bc/<script>", "http://a.bc/&quot;onclick=", "a@b.cd\"onclick=x",
	"| a |\n|---|\n| <script> |", "|a|\n|-|\n|`\\|`|", "> [!NOTE] <script>\n> x", "> [!NOTE]\n>\n> > [!TIP]\n> > x", "- [ ] <script>\n- [x] [a](b)", "- [x]\n\n  x", "a\n: <script>\n: - b", "~~<script>~~", "*<b>*</b>", "**<i>a**</i>",
	"<b>a\n\nb</b>", "<div>\n- a\n</div>\n  b", "- <div>\n\n  a\n- </div>", "> <div>\n\n</div>", "<aside class=\"pquote\">\n<aside>\na\n</aside>", "<div dir=rtl>\n<div dir=ltr>\nم\n</div>\n</div>",
	"<span dir=rtl>*a</span>*", "<blockquote>\n[!NOTE]\n</blockquote>", "<sub><sup>a</sub></sup>", "<br><br/><br />", "<q dir=rtl>a", "\u202e<script>\u202c", "\ufeff# a", "a\x00b", "&#0;&#xD800;&#x110000;", "&lt;script&gt;", "\\<script>",
	"urn:nir:stato:legge:1998;40\"onclick=", "https://www.normattiva.it/uri-res/N2Ls?urn:nir:stato:legge:1998;40'\"><script>", "art. 5 *D.Lgs.* **286/1998**", "art. 5\\\nL. 40/1998", "art. 5  \nL. 40/1998", "[x]: /y\n[x] L. 40/1998 [x]",
	"http://data.europa.eu/eli/reg/2016/679/oj\"><script>", "ECLI:EU:C:2020:294<script>", "مرحبا <script> [a](javascript:b)", "- م\n  - a\n    - م", "<!-- a\n\nb --> c", "<!-- a", "    <script>", "\t<script>", "a<!-- b -->c",
}

// FuzzRender holds what Render returns to its promises whatever the source.
func FuzzRender(f *testing.F) {
	for _, s := range tricks {
		f.Add(s)
	}
	for i := 0; i+3 < len(tricks); i += 3 {
		f.Add(strings.Join(tricks[i:i+3], " "))
		f.Add(strings.Join(tricks[i:i+3], "\n"))
		f.Add("> " + strings.Join(tricks[i:i+3], "\n> - "))
	}
	golden, err := filepath.Glob("testdata/golden/*.md")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range golden {
		src, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(src))
	}
	f.Fuzz(func(t *testing.T, src string) {
		res, err := Render([]byte(src), Options{Locale: "it"})
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Code == "" {
				t.Fatalf("%q: %v", src, err)
			}
			return
		}
		checkSafe(t, res.HTML)
		for _, h := range res.TOC {
			if h.Level < 1 || h.Level > 6 || !strings.HasPrefix(h.ID, IDPrefix) || !strings.Contains(res.HTML, ` id="`+h.ID+`"`) {
				t.Fatalf("%q: heading %+v", src, h)
			}
		}
		for _, r := range res.References {
			if r.Start < 0 || r.End > len(src) || r.Start >= r.End {
				t.Fatalf("%q: reference %+v", src, r)
			}
		}
		again, err := Render([]byte(src), Options{Locale: "it"})
		if err != nil || again.HTML != res.HTML || again.Text != res.Text {
			t.Fatalf("%q: another result the second time", src)
		}
	})
}

// TestTricks runs pairs of the seeds beside and below each other: most mistakes
// need two of them. One pair in eleven is enough to notice a change for the
// worse; the fuzzer has the rest.
func TestTricks(t *testing.T) {
	for i, a := range tricks {
		for j, b := range tricks {
			if (i*7+j)%(11*slowdown) != 0 {
				continue
			}
			for _, src := range []string{a + b, a + "\n\n" + b, a + "\n" + b} {
				res, err := Render([]byte(src), Options{})
				if err != nil {
					t.Fatalf("%q: %v", src, err)
				}
				checkSafe(t, res.HTML)
			}
		}
	}
}
