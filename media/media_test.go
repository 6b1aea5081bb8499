package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/color/palette"
	"image/draw"
	"image/jpeg"
	"image/png"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	xwebp "golang.org/x/image/webp"

	"github.com/gabriel-vasile/mimetype"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/content"
)

func code(err error) string {
	if err == nil {
		return ""
	}
	return content.AsProblem(err).Code
}

// A photograph loses everything but its pixels, which stand upright.
func TestPhotograph(t *testing.T) {
	f := newFixture(t, Limits{})
	hidden := []string{"GPS45.46N9.19E", "SERIAL-4711", "Exif", "xmpmeta", "Amina took this", "ICC_PROFILE", "hung on the end"}
	upload := jpegOf(photo(750, 500),
		exifGPS(6),
		segment(0xe1, "http://ns.adobe.com/xap/1.0/\x00<x:xmpmeta><exif:GPSLatitude>45,27N</exif:GPSLatitude></x:xmpmeta>"),
		segment(0xe2, "ICC_PROFILE\x00\x01\x01"+strings.Repeat("p", 100)),
		segment(0xfe, "Amina took this"))
	upload = append(upload, "hung on the end"...)
	for _, h := range hidden {
		if !bytes.Contains(upload, []byte(h)) {
			t.Fatalf("the test's own file lacks %q", h)
		}
	}
	item := f.add(t, `C:\Foto\festa di quartiere.JPEG`, upload)

	if item.Width != 500 || item.Height != 750 || item.Type != typeJPEG || item.Name != "festa di quartiere.jpg" ||
		item.Owner != "casa" || item.Person != "person:amina" || item.Bytes != int64(len(upload)) {
		t.Errorf("the item is %+v", item)
	}
	var names, want []string
	for _, file := range item.Files {
		names = append(names, file.Name)
		want = append(want, key(item.ID, file.Name))
		data := read(t, f.Library, item.ID, file.Name)
		for _, h := range hidden {
			if bytes.Contains(data, []byte(h)) {
				t.Errorf("%s holds %q", file.Name, h)
			}
		}
		checkFile(t, file, data)
	}
	if want := []string{"500.jpg", "500.webp", "320.jpg", "320.webp"}; !slices.Equal(names, want) {
		t.Errorf("the files are %v, not %v", names, want)
	}
	slices.Sort(want)
	if got := keys(t, f.bucket); !slices.Equal(got, want) {
		t.Errorf("the bucket holds %v, not %v", got, want)
	}
	// The same item from the store, and the upload told of without names.
	if got, err := f.Get(context.Background(), item.ID); err != nil || got.SHA256 != item.SHA256 || len(got.Files) != len(item.Files) {
		t.Errorf("got %+v, %v", got, err)
	}
	if n, faults, err := f.Verify(context.Background()); n != 4 || len(faults) > 0 || err != nil {
		t.Errorf("verify: %d files, %v, %v", n, faults, err)
	}
}

// checkFile holds a stored file against what is said of it.
func checkFile(t testing.TB, info FileInfo, data []byte) {
	t.Helper()
	if int64(len(data)) != info.Bytes || newFile("", "", data, 0, 0).SHA256 != info.SHA256 {
		t.Errorf("%s: %d bytes, not those of %+v", info.Name, len(data), info)
	}
	if !ValidName(info.Name) {
		t.Errorf("the name %q", info.Name)
	}
	if got := mimetype.Detect(data); !got.Is(info.Type) {
		t.Errorf("%s is %s, not %s", info.Name, got, info.Type)
	}
	if info.Width == 0 {
		return
	}
	if hasMarkup(data) {
		t.Errorf("%s holds markup", info.Name)
	}
	img, err := decodeStored(info.Type, data)
	if err != nil {
		t.Errorf("%s: %v", info.Name, err)
		return
	}
	if b := img.Bounds(); b.Dx() != info.Width || b.Dy() != info.Height {
		t.Errorf("%s is %v, not %d × %d", info.Name, b, info.Width, info.Height)
	}
	if max(info.Width, info.Height) > longSide {
		t.Errorf("%s is too large: %d × %d", info.Name, info.Width, info.Height)
	}
}

func decodeStored(mediaType string, data []byte) (image.Image, error) {
	switch mediaType {
	case typeJPEG:
		return jpeg.Decode(bytes.NewReader(data))
	case typePNG:
		return png.Decode(bytes.NewReader(data))
	case typeWebP:
		return xwebp.Decode(bytes.NewReader(data))
	}
	return nil, fmt.Errorf("%s is no format of ours", mediaType)
}

