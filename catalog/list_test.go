package catalog

import (
	"github.com/prassi-cms/prassi/geo"

	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/prassi-cms/prassi/content"
)

var (
	someTerritories = []string{"MI", "BG", "RM", "NA", "03", "12", "015146", "PA"}
	someTopics      = []string{"italian-language", "work", "housing", "women"}
	someLocales     = []string{"it", "en", "fr", "ar", "zh-Hans"}
	someWords       = []string{"Accoglienza", "l’orto", "città", "École", "orti condivisi", "مرحبا", "服务中心", "Zürich", "àncora", "work"}
)

// crowd fills a world with documents of all kinds.
func crowd(t testing.TB, n int) (*world, *Catalog) {
	w := newWorld(t)
	r := rand.New(rand.NewPCG(7, 8))
	pick := func(from []string, most int) []string {
		out := []string{}
		for range r.IntN(most + 1) {
			if x := from[r.IntN(len(from))]; !slices.Contains(out, x) {
				out = append(out, x)
			}
		}
		return out
	}
	w.bulk = true
	for i := range 4 {
		w.publish("organization", fmt.Sprint("org", i), "it", fmt.Sprint("org", i), values{"title": fmt.Sprint("Ente ", i)})
	}
	for i := range n {
		id := fmt.Sprintf("doc%03d", i)
		typ := []string{"practice", "event", "service", "news"}[i%4]
		topics := someTopics
		if typ == "service" {
			topics = topics[:3] // the areas of services
		}
		shared := values{"territories": pick(someTerritories, 2), "topics": pick(topics, 2)}
		if r.IntN(2) == 0 {
			shared["organization"] = fmt.Sprint("org", r.IntN(4))
		}
		switch typ {
		case "practice":
			if r.IntN(3) > 0 {
				shared["people_reached"] = r.IntN(5) * 10
			}
			shared["regular_service"] = r.IntN(2) == 0
			if r.IntN(2) == 0 {
				shared["period"] = values{"from": fmt.Sprintf("2025-%02d-01", 1+r.IntN(12))}
			}
		case "event":
			day := fmt.Sprintf("2026-%02d-%02d", 1+r.IntN(12), 1+r.IntN(28))
			shared["when"] = values{"from": day + "T10:00", "to": day + "T18:00"}
		case "service":
			places := []any{}
			for range r.IntN(3) {
				places = append(places, values{"label": "Sede", "lat": 40 + r.Float64()*5, "lon": 8 + r.Float64()*8, "approximate": r.IntN(2) == 0})
			}
			shared["places"] = places
		}
		for _, locale := range someLocales {
			if r.IntN(2) == 0 {
				continue
			}
			fields := values{"title": someWords[r.IntN(len(someWords))] + fmt.Sprint(" ", r.IntN(6)), "summary": strings.Join(pick(someWords, 3), " ")}
			for k, v := range shared {
				fields[k] = v
			}
			w.publish(typ, id, locale, fmt.Sprintf("%s-%s", id, strings.ToLower(locale)), fields)
			if r.IntN(12) == 0 {
				w.withdraw(id, locale)
			}
			if r.IntN(3) > 0 {
				w.now = w.now.Add(-time.Minute) // several at one moment
			}
		}
	}
	w.bulk = false
	w.flush()
	return w, w.open(t.TempDir())
}

// naive lists by looking at every item and sorting the whole.
func naive(c *Catalog, q Query) []*variant {
	s := c.snap.Load()
	var out []*variant
	s.docs.all(func(_ string, r *record) bool {
		if r.collection != q.Collection {
			return true
		}
		var v *variant
		if q.Locale == "" {
			v = r.primary()
		} else {
			for _, l := range append([]string{q.Locale}, q.Fallback...) {
				if v == nil {
					v = r.variant(l)
				}
			}
		}
		if v != nil && naiveMatch(c, q, v) {
			out = append(out, v)
		}
		return true
	})
	name, desc := strings.CutPrefix(q.Sort, "-")
	slices.SortFunc(out, func(a, b *variant) int {
		x, lackX := naiveKey(c, name, a, q)
		y, lackY := naiveKey(c, name, b, q)
		if lackX != lackY {
			if lackX {
				return 1
			}
			return -1
		}
		n := cmp.Or(strings.Compare(x, y), byIdentity(a, b))
		if desc {
			return -n
		}
		return n
	})
	return out
}

