package media

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/content"
)

// progressive is a JPEG of 512 × 512 grey pixels with many scans that say nothing:
// each is 30 bits for all of its 4096 blocks.
func progressive(scans int) []byte {
	out := []byte{0xff, 0xd8}
	out = append(out, segment(0xdb, "\x00"+strings.Repeat("\x01", 64))...)
	out = append(out, segment(0xc2, "\x08\x02\x00\x02\x00\x01\x01\x11\x00")...)
	out = append(out, segment(0xc4, "\x10\x01"+strings.Repeat("\x00", 15)+"\xe0")...) // the code 0: 2^14 blocks end here
	for range scans {
		out = append(out, segment(0xda, "\x01\x01\x00\x01\x3f\x00")...)
		out = append(out, 0, 0, 0, 0)
	}
	return append(out, 0xff, 0xd9)
}

// Scans are counted: they cost time, not bytes.
func TestScans(t *testing.T) {
	f := newFixture(t, Limits{})
	f.add(t, "x", progressive(mostScans))
	_, err := f.Add(context.Background(), amina, NewItem{}, bytes.NewReader(progressive(mostScans+1)))
	if code(err) != codeDamaged || !strings.Contains(err.Error(), "scans") {
		t.Error(err)
	}
}

// Pixels can be chosen so that the encoded picture spells something.
func TestSpelled(t *testing.T) {
	l := newFixture(t, Limits{}).Library
	e := encoder{l: l, palette: spelled()}
	if err := e.add(context.Background(), image.NewRGBA(e.palette.Rect)); code(err) != codeTwoKinds {
		t.Error(err)
	}
}

// spelled is a picture whose colours are text.
func spelled() *image.Paletted {
	p := image.NewPaletted(image.Rect(0, 0, 4, 4), color.Palette{})
	for text := "<script>alert(1)//"; len(text) >= 3; text = text[3:] {
		p.Palette = append(p.Palette, color.NRGBA{text[0], text[1], text[2], 255})
	}
	for i := range p.Pix {
		p.Pix[i] = uint8(i % len(p.Palette))
	}
	return p
}

// zipWith changes an archive's directory and local headers after it was written.
func zipWith(change func(h *zip.FileHeader, name string), parts ...part) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, p := range append([]part{contentTypes(docxMain, ""), rels("_rels/.rels", ""), {name: "word/document.xml", data: "x"}}, parts...) {
		h := &zip.FileHeader{Name: p.name, Method: zip.Deflate}
		change(h, p.name)
		w, err := z.CreateHeader(h)
		if err != nil {
			panic(err)
		}
		_, _ = io.WriteString(w, p.data)
	}
	_ = z.Close()
	return b.Bytes()
}

// lying says that its largest entry is small: the directory and the local header
// promise 10 bytes, the deflated data holds far more.
func lying(data string) []byte {
	out := ooxml(docxMain, part{name: "word/big.xml", data: data})
	size := binary.LittleEndian.AppendUint32(nil, uint32(len(data)))
	return bytes.ReplaceAll(out, size, []byte{10, 0, 0, 0})
}

func rel(kind, mode string) part {
	return rels("word/_rels/settings.xml.rels", `<Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/`+kind+`" Target="https://evil.example/x.dotm" TargetMode="`+mode+`"/>`)
}

