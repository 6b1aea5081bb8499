package schemas

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"
)

// withPrato is the territories with one municipality imported.
var withPrato = Default().Territories().WithMunicipalities([]Municipality{
	{ISTAT: "100005", Name: "Prato", Province: "100", Lat: 43.88, Lon: 11.09},
})

func service(t testing.TB) *Type {
	t.Helper()
	ty, ok := Default().Type("service")
	if !ok {
		t.Fatal("no services")
	}
	return ty
}

// parsed is a service from JSON, as it would be stored.
func parsed(t testing.TB, text string) Values {
	t.Helper()
	var in map[string]any
	if err := json.Unmarshal([]byte(text), &in); err != nil {
		t.Fatal(err)
	}
	v, issues := service(t).Parse(in, nil) // any municipality, since none is imported
	if issues != nil {
		t.Fatalf("%s: %+v", text, issues)
	}
	return v
}

func TestPublicPlaces(t *testing.T) {
	province, _ := withPrato.Lookup("100")
	at := func(municipality string, lat, lon float64) string {
		return fmt.Sprintf(`{"approximate":true,"lat":%v,"lon":%v%s}`, lat, lon, municipality)
	}
	prato := at(`,"municipality":"100005"`, 43.88, 11.09)
	for name, c := range map[string]struct{ in, want string }{
		"all of it":    {`"places":[{"label":"Casa","address":"Via Roma 12","municipality":"100005","lat":43.8812,"lon":11.0934}]`, `[` + prato + `]`},
		"no point":     {`"places":[{"address":"Via Roma 12","municipality":"100005"}]`, `[` + prato + `]`},
		"by hand":      {`"places":[{"municipality":"100005","lat":43.9,"lon":11.1,"approximate":true}]`, `[` + prato + `]`},
		"equal places": {`"places":[{"address":"a","municipality":"100005"},{"address":"b","municipality":"100005","lat":43.1,"lon":11.2}]`, `[` + prato + `]`},
		"two towns": {`"places":[{"municipality":"100005"},{"municipality":"048017","lat":43.7,"lon":11.2}]`,
			`[` + prato + `,` + at(`,"municipality":"048017"`, lookup("048").Lat, lookup("048").Lon) + `]`},
		"without municipality":  {`"places":[{"address":"Via Roma 12","lat":43.8812,"lon":11.0934}]`, ``},
		"territory":             {`"territories":["PO"],"places":[{"address":"Via Roma 12","lat":43.8812,"lon":11.0934}]`, `[` + at("", province.Lat, province.Lon) + `]`},
		"municipality of two":   {`"territories":["PO","100005"],"places":[{"address":"Via Roma 12"}]`, `[` + at("", 43.88, 11.09) + `]`},
		"two territories":       {`"territories":["PO","FI"],"places":[{"address":"Via Roma 12"}]`, ``},
		"a region":              {`"territories":["09"],"places":[{"address":"Via Roma 12"}]`, ``},
		"no places":             {`"territories":["PO"]`, ``},
		"one of the two is out": {`"places":[{"address":"Via Roma 12"},{"municipality":"100005"}]`, `[` + prato + `]`},
	} {
		ty := service(t)
		var in map[string]any
		if err := json.Unmarshal([]byte(`{"title":"Casa","sensitive":true,`+c.in+`}`), &in); err != nil {
			t.Fatal(err)
		}
		env := &Env{Territories: withPrato}
		if name == "two towns" {
			env = nil // no municipality is imported yet
		}
		v, issues := ty.Parse(in, env)
		if issues != nil {
			t.Fatalf("%s: %+v", name, issues)
		}
		before := encode(t, v)
		got := ty.Public(v, withPrato)
		if places := got["places"]; places == nil && c.want != "" || places != nil && encode(t, places) != c.want {
			t.Errorf("%s: %s, want %s", name, encode(t, places), c.want)
		}
		if encode(t, v) != before {
			t.Errorf("%s: the original was changed", name)
		}
		// A service that is not sensitive is as it is.
		delete(v, "sensitive")
		if got := ty.Public(v, withPrato); !reflect.DeepEqual(got, v) || reflect.ValueOf(got).Pointer() != reflect.ValueOf(v).Pointer() {
			t.Errorf("%s: not sensitive, but changed", name)
		}
		v["sensitive"] = false
		if got := ty.Public(v, withPrato); !reflect.DeepEqual(got, v) {
			t.Errorf("%s: not sensitive, but changed", name)
		}
		delete(v, "sensitive")
		if got := ty.Public(ty.AsPrivate(v), withPrato); encode(t, got["places"]) != orNull(c.want) || v["sensitive"] != nil {
			t.Errorf("%s: declared apart: %s", name, encode(t, got["places"]))
		}
	}
}

