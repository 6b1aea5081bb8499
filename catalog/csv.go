package catalog

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/prassi-cms/prassi/internal/csvcell"
	"github.com/prassi-cms/prassi/schemas"
)

// csvHead are the columns that every collection begins with, csvPlace those that
// a collection on the map ends with. Between them are the declared fields of the
// kinds in csvKinds.
var (
	csvHead = []string{
		"id", "slug", "locale", "title", "summary", "url", "organization", "territories", "topics",
		"published_at", "updated_at", "assured_on", "assurance",
	}
	csvPlace = []string{"place", "address", "municipality", "latitude", "longitude", "approximate"}
)

// byteOrderMark begins the table: the spreadsheets that most people have take a
// CSV file without it for one in their country's old code page, and "Forlì"
// becomes "ForlÃ¬". Programs are better served by JSON.
const byteOrderMark = "\ufeff"

// csvKinds gives the cell of a field's value, as items have it, by kind. Kinds
// that are missing do not fit a cell.
var csvKinds = map[string]func(v any) string{
	"text": plainCell, "number": plainCell, "boolean": plainCell, "date": plainCell, "territory": plainCell, "language_list": plainCell,
	"choice": memberCell("label"), "reference": memberCell("title"),
	"money": membersCell(" ", "amount", "currency"), "date_range": membersCell("/", "from", "to"),
	"contact": membersCell(", ", "name", "role", "phone", "email", "web"), "opening_hours": hoursCell,
}

// csvItem is what a row takes from the long form of an item.
type csvItem struct {
	ID, Slug, Locale, Title, Summary string
	Territories                      []struct{ Name, Acronym, Istat string }
	Topics                           []struct{ Label string }
	Organization                     *struct{ Title string }
	PublishedAt                      string `json:"published_at"`
	UpdatedAt                        string `json:"updated_at"`
	Assurance                        struct{ Date, Status string }
	Fields                           map[string]any
	Links                            struct{ Self string } `json:"_links"`
}

