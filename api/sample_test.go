package api

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/schemas"
)

// sampleSlug is the slug of the sample of a type.
func sampleSlug(typ string) string { return "campione-" + strings.ReplaceAll(typ, "_", "-") }

// sample makes a value of a declared field; known are the types that already
// have a sample to refer to. nil stands for none.
func sample(f *schemas.Field, known []string) any {
	v := sampleOne(f, known)
	if v != nil && f.Repeated {
		return []any{v}
	}
	return v
}

func sampleOne(f *schemas.Field, known []string) any {
	switch f.Kind {
	case "text":
		switch f.Format {
		case "":
			return "Testo di " + f.Name
		case "email":
			return "ufficio@example.org"
		case "phone":
			return "+39 02 1234567"
		case "time":
			return map[bool]string{true: "18:00", false: "09:00"}[f.Name == "closes"]
		case "currency":
			return "EUR"
		case "tax_code":
			return "00743110157"
		case "media_type":
			return "image/png"
		}
		return "https://example.org/una/pagina.png"
	case "markdown":
		return "## Un titolo\n\nTesto di **" + f.Name + "**, ai sensi dell'art. 5 della legge n. 40/1998."
	case "number":
		if f.Min != nil {
			return *f.Min
		}
		if f.Max != nil {
			return *f.Max
		}
		return 3.0
	case "date":
		return "2026-05-04"
	case "boolean":
		return true
	case "choice":
		return f.Terms()[0].ID
	case "territory":
		if len(f.Levels) == 0 || slices.Contains(f.Levels, "province") {
			return "MI"
		}
		if slices.Contains(f.Levels, "region") {
			return "03"
		}
		return nil
	case "reference":
		for _, t := range f.Types {
			if slices.Contains(known, t) {
				return t + "/" + sampleSlug(t)
			}
		}
		return nil
	case "language_list":
		return "ar"
	case "legal_reference":
		return map[string]any{"identifier": "urn:nir:stato:legge:1998-03-06;40", "label": "Legge 40/1998"}
	case "money":
		return map[string]any{"amount": "1500.50", "currency": "EUR"}
	case "date_range":
		out := map[string]any{"from": "2026-05-04", "to": "2026-05-06"}
		if f.Labelled {
			out["label"] = "Scadenza"
		}
		return out
	case schemas.AttributesKind:
		return map[string]any{"id": "da-fuori", "elenco": []any{1.0, "due"}}
	case "opening_hours":
		return map[string]any{"days": []any{f.Parts[0].Terms()[0].ID}, "opens": "09:00", "closes": "13:00"}
	}
	object := map[string]any{}
	for _, p := range f.Parts {
		if v := sample(p, known); v != nil {
			object[p.Name] = v
		}
	}
	return object
}

// fill publishes a sample of every type, each with a value in every field, and an
// Arabic variant of each.
func (w *world) fill() {
	w.t.Helper()
	types := slices.Clone(w.server.schemas.Types())
	slices.SortStableFunc(types, func(a, b *schemas.Type) int { // what others refer to comes first
		return map[bool]int{true: -1}[a.Name == "organization"] - map[bool]int{true: -1}[b.Name == "organization"]
	})
	var known []string
	for _, t := range types {
		in := content.Incoming{Type: t.Name}
		slugs := map[string]string{"it": sampleSlug(t.Name), "ar": sampleSlug(t.Name) + "-ar"}
		for _, locale := range []string{"it", "ar"} {
			fields := map[string]any{}
			for _, f := range t.Fields {
				if v := sample(f, known); v != nil {
					fields[f.Name] = v
				}
			}
			fields["title"] = fmt.Sprintf("Campione %s %s", t.Name, locale)
			in.Variants = append(in.Variants, content.IncomingVariant{Locale: locale, Slug: slugs[locale], Fields: fields, Publish: true})
		}
		w.incoming(in)
		known = append(known, t.Name)
	}
}

// incoming brings documents in and waits until the public sees them.
func (w *world) incoming(batch ...content.Incoming) {
	w.t.Helper()
	results, err := w.service.Import(context.Background(), content.System("test"), batch, false)
	w.must(err)
	for _, r := range results {
		if r.Problem != nil {
			w.t.Fatalf("%s: %v %+v", r.Slug, r.Problem, r.Problem.Fields)
		}
	}
	w.catchUp()
}