func orNull(s string) string {
	if s == "" {
		return "null"
	}
	return s
}

func lookup(code string) Territory {
	t, _ := withPrato.Lookup(code)
	return t
}

func TestPublicWithoutTerritoriesAndTypes(t *testing.T) {
	v := parsed(t, `{"title":"Casa","sensitive":true,"hsds":{"a":1},"places":[{"address":"Via Roma 12","municipality":"100005"}]}`)
	got := service(t).Public(v, nil)
	if p := got["places"].([]any)[0].(map[string]any); p["lat"] != lookup("100").Lat || got["hsds"] != nil {
		t.Errorf("without municipalities: %v", got)
	}
	article, _ := Default().Type("article")
	odd := Values{"sensitive": true, "title": "x"}
	if got := article.Public(odd, nil); !reflect.DeepEqual(got, odd) || article.Private(odd) || !reflect.DeepEqual(article.AsPrivate(Values{"title": "x"}), Values{"title": "x"}) {
		t.Error("an article became private")
	}
	if got := service(t).AsPrivate(nil); got["sensitive"] != true {
		t.Errorf("%v", got)
	}
}

// What people type, beside a hidden place in via Giuseppe Verdi 12 and its like.
func TestRevealed(t *testing.T) {
	const (
		verdi  = `{"address":"Via Giuseppe Verdi, 12 - 59100 Prato (PO)","municipality":"100005","lat":43.8812,"lon":11.0934}`
		roma   = `{"address":"via Roma 12"}`
		square = `{"address":"Piazza 4 Novembre n. 3/B, Prato"}`
		naked  = `{"address":"Corso Italia, Prato","municipality":"100005"}`
		german = `{"address":"Romstraße 12, 39100 Bozen"}`
		french = `{"address":"12, rue de la Liberté"}`
		arabic = `{"address":"شارع روما ١٢"}`
		named  = `{"label":"Casa Rosa, via Roma 12","municipality":"100005"}`
		town   = `{"address":"Prato","municipality":"100005"}`
		towns  = `{"address":"59100 Prato (PO), Italia","municipality":"100005"}`
		centre = `{"municipality":"100005","lat":43.88,"lon":11.09}`
		south  = `{"lat":-33.8688,"lon":-70.6693}`
		minute = `{"lat":43.88011,"lon":11.09119}`
	)
	for _, c := range []struct {
		place, text string
		want        bool
	}{
		{verdi, "Siamo in via Giuseppe Verdi 12.", true},
		{verdi, "VIA GIUSEPPE VERDI, 12", true},
		{verdi, "via  Giuseppe\n Verdi n. 12/A", true},
		{verdi, "via G. Verdi n° 12", true},
		{verdi, "via Verdi civico 12", true},
		{verdi, "V. Verdi nr.12", true},
		{verdi, "rue Verdi 12", true},
		{verdi, "12 via Verdi", true},
		{verdi, "Verdi Street 12", true},
		{verdi, "12, Verdi street", true},
		{verdi, "via **Giuseppe** *Verdi* 12", true},
		{verdi, "via Giuseppe Verdi\u00a012", true},
		{verdi, "via&nbsp;Giuseppe&nbsp;Verdi&nbsp;12", true},
		{verdi, "vi\u200ba Ver\u00addi 12", true},
		{verdi, "via Verdi 12", true},
		{verdi, "https://maps.example/?q=Via+Giuseppe+Verdi+12,+Prato", true},
		{verdi, "https://maps.example/?q=Via%20Giuseppe%20Verdi%2C%2012", true},
		{verdi, "via Giuseppe Verdi 121", false},
		{verdi, "via Giuseppe Verdi", false},
		{verdi, "via Roma 12", false},
		{verdi, "Prato, 59100", false},
		{verdi, "via Roma, fermata Verdi, linea 12", false},
		{verdi, "via … Verdi 12", false},
		{roma, "l'ufficio in Via  Roma, 12", true},
		{roma, "via roma12", true},
		{roma, "aperto a Roma il 12 maggio", false},
		{roma, "in via Roma alle 12", false},
		{square, "p.zza 4 Novembre 3", true},
		{square, "Piazza IV Novembre, 3", true},
		{square, "il 4 novembre alle 3", false},
		{square, "Piazza 4 Novembre 5", false},
		{naked, "in Corso Italia", true},
		{naked, "c.so Italia", true},
		{naked, "un corso in Italia", false},
		{naked, "un corso di italiano", false},
		{german, "Romstraße 12", true},
		{german, "ROMSTRASSE 12", true},
		{german, "Romstraße 13", false},
		{french, "12 rue de la Liberte", true},
		{french, "via della Libertà 12", false},
		{arabic, "نحن في شارع روما 12", true},
		{arabic, "نحن في شارع روما ۱۲", true},
		{arabic, "نحن في روما", false},
		{named, "Casa Rosa", false},
		{named, "Via Roma, 12", true},
		{`{"address":"presso Caritas via Roma 12"}`, "via Roma 12", true},
		{`{"address":"presso Caritas corso Italia"}`, "in c.so Italia", true},
		{`{"label":"Casa di via Roma 12"}`, "via Roma, 12", true},
		{`{"address":"via lo Jacono 5"}`, "via Lo Jacono 5", true},
		{`{"address":"via Piazza Armerina 5"}`, "via Piazza Armerina 5", true},
		{`{"label":"Casa Rosa"}`, "Casa Rosa", false},
		{`{"label":"Sede 2"}`, "la sede 2", false},
		{`{"address":"Comune di Prato","municipality":"100005"}`, "nel Comune di Prato", false},
		{`{"address":"Reggio Emilia","municipality":"035033"}`, "un rifugio a Reggio Emilia", false},
		{`{"address":"Villa Serena, Prato","municipality":"100005"}`, "nella villa Serena", true},
		{town, "un rifugio a Prato", false},
		{towns, "un rifugio a Prato, Italia", false},
		// Coordinates: 43.8812, 11.0934.
		{verdi, "43.8812,11.0934", true},
		{verdi, "43.8812 N 11.0934 E", true},
		{verdi, "43,8812; 11,0934", true},
		{verdi, "lat: 43.881 lon: 11.093", true},
		{verdi, "11.0934, 43.8812", true},
		{verdi, "geo:43.8812,11.0934", true},
		{verdi, "https://maps.example/@43.8811958,11.0934121,17z", true},
		{verdi, "https://maps.example/data=!3d43.8812!4d11.0934", true},
		{verdi, "https://maps.example/#map=17/43.88120/11.09340", true},
		{verdi, "https://maps.example/?q=43.8812%2C11.0934", true},
		{verdi, "?mlat=43.8812&mlon=11.0934", true},
		{verdi, `43°52'52.3"N 11°05'36.2"E`, true},
		{verdi, `43° 52′ 52,3″ N, 11° 5′ 36,2″ E`, true},
		{verdi, `43º 52.872' N 11º 5.604' E`, true},
		{verdi, "٤٣.٨٨١٢ ١١.٠٩٣٤", true},
		{verdi, "43.87, 11.09", false},
		{verdi, "43.8812", false},
		{verdi, "43.8812 euro nel 2025, e poi altri 11.0934", false},
		{verdi, "43.8812, …, 11.0934", false},
		{verdi, "da 43 a 11", false},
		{centre, "43.88, 11.09", false}, // of the municipality: no secret
		{south, "33.8688 S, 70.6693 W", true},
		{minute, "43.88,11.09", false},
		{minute, "43.880,11.091", true},
	} {
		ty := service(t)
		v := parsed(t, `{"title":"Casa","sensitive":true,"places":[`+c.place+`]}`)
		if c.place == centre {
			// Without the municipalities its point is not known.
			if ty.secrets(withPrato, v, nil).find(c.text) != nil {
				t.Errorf("%s reveals the point of the municipality", c.text)
			}
			continue
		}
		v["body"] = c.text
		issues := ty.Revealed(v)
		want := []Issue(nil)
		if c.want {
			want = []Issue{{Path: "/body", Code: CodeAddressInText}}
		}
		if !reflect.DeepEqual(issues, want) {
			t.Errorf("%s in %q: %+v", c.place, c.text, issues)
		}
		if got := ty.Redact(c.text, v) != c.text; got != c.want {
			t.Errorf("%s in %q: reveals %v", c.place, c.text, got)
		}
		public := ty.Public(v, withPrato)
		if changed := public["body"] != v["body"]; changed != c.want {
			t.Errorf("%s in %q: public is %q", c.place, c.text, public["body"])
		}
		// What was replaced was all of it.
		v["body"] = public["body"]
		if issues := ty.Revealed(v); issues != nil {
			t.Errorf("%s in %q: public is still %q", c.place, c.text, public["body"])
		}
		delete(v, "sensitive")
		if issues := ty.Revealed(v); issues != nil || ty.Redact(c.text, v) != c.text {
			t.Errorf("not sensitive: %+v", issues)
		}
	}
}

