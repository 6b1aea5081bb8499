package site

import (
	"testing"
)

func TestBuildSmall(t *testing.T) {
	w := newWorld(t, nil)
	w.publish("organization", id(1), "it", "orti-insieme", values{"title": "Orti insieme", "territories": []any{"PO"}})
	w.publish("practice", id(2), "it", "orti-condivisi", values{"title": "Orti condivisi", "summary": "S", "territories": []any{"PO"}, "topics": []any{"women"}, "organization": id(1)})
	s := w.site(w.catalogue())
	b, r := build(t, s, newStore(t))
	t.Logf("%+v", r)
	n := 0
	for f := range b.Files() {
		if n++; n < 100 {
			t.Log(f.Path, f.Status, f.Size)
		}
	}
	t.Log(file(t, b, "it/practices/orti-condivisi/index.html"))
}
