package release

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// failing is a disk that takes so many bytes more, or does not sync.
type failing struct {
	room int64 // less than zero is endless
	sync error
}

type failingFile struct {
	device
	disk *failing
}

func (d *failing) disk() *disk {
	real := systemDisk()
	open := real.open
	real.open = func(path string, flag int) (device, error) {
		f, err := open(path, flag)
		return failingFile{f, d}, err
	}
	return real
}

func (f failingFile) WriteAt(b []byte, at int64) (int, error) {
	if f.disk.room < 0 || int64(len(b)) <= f.disk.room {
		f.disk.room -= int64(len(b))
		return f.device.WriteAt(b, at)
	}
	n, _ := f.device.WriteAt(b[:f.disk.room], at)
	f.disk.room = 0
	return n, syscall.ENOSPC
}

// unsynced is a disk for tests that kill nothing: waiting for the real one is most
// of what they would do.
func unsynced() *disk {
	d := systemDisk()
	open := d.open
	d.open = func(path string, flag int) (device, error) {
		f, err := open(path, flag)
		return quick{f}, err
	}
	d.syncFolder = func(string) error { return nil }
	return d
}

type quick struct{ device }

func (quick) Sync() error { return nil }

func (f failingFile) Sync() error { return errors.Join(f.disk.sync, f.device.Sync()) }

// The disk is full after any number of bytes: the build that was current is
// served, the same store publishes when there is room again, and the next start
// finds nothing wrong.
func TestDiskFull(t *testing.T) {
	full := 0
	for room := int64(0); room < 120_000; room += 2_000 {
		dir := t.TempDir()
		d := &failing{room: -1 << 40}
		s := open(t, dir, Options{disk: d.disk()})
		old := site{"a.html": "old", "b.html": strings.Repeat("old ", 100)}
		base := publish(t, s, old)
		w := s.Begin(base, Meta{})
		next := site{"a.html": "new"}
		for i := range 20 {
			next[fmt.Sprintf("%d.html", i)] = strings.Repeat(fmt.Sprint(i, " "), 500)
		}
		d.room = room
		var failed error
		for path, content := range next {
			failed = errors.Join(failed, w.Put(File{Path: path}, []byte(content)))
		}
		if failed == nil {
			_, failed = w.Commit(t.Context())
		}
		if failed != nil {
			full++
			if !errors.Is(failed, syscall.ENOSPC) {
				t.Fatal(failed)
			}
			if s.Current() != base {
				t.Fatal("another build is served")
			}
		}
		d.room = -1 << 40
		check(t, base, old)
		w = s.Begin(s.Current(), Meta{})
		for path, content := range next {
			if err := w.Put(File{Path: path}, []byte(content)); err != nil {
				t.Fatal(err)
			}
		}
		check(t, commit(t, w), next)
		s.Close()
		s = open(t, dir, Options{})
		check(t, s.Current(), next)
		tidy(t, dir)
		if back, err := s.Restore(s.Builds()[0].ID); err != nil {
			t.Fatal(err)
		} else {
			check(t, back, old)
		}
		s.Close()
	}
	if full < 20 || full > 58 {
		t.Errorf("the disk was full %d times", full)
	}
}

// A Writer whose bytes went with another's failed write is told so.
func TestFailureConcernsAll(t *testing.T) {
	d := &failing{room: -1 << 40}
	s := open(t, t.TempDir(), Options{disk: d.disk()})
	publish(t, s, site{"a": "b"})
	one, two := s.Begin(s.Current(), Meta{}), s.Begin(s.Current(), Meta{})
	if err := one.Put(File{Path: "x"}, []byte("gathered, not written")); err != nil {
		t.Fatal(err)
	}
	d.room = 10
	if err := two.Put(File{Path: "y"}, make([]byte, flushAt)); !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	d.room = -1 << 40
	if _, err := one.Commit(t.Context()); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("a build without its bytes was published: %v", err)
	}
	check(t, publish(t, s, site{"x": "gathered, not written"}), site{"x": "gathered, not written"})
}

// A disk that does not sync: the old build is served, and nothing is written any
// more.
func TestSyncFails(t *testing.T) {
	dir := t.TempDir()
	d := &failing{room: -1 << 40}
	s := open(t, dir, Options{disk: d.disk()})
	base := publish(t, s, site{"a": "old"})
	d.sync = syscall.EIO
	w := s.Begin(base, Meta{})
	site{"a": "new"}.put(t, w)
	if _, err := w.Commit(t.Context()); !errors.Is(err, syscall.EIO) || s.Current() != base {
		t.Fatalf("it was published: %v", err)
	}
	d.sync = nil
	w = s.Begin(base, Meta{})
	if err := w.Put(File{Path: "b"}, []byte("x")); !errors.Is(err, syscall.EIO) {
		t.Errorf("it went on: %v", err)
	}
	if _, err := w.Commit(t.Context()); !errors.Is(err, syscall.EIO) {
		t.Errorf("it went on: %v", err)
	}
	if _, err := s.Collect(t.Context()); !errors.Is(err, syscall.EIO) {
		t.Errorf("it collected: %v", err)
	}
	check(t, base, site{"a": "old"})
	s.Close()
	s = open(t, dir, Options{})
	check(t, s.Current(), site{"a": "old"})
	check(t, publish(t, s, site{"a": "new"}), site{"a": "new"})
}

