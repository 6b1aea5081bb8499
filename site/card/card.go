// Package card draws the pictures that accompany a link when somebody shares it
// (Open Graph, og:image): the title of the item, what it is, and the site.
//
//	Card ── fits a size and lines (go-text: bidi, HarfBuzz, line breaking)
//	     ── outlines of glyphs ──▶ coverage (golang.org/x/image/vector)
//	     ── coverage, mosaic ────▶ 26 colours ──▶ PNG
//
// A picture follows from its Card alone: the same bytes every time. A title in a
// script that no font of ours has is left out, rather than shown as boxes: the
// picture is then the mosaic, whose tiles are laid by the title, and the site.
package card

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"io/fs"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"github.com/go-text/typesetting/font"
	"golang.org/x/image/math/fixed"
)

// The size of a picture in pixels, which those who show links ask for.
const (
	Width  = 1200
	Height = 630
)

// Fonts are the files that New reads, in WOFF 1.0, TrueType or OpenType.
var Fonts = []string{"card-latin.woff", "card-latin-ext.woff", "card-arabic.woff"}

// DefaultColor is the blue of Italy's public web sites.
const DefaultColor = "#0066cc"

// Card is what a picture says.
type Card struct {
	Title  string
	Locale string // of the title, BCP 47
	Dir    string // "rtl" or "ltr"
	Label  string // what kind of thing it is: "Buona pratica"
	Site   string // the name of the site
	Color  string // "#0066cc"; DefaultColor when it is none. White must be readable on it, so light ones are darkened
}

// Painter draws cards. It is safe for concurrent use.
type Painter struct {
	fonts []*font.Font
	desks sync.Pool // of *desk
}

// New makes a Painter with the fonts of a file system; see Fonts. The error names
// the file that is missing or is no font.
func New(fsys fs.FS) (*Painter, error) {
	p := &Painter{}
	for _, name := range Fonts {
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, fmt.Errorf("card: a font is missing, run make build: %w", err)
		}
		face, err := font.ParseTTF(bytes.NewReader(data))
		if err != nil {
			return nil, fmt.Errorf("card: %s: %w", name, err)
		}
		p.fonts = append(p.fonts, face.Font)
	}
	p.desks.New = func() any { return newDesk(p.fonts) }
	return p, nil
}

// Distances in pixels.
const (
	margin = 72
	tile   = 90       // of the mosaic
	mosaic = 3 * tile // its width, at the end of the lines
	column = Width - mosaic - 2*margin + margin/2
	head   = margin + 42 // the title's place: from here
	foot   = Height - margin - 84
	small  = 60  // lines of label and site
	maxRun = 400 // characters of a text that are looked at
)

// titles are the sizes that a title is tried in, and how many lines it may have.
var titles = []struct{ size, lines int }{{76, 3}, {64, 4}, {54, 5}, {46, 6}}

// Card draws a picture as PNG. The error is the writer's.
func (p *Painter) Card(w io.Writer, c Card) error {
	d := p.desks.Get().(*desk)
	defer p.desks.Put(d)
	img := image.NewPaletted(image.Rect(0, 0, Width, Height), palette(c.Color))
	d.lay(img, c)
	rtl := c.Dir == "rtl"
	left := margin
	if rtl {
		left = Width - margin - column
	}
	// place writes a text below y.
	place := func(t *text, y int) {
		for i := range t.lines {
			t.draw(img, i, left, column, y+(t.height+t.size*7/10)/2)
			y += t.height
		}
	}
	if t := d.set(c.Label, rtl, 34, 1, column, small); t != nil {
		place(t, margin-12)
	}
	var title *text
	for _, try := range titles {
		if title = d.set(c.Title, rtl, try.size, try.lines, column, foot-head); title == nil || !title.cut {
			break
		}
	}
	if title != nil {
		place(title, head+(foot-head-len(title.lines)*title.height)/2)
	}
	bar := left
	if rtl {
		bar = left + column - 96
	}
	fill(img, image.Rect(bar, foot+18, bar+96, foot+24), white)
	if t := d.set(c.Site, rtl, 40, 1, column, small); t != nil {
		place(t, foot+38)
	}
	return encoder.Encode(w, img)
}

var encoder = png.Encoder{CompressionLevel: png.DefaultCompression}

// The palette: white over the colour in steps, then the tints of the mosaic.
const (
	steps = 16
	white = steps - 1
	tints = 10
)

