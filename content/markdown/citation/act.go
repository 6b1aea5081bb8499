package citation

import "strings"

// kind is a type of national act.
type kind struct {
	authority string // "stato", "presidente.repubblica"; "" when the text must name it
	urn       string // the type's element in the name: "decreto.legislativo"
	label     string // how labels abbreviate it
	// undated types are often cited by their date alone, because the acts
	// have no number: decrees of ministers and of the President of the
	// Council.
	dateAlone bool
	// regional acts need the name of a region, ministerial ones may name
	// a ministry, circulars must.
	regional, ministerial, circular bool
	// unified acts are consolidated texts, told by number and year only
	// when the table of the known ones has them.
	unified bool
	// refused types look like an act and are none that can be told.
	refused bool
}

var (
	legge          = kind{authority: "stato", urn: "legge", label: "L."}
	leggeCost      = kind{authority: "stato", urn: "legge.costituzionale", label: "L. cost."}
	leggeRegionale = kind{urn: "legge", label: "L.R.", regional: true}
	decretoLegge   = kind{authority: "stato", urn: "decreto.legge", label: "D.L."}
	decretoLgs     = kind{authority: "stato", urn: "decreto.legislativo", label: "D.Lgs."}
	decretoLgsLgt  = kind{authority: "stato", urn: "decreto.legislativo.luogotenenziale", label: "D.Lgs.Lgt."}
	decretoLgsCPS  = kind{authority: "stato", urn: "decreto.legislativo.del.capo.provvisorio.dello.stato", label: "D.Lgs.C.P.S."}
	dpr            = kind{authority: "presidente.repubblica", urn: "decreto", label: "D.P.R."}
	dpcm           = kind{authority: "presidente.consiglio.ministri", urn: "decreto", label: "d.P.C.M.", dateAlone: true}
	dm             = kind{urn: "decreto", label: "D.M.", dateAlone: true, ministerial: true}
	regioDecreto   = kind{authority: "stato", urn: "regio.decreto", label: "R.D."}
	rdl            = kind{authority: "stato", urn: "regio.decreto.legge", label: "R.D.L."}
	circolare      = kind{urn: "circolare", label: "Circolare", dateAlone: true, circular: true}
	unico          = kind{unified: true}
	refused        = kind{refused: true}
)

// kindPhrases are the types written out. Longer phrases come first.
var kindPhrases = map[byte][]struct {
	phrase string
	kind   kind
}{
	'l': {
		{"legge costituzionale", leggeCost}, {"leggi costituzionali", leggeCost}, {"legge cost.", leggeCost},
		{"legge regionale", leggeRegionale}, {"leggi regionali", leggeRegionale},
		{"legge della regione", leggeRegionale}, {"legge regione", leggeRegionale},
		{"legge provinciale", refused}, {"leggi provinciali", refused}, {"legge della provincia", refused},
		{"legge quadro", legge}, {"legge delega", legge}, {"legge", legge}, {"leggi", legge},
	},
	'd': {
		{"decreto legislativo luogotenenziale", decretoLgsLgt},
		{"decreto legislativo del capo provvisorio dello stato", decretoLgsCPS},
		{"decreto legislativo", decretoLgs}, {"decreti legislativi", decretoLgs},
		{"decreto leg.vo", decretoLgs}, {"decreto lgs.", decretoLgs}, {"decreto lgs", decretoLgs},
		{"decreto legge", decretoLegge}, {"decreti legge", decretoLegge}, {"decretolegge", decretoLegge},
		{"decreto del presidente della repubblica", dpr}, {"decreti del presidente della repubblica", dpr},
		{"decreto del presidente del consiglio dei ministri", dpcm}, {"decreto del presidente del consiglio", dpcm},
		{"decreto ministeriale", dm}, {"decreti ministeriali", dm}, {"decreto interministeriale", dm},
		{"decreto min.", dm},
		{"decreto del ministro", dm}, {"decreto del ministero", dm}, {"decreto ministero", dm},
	},
	'r': {
		{"regio decreto legge", rdl}, {"regio decreto", regioDecreto},
	},
	't': {{"testo unico", unico}, {"testi unici", unico}},
	'c': {{"circolare ministeriale", circolare}, {"circolare", circolare}, {"circolari", circolare}},
}

// kindAbbreviations are the types abbreviated, by their letters.
var kindAbbreviations = map[string]kind{
	"l": legge, "lcost": leggeCost, "lr": leggeRegionale, "lreg": leggeRegionale, "lp": refused, "lprov": refused,
	"dl": decretoLegge, "dlgs": decretoLgs, "dleg": decretoLgs, "dlvo": decretoLgs, "dlegvo": decretoLgs,
	"dlgslgt": decretoLgsLgt, "dlgscps": decretoLgsCPS,
	"dpr": dpr, "dpcm": dpcm, "dm": dm, "rd": regioDecreto, "rdl": rdl,
	"tu": unico, "circ": circolare,
	// Of a region, a council, a director: no act that can be told.
	"dgr": refused, "dpgr": refused, "dcr": refused, "dd": refused, "dlgt": refused,
}

