package messages

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/prassi-cms/prassi/schemas"
)

func TestText(t *testing.T) {
	type class string
	for _, c := range []struct {
		locale, code string
		params       map[string]any
		want         string
	}{
		{"it", "required", nil, "Compila questo campo."},
		{"it", "required", map[string]any{"field": "title"}, "Compila questo campo."},
		{"it", "too_long", map[string]any{"max": 200, "actual": 312, "unit": "characters"}, "Il testo è troppo lungo. Massimo 200 caratteri. Ora sono 312."},
		{"ar", "too_long", map[string]any{"max": 200, "unit": "characters"}, "النص طويل جدا. الحد الأقصى لعدد الأحرف: 200."},
		{"zh", "too_long", map[string]any{"max": 200, "actual": 312, "unit": "characters"}, "文本太长。最多 200 个字符。现在有 312。"},
		{"it", "too_long", map[string]any{"max": 200}, "Il testo è troppo lungo."}, // the unit is missing
		{"it", "too_long", map[string]any{"actual": 1e6}, "Il testo è troppo lungo. Ora sono 1000000."},
		{"it", "out_of_range", map[string]any{"min": 0.5}, "Il numero è fuori dai limiti. Minimo 0.5."},
		{"it", "out_of_range", map[string]any{"max": -3.0}, "Il numero è fuori dai limiti. Massimo -3."},
		{"it", "out_of_range", map[string]any{"max": math.NaN(), "min": math.Inf(-1)}, "Il numero è fuori dai limiti."},
		{"it", "out_of_range", map[string]any{"min": json.Number("7"), "max": uint8(9)}, "Il numero è fuori dai limiti. Minimo 7. Massimo 9."},
		{"en", "wrong_state", map[string]any{"state": "draft", "transition": "approve"}, "The state of the content is “Draft”. This action is not possible now. Reload the page and choose one of the actions offered."},
		{"en", "wrong_state", nil, "This action is not possible now. Reload the page and choose one of the actions offered."},
		{"fr", "no_such_variant", map[string]any{"locale": "zh-Hans"}, "Ce contenu n’a pas de version dans cette langue (chinois simplifié). Choisissez une autre langue ou créez la traduction."},
		{"fr", "no_such_variant", map[string]any{"locale": "zh-CN"}, "Ce contenu n’a pas de version dans cette langue (chinois simplifié). Choisissez une autre langue ou créez la traduction."},
		{"es", "type_mismatch", map[string]any{"type": "practice"}, "El contenido ya existe con otro tipo: «" + label(t, "practice", "es") + "». Usa el mismo tipo, u otro identificador."},
		{"it", "unknown_type", map[string]any{"type": class("recipe")}, "Questo tipo di contenuto non esiste: «recipe». Scegline uno dell’elenco."},
		{"it", "unknown_type", map[string]any{"type": ""}, "Questo tipo di contenuto non esiste. Scegline uno dell’elenco."},
		{"it", "unknown_type", map[string]any{"type": " \n"}, "Questo tipo di contenuto non esiste. Scegline uno dell’elenco."},
		{"it", "unknown_type", map[string]any{"type": time.Now()}, "Questo tipo di contenuto non esiste. Scegline uno dell’elenco."},
		{"it", "unknown_type", map[string]any{"type": true}, "Questo tipo di contenuto non esiste. Scegline uno dell’elenco."},
		{"it", "unknown_type", map[string]any{"type": "a\x00b\u202ec\nd\xff"}, "Questo tipo di contenuto non esiste: «a bc d\uFFFD». Scegline uno dell’elenco."},
		{"it", "unknown_type", map[string]any{"type": "{type}[x]"}, "Questo tipo di contenuto non esiste: «{type}[x]». Scegline uno dell’elenco."},
		{"it", "body_too_large", map[string]any{"max": 2 << 20}, "La richiesta è troppo grande. Massimo 2 MB."},
		{"fr", "body_too_large", map[string]any{"max": int64(64 << 10)}, "La demande est trop grande. Maximum 64 ko."},
		{"it", "body_too_large", map[string]any{"max": 1000}, "La richiesta è troppo grande. Massimo 1000 byte."},
		{"it", "body_too_large", map[string]any{"max": "many"}, "La richiesta è troppo grande."},
		// The locale: longer tags, other languages, none.
		{"IT-CH", "required", nil, "Compila questo campo."},
		{"zh-Hans-CN", "required", nil, "请填写此栏。"},
		{"zh_TW", "required", nil, "请填写此栏。"},
		{"de", "required", nil, "Fill in this field."},
		{"", "required", nil, "Fill in this field."},
		{strings.Repeat("it", 1000), "required", nil, "Fill in this field."},
		// The code.
		{"it", "no_such_code", map[string]any{"a": 1}, "no_such_code"},
		{"it", "", nil, ""},
		{"it", "unit.characters", nil, "unit.characters"},
	} {
		if got := Text(c.locale, c.code, c.params); got != c.want {
			t.Errorf("Text(%q, %q, %v)\n got %q\nwant %q", c.locale, c.code, c.params, got, c.want)
		}
	}
}

