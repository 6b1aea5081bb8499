package duplicates

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/prassi-cms/prassi/geo"
)

// Places of the examples, and metres north of one.
var prato = geo.Point{Lat: 43.8777, Lon: 11.1022}

func north(p geo.Point, metres float64) *geo.Point {
	return &geo.Point{Lat: p.Lat + metres/111_195, Lon: p.Lon}
}

func at(metres float64) []Place {
	return []Place{{Municipality: "100005", At: north(prato, metres)}}
}

// reasons writes what was found in one line: "same_phone +39… same_name_near 120".
func reasons(l *Likeness) string {
	if l == nil {
		return ""
	}
	var out []string
	for _, r := range l.Reasons {
		out = append(out, r.Code)
		out = append(out, slices.Sorted(maps.Values(r.Params))...)
	}
	return strings.Join(out, " ")
}

// Planted duplicates are found, and false friends are not.
func TestNear(t *testing.T) {
	service := func(name string, more ...func(*Subject)) Subject {
		s := Subject{Type: "service", Names: []string{name}}
		for _, f := range more {
			f(&s)
		}
		return s
	}
	org := func(name string, more ...func(*Subject)) Subject {
		s := service(name, more...)
		s.Type = "organization"
		return s
	}
	here := func(metres float64) func(*Subject) { return func(s *Subject) { s.Places = at(metres) } }
	in := func(town string) func(*Subject) {
		return func(s *Subject) { s.Places = []Place{{Municipality: town}} }
	}
	phone := func(n ...string) func(*Subject) { return func(s *Subject) { s.Phones = n } }
	tax := func(n string) func(*Subject) { return func(s *Subject) { s.TaxCodes = []string{n} } }
	of := func(id string) func(*Subject) { return func(s *Subject) { s.Within = []string{id} } }
	secret := func(s *Subject) { s.Sensitive = true }
	id := func(id string) func(*Subject) { return func(s *Subject) { s.ID = id } }

	const sos = "Sportello Immigrati Stranieri in Famiglia"
	for _, c := range []struct {
		name string
		a, b Subject
		want string
	}{
		{"the same name next door", service("Casa della donna", here(0)), service("CASA DELLA DONNA", here(120)), "same_name_near 120"},
		{"at the same door", service("Casa della donna", here(0)), service("Casa della donna", here(0)), "same_name_near 0"},
		{"just within reach", service("Casa della donna", here(0)), service("Casa della donna", here(199)), "same_name_near 199"},
		{"just out of reach", service("Casa della donna", here(0)), service("Casa della donna", here(202)), ""},
		{"forms of association weigh little", org("Associazione Orti Condivisi ODV", here(0)), org("Orti condivisi - A.P.S.", here(30)), "same_name_near 30"},
		{"plural and double letters", org("Gruppo immigrati", here(0)), org("Grupo immigrato", here(10)), "same_name_near 10"},
		{"donna and donne", service("Casa della donna", here(0)), service("Casa delle donne", here(10)), "same_name_near 10"},
		{"one letter wrong", org("Caritas diocesana Prato", here(0)), org("Cartias Diocesana Prato", here(10)), "same_name_near 10"},
		{"written apart", org("Stra Vagante", here(0)), org("Stravagante onlus", here(10)), "same_name_near 10"},
		{"accents and apostrophes", service("Più in là dell’età", here(0)), service("Piu' in la dell'eta'", here(5)), "same_name_near 5"},
		{"a title in another language", service("Scuola del mondo", here(0)), Subject{Type: "service", Names: []string{"School of the world", "Scuola del Mondo"}, Places: at(9)}, "same_name_near 9"},
		{"Arabic, with and without marks", service("مدرسة العالم", here(0)), service("مَدْرَسَة العالم", here(5)), "same_name_near 5"},
		{"Chinese", service("普拉托华人学校", here(0)), service("普拉托华人学校", here(5)), "same_name_near 5"},

		{"the same name in two cities", service("Casa della donna", in("100005")), service("Casa della donna", in("048017")), ""},
		{"other names at one address", service("Corso di italiano", here(0)), service("Consulenza legale", here(0)), ""},
		{"levels of a course", service("Corso di italiano A1", here(0)), service("Corso di italiano A2", here(0)), ""},
		{"numbered offices", service("CPIA 1 di Prato", here(0)), service("CPIA 2 di Prato", here(0)), ""},
		{"a number that only one has", service("Scuola primaria statale Dante Alighieri 2", here(0)), service("Scuola primaria statale Dante Alighieri", here(0)), ""},
		{"only common words in common", service("Sportello sociale Arca", here(0)), service("Sportello sociale Noè", here(0)), ""},
		{"common words alone are a name", service("Sportello sociale", here(0)), service("Sportello Sociale", here(9)), "same_name_near 9"},
		{"another type", service("Casa della donna", here(0)), org("Casa della donna", here(0)), ""},
		{"one and the same", service("Casa", here(0), id("x")), service("Casa", here(0), id("x")), ""},
		{"without a name", service("", here(0)), service("", here(0)), ""},
		{"without a place", service(sos), service(sos), ""},

		{"the same number, written otherwise", service("Ascolto", phone("0574 12 34 56")), service("Aiuto", phone("+39 0574/123456")), "same_phone +390574123456"},
		{"other numbers", service("Ascolto", phone("0574 123456")), service("Aiuto", phone("0574 123457")), ""},
		{"a public number", service("Ascolto", phone("1522")), service("Aiuto", phone("1522")), ""},
		{"the same tax code", org("Arca", tax("01533080675")), org("Noè", tax("IT 01533080675")), "same_tax_code 01533080675"},
		{"no tax code at all", org("Arca", tax("00000000000")), org("Noè", tax("00000000000")), ""},
		{"a tax code that is none", org("Arca", tax("01533080676")), org("Noè", tax("01533080676")), ""},

		{"services of one provider with its number", service("Ascolto", of("p"), phone("0574 123456"), here(0)), service("Corso", of("p"), phone("0574 123456"), here(0)), ""},
		{"a desk and an office of one provider", service("Sportello lavoro", of("p"), here(0)), service("Ufficio lavoro", of("p"), here(0)), ""},
		{"a service that one provider entered twice", service("Sportello lavoro", of("p"), phone("0574 123456"), here(0)), service("Sportello Lavoro", of("p"), phone("0574 123456"), here(0)), "same_phone +390574123456 same_name_near 0"},
		{"one of them without a place", service("Sportello lavoro", of("p"), phone("0574 123456"), here(0)), service("Sportello Lavoro", of("p"), phone("0574 123456")), "same_phone +390574123456"},
		{"branches in two cities", org("Patronato Aurora", of("p"), tax("01533080675"), in("100005")), org("Patronato Aurora", of("p"), tax("01533080675"), in("048017")), ""},
		{"a branch and its parent", org("Patronato Aurora di Prato", of("p"), tax("01533080675")), org("Patronato Aurora", id("p"), tax("01533080675")), ""},

		{"sensitive: by municipality, without a distance", service("Casa Rifugio Artemisia", here(0), secret), service("Casa rifugio Artemisia", here(0)), "same_name_town 100005"},
		{"sensitive: far, in the same municipality", service("Casa Rifugio Artemisia", here(0), secret), service("Casa rifugio Artemisia", here(4000)), "same_name_town 100005"},
		{"sensitive: next door, in another municipality", service("Casa Rifugio Artemisia", here(0), secret), service("Casa rifugio Artemisia", in("048017")), ""},
		{"an approximate place", service(sos, in("100005")), service(sos, here(0)), "same_name_town 100005"},
	} {
		if c.a.ID == "" {
			c.a.ID = "a"
		}
		if c.b.ID == "" {
			c.b.ID = "b"
		}
		got, back := Near(c.a, c.b), Near(c.b, c.a)
		if reasons(got) != c.want {
			t.Errorf("%s: %q, want %q", c.name, reasons(got), c.want)
		}
		if !reflect.DeepEqual(got, back) {
			t.Errorf("%s: %+v one way and %+v the other", c.name, got, back)
		}
	}
}

