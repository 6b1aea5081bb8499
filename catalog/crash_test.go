package catalog

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// populated writes a little of everything, in several batches of the log.
func populated(t *testing.T, c *Catalog, w *world) {
	t.Helper()
	for i := range 12 {
		id := fmt.Sprintf("doc-%02d", i)
		w.publish("organization", "org-"+id, "it", "org-"+id, values{"title": "Ente " + id})
		w.publish("practice", id, "it", id, values{"title": "Pratica " + id, "organization": "org-" + id, "territories": []string{"MI"}, "topics": []string{"women"}})
		if i%3 == 0 {
			w.publish("practice", id, "en", id+"-en", values{"title": "Practice " + id, "organization": "org-" + id})
		}
		if i%4 == 1 {
			w.withdraw(id, "it")
		}
		if i%4 == 2 {
			w.publish("organization", "org-"+id, "it", "org-nuova-"+id, values{"title": "Ente nuovo " + id})
		}
		w.catchUp(c)
	}
}

// Whatever happens to the file, the next start gives what a rebuild gives.
func TestDamagedFile(t *testing.T) {
	w := newWorld(t)
	dir := t.TempDir()
	c := w.open(dir)
	populated(t, c, w)
	want := dump(t, c)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, segmentName)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	reused := 0
	for i := range 48 {
		data := append([]byte(nil), whole...)
		what := ""
		switch at := r.IntN(len(data)); i % 4 {
		case 0:
			data, what = data[:at], fmt.Sprintf("cut at %d of %d", at, len(whole))
		case 1:
			data[at] ^= 1 << r.IntN(8)
			what = fmt.Sprintf("one bit at %d", at)
		case 2:
			end := min(len(data), at+4096)
			clear(data[at:end]) // a block that never reached the disk
			what = fmt.Sprintf("zeros at %d", at)
		case 3:
			for j := range 64 {
				data = append(data, byte(r.IntN(256)*j))
			}
			what = "rubbish at the end"
		}
		sub := filepath.Join(t.TempDir(), "c")
		if err := os.Mkdir(sub, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(sub, segmentName), data, 0o600); err != nil {
			t.Fatal(err)
		}
		src := &counting{Source: w.store}
		c := w.openSource(sub, src)
		if src.scans == 0 {
			reused++
		}
		sameState(t, dump(t, c), want)
		c.Close()
		if i%3 == 0 { // what was mended is whole on disk as well
			c = w.open(sub)
			sameState(t, dump(t, c), want)
			c.Close()
		}
		if t.Failed() {
			t.Fatalf("after damage %d: %s", i, what)
		}
	}
	if reused < 12 {
		t.Errorf("only %d of 48 files were used at least in part", reused)
	}
}

func TestCompaction(t *testing.T) {
	w := newWorld(t)
	dir := t.TempDir()
	c := w.open(dir)
	big := make([]byte, 20<<10)
	r := rand.New(rand.NewPCG(3, 4))
	body := func() string { // does not compress
		for i := range big {
			big[i] = byte('a' + r.IntN(26))
			if i%7 == 6 {
				big[i] = ' '
			}
		}
		return string(big)
	}
	w.publish("page", "still", "it", "still", values{"title": "Still", "body": body()})
	w.catchUp(c)
	held := c.Get("pages", "still", "it").Entry
	for i := range 70 {
		w.publish("page", fmt.Sprint(i%5), "it", fmt.Sprint("p", i%5), values{"title": fmt.Sprint(i), "body": body()})
		if i%9 == 0 {
			w.withdraw(fmt.Sprint(i%5), "it")
		}
		w.catchUp(c)
		if _, err := held.AppendTo(nil, Gzip); err != nil {
			t.Fatal(err)
		}
	}
	c.compaction.Wait()
	s := c.Stats()
	if s.Bytes > 8<<20 || s.Garbage < 0 || s.Garbage > s.Bytes {
		t.Errorf("%+v", s)
	}
	info, err := os.Stat(filepath.Join(dir, segmentName))
	if err != nil || info.Size() != s.Bytes {
		t.Errorf("%v, %v", info, err)
	}
	w.verified(c)
	c.Close()
	src := &counting{Source: w.store}
	c = w.openSource(dir, src)
	if src.scans != 0 {
		t.Error("the compacted file was not used")
	}
	w.verified(c)
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 2 {
		t.Errorf("files %v", left)
	}
}