func label(t *testing.T, typ, locale string) string {
	d, ok := schemas.Default().Type(typ)
	if !ok || d.Label[locale] == "" {
		t.Fatalf("type %q has no label in %q", typ, locale)
	}
	return d.Label[locale]
}

func TestLists(t *testing.T) {
	for _, c := range []struct {
		locale string
		list   any
		want   string
	}{
		{"it", []string{}, ""},
		{"it", []string{"a"}, "a"},
		{"it", []string{"a", "b"}, "a e b"},
		{"it", []string{"a", "b", "c"}, "a, b e c"},
		{"it", []string{"a", "Eboli"}, "a ed Eboli"},
		{"en", []any{"a", 2, 3.5}, "a, 2 and 3.5"},
		{"fr", []string{"a", "b"}, "a et b"},
		{"es", []string{"a", "b"}, "a y b"},
		{"es", []string{"padres", "hijos"}, "padres e hijos"},
		{"es", []string{"agua", "hielo"}, "agua y hielo"},
		{"es", []string{"Francia", "Italia"}, "Francia e Italia"},
		{"ar", []string{"قمح", "شعير", "ذرة"}, "قمح، شعير وذرة"},
		{"zh", []string{"甲", "乙", "丙"}, "甲、乙和丙"},
		{"en", []any{nil, "a", "", true, "b", map[string]any{}}, "a and b"},
		{"en", strings.Split(strings.Repeat("x ", 99)+"x", " "), strings.Repeat("x, ", 11) + "x and …"},
	} {
		if got := catalogs()[c.locale].value("values", c.list); got != c.want {
			t.Errorf("%s: %v joined is %q, want %q", c.locale, c.list, got, c.want)
		}
	}
	got := Text("en", "unknown_term", map[string]any{"value": "x", "taxonomies": []string{"service_areas", "practice_areas"}})
	first, _ := schemas.Default().Taxonomy("service_areas")
	second, _ := schemas.Default().Taxonomy("practice_areas")
	if want := first.Label["en"] + " and " + second.Label["en"]; !strings.Contains(got, want) {
		t.Errorf("%q does not name the taxonomies %q", got, want)
	}
}

// A value that runs against the sentence stays in its place.
func TestDirection(t *testing.T) {
	const open, closing = "\u2068", "\u2069"
	for _, c := range []struct {
		locale, value string
		isolated      bool
	}{
		{"it", "corso", false},
		{"it", "perché 你好 3", false},
		{"it", "دورة", true},
		{"it", "a دورة", true},
		{"ar", "دورة", false},
		{"ar", "12", false},
		{"ar", "corso", true},
		{"ar", "2026-03-31", true},
		{"ar", "-3", true},
		{"ar", "你好", true},
	} {
		want := c.value
		if c.isolated {
			want = open + c.value + closing
		}
		if got := catalogs()[c.locale].value("value", c.value); got != want {
			t.Errorf("%s: %q is shown as %q, want %q", c.locale, c.value, got, want)
		}
	}
}

func TestTitle(t *testing.T) {
	for _, c := range [][3]string{
		{"it", "stale", "Il contenuto è cambiato"},
		{"de-AT", "stale", "The content has changed"},
		{"it", "required", "Compila questo campo."}, // it has no title of its own
		{"it", "no_such_code", "no_such_code"},
	} {
		if got := Title(c[0], c[1]); got != c[2] {
			t.Errorf("Title(%q, %q) = %q, want %q", c[0], c[1], got, c[2])
		}
	}
}

func TestCodes(t *testing.T) {
	codes := Codes("it")
	if !slices.IsSorted(codes) || !slices.Contains(codes, "required") {
		t.Fatalf("Codes: %v", codes)
	}
	codes[0] = "changed by a caller"
	if slices.Contains(Codes("it"), "changed by a caller") {
		t.Error("a caller can change the codes")
	}
	if got := Codes("de"); got != nil {
		t.Errorf("Codes of a language without messages: %v", got)
	}
}

