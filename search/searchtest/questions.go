package searchtest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/prassi-cms/prassi/geo"
	"github.com/prassi-cms/prassi/search"
)

// question is a query with the documents that it must find, in any order.
type question struct {
	name string
	q    search.Query
	want string // slugs, sorted
}

func text(text, locale string, more ...string) search.Query {
	return search.Query{Text: text, Locale: locale, Locales: append([]string{locale}, more...)}
}

func filtered(facet string, values ...string) search.Query {
	return search.Query{Locale: "it", Filters: map[string][]string{facet: values}}
}

var questions = []question{
	// Words.
	{"word", text("ambulatorio", "it"), "ambulatorio rubrica"},
	{"two words", text("ambulatorio bambini", "it"), "ambulatorio"},
	{"capitals", text("AMBULATORIO Bambini", "it"), "ambulatorio"},
	{"accent missing", text("citta", "it"), "alloggio"},
	{"accent given", text("città", "it"), "alloggio"},
	{"apostrophe", text("l'alloggio", "it"), "alloggio"},
	{"curly apostrophe", text("l’alloggio", "it"), "alloggio"},
	{"nothing", text("astronave", "it"), ""},
	{"another language", text("residence", "it"), ""},
	// The last word may be unfinished, and no other.
	{"begun", text("ambulat", "it"), "ambulatorio rubrica"},
	{"begun after another", text("scuola ital", "it"), "italiano"},
	// Each language by its rules.
	{"Italian plural", text("permessi", "it"), "permesso"},
	{"English plural", text("residence permits", "en"), "permesso"},
	{"French feminine", text("étrangères", "fr"), "logement"},
	{"French without accents", text("proprietaire", "fr"), "logement"},
	{"Spanish masculine", text("extranjeros", "es"), "vivienda"},
	{"Spanish ñ", text("nino", "es"), "vivienda"},
	{"Arabic without article", text("إقامة", "ar"), "iqama"},
	{"Arabic with marks", text("تَصْرِيح", "ar"), "iqama"},
	{"Arabic with tatweel", text("تصـــريح", "ar"), "iqama"},
	{"Arabic alef", text("اقامة", "ar"), "iqama"},
	{"Bengali other vowel", text("বাড়ী", "bn"), "bangla"},
	{"Bengali decomposed", text("ভা\u09a1\u09bcা", "bn"), "bangla"},
	{"Chinese words", text("居留许可", "zh-Hans"), "zhongwen"},
	{"Chinese in body", text("警察局", "zh-Hans"), "zhongwen"},
	{"Urdu by Arabic keyboard", text("هسپتال", "ur"), "urdu"},
	{"Urdu", text("پاسپورٹ", "ur"), "urdu"},
	// Typos.
	{"Italian letter missing", text("ambulatrio", "it"), "ambulatorio rubrica"},
	{"Italian letters swapped", text("biblioteac", "it"), "rubrica"},
	{"Italian two typos", text("pediatrcio ambulatori", "it"), "ambulatorio rubrica"},
	{"English typo", text("resdence permit", "en"), "permesso"},
	{"French typo", text("propriétare", "fr"), "logement"},
	{"Spanish typo", text("viviendda", "es"), "vivienda"},
	{"Arabic typo", text("تصريج", "ar"), "iqama"},
	{"Bengali typo", text("অভিবাসীদর", "bn"), "bangla"},
	{"Urdu typo", text("پاسپورت", "ur"), "urdu"},
	{"short words have none", text("dua ", "it"), ""},
	// Quotes and exclusions.
	{"phrase", text(`"permesso di soggiorno"`, "it"), "permesso"},
	{"phrase in the wrong order", text(`"soggiorno di permesso"`, "it"), ""},
	{"phrase does not cross fields", text(`"pediatrico visite"`, "it"), ""},
	{"phrase and word", text(`"ambulatorio pediatrico" biblioteca`, "it"), "rubrica"},
	{"guillemets", text("«ambulatorio pediatrico» biblioteca", "it"), "rubrica"},
	{"Chinese phrase", text("“居留许可”", "zh-Hans"), "zhongwen"},
	{"excluded", text("ambulatorio -biblioteca", "it"), "ambulatorio"},
	{"excluded phrase", text(`ambulatorio -"accanto c'è"`, "it"), "ambulatorio"},
	{"only excluded", search.Query{Text: "-lezioni", Locale: "it", Filters: map[string][]string{"type": {"service"}}}, "alloggio ambulatorio"},
	// Synonyms, also of another language.
	{"abbreviation", text("pds", "it"), "permesso"},
	{"synonym", text("immigration office", "en"), "permesso"},
	{"Italian word of an English reader", text("questura", "en"), "permesso"},
	{"reader of English, text in Italian", search.Query{Text: "police immigration office", Locale: "en", Locales: []string{"it"}}, "permesso"},
	{"reader of Arabic, text in Italian", search.Query{Text: "تصريح الإقامة", Locale: "ar", Locales: []string{"it"}}, "permesso"},
	{"reader of Chinese, text in Italian", search.Query{Text: "居留许可", Locale: "zh-Hans", Locales: []string{"it"}}, "permesso"},
	// Acts.
	{"act", text("286/1998", "it"), "minori permesso"},
	{"act with two digits", text("286/98", "it"), "minori permesso"},
	{"act by its kind", text("d.lgs. 286/1998", "it"), "minori permesso"},
	{"act in full", text("decreto legislativo 25 luglio 1998, n. 286", "it"), "minori permesso"},
	{"act in Arabic digits", text("٢٨٦/١٩٩٨", "it"), "minori permesso"},
	{"act and word", text("286/1998 tutore", "it"), "minori"},
	{"other act", text("47/2017", "it"), "minori"},
	// Languages in order.
	{"first language only", text("document", "en", "it"), "permesso"},
	{"what the first lacks", text("ambulatorio", "en", "it"), "ambulatorio rubrica"},
	{"all of two languages", search.Query{Locale: "en", Locales: []string{"en", "es"}}, "apia permesso suva vivienda"},
	// Only some documents, as another index answers.
	{"among", search.Query{Locale: "it", Among: []string{"rubrica", "alloggio", "not-there"}}, "alloggio rubrica"},
	{"among, with a word", search.Query{Text: "ambulatorio", Locale: "it", Among: []string{"alloggio", "rubrica"}}, "rubrica"},
	{"among none", search.Query{Locale: "it", Among: []string{}}, ""},
	{"among, variant in another language", search.Query{Locale: "en", Locales: []string{"en", "it"}, Among: []string{"permesso", "minori"}}, "minori permesso"},
	// Filters.
	{"type", filtered("type", "service"), "alloggio ambulatorio italiano"},
	{"types", filtered("type", "news", "practice"), "minori segreta"},
	{"region", filtered("territory", "09"), "alloggio italiano permesso"},
	{"municipality", filtered("territory", "100005"), "alloggio italiano"},
	{"language offered", filtered("language", "bn"), "alloggio ambulatorio"},
	{"topic", filtered("topic", "health", "housing"), "alloggio ambulatorio"},
	{"field of a type", filtered("target_groups", "women"), "segreta"},
	{"year", filtered("year", "2025"), ""},
	{"unknown value", filtered("type", "nothing"), ""},
	{"value that means something elsewhere", filtered("type", `service" OR type = "news`), ""},
	{"two facets", search.Query{Locale: "it", Filters: map[string][]string{"territory": {"03"}, "language": {"bn"}}}, "ambulatorio"},
	{"words and filter", search.Query{Text: "ambulatorio", Locale: "it", Filters: map[string][]string{"type": {"article"}}}, "rubrica"},
	{"dates", search.Query{Locale: "it", From: day(5), To: day(7)}, "ambulatorio minori"},
	// Geography.
	{"near", search.Query{Locale: "it", Near: &prato, RadiusMetres: 5_000}, "alloggio"},
	{"less near", search.Query{Locale: "it", Near: &prato, RadiusMetres: 30_000}, "alloggio italiano"},
	{"box", search.Query{Locale: "it", Box: &search.Box{West: 9, East: 9.5, South: 45, North: 46}}, "ambulatorio italiano"},
	{"box across the date line", search.Query{Locale: "en", Box: &search.Box{West: 175, East: -170, South: -20, North: -10}}, "apia suva"},
	{"box not across it", search.Query{Locale: "en", Box: &search.Box{West: -180, East: -170, South: -20, North: -10}}, "apia"},
	{"circle across the date line", search.Query{Locale: "en", Near: &search.Point{Lat: -16, Lon: -179.9}, RadiusMetres: 1_500_000}, "apia suva"},
	{"near and word", search.Query{Text: "lezioni", Locale: "it", Near: &milano, RadiusMetres: 1_000}, "italiano"},
	// Not all words.
	{"most words", text("ambulatorio pediatrico astronave", "it"), "ambulatorio rubrica"},
	{"too few words", text("ambulatorio astronave galattica marziana", "it"), ""},
}

