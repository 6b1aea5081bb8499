package api

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"

	"github.com/prassi-cms/prassi/content"
)

// services publishes services, each with what more gives it.
func (w *world) services(n int, more func(i int) map[string]any) {
	w.t.Helper()
	var batch []content.Incoming
	for i := range n {
		fields := map[string]any{"title": fmt.Sprintf("Sportello %d", i), "topics": []any{"work"}, "territories": []any{"MI"}}
		for k, v := range more(i) {
			fields[k] = v
		}
		batch = append(batch, content.Incoming{Type: "service", Variants: []content.IncomingVariant{{Locale: "it", Fields: fields, Publish: true}}})
		if len(batch) == 500 || i == n-1 {
			w.incoming(batch...)
			batch = nil
		}
	}
}

func placed(lat, lon float64) []any { return []any{map[string]any{"lat": lat, "lon": lon}} }

func unpacked(t testing.TB, a answered) []byte {
	t.Helper()
	var r io.Reader = bytes.NewReader(a.body)
	var err error
	switch a.Header.Get("Content-Encoding") {
	case "gzip":
		r, err = gzip.NewReader(r)
	case "br":
		r = brotli.NewReader(r)
	case "zstd":
		r, err = zstd.NewReader(r)
	}
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

type points struct {
	Features []struct {
		Properties struct {
			Cluster bool
			Count   int
			Slug    string
		}
	}
}

func TestMapAtAZoom(t *testing.T) {
	w := newWorld(t)
	w.services(40, func(i int) map[string]any { return map[string]any{"places": placed(45+float64(i%4), 9+float64(i)/1e4)} })
	const path = "/api/v1/services.geojson"
	for query, want := range map[string][2]int{ // features, points
		"": {40, 40}, "?zoom=20": {40, 40}, "?zoom=16": {40, 40}, "?zoom=6": {4, 40}, "?zoom=0": {1, 40}, "?zoom=6&bbox=8,44.5,10,45.5": {1, 10},
		"?zoom=6&near=45,9&radius=1000": {1, 10}, "?zoom=3&q=niente": {0, 0},
	} {
		a := w.send("", "GET", path+query, "").want(t, 200)
		var p points
		a.into(t, &p)
		sum := 0
		for _, f := range p.Features {
			sum += max(1, f.Properties.Count)
		}
		if len(p.Features) != want[0] || sum != want[1] {
			t.Errorf("%q: %d features, %d points", query, len(p.Features), sum)
		}
		if a.Header.Get("Content-Type") != "application/geo+json" || a.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%v", a.Header)
		}
		for _, enc := range []string{"gzip", "br", "zstd"} {
			packed := w.send("", "GET", path+query, "", "Accept-Encoding", enc).want(t, 200)
			if packed.Header.Get("Content-Encoding") != enc || !bytes.Equal(unpacked(t, packed), a.body) || packed.Header.Get("ETag") == a.Header.Get("ETag") {
				t.Errorf("%q in %s: %v", query, enc, packed.Header)
			}
			w.send("", "GET", path+query, "", "Accept-Encoding", enc, "If-None-Match", packed.Header.Get("ETag")).want(t, 304)
			w.send("", "GET", path+query, "", "Accept-Encoding", enc, "If-None-Match", a.Header.Get("ETag")).want(t, 200)
		}
	}
	for query, want := range map[string]string{
		"zoom=21": "/zoom out_of_range", "zoom=-1": "/zoom out_of_range", "zoom=x": "/zoom not_an_integer", "zoom=1&zoom=2": "/zoom repeated_parameter",
		"bbox=0,0,181,0": "/bbox out_of_range", "bbox=0,0,0,91": "/bbox out_of_range", "near=91,0": "/near out_of_range", "near=Atlantide": "/near unknown_place",
		"limit=3": "/limit unknown_parameter", "sort=title": "/sort unknown_parameter",
	} {
		var p Problem
		w.send("", "GET", path+"?"+query, "").want(t, 400).into(t, &p)
		if got := p.Errors[0].Path + " " + p.Errors[0].Code; got != want || p.Errors[0].Message == "" {
			t.Errorf("%s: %s", query, got)
		}
	}
	w.send("", "GET", path, "", "Accept-Encoding", "identity;q=0").problem(t, 406, codeNotAcceptable)
	// A box across the antimeridian holds nothing of Italy, and is no fault.
	var p points
	if w.send("", "GET", path+"?bbox=170,-90,-170,90&zoom=2", "").want(t, 200).into(t, &p); len(p.Features) != 0 {
		t.Errorf("%+v", p)
	}
	// What is published changes the tag.
	before := w.send("", "GET", path+"?zoom=6", "").Header.Get("ETag")
	w.services(1, func(int) map[string]any { return map[string]any{"title": "Uno in più", "places": placed(40, 15)} })
	if w.send("", "GET", path+"?zoom=6", "", "If-None-Match", before).want(t, 200).Header.Get("ETag") == before {
		t.Error("the tag stays")
	}
}

