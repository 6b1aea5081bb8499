package media

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"mime"
	"path"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// FuzzAdd: whatever comes, it is refused with a code, or every stored file is what
// it is said to be, shows no markup, and was made in bounded time.
func FuzzAdd(f *testing.F) {
	for _, c := range hostile() {
		if len(c.data) < 64<<10 {
			f.Add(c.data)
		}
	}
	for _, data := range [][]byte{
		jpegOf(photo(30, 20), exifGPS(5)), pngOf(drawing(30, 20)), pngOf(photo(3, 300)), gifOf(image.NewPaletted(image.Rect(2, 3, 30, 20), color.Palette{color.Black, color.White})),
		pdf(objectStream("<</A 1>>")), ooxml(docxMain), ooxml(xlsxMain), odf("application/vnd.oasis.opendocument.text"),
	} {
		f.Add(data)
	}
	l := newFixture(f, Limits{Pixels: 300_000, Side: 3000, Decoded: 8 << 20, Unpacked: 8 << 20})
	codes := map[string]bool{}
	for _, c := range Codes {
		codes[c] = true
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		began := time.Now()
		item, err := l.Add(context.Background(), amina, NewItem{Name: "x"}, bytes.NewReader(data))
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("it took %s", took)
		}
		if err != nil {
			if c := code(err); !codes[c] || c == codeUnavailable || c == codeInterrupted {
				t.Errorf("%v", err)
			}
			return
		}
		for _, file := range item.Files {
			stored := read(t, l.Library, item.ID, file.Name)
			checkFile(t, file, stored)
			if !item.Image() && !bytes.Equal(stored, data) {
				t.Error("a document was changed")
			}
			if !item.Image() && (isZip(stored) != (file.Type != typePDF) || hasMarkup(stored[:min(len(stored), headSize)]) && file.Type == typePDF) {
				t.Error("a document of two kinds was taken")
			}
		}
		if err := l.Remove(context.Background(), amina, item.ID); err != nil {
			t.Error(err)
		}
	})
}

func TestCleanName(t *testing.T) {
	long := strings.Repeat("è", 100)
	for _, c := range []struct{ name, ext, want string }{
		{"bando.pdf", ".pdf", "bando.pdf"},
		{"BANDO.PDF", ".pdf", "BANDO.pdf"},
		{"foto.JPEG", ".jpg", "foto.jpg"},
		{"foto.heic", ".jpg", "foto.heic.jpg"},
		{"", ".pdf", "file.pdf"},
		{"...", ".pdf", "file.pdf"},
		{".pdf", ".pdf", "file.pdf"},
		{"../../etc/passwd", ".pdf", "passwd.pdf"},
		{`C:\Users\Maria\CV.docx`, ".docx", "CV.docx"},
		{"a\r\nSet-Cookie: x=1", ".pdf", "a Set-Cookie_ x=1.pdf"},
		{`a"; filename="evil.exe`, ".pdf", `a__ filename=_evil.exe.pdf`},
		{"invoice\u202efdp.exe", ".pdf", "invoicefdp.exe.pdf"},
		{"a\u200bb\u2066c\ufeff", ".pdf", "abc.pdf"},
		{"a\x00b\x7fc", ".pdf", "abc.pdf"},
		{"\xff\xfe", ".pdf", "file.pdf"},
		{"NUL.pdf", ".pdf", "file NUL.pdf"},
		{"con.tar.gz", ".pdf", "file con.tar.gz.pdf"},
		{"  a   b\t.pdf", ".pdf", "a b.pdf"},
		{"دليل الهجرة.pdf", ".pdf", "دليل الهجرة.pdf"},
		{"移民指南.docx", ".docx", "移民指南.docx"},
		{"e\u0300.pdf", ".pdf", "è.pdf"},
		{long + ".pdf", ".pdf", strings.Repeat("è", 58) + ".pdf"},
	} {
		if got := cleanName(c.name, c.ext); got != c.want {
			t.Errorf("%q: %q, not %q", c.name, got, c.want)
		}
	}
}

