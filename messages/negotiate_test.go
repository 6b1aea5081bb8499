package messages

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestNegotiate(t *testing.T) {
	long := strings.Repeat("de,", 400)
	for _, c := range []struct{ header, want string }{
		{"", "it"},
		{"*", "it"},
		{"it", "it"},
		{"en", "en"},
		{"AR", "ar"},
		{"zh-CN", "zh"},
		{"zh-Hans-CN", "zh"},
		{"zh-Hant-TW,zh;q=0.9", "zh"},
		{"fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7, *;q=0.5", "fr"},
		{"en;q=0.8, es", "es"},
		{"en;q=0.8, es;q=0.8", "en"}, // the first of equals
		{"en;q=0.1,es;q=0.11,fr;q=0.111", "fr"},
		{"en; q=0.5 , es ; q=0.6", "es"},
		{"en;Q=0.5,es;q=0.4", "en"},
		{"de", "it"},
		{"de,uk;q=0.9,en;q=0.1", "en"},
		{"de;q=1,*;q=0.5", "it"},
		{"en;q=0.5,*;q=0.8", "it"}, // anything else is liked better
		{"it;q=0.2,*;q=0.8", "en"},
		{"it;q=0", "en"},
		{"it;q=0,*", "en"},
		{"it;q=0,en;q=0", "fr"},
		{"it;q=0,en;q=0,fr;q=0,es;q=0,ar;q=0,zh;q=0", "it"}, // something must be said
		{"*;q=0", "it"},
		{"en;q=0,es;q=0.001", "es"},
		{"en;q=1.000", "en"},
		{"en,en;q=0.1,fr;q=0.5", "en"},
		// What is malformed counts for nothing.
		{"en;q=1.001,es;q=0.1", "es"},
		{"en;q=0.1234,es;q=0.1", "es"},
		{"en;q=,es;q=0.1", "es"},
		{"en;q=-1,es;q=0.1", "es"},
		{"en;q=.5,es;q=0.1", "es"},
		{"en;level=1,es;q=0.1", "es"},
		{"en;q=0.5;x=1,es;q=0.1", "es"},
		{"english,es;q=0.1", "es"},
		{"e n,es;q=0.1", "es"},
		{",,;,;;,-,=,es;q=0.1,", "es"},
		{"\x00\xff\n", "it"},
		{"en-" + strings.Repeat("x", 2000), "it"},
		{long + "en", "it"}, // what lies beyond the bound is not read
		{"en," + long, "en"},
		{strings.Repeat(",", 5000), "it"},
	} {
		if got := Negotiate(c.header); got != c.want {
			t.Errorf("Negotiate(%.60q) = %q, want %q", c.header, got, c.want)
		}
	}
}

// The language with the greatest weight wins, the first of equals.
func TestNegotiateWeights(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		languages := rapid.SliceOfNDistinct(rapid.SampledFrom(append([]string{"de", "uk", "bn"}, Languages...)), 1, 9, rapid.ID).Draw(t, "languages")
		want, best := Languages[0], 0
		var ranges []string
		for _, l := range languages {
			weight := rapid.IntRange(1, 1000).Draw(t, "weight")
			region := rapid.SampledFrom([]string{"", "-CH", "-Latn-XK"}).Draw(t, "region")
			ranges = append(ranges, fmt.Sprintf("%s%s;q=%d.%03d", l, region, weight/1000, weight%1000))
			if weight > best && slices.Contains(Languages, l) {
				want, best = l, weight
			}
		}
		header := strings.Join(ranges, rapid.SampledFrom([]string{",", ", ", " ,\t"}).Draw(t, "separator"))
		if got := Negotiate(header); got != want {
			t.Fatalf("Negotiate(%q) = %q, want %q", header, got, want)
		}
	})
}

func FuzzNegotiate(f *testing.F) {
	f.Add("fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7, *;q=0.5")
	f.Add("en;q=0.,*;q=")
	f.Add(strings.Repeat("*;q=0.1,", 500))
	f.Fuzz(func(t *testing.T, header string) {
		got := Negotiate(header)
		if !slices.Contains(Languages, got) {
			t.Fatalf("Negotiate(%q) = %q", header, got)
		}
		if len(header) < maxHeader-len("en,") && !strings.Contains(header, ",") && Negotiate("en,"+header) != "en" {
			t.Fatalf("%q takes away the language that was asked for first", header)
		}
	})
}

func BenchmarkNegotiate(b *testing.B) {
	for b.Loop() {
		Negotiate("fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7, *;q=0.5")
	}
}
