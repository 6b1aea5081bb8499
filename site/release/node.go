package release

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
	"sort"
	"strings"
)

// The tree of a manifest: fanout nodes of fanout leaves.
const (
	fanout = 64
	leaves = fanout * fanout
)

// leafOf says which leaf lists a path: FNV-1a, because it is quick without copying
// the path and gives the same on every machine.
func leafOf(path string) uint16 {
	h := uint32(2166136261)
	for i := range len(path) {
		h = (h ^ uint32(path[i])) * 16777619
	}
	return uint16((h ^ h>>16) % leaves)
}

// leaf is a part of a manifest: its files by path. Immutable, shared by the
// builds that have it in common. nil is a leaf without files.
type leaf struct {
	hash  Hash
	files []File
	bytes int64
}

// find gives the file of a path.
func (l *leaf) find(path string) (*File, bool) {
	if l == nil {
		return nil, false
	}
	i, ok := sort.Find(len(l.files), func(i int) int { return strings.Compare(path, l.files[i].Path) })
	if !ok {
		return nil, false
	}
	return &l.files[i], true
}

// A leaf as a blob:
//
//	version, number of files, length of all paths together, the paths
//	for each file: length of its path, hash, size, status, flags,
//	               type and location as length and bytes, inputs
//
// Numbers are unsigned varints. Files are ordered by path, so the same files give
// the same bytes.
const leafVersion = 1

const flagImmutable = 1

// newLeaf makes a leaf of files in the order of their paths, which it keeps.
func newLeaf(number uint16, files []File) (l *leaf, encoded []byte) {
	if len(files) == 0 {
		return nil, nil
	}
	paths := 0
	for i := range files {
		paths += len(files[i].Path)
	}
	b := make([]byte, 0, paths+len(files)*100+16)
	b = binary.AppendUvarint(b, leafVersion)
	b = binary.AppendUvarint(b, uint64(len(files)))
	b = binary.AppendUvarint(b, uint64(paths))
	for i := range files {
		b = append(b, files[i].Path...)
	}
	l = &leaf{files: files}
	for i := range files {
		f := &files[i]
		f.leaf, f.pos = number, uint32(i)
		l.bytes += f.Size
		flags := uint64(0)
		if f.Immutable {
			flags |= flagImmutable
		}
		b = binary.AppendUvarint(b, uint64(len(f.Path)))
		b = append(b, f.Hash[:]...)
		b = binary.AppendUvarint(b, uint64(f.Size))
		b = binary.AppendUvarint(b, uint64(f.Status))
		b = binary.AppendUvarint(b, flags)
		b = appendString(b, f.Type)
		b = appendString(b, f.Location)
		b = append(b, f.Inputs[:]...)
	}
	l.hash = sha256.Sum256(b)
	return l, b
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

var errManifest = errors.New("release: a manifest is not written as it should be")

// parseLeaf reads a leaf and checks that it is as newLeaf writes it.
func parseLeaf(number uint16, hash Hash, b []byte, intern map[string]string) (*leaf, error) {
	d := decoder{b: b}
	version, n, length := d.uint(), d.uint(), d.uint()
	if version != leafVersion || n == 0 || n > uint64(len(b)/(sha256.Size+len(Digest{}))) {
		return nil, errManifest
	}
	paths := string(d.bytes(length))
	l := &leaf{hash: hash, files: make([]File, n)}
	for i := range l.files {
		f := &l.files[i]
		end := d.uint()
		if d.bad || end > uint64(len(paths)) {
			return nil, errManifest
		}
		f.Path, paths = paths[:end], paths[end:]
		copy(f.Hash[:], d.bytes(sha256.Size))
		f.Size = int64(d.uint())
		f.Status = int(d.uint())
		flags := d.uint()
		f.Immutable = flags == flagImmutable
		f.Type = d.string(intern)
		f.Location = d.string(nil)
		copy(f.Inputs[:], d.bytes(uint64(len(f.Inputs))))
		f.leaf, f.pos = number, uint32(i)
		l.bytes += f.Size
		if f.Size < 0 || flags > flagImmutable || leafOf(f.Path) != number || i > 0 && l.files[i-1].Path >= f.Path {
			return nil, errManifest
		}
	}
	if d.bad || len(d.b) > 0 || len(paths) > 0 {
		return nil, errManifest
	}
	return l, nil
}

// decoder reads what the encoders above wrote; what is not there is zero, and bad
// says so.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) uint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.b, d.bad = nil, true
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) bytes(n uint64) []byte {
	if n > uint64(len(d.b)) {
		d.b, d.bad = nil, true
		return nil
	}
	v := d.b[:n]
	d.b = d.b[n:]
	return v
}

