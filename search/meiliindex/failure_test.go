package meiliindex_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/internal/secret"
	"github.com/prassi-cms/prassi/search"
	"github.com/prassi-cms/prassi/search/meiliindex"
	"github.com/prassi-cms/prassi/search/searchtest"
)

const (
	queued   = `{"taskUid":1,"indexUid":"exchanges","status":"enqueued","type":"documentAdditionOrUpdate","enqueuedAt":"2026-11-22T08:00:00Z"}`
	taskForm = `{"uid":1,"batchUid":1,"indexUid":"exchanges","status":%q,"type":"documentAdditionOrUpdate","canceledBy":%s,"details":{},` +
		`"error":%s,"duration":null,"enqueuedAt":"2026-11-22T08:00:00Z","startedAt":null,"finishedAt":null}`
	failed = `{"message":"Document doesn't have a ` + "`id`" + ` attribute","code":"missing_document_id","type":"invalid_request","link":"https://docs.meilisearch.com/errors#missing_document_id"}`
)

// answer is how a broken server answers a request.
type answer struct {
	status int
	body   string
}

// broken is a server on which the index is ready, writes are queued, and tasks
// and searches are answered as given.
func broken(t *testing.T, write, task, find answer) *httptest.Server {
	t.Helper()
	fingerprint := searchtest.Settings(t).Fingerprint
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := find
		switch {
		case strings.HasSuffix(r.URL.Path, "/documents/prassi-meta"):
			a = answer{200, fmt.Sprintf(`{"id":"prassi-meta","part":-1,"position":7,"fingerprint":%q}`, fingerprint)}
		case strings.HasSuffix(r.URL.Path, "/documents/fetch"):
			a = answer{200, `{"results":[],"offset":0,"limit":5000,"total":0}`}
		case strings.HasSuffix(r.URL.Path, "/documents"):
			a = write
		case strings.HasPrefix(r.URL.Path, "/tasks/"):
			a = task
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(a.status)
		_, _ = w.Write([]byte(a.body))
	}))
	t.Cleanup(server.Close)
	return server
}

// Every way in which the server fails is search.Unavailable, says why for the
// log, and shows neither the key nor a whole answer.
func TestFailures(t *testing.T) {
	fine := answer{202, queued}
	done := answer{200, fmt.Sprintf(taskForm, "succeeded", "null", "null")}
	denied := answer{403, `{"message":"The provided API key is invalid.","code":"invalid_api_key","type":"auth","link":"https://docs.meilisearch.com/errors#invalid_api_key"}`}
	down := answer{503, `upstream is down`}
	half := answer{200, `{"hits":[{"id":"a` + strings.Repeat("x", 5000)}
	for _, c := range []struct {
		name              string
		write, task, find answer
		apply, search     string // parts of the errors; empty: no error
	}{
		{"refused by the key", denied, done, denied, "invalid_api_key", "invalid_api_key"},
		{"overloaded", down, done, down, "status 503", "status 503"},
		{"task failed", fine, answer{200, fmt.Sprintf(taskForm, "failed", "null", failed)}, half, "failed: missing_document_id", "not the JSON"},
		{"task canceled", fine, answer{200, fmt.Sprintf(taskForm, "canceled", "2", "null")}, half, "canceled", "not the JSON"},
		{"task never done", fine, answer{200, fmt.Sprintf(taskForm, "processing", "null", "null")}, down, "not done", "status 503"},
		{"task lost", fine, down, down, "status 503", "status 503"},
		{"half an answer to a write", answer{202, queued[:40]}, done, half, "not the JSON", "not the JSON"},
		{"another kind of answer", answer{200, `[]`}, done, answer{200, `[]`}, "status 200", "not the JSON"},
		{"all is well", fine, done, answer{200, `{"hits":[],"processingTimeMs":0,"limit":20,"offset":0,"estimatedTotalHits":0,"results":[]}`}, "", "0 answers to"},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := open(t, broken(t, c.write, c.task, c.find).URL, func(c *meiliindex.Config) { c.TaskTimeout = 50 * time.Millisecond })
			defer x.Close()
			check := func(doing string, err error, want string) {
				t.Helper()
				if want == "" {
					if err != nil {
						t.Errorf("%s: %v", doing, err)
					}
					return
				}
				var down *search.Unavailable
				if !errors.As(err, &down) || !strings.Contains(err.Error(), want) || len(err.Error()) > 600 || strings.Contains(err.Error(), testKey) {
					t.Errorf("%s: %v, want unavailable with %q", doing, err, want)
				}
			}
			check("apply", x.Apply(ctx, search.Batch{Put: searchtest.Documents()[:1], Position: 8}), c.apply)
			_, err := x.Search(ctx, search.Query{Text: "ambulatorio pediatrico"})
			check("search", err, c.search)
		})
	}
}

