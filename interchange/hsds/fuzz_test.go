package hsds_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/prassi-cms/prassi/interchange/hsds"
)

// FuzzLens holds the lens to GetPut and to a steady PutGet on any JSON object.
func FuzzLens(f *testing.F) {
	f.Add([]byte(`{"id": "a", "name": "A", "phones": [{"number": "055"}], "contacts": [{"phones": [{}]}]}`), true)
	f.Add([]byte(`{"id": 1, "name": " A\nB ", "service_at_locations": [{"location": {"addresses": [{"city": "Prato"}]}}]}`), true)
	f.Add([]byte(`{"id": "o", "name": "O", "locations": [{"schedules": [{"byday": "MO", "opens_at": "9:00", "closes_at": "24:00"}]}]}`), false)
	f.Fuzz(func(t *testing.T, data []byte, service bool) {
		var original map[string]any
		if json.Unmarshal(data, &original) != nil || original == nil {
			return
		}
		if _, reserved := original["x_prassi"]; reserved {
			return
		}
		kind := hsds.Organization
		if service {
			kind = hsds.Service
		}
		m := lens.ToFields(kind, original)
		facts := facts(kind, m, original)
		out := lens.FromFields(kind, facts)
		if !reflect.DeepEqual(out, original) {
			t.Fatalf("went out as\n%s\ncame as\n%s", text(out), text(original))
		}
		// Without the original, what is written is read as the same fields.
		delete(facts.Fields, hsds.Field)
		facts.ID = "01a200bb-38fc-7cb6-8544-73adf3613f61"
		if m.Fields["title"] == nil {
			return
		}
		if again := lens.ToFields(kind, lens.FromFields(kind, facts)).Fields; !reflect.DeepEqual(again, m.Fields) {
			t.Fatalf("fields\n%s\nare read again as\n%s", text(m.Fields), text(again))
		}
		hsds.Unmapped(kind, original, func(string) {})
		if err := new(hsds.Flattener).Flatten(kind, original, func(string, map[string]any) error { return nil }); err != nil {
			t.Fatal(err)
		}
	})
}