func palette(name string) color.Palette {
	base := readable(name)
	mix := func(to color.RGBA, part, of int) color.RGBA {
		m := func(a, b uint8) uint8 { return uint8((int(a)*(of-part) + int(b)*part + of/2) / of) }
		return color.RGBA{m(base.R, to.R), m(base.G, to.G), m(base.B, to.B), 255}
	}
	var out color.Palette
	for i := range steps {
		out = append(out, mix(color.RGBA{255, 255, 255, 255}, i, white))
	}
	for i := range tints {
		if i < tints/2 {
			out = append(out, mix(color.RGBA{0, 0, 0, 255}, i+1, 16))
		} else {
			out = append(out, mix(color.RGBA{255, 255, 255, 255}, i-tints/2+1, 16))
		}
	}
	return out
}

// readable gives the colour of a name, darkened until white on it has a contrast of
// 4.5 (WCAG 2.2, success criterion 1.4.3).
func readable(name string) color.RGBA {
	c, ok := parse(name)
	if !ok {
		c, _ = parse(DefaultColor)
	}
	for contrast(c) < 4.5 {
		c.R, c.G, c.B = uint8(int(c.R)*15/16), uint8(int(c.G)*15/16), uint8(int(c.B)*15/16)
	}
	return c
}

// parse reads #rrggbb, or #rgb as CSS has it.
func parse(name string) (color.RGBA, bool) {
	if len(name) == 4 {
		name = string([]byte{name[0], name[1], name[1], name[2], name[2], name[3], name[3]})
	}
	if len(name) != 7 || name[0] != '#' {
		return color.RGBA{}, false
	}
	n, err := strconv.ParseUint(name[1:], 16, 32)
	return color.RGBA{uint8(n >> 16), uint8(n >> 8), uint8(n), 255}, err == nil
}

// contrast is that of white on a colour. Luminance is taken with a gamma of 2,
// which is a little stricter than sRGB's for all but the darkest colours.
func contrast(c color.RGBA) float64 {
	l := func(v uint8) float64 { f := float64(v) / 255; return f * f }
	return 1.05 / (0.2126*l(c.R) + 0.7152*l(c.G) + 0.0722*l(c.B) + 0.05)
}

func fill(img *image.Paletted, r image.Rectangle, index uint8) {
	r = r.Intersect(img.Rect)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := img.Pix[img.PixOffset(r.Min.X, y):img.PixOffset(r.Max.X, y)]
		for i := range row {
			row[i] = index
		}
	}
}

// lay lays the mosaic at the end of the lines: quarters of circles in tints of the
// colour, turned by a hash of what the picture is about.
func (d *desk) lay(img *image.Paletted, c Card) {
	sum := sha256.Sum256([]byte(c.Locale + "\x00" + c.Title))
	for row := range Height / tile {
		for col := range mosaic / tile {
			n := row*(mosaic/tile) + col
			b := sum[n%len(sum)]
			x := Width - mosaic + col*tile
			if c.Dir == "rtl" {
				x = (mosaic/tile - 1 - col) * tile
			}
			ground, shape := steps+b%tints, steps+(b/tints+3)%tints
			fill(img, image.Rect(x, row*tile, x+tile, (row+1)*tile), ground)
			if ground != shape {
				quarter(img, x, row*tile, int(b>>6), shape)
			}
		}
	}
}

// quarter fills a quarter of a circle around one corner of a tile.
func quarter(img *image.Paletted, x, y, corner int, index uint8) {
	for dy := range tile {
		for dx := range tile {
			u, v := dx, dy
			if corner&1 != 0 {
				u = tile - 1 - dx
			}
			if corner&2 != 0 {
				v = tile - 1 - dy
			}
			if u*u+v*v < tile*tile {
				img.Pix[img.PixOffset(x+dx, y+dy)] = index
			}
		}
	}
}

// clean makes one line of a text, without what cannot be seen, and bounds it.
func clean(s string) []rune {
	var out []rune
	for _, r := range strings.Join(strings.Fields(s), " ") {
		if unicode.IsControl(r) || r == unicode.ReplacementChar || r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069 || r == 0x2028 || r == 0x2029 {
			continue
		}
		if out = append(out, r); len(out) == maxRun {
			break
		}
	}
	return out
}

// pixels rounds a length of the shaper.
func pixels(v fixed.Int26_6) float32 { return float32(v) / 64 }