// More reasons make it likelier, and a distance does not show in the score.
func TestScore(t *testing.T) {
	s := func(id, name string, metres float64, phone string, secret bool) Subject {
		return Subject{ID: id, Type: "service", Names: []string{name}, Places: at(metres), Phones: []string{phone}, Sensitive: secret}
	}
	base := s("a", "Casa della donna", 0, "0574 123456", false)
	name := Near(base, s("b", "Casa della donna", 150, "0574 999999", false))
	number := Near(base, s("b", "Ascolto", 150, "0574 123456", false))
	both := Near(base, s("b", "Casa della donna", 150, "0574 123456", false))
	closer := Near(base, s("b", "Casa della donna", 1, "0574 123456", false))
	if both.Score <= name.Score || both.Score <= number.Score || both.Score >= 1 || both.Score != closer.Score {
		t.Errorf("name %v, number %v, both %v, closer %v", name.Score, number.Score, both.Score, closer.Score)
	}
	for _, metres := range []float64{0, 50, 150, 5000} {
		got := Near(s("a", "Casa della donna", 0, "", true), s("b", "Casa della donna", metres, "", false))
		if want := Near(s("a", "Casa della donna", 0, "", true), s("b", "Casa della donna", 1, "", false)); !reflect.DeepEqual(got, want) {
			t.Errorf("at %v m a sensitive place tells %+v", metres, got)
		}
	}
}