// Every text is looked at, wherever it stands, and only texts.
func TestRevealedEverywhere(t *testing.T) {
	v := parsed(t, `{
		"title": "Casa in via Roma 12", "alternate_name": "via Roma 12", "alert": "via Roma 12", "summary": "via Roma 12", "body": "via Roma 12",
		"organization": "via-roma-12", "sensitive": true,
		"places": [{"label": "via Roma 12", "address": "via Roma 12"}],
		"interpretation": "via Roma 12", "eligibility": "via Roma 12", "documents_needed": "via Roma 12", "cost_details": "via Roma 12",
		"how_to_book": "via Roma 12", "booking_url": "https://example.org/via-roma-12", "accessibility_notes": "via Roma 12",
		"contacts": [{"name": "Anna"}, {"name": "via Roma 12", "role": "via Roma 12", "email": "casa@via-roma-12.example", "web": "https://example.org/Via%20Roma%2012"}],
		"website": "https://via-roma-12.example/", "assurer_email": "via.roma.12@example.org",
		"image": {"src": "/media/via-roma-12.jpg", "alt": "La casa di via Roma 12"},
		"documents": [{"src": "/media/a.pdf", "caption": "Come arrivare in via Roma 12"}],
		"hsds": {"address": "via Roma 12"}
	}`)
	ty := service(t)
	var got []string
	for _, i := range ty.Revealed(v) {
		if i.Code != CodeAddressInText || i.Params != nil {
			t.Errorf("%+v", i)
		}
		got = append(got, i.Path)
	}
	slices.Sort(got)
	want := []string{
		"/accessibility_notes", "/alert", "/alternate_name", "/assurer_email", "/body", "/booking_url",
		"/contacts/1/email", "/contacts/1/name", "/contacts/1/role", "/contacts/1/web", "/cost_details", "/documents/0/caption",
		"/documents_needed", "/eligibility", "/how_to_book", "/image/alt", "/image/src", "/interpretation", "/summary", "/title", "/website",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%q", got)
	}
	public := ty.Public(v, withPrato)
	delete(public, "organization") // another document's name
	if data := encode(t, public); strings.Contains(strings.ToLower(data), "roma") {
		t.Errorf("public: %s", data)
	}
	if public["title"] != "Casa in …" || public["website"] != nil || public["image"] != nil || len(public["contacts"].([]any)) != 2 || encode(t, public["documents"]) != `[{"caption":"Come arrivare in …","src":"/media/a.pdf"}]` {
		t.Errorf("public: %s", encode(t, public))
	}
	if again, issues := ty.Parse(public, &Env{Territories: withPrato}); issues != nil || !reflect.DeepEqual(again, public) {
		t.Errorf("public values are not canonical: %+v %s", issues, encode(t, again))
	}
}

