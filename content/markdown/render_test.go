package markdown

import (
	"errors"
	"reflect"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/prassi-cms/prassi/content/markdown/citation"
)

func mustRender(t testing.TB, src, locale string) Result {
	t.Helper()
	res, err := Render([]byte(src), Options{Locale: locale})
	if err != nil {
		t.Fatalf("%q: %v", src, err)
	}
	checkSafe(t, res.HTML)
	return res
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name, src string
		opt       Options
		code      string
		is        error
		limit     int
		line      int
	}{
		{"too large", strings.Repeat("a", DefaultMaxBytes+1), Options{}, "markdown_too_large", ErrTooLarge, DefaultMaxBytes, 0},
		{"too large for the caller", "12345", Options{MaxBytes: 4}, "markdown_too_large", ErrTooLarge, 4, 0},
		{"10 MB", strings.Repeat("a\n", 5<<20), Options{}, "markdown_too_large", ErrTooLarge, DefaultMaxBytes, 0},
		{"bad byte", "uno\ndue\xff\n", Options{}, "invalid_utf8", ErrInvalidUTF8, 0, 2},
		{"surrogate", "\xed\xa0\x80", Options{}, "invalid_utf8", ErrInvalidUTF8, 0, 1},
		{"cut short", "città\n\xc3", Options{}, "invalid_utf8", ErrInvalidUTF8, 0, 2},
		{"10,000 nested lists", strings.Repeat("- ", 10000) + "a", Options{}, "markdown_too_deep", ErrTooDeep, 0, 0},
		{"10,000 nested quotations", strings.Repeat(">", 10000) + "a", Options{}, "markdown_too_deep", ErrTooDeep, 0, 0},
		{"emphasis in emphasis", strings.Repeat("*a ", 500) + strings.Repeat("a* ", 500), Options{}, "markdown_too_deep", ErrTooDeep, 0, 0},
		{"tag in tag", strings.Repeat("<b>", 500) + "a" + strings.Repeat("</b>", 500), Options{}, "markdown_too_deep", ErrTooDeep, 0, 0},
		{"brackets", strings.Repeat("[", 10000), Options{}, "markdown_too_deep", ErrTooDeep, 0, 0},
		{"empty cells", strings.Repeat("|a", 500) + "|\n" + strings.Repeat("|-", 500) + "|\n" + strings.Repeat("|\n", 500), Options{}, "markdown_too_deep", ErrTooDeep, 0, 0},
		{"expanding reference", "[a]: " + strings.Repeat("x", 20000) + "\n\n" + strings.Repeat("[a]\n\n", 100), Options{}, "markdown_too_large", ErrTooLarge, maxExpansion, 0},
	} {
		res, err := Render([]byte(c.src), c.opt)
		var e *Error
		if !errors.As(err, &e) || e.Code != c.code || !errors.Is(err, c.is) || e.Limit != c.limit || e.Line != c.line || e.Error() == "" {
			t.Errorf("%s: %#v", c.name, err)
		}
		var checked *Error
		if err := Check([]byte(c.src), c.opt); !errors.As(err, &checked) || *checked != *e {
			t.Errorf("%s: Check says %v, Render %v", c.name, err, e)
		}
		if !reflect.DeepEqual(res, Result{}) {
			t.Errorf("%s: a result beside the error", c.name)
		}
	}
}

