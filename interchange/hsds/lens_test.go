package hsds_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/prassi-cms/prassi/interchange/hsds"
	"github.com/prassi-cms/prassi/schemas"
)

// places has a few municipalities, two of them of one name.
var places = schemas.Default().Territories().WithMunicipalities([]schemas.Municipality{
	{ISTAT: "100005", Name: "Prato", Province: "100", Lat: 43.88, Lon: 11.09},
	{ISTAT: "048017", Name: "Firenze", Province: "048", Lat: 43.77, Lon: 11.25},
	{ISTAT: "022035", Name: "Calliano", Province: "022", Lat: 45.93, Lon: 11.09},
	{ISTAT: "005014", Name: "Calliano", Province: "005", Lat: 45.01, Lon: 8.25},
})

var lens = hsds.New(schemas.Default(), places)

func oneOf[T any](list ...T) *rapid.Generator[T] { return rapid.SampledFrom(list) }

// maybe sets a member now and then.
func maybe(t *rapid.T, o map[string]any, key string, v func() any) {
	if rapid.IntRange(0, 2).Draw(t, key+"?") > 0 {
		o[key] = v()
	}
}

func someText(t *rapid.T, name string) any {
	return oneOf[any]("Corso di italiano", "  spazi  ", "riga\nseconda riga", "", "- uno\n- due", "è così", "x\u0007y", nil, 12.0, strings.Repeat("lungo ", 120)).Draw(t, name)
}

func some(t *rapid.T, name string, most int, one func(t *rapid.T) map[string]any) any {
	list := []any{}
	for range rapid.IntRange(0, most).Draw(t, name+"#") {
		list = append(list, one(t))
	}
	if rapid.IntRange(0, 20).Draw(t, name+"odd") == 0 {
		list = append(list, nil, "odd", []any{1.0})
	}
	return list
}

func anyPhone(t *rapid.T) map[string]any {
	p := map[string]any{"id": "p"}
	maybe(t, p, "number", func() any {
		return oneOf[any]("055 123456", "\"+44 1234 234567\"", "+39 055 1", "call us", 800123456.0, "").Draw(t, "number")
	})
	maybe(t, p, "type", func() any { return oneOf[any]("voice", "fax", "").Draw(t, "type") })
	maybe(t, p, "description", func() any { return someText(t, "pd") })
	maybe(t, p, "extension", func() any { return 100.0 })
	return p
}

func anyContact(t *rapid.T) map[string]any {
	c := map[string]any{"id": fmt.Sprint("c", rapid.IntRange(0, 3).Draw(t, "cid"))}
	maybe(t, c, "name", func() any { return oneOf[any]("Anna", "Ufficio", "").Draw(t, "cn") })
	maybe(t, c, "title", func() any { return someText(t, "ct") })
	maybe(t, c, "department", func() any { return "Reception" })
	maybe(t, c, "email", func() any { return oneOf[any]("a@example.org", "not mail", "B@Example.ORG").Draw(t, "ce") })
	maybe(t, c, "phones", func() any { return some(t, "cp", 2, anyPhone) })
	return c
}

func anySchedule(t *rapid.T) map[string]any {
	s := map[string]any{"id": "s"}
	maybe(t, s, "freq", func() any { return oneOf[any]("WEEKLY", "MONTHLY", "DAILY", "").Draw(t, "freq") })
	maybe(t, s, "byday", func() any { return oneOf[any]("MO,TU", "SA", "1MO", "", "mo, we", "SU,MO").Draw(t, "byday") })
	maybe(t, s, "interval", func() any { return oneOf[any](1.0, 2.0, "1", nil).Draw(t, "interval") })
	maybe(t, s, "opens_at", func() any { return oneOf[any]("09:00", "09:00:00", "9:30", "10:00Z", "morning", "").Draw(t, "opens") })
	maybe(t, s, "closes_at", func() any { return oneOf[any]("18:00", "02:00", "24:00", "12:30+01:00", "").Draw(t, "closes") })
	maybe(t, s, "valid_from", func() any { return oneOf[any]("2026-01-01", "soon", "2026-01-01T00:00:00Z").Draw(t, "from") })
	maybe(t, s, "until", func() any { return oneOf[any]("2026-12-31", "2025-01-01").Draw(t, "until") })
	if rapid.IntRange(0, 5).Draw(t, "rare") == 0 {
		s["description"], s["byweekno"] = "closed", oneOf[any]("", "41").Draw(t, "weekno")
	}
	return s
}

