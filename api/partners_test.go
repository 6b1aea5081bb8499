package api

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/partners"
	"github.com/prassi-cms/prassi/schemas"
	"github.com/prassi-cms/prassi/widgets"
)

// showing gives a world its partners and its widgets.
func showing(w *world, opt *Options) {
	w.t.Helper()
	var err error
	opt.Partners, err = partners.New(context.Background(), partners.Options{Ledger: w.ledger, Schemas: opt.Schemas})
	w.must(err)
	opt.Widgets, err = widgets.New(widgets.Options{Catalog: opt.Catalog, Schemas: opt.Schemas, Partners: opt.Partners, Base: opt.PublicURL})
	w.must(err)
}

// partner registers one that shows what is of a province.
func (w *world) partner(key string, change ...func(*partners.Partner)) partners.Partner {
	w.t.Helper()
	p := partners.Partner{Key: key, Name: "Comune di Prova", Origins: []string{"https://comune.example"}, Active: true}
	for _, f := range change {
		f(&p)
	}
	p, err := w.server.partners.Create(context.Background(), content.System("test"), p)
	w.must(err)
	return p
}

// freshKey is a key that no partner of any world has: examples may be called often.
func (w *world) freshKey() string { return fmt.Sprintf("comune-%d", freshKeys.Add(1)) }

// freshPartner registers a partner under a key of its own.
func (w *world) freshPartner() string {
	w.t.Helper()
	return w.partner(w.freshKey()).Key
}

var freshKeys atomic.Int64

// partnerExamples call the operations of widgets and partners.
func partnerExamples(w *world) map[string]func() []request {
	const m = "/api/v1/manage/partners"
	open := func(paths ...string) func() []request {
		var out []request
		for _, p := range paths {
			out = append(out, request{path: p, status: 200})
		}
		return func() []request { return out }
	}
	build := w.server.widgets.Build()
	return map[string]func() []request{
		"listDeadlines":   open("/api/v1/deadlines?locale=ar&territory=MI&limit=100", "/api/v1/deadlines?widget=deadlines"),
		"getWidgets":      open("/widgets/v1.js"),
		"getWidgetBuild":  open("/widgets/v1.json"),
		"getWidgetFile":   open("/widgets/"+build+"/v1.js", "/widgets/v1/words.ar.json", "/widgets/"+build+"/style.css"),
		"getWidgetTokens": open("/widgets/tokens.css?accent=%23ff0000&radius=4px"),
		"getWidgetLines":  open("/widgets/line.json?widget=news&locale=it&limit=5&accent=%230066cc", "/widgets/line.json?widget=practice&slug="+sampleSlug("practice")),
		"buildWidget":     open("/widgets/", "/widgets/?widget=services&lang=ar&locale=ar&territory=PO", "/widgets/?widget=nessuno&limit=99"),
		"getEmbed":        open("/embed/news", "/embed/deadlines?locale=ar&mode=dark", "/embed/card?collection=events&slug="+sampleSlug("event")),
		"getOEmbed": open("/oembed?url="+url.QueryEscape(w.http.URL+"/it/articles/"+sampleSlug("article")+"/")+"&maxwidth=300",
			"/oembed?format=xml&url="+url.QueryEscape(w.http.URL+"/embed/news?limit=2")),
		"listPartners": func() []request {
			w.freshPartner()
			after := w.freshPartner()
			w.freshPartner()
			return []request{{who: "edo", path: m + "?limit=1", status: 200}, {who: "edo", path: m + "?cursor=" + after, status: 200}}
		},
		"createPartner": func() []request {
			return []request{{who: "ada", path: m, status: 201, body: `{"key":"` + w.freshKey() + `","name":"Comune di Prato","origins":["https://www.comune.prato.it"],"domain":"integrazione.comune.prato.it",
			"languages":["it","ar"],"filter":{"territories":["PO"],"topics":["housing"],"organizations":["orti"],"collections":["news"]},"theme":{"accent":"#0066cc"},"targets":["s3://prato/sito"],"contact":"web@comune.prato.it","active":false}`}}
		},
		"getPartner": func() []request {
			return []request{{who: "edo", path: m + "/" + w.freshPartner(), status: 200}}
		},
		"changePartner": func() []request {
			return []request{{who: "ada", path: m + "/" + w.freshPartner(), status: 200, body: `{"active":false,"origins":[],"filter":{"territories":["PO"]},"theme":{"accent":"#fff"},"name":"Altro"}`}}
		},
		"endPartner": func() []request {
			return []request{{who: "ada", path: m + "/" + w.freshPartner(), status: 204}}
		},
		"getPartnerUsage": func() []request {
			key := w.freshPartner()
			w.server.partners.Count("news", key)
			return []request{{who: "edo", path: m + "/" + key + "/usage", status: 200}, {who: "edo", path: m + "/" + key + "/usage?from=2026-01-01&to=2099-12-31", status: 200}}
		},
	}
}