// Each orientation shows the same picture: red left above, blue left below.
func TestOrientation(t *testing.T) {
	f := newFixture(t, Limits{})
	const w, h = 64, 48
	upright := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(upright, upright.Rect, image.White, image.Point{}, draw.Src)
	draw.Draw(upright, image.Rect(0, 0, w/2, h/2), image.NewUniform(color.RGBA{255, 0, 0, 255}), image.Point{}, draw.Src)
	draw.Draw(upright, image.Rect(0, h/2, w/2, h), image.NewUniform(color.RGBA{0, 0, 255, 255}), image.Point{}, draw.Src)
	inverse := map[uint16]int{1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}
	for o := range uint16(9) {
		t.Run(fmt.Sprint(o), func(t *testing.T) {
			stored := turned(upright, inverse[o])
			item := f.add(t, "x", jpegOf(stored, exifGPS(o)))
			img, err := decodeStored(item.Type, read(t, f.Library, item.ID, item.Files[0].Name))
			if err != nil || item.Width != w || item.Height != h {
				t.Fatal(err, item.Width, item.Height)
			}
			near := func(x, y int, want color.RGBA) {
				r, g, b, _ := img.At(x, y).RGBA()
				for _, d := range []int{int(r>>8) - int(want.R), int(g>>8) - int(want.G), int(b>>8) - int(want.B)} {
					if d < -40 || d > 40 {
						t.Errorf("at %d, %d: %d %d %d, not %v", x, y, r>>8, g>>8, b>>8, want)
						return
					}
				}
			}
			near(8, 8, color.RGBA{255, 0, 0, 255})
			near(8, h-8, color.RGBA{0, 0, 255, 255})
			near(w-8, 8, color.RGBA{255, 255, 255, 255})
		})
	}
	// PNG and WebP say it too.
	raw := pngOf(upright)
	turnedPNG := slices.Concat(raw[:33], pngChunk("eXIf", string(tiffGPS(6))), raw[33:])
	if item := f.add(t, "x.png", turnedPNG); item.Width != h || item.Height != w {
		t.Errorf("a PNG is %d × %d", item.Width, item.Height)
	}
}

