package schemas

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"
)

// compileSchema compiles a type's schema, formats asserted, having checked it
// against its own metaschema.
func compileSchema(t testing.TB, r *Registry, ty *Type) func(map[string]any) error {
	t.Helper()
	data, err := json.Marshal(r.JSONSchema(ty, "https://prassi.example/"))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	meta, err := c.Compile(Draft)
	if err != nil {
		t.Fatal(err)
	}
	if err := meta.Validate(doc); err != nil {
		t.Fatalf("%s: the schema is no schema: %v", ty.Name, err)
	}
	url := "https://prassi.example/schemas/" + ty.Name + ".json"
	if err := c.AddResource(url, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(url)
	if err != nil {
		t.Fatal(err)
	}
	return func(v map[string]any) error {
		data, err := json.Marshal(v)
		if err != nil {
			return err
		}
		inst, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			return err
		}
		return s.Validate(inst)
	}
}

func TestSchemas(t *testing.T) {
	r := Default()
	for _, ty := range r.Types() {
		validate := compileSchema(t, r, ty)
		item := func(extra map[string]any) map[string]any {
			out := map[string]any{"type": ty.Name, "locale": "it", "title": "Titolo"}
			maps.Copy(out, extra)
			return out
		}
		for _, ok := range []map[string]any{
			{}, {"slug": "a", "id": "b", "state": "draft", "published_at": "2026-03-01T10:00:00Z", "updated_at": "2026-03-01T10:00:00Z"},
			{"translation_of": "b"}, {"translation_of": map[string]any{"slug": "a", "locale": "ar"}}, {"territories": []any{"MI", "063", "03", "015146"}},
		} {
			if err := validate(item(ok)); err != nil {
				t.Errorf("%s: %v: %v", ty.Name, ok, err)
			}
		}
		for _, bad := range []map[string]any{
			{"type": "other"}, {"locale": "xx"}, {"title": ""}, {"title": strings.Repeat("a", 201)}, {"nothing": 1}, {"published_at": "yesterday"},
			{"territories": "MI"}, {"territories": []any{"Milano"}}, {"topics": []any{"pizza"}}, {"topics": []any{"work", "work"}}, {"body": 1},
			{"translation_of": map[string]any{"slug": "a"}},
		} {
			if err := validate(item(bad)); err == nil {
				t.Errorf("%s: accepted: %v", ty.Name, bad)
			}
		}
		if err := validate(map[string]any{"type": ty.Name, "locale": "it"}); err == nil {
			t.Errorf("%s: accepted without a title", ty.Name)
		}
	}
}

// anyValue generates JSON values of any shape, some of them what a field wants.
func anyValue(t *rapid.T, f *Field, depth int) any {
	gen := []func() any{
		func() any { return good(t, f) },
		func() any { return good(t, f) },
		func() any { return good(t, f) },
		func() any { return good(t, f) },
		func() any { return good(t, f) },
		func() any { return good(t, f) },
		func() any { return rapid.String().Draw(t, "string") },
		func() any { return rapid.Float64().Draw(t, "float") },
		func() any { return rapid.Bool().Draw(t, "bool") },
		func() any { return nil },
	}
	if depth > 0 {
		gen = append(gen,
			func() any {
				return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) any { return anyValue(t, f, depth-1) }), 0, 4).Draw(t, "list")
			},
			func() any {
				m := map[string]any{}
				for _, p := range f.Parts {
					if rapid.Bool().Draw(t, p.Name) {
						m[p.Name] = anyValue(t, p, depth-1)
					}
				}
				return m
			})
	}
	return gen[rapid.IntRange(0, len(gen)-1).Draw(t, "shape")]()
}

// words are what strings are made of: plain, composed, right to left, hostile.
var words = []string{
	"casa", "È", "e\u0301", "العربية", "住房", " ", "\n", "\t", "\r\n", "\u00a0", "\ufeff", "\u200f", "\u2066a\u2069", "\u2028",
	"**b**", "- ", "&", "<i>", "👩‍👧", "\u1100\u1161", "\u0344", "A", "1", "",
}

