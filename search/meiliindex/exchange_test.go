package meiliindex_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"testing"

	"github.com/prassi-cms/prassi/internal/secret"
	"github.com/prassi-cms/prassi/search"
	"github.com/prassi-cms/prassi/search/meiliindex"
	"github.com/prassi-cms/prassi/search/searchtest"
)

// record makes testdata/*.json anew from a server whose indexes may be thrown
// away: go test ./search/meiliindex -run TestExchanges -record http://127.0.0.1:7700.
var record = flag.String("record", "", "URL of a server to record exchanges from")

// exchange is one request and its answer, as they are on the wire. The answers of
// testdata were composed after the documentation of Meilisearch 1.50 and its
// source, and taken from no server, since none can be had where this was written:
// they prove that requests are as documented and what is made of such answers.
// Times and task numbers mean nothing.
type exchange struct {
	Method  string            `json:"method"`
	Path    string            `json:"path"` // with the query
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body,omitempty"`
	Status  int               `json:"status"`
	Answer  json.RawMessage   `json:"answer"`
}

type recording struct {
	// Result is what the driver makes of the answers.
	Result    json.RawMessage `json:"result"`
	Exchanges []exchange      `json:"exchanges"`
}

// anyFingerprint stands in testdata for that of the declarations, which change.
const anyFingerprint = "fingerprint-of-the-declarations"

const testKey = "exchange-test-key-0123456789"

// seen is a request without what Go's own transport adds.
func seen(r *http.Request) exchange {
	body, _ := io.ReadAll(r.Body)
	e := exchange{Method: r.Method, Path: r.URL.RequestURI(), Headers: map[string]string{}}
	if len(body) > 0 {
		e.Body = body
	}
	for name, values := range r.Header {
		if name != "Content-Length" && name != "Transfer-Encoding" {
			e.Headers[name] = values[0]
		}
	}
	return e
}

// same compares two JSON texts.
func same(a, b json.RawMessage) bool {
	if len(a) == 0 || len(b) == 0 {
		return len(a) == len(b)
	}
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}

// replay refuses every request that is not the next one of the recording.
func replay(t *testing.T, list []exchange) *httptest.Server {
	t.Helper()
	var mu sync.Mutex
	next := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		got := seen(r)
		if next >= len(list) {
			t.Errorf("a request more than recorded: %s %s %s", got.Method, got.Path, got.Body)
			http.Error(w, "{}", http.StatusTeapot)
			return
		}
		want := list[next]
		next++
		if got.Method != want.Method || got.Path != want.Path || !maps.Equal(got.Headers, want.Headers) || !same(got.Body, want.Body) {
			t.Errorf("request %d is not as recorded:\n got %s %s %v %s\nwant %s %s %v %s", next,
				got.Method, got.Path, got.Headers, got.Body, want.Method, want.Path, want.Headers, want.Body)
			http.Error(w, "{}", http.StatusTeapot)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(want.Status)
		_, _ = w.Write(want.Answer)
	}))
	t.Cleanup(func() {
		s.Close()
		if next != len(list) {
			t.Errorf("%d of %d recorded requests came", next, len(list))
		}
	})
	return s
}

func open(tb testing.TB, address string, more ...func(*meiliindex.Config)) search.Index {
	tb.Helper()
	c := meiliindex.Config{URL: address, Key: secret.New(testKey), Index: "exchanges"}
	for _, f := range more {
		f(&c)
	}
	x, err := meiliindex.Open(context.Background(), c, searchtest.Settings(tb))
	if err != nil {
		tb.Fatal(err)
	}
	return x
}

// outcome is what a call gave.
type outcome struct {
	Value any    `json:"value,omitempty"`
	Error string `json:"error,omitempty"`
}

func got[T any](v T, err error) outcome {
	if err != nil {
		return outcome{Error: err.Error()}
	}
	return outcome{Value: v}
}

var ctx = context.Background()

