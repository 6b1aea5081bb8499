package catalog

import (
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/schemas"
)

func someTowns() *schemas.Territories {
	return schemas.Default().Territories().WithMunicipalities([]schemas.Municipality{
		{ISTAT: "100005", Name: "Prato", Province: "100", Lat: 43.88, Lon: 11.09},
		{ISTAT: "048017", Name: "Firenze", Province: "048", Lat: 43.77, Lon: 11.25},
		{ISTAT: "016065", Name: "Castro", Province: "016", Lat: 45.80, Lon: 10.07},
		{ISTAT: "075096", Name: "Castro", Province: "075", Lat: 40.01, Lon: 18.42},
		{ISTAT: "021008", Name: "Bolzano/Bozen", Province: "021", Lat: 46.49, Lon: 11.35},
		{ISTAT: "040012", Name: "Forlì", Province: "040", Lat: 44.22, Lon: 12.04},
		{ISTAT: "066049", Name: "L'Aquila", Province: "066", Lat: 42.35, Lon: 13.40},
		{ISTAT: "035033", Name: "Reggio nell'Emilia", Province: "035", Lat: 44.70, Lon: 10.63},
		{ISTAT: "080063", Name: "Reggio di Calabria", Province: "080", Lat: 38.11, Lon: 15.65},
	})
}

func TestNearByName(t *testing.T) {
	names := newToponyms(someTowns())
	for text, lat := range map[string]float64{
		"Prato": 43.88, "prato": 43.88, " PRATO ": 43.88, "100005": 43.88, "Prato (PO)": 43.88, "Prato, po": 43.88,
		"Firenze (FI)": 43.77, "Castro (LE)": 40.01, "castro ( bg )": 45.80, "Castro, LE": 40.01,
		"Bolzano": 46.49, "bozen": 46.49, "Bolzano/Bozen": 46.49, "forli": 44.22, "FORLI'": 44.22, "l’aquila": 42.35, "L Aquila": 42.35,
		"reggio di calabria": 38.11,
		// Provinces, where no municipality is called so.
		"Forlì-Cesena": province(t, "FC"), "forli cesena": province(t, "FC"), "FI": province(t, "FI"), "048": province(t, "FI"), "Rimini": province(t, "RN"),
	} {
		if at, candidates, ok := names.find(text); !ok || at.Lat != lat {
			t.Errorf("%q: %v %v %v", text, at, candidates, ok)
		}
	}
	for text, want := range map[string][]string{
		"Castro": {"Castro (BG)", "Castro (LE)"}, "castro (MI)": {"Castro (BG)", "Castro (LE)"}, "Reggio": {"Reggio di Calabria (RC)", "Reggio nell'Emilia (RE)"},
		"Pratt": nil, "Atlantide": nil, "09": nil, "": nil, "()": nil, "''": nil, strings.Repeat("Prato", 100): nil, "Prat": {"Prato (PO)"}, "مرحبا": nil, "\xff": nil,
	} {
		at, got, ok := names.find(text)
		if ok || !slices.Equal(got, want) {
			t.Errorf("%q: %v %v", text, at, got)
		}
		for _, c := range got { // what is proposed is understood
			if _, _, ok := names.find(c); !ok {
				t.Errorf("%q proposes %q", text, c)
			}
		}
	}
	if _, many, _ := names.find("m"); len(many) != maxCandidates {
		t.Errorf("%d candidates", len(many))
	}
	// Before municipalities are imported, provinces stand in.
	if at, _, ok := newToponyms(schemas.Default().Territories()).find("Prato"); !ok || at.Lat != province(t, "PO") {
		t.Errorf("%v %v", at, ok)
	}
}

func province(t *testing.T, acronym string) float64 {
	t.Helper()
	p, ok := schemas.Default().Territories().Lookup(acronym)
	if !ok {
		t.Fatal(acronym)
	}
	return p.Lat
}

func TestNearParameter(t *testing.T) {
	w := newWorld(t)
	w.towns = someTowns()
	w.publish("service", "s", "it", "vicino", values{"title": "Vicino", "places": []any{values{"lat": 43.89, "lon": 11.10}}})
	w.publish("service", "u", "it", "lontano", values{"title": "Lontano", "places": []any{values{"lat": 43.77, "lon": 11.25}}})
	c := w.open(t.TempDir())
	for near, want := range map[string][]string{"prato": {"vicino"}, "100005": {"vicino"}, "43.88, 11.09": {"vicino"}, "Firenze (FI)": {"lontano"}, "Castro, LE": {}} {
		q, err := c.ParseQuery("services", url.Values{"near": {near}, "radius": {"5000"}})
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := list(t, c, q); !slices.Equal(got, want) {
			t.Errorf("%s: %v", near, got)
		}
	}
	for near, want := range map[string]string{
		"Castro": `{"path":"/near","code":"unknown_place","params":{"candidates":["Castro (BG)","Castro (LE)"],"value":"Castro"}}`,
		"Nessun": `{"path":"/near","code":"unknown_place","params":{"value":"Nessun"}}`,
		"4x,11":  `{"path":"/near","code":"not_a_number","params":{"value":"4x,11"}}`,
		",":      `{"path":"/near","code":"unknown_place","params":{"value":","}}`,
		"91,0":   `{"path":"/near","code":"out_of_range","params":{"max":90,"min":-90}}`,
		"0,181":  `{"path":"/near","code":"out_of_range","params":{"max":180,"min":-180}}`,
	} {
		q, err := c.ParseQuery("services", url.Values{"near": {near}})
		if err == nil {
			_, err = c.List(q)
		}
		var problem *content.Problem
		if !errors.As(err, &problem) || len(problem.Fields) != 1 {
			t.Fatalf("%s: %v", near, err)
		}
		if got, _ := json.Marshal(problem.Fields[0]); string(got) != want {
			t.Errorf("%s: %s", near, got)
		}
	}
	if q, err := c.ParseQuery("services", url.Values{"near": {""}}); q.Near != nil || err != nil {
		t.Error(q.Near, err)
	}
}