func anyLocation(t *rapid.T) map[string]any {
	l := map[string]any{"id": fmt.Sprint("l", rapid.IntRange(0, 5).Draw(t, "lid"))}
	maybe(t, l, "location_type", func() any { return oneOf[any]("physical", "virtual", "postal").Draw(t, "lt") })
	maybe(t, l, "name", func() any { return oneOf[any]("Centro civico", "Sede", "").Draw(t, "ln") })
	maybe(t, l, "latitude", func() any { return oneOf[any](43.9, 100.0, "43.1", 0.0, nil).Draw(t, "lat") })
	maybe(t, l, "longitude", func() any { return oneOf[any](11.1, 200.0, "11.2", 0.0).Draw(t, "lon") })
	maybe(t, l, "transportation", func() any { return "bus 1" })
	maybe(t, l, "addresses", func() any {
		return some(t, "addresses", 2, func(t *rapid.T) map[string]any {
			a := map[string]any{"id": "a"}
			maybe(t, a, "address_1", func() any { return oneOf[any]("via Roma 12", "Piazza 1", "").Draw(t, "a1") })
			maybe(t, a, "address_2", func() any { return "scala B" })
			maybe(t, a, "city", func() any { return oneOf[any]("Prato", "Calliano", "MyCity", "FIRENZE", "").Draw(t, "city") })
			maybe(t, a, "state_province", func() any { return oneOf[any]("TN", "Asti", "MyState").Draw(t, "sp") })
			maybe(t, a, "postal_code", func() any { return "59100" })
			maybe(t, a, "country", func() any { return oneOf[any]("IT", "US", "").Draw(t, "country") })
			maybe(t, a, "address_type", func() any { return oneOf[any]("physical", "postal", "virtual").Draw(t, "at") })
			return a
		})
	})
	maybe(t, l, "accessibility", func() any {
		return some(t, "access", 2, func(t *rapid.T) map[string]any {
			return map[string]any{"id": "x", "description": someText(t, "ad"), "details": someText(t, "ade")}
		})
	})
	maybe(t, l, "schedules", func() any { return some(t, "ls", 2, anySchedule) })
	if rapid.IntRange(0, 4).Draw(t, "xid") == 0 {
		l["external_identifier"], l["external_identifier_type"] = "100005", oneOf[any]("ISTAT", "UPRN").Draw(t, "xtype")
	}
	return l
}

func anyAttribute(t *rapid.T) map[string]any {
	return map[string]any{"id": "at", "value": "v", "taxonomy_term": map[string]any{
		"name":     oneOf[any]("Housing", "Salute", "Wizardry", "women", "", "Free of charge").Draw(t, "term"),
		"code":     oneOf[any]("housing", "free", "1", "step-free", 7.0).Draw(t, "code"),
		"taxonomy": oneOf[any]("prassi:service_areas", "prassi:costs", "prassi:accessibility", "openEligibility", nil).Draw(t, "taxonomy"),
	}}
}

