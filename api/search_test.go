package api

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/jobs"
	"github.com/prassi-cms/prassi/schemas"
	"github.com/prassi-cms/prassi/search"
	"github.com/prassi-cms/prassi/search/bleveindex"
	"github.com/prassi-cms/prassi/search/feed"
)

// engine is a search engine that can be down.
type engine struct {
	search.Index
	down atomic.Bool
}

var errEngine = &search.Unavailable{Err: errors.New("secret reason of the engine")}

func (e *engine) Apply(ctx context.Context, b search.Batch) error {
	if e.down.Load() {
		return errEngine
	}
	return e.Index.Apply(ctx, b)
}

func (e *engine) Position(ctx context.Context) (int64, error) {
	if e.down.Load() {
		return 0, errEngine
	}
	return e.Index.Position(ctx)
}

func (e *engine) Search(ctx context.Context, q search.Query) (*search.Result, error) {
	if e.down.Load() {
		return nil, errEngine
	}
	return e.Index.Search(ctx, q)
}

func (e *engine) Suggest(ctx context.Context, q search.SuggestQuery) ([]search.Suggestion, error) {
	if e.down.Load() {
		return nil, errEngine
	}
	return e.Index.Suggest(ctx, q)
}

// search opens the index of a world in a folder.
func (w *world) search(dir string) {
	w.t.Helper()
	settings, err := search.Derive(w.service.Schemas())
	w.must(err)
	settings = settings.WithPlaces(w.service.Territories())
	index, err := bleveindex.Open(bleveindex.Options{Dir: dir, Settings: settings})
	w.must(err)
	w.t.Cleanup(func() { index.Close() })
	w.engine = &engine{Index: index}
	w.finder = feed.New(w.catalog, w.engine, settings, nil)
	w.must(w.finder.CatchUp(context.Background()))
}

// ask gives the answer to a search.
func (w *world) ask(query string) SearchPage {
	w.t.Helper()
	var out SearchPage
	w.send("", "GET", "/api/v1/search?"+query, "").want(w.t, 200).into(w.t, &out)
	return out
}

// slugsOf gives the slugs of a page, sorted.
func slugsOf(page SearchPage) (out []string) {
	for _, h := range page.Items {
		out = append(out, h.Slug)
	}
	slices.Sort(out)
	return out
}

// directory publishes a few things to look for.
func (w *world) directory() {
	w.t.Helper()
	places := func(label, address string, lat, lon float64) []any {
		return []any{map[string]any{"label": label, "address": address, "lat": lat, "lon": lon}}
	}
	w.incoming(content.Incoming{Type: "organization", Variants: []content.IncomingVariant{
		{Locale: "it", Slug: "orti-urbani", Publish: true, Fields: map[string]any{"title": "Orti Urbani"}},
		{Locale: "en", Slug: "city-gardens", Publish: true, Fields: map[string]any{"title": "City Gardens"}},
	}})
	w.incoming(
		content.Incoming{Type: "service", Variants: []content.IncomingVariant{
			{Locale: "it", Slug: "sportello", Publish: true, Fields: map[string]any{"title": "Sportello <legale>", "summary": "Aiuto con il permesso di soggiorno.", "body": "Testo & altro sul decreto legislativo 286/1998.",
				"organization": "organization/orti-urbani", "territories": []any{"PO"}, "topics": []any{"work"}, "languages": []any{"it", "bn"}, "cost": "free",
				"places": places("Sede", "Via Pugliesi 1", 43.88, 11.1)}},
			{Locale: "en", Slug: "desk", Publish: true, Fields: map[string]any{"title": "Legal desk", "summary": "Help with the residence permit.", "body": "Text."}},
		}},
		content.Incoming{Type: "service", Variants: []content.IncomingVariant{
			{Locale: "it", Slug: "scuola", Publish: true, Fields: map[string]any{"title": "Scuola di italiano", "summary": "Corsi gratuiti.", "body": "Testo.",
				"territories": []any{"MI"}, "topics": []any{"health"}, "languages": []any{"ar"}, "places": places("Scuola", "Via Torino 1", 45.46, 9.19)}},
		}},
		content.Incoming{Type: "article", Variants: []content.IncomingVariant{
			{Locale: "it", Slug: "permesso", Publish: true, Fields: map[string]any{"title": "Il permesso di soggiorno", "summary": "Come si rinnova.", "body": "Alla questura."}},
			{Locale: "ar", Slug: "iqama", Publish: true, Fields: map[string]any{"title": "تجديد تصريح الإقامة", "summary": "كيف تطلب الوثيقة.", "body": "إلى المكتب."}},
		}},
	)
}

