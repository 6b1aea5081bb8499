package hsds

import (
	"crypto/sha256"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// Table is one CSV file of the tabular form (HSDS 3.1, "Tabular data packages").
type Table struct {
	Name string
	// Columns are those of HSDS, in its order; files may have more.
	Columns []string
	// Numbers are the columns that hold numbers.
	Numbers []string
	// Parts are the objects that an object of this table holds in JSON.
	Parts []Part
	// Owners are the columns by which a row belongs to another one. Where several
	// are filled, the first says which: a telephone of a contact of a service is
	// the contact's.
	Owners []string
}

// Part says how rows of another table hang on one of this.
type Part struct {
	Member string // name in JSON
	Table  string
	// Key is the column that holds the other row's id: of the part's table, or,
	// when One, of this one.
	Key string
	One bool
}

func columns(words string) []string { return strings.Fields(words) }

// Tables lists them; organisations and services come first.
func Tables() []Table { return tables }

// TableOf finds one by its name.
func TableOf(name string) *Table {
	i := slices.IndexFunc(tables, func(t Table) bool { return t.Name == name })
	if i < 0 {
		return nil
	}
	return &tables[i]
}

var tags = []Part{{Member: "attributes", Table: "attribute", Key: "link_id"}, {Member: "metadata", Table: "metadata", Key: "resource_id"}}

var tables = []Table{
	{
		Name:    "organization",
		Columns: columns("id name alternate_name description email website tax_status tax_id year_incorporated legal_status logo uri parent_organization_id"),
		Numbers: columns("year_incorporated"),
		Parts: append([]Part{
			{Member: "additional_websites", Table: "url", Key: "organization_id"},
			{Member: "funding", Table: "funding", Key: "organization_id"},
			{Member: "contacts", Table: "contact", Key: "organization_id"},
			{Member: "phones", Table: "phone", Key: "organization_id"},
			{Member: "locations", Table: "location", Key: "organization_id"},
			{Member: "programs", Table: "program", Key: "organization_id"},
			{Member: "organization_identifiers", Table: "organization_identifier", Key: "organization_id"},
		}, tags...),
	},
	{
		Name: "service",
		Columns: columns("id organization_id program_id name alternate_name description url email status interpretation_services application_process " +
			"fees_description wait_time fees accreditations eligibility_description minimum_age maximum_age assured_date assurer_email licenses alert last_modified"),
		Numbers: columns("minimum_age maximum_age"),
		Parts: append([]Part{
			{Member: "organization", Table: "organization", Key: "organization_id", One: true},
			{Member: "program", Table: "program", Key: "program_id", One: true},
			{Member: "additional_urls", Table: "url", Key: "service_id"},
			{Member: "phones", Table: "phone", Key: "service_id"},
			{Member: "schedules", Table: "schedule", Key: "service_id"},
			{Member: "service_areas", Table: "service_area", Key: "service_id"},
			{Member: "service_at_locations", Table: "service_at_location", Key: "service_id"},
			{Member: "languages", Table: "language", Key: "service_id"},
			{Member: "funding", Table: "funding", Key: "service_id"},
			{Member: "cost_options", Table: "cost_option", Key: "service_id"},
			{Member: "required_documents", Table: "required_document", Key: "service_id"},
			{Member: "contacts", Table: "contact", Key: "service_id"},
			{Member: "capacities", Table: "service_capacity", Key: "service_id"},
		}, tags...),
	},
	{
		Name:    "service_at_location",
		Columns: columns("id service_id location_id description"),
		Owners:  columns("service_id"),
		Parts: append([]Part{
			{Member: "location", Table: "location", Key: "location_id", One: true},
			{Member: "service_areas", Table: "service_area", Key: "service_at_location_id"},
			{Member: "contacts", Table: "contact", Key: "service_at_location_id"},
			{Member: "phones", Table: "phone", Key: "service_at_location_id"},
			{Member: "schedules", Table: "schedule", Key: "service_at_location_id"},
		}, tags...),
	},
	{
		Name: "location",
		Columns: columns("id location_type url organization_id name alternate_name description transportation latitude longitude " +
			"external_identifier external_identifier_type"),
		Numbers: columns("latitude longitude"),
		Parts: append([]Part{
			{Member: "languages", Table: "language", Key: "location_id"},
			{Member: "addresses", Table: "address", Key: "location_id"},
			{Member: "contacts", Table: "contact", Key: "location_id"},
			{Member: "accessibility", Table: "accessibility", Key: "location_id"},
			{Member: "phones", Table: "phone", Key: "location_id"},
			{Member: "schedules", Table: "schedule", Key: "location_id"},
		}, tags...),
	},
	{
		Name:    "contact",
		Columns: columns("id organization_id service_id service_at_location_id location_id name title department email"),
		Owners:  columns("service_at_location_id location_id service_id organization_id"),
		Parts:   append([]Part{{Member: "phones", Table: "phone", Key: "contact_id"}}, tags...),
	},
	{
		Name:    "phone",
		Columns: columns("id location_id service_id organization_id contact_id service_at_location_id number extension type description"),
		Numbers: columns("extension"),
		Owners:  columns("contact_id service_at_location_id location_id service_id organization_id"),
		Parts:   append([]Part{{Member: "languages", Table: "language", Key: "phone_id"}}, tags...),
	},
	{
		Name:    "address",
		Columns: columns("id location_id attention address_1 address_2 city region state_province postal_code country address_type"),
		Owners:  columns("location_id"), Parts: tags,
	},
	{
		Name: "schedule",
		Columns: columns("id service_id location_id service_at_location_id valid_from valid_to dtstart timezone until count wkst freq interval " +
			"byday byweekno bymonthday byyearday description opens_at closes_at schedule_link attending_type notes"),
		Numbers: columns("timezone count interval"),
		Owners:  columns("service_at_location_id location_id service_id"), Parts: tags,
	},
	{Name: "service_area", Columns: columns("id service_id service_at_location_id name description extent extent_type uri"), Owners: columns("service_at_location_id service_id"), Parts: tags},
	{Name: "language", Columns: columns("id service_id location_id phone_id name code note"), Owners: columns("phone_id location_id service_id"), Parts: tags},
	{Name: "accessibility", Columns: columns("id location_id description details url"), Owners: columns("location_id"), Parts: tags},
	{Name: "cost_option", Columns: columns("id service_id valid_from valid_to option currency amount amount_description"), Numbers: columns("amount"), Owners: columns("service_id"), Parts: tags},
	{Name: "required_document", Columns: columns("id service_id document uri"), Owners: columns("service_id"), Parts: tags},
	{Name: "funding", Columns: columns("id organization_id service_id source"), Owners: columns("service_id organization_id"), Parts: tags},
	{Name: "program", Columns: columns("id organization_id name alternate_name description"), Owners: columns("organization_id"), Parts: tags},
	{Name: "organization_identifier", Columns: columns("id organization_id identifier_scheme identifier_type identifier"), Owners: columns("organization_id"), Parts: tags},
	{
		Name: "service_capacity", Columns: columns("id service_id unit_id available maximum description updated"), Numbers: columns("available maximum"),
		Owners: columns("service_id"), Parts: append([]Part{{Member: "unit", Table: "unit", Key: "unit_id", One: true}}, tags...),
	},
	{Name: "unit", Columns: columns("id name scheme identifier uri"), Parts: tags},
	{Name: "url", Columns: columns("id label url organization_id service_id"), Owners: columns("service_id organization_id"), Parts: tags},
	{
		Name: "attribute", Columns: columns("id link_id taxonomy_term_id link_type link_entity value label"), Owners: columns("link_id"),
		Parts: []Part{{Member: "taxonomy_term", Table: "taxonomy_term", Key: "taxonomy_term_id", One: true}},
	},
	{
		Name: "taxonomy_term", Columns: columns("id code name description parent_id taxonomy language taxonomy_id term_uri"),
		Parts: []Part{{Member: "taxonomy_detail", Table: "taxonomy", Key: "taxonomy_id", One: true}},
	},
	{Name: "taxonomy", Columns: columns("id name description uri version")},
	{
		Name: "metadata", Columns: columns("id resource_id resource_type last_action_date last_action_type field_name previous_value replacement_value updated_by"),
		Owners: columns("resource_id"),
	},
}

// Flattener takes objects apart into rows. The zero value is ready; use one for
// a whole package, so that what several objects share becomes one row.
type Flattener struct {
	// Known says that an organisation has a row of its own, by identifier; what
	// services say of it is then left out.
	Known func(id string) bool
	seen  map[string][16]byte // table and id → what the object said
}

// Flatten gives the rows of an object to emit. Rows are cells by column; lists
// and objects that HSDS does not know stay values.
func (f *Flattener) Flatten(kind Kind, object map[string]any, emit func(table string, row map[string]any) error) error {
	_, err := f.row(TableOf(string(kind)), object, nil, emit)
	return err
}

// row emits one object and its parts, and gives its id.
func (f *Flattener) row(t *Table, o, extra map[string]any, emit func(string, map[string]any) error) (string, error) {
	row := map[string]any{}
	for k, v := range o {
		row[k] = v
	}
	for k, v := range extra {
		row[k] = v
	}
	id := idText(o["id"])
	if id == "" {
		id = derive(t.Name, textOf(o), textOf(extra))
		row["id"] = id
	}
	for _, p := range t.Parts {
		part, ok := o[p.Member].(map[string]any)
		if !p.One || !ok {
			continue
		}
		delete(row, p.Member)
		if p.Table == string(Organization) && f.Known != nil && f.Known(IDOf(part)) {
			row[p.Key] = IDOf(part)
			continue
		}
		other, err := f.row(TableOf(p.Table), part, nil, emit)
		if err != nil {
			return "", err
		}
		row[p.Key] = other
	}
	var lists []Part
	for _, p := range t.Parts {
		list, ok := o[p.Member].([]any)
		if p.One || !ok || len(objects(list)) != len(list) {
			continue
		}
		delete(row, p.Member)
		lists = append(lists, p)
	}
	if t.Name != string(Service) && t.Name != string(Organization) {
		free := len(t.Owners) == 0 // several others may hold it: a location, a term
		is := hashOf(o, nil)
		if !free {
			is = hashOf(o, extra)
		}
		was, known := f.seen[t.Name+"\x00"+id]
		switch {
		case known && free && was == is:
			return id, nil
		case known:
			// Another object with the same id: it gets its own, so that neither is lost.
			id = derive(t.Name, id, textOf(o), textOf(extra), strconv.Itoa(len(f.seen)))
			row["id"] = id
		}
		if f.seen == nil {
			f.seen = map[string][16]byte{}
		}
		f.seen[t.Name+"\x00"+id] = is
	}
	if err := emit(t.Name, row); err != nil {
		return "", err
	}
	for _, p := range lists {
		for _, x := range objects(o[p.Member]) {
			if _, err := f.row(TableOf(p.Table), x, map[string]any{p.Key: id}, emit); err != nil {
				return "", err
			}
		}
	}
	return id, nil
}

func hashOf(o, extra map[string]any) [16]byte {
	sum := sha256.Sum256([]byte(textOf(o) + textOf(extra)))
	return [16]byte(sum[:])
}

// textOf writes a value with the keys in order.
func textOf(v any) string {
	data, err := json.Marshal(v)
	if err != nil { // decoded JSON always can be written
		return ""
	}
	return string(data)
}
