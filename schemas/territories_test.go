package schemas

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func TestTerritories(t *testing.T) {
	all := Default().Territories()
	if n := len(all.Regions()); n != 20 {
		t.Errorf("%d regions", n)
	}
	if n := len(all.Provinces()); n != 107 {
		t.Errorf("%d provinces", n)
	}
	if n := len(all.Municipalities()); n != 0 {
		t.Errorf("%d municipalities are embedded", n)
	}
	for code, want := range map[string]string{
		"NA": "Napoli", "na": "Napoli", "063": "Napoli", "MI": "Milano", "015": "Milano", "01": "Piemonte",
		"AO": "Valle d'Aosta/Vallée d'Aoste", "007": "Valle d'Aosta/Vallée d'Aoste", "02": "Valle d'Aosta/Vallée d'Aoste",
		"bz": "Bolzano/Bozen", "111": "Sud Sardegna", "RM": "Roma", "058": "Roma", "Bt": "Barletta-Andria-Trani",
	} {
		if got, ok := all.Lookup(code); !ok || got.Name != want {
			t.Errorf("%s is %q, want %q", code, got.Name, want)
		}
	}
	for _, code := range []string{"", "1", "00", "21", "112", "ZZ", "XX", "015146", " MI", "MI ", "Mil", "０１", "NUL\x00", strings.Repeat("0", 1e6)} {
		if got, ok := all.Lookup(code); ok {
			t.Errorf("%.10q is %s", code, got.Name)
		}
	}
	acronyms := map[string]bool{}
	for _, p := range all.Provinces() {
		if acronyms[p.Acronym] || len(p.Acronym) != 2 || p.Level != LevelProvince {
			t.Errorf("province %+v", p)
		}
		acronyms[p.Acronym] = true
		region, ok := all.Lookup(p.Parent)
		if !ok || region.Level != LevelRegion || !all.Contains(region.ISTAT, p.ISTAT) || all.Contains(p.ISTAT, region.ISTAT) {
			t.Errorf("province %s is not in its region %q", p.Name, p.Parent)
		}
		if p.Lat < 35 || p.Lat > 48 || p.Lon < 6 || p.Lon > 19 {
			t.Errorf("province %s is not in Italy: %v %v", p.Name, p.Lat, p.Lon)
		}
	}
}

func TestContains(t *testing.T) {
	all := Default().Territories()
	for _, c := range []struct {
		outer, inner string
		want         bool
	}{
		{"03", "015", true}, {"03", "MI", true}, {"MI", "015", true}, {"015", "015146", true}, {"03", "015146", true},
		{"03", "03", true}, {"015", "03", false}, {"01", "015", false}, {"TO", "MI", false}, {"03", "999999", false},
		{"", "015", false}, {"03", "", false}, {"", "", false}, {"99", "99", false},
	} {
		if got := all.Contains(c.outer, c.inner); got != c.want {
			t.Errorf("Contains(%q, %q) = %v", c.outer, c.inner, got)
		}
	}
	if got := all.Ancestors("015146"); !slices.Equal(got, []string{"015", "03"}) {
		t.Errorf("ancestors: %v", got)
	}
	if got := all.Ancestors("mi"); !slices.Equal(got, []string{"03"}) {
		t.Errorf("ancestors of an acronym: %v", got)
	}
	if got := all.Ancestors("03"); got != nil {
		t.Errorf("ancestors of a region: %v", got)
	}
	if (&Territories{}).Contains("03", "015") {
		t.Error("the empty set contains something")
	}
}

func TestSloveneNames(t *testing.T) {
	text := "istat,name,province_istat,lat,lon\n032001,Duino Aurisina-Devin Nabre\u009eina,032,45.7,13.6\n032002,A\u0081b,032,45.7,13.6\n"
	all := Default().Territories()
	_, issues, err := all.ReadMunicipalities(strings.NewReader(text))
	if err != nil || len(issues) != 1 || issues[0].Line != 3 || issues[0].Code != CodeControlCharacter {
		t.Errorf("%v %v", issues, err)
	}
	list, issues, err := all.ReadMunicipalities(strings.NewReader(text[:strings.Index(text, "032002")]))
	if err != nil || issues != nil || list[0].Name != "Duino Aurisina-Devin Nabrežina" {
		t.Errorf("%v %v %v", list, issues, err)
	}
}

const municipalities = `istat,name,province_istat,province,province_name,region_istat,region_name,cadastral,lat,lon
015146,Milano,015,MI,Milano,03,Lombardia,F205,45.46679,9.1905
063049,Napoli,063,NA,Napoli,15,Campania,F839,40.8518,14.2681
001004,Albiano d'Ivrea,001,TO,Torino,01,Piemonte,A157,45.43159,7.94366
`

