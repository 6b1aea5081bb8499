package catalog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
)

// A segment file is a run of frames:
//
//	kind     1 byte   'H' header, 'R' record, 'C' cursor
//	zero     3 bytes
//	meta     4 bytes  length of the metadata, little-endian
//	payload  4 bytes  length of the payload
//	crc      4 bytes  CRC-32C of the 12 bytes before and the metadata
//	the metadata, then the payload
//
// The payload of a record is its items in every encoding; each has its own
// checksum in the metadata, which is checked when the file is opened and again
// at every read.
const (
	frameHead = 16
	// maxPart bounds either part of a frame; more is damage.
	maxPart = 1 << 30

	kindHeader = 'H'
	kindRecord = 'R'
	kindCursor = 'C'
)

// segment is the open file. The writer's lock guards it.
type segment struct {
	file *os.File
	path string
	size int64 // where the next frame goes
	live int64 // bytes of frames that are not superseded
}

// mark is a place in the log, and what makes sure that it is the same log: the
// fingerprints of its first event and of the one at seq.
type mark struct {
	seq       int64
	first, at string
}

// appendFrame appends a frame to b.
func appendFrame(b []byte, kind byte, meta, payload []byte) []byte {
	start := len(b)
	b = append(b, kind, 0, 0, 0)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(meta)))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(payload)))
	sum := crc32.Update(crc32.Checksum(b[start:], castagnoli), castagnoli, meta)
	b = binary.LittleEndian.AppendUint32(b, sum)
	b = append(b, meta...)
	return append(b, payload...)
}

func appendCursor(b []byte, m mark) []byte {
	var e encoder
	e.int(m.seq)
	e.string(m.first)
	e.string(m.at)
	return appendFrame(b, kindCursor, e.b, nil)
}

// createSegment begins a file with a header and nothing else.
func createSegment(path, header string) (*segment, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	s := &segment{file: f, path: path}
	if _, err := s.append(appendFrame(nil, kindHeader, []byte(header), nil)); err != nil {
		f.Close()
		return nil, err
	}
	s.live = s.size
	return s, nil
}

// append writes frames at the end and says where they begin. It writes all of
// them or, as far as later readers can tell, none. Nothing is synced: what a
// power cut leaves behind is checked at the next start, and made again.
func (s *segment) append(frames []byte) (int64, error) {
	at := s.size
	if _, err := s.file.WriteAt(frames, at); err != nil {
		return 0, errors.Join(err, s.file.Truncate(at))
	}
	s.size += int64(len(frames))
	return at, nil
}

// rename gives a finished file its lasting name. The sync before it keeps a
// power cut from leaving the name with nothing behind it.
func (s *segment) rename(path string) error {
	if err := s.file.Sync(); err != nil {
		return err
	}
	if err := os.Rename(s.path, path); err != nil {
		return err
	}
	s.path = path
	return nil
}

var errHeader = errors.New("catalog: made with other declarations or another version")

// loaded is what a file held.
type loaded struct {
	records map[string]*record
	mark    mark
	marked  bool  // there was a cursor
	cut     int64 // bytes cut off after it
}

// openSegment reads a file: every frame is checked, records keep their metadata
// and forget their payload. What follows the last cursor is cut off. The error
// says why the file cannot be used.
func openSegment(path, header string) (*segment, *loaded, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0o600)
	if err != nil {
		return nil, nil, err
	}
	s := &segment{file: f, path: path}
	l, err := s.load(header)
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return s, l, nil
}