// partnerAsks are the rows of the matrix of permissions.
func partnerAsks() map[string][]ask {
	on := []situation{
		{kind: "partner", name: "never existed", make: func(*stage, *caller) thing {
			return thing{id: "nessuno-mai", params: map[string]string{"key": "nessuno-mai"}}
		}},
		{kind: "partner", name: "registered", make: func(s *stage, _ *caller) thing {
			p := s.partner("comune-" + s.next())
			return thing{id: p.Key, params: map[string]string{"key": p.Key}, version: s.record("partner", p.Key), marks: []string{p.Key}}
		}},
	}
	const one = "/api/v1/manage/partners/{key}"
	return map[string][]ask{
		"GET /api/v1/manage/partners": {{}},
		"POST /api/v1/manage/partners": {{body: func(s *stage, _ thing, _ *caller) string {
			return `{"key":"ente-` + s.next() + `","name":"Ente"}`
		}}},
		"GET " + one:            {{on: on}},
		"PATCH " + one:          {{on: on, body: func(s *stage, _ thing, _ *caller) string { return `{"name":"Nome ` + s.next() + `"}` }}},
		"DELETE " + one:         {{on: on}},
		"GET " + one + "/usage": {{on: on}},
	}
}

// TestPartnerOverHTTP: what is sent comes back in one form, faults are named, and
// what is left out stays.
func TestPartnerOverHTTP(t *testing.T) {
	w := newWorld(t)
	const m = "/api/v1/manage/partners"
	var p PartnerView
	a := w.send("ada", "POST", m, `{"key":"comune-prato","name":"Comune di Prato","origins":["https://WWW.Comune.Prato.it/"],"filter":{"territories":["PO"]},"theme":{"accent":"#0066CC"}}`).want(t, 201)
	a.into(t, &p)
	if a.Header.Get("Location") != m+"/comune-prato" || p.Origins[0] != "https://www.comune.prato.it" || p.Filter.Territories[0] != "100" || !p.Active || p.Theme["accent"] != "#0066cc" {
		t.Errorf("%+v %v", p, a.Header)
	}
	w.send("ada", "POST", m, `{"key":"comune-prato","name":"Altro"}`).problem(t, 409, "partner_key_taken")
	w.send("ada", "PATCH", m+"/comune-prato", `{"active":false}`).want(t, 200).into(t, &p)
	if p.Active || p.Name != "Comune di Prato" || len(p.Origins) != 1 || p.Theme["accent"] == "" {
		t.Errorf("%+v", p)
	}
	p = PartnerView{}
	w.send("ada", "PATCH", m+"/comune-prato", `{"origins":[],"theme":{}}`).want(t, 200).into(t, &p)
	if len(p.Origins) != 0 || len(p.Theme) != 0 {
		t.Errorf("%+v", p)
	}
	bad := w.send("ada", "PATCH", m+"/comune-prato", `{"origins":["http://prato.it"],"theme":{"accent":3},"contact":"x"}`).problem(t, 422, "partner_invalid")
	var at []string
	for _, e := range bad.Errors {
		at = append(at, e.Path)
	}
	if !slices.Equal(at, []string{"/origins/0", "/theme/accent", "/contact"}) {
		t.Errorf("%v", at)
	}
	w.send("ada", "DELETE", m+"/comune-prato", "").want(t, 204)
	w.send("ada", "GET", m+"/comune-prato", "").problem(t, 404, "not_found")
	w.send("ada", "GET", m+"/comune-prato/usage?from=ieri", "").problem(t, 404, "not_found")
}