func TestMunicipalities(t *testing.T) {
	all := Default().Territories()
	list, issues, err := all.ReadMunicipalities(strings.NewReader("\ufeff" + municipalities))
	if err != nil || issues != nil || len(list) != 3 {
		t.Fatalf("%v %v %v", list, issues, err)
	}
	with := all.WithMunicipalities(list)
	if got, ok := with.Lookup("015146"); !ok || got.Name != "Milano" || got.Parent != "015" || got.Cadastral != "F205" || got.Lat != 45.46679 {
		t.Errorf("Milan: %+v", got)
	}
	if !with.Contains("03", "015146") || with.Contains("01", "015146") {
		t.Error("Milan is not where it is")
	}
	if got := with.Municipalities(); len(got) != 3 || got[0].ISTAT != "001004" {
		t.Errorf("%v", got)
	}
	if _, ok := all.Lookup("015146"); ok || len(all.Municipalities()) != 0 {
		t.Error("the first set has changed")
	}
	if _, ok := with.WithMunicipalities(nil).Lookup("015146"); ok {
		t.Error("municipalities stay when they are replaced")
	}

	field := testField(t, "kind: territory")
	if _, issues := field.Parse("015146", nil); len(issues) != 1 {
		t.Error("a municipality is accepted before the import")
	}
	if v, issues := field.Parse("015146", &Env{Territories: with}); v != "015146" || issues != nil {
		t.Errorf("after the import: %v %v", v, issues)
	}
	place := testField(t, "kind: place")
	milan := map[string]any{"municipality": "015146"}
	rome := map[string]any{"municipality": "058091"}
	for _, c := range []struct {
		value map[string]any
		env   *Env
		ok    bool
	}{
		{milan, nil, true}, {rome, nil, true}, {map[string]any{"municipality": "999001"}, nil, false},
		{map[string]any{"municipality": "015"}, nil, false}, {map[string]any{"municipality": "Milano"}, nil, false},
		{milan, &Env{Territories: with}, true}, {rome, &Env{Territories: with}, false},
	} {
		if _, issues := place.Parse(c.value, c.env); (issues == nil) != c.ok {
			t.Errorf("%v: %v", c.value, issues)
		}
	}
}

func TestBadMunicipalities(t *testing.T) {
	rows := strings.Join([]string{
		"istat,name,province_istat,region_istat,cadastral,lat,lon",
		"015146,Milano,015,03,F205,45.4,9.1",          // right
		"15146,Milano,015,03,F205,45.4,9.1",           // 3: code too short
		"015147,,015,03,F205,45.4,9.1",                // 4: no name
		"999148,Nulla,999,03,F205,45.4,9.1",           // 5: no such province
		"015149,Monza,015,04,F205,45.4,9.1",           // 6: other region
		"015150,Monza,015,03,F205,145.4,9.1",          // 7: no latitude
		"015151,Monza,015,03,F205,45.4,",              // 8: no longitude
		"015146,Milano,015,03,F205,45.4,9.1",          // 9: twice
		"015152,Monza,015,03",                         // 10: columns missing
		"015153,\"Mon\u202eza\",015,03,F205,45.4,9.1", // 11: turned text
		"015154,Monza,015,03,F205XX,45.4,9.1",         // 12: cadastral
		"016155,Bergamo,015,03,F205,45.4,9.1",         // 13: code of another province
		"015156,\"a\nb\",015,03,F205,NaN,9.1",         // 14 and 15: NaN
		"'015157,Monza,015,03,F205,45.4,9.1",          // 16: quoted code
		"015158,Mon\"za,015,03,F205,45.4,9.1",         // 17: broken quotation
	}, "\n")
	list, issues, err := Default().Territories().ReadMunicipalities(strings.NewReader(rows))
	if err != nil || list != nil {
		t.Fatalf("bad rows are accepted: %v %v", list, err)
	}
	var lines []int
	for _, i := range issues {
		lines = append(lines, i.Line)
		if !slices.Contains(IssueCodes, i.Code) {
			t.Errorf("unknown code %s", i.Code)
		}
	}
	if want := []int{3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16, 17}; !slices.Equal(lines, want) {
		t.Errorf("lines %v, want %v\n%+v", lines, want, issues)
	}

	for name, text := range map[string]string{"empty": "", "no header": "015146,Milano\n", "other columns": "a,b,c\n1,2,3\n"} {
		_, issues, err := Default().Territories().ReadMunicipalities(strings.NewReader(text))
		if err != nil || len(issues) == 0 || issues[0].Line != 1 {
			t.Errorf("%s: %v %v", name, issues, err)
		}
	}
	broken := io.MultiReader(strings.NewReader(municipalities), iotest.ErrReader(errors.New("disk")))
	if _, _, err := Default().Territories().ReadMunicipalities(broken); err == nil {
		t.Error("an error of the reader is lost")
	}
}
