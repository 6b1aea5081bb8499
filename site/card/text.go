package card

import (
	"image"
	"unicode"

	"github.com/go-text/typesetting/di"
	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/font/opentype"
	"github.com/go-text/typesetting/language"
	"github.com/go-text/typesetting/shaping"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

// desk is what one picture at a time is drawn with: faces and shapers keep caches
// that two must not share.
type desk struct {
	faces   faces
	seg     shaping.Segmenter
	shaper  shaping.HarfbuzzShaper
	wrapper shaping.LineWrapper
	raster  vector.Rasterizer
	mask    *image.Alpha
}

func newDesk(fonts []*font.Font) *desk {
	d := &desk{mask: image.NewAlpha(image.Rect(0, 0, 512, 512))}
	for _, f := range fonts {
		d.faces = append(d.faces, font.NewFace(f))
	}
	return d
}

// faces chooses the first face that has a character.
type faces []*font.Face

func (f faces) ResolveFace(r rune) *font.Face {
	for _, face := range f {
		if _, ok := face.NominalGlyph(r); ok {
			return face
		}
	}
	return f[0]
}

// has reports whether every letter, mark and number of a text can be drawn.
func (f faces) has(s []rune) bool {
	any := false
	for _, r := range s {
		if !unicode.In(r, unicode.L, unicode.M, unicode.N) || r >= 0xFE00 && r <= 0xFE0F {
			continue
		}
		if _, ok := f.ResolveFace(r).NominalGlyph(r); !ok {
			return false
		}
		any = true
	}
	return any
}

// text is a text set in lines.
type text struct {
	desk   *desk
	lines  []shaping.Line
	size   int // pixels an em
	height int // of a line
	rtl    bool
	cut    bool // it did not fit and ends with an ellipsis
}

// set sets a text in lines of a width, as many as most and as a height allows; nil
// when nothing of it can be drawn.
func (d *desk) set(s string, rtl bool, size, most, width, height int) *text {
	runes := clean(s)
	if !d.faces.has(runes) {
		return nil
	}
	runes = d.drawable(runes)
	direction := di.DirectionLTR
	if rtl {
		direction = di.DirectionRTL
	}
	t := &text{desk: d, size: size, height: size * 6 / 5, rtl: rtl}
	shape := func(s []rune) []shaping.Output {
		var out []shaping.Output
		for _, in := range d.seg.Split(shaping.Input{Text: s, RunEnd: len(s), Direction: direction, Size: fixed.I(size), Language: language.NewLanguage("und")}, d.faces) {
			out = append(out, d.shaper.Shape(in))
			if in.Script == language.Arabic { // it reaches higher and lower
				t.height = size * 7 / 5
			}
		}
		return out
	}
	config := shaping.WrapConfig{Direction: direction, Truncator: shape([]rune("…"))[0]}
	shaped := shape(runes)
	config.TruncateAfterLines = max(1, min(most, height/t.height))
	lines, left := d.wrapper.WrapParagraph(config, width, runes, shaping.NewSliceIterator(shaped))
	t.cut = left > 0
	for _, l := range lines { // they are valid until the next text is set
		t.lines = append(t.lines, append(shaping.Line(nil), l...))
	}
	return t
}

// drawable leaves out signs, such as emoji, that no face has.
func (d *desk) drawable(s []rune) []rune {
	var out []rune
	for _, r := range s {
		if _, ok := d.faces.ResolveFace(r).NominalGlyph(r); ok || r == ' ' || r == 0x200C || r == 0x200D {
			out = append(out, r)
		}
	}
	return clean(string(out)) // where one stood between spaces, one space stays
}

// draw draws a line with its baseline at y, at the side where lines begin.
func (t *text) draw(img *image.Paletted, line, left, width, y int) {
	l := t.lines[line]
	var advance fixed.Int26_6
	for _, run := range l {
		advance += run.Advance
	}
	x := float32(left)
	if t.rtl {
		x += float32(width) - pixels(advance)
	}
	ordered := make([]*shaping.Output, len(l))
	for i := range l {
		ordered[l[i].VisualIndex] = &l[i]
	}
	for _, run := range ordered {
		scale := pixels(run.Size) / float32(run.Face.Upem())
		for _, g := range run.Glyphs {
			if outline, ok := run.Face.GlyphData(g.GlyphID).(font.GlyphOutline); ok {
				t.desk.glyph(img, outline.Segments, x+pixels(g.XOffset), float32(y)-pixels(g.YOffset), scale)
			}
			x += pixels(g.XAdvance)
		}
	}
}

// glyph draws an outline, in units of the font, with its origin at x, y.
func (d *desk) glyph(img *image.Paletted, segments []opentype.Segment, x, y, scale float32) {
	if len(segments) == 0 {
		return
	}
	minX, minY, maxX, maxY := float32(1e9), float32(1e9), float32(-1e9), float32(-1e9)
	for i := range segments {
		for _, p := range segments[i].ArgsSlice() {
			px, py := x+p.X*scale, y-p.Y*scale
			minX, maxX, minY, maxY = min(minX, px), max(maxX, px), min(minY, py), max(maxY, py)
		}
	}
	x0, y0 := int(minX)-1, int(minY)-1
	w, h := int(maxX)+2-x0, int(maxY)+2-y0
	if w <= 0 || h <= 0 || w > d.mask.Rect.Dx() || h > d.mask.Rect.Dy() { // no glyph of a sound font is larger
		return
	}
	d.raster.Reset(w, h)
	at := func(p opentype.SegmentPoint) (float32, float32) {
		return x + p.X*scale - float32(x0), y - p.Y*scale - float32(y0)
	}
	for i := range segments {
		s := &segments[i]
		ax, ay := at(s.Args[0])
		bx, by := at(s.Args[1])
		cx, cy := at(s.Args[2])
		switch s.Op {
		case opentype.SegmentOpMoveTo:
			if i > 0 {
				d.raster.ClosePath()
			}
			d.raster.MoveTo(ax, ay)
		case opentype.SegmentOpLineTo:
			d.raster.LineTo(ax, ay)
		case opentype.SegmentOpQuadTo:
			d.raster.QuadTo(ax, ay, bx, by)
		case opentype.SegmentOpCubeTo:
			d.raster.CubeTo(ax, ay, bx, by, cx, cy)
		}
	}
	d.raster.ClosePath()
	r := image.Rect(0, 0, w, h)
	clearMask(d.mask, r)
	d.raster.Draw(d.mask, r, image.Opaque, image.Point{})
	for dy := range h {
		for dx := range w {
			a := d.mask.Pix[d.mask.PixOffset(dx, dy)]
			p := image.Pt(x0+dx, y0+dy)
			if a < 256/steps || !p.In(img.Rect) {
				continue
			}
			i := img.PixOffset(p.X, p.Y)
			if was := img.Pix[i]; was < steps { // letters that join meet without a seam
				img.Pix[i] = min(white, was+a/(256/steps))
			}
		}
	}
}

func clearMask(m *image.Alpha, r image.Rectangle) {
	for y := range r.Dy() {
		clear(m.Pix[m.PixOffset(0, y):m.PixOffset(r.Dx(), y)])
	}
}
