package target

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// fakeS3 is a server in memory that others wrote, asked by the real client.
type fakeS3 struct {
	*httptest.Server
	backend *s3mem.Backend

	mu   sync.Mutex
	log  []string // method and key of what changes something
	sent map[string]http.Header
	fail func(method, key string) bool
	gate sync.RWMutex // held for reading while a request is answered
}

func newS3(t *testing.T) *fakeS3 {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", "key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	f := &fakeS3{backend: s3mem.New(), sent: map[string]http.Header{}}
	if err := f.backend.CreateBucket("prassi"); err != nil {
		t.Fatal(err)
	}
	inner := gofakes3.New(f.backend).Server()
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := strings.TrimPrefix(r.URL.Path, "/prassi/")
		f.gate.RLock()
		defer f.gate.RUnlock()
		f.mu.Lock()
		fail := f.fail != nil && f.fail(r.Method, key)
		if r.Method == "PUT" || r.Method == "DELETE" {
			f.log = append(f.log, r.Method+" "+key)
			f.sent[key] = r.Header
		}
		f.mu.Unlock()
		if fail {
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(f.Close)
	return f
}

// refuse decides what fails from now on. What an interrupted client has still under
// way is over by then.
func (f *fakeS3) refuse(fail func(method, key string) bool) {
	f.CloseClientConnections()
	f.gate.Lock()
	defer f.gate.Unlock()
	f.fail = fail
}

func (f *fakeS3) spec(prefix string) string {
	return "s3://prassi/" + prefix + "?region=eu-south-1&use_path_style=true&endpoint=" + url.QueryEscape(f.URL)
}

func (f *fakeS3) object(t *testing.T, key string) string {
	t.Helper()
	o, err := f.backend.GetObject("prassi", key, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Contents.Close()
	data, err := io.ReadAll(o.Contents)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func (f *fakeS3) all(t *testing.T) site {
	t.Helper()
	list, err := f.backend.ListBucket("prassi", nil, gofakes3.ListBucketPage{})
	if err != nil {
		t.Fatal(err)
	}
	got := site{}
	for _, o := range list.Contents {
		if !strings.HasSuffix(o.Key, manifestPath) {
			got[o.Key] = f.object(t, o.Key)
		}
	}
	return got
}

func TestS3(t *testing.T) {
	f := newS3(t)
	s := newStore(t)
	to := openTarget(t, f.spec("www/it/"), Options{})
	defer to.Close()
	first := site{"index.html": "home", "it/è/index.html": "casa", "assets/site-1.css": "css", "old.html": "old"}
	r, err := to.Publish(t.Context(), build(t, s, first), extras(site{"media/a.png": "picture", "media/large.png": strings.Repeat("large", 1<<19)}))
	if err != nil || r.Written != 6 || r.Kept+r.Removed != 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	for key, want := range map[string][2]string{
		"index.html":        {"text/html; charset=utf-8", cachePage},
		"assets/site-1.css": {"text/css; charset=utf-8", cacheImmutable},
		"media/a.png":       {"image/png", cacheExtra},
		manifestPath:        {"application/json", "no-store"},
	} {
		sent := f.sent["www/it/"+key] // the server forgets some
		if sent.Get("Content-Type") != want[0] || sent.Get("Cache-Control") != want[1] || sent.Get("Content-Encoding") != "" {
			t.Errorf("%s: %v", key, sent)
		}
	}
	// Only what changed is written, what pages need before them, and removals last.
	f.log = nil
	second := site{"index.html": "new home", "it/è/index.html": "casa", "assets/site-2.css": "css 2", "new.html": "new"}
	r, err = to.Publish(t.Context(), build(t, s, second), extras(site{"media/a.png": "picture", "media/b.png": "b"}))
	if err != nil || r.Written != 4 || r.Kept != 2 || r.Removed != 3 {
		t.Fatalf("%+v, %v", r, err)
	}
	want := site{"www/it/media/a.png": "picture", "www/it/media/b.png": "b"}
	for path, content := range second {
		want["www/it/"+path] = content
	}
	same(t, f.all(t), want)
	stages := [][]string{
		{"PUT " + manifestPath},
		{"PUT assets/site-2.css", "PUT media/b.png"},
		{"PUT index.html", "PUT new.html"},
		{"DELETE assets/site-1.css", "DELETE media/large.png", "DELETE old.html"},
		{"PUT " + manifestPath},
	}
	got := slices.Clone(f.log)
	for i := range got {
		got[i] = strings.Replace(got[i], "www/it/", "", 1)
	}
	for _, stage := range stages {
		n := min(len(stage), len(got))
		slices.Sort(got[:n])
		if !slices.Equal(got[:n], stage) {
			t.Fatalf("%v, not %v, in %v", got[:n], stage, f.log)
		}
		got = got[n:]
	}
	f.log = nil
	if r, err := to.Publish(t.Context(), s.Current(), extras(site{"media/a.png": "picture", "media/b.png": "b"})); err != nil || r != (Report{Kept: 6}) || len(f.log) > 0 {
		t.Errorf("%+v, %v, %v", r, f.log, err)
	}
}

// A bucket that refuses somewhere in the middle: the next time all is as it should
// be, and nothing is left over.
func TestS3Interrupted(t *testing.T) {
	f := newS3(t)
	s := newStore(t)
	state := func(i int) site {
		return site{"index.html": fmt.Sprint("home ", i), fmt.Sprintf("%d/index.html", i): "page", fmt.Sprintf("assets/%d.css", i): "css"}
	}
	for i := range 7 { // manifest, asset, pages, removals, manifest
		to := openTarget(t, f.spec("www"), Options{})
		b := build(t, s, state(i))
		n := 0
		f.refuse(func(method, _ string) bool {
			if method == "PUT" || method == "DELETE" {
				n++
			}
			return n == i+1 && (method == "PUT" || method == "DELETE")
		})
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		if _, err := to.Publish(ctx, b, nil); err == nil && i < 5 {
			t.Errorf("step %d did not fail", i)
		}
		cancel()
		f.refuse(nil)
		to.Close()
	}
	to := openTarget(t, f.spec("www"), Options{})
	defer to.Close()
	if _, err := to.Publish(t.Context(), build(t, s, state(9)), nil); err != nil {
		t.Fatal(err)
	}
	want := site{}
	for path, content := range state(9) {
		want["www/"+path] = content
	}
	same(t, f.all(t), want)
}

// A bucket that holds what others put there is left alone.
func TestS3Foreign(t *testing.T) {
	f := newS3(t)
	theirs := site{"photos/1.jpg": "dear", "www2/x": "y"}
	for key, text := range theirs {
		if _, err := f.backend.PutObject("prassi", key, map[string]string{}, strings.NewReader(text), int64(len(text)), nil); err != nil {
			t.Fatal(err)
		}
	}
	s := newStore(t)
	b := build(t, s, site{"index.html": "home"})
	var foreign *ForeignError
	for _, prefix := range []string{"", "photos"} {
		if _, err := openTarget(t, f.spec(prefix), Options{}).Publish(t.Context(), b, nil); !errors.As(err, &foreign) {
			t.Errorf("%q: %v", prefix, err)
		}
	}
	if _, err := openTarget(t, f.spec("www"), Options{}).Publish(t.Context(), b, nil); err != nil {
		t.Fatal(err)
	}
	want := maps.Clone(theirs)
	want["www/index.html"] = "home"
	same(t, f.all(t), want)
}
