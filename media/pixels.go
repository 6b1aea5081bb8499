package media

import (
	"bytes"
	"encoding/binary"
	"image"
	"slices"
)

// onlyPixels reports whether a picture is built as this package builds them: of
// the parts that a decoder needs, to the last byte. There is no place then for
// what a camera or a person wrote: EXIF, XMP, comments, profiles.
func onlyPixels(mediaType string, data []byte) bool {
	switch mediaType {
	case typeJPEG:
		return plainJPEG(data)
	case typePNG:
		return plainPNG(data)
	case typeWebP:
		return plainWebP(data)
	}
	return false
}

// plainJPEG takes tables, one baseline frame and one scan (ITU-T T.81, annex B).
func plainJPEG(data []byte) bool {
	rest := data[min(2, len(data)):]
	for len(rest) >= 4 && rest[0] == 0xff {
		size := int(binary.BigEndian.Uint16(rest[2:]))
		if size < 2 || len(rest) < 2+size {
			return false
		}
		marker := rest[1]
		rest = rest[2+size:]
		switch marker {
		case 0xdb, 0xc0, 0xc4: // quantization tables, frame, Huffman tables
		case 0xda:
			for { // in a scan 0xff is followed by zero, or ends it (B.1.1.5)
				i := bytes.IndexByte(rest, 0xff)
				if i < 0 || i+1 >= len(rest) {
					return false
				}
				if rest[i+1] != 0 {
					return rest[i+1] == 0xd9 && i+2 == len(rest)
				}
				rest = rest[i+2:]
			}
		default:
			return false
		}
	}
	return false
}

// plainPNG takes the four critical chunks and transparency (PNG, third edition,
// section 11.2).
func plainPNG(data []byte) bool {
	for rest := data[min(8, len(data)):]; len(rest) >= 12; {
		size := uint64(binary.BigEndian.Uint32(rest)) + 12
		if size > uint64(len(rest)) {
			return false
		}
		switch string(rest[4:8]) {
		case "IHDR", "PLTE", "tRNS", "IDAT":
		case "IEND":
			return size == 12 && len(rest) == 12
		default:
			return false
		}
		rest = rest[size:]
	}
	return false
}

// plainWebP takes the simple forms: one chunk of pixels (RFC 9649, sections 2.5
// and 2.6).
func plainWebP(data []byte) bool {
	if len(data) < 20 || uint64(binary.LittleEndian.Uint32(data[4:]))+8 != uint64(len(data)) {
		return false
	}
	size := uint64(binary.LittleEndian.Uint32(data[16:]))
	if 20+size+size&1 != uint64(len(data)) || size&1 == 1 && data[len(data)-1] != 0 {
		return false
	}
	return slices.Contains([]string{"VP8 ", "VP8L"}, string(data[12:16]))
}

// An outline is a picture seen from far away: at most 16 × 16 fields with the mean
// colour of each. The sizes of one picture have the same one, however they are
// packed; only a few fields must differ for a reader to be shown something else.
const (
	outlineSide = 16
	outlineStep = 24 // of 255: what packing changes in a field of 8 × 8 pixels is a third of it
)

// outlineGrid gives the fields for a picture of that size and all its smaller
// ones, none of which has fields of less than 8 × 8 pixels if it can be helped.
func outlineGrid(w, h int) (int, int) {
	if least := widths[len(widths)-1]; w > least {
		w, h = least, h*least/w
	}
	return min(max(w/8, 1), outlineSide), min(max(h/8, 1), outlineSide)
}

// alike reports whether two outlines are those of one picture.
func alike(a, b *image.RGBA) bool {
	for i, v := range a.Pix {
		if d := int(v) - int(b.Pix[i]); d > outlineStep || d < -outlineStep {
			return false
		}
	}
	return true
}
