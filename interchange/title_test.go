package interchange

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestHeadTitle(t *testing.T) {
	long := "Il 3 marzo la direzione generale ha pubblicato una richiesta di manifestazione di interesse per la presentazione di progetti rivolti ai cittadini di Paesi terzi nelle aree urbane a maggiore vulnerabilità sociale"
	for name, c := range map[string]struct {
		body, title string
		rest        string // what the body begins with; empty: the whole body
		day         string
	}{
		"heading":            {"\n\n## Una *guida* al [lavoro](/x) ##\n\nTesto.", "Una guida al lavoro", "\nTesto.", ""},
		"underlined":         {"Una guida\n---------\nTesto.", "Una guida", "Testo.", ""},
		"first line":         {"Una guida\n\nTesto.", "Una guida", "\nTesto.", ""},
		"windows line ends":  {"Una guida\r\n\r\nTesto.\r\n", "Una guida", "\r\nTesto.", ""},
		"site furniture":     {"• Novembre 29, 2013\ndi anci_admin\n\nNotizie\n\nImmigrazione – I servizi sul territorio\n\nIn un momento di crisi, è possi...\n\nTesto.", "Immigrazione – I servizi sul territorio", "• Novembre 29, 2013\ndi anci_admin\n\nNotizie\n\n\nIn un", "2013-11-29"},
		"a kicker":           {"Storie di cooperazione\n\nINAUGURATO IL CENTRO DI MILANO\n\nAperto in via Sammartini, sarà il punto unico di accesso ai servizi.\n\nvenerdì 6 dicembre 2024\n\nTesto.", "INAUGURATO IL CENTRO DI MILANO", "Storie di cooperazione\n\n\nAperto", "2024-12-06"},
		"an act":             {"Regione Toscana\nnorma\n\n\u00a0\nMINISTERO DELL'INTERNO DIREZIONE CENTRALE \u00a0\n\nCIRCOLARE 16 aprile 2012, n. 2649\n  Oggetto: Consigli territoriali. \u00a0\n\nTesto.", "CIRCOLARE 16 aprile 2012, n. 2649: Consigli territoriali", "", ""},
		"a broken line":      {"Il\n3 marzo 2024, il Comune ha aperto lo sportello per tutte le persone che arrivano in città e che cercano casa o lavoro.\nconvenzione in data\n4 dicembre 2019.\nALTRO TITOLO PIÙ SOTTO\nTesto.", "Il 3 marzo 2024, il Comune ha aperto lo sportello per tutte le persone che arrivano in città e che cercano casa…", "", ""},
		"a long sentence":    {long + ".\n\nTesto.", "Il 3 marzo la direzione generale ha pubblicato una richiesta di manifestazione di interesse per la presentazione…", "", ""},
		"two sentences":      {strings.Repeat("x", 20) + " prima frase che finisce qui. " + long, strings.Repeat("x", 20) + " prima frase che finisce qui", "", ""},
		"a dateline":         {"Lo sportello apre\nRoma – 18 febbraio 2013 – Una nuova struttura dove offrire tutti i servizi agli immigrati che vivono qui da poco tempo.", "Lo sportello apre", "Roma", "2013-02-18"},
		"only one line":      {"Una riga", "Una riga", "", ""},
		"only furniture":     {"Notizie", "Notizie", "", ""},
		"an address first":   {"https://example.org/x\n\nUna guida\n\nTesto.", "Una guida", "https://example.org/x\n\n\nTesto.", ""},
		"indented code":      {"    codice\n\nTesto", "codice", "\nTesto", ""},
		"nothing":            {" \n\t\n", "", "", ""},
		"an abbreviation":    {"Le novità dell'art. 5 del testo unico " + long, "Le novità dell'art. 5 del testo unico Il 3 marzo la direzione generale ha pubblicato una richiesta di manifestazione…", "", ""},
		"a day that is none": {"31 febbraio 2024\n\nUna guida\n\nTesto.", "31 febbraio 2024", "\nUna guida", ""},
		"french and spanish": {"29 juillet 2020\n\nUn guide", "Un guide", "29 juillet 2020", "2020-07-29"},
		"spanish with de":    {"5 de enero de 2021\n\nUna guía", "Una guía", "5 de enero", "2021-01-05"},
	} {
		t.Run(name, func(t *testing.T) {
			h := headTitle(c.body, 200)
			if h.title != c.title {
				t.Errorf("title %q, want %q", h.title, c.title)
			}
			if c.rest == "" && h.rest != c.body || !strings.HasPrefix(h.rest, c.rest) {
				t.Errorf("rest %q", h.rest)
			}
			day := ""
			if !h.date.IsZero() {
				day = h.date.In(rome(t)).Format(time.DateOnly)
			}
			if day != c.day {
				t.Errorf("day %q, want %q", day, c.day)
			}
		})
	}
}

