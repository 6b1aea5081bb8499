package media

import (
	"archive/zip"
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"gocloud.dev/blob"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/sqlitestore"
)

var amina = content.Actor{ID: "person:amina", Grants: []content.Grant{{Role: "contributor", Scope: "casa"}}}

// clock is a time that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// fixture is a library on a real folder and a real store.
type fixture struct {
	*Library
	clock  *clock
	store  *sqlitestore.Store
	folder string
}

func newFixture(t testing.TB, limits Limits) *fixture {
	t.Helper()
	f := openFixture(t, t.TempDir())
	f.Library = f.on(f.bucket, f.store, limits)
	return f
}

// openFixture opens what another fixture left in a folder.
func openFixture(t testing.TB, dir string) *fixture {
	t.Helper()
	store, err := sqlitestore.Open(context.Background(), filepath.Join(dir, "prassi.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	f := &fixture{clock: &clock{now: time.Now()}, store: store, folder: filepath.Join(dir, "files")}
	bucket, err := OpenBucket(context.Background(), "file://"+f.folder)
	if err != nil {
		t.Fatal(err)
	}
	f.Library = f.on(bucket, store, Limits{})
	return f
}

// on gives a library with the fixture's clock.
func (f *fixture) on(bucket *blob.Bucket, records audit.Records, limits Limits) *Library {
	return Open(Options{
		Bucket: bucket, Ledger: audit.New(records, f.clock.Now), Clock: f.clock.Now, Limits: limits,
		Log: slog.New(slog.DiscardHandler),
	})
}

func (f *fixture) add(t testing.TB, name string, data []byte) Item {
	t.Helper()
	item, err := f.Add(context.Background(), amina, NewItem{Owner: "casa", Name: name}, bytes.NewReader(data))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return item
}

// content reads a stored file through Open.
func read(t testing.TB, l *Library, id, name string) []byte {
	t.Helper()
	f, err := l.Open(context.Background(), id, name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// keys lists all that the bucket holds.
func keys(t testing.TB, b *blob.Bucket) []string {
	t.Helper()
	var out []string
	list := b.List(nil)
	for {
		o, err := list.Next(context.Background())
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, o.Key)
	}
}

// photo paints something that compresses like a photograph.
func photo(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	r := rand.New(rand.NewPCG(1, uint64(w*h)))
	for y := range h {
		for x := range w {
			n := uint8(r.IntN(12))
			img.SetRGBA(x, y, color.RGBA{uint8(x*160/w) + n, uint8(y*160/h) + n, uint8((x+y)*120/(w+h)) + 2*n, 255})
		}
	}
	return img
}

// drawing paints flat surfaces with transparent ground.
func drawing(w, h int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			switch (x*8/w + y*8/h) % 3 {
			case 0:
				img.SetNRGBA(x, y, color.NRGBA{200, 16, 46, 255})
			case 1:
				img.SetNRGBA(x, y, color.NRGBA{0, 70, 140, 128})
			}
		}
	}
	return img
}

func jpegOf(img image.Image, segments ...[]byte) []byte {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 90}); err != nil {
		panic(err)
	}
	out := append([]byte{}, b.Bytes()[:2]...)
	for _, s := range segments {
		out = append(out, s...)
	}
	return append(out, b.Bytes()[2:]...)
}

func pngOf(img image.Image) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func gifOf(frames ...*image.Paletted) []byte {
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, &gif.GIF{Image: frames, Delay: make([]int, len(frames))}); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// segment is a JPEG segment.
func segment(marker byte, body string) []byte {
	return append([]byte{0xff, marker, byte((len(body) + 2) >> 8), byte(len(body) + 2)}, body...)
}

// exifGPS is an APP1 segment with an orientation, a camera's serial number and
// the place where the picture was taken.
func exifGPS(orientation uint16) []byte {
	return segment(0xe1, "Exif\x00\x00"+string(tiffGPS(orientation)))
}

