package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"math"
	"strconv"
	"sync"

	"github.com/deepteams/webp"
	xwebp "golang.org/x/image/webp"
)

const (
	longSide    = 2560 // pixels of the largest size kept
	jpegQuality = 82
)

// widths are the smaller sizes, in pixels.
var widths = []int{1280, 640, 320}

// picture decodes an image and makes its files.
func (l *Library) picture(ctx context.Context, k *kind, data []byte) ([]made, error) {
	if hasMarkup(data) || isZip(data) { // sniff knows a PDF in it
		return nil, refuse(codeTwoKinds, nil)
	}
	src, turn, err := l.decode(ctx, k, data)
	if err != nil {
		return nil, err
	}
	w, h := fit(src.Bounds().Dx(), src.Bounds().Dy(), longSide)
	full, err := shrink(ctx, src, w, h)
	if err != nil {
		return nil, err
	}
	e := encoder{l: l, photo: k.media == typeJPEG || k.media == typeWebP && isLossy(src)}
	// A drawing of few colours stays one: its palette is smaller than true colour.
	if p, ok := src.(*image.Paletted); ok && turn == 1 && w == p.Rect.Dx() && h == p.Rect.Dy() {
		e.palette = p
	}
	src = nil // the largest thing in memory goes before encoding begins
	full = turned(full, turn)
	if err := e.add(ctx, full); err != nil {
		return nil, err
	}
	e.palette = nil
	for _, width := range widths {
		b := full.Bounds()
		if width >= b.Dx() {
			continue
		}
		small, err := shrink(ctx, full, width, max(1, divide(b.Dy()*width, b.Dx())))
		if err != nil {
			return nil, err
		}
		if err := e.add(ctx, small); err != nil {
			return nil, err
		}
		full = small // the next is made from it
	}
	return e.files, nil
}

// decode gives the pixels and how they are to be turned (EXIF orientation, 1 to
// 8), after it has counted what they will cost.
func (l *Library) decode(ctx context.Context, k *kind, data []byte) (image.Image, int, error) {
	var config image.Config
	var err error
	cost, exif := 4.0, []byte(nil) // bytes a pixel
	switch k.media {
	case typeJPEG:
		var j jpegHeader
		if j, err = readJPEG(data); err == nil {
			config, err = jpeg.DecodeConfig(bytes.NewReader(data))
			cost, exif = j.cost(), j.exif
		}
	case typePNG:
		config, err = png.DecodeConfig(bytes.NewReader(data))
		if err == nil && (config.ColorModel == color.RGBA64Model || config.ColorModel == color.NRGBA64Model) {
			cost = 8
		}
		exif = pngEXIF(data)
	case typeGIF:
		config, err = gif.DecodeConfig(bytes.NewReader(data))
	case typeWebP:
		var animated bool
		if animated, exif = webpChunks(data); animated {
			return nil, 0, refuse(codeAnimated, nil)
		}
		config, err = xwebp.DecodeConfig(bytes.NewReader(data))
	}
	if err != nil {
		return nil, 0, refuse(codeDamaged, err)
	}
	w, h := config.Width, config.Height
	if w <= 0 || h <= 0 {
		return nil, 0, refuse(codeDamaged, fmt.Errorf("the size is %d × %d", w, h))
	}
	if w > l.limits.Side || h > l.limits.Side || w*h > l.limits.Pixels || float64(w)*float64(h)*cost > float64(l.limits.Decoded) {
		return nil, 0, tooManyPixels(l.limits)
	}
	in := &stream{ctx: ctx, r: bytes.NewReader(data)}
	var img image.Image
	switch k.media {
	case typeJPEG:
		img, err = jpeg.Decode(in)
	case typePNG:
		img, err = png.Decode(in)
	case typeGIF:
		img, err = gif.Decode(in) // the first frame
	case typeWebP:
		img, err = xwebp.Decode(in)
	}
	switch {
	case ctx.Err() != nil:
		return nil, 0, ctx.Err()
	case err != nil:
		return nil, 0, refuse(codeDamaged, err)
	case img.Bounds().Empty():
		return nil, 0, refuse(codeDamaged, errors.New("there is no pixel"))
	}
	return img, orientation(exif), nil
}

// isLossy reports whether a decoded WebP was a photograph without transparency.
func isLossy(img image.Image) bool {
	_, ok := img.(*image.YCbCr)
	return ok
}

// encoder makes the files of one picture.
type encoder struct {
	l       *Library
	photo   bool // JPEG and lossy WebP; else PNG and the smaller WebP
	palette *image.Paletted
	files   []made
}

