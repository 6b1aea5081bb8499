package release

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// An index record:
//
//	hash      32 bytes
//	offset     4 bytes  in the pack, little-endian as all that follow
//	length     4 bytes
//	sum        4 bytes  CRC-32C of the bytes
//	encoding   1 byte   or 255: the records before the one of number "offset" are
//	                    synced, and so are their bytes
//	zero       3 bytes
//	crc        4 bytes  CRC-32C of the 48 bytes before
const (
	recordSize = 52
	syncMark   = 255
)

// packHeader begins both files of a pack, so that nothing else is taken for one.
const packHeader = "prassi pack 1\n"

// maxPack is where a new pack is begun, in bytes. A pack is what Collect rewrites
// at a time. A single blob may be larger.
const maxPack = 64 << 20

// pack is a pair of open files. The journal's lock guards it; bytes that are
// written never change, so readers need no lock.
type pack struct {
	number  uint32
	data    device
	idx     device
	size    int64 // where the next blob goes
	written int64 // what of that is in the file
	indexed int64 // the end of the bytes that have a record
	records int64 // in the index file, marks included
}

func (s *Store) packPath(number uint32, ending string) string {
	return filepath.Join(s.dir, "packs", fmt.Sprintf("%08d%s", number, ending))
}

type record struct {
	hash Hash
	loc  location
	enc  Encoding
	slot uint32 // its number in the index file; only when it was read from there
}

func appendRecord(b []byte, r record) []byte {
	at := len(b)
	b = append(b, r.hash[:]...)
	b = binary.LittleEndian.AppendUint32(b, r.loc.off)
	b = binary.LittleEndian.AppendUint32(b, r.loc.size)
	b = binary.LittleEndian.AppendUint32(b, r.loc.sum)
	b = append(b, byte(r.enc), 0, 0, 0)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[at:], castagnoli))
}

func parseRecord(b []byte) (r record, ok bool) {
	if crc32.Checksum(b[:48], castagnoli) != binary.LittleEndian.Uint32(b[48:]) {
		return r, false
	}
	r.hash = Hash(b[:32])
	r.loc.off = binary.LittleEndian.Uint32(b[32:])
	r.loc.size = binary.LittleEndian.Uint32(b[36:])
	r.loc.sum = binary.LittleEndian.Uint32(b[40:])
	r.enc = Encoding(b[44])
	return r, true
}

// createPack begins a pack. The index comes last: a pack without one is a
// leftover.
func (s *Store) createPack(number uint32) (_ *pack, err error) {
	p := &pack{number: number}
	defer func() {
		if err != nil {
			p.discard(s)
		}
	}()
	for _, f := range []struct {
		ending string
		to     *device
	}{{".pack", &p.data}, {".idx", &p.idx}} {
		s.disk.step("create pack")
		d, err := s.disk.open(s.packPath(number, f.ending), os.O_CREATE|os.O_TRUNC|os.O_RDWR)
		if err != nil {
			return nil, err
		}
		*f.to = d
		if _, err := d.WriteAt([]byte(packHeader), 0); err != nil {
			return nil, err
		}
	}
	p.size = int64(len(packHeader))
	p.written, p.indexed = p.size, p.size
	return p, nil
}

// discard closes a pack that nobody reads, and removes it.
func (p *pack) discard(s *Store) {
	p.close()
	_ = s.disk.remove(s.packPath(p.number, ".idx"))
	_ = s.disk.remove(s.packPath(p.number, ".pack"))
}

func (p *pack) close() (err error) {
	if p.data != nil {
		err = p.data.Close()
	}
	if p.idx != nil {
		err = errors.Join(err, p.idx.Close())
	}
	return err
}

var errPack = errors.New("release: not a pack of this version")

// openPack reads a pack's index. Records that are damaged or whose bytes are not
// all there are left out, and what is after the last good one is cut.
func (s *Store) openPack(number uint32) (_ *pack, records []record, err error) {
	p := &pack{number: number}
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	if p.idx, err = s.disk.open(s.packPath(number, ".idx"), os.O_RDWR); err != nil {
		return nil, nil, err
	}
	if p.data, err = s.disk.open(s.packPath(number, ".pack"), os.O_RDWR); err != nil {
		return nil, nil, err
	}
	info, err := p.data.Stat()
	if err != nil {
		return nil, nil, err
	}
	idx, err := readAll(p.idx)
	if err != nil {
		return nil, nil, err
	}
	head := make([]byte, len(packHeader))
	if _, err := p.data.ReadAt(head, 0); err != nil || string(head) != packHeader || len(idx) < len(packHeader) || string(idx[:len(packHeader)]) != packHeader {
		return nil, nil, errPack
	}
	p.size = int64(len(packHeader))
	idx = idx[len(packHeader):]
	synced := uint32(0)
	for n := uint32(0); len(idx) >= recordSize; n++ {
		r, ok := parseRecord(idx)
		idx = idx[recordSize:]
		switch {
		case !ok:
			continue
		case r.enc == syncMark:
			synced = r.loc.off
		case r.enc >= encodings || int64(r.loc.off)+int64(r.loc.size) > info.Size():
			continue
		default:
			r.loc.pack = p
			r.slot = n
			records = append(records, r)
			p.size = max(p.size, int64(r.loc.off)+int64(r.loc.size))
		}
		p.records = int64(n) + 1
	}
	records = intact(records, synced)
	p.written, p.indexed = p.size, p.size
	if err := p.data.Truncate(p.size); err != nil {
		return nil, nil, err
	}
	return p, records, p.idx.Truncate(p.indexEnd())
}

// intact leaves out the records from slot synced on whose bytes are not what they
// were: a power cut may have kept a record and lost its bytes.
func intact(records []record, synced uint32) []record {
	kept := records[:0]
	for _, r := range records {
		if r.slot >= synced {
			if _, err := r.loc.read(nil); err != nil {
				continue
			}
		}
		kept = append(kept, r)
	}
	return kept
}

func (p *pack) indexEnd() int64 { return int64(len(packHeader)) + p.records*recordSize }

func readAll(d device) ([]byte, error) {
	info, err := d.Stat()
	if err != nil {
		return nil, err
	}
	b := make([]byte, info.Size())
	n, err := d.ReadAt(b, 0)
	if err == io.EOF {
		err = nil
	}
	return b[:n], err
}

// ErrDamaged is what a read answers when the disk gives other bytes than were
// written.
var ErrDamaged = errors.New("release: stored bytes are damaged")

// read appends the bytes to dst.
func (l location) read(dst []byte) ([]byte, error) {
	start := len(dst)
	if need := start + int(l.size); need > cap(dst) {
		dst = append(make([]byte, 0, need), dst...)
	}
	dst = dst[:start+int(l.size)]
	if _, err := l.pack.data.ReadAt(dst[start:], int64(l.off)); err != nil {
		if err == io.EOF {
			err = ErrDamaged
		}
		return dst[:start], fmt.Errorf("release: pack %d: %w", l.pack.number, err)
	}
	if crc32.Checksum(dst[start:], castagnoli) != l.sum {
		return dst[:start], fmt.Errorf("pack %d at %d: %w", l.pack.number, l.off, ErrDamaged)
	}
	return dst, nil
}