func (s *segment) load(header string) (*loaded, error) {
	info, err := s.file.Stat()
	if err != nil {
		return nil, err
	}
	end := info.Size()
	in := frameReader{file: s.file, end: end}
	l := &loaded{records: map[string]*record{}}
	var batch []*record
	for {
		at := in.at
		kind, meta, payload, ok := in.read()
		if !ok {
			break
		}
		if at == 0 && (kind != kindHeader || meta != header) {
			return nil, errHeader
		}
		switch kind {
		case kindRecord:
			r, err := decodeRecord(meta, int64(len(payload)))
			if err != nil || !r.intact(payload) {
				ok = false
				break
			}
			r.loc.Store(&location{file: s.file, frame: at, size: in.at - at, payload: in.at - int64(len(payload))})
			batch = append(batch, r)
		case kindCursor:
			d := decoder{s: meta}
			m := mark{seq: d.int(), first: d.string(), at: d.string()}
			if d.err != nil {
				ok = false
				break
			}
			for _, r := range batch {
				l.records[r.id] = r
			}
			batch = batch[:0]
			l.mark, l.marked = m, true
			s.size = in.at
		}
		if !ok {
			break
		}
	}
	if !l.marked {
		return nil, fmt.Errorf("catalog: %s holds no finished batch", s.path)
	}
	for id, r := range l.records {
		if r.empty() {
			delete(l.records, id)
			continue
		}
		s.live += r.loc.Load().size
	}
	l.cut = end - s.size
	return l, s.file.Truncate(s.size)
}

// intact checks every encoding of every variant.
func (r *record) intact(payload []byte) bool {
	for _, v := range r.variants {
		for _, x := range v.payload {
			if crc32.Checksum(payload[x.off:x.off+x.len], castagnoli) != x.crc {
				return false
			}
		}
	}
	return true
}

// frameReader reads frames from the beginning of a file.
type frameReader struct {
	file io.ReaderAt
	at   int64 // offset of the next frame
	end  int64
	buf  []byte // what was read
	next []byte // the part of it from at on
}

// readAhead is how many bytes are read at once, or a frame when it is longer.
const readAhead = 1 << 20

// need makes sure that n bytes from at on are there.
func (in *frameReader) need(n int64) bool {
	if n > in.end-in.at {
		return false
	}
	if int64(len(in.next)) >= n {
		return true
	}
	kept := len(in.next)
	if int64(len(in.buf)) < n {
		longer := make([]byte, max(n, readAhead))
		copy(longer, in.next)
		in.buf = longer
	} else {
		copy(in.buf, in.next)
	}
	in.next = in.buf[:min(int64(len(in.buf)), in.end-in.at)]
	_, err := in.file.ReadAt(in.next[kept:], in.at+int64(kept))
	return err == nil
}

// read gives a frame. payload holds until the next call. ok is false at the end
// and at the first frame that is not whole.
func (in *frameReader) read() (kind byte, meta string, payload []byte, ok bool) {
	if !in.need(frameHead) {
		return 0, "", nil, false
	}
	m := int64(binary.LittleEndian.Uint32(in.next[4:]))
	p := int64(binary.LittleEndian.Uint32(in.next[8:]))
	if m > maxPart || p > maxPart || !in.need(frameHead+m+p) {
		return 0, "", nil, false
	}
	head, b := in.next[:frameHead], in.next[frameHead:frameHead+m+p]
	sum := crc32.Update(crc32.Checksum(head[:12], castagnoli), castagnoli, b[:m])
	if sum != binary.LittleEndian.Uint32(head[12:]) {
		return 0, "", nil, false
	}
	in.at += frameHead + m + p
	in.next = in.next[frameHead+m+p:]
	return head[0], string(b[:m]), b[m:], true
}

// errBytes is what a read answers when the disk gives other bytes than were
// written.
var errBytes = errors.New("catalog: stored bytes are damaged")

// read appends one encoding of a variant to dst.
func (v *variant) read(dst []byte, enc Encoding) ([]byte, error) {
	x := v.payload[enc]
	loc := v.rec.loc.Load()
	start := len(dst)
	if need := start + int(x.len); need > cap(dst) {
		dst = append(make([]byte, 0, need), dst...)
	}
	dst = dst[:start+int(x.len)]
	if _, err := loc.file.ReadAt(dst[start:], loc.payload+x.off); err != nil {
		return dst[:start], fmt.Errorf("catalog: %w", err)
	}
	if crc32.Checksum(dst[start:], castagnoli) != x.crc {
		return dst[:start], errBytes
	}
	return dst, nil
}
