package citation

import (
	"strings"
	"unicode/utf8"
)

// authority is who made an act, when the type does not tell.
type authority struct {
	urn   string // "ministero.interno", "regione.toscana"
	label string // "Ministero dell'interno", "Toscana"
}

// readAuthority reads the authority that kind k needs at i, if it is there,
// with the words that lead to it: "del Ministero dell'interno", "(Toscana)".
// It returns i itself when there is none. Before the number the name of a
// ministry may stand alone ("D.M. Interno 10/08/2016").
func readAuthority(s string, i int, k kind, before bool) (authority, int) {
	j := commaSpace(s, i)
	bracket := false
	if j < len(s) && s[j] == '(' {
		bracket = true
		j++
	}
	if m, ok := anyPhrase(s, j, "del", "della", "dell'", "dello"); ok {
		j = space(s, m)
	}
	var (
		a   authority
		end int
		ok  bool
	)
	if k.regional {
		a, end, ok = region(s, j)
	} else {
		a, end, ok = ministry(s, j, k.circular, before)
	}
	if ok && bracket {
		if end >= len(s) || s[end] != ')' {
			ok = false
		}
		end++
	}
	if !ok {
		return authority{}, i
	}
	return a, end
}

// regions by the names they are cited with.
var regions = []struct{ name, urn, label string }{
	{"abruzzo", "abruzzo", "Abruzzo"}, {"basilicata", "basilicata", "Basilicata"}, {"calabria", "calabria", "Calabria"},
	{"campania", "campania", "Campania"}, {"emilia romagna", "emilia.romagna", "Emilia-Romagna"},
	{"friuli venezia giulia", "friuli.venezia.giulia", "Friuli-Venezia Giulia"}, {"fvg", "friuli.venezia.giulia", "Friuli-Venezia Giulia"},
	{"lazio", "lazio", "Lazio"}, {"liguria", "liguria", "Liguria"}, {"lombardia", "lombardia", "Lombardia"},
	{"marche", "marche", "Marche"}, {"molise", "molise", "Molise"}, {"piemonte", "piemonte", "Piemonte"},
	{"puglia", "puglia", "Puglia"}, {"sardegna", "sardegna", "Sardegna"}, {"siciliana", "siciliana", "Sicilia"}, {"sicilia", "siciliana", "Sicilia"},
	{"toscana", "toscana", "Toscana"}, {"trentino alto adige", "trentino.alto.adige", "Trentino-Alto Adige"},
	{"umbria", "umbria", "Umbria"}, {"valle d'aosta", "valle.aosta", "Valle d'Aosta"}, {"veneto", "veneto", "Veneto"},
}

func region(s string, i int) (authority, int, bool) {
	if j, ok := anyPhrase(s, i, "regione autonoma", "regione"); ok {
		i = space(s, j)
		if j, ok := anyPhrase(s, i, "del", "della", "dell'"); ok {
			i = space(s, j)
		}
	}
	for _, r := range regions {
		if j, ok := phrase(s, i, r.name); ok {
			return authority{"regione." + r.urn, r.label}, j, true
		}
	}
	return authority{}, i, false
}

// agencies that issue circulars and are no ministry.
var agencies = []struct{ name, urn, label string }{
	{"inps", "istituto.nazionale.previdenza.sociale", "INPS"},
	{"inail", "istituto.nazionale.assicurazione.contro.infortuni.lavoro", "INAIL"},
	{"agenzia delle entrate", "agenzia.entrate", "Agenzia delle entrate"},
	{"agenzia entrate", "agenzia.entrate", "Agenzia delle entrate"},
	{"ispettorato nazionale del lavoro", "ispettorato.nazionale.lavoro", "Ispettorato nazionale del lavoro"},
}

// ministryWords are the words that names of ministries are made of. A name
// goes on as long as its words are here, so that "Ministero dell'interno ha
// chiarito" stops in time and names of the past and future need no list.
var ministryWords = func() map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(`interno giustizia grazia esteri affari cooperazione internazionale difesa
		economia finanze tesoro bilancio programmazione economica lavoro previdenza politiche sociali sociale
		salute sanità istruzione merito università ricerca scientifica tecnologica pubblica cultura beni culturali attività
		turismo spettacolo infrastrutture trasporti mobilità sostenibili lavori pubblici navigazione ambiente tutela
		territorio mare transizione ecologica sicurezza energetica sviluppo economico imprese made italy industria
		commercio artigianato estero agricoltura agricole alimentari forestali foreste sovranità alimentare
		solidarietà famiglia disabilità gioventù pari opportunità comunicazioni poste telecomunicazioni produttive`) {
		m[w] = true
	}
	return m
}()

// ministry reads "Ministero dell'interno", "Ministro del lavoro e delle
// politiche sociali", "Min. Interno", or one of the agencies. Normattiva's
// names leave out articles and prepositions and keep the conjunction.
func ministry(s string, i int, orAgency, bare bool) (authority, int, bool) {
	if orAgency {
		for _, a := range agencies {
			if j, ok := phrase(s, i, a.name); ok {
				return authority{a.urn, a.label}, j, true
			}
		}
	}
	j, ok := anyPhrase(s, i, "ministero", "ministro", "ministra")
	if !ok {
		switch j, ok = phrase(s, i, "min"); {
		case ok && hasAt(s, j, "."):
			j++
		case bare:
			j = i
		default:
			return authority{}, i, false
		}
	}
	urn, label := "ministero", "Ministero"
	end, found := i, false
	pending := "" // a conjunction that counts only if a word follows
	pendingLabel := ""
	for words := 0; words < 12; words++ {
		k := space(s, j)
		if k < len(s) && s[k] == ',' && words > 0 {
			k = space(s, k+1)
			pendingLabel = ","
		}
		if m, ok := anyPhrase(s, k, "e", "ed"); ok && words > 0 {
			pending, pendingLabel = ".e", pendingLabel+" e"
			k = space(s, m)
		}
		prep := ""
		for _, p := range [...]string{"dell'", "all'", "della", "delle", "degli", "dello", "dei", "del", "in"} {
			if m, ok := phrase(s, k, p); ok {
				prep = " " + p
				k = space(s, m)
				break
			}
		}
		e := k
		for e < len(s) && !wordEnds(s, e) && e-k < 24 {
			_, n := utf8.DecodeRuneInString(s[e:])
			e += n
		}
		w := strings.ToLower(s[k:e])
		if !ministryWords[w] {
			break
		}
		urn += pending + "." + plain(w)
		if !strings.HasSuffix(prep, "'") {
			prep += " "
		}
		label += pendingLabel + prep + w
		pending, pendingLabel = "", ""
		j, end, found = e, e, true
	}
	return authority{urn, label}, end, found
}

var plainLetters = strings.NewReplacer("à", "a", "è", "e", "é", "e", "ì", "i", "ò", "o", "ù", "u")

// plain drops the accents that a name may not carry.
func plain(s string) string { return plainLetters.Replace(s) }