// A batch that failed is not remembered as written: the position stays.
func TestPositionAfterFailure(t *testing.T) {
	x := open(t, broken(t, answer{202, queued}, answer{200, fmt.Sprintf(taskForm, "failed", "null", failed)}, answer{}).URL)
	if err := x.Apply(ctx, search.Batch{Put: searchtest.Documents()[:1], Position: 8}); err == nil {
		t.Fatal("a failed task is no error")
	}
	if at, err := x.Position(ctx); err != nil || at != 7 {
		t.Errorf("position %d %v", at, err)
	}
}

// A removal that failed keeps the position from being written at all.
func TestRemovalBeforePosition(t *testing.T) {
	var writes atomic.Int64
	fingerprint := searchtest.Settings(t).Fingerprint
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case strings.HasSuffix(r.URL.Path, "prassi-meta"):
			fmt.Fprintf(w, `{"id":"prassi-meta","part":-1,"position":7,"fingerprint":%q}`, fingerprint)
		case strings.HasSuffix(r.URL.Path, "fetch"):
			fmt.Fprint(w, `{"results":[],"offset":0,"limit":5000,"total":0}`)
		case strings.HasSuffix(r.URL.Path, "delete-batch"):
			w.WriteHeader(202)
			fmt.Fprint(w, queued)
		case strings.HasPrefix(r.URL.Path, "/tasks/"):
			fmt.Fprintf(w, taskForm, "failed", "null", failed)
		default:
			writes.Add(1)
			w.WriteHeader(500)
		}
	}))
	defer s.Close()
	err := open(t, s.URL).Apply(ctx, search.Batch{Remove: []string{"a_it"}, Position: 8})
	if err == nil || writes.Load() != 0 {
		t.Errorf("%v, and %d writes after a removal that failed", err, writes.Load())
	}
}

// An index of other declarations answers, has no position and takes no change.
func TestOtherDeclarations(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.Method != http.MethodGet {
			t.Errorf("%s %s", r.Method, r.URL)
		}
		fmt.Fprint(w, `{"id":"prassi-meta","part":-1,"position":7,"fingerprint":"of-long-ago"}`)
	}))
	defer s.Close()
	x := open(t, s.URL)
	if at, err := x.Position(ctx); err != nil || at != 0 {
		t.Errorf("position %d %v", at, err)
	}
	var down *search.Unavailable
	if err := x.Apply(ctx, search.Batch{Position: 8}); !errors.As(err, &down) {
		t.Errorf("a change: %v", err)
	}
}

// An index that somebody deleted takes no change, not even a position: only a
// rebuild brings back what it had.
func TestVanished(t *testing.T) {
	var gone atomic.Bool
	fingerprint := searchtest.Settings(t).Fingerprint
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case gone.Load():
			if r.Method != http.MethodGet {
				t.Errorf("written to what is gone: %s %s", r.Method, r.URL)
			}
			w.WriteHeader(404)
			fmt.Fprint(w, `{"message":"Index `+"`exchanges`"+` not found.","code":"index_not_found","type":"invalid_request","link":""}`)
		case strings.HasSuffix(r.URL.Path, "prassi-meta"):
			fmt.Fprintf(w, `{"id":"prassi-meta","part":-1,"position":7,"fingerprint":%q}`, fingerprint)
		case strings.HasPrefix(r.URL.Path, "/tasks/"):
			fmt.Fprintf(w, taskForm, "succeeded", "null", "null")
		default:
			w.WriteHeader(202)
			fmt.Fprint(w, queued)
		}
	}))
	defer s.Close()
	x := open(t, s.URL)
	if err := x.Apply(ctx, search.Batch{Position: 8}); err != nil {
		t.Fatal(err)
	}
	gone.Store(true)
	var down *search.Unavailable
	for range 2 {
		if err := x.Apply(ctx, search.Batch{Position: 9}); !errors.As(err, &down) {
			t.Errorf("a change: %v", err)
		}
	}
	if at, err := x.Position(ctx); err != nil || at != 0 {
		t.Errorf("position %d %v", at, err)
	}
}