// readKind reads the type of a national act. plural tells that the word is one
// for several acts.
func readKind(s string, i int) (k kind, end int, plural, ok bool) {
	if i >= len(s) {
		return k, i, false, false
	}
	for _, p := range kindPhrases[lower(s[i])] {
		pattern, abbreviated := strings.CutSuffix(p.phrase, ".")
		if j, ok := phrase(s, i, pattern); ok {
			if abbreviated {
				j = dot(s, j)
			}
			first, _, _ := strings.Cut(pattern, " ")
			plural := first[len(first)-1] == 'i'
			// "Ministro" is read again as part of the authority.
			if p.kind.ministerial && (strings.HasSuffix(pattern, "o") && strings.Contains(pattern, " minister") || strings.HasSuffix(pattern, "ministro")) {
				j -= len(pattern) - strings.LastIndexByte(pattern, ' ') - 1
			}
			return p.kind, j, plural, true
		}
	}
	k, end, ok = abbreviation(s, i, kindAbbreviations)
	if ok && k.urn == "legge" && k.authority != "" && officialJournal(s, i) {
		return k, i, false, false
	}
	return k, end, false, ok
}

// officialJournal reports whether the "L" at i is the series of the Official
// Journal ("GU L 119 del 4.5.2016") and not a law.
func officialJournal(s string, i int) bool {
	j := i
	for j > 0 && s[j-1] == ' ' {
		j--
	}
	k := j
	for k > 0 && (isLetter(s[k-1]) || s[k-1] == '.') && j-k < 10 {
		k--
	}
	switch strings.ToLower(strings.ReplaceAll(s[k:j], ".", "")) {
	case "gu", "guue", "guce", "gue", "oj", "jo", "do", "serie", "ue":
		return true
	}
	return false
}

// details are what follows the type: when and which.
type details struct {
	date   date
	number string
	loose  bool // "40/98" alone, with nothing that says it is a number
	end    int
}

// readDetails reads the number and date of an act in any of the orders in use:
//
//	25 luglio 1998, n. 286        n. 286 del 25 luglio 1998
//	n. 286/1998                   286/98
//	n. 286 del 1998               del 1998, n. 286
//
// dateAlone accepts a date without a number, wide numbers of several pieces
// ("n. 400/C/2012").
func readDetails(s string, i int, dateAlone, wide bool) (d details, ok bool) {
	i = commaSpace(s, i)
	if k, ok := anyPhrase(s, i, "in data", "del", "dell'", "di"); ok {
		i = space(s, k)
	}
	if dt, j, isDate := readDate(s, i); isDate {
		d.date, d.end = dt.orYear(), j
		k := commaSpace(s, j)
		if m, isMark := numberMark(s, k); isMark {
			if num, e, isNumber := actNumber(s, m, wide); isNumber {
				// A year after the number must be that of the date.
				if y, ye, has := slashYear(s, e); has {
					if y != dt.year {
						return d, false
					}
					e = ye
				}
				d.number, d.end = num, e
				return d, true
			}
		}
		return d, dateAlone && dt.exists()
	}
	if y, j, isYear := year(s, i); isYear && j-i == 4 {
		if m, isMark := numberMark(s, commaSpace(s, j)); isMark {
			if num, e, isNumber := actNumber(s, m, wide); isNumber {
				return details{date: date{year: y}, number: num, end: e}, true
			}
		}
	}
	m, marked := numberMark(s, i)
	num, e, isNumber := actNumber(s, m, wide)
	if !isNumber {
		return d, false
	}
	d.number, d.end, d.loose = num, e, !marked
	if y, ye, has := slashYear(s, e); has {
		d.date, d.end = date{year: y}, ye
		// "n. 286/98 del 25 luglio 1998": the date says more.
		if dt, de, has := dateAfter(s, ye); has && dt.year == y && dt.exists() {
			d.date, d.end = dt, de
		}
		return d, true
	}
	if dt, de, has := dateAfter(s, e); has {
		d.date, d.end = dt.orYear(), de
		return d, true
	}
	if k, isOf := anyPhrase(s, commaSpace(s, e), "del", "dell'"); isOf {
		if y, ye, has := year(s, space(s, k)); has && (ye-space(s, k) >= 3) {
			d.date, d.end = date{year: y}, ye
			return d, true
		}
	}
	return d, false
}

// dateAfter reads a date that follows a number: " del 25 luglio 1998",
// ", 25 luglio 1998", " (25 luglio 1998)".
func dateAfter(s string, i int) (d date, end int, ok bool) {
	j := commaSpace(s, i)
	if k, isOf := anyPhrase(s, j, "in data", "del", "dell'"); isOf {
		j = space(s, k)
	} else if j == i {
		return d, i, false
	}
	return readDate(s, j)
}