// good generates a value that a field may well accept, often not canonical.
func good(t *rapid.T, f *Field) any {
	one := func() any {
		if f.Parts != nil {
			m := map[string]any{}
			for _, p := range f.Parts {
				if p.Required == Always || rapid.Bool().Draw(t, p.Name) {
					m[p.Name] = good(t, p)
				}
			}
			if f.Kind == "money" {
				m["amount"] = fmt.Sprintf("%d.%d", rapid.IntRange(0, 1e6).Draw(t, "units"), rapid.IntRange(0, 9).Draw(t, "tenths"))
			}
			if f.Kind == "legal_reference" {
				delete(m, "scheme")
				m["identifier"] = rapid.SampledFrom([]string{"32016R0679", "urn:nir:stato:legge:2002;189", "URN:NIR:stato:legge:1998-03-06;40~art2", "ECLI:EU:C:2014:2318", "eli/reg/2016/679/oj"}).Draw(t, "identifier")
			}
			return m
		}
		pick := func(options ...string) any { return rapid.SampledFrom(options).Draw(t, f.Name) }
		switch f.Kind {
		case "number":
			if f.Integer {
				return float64(rapid.IntRange(0, 120).Draw(t, f.Name))
			}
			return rapid.Float64Range(-90, 90).Draw(t, f.Name)
		case "boolean":
			return rapid.Bool().Draw(t, f.Name)
		case "date":
			return pick("2026-03-01", "2024-02-29", "1999-12-31")
		case "choice":
			return f.Terms()[rapid.IntRange(0, len(f.Terms())-1).Draw(t, f.Name)].ID
		case "territory":
			if len(f.Levels) == 1 {
				return pick("015146", "063049")
			}
			return pick("MI", "na", "03", "058", "Bz")
		case AttributesKind:
			return map[string]any{"a": []any{nil, 1.5, "", map[string]any{}}, fmt.Sprint(pick("id", "名前", "x y")): pick("è", "e\u0301", " ")}
		case "reference":
			return pick("cpia-milano", "0195f0a2-7c1e-7cc3-98c4-dc0c0c07398f", "دورة")
		case "language_list":
			return pick("it", "ZH-hans", "en-gb", "iw", "sr-Latn", "ar")
		}
		switch f.Format {
		case "url":
			return pick("https://example.it/è?q=1#a", "HTTP://EXAMPLE.it", "https://città.it/a%2fb")
		case "link":
			return pick("mailto:a@b.it", "tel:02 1234", "https://example.it")
		case "source":
			return pick("/media/foto classe.jpg", "a/b.pdf", "https://example.it/a.png", "./c.jpg", "/à%20b.jpg")
		case "email":
			return pick("Info@Comune.it", "a+b@c.it")
		case "phone":
			return pick("+39 02 123456", "(06) 12-34", "803001", "800 12 - 34")
		case "tax_code":
			return pick("80078750587", "IT 800 787 505 87", "84006890481")
		case "time":
			return pick("9:00", "18:30:00", "00:00")
		case "currency":
			return pick("EUR", "usd", "JPY")
		case "media_type":
			return pick("image/png", "Application/PDF")
		}
		if f.Name == "from" || f.Name == "to" {
			return pick("2026-03-01T18:00", "2026-03-01 18:00:00", "2026-03-01")
		}
		return strings.Join(rapid.SliceOfN(rapid.SampledFrom(words), 0, 12).Draw(t, f.Name), "")
	}
	if !f.Repeated {
		return one()
	}
	return rapid.SliceOfN(rapid.Custom(func(*rapid.T) any { return one() }), 0, 3).Draw(t, f.Name)
}