// ask answers a query or ends the test.
func ask(t testing.TB, index search.Index, q search.Query) *search.Result {
	t.Helper()
	r, err := index.Search(context.Background(), q)
	if err != nil {
		t.Fatalf("%+v: %v", q, err)
	}
	return r
}

func slugs(r *search.Result) []string {
	out := []string{}
	for _, h := range r.Hits {
		out = append(out, h.Slug)
	}
	return out
}

func sortedSlugs(r *search.Result) string {
	list := slugs(r)
	slices.Sort(list)
	return strings.Join(list, " ")
}

func testQuestions(t *testing.T, d Driver) {
	index := d.filled(t)
	for _, c := range questions {
		t.Run(c.name, func(t *testing.T) {
			r := ask(t, index, c.q)
			if got := sortedSlugs(r); got != c.want || r.Total != len(r.Hits) {
				t.Errorf("%q: found %q (%d in all), want %q", c.q.Text, got, r.Total, c.want)
			}
		})
	}
}

func testOrder(t *testing.T, d Driver) {
	index := d.filled(t)
	for _, c := range []struct {
		name string
		q    search.Query
		want string
	}{
		{"title before body", text("ambulatorio pediatrico", "it"), "ambulatorio rubrica"},
		{"newest without words", filtered("type", "service"), "ambulatorio italiano alloggio"},
		{"nearest", search.Query{Locale: "it", Near: &firenze, Sort: search.SortDistance}, "italiano alloggio ambulatorio"},
		{"oldest", search.Query{Locale: "it", Filters: map[string][]string{"type": {"service"}}, Sort: "published_at"}, "alloggio italiano ambulatorio"},
		{"changed last", search.Query{Locale: "it", Filters: map[string][]string{"type": {"service"}}, Sort: "-updated_at"}, "ambulatorio italiano alloggio"},
		{"by title", search.Query{Locale: "it", Filters: map[string][]string{"type": {"service"}}, Sort: "title"}, "ambulatorio italiano alloggio"},
		{"by title backwards", search.Query{Locale: "it", Filters: map[string][]string{"type": {"service"}}, Sort: "-title"}, "alloggio italiano ambulatorio"},
	} {
		if got := strings.Join(slugs(ask(t, index, c.q)), " "); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	r := ask(t, index, search.Query{Locale: "it", Near: &firenze, Sort: search.SortDistance})
	if len(r.Hits) == 3 {
		for i, want := range []float64{0, geo.Metres(firenze, prato), geo.Metres(firenze, milano)} {
			got := r.Hits[i].Distance
			if got == nil || *got < want*0.99-1 || *got > want*1.01+1 {
				t.Errorf("distance of %s: %v, want about %v", r.Hits[i].Slug, got, want)
			}
		}
	}
}

func testCounts(t *testing.T, d Driver) {
	index := d.filled(t)
	r := ask(t, index, search.Query{Text: "ambulatorio", Locale: "it", Facets: []string{"type", "territory", "language", "topic", "year"}, Limit: 1})
	for name, want := range map[string]string{
		"type": "article 1, service 1", "territory": "015 1, 015146 1, 03 1", "language": "ar 1, bn 1, it 1", "topic": "health 1", "year": "2026 2",
	} {
		var got []string
		for _, c := range r.Facets[name] {
			got = append(got, fmt.Sprint(c.Value, " ", c.Count))
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s: %v, want %s", name, got, want)
		}
	}
	r = ask(t, index, search.Query{Locale: "it", Facets: []string{"type"}})
	if len(r.Facets["type"]) != 4 || r.Facets["type"][0] != (search.Count{Value: "service", Count: 3}) {
		t.Errorf("the highest count does not come first: %v", r.Facets["type"])
	}
	r = ask(t, index, search.Query{Text: "astronave", Locale: "it", Facets: []string{"type"}})
	if len(r.Facets["type"]) != 0 || r.Total != 0 {
		t.Errorf("counts of nothing: %v", r.Facets)
	}
}

func testPages(t *testing.T, d Driver) {
	index := d.filled(t)
	all := slugs(ask(t, index, search.Query{Locale: "it"}))
	var walked []string
	for offset := 0; offset < len(all)+2; offset += 2 {
		r := ask(t, index, search.Query{Locale: "it", Limit: 2, Offset: offset})
		if r.Total != len(all) {
			t.Fatalf("total %d on a page, %d in all", r.Total, len(all))
		}
		walked = append(walked, slugs(r)...)
	}
	if !slices.Equal(all, walked) {
		t.Errorf("pages give %v, the whole %v", walked, all)
	}
}

func testHighlights(t *testing.T, d Driver) {
	index := d.filled(t)
	for _, c := range []struct {
		name           string
		q              search.Query
		title, snippet string // parts
	}{
		{"word", text("ambulatorio", "it"), "<mark>Ambulatorio</mark> pediatrico", "Visite per bambini"},
		{"escaped", text("condivisi", "it"), `&lt;b onclick=&#34;x&#34;&gt;<mark>condivisi</mark>&lt;/b&gt; &amp; cortili`, "Un orto"},
		{"in the body", text("basilico", "it"), "Orti", "cresce il <mark>basilico</mark>"},
		{"Arabic", text("تَصْرِيح", "ar"), "<mark>تصريح</mark>", ""},
		{"typo", text("resdence", "en"), "<mark>residence</mark>", ""},
	} {
		r := ask(t, index, c.q)
		if len(r.Hits) == 0 {
			t.Errorf("%s: nothing found", c.name)
			continue
		}
		if r.Hits[0].Version != "v1" {
			t.Errorf("%s: version %q", c.name, r.Hits[0].Version)
		}
		if h := r.Hits[0]; !strings.Contains(strings.ReplaceAll(h.TitleHTML, "&quot;", "&#34;"), c.title) || !strings.Contains(h.Snippet, c.snippet) {
			t.Errorf("%s: title %q, snippet %q", c.name, h.TitleHTML, h.Snippet)
		}
	}
	r := ask(t, index, search.Query{Locale: "it", Limit: 100})
	for _, h := range r.Hits {
		if strings.Contains(h.TitleHTML+h.Snippet, "<") {
			t.Errorf("%s: without words nothing is marked: %q %q", h.Slug, h.TitleHTML, h.Snippet)
		}
	}
}

func testWhy(t *testing.T, d Driver) {
	index := d.filled(t)
	for _, c := range []struct {
		q     search.Query
		field string
		match string
	}{
		{text("ambulatorio", "it"), search.InTitle, search.ByWord},
		{text("basilico", "it"), search.InBody, search.ByWord},
		{text("pds", "it"), search.InTitle, search.BySynonym},
		{text("47/2017", "it"), search.InActs, search.ByAct},
		{text("biblioteac", "it"), search.InBody, search.ByTypo},
	} {
		r := ask(t, index, c.q)
		if len(r.Hits) == 0 || !slices.ContainsFunc(r.Hits[0].Why, func(w search.Reason) bool {
			return w.Field == c.field && w.Match == c.match && w.Text != ""
		}) {
			t.Errorf("%s: want %s by %s: %+v", c.q.Text, c.field, c.match, r.Hits)
		}
	}
}

func testDidYouMean(t *testing.T, d Driver) {
	index := d.filled(t)
	for typed, want := range map[string]string{
		"ambulatrio pediatrico": "ambulatorio pediatrico", "biblioteac": "biblioteca", "ambulatorio": "", "astronave": "",
	} {
		if r := ask(t, index, text(typed, "it")); r.DidYouMean != want {
			t.Errorf("%s: did you mean %q, want %q", typed, r.DidYouMean, want)
		}
	}
	if r := ask(t, index, text("ambulatorio pediatrico astronave", "it")); !r.Relaxed {
		t.Error("not all words are there, and the answer does not say so")
	}
	if r := ask(t, index, text("ambulatorio pediatrico", "it")); r.Relaxed {
		t.Error("all words are there, and the answer says that they are not")
	}
}

func testSuggestions(t *testing.T, d Driver) {
	index := d.filled(t)
	for _, c := range []struct{ text, locale, want string }{
		{"amb", "it", "Ambulatorio pediatrico"},
		{"pedia", "it", "Ambulatorio pediatrico"},
		{"scuola di ital", "it", "Scuola di italiano per adulti"},
		{"l'allog", "it", "Sportello per l'alloggio"},
		{"permesso", "it", "Il permesso di soggiorno"},
		{"تصريح", "ar", "تجديد تصريح الإقامة"},
		{"286", "it", "D.Lgs. 286/1998"},
		{"286/19", "it", "D.Lgs. 286/1998"},
		{"ambulatrio", "it", "Ambulatorio pediatrico"},
	} {
		list, err := index.Suggest(context.Background(), search.SuggestQuery{Text: c.text, Locale: c.locale})
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 0 || list[0].Text != c.want {
			t.Errorf("%s: %+v, want %s", c.text, list, c.want)
		} else if list[0].Kind == search.InTitle && list[0].Slug == "" {
			t.Errorf("%s: the suggestion leads nowhere: %+v", c.text, list[0])
		}
	}
	for _, nothing := range []string{"", "🙂", "zzzz"} {
		if list, err := index.Suggest(context.Background(), search.SuggestQuery{Text: nothing, Locale: "it"}); err != nil || len(list) != 0 {
			t.Errorf("%q: %v %v", nothing, list, err)
		}
	}
}

// testActSuggestions: an act is suggested once, however it is cited, with the
// documents that cite it in the languages asked for.
func testActSuggestions(t *testing.T, d Driver) {
	index := d.open(t)
	const day, year = "urn:nir:stato:decreto.legislativo:1998-07-25;286", "urn:nir:stato:decreto.legislativo:1998;286"
	short := doc("breve", "it", "article", "Breve", "", "")
	short.Acts, short.Locales = []search.Act{{Identifier: year, Label: "D.Lgs. n. 286/1998"}}, []string{"en", "it"}
	other := short
	other.ID, other.Locale, other.Title = search.DocumentID("breve", "en"), "en", "Short"
	long := doc("lungo", "it", "article", "Lungo", "", "")
	long.Acts = []search.Act{{Identifier: day, Label: "D.Lgs. 25 luglio 1998, n. 286"}}
	apply(t, index, search.Batch{Put: []search.Document{short, other, long}, Position: 1})
	for _, c := range []struct {
		locales []string
		count   int
	}{{[]string{"it"}, 2}, {[]string{"it", "en"}, 2}, {[]string{"en"}, 1}, {[]string{"fr"}, 0}} {
		list, err := index.Suggest(context.Background(), search.SuggestQuery{Text: "286", Locale: "it", Locales: c.locales})
		if err != nil {
			t.Fatal(err)
		}
		if c.count == 0 && len(list) == 0 {
			continue
		}
		if len(list) != 1 || list[0].Count != c.count || list[0].Query != "286/1998" || c.count == 2 && list[0].Text != long.Acts[0].Label {
			t.Errorf("in %v: %+v, want one act of %d documents", c.locales, list, c.count)
		}
	}
}
