package hsds

import (
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/prassi-cms/prassi/schemas"
)

// piece reads and writes one field. get gives a raw value, or nil; put makes an
// object say what it is given, so that get finds it again (nil: nothing).
type piece struct {
	field, path string
	get         func(r *reader, o map[string]any) any
	put         func(w *writer, o map[string]any, want any)
	// same says whether two canonical values mean the same; reflect.DeepEqual when nil.
	same func(a, b any) bool
}

func (p *piece) equal(a, b any) bool {
	if p.same != nil {
		return p.same(a, b)
	}
	return reflect.DeepEqual(a, b)
}

// pieces in the order in which they are written: later ones may rely on what
// earlier ones wrote.
var pieces map[Kind][]piece

func init() { // an organisation is written inside its service: the pieces know each other
	pieces = map[Kind][]piece{
		Service: {
			nameOf(),
			words("alternate_name", "alternate_name"),
			words("body", "description"),
			words("alert", "alert"),
			words("website", "url"),
			words("assurer_email", "assurer_email"),
			words("interpretation", "interpretation_services"),
			words("eligibility", "eligibility_description"),
			words("how_to_book", "application_process"),
			number("minimum_age"), number("maximum_age"),
			provider(),
			spots("service_at_locations", "location"),
			hours("service_at_locations", "location"),
			spoken(),
			costs(),
			words("cost_details", "fees_description", "fees"),
			papers(),
			booking(),
			term("topics"), term("target_groups"), term("accessibility"),
			accessNotes("service_at_locations", "location"),
			areas(),
			contacts(),
		},
		Organization: {
			nameOf(),
			words("acronym", "alternate_name"),
			words("body", "description"),
			words("website", "website", "url"),
			taxCode(),
			parent(),
			spots("locations", ""),
			hours("locations", ""),
			term("organization_type"), term("topics"), term("target_groups"), term("register_sections"),
			contacts(),
		},
	}
}

// words is a text that the first filled of some members says.
func words(field string, members ...string) piece {
	return piece{
		field: field, path: members[0],
		get: func(_ *reader, o map[string]any) any {
			for _, m := range members {
				if s := text(o[m]); s != "" {
					return s
				}
			}
			return nil
		},
		put: func(_ *writer, o map[string]any, want any) {
			to := members[0]
			for _, m := range members {
				if text(o[m]) != "" {
					to = m
					break
				}
			}
			for _, m := range members {
				delete(o, m)
			}
			set(o, to, want)
		},
	}
}

// nameOf is the title, shortened when it must be.
func nameOf() piece {
	p := words("title", "name")
	plain := p.get
	p.get = func(r *reader, o map[string]any) any {
		s, _ := plain(r, o).(string)
		f, _ := r.typ.Field("title")
		s = strings.Join(strings.Fields(s), " ")
		if utf8.RuneCountInString(s) > f.MaxChars {
			r.note(CodeShortened, "name", s)
			s = strings.TrimSpace(string([]rune(s)[:f.MaxChars]))
		}
		if s == "" {
			return nil
		}
		return s
	}
	return p
}

func number(member string) piece {
	return piece{
		field: member, path: member,
		get: func(_ *reader, o map[string]any) any {
			if s, ok := o[member].(string); ok && strings.TrimSpace(s) == "" {
				return nil
			}
			return o[member]
		},
		put: func(_ *writer, o map[string]any, want any) { set(o, member, want) },
	}
}

// provider is the organisation of a service: a nested object, or its identifier.
func provider() piece {
	return piece{
		field: "organization", path: "organization",
		get: func(_ *reader, o map[string]any) any {
			if id := ProviderOf(o); id != "" {
				return DocumentID(Organization, id, 1)
			}
			return nil
		},
		put: func(w *writer, o map[string]any, want any) {
			delete(o, "organization")
			delete(o, "organization_id")
			id, _ := want.(string)
			if id == "" {
				return
			}
			if p := w.facts.Organization; p != nil && p.ID == id {
				o["organization"] = w.FromFields(Organization, *p)
				id = p.OriginalID()
			}
			o["organization_id"] = id
		},
	}
}

// ProviderOf gives the identifier of a service's organisation; empty when the
// service names none that can be taken.
func ProviderOf(service map[string]any) string {
	id := idText(service["organization_id"])
	if nested, ok := service["organization"].(map[string]any); ok && IDOf(nested) != "" {
		id = IDOf(nested)
	}
	if !ValidID(id) {
		return ""
	}
	return id
}

// ParentOf gives the identifier of the organisation that one is part of.
func ParentOf(organization map[string]any) string {
	if id := idText(organization["parent_organization_id"]); ValidID(id) {
		return id
	}
	return ""
}