func naiveKey(c *Catalog, name string, v *variant, q Query) (string, bool) {
	switch name {
	case "published_at":
		return fmt.Sprintf("%020d", v.published), false
	case "updated_at":
		return fmt.Sprintf("%020d", v.updated), false
	case "title":
		return collationKey(v.locale, v.title), false
	case byDistance:
		d, _ := q.nearest(v)
		return fmt.Sprintf("%020.6f", d), false
	}
	var field any
	var it values
	b, _ := v.read(nil, Identity)
	_ = json.Unmarshal(b, &it)
	field = it["fields"].(values)[name]
	switch x := field.(type) {
	case nil:
		return "", true
	case float64:
		return fmt.Sprintf("%020.3f", x), false
	case values:
		from, _ := x["from"].(string)
		to, _ := x["to"].(string)
		return from + "/" + to, false
	}
	return fmt.Sprint(field), false
}

// naiveMatch decides from the item's JSON, as a reader would.
func naiveMatch(c *Catalog, q Query, v *variant) bool {
	var it struct {
		Title, Summary string
		Territories    []struct{ Istat string }
		Topics         []struct{ ID string }
		Organization   *struct{ ID string }
		PublishedAt    time.Time `json:"published_at"`
		Fields         values
	}
	b, _ := v.read(nil, Identity)
	if err := json.Unmarshal(b, &it); err != nil {
		panic(err)
	}
	if len(q.Territory) > 0 || q.National {
		ok := q.National && len(it.Territories) == 0
		for _, x := range it.Territories {
			for _, want := range q.Territory {
				ok = ok || c.territories.Contains(want, x.Istat) || c.territories.Contains(x.Istat, want) && mustISTAT(c, want) == x.Istat
			}
		}
		if !ok {
			return false
		}
	}
	if len(q.Topic) > 0 && !slices.ContainsFunc(it.Topics, func(x struct{ ID string }) bool { return slices.Contains(q.Topic, x.ID) }) {
		return false
	}
	if len(q.Organization) > 0 && (it.Organization == nil || !slices.Contains(q.Organization, it.Organization.ID)) {
		return false
	}
	from, to := it.PublishedAt, it.PublishedAt.Add(time.Millisecond)
	if when, ok := it.Fields["when"].(values); ok {
		from, _ = time.ParseInLocation("2006-01-02T15:04", when["from"].(string), content.Rome)
		to, _ = time.ParseInLocation("2006-01-02T15:04", when["to"].(string), content.Rome)
		to = to.Add(time.Millisecond)
	}
	if !q.From.IsZero() && !to.After(q.From) || !q.To.IsZero() && !from.Before(q.To) {
		return false
	}
	if q.BBox != nil || q.RadiusMetres > 0 || q.Sort == byDistance {
		places, _ := it.Fields["places"].([]any)
		if !slices.ContainsFunc(places, func(p any) bool {
			at := Point{Lat: p.(values)["lat"].(float64), Lon: p.(values)["lon"].(float64)}
			return (q.BBox == nil || q.BBox.Contains(at)) && (q.RadiusMetres == 0 || geo.Metres(*q.Near, at) <= q.RadiusMetres)
		}) {
			return false
		}
	}
	for name, want := range q.Filters {
		if !slices.Contains(want, fmt.Sprint(it.Fields[name])) {
			return false
		}
	}
	words := strings.Fields(wordsOf(it.Title, it.Summary))
	asked := strings.Fields(wordsOf(q.Q))
	for i, x := range asked {
		if !slices.ContainsFunc(words, func(has string) bool { return has == x || i == len(asked)-1 && strings.HasPrefix(has, x) }) {
			return false
		}
	}
	return true
}

func mustISTAT(c *Catalog, code string) string {
	t, _ := c.territories.Lookup(code)
	return t.ISTAT
}