// plain is text as a reader compares it: letters and digits alone.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

// Whatever a service says, what the public sees of it holds no address, no name
// and no point of its places, and hiding twice hides no more.
func TestPublicProperties(t *testing.T) {
	ty := service(t)
	seen := 0
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.IntRange(1, 999).Draw(t, "number")
		name := rapid.SampledFrom([]string{"Ciclamini", "Giuseppe Montanelli", "dei Mille Fiori", "Ventidue Marzo"}).Draw(t, "name")
		kind := rapid.SampledFrom([]string{"Via", "Piazza", "Vicolo"}).Draw(t, "kind")
		address := fmt.Sprintf("%s %s %d", kind, name, number)
		lat := math.Round(rapid.Float64Range(36.1, 46.9).Draw(t, "lat")*1e5)/1e5 + 1e-6
		lon := math.Round(rapid.Float64Range(6.6, 18.4).Draw(t, "lon")*1e5)/1e5 + 1e-6
		written := []string{
			address, strings.ToUpper(address), fmt.Sprintf("%s %s, %d", kind, name, number), fmt.Sprintf("%d %s %s", number, kind, name),
			fmt.Sprintf("%v,%v", lat, lon), fmt.Sprintf("%.4f N %.4f E", lat, lon), fmt.Sprintf("@%v,%v,17z", lat, lon),
		}
		saying := func(label string) string {
			parts := rapid.SliceOfN(rapid.SampledFrom(append(written, "Aperto", "via", name, fmt.Sprint(number), "…", "\n", " ", "12.5", ",", "**")), 1, 9).Draw(t, label)
			return strings.Join(parts, rapid.SampledFrom([]string{" ", ", ", "\n"}).Draw(t, label+" joined"))
		}
		place := map[string]any{"label": "Rifugio Mimosa", "address": rapid.SampledFrom([]string{address, address + ", 59100 Prato", "Rifugio, " + address}).Draw(t, "address"), "lat": lat, "lon": lon}
		if rapid.Bool().Draw(t, "town") {
			place["municipality"] = rapid.SampledFrom([]string{"100005", "048017"}).Draw(t, "municipality")
		}
		in := map[string]any{
			"title": saying("title"), "sensitive": true, "places": []any{place, map[string]any{"label": "Rifugio Mimosa", "municipality": "100005"}},
			"hsds": map[string]any{"anything": saying("hsds")},
		}
		f := rapid.SampledFrom(ty.Fields).Draw(t, "field")
		if f.Kind != "place" && f.Kind != AttributesKind && f.Kind != "reference" && f.Name != "sensitive" && f.Name != "title" {
			in[f.Name] = anyValue(t, f, 2)
		}
		for _, name := range []string{"summary", "body", "alert", "eligibility"} {
			in[name] = saying(name)
		}
		in["contacts"] = []any{map[string]any{"name": saying("contact"), "phone": "112"}}
		in["documents"] = []any{map[string]any{"src": "/media/a.pdf", "caption": saying("caption")}}
		v, issues := ty.Parse(in, &Env{Territories: Default().Territories()})
		if issues != nil {
			return
		}
		seen++
		before := encodeT(t, v)
		public := ty.Public(v, withPrato)
		if encodeT(t, v) != before {
			t.Fatalf("the original was changed: %s", before)
		}
		data := encodeT(t, public)
		for _, secret := range []string{"Rifugio", "Mimosa", fmt.Sprint(lat), fmt.Sprint(lon)} {
			if strings.Contains(data, secret) && !(secret == fmt.Sprint(lat) || secret == fmt.Sprint(lon)) {
				t.Fatalf("%s in %s", secret, data)
			}
			if strings.Contains(encodeT(t, public["places"]), secret) {
				t.Fatalf("%s in the places of %s", secret, data)
			}
		}
		// In texts: the street with its number, and the pair of coordinates.
		var look func(x any)
		look = func(x any) {
			switch x := x.(type) {
			case string:
				for _, part := range strings.Split(x, redacted) {
					for _, secret := range written {
						if strings.Contains(plain(part), plain(secret)) && strings.Contains(part+" ", strings.TrimSpace(secret)+" ") {
							t.Fatalf("%q says %q", x, secret)
						}
					}
				}
			case []any:
				for _, y := range x {
					look(y)
				}
			case map[string]any:
				for _, y := range x {
					look(y)
				}
			}
		}
		look(map[string]any(public))
		for _, i := range ty.Revealed(merge(public, v["places"])) {
			t.Fatalf("%s still says it: %s", i.Path, data)
		}
		if again := ty.Public(public, withPrato); !reflect.DeepEqual(again, public) {
			t.Fatalf("%s hidden again is %s", data, encodeT(t, again))
		}
		if !ty.Private(public) {
			t.Fatalf("%s does not say that it is private", data)
		}
		if again, issues := ty.Parse(public, nil); issues != nil || !reflect.DeepEqual(again, public) {
			t.Fatalf("%s is not canonical: %+v", data, issues)
		}
	})
	if seen < 20 {
		t.Errorf("only %d good values", seen)
	}
}

