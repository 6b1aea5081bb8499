package media

import (
	"context"
	"image"
	"image/draw"
)

// shrink gives src at w × h pixels, each of which is at most src's: every new
// pixel is the mean of the area that it covers, with premultiplied transparency.
// All is integer arithmetic, so the result is the same on every machine, and one
// line of src is converted at a time, so a large picture needs no copy of itself.
func shrink(ctx context.Context, src image.Image, w, h int) (*image.RGBA, error) {
	b := src.Bounds()
	sw, sh := b.Dx(), b.Dy()
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	if w == sw && h == sh {
		draw.Draw(dst, dst.Rect, src, b.Min, draw.Src)
		return dst, ctx.Err()
	}
	line := image.NewRGBA(image.Rect(0, 0, sw, 1))
	across := make([]uint32, 4*w) // a line of src at width w, times sw
	down := make([]uint64, 4*w)   // the sum of such lines, times sh
	half := uint64(sw) * uint64(sh) / 2
	all := uint64(sw) * uint64(sh)
	y, left := 0, sh // the line of dst that is being summed, and what it still lacks
	for sy := range sh {
		if sy%64 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		pix := line.Pix
		if rgba, ok := src.(*image.RGBA); ok {
			pix = rgba.Pix[rgba.PixOffset(b.Min.X, b.Min.Y+sy):][:4*sw]
		} else {
			draw.Draw(line, line.Rect, src, image.Pt(b.Min.X, b.Min.Y+sy), draw.Src)
		}
		shrinkLine(across, pix, sw, w)
		// The line is h long where a line of dst is sh long.
		for length := h; length > 0; {
			part := min(length, left)
			for i, v := range across {
				down[i] += uint64(v) * uint64(part)
			}
			length -= part
			left -= part
			if left > 0 {
				continue
			}
			to := dst.Pix[y*dst.Stride:][:4*w]
			for i, v := range down {
				to[i] = uint8((v + half) / all)
				down[i] = 0
			}
			y, left = y+1, sh
		}
	}
	return dst, nil
}

// shrinkLine sums the pixels of a line of length sw into w of them. Each pixel of
// src is w long where one of dst is sw long.
func shrinkLine(dst []uint32, src []uint8, sw, w int) {
	var r, g, b, a uint32
	x, left := 0, sw
	for i := 0; i < 4*sw; i += 4 {
		for length := w; length > 0; {
			part := min(length, left)
			n := uint32(part)
			r += uint32(src[i]) * n
			g += uint32(src[i+1]) * n
			b += uint32(src[i+2]) * n
			a += uint32(src[i+3]) * n
			length -= part
			left -= part
			if left > 0 {
				continue
			}
			dst[x], dst[x+1], dst[x+2], dst[x+3] = r, g, b, a
			r, g, b, a = 0, 0, 0, 0
			x, left = x+4, sw
		}
	}
}

// turned gives the picture as its EXIF orientation says that it is to be seen
// (CIPA DC-008, section 4.6.4, tag 274): 2 to 4 mirror or turn half round, 5 to 8
// change width and height.
func turned(src *image.RGBA, orientation int) *image.RGBA {
	if orientation <= 1 || orientation > 8 {
		return src
	}
	w, h := src.Rect.Dx(), src.Rect.Dy()
	if orientation >= 5 {
		w, h = h, w
	}
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			var sx, sy int
			switch orientation {
			case 2:
				sx, sy = w-1-x, y
			case 3:
				sx, sy = w-1-x, h-1-y
			case 4:
				sx, sy = x, h-1-y
			case 5:
				sx, sy = y, x
			case 6:
				sx, sy = y, w-1-x
			case 7:
				sx, sy = h-1-y, w-1-x
			case 8:
				sx, sy = h-1-y, x
			}
			copy(dst.Pix[y*dst.Stride+4*x:][:4], src.Pix[sy*src.Stride+4*sx:][:4])
		}
	}
	return dst
}