// What a search answers.
func TestSearch(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.PublicURL = "https://prassi.example" })
	w.directory()
	for query, want := range map[string][]string{
		"q=permesso":                          {"permesso", "sportello"},
		"q=permeso+di+sogiorno&locale=it":     {"permesso", "sportello"},
		"q=permesso&type=services":            {"sportello"},
		"q=permesso&type=service,article":     {"permesso", "sportello"},
		"q=residence+permit":                  {},
		"q=residence+permit&locale=en":        {"desk"},
		"q=questura&locale=en&locales=it":     {"permesso"},
		"q=286/1998":                          {"sportello"},
		"q=orti":                              {"orti-urbani", "sportello"},
		"q=prato":                             {"sportello"},
		"q=pugliesi":                          {"sportello"},
		"territory=PO":                        {"sportello"},
		"territory=09,MI&type=services":       {"scuola", "sportello"},
		"topic=work&language=bn":              {"sportello"},
		"organization=orti-urbani":            {"sportello"},
		"organization=city-gardens&locale=en": {"desk"},
		"cost=free":                           {"sportello"},
		"near=43.88,11.1&radius=5000":         {"sportello"},
		"near=43.88,11.1&sort=distance":       {"scuola", "sportello"},
		"bbox=9,45,10,46":                     {"scuola"},
		"type=services&from=2100-01-01":       {},
		"q=permesso+-questura":                {"sportello"},
		"q=%22permesso+di+soggiorno%22":       {"permesso", "sportello"},
		"q=تصريح&locale=ar":                   {"iqama"},
		"q=تصريح":                             {"iqama"},
		"q=تصريح+الإقامة":                     {"iqama", "sportello"}, // and in Italian what is not there in Arabic
		"q=" + url.QueryEscape("تَصْرِيح") + "&locale=ar": {"iqama"},
	} {
		page := w.ask(query)
		if got := slugsOf(page); !slices.Equal(got, want) && len(got)+len(want) > 0 || page.Total != len(want) {
			t.Errorf("%s: %v of %d, want %v", query, got, page.Total, want)
		}
	}
	page := w.ask("q=legale+permeso&type=service&locale=it&near=43.9,11.1&facets=type,territory,topic,organization,language,locale,year,cost,assurance")
	if len(page.Items) != 1 {
		t.Fatalf("%+v", page)
	}
	h := page.Items[0]
	if h.Title != "Sportello <legale>" || h.TitleHTML != "Sportello &lt;<mark>legale</mark>&gt;" || h.Collection != "services" || h.Type != "service" ||
		h.URL != "https://prassi.example/api/v1/services/sportello?locale=it" || h.Summary != "Aiuto con il permesso di soggiorno." ||
		!strings.Contains(h.Snippet, "<mark>permesso</mark>") || len(h.Why) < 2 || h.Distance == nil || *h.Distance < 2000 || *h.Distance > 2500 {
		t.Errorf("%+v", h)
	}
	if page.DidYouMean != "legale permesso" {
		t.Errorf("did you mean %q", page.DidYouMean)
	}
	for facet, want := range map[string]FacetCount{
		"type": {"service", "Servizi", 1}, "organization": {page.Facets["organization"][0].Value, "Orti Urbani", 1}, "language": {"bn", "bengalese", 1},
		"locale": {"it", "italiano", 1}, "year": {strconv.Itoa(time.Now().Year()), strconv.Itoa(time.Now().Year()), 1}, "cost": {"free", "Gratuito", 1}, "territory": {"100", "Prato", 1},
	} {
		if !slices.Contains(page.Facets[facet], want) {
			t.Errorf("facet %s: %+v, want %+v", facet, page.Facets[facet], want)
		}
	}
	if got := w.ask("organization=orti-urbani&locale=en&facets=organization,type").Facets; got["organization"][0].Label != "City Gardens" || got["type"][0].Label != "Services" {
		t.Errorf("labels for an English reader: %+v", got)
	}
	// Pages.
	first := w.ask("q=permesso&limit=1")
	if len(first.Items) != 1 || first.Links.Prev != "" || !strings.Contains(first.Links.Next, "offset=1") {
		t.Fatalf("%+v", first.Links)
	}
	next, ok := strings.CutPrefix(first.Links.Next, "https://prassi.example/api/v1/search?")
	if second := w.ask(next); !ok || len(second.Items) != 1 || second.Items[0].ID == first.Items[0].ID || second.Links.Next != "" || second.Links.Prev == "" {
		t.Errorf("the second page: %+v", second)
	}
	// Kept like other public reads.
	a := w.send("", "GET", "/api/v1/search?q=permesso", "", "Origin", "https://a.example").want(t, 200)
	if a.Header.Get("ETag") == "" || !strings.HasPrefix(a.Header.Get("Cache-Control"), "public, max-age=10") || a.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("%v", a.Header)
	}
	w.send("", "GET", "/api/v1/search?q=permesso", "", "If-None-Match", a.Header.Get("ETag")).want(t, 304)
}