// A map of many points is compressed by what is quick, unless the caller takes
// nothing of it.
func TestLargeMap(t *testing.T) {
	w := newWorld(t)
	w.services(2*large, func(i int) map[string]any {
		return map[string]any{"places": []any{
			map[string]any{"label": strings.Repeat(fmt.Sprintf("Sede %d ", i*104729), 12), "address": strings.Repeat(fmt.Sprintf("Via %d ", i*15485863), 18), "lat": 45.0, "lon": 9 + float64(i)/1e4},
		}}
	})
	const path = "/api/v1/services.geojson"
	plain := w.send("", "GET", path, "").want(t, 200)
	if len(plain.body) < 2*piece {
		t.Fatalf("%d bytes are not many", len(plain.body))
	}
	for accept, want := range map[string]string{"gzip, deflate, br, zstd": "gzip", "gzip;q=0.1, br": "gzip", "br": "", "br, identity;q=0": "br", "zstd, br;q=0.5": "zstd", "gzip;q=0, *": "zstd", "identity": ""} {
		a := w.send("", "GET", path, "", "Accept-Encoding", accept).want(t, 200)
		if got := a.Header.Get("Content-Encoding"); got != want || !bytes.Equal(unpacked(t, a), plain.body) || len(want) > 0 && len(a.body)*2 > len(plain.body) {
			t.Errorf("%q: %q, %d of %d bytes", accept, got, len(a.body), len(plain.body))
		}
	}
	if got := w.send("", "GET", path+"?zoom=5&q=nessuno", "", "Accept-Encoding", "gzip, br").want(t, 200).Header.Get("Content-Encoding"); got != "br" {
		t.Errorf("of few it takes the smallest: %q", got)
	}
}

func TestGzipAtOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.SliceOfN(rapid.Byte(), 1, 100).Draw(t, "seed")
		data := bytes.Repeat(seed, rapid.IntRange(1, 3*piece/len(seed)).Draw(t, "times"))
		packed, err := gzipAtOnce(data)
		if err != nil {
			t.Fatal(err)
		}
		r, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			t.Fatal(err)
		}
		r.Multistream(false) // one member and nothing behind it
		got, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(got, data) {
			t.Fatalf("%d bytes become %d: %v", len(data), len(got), err)
		}
	})
}