// What is taken, and what becomes of it.
func TestFormats(t *testing.T) {
	f := newFixture(t, Limits{})
	few := image.NewPaletted(image.Rect(0, 0, 400, 100), palette.WebSafe)
	draw.Draw(few, few.Rect, drawing(400, 100), image.Point{}, draw.Src)
	deep := image.NewNRGBA64(image.Rect(0, 0, 40, 30))
	draw.Draw(deep, deep.Rect, photo(40, 30), image.Point{}, draw.Src)
	grey := image.NewGray(image.Rect(0, 0, 40, 30))
	draw.Draw(grey, grey.Rect, photo(40, 30), image.Point{}, draw.Src)
	lossy := read(t, f.Library, f.add(t, "x", jpegOf(photo(400, 300))).ID, "400.webp")
	tall := image.NewRGBA(image.Rect(0, 0, 3, 6000))
	for _, c := range []struct {
		name, data string
		files      string // names, "" for none in particular
		media      string
		saved      string
	}{
		{"logo.png", string(pngOf(drawing(700, 300))), "700.png 700.webp 320.png 320.webp", typePNG, "logo.png"},
		{"scan.png", string(pngOf(deep)), "40.png 40.webp", typePNG, "scan.png"},
		{"grey.jpg", string(jpegOf(grey)), "40.jpg 40.webp", typeJPEG, "grey.jpg"},
		{"wide.jpg", string(jpegOf(photo(2600, 20))), "2560.jpg 2560.webp 1280.jpg 1280.webp 640.jpg 640.webp 320.jpg 320.webp", typeJPEG, "wide.jpg"},
		{"tall.png", string(pngOf(tall)), "1.png 1.webp", typePNG, "tall.png"},
		{"moving.gif", string(gifOf(few, few)), "", typePNG, "moving.png"},
		{"lied.pdf", string(pngOf(drawing(8, 8))), "", typePNG, "lied.png"},
		{"photo.webp", string(lossy), "400.jpg 400.webp 320.jpg 320.webp", typeJPEG, "photo.jpg"},
		{"bando.pdf", string(pdf()), "document.pdf", typePDF, "bando.pdf"},
		{"bando.exe", string(pdf()), "document.pdf", typePDF, "bando.exe.pdf"},
		{"modulo.docx", string(ooxml(docxMain)), "document.docx", office[docxMain].media, "modulo.docx"},
		{"dati.xlsx", string(ooxml(xlsxMain)), "document.xlsx", office[xlsxMain].media, "dati.xlsx"},
		{"corso.pptx", string(ooxml(pptxMain)), "document.pptx", office[pptxMain].media, "corso.pptx"},
		{"modulo.odt", string(odf("application/vnd.oasis.opendocument.text")), "document.odt", "application/vnd.oasis.opendocument.text", "modulo.odt"},
		{"dati.ods", string(odf("application/vnd.oasis.opendocument.spreadsheet")), "document.ods", "application/vnd.oasis.opendocument.spreadsheet", "dati.ods"},
		{"corso.odp", string(odf("application/vnd.oasis.opendocument.presentation")), "document.odp", "application/vnd.oasis.opendocument.presentation", "corso.odp"},
		// What documents in good order hold.
		{"a.pdf", string(pdf("<</S/URI/URI(https://www.interno.gov.it/)>>", "<</Names[(JavaScript)]/OpenAction[3 0 R/Fit]>>")), "document.pdf", typePDF, "a.pdf"},
		{"b.pdf", string(pdf(objectStream("<</Type/Outlines/First 9 0 R>>"))), "document.pdf", typePDF, "b.pdf"},
		{"links.docx", string(ooxml(docxMain, rels("word/_rels/document.xml.rels", `<Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/hyperlink" Target="https://www.interno.gov.it/" TargetMode="External"/>`))), "document.docx", office[docxMain].media, "links.docx"},
	} {
		item := f.add(t, c.name, []byte(c.data))
		var names []string
		for _, file := range item.Files {
			data := read(t, f.Library, item.ID, file.Name)
			checkFile(t, file, data)
			names = append(names, file.Name)
			if !item.Image() && string(data) != c.data {
				t.Errorf("%s was changed", c.name)
			}
		}
		if got := strings.Join(names, " "); c.files != "" && got != c.files {
			t.Errorf("%s: the files are %s, not %s", c.name, got, c.files)
		}
		if item.Type != c.media || item.Name != c.saved {
			t.Errorf("%s: %s, %q", c.name, item.Type, item.Name)
		}
	}
}

// The same upload gives the same bytes, also when many are at work. (But for a
// lossless WebP, some bytes of which depend on what was encoded before.)
func TestSameEveryTime(t *testing.T) {
	f := newFixture(t, Limits{AtOnce: 4})
	uploads := [][]byte{jpegOf(photo(350, 200)), pngOf(drawing(350, 200)), pngOf(photo(330, 40))}
	first := make([][]FileInfo, len(uploads))
	same := func(files []FileInfo, drawing bool) []FileInfo {
		return slices.DeleteFunc(files, func(f FileInfo) bool { return drawing && f.Type == typeWebP })
	}
	for i, u := range uploads {
		first[i] = same(f.add(t, "x", u).Files, i == 1)
		if len(first[i]) == 0 {
			t.Fatal(first[i])
		}
	}
	var all sync.WaitGroup
	for n := range 9 {
		all.Go(func() {
			item, err := f.Add(context.Background(), amina, NewItem{}, bytes.NewReader(uploads[n%3]))
			if err != nil || !slices.Equal(same(item.Files, n%3 == 1), first[n%3]) {
				t.Errorf("%v: %+v, not %+v", err, item.Files, first[n%3])
			}
		})
	}
	all.Wait()
}

