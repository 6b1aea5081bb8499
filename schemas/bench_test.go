package schemas

import (
	"encoding/json"
	"strings"
	"testing"
)

// sentence is ordinary Italian, with accents, so that the quick way for ASCII is not the one measured.
const sentence = "Il corso si è svolto due volte alla settimana nella biblioteca comunale, con un'insegnante e una mediatrice. "

// practiceJSON fills every field of a practice.
func practiceJSON() string {
	text := strings.Repeat(sentence, 8)
	row := `{"title":"Laboratorio di lingua","text":"` + strings.Repeat(sentence, 3) + `"}`
	short := `{"title":"Consiglio","text":"` + sentence + `"}`
	rows := func(r string, n int) string { return "[" + strings.TrimSuffix(strings.Repeat(r+",", n), ",") + "]" }
	return `{"title":"Orti condivisi a Torino","summary":"` + strings.Repeat(sentence, 4) + `","territories":["TO","01"],"topics":["networks","women"],
	"organization":"orti-torino","issue":"` + text + `","objectives":"` + text + `","target_groups":["women","families"],"people_reached":120,"coverage":"` + sentence + `",
	"activities":` + rows(row, 6) + `,"partners":` + rows(row, 5) + `,"partner_organizations":["a","b","c"],"period":{"from":"2024-01-01","to":"2025-06-30"},
	"regular_service":true,"resources":"` + text + `","budget":{"amount":"12500.50","currency":"EUR"},"funding":["amif","own"],"results":"` + text + `",
	"indicators":[{"name":"Iscritti","unit":"persone","baseline":10,"target":50,"value":62,"source":"Registro"},{"name":"Ore","value":400}],
	"users_opinion":"` + text + `","evaluation_type":["internal"],"evaluation_method":"` + text + `","failures":"` + text + `","side_effects":"` + sentence + `",
	"dos":` + rows(short, 4) + `,"donts":` + rows(short, 3) + `,"transferability":"` + text + `","body":"` + text + `",
	"places":[{"label":"Orto","address":"Via Roma 1","municipality":"001272","lat":45.07,"lon":7.68}],
	"contacts":[{"name":"Sportello","email":"info@example.it","phone":"+39 011 123456","web":"https://example.it"}],"website":"https://example.it/orti",
	"image":{"src":"/media/orto.jpg","alt":"Un orto"},"documents":[{"src":"/media/a.pdf","type":"application/pdf"}],"related":["news/bando"]}`
}

func decodeJSON(t testing.TB, text string) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func fullPractice(t testing.TB) Values {
	t.Helper()
	practice, _ := Default().Type("practice")
	v, issues := practice.Parse(decodeJSON(t, practiceJSON()), nil)
	if issues != nil {
		t.Fatal(codes(issues))
	}
	return v
}

// The benchmark's practice must fill every field, or it measures too little.
func TestFullPracticeIsFull(t *testing.T) {
	practice, _ := Default().Type("practice")
	v := fullPractice(t)
	for _, f := range practice.Fields {
		if v[f.Name] == nil {
			t.Errorf("%s is empty", f.Name)
		}
	}
	if issues := practice.Missing(v, ToPublish); issues != nil {
		t.Error(codes(issues))
	}
}

func BenchmarkParseArticle(b *testing.B) {
	article, _ := Default().Type("article")
	in := decodeJSON(b, `{"title":"Un articolo è online","summary":"`+sentence+`","body":"`+strings.Repeat(sentence, 28)+`","author":"Redazione",
	"territories":["MI","NA"],"topics":["work","women"],"organization":"redazione","image":{"src":"/media/a.jpg","alt":"Una classe"}}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, issues := article.Parse(in, nil); issues != nil {
			b.Fatal(codes(issues))
		}
	}
}

func BenchmarkParsePractice(b *testing.B) {
	practice, _ := Default().Type("practice")
	in := decodeJSON(b, practiceJSON())
	b.ReportAllocs()
	for b.Loop() {
		if _, issues := practice.Parse(in, nil); issues != nil {
			b.Fatal(codes(issues))
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, err := Load(Files); err != nil {
			b.Fatal(err)
		}
	}
}
