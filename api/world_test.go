package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/auth"
	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/markdown"
	"github.com/prassi-cms/prassi/content/mongostore"
	"github.com/prassi-cms/prassi/content/sqlitestore"
	"github.com/prassi-cms/prassi/duplicates"
	"github.com/prassi-cms/prassi/internal/leak"
	"github.com/prassi-cms/prassi/internal/mongoengine"
	"github.com/prassi-cms/prassi/media"
	"github.com/prassi-cms/prassi/schemas"
	"github.com/prassi-cms/prassi/search/feed"
)

// world is the API over the real service, store and catalogue, on a real
// connection.
type world struct {
	t       testing.TB
	store   content.Store
	service *content.Service
	catalog *catalog.Catalog
	auth    *auth.Auth
	ledger  *audit.Ledger
	media   *media.Library
	finder  *feed.Feed
	engine  *engine
	files   string // where the library keeps them
	letters string // where messages are written
	server  *Server
	http    *httptest.Server
	tokens  map[string]string // by name of person
}

var people = []auth.Person{
	{ID: "ada", Name: "Ada <Amministratrice>", Locale: "it", Grants: []content.Grant{{Role: "administrator"}}},
	{ID: "edo", Name: "Edo Editor", Locale: "en", Grants: []content.Grant{{Role: "editor"}}},
	{ID: "carla", Name: "Carla Contributrice", Locale: "it", Grants: []content.Grant{{Role: "contributor", Scope: "orti"}}},
	{ID: "rita", Name: "Rita Revisora", Locale: "it", Grants: []content.Grant{{Role: "reviewer", Scope: "015"}}},
	{ID: "tariq", Name: "Tariq", Locale: "ar", Grants: []content.Grant{{Role: "translator", Scope: "ar"}}},
}

func newWorld(t testing.TB, change ...func(*Options)) *world {
	t.Helper()
	return newWorldOf(t, people, change...)
}

// newWorldOf is newWorld with other people.
func newWorldOf(t testing.TB, people []auth.Person, change ...func(*Options)) *world {
	t.Helper()
	store, err := sqlitestore.Open(context.Background(), filepath.Join(t.TempDir(), "prassi.db"))
	if err != nil {
		t.Fatal(err)
	}
	return overWith(t, store, people, change...)
}

// onEngines runs a test on both engines.
func onEngines(t *testing.T, test func(t *testing.T, w *world), change ...func(*Options)) {
	t.Parallel() // they wait for the disk most of the time
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, newWorld(t, change...))
	})
	t.Run("mongodb", func(t *testing.T) {
		t.Parallel()
		server, settings, _ := strings.Cut(mongoengine.Start(t), "/?")
		store, err := mongostore.Open(context.Background(), server+"/"+mongoengine.DatabaseName()+"?"+settings)
		if err != nil {
			t.Fatal(err)
		}
		test(t, over(t, store, change...))
	})
}

// over makes a world on a store, which it closes.
func over(t testing.TB, store content.Store, change ...func(*Options)) *world {
	t.Helper()
	return overWith(t, store, people, change...)
}

// overWith is over with other people.
func overWith(t testing.TB, store content.Store, people []auth.Person, change ...func(*Options)) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{t: t, store: store, tokens: map[string]string{}}
	t.Cleanup(func() { w.store.Close() })
	var err error
	reg := schemas.Default()
	w.ledger = audit.New(w.store, nil)
	w.files = filepath.Join(dir, "media")
	w.must(os.MkdirAll(w.files, 0o700))
	bucket, err := media.OpenBucket(context.Background(), "file://"+w.files)
	w.must(err)
	t.Cleanup(func() { bucket.Close() })
	w.media = media.Open(media.Options{Bucket: bucket, Ledger: w.ledger})
	w.service, err = content.New(w.store, reg, content.Options{Render: check, Media: func(ctx context.Context, a content.Actor, id string) error {
		_, err := w.media.See(ctx, w.service, a, id)
		return err
	}})
	w.must(err)
	w.catalog, err = catalog.Open(context.Background(), catalog.Options{Dir: filepath.Join(dir, "catalog"), Source: w.store, Schemas: reg, Media: MediaInfo(w.media)})
	w.must(err)
	t.Cleanup(func() { w.catalog.Close() })
	w.search(filepath.Join(dir, "search"))
	w.auth = auth.New(w.ledger, auth.Options{})
	for _, p := range people {
		w.must(w.auth.PutPerson(context.Background(), content.System("test"), p))
		secret, _, err := w.auth.CreateToken(context.Background(), content.System("test"), auth.NewToken{Name: p.ID, Grants: p.Grants, Life: time.Hour})
		w.must(err)
		w.tokens[p.ID] = leak.Secret(secret)
	}
	opt := Options{
		Service: w.service, Catalog: w.catalog, Search: w.finder, Auth: w.auth, Ledger: w.ledger, Media: w.media, Store: w.store, Schemas: reg,
		Duplicates: duplicates.NewWatch(w.store, reg), Freshness: w.asking(),
		Logger: leak.Logger(), Version: "test", Demo: true, DemoPeople: people, Rates: ample,
	}
	opt.Cards, err = painter()
	w.must(err)
	opt.Webhooks = w.hooking()
	for _, f := range change {
		f(&opt)
	}
	showing(w, &opt)
	w.server, err = New(opt)
	w.must(err)
	w.http = httptest.NewUnstartedServer(w.server)
	w.http.Config = w.server.HTTPServer()
	w.http.Start()
	t.Cleanup(w.http.Close)
	return w
}