func TestSuggest(t *testing.T) {
	w := newWorld(t)
	w.directory()
	var out SuggestionPage
	w.send("", "GET", "/api/v1/search/suggest?q=sport&locale=it", "").want(t, 200).into(t, &out)
	if len(out.Items) != 1 || out.Items[0].URL != "/api/v1/services/sportello?locale=it" || out.Items[0].Collection != "services" || out.Items[0].HTML != "<mark>Sportello</mark> &lt;legale&gt;" {
		t.Errorf("%+v", out.Items)
	}
	w.send("", "GET", "/api/v1/search/suggest?q=286", "").want(t, 200).into(t, &out)
	if len(out.Items) != 1 || out.Items[0].Kind != "act" || out.Items[0].Count != 1 || out.Items[0].Query != "286/1998" {
		t.Errorf("%+v", out.Items)
	}
	w.send("", "GET", "/api/v1/search/suggest?q=", "").want(t, 200)
	w.send("", "GET", "/api/v1/search/suggest?q=a&limit=21", "").problem(t, 400, codeInvalidQuery)
	w.send("", "GET", "/api/v1/search/suggest?q=a&locale=tlh", "").problem(t, 400, codeInvalidQuery)
	w.send("", "GET", "/api/v1/search/suggest?q="+strings.Repeat("a", 600), "").problem(t, 400, codeInvalidQuery)
}