// TestKeyedReads: a key gives what its filter lets through, to its own origins;
// everything else of the answer is as without it.
func TestKeyedReads(t *testing.T) {
	w := newWorld(t)
	for _, place := range []string{"PO", "MI"} {
		w.incoming(content.Incoming{Type: "news", Variants: []content.IncomingVariant{{Locale: "it", Slug: "notizia-" + strings.ToLower(place), Publish: true,
			Fields: map[string]any{"title": "Notizia di " + place, "summary": "S", "body": "Testo.", "territories": []any{place}, "topics": []any{"housing"}}}}})
	}
	w.partner("toscana", func(p *partners.Partner) {
		p.Filter = partners.Filter{Territories: []string{"09"}, Collections: []string{"news", "services"}}
	})
	ask := func(path, origin string) answered {
		t.Helper()
		if origin == "" {
			return w.send("", "GET", path, "")
		}
		return w.send("", "GET", path, "", "Origin", origin)
	}
	const own = "https://comune.example"
	slugs := func(a answered) (out []string) {
		t.Helper()
		var page struct{ Items []struct{ Slug string } }
		a.want(t, 200).into(t, &page)
		for _, i := range page.Items {
			out = append(out, i.Slug)
		}
		return out
	}
	list := "/api/v1/news?locale=it&partner=toscana&widget=news"
	a := ask(list, own)
	if got := slugs(a); !slices.Equal(got, []string{"notizia-po"}) {
		t.Errorf("%v", got)
	}
	if a.Header.Get("Access-Control-Allow-Origin") != own || !slices.Contains(a.Header.Values("Vary"), "Origin") {
		t.Errorf("%v", a.Header)
	}
	for origin, code := range map[string]string{"https://altro.example": "origin_not_allowed", "null": "origin_not_allowed", "http://comune.example": "origin_not_allowed"} {
		refused := ask(list, origin)
		refused.problem(t, 403, code)
		if refused.Header.Get("Access-Control-Allow-Origin") != "*" { // so that the widget can say why
			t.Errorf("%v", refused.Header)
		}
	}
	if got := slugs(ask(list, "")); !slices.Equal(got, []string{"notizia-po"}) {
		t.Errorf("without an origin: %v", got)
	}
	if got := slugs(ask(list, w.http.URL)); !slices.Equal(got, []string{"notizia-po"}) {
		t.Errorf("this server's own pages: %v", got)
	}
	if got := slugs(ask("/api/v1/news?locale=it&widget=news", "https://altro.example")); len(got) != 2 {
		t.Errorf("without a key: %v", got)
	}
	if got := slugs(ask(list+"&territory=PO", own)); len(got) != 1 {
		t.Errorf("%v", got)
	}
	ask(list+"&territory=MI", own).problem(t, 403, "partner_outside")
	ask("/api/v1/practices?partner=toscana&widget=practices", own).problem(t, 403, "partner_outside")
	ask("/api/v1/news?partner=nessuno", own).problem(t, 403, "partner_unknown")
	ask("/api/v1/news/notizia-po?locale=it&partner=toscana", own).want(t, 200)
	ask("/api/v1/news/notizia-mi?locale=it&partner=toscana", own).problem(t, 403, "partner_outside")
	ask("/api/v1/news/nessuna?partner=toscana", own).problem(t, 404, "not_found")
	ask("/api/v1/services.geojson?partner=toscana&widget=services", own).want(t, 200)
	ask("/api/v1/services.geojson?partner=toscana", "https://altro.example").problem(t, 403, "origin_not_allowed")
	ask("/api/v1/deadlines?partner=toscana", "https://altro.example").problem(t, 403, "origin_not_allowed")
	for _, bad := range []string{"&widget=nessuno", "&widget=card", "&partner=toscana", "&%77idget=news", "&partner[]=x"} {
		if a := ask(list+bad, own); a.StatusCode != 400 {
			t.Errorf("%s: %d %s", bad, a.StatusCode, a.body)
		}
	}
	// The same tag and 304 as without a key.
	again := w.send("", "GET", list, "", "Origin", own, "If-None-Match", a.Header.Get("ETag")).want(t, 304)
	if !slices.Contains(again.Header.Values("Vary"), "Origin") || again.Header.Get("Access-Control-Allow-Origin") != own {
		t.Errorf("%v", again.Header)
	}
	used, err := w.server.partners.Usage(context.Background(), "toscana", "2000-01-01", "2999-01-01")
	w.must(err)
	counts := map[string]int64{}
	for _, u := range used {
		counts[u.Widget] += u.Count
	}
	if counts["news"] != 5 || counts["services"] != 1 || counts["practices"] != 0 {
		t.Errorf("counted %v", counts)
	}
	// A partner that is paused opens nothing.
	w.send("ada", "PATCH", "/api/v1/manage/partners/toscana", `{"active":false}`).want(t, 200)
	ask(list, own).problem(t, 403, "partner_unknown")
}

