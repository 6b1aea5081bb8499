package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/blob/driver"
	"gocloud.dev/gcerrors"

	"github.com/prassi-cms/prassi/content"
)

var errBroken = errors.New("the disk is on fire")

// failing is a bucket, or the records, whose every operation from the n-th on
// fails, before or after it took effect.
type failing struct {
	left  atomic.Int64
	after bool
}

func (f *failing) step() bool { return f.left.Add(-1) < 0 }

// broken is a driver over a bucket that works.
type broken struct {
	driver.Bucket // the methods that nobody calls are missing
	*failing
	real *blob.Bucket
}

func (b *broken) Close() error                           { return nil }
func (b *broken) As(any) bool                            { return false }
func (b *broken) ErrorAs(error, any) bool                { return false }
func (b *broken) ErrorCode(err error) gcerrors.ErrorCode { return gcerrors.Code(err) }

func (b *broken) NewTypedWriter(ctx context.Context, key, contentType string, _ *driver.WriterOptions) (driver.Writer, error) {
	if b.step() {
		return nil, errBroken
	}
	w, err := b.real.NewWriter(ctx, key, &blob.WriterOptions{ContentType: contentType})
	return &brokenWriter{w, b}, err
}

func (b *broken) Delete(ctx context.Context, key string, _ *driver.DeleteOptions) error {
	if b.step() {
		return errBroken
	}
	return b.real.Delete(ctx, key)
}

func (b *broken) NewRangeReader(context.Context, string, int64, int64, *driver.ReaderOptions) (driver.Reader, error) {
	return nil, errBroken
}

type brokenWriter struct {
	*blob.Writer
	b *broken
}

func (w *brokenWriter) Write(p []byte) (int, error) {
	if w.b.step() {
		return 0, errBroken
	}
	return w.Writer.Write(p)
}

func (w *brokenWriter) Close() error {
	fails := w.b.step()
	if fails && !w.b.after {
		return errBroken // the unfinished file stays, as after a crash
	}
	if err := w.Writer.Close(); err != nil || !fails {
		return err
	}
	return errBroken
}

// brokenRecords are records that fail likewise.
type brokenRecords struct {
	*failing
	real interface {
		GetRecord(ctx context.Context, kind, id string) (*content.Record, error)
		PutRecord(ctx context.Context, r *content.Record, expect int64) error
		DeleteRecord(ctx context.Context, kind, id string, expect int64) error
		ListRecords(ctx context.Context, kind, after string, limit int) ([]*content.Record, error)
	}
}

func (r *brokenRecords) GetRecord(ctx context.Context, kind, id string) (*content.Record, error) {
	if r.step() {
		return nil, errBroken
	}
	return r.real.GetRecord(ctx, kind, id)
}

func (r *brokenRecords) PutRecord(ctx context.Context, rec *content.Record, expect int64) error {
	fails := r.step()
	if fails && !r.after {
		return errBroken
	}
	if err := r.real.PutRecord(ctx, rec, expect); err != nil || !fails {
		return err
	}
	return errBroken
}

func (r *brokenRecords) DeleteRecord(ctx context.Context, kind, id string, expect int64) error {
	if r.step() {
		return errBroken
	}
	return r.real.DeleteRecord(ctx, kind, id, expect)
}

func (r *brokenRecords) ListRecords(ctx context.Context, kind, after string, limit int) ([]*content.Record, error) {
	return r.real.ListRecords(ctx, kind, after, limit)
}