func TestTable(t *testing.T) {
	w := newWorld(t)
	w.services(3, func(i int) map[string]any {
		return []map[string]any{
			{"title": "=HYPERLINK(\"https://evil.example\")", "summary": "Due,\nrighe", "places": []any{
				map[string]any{"label": "Sede", "address": "-Via Forlì 1", "lat": -45.25, "lon": 9.5}, map[string]any{"lat": 44.0, "lon": 8.0, "approximate": true},
			}},
			{"title": "Senza luogo", "languages": []any{"ar", "bn"}, "opening_hours": []any{
				map[string]any{"days": []any{"mo", "we"}, "opens": "09:00", "closes": "13:00"},
				map[string]any{"closed": true, "valid_from": "2026-08-01", "valid_to": "2026-08-31"},
			}, "contacts": []any{map[string]any{"phone": "+39 059 123456", "email": "a@example.org"}}},
			{"title": "Altrove", "topics": []any{"housing"}, "places": placed(41.5, 12.5)},
		}[i]
	})
	read := func(query string, headers ...string) (rows []map[string]string, a answered) {
		t.Helper()
		a = w.send("", "GET", "/api/v1/services.csv"+query, "", headers...).want(t, 200)
		body, marked := bytes.CutPrefix(unpacked(t, a), []byte("\xef\xbb\xbf"))
		if !marked {
			t.Errorf("no byte order mark: %.20q", body)
		}
		table, err := csv.NewReader(bytes.NewReader(body)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		if len(slices.Compact(slices.Sorted(slices.Values(table[0])))) != len(table[0]) {
			t.Errorf("a column comes twice: %v", table[0])
		}
		for _, line := range table[1:] {
			row := map[string]string{}
			for i, name := range table[0] {
				row[name] = line[i]
			}
			rows = append(rows, row)
		}
		return rows, a
	}
	rows, a := read("")
	if a.Header.Get("Content-Type") != "text/csv; charset=utf-8; header=present" || a.Header.Get("Content-Disposition") != `attachment; filename="services.csv"` || a.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%v", a.Header)
	}
	by := map[string][]map[string]string{}
	for _, r := range rows {
		by[r["title"]] = append(by[r["title"]], r)
	}
	evil, none := by[`'=HYPERLINK("https://evil.example")`], by["Senza luogo"]
	if len(rows) != 4 || len(evil) != 2 || len(none) != 1 {
		t.Fatalf("%v", rows)
	}
	for _, x := range []struct{ got, want string }{
		{evil[0]["place"], "Sede"}, {evil[0]["address"], "'-Via Forlì 1"}, {evil[0]["latitude"], "-45.25"}, {evil[0]["longitude"], "9.5"},
		{evil[0]["summary"], "Due, righe"}, {evil[1]["approximate"], "true"}, {evil[1]["latitude"], "44"},
		{none[0]["latitude"], ""}, {none[0]["languages"], "ar; bn"}, {none[0]["opening_hours"], "Mo,We 09:00-13:00; 2026-08-01/2026-08-31 closed"},
		{none[0]["contacts"], "'+39 059 123456, a@example.org"}, {none[0]["topics"], "Lavoro"}, {none[0]["territories"], "Milano"},
		{none[0]["url"], "/api/v1/services/senza-luogo?locale=it"}, {none[0]["assurance"], "unverified"},
	} {
		if x.got != x.want {
			t.Errorf("%q, want %q", x.got, x.want)
		}
	}
	if rows, _ := read("?topic=housing"); len(rows) != 1 || rows[0]["title"] != "Altrove" {
		t.Errorf("%v", rows)
	}
	if rows, _ := read("?bbox=7.5,43,8.5,45"); len(rows) != 1 || rows[0]["latitude"] != "44" {
		t.Errorf("only the place that was asked for: %v", rows)
	}
	if packed, p := read("", "Accept-Encoding", "br, gzip;q=0.2"); p.Header.Get("Content-Encoding") != "gzip" || len(packed) != 4 {
		t.Errorf("%v", p.Header)
	}
	w.send("", "GET", "/api/v1/services.csv", "", "If-None-Match", a.Header.Get("ETag")).want(t, 304)
	w.send("", "GET", "/api/v1/services.csv", "", "Accept-Encoding", "br, identity;q=0").problem(t, 406, codeNotAcceptable)
	w.send("", "GET", "/api/v1/services.csv?limit=3", "").problem(t, 400, codeInvalidQuery)
	w.send("", "GET", "/api/v1/news.csv", "").problem(t, 404, "not_found")
	if h := w.send("", "HEAD", "/api/v1/services.csv", "").want(t, 200).Header; h.Get("Content-Disposition") == "" {
		t.Errorf("HEAD: %v", h)
	}
}