func drawQuery(t *rapid.T, c *Catalog) Query {
	some := func(name string, from []string) []string {
		return rapid.SliceOfNDistinct(rapid.SampledFrom(from), 0, 2, rapid.ID[string]).Draw(t, name)
	}
	q := Query{
		Collection: rapid.SampledFrom([]string{"practices", "events", "services", "news"}).Draw(t, "collection"),
		Territory:  some("territory", []string{"MI", "RM", "03", "12", "PA", "15"}),
	}
	if q.Topic = some("topic", someTopics); q.Collection == "services" {
		q.Topic = some("area", someTopics[:3])
	}
	if rapid.Bool().Draw(t, "by organization") {
		q.Organization = some("organization", []string{"org0", "org1", "org2"})
	}
	q.National = rapid.IntRange(0, 3).Draw(t, "national") == 0
	if rapid.Bool().Draw(t, "with locale") {
		q.Locale = rapid.SampledFrom(someLocales).Draw(t, "locale")
		q.Fallback = some("fallback", someLocales)
		q.Fallback = slices.DeleteFunc(q.Fallback, func(l string) bool { return l == q.Locale })
	}
	q.Sort = rapid.SampledFrom(slices.DeleteFunc(c.Sorts(q.Collection), func(s string) bool { return s == byDistance })).Draw(t, "sort")
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	if rapid.IntRange(0, 3).Draw(t, "from") == 0 {
		q.From = start.Add(time.Duration(rapid.IntRange(0, 300).Draw(t, "minutes")) * time.Minute)
	}
	if rapid.IntRange(0, 3).Draw(t, "to") == 0 {
		q.To = start.Add(time.Duration(rapid.IntRange(301, 90000).Draw(t, "to minutes")) * time.Minute)
	}
	if rapid.IntRange(0, 2).Draw(t, "words") == 0 {
		q.Q = rapid.SampledFrom([]string{"accoglienza", "citta", "orti cond", "L'ORTO", "ecole", "مرحبا", "服务", "zur", "ancora", "niente"}).Draw(t, "q")
	}
	if q.Collection == "services" && rapid.Bool().Draw(t, "placed") {
		q.Near = &Point{Lat: rapid.Float64Range(40, 45).Draw(t, "lat"), Lon: rapid.Float64Range(8, 16).Draw(t, "lon")}
		q.RadiusMetres = rapid.SampledFrom([]float64{0, 50_000, 300_000}).Draw(t, "radius")
		if rapid.Bool().Draw(t, "nearest") {
			q.Sort = byDistance
		}
		if rapid.IntRange(0, 2).Draw(t, "box") == 0 {
			q.BBox = &BBox{West: 9, South: 41, East: 14, North: 44}
		}
	}
	if q.Collection == "practices" && rapid.IntRange(0, 2).Draw(t, "filtered") == 0 {
		q.Filters = map[string][]string{"regular_service": {rapid.SampledFrom([]string{"true", "false"}).Draw(t, "regular")}}
	}
	return q
}

