package hsds_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"github.com/prassi-cms/prassi/interchange/hsds"
)

// required are, by object, the members that HSDS 3.1 requires in JSON and those
// that it says something about (specification, schema reference). $ name is
// another object, * a list of them; uuid, email, uri and date are formats.
var required = map[string]struct {
	must string
	is   map[string]string
}{
	"service": {"id name status", map[string]string{
		"id": "uuid", "name": "text", "description": "text", "alternate_name": "text", "status": "active|inactive|defunct|temporarily closed", "url": "uri", "email": "email",
		"assurer_email": "email", "minimum_age": "number", "maximum_age": "number", "assured_date": "date", "last_modified": "date-time", "fees_description": "text",
		"interpretation_services": "text", "application_process": "text", "eligibility_description": "text", "alert": "text", "organization_id": "uuid",
		"phones": "*phone", "schedules": "*schedule", "service_areas": "*service_area", "service_at_locations": "*service_at_location", "languages": "*language",
		"organization": "$organization", "cost_options": "*cost_option", "required_documents": "*required_document", "contacts": "*contact", "attributes": "*attribute",
		"additional_urls": "*url",
	}},
	"organization": {"id name description", map[string]string{
		"id": "uuid", "name": "text", "description": "text", "alternate_name": "text", "website": "uri", "email": "email", "tax_id": "text", "parent_organization_id": "uuid",
		"contacts": "*contact", "phones": "*phone", "locations": "*location", "organization_identifiers": "*organization_identifier", "attributes": "*attribute",
	}},
	"location": {"id location_type", map[string]string{
		"id": "uuid", "location_type": "physical|postal|virtual", "name": "text", "latitude": "number", "longitude": "number", "external_identifier": "text",
		"external_identifier_type": "text", "addresses": "*address", "accessibility": "*accessibility", "schedules": "*schedule",
	}},
	"address": {"id address_1 city state_province postal_code country address_type", map[string]string{
		"id": "uuid", "address_1": "text", "city": "text", "state_province": "text", "postal_code": "text", "country": "text", "address_type": "physical|postal|virtual",
	}},
	"schedule": {"id", map[string]string{
		"id": "uuid", "freq": "WEEKLY|MONTHLY", "byday": "text", "opens_at": "text", "closes_at": "text", "valid_from": "date", "valid_to": "date", "description": "text",
	}},
	"attribute":               {"id", map[string]string{"id": "uuid", "link_type": "text", "link_entity": "text", "taxonomy_term": "$taxonomy_term"}},
	"taxonomy_term":           {"id name description", map[string]string{"id": "uuid", "code": "text", "name": "text", "description": "text", "taxonomy": "text", "taxonomy_detail": "$taxonomy"}},
	"taxonomy":                {"id name description", map[string]string{"id": "uuid", "name": "text", "description": "text"}},
	"phone":                   {"id number", map[string]string{"id": "uuid", "number": "text", "type": "text", "description": "text"}},
	"contact":                 {"id", map[string]string{"id": "uuid", "name": "text", "title": "text", "email": "email", "phones": "*phone"}},
	"language":                {"id", map[string]string{"id": "uuid", "name": "text", "code": "text"}},
	"service_area":            {"id", map[string]string{"id": "uuid", "name": "text", "extent": "text", "extent_type": "text"}},
	"service_at_location":     {"id", map[string]string{"id": "uuid", "location": "$location"}},
	"accessibility":           {"id", map[string]string{"id": "uuid", "description": "text"}},
	"required_document":       {"id", map[string]string{"id": "uuid", "document": "text", "uri": "uri"}},
	"cost_option":             {"id", map[string]string{"id": "uuid", "amount": "number"}},
	"organization_identifier": {"id identifier_type identifier", map[string]string{"id": "uuid", "identifier_scheme": "text", "identifier_type": "text", "identifier": "text"}},
	"url":                     {"id url", map[string]string{"id": "uuid", "label": "text", "url": "uri"}},
}