// What bad input gets: a clear answer in bounded time.
func TestSearchBadInput(t *testing.T) {
	w := newWorld(t)
	w.directory()
	many := make([]string, 1000)
	for i := range many {
		many[i] = fmt.Sprintf("f%d=x", i)
	}
	terms := strings.TrimSuffix(strings.Repeat("health,", 1000), ",")
	for name, c := range map[string]struct{ query, path, code string }{
		"10,000 characters":                   {"q=" + strings.Repeat("a", 10_000), "", "too_long"},
		"600 characters":                      {"q=" + strings.Repeat("è", 600), "/q", "too_long"},
		"1,000 filters":                       {strings.Join(many, "&"), "/f0", "unknown_parameter"},
		"1,000 values":                        {"topic=" + terms, "/topic", "too_many_items"},
		"a limit of a thousand million":       {"limit=1e9", "/limit", "not_an_integer"},
		"a high limit":                        {"limit=1000000000", "/limit", "out_of_range"},
		"a high offset":                       {"offset=1000", "/offset", "out_of_range"},
		"a window too far":                    {"offset=990&limit=20", "/offset", "out_of_range"},
		"outside the world":                   {"near=95,11&radius=5", "/near", "out_of_range"},
		"outside in the other":                {"near=45,181&radius=5", "/near", "out_of_range"},
		"no numbers":                          {"near=NaN,NaN&radius=5", "/near", "unknown_place"},
		"radius without centre":               {"radius=5", "/near", "required"},
		"negative radius":                     {"near=45,9&radius=-1", "/radius", "out_of_range"},
		"box upside down":                     {"bbox=9,46,10,45", "/bbox", "wrong_order"},
		"box outside":                         {"bbox=-190,0,0,10", "/bbox", "out_of_range"},
		"half a box":                          {"bbox=1,2,3", "/bbox", "not_a_number"},
		"unknown facet":                       {"facets=colour", "/facets", "unknown_facet"},
		"facet that is a filter of an engine": {"facets=type%20%3D%20%22service%22", "/facets", "unknown_facet"},
		"unknown parameter":                   {"colour=red", "/colour", "unknown_parameter"},
		"twice":                               {"q=a&q=b", "/q", "repeated_parameter"},
		"unknown type":                        {"type=secrets", "/type", "unknown_term"},
		"filter syntax":                       {"type=service%22%20OR%20type%20%3D%20%22news", "/type", "unknown_term"},
		"filter syntax in a topic":            {"topic=" + url.QueryEscape(`work" OR _geoRadius(0,0,1)`), "/topic", "unknown_term"},
		"unknown territory":                   {"territory=XX", "/territory", "unknown_territory"},
		"unknown organization":                {"organization=nobody", "/organization", "invalid_reference"},
		"unknown language":                    {"language=%F0%9F%99%82", "/language", "invalid_language"},
		"unknown year":                        {"year=20O5", "/year", "not_a_date"},
		"unknown sort":                        {"sort=_geoPoint(0,0):asc", "/sort", "unknown_sort"},
		"sort by distance of nothing":         {"sort=distance", "/near", "required"},
		"unknown locale":                      {"locale=tlh", "/locale", "unknown_locale"},
		"unknown locales":                     {"locales=it,tlh", "/locales", "unknown_locale"},
		"too many locales":                    {"locales=it,en,fr,es,ar,zh,bn,de,fa,fil,hi,pa", "/locales", "too_many_items"},
		"no date":                             {"from=soon", "/from", "not_a_date"},
		"dates in the wrong order":            {"from=2026-05-02&to=2026-05-01", "/to", "wrong_order"},
		"control characters":                  {"q=a%00b", "/q", "invalid_parameter"},
		"broken escapes":                      {"q=%zz", "/q", "invalid_parameter"},
		"no UTF-8":                            {"q=%ff%fe", "/q", "invalid_parameter"},
	} {
		start := time.Now()
		p := w.send("", "GET", "/api/v1/search?"+c.query, "").problem(t, 400, codeInvalidQuery)
		i := slices.IndexFunc(p.Errors, func(e FieldError) bool { return e.Code == c.code && e.Path == c.path })
		if i < 0 {
			t.Errorf("%s: %+v, want %s at %s", name, p.Errors, c.code, c.path)
		} else if p.Errors[i].Message == "" || p.Errors[i].Message == c.code {
			t.Errorf("%s: no words for %s", name, c.code)
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("%s took %v", name, took)
		}
	}
	p := w.send("", "GET", "/api/v1/search?facets=colour", "").problem(t, 400, codeInvalidQuery)
	if allowed, _ := p.Errors[0].Params["allowed"].([]any); !slices.Contains(allowed, any("territory")) || !strings.Contains(p.Errors[0].Message, "accessibility") {
		t.Errorf("the facets that there are: %+v", p.Errors)
	}
	// Words are words: nothing that is typed is syntax, and each answer comes soon.
	for _, typed := range []string{
		"🙂🚀👨‍👩‍👧‍👦", "تَصْرِيح", "\u064b\u064c", `title:permesso`, `+permesso -`, "permesso^9", "permesso~2", "/.*/", "per*esso", "(((", `a AND (b OR`, `type = "service"`,
		`" OR 1=1 --`, "_geoRadius(0,0,1)", "_vectors", "\u202epermesso", strings.Repeat("permesso ", 55), strings.Repeat(`"`, 500), strings.Repeat("-a ", 160), strings.Repeat("居", 500),
		"<script>alert(1)</script>", `"><img src=x onerror=alert(1)>`, "%", "\\", "' OR ''='",
	} {
		start := time.Now()
		page := w.ask("locale=it&facets=type&q=" + url.QueryEscape(typed))
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("%.30q took %v", typed, took)
		}
		for _, h := range page.Items {
			for _, text := range []string{h.TitleHTML, h.Snippet} {
				if left := strings.NewReplacer("<mark>", "", "</mark>", "").Replace(text); strings.ContainsAny(left, "<>") {
					t.Errorf("%q: %q is not safe", typed, text)
				}
			}
		}
		w.send("", "GET", "/api/v1/search/suggest?q="+url.QueryEscape(typed), "").want(t, 200)
	}
	// A box across the date line is a box.
	if got := slugsOf(w.ask("bbox=170,-90,12,90")); !slices.Equal(got, []string{"scuola", "sportello"}) {
		t.Errorf("across the date line: %v", got)
	}
	if got := slugsOf(w.ask("bbox=170,-90,-170,90")); len(got) != 0 {
		t.Errorf("across the date line, far away: %v", got)
	}
}