// List gives what looking at every item gives, page by page, in both directions.
func TestListEqualsNaive(t *testing.T) {
	_, c := crowd(t, 120)
	found := 0
	rapid.Check(t, func(t *rapid.T) {
		q := drawQuery(t, c)
		var want []string
		for _, v := range naive(c, q) {
			want = append(want, v.rec.id+"/"+v.locale)
		}
		found += len(want)
		q.Limit = rapid.IntRange(1, 30).Draw(t, "limit")
		var got []string
		var pages []Page
		for {
			p, err := c.List(q)
			if err != nil {
				t.Fatal(err)
			}
			if p.Total != len(want) {
				t.Fatalf("total %d, want %d", p.Total, len(want))
			}
			for _, e := range p.Entries {
				got = append(got, e.ID()+"/"+e.Locale())
				if q.Locale != "" && e.RequestedLocale() != q.Locale || q.Locale == "" && e.Fallback() {
					t.Fatalf("asked %q, says %q", q.Locale, e.RequestedLocale())
				}
			}
			if (p.Prev != "") != (len(pages) > 0) {
				t.Fatalf("page %d: prev is %q", len(pages), p.Prev)
			}
			pages = append(pages, p)
			if q.Cursor = p.Next; q.Cursor == "" {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("got  %v\nwant %v", got, want)
		}
		for i := len(pages) - 1; i > 0; i-- {
			q.Cursor = pages[i].Prev
			p, err := c.List(q)
			if err != nil || !slices.Equal(p.Entries, pages[i-1].Entries) || p.Next != pages[i-1].Next || p.Prev != pages[i-1].Prev {
				t.Fatalf("page %d read backwards: %v", i-1, err)
			}
		}
	})
	if found == 0 {
		t.Error("no query found anything")
	}
}

// A reader who pages while others publish and withdraw meets every item that was
// there all the time exactly once.
func TestPagingWhilePublishing(t *testing.T) {
	w := newWorld(t)
	w.bulk = true
	const stay = 60
	for i := range stay {
		w.publish("article", fmt.Sprintf("stay%02d", i), "it", fmt.Sprintf("stay-%02d", i), values{"title": fmt.Sprintf("Titolo %02d", i*7%stay), "body": "x"})
	}
	w.bulk = false
	w.flush()
	c := w.open(t.TempDir())
	var readers sync.WaitGroup
	stop := make(chan struct{})
	fail := make(chan string, 8)
	for _, order := range []string{"-published_at", "published_at", "title", "-title"} {
		readers.Add(1)
		go func() {
			defer readers.Done()
			for rounds := 0; ; rounds++ {
				select {
				case <-stop:
					if rounds > 2 {
						return
					}
				default:
				}
				seen := map[string]int{}
				q := Query{Collection: "articles", Locale: "it", Sort: order, Limit: 7}
				for {
					p, err := c.List(q)
					if err != nil {
						fail <- err.Error()
						return
					}
					body, err := p.AppendItems(nil)
					if err != nil || !json.Valid(body) {
						fail <- fmt.Sprintf("%v in %s", err, body)
						return
					}
					for _, e := range p.Entries {
						seen[e.ID()]++
						if b, err := e.AppendTo(nil, Gzip); err != nil || len(b) == 0 {
							fail <- fmt.Sprintf("read %s: %v", e.ID(), err)
							return
						}
					}
					if q.Cursor = p.Next; q.Cursor == "" {
						break
					}
				}
				for id, n := range seen {
					if n > 1 {
						fail <- fmt.Sprintf("%s: %s came %d times", order, id, n)
						return
					}
				}
				for i := range stay {
					if seen[fmt.Sprintf("stay%02d", i)] != 1 {
						fail <- fmt.Sprintf("%s: stay%02d was skipped", order, i)
						return
					}
				}
			}
		}()
	}
	for i := range 60 {
		id := fmt.Sprintf("new%02d", i%20)
		if i%3 == 2 && w.docs[id] != nil && w.docs[id].Live() {
			w.withdraw(id, "it")
		} else {
			// No title and no date changes, since such an item is met at its new place.
			w.publish("article", id, "it", id, values{"title": fmt.Sprintf("Titolo %02d nuovo", i%20), "body": fmt.Sprint(i)})
		}
		w.catchUp(c)
	}
	close(stop)
	readers.Wait()
	close(fail)
	for msg := range fail {
		t.Error(msg)
	}
	w.verified(c)
}

func TestListRefuses(t *testing.T) {
	w := newWorld(t)
	w.publish("practice", "p", "it", "p", values{"title": "P"})
	w.publish("practice", "q", "it", "q", values{"title": "Q"})
	c := w.open(t.TempDir())
	ok := Query{Collection: "practices", Limit: 1}
	_, p := list(t, c, ok)
	if p.Next == "" {
		t.Fatal("no cursor")
	}
	for path, q := range map[string]Query{
		"/territory:unknown_territory":          {Territory: []string{"ZZ"}},
		"/topic:unknown_term":                   {Topic: []string{"astrology"}},
		"/organization:invalid_reference":       {Organization: []string{"nobody"}},
		"/locale:unknown_locale":                {Locale: "xx"},
		"/fallback:unknown_locale":              {Locale: "it", Fallback: []string{"qq"}},
		"/locale:required":                      {Fallback: []string{"it"}},
		"/sort:unknown_sort":                    {Sort: "owner"},
		"/near:required":                        {Sort: "distance"},
		"/limit:out_of_range":                   {Limit: 101},
		"/limit:out_of_range#":                  {Limit: -1},
		"/fields:unknown_field":                 {Fields: []string{"owner"}},
		"/fields:unknown_field#":                {Fields: []string{"fields.owner"}},
		"/q:too_many_words":                     {Q: "a b c d e f g h i"},
		"/q:too_long":                           {Q: strings.Repeat("è", 201)},
		"/to:wrong_order":                       {From: time.Unix(2, 0), To: time.Unix(1, 0)},
		"/bbox:out_of_range":                    {BBox: &BBox{West: -190, South: 0, East: 0, North: 0}},
		"/bbox:wrong_order":                     {BBox: &BBox{West: 0, South: 2, East: 1, North: 1}},
		"/radius:out_of_range":                  {RadiusMetres: -1, Near: &Point{}},
		"/owner:unknown_parameter":              {Filters: map[string][]string{"owner": {"x"}}},
		"/regular_service:wrong_type":           {Filters: map[string][]string{"regular_service": {"maybe"}}},
		"/public_state:unknown_term":            {Filters: map[string][]string{"public_state": {"draft"}}},
		"/territory:too_many_items":             {Territory: make([]string, 21)},
		"/cursor:invalid_cursor":                {Cursor: p.Next + "A"},
		"/cursor:invalid_cursor#other query":    {Cursor: p.Next, Sort: "title"},
		"/cursor:invalid_cursor#not base64":     {Cursor: "%%%"},
		"/cursor:invalid_cursor#too long":       {Cursor: strings.Repeat("A", 10_000)},
		"/cursor:invalid_cursor#empty checksum": {Cursor: "AQAAAAAAAAAAAAAAAAAAAAAAAA"},
	} {
		q.Collection = "practices"
		_, err := c.List(q)
		var problem *content.Problem
		if !errors.As(err, &problem) || problem.Class != content.Invalid || len(problem.Fields) == 0 {
			t.Errorf("%s: %v", path, err)
			continue
		}
		want, _, _ := strings.Cut(path, "#")
		if got := problem.Fields[0].Path + ":" + problem.Fields[0].Code; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if code := problem.Code; code != "invalid_filter" && code != "invalid_cursor" {
			t.Errorf("code %s", code)
		}
	}
	var problem *content.Problem
	if _, err := c.List(Query{Collection: "secrets"}); !errors.As(err, &problem) || problem.Class != content.NotFound {
		t.Errorf("unknown collection: %v", err)
	}
}

func TestFieldsAndSparse(t *testing.T) {
	w := newWorld(t)
	w.publish("article", "a", "it", "a", values{"title": "A \"1\"", "body": "**x**", "author": "Chiara", "topics": []string{"work"}})
	w.publish("article", "b", "en", "b", values{"title": "B", "body": "y"})
	c := w.open(t.TempDir())
	p, err := c.List(Query{Collection: "articles", Locale: "it", Fallback: []string{"en"}, Fields: []string{"title", "fields.author", "html", "requested_locale"}, Sort: "published_at"})
	if err != nil {
		t.Fatal(err)
	}
	b, err := p.AppendItems([]byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	want := `x[{"id":"a","type":"article","slug":"a","locale":"it","requested_locale":"it","title":"A \"1\"","fields":{"author":"Chiara"},"html":`
	if !strings.HasPrefix(string(b), want) || !strings.Contains(string(b), `"slug":"b","locale":"en","requested_locale":"it","title":"B","fields":{},"html":`) || !json.Valid(b[1:]) {
		t.Errorf("got %s", b)
	}
	short, err := c.List(Query{Collection: "articles", Fields: []string{"topics"}})
	if err != nil {
		t.Fatal(err)
	}
	if b, err = short.AppendItems(nil); err != nil || !strings.Contains(string(b), `{"id":"a","type":"article","slug":"a","locale":"it","topics":[{"id":"work","label":"Lavoro"}]}`) {
		t.Errorf("%s %v", b, err)
	}
	whole, err := c.List(Query{Collection: "articles"})
	if err != nil || whole.ETag() == short.ETag() {
		t.Error("a projection must change the tag")
	}
	if _, err := Sparse([]byte(`[1]`), nil); err == nil {
		t.Error("not an object")
	}
}

func TestGeoJSON(t *testing.T) {
	w := newWorld(t)
	w.publish("service", "s", "it", "sportello", values{"title": "Sportello", "topics": []string{"work"}, "territories": []string{"MI"}, "places": []any{
		values{"label": "Centro", "lat": 45.4642, "lon": 9.19}, values{"label": "Rifugio", "lat": 45.6, "lon": 9.3, "approximate": true}, values{"address": "senza coordinate"},
	}})
	w.publish("service", "t", "it", "altro", values{"title": "Altro", "topics": []string{"housing"}})
	c := w.open(t.TempDir())
	features := func(q Query) []any {
		t.Helper()
		b, err := c.GeoJSON(q, nil)
		if err != nil {
			t.Fatal(err)
		}
		var v values
		if err := json.Unmarshal(b, &v); err != nil || v["type"] != "FeatureCollection" {
			t.Fatalf("%v in %s", err, b)
		}
		return v["features"].([]any)
	}
	all := features(Query{})
	if len(all) != 2 {
		t.Fatalf("%v", all)
	}
	for path, want := range map[string]any{
		"0.geometry.coordinates.0": 9.19, "0.geometry.coordinates.1": 45.4642, "0.properties.title": "Sportello", "0.properties.territory": "015",
		"0.properties.topics.0": "work", "0.properties.url": "/api/v1/services/sportello?locale=it", "0.properties.approximate": nil, "1.properties.approximate": true,
	} {
		if got := at(all, path); got != want {
			t.Errorf("%s = %v, want %v", path, got, want)
		}
	}
	near := &Point{Lat: 45.4642, Lon: 9.19}
	if got := features(Query{Near: near, RadiusMetres: 1000}); len(got) != 1 {
		t.Errorf("near: %v", got)
	}
	if got := features(Query{BBox: &BBox{West: 9.2, South: 45.5, East: 9.4, North: 45.7}}); len(got) != 1 || at(got, "0.properties.label") != "Rifugio" {
		t.Errorf("box: %v", got)
	}
	if got := features(Query{Topic: []string{"housing"}}); len(got) != 0 {
		t.Errorf("topic: %v", got)
	}
	var problem *content.Problem
	if _, err := c.GeoJSON(Query{Collection: "articles"}, nil); !errors.As(err, &problem) || problem.Class != content.NotFound {
		t.Errorf("articles have no places: %v", err)
	}
}

func TestETagOfPage(t *testing.T) {
	w := newWorld(t)
	for i := range 5 {
		w.publish("article", fmt.Sprint(i), "it", fmt.Sprint("a", i), values{"title": fmt.Sprint(i), "body": "x"})
	}
	c := w.open(t.TempDir())
	q := Query{Collection: "articles", Limit: 2}
	_, first := list(t, c, q)
	_, same := list(t, c, q)
	if first.ETag() != same.ETag() {
		t.Error("one page, two tags")
	}
	w.publish("article", "0", "it", "a0", values{"title": "0", "body": "x"})
	w.publish("news", "n", "it", "n", values{"title": "n", "body": "x"})
	w.catchUp(c)
	if _, p := list(t, c, q); p.ETag() != first.ETag() {
		t.Error("the tag changed and the page did not")
	}
	w.withdraw("0", "it")
	w.catchUp(c)
	if _, p := list(t, c, q); p.ETag() == first.ETag() {
		t.Error("the total changed and the tag did not")
	}
}

// A big batch: dependents beyond one batch, and everything in order.
func TestManyDependents(t *testing.T) {
	w := newWorld(t)
	w.bulk = true
	w.publish("organization", "o", "it", "o", values{"title": "Uno"})
	for i := range 2*batchDocuments + 10 {
		w.publish("article", fmt.Sprintf("a%04d", i), "it", fmt.Sprintf("a-%04d", i), values{"title": "x", "organization": "o"})
	}
	w.bulk = false
	w.flush()
	c := w.open(t.TempDir())
	w.publish("organization", "o", "it", "o", values{"title": "Due"})
	if err := c.CatchUp(context.Background()); err != nil {
		t.Fatal(err)
	}
	_, p := list(t, c, Query{Collection: "articles", Limit: 100})
	body, err := p.AppendItems(nil)
	if err != nil || bytes.Contains(body, []byte("Uno")) || bytes.Count(body, []byte(`"Due"`)) != 100 {
		t.Error("some still show the old title")
	}
	w.verified(c)
}

// Signs are no words: nothing has them, in a list as in the search.
func TestSignsFindNothing(t *testing.T) {
	w := newWorld(t)
	w.publish("service", "uno", "it", "uno", values{"title": "Uno"})
	c := w.open(t.TempDir())
	for q, want := range map[string]int{"": 1, " ": 1, "uno": 1, "🙂": 0, "-": 0, "\u064b": 0} {
		p, err := c.List(Query{Collection: "services", Q: q})
		if err != nil || p.Total != want {
			t.Errorf("%q finds %d, want %d (%v)", q, p.Total, want, err)
		}
		if s, err := c.Select(Query{Collection: "services", Q: q}); err != nil || s.Len() != want {
			t.Errorf("%q selects %d, want %d (%v)", q, s.Len(), want, err)
		}
	}
}