func (d *decoder) string(intern map[string]string) string {
	b := d.bytes(d.uint())
	if s, ok := intern[string(b)]; ok {
		return s
	}
	s := string(b)
	if intern != nil {
		intern[s] = s
	}
	return s
}

// node is the hashes of what is below it; the zero Hash is nothing.
type node [fanout]Hash

var noNode node

// encode gives a node's bytes and their hash; of a node of nothing the zero Hash.
func (n *node) encode() (Hash, []byte) {
	if *n == noNode {
		return Hash{}, nil
	}
	b := make([]byte, 0, len(n)*sha256.Size)
	for _, h := range n {
		b = append(b, h[:]...)
	}
	return sha256.Sum256(b), b
}

func (n *node) decode(b []byte) error {
	if len(b) != len(n)*sha256.Size {
		return errManifest
	}
	for i := range n {
		n[i] = Hash(b[i*sha256.Size:])
	}
	return nil
}

// tree is a manifest in memory.
type tree struct {
	hash   Hash // of the top
	nodes  [fanout]Hash
	leaves [leaves]*leaf
	start  [leaves + 1]uint32 // number of files in the leaves before
	bytes  int64
}

// finish fills in what follows from the leaves, and calls put with the bytes of
// each node that is not in base.
func (t *tree) finish(base *tree, put func(Hash, []byte) error) error {
	files := uint32(0)
	for i, l := range t.leaves {
		t.start[i] = files
		if l != nil {
			files += uint32(len(l.files))
			t.bytes += l.bytes
		}
	}
	t.start[leaves] = files
	for i := range t.nodes {
		below := t.leaves[i*fanout : (i+1)*fanout]
		if base != nil && slices.Equal(below, base.leaves[i*fanout:(i+1)*fanout]) {
			t.nodes[i] = base.nodes[i]
			continue
		}
		var n node
		for k, l := range below {
			if l != nil {
				n[k] = l.hash
			}
		}
		h, b := n.encode()
		t.nodes[i] = h
		if b != nil {
			if err := put(h, b); err != nil {
				return err
			}
		}
	}
	top := node(t.nodes)
	h, b := top.encode()
	t.hash = h
	if b == nil || base != nil && base.hash == h {
		return nil
	}
	return put(h, b)
}

// children reads a node; the zero Hash has none.
func (s *Store) children(h Hash) (n node, err error) {
	if h == (Hash{}) {
		return n, nil
	}
	b, err := s.read(nil, h, Identity)
	if err != nil {
		return n, err
	}
	return n, n.decode(b)
}

// leaf reads a leaf; the zero Hash is nil.
func (s *Store) leaf(number uint16, h Hash, intern map[string]string) (*leaf, error) {
	if h == (Hash{}) {
		return nil, nil
	}
	b, err := s.read(nil, h, Identity)
	if err != nil {
		return nil, err
	}
	return parseLeaf(number, h, b, intern)
}

// load reads a manifest; leaves that like has are shared with it.
func (s *Store) load(top Hash, like *tree) (*tree, error) {
	t := &tree{hash: top}
	nodes, err := s.children(top)
	if err != nil {
		return nil, err
	}
	t.nodes = nodes
	intern := map[string]string{}
	files := uint32(0)
	for i, h := range nodes {
		below, err := s.children(h)
		if err != nil {
			return nil, err
		}
		for k, h := range below {
			number := i*fanout + k
			t.start[number] = files
			l := (*leaf)(nil)
			if like != nil {
				l = like.leaves[number]
			}
			if l == nil || l.hash != h {
				if l, err = s.leaf(uint16(number), h, intern); err != nil {
					return nil, err
				}
			}
			if l != nil {
				t.leaves[number] = l
				files += uint32(len(l.files))
				t.bytes += l.bytes
			}
		}
	}
	t.start[leaves] = files
	return t, nil
}

// complete says whether every file's bytes are there.
func (s *Store) complete(t *tree) error {
	for _, l := range t.leaves {
		if l == nil {
			continue
		}
		for i := range l.files {
			f := &l.files[i]
			b, ok := s.index.find(f.Hash)
			if !ok || b[Identity].pack == nil || int64(b[Identity].size) != f.Size {
				return &MissingError{Path: f.Path, Hash: f.Hash}
			}
		}
	}
	return nil
}