// whole holds the library against its promise: every item has its files, and
// after the clean-up there are no others.
func (f *fixture) whole(t *testing.T, what string) []Item {
	t.Helper()
	ctx := context.Background()
	if _, faults, err := f.Verify(ctx); err != nil || len(faults) > 0 {
		t.Fatalf("%s: an item lacks a file: %v %v", what, faults, err)
	}
	f.clock.pass(25 * time.Hour)
	if _, err := (&purger{f.Library, func(context.Context, string) (bool, error) { return false, nil }}).sweepStrays(ctx); err != nil {
		t.Fatal(err)
	}
	items, err := f.List(ctx, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, i := range items {
		for _, file := range i.Files {
			want = append(want, key(i.ID, file.Name))
		}
	}
	slices.Sort(want)
	if got := keys(t, f.bucket); !slices.Equal(got, want) {
		t.Fatalf("%s: the bucket holds %v, not %v", what, got, want)
	}
	if _, faults, err := f.Verify(ctx); err != nil || len(faults) > 0 {
		t.Fatalf("%s: the clean-up took a file of an item: %v %v", what, faults, err)
	}
	return items
}

// Whatever fails, there is no item without its files and no file without an item
// for long; when Add gives an item it is there.
func TestEveryStepFails(t *testing.T) {
	upload := pngOf(drawing(700, 20))
	for _, after := range []bool{false, true} {
		for _, part := range []string{"bucket", "records"} {
			f := newFixture(t, Limits{})
			for n := int64(0); ; n++ {
				fail := &failing{after: after}
				fail.left.Store(n)
				var l *Library
				if part == "bucket" {
					l = f.on(blob.NewBucket(&broken{failing: fail, real: f.bucket}), f.store, Limits{})
				} else {
					l = f.on(f.bucket, &brokenRecords{fail, f.store}, Limits{})
				}
				before := len(f.whole(t, "before"))
				item, err := l.Add(context.Background(), amina, NewItem{}, bytes.NewReader(upload))
				what := fmt.Sprintf("%s, step %d, after %v", part, n, after)
				items := f.whole(t, what)
				if err == nil {
					if len(items) != before+1 {
						t.Fatalf("%s: the item %s is not there", what, item.ID)
					}
				} else if part == "bucket" && (len(items) != before || code(err) != codeUnavailable) {
					t.Fatalf("%s: %v, and there are %d items", what, err, len(items)-before)
				}
				if fail.left.Load() >= 0 { // nothing failed any more
					if n < 2 || err != nil {
						t.Fatalf("%s: %v", what, err)
					}
					break
				}
			}
		}
	}
}

// An upload that breaks off anywhere leaves nothing, whether the line or the
// context ends.
func TestInterrupted(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	f := newFixture(t, Limits{})
	for _, upload := range [][]byte{pngOf(photo(60, 40)), pdf("<</A(" + strings.Repeat("x", 9000) + ")>>"), ooxml(docxMain)} {
		for _, at := range []int{0, 1, 100, len(upload) / 2, len(upload) - 1, len(upload)} {
			r := io.MultiReader(bytes.NewReader(upload[:at]), iotest.ErrReader(io.ErrUnexpectedEOF))
			if _, err := f.Add(context.Background(), amina, NewItem{}, r); code(err) != codeInterrupted {
				t.Errorf("at %d: %v", at, err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			r = io.MultiReader(bytes.NewReader(upload[:at]), readerFunc(func([]byte) (int, error) { cancel(); return 0, io.EOF }), bytes.NewReader(upload[at:]))
			if _, err := f.Add(ctx, amina, NewItem{}, r); !errors.Is(err, context.Canceled) {
				t.Errorf("cancelled at %d: %v", at, err)
			}
			cancel()
		}
		// One byte at a time is as good as all at once.
		if _, err := f.Add(context.Background(), amina, NewItem{}, iotest.OneByteReader(bytes.NewReader(upload))); err != nil {
			t.Error(err)
		}
	}
	if items := f.whole(t, "broken off"); len(items) != 3 {
		t.Errorf("there are %d items", len(items))
	}
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "prassi-upload-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// killed is set in the process that TestKilled kills.
const killed = "PRASSI_TEST_MEDIA_FOLDER"

// What was acknowledged is there after the process was killed, and nothing else is
// after the clean-up.
func TestKilled(t *testing.T) {
	if dir := os.Getenv(killed); dir != "" {
		addUntilKilled(t, dir)
		return
	}
	dir := t.TempDir()
	acknowledged := map[string]bool{}
	for round := range 4 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilled$", "-test.v")
		cmd.Env = append(os.Environ(), killed+"="+dir, "TMPDIR="+t.TempDir())
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(250+70*round) * time.Millisecond)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		for line := range strings.Lines(out.String()) {
			if id, ok := strings.CutPrefix(line, "added "); ok && strings.HasSuffix(id, "\n") {
				acknowledged[strings.TrimSpace(id)] = true
			}
		}
	}
	f := openFixture(t, dir)
	items := f.whole(t, "killed")
	there := map[string]bool{}
	for _, i := range items {
		there[i.ID] = true
	}
	for id := range acknowledged {
		if !there[id] {
			t.Errorf("%s was acknowledged and is gone", id)
		}
	}
	if len(acknowledged) == 0 {
		t.Error("no upload was acknowledged: this test shows nothing")
	}
	if r, err := f.ledger.Verify(context.Background()); err != nil || len(r.Faults) > 0 {
		t.Errorf("%+v %v", r, err)
	}
}

func addUntilKilled(t *testing.T, dir string) {
	f := openFixture(t, dir)
	uploads := [][]byte{pngOf(drawing(400, 30)), pdf(), jpegOf(photo(400, 30))}
	for n := 0; ; n++ {
		item := f.add(t, "x", uploads[n%len(uploads)])
		fmt.Printf("added %s\n", item.ID)
	}
}
