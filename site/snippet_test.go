package site

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestSnippet(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "",
		"a &amp; <mark>b</mark> c":      "a &amp; <mark>b</mark> c",
		"<mark>a":                       "<mark>a</mark>",
		"a</mark>":                      "a&lt;/mark&gt;",
		"<mark><mark>a</mark></mark>":   "<mark>&lt;mark&gt;a</mark>&lt;/mark&gt;",
		"<script>x</script>":            "&lt;script&gt;x&lt;/script&gt;",
		"<mark onclick=\"x\">a</mark>":  "&lt;mark onclick=&#34;x&#34;&gt;a&lt;/mark&gt;",
		"it&#39;s <img src=x onerror=>": "it&#39;s &lt;img src=x onerror=&gt;",
	} {
		if got := string(Snippet(text)); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOf(rapid.SampledFrom([]string{"<", ">", "mark", "<mark>", "</mark>", "/", "&lt;", "\"", "x", "<b>"})).Draw(t, "text"), "")
		got := string(Snippet(text))
		rest := strings.NewReplacer("<mark>", "", "</mark>", "").Replace(got)
		if strings.ContainsAny(rest, "<>\"'") || strings.Count(got, "<mark>") != strings.Count(got, "</mark>") {
			t.Fatalf("%q gives %q", text, got)
		}
	})
}