// run starts the jobs as the server does.
func (w *world) run() {
	w.t.Helper()
	runner := jobs.New(w.store, w.service, 50*time.Millisecond, w.server.log, w.catalogJob(), w.finder)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { runner.Run(ctx); close(done) }()
	w.t.Cleanup(func() { stop(); <-done })
}

type catalogJob struct{ *catalog.Catalog }

func (catalogJob) Name() string { return "catalogue" }

func (w *world) catalogJob() jobs.Consumer { return catalogJob{w.catalog} }

// within waits until a search finds so many, and fails after the time.
func (w *world) within(limit time.Duration, query string, n int) {
	w.t.Helper()
	for start := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		page := w.ask(query)
		if len(page.Items) == n && page.Total == n {
			return
		}
		if time.Since(start) > limit {
			w.t.Fatalf("%s: %d found after %v, want %d", query, page.Total, limit, n)
		}
	}
}

// What is published is found within a second, and what is withdrawn is gone
// within one.
func TestSearchableWithinASecond(t *testing.T) {
	w := newWorld(t)
	w.directory()
	w.run()
	v := w.article("edo", "Girasole")
	if got := w.ask("q=girasole"); got.Total != 0 {
		t.Errorf("a draft is found: %+v", got)
	}
	var out Variant
	w.send("edo", "POST", variantPath(v)+"/transitions", `{"transition":"publish"}`, "If-Match", v.ETag).want(t, 200).into(t, &out)
	w.within(time.Second, "q=girasole", 1)
	w.send("ada", "POST", variantPath(v)+"/transitions", `{"transition":"withdraw","comment":"via"}`, "If-Match", out.ETag).want(t, 200)
	w.within(time.Second, "q=girasole", 0)
}

// An engine that is down is one clear problem, for search alone; when it comes
// back nothing is missing.
func TestSearchEngineDown(t *testing.T) {
	w := newWorld(t)
	w.directory()
	w.run()
	w.engine.down.Store(true)
	for _, path := range []string{"/api/v1/search?q=permesso", "/api/v1/search/suggest?q=perm"} {
		a := w.send("", "GET", path, "")
		a.problem(t, 503, "search_unavailable")
		if a.Header.Get("Retry-After") == "" || a.Header.Get("Cache-Control") != "no-store" || strings.Contains(string(a.body), "secret reason") {
			t.Errorf("%s: %v %s", path, a.Header, a.body)
		}
	}
	v := w.article("edo", "Girasole")
	w.send("edo", "POST", variantPath(v)+"/transitions", `{"transition":"publish"}`, "If-Match", v.ETag).want(t, 200)
	for start := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		if w.send("", "GET", "/api/v1/articles/"+v.Slug+"?locale=it", "").StatusCode == 200 {
			break
		}
		if time.Since(start) > 2*time.Second {
			t.Fatal("the publication waits for search")
		}
	}
	w.send("", "GET", "/api/v1/services?q=sportello", "").want(t, 200)
	w.send("", "GET", "/readyz", "").want(t, 200)
	until := func(available bool) {
		t.Helper()
		for start := time.Now(); ; time.Sleep(20 * time.Millisecond) {
			var status Status
			w.send("", "GET", "/status", "").want(t, 200).into(t, &status)
			up := strings.Contains(string(w.send("", "GET", "/metrics", "").want(t, 200).body), "prassi_search_up "+map[bool]string{true: "1", false: "0"}[available]+"\n")
			if status.Search != nil && status.Search.Available == available && (status.Search.Lag == 0) == available && up {
				return
			}
			if time.Since(start) > 10*time.Second {
				t.Fatalf("%+v, %v", status.Search, up)
			}
		}
	}
	until(false)
	w.engine.down.Store(false)
	until(true)
	w.within(time.Second, "q=girasole", 1)
	if found, err := w.finder.Verify(context.Background()); err != nil || len(found) > 0 {
		t.Errorf("%+v %v", found, err)
	}
}

