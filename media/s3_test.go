package media

import (
	"bytes"
	"context"
	"io"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// The same library on a bucket that is asked over S3's protocol: a server in
// memory that others wrote, with the real client.
func TestS3(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	backend := s3mem.New()
	if err := backend.CreateBucket("prassi"); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(gofakes3.New(backend).Server())
	defer server.Close()
	ctx := context.Background()
	bucket, err := OpenBucket(ctx, "s3://prassi?region=eu-south-1&use_path_style=true&endpoint="+url.QueryEscape(server.URL))
	if err != nil {
		t.Fatal(err)
	}
	defer bucket.Close()
	f := newFixture(t, Limits{})
	f.bucket = bucket
	f.Library = f.on(bucket, f.store, Limits{})

	item := f.add(t, "x.png", pngOf(drawing(700, 300)))
	for _, file := range item.Files {
		checkFile(t, file, read(t, f.Library, item.ID, file.Name))
	}
	doc := pdf("<</A(" + string(bytes.Repeat([]byte("x"), 90_000)) + ")>>")
	kept := f.add(t, "x.pdf", doc)
	file, err := f.Open(ctx, kept.ID, "document.pdf")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, at := range []int64{50_000, 3, 0, 90_000} {
		part := make([]byte, 200)
		if _, err := file.Seek(at, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(file, part); err != nil || !bytes.Equal(part, doc[at:at+200]) {
			t.Errorf("at %d: %v", at, err)
		}
	}
	if n, faults, err := f.Verify(ctx); n != len(item.Files)+1 || len(faults) > 0 || err != nil {
		t.Errorf("%d files, %v, %v", n, faults, err)
	}
	if err := f.Remove(ctx, amina, item.ID); err != nil {
		t.Fatal(err)
	}
	if err := bucket.WriteAll(ctx, key(newID(), "320.jpg"), []byte("x"), nil); err != nil {
		t.Fatal(err)
	}
	f.clock.pass(25 * time.Hour)
	if n, err := (&purger{f.Library, func(context.Context, string) (bool, error) { return false, nil }}).sweepStrays(ctx); n != 1 || err != nil {
		t.Errorf("%d strays went: %v", n, err)
	}
	if got, want := keys(t, bucket), []string{key(kept.ID, "document.pdf")}; !slices.Equal(got, want) {
		t.Errorf("the bucket holds %v, not %v", got, want)
	}
	// The server is gone: the upload is refused, and there is no item.
	server.Close()
	short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	if _, err := f.Add(short, amina, NewItem{}, bytes.NewReader(pdf())); err == nil {
		t.Error("it was taken without a bucket")
	}
	if items, err := f.List(ctx, "", 0); len(items) != 1 || err != nil {
		t.Errorf("%d items, %v", len(items), err)
	}
}