// A file is served with a range, a tag and headers that keep it harmless.
func TestServe(t *testing.T) {
	f := newFixture(t, Limits{})
	doc := pdf("<</Note(" + strings.Repeat("prassi ", 5000) + ")>>")
	item := f.add(t, "bando “2026” però.pdf", doc)
	picture := f.add(t, "x.png", pngOf(drawing(20, 20)))
	serve := func(id, name, header, value string) *http.Response {
		file, err := f.Open(context.Background(), id, name)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/media/"+id+"/"+name, nil)
		r.Header.Set(header, value)
		for k, v := range file.Headers() {
			w.Header().Set(k, v)
		}
		http.ServeContent(w, r, "", file.Modified, file)
		return w.Result()
	}
	body := func(r *http.Response) string {
		b, _ := io.ReadAll(r.Body)
		return string(b)
	}
	r := serve(item.ID, "document.pdf", "X", "")
	if r.StatusCode != 200 || body(r) != string(doc) || r.Header.Get("Content-Type") != typePDF ||
		r.Header.Get("Content-Security-Policy") != Policy || r.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%d %v", r.StatusCode, r.Header)
	}
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Disposition"))
	if err != nil || kind != "attachment" || params["filename"] != "bando “2026” però.pdf" {
		t.Errorf("%s: %v %v", r.Header.Get("Content-Disposition"), params, err)
	}
	tag := r.Header.Get("ETag")
	if r := serve(item.ID, "document.pdf", "If-None-Match", tag); r.StatusCode != 304 || body(r) != "" || len(tag) != 66 {
		t.Errorf("%s: %d", tag, r.StatusCode)
	}
	for header, want := range map[string]string{
		"bytes=0-9": string(doc[:10]), "bytes=1000-30000": string(doc[1000:30001]), "bytes=-7": string(doc[len(doc)-7:]),
	} {
		if r := serve(item.ID, "document.pdf", "Range", header); r.StatusCode != 206 || body(r) != want {
			t.Errorf("%s: %d", header, r.StatusCode)
		}
	}
	if r := serve(item.ID, "document.pdf", "Range", "bytes=0-4, 100-105"); r.StatusCode != 206 || !strings.Contains(body(r), "%PDF-") {
		t.Errorf("two ranges: %d", r.StatusCode)
	}
	if r := serve(picture.ID, "20.png", "X", ""); r.Header.Get("Content-Disposition") != "" || r.Header.Get("Content-Type") != typePNG {
		t.Errorf("a picture: %v", r.Header)
	}
	for _, path := range [][2]string{
		{item.ID, "document.docx"}, {item.ID, "../" + picture.ID + "/20.png"}, {item.ID, ""}, {item.ID, "."}, {item.ID, "20.png"},
		{"", "document.pdf"}, {"../media/" + item.ID, "document.pdf"}, {strings.ToUpper(item.ID), "document.pdf"},
		{newID(), "document.pdf"}, {item.ID + "\x00", "document.pdf"}, {item.ID, "document.pdf\n"}, {item.ID, "document.pdf.attrs"},
	} {
		if _, err := f.Open(context.Background(), path[0], path[1]); code(err) != "not_found" {
			t.Errorf("%q: %v", path, err)
		}
	}
}

