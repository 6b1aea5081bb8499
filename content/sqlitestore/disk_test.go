package sqlitestore_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/sqlitestore"
)

// smallDisk tells a child process which file to fill.
const smallDisk = "SQLITESTORE_TEST_SMALL_DISK"

func small(i int) content.Write {
	id := fmt.Sprintf("d%03d", i)
	return content.Write{Document: &content.Document{
		ID: id, Type: "page", Version: 1, Shared: []byte(`{"text":"` + strings.Repeat("x", 3000) + `"}`),
		Keys:    content.Keys{Terms: []string{"all"}},
		Pending: []content.Event{{ID: id + ".1.0", Document: id, Version: 1}},
	}}
}

// TestDiskError has the system refuse to write any further, in a process of its
// own, and then relent. The store must not: what was refused once may seem
// written at a second try.
func TestDiskError(t *testing.T) {
	path := os.Getenv(smallDisk)
	if path == "" {
		path = filepath.Join(t.TempDir(), "small.db")
		child := exec.Command(os.Args[0], "-test.run=^TestDiskError$", "-test.v")
		child.Env = append(os.Environ(), smallDisk+"="+path)
		output, err := child.CombinedOutput()
		if err != nil || !strings.Contains(string(output), "acknowledged 10 and then") {
			t.Fatalf("the child: %v\n%s", err, output)
		}
		// A new process may try again. All that was acknowledged is there.
		s, err := sqlitestore.Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		for i := range 10 {
			if _, err := s.Get(t.Context(), small(i).Document.ID); err != nil {
				t.Error(err)
			}
		}
		documents, err := s.Scan(t.Context(), "", 0)
		if err != nil {
			t.Fatal(err)
		}
		if last, err := s.LastSeq(t.Context()); err != nil || int(last) != len(documents) {
			t.Errorf("%d documents with %d events (%v)", len(documents), last, err)
		}
		if err := errors.Join(s.Apply(t.Context(), []content.Write{small(500)})...); err != nil {
			t.Error(err)
		}
		return
	}

	ctx := t.Context()
	s, err := sqlitestore.Open(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		if err := errors.Join(s.Apply(ctx, []content.Write{small(i)})...); err != nil {
			t.Fatal(err)
		}
	}
	log, err := os.Stat(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	signal.Ignore(syscall.SIGXFSZ)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	most := limit.Cur
	limit.Cur = uint64(log.Size()) + 5000
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	var batch []content.Write
	for i := range 20 {
		batch = append(batch, small(100+i))
	}
	for i, err := range s.Apply(ctx, batch) {
		if !errors.Is(err, sqlitestore.ErrBroken) {
			t.Fatalf("write %d on a disk that takes no more: %v", i, err)
		}
	}
	limit.Cur = most
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	if err := s.Apply(ctx, []content.Write{small(200)})[0]; !errors.Is(err, sqlitestore.ErrBroken) {
		t.Errorf("a write after a disk error: %v", err)
	}
	if err := s.PutRecord(ctx, &content.Record{Kind: "k", ID: "a"}, 0); !errors.Is(err, sqlitestore.ErrBroken) {
		t.Errorf("a record after a disk error: %v", err)
	}
	if err := s.Ping(ctx); !errors.Is(err, sqlitestore.ErrBroken) {
		t.Errorf("ping after a disk error: %v", err)
	}
	found, err := s.Scan(ctx, "", 0)
	if err != nil || len(found) != 10 {
		t.Errorf("reading after a disk error: %d documents, %v", len(found), err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	fmt.Println("acknowledged 10 and then no more")
}

// TestForeignFiles refuses what is not ours, or not yet known, and leaves it as
// it is.
func TestForeignFiles(t *testing.T) {
	for name, statements := range map[string]string{
		"another program": "CREATE TABLE notes (text); INSERT INTO notes VALUES ('keep')",
		"a newer release": "PRAGMA application_id = 0x50524153; PRAGMA user_version = 999",
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "file.db")
			db, err := sql.Open("sqlite", path)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := db.Exec(statements); err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			s, err := sqlitestore.Open(t.Context(), path)
			if err == nil {
				s.Close()
				t.Fatal("it was opened")
			}
			if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
				t.Errorf("the file was changed (%v)", err)
			}
			if !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), name) {
				t.Errorf("the error does not say enough: %v", err)
			}
		})
	}
	t.Run("no database", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "file.db")
		text := []byte(strings.Repeat("This is a letter.\n", 1000))
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if s, err := sqlitestore.Open(t.Context(), path); err == nil {
			s.Close()
			t.Fatal("it was opened")
		}
		if after, err := os.ReadFile(path); err != nil || string(after) != string(text) {
			t.Errorf("the file was changed (%v)", err)
		}
	})
	t.Run("no folder", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "folder", "file.db")
		if s, err := sqlitestore.Open(t.Context(), path); !errors.Is(err, os.ErrNotExist) {
			if err == nil {
				s.Close()
			}
			t.Fatalf("got %v", err)
		}
	})
	t.Run("a cancelled context", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if s, err := sqlitestore.Open(ctx, filepath.Join(t.TempDir(), "file.db")); !errors.Is(err, context.Canceled) {
			if err == nil {
				s.Close()
			}
			t.Fatalf("got %v", err)
		}
	})
}

// TestPrivate checks that nobody else may read drafts and hashed tokens.
func TestPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file.db")
	s, err := sqlitestore.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", filepath.Base(path+suffix), info.Mode())
		}
	}
}

// TestDurability reads the settings back that an acknowledged write relies on.
func TestDurability(t *testing.T) {
	s, err := sqlitestore.Open(t.Context(), filepath.Join(t.TempDir(), "file.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	settings, err := s.Settings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "wal_autocheckpoint": "0", "busy_timeout": "10000"} {
		if settings[name] != want {
			t.Errorf("%s is %s, want %s", name, settings[name], want)
		}
	}
}

// TestLogStaysSmall writes much more than a checkpoint's worth: the log must be
// used again and not grow with the content.
func TestLogStaysSmall(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file.db")
	s, err := sqlitestore.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i := range 40 {
		var batch []content.Write
		for j := range 20 {
			w := small(i*20 + j)
			w.Document.Shared = []byte(`{"text":"` + strings.Repeat("x", 90_000) + `"}`)
			batch = append(batch, w)
		}
		if err := errors.Join(s.Apply(t.Context(), batch)...); err != nil {
			t.Fatal(err)
		}
	}
	sizes := map[string]int64{}
	for _, suffix := range []string{"", "-wal"} {
		info, err := os.Stat(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		sizes[suffix] = info.Size() >> 20
	}
	t.Logf("database %d MB, log %d MB", sizes[""], sizes["-wal"])
	if sizes[""] < 60 || sizes["-wal"] > 30 {
		t.Errorf("database %d MB, log %d MB", sizes[""], sizes["-wal"])
	}
}
