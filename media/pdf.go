package media

import (
	"bytes"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"io"
)

// refusedNames are names in a PDF (ISO 32000-2, section 7.3.5) that stand for
// something that runs or carries another file: scripts, programs, forms that are
// programs, attachments. What is only a link, or opens the document at a page, is
// not there.
var refusedNames = map[string]string{
	"JavaScript":   codeActive, // 12.6.4.17
	"Rendition":    codeActive, // 12.6.4.14: may hold a script
	"Launch":       codeActive, // 12.6.4.6
	"ImportData":   codeActive, // 12.7.6.4
	"RichMedia":    codeActive, // 13.7
	"XFA":          codeActive, // 12.7.8 of ISO 32000-1
	"EmbeddedFile": codeActive, // 7.11.4
	"Encrypt":      codeLocked, // 7.6: one could not look inside
}

// mostStreams is how many packed streams a PDF may have: each is begun to be
// unpacked, which costs more than its few bytes.
const mostStreams = 200_000

// checkPDF refuses what is more than pages.
//
// It reads the names in the file as it stands, and in every stream that can be an
// object stream (7.5.7), unpacked: only there can an object hide from the first
// reading. It is no parser of PDF, on purpose: parsers differ, and a name that any
// of them could find is found here. It can find too much (a page with the words
// "/JavaScript" in plain text), and an object stream behind a filter other than
// Flate is refused unread.
func checkPDF(ctx context.Context, data []byte, most int64) error {
	end := bytes.LastIndex(data, []byte("%%EOF"))
	switch {
	case end < 0:
		return refuse(codeDamaged, errors.New("the end is missing"))
	case len(bytes.Trim(data[end+5:], " \t\r\n\x00")) > 0, isZip(data), hasMarkup(data[:min(len(data), headSize)]):
		return refuse(codeTwoKinds, errors.New("something precedes or follows the pages"))
	}
	found := map[string]bool{}
	if err := checkNames(data, found); err != nil {
		return err
	}
	if (found["ObjStm"] || found["XRef"]) && (found["ASCIIHexDecode"] || found["ASCII85Decode"] || found["LZWDecode"] || found["RunLengthDecode"]) {
		return refuse(codeActive, errors.New("object streams and a filter that could hide them"))
	}
	left, streams := most, 0
	var z io.Reader
	for rest := data; ; {
		i := bytes.Index(rest, []byte("stream"))
		if i < 0 {
			return nil
		}
		rest = rest[i+len("stream"):]
		if err := ctx.Err(); err != nil {
			return err
		}
		begin := bytes.TrimLeft(rest[:min(len(rest), 16)], "\r\n \t")
		if len(begin) < 2 || begin[0]&0x0f != 8 || (uint(begin[0])<<8|uint(begin[1]))%31 != 0 { // RFC 1950, section 2.2
			continue
		}
		if streams++; streams > mostStreams {
			return refuse(codeUnsafeArchive, errors.New("too many packed streams"))
		}
		packed := bytes.NewReader(rest[bytes.Index(rest, begin[:2]):])
		var err error
		if again, ok := z.(zlib.Resetter); ok { // a new one is dear
			err = again.Reset(packed, nil)
		} else {
			z, err = zlib.NewReader(packed)
		}
		if err != nil {
			continue // it is no packed stream
		}
		n, err := checkStream(z, left)
		if left -= n; err != nil {
			return err
		}
	}
}

// checkStream looks into a stream, packed by Flate, that unpacks to what an object
// stream begins with, pairs of numbers. It says how much it has unpacked.
func checkStream(z io.Reader, most int64) (int64, error) {
	head := make([]byte, 64)
	n, _ := io.ReadFull(z, head)
	if !numbers(head[:n]) {
		return int64(n), nil
	}
	var out bytes.Buffer
	out.Write(head[:n])
	m, err := io.Copy(&out, io.LimitReader(z, min(most, 32<<20)+1))
	if m > min(most, 32<<20) {
		return m, refuse(codeUnsafeArchive, fmt.Errorf("a stream unpacks to more than %d bytes", m))
	}
	_ = err // what a damaged stream begins with is read by viewers too
	return int64(n) + m, checkNames(out.Bytes(), map[string]bool{})
}

// numbers reports whether b can be the beginning of an object stream.
func numbers(b []byte) bool {
	b = bytes.TrimLeft(b, " \t\r\n\f\x00")
	return len(b) > 0 && (b[0] >= '0' && b[0] <= '9' || b[0] == '+' || b[0] == '%')
}

// checkNames reads all names, with their #xx written out, and refuses those of
// refusedNames; found gets the others that matter.
func checkNames(data []byte, found map[string]bool) error {
	var buf [32]byte
	for {
		i := bytes.IndexByte(data, '/')
		if i < 0 {
			return nil
		}
		data = data[i+1:]
		name := buf[:0]
		for j := 0; j < len(data) && len(name) < len(buf) && !ends(data[j]); j++ {
			c := data[j]
			if c == '#' && j+2 < len(data) && nibble(data[j+1]) >= 0 && nibble(data[j+2]) >= 0 {
				c = byte(nibble(data[j+1])<<4 | nibble(data[j+2]))
				j += 2
			}
			name = append(name, c)
		}
		if code, refused := refusedNames[string(name)]; refused {
			return refuse(code, fmt.Errorf("/%s", name))
		}
		switch string(name) {
		case "ObjStm", "XRef", "ASCIIHexDecode", "ASCII85Decode", "LZWDecode", "RunLengthDecode":
			found[string(name)] = true
		}
	}
}

// ends reports whether c ends a name (ISO 32000-2, section 7.2.3).
func ends(c byte) bool { return c <= ' ' || bytes.IndexByte([]byte("()<>[]{}/%"), c) >= 0 }

func nibble(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}