func anyOrganization(t *rapid.T) map[string]any {
	o := map[string]any{"id": oneOf[any]("d9d5e0f5-d3ce-4f73-9a2f-4dd0ecc6c610", "org/1").Draw(t, "oid"), "name": "Ente"}
	for _, m := range []string{"description", "alternate_name", "legal_status", "logo"} {
		maybe(t, o, m, func() any { return someText(t, m) })
	}
	maybe(t, o, "website", func() any { return oneOf[any]("https://example.org", "no").Draw(t, "w") })
	maybe(t, o, "email", func() any { return oneOf[any]("a@example.org", "no").Draw(t, "oe") })
	maybe(t, o, "parent_organization_id", func() any { return oneOf[any]("cd09a387-91f4-4555-94ec-e799c35344cd", "", nil).Draw(t, "pid") })
	maybe(t, o, "tax_id", func() any { return oneOf[any]("00743110157", "tax_id", 1.0).Draw(t, "tax") })
	maybe(t, o, "organization_identifiers", func() any {
		return some(t, "oi", 2, func(t *rapid.T) map[string]any {
			return map[string]any{"id": "i", "identifier_scheme": oneOf[any]("IT-CF", "GB-COH").Draw(t, "scheme"), "identifier": oneOf[any]("00743110157", 1234567.0, "x").Draw(t, "ident")}
		})
	})
	maybe(t, o, "phones", func() any { return some(t, "op", 2, anyPhone) })
	maybe(t, o, "contacts", func() any { return some(t, "oc", 2, anyContact) })
	maybe(t, o, "locations", func() any { return some(t, "ol", 3, anyLocation) })
	maybe(t, o, "attributes", func() any { return some(t, "oa", 3, anyAttribute) })
	return o
}

func anyService(t *rapid.T) map[string]any {
	o := map[string]any{
		"id":   oneOf[any]("ac148810-d857-441c-9679-408f346de14b", "service 7", 42.0).Draw(t, "id"),
		"name": oneOf[any]("Sportello", strings.Repeat("n", 300), "  Due  spazi ").Draw(t, "name"), "status": oneOf[any]("active", "inactive", "odd").Draw(t, "status"),
	}
	for _, m := range []string{
		"alternate_name", "description", "interpretation_services", "application_process", "fees_description", "fees", "accreditations",
		"eligibility_description", "alert", "wait_time", "x_extra",
	} {
		maybe(t, o, m, func() any { return someText(t, m) })
	}
	maybe(t, o, "url", func() any { return oneOf[any]("https://example.org/a", "example", "").Draw(t, "url") })
	maybe(t, o, "email", func() any { return oneOf[any]("a@example.org", "c@example.org", "no").Draw(t, "email") })
	maybe(t, o, "assurer_email", func() any { return oneOf[any]("a@example.org", "no").Draw(t, "assurer") })
	maybe(t, o, "minimum_age", func() any { return oneOf[any](12.0, 12.5, -1.0, "18", nil).Draw(t, "min") })
	maybe(t, o, "maximum_age", func() any { return oneOf[any](100.0, 500.0).Draw(t, "max") })
	maybe(t, o, "assured_date", func() any { return oneOf[any]("2005-01-01", "2026-02-30", "").Draw(t, "assured") })
	maybe(t, o, "last_modified", func() any { return "2023-03-15T10:30:45.123Z" })
	maybe(t, o, "phones", func() any { return some(t, "phones", 3, anyPhone) })
	maybe(t, o, "contacts", func() any { return some(t, "contacts", 3, anyContact) })
	maybe(t, o, "schedules", func() any { return some(t, "schedules", 3, anySchedule) })
	maybe(t, o, "attributes", func() any { return some(t, "attributes", 4, anyAttribute) })
	maybe(t, o, "service_at_locations", func() any {
		return some(t, "sal", 3, func(t *rapid.T) map[string]any {
			e := map[string]any{"id": "sal"}
			maybe(t, e, "location", func() any { return anyLocation(t) })
			maybe(t, e, "schedules", func() any { return some(t, "ss", 2, anySchedule) })
			return e
		})
	})
	maybe(t, o, "languages", func() any {
		return some(t, "languages", 3, func(t *rapid.T) map[string]any {
			return map[string]any{"id": "l", "name": oneOf[any]("Urdu", "italiano", "Klingonese").Draw(t, "lname"), "code": oneOf[any]("ur", "", "ita", nil, "bn").Draw(t, "lcode")}
		})
	})
	maybe(t, o, "service_areas", func() any {
		return some(t, "areas", 3, func(t *rapid.T) map[string]any {
			return map[string]any{"id": "a", "name": oneOf[any]("Prato", "Toscana", "Italia", "Provincia di Prato", "Nowhere", "Comune di Firenze", "Calliano").Draw(t, "area")}
		})
	})
	maybe(t, o, "required_documents", func() any {
		return some(t, "docs", 3, func(t *rapid.T) map[string]any {
			return map[string]any{"id": "d", "document": someText(t, "doc"), "uri": oneOf[any]("", "https://example.org/d").Draw(t, "uri")}
		})
	})
	maybe(t, o, "cost_options", func() any {
		return some(t, "costs", 2, func(t *rapid.T) map[string]any {
			return map[string]any{"id": "k", "option": "adulti", "amount": oneOf[any](0.0, 10.0, nil).Draw(t, "amount")}
		})
	})
	maybe(t, o, "additional_urls", func() any {
		return some(t, "urls", 2, func(t *rapid.T) map[string]any {
			return map[string]any{"id": "u", "label": oneOf[any]("Prenotazione", "Website").Draw(t, "label"), "url": "https://example.org/b"}
		})
	})
	maybe(t, o, "organization", func() any { return anyOrganization(t) })
	maybe(t, o, "organization_id", func() any { return "d9d5e0f5-d3ce-4f73-9a2f-4dd0ecc6c610" })
	return o
}