// An index that is late shows nothing that the public may not see any more.
func TestSearchLateIndex(t *testing.T) {
	w := newWorld(t)
	v := w.publish("edo", w.article("edo", "Girasole"))
	other := w.publish("edo", w.article("edo", "Girasole giallo"))
	w.send("ada", "POST", variantPath(v)+"/transitions", `{"transition":"withdraw","comment":"via"}`, "If-Match", v.ETag).want(t, 200)
	var edited Variant
	w.send("edo", "PATCH", variantPath(other), `{"fields":{"title":"Rosa","summary":"Nuovo <b>"}}`, "If-Match", other.ETag).want(t, 200).into(t, &edited)
	w.send("edo", "POST", variantPath(edited)+"/transitions", `{"transition":"publish"}`, "If-Match", edited.ETag).want(t, 200)
	for { // the catalogue knows; the index does not yet
		n, err := w.store.(interface {
			Relay(context.Context) (int, error)
		}).Relay(context.Background())
		w.must(err)
		if n == 0 {
			break
		}
	}
	w.must(w.catalog.CatchUp(context.Background()))
	page := w.ask("q=girasole")
	if len(page.Items) != 1 || page.Items[0].Title != "Rosa" || page.Items[0].TitleHTML != "Rosa" || page.Items[0].Snippet != "Nuovo &lt;b&gt;" || page.Items[0].Why != nil {
		t.Errorf("%+v", page.Items)
	}
	var list SuggestionPage
	w.send("", "GET", "/api/v1/search/suggest?q=gira", "").want(t, 200).into(t, &list)
	if len(list.Items) != 0 {
		t.Errorf("%+v", list.Items)
	}
}

// Without an engine search says so, and the rest of the API does not care.
func TestNoSearch(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Search = nil })
	w.send("", "GET", "/api/v1/search?q=a", "").problem(t, 503, "search_unavailable")
	w.send("", "GET", "/api/v1/search/suggest?q=a", "").problem(t, 503, "search_unavailable")
	w.send("", "GET", "/status", "").want(t, 200)
	w.send("", "GET", "/api/v1/articles", "").want(t, 200)
}

// What is open is asked of the catalogue and found among what has the words.
func TestSearchOpen(t *testing.T) {
	w := newWorld(t)
	hours := func(slug, title string, days ...any) content.Incoming {
		return content.Incoming{Type: "service", Variants: []content.IncomingVariant{{Locale: "it", Slug: slug, Publish: true, Fields: map[string]any{
			"title": title, "summary": "Aiuto.", "body": "Testo.", "topics": []any{"work"},
			"opening_hours": []any{map[string]any{"days": days, "opens": "09:00", "closes": "13:00"}}}}}}
	}
	w.incoming(hours("mattina", "Sportello del lunedì", "mo"), hours("sabato", "Sportello del sabato", "sa"))
	for query, want := range map[string][]string{
		"open_at=2026-11-23T10:00:00%2B01:00":          {"mattina"},
		"open_at=2026-11-23T14:00:00%2B01:00":          {},
		"open_at=2026-11-23T10:00:00%2B01:00&q=sabato": {},
		"open_on=sa&q=sportello":                       {"sabato"},
		"open_on=2026-11-28":                           {"sabato"},
		"q=sportello":                                  {"mattina", "sabato"},
	} {
		if page := w.ask(query); !slices.Equal(slugsOf(page), want) && len(want)+len(page.Items) > 0 || page.Total != len(want) {
			t.Errorf("%s: %v, want %v", query, slugsOf(page), want)
		}
	}
	if got := w.send("", "GET", "/api/v1/search?open_at=now", "").want(t, 200).Header.Get("Cache-Control"); got != publicMinute[0] {
		t.Errorf("what is open now may be kept: %s", got)
	}
	for query, path := range map[string]string{"open_at=soon": "/open_at", "open_on=2026-13-01": "/open_on", "open_on=someday": "/open_on"} {
		if p := w.send("", "GET", "/api/v1/search?"+query, "").problem(t, 400, codeInvalidQuery); len(p.Errors) != 1 || p.Errors[0].Path != path {
			t.Errorf("%s: %+v", query, p.Errors)
		}
	}
}