// A key that a filter would only narrow never widens: whatever a page asks, what
// comes lies in the filter.
func TestKeyedReadsStayInside(t *testing.T) {
	w := newWorld(t)
	places := schemas.Default().Territories()
	for _, place := range []string{"PO", "FI", "MI"} {
		w.incoming(content.Incoming{Type: "news", Variants: []content.IncomingVariant{{Locale: "it", Publish: true,
			Fields: map[string]any{"title": "Notizia di " + place, "summary": "S", "body": "Testo.", "territories": []any{place}, "topics": []any{"housing"}}}}})
	}
	w.incoming(content.Incoming{Type: "news", Variants: []content.IncomingVariant{{Locale: "it", Publish: true, Fields: map[string]any{"title": "Di tutta Italia", "summary": "S", "body": "Testo.", "topics": []any{"housing"}}}}})
	w.partner("toscana", func(p *partners.Partner) { p.Filter.Territories = []string{"09"} })
	for _, raw := range []string{"", "territory=", "territory=%2C", "territory=09", "territory=PO,MI", "territory=MI,PO", "national=true", "territory=PO&national=true", "organization=", "fallback=it&locale=ar"} {
		a := w.send("", "GET", "/api/v1/news?partner=toscana&"+raw, "")
		if a.StatusCode != 200 {
			continue
		}
		var page struct {
			Items []struct{ Territories []struct{ ISTAT string } }
		}
		a.into(t, &page)
		for _, i := range page.Items {
			if !slices.ContainsFunc(i.Territories, func(x struct{ ISTAT string }) bool { return places.Contains("09", x.ISTAT) }) {
				t.Errorf("%q: %s", raw, a.body)
			}
		}
	}
	_, err := w.server.partners.Change(context.Background(), content.System("test"), "toscana", func(p *partners.Partner) { p.Filter.National = true })
	w.must(err)
	for raw, want := range map[string]int{"": 3, "territory=PO": 1, "territory=PO&national=true": 2, "national=true": 3} {
		var page struct{ Total int }
		if w.send("", "GET", "/api/v1/news?partner=toscana&"+raw, "").want(t, 200).into(t, &page); page.Total != want {
			t.Errorf("with what is national, %q: %d", raw, page.Total)
		}
	}
	if a := w.send("", http.MethodHead, "/api/v1/news?partner=toscana&widget=news", ""); a.StatusCode != 200 {
		t.Error(a.Status)
	}
}