// What is open now is not kept for longer than a minute, and its tag changes when
// something closes, though nobody publishes anything.
func TestOpenNowIsNotKept(t *testing.T) {
	w := newWorld(t)
	always := []any{map[string]any{"days": []any{"mo", "tu", "we", "th", "fr", "sa", "su"}, "holidays": true, "opens": "00:00", "closes": "23:59"}}
	w.services(1, func(int) map[string]any { return map[string]any{"places": placed(45, 9), "opening_hours": always} })
	for _, ext := range []string{"", ".geojson", ".csv"} {
		for query, cache := range map[string]string{
			"?open_at=now": "public, max-age=10, stale-while-revalidate=50", "?open_on=sa": "public, max-age=10, stale-while-revalidate=50",
			"?open_on=2026-11-28": publicShort[0], "?open_at=2026-11-28T10:00:00Z": publicShort[0], "": publicShort[0],
		} {
			a := w.send("", "GET", "/api/v1/services"+ext+query, "").want(t, 200)
			if got := a.Header.Get("Cache-Control"); got != cache || !strings.Contains(string(a.body), "Sportello 0") {
				t.Errorf("%s%s: %q %s", ext, query, got, a.body)
			}
			w.send("", "GET", "/api/v1/services"+ext+query, "", "If-None-Match", a.Header.Get("ETag")).want(t, 304)
		}
		open := w.send("", "GET", "/api/v1/services"+ext+"?open_at=2026-11-28T10:00:00Z", "").Header.Get("ETag")
		if shut := w.send("", "GET", "/api/v1/services"+ext+"?open_at=2026-11-28T23:59:30%2B01:00&q=niente", "").Header.Get("ETag"); shut == open {
			t.Errorf("%s: one tag for two answers", ext)
		}
	}
	w.send("", "GET", "/api/v1/articles?open_at=now", "").problem(t, 400, codeInvalidQuery)
}

// The delivery API on the real store: what ages away, is merged, or is sensitive.
func TestHiddenMergedAndSensitiveItems(t *testing.T) {
	onEngines(t, func(t *testing.T, w *world) {
		ctx, sys := t.Context(), content.System("test")
		w.services(3, func(i int) map[string]any {
			return []map[string]any{
				{"title": "Sparisce", "places": placed(45.1, 9.1)},
				{"title": "Va via", "places": placed(45.2, 9.2)},
				{"title": "Rifugio", "sensitive": true, "places": []any{map[string]any{"address": "Via Nascosta 17", "lat": 45.471234, "lon": 9.181234}}},
			}[i]
		})
		w.services(1, func(int) map[string]any { return map[string]any{"title": "Resta", "places": placed(45.2, 9.2)} })
		id := func(slug string) string {
			t.Helper()
			return w.send("", "GET", "/api/v1/services/"+slug, "").want(t, 200).json(t)["id"].(string)
		}
		gone, keep, old := id("va-via"), id("resta"), id("sparisce")
		_, err := w.service.Age(ctx, sys, old, "hidden")
		w.must(err)
		_, err = w.service.Merge(ctx, sys, content.Merge{Keep: keep, Gone: gone, KeepETags: map[string]string{"*": "*"}, GoneETags: map[string]string{"*": "*"}})
		w.must(err)
		w.catchUp()
		w.send("", "GET", "/api/v1/services/sparisce", "").problem(t, 410, codeGone)
		if a := w.send("", "GET", "/api/v1/services/va-via?locale=it", "").want(t, 301); a.Header.Get("Location") != "/api/v1/services/resta?locale=it" {
			t.Errorf("%v", a.Header)
		}
		for _, path := range []string{"/api/v1/services", "/api/v1/services?fields=fields", "/api/v1/services.geojson", "/api/v1/services.csv", "/api/v1/services/rifugio"} {
			body := w.send("", "GET", path, "").want(t, 200).body
			for _, no := range []string{"Sparisce", "Va via", "Nascosta", "45.471234", "9.181234"} {
				if bytes.Contains(body, []byte(no)) {
					t.Errorf("%s says %q", path, no)
				}
			}
		}
		if v := w.send("", "GET", "/api/v1/services/resta", "").want(t, 200).json(t)["assurance"].(map[string]any); v["status"] != "unverified" {
			t.Errorf("%v", v)
		}
		_, err = w.service.Assure(ctx, sys, old, "")
		w.must(err)
		w.catchUp()
		rome := time.Now().In(content.Rome).Format(time.DateOnly)
		if v := w.send("", "GET", "/api/v1/services/sparisce", "").want(t, 200).json(t)["assurance"].(map[string]any); v["status"] != "current" || v["date"] != rome {
			t.Errorf("%v", v)
		}
		if found, err := w.catalog.Verify(ctx, nil); err != nil || len(found) > 0 {
			t.Errorf("%+v %v", found, err)
		}
	})
}