// merge is public values beside the places that they hide.
func merge(public Values, places any) Values {
	out := Values{}
	for k, v := range public {
		out[k] = v
	}
	out["places"] = places
	return out
}

// What the places of other revisions say is a secret too: who declares a shelter
// private often takes its address away at once.
func TestKnownIsPrivateToo(t *testing.T) {
	now := parsed(t, `{"title":"Casa","sensitive":true,"body":"Siamo in via Roma 12.","places":[{"municipality":"100005"}]}`)
	before := parsed(t, `{"title":"Casa","places":[{"address":"Via Roma 12","municipality":"100005"}]}`)
	ty := service(t)
	if ty.Revealed(now) != nil || ty.Public(now, withPrato)["body"] != now["body"] || ty.Redact("Via Roma 12", now) != "Via Roma 12" {
		t.Error("nobody said that it is an address")
	}
	if got := ty.Revealed(now, before); len(got) != 1 || got[0].Path != "/body" {
		t.Errorf("%+v", got)
	}
	if got := ty.Public(now, withPrato, before)["body"]; got != "Siamo in ….\n" && got != "Siamo in …." {
		t.Errorf("%q", got)
	}
	if got := ty.Redact("Chiave: via Roma, 12!", now, before); got != "Chiave: …!" {
		t.Errorf("%q", got)
	}
	if got := ty.Redact("Via Roma 12", before, before); got != "Via Roma 12" {
		t.Errorf("of what is not private: %q", got)
	}
}

