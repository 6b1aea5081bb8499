package meiliindex

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/prassi-cms/prassi/search"
)

// quote makes a value of a filter expression. It is the only way by which text
// gets into one. Meilisearch ends the value at the next double quote that has no
// backslash before it, and takes a backslash together with what follows it: so
// both get a backslash, and no text can leave its quotes. (Meilisearch does not
// take doubled backslashes back to one, so a value with a backslash is looked
// for with two and finds nothing; no identifier of ours has one.)
func quote(value string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`
}

// in is true of records with any of the values.
func in(attribute string, values []string) string {
	if len(values) == 1 {
		return attribute + " = " + quote(values[0])
	}
	var b strings.Builder
	b.WriteString(attribute + " IN [")
	for i, v := range values {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(quote(v))
	}
	b.WriteString("]")
	return b.String()
}

func and(parts []string) string { return strings.Join(parts, " AND ") }

// firstPart is true of the one record of each variant that counts.
const firstPart = "part = 0"

// facts are the filters of a checked query but those of places.
func facts(q *search.Query) (parts []string) {
	for _, name := range slices.Sorted(maps.Keys(q.Filters)) {
		parts = append(parts, in(facetAttribute(name), q.Filters[name]))
	}
	if !q.From.IsZero() {
		parts = append(parts, "ends >= "+strconv.FormatInt(q.From.UnixMilli(), 10))
	}
	if !q.To.IsZero() {
		parts = append(parts, "begins < "+strconv.FormatInt(q.To.UnixMilli(), 10))
	}
	if q.Among != nil {
		parts = append(parts, in("document", q.Among))
	}
	return parts
}

// places are the filters of the query on one point.
func places(q *search.Query) (parts []string) {
	if q.Near != nil && q.RadiusMetres > 0 {
		parts = append(parts, fmt.Sprintf("_geoRadius(%s, %s, %s)", number(q.Near.Lat), number(q.Near.Lon), number(q.RadiusMetres)))
	}
	if b := q.Box; b != nil {
		box := func(west, east float64) string { // top right, bottom left
			return fmt.Sprintf("_geoBoundingBox([%s, %s], [%s, %s])", number(b.North), number(east), number(b.South), number(west))
		}
		if b.West <= b.East {
			parts = append(parts, box(b.West, b.East))
		} else { // across the date line
			parts = append(parts, "("+box(b.West, 180)+" OR "+box(-180, b.East)+")")
		}
	}
	if q.Sort == search.SortDistance && len(parts) == 0 {
		parts = append(parts, "placed = true")
	}
	return parts
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// answers keeps the variant by which a document answers: the i-th locale, when
// the document is not published in one before it.
func answers(locales []string, i int) []string {
	parts := []string{"locale = " + quote(locales[i])}
	if i > 0 {
		parts = append(parts, "NOT "+in("locales", locales[:i]))
	}
	return parts
}