// Items are listed, described and removed, and the ledger tells of it.
func TestLife(t *testing.T) {
	f := newFixture(t, Limits{})
	ctx := context.Background()
	nobody := content.Actor{}
	if _, err := f.Add(ctx, nobody, NewItem{}, bytes.NewReader(pdf())); code(err) != "unauthenticated" {
		t.Errorf("nobody adds: %v", err)
	}
	if _, err := f.Add(ctx, amina, NewItem{Alt: strings.Repeat("è", MaxAlt+1)}, bytes.NewReader(pdf())); code(err) != "invalid_content" {
		t.Errorf("a long text: %v", err)
	}
	item, err := f.Add(ctx, amina, NewItem{Name: "a.pdf", Alt: "Il bando"}, bytes.NewReader(pdf()))
	if err != nil || item.Alt != "Il bando" {
		t.Fatal(item, err)
	}
	other := f.add(t, "b.pdf", pdf("<</B 1>>"))
	ids := []string{item.ID, other.ID}
	slices.Sort(ids)
	for after, want := range map[string][]string{"": ids, ids[0]: ids[1:], ids[1]: {}} {
		items, err := f.List(ctx, after, 0)
		got := []string{}
		for _, i := range items {
			got = append(got, i.ID)
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("after %q: %v, %v", after, got, err)
		}
	}
	for alt, want := range map[string]string{"Le bando": "", "two\nlines": "invalid_content", "\u202egnp": "invalid_content", "\xff": "invalid_content"} {
		if _, err := f.SetAlt(ctx, amina, item.ID, alt); code(err) != want {
			t.Errorf("%q: %v", alt, err)
		}
	}
	if got, _ := f.Get(ctx, item.ID); got.Alt != "Le bando" {
		t.Errorf("the text is %q", got.Alt)
	}
	for _, id := range []string{newID(), "x", ""} {
		if _, err := f.SetAlt(ctx, amina, id, "x"); code(err) != "not_found" {
			t.Errorf("%q: %v", id, err)
		}
		if err := f.Remove(ctx, amina, id); code(err) != "not_found" {
			t.Errorf("%q: %v", id, err)
		}
	}
	if _, err := f.SetAlt(ctx, nobody, item.ID, "x"); code(err) != "unauthenticated" {
		t.Errorf("nobody describes: %v", err)
	}
	if err := f.Remove(ctx, nobody, item.ID); code(err) != "unauthenticated" {
		t.Errorf("nobody removes: %v", err)
	}
	if _, err := f.Open(ctx, item.ID, "document.pdf"); err != nil {
		t.Error(err)
	}
	if err := f.Remove(ctx, amina, item.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Open(ctx, item.ID, "document.pdf"); code(err) != "not_found" {
		t.Errorf("it is still open to all: %v", err)
	}
	if got := keys(t, f.bucket); len(got) != 1 {
		t.Errorf("the bucket holds %v", got)
	}
	if _, err := f.Get(ctx, item.ID); code(err) != "not_found" {
		t.Error(err)
	}
	if err := f.Remove(ctx, amina, item.ID); code(err) != "not_found" {
		t.Errorf("twice: %v", err)
	}
	entries, err := f.ledger.Entries(ctx, "media:"+item.ID, 0, 0)
	var told []string
	for _, e := range entries {
		told = append(told, e.Actor+" "+e.Action)
	}
	if want := []string{"person:amina media_added", "person:amina media_changed", "person:amina media_removed"}; err != nil || !slices.Equal(told, want) {
		t.Errorf("the ledger tells %v, %v", told, err)
	}
	if r, err := f.ledger.Verify(ctx); err != nil || len(r.Faults) > 0 {
		t.Errorf("%+v %v", r, err)
	}
}

// Verify sees a file that is gone and one that was changed.
func TestVerify(t *testing.T) {
	f := newFixture(t, Limits{})
	ctx := context.Background()
	gone, changed := f.add(t, "a", pdf()), f.add(t, "b", pdf("<</B 1>>"))
	f.add(t, "c", pdf("<</C 1>>"))
	if err := f.bucket.Delete(ctx, key(gone.ID, "document.pdf")); err != nil {
		t.Fatal(err)
	}
	if err := f.bucket.WriteAll(ctx, key(changed.ID, "document.pdf"), pdf("<</X 1>>"), nil); err != nil {
		t.Fatal(err)
	}
	n, faults, err := f.Verify(ctx)
	got := map[string]string{}
	for _, x := range faults {
		got[x.Where] = x.Code
	}
	want := map[string]string{key(gone.ID, "document.pdf"): "media_missing", key(changed.ID, "document.pdf"): "media_changed"}
	if err != nil || n != 3 || !maps.Equal(got, want) {
		t.Errorf("%d files, %v, %v", n, got, err)
	}
}

// What nobody uses goes when it has not been used for long, and not before.
func TestPurger(t *testing.T) {
	f := newFixture(t, Limits{})
	ctx := context.Background()
	const day = 24 * time.Hour
	used := map[string]bool{}
	p := f.Purger(func(_ context.Context, id string) (bool, error) { return used[id], nil })
	if p.Kind() != "media_unused" {
		t.Error(p.Kind())
	}
	purge := func(want int) {
		t.Helper()
		if n, err := p.Purge(ctx, f.clock.Now().Add(-30*day)); n != want || err != nil {
			t.Errorf("%d went, not %d: %v", n, want, err)
		}
	}
	kept, dropped, never := f.add(t, "a", pdf()), f.add(t, "b", pdf("<</B 1>>")), f.add(t, "c", pdf("<</C 1>>"))
	used[kept.ID], used[dropped.ID] = true, true
	purge(0)
	f.clock.pass(29 * day)
	purge(0)
	f.clock.pass(2 * day)
	purge(1) // never
	if _, err := f.Get(ctx, never.ID); code(err) != "not_found" {
		t.Error(err)
	}
	// Used until today, for a year: it has its thirty days from now.
	f.clock.pass(365 * day)
	purge(0)
	used[dropped.ID] = false
	purge(0)
	f.clock.pass(29 * day)
	purge(0)
	// Used again: counted anew.
	used[dropped.ID] = true
	purge(0)
	used[dropped.ID] = false
	f.clock.pass(2 * day)
	purge(0)
	f.clock.pass(31 * day)
	purge(1)
	if got := keys(t, f.bucket); len(got) != 1 || got[0] != key(kept.ID, "document.pdf") {
		t.Errorf("the bucket holds %v", got)
	}
	entries, err := f.ledger.Entries(ctx, "media:"+dropped.ID, 0, 0)
	if err != nil || len(entries) != 2 || entries[1].Actor != "system:retention" || entries[1].Action != audit.MediaRemoved {
		t.Errorf("%+v %v", entries, err)
	}
	// When it cannot be known whether an item is used, it stays.
	broken := errors.New("the store does not answer")
	used[kept.ID] = false
	p = f.Purger(func(context.Context, string) (bool, error) { return false, broken })
	f.clock.pass(365 * day)
	if n, err := p.Purge(ctx, f.clock.Now()); n != 0 || !errors.Is(err, broken) {
		t.Error(n, err)
	}
}

// Files that no item knows go after a day.
func TestStrays(t *testing.T) {
	f := newFixture(t, Limits{})
	ctx := context.Background()
	item := f.add(t, "a", pdf())
	lost := newID()
	for _, k := range []string{key(lost, "1280.jpg"), key(lost, "1280.webp"), key(item.ID, "document.docx"), key(item.ID, "document.pdf123"), "media/x", "elsewhere/kept"} {
		if err := f.bucket.WriteAll(ctx, k, []byte("x"), nil); err != nil {
			t.Fatal(err)
		}
	}
	p := f.Purger(func(_ context.Context, id string) (bool, error) { return id == item.ID, nil })
	for _, want := range []int{0, 5, 0} {
		if n, err := p.Purge(ctx, time.Time{}); n != want || err != nil {
			t.Errorf("%d went, not %d: %v", n, want, err)
		}
		f.clock.pass(25 * time.Hour)
	}
	if got, want := keys(t, f.bucket), []string{"elsewhere/kept", key(item.ID, "document.pdf")}; !slices.Equal(got, want) {
		t.Errorf("the bucket holds %v, not %v", got, want)
	}
}

// A store that does not know the files is perhaps the wrong one, or newly filled
// by import: what its content shows stays. What somebody has removed goes.
func TestStraysThatContentUses(t *testing.T) {
	f := newFixture(t, Limits{})
	ctx := context.Background()
	removed, foreign := f.add(t, "a", pdf()), newID()
	if err := f.Remove(ctx, amina, removed.ID); err != nil {
		t.Fatal(err)
	}
	for _, k := range []string{key(foreign, "document.pdf"), key(removed.ID, "document.pdf")} {
		if err := f.bucket.WriteAll(ctx, k, []byte("x"), nil); err != nil {
			t.Fatal(err)
		}
	}
	f.clock.pass(25 * time.Hour)
	all := func(context.Context, string) (bool, error) { return true, nil }
	if n, err := f.Purger(all).Purge(ctx, time.Time{}); n != 1 || err != nil {
		t.Errorf("%d went: %v", n, err)
	}
	if got := keys(t, f.bucket); !slices.Equal(got, []string{key(foreign, "document.pdf")}) {
		t.Errorf("the bucket holds %v", got)
	}
	broken := errors.New("the store does not answer")
	if n, err := f.Purger(func(context.Context, string) (bool, error) { return false, broken }).Purge(ctx, time.Time{}); n != 0 || !errors.Is(err, broken) {
		t.Errorf("%d went: %v", n, err)
	}
	none := func(context.Context, string) (bool, error) { return false, nil }
	if n, err := f.Purger(none).Purge(ctx, time.Time{}); n != 1 || err != nil {
		t.Errorf("%d went: %v", n, err)
	}
}

func TestOpenBucket(t *testing.T) {
	ctx := context.Background()
	for _, address := range []string{
		"", "media", "/var/media", "file:media", "file://media", "file:///x?metadata=skip", "mem://", "http://example.org",
		"gs://bucket", "s3://key:secret@bucket", "s3://bucket?nonsense=1", "://", "file://",
	} {
		b, err := OpenBucket(ctx, address)
		if err == nil {
			_ = b.Close()
			t.Errorf("%q was taken", address)
		} else if strings.Contains(err.Error(), "secret") && strings.Contains(address, ":secret@") {
			t.Errorf("%q: %v", address, err)
		}
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "x")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "x")
	b, err := OpenBucket(ctx, "s3://bucket?region=eu-south-1&endpoint=https://s3.example.org&use_path_style=true")
	if err != nil {
		t.Fatal(err)
	}
	_ = b.Close()
}