// WriteCSV writes a table (RFC 4180, UTF-8 with a byte order mark) of what was
// selected: a row for each place that passes near, radius and bbox, and one for
// an item without a place. Choices and references are given in the language of
// the item, several values parted by "; ". No cell that people wrote begins as a
// formula does. The addresses begin with base. It reads and writes item by item;
// the error is the disk's or the writer's.
func (s *Selection) WriteCSV(w io.Writer, base string) error {
	if _, err := io.WriteString(w, byteOrderMark); err != nil {
		return err
	}
	out := csv.NewWriter(w)
	out.UseCRLF = true
	var fields []*schemas.Field
	header := append([]string(nil), csvHead...)
	for _, f := range s.shape.typ.Fields {
		if csvKinds[f.Kind] != nil && !inHead[f.Name] {
			fields = append(fields, f)
			header = append(header, f.Name)
		}
	}
	if s.shape.places != nil {
		header = append(header, csvPlace...)
	}
	if err := out.Write(header); err != nil {
		return err
	}
	buf := buffers.Get().(*[]byte)
	body := *buf
	defer func() { release(buf, body) }()
	row := make([]string, 0, len(header))
	for e := range s.Entries() {
		var err error
		if body, err = e.AppendTo(body[:0], Identity); err != nil {
			return err
		}
		var item csvItem
		if err := json.Unmarshal(body, &item); err != nil {
			return fmt.Errorf("catalog: %s in %s: %w", e.ID(), e.Locale(), err)
		}
		row = item.head(row[:0], base)
		for _, f := range fields {
			cell := ""
			if v := item.Fields[f.Name]; v != nil {
				cell = csvKinds[f.Kind](v)
			}
			row = append(row, csvcell.Safe(cell))
		}
		if err := s.writeRows(out, row, item.Fields); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// head appends the cells of csvHead.
func (i *csvItem) head(row []string, base string) []string {
	var territories, topics []string
	for _, t := range i.Territories {
		territories = append(territories, firstOf(t.Name, t.Istat))
	}
	for _, t := range i.Topics {
		topics = append(topics, t.Label)
	}
	organization := ""
	if i.Organization != nil {
		organization = i.Organization.Title
	}
	for _, cell := range [...]string{
		i.ID, i.Slug, i.Locale, i.Title, i.Summary, base + i.Links.Self, organization, strings.Join(territories, "; "), strings.Join(topics, "; "),
		i.PublishedAt, i.UpdatedAt, i.Assurance.Date, i.Assurance.Status,
	} {
		row = append(row, csvcell.Safe(cell))
	}
	return row
}

// writeRows writes an item: once for each of its places that the query asks for,
// or once without a place when it has none.
func (s *Selection) writeRows(out *csv.Writer, row []string, fields map[string]any) error {
	if s.shape.places == nil {
		return out.Write(row)
	}
	var places []any
	switch v := fields[s.shape.places.Name].(type) {
	case []any:
		places = v
	case map[string]any:
		places = []any{v}
	}
	if len(places) == 0 {
		return out.Write(append(row, make([]string, len(csvPlace))...))
	}
	for _, v := range places {
		p, _ := v.(map[string]any)
		text := func(key string) string { s, _ := p[key].(string); return s }
		lat, placed := p["lat"].(float64)
		lon, _ := p["lon"].(float64)
		cells := append(row, csvcell.Safe(text("label")), csvcell.Safe(text("address")), text("municipality"))
		if placed {
			if _, ok := s.q.near(&place{lat: lat, lon: lon}); !ok {
				continue
			}
			// Numbers of ours: an apostrophe would make text of them.
			cells = append(cells, plainCell(lat), plainCell(lon))
		} else if s.q.asksPlace() {
			continue
		} else {
			cells = append(cells, "", "")
		}
		approximate := ""
		if p["approximate"] == true {
			approximate = "true"
		}
		if err := out.Write(append(cells, approximate)); err != nil {
			return err
		}
	}
	return nil
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// listCell parts several values so that a person can read them.
func listCell(v any, one func(any) string) string {
	list, ok := v.([]any)
	if !ok {
		return one(v)
	}
	var out []string
	for _, x := range list {
		if s := one(x); s != "" {
			out = append(out, s)
		}
	}
	return strings.Join(out, "; ")
}

func plainCell(v any) string {
	return listCell(v, func(v any) string {
		switch v := v.(type) {
		case string:
			return v
		case float64:
			return strconv.FormatFloat(v, 'f', -1, 64)
		case bool:
			return strconv.FormatBool(v)
		}
		return ""
	})
}

func memberCell(key string) func(any) string { return membersCell("", key) }

func membersCell(between string, keys ...string) func(any) string {
	return func(v any) string {
		return listCell(v, func(v any) string {
			m, _ := v.(map[string]any)
			var out []string
			for _, k := range keys {
				if s := plainCell(m[k]); s != "" {
					out = append(out, s)
				}
			}
			return strings.Join(out, between)
		})
	}
}

// hoursCell writes opening hours much as OpenStreetMap does:
// "Mo,Tu 09:00-13:00; 2026-08-01/2026-08-31 closed".
func hoursCell(v any) string {
	return listCell(v, func(v any) string {
		m, _ := v.(map[string]any)
		text := func(k string) string { s, _ := m[k].(string); return s }
		var out []string
		if from, to := text("valid_from"), text("valid_to"); from+to != "" {
			out = append(out, from+"/"+to)
		}
		var days []string
		list, _ := m["days"].([]any)
		for _, d := range list {
			if id, _ := d.(string); len(id) > 1 {
				days = append(days, strings.ToUpper(id[:1])+id[1:])
			}
		}
		if m["holidays"] == true {
			days = append(days, "PH")
		}
		if days != nil {
			out = append(out, strings.Join(days, ","))
		}
		if m["closed"] == true {
			out = append(out, "closed")
		} else {
			out = append(out, text("opens")+"-"+text("closes"))
		}
		return strings.Join(out, " ")
	})
}