// A file of the folder is damaged anywhere: a build is served that was one, and
// other bytes than were put are never given out.
func TestDamage(t *testing.T) {
	origin := t.TempDir()
	scene(t, origin)
	sizes := folder(t, origin)
	names := slices.Sorted(maps.Keys(sizes))
	r := rand.New(rand.NewPCG(3, 4))
	found, newest := 0, 0
	for i := range 120 {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(origin)); err != nil {
			t.Fatal(err)
		}
		name := names[i%len(names)]
		if name == "/lock" {
			continue
		}
		path := filepath.Join(dir, name)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		switch at := r.IntN(len(data)); r.IntN(3) {
		case 0:
			data = data[:at]
		case 1:
			data[at] ^= 1 << r.IntN(8)
		case 2:
			clear(data[at:min(len(data), at+4096)])
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		s := open(t, dir, Options{disk: unsynced()})
		if s.Current() == nil {
			found++
		} else if got, err := contents(s.Current()); err != nil {
			found++
			if !errors.Is(err, ErrDamaged) {
				t.Fatal(err)
			}
		} else if n, _ := strconv.Atoi(got["n"]); !maps.Equal(got, stateOf(n)) {
			t.Fatalf("%s: build %d is a mix", name, n)
		} else if n == 4 {
			newest++
		} else {
			found++
		}
		// Once it was noticed it is mended by a build from nothing.
		if b := s.Current(); b != nil {
			for f := range b.Files() {
				_, _ = b.Read(nil, f.Hash, Identity)
			}
		}
		w := s.Begin(nil, Meta{})
		stateOf(4).put(t, w)
		check(t, commit(t, w), stateOf(4))
		s.Close()
	}
	if found < 30 || newest < 20 {
		t.Errorf("%d damages were noticed, %d did not concern the newest build", found, newest)
	}
}

// A page whose stored bytes are damaged is healed by putting it again.
func TestDamagedPage(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	b := publish(t, s, site{"a": strings.Repeat("page", 100)})
	pack := filepath.Join(dir, "packs", "00000001.pack")
	f, err := os.OpenFile(pack, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte("P"), int64(len(packHeader))+40); err != nil {
		t.Fatal(err)
	}
	file, _ := b.File("a")
	if _, err := b.Read(nil, file.Hash, Identity); !errors.Is(err, ErrDamaged) {
		t.Fatalf("one other byte: %v", err)
	}
	var missing *MissingError
	w := s.Begin(b, Meta{})
	w.Keep(file)
	if _, err := w.Commit(t.Context()); !errors.As(err, &missing) || missing.Path != "a" {
		t.Errorf("it was kept: %v", err)
	}
	for _, base := range []*Build{b, nil} {
		w := s.Begin(base, Meta{})
		site{"a": strings.Repeat("page", 100)}.put(t, w)
		check(t, commit(t, w), site{"a": strings.Repeat("page", 100)})
	}
}

// A power cut kept the record of a blob and lost its bytes: it is not taken for
// known when the same bytes are put again.
func TestRecordWithoutBytes(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	publish(t, s, site{"a": "b"})
	content := strings.Repeat("never synced ", 50)
	w := s.Begin(s.Current(), Meta{})
	if err := w.Put(File{Path: "x"}, []byte(content)); err != nil {
		t.Fatal(err)
	}
	s.Close() // writes, without a sync
	path := filepath.Join(dir, "packs", "00000001.pack")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := strings.Index(string(data), content)
	if at < 0 {
		t.Fatal("nothing was written")
	}
	clear(data[at : at+len(content)])
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, Options{})
	check(t, s.Current(), site{"a": "b"})
	check(t, publish(t, s, site{"x": content}), site{"x": content})
}

// Any byte of the index is another one: what is served can be read, every file of
// it.
func TestDamagedIndex(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{disk: unsynced()})
	states := []site{{"a": "one", "b": "two"}, {"a": "one", "b": "three"}}
	for _, want := range states {
		publish(t, s, want)
	}
	s.Close()
	path := filepath.Join(dir, "packs", "00000001.idx")
	roots := folder(t, filepath.Join(dir, "builds"))
	whole := t.TempDir()
	if err := os.CopyFS(whole, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	served := map[int]int{}
	for at, end := int64(0), folder(t, dir)["/packs/00000001.idx"]; at < end; at += 5 {
		for name := range roots { // those that are not whole are removed
			data, err := os.ReadFile(filepath.Join(whole, "builds", name))
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, "builds", name), data, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, name := range []string{"00000001.idx", "00000001.pack"} {
			data, err := os.ReadFile(filepath.Join(whole, "packs", name))
			if err != nil {
				t.Fatal(err)
			}
			if filepath.Join(dir, "packs", name) == path {
				data[at] ^= 0x11
			}
			if err := os.WriteFile(filepath.Join(dir, "packs", name), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s, err := Open(dir, Options{disk: unsynced()})
		if err != nil {
			t.Fatal(err)
		}
		n := -1
		if b := s.Current(); b != nil {
			got, err := contents(b)
			if err != nil {
				t.Fatalf("byte %d: %v", at, err)
			}
			if n = slices.IndexFunc(states, func(want site) bool { return maps.Equal(got, want) }); n < 0 {
				t.Fatalf("byte %d: %v is served", at, got)
			}
		}
		served[n]++
		s.Close()
	}
	if served[-1] == 0 || served[0] == 0 || served[1] == 0 {
		t.Errorf("%v", served)
	}
}