// Sentences without parameters cost nothing to say.
func TestAllocations(t *testing.T) {
	params := map[string]any{"field": "title"}
	for name, f := range map[string]func(){
		"Text":  func() { Text("it", "required", params) },
		"Title": func() { Title("it", "stale") },
		"Negotiate": func() {
			Negotiate("de-DE,de;q=0.9,zh-Hant;q=0.8,en-US;q=0.7,*;q=0.1")
		},
	} {
		f()
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for _, code := range Codes("it") {
				lang := Languages[i%len(Languages)]
				whole := map[string]any{"value": "x", "max": i}
				for _, p := range Sentences(lang)[code].Params {
					whole[p] = "x"
				}
				if Text(lang, code, whole) == "" || Text(lang, code, nil) != "" && Title(lang, code) == "" {
					t.Errorf("%s says nothing in %s", code, lang)
				}
			}
		})
	}
	wg.Wait()
}

// Whatever the parameters, the answer is one short line of valid text in which
// no character of a value can change what stands around it.
func FuzzText(f *testing.F) {
	f.Add("it", "too_long", "200", 3.5, 7)
	f.Add("ar", "wrong_state", "draft\u202e\u2067", math.Inf(1), -1)
	f.Add("zh-CN", "unknown_term", "\xff\xfe{value}[]", 1e300, 1<<40)
	f.Fuzz(func(t *testing.T, locale, code, text string, x float64, n int) {
		for _, v := range []any{text, x, n, []string{text, text}, []any{text, x, n, nil}, []byte(text), map[string]any{text: n}, &text, struct{ S string }{text}, [2]string{text}, func() {}, nil} {
			for _, code := range []string{code, "too_long", "wrong_order", "unknown_term", "body_too_large", "key_given_twice", "no_such_variant"} {
				params := map[string]any{text: v}
				if _, m := lookup(locale, code); m != nil {
					for _, p := range m.parts {
						for _, name := range p.params {
							params[name.name] = v
						}
					}
				} else if got := Text(locale, code, params); got != code {
					t.Fatalf("the unknown code %q became %q", code, got)
				} else {
					continue
				}
				checkLine(t, Text(locale, code, params))
			}
		}
		Title(locale, code)
		Codes(locale)
	})
}

func checkLine(t *testing.T, s string) {
	t.Helper()
	const open, closing = '\u2068', '\u2069'
	depth := 0
	for _, r := range s {
		switch {
		case r == open:
			depth++
		case r == closing:
			depth--
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r == '\u2028', r == '\u2029':
			t.Fatalf("%q holds %U", s, r)
		}
		if depth < 0 || depth > 1 {
			t.Fatalf("%q: isolates do not match", s)
		}
	}
	if depth != 0 || !utf8.ValidString(s) || utf8.RuneCountInString(s) > 2*maxItems*(maxValue+8)+400 {
		t.Fatalf("%q: open isolate, bad UTF-8 or too long", s)
	}
}

func BenchmarkText(b *testing.B) {
	params := map[string]any{"max": 200, "actual": 312, "unit": "characters"}
	for b.Loop() {
		Text("it", "too_long", params)
	}
}

func BenchmarkLoad(b *testing.B) {
	schemas.Default()
	for b.Loop() {
		for _, tag := range Languages {
			if _, err := load(tag); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// A time is shown as a clock in Italy does, in the order of the language; what is
// none stays.
func TestTimes(t *testing.T) {
	for _, c := range []struct{ lang, until, want string }{
		{"it", "2026-11-23T04:23:35Z", "Ruolo assegnato, fino al 23/11/2026 05:23."},
		{"en", "2026-07-01T22:30:00Z", "Role granted, until 2 July 2026 00:30."},
		{"fr", "2026-03-29T01:00:00Z", "Rôle attribué, jusqu’au 29/03/2026 03:00."},
		{"zh", "2026-11-23T04:23:35.5+01:00", "已授予角色，有效期至2026年11月23日 04:23。"},
		{"ar", "2026-11-23T04:23:35Z", "مُنح دور، حتى \u206823/11/2026 05:23\u2069."},
		{"it", "domani", "Ruolo assegnato, fino al domani."}, {"it", "", "Ruolo assegnato."},
	} {
		if got := Text(c.lang, "role_granted", map[string]any{"until": c.until}); got != c.want {
			t.Errorf("%s: %q, want %q", c.lang, got, c.want)
		}
	}
	if got := Day("en-GB", time.Date(2026, 12, 31, 23, 30, 0, 0, time.UTC)); got != "1 January 2027" {
		t.Error(got)
	}
}
