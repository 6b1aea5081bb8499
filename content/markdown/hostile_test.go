//go:build unix

package markdown

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// repeated is one pattern filled up to the size limit.
func repeated(pattern string) string {
	return strings.Repeat(pattern, DefaultMaxBytes/len(pattern))
}

// numbered fills the size limit with lines that a format makes of a counter.
func numbered(format string, limit int) string {
	var b strings.Builder
	for i := 0; b.Len() < limit; i++ {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// stairs indents each line a step more than the one before.
func stairs(step, line string, limit int) string {
	var b strings.Builder
	for i := 0; b.Len() < limit; i++ {
		b.WriteString(strings.Repeat(step, i))
		b.WriteString(line)
	}
	return b.String()
}

// hostileInputs are the worst bodies known for goldmark, for what is built
// around it, and for the HTML that comes out.
func hostileInputs() map[string]string {
	const half = DefaultMaxBytes / 2
	m := map[string]string{
		"footnotes defined and used": numbered("[^%d]: x\n", half) + "\n" + numbered("[^%d] ", half-10),
		"footnotes missed":           numbered("[^%d]: x\n", half) + "\n" + strings.Repeat("[^z]", half/4-10),
		"one footnote used often":    "[^a]: x\n\n" + strings.Repeat("[^a]\n\n", DefaultMaxBytes/6-10),
		"references":                 numbered("[%d]: /x\n", half) + "\n" + numbered("[%d] ", half-10),
		"expanding reference":        "[a]: " + strings.Repeat("x", half) + "\n\n" + strings.Repeat("[a]\n\n", half/5-10),
		"expanding title":            "[a]: x \"" + strings.Repeat("x", half) + "\"\n\n" + strings.Repeat("[a]\n\n", half/5-10),
		"expanding address in line":  "[a]: " + strings.Repeat("x", half) + "\n\n" + strings.Repeat("[a]", half/3-10),
		"table of empty cells":       strings.Repeat("|a", 10000) + "|\n" + strings.Repeat("|-", 10000) + "|\n" + strings.Repeat("|a\n", 8000),
		"table just within bounds":   strings.Repeat("|a", 90) + "|\n" + strings.Repeat("|-", 90) + "|\n" + strings.Repeat("|a\n", 100),
		"many tables":                strings.Repeat(strings.Repeat("|a", 90)+"|\n"+strings.Repeat("|-", 90)+"|\n"+strings.Repeat("|\n", 105)+"\n", 110),
		"brackets":                   strings.Repeat("[", half-1) + strings.Repeat("]", half-1),
		"brackets with links":        strings.Repeat("[", 20000) + strings.Repeat("](x)", 9000),
		"nested emphasis":            strings.Repeat("*a ", 10000) + strings.Repeat("a* ", 10000),
		"nested strong":              strings.Repeat("**a ", 8000) + strings.Repeat("a** ", 8000),
		"emphasis within bounds":     strings.Repeat("*a **b ", 20) + strings.Repeat("b** a* ", 20),
		"nested tags":                strings.Repeat("<b>", 5000) + "x" + strings.Repeat("</b>", 5000),
		"crossed tags":               strings.Repeat("<b><i>", 1400),
		"nested divs":                strings.Repeat("<div dir=rtl>\n", 2300) + strings.Repeat("</div>\n", 2300),
		"nested blockquote tags":     strings.Repeat("<blockquote>\n", 2300) + strings.Repeat("</blockquote>\n", 2300),
		"divs on one line":           strings.Repeat("<div>", half/5) + strings.Repeat("</div>", half/6-10),
		"lists in stairs":            stairs("  ", "- a\n", DefaultMaxBytes-600),
		"lists in stairs and blanks": stairs("  ", "- a\n", half-600) + strings.Repeat("\n", half),
		"deep list and blanks":       stairs("  ", "- a\n", 300) + strings.Repeat("\n", DefaultMaxBytes-400) + "b",
		"deep list and text":         stairs("  ", "- a\n", 300) + strings.Repeat("b\n", half-200),
		"deep list and spaces":       stairs("  ", "- a\n", 300) + strings.Repeat(strings.Repeat(" ", 40)+"b\n", 1500),
		"deep quote and text":        strings.Repeat("> ", 35) + "a\n" + strings.Repeat("b\n", half-200),
		"deep quotes":                strings.Repeat(strings.Repeat(">", 39)+"a\n\n", 1560),
		"quotes in stairs":           stairs(">", "a\n", DefaultMaxBytes-600),
		"quotes and lines":           strings.Repeat(">", 30000) + "\n" + strings.Repeat("a\n", 15000),
		"list and lines":             strings.Repeat("- ", 10000) + "a\n" + strings.Repeat("b\n", 20000),
		"list and blanks":            strings.Repeat("- ", 10000) + "a" + strings.Repeat("\n", 40000) + "b",
		"10,000 nested lists":        strings.Repeat("- ", 10000) + "a",
		"10,000 nested quotes":       strings.Repeat(">", 10000) + "a",
		"long address":               "[a](" + strings.Repeat("(", DefaultMaxBytes-10),
		"addresses without end":      strings.Repeat("[a](", 700) + strings.Repeat("x", DefaultMaxBytes-3000),
		"titles without end":         strings.Repeat("[a](b (", 700) + strings.Repeat("x\n", half-3000),
		"titles without end, text":   strings.Repeat("[a](b 'c ", 700) + strings.Repeat("x ", half-3200),
		"paragraphs of addresses":    strings.Repeat(strings.Repeat("[a](", 900)+"\n\n", 18),
		"paragraphs of emphasis":     strings.Repeat(strings.Repeat("_a*", 1400)+"\n\n", 15),
		"paragraphs of brackets":     strings.Repeat(strings.Repeat("[", 1400)+strings.Repeat("]", 1400)+"\n\n", 23),
		"paragraphs of images":       strings.Repeat(strings.Repeat("![a](b", 900)+"\n\n", 12),
		"paragraphs of code":         strings.Repeat(numbered("`%d", 8000)+"\n\n", 8),
		"growing backquotes":         stairs("`", " ", DefaultMaxBytes-600),
		"definitions":                strings.Repeat("a\n", 20000) + ": b",
		"attributes":                 "<a" + strings.Repeat(" a", half-10),
		"attributes often":           "x" + strings.Repeat("<a"+strings.Repeat(" a", 1000), 30),
		"attributes in blocks":       strings.Repeat("<div"+strings.Repeat(" a", 1000)+"\n", 30),
		"same headings":              repeated("# a\n"),
		"numbered headings":          numbered("# a\n# a-%d\n", DefaultMaxBytes-20),
		"headings with names":        repeated("# a {#b}\n"),
		"links to headings":          "# a\n\n" + strings.Repeat("[a](#a)\n\n", 7000),
		"comments without end":       repeated("<!-- a\n\n"),
		"citations":                  repeated("L. 40/1998\n"),
		"citations in one line":      repeated("L. 40/1998 "),
		"citations across emphasis":  repeated("art. 5 *L. 40/1998* "),
		"articles":                   repeated("artt. 1, 2, 3 "),
		"character references":       repeated("&nbsp;"),
		"wide characters":            repeated("\U0001F600"),
		"from right to left":         repeated("م "),
		"nested from right to left":  repeated(strings.Repeat("> ", 30) + "م\n\n"),
		"marks":                      repeated("a\u0301"),
		"callouts":                   repeated("> [!NOTE]\n\n"),
		"figures":                    repeated("![a](b \"c\")\n\n"),
		"tasks":                      repeated("- [x] a\n"),
	}
	for _, p := range []string{
		"[a](", "[", "[[]", "![", "[a](b ", "[a](b \"", "[a](b '", "[a](b (", "[a](<", "[a](<b\n", "[a]", "[a][", "[a]\n[", "]", "[]", "[a](x)",
		"[[a](x)", "*a ", "*a", "**a ", "*a **b ", "a*", "*a _b ", "_a*", "***a", "*", "a**b", "~~a ", "~~a~", "*_", "a***b _c__ ",
		"> ", ">", "- ", "* ", "1. ", "- > ", "+ 1. ", "<", "<a ", "<a b='", "<!--", "<!-- \n", "a <?", "a <!A", "a<![CDATA[", "</a ", "<div>\n", "<a\n",
		"<p>", "<p>\n\n", "<b>", "</b>", "<b></i>", "<img src=x>", "`", "`a", "``a`", "[^a]", "[^a]: b\n", "[^", "[a]: b\n", "[a]:\n", "[a]: <b\n", "[a]: b \"\n", "[\n",
		"|", "|-", "|-\n", "a|b\n-|-\n", "a|\n-|\n\n", "|a|b|\n|-|-|\n", "http://a.b ", "http://a.", "www.", " www.a", "a@", " a@b.", " http://a.bc/(((((",
		" aaaaaaaa", "(a", ": ", "a\n: b\n", "a\n\n: b\n\n", ": a\n", "&", "&amp", "&#1", "&#x", "\\", "\n", "\t", "a\n", "a\n===\n", "# \n", "```\n", "~~~ a\n",
		"    a\n\n", "- a\n\n\n", "***\n", "\x00", "1) a\n", "123456789. a\n", "# {#a}\n", "\"'", "a  \n", "[ ]", "- [ ]\n", "\r", "\r\n", "> [!NOTE] ", "<br>", "{#", "“",
	} {
		m[fmt.Sprintf("%q repeated", p)] = repeated(p)
	}
	return m
}

// slowest is the longest that a body of the greatest size may take.
const slowest = 2 * time.Second

// cpuTime is what this process has used of the processor: a machine that is
// busy with other things must not decide whether a test passes.
func cpuTime(t testing.TB) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func TestHostileInputIsBounded(t *testing.T) {
	refused, rendered := 0, 0
	for name, src := range hostileInputs() {
		if len(src) > DefaultMaxBytes {
			t.Errorf("%s: %d bytes are not a test of nesting", name, len(src))
			continue
		}
		src = src[:len(src)/slowdown]
		start := cpuTime(t)
		res, err := Render([]byte(src), Options{Locale: "it"})
		took := cpuTime(t) - start
		if took > slowest {
			t.Errorf("%s: took %v", name, took)
		}
		if os.Getenv("PRASSI_SLOW") != "" && took > 30*time.Millisecond {
			t.Logf("%-40s %8.1f ms  %8d bytes  %v", name, float64(took.Microseconds())/1000, len(res.HTML), err)
		}
		switch {
		case err == nil:
			rendered++
			if len(res.HTML) > 8<<20 {
				t.Errorf("%s: %d bytes became %d", name, len(src), len(res.HTML))
			}
		case errors.Is(err, ErrTooDeep), errors.Is(err, ErrTooLarge):
			refused++
		case slowdown > 1 && errors.Is(err, ErrInvalidUTF8): // cut inside a character
		default:
			t.Errorf("%s: %v", name, err)
		}
	}
	t.Logf("%d refused, %d rendered", refused, rendered)
	if refused == 0 || rendered == 0 {
		t.Error("the inputs test only one side")
	}
}
