package citation

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestLabelsAndAddresses(t *testing.T) {
	for _, c := range []struct{ text, label, url string }{
		{"art. 5, comma 2, D.Lgs. 25 luglio 1998, n. 286", "art. 5, comma 2, D.Lgs. 25 luglio 1998, n. 286",
			"https://www.normattiva.it/uri-res/N2Ls?urn:nir:stato:decreto.legislativo:1998-07-25;286~art5-com2"},
		{"artt. 5-bis c. 2 lett. a-ter) n. 3) dlgs 286/98", "art. 5-bis, comma 2, lett. a-ter), n. 3), D.Lgs. n. 286/1998",
			"https://www.normattiva.it/uri-res/N2Ls?urn:nir:stato:decreto.legislativo:1998;286~art5bis-com2-letater-num3"},
		{"l. 1 dicembre 1970 n. 898", "L. 1° dicembre 1970, n. 898", "https://www.normattiva.it/uri-res/N2Ls?urn:nir:stato:legge:1970-12-01;898"},
		{"articolo 10 della Costituzione", "art. 10 Cost.", "https://www.normattiva.it/uri-res/N2Ls?urn:nir:stato:costituzione~art10"},
		{"art. 10, terzo comma, Cost.", "art. 10, comma 3, Cost.", "https://www.normattiva.it/uri-res/N2Ls?urn:nir:stato:costituzione~art10-com3"},
		{"art. 2043 codice civile", "art. 2043 c.c.", "https://www.normattiva.it/uri-res/N2Ls?urn:nir:stato:regio.decreto:1942-03-16;262:2~art2043"},
		{"d.P.C.M. 27 settembre 2023", "d.P.C.M. 27 settembre 2023", ""},
		{"D.M. 55/2014", "D.M. n. 55/2014", ""},
		{"decreto del Ministro dell'interno 4 aprile 2000, n. 119", "D.M. Ministero dell'interno 4 aprile 2000, n. 119",
			"https://www.normattiva.it/uri-res/N2Ls?urn:nir:ministero.interno:decreto:2000-04-04;119"},
		{"circolare del Ministero dell'interno 16 aprile 2012, n. 2649", "Circolare Ministero dell'interno 16 aprile 2012, n. 2649", ""},
		{"l.r. Toscana 29/2009", "L.R. Toscana n. 29/2009", ""},
		{"art. 15, par. 2, regolamento (UE) 2016/679", "art. 15, par. 2, Regolamento (UE) 2016/679",
			"https://eur-lex.europa.eu/legal-content/IT/TXT/?uri=CELEX:32016R0679"},
		{"regolamento (CE) n. 343/2003", "Regolamento (CE) n. 343/2003", "https://eur-lex.europa.eu/legal-content/IT/TXT/?uri=CELEX:32003R0343"},
		{"direttiva 2011/95/UE", "Direttiva 2011/95/UE", "https://eur-lex.europa.eu/legal-content/IT/TXT/?uri=CELEX:32011L0095"},
		{"art. 78 TFUE", "art. 78 TFUE", "https://eur-lex.europa.eu/legal-content/IT/TXT/?uri=CELEX:12016E078"},
		{"ECLI:EU:C:2020:294", "ECLI:EU:C:2020:294", "https://eur-lex.europa.eu/legal-content/IT/TXT/?uri=ecli:ECLI:EU:C:2020:294"},
		{"ECLI:IT:COST:2018:194", "ECLI:IT:COST:2018:194", "https://e-justice.europa.eu/ecli/ECLI:IT:COST:2018:194"},
		{"CELEX:32016R0679", "Regolamento (UE) 2016/679", "https://eur-lex.europa.eu/legal-content/IT/TXT/?uri=CELEX:32016R0679"},
		{"http://data.europa.eu/eli/reg/2016/679/oj", "ELI reg/2016/679/oj", "http://data.europa.eu/eli/reg/2016/679/oj"},
		{"urn:nir:stato:decreto.legislativo:1998-07-25;286~art5bis-com2-leta", "art. 5-bis, comma 2, lett. a), D.Lgs. 25 luglio 1998, n. 286",
			"https://www.normattiva.it/uri-res/N2Ls?urn:nir:stato:decreto.legislativo:1998-07-25;286~art5bis-com2-leta"},
		{"urn:nir:ministero.interno;dipartimento.liberta.civili.immigrazione;direzione.centrale.politiche.immigrazione.asilo:circolare:2012-04-16;2649",
			"Circolare Ministero interno 16 aprile 2012, n. 2649", ""},
		{"urn:nir:regione.toscana:legge:2009-06-09;29", "Legge Regione toscana 9 giugno 2009, n. 29", ""},
	} {
		got := Find(c.text)
		if len(got) != 1 {
			t.Errorf("%q: %+v", c.text, got)
			continue
		}
		if got[0].Label != c.label || got[0].URL != c.url {
			t.Errorf("%q:\n got  %q %q\n want %q %q", c.text, got[0].Label, got[0].URL, c.label, c.url)
		}
	}
}

