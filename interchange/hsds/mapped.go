package hsds

import "strings"

// mapped are the members that some piece reads, with those that only tie
// objects together. Paths are like service.phones[].number.
var mapped = func() map[string]bool {
	out := map[string]bool{}
	add := func(prefix, words string) {
		for _, w := range strings.Fields(words) {
			out[prefix+w] = true
		}
	}
	contact := func(prefix string) {
		add(prefix+"contacts[].", "name title email url phones[].number phones[].type")
		add(prefix+"phones[].", "number type description")
		add(prefix, "email")
	}
	schedule := func(prefix string) {
		add(prefix+"schedules[].", "valid_from valid_to dtstart until freq interval byday opens_at closes_at wkst holidays")
	}
	location := func(prefix string) {
		add(prefix, "name location_type latitude longitude approximate external_identifier external_identifier_type")
		add(prefix+"addresses[].", "address_1 address_2 city region state_province postal_code country address_type")
		schedule(prefix)
	}
	term := func(prefix string) {
		add(prefix+"attributes[].", "link_type link_entity taxonomy_term.code taxonomy_term.name taxonomy_term.taxonomy")
	}
	add("service.", "name alternate_name description url status fees fees_description eligibility_description minimum_age maximum_age "+
		"assured_date assurer_email alert application_process interpretation_services last_modified organization_id")
	add("service.", "languages[].code languages[].name service_areas[].name service_areas[].extent service_areas[].extent_type "+
		"required_documents[].document required_documents[].uri cost_options[].amount additional_urls[].label additional_urls[].url")
	add("service.service_at_locations[].location.accessibility[].", "description details")
	contact("service.")
	schedule("service.")
	schedule("service.service_at_locations[].")
	location("service.service_at_locations[].location.")
	term("service.")
	add("organization.", "name alternate_name description website url parent_organization_id tax_id")
	add("organization.organization_identifiers[].", "identifier identifier_scheme identifier_type")
	contact("organization.")
	schedule("organization.")
	location("organization.locations[].")
	term("organization.")
	return out
}()

// Unmapped visits every filled member of an original that no field of ours
// holds, by its path; members of lists once for each element. Such members stay
// in the original and go out with it. A service's organisation is an object of
// its own.
func Unmapped(kind Kind, original map[string]any, visit func(path string)) {
	unmapped(string(kind), original, visit)
}

func unmapped(path string, v any, visit func(string)) {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			below := path + "." + k
			if k == "id" || below == "service.organization" || strings.Contains(path, "[]") && strings.HasSuffix(k, "_id") {
				continue
			}
			unmapped(below, x, visit)
		}
	case []any:
		for _, x := range v {
			unmapped(path+"[]", x, visit)
		}
	default:
		if filled(v) && !mapped[path] {
			visit(path)
		}
	}
}