func tiffGPS(orientation uint16) []byte {
	le := binary.LittleEndian
	t := []byte("II*\x00\x08\x00\x00\x00")
	entry := func(tag, typ uint16, count, value uint32) {
		t = le.AppendUint16(t, tag)
		t = le.AppendUint16(t, typ)
		t = le.AppendUint32(t, count)
		t = le.AppendUint32(t, value)
	}
	const afterIFD0 = 8 + 2 + 3*12 + 4
	t = le.AppendUint16(t, 3)
	entry(271, 2, 12, afterIFD0) // Make
	entry(274, 3, 1, uint32(orientation))
	entry(34853, 4, 1, afterIFD0+12) // GPS directory
	t = le.AppendUint32(t, 0)
	t = append(t, "SERIAL-4711\x00"...)
	t = le.AppendUint16(t, 1)
	entry(29, 2, 11, afterIFD0+12+2+12+4) // GPSDateStamp
	t = le.AppendUint32(t, 0)
	return append(t, "GPS45.46N9.19E\x00"...)
}

// pngChunk is a chunk of a PNG.
func pngChunk(kind, body string) []byte {
	out := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	out = append(out, kind+body...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE([]byte(kind+body)))
}

// pngHeader is a PNG that promises a size and holds no pixels.
func pngHeader(w, h uint32, depth, colour byte) []byte {
	body := string(binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)) + string([]byte{depth, colour, 0, 0, 0})
	out := append([]byte("\x89PNG\r\n\x1a\n"), pngChunk("IHDR", body)...)
	out = append(out, pngChunk("IDAT", deflated(bytes.Repeat([]byte{0}, 100)))...)
	return append(out, pngChunk("IEND", "")...)
}

func deflated(data []byte) string {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	_, _ = z.Write(data)
	_ = z.Close()
	return b.String()
}

// part is an entry of an archive.
type part struct {
	name, data string
	store      bool
}

func archive(parts ...part) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, p := range parts {
		method := zip.Deflate
		if p.store {
			method = zip.Store
		}
		w, err := z.CreateHeader(&zip.FileHeader{Name: p.name, Method: method})
		if err != nil {
			panic(err)
		}
		_, _ = io.WriteString(w, p.data)
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

const (
	docxMain = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
	xlsxMain = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
	pptxMain = "application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml"
)

// mains are the names of the main parts.
var mains = map[string]string{docxMain: "word/document.xml", xlsxMain: "xl/workbook.xml", pptxMain: "ppt/presentation.xml"}

func contentTypes(main, more string) part {
	return part{name: "[Content_Types].xml", data: `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` +
		`<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/>` +
		`<Override PartName="/` + mains[main] + `" ContentType="` + main + `"/>` + more + `</Types>`}
}

func rels(name, relationships string) part {
	return part{name: name, data: `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">` + relationships + `</Relationships>`}
}

func ooxml(main string, more ...part) []byte {
	return archive(append([]part{contentTypes(main, ""), rels("_rels/.rels", ""), {name: mains[main], data: "<document>Benvenuti</document>"}}, more...)...)
}

func odf(mediaType string, more ...part) []byte {
	return archive(append([]part{
		{name: "mimetype", data: mediaType, store: true},
		{name: "META-INF/manifest.xml", data: `<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>`},
		{name: "content.xml", data: "<office:document-content/>"},
	}, more...)...)
}

// pdf is a document of one empty page with more objects.
func pdf(objects ...string) []byte {
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	all := append([]string{"<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Count 1/Kids[3 0 R]>>", "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>"}, objects...)
	var at []int
	for i, o := range all {
		at = append(at, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(all)+1)
	for _, n := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", n)
	}
	fmt.Fprintf(&b, "trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(all)+1, start)
	return b.Bytes()
}

// objectStream packs objects as a PDF 1.5 does.
func objectStream(objects string) string {
	data := deflated([]byte("10 0 " + objects))
	return fmt.Sprintf("<</Type/ObjStm/N 1/First 5/Filter/FlateDecode/Length %d>>stream\r\n%s\r\nendstream", len(data), data)
}