func TestReferenceJSON(t *testing.T) {
	b, err := json.Marshal(Find("la l. 40/1998")[0])
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"identifier":"urn:nir:stato:legge:1998;40","scheme":"urn:nir","label":"L. n. 40/1998","url":"https://www.normattiva.it/uri-res/N2Ls?urn:nir:stato:legge:1998;40","text":"l. 40/1998"}`
	if string(b) != want {
		t.Errorf("%s", b)
	}
}

// A label is itself a citation of the same act: readers copy it.
func TestLabelsAreReadBack(t *testing.T) {
	for _, c := range readCases(t) {
		for _, r := range Find(c.text) {
			if strings.HasPrefix(r.Text, "urn") || r.Scheme == SchemeELI || strings.HasPrefix(r.Label, "CELEX") ||
				strings.Contains(r.Identifier, ";400-c") || strings.HasPrefix(r.Label, "T.U. enti") {
				continue
			}
			again := Find(r.Label)
			// Named acts are labelled with their name, whose citation has
			// the full date.
			if len(again) != 1 || again[0].Identifier != r.Identifier {
				t.Errorf("line %d: label %q of %q gives %+v", c.line, r.Label, r.Identifier, again)
			}
		}
	}
}

// The same citation means the same wherever it stands.
func TestFindIsLocal(t *testing.T) {
	cases := readCases(t)
	rapid.Check(t, func(t *rapid.T) {
		a := cases[rapid.IntRange(0, len(cases)-1).Draw(t, "first")]
		b := cases[rapid.IntRange(0, len(cases)-1).Draw(t, "second")]
		got := Find(a.text + "\n\n" + b.text)
		var want []string
		for _, r := range append(Find(a.text), Find(b.text)...) {
			want = append(want, r.Identifier)
		}
		var ids []string
		for _, r := range got {
			ids = append(ids, r.Identifier)
		}
		if strings.Join(ids, " ") != strings.Join(want, " ") {
			t.Fatalf("lines %d and %d: %q, want %q", a.line, b.line, ids, want)
		}
	})
}

// hostile are texts that make a careless parser look ahead for ever.
var hostile = []string{
	"art. 1, ", "art. 5 ", "artt. 1, 2, 3, ", "art. 5, comma 2, lett. a), ", "art. 5 del testo unico ", "testo unico di cui al ",
	"comma 2 dell'", "lettera a) del comma 2 ", "primo e ", "l. ", "l.", "d.", "d. l. g. s. ", "legge ", "legge 1 ", "legge n. ", "legge n. 40 del ",
	"L. 40/1998 e n. ", "leggi 1/1998, 2/1998, ", "regolamento (UE, UE, UE, ", "direttive 2013/32/UE e ", "(", "urn:nir:", "urn:nir:a:", "urn:nir:stato:legge:1998;40",
	"http://", "https://a/eli/", "eli/", "ecli:", "celex ", "3201", "n. ", "circolare del Ministero della ", "circolare del Ministero dell'interno, ",
	"regolamento ", "art. 5 del regolamento a b c ", "D.Lgs. 286/1998, art. 5, ", "D.Lgs. 286/1998, artt. 5, 6, 7, ", "'", "’", "-", "1-", "a\u0301", "\xff", "é", "\u00a0", "art.\u00a0",
	"costituzione della ", "c.c.", "c. c. ", "art. 5 c. ", "T.U. ", "ARTT. DA 1 A ", "n. 1/1/1/1/", "circolare INPS n. 1/a/b/c/d",
}

func TestHostileTextIsLinear(t *testing.T) {
	const size = 1 << 16
	for _, h := range hostile {
		text := strings.Repeat(h, size/len(h))
		start := time.Now()
		refs := Find(text)
		if d := time.Since(start); d > 5*time.Second {
			t.Errorf("%q repeated to %d bytes took %v", h, size, d)
		}
		checkInvariants(t, text[:0], nil)
		for i := 1; i < len(refs); i++ {
			if refs[i].Start < refs[i-1].End {
				t.Fatalf("%q: overlap", h)
			}
		}
	}
}

func TestLongRunsEndCitations(t *testing.T) {
	text := "legge" + strings.Repeat(" ", 100) + "n. 40/1998"
	if got := Find(text); len(got) != 0 {
		t.Errorf("a citation across %d blanks: %+v", 100, got)
	}
	if got := Find("legge\n\nn. 40/1998"); len(got) != 0 {
		t.Errorf("a citation across an empty line: %+v", got)
	}
}

func FuzzFind(f *testing.F) {
	for _, c := range readCases(f) {
		f.Add(c.text)
	}
	for _, h := range hostile {
		f.Add(strings.Repeat(h, 3))
	}
	f.Fuzz(func(t *testing.T, text string) {
		checkInvariants(t, text, Find(text))
	})
}

func BenchmarkFind3kB(b *testing.B) {
	cases := readCases(b)
	var prose strings.Builder
	for i := 0; prose.Len() < 3000; i++ {
		prose.WriteString("Il servizio accoglie le persone appena arrivate e le accompagna nella ricerca di una casa. ")
		if i%5 == 0 {
			prose.WriteString(cases[i%len(cases)].text)
		}
	}
	text := prose.String()
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		Find(text)
	}
}
