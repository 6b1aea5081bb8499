package searchtest

import (
	"strings"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/schemas"
	"github.com/prassi-cms/prassi/search"
)

// Settings are those of the embedded declarations.
func Settings(tb testing.TB) *search.Settings {
	tb.Helper()
	s, err := search.Derive(schemas.Default())
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// day is the n-th of March 2026.
func day(n int) time.Time { return time.Date(2026, 3, n, 9, 0, 0, 0, time.UTC) }

// doc makes a document; each fact that is not given has a usual value.
func doc(id, locale, typ, title, summary, body string, more ...func(*search.Document)) search.Document {
	d := search.Document{
		ID: search.DocumentID(id, locale), Document: id, Version: "v1", Type: typ, Locale: locale, Locales: []string{locale},
		Slug: id, Title: title, Summary: summary, Body: body, Published: day(1), Updated: day(1), Facets: map[string][]string{},
	}
	for _, f := range more {
		f(&d)
	}
	return d
}

func facet(name string, values ...string) func(*search.Document) {
	return func(d *search.Document) { d.Facets[name] = values }
}

func at(points ...search.Point) func(*search.Document) {
	return func(d *search.Document) { d.Points = points }
}

func on(n int) func(*search.Document) {
	return func(d *search.Document) { d.Published, d.Updated = day(n), day(n) }
}

func also(locales ...string) func(*search.Document) {
	return func(d *search.Document) { d.Locales = append(d.Locales, locales...) }
}

// Places of the fixture.
var (
	prato   = search.Point{Lat: 43.8777, Lon: 11.1023}
	firenze = search.Point{Lat: 43.7696, Lon: 11.2558}
	milano  = search.Point{Lat: 45.4642, Lon: 9.19}
	suva    = search.Point{Lat: -18.1416, Lon: 178.4419}
	apia    = search.Point{Lat: -13.8333, Lon: -171.7667}
)

// Documents are the fixture.
func Documents() []search.Document {
	tuscany, lombardy := []string{"09", "100", "100005"}, []string{"03", "015", "015146"}
	decree := search.Act{Identifier: "urn:nir:stato:decreto.legislativo:1998-07-25;286", Label: "D.Lgs. 286/1998"}
	law := search.Act{Identifier: "urn:nir:stato:legge:2017-04-07;47", Label: "L. 47/2017"}
	cites := func(acts ...search.Act) func(*search.Document) {
		return func(d *search.Document) { d.Acts = acts }
	}
	return []search.Document{
		doc("permesso", "it", "article", "Il permesso di soggiorno", "Come si chiede e come si rinnova il documento.",
			"La domanda si presenta alla questura con il modulo. Il permesso di soggiorno vale due anni.",
			cites(decree), on(2), also("en"), facet("topic", "legal"), facet("territory", "09", "100")),
		doc("permesso", "en", "article", "The residence permit", "How to apply and renew the document.",
			"Bring the form to the police immigration office.", cites(decree), on(2), also("it"), facet("topic", "legal")),
		doc("minori", "it", "news", "Legge sui minori stranieri", "Le tutele per chi arriva senza famiglia.",
			"Il tutore accompagna ogni ragazzo.", cites(law, decree), on(5), facet("topic", "minors")),
		doc("alloggio", "it", "service", "Sportello per l'alloggio", "Aiuto per trovare una stanza in città.",
			"Ogni martedì si compila la richiesta con un operatore.", on(3), at(prato), facet("territory", tuscany...),
			facet("language", "it", "bn"), facet("topic", "housing")),
		doc("italiano", "it", "service", "Scuola di italiano per adulti", "Lezioni gratuite la sera.",
			"Le lezioni partono a ottobre. Nessuna spesa.", on(4), at(firenze, milano), facet("territory", append(tuscany, lombardy...)...),
			facet("language", "it", "ar"), facet("topic", "language")),
		doc("ambulatorio", "it", "service", "Ambulatorio pediatrico", "Visite per bambini con interprete.",
			"Prenotare al telefono. Serve la tessera.", on(6), at(milano), facet("territory", lombardy...),
			facet("language", "it", "ar", "bn"), facet("topic", "health")),
		doc("rubrica", "it", "article", "Storie di quartiere", "Racconti di chi abita qui.",
			"Fatima dirige un ambulatorio pediatrico. Accanto c'è una biblioteca.", on(7)),
		doc("suva", "en", "service", "Consulate desk", "Passports for travellers.", "Open in the morning.", at(suva), on(8)),
		doc("apia", "en", "service", "Harbour clinic", "Nurses on duty.", "Open in the evening.", at(apia), on(9)),
		doc("logement", "fr", "article", "Trouver un logement à l'étranger", "Des conseils pour les travailleuses et travailleurs.",
			"Le propriétaire signe le contrat.", on(10)),
		doc("vivienda", "es", "article", "Cómo buscar vivienda", "Consejos para extranjeras y niños.", "El contrato se firma con el dueño.", on(11)),
		doc("iqama", "ar", "article", "تجديد تصريح الإقامة", "كيف تطلب الوثيقة في المدينة.", "يقدم الطلب إلى المكتب مع جواز السفر.", on(12)),
		doc("bangla", "bn", "article", "বাড়ি ভাড়া নেওয়ার নিয়ম", "অভিবাসীদের জন্য তথ্য।", "চুক্তি ভালো করে পড়ুন।", on(13)),
		doc("zhongwen", "zh-Hans", "article", "如何申请居留许可", "需要准备的文件。", "请到警察局提交申请表。", on(14)),
		doc("urdu", "ur", "article", "رہائشی اجازت نامہ", "درخواست کا طریقہ۔", "پاسپورٹ ساتھ لائیں اور ہسپتال کا پتا لکھیں۔", on(15)),
		doc("segreta", "it", "practice", `Orti <b onclick="x">condivisi</b> & cortili`, "Un orto fra i palazzi.",
			strings.Repeat("Si lavora insieme ogni settimana. ", 40)+"Nel cortile cresce il basilico. "+strings.Repeat("Poi si mangia. ", 40), on(16),
			facet("target_groups", "families", "women")),
	}
}