// numberMark reads "n.", "nr.", "num.", "numero", "n°", "N.", "no.".
func numberMark(s string, i int) (int, bool) {
	for _, w := range [...]string{"numero", "num", "nn", "nr", "n"} {
		k := 0
		for k < len(w) && i+k < len(s) && lower(s[i+k]) == w[k] {
			k++
		}
		if k < len(w) {
			continue
		}
		j := i + k
		if m, ok := ordinalMark(s, j); ok {
			j = m
		}
		j = space(s, dot(s, j))
		if j < len(s) && isDigit(s[j]) {
			return j, true
		}
	}
	return i, false
}

// actNumber reads the number of an act. Sums of money, decimals and dates are
// none.
func actNumber(s string, i int, wide bool) (num string, end int, ok bool) {
	j, ok := digits(s, i, 7)
	if !ok {
		return "", i, false
	}
	if wide {
		// Offices number their circulars "400/C" or "123/2012/II": the
		// name joins the pieces with hyphens. A year at the end is the year.
		for k := 0; k < 4 && j+1 < len(s) && (s[j] == '/' || s[j] == '-' || s[j] == '.') && (isLetter(s[j+1]) || isDigit(s[j+1])); k++ {
			if _, _, isYear := slashYear(s, j); isYear {
				break
			}
			for j++; j < len(s) && (isLetter(s[j]) || isDigit(s[j])) && j-i < 24; j++ {
			}
		}
		if !wordEnds(s, j) {
			return "", i, false
		}
		return strings.ToLower(strings.NewReplacer("/", "-", ".", "-").Replace(s[i:j])), j, true
	}
	if !wordEnds(s, j) || j-i > 5 {
		return "", i, false
	}
	if j+1 < len(s) && (s[j] == '.' || s[j] == ',' || s[j] == ':' || s[j] == '-') && isDigit(s[j+1]) {
		return "", i, false
	}
	num = trimZeros(s[i:j])
	return num, j, num != "0"
}

// slashYear reads the year after a number: "/1998", " / 98". What goes on after
// it, as a date or an act of the Union does, is none.
func slashYear(s string, i int) (y, end int, ok bool) {
	j := i
	if j < len(s) && s[j] == ' ' {
		j++
	}
	if j >= len(s) || s[j] != '/' {
		return 0, i, false
	}
	j++
	if j < len(s) && s[j] == ' ' {
		j++
	}
	y, end, ok = year(s, j)
	if !ok || end+1 < len(s) && (s[end] == '/' || s[end] == '-') && (isDigit(s[end+1]) || isLetter(s[end+1])) {
		return 0, i, false
	}
	return y, end, true
}

// nationalAct reads a national act: its type, then what tells it from others.
// more is set when the same type may be followed by further numbers.
func nationalAct(s string, i int) (a act, end int, k kind, plural, ok bool) {
	k, j, plural, ok := readKind(s, i)
	if !ok || k.refused {
		return a, i, k, false, false
	}
	var by authority
	if k.regional || k.ministerial || k.circular {
		by, j = readAuthority(s, j, k, true)
	}
	d, ok := readDetails(s, j, k.dateAlone, k.circular)
	if !ok {
		return a, i, k, false, false
	}
	end = d.end
	if by.urn == "" && (k.regional || k.ministerial || k.circular) {
		by, end = readAuthority(s, end, k, false)
	}
	a, ok = k.make(d, by)
	return a, end, k, plural, ok
}

// make builds the act of kind k.
func (k kind) make(d details, by authority) (a act, ok bool) {
	authorityURN := k.authority
	typeURN := k.urn
	label := k.label
	resolvable := true
	switch {
	case k.unified:
		u, ok := unifiedTexts[d.number+"/"+date{year: d.date.year}.urn()]
		return u, ok
	case k.regional:
		if by.urn == "" {
			return a, false
		}
		authorityURN, label, resolvable = by.urn, label+" "+by.label, false
	case k.circular:
		if by.urn == "" || d.number == "" && d.date.month == 0 {
			return a, false
		}
		authorityURN, label, resolvable = by.urn, label+" "+by.label, false
	case k.ministerial && by.urn != "":
		authorityURN, label = by.urn, label+" "+by.label
	case k.ministerial:
		// Which ministry is not said, and several may have made a decree
		// of that number: the name is as good as the text, but no address
		// is certain to show that act.
		authorityURN, typeURN, resolvable = "stato", "decreto.ministeriale", false
	}
	if d.number == "" {
		resolvable = false
	}
	a.scheme = SchemeNIR
	a.id = "urn:nir:" + authorityURN + ":" + typeURN + ":" + d.date.urn()
	if d.number != "" {
		a.id += ";" + d.number
	}
	switch {
	case d.number == "":
		a.label = label + " " + d.date.label()
	case d.date.month == 0:
		a.label = label + " n. " + d.number + "/" + d.date.label()
	default:
		a.label = label + " " + d.date.label() + ", n. " + d.number
	}
	if resolvable {
		a.url = normattiva + a.id
	}
	return a, true
}