// hostile are files that must be refused, each with its code. Every file is made
// here.
func hostile() map[string]struct {
	data []byte
	code string
} {
	type c = struct {
		data []byte
		code string
	}
	office2003 := append([]byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), make([]byte, 4096)...)
	locked := append(bytes.Clone(office2003[:1024]), utf16("EncryptedPackage")...)
	good, goodPDF, goodPNG := ooxml(docxMain), pdf(), pngOf(drawing(30, 20))
	evil := archive(part{name: "evil.class", data: "x"})
	hexed := "<</S/J#61va#53cript/JS(app.alert\\(1\\))>>"
	wide := image.NewPaletted(image.Rect(0, 0, 10, 10), color.Palette{color.Black, color.White})
	hugeGIF := gifOf(wide)
	binary.LittleEndian.PutUint16(hugeGIF[6:], 65000)
	binary.LittleEndian.PutUint16(hugeGIF[8:], 65000)
	ending := archive(part{name: "evil.class", data: "x"})
	ending = append(ending[:len(ending)-2], "\x07\x00\n%%EOF\n"...) // as the archive's comment
	renamed := ooxml(docxMain)
	renamed = bytes.Replace(renamed, []byte("_rels/.rels"), []byte("_rels/.exes"), 1) // of the local header
	return map[string]c{
		"nothing":                   {nil, codeEmpty},
		"text":                      {[]byte("Benvenuti"), codeUnsupported},
		"a page":                    {[]byte("<!DOCTYPE html><script>alert(1)</script>"), codeUnsupported},
		"a page that says image":    {[]byte("GIF8<html><script>alert(1)</script>"), codeUnsupported},
		"a program":                 {append([]byte("MZ\x90\x00"), make([]byte, 600)...), codeUnsupported},
		"a film":                    {append([]byte("\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2mp41"), make([]byte, 600)...), codeUnsupported},
		"HEIC":                      {append([]byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"), make([]byte, 600)...), codeHEIC},
		"AVIF":                      {append([]byte("\x00\x00\x00\x1cftypavif\x00\x00\x00\x00avifmif1miaf"), make([]byte, 600)...), codeHEIC},
		"SVG":                       {[]byte(`<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`), codeSVG},
		"SVG without prologue":      {[]byte(`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`), codeSVG},
		"old Word":                  {office2003, codeOldOffice},
		"Word with a password":      {locked, codeLocked},
		"an archive":                {archive(part{name: "foto.jpg", data: "x"}), codeArchive},
		"gzip":                      {append([]byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"), make([]byte, 100)...), codeArchive},
		"a broken JPEG":             {jpegOf(photo(60, 40))[:700], codeDamaged},
		"a JPEG header":             {[]byte("\xff\xd8\xff\xe0\x00\x10JFIF\x00"), codeDamaged},
		"a broken PNG":              {goodPNG[:len(goodPNG)-30], codeDamaged},
		"a broken GIF":              {[]byte("GIF89a\x01\x00\x01\x00"), codeDamaged},
		"a broken WebP":             {[]byte("RIFF\x10\x00\x00\x00WEBPVP8 \x04\x00\x00\x00xxxx"), codeDamaged},
		"a moving WebP":             {[]byte("RIFF\x2c\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x02\x00\x00\x00\x09\x00\x00\x09\x00\x00ANIM\x06\x00\x00\x00\x00\x00\x00\x00\x00\x00ANMF\x00\x00\x00\x00"), codeAnimated},
		"a PNG of 2 gigapixels":     {pngHeader(50000, 40000, 8, 2), codeTooManyPixels},
		"a PNG 30000 wide":          {pngHeader(30000, 2, 8, 2), codeTooManyPixels},
		"a PNG of 36 deep MP":       {pngHeader(6000, 6000, 16, 6), codeTooManyPixels},
		"a PNG without size":        {pngHeader(0, 7, 8, 2), codeDamaged},
		"a GIF of 4 gigapixels":     {hugeGIF, codeTooManyPixels},
		"a PNG of 49 megapixels":    {pngHeader(7000, 7000, 8, 2), codeTooManyPixels},
		"JPEG and archive":          {append(jpegOf(photo(20, 20)), evil...), codeTwoKinds},
		"GIF and archive":           {append(gifOf(wide), evil...), codeTwoKinds},
		"PNG and page":              {append(bytes.Clone(goodPNG), "<ScRiPt>alert(1)</script>"...), codeTwoKinds},
		"JPEG and page":             {jpegOf(photo(20, 20), segment(0xfe, "<html><body onload=alert(1)>")), codeTwoKinds},
		"JPEG and PHP":              {jpegOf(photo(20, 20), segment(0xe1, "Exif\x00\x00<?php system($_GET['c']);?>")), codeTwoKinds},
		"JPEG and PDF":              {jpegOf(photo(20, 20), segment(0xfe, "%PDF-1.4")), codeTwoKinds},
		"colours that spell":        {pngOf(spelled()), codeTwoKinds},
		"PDF after something":       {append([]byte("hello\n"), goodPDF...), codeTwoKinds},
		"PDF and archive":           {append(bytes.Clone(goodPDF), evil...), codeTwoKinds},
		"PDF around an archive":     {append(bytes.Clone(goodPDF), ending...), codeTwoKinds},
		"an entry of two names":     {renamed, codeTwoKinds},
		"PDF and page":              {bytes.Replace(goodPDF, []byte("\n"), []byte("\n%<script>alert(1)</script>\n"), 1), codeTwoKinds},
		"PDF with more at its end":  {append(bytes.Clone(goodPDF), "MZ a program"...), codeTwoKinds},
		"PDF cut off":               {goodPDF[:len(goodPDF)-10], codeDamaged},
		"PDF with script":           {pdf("<</S/JavaScript/JS(app.alert\\(1\\))>>"), codeActive},
		"PDF with disguised script": {pdf(hexed), codeActive},
		"PDF with packed script":    {pdf(objectStream(hexed)), codeActive},
		"PDF with mislabelled pack": {pdf(strings.Replace(objectStream(hexed), "/Type/ObjStm", "/Type/Nothing", 1)), codeActive},
		"PDF with hidden pack":      {pdf("<</Type/ObjStm/N 1/First 5/Filter[/ASCIIHexDecode/FlateDecode]>>stream\n789c>\nendstream"), codeActive},
		"PDF that starts a program": {pdf("<</S/Launch/Win<</F(cmd.exe)>>>>"), codeActive},
		"PDF with attachment":       {pdf("<</Type/EmbeddedFile/Length 2>>stream\nMZ\nendstream"), codeActive},
		"PDF with XFA":              {pdf("<</AcroForm<</XFA 9 0 R>>>>"), codeActive},
		"PDF with a password":       {pdf("<</Encrypt<</Filter/Standard>>>>"), codeLocked},
		"PDF that unpacks to much":  {pdf(objectStream(strings.Repeat("<</A 1>> ", 3<<20))), codeUnsafeArchive},

		"Word with macros":         {archive(contentTypes(strings.Replace(docxMain, "openxmlformats-officedocument.wordprocessingml.document.main+xml", "ms-word.document.macroEnabled.main+xml", 1), ""), part{name: "word/document.xml", data: "x"}), codeActive},
		"Word with a hidden macro": {ooxml(docxMain, part{name: "word/VBAProject.bin", data: "x"}), codeActive},
		"a renamed macro":          {archive(contentTypes(docxMain, `<Override PartName="/word/x.bin" ContentType="application/vnd.ms-office.vbaProject"/>`), part{name: "word/document.xml", data: "x"}, part{name: "word/x.bin", data: "x"}), codeActive},
		"Excel 4 macros":           {ooxml(xlsxMain, part{name: "xl/macrosheets/sheet1.xml", data: "<x/>"}), codeActive},
		"ActiveX":                  {ooxml(docxMain, part{name: "word/activeX/activeX1.xml", data: "<x/>"}), codeActive},
		"a macro document inside":  {ooxml(docxMain, part{name: "word/embeddings/x.xlsm", data: "x"}), codeActive},
		"a template from outside":  {ooxml(docxMain, rel("attachedTemplate", "External")), codeActive},
		"an object from outside":   {ooxml(docxMain, rel("oleObject", "external")), codeActive},
		"DDE":                      {ooxml(xlsxMain, part{name: "xl/externalLinks/externalLink1.xml", data: `<externalLink><ddeLink ddeService="cmd" ddeTopic="/c calc"/></externalLink>`}), codeActive},
		"ODT with macros":          {odf("application/vnd.oasis.opendocument.text", part{name: "Basic/Standard/x.xml", data: "<x/>"}), codeActive},
		"ODT with a script":        {odf("application/vnd.oasis.opendocument.text", part{name: "Scripts/python/x.py", data: "x"}), codeActive},
		"ODT with a password":      {archive(part{name: "mimetype", data: "application/vnd.oasis.opendocument.text", store: true}, part{name: "META-INF/manifest.xml", data: `<manifest:manifest><manifest:file-entry><manifest:encryption-data/></manifest:file-entry></manifest:manifest>`}), codeLocked},
		"ODT without manifest":     {archive(part{name: "mimetype", data: "application/vnd.oasis.opendocument.text", store: true}), codeDamaged},
		"an OpenDocument formula":  {odf("application/vnd.oasis.opendocument.formula"), codeArchive},
		"EPUB":                     {archive(part{name: "mimetype", data: "application/epub+zip", store: true}, part{name: "META-INF/manifest.xml", data: "<x/>"}), codeArchive},
		"a document type":          {archive(part{name: "[Content_Types].xml", data: `<!DOCTYPE x [<!ENTITY a "aaaa">]><Types>&a;</Types>`}), codeUnsafeArchive},
		"XML that is not":          {archive(part{name: "[Content_Types].xml", data: `<Types`}), codeDamaged},
		"two documents":            {archive(contentTypes(docxMain, `<Override PartName="/b.xml" ContentType="`+xlsxMain+`"/>`)), codeTwoKinds},
		"names that climb":         {ooxml(docxMain, part{name: "../../etc/cron.d/x", data: "x"}), codeUnsafeArchive},
		"names that climb inside":  {ooxml(docxMain, part{name: "word/../../x", data: "x"}), codeUnsafeArchive},
		"an absolute name":         {ooxml(docxMain, part{name: "/etc/passwd", data: "x"}), codeUnsafeArchive},
		"a Windows name":           {ooxml(docxMain, part{name: `..\..\x`, data: "x"}), codeUnsafeArchive},
		"a drive":                  {ooxml(docxMain, part{name: `C:x`, data: "x"}), codeUnsafeArchive},
		"a name with NUL":          {ooxml(docxMain, part{name: "a\x00b", data: "x"}), codeUnsafeArchive},
		"a name twice":             {ooxml(docxMain, part{name: "WORD/document.xml", data: "x"}), codeUnsafeArchive},
		"a link": {zipWith(func(h *zip.FileHeader, name string) {
			h.SetMode(map[bool]fs.FileMode{true: fs.ModeSymlink | 0o777}[name == "x"])
		}, part{name: "x", data: "/etc/passwd"}), codeUnsafeArchive},
		"an encrypted entry":  {zipWith(func(h *zip.FileHeader, name string) { h.Flags |= 1 }), codeLocked},
		"a bomb that says so": {ooxml(docxMain, part{name: "word/big.xml", data: strings.Repeat("a", 12<<20)}), codeUnsafeArchive},
		"a bomb that lies":    {lying(strings.Repeat("a", 12<<20)), codeDamaged},
		"too many entries":    {ooxml(docxMain, many(5000)...), codeUnsafeArchive},
		"something before":    {append([]byte("PK\x03\x04 #!/bin/sh\n"+strings.Repeat(" ", 40)), good...), codeTwoKinds},
		"something after":     {append(bytes.Clone(good), "<script>alert(1)</script>"...), codeTwoKinds},
		"an archive of two":   {append(archive(part{name: "a", data: "x"}), good...), codeTwoKinds},
		"an archive cut off":  {good[:len(good)-40], codeDamaged},
	}
}

func many(n int) []part {
	out := make([]part, n)
	for i := range out {
		out[i] = part{name: fmt.Sprintf("word/p%d.xml", i)}
	}
	return out
}

// Every hostile file is refused with what helps, quickly, and nothing is left.
func TestHostile(t *testing.T) {
	f := newFixture(t, Limits{Unpacked: 16 << 20})
	for name, c := range hostile() {
		began := time.Now()
		_, err := f.Add(context.Background(), amina, NewItem{Name: name}, bytes.NewReader(c.data))
		if code(err) != c.code {
			t.Errorf("%s: %v, not %s", name, err, c.code)
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("%s took %s", name, took)
		}
	}
	if got := keys(t, f.bucket); len(got) > 0 {
		t.Errorf("the bucket holds %v", got)
	}
	if items, err := f.List(context.Background(), "", 0); len(items) > 0 || err != nil {
		t.Error(items, err)
	}
}

// What stands in a picture beside its pixels is not refused, and not kept.
func TestNothingButPixels(t *testing.T) {
	f := newFixture(t, Limits{})
	p := pngOf(drawing(30, 20))
	for name, data := range map[string][]byte{
		"a GIF that is a program":   append([]byte("GIF89a/*"), gifOf(image.NewPaletted(image.Rect(0, 0, 10799, 10), color.Palette{color.Black, color.White}))[8:]...),
		"text hung on":              append(bytes.Clone(p), "*/=1;alert(1)//"...),
		"text in a chunk":           append(append(bytes.Clone(p[:33]), pngChunk("tEXt", "Comment\x00*/=1;alert(1)//")...), p[33:]...),
		"a film hung on a picture":  append(jpegOf(photo(30, 20)), "\x00\x00\x00\x18ftypisom*/=1;alert(1)//"...),
		"a comment in a photograph": jpegOf(photo(30, 20), segment(0xfe, "*/=1;alert(1)//")),
	} {
		item := f.add(t, name, data)
		for _, file := range item.Files {
			stored := read(t, f.Library, item.ID, file.Name)
			checkFile(t, file, stored)
			if bytes.Contains(stored, []byte("alert(1)")) || bytes.HasPrefix(stored, []byte("GIF")) {
				t.Errorf("%s: %s holds it", name, file.Name)
			}
		}
	}
}

// endless gives a beginning and then zeros, and counts what was asked of it.
type endless struct {
	head  []byte
	given int64
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.head)
	e.head = e.head[n:]
	clear(p[n:])
	e.given += int64(len(p))
	return len(p), nil
}

// Reading stops at the limit, and at once for what is not taken at all.
func TestLimits(t *testing.T) {
	f := newFixture(t, Limits{})
	for _, c := range []struct {
		head       []byte
		code       string
		least, max int64
	}{
		{jpegOf(photo(20, 20)), codeTooLarge, 15 << 20, 15<<20 + 64<<10},
		{pdf(), codeTooLarge, 30 << 20, 30<<20 + 64<<10},
		{ooxml(docxMain), codeTooLarge, 30 << 20, 30<<20 + 64<<10},
		{nil, codeUnsupported, 1, headSize},
	} {
		e := &endless{head: c.head}
		_, err := f.Add(context.Background(), amina, NewItem{}, e)
		if code(err) != c.code || e.given < c.least || e.given > c.max {
			t.Errorf("%v after %d bytes", err, e.given)
		}
		if p := content.AsProblem(err); c.code == codeTooLarge && (p.Class != content.TooLarge || p.Params["max"] != c.least) {
			t.Errorf("%+v", p)
		}
	}
	// One byte more than the limit, and the limit itself.
	doc := pdf()
	exact := newFixture(t, Limits{Document: int64(len(doc))})
	exact.add(t, "x", doc)
	less := newFixture(t, Limits{Document: int64(len(doc)) - 1})
	if _, err := less.Add(context.Background(), amina, NewItem{}, bytes.NewReader(doc)); code(err) != codeTooLarge {
		t.Error(err)
	}
}

// Those who wait for their turn give up when their context ends.
func TestTurns(t *testing.T) {
	f := newFixture(t, Limits{AtOnce: 1})
	f.turns <- struct{}{}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, err := f.Add(ctx, amina, NewItem{}, bytes.NewReader(pdf())); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	<-f.turns
	f.add(t, "x", pdf())
}