func text(v any) string {
	data, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		panic(err)
	}
	return string(data)
}

// facts are what a store says of an imported object that nobody edited.
func facts(kind hsds.Kind, m hsds.Mapped, original map[string]any) hsds.Facts {
	f := hsds.Facts{ID: hsds.DocumentID(kind, m.ID, 1), Fields: map[string]any{}, Assured: m.Assured, Modified: time.Now()}
	for k, v := range m.Fields {
		f.Fields[k] = v
	}
	f.Fields[hsds.Field] = hsds.Kept(original, hsds.Keep{Left: m.Left})
	return f
}

var generators = map[hsds.Kind]func(*rapid.T) map[string]any{hsds.Service: anyService, hsds.Organization: anyOrganization}

// GetPut: what nobody edited goes out as it came in, with and without a list of
// municipalities, and also when that list came between.
func TestUneditedGoesOutAsItCame(t *testing.T) {
	bare := hsds.New(schemas.Default(), nil)
	for kind, gen := range generators {
		for name, l := range map[string][2]*hsds.Lens{"same": {lens, lens}, "bare": {bare, bare}, "later": {bare, lens}} {
			t.Run(string(kind)+"/"+name, func(t *testing.T) {
				rapid.Check(t, func(t *rapid.T) {
					original := gen(t)
					before := text(original)
					m := l[0].ToFields(kind, original)
					if text(original) != before {
						t.Fatalf("reading changed the original:\n%s\n%s", before, text(original))
					}
					if out := text(l[1].FromFields(kind, facts(kind, m, original))); out != before {
						t.Fatalf("went out as\n%s\ncame as\n%s\nfields %s", out, before, text(m.Fields))
					}
				})
			})
		}
	}
}