// Without a server the driver opens, and every call says that it is unavailable.
func TestNobodyThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := "http://" + l.Addr().String()
	l.Close()
	x := open(t, address)
	calls := map[string]func() error{
		"apply":    func() error { return x.Apply(ctx, search.Batch{Position: 1}) },
		"position": func() error { _, err := x.Position(ctx); return err },
		"search":   func() error { _, err := x.Search(ctx, search.Query{}); return err },
		"suggest":  func() error { _, err := x.Suggest(ctx, search.SuggestQuery{Text: "a"}); return err },
		"count":    func() error { _, err := x.Count(ctx); return err },
		"entries":  func() error { _, err := x.Entries(ctx, "", 1); return err },
		"rebuild": func() error {
			return x.Rebuild(ctx, 1, func(func(search.Document, error) bool) {})
		},
	}
	for name, call := range calls {
		var down *search.Unavailable
		if err := call(); !errors.As(err, &down) || strings.Contains(err.Error(), testKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := x.Close(); err != nil {
		t.Error(err)
	}
	for name, call := range calls {
		if err := call(); err == nil || !strings.Contains(err.Error(), "closed") {
			t.Errorf("%s after Close: %v", name, err)
		}
	}
}

// A caller that gives up while a task is polled gets the context's error.
func TestGivingUp(t *testing.T) {
	x := open(t, broken(t, answer{202, queued}, answer{200, fmt.Sprintf(taskForm, "processing", "null", "null")}, answer{}).URL)
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	var down *search.Unavailable
	if err := x.Apply(short, search.Batch{Position: 8}); !errors.Is(err, context.DeadlineExceeded) || errors.As(err, &down) {
		t.Errorf("%v", err)
	}
}

// A server that sends us elsewhere gets nothing to go there, least of all the key.
func TestRedirect(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("somebody else was asked") }))
	defer elsewhere.Close()
	s := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	defer s.Close()
	var down *search.Unavailable
	if _, err := open(t, s.URL).Position(ctx); !errors.As(err, &down) {
		t.Errorf("%v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, c := range []meiliindex.Config{
		{URL: "ftp://h"}, {URL: "meili:7700"}, {URL: "http://user:pass@h"}, {URL: "http://h?key=1"}, {URL: "http://h", Index: "a/b"}, {},
	} {
		if _, err := meiliindex.Open(ctx, c, searchtest.Settings(t)); err == nil || strings.Contains(err.Error(), "pass") {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if s := fmt.Sprintf("%+v", meiliindex.Config{Key: secret.New(testKey)}); strings.Contains(s, testKey) {
		t.Error("the key is printed")
	}
}

// A long list of ids, which every query of a request repeats, leaves the request
// within bounds, whatever is asked.
func TestLongListOfIDs(t *testing.T) {
	var largest atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		largest.Store(max(largest.Load(), n))
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"results":[],"hits":[],"estimatedTotalHits":0,"processingTimeMs":0}`))
	}))
	t.Cleanup(server.Close)
	among := make([]string, 20_000)
	for i := range among {
		among[i] = fmt.Sprintf("01970000-0000-7000-8000-%012d", i)
	}
	x := open(t, server.URL)
	locales := []string{"it", "en", "fr", "es", "ar"}
	for _, text := range []string{"", "permesso di soggiorno questura lavoro casa scuola"} {
		// The server answers nothing well formed to the probes that follow: only
		// what was sent counts.
		_, _ = x.Search(ctx, search.Query{Text: text, Locale: "it", Locales: locales, Among: among})
		if n, most := largest.Load(), int64(len(locales)+1)<<20; n == 0 || n > most {
			t.Errorf("%q: a request of %d bytes, want at most %d", text, n, most)
		}
	}
}