func validators(t *testing.T) map[string]*jsonschema.Schema {
	t.Helper()
	defs := map[string]any{}
	for name, object := range required {
		properties := map[string]any{}
		for member, is := range object.is {
			var s map[string]any
			switch {
			case is == "number":
				s = map[string]any{"type": "number"}
			case is == "text":
				s = map[string]any{"type": "string"}
			case is[0] == '$':
				s = map[string]any{"$ref": "#/$defs/" + is[1:]}
			case is[0] == '*':
				s = map[string]any{"type": "array", "items": map[string]any{"$ref": "#/$defs/" + is[1:]}}
			case strings.Contains(is, "|"):
				list := []any{}
				for _, word := range strings.Split(is, "|") {
					list = append(list, word)
				}
				s = map[string]any{"enum": list}
			default:
				s = map[string]any{"type": "string", "format": is}
			}
			properties[member] = s
		}
		must := []any{}
		for _, word := range strings.Fields(object.must) {
			must = append(must, word)
		}
		defs[name] = map[string]any{"type": "object", "required": must, "properties": properties}
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("hsds.json", map[string]any{"$defs": defs}); err != nil {
		t.Fatal(err)
	}
	out := map[string]*jsonschema.Schema{}
	for name := range required {
		s, err := c.Compile("hsds.json#/$defs/" + name)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = s
	}
	return out
}

// What is written of documents that came from nowhere else is valid HSDS, and so
// is what an editor makes of a valid original.
func TestExportIsValid(t *testing.T) {
	schemas := validators(t)
	valid := func(t *rapid.T, kind hsds.Kind, o map[string]any) {
		t.Helper()
		data, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(string(data)))
		if err != nil {
			t.Fatal(err)
		}
		if err := schemas[string(kind)].Validate(v); err != nil {
			t.Fatalf("%v\n%s", err, text(o))
		}
	}
	edit := func(t *rapid.T, kind hsds.Kind, round string, fields map[string]any) {
		for name, values := range edits[kind] {
			if rapid.IntRange(0, 2).Draw(t, round+name) == 0 {
				fields[name] = oneOf(values...).Draw(t, round+"="+name)
			}
		}
	}
	for kind := range generators {
		t.Run(string(kind), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				shown := oneOf(hsds.Waiting, hsds.Public, hsds.Withdrawn).Draw(t, "shown")
				f := hsds.Facts{ID: "01a200bb-38fc-7cb6-8544-73adf3613f61", Fields: map[string]any{"title": "Nome"}, Assured: "2026-05-01", Shown: shown}
				edit(t, kind, "first ", f.Fields)
				if id, _ := f.Fields["organization"].(string); id != "" && rapid.Bool().Draw(t, "known") {
					party := &hsds.Facts{ID: id, Fields: map[string]any{"title": "Ente"}}
					edit(t, hsds.Organization, "of it ", party.Fields)
					f.Organization = party
				}
				o := lens.FromFields(kind, f)
				valid(t, kind, o)
				next := facts(kind, lens.ToFields(kind, o), o)
				edit(t, kind, "then ", next.Fields)
				valid(t, kind, lens.FromFields(kind, next))
			})
		})
	}
	for _, x := range lens.Taxonomies() {
		for _, term := range x.Terms {
			if err := schemas["taxonomy_term"].Validate(map[string]any(term)); err != nil {
				t.Error(err)
			}
		}
	}
}

// The schema of this test refuses what it should.
func TestRequiredIsRequired(t *testing.T) {
	for name, s := range validators(t) {
		if s.Validate(map[string]any{}) == nil || s.Validate(map[string]any{"id": "not a uuid"}) == nil {
			t.Errorf("an empty %s is valid", name)
		}
	}
}

// A parent goes out by its own identifier.
func TestParentID(t *testing.T) {
	f := hsds.Facts{ID: "01a200bb-38fc-7cb6-8544-73adf3613f61", Fields: map[string]any{"title": "A", "parent": hsds.DocumentID(hsds.Organization, "org-2", 1)}, ParentID: "org-2"}
	o := lens.FromFields(hsds.Organization, f)
	if o["parent_organization_id"] != "org-2" || lens.ToFields(hsds.Organization, o).Fields["parent"] != f.Fields["parent"] {
		t.Errorf("%v", o)
	}
}