// values that editors may give, canonical.
var edits = map[hsds.Kind]map[string][]any{
	hsds.Service: {
		"title": {"Nuovo nome"}, "alternate_name": {nil, "Altro"}, "body": {nil, "Testo\n\n- uno\n- due"}, "alert": {nil, "Chiuso"}, "website": {nil, "https://example.com/x"},
		"assurer_email": {nil, "chi@example.org"}, "interpretation": {nil, "Urdu"}, "eligibility": {nil, "Tutti"}, "how_to_book": {nil, "Chiama"},
		"minimum_age": {nil, 18.0}, "maximum_age": {nil, 65.0}, "organization": {nil, "cd09a387-91f4-4555-94ec-e799c35344cd"},
		"places": {nil,
			[]any{map[string]any{"label": "Sede", "address": "via Nuova 1", "municipality": "048017", "lat": 43.7, "lon": 11.2}},
			[]any{map[string]any{"address": "via Roma 12"}, map[string]any{"label": "Centro civico", "municipality": "100005", "lat": 43.88, "lon": 11.09, "approximate": true}},
			[]any{map[string]any{"label": "Rifugio", "lat": 43.0, "lon": 11.0, "approximate": true}, map[string]any{"label": "Sede", "municipality": "100005"}}},
		"opening_hours": {nil,
			[]any{map[string]any{"days": []any{"mo", "tu"}, "opens": "09:00", "closes": "18:00"}},
			[]any{map[string]any{"days": []any{"sa"}, "opens": "20:00", "closes": "02:00", "valid_from": "2026-01-01"}, map[string]any{"closed": true, "valid_from": "2026-08-01", "valid_to": "2026-08-31"}},
			[]any{map[string]any{"holidays": true, "opens": "10:00", "closes": "12:00"}}},
		"languages": {nil, []any{"bn", "it"}, []any{"ur"}},
		"cost":      {nil, "free", "paid", "income-based"}, "cost_details": {nil, "10 euro"},
		"documents_needed": {nil, "Passaporto", "- uno\n- due", "- uno\n\n- due\n- tre"}, "booking_url": {nil, "https://example.org/book"},
		"topics": {nil, []any{"work", "housing"}, []any{"health"}}, "target_groups": {nil, []any{"women"}}, "accessibility": {nil, []any{"step-free", "lift"}},
		"accessibility_notes": {nil, "Rampa"}, "territories": {nil, []any{"09"}, []any{"100", "100005"}},
		"contacts": {nil, []any{map[string]any{"phone": "055 123456"}, map[string]any{"name": "Anna", "email": "anna@example.org"}},
			[]any{map[string]any{"name": "Ufficio", "role": "Reception", "web": "https://example.org/c", "phone": "800 111"}}},
	},
	hsds.Organization: {
		"title": {"Nuovo ente"}, "acronym": {nil, "NE"}, "body": {nil, "Testo"}, "website": {nil, "https://example.com"}, "tax_code": {nil, "00743110157"},
		"parent": {nil, "ac148810-d857-441c-9679-408f346de14b"}, "organization_type": {nil, "cooperative"}, "topics": {nil, []any{"work"}},
		"places":        {nil, []any{map[string]any{"label": "Sede", "municipality": "048017", "lat": 43.77, "lon": 11.25, "approximate": true}}},
		"opening_hours": {nil, []any{map[string]any{"days": []any{"fr"}, "opens": "09:00", "closes": "13:00"}}},
		"contacts":      {nil, []any{map[string]any{"email": "z@example.org"}}},
	},
}

// PutGet: what an editor wrote is what a fresh reading of the export gives, and
// so is what the editor left alone.
func TestEditedIsReadAgain(t *testing.T) {
	for kind, gen := range generators {
		t.Run(string(kind), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				original := map[string]any(nil)
				f := hsds.Facts{ID: "01a200bb-38fc-7cb6-8544-73adf3613f61", Fields: map[string]any{"title": "Nome"}}
				if rapid.Bool().Draw(t, "imported") {
					original = gen(t)
					f = facts(kind, lens.ToFields(kind, original), original)
				}
				for name, values := range edits[kind] {
					if rapid.IntRange(0, 3).Draw(t, "edit "+name) == 0 {
						f.Fields[name] = oneOf(values...).Draw(t, name)
						if f.Fields[name] == nil {
							delete(f.Fields, name)
						}
					}
				}
				want := map[string]any{}
				for name, v := range f.Fields {
					if name != hsds.Field {
						want[name] = v
					}
				}
				out := lens.FromFields(kind, f)
				got := lens.ToFields(kind, out).Fields
				if !reflect.DeepEqual(got, want) {
					t.Fatalf("a document that says\n%s\nis read again as\n%s\nfrom\n%s\nmade of\n%s", text(want), text(got), text(out), text(original))
				}
				data, err := json.Marshal(out)
				if err != nil {
					t.Fatal(err)
				}
				var again map[string]any
				if err := json.Unmarshal(data, &again); err != nil || !reflect.DeepEqual(again, out) {
					t.Fatalf("the export is not plain JSON: %v", err)
				}
			})
		})
	}
}

