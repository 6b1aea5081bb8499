package media

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// mostScans is how many scans a progressive JPEG may have. Cameras and programs
// write about ten; each costs a walk over the whole picture, however few bytes it
// has, so thousands of empty ones would cost hours.
const mostScans = 300

// jpegHeader is what the header of a JPEG tells (ITU-T T.81, annex B).
type jpegHeader struct {
	progressive bool
	samples     float64 // a pixel, over all components
	exif        []byte  // TIFF structure, or nil
}

// cost is what the decoder needs, in bytes a pixel: the samples, and of a
// progressive picture all coefficients at 32 bits too.
func (j jpegHeader) cost() float64 {
	if j.progressive {
		return 5 * j.samples
	}
	return j.samples
}

var errJPEG = errors.New("the JPEG header is not whole")

// readJPEG walks over the segments before the first scan.
func readJPEG(data []byte) (jpegHeader, error) {
	var j jpegHeader
	rest := data[2:]
	for len(rest) >= 4 {
		marker := rest[1]
		if rest[0] != 0xff {
			return j, errJPEG
		}
		if marker == 0xff { // fill byte
			rest = rest[1:]
			continue
		}
		if marker == 0x01 || marker >= 0xd0 && marker <= 0xd7 { // stand alone
			rest = rest[2:]
			continue
		}
		size := int(binary.BigEndian.Uint16(rest[2:]))
		if size < 2 || len(rest) < 2+size {
			return j, errJPEG
		}
		body := rest[4 : 2+size]
		switch marker {
		case 0xc0, 0xc1, 0xc2: // frame header; the decoder knows no others
			j.progressive = marker == 0xc2
			if len(body) < 6 || len(body) < 6+3*int(body[5]) {
				return j, errJPEG
			}
			most, sum := 1, 0
			for i := range int(body[5]) {
				sampling := body[6+3*i+1]
				n := int(sampling>>4) * int(sampling&15)
				most, sum = max(most, n), sum+n
			}
			j.samples = float64(sum) / float64(most)
		case 0xe1:
			if tiff, ok := bytes.CutPrefix(body, []byte("Exif\x00\x00")); ok && j.exif == nil {
				j.exif = tiff
			}
		case 0xda: // first scan
			if j.samples == 0 {
				return j, errJPEG
			}
			if j.progressive && bytes.Count(data, []byte{0xff, 0xda}) > mostScans {
				return j, errors.New("the JPEG has too many scans")
			}
			return j, nil
		}
		rest = rest[2+size:]
	}
	return j, errJPEG
}

// pngEXIF gives the eXIf chunk of a PNG (third edition, section 11.3.3.5), or nil.
func pngEXIF(data []byte) []byte {
	for rest := data[8:]; len(rest) >= 12; {
		size := binary.BigEndian.Uint32(rest)
		if uint64(size)+12 > uint64(len(rest)) {
			return nil
		}
		if string(rest[4:8]) == "eXIf" {
			return rest[8 : 8+size]
		}
		rest = rest[12+size:]
	}
	return nil
}

// webpChunks walks over a WebP (RFC 9649, section 2.7): whether it moves, and its
// EXIF data.
func webpChunks(data []byte) (animated bool, exif []byte) {
	for rest := data[12:]; len(rest) >= 8; {
		size := uint64(binary.LittleEndian.Uint32(rest[4:]))
		if size+8 > uint64(len(rest)) {
			return animated, exif
		}
		switch string(rest[:4]) {
		case "ANIM", "ANMF":
			animated = true
		case "EXIF":
			exif = bytes.TrimPrefix(rest[8:8+size], []byte("Exif\x00\x00"))
		}
		rest = rest[min(8+size+size&1, uint64(len(rest))):]
	}
	return animated, exif
}

// orientation reads the tag 274 of the first directory of a TIFF structure; 1,
// as it is, when there is none that makes sense.
func orientation(tiff []byte) int {
	var order binary.ByteOrder
	switch {
	case len(tiff) < 8:
		return 1
	case string(tiff[:4]) == "II*\x00":
		order = binary.LittleEndian
	case string(tiff[:4]) == "MM\x00*":
		order = binary.BigEndian
	default:
		return 1
	}
	at := uint64(order.Uint32(tiff[4:]))
	if at+2 > uint64(len(tiff)) {
		return 1
	}
	entries := tiff[at+2:]
	for range order.Uint16(tiff[at:]) {
		if len(entries) < 12 {
			return 1
		}
		if order.Uint16(entries) == 274 {
			if v := order.Uint16(entries[8:]); v >= 1 && v <= 8 {
				return int(v)
			}
			return 1
		}
		entries = entries[12:]
	}
	return 1
}
