package citation

import "strings"

// Acts of the European Union. Their CELEX number is the sector 3, the year, a
// letter for the type and four digits (EUR-Lex, "CELEX numbers").

// unionKind is a type of act of the Union.
type unionKind struct {
	letter byte
	label  string
	// yearFirst types were numbered with the year first before 2015 too:
	// direttiva 2003/109/CE, but regolamento (CE) n. 343/2003.
	yearFirst bool
}

var (
	regulation     = unionKind{'R', "Regolamento", false}
	directive      = unionKind{'L', "Direttiva", true}
	decision       = unionKind{'D', "Decisione", true}
	framework      = unionKind{'F', "Decisione quadro", true}
	recommendation = unionKind{'H', "Raccomandazione", true}
)

// unionPhrases are the types in the languages of the platform that write acts
// of the Union with Latin letters; longer ones first.
var unionPhrases = map[byte][]struct {
	phrase string
	kind   unionKind
}{
	'r': {
		{"regolamento delegato", regulation}, {"regolamento di esecuzione", regulation}, {"regolamento", regulation},
		{"regolamenti", regulation}, {"reg", regulation}, {"regg", regulation},
		{"raccomandazione", recommendation}, {"recommendation", recommendation}, {"recommandation", recommendation},
		{"recomendación", recommendation},
		{"regulations", regulation}, {"regulation", regulation}, {"règlement", regulation}, {"règlements", regulation},
		{"reglamento", regulation}, {"reglamentos", regulation},
	},
	'd': {
		{"direttiva di esecuzione", directive}, {"direttiva delegata", directive}, {"direttiva", directive},
		{"direttive", directive}, {"dir", directive},
		{"decisione quadro", framework}, {"decisione di esecuzione", decision}, {"decisione", decision},
		{"decisioni", decision}, {"dec", decision},
		{"directives", directive}, {"directive", directive}, {"directiva", directive}, {"directivas", directive},
		{"framework decision", framework}, {"decisions", decision}, {"decision", decision}, {"décision", decision}, {"décisions", decision},
		{"decisión", decision},
	},
}

// unionTags say that an act is one of the Union or its Communities.
var unionTags = []string{"ue", "eu", "cee", "eec", "ce", "ec", "euratom", "gai", "jai", "jha", "pesc", "cfsp"}

// tag reads one tag in capitals: "UE", "CE". The name of the Union itself is
// one too: "europeo".
func tag(s string, i int) (label string, end int, ok bool) {
	for _, t := range unionTags {
		j, ok := phrase(s, i, t)
		if ok && s[i] < 'a' {
			return s[i:j], j, true
		}
	}
	return "", i, false
}

// tags reads "(UE)", "UE", "(UE, Euratom)", "(CE)", with what surrounds it.
func tags(s string, i int) (label string, end int, ok bool) {
	j := i
	if j < len(s) && s[j] == '(' {
		j = space(s, j+1)
		label, k, ok := tag(s, j)
		if !ok {
			return "", i, false
		}
		for n := 0; n < 3 && k < len(s) && s[k] == ','; n++ {
			_, m, ok := tag(s, space(s, k+1))
			if !ok {
				return "", i, false
			}
			k = m
		}
		if k >= len(s) || s[k] != ')' {
			return "", i, false
		}
		return label, k + 1, true
	}
	if label, k, ok := tag(s, j); ok {
		return label, k, true
	}
	if k, ok := anyPhrase(s, j, "europeo", "europea", "europei", "europee", "comunitario", "comunitaria"); ok {
		return "UE", k, true
	}
	return "", i, false
}

// institutions may stand between the type and the number.
var institutions = []string{"del parlamento europeo e del consiglio", "del consiglio", "della commissione", "dell'unione europea"}