// FuzzName: a clean name stays clean, is short, ends as it must, and comes whole
// out of the header.
func FuzzName(f *testing.F) {
	for _, s := range []string{"bando.pdf", "a\r\nb", `x"y`, "../..", "\u202egpj.exe", "NUL", "%41%0d", "دليل.pdf", strings.Repeat("移", 99), "a\ufffdb", "'; rm -rf"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name := cleanName(s, ".pdf")
		if len(name) > maxName+len("file ") || !utf8.ValidString(name) || !strings.HasSuffix(name, ".pdf") || len(name) < 5 {
			t.Errorf("%q", name)
		}
		if strings.ContainsAny(name, "\r\n\x00/\\\"'<>|?*:;") || path.Base(name) != name || strings.HasPrefix(name, ".") || strings.HasPrefix(name, " ") {
			t.Errorf("%q", name)
		}
		for _, r := range name {
			if !unicode.IsGraphic(r) || unicode.Is(unicode.Bidi_Control, r) {
				t.Errorf("%q holds %U", name, r)
			}
		}
		if again := cleanName(name, ".pdf"); again != name {
			t.Errorf("%q becomes %q", name, again)
		}
		header := disposition(name)
		for i := range len(header) {
			if header[i] < ' ' || header[i] > '~' {
				t.Errorf("%q", header)
			}
		}
		kind, params, err := mime.ParseMediaType(header)
		if err != nil || kind != "attachment" || params["filename"] != name || len(params) != 1 {
			t.Errorf("%q: %q %q %v", name, kind, params, err)
		}
	})
}

// FuzzAddress: only what was stored can be asked for.
func FuzzAddress(f *testing.F) {
	l := newFixture(f, Limits{})
	item := l.add(f, "x", pdf())
	for _, s := range [][2]string{
		{item.ID, "document.pdf"}, {item.ID, "../document.pdf"}, {"..", "x"}, {"%2e%2e", "%2f"}, {item.ID + "/", "document.pdf"},
		{item.ID, "document.pdf/"}, {strings.ToUpper(item.ID), "document.pdf"}, {item.ID[:25], "document.pdf"},
	} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, id, name string) {
		file, err := l.Open(context.Background(), id, name)
		if err == nil {
			_ = file.Close()
		}
		if right := id == item.ID && name == "document.pdf"; right != (err == nil) || !right && code(err) != "not_found" {
			t.Errorf("%q %q: %v", id, name, err)
		}
		if ValidID(id) && strings.ContainsAny(id, "./\\%\x00") || ValidName(name) && strings.ContainsAny(name, "/\\%\x00") {
			t.Errorf("%q %q", id, name)
		}
	})
}

// A shrunken picture is the mean of what it covers, whatever the sizes.
func TestShrink(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sw, sh := rapid.IntRange(1, 40).Draw(t, "sw"), rapid.IntRange(1, 40).Draw(t, "sh")
		w, h := rapid.IntRange(1, sw).Draw(t, "w"), rapid.IntRange(1, sh).Draw(t, "h")
		src := image.NewRGBA(image.Rect(0, 0, sw, sh))
		seed := rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "pixels")
		for i := range src.Pix {
			src.Pix[i] = seed[(i*7+i/13)%len(seed)]
		}
		got, err := shrink(context.Background(), src, w, h)
		if err != nil {
			t.Fatal(err)
		}
		for y := range h {
			for x := range w {
				for c := range 4 {
					sum, area := 0.0, 0.0
					for sy := range sh {
						for sx := range sw {
							a := overlap(x, w, sx, sw) * overlap(y, h, sy, sh)
							sum, area = sum+a*float64(src.Pix[src.PixOffset(sx, sy)+c]), area+a
						}
					}
					if d := sum/area - float64(got.Pix[got.PixOffset(x, y)+c]); d < -0.501 || d > 0.501 {
						t.Fatalf("at %d, %d: %v, not %v", x, y, got.Pix[got.PixOffset(x, y)+c], sum/area)
					}
				}
			}
		}
	})
}

// overlap is how much of the source's pixel sx lies under the pixel x.
func overlap(x, w, sx, sw int) float64 {
	a, b := float64(x)/float64(w), float64(x+1)/float64(w)
	c, d := float64(sx)/float64(sw), float64(sx+1)/float64(sw)
	return max(0, min(b, d)-max(a, c))
}