// scenarios are what is recorded. Those with filled begin on an index that has
// the documents of the suite.
var scenarios = []struct {
	name   string
	filled bool
	run    func(x search.Index) []outcome
}{
	{"first-changes", false, func(x search.Index) []outcome {
		documents := searchtest.Documents()
		return []outcome{
			got(x.Position(ctx)), got(x.Search(ctx, search.Query{Text: "permesso"})),
			got(0, x.Apply(ctx, search.Batch{Put: documents[:2], Position: 1})), got(x.Position(ctx)), got(x.Count(ctx)),
			got(0, x.Apply(ctx, search.Batch{Put: documents[4:5], Remove: []string{documents[0].ID, documents[4].ID}, Position: 2})),
			got(x.Entries(ctx, "", 10)), got(x.Position(ctx)),
		}
	}},
	{"rebuild", true, func(x search.Index) []outcome {
		return []outcome{
			got(0, x.Rebuild(ctx, 9, func(yield func(search.Document, error) bool) {
				for _, d := range searchtest.Documents()[3:5] {
					if !yield(d, nil) {
						return
					}
				}
				if err := x.Apply(ctx, search.Batch{Remove: []string{"alloggio_it"}, Position: 8}); err != nil {
					yield(search.Document{}, err)
				}
			})),
			got(x.Position(ctx)), got(x.Count(ctx)),
		}
	}},
	{"words", true, func(x search.Index) []outcome {
		return []outcome{
			got(x.Search(ctx, search.Query{Text: "ambulatorio bambini", Facets: []string{"type", "territory"}, Limit: 5})),
			got(x.Search(ctx, search.Query{Text: "pds"})),
			got(x.Search(ctx, search.Query{Text: "286/1998 tutore"})),
			got(x.Search(ctx, search.Query{Text: "居留许可", Locale: "zh-Hans", Locales: []string{"zh-Hans", "it"}})),
			got(x.Search(ctx, search.Query{Text: `"ambulatorio pediatrico" -biblioteca -"accanto c'è"`})),
			got(x.Search(ctx, search.Query{Text: "🙂"})),
		}
	}},
	{"typos", true, func(x search.Index) []outcome {
		return []outcome{
			got(x.Search(ctx, search.Query{Text: "ambulatrio pediatrico"})),
			got(x.Search(ctx, search.Query{Text: "ambulatorio pediatrico astronave"})),
			got(x.Search(ctx, search.Query{Text: "astronave"})),
		}
	}},
	{"filters", true, func(x search.Index) []outcome {
		prato := search.Point{Lat: 43.8777, Lon: 11.1023}
		return []outcome{
			got(x.Search(ctx, search.Query{Filters: map[string][]string{
				"type": {`service" OR type = "news`, `\`, "service"}, "language": {"bn"},
			}, Facets: []string{"language"}, Sort: "-title"})),
			got(x.Search(ctx, search.Query{Near: &prato, RadiusMetres: 30_000, Sort: search.SortDistance})),
			got(x.Search(ctx, search.Query{Locale: "en", Box: &search.Box{West: 175, East: -170, South: -20, North: -10}})),
			got(x.Search(ctx, search.Query{Locale: "en", Locales: []string{"en", "it"}, Among: []string{"permesso", "minori"}})),
		}
	}},
	{"suggestions", true, func(x search.Index) []outcome {
		return []outcome{
			got(x.Suggest(ctx, search.SuggestQuery{Text: "scuola di ital"})),
			got(x.Suggest(ctx, search.SuggestQuery{Text: "286"})),
			got(x.Suggest(ctx, search.SuggestQuery{Text: "zzzz"})),
		}
	}},
}

// TestExchanges compares every request with the recorded one and what becomes of
// every answer with the recorded result.
func TestExchanges(t *testing.T) {
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			file := filepath.Join("testdata", s.name+".json")
			if *record != "" {
				keep(t, file, s.filled, s.run)
			}
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			data = bytes.ReplaceAll(data, []byte(anyFingerprint), []byte(searchtest.Settings(t).Fingerprint))
			var r recording
			if err := json.Unmarshal(data, &r); err != nil {
				t.Fatal(err)
			}
			result, err := json.Marshal(s.run(open(t, replay(t, r.Exchanges).URL)))
			if err != nil {
				t.Fatal(err)
			}
			if !same(result, r.Result) {
				t.Errorf("result\n%s\nwant\n%s", result, r.Result)
			}
		})
	}
}

// keep records a scenario.
func keep(t *testing.T, file string, filled bool, run func(search.Index) []outcome) {
	direct := open(t, *record)
	if err := direct.(*meiliindex.Index).Drop(ctx); err != nil {
		t.Fatal(err)
	}
	if filled {
		if err := direct.Apply(ctx, search.Batch{Put: searchtest.Documents(), Position: 7}); err != nil {
			t.Fatal(err)
		}
	}
	var r recording
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		e := seen(req)
		forward, err := http.NewRequest(e.Method, *record+e.Path, bytes.NewReader(e.Body))
		if err != nil {
			t.Error(err)
			return
		}
		for name, value := range e.Headers {
			forward.Header.Set(name, value)
		}
		answer, err := http.DefaultTransport.RoundTrip(forward)
		if err != nil {
			t.Error(err)
			return
		}
		defer answer.Body.Close()
		e.Status = answer.StatusCode
		e.Answer, _ = io.ReadAll(answer.Body)
		r.Exchanges = append(r.Exchanges, e)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(e.Status)
		_, _ = w.Write(e.Answer)
	}))
	defer proxy.Close()
	var err error
	if r.Result, err = json.Marshal(run(open(t, proxy.URL))); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(r); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll("testdata", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, bytes.ReplaceAll(out.Bytes(), []byte(searchtest.Settings(t).Fingerprint), []byte(anyFingerprint)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// The settings name every facet, order and locale of the declarations.
func TestSettingsFollowDeclarations(t *testing.T) {
	s := searchtest.Settings(t)
	d := meiliindex.Declared(s)
	for _, f := range s.Facets {
		if !slices.Contains(d.FilterableAttributes, "f_"+f) {
			t.Errorf("the facet %s cannot be filtered by", f)
		}
	}
	for _, k := range s.Keys {
		if !slices.Contains(d.SortableAttributes, "k_"+k) {
			t.Errorf("%s is no order", k)
		}
	}
	if want := 2 * 3 * len(s.Locales); len(d.SearchableAttributes) != want {
		t.Errorf("%d searchable attributes, want %d", len(d.SearchableAttributes), want)
	}
}