// A body that runs a shelter may have its registered office there.
func TestPrivateOrganization(t *testing.T) {
	ty, _ := Default().Type("organization")
	office := map[string]any{"label": "Sede", "address": "Via Roma 12", "municipality": "100005", "lat": 43.8812, "lon": 11.0934}
	v := Values{"title": "Casa", "sensitive": true, "seat": office, "places": []any{office}, "activities": "In via Roma 12.", "hsds": map[string]any{"locations": []any{office}}}
	data, err := json.Marshal(ty.Public(v, withPrato))
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"Roma", "43.8812", "11.0934", "hsds"} {
		if strings.Contains(string(data), secret) {
			t.Errorf("%s in %s", secret, data)
		}
	}
	if !strings.Contains(string(data), `"seat":{"approximate":true`) {
		t.Errorf("%s", data)
	}
}

// A long text of what nearly is an address takes no longer than any other.
func TestRevealedInBounds(t *testing.T) {
	v := parsed(t, `{"title":"x","sensitive":true,"places":[{"address":"via via via roma roma 12","lat":43.8812,"lon":11.0934}]}`)
	ty := service(t)
	for _, text := range []string{"via ", "roma ", "12 ", "43.8812 ", "43°52'", "&nbsp;", "%20", "&", "%", "…", "\u0301"} {
		v["body"] = strings.Repeat(text, (16<<10)/len(text))
		public := ty.Public(v, withPrato)
		v["body"] = public["body"]
		if ty.Revealed(v) != nil {
			t.Errorf("%q", text)
		}
	}
}

