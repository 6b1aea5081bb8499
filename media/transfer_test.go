package media

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/content"
)

var carrier = content.System("import")

// bundle is a packed item as a folder.
type bundle map[string]string

func (b bundle) read(file string, most int64) ([]byte, error) {
	data, ok := b[file]
	if !ok || int64(len(data)) > most {
		return nil, fmt.Errorf("%s: %d bytes of at most %d", file, len(data), most)
	}
	return []byte(data), nil
}

func (b bundle) names() []string { return slices.Sorted(maps.Keys(b)) }

func pack(t testing.TB, l *Library, id string) bundle {
	t.Helper()
	b := bundle{}
	err := l.Pack(context.Background(), id, func(file string, data []byte) error { b[file] = string(data); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// parcel reads what the bundle tells of itself.
func (b bundle) parcel(t testing.TB) (p parcel) {
	t.Helper()
	if err := json.Unmarshal([]byte(b[ParcelFile]), &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// tell makes the bundle tell something else.
func (b bundle) tell(t testing.TB, change func(*parcel)) {
	t.Helper()
	p := b.parcel(t)
	change(&p)
	data, err := p.write()
	if err != nil {
		t.Fatal(err)
	}
	b[ParcelFile] = string(data)
}

// swap puts other bytes into a file and lets the parcel tell the truth of them.
func (b bundle) swap(t testing.TB, name string, data []byte) {
	t.Helper()
	sum := sha256.Sum256(data)
	b[name] = string(data)
	b.tell(t, func(p *parcel) {
		for i := range p.Files {
			if p.Files[i].Name == name {
				p.Files[i].Bytes, p.Files[i].SHA256 = int64(len(data)), hex.EncodeToString(sum[:])
			}
		}
	})
}

// resize lets the parcel tell other sizes of the files of a width.
func (b bundle) resize(t testing.TB, of, w, h int) {
	t.Helper()
	b.tell(t, func(p *parcel) {
		for i := range p.Files {
			if f := &p.Files[i]; f.Width == of {
				f.Name, f.Width, f.Height = fmt.Sprint(w)+path.Ext(f.Name), w, h
			}
		}
	})
}

// bring takes a bundle in and says whether it was stored now.
func bring(l *Library, id string, b bundle) (stored bool, at string, err error) {
	store, at, err := l.Unpack(context.Background(), id, b.names(), b.read)
	if err != nil || store == nil {
		return false, at, err
	}
	return true, "", store(context.Background(), carrier)
}

// noisy is the worst of photographs.
func noisy(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	r := rand.New(rand.NewPCG(3, 4))
	for i := range img.Pix {
		img.Pix[i] = uint8(r.Uint32())
		if i%4 == 3 {
			img.Pix[i] = 255
		}
	}
	return img
}

// checkers changes colour at every pixel.
func checkers(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.SetRGBA(x, y, [2]color.RGBA{{255, 0, 0, 255}, {0, 0, 255, 255}}[(x+y)%2])
		}
	}
	return img
}

// Every sort of upload comes out of another library as it went into the first,
// to the byte, and once.
func TestTransfer(t *testing.T) {
	a, b := newFixture(t, Limits{}), newFixture(t, Limits{})
	for name, data := range map[string][]byte{
		"photo.jpg": jpegOf(photo(1400, 900), exifGPS(6)), "small.jpg": jpegOf(photo(90, 70)), "tiny.jpg": jpegOf(photo(1, 1)),
		"noise.jpg": jpegOf(noisy(700, 400)), "checkers.jpg": jpegOf(checkers(700, 500)), "few.jpg": jpegOf(checkers(9, 9)),
		"drawing.png": pngOf(drawing(900, 700)), "narrow.png": pngOf(drawing(40, 1400)), "flat.png": pngOf(drawing(1400, 3)),
		"palette.gif": gifOf(paletted(700, 500)), "noise.png": pngOf(noisy(340, 340)),
		"form.pdf": pdf(), "form.docx": ooxml(docxMain), "table.xlsx": ooxml(xlsxMain), "text.odt": odf("application/vnd.oasis.opendocument.text"),
	} {
		item, err := a.Add(context.Background(), amina, NewItem{Owner: "casa", Name: name, Alt: "Un \"orto\" <condiviso> & altro\u2028già"}, bytes.NewReader(data))
		if err != nil {
			t.Fatal(name, err)
		}
		was := pack(t, a.Library, item.ID)
		if strings.Contains(was[ParcelFile], amina.ID) {
			t.Errorf("%s tells who brought it: %s", name, was[ParcelFile])
		}
		for i, want := range []bool{true, false} {
			stored, at, err := bring(b.Library, item.ID, was)
			if err != nil || stored != want {
				t.Fatalf("%s, time %d: stored %v, %s: %v", name, i, stored, at, err)
			}
		}
		if again := pack(t, b.Library, item.ID); !maps.Equal(was, again) {
			t.Errorf("%s is another now:\n%s\n%s", name, was[ParcelFile], again[ParcelFile])
		}
		got, err := b.Get(context.Background(), item.ID)
		if err != nil || got.Owner != "casa" || got.Alt != item.Alt || got.Name != item.Name || got.Person != carrier.ID || !slices.Equal(got.Files, item.Files) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		entries, err := audit.New(b.store, nil).Entries(context.Background(), recordKind+":"+item.ID, 0, 10)
		if err != nil || len(entries) != 1 || entries[0].Action != audit.MediaAdded || entries[0].Actor != carrier.ID {
			t.Errorf("%s: the log has %+v, %v", name, entries, err)
		}
	}
	if _, faults, err := b.Verify(context.Background()); err != nil || len(faults) > 0 {
		t.Error(faults, err)
	}
}

func paletted(w, h int) *image.Paletted {
	img := image.NewPaletted(image.Rect(0, 0, w, h), color.Palette{color.White, color.Black, color.RGBA{200, 16, 46, 255}})
	for i := range img.Pix {
		img.Pix[i] = uint8(i/7) % 3
	}
	return img
}

// Each lie is refused, at the file that tells it, and nothing is stored.
func TestHostileParcels(t *testing.T) {
	a := newFixture(t, Limits{})
	picture := a.add(t, "orto.jpg", jpegOf(photo(700, 500)))
	drawn := a.add(t, "orto.png", pngOf(drawing(700, 500)))
	document := a.add(t, "modulo.pdf", pdf())
	if picture.Files[1].Name != "700.webp" || drawn.Files[0].Name != "700.png" {
		t.Fatalf("%+v", picture.Files)
	}
	withAPP := func(s []byte) []byte { return jpegOf(photo(700, 500), s) }
	jpeg := []byte(pack(t, a.Library, picture.ID)["700.jpg"])
	png := []byte(pack(t, a.Library, drawn.ID)["700.png"])
	webp := []byte(pack(t, a.Library, picture.ID)["700.webp"])
	intoPNG := func(chunk []byte) []byte { return slices.Concat(png[:33], chunk, png[33:]) }
	ofWebP := func(chunk string) []byte { return riff(string(webp[12:]) + chunk) }
	other := photo(700, 500)
	draw.Draw(other, image.Rect(0, 0, 120, 90), image.Black, image.Point{}, draw.Src)
	small := photo(320, 229)
	draw.Draw(small, image.Rect(200, 100, 260, 140), image.White, image.Point{}, draw.Src)
	grey := webpOf(t, image.NewRGBA(image.Rect(0, 0, 700, 500)))
	bomb := pngHeader(2560, 2560, 8, 6)

	for name, c := range map[string]struct {
		item Item
		lie  func(b bundle)
		at   string
		code string
	}{
		"no item.json":         {picture, func(b bundle) { delete(b, ParcelFile) }, ParcelFile, codeParcelMissing},
		"not JSON":             {picture, func(b bundle) { b[ParcelFile] = "{" }, ParcelFile, codeParcelSyntax},
		"an unknown key":       {picture, func(b bundle) { b[ParcelFile] = strings.Replace(b[ParcelFile], "{", "{\n  \"person\": \"x\",", 1) }, ParcelFile, codeParcelSyntax},
		"a key twice":          {picture, func(b bundle) { b[ParcelFile] = strings.Replace(b[ParcelFile], "{", "{\n  \"id\": \"x\",", 1) }, ParcelFile, codeParcelSyntax},
		"a key in capitals":    {picture, func(b bundle) { b[ParcelFile] = strings.Replace(b[ParcelFile], `"id"`, `"ID"`, 1) }, ParcelFile, codeParcelSyntax},
		"no UTF-8":             {picture, func(b bundle) { b[ParcelFile] = strings.Replace(b[ParcelFile], "orto", "o\xffto", 1) }, ParcelFile, codeParcelSyntax},
		"another id":           {picture, func(b bundle) { b.tell(t, func(p *parcel) { p.ID = newID() }) }, ParcelFile, codeParcelUntrue},
		"an owner with a path": {picture, func(b bundle) { b.tell(t, func(p *parcel) { p.Owner = "../x" }) }, ParcelFile, codeParcelUntrue},
		"an owner with blanks": {picture, func(b bundle) { b.tell(t, func(p *parcel) { p.Owner = "casa " }) }, ParcelFile, codeParcelUntrue},
		"a name with a path":   {picture, func(b bundle) { b.tell(t, func(p *parcel) { p.Name = "../orto.jpg" }) }, ParcelFile, codeParcelUntrue},
		"a name of a program":  {document, func(b bundle) { b.tell(t, func(p *parcel) { p.Name = "modulo.exe" }) }, ParcelFile, codeParcelUntrue},
		"a name that turns":    {document, func(b bundle) { b.tell(t, func(p *parcel) { p.Name = "m\u202efdp.exe.pdf" }) }, ParcelFile, codeParcelUntrue},
		"a long alt":           {picture, func(b bundle) { b.tell(t, func(p *parcel) { p.Alt = strings.Repeat("a", MaxAlt+1) }) }, ParcelFile, codeParcelUntrue},
		"an alt with controls": {picture, func(b bundle) { b.tell(t, func(p *parcel) { p.Alt = "a\x1b[2J" }) }, ParcelFile, codeParcelUntrue},
		"no files":             {picture, func(b bundle) { b.tell(t, func(p *parcel) { p.Files = nil }) }, ParcelFile, codeParcelUntrue},
		"a file that climbs":   {picture, func(b bundle) { b.tell(t, func(p *parcel) { p.Files[1].Name = "../700.webp" }) }, ParcelFile, codeParcelUntrue},
		"a page": {picture, func(b bundle) {
			b["index.html"] = "<script>"
			b.tell(t, func(p *parcel) { p.Files[0].Name = "index.html" })
		}, ParcelFile, codeParcelUntrue},
		"a page beside":        {picture, func(b bundle) { b["index.html"] = "<script>" }, "index.html", codeParcelStranger},
		"a folder beside":      {picture, func(b bundle) { b["more/700.jpg"] = b["700.jpg"] }, "more/700.jpg", codeParcelStranger},
		"a size not listed":    {picture, func(b bundle) { b["640.png"] = b["640.jpg"] }, "640.png", codeParcelStranger},
		"a size missing":       {picture, func(b bundle) { delete(b, "640.jpg") }, ParcelFile, codeParcelMissing},
		"a size twice":         {picture, func(b bundle) { b.tell(t, func(p *parcel) { p.Files = append(p.Files, p.Files[len(p.Files)-1]) }) }, ParcelFile, codeParcelUntrue},
		"sizes upside down":    {picture, func(b bundle) { b.tell(t, func(p *parcel) { slices.Reverse(p.Files) }) }, ParcelFile, codeParcelUntrue},
		"a type of a page":     {picture, func(b bundle) { b.tell(t, func(p *parcel) { p.Files[0].Type = "text/html" }) }, ParcelFile, codeParcelUntrue},
		"a document's type":    {document, func(b bundle) { b.tell(t, func(p *parcel) { p.Files[0].Type = "text/html" }) }, "document.pdf", codeParcelUntrue},
		"a picture's width":    {document, func(b bundle) { b.tell(t, func(p *parcel) { p.Files[0].Width = 7 }) }, "document.pdf", codeParcelUntrue},
		"two documents":        {document, func(b bundle) { b.tell(t, func(p *parcel) { p.Files = append(p.Files, p.Files[0]) }) }, ParcelFile, codeParcelUntrue},
		"another height":       {picture, func(b bundle) { b.tell(t, func(p *parcel) { p.Files[0].Height, p.Files[1].Height = 499, 499 }) }, "700.jpg", codeParcelUntrue},
		"another shape":        {picture, func(b bundle) { b.resize(t, 640, 640, 100) }, ParcelFile, codeParcelUntrue},
		"a width of one's own": {picture, func(b bundle) { b.resize(t, 320, 300, 214) }, ParcelFile, codeParcelUntrue},
		"a size in the way":    {picture, func(b bundle) { b.resize(t, 640, 320, 229) }, ParcelFile, codeParcelUntrue},
		"a name of one's own": {document, func(b bundle) {
			b["modulo.pdf"] = b["document.pdf"]
			delete(b, "document.pdf")
			b.tell(t, func(p *parcel) { p.Files[0].Name = "modulo.pdf" })
		}, ParcelFile, codeParcelUntrue},
		"another hash":         {picture, func(b bundle) { b.tell(t, func(p *parcel) { p.Files[0].SHA256 = strings.Repeat("0", 64) }) }, "700.jpg", codeParcelUntrue},
		"another size":         {document, func(b bundle) { b.tell(t, func(p *parcel) { p.Files[0].Bytes++ }) }, "document.pdf", codeParcelUntrue},
		"a changed byte":       {picture, func(b bundle) { b["640.jpg"] = strings.Replace(b["640.jpg"], "\xff\xd9", "\xff\xd8", 1) }, "640.jpg", codeParcelUntrue},
		"a PNG as JPEG":        {picture, func(b bundle) { b.swap(t, "700.jpg", pngOf(photo(700, 500))) }, "700.jpg", codeParcelUntrue},
		"a page as JPEG":       {picture, func(b bundle) { b.swap(t, "700.jpg", []byte("<html><script>alert(1)</script>")) }, "700.jpg", codeUnsupported},
		"SVG as PNG":           {drawn, func(b bundle) { b.swap(t, "700.png", []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`)) }, "700.png", codeSVG},
		"a GIF as PNG":         {drawn, func(b bundle) { b.swap(t, "700.png", gifOf(paletted(700, 500))) }, "700.png", codeParcelUntrue},
		"half a JPEG":          {picture, func(b bundle) { b.swap(t, "700.jpg", append(jpeg[:len(jpeg)/2:len(jpeg)/2], 0xff, 0xd9)) }, "700.jpg", codeDamaged},
		"EXIF":                 {picture, func(b bundle) { b.swap(t, "700.jpg", withAPP(exifGPS(1))) }, "700.jpg", codeParcelMetadata},
		"EXIF in a small size": {picture, func(b bundle) { b.swap(t, "640.jpg", jpegOf(photo(640, 457), exifGPS(1))) }, "640.jpg", codeParcelMetadata},
		"XMP":                  {picture, func(b bundle) { b.swap(t, "700.jpg", withAPP(segment(0xe1, "http://ns.adobe.com/xap/1.0/\x00"))) }, "700.jpg", codeParcelMetadata},
		"ICC":                  {picture, func(b bundle) { b.swap(t, "700.jpg", withAPP(segment(0xe2, "ICC_PROFILE\x00\x01\x01"))) }, "700.jpg", codeParcelMetadata},
		"IPTC":                 {picture, func(b bundle) { b.swap(t, "700.jpg", withAPP(segment(0xed, "Photoshop 3.0\x00"))) }, "700.jpg", codeParcelMetadata},
		"a thumbnail": {picture, func(b bundle) {
			b.swap(t, "700.jpg", withAPP(segment(0xe0, "JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00")))
		}, "700.jpg", codeParcelMetadata},
		"a comment": {picture, func(b bundle) { b.swap(t, "700.jpg", withAPP(segment(0xfe, "GPS45.46N9.19E"))) }, "700.jpg", codeParcelMetadata},
		"a comment at the end": {picture, func(b bundle) {
			b.swap(t, "700.jpg", slices.Concat(jpeg[:len(jpeg)-2], segment(0xfe, "x"), jpeg[len(jpeg)-2:]))
		}, "700.jpg", codeParcelMetadata},
		"what follows a JPEG":  {picture, func(b bundle) { b.swap(t, "700.jpg", append(slices.Clip(jpeg), "GPS"...)) }, "700.jpg", codeParcelMetadata},
		"a text in PNG":        {drawn, func(b bundle) { b.swap(t, "700.png", intoPNG(pngChunk("tEXt", "Author\x00Amina"))) }, "700.png", codeParcelMetadata},
		"EXIF in PNG":          {drawn, func(b bundle) { b.swap(t, "700.png", intoPNG(pngChunk("eXIf", string(tiffGPS(1))))) }, "700.png", codeParcelMetadata},
		"a profile in PNG":     {drawn, func(b bundle) { b.swap(t, "700.png", intoPNG(pngChunk("iCCP", "p\x00\x00"+deflated([]byte("x"))))) }, "700.png", codeParcelMetadata},
		"a chunk of one's own": {drawn, func(b bundle) { b.swap(t, "700.png", intoPNG(pngChunk("prVt", "x"))) }, "700.png", codeParcelMetadata},
		"what follows a PNG":   {drawn, func(b bundle) { b.swap(t, "700.png", append(slices.Clip(png), "GPS"...)) }, "700.png", codeParcelMetadata},
		"EXIF in WebP":         {picture, func(b bundle) { b.swap(t, "700.webp", ofWebP("EXIF\x04\x00\x00\x00II*\x00")) }, "700.webp", codeParcelMetadata},
		"XMP in WebP":          {picture, func(b bundle) { b.swap(t, "700.webp", ofWebP("XMP \x02\x00\x00\x00xx")) }, "700.webp", codeParcelMetadata},
		"what follows a WebP":  {picture, func(b bundle) { b.swap(t, "700.webp", append(slices.Clip(webp), "GPS!"...)) }, "700.webp", codeParcelMetadata},
		"markup in pixels":     {picture, func(b bundle) { b.swap(t, "700.jpg", withAPP(segment(0xfe, "<script>alert(1)</script>"))) }, "700.jpg", codeTwoKinds},
		"an archive behind":    {picture, func(b bundle) { b.swap(t, "700.jpg", slices.Concat(jpeg, archive(part{name: "a", data: "b"}))) }, "700.jpg", codeTwoKinds},
		"another picture":      {picture, func(b bundle) { b.swap(t, "700.webp", grey) }, "700.webp", codeParcelOther},
		"a corner painted":     {picture, func(b bundle) { b.swap(t, "700.jpg", jpegOf(other)) }, "700.webp", codeParcelOther},
		"a spot painted":       {picture, func(b bundle) { b.swap(t, "320.jpg", jpegOf(small)) }, "320.jpg", codeParcelOther},
		"a bomb":               {drawn, func(b bundle) { b.swap(t, "700.png", bomb) }, "700.png", codeTooManyPixels},
		"a script in PDF":      {document, func(b bundle) { b.swap(t, "document.pdf", pdf("<</S/JavaScript/JS(app.alert(1))>>")) }, "document.pdf", codeActive},
		"a locked PDF":         {document, func(b bundle) { b.swap(t, "document.pdf", pdf("<</Encrypt 4 0 R>>")) }, "document.pdf", codeLocked},
		"Word as PDF":          {document, func(b bundle) { b.swap(t, "document.pdf", ooxml(docxMain)) }, "document.pdf", codeParcelUntrue},
		"a picture as PDF":     {document, func(b bundle) { b.swap(t, "document.pdf", jpeg) }, "document.pdf", codeParcelUntrue},
		"an archive as PDF":    {document, func(b bundle) { b.swap(t, "document.pdf", archive(part{name: "a", data: "b"})) }, "document.pdf", codeArchive},
	} {
		t.Run(name, func(t *testing.T) {
			limits := Limits{}
			if name == "a bomb" {
				limits.Pixels = 1_000_000
			}
			to := newFixture(t, limits)
			b := pack(t, a.Library, c.item.ID)
			c.lie(b)
			_, at, err := bring(to.Library, c.item.ID, b)
			if p := content.AsProblem(err); p == nil || p.Code != c.code || at != c.at {
				t.Errorf("%s: %v (%+v), want %s: %s", at, err, p, c.at, c.code)
			}
			if left := keys(t, to.bucket); len(left) > 0 {
				t.Errorf("it left %v", left)
			}
		})
	}
}

// riff is a WebP of chunks.
func riff(chunks string) []byte {
	n := len(chunks) + 4
	return []byte("RIFF" + string([]byte{byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24)}) + "WEBP" + chunks)
}

func webpOf(t testing.TB, img *image.RGBA) []byte {
	t.Helper()
	data, err := (&encoder{l: newFixture(t, Limits{}).Library, photo: false}).webp(context.Background(), img, true)
	if err != nil || data == nil {
		t.Fatal("no WebP", err)
	}
	return data
}

// A file too large is not read, and an id that is none is refused.
func TestParcelLimits(t *testing.T) {
	f := newFixture(t, Limits{})
	item := f.add(t, "modulo.pdf", pdf())
	b := pack(t, f.Library, item.ID)
	to := newFixture(t, Limits{Document: 100})
	if _, at, err := bring(to.Library, item.ID, b); err == nil || at != "document.pdf" {
		t.Error(at, err)
	}
	for _, id := range []string{"", "..", strings.ToUpper(item.ID), item.ID[:25]} {
		b.tell(t, func(p *parcel) { p.ID = id })
		if _, at, err := bring(to.Library, id, b); err == nil || at != ParcelFile {
			t.Error(id, at, err)
		}
	}
	b = pack(t, f.Library, item.ID)
	empty := newFixture(t, Limits{})
	store, _, err := empty.Unpack(t.Context(), item.ID, b.names(), b.read)
	if err != nil {
		t.Fatal(err)
	}
	if err := store(t.Context(), content.Actor{}); code(err) != "unauthenticated" || len(keys(t, empty.bucket)) > 0 {
		t.Error("nobody may bring a file in:", err)
	}
	// git writes lines as Windows does.
	b[ParcelFile] = strings.ReplaceAll(b[ParcelFile], "\n", "\r\n")
	if stored, at, err := bring(newFixture(t, Limits{}).Library, item.ID, b); !stored || err != nil {
		t.Error(at, err)
	}
}

// What is here already stays: the same files are no change, others are refused,
// and a file that changes between the look and the writing is not written.
func TestParcelMeetsAnother(t *testing.T) {
	a, b := newFixture(t, Limits{}), newFixture(t, Limits{})
	item := a.add(t, "uno.pdf", pdf("<</A 1>>"))
	was := pack(t, a.Library, item.ID)
	changed := maps.Clone(was)
	changed.swap(t, "document.pdf", pdf("<</A 2>>"))

	if stored, at, err := bring(b.Library, item.ID, was); !stored || err != nil {
		t.Fatal(at, err)
	}
	if _, at, err := bring(b.Library, item.ID, changed); code(err) != codeParcelDifferent || at != ParcelFile {
		t.Error(at, err)
	}
	lying := maps.Clone(was)
	lying["document.pdf"] = changed["document.pdf"]
	if _, at, err := bring(b.Library, item.ID, lying); code(err) != codeParcelUntrue || at != "document.pdf" {
		t.Error("a known item's bytes are not looked at:", at, err)
	}
	if _, err := b.SetAlt(t.Context(), amina, item.ID, "Un modulo"); err != nil {
		t.Fatal(err)
	}
	if stored, _, err := bring(b.Library, item.ID, was); stored || err != nil {
		t.Error(err)
	}
	if got, err := b.Get(t.Context(), item.ID); err != nil || got.Alt != "Un modulo" {
		t.Error("a better text is lost", got, err)
	}

	c := newFixture(t, Limits{})
	now := maps.Clone(was)
	store, _, err := c.Unpack(t.Context(), item.ID, now.names(), now.read)
	if err != nil {
		t.Fatal(err)
	}
	now["document.pdf"] = changed["document.pdf"]
	if err := store(t.Context(), carrier); code(err) != codeParcelUntrue {
		t.Error(err)
	}
	if left := keys(t, c.bucket); len(left) > 0 {
		t.Error(left)
	}
	// Two at once with the same id: the first stays.
	one, _, err := c.Unpack(t.Context(), item.ID, was.names(), was.read)
	if err != nil {
		t.Fatal(err)
	}
	two, _, err := c.Unpack(t.Context(), item.ID, changed.names(), changed.read)
	if err != nil {
		t.Fatal(err)
	}
	if err := one(t.Context(), carrier); err != nil {
		t.Error(err)
	}
	if err := two(t.Context(), carrier); code(err) != codeParcelDifferent {
		t.Error(err)
	}
	if _, faults, err := c.Verify(t.Context()); err != nil || len(faults) > 0 {
		t.Error(faults, err)
	}
	// Files of other names do not meet; the items do.
	form := a.add(t, "due.docx", ooxml(docxMain))
	word := pack(t, a.Library, form.ID)
	word.tell(t, func(p *parcel) { p.ID = item.ID })
	d := newFixture(t, Limits{})
	three, _, err := d.Unpack(t.Context(), item.ID, word.names(), word.read)
	if err != nil {
		t.Fatal(err)
	}
	if _, at, err := bring(d.Library, item.ID, was); err != nil {
		t.Fatal(at, err)
	}
	if err := three(t.Context(), carrier); code(err) != codeParcelDifferent {
		t.Error(err)
	}
	if got := pack(t, d.Library, item.ID); !maps.Equal(got, was) {
		t.Error("the first is another now:", got.names())
	}
}

// An import that ended between the files and the item leaves files that the next
// one takes over, or the Purger removes; other bytes in their place are refused.
func TestParcelAfterACrash(t *testing.T) {
	a := newFixture(t, Limits{})
	item := a.add(t, "orto.png", pngOf(drawing(700, 500)))
	was := pack(t, a.Library, item.ID)
	leave := func(f *fixture, data string) {
		t.Helper()
		if _, err := f.writeFile(t.Context(), key(item.ID, "700.png"), typePNG, []byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	b := newFixture(t, Limits{})
	leave(b, was["700.png"])
	if stored, at, err := bring(b.Library, item.ID, was); !stored || err != nil {
		t.Fatal(at, err)
	}
	if _, faults, err := b.Verify(t.Context()); err != nil || len(faults) > 0 {
		t.Error(faults, err)
	}
	c := newFixture(t, Limits{})
	leave(c, "half")
	if _, _, err := bring(c.Library, item.ID, was); code(err) != codeParcelDifferent {
		t.Error(err)
	}
	if _, err := c.Get(t.Context(), item.ID); !isNotFound(err) {
		t.Error("there is an item without its files", err)
	}
	c.clock.pass(25 * time.Hour)
	n, err := c.Purger(func(context.Context, string) (bool, error) { return false, nil }).Purge(t.Context(), c.clock.Now())
	if left := keys(t, c.bucket); err != nil || n == 0 || len(left) > 0 {
		t.Error(n, err, left)
	}
}

// Nobody packs what is not what was stored.
func TestPackDamaged(t *testing.T) {
	f := newFixture(t, Limits{})
	item := f.add(t, "modulo.pdf", pdf())
	none := func(string, []byte) error { return nil }
	if err := f.Pack(t.Context(), newID(), none); !isNotFound(err) {
		t.Error(err)
	}
	if err := f.bucket.WriteAll(t.Context(), key(item.ID, "document.pdf"), pdf("<</A 3>>"), nil); err != nil {
		t.Fatal(err)
	}
	if err := f.Pack(t.Context(), item.ID, none); err == nil || isNotFound(err) {
		t.Error("a changed file is packed:", err)
	}
}

// A name that was cleaned once is clean: what Pack writes, Unpack takes.
func TestCleanNamesTravel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ext := rapid.SampledFrom([]string{".jpg", ".png", ".pdf", ".docx"}).Draw(t, "ext")
		name := cleanName(rapid.String().Draw(t, "name"), ext)
		if again := cleanName(name, ext); again != name {
			t.Fatalf("%q becomes %q", name, again)
		}
		p := parcel{ID: newID(), Name: name, Alt: rapid.String().Draw(t, "alt"), Files: []FileInfo{{Name: "document" + ext}}}
		data, err := p.write()
		var back parcel
		if err == nil {
			err = json.Unmarshal(data, &back)
		}
		if again, _ := back.write(); err != nil || !bytes.Equal(again, data) {
			t.Fatal(err, string(data))
		}
	})
}

// Nothing can be hung on the end of a picture that has only pixels, whatever it is.
func FuzzOnlyPixels(f *testing.F) {
	f.Add(jpegOf(photo(9, 9)))
	f.Add(jpegOf(photo(9, 9), exifGPS(1)))
	f.Add(pngOf(drawing(9, 9)))
	f.Add(gifOf(paletted(9, 9)))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, typ := range []string{typeJPEG, typePNG, typeWebP} {
			if onlyPixels(typ, data) && onlyPixels(typ, append(slices.Clip(data), 'x')) {
				t.Errorf("%s: one can hang something on its end", typ)
			}
		}
	})
}
