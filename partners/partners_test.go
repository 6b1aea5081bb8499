package partners_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/mongostore"
	"github.com/prassi-cms/prassi/content/sqlitestore"
	"github.com/prassi-cms/prassi/internal/mongoengine"
	"github.com/prassi-cms/prassi/partners"
	"github.com/prassi-cms/prassi/schemas"
)

var (
	ctx = context.Background()
	by  = content.Actor{ID: "person:ada", Via: "session"}
)

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t
}

// world is one process over a store.
type world struct {
	*partners.Registry
	store  content.Store
	ledger *audit.Ledger
	clock  *clock
}

func over(t testing.TB, store content.Store, c *clock) *world {
	t.Helper()
	ledger := audit.New(store, c.Now)
	r, err := partners.New(ctx, partners.Options{Ledger: ledger, Schemas: schemas.Default(), Clock: c.Now})
	if err != nil {
		t.Fatal(err)
	}
	return &world{r, store, ledger, c}
}

func newWorld(t testing.TB) *world {
	t.Helper()
	store, err := sqlitestore.Open(ctx, filepath.Join(t.TempDir(), "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return over(t, store, &clock{now: time.Date(2026, 11, 22, 22, 30, 0, 0, time.UTC)})
}

// onEngines runs a test on both engines.
func onEngines(t *testing.T, test func(t *testing.T, w *world)) {
	t.Run("sqlite", func(t *testing.T) { test(t, newWorld(t)) })
	t.Run("mongodb", func(t *testing.T) {
		server, settings, _ := strings.Cut(mongoengine.Start(t), "/?")
		store, err := mongostore.Open(ctx, server+"/"+mongoengine.DatabaseName()+"?"+settings)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { store.Close() })
		test(t, over(t, store, &clock{now: time.Date(2026, 11, 22, 22, 30, 0, 0, time.UTC)}))
	})
}

func prato() partners.Partner {
	return partners.Partner{
		Key: "comune-prato", Name: " Comune di Prato ", Origins: []string{"https://WWW.Comune.Prato.it:443/", "http://localhost:3000"},
		Domain: "Integrazione.Comune.Prato.IT", Languages: []string{"it", "AR"}, Filter: partners.Filter{Territories: []string{"PO"}, Topics: []string{"housing"}, Collections: []string{"news"}},
		Theme: map[string]string{"accent": "#0066CC", "radius": "4px"}, Targets: []string{"s3://prato/sito?region=eu-south-1"}, Contact: "web@comune.prato.it", Active: true,
	}
}

func code(err error) string {
	var p *content.Problem
	if errors.As(err, &p) {
		return p.Code
	}
	return ""
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestLife(t *testing.T) {
	onEngines(t, func(t *testing.T, w *world) {
		given := prato()
		p, err := w.Create(ctx, by, given)
		must(t, err)
		if p.Name != "Comune di Prato" || !slices.Equal(p.Origins, []string{"https://www.comune.prato.it", "http://localhost:3000"}) || p.Domain != "integrazione.comune.prato.it" ||
			!slices.Equal(p.Languages, []string{"it", "ar"}) || p.Filter.Territories[0] != "100" || p.Theme["accent"] != "#0066cc" || p.CreatedAt.IsZero() {
			t.Errorf("%+v", p)
		}
		if given.Origins[0] != "https://WWW.Comune.Prato.it:443/" || given.Theme["accent"] != "#0066CC" {
			t.Error("the caller's value was changed")
		}
		if _, err := w.Create(ctx, by, prato()); code(err) != "partner_key_taken" {
			t.Error(err)
		}
		other := over(t, w.store, w.clock) // another process, which begins by reading
		if _, ok := other.Lookup("comune-prato"); !ok {
			t.Error("another process does not know it")
		}
		q, err := w.Change(ctx, by, p.Key, func(p *partners.Partner) {
			p.Key, p.CreatedAt, p.Active, p.Origins[1] = "altro", time.Time{}, false, "https://prato.example"
		})
		must(t, err)
		if q.Key != p.Key || q.CreatedAt != p.CreatedAt || q.Active {
			t.Errorf("%+v", q)
		}
		if _, ok := w.Lookup(p.Key); ok {
			t.Error("who is not active is found")
		}
		if _, err := w.Admit(p.Key, ""); code(err) != "partner_unknown" {
			t.Error(err)
		}
		if _, ok := other.Lookup(p.Key); !ok {
			t.Error("the other process knew it before it read")
		}
		must(t, other.Refresh(ctx))
		if _, ok := other.Lookup(p.Key); ok {
			t.Error("the other process has not read the change")
		}
		if _, err := w.Change(ctx, by, p.Key, func(p *partners.Partner) { p.Origins = []string{"http://prato.example"} }); code(err) != "partner_invalid" {
			t.Error(err)
		}
		if got, err := w.Get(ctx, p.Key); err != nil || !slices.Equal(got.Origins, q.Origins) {
			t.Errorf("a refused change was kept: %+v %v", got, err)
		}
		for _, key := range []string{"nessuno", "", "../x", "PRATO", strings.Repeat("a", 300)} {
			_, err1 := w.Get(ctx, key)
			_, err2 := w.Change(ctx, by, key, func(*partners.Partner) {})
			if !errors.Is(err1, content.ErrNotFound) || !errors.Is(err2, content.ErrNotFound) || !errors.Is(w.End(ctx, by, key), content.ErrNotFound) {
				t.Errorf("%.20q: %v %v", key, err1, err2)
			}
		}
		must(t, w.End(ctx, by, p.Key))
		if list, err := w.List(ctx, "", 0); err != nil || len(list) != 0 {
			t.Error(list, err)
		}
		entries, err := w.ledger.Entries(ctx, "partner:comune-prato", 0, 0)
		must(t, err)
		var told []string
		for _, e := range entries {
			told = append(told, e.Action)
			if len(e.Details) > 0 {
				t.Errorf("the log repeats data: %+v", e)
			}
		}
		if !slices.Equal(told, []string{"partner_made", "partner_changed", "partner_ended"}) {
			t.Error(told)
		}
		if _, err := w.Create(ctx, content.Actor{}, prato()); code(err) != "unauthenticated" {
			t.Errorf("nobody may: %v", err)
		}
	})
}

func TestOrigin(t *testing.T) {
	for in, want := range map[string]string{
		"https://example.org": "https://example.org", "https://EXAMPLE.org/": "https://example.org", "https://example.org:443": "https://example.org",
		"https://example.org:8443": "https://example.org:8443", "http://localhost": "http://localhost", "http://127.0.0.1:80": "http://127.0.0.1",
		"http://[::1]:5000": "http://[::1]:5000", "http://app.localhost:3000": "http://app.localhost:3000", "https://città.example": "https://xn--citt-3na.example",
		"https://192.0.2.1": "https://192.0.2.1",
	} {
		if got, ok := partners.Origin(in); !ok || got != want {
			t.Errorf("%s: %q %v", in, got, ok)
		}
	}
	for _, in := range []string{
		"", "null", "*", "https://*", "https://*.example.org", "http://example.org", "http://127.0.0.1.example.org", "http://localhost.example.org", "https://example.org/page",
		"https://example.org//", "https://example.org?", "https://example.org#", "https://example.org?x=1", "https://user@example.org", "https://user:pw@example.org",
		"https://", "https://:443", "https://example.org:", "https://example.org:0", "https://example.org:99999", "https://example.org:08", "https://exa mple.org", "https://example.org\n",
		"ftp://example.org", "javascript:alert(1)", "//example.org", "example.org", "file:///etc", "https:example.org", "https://example.org; frame-ancestors *", "https://a,b", "https://exa'mple.org", "https://-x.org",
		"https://\xff.org", "https://\ufffd", "https://xn--zn7c",
	} {
		if got, ok := partners.Origin(in); ok {
			t.Errorf("%q is taken as %q", in, got)
		}
	}
}

// Whatever passes can stand in a header of CSP and in a style sheet.
func FuzzWhatPasses(f *testing.F) {
	for _, s := range []string{"https://example.org", "#fff", "4px", "http://[::1]:80", "red;}", "https://a.b:1 *"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if o, ok := partners.Origin(s); ok {
			if strings.ContainsAny(o, " ;,'\"*<>\\\n\r\t") || strings.Count(o, "/") != 2 {
				t.Errorf("%q became %q", s, o)
			}
			if again, ok := partners.Origin(o); !ok || again != o {
				t.Errorf("%q is not of one form: %q", o, again)
			}
		}
		if v, ok := partners.Token(s); ok && strings.Trim(v, "#.%0123456789abcdefprxm") != "" {
			t.Errorf("%q became %q", s, v)
		}
	})
}

func TestRefusals(t *testing.T) {
	w := newWorld(t)
	for want, change := range map[string]func(*partners.Partner){
		"/key partner_key_form":                           func(p *partners.Partner) { p.Key = "Comune Prato" },
		"/name required":                                  func(p *partners.Partner) { p.Name = "  " },
		"/name control_character":                         func(p *partners.Partner) { p.Name = "Prato\u202e" },
		"/name too_long":                                  func(p *partners.Partner) { p.Name = strings.Repeat("ò", 121) },
		"/origins/1 partner_origin_form":                  func(p *partners.Partner) { p.Origins[1] = "https://*.prato.it" },
		"/origins/1 duplicate":                            func(p *partners.Partner) { p.Origins[1] = "https://www.comune.prato.it" },
		"/origins too_many_items":                         func(p *partners.Partner) { p.Origins = make([]string, 51) },
		"/domain partner_domain_form":                     func(p *partners.Partner) { p.Domain = "https://prato.it" },
		"/languages/1 invalid_language":                   func(p *partners.Partner) { p.Languages[1] = "klingon" },
		"/filter/territories/0 unknown_territory":         func(p *partners.Partner) { p.Filter.Territories[0] = "ZZ" },
		"/filter/topics/0 unknown_term":                   func(p *partners.Partner) { p.Filter.Topics[0] = "gardening" },
		"/filter/organizations/0 invalid_reference":       func(p *partners.Partner) { p.Filter.Organizations = []string{"a b"} },
		"/filter/collections/0 partner_no_collection":     func(p *partners.Partner) { p.Filter.Collections[0] = "drafts" },
		"/theme/Accent; partner_theme_name":               func(p *partners.Partner) { p.Theme["Accent;"] = "#fff" },
		"/theme/accent partner_theme_value":               func(p *partners.Partner) { p.Theme["accent"] = "red;background:url(//evil)" },
		"/targets/0 partner_target_form":                  func(p *partners.Partner) { p.Targets[0] = "/etc" },
		"/targets/0 partner_target_form (file)":           func(p *partners.Partner) { p.Targets[0] = "file:/srv/www" },
		"/targets/0 partner_target_form (rsync)":          func(p *partners.Partner) { p.Targets[0] = "rsync:-oProxyCommand=x:/y" },
		"/targets/0 partner_target_form (password in it)": func(p *partners.Partner) { p.Targets[0] = "s3://key:secret@bucket" },
		"/contact invalid_email":                          func(p *partners.Partner) { p.Contact = "Web <web@prato.it>" },
	} {
		p := prato()
		change(&p)
		_, err := w.Create(ctx, by, p)
		var problem *content.Problem
		if !errors.As(err, &problem) || len(problem.Fields) != 1 {
			t.Errorf("%s: %v", want, err)
			continue
		}
		if got := problem.Fields[0].Path + " " + problem.Fields[0].Code; !strings.HasPrefix(want, got) {
			t.Errorf("%s: told %s", want, got)
		}
	}
	if list, _ := w.List(ctx, "", 0); len(list) > 0 {
		t.Error("something refused was kept")
	}
}

func TestAdmit(t *testing.T) {
	w := newWorld(t)
	_, err := w.Create(ctx, by, prato())
	must(t, err)
	for origin, want := range map[string]string{
		"": "", "https://www.comune.prato.it": "", "http://localhost:3000": "", "null": "origin_not_allowed", "https://comune.prato.it": "origin_not_allowed",
		"http://www.comune.prato.it": "origin_not_allowed", "https://www.comune.prato.it.evil.example": "origin_not_allowed", "https://www.comune.prato.it:8443": "origin_not_allowed",
		"https://WWW.comune.prato.it": "origin_not_allowed", "https://www.comune.prato.it/": "origin_not_allowed",
	} {
		if _, err := w.Admit("comune-prato", origin); code(err) != want {
			t.Errorf("%q: %v", origin, err)
		}
	}
	if _, err := w.Admit("comune-firenze", "https://www.comune.prato.it"); code(err) != "partner_unknown" {
		t.Error(err)
	}
}

// TestWithin: whatever is asked, nothing is asked of the catalogue that the filter
// does not let through, and nothing of what is asked and let through is lost.
func TestWithin(t *testing.T) {
	w := newWorld(t)
	places := schemas.Default().Territories()
	var codes []string
	for _, r := range places.Regions() {
		codes = append(codes, r.ISTAT)
	}
	for _, p := range places.Provinces() {
		codes = append(codes, p.ISTAT)
	}
	inside := func(list []string, code string) bool {
		return len(list) == 0 || slices.ContainsFunc(list, func(f string) bool { return places.Contains(f, code) })
	}
	rapid.Check(t, func(rt *rapid.T) {
		some := rapid.SliceOfNDistinct(rapid.SampledFrom(codes), 0, 4, rapid.ID[string])
		p := &partners.Partner{Key: "x", Filter: partners.Filter{Territories: some.Draw(rt, "filter")}}
		asked := some.Draw(rt, "asked")
		got, err := w.Within(p, "news", partners.Asked{Territories: asked})
		for _, c := range codes {
			want := inside(p.Filter.Territories, c) && inside(asked, c)
			has := err == nil && inside(got.Territories, c)
			if want != has {
				rt.Fatalf("filter %v, asked %v, got %v %v: %s is in: %t", p.Filter.Territories, asked, got.Territories, err, c, has)
			}
			if shown := w.Shows(p, "news", partners.Asked{Territories: []string{c}}); shown != inside(p.Filter.Territories, c) {
				rt.Fatalf("%v shows %s: %t", p.Filter.Territories, c, shown)
			}
		}
	})
	for _, c := range []struct{ filter, asked, alone, want bool }{{false, true, true, false}, {false, true, false, false}, {true, false, true, true}, {true, false, false, false}, {true, true, false, true}} {
		p := &partners.Partner{Key: "x", Filter: partners.Filter{Territories: []string{"09"}, National: c.filter}}
		ask := partners.Asked{National: c.asked}
		if !c.alone {
			ask.Territories = []string{"100"}
		}
		if got, err := w.Within(p, "news", ask); err != nil || got.National != c.want || w.Shows(p, "news", partners.Asked{}) != c.filter {
			t.Errorf("%+v: %+v %v", c, got, err)
		}
	}
	p := &partners.Partner{Key: "x", Filter: partners.Filter{Topics: []string{"housing", "work"}, Collections: []string{"news"}, Organizations: []string{"orti"}}}
	got, err := w.Within(p, "news", partners.Asked{Topics: []string{"work", "health"}})
	if err != nil || !slices.Equal(got.Topics, []string{"work"}) || !slices.Equal(got.Organizations, []string{"orti"}) {
		t.Error(got, err)
	}
	for name, ask := range map[string]func() error{
		"collection": func() error { _, err := w.Within(p, "services", partners.Asked{}); return err },
		"topic":      func() error { _, err := w.Within(p, "news", partners.Asked{Topics: []string{"health"}}); return err },
		"nonsense": func() error {
			_, err := w.Within(&partners.Partner{Filter: partners.Filter{Territories: []string{"100"}}}, "news", partners.Asked{Territories: []string{"zz"}})
			return err
		},
	} {
		if err := ask(); code(err) != "partner_outside" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if w.Shows(p, "news", partners.Asked{Topics: []string{"work"}}) || !w.Shows(p, "news", partners.Asked{Topics: []string{"work"}, Organizations: []string{"01-id", "orti"}}) ||
		w.Shows(p, "services", partners.Asked{Topics: []string{"work"}, Organizations: []string{"orti"}}) {
		t.Error("the filter on one item")
	}
}

// TestUse counts in two processes, over midnight of Italy, and forgets.
func TestUse(t *testing.T) {
	onEngines(t, func(t *testing.T, w *world) {
		other := over(t, w.store, w.clock)
		for range 3 {
			w.Count("news", "comune-prato")
			other.Count("news", "comune-prato")
		}
		other.Count("services", "comune-prato")
		other.Count("news", "")
		w.clock.set(time.Date(2026, 11, 22, 23, 0, 0, 0, time.UTC)) // the 23rd in Italy
		w.Count("news", "comune-prato")
		must(t, w.Flush(ctx))
		w.Count("news", "comune-prato") // not written yet
		var wait sync.WaitGroup
		for range 4 {
			wait.Go(func() { other.Count("deadlines", "comune-prato"); _ = other.Flush(ctx) })
		}
		wait.Wait()
		must(t, other.Flush(ctx))
		got, err := w.Usage(ctx, "comune-prato", "2026-11-01", "2026-11-30")
		must(t, err)
		want := []partners.Use{
			{"2026-11-22", "comune-prato", "news", 6}, {"2026-11-22", "comune-prato", "services", 1},
			{"2026-11-23", "comune-prato", "deadlines", 4}, {"2026-11-23", "comune-prato", "news", 2},
		}
		if !slices.Equal(got, want) {
			t.Errorf("%v", got)
		}
		if got, _ := w.Usage(ctx, "comune-prato", "2026-11-23", "2026-11-23"); len(got) != 2 {
			t.Errorf("%v", got)
		}
		if got, _ := w.Usage(ctx, "", "2026-11-22", "2026-11-22"); len(got) != 1 || got[0].Count != 1 {
			t.Errorf("%v", got)
		}
		must(t, w.Flush(ctx))
		purger := partners.Purger(w.ledger)
		if _, ok := audit.DefaultRetention().Age(purger.Kind()); !ok {
			t.Error("it is not declared how long it is kept")
		}
		if n, err := purger.Purge(ctx, time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)); n != 1 || err != nil {
			t.Error(n, err)
		}
		if got, _ := w.Usage(ctx, "comune-prato", "0000", "9999"); len(got) != 2 {
			t.Errorf("%v", got)
		}
		records, err := w.store.ListRecords(ctx, "widget_use", "", 0)
		must(t, err)
		for _, r := range records { // nothing but names and numbers
			if strings.Trim(string(r.Data), `{}":,0123456789abcdefghijklmnopqrstuvwxyz-`) != "" {
				t.Errorf("%s", r.Data)
			}
		}
	})
}

// A store that fails loses no count.
func TestUseSurvivesAFailure(t *testing.T) {
	w := newWorld(t)
	w.Count("news", "comune-prato")
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if w.Flush(gone) == nil {
		t.Fatal("it was written")
	}
	w.Count("news", "comune-prato")
	must(t, w.Flush(ctx))
	got, err := over(t, w.store, w.clock).Usage(ctx, "comune-prato", "2026-11-22", "2026-11-22")
	if err != nil || len(got) != 1 || got[0].Count != 2 {
		t.Error(got, err)
	}
}