func TestPhones(t *testing.T) {
	for in, want := range map[string]string{
		"0574 123456":                   "+390574123456",
		"0574/123456":                   "+390574123456",
		"(0574) 12.34.56":               "+390574123456",
		"+39 0574-123456":               "+390574123456",
		"0039 0574 123456":              "+390574123456",
		"390574123456":                  "+390574123456",
		"333 123 4567":                  "+393331234567",
		"393 123 4567":                  "+393931234567", // a mobile number that begins as the country does
		"800 123 456":                   "+39800123456",
		"+44 (0)20 7946 0000":           "+442079460000",
		"+8613800138000":                "+8613800138000",
		"Tel. 0574 123456 int. 12":      "+390574123456",
		"0574 123456 ext 3":             "+390574123456",
		"0574 123456; 333 1234567":      "+390574123456 +393331234567",
		"0574 123456 / 333 1234567":     "+390574123456 +393331234567",
		"0574 123456, 0574 123456":      "+390574123456",
		"0574 123456 +39 333 1234567":   "+390574123456 +393331234567",
		"112":                           "",
		"1522":                          "",
		"":                              "",
		"nessuno":                       "",
		strings.Repeat("0574123456", 9): "",
	} {
		if got := strings.Join(phones(in), " "); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// A number that many have is a switchboard's: it proposes nothing from then on,
// and again when enough of them have gone.
func TestSwitchboard(t *testing.T) {
	var f Finder
	put := func(i int) {
		f.Put(Subject{ID: fmt.Sprint(i), Type: "service", Names: []string{fmt.Sprintf("Nome%c", 'a'+i)}, Phones: []string{"0574 123456"}})
	}
	for i := range MaxShared {
		put(i)
		if got, want := len(f.Pairs()), (i+1)*i/2; got != want {
			t.Fatalf("%d with one number: %d pairs, want %d", i+1, got, want)
		}
	}
	put(MaxShared)
	if got := f.Pairs(); len(got) != 0 {
		t.Errorf("a switchboard's: %v", got)
	}
	f.Put(Subject{ID: "x", Type: "organization", Phones: []string{"0574 123456"}}) // of another type
	f.Remove("0")
	if got, want := len(f.Pairs()), MaxShared*(MaxShared-1)/2; got != want {
		t.Errorf("one of them gone: %d pairs, want %d", got, want)
	}
	f.Remove("none")
}

// subjects draws a crowd in which many share something.
func subjects(t *rapid.T) []Subject {
	pick := func(what string, from ...string) string { return rapid.SampledFrom(from).Draw(t, what) }
	some := func(what string, from ...string) []string {
		return rapid.SliceOfN(rapid.SampledFrom(from), 0, 2).Draw(t, what)
	}
	var out []Subject
	for i := range rapid.IntRange(0, 14).Draw(t, "subjects") {
		s := Subject{ID: fmt.Sprintf("s%02d", i), Type: pick("type", "service", "service", "service", "organization"), Sensitive: rapid.IntRange(0, 5).Draw(t, "sensitive") == 0}
		for range rapid.IntRange(1, 2).Draw(t, "names") {
			s.Names = append(s.Names, strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{
				"Casa", "Donna", "Caritas", "Cartias", "Sportello", "Associazione", "Orti", "condivisi", "di", "2", "StraVagante", "Stra", "Vagante", "",
			}), 1, 4).Draw(t, "name"), " "))
		}
		s.Phones = some("phones", "0574 123456", "+39 0574 123456", "0574 999999", "06 1234567", "112")
		s.TaxCodes = some("tax codes", "01533080675", "IT01533080675", "00000000000")
		s.Within = some("within", "p", "q", "s00")
		for range rapid.IntRange(0, 2).Draw(t, "places") {
			p := Place{Municipality: pick("municipality", "", "100005", "048017")}
			if rapid.Bool().Draw(t, "exact") {
				base := rapid.SampledFrom([]geo.Point{prato, {Lat: 0, Lon: 180}, {Lat: 89.9995, Lon: 3}}).Draw(t, "base")
				q := geo.Point{Lat: base.Lat + rapid.Float64Range(-0.0018, 0.0018).Draw(t, "lat"), Lon: base.Lon + rapid.Float64Range(-0.0018, 0.0018).Draw(t, "lon")}
				q.Lat = min(q.Lat, 90)
				if q.Lon > 180 {
					q.Lon -= 360
				}
				p.At = &q
			}
			s.Places = append(s.Places, p)
		}
		out = append(out, s)
	}
	return out
}

