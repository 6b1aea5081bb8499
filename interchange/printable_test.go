package interchange

import "testing"

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"a\x1b[31mb":    "a\uFFFD[31mb",
		"a\u202eb":      "a\uFFFDb",
		"\u2068x\u2069": "\u2068x\u2069", // what messages sets around values
		"\u2066x":       "\uFFFDx",
		"città قانون":   "città قانون",
	} {
		if got := printable(in); got != want {
			t.Errorf("printable(%q) = %q, want %q", in, got, want)
		}
	}
}