// unionActs reads one act of the Union or several of one type: "direttive
// 2013/32/UE e 2013/33/UE". It calls yield for each with its span.
func unionActs(s string, i int, yield func(a act, start, end int)) (end int, ok bool) {
	if i >= len(s) {
		return i, false
	}
	var (
		k  unionKind
		at int
	)
	for _, p := range unionPhrases[lower(s[i])] {
		if at, ok = phrase(s, i, p.phrase); ok {
			k = p.kind
			if len(p.phrase) <= 4 {
				at = dot(s, at)
			}
			break
		}
	}
	if !ok {
		return i, false
	}
	at = space(s, at)
	if j, ok := anyPhrase(s, at, institutions...); ok {
		at = space(s, j)
	}
	start, shared := i, ""
	for n := 0; n < maxParts; n++ {
		label, j, tagged := tags(s, at)
		if tagged {
			at, shared = space(s, j), label
		} else {
			label = shared
		}
		a, e, ok := k.number(s, at, label)
		if !ok {
			return end, n > 0
		}
		yield(a, start, e)
		end = e
		next, ok := separator(s, e)
		if !ok {
			return end, true
		}
		start, at = next, next
	}
	return end, true
}

// number reads the number and year, in the order in force for the type, with a
// tag after them when none came before.
func (k unionKind) number(s string, i int, label string) (a act, end int, ok bool) {
	marked := false
	if j, ok := numberMark(s, i); ok {
		i, marked = j, true
	}
	j, ok := digits(s, i, 5)
	if !ok {
		return a, i, false
	}
	first := s[i:j]
	sep := "/"
	if j < len(s) && s[j] == '/' {
		j++
	} else if m, ok := phrase(s, space(s, j), "del"); ok && marked {
		j, sep = space(s, m), "del"
	} else {
		return a, i, false
	}
	m, ok := digits(s, j, 5)
	if !ok {
		return a, i, false
	}
	second := s[j:m]
	end = m
	if m < len(s) && s[m] == '/' {
		t, e, ok := tag(s, m+1)
		if !ok {
			return a, i, false
		}
		label, end = t, e
	}
	if label == "" || !wordEnds(s, end) {
		return a, i, false
	}
	// Since 2015 every act of the Union has its year first.
	yearFirst := k.yearFirst || (label == "UE" || label == "EU") && len(first) == 4 && first >= "2015"
	if marked && !k.yearFirst || sep == "del" {
		yearFirst = false // "n. 604/2013"
	}
	y, num, ok := yearAndNumber(first, second, yearFirst)
	if !ok {
		return a, i, false
	}
	id := "3" + leftPad(itoa(y), 4) + string(k.letter) + leftPad(num, 4)
	return union(id, k.cite(y, num, label)), end, true
}

// yearAndNumber tells the year from the number. The order preferred gives way when
// only the other one has a year that the Union existed in, as people write
// "regolamento (UE) 679/2016".
func yearAndNumber(first, second string, yearFirst bool) (y int, num string, ok bool) {
	y1, ok1 := unionYear(first)
	y2, ok2 := unionYear(second)
	switch {
	case ok1 && (yearFirst || !ok2):
		y, num = y1, second
	case ok2:
		y, num = y2, first
	default:
		return 0, "", false
	}
	num = trimZeros(num)
	return y, num, len(num) <= 4 && num != "0"
}

// unionYear reads a year of the Communities or the Union; two digits mean the
// last century.
func unionYear(s string) (int, bool) {
	y := atoi(s)
	switch len(s) {
	case 2:
		y += 1900
		return y, y >= 1952
	case 4:
		return y, y >= 1952 && y <= lastYear
	}
	return 0, false
}

func itoa(n int) string {
	var b [4]byte
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = byte('0' + n%10)
		n /= 10
	}
	return string(b[:])
}

// cite is the act's title in the style in force when it was made.
func (k unionKind) cite(y int, num, label string) string {
	label = strings.ToUpper(label)
	if it, ok := map[string]string{"EU": "UE", "EC": "CE", "EEC": "CEE", "JHA": "GAI", "JAI": "GAI", "CFSP": "PESC"}[label]; ok {
		label = it
	}
	switch {
	case k.letter == 'R' && y < 2015:
		return k.label + " (" + label + ") n. " + num + "/" + itoa(y)
	case y < 2015:
		return k.label + " " + itoa(y) + "/" + num + "/" + label
	}
	return k.label + " (" + label + ") " + itoa(y) + "/" + num
}