// allPairs compares each with each, and knows switchboards by counting.
func allPairs(list []Subject) []Pair {
	ready := make([]*prepared, len(list))
	count := map[string]int{}
	for i := range list {
		ready[i] = prepare(&list[i])
		for _, n := range ready[i].phones {
			count[ready[i].typ+n]++
		}
	}
	out := []Pair{}
	for i, a := range ready {
		for _, b := range ready[i+1:] {
			if l := near(a, b, func(typ, n string) bool { return count[typ+n] > MaxShared }); l != nil {
				out = append(out, Pair{A: min(a.id, b.id), B: max(a.id, b.id), Type: a.typ, Likeness: *l})
			}
		}
	}
	slices.SortFunc(out, comparePairs)
	return out
}

// The finder finds exactly what comparing each with each finds, whatever was
// added and removed before and in which order.
func TestFinderIsExact(t *testing.T) {
	found := 0
	rapid.Check(t, func(t *rapid.T) {
		list := subjects(t)
		var f Finder
		for _, i := range rapid.Permutation(indexes(len(list))).Draw(t, "order") {
			f.Put(list[i])
			if rapid.IntRange(0, 3).Draw(t, "look") == 0 {
				f.Pairs()
			}
		}
		for _, i := range rapid.SliceOfN(rapid.IntRange(0, 14), 0, 6).Draw(t, "leave or change") {
			if i >= len(list) {
				continue
			}
			if rapid.Bool().Draw(t, "leave") {
				f.Remove(list[i].ID)
				list = slices.Delete(list, i, i+1)
			} else {
				list[i].Names, list[i].Phones = []string{"Casa Donna"}, []string{"06 1234567"}
				f.Put(list[i])
			}
			if rapid.Bool().Draw(t, "look") {
				f.Pairs()
			}
		}
		got, want := f.Pairs(), allPairs(list)
		found += len(want)
		if len(got) != len(want) || len(got) > 0 && !reflect.DeepEqual(got, want) {
			t.Fatalf("found %+v\n want %+v", got, want)
		}
		if f.Len() != len(list) {
			t.Fatalf("%d subjects, want %d", f.Len(), len(list))
		}
		for i, a := range list {
			for _, b := range list[i:] {
				if one, other := Near(a, b), Near(b, a); !reflect.DeepEqual(one, other) {
					t.Fatalf("%+v one way, %+v the other", one, other)
				}
			}
		}
	})
	if found == 0 {
		t.Error("no pair was ever drawn")
	}
}

func indexes(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// A finder that everything has left keeps nothing.
func TestFinderForgets(t *testing.T) {
	var f Finder
	for i := range 50 {
		f.Put(Subject{ID: fmt.Sprint(i), Type: "service", Names: []string{"Casa della donna"}, Places: at(float64(i)), Phones: []string{"0574 123456"}})
	}
	if len(f.Pairs()) != 50*49/2 {
		t.Errorf("%d pairs", len(f.Pairs()))
	}
	for i := range 50 {
		f.Remove(fmt.Sprint(i))
	}
	if len(f.Pairs())+f.Len()+len(f.blocks)+len(f.shared)+len(f.stale) > 0 {
		t.Errorf("left: %d subjects, %d blocks, %d pairs, %d stale", f.Len(), len(f.blocks), len(f.shared), len(f.stale))
	}
}

// Names of any bytes are compared in bounded time, and each name is like itself.
func FuzzNames(f *testing.F) {
	f.Add("Casa della donna", "Casa delle donne")
	f.Add("l'A.P.S. 2", "普拉托华人学校")
	f.Add("", "\xff\x00")
	many := make([]string, 3*maxNameWords) // words that all differ
	for i := range many {
		many[i] = fmt.Sprintf("parola%c%c", 'a'+i/26, 'a'+i%26)
	}
	f.Add(strings.Join(many, " "), "parola")
	f.Fuzz(func(t *testing.T, a, b string) {
		x, y := parseName(a), parseName(b)
		for _, strict := range []bool{false, true} {
			one, other := alike(&x, &y, strict), alike(&y, &x, strict)
			if one != other || one < 0 || one > 1 || one > 0 && one < nearly {
				t.Errorf("%q, %q: %v and %v", a, b, one, other)
			}
			if len(x.words) > 0 && alike(&x, &x, strict) != 1 {
				t.Errorf("%q is not like itself", a)
			}
			if one > 0 && !slices.ContainsFunc((&prepared{names: []name{x}}).keys(), func(k string) bool {
				return slices.Contains((&prepared{names: []name{y}}).keys(), k)
			}) {
				t.Errorf("%q and %q are alike and share no block", a, b)
			}
		}
		phones(a)
	})
}

// The words are clean: folded, each once.
func TestWords(t *testing.T) {
	v := words()
	if len(Types()) != 2 || len(v.common) < 50 || len(v.ignored) < 50 {
		t.Errorf("%d types, %d common words, %d ignored ones", len(Types()), len(v.common), len(v.ignored))
	}
	for w := range v.ignored {
		if v.common[stem(w)] && len(w) > 1 {
			t.Errorf("%q is common and ignored", w)
		}
	}
}
