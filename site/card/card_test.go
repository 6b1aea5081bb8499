package card_test

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/site/card"
)

// slow is far more than a picture takes (20 ms), on a machine that has much to do.
const slow = 30 * time.Second

func newPainter(t testing.TB) *card.Painter {
	t.Helper()
	p, err := card.New(os.DirFS("../dist"))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func draw(t testing.TB, p *card.Painter, c card.Card) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := p.Card(&b, c); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

var cards = map[string]card.Card{
	"it":      {Title: "Orti urbani e seconde generazioni: la città che si coltiva insieme", Locale: "it", Dir: "ltr", Label: "Buona pratica", Site: "Integrazione Migranti"},
	"ar":      {Title: "حدائق حضرية وأجيال ثانية: مدينة نزرعها معًا في Prato عام 2026", Locale: "ar", Dir: "rtl", Label: "ممارسة جيدة", Site: "الاندماج في إيطاليا"},
	"short":   {Title: "Èlite", Locale: "fr", Dir: "ltr", Label: "Actualité", Site: "Prassi", Color: "#008758"},
	"long":    {Title: strings.Repeat("Interventi straordinari per l’accoglienza diffusa nei comuni, ", 8), Locale: "it", Dir: "ltr", Label: "Notizia", Site: "Prassi"},
	"ar-long": {Title: strings.Repeat("تدابير استثنائية للاستقبال المنتشر في البلديات، ", 8), Locale: "ar", Dir: "rtl", Label: "خبر", Site: "Prassi"},
	"word":    {Title: strings.Repeat("Precipitevolissimevolmente", 6), Locale: "it", Dir: "ltr", Label: "Articolo", Site: "Prassi"},
	"zh":      {Title: "城市菜园与第二代", Locale: "zh-Hans", Dir: "ltr", Label: "良好做法", Site: "Prassi"},
	"light":   {Title: "Giallo chiaro 🎉 con emoji", Locale: "it", Dir: "ltr", Label: "Evento", Site: "Prassi", Color: "#ffff00"},
	"fa-ur":   {Title: "باغ\u200cهای شهری و نسل دوم؛ ٹیکس اور ہجرت", Locale: "fa", Dir: "rtl", Label: "Practice", Site: "Prassi"},
	"tr":      {Title: "Şehir bahçeleri; İkinci kuşak ğıöüç, Zażółć gęślą jaźń", Locale: "tr", Dir: "ltr", Label: "Practice", Site: "Prassi"},
	"empty":   {},
}

// TestCards: a picture has its size, is small, is the same every time, and says what
// its card says: another title, another picture.
func TestCards(t *testing.T) {
	p, seen := newPainter(t), map[string]string{}
	for name, c := range cards {
		start := time.Now()
		data := draw(t, p, c)
		took := time.Since(start)
		img, err := png.DecodeConfig(bytes.NewReader(data))
		if err != nil || img.Width != card.Width || img.Height != card.Height {
			t.Errorf("%s: %v %v", name, img, err)
		}
		if len(data) > 30<<10 {
			t.Errorf("%s: %d bytes", name, len(data))
		}
		if took > slow {
			t.Errorf("%s: took %v", name, took)
		}
		if !bytes.Equal(data, draw(t, newPainter(t), c)) {
			t.Errorf("%s: not the same again", name)
		}
		if other := seen[string(data)]; other != "" {
			t.Errorf("%s is the same as %s", name, other)
		}
		seen[string(data)] = name
		if dir := os.Getenv("PRASSI_CARDS"); dir != "" { // to look at them
			if err := os.WriteFile(filepath.Join(dir, name+".png"), data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		t.Logf("%s: %d bytes, %v", name, len(data), took)
	}
}

// TestMissingFont: without the fonts it says what to do.
func TestMissingFont(t *testing.T) {
	if _, err := card.New(os.DirFS(t.TempDir())); err == nil || !strings.Contains(err.Error(), "make build") {
		t.Errorf("%v", err)
	}
}

// TestConcurrent: many at once draw what one alone draws.
func TestConcurrent(t *testing.T) {
	p, names := newPainter(t), []string{"it", "ar", "tr"}
	want := map[string][]byte{}
	for _, name := range names {
		want[name] = draw(t, p, cards[name])
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for _, name := range names {
				var b bytes.Buffer
				if err := p.Card(&b, cards[name]); err != nil || !bytes.Equal(b.Bytes(), want[name]) {
					t.Errorf("%s differs: %v", name, err)
				}
			}
		})
	}
	wg.Wait()
}

// FuzzCard: whatever the words are, there is a picture, small and in time.
func FuzzCard(f *testing.F) {
	p := newPainter(f)
	for _, c := range cards {
		f.Add(c.Title, c.Label, c.Site, c.Dir, c.Color)
	}
	f.Add("a\u0300"+strings.Repeat("\u0300\u0489", 200), "\u202E", "\x00\xff", "rtl", "#zzzzzz")
	f.Add(strings.Repeat("ﷺ", 300), strings.Repeat("\u0640", 300), "", "rtl", "#000000")
	f.Fuzz(func(t *testing.T, title, label, site, dir, color string) {
		start := time.Now()
		data := draw(t, p, card.Card{Title: title, Locale: "it", Dir: dir, Label: label, Site: site, Color: color})
		if _, err := png.Decode(bytes.NewReader(data)); err != nil || len(data) > 100<<10 {
			t.Errorf("%d bytes: %v", len(data), err)
		}
		if took := time.Since(start); took > slow {
			t.Errorf("took %v", took)
		}
	})
}

func BenchmarkCard(b *testing.B) {
	p := newPainter(b)
	for b.Loop() {
		draw(b, p, cards["it"])
	}
}