func rome(t testing.TB) *time.Location {
	loc, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// A title is never longer than allowed, and no word of the text is lost.
func TestHeadTitleKeepsEverything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		line := rapid.StringOfN(rapid.RuneFrom([]rune("abcÀ è.,:#*'’–\u00a0 DI1290مع")), 0, 250, -1)
		body := strings.Join(rapid.SliceOfN(line, 0, 15).Draw(t, "lines"), "\n")
		limit := rapid.IntRange(20, 200).Draw(t, "limit")
		h := headTitle(body, limit)
		if utf8.RuneCountInString(h.title) > limit {
			t.Fatalf("title of %d characters: %q", utf8.RuneCountInString(h.title), h.title)
		}
		letters := func(s string) int {
			n := 0
			for _, r := range s {
				if strings.ContainsRune("abcDImع", r) {
					n++
				}
			}
			return n
		}
		// Link texts and attributes of a heading aside, letters are in the title or the rest.
		if letters(h.title)+letters(h.rest) < letters(body) && !strings.ContainsAny(body, "[{&") {
			t.Fatalf("letters are lost: %q → %q and %q", body, h.title, h.rest)
		}
	})
}

func TestNameSlug(t *testing.T) {
	for name, want := range map[string]string{
		"orti-condivisi": "orti-condivisi", "000_eac3b5bb196e84bf": "", "d41d8cd98f00b204e9800998ecf8427e": "", "index": "", "README": "",
		"12345": "", "20240501-festa": "20240501-festa", "Città Aperta": "citta-aperta", "العنوان": "", "a1": "", "legge-40-1998": "legge-40-1998",
	} {
		if got := nameSlug(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestMoments(t *testing.T) {
	for text, want := range map[string]string{
		"2024-05-01":                     "2024-04-30T22:00:00Z",
		"2024-5-1":                       "2024-04-30T22:00:00Z",
		"2024-01-01":                     "2023-12-31T23:00:00Z",
		"2024-05-01T10:00:00Z":           "2024-05-01T10:00:00Z",
		"2024-05-01T10:00:00.1234+02:00": "2024-05-01T08:00:00.123Z",
		"2024-05-01T10:00":               "2024-05-01T08:00:00Z",
		"2024-05-01 10:00:00 +0200":      "2024-05-01T08:00:00Z",
		"2024-05-01 10:00":               "2024-05-01T08:00:00Z",
		"2024/05/01":                     "2024-04-30T22:00:00Z",
		"Jul 8 2022":                     "2022-07-07T22:00:00Z",
		"July 8, 2022":                   "2022-07-07T22:00:00Z",
		"Mon, 01 Jul 2024 10:00:00 GMT":  "2024-07-01T10:00:00Z",
		"2024-03-31T02:30":               "2024-03-31T01:30:00Z", // does not exist: 03:30 summer time
		"2024-10-27T02:30":               "2024-10-27T00:30:00Z", // exists twice: the first
		"2024-02-29":                     "2024-02-28T23:00:00Z",
		"2024-02-31":                     "", "2023-02-29": "", "2024-13-01": "", "2024-00-10": "", "0000-01-01": "", "yesterday": "", "": "",
		"2024-05-01T25:00": "", "24-05-01": "", "12345-01-01": "", "2024": "",
	} {
		got, bad := readMoment(scalar(text, place{1, 1}), "")
		switch {
		case want == "" && (bad == nil || bad.code != "not_a_date"):
			t.Errorf("%q is read as %v, %v", text, got, bad)
		case want != "" && (bad != nil || formatMoment(got) != want):
			t.Errorf("%q: %v %v, want %s", text, got, bad, want)
		}
	}
	for order, want := range map[string]string{DayFirst: "2024-02-01", MonthFirst: "2024-01-02"} {
		if got, ok := calendarDate("1/2/2024", order); !ok || got != want {
			t.Errorf("%s: %s", order, got)
		}
	}
}