// What Parse accepts is canonical: parsing it again changes nothing, decoding
// its JSON gives it back, and the type's JSON Schema accepts it.
func TestParseProperties(t *testing.T) {
	r := Default()
	for _, ty := range r.Types() {
		validate := compileSchema(t, r, ty)
		accepted := map[string]int{}
		rapid.Check(t, func(t *rapid.T) {
			in := map[string]any{"title": "Titolo"}
			f := rapid.SampledFrom(ty.Fields).Draw(t, "field")
			in[f.Name] = anyValue(t, f, 2)
			env := &Env{Loose: rapid.Bool().Draw(t, "loose")}
			v, issues := ty.Parse(in, env)
			if issues != nil {
				return
			}
			if v[f.Name] != nil {
				accepted[f.Kind]++
			}
			again, issues := ty.Parse(v, nil)
			if issues != nil || !reflect.DeepEqual(again, v) {
				t.Fatalf("%#v parsed again is %#v %v", v, again, issues)
			}
			var decoded map[string]any
			if err := json.Unmarshal([]byte(encodeT(t, v)), &decoded); err != nil {
				t.Fatal(err)
			}
			again, issues = ty.Parse(decoded, nil)
			if issues != nil || !reflect.DeepEqual(again, v) {
				t.Fatalf("%#v from JSON is %#v %v", v, again, issues)
			}
			if v["title"] == nil {
				return
			}
			item := map[string]any{"type": ty.Name, "locale": "it"}
			maps.Copy(item, v)
			if err := validate(item); err != nil {
				t.Fatalf("the schema refuses %#v: %v", v, err)
			}
		})
		if len(accepted) < 5 {
			t.Errorf("%s: the generator made too few good values: %v", ty.Name, accepted)
		}
	}
}

func encodeT(t *rapid.T, v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// FuzzParse gives every kind arbitrary JSON: no panic, and what is accepted is
// canonical.
func FuzzParse(f *testing.F) {
	type probe struct {
		ty       *Type
		validate func(map[string]any) error
	}
	var probes []probe
	for _, cases := range kindTables {
		for _, c := range cases {
			f.Add([]byte(strings.TrimPrefix(c[0], "~")))
		}
	}
	for _, ty := range testTypes(f, slices.Sorted(maps.Keys(kindTables))...) {
		probes = append(probes, probe{ty, compileSchema(f, ty.Fields[0].reg, ty)})
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d := json.NewDecoder(bytes.NewReader(data))
		d.UseNumber()
		var x any
		if d.Decode(&x) != nil {
			x = string(data) // not JSON: as text, which may not even be UTF-8
		}
		for _, p := range probes {
			for _, loose := range []bool{false, true} {
				v, issues := p.ty.Parse(map[string]any{"title": "x", "x": x}, &Env{Loose: loose})
				for _, i := range issues {
					if i.Code == "" || len(i.Path) > 2000 {
						t.Fatalf("issue %+v", i)
					}
				}
				if issues != nil || v["x"] == nil {
					continue
				}
				again, issues := p.ty.Parse(v, nil)
				if issues != nil || !reflect.DeepEqual(again, v) {
					t.Fatalf("%#v parsed again is %#v %v", v, again, issues)
				}
				item := map[string]any{"type": p.ty.Name, "locale": "it"}
				maps.Copy(item, v)
				if err := p.validate(item); err != nil {
					t.Fatalf("the schema refuses %#v: %v", v, err)
				}
			}
		}
	})
}

// Numbers keep their value through JSON at the edges of what is exact.
func TestNumbersSurviveJSON(t *testing.T) {
	f := testField(t, "kind: number")
	for _, x := range []float64{0, math.SmallestNonzeroFloat64, 0.1, 1.0 / 3, maxExact, -maxExact, 1e-7, 123456789.123} {
		v, issues := f.Parse(x, nil)
		if issues != nil || v != x {
			t.Errorf("%v: %v %v", x, v, issues)
		}
		if again, _ := f.Parse(js(t, encode(t, v)), nil); again != x {
			t.Errorf("%v through JSON: %v", x, again)
		}
	}
}
