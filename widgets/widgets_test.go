package widgets_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/prassi-cms/prassi/messages"
	"github.com/prassi-cms/prassi/partners"
	"github.com/prassi-cms/prassi/schemas"
	"github.com/prassi-cms/prassi/widgets"
)

// The scripts write the address of an item's page as locale/collection/slug/: that
// is what the types declare.
func TestRoutes(t *testing.T) {
	for _, typ := range schemas.Default().Types() {
		if typ.Route.Path != typ.Collection+"/{slug}" {
			t.Errorf("%s has the route %q: src/v1.ts has to know it", typ.Name, typ.Route.Path)
		}
	}
}

// Scripts have the same words in every language, and where a language has a
// parameter every one has it.
func TestWords(t *testing.T) {
	reference := widgets.Words(messages.Languages[0])
	for _, lang := range messages.Languages {
		words := widgets.Words(lang)
		for key, text := range reference {
			for _, name := range []string{"{date}", "{from}", "{to}", "{count}", "{km}", "{language}"} {
				if strings.Contains(text, name) != strings.Contains(words[key], name) {
					t.Errorf("%s: %s is %q", lang, key, words[key])
				}
			}
		}
	}
	for _, name := range widgets.Names[:5] {
		if reference[name] == "" {
			t.Errorf("the heading of %s has no words", name)
		}
	}
}

// Whatever an address says, what Parse lets through is one of the closed lists or
// of a harmless form.
func FuzzParse(f *testing.F) {
	w, err := widgets.New(widgets.Options{Schemas: schemas.Default()})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("news", "locale=it&territory=PO,MI&limit=5&accent=%23fff")
	f.Add("card", "collection=events&slug=festa&mode=dark")
	f.Add("practice", "slug=..%2f..&locale=zz")
	f.Fuzz(func(t *testing.T, name, raw string) {
		q, err := url.ParseQuery(raw)
		if err != nil {
			return
		}
		a, err := w.Parse(name, q)
		if err != nil {
			return
		}
		if !slices.Contains(widgets.Names, a.Widget) || !slices.Contains(widgets.Modes, a.Mode) || a.Limit < 1 || a.Limit > widgets.MaxLimit ||
			!slices.Contains(messages.Languages, a.Lang) || strings.ContainsAny(a.Slug, "/\\<>\"'& \x00%?#") || a.Slug == ".." {
			t.Errorf("%q %q: %+v", name, raw, a)
		}
		for token, value := range a.Tokens {
			if v, ok := partners.Token(value); !ok || v != value || !slices.Contains(widgets.TokenNames, token) {
				t.Errorf("%s=%q", token, value)
			}
		}
	})
}
