package interchange

import (
	"archive/zip"
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const goodPage = "---\ntitle: Una pagina\n---\nUn testo.\n"

// packed makes an archive by a function.
func packed(t testing.TB, fill func(z *zip.Writer)) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	fill(z)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// put adds a page under a name and header as given.
func put(z *zip.Writer, h zip.FileHeader, text string) {
	if h.Method == 0 {
		h.Method = zip.Deflate
	}
	w, err := z.CreateHeader(&h)
	if err == nil && !strings.HasSuffix(h.Name, "/") {
		_, err = w.Write([]byte(text))
	}
	if err != nil {
		panic(err)
	}
}

func named(names ...string) func(z *zip.Writer) {
	return func(z *zip.Writer) {
		for _, name := range names {
			put(z, zip.FileHeader{Name: name}, goodPage)
		}
	}
}

// withMode adds an entry of a kind beside a good one.
func withMode(mode fs.FileMode) func(z *zip.Writer) {
	return func(z *zip.Writer) {
		put(z, zip.FileHeader{Name: "a.md"}, goodPage)
		h := zip.FileHeader{Name: "b.md"}
		h.SetMode(mode)
		put(z, h, "/etc/passwd")
	}
}

// patched changes the headers of every entry: local ones and the directory's.
func patched(data []byte, change func(local bool, header []byte)) []byte {
	data = bytes.Clone(data)
	for i := 0; i+4 <= len(data); i++ {
		switch string(data[i : i+4]) {
		case "PK\x03\x04":
			change(true, data[i:])
		case "PK\x01\x02":
			change(false, data[i:])
		}
	}
	return data
}

// overlapping makes an archive whose entries all unpack the same bytes: the
// directory names one local entry many times.
func overlapping(t testing.TB, n int) []byte {
	one := packed(t, named("a00.md"))
	at := bytes.Index(one, []byte("PK\x01\x02"))
	end := bytes.Index(one, []byte("PK\x05\x06"))
	out := bytes.Clone(one[:at])
	for i := range n {
		row := bytes.Clone(one[at:end])
		copy(row[46:], fmt.Sprintf("a%02d.md", i))
		out = append(out, row...)
	}
	tail := bytes.Clone(one[end:])
	binary.LittleEndian.PutUint16(tail[8:], uint16(n))
	binary.LittleEndian.PutUint16(tail[10:], uint16(n))
	binary.LittleEndian.PutUint32(tail[12:], uint32(n*(end-at)))
	return append(out, tail...)
}

// liar says that a bomb unpacks to a few bytes.
func liar(t testing.TB) []byte {
	data := packed(t, func(z *zip.Writer) {
		put(z, zip.FileHeader{Name: "a.jsonl"}, strings.Repeat(" ", 3<<20))
	})
	return patched(data, func(local bool, h []byte) {
		if !local {
			binary.LittleEndian.PutUint32(h[24:], 10)
		}
	})
}

// hollow makes an archive whose directory alone is large: n entries that all
// stand at one place, and a count that says few.
func hollow(n, says int) []byte {
	row := make([]byte, 46+4)
	copy(row, "PK\x01\x02")
	binary.LittleEndian.PutUint16(row[28:], 4)
	copy(row[46:], "a.md")
	directory := bytes.Repeat(row, n)
	tail := make([]byte, 22)
	copy(tail, "PK\x05\x06")
	binary.LittleEndian.PutUint16(tail[8:], uint16(says))
	binary.LittleEndian.PutUint16(tail[10:], uint16(says))
	binary.LittleEndian.PutUint32(tail[12:], uint32(len(directory)))
	return append(directory, tail...)
}

func random(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return fmt.Sprintf("%x", b)
}

// tight are limits that a test reaches with small files.
var tight = unpackLimits{entry: 4 << 20, all: 6 << 20, ratio: MaxArchiveRatio}

// TestHostileArchives: each archive is refused whole, with the entry's name and
// a reason, and what is good in it is not imported.
func TestHostileArchives(t *testing.T) {
	tests := []struct {
		name  string
		data  []byte
		entry string
		code  string
	}{
		{"climbs", packed(t, named("a.md", "../b.md")), "../b.md", CodeArchiveClimbs},
		{"climbs later", packed(t, named("a.md", "x/../../b.md")), "x/../../b.md", CodeArchiveClimbs},
		{"climbs, not to be read", packed(t, named("a.md", "../../.ssh/authorized_keys")), "../../.ssh/authorized_keys", CodeArchiveClimbs},
		{"absolute", packed(t, named("a.md", "/etc/b.md")), "/etc/b.md", CodeArchiveAbsolute},
		{"drive", packed(t, named("a.md", "C:/b.md")), "C:/b.md", CodeArchiveAbsolute},
		{"drive, relative", packed(t, named("a.md", "c:b.md")), "c:b.md", CodeArchiveAbsolute},
		{"backslash", packed(t, named("a.md", `x\..\b.md`)), `x\..\b.md`, CodeArchiveBackslash},
		{"share", packed(t, named("a.md", `\\host\share\b.md`)), `\\host\share\b.md`, CodeArchiveBackslash},
		{"empty part", packed(t, named("a.md", "x//b.md")), "x//b.md", CodeArchiveName},
		{"dot", packed(t, named("a.md", "./b.md")), "./b.md", CodeArchiveName},
		{"control", packed(t, named("a.md", "b\x1b[2J.md")), "b\x1b[2J.md", CodeArchiveName},
		{"NUL", packed(t, named("a.md", "b.md\x00.png")), "b.md\x00.png", CodeArchiveName},
		{"long", packed(t, named("a.md", strings.Repeat("n", 1025)+".md")), strings.Repeat("n", 1025) + ".md", CodeArchiveName},
		{"not UTF-8", packed(t, named("a.md", "perch\x82.md")), "perch\x82.md", CodeArchiveEncoding},
		{"twice", packed(t, named("a.md", "b.md", "b.md")), "b.md", CodeArchiveTwice},
		{"twice by case", packed(t, named("b.md", "B.MD")), "B.MD", CodeArchiveTwice},
		{"twice by case, not ASCII", packed(t, named("straße.md", "STRASSE.md")), "STRASSE.md", CodeArchiveTwice},
		{"twice by composition", packed(t, named("citt\u00e0.md", "citta\u0300.md")), "citta\u0300.md", CodeArchiveTwice},
		{"file and folder", packed(t, named("b.md", "B.md/c.md")), "B.md/c.md", CodeArchiveTwice},
		{"folder and file", packed(t, named("b.md/c.md", "b.md")), "b.md", CodeArchiveTwice},
		{"link", packed(t, withMode(fs.ModeSymlink|0o777)), "b.md", CodeArchiveLink},
		{"pipe", packed(t, withMode(fs.ModeNamedPipe|0o600)), "b.md", CodeArchiveLink},
		{"device", packed(t, withMode(fs.ModeDevice|0o600)), "b.md", CodeArchiveLink},
		{"folder in disguise", packed(t, withMode(fs.ModeDir|0o700)), "b.md", CodeArchiveLink},
		{"encrypted", patched(packed(t, named("a.md")), func(local bool, h []byte) {
			h[map[bool]int{true: 6, false: 8}[local]] |= 1
		}), "a.md", CodeArchiveEncrypted},
		{"other packing", patched(packed(t, named("a.md")), func(local bool, h []byte) {
			h[map[bool]int{true: 8, false: 10}[local]] = 12 // bzip2
		}), "a.md", CodeArchiveMethod},
		{"checksum", patched(packed(t, named("a.md", "b.md")), func(local bool, h []byte) {
			if !local && h[46] == 'b' {
				h[16]++
			}
		}), "b.md", CodeArchiveDamaged},
		{"beyond the end", patched(packed(t, named("a.md")), func(local bool, h []byte) {
			if !local {
				binary.LittleEndian.PutUint32(h[20:], 1<<30)
			}
		}), "a.md", CodeArchiveDamaged},
		{"no archive", []byte(goodPage), "", CodeArchiveDamaged},
		{"cut off", packed(t, named("a.md"))[20:], "a.md", CodeArchiveDamaged},
		{"bomb", packed(t, func(z *zip.Writer) {
			named("a.md")(z)
			put(z, zip.FileHeader{Name: "b.jsonl"}, strings.Repeat(" ", 3<<20))
		}), "b.jsonl", CodeArchiveRatio},
		{"bomb that lies", liar(t), "a.jsonl", CodeArchiveDamaged},
		{"bomb that hides its ratio", patched(packed(t, func(z *zip.Writer) {
			put(z, zip.FileHeader{Name: "a.jsonl"}, strings.Repeat(" ", 3<<20))
		}), func(local bool, h []byte) {
			if !local {
				h[8] &^= 8 // nothing after the packed bytes shows their number again
				binary.LittleEndian.PutUint32(h[20:], 1<<30)
			}
		}), "a.jsonl", CodeArchiveDamaged},
		{"shared bytes", overlapping(t, 20), "a01.md", CodeArchiveOverlap},
		{"a large file", packed(t, func(z *zip.Writer) {
			put(z, zip.FileHeader{Name: "b.jsonl"}, random(5<<19))
		}), "b.jsonl", CodeArchiveEntryTooLarge},
		{"large together", packed(t, func(z *zip.Writer) {
			for _, name := range []string{"b.jsonl", "c.jsonl", "d.jsonl"} {
				put(z, zip.FileHeader{Name: name}, random(3<<19))
			}
		}), "d.jsonl", CodeArchiveTooLarge},
		{"many", packed(t, func(z *zip.Writer) {
			for i := range MaxArchiveEntries + 1 {
				put(z, zip.FileHeader{Name: fmt.Sprintf("%d/", i)}, "")
			}
		}), "", CodeArchiveTooMany},
		{"many that are said to be few", hollow(65536+3, 3), "", CodeArchiveTooMany},
		{"a directory without end", hollow(4*65536+3, 3), "", CodeArchiveTooMany},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "Archive.ZIP")
			if err := os.WriteFile(name, test.data, 0o600); err != nil {
				t.Fatal(err)
			}
			p, err := Open(t.Context(), []string{name}, Options{Defaults: Defaults{"article", "it"}, unpack: tight})
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			want := name
			if test.entry != "" {
				want += "/" + test.entry
			}
			if len(p.Findings) != 1 || p.Findings[0].Code != test.code || p.Findings[0].Source != want {
				t.Fatalf("found %v, want %s of %q", p.Findings, test.code, want)
			}
			if p.Documents != 0 || p.Files != 0 || p.Refused != 1 {
				t.Errorf("%d documents of %d files; %d refused", p.Documents, p.Files, p.Refused)
			}
		})
	}
}