// check tells content.Service what the renderer refuses.
func check(text, locale string) error {
	err := markdown.Check([]byte(text), markdown.Options{Locale: locale})
	if refused, ok := errors.AsType[*markdown.Error](err); ok {
		return coded{refused}
	}
	return err
}

type coded struct{ cause *markdown.Error }

func (c coded) Error() string { return c.cause.Error() }
func (c coded) Code() string  { return c.cause.Code }

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// answered is an answer with its body read.
type answered struct {
	*http.Response
	body []byte
}

// json decodes the body into a tree.
func (a answered) json(t testing.TB) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal(a.body, &out); err != nil {
		t.Fatalf("%s: not a JSON object: %v\n%s", a.Request.URL, err, a.body)
	}
	return out
}

// into decodes the body.
func (a answered) into(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal(a.body, v); err != nil {
		t.Fatalf("%s: %v\n%s", a.Request.URL, err, a.body)
	}
}

// send makes a request. who is a person's name, or "". headers come in pairs.
func (w *world) send(who, method, path, body string, headers ...string) answered {
	w.t.Helper()
	req, err := http.NewRequest(method, w.http.URL+path, strings.NewReader(body))
	w.must(err)
	req.Header.Set("Accept-Encoding", "identity")
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if who != "" {
		req.Header.Set("Authorization", "Bearer "+w.tokens[who])
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
		if headers[i] == "Host" {
			req.Host = headers[i+1]
		}
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	w.must(err)
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	w.must(err)
	return answered{res, data}
}

// want fails unless the answer has the status; it shows the body.
func (a answered) want(t testing.TB, status int) answered {
	t.Helper()
	if a.StatusCode != status {
		t.Fatalf("%s %s: status %d, want %d\n%s", a.Request.Method, a.Request.URL, a.StatusCode, status, a.body)
	}
	return a
}

// problem gives the body of a problem and fails unless it has that status and
// code and the shape of one.
func (a answered) problem(t testing.TB, status int, code string) Problem {
	t.Helper()
	a.want(t, status)
	if got := a.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Fatalf("%s: content type %q\n%s", a.Request.URL, got, a.body)
	}
	var p Problem
	a.into(t, &p)
	if p.Code != code {
		t.Fatalf("%s: code %q, want %q\n%s", a.Request.URL, p.Code, code, a.body)
	}
	if p.Status != int32(status) || p.Type != "/problems/"+code || p.Title == "" || p.Detail == "" || p.Title == code || p.Detail == code ||
		p.Instance != "urn:uuid:"+p.RequestID || a.Header.Get("X-Request-Id") != p.RequestID {
		t.Errorf("%s: not a whole problem\n%s", a.Request.URL, a.body)
	}
	return p
}

// somewhere is a path of an operation, with values that fit; nothing need be there.
func somewhere(op *operation) string {
	return strings.NewReplacer("{id}", "01a200c0-1521-7515-b00f-f6551e24acaf", "{locale}", "it", "{number}", "1", "{transition}", "publish",
		"{to}", "rita", "{grant}", "editor").Replace(op.Route)
}

// article writes an article in the drawer and gives its view.
func (w *world) article(who, title string, more ...string) Variant {
	w.t.Helper()
	body := `{"type":"article","locale":"it","fields":{"title":` + quote(title) + `,"summary":"Riassunto di ` + title + `","body":"## Capo\n\nTesto, art. 5 della legge n. 40/1998.","territories":["MI"],"topics":["housing"]` + strings.Join(more, "") + `}}`
	var v Variant
	w.send(who, "POST", "/api/v1/manage/documents", body).want(w.t, 201).into(w.t, &v)
	return v
}

// publish takes a variant to the public and waits until it is there.
func (w *world) publish(who string, v Variant) Variant {
	w.t.Helper()
	var out Variant
	w.send(who, "POST", variantPath(v)+"/transitions", `{"transition":"publish"}`, "If-Match", v.ETag).want(w.t, 200).into(w.t, &out)
	w.catchUp()
	return out
}

// catchUp lets the catalogue read the log to its end.
func (w *world) catchUp() {
	w.t.Helper()
	if r, ok := w.store.(interface {
		Relay(context.Context) (int, error)
	}); ok {
		_, err := r.Relay(context.Background())
		w.must(err)
	}
	w.must(w.catalog.CatchUp(context.Background()))
	w.must(w.finder.CatchUp(context.Background()))
}

func variantPath(v Variant) string {
	return "/api/v1/manage/documents/" + v.ID + "/variants/" + v.Locale
}

func quote(s string) string {
	data, _ := json.Marshal(s)
	return string(data)
}
