package card_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/site/card"
)

// TestShelf: a picture is drawn once and anew when it says something else; what
// nobody asks for goes, and so does what a killed process left.
func TestShelf(t *testing.T) {
	p := newPainter(t)
	s := &card.Shelf{Dir: filepath.Join(t.TempDir(), "cards"), Painter: p}
	sweep := func(after time.Duration) (int, error) { return (&card.Shelf{Dir: s.Dir}).Sweep(time.Now().Add(after)) }
	one := card.Card{Title: "Orti insieme", Locale: "it", Dir: "ltr", Label: "Buona pratica", Site: "Prassi"}
	name, size, err := s.Picture(one)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(name)
	if err != nil || int64(len(data)) != size || !bytes.Equal(data, draw(t, p, one)) {
		t.Fatalf("%d bytes of %d, %v", len(data), size, err)
	}
	// Whoever has the picture does not draw it.
	idle := &card.Shelf{Dir: s.Dir}
	if again, n, err := idle.Picture(one); again != name || n != size || err != nil {
		t.Errorf("%s %d %v", again, n, err)
	}
	names := map[string]bool{name: true}
	for _, change := range []func(*card.Card){
		func(c *card.Card) { c.Title = "Orti" }, func(c *card.Card) { c.Locale = "en" }, func(c *card.Card) { c.Dir = "rtl" },
		func(c *card.Card) { c.Label = "Servizio" }, func(c *card.Card) { c.Site = "Prato" }, func(c *card.Card) { c.Color = "#7a1f4b" },
	} {
		other := one
		change(&other)
		name, _, err := s.Picture(other)
		if err != nil || names[name] {
			t.Errorf("%+v: %s %v", other, name, err)
		}
		names[name] = true
	}
	// A torn picture is drawn again.
	if err := os.Truncate(name, 0); err != nil {
		t.Fatal(err)
	}
	if _, n, err := s.Picture(one); n != size || err != nil {
		t.Errorf("%d %v", n, err)
	}
	left := filepath.Join(filepath.Dir(name), "new-left")
	if err := os.WriteFile(left, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if n, err := sweep(0); n != 0 || err != nil {
		t.Errorf("%d %v", n, err)
	}
	if n, err := sweep(2 * time.Hour); n != 1 || err != nil {
		t.Errorf("%d %v", n, err)
	}
	long := time.Now().Add(-card.UnusedFor + time.Hour)
	if err := os.Chtimes(name, long, long); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Picture(one); err != nil {
		t.Fatal(err)
	}
	if n, err := sweep(2 * time.Hour); n != 0 || err != nil {
		t.Errorf("what is wanted went: %d %v", n, err)
	}
	if n, err := sweep(card.UnusedFor + time.Hour); n != len(names) || err != nil {
		t.Errorf("%d of %d %v", n, len(names), err)
	}
	if _, err := os.Stat(name); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	// Called again the same day, it looks at nothing.
	if n, err := s.Sweep(time.Now()); n != 0 || err != nil {
		t.Errorf("%d %v", n, err)
	}
	if err := os.WriteFile(left, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Sweep(time.Now().Add(23 * time.Hour)); n != 0 || err != nil {
		t.Errorf("%d %v", n, err)
	}
	if n, err := s.Sweep(time.Now().Add(25 * time.Hour)); n != 1 || err != nil {
		t.Errorf("%d %v", n, err)
	}
	if n, err := (&card.Shelf{Dir: filepath.Join(s.Dir, "none")}).Sweep(time.Now()); n != 0 || err != nil {
		t.Errorf("%d %v", n, err)
	}
}