// counted says how much was read.
type counted struct {
	io.ReaderAt
	n int
}

func (c *counted) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.ReaderAt.ReadAt(p, off)
	c.n += n
	return n, err
}

// A directory that is too long is not read to its end: memory stays small.
func TestDirectoryIsRationed(t *testing.T) {
	data := hollow(4*65536+3, 3)
	r := &counted{ReaderAt: bytes.NewReader(data)}
	_, _, err := defaultUnpack.open(t.Context(), nil, r, int64(len(data)))
	if bad, ok := err.(*entryFault); !ok || bad.code != CodeArchiveTooMany || r.n > maxDirectory || len(data) < maxDirectory {
		t.Errorf("%d of %d bytes of directory were read: %v", r.n, len(data), err)
	}
}

// An archive is what the folder would have been.
func TestArchiveIsFolder(t *testing.T) {
	files := map[string]string{
		"it/casa.md": "---\ntitle: La casa\n---\nTesto.\n", "ar/casa.md": "---\ntitle: المنزل\n---\nنص.\n",
		"b/uno.md": "---\ntitle: Uno\nlocale: it\n---\nTesto.\n", "b.md": "---\ntitle: B\nlocale: it\n---\nTesto.\n",
		"righe.csv": "title,locale\nPrima,it\nSeconda,it\n", "righe.jsonl": "{\"title\":\"Terza\",\"locale\":\"it\"}\n\n{\"title\":\"Quarta\",\"locale\":\"it\"}\n",
		"rotto.md": "---\ntitle: Rotto\nnessuno: x\nlocale: it\n---\n",
		"foto.png": "PNG", "dentro.zip": string(packed(t, named("mai.md"))), ".git/x.md": goodPage, "__MACOSX/._b.md": "\x00\x05",
	}
	dir := t.TempDir()
	archive := packed(t, func(z *zip.Writer) {
		put(z, zip.FileHeader{Name: "it/"}, "")
		for name, text := range files { // in any order
			put(z, zip.FileHeader{Name: name, Method: []uint16{zip.Store, zip.Deflate}[crc32.ChecksumIEEE([]byte(name))%2]}, text)
		}
	})
	for name, text := range files {
		file := filepath.Join(dir, "articles", filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	zipped := filepath.Join(dir, "other", "articles.zip")
	if err := os.MkdirAll(filepath.Dir(zipped), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(zipped, archive, 0o600); err != nil {
		t.Fatal(err)
	}
	read := func(name string) (*Plan, string) {
		h := newHouse(t)
		p, err := Open(t.Context(), []string{name}, Options{Store: h.Store})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		sum, report := h.run(t, p, RunOptions{})
		if sum.Created != 8 || sum.Refused != 1 {
			t.Errorf("%s: %+v\n%s", name, sum, report)
		}
		if again, report := h.run(t, p, RunOptions{}); again.Unchanged != 8 {
			t.Errorf("%s again: %+v\n%s", name, again, report)
		}
		var lines []string
		for line := range strings.Lines(strings.ReplaceAll(report, name+"/", "")) {
			line, _, _ = strings.Cut(line, " document=")
			lines = append(lines, line)
		}
		return p, strings.Join(lines, "\n")
	}
	plain, want := read(filepath.Join(dir, "articles"))
	p, got := read(zipped)
	if got != want {
		t.Errorf("the archive says\n%s\nthe folder\n%s", got, want)
	}
	if p.Files != plain.Files || p.Skipped != plain.Skipped || p.Skipped != 2 {
		t.Errorf("the archive has %d files and %d skipped, the folder %d and %d", p.Files, p.Skipped, plain.Files, plain.Skipped)
	}
}

// Whatever the names: either the archive is refused, or every name that is read
// is a plain path, once.
func TestEntryNames(t *testing.T) {
	part := rapid.SampledFrom([]string{"a", "A", "..", ".", "", "é", "e\u0301", "C:", `\`, "it", "\x00", "\xff", "b.md", "B.MD"})
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string {
			return strings.Join(rapid.SliceOfN(part, 1, 4).Draw(t, "parts"), "/") + rapid.SampledFrom([]string{"", ".md"}).Draw(t, "extension")
		}), 1, 4).Draw(t, "names")
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for _, name := range names {
			put(z, zip.FileHeader{Name: name}, goodPage)
		}
		z.Close()
		s, err := newSpool()
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		files, _, err := defaultUnpack.open(t.Context(), s, bytes.NewReader(b.Bytes()), int64(b.Len()))
		if err != nil {
			return
		}
		low := map[string]bool{}
		for _, name := range files {
			if !fs.ValidPath(name) || strings.ContainsAny(name, "\\\x00") || strings.HasPrefix(name, "C:") || low[strings.ToLower(name)] {
				t.Fatalf("%q of %q", name, names)
			}
			low[strings.ToLower(name)] = true
			if data, err := fs.ReadFile(s, name); err != nil || string(data) != goodPage {
				t.Fatalf("%q: %q, %v", name, data, err)
			}
		}
		if !slices.IsSortedFunc(files, func(a, b string) int { return slices.Compare(strings.Split(a, "/"), strings.Split(b, "/")) }) {
			t.Fatalf("%q", files)
		}
	})
}

// FuzzArchive: no archive makes reading fail in another way than by a reason, or
// unpack more than the limits allow.
func FuzzArchive(f *testing.F) {
	f.Add(packed(f, named("a.md", "it/b.md")))
	f.Add(overlapping(f, 3))
	f.Add(liar(f))
	f.Add(hollow(3, 3))
	limits := unpackLimits{entry: 1 << 16, all: 1 << 17, ratio: 10}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := newSpool()
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		files, _, err := limits.open(t.Context(), s, bytes.NewReader(data), int64(len(data)))
		if _, ours := err.(*entryFault); err != nil && !ours {
			t.Fatal(err)
		}
		if s.end > limits.all {
			t.Errorf("%d bytes", s.end)
		}
		for _, name := range files {
			if s.at[name].Size() > limits.entry || !fs.ValidPath(name) {
				t.Errorf("%q: %d bytes", name, s.at[name].Size())
			}
		}
	})
}