// Terms of others are found by the table, and by our own labels where that is safe.
func TestTerms(t *testing.T) {
	for _, c := range []struct{ kind, field, name, want string }{
		{"service", "topics", "Mental Health Care", "health"}, {"service", "topics", "Alloggio", "housing"}, {"service", "topics", "Wizardry", ""},
		{"service", "target_groups", "Refugees", "protection-holders"}, {"service", "accessibility", "Wheelchair", "step-free"},
		{"organization", "organization_type", "Free", ""},
	} {
		f := lens.ToFields(hsds.Kind(c.kind), map[string]any{"id": "a", "name": "A", "attributes": []any{map[string]any{"taxonomy_term": map[string]any{"name": c.name}}}}).Fields
		got := ""
		if list, ok := f[c.field].([]any); ok {
			got, _ = list[0].(string)
		}
		if got != c.want {
			t.Errorf("%s of %q is %q, want %q", c.field, c.name, got, c.want)
		}
	}
}

// A nested copy of an organisation follows what its own document says, and only
// in what that says otherwise than its own original.
func TestNestedOrganization(t *testing.T) {
	org := map[string]any{"id": "o", "name": "Ente", "description": "Un ente", "logo": "x"}
	service := map[string]any{"id": "s", "name": "S", "status": "active", "organization": map[string]any{"id": "o", "name": "Ente", "legal_status": "y"}}
	m := lens.ToFields(hsds.Service, service)
	f := facts(hsds.Service, m, service)
	of := facts(hsds.Organization, lens.ToFields(hsds.Organization, org), org)
	f.Organization = &of
	if out := lens.FromFields(hsds.Service, f); !reflect.DeepEqual(out, service) {
		t.Errorf("nobody edited anything: %s", text(out))
	}
	of.Fields["title"] = "Ente nuovo"
	out := lens.FromFields(hsds.Service, f)["organization"].(map[string]any)
	if want := map[string]any{"id": "o", "name": "Ente nuovo", "legal_status": "y"}; !reflect.DeepEqual(out, want) {
		t.Errorf("the copy says %s", text(out))
	}
	// What an import had to leave out stays as it was until somebody fills it in.
	f.Fields[hsds.Field] = hsds.Kept(service, hsds.Keep{Left: []string{"organization"}, Occurrence: 2})
	delete(f.Fields, "organization")
	f.Organization = nil
	if out := lens.FromFields(hsds.Service, f); !reflect.DeepEqual(out, service) {
		t.Errorf("what was left out is %s", text(out))
	}
	f.Fields["organization"] = "cd09a387-91f4-4555-94ec-e799c35344cd"
	if out := lens.FromFields(hsds.Service, f); hsds.ProviderOf(out) != "cd09a387-91f4-4555-94ec-e799c35344cd" {
		t.Errorf("what an editor filled in is %s", text(out))
	}
}

// The status follows what the public sees, where the original contradicts it.
func TestStatus(t *testing.T) {
	for _, c := range []struct {
		was   any
		shown hsds.Shown
		want  any
	}{
		{"active", hsds.Waiting, "active"}, {"active", hsds.Public, "active"}, {"active", hsds.Withdrawn, "inactive"},
		{"defunct", hsds.Waiting, "defunct"}, {"defunct", hsds.Withdrawn, "defunct"}, {"inactive", hsds.Public, "active"},
		{"odd", hsds.Public, "odd"},
	} {
		o := map[string]any{"id": "s", "name": "S", "status": c.was}
		f := facts(hsds.Service, lens.ToFields(hsds.Service, o), o)
		f.Shown = c.shown
		if got := lens.FromFields(hsds.Service, f)["status"]; got != c.want {
			t.Errorf("%v, shown %v, goes out as %v, want %v", c.was, c.shown, got, c.want)
		}
	}
	fresh := hsds.Facts{ID: "x", Fields: map[string]any{"title": "T", "summary": "Breve"}, Assured: "2026-01-02"}
	out := lens.FromFields(hsds.Service, fresh)
	if out["status"] != "active" || out["id"] != "x" || out["description"] != "Breve" || out["assured_date"] != "2026-01-02" {
		t.Errorf("a document of ours goes out as %s", text(out))
	}
}