func parent() piece {
	return piece{
		field: "parent", path: "parent_organization_id",
		get: func(_ *reader, o map[string]any) any {
			if id := ParentOf(o); id != "" {
				return DocumentID(Organization, id, 1)
			}
			return nil
		},
		put: func(w *writer, o map[string]any, want any) {
			if want != nil && w.facts.ParentID != "" {
				want = w.facts.ParentID
			}
			set(o, "parent_organization_id", want)
		},
	}
}

// papers are the documents to bring: one text, or the items of a list.
func papers() piece {
	one := func(o map[string]any) string {
		s := text(o["document"])
		if uri := text(o["uri"]); uri != "" && s != "" {
			return "[" + s + "](" + uri + ")"
		}
		return s
	}
	get := func(_ *reader, o map[string]any) any {
		var list []string
		for _, d := range objects(o["required_documents"]) {
			if s := one(d); s != "" {
				list = append(list, s)
			}
		}
		switch len(list) {
		case 0:
			return nil
		case 1:
			return list[0]
		}
		return "- " + strings.Join(list, "\n- ")
	}
	return piece{
		field: "documents_needed", path: "required_documents[].document", get: get,
		put: func(w *writer, o map[string]any, want any) {
			s, _ := want.(string)
			was := objects(o["required_documents"])
			parts := []string{s}
			if lines, ok := strings.CutPrefix(s, "- "); ok && strings.Contains(lines, "\n- ") {
				parts = strings.Split(lines, "\n- ")
			}
			make := func(parts []string) {
				var list []any
				for _, p := range parts {
					if p == "" {
						continue
					}
					d := map[string]any{"id": w.newID("required_document", p), "document": p}
					for _, old := range was {
						if one(old) == p {
							d = old
						}
					}
					list = append(list, d)
				}
				setList(o, "required_documents", list)
			}
			if make(parts); len(parts) > 1 && get(nil, o) != s { // white space of its own
				make([]string{s})
			}
		},
	}
}

// bookingWords are the labels by which an additional address is the booking page.
var bookingWords = foldedSet("booking", "book", "book online", "prenotazione", "prenota", "prenotazioni", "réservation", "reserva")

func booking() piece {
	is := func(o map[string]any) bool { return bookingWords[fold(text(o["label"]))] }
	return piece{
		field: "booking_url", path: "additional_urls[].url",
		get: func(_ *reader, o map[string]any) any {
			for _, u := range objects(o["additional_urls"]) {
				if is(u) && text(u["url"]) != "" {
					return text(u["url"])
				}
			}
			return nil
		},
		put: func(w *writer, o map[string]any, want any) {
			var list []any
			for _, x := range listOf(o["additional_urls"]) {
				if u, ok := x.(map[string]any); ok && is(u) {
					if want == nil {
						continue
					}
					u["url"], want = want, nil
				}
				list = append(list, x)
			}
			if want != nil {
				list = append(list, map[string]any{"id": w.newID("url", "booking"), "label": "booking", "url": want})
			}
			setList(o, "additional_urls", list)
		},
	}
}

// taxSchemes are the identifier schemes of an Italian tax code.
var taxSchemes = foldedSet("IT-CF", "IT:CF", "codice fiscale", "tax code", "IT-CodiceFiscale")

func taxCode() piece {
	is := func(o map[string]any) bool {
		return taxSchemes[fold(text(o["identifier_scheme"]))] || taxSchemes[fold(text(o["identifier_type"]))]
	}
	return piece{
		field: "tax_code", path: "organization_identifiers[].identifier",
		get: func(r *reader, o map[string]any) any {
			for _, x := range objects(o["organization_identifiers"]) {
				if id := idText(x["identifier"]); is(x) && id != "" {
					return id
				}
			}
			// tax_id may be of any country: taken when it is one of ours.
			if id := idText(o["tax_id"]); schemas.ValidTaxCode(id) {
				return id
			}
			return nil
		},
		put: func(w *writer, o map[string]any, want any) {
			if schemas.ValidTaxCode(idText(o["tax_id"])) {
				set(o, "tax_id", want)
			}
			var list []any
			for _, x := range listOf(o["organization_identifiers"]) {
				if e, ok := x.(map[string]any); ok && is(e) {
					if want == nil {
						continue
					}
					e["identifier"], want = want, nil
				}
				list = append(list, x)
			}
			if want != nil {
				list = append(list, map[string]any{
					"id": w.newID("tax_code"), "identifier_scheme": "IT-CF", "identifier_type": "codice fiscale", "identifier": want,
				})
			}
			setList(o, "organization_identifiers", list)
		},
	}
}

func equal(a, b any) bool { return reflect.DeepEqual(a, b) }
