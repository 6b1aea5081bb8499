package card

import (
	"os"
	"testing"

	"github.com/go-text/typesetting/di"
	"github.com/go-text/typesetting/language"
	"github.com/go-text/typesetting/shaping"
	"golang.org/x/image/math/fixed"
)

// TestJoining: letters that join take other forms than the one that stands alone,
// also those that the font makes of a stroke and its dots. (Version 0.3.5 of the
// shaper left them as they are.)
func TestJoining(t *testing.T) {
	p, err := New(os.DirFS("../dist"))
	if err != nil {
		t.Fatal(err)
	}
	d := p.desks.Get().(*desk)
	for _, letter := range "بتثجحخسشصضطظعغفقكلمنهيئ" {
		word := []rune{letter, letter, letter}
		face := d.faces.ResolveFace(letter)
		alone, _ := face.NominalGlyph(letter)
		out := d.shaper.Shape(shaping.Input{
			Text: word, RunEnd: len(word), Direction: di.DirectionRTL, Face: face, Size: fixed.I(64),
			Script: language.Arabic, Language: language.NewLanguage("ar"),
		})
		for _, g := range out.Glyphs {
			if g.ClusterIndex < 2 && g.GlyphID == alone {
				t.Errorf("%c does not join at %d", letter, g.ClusterIndex)
			}
		}
	}
}