// add makes one size: the format that everything reads, and WebP if it is
// smaller. A smaller size that is not smaller in bytes helps nobody and is left
// out.
func (e *encoder) add(ctx context.Context, img *image.RGBA) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b := img.Bounds()
	name, w, h := strconv.Itoa(b.Dx()), b.Dx(), b.Dy()
	base, mediaType := ".png", typePNG
	if e.photo {
		base, mediaType = ".jpg", typeJPEG
	}
	data, err := e.encode(img, mediaType)
	if err != nil {
		return fmt.Errorf("media: %s of %d × %d: %w", mediaType, w, h, err)
	}
	if hasMarkup(data) { // pixels chosen so that a palette or a stored block spells it
		return refuse(codeTwoKinds, errors.New("the pixels spell markup"))
	}
	if len(e.files) > 0 && int64(len(data)) >= e.files[0].Bytes {
		return nil
	}
	e.files = append(e.files, newFile(name+base, mediaType, data, w, h))
	small, err := e.webp(ctx, img, len(data) < w*h)
	if err != nil {
		return err
	}
	if small != nil && len(small) < len(data) && !hasMarkup(small) {
		e.files = append(e.files, newFile(name+".webp", typeWebP, small, w, h))
	}
	return nil
}

func (e *encoder) encode(img *image.RGBA, mediaType string) ([]byte, error) {
	var out bytes.Buffer
	var err error
	switch {
	case mediaType == typeJPEG:
		err = jpeg.Encode(&out, img, &jpeg.Options{Quality: jpegQuality})
	case e.palette != nil:
		err = png.Encode(&out, e.palette)
	default:
		err = png.Encode(&out, img)
	}
	return out.Bytes(), err
}

// webp gives the picture as WebP, or nil: lossy for a photograph, lossless where
// there is transparency, else, for what packs like a drawing (flat), whichever is
// smaller. What the encoder made is read
// again by a decoder of other authors, and dropped if that sees another picture:
// one does well without its WebP, and badly with a WebP that shows nothing.
func (e *encoder) webp(ctx context.Context, img *image.RGBA, flat bool) (best []byte, err error) {
	warmUp()
	opaque := img.Opaque()
	for _, way := range []struct {
		use      bool
		lossless bool
		quality  float32 // of what is seen, or the effort when it is lossless; 0 to 100
		method   int     // effort, 0 to 6
		differs  float64 // how far pixels may be off, on average
	}{
		{opaque, false, 80, 4, 12},
		{!e.photo && (!opaque || flat), true, 50, 1, 0.5}, // more effort costs much and gains little
	} {
		if !way.use {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		opt := webp.DefaultOptions()
		opt.Lossless, opt.Quality, opt.Method = way.lossless, way.quality, way.method
		var out bytes.Buffer
		err := webp.Encode(&out, img, opt)
		if err == nil {
			err = shows(out.Bytes(), img, way.differs)
		}
		if err != nil {
			e.l.log.WarnContext(ctx, "media: no WebP", "width", img.Rect.Dx(), "height", img.Rect.Dy(), "lossless", way.lossless, "error", err)
			continue
		}
		if best == nil || out.Len() < len(best) {
			best = out.Bytes()
		}
	}
	return best, nil
}

// warmUp encodes a small picture before all others: the encoder fills its tables
// on first use, without a lock, and two first uses at once would be a data race.
var warmUp = sync.OnceFunc(func() {
	_ = webp.Encode(io.Discard, image.NewRGBA(image.Rect(0, 0, 16, 16)), webp.DefaultOptions())
})

// shows reports whether a WebP shows the picture: the same size, and pixels that
// differ on average by no more than the quality explains (of 255, premultiplied).
func shows(data []byte, want *image.RGBA, most float64) error {
	img, err := xwebp.Decode(bytes.NewReader(data))
	if err != nil {
		return err
	}
	if img.Bounds() != want.Rect {
		return fmt.Errorf("it became %v", img.Bounds())
	}
	line := image.NewRGBA(image.Rect(0, 0, want.Rect.Dx(), 1))
	sum := 0
	for y := range want.Rect.Dy() {
		draw.Draw(line, line.Rect, img, image.Pt(0, y), draw.Src)
		for i, v := range want.Pix[y*want.Stride:][:len(line.Pix)] {
			d := int(v) - int(line.Pix[i])
			sum += max(d, -d)
		}
	}
	if mean := float64(sum) / float64(len(want.Pix)); mean > most {
		return fmt.Errorf("its pixels differ by %.1f", mean)
	}
	return nil
}

// fit gives the size with the same shape whose longer side is at most most.
func fit(w, h, most int) (int, int) {
	switch {
	case w <= most && h <= most:
		return w, h
	case w >= h:
		return most, max(1, divide(h*most, w))
	}
	return max(1, divide(w*most, h)), most
}

// divide rounds to the nearest.
func divide(a, b int) int { return int(math.Round(float64(a) / float64(b))) }