// No word of what is hidden finds anything: drafts of every type, and the drafts
// behind what is live.
func TestSearchWalls(t *testing.T) {
	h := hide(t)
	for _, secret := range h.secrets {
		for _, q := range []string{secret, secret[:max(4, len(secret)-2)], `"` + secret + `"`} {
			address := "/api/v1/search?facets=" + url.QueryEscape(strings.Join(h.server.allFacets, ",")) + "&q=" + url.QueryEscape(q)
			a := h.send("", "GET", address, "").want(t, 200)
			var page SearchPage
			a.into(t, &page)
			if page.Total != 0 && strings.HasPrefix(secret, "zqxwk") {
				t.Errorf("%q finds %v", q, slugsOf(page))
			}
			if found := h.leaks(a, address); len(found) > 0 {
				t.Errorf("%q: %v are told", q, found)
			}
			b := h.send("", "GET", "/api/v1/search/suggest?q="+url.QueryEscape(q), "").want(t, 200)
			if found := h.leaks(b, address); len(found) > 0 {
				t.Errorf("%q: %v are suggested", q, found)
			}
		}
	}
	// Everything there is, page by page.
	for offset := 0; offset < 200; offset += 100 {
		a := h.send("", "GET", fmt.Sprintf("/api/v1/search?limit=100&offset=%d&facets=organization,type", offset), "").want(t, 200)
		if found := h.leaks(a, ""); len(found) > 0 {
			t.Errorf("told: %v", found)
		}
	}
}

// A sensitive service is found by its municipality and by nothing that would lead
// to its door; declaring it sensitive is enough, without a publication.
func TestSearchHidesSensitivePlaces(t *testing.T) {
	w := newWorld(t)
	shelter := func(slug string, sensitive bool) content.Incoming {
		return content.Incoming{Type: "service", Variants: []content.IncomingVariant{{Locale: "it", Slug: slug, Publish: true, Fields: map[string]any{
			"title": "Casa " + slug, "summary": "Accoglienza.", "body": "Testo.", "topics": []any{"housing"}, "territories": []any{"PO"}, "sensitive": sensitive,
			"places": []any{map[string]any{"label": "Ingresso nascondiglio", "address": "Via Segretissima 7", "lat": 43.8123, "lon": 11.0456}}}}}}
	}
	w.incoming(shelter("rifugio", true), shelter("aperta", false))
	finds := func(query string, want ...string) {
		t.Helper()
		page := w.ask(query)
		if got := slugsOf(page); !slices.Equal(got, want) || page.Total != len(want) {
			t.Errorf("%s finds %v of %d, want %v", query, got, page.Total, want)
		}
		for _, word := range []string{"43.8123", "11.0456"} {
			body, _, _ := strings.Cut(string(w.send("", "GET", "/api/v1/search?"+query, "").body), `"_links"`) // they repeat the question
			if strings.Contains(body, word) {
				t.Errorf("%s tells %s", query, word)
			}
		}
	}
	finds("q=casa", "aperta", "rifugio")
	finds("q=segretissima", "aperta")
	finds("q=nascondiglio", "aperta")
	finds("near=43.8123,11.0456&radius=500", "aperta")
	finds("bbox=11.045,43.812,11.046,43.813", "aperta")
	found := w.catalog.Get("services", "aperta", "it")
	_, err := w.service.Edit(context.Background(), content.Actor{ID: "redazione", Grants: []content.Grant{{Role: "editor"}}}, found.Entry.ID(), "it", "*",
		content.Edit{Fields: map[string]any{"sensitive": true}})
	w.must(err)
	w.catchUp()
	finds("q=casa", "aperta", "rifugio")
	finds("q=segretissima")
	finds("near=43.8123,11.0456&radius=500")
}

// Facts that age: what is unverified can be filtered out, and what has grown too
// old is gone.
func TestSearchAssurance(t *testing.T) {
	w := newWorld(t)
	w.directory()
	id := w.ask("q=scuola").Items[0].ID
	_, err := w.service.Assure(context.Background(), content.System("test"), id, "")
	w.must(err)
	w.catchUp()
	if page := w.ask("assurance=current&type=service&facets=assurance"); page.Total != 1 || page.Items[0].Assurance == nil || page.Items[0].Assurance.Status != "current" ||
		page.Items[0].Assurance.Date == "" || !slices.Contains(page.Facets["assurance"], FacetCount{"current", "Verificato di recente", 1}) {
		t.Fatalf("%+v", page)
	}
	age := func(stage schemas.Stage) {
		t.Helper()
		_, err := w.service.Age(context.Background(), content.System("freshness"), id, stage)
		w.must(err)
		w.catchUp()
	}
	age(schemas.StageUnverified)
	if got := slugsOf(w.ask("assurance=unverified")); !slices.Equal(got, []string{"scuola", "sportello"}) { // nobody ever checked the other
		t.Errorf("unverified: %v", got)
	}
	age(schemas.StageHidden)
	if page := w.ask("q=scuola"); page.Total != 0 {
		t.Errorf("hidden, and found: %+v", page)
	}
}