// Any text and any address: no panic, spans that are parts of the text in order,
// and nothing left after replacing them.
func FuzzRevealed(f *testing.F) {
	f.Add("via Giuseppe Verdi, 12", "Siamo in via&nbsp;G. Verdi n° 12 (43.8812,11.0934)")
	f.Add("12, rue de la Liberté", "12%20rue%20de%20la%20Libert%C3%A9")
	f.Add("شارع روما ١٢", "شارع روما 12 … 43°52'52\"N 11°5'36\"E")
	f.Add("a1", "A\u0301 1 ﬁ ß …")
	f.Fuzz(func(t *testing.T, address, text string) {
		if len(address) > 1200 || len(text) > 4096 {
			return
		}
		s := &secrets{points: [][2]float64{{43.8812, 11.0934}}}
		s.add(address, townWords)
		last := 0
		for _, sp := range s.find(text) {
			if sp.start < last || sp.end <= sp.start || sp.end > len(text) {
				t.Fatalf("%v in %d bytes", sp, len(text))
			}
			last = sp.end
		}
		out := s.redact(text)
		if found := s.find(out); found != nil {
			t.Fatalf("%q becomes %q, where %v is left", text, out, found)
		}
	})
}

func TestPrivateDeclarations(t *testing.T) {
	// Without the types that are not needed, for speed.
	load := func(course string) error {
		files := map[string]string{"types/course.yaml": course, "freshness.yaml": ""}
		for _, ty := range Default().Types() {
			if ty.Name != "organization" {
				files["types/"+ty.Name+".yaml"] = ""
			}
		}
		_, err := Load(overlay(t, files))
		return err
	}
	with := func(extra string) error { return load(strings.Replace(courseType, "form:\n", extra+"\nform:\n", 1)) }
	for extra, want := range map[string]string{
		"private: {when: hidden}": "types/course.yaml:7: \"hidden\" is no shared field",
		"private: {when: hours}":  "types/course.yaml:7: \"hours\" is no shared field",
		"private: {}":             "types/course.yaml:7: \"\" is no shared field",
		"private: {if: hours}":    "types/course.yaml:7: unknown key \"if\"",
		"import: {live: never}":   "types/course.yaml:7: live is \"never\", not review",
		"import: {live: review}":  "",
	} {
		if err := with(extra); want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v", extra, err)
		}
	}
	for extra, want := range map[string]string{
		"{name: secret, kind: boolean, label: {it: S}}":                  "",
		"{name: secret, kind: boolean, label: {it: S}, approval: keeps}": "whose change voids approvals",
		"{name: secret, kind: boolean, label: {it: S}, localized: true}": "is no shared field",
		"{name: secret, kind: boolean, label: {it: S}, repeated: true}":  "is no shared field",
	} {
		text := strings.Replace(courseType, "form:\n", "private: {when: secret}\nform:\n", 1) + "  - " + extra + "\n"
		err := load(text)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v", extra, err)
		}
	}
	for _, extra := range []string{"localized: true", "repeated: true", "search: {weight: 1}", "search: {facet: true}", "form: {widget: textarea}", "max_chars: 3"} {
		text := courseType + "  - {name: other, kind: attributes, label: {it: A}, " + extra + "}\n"
		if err := load(text); err == nil || !strings.Contains(err.Error(), "kind attributes") {
			t.Errorf("%s: %v", extra, err)
		}
	}
	for typ, want := range map[string]string{"service": ImportReview, "organization": ImportReview, "article": ""} {
		if ty, _ := Default().Type(typ); ty.Import.Live != want {
			t.Errorf("%s: imports of live documents: %q", typ, ty.Import.Live)
		}
	}
}