func TestBoundsLeaveRoom(t *testing.T) {
	for name, src := range map[string]string{
		"15 levels of lists":     stairsOf("  ", "- a\n", 15),
		"30 levels of quotation": strings.Repeat("> ", 30) + "a",
		"a rule of stars":        strings.Repeat("* ", 200),
		"500 links in a line":    strings.Repeat("[a](https://example.org/) ", 500),
		"a long list of links":   strings.Repeat("- [a](https://example.org/abc)\n", 1800),
		"a long table":           "|a|b|c|d|\n|-|-|-|-|\n" + strings.Repeat("|aa|bb|cc|dd|\n", 4000),
		"a long paragraph":       strings.Repeat("parola (e ancora) 'altra' ", 2000),
		"the greatest size":      strings.Repeat("parola ", DefaultMaxBytes/7),
		"a deep block of code":   "```\n" + stairsOf("  ", "- a\n", 80) + "```\n",
		"many blank lines":       "- a\n" + strings.Repeat("\n", 5000) + "b",
	} {
		if _, err := Render([]byte(src), Options{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := Check([]byte(src), Options{}); err != nil {
			t.Errorf("%s: Check: %v", name, err)
		}
	}
}

func stairsOf(step, line string, n int) string {
	var b strings.Builder
	for i := 0; i < n; i++ {
		b.WriteString(strings.Repeat(step, i) + line)
	}
	return b.String()
}

func TestEmpty(t *testing.T) {
	for _, src := range []string{"", "\n", " \n\t\n", "<div></div>", "<!-- nota -->", "[a]: /b"} {
		res := mustRender(t, src, "it")
		if strings.TrimSpace(res.HTML) != "" || res.Text != "" || res.Words != 0 || len(res.TOC) != 0 || len(res.References) != 0 || res.Dir != "ltr" {
			t.Errorf("%q: %+v", src, res)
		}
		if res.TOC == nil || res.References == nil {
			t.Errorf("%q: nil lists", src)
		}
	}
}

func TestSeedCircular(t *testing.T) {
	const urn = "urn:nir:ministero.interno;dipartimento.liberta.civili.immigrazione;direzione.centrale.politiche.immigrazione.asilo:circolare:2012-04-16;2649"
	res := mustRender(t, "MINISTERO DELL'INTERNO\n \nCIRCOLARE 16 aprile 2012, n. 2649\n\n \n  "+urn+"\n\nALLE PREFETTURE", "it")
	if len(res.References) != 1 || res.References[0].Identifier != urn || res.References[0].Text != urn || res.References[0].URL != "" {
		t.Errorf("%+v", res.References)
	}
}

// Where a reference says it comes from is where it comes from.
func TestReferenceOffsets(t *testing.T) {
	const src = "Vedi l'*art. 5* e la **legge n. 40/1998**, la legge n.&nbsp;241/1990 e <https://www.normattiva.it/uri-res/N2Ls?urn:nir:stato:legge:1992-02-05;91>.\n"
	want := []string{"legge n. 40/1998", "legge n.&nbsp;241/1990", "https://www.normattiva.it/uri-res/N2Ls?urn:nir:stato:legge:1992-02-05;91"}
	refs := mustRender(t, src, "it").References
	if len(refs) != len(want) {
		t.Fatalf("%+v", refs)
	}
	for i, r := range refs {
		if got := src[r.Start:r.End]; got != want[i] {
			t.Errorf("reference %d: %q, want %q", i, got, want[i])
		}
	}
}

func TestNothingIsLinkedInHeadingsCodeAndLinks(t *testing.T) {
	for _, src := range []string{
		"# legge n. 40/1998", "legge n. 40/1998\n===", "`legge n. 40/1998`", "    legge n. 40/1998", "```\nlegge n. 40/1998\n```",
		"[legge n. 40/1998](/x)", "[la **legge n. 40/1998**](/x)", "<a href=\"/x\">legge n. 40/1998</a>", "![legge n. 40/1998](x.png)",
		"https://example.org/legge-n.40/1998", "<!-- legge n. 40/1998 -->",
	} {
		if res := mustRender(t, src, "it"); len(res.References) != 0 || strings.Contains(res.HTML, `class="ref"`) {
			t.Errorf("%q: %s", src, res.HTML)
		}
	}
}

// The text of raw HTML stays, whatever becomes of the tags.
func TestNoTextIsLost(t *testing.T) {
	tags := []string{"<div>", "</div>", "<div dir=\"rtl\" markdown=\"1\">", "<p>", "</p>", "<b>", "</b>", "<span dir='rtl'>", "</span>", "<aside markdown=\"1\" class=\"pquote\">",
		"</aside>", "<td>", "<script>", "</script>", "<style>", "<unknown x=y>", "<a href=\"/x\">", "</a>", "<a href=\"javascript:x\">", "<!-- c -->", "<br>", "<br/>", "<li>", "<blockquote>", "</blockquote>", "<h1>", "</h1>"}
	gaps := []string{" ", "\n", "\n\n", ""}
	rapid.Check(t, func(t *rapid.T) {
		var src strings.Builder
		var want []string
		for i, n := 0, rapid.IntRange(1, 12).Draw(t, "pieces"); i < n; i++ {
			if rapid.Bool().Draw(t, "tag") {
				src.WriteString(rapid.SampledFrom(tags).Draw(t, "which"))
			} else {
				word := "parola" + string(rune('a'+i))
				want = append(want, word)
				src.WriteString(word)
			}
			src.WriteString(rapid.SampledFrom(gaps).Draw(t, "gap"))
		}
		res, err := Render([]byte(src.String()), Options{Locale: "it"})
		if err != nil {
			t.Fatal(err)
		}
		checkSafe(t, res.HTML)
		at := 0
		for _, w := range want {
			i := strings.Index(res.Text[at:], w)
			if i < 0 {
				t.Fatalf("%q is lost from %q: %q", w, src.String(), res.Text)
			}
			at += i + len(w)
		}
	})
}

func TestDirection(t *testing.T) {
	for _, c := range []struct{ src, locale, dir, part string }{
		{"ciao", "it", "ltr", "<p>ciao</p>"},
		{"مرحبا", "it", "ltr", `<p lang="ar" dir="rtl">مرحبا</p>`},
		{"مرحبا", "ar", "rtl", "<p>مرحبا</p>"},
		{"مرحبا", "ar-EG", "rtl", "<p>مرحبا</p>"},
		{"مرحبا", "", "rtl", "<p>مرحبا</p>"},
		{"ciao", "", "ltr", "<p>ciao</p>"},
		{"hello", "ar", "rtl", `<p dir="ltr">hello</p>`},
		{"سلام", "fa-IR", "rtl", "<p>سلام</p>"},
		{"سلام", "ur", "rtl", "<p>سلام</p>"},
		{"ਸਤ", "pa", "ltr", "<p>ਸਤ</p>"},
		{"پنجابی", "pa-Arab", "rtl", "<p>پنجابی</p>"},
		{"salaam", "ar-Latn", "ltr", "<p>salaam</p>"},
		{"123", "ar", "rtl", "<p>123</p>"},
		{"&#1605;رحبا", "it", "ltr", `<p lang="ar" dir="rtl">مرحبا</p>`},
		{"`code` مرحبا", "it", "ltr", `<p lang="ar" dir="rtl"><code>code</code> مرحبا</p>`},
		{"שלום", "en", "ltr", `<p lang="he" dir="rtl">שלום</p>`},
		{"你好", "zh-Hans", "ltr", "<p>你好</p>"},
	} {
		res := mustRender(t, c.src, c.locale)
		if res.Dir != c.dir || strings.TrimSpace(res.HTML) != c.part {
			t.Errorf("%q in %q: dir %q, %s", c.src, c.locale, res.Dir, res.HTML)
		}
	}
}

func TestLabels(t *testing.T) {
	for locale, want := range map[string]string{
		"it": "Torna al testo dalla nota 1", "en-GB": "Back to the text from footnote 1", "fr": "Retour au texte depuis la note 1",
		"es": "Volver al texto desde la nota 1", "ar": "العودة إلى النص من الهامش 1", "zh-Hans": "返回正文,脚注 1",
		"bn": "লেখায় ফিরে যান, পাদটীকা 1", "de": "Back to the text from footnote 1", "": "Torna al testo dalla nota 1",
	} {
		if res := mustRender(t, "a[^1]\n\n[^1]: b", locale); !strings.Contains(res.HTML, `aria-label="`+want+`"`) {
			t.Errorf("%s: %s", locale, res.HTML)
		}
	}
	for _, l := range allLabels {
		for _, kind := range calloutKinds {
			if l.callouts[kind] == "" {
				t.Errorf("%s has no word for %q", l.lang, kind)
			}
		}
		if l.footnotes == "" || l.footnoteRef == "" || l.footnoteUp == "" {
			t.Errorf("%s lacks words for footnotes", l.lang)
		}
	}
}

func TestWords(t *testing.T) {
	for src, want := range map[string]int{
		"": 0, "una": 1, "una parola": 2, "l'articolo 5-bis": 2, "«Città d’arte»": 2, "**due** *parole*": 2, "a-b - c": 2,
		"你好世界": 4, "Ciao 你好": 3, "مرحبا بكم في إيطاليا": 4, "নমস্কার বিশ্ব": 2, "e`mail`": 1, "3,5 euro": 3,
	} {
		if got := mustRender(t, src, "it").Words; got != want {
			t.Errorf("%q has %d words, want %d", src, got, want)
		}
	}
}

func TestHeadingIDs(t *testing.T) {
	res := mustRender(t, "# A\n# a\n# a-2\n# A\n# !\n# ?\n# Città d'arte\n# Citta\u0300 d'arte\n# 你好\n# "+strings.Repeat("lungo ", 100)+"\n# X {#a}\n", "it")
	want := []string{"s-a", "s-a-2", "s-a-2-2", "s-a-3", "s-section", "s-section-2", "s-città-d-arte", "s-città-d-arte-2", "s-你好",
		"s-" + strings.Repeat("lungo-", 15) + "lungo", "s-a-4"}
	for i, h := range res.TOC {
		if h.ID != want[i] {
			t.Errorf("heading %d: %q, want %q", i, h.ID, want[i])
		}
	}
	if len(res.TOC) != len(want) {
		t.Errorf("%d headings", len(res.TOC))
	}
}

func TestDeterministicAndConcurrent(t *testing.T) {
	src := typical(t)
	want, err := Render(src, Options{Locale: "it"})
	if err != nil {
		t.Fatal(err)
	}
	kept := string(src)
	var wg sync.WaitGroup
	for g := 0; g < 8; g++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := 0; i < 20; i++ {
				got, err := Render(src, Options{Locale: "it"})
				if err != nil || !reflect.DeepEqual(got, want) {
					t.Errorf("another result: %v", err)
					return
				}
				if _, err := Render([]byte(strings.Repeat(">", 5000)), Options{}); !errors.Is(err, ErrTooDeep) {
					t.Errorf("%v", err)
				}
			}
		}()
	}
	wg.Wait()
	if string(src) != kept {
		t.Error("Render changed its source")
	}
}

func TestReferencesAreThoseOfTheText(t *testing.T) {
	const sentence = "Gli artt. 4 e 5 del D.Lgs. 286/1998, la L. 40/1998 e il regolamento (UE) 2016/679."
	var want []string
	for _, r := range citation.Find(sentence) {
		want = append(want, r.Identifier)
	}
	res := mustRender(t, sentence, "it")
	var got []string
	for _, r := range res.References {
		got = append(got, r.Identifier)
	}
	if !reflect.DeepEqual(got, want) || len(got) != 4 || strings.Count(res.HTML, `<a class="ref"`) != 4 {
		t.Errorf("%q\n%s", got, res.HTML)
	}
}
