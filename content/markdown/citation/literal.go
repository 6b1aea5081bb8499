package citation

import (
	"slices"
	"strings"
)

// This file reads identifiers that stand in the text as such.

// maxLiteral bounds the length of a literal identifier or address.
const maxLiteral = 512

// token reads the run of characters that an address may hold, without the
// punctuation that closes the sentence around it.
func token(s string, i int) int {
	j := i
	for j < len(s) && j-i < maxLiteral && s[j] > ' ' && s[j] < 0x7f && strings.IndexByte("<>\"\\^`{|}", s[j]) < 0 {
		j++
	}
	for j > i {
		switch s[j-1] {
		case '.', ',', ';', ':', '!', '?', '\'', '*', '_', '[', ']':
			j--
			continue
		case ')':
			// A bracket belongs to the sentence when none was opened.
			if strings.Count(s[i:j], "(") < strings.Count(s[i:j], ")") {
				j--
				continue
			}
		}
		break
	}
	return j
}

// urnNIR reads a URN:NIR name at i.
func urnNIR(s string, i int) (a act, end int, ok bool) {
	if i+8 > len(s) || !strings.EqualFold(s[i:i+8], "urn:nir:") {
		return a, i, false
	}
	end = i
	for end < len(s) && end-i < maxLiteral && isNIR(s[end]) {
		end++
	}
	for end > i && strings.IndexByte(".,;:!~-@=*", s[end-1]) >= 0 {
		// "!vig=" asks for the text in force today and is complete.
		if strings.HasSuffix(s[i:end], "!vig=") {
			break
		}
		end--
	}
	name := strings.ToLower(s[i:end])
	label, ok := describe(name)
	if !ok {
		return a, i, false
	}
	a = act{scheme: SchemeNIR, id: name, label: label}
	if resolvable(name) {
		a.url = normattiva + name
	}
	return a, end, true
}

func isNIR(c byte) bool {
	return isLetter(c) || isDigit(c) || strings.IndexByte(".;:+~@!=*-,", c) >= 0
}

// resolvable reports whether Normattiva holds acts of the name's authority and
// type: those of the State, and numbered decrees of ministers.
func resolvable(name string) bool {
	rest := strings.TrimPrefix(name, "urn:nir:")
	authority, rest, _ := strings.Cut(rest, ":")
	kind, rest, _ := strings.Cut(rest, ":")
	switch {
	case authority == "stato", authority == "presidente.repubblica":
		return kind != "decreto.ministeriale"
	case authority == "presidente.consiglio.ministri":
		return strings.Contains(rest, ";")
	case strings.HasPrefix(authority, "ministero."):
		return kind == "decreto" && strings.Contains(rest, ";")
	}
	return false
}

// describe checks the name against the grammar of the standard and puts it in
// words: "art. 5, comma 2, D.Lgs. 25 luglio 1998, n. 286".
func describe(name string) (label string, ok bool) {
	rest := strings.TrimPrefix(name, "urn:nir:")
	rest, _, _ = strings.Cut(rest, "!") // version in force
	rest, _, _ = strings.Cut(rest, "@") // version of a day
	rest, partition, _ := strings.Cut(rest, "~")
	elements := strings.Split(rest, ":")
	if len(elements) < 2 || len(elements) > 5 {
		return "", false
	}
	for _, e := range elements {
		if e == "" || e[0] == '.' || strings.Contains(e, "..") {
			return "", false
		}
	}
	authority, kind := elements[0], elements[1]
	for _, name := range elements[:2] {
		if slices.Contains(strings.Split(name, ";"), "") { // an office without a name is none
			return "", false
		}
	}
	if kind == "costituzione" {
		label = costituzione.label
	} else {
		if len(elements) < 3 {
			return "", false
		}
		day, number, _ := strings.Cut(elements[2], ";")
		d, ok := urnDate(day)
		if !ok {
			return "", false
		}
		label = typeLabel(authority, kind)
		switch {
		case number == "":
			label += " " + d.label()
		case d.month == 0:
			label += " n. " + number + "/" + d.label()
		default:
			label += " " + d.label() + ", n. " + number
		}
	}
	if p := partitionLabel(partition); p != "" {
		label = p + ", " + label
	}
	return label, true
}

// urnDate reads the date of a name; several may be given, the first counts.
func urnDate(s string) (d date, ok bool) {
	s, _, _ = strings.Cut(s, ",")
	switch {
	case len(s) == 4 && allDigits(s):
		d.year = atoi(s)
		return d, d.year >= firstYear && d.year <= lastYear
	case len(s) == 10 && s[4] == '-' && s[7] == '-' && allDigits(s[:4]+s[5:7]+s[8:]):
		d = date{atoi(s[:4]), atoi(s[5:7]), atoi(s[8:])}
		return d, d.exists() && d.year >= firstYear && d.year <= lastYear
	}
	return d, false
}

func allDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if !isDigit(s[i]) {
			return false
		}
	}
	return s != ""
}

// typeLabel abbreviates the type as citations do, or spells it out.
func typeLabel(authority, kind string) string {
	for _, k := range [...]*struct{ authority, urn, label string }{
		{"stato", "legge", "L."}, {"stato", "legge.costituzionale", "L. cost."}, {"stato", "decreto.legge", "D.L."},
		{"stato", "decreto.legislativo", "D.Lgs."}, {"presidente.repubblica", "decreto", "D.P.R."},
		{"stato", "decreto.del.presidente.della.repubblica", "D.P.R."},
		{"presidente.consiglio.ministri", "decreto", "d.P.C.M."}, {"stato", "regio.decreto", "R.D."},
	} {
		if k.authority == authority && k.urn == kind {
			return k.label
		}
	}
	words := strings.ReplaceAll(kind, ".", " ")
	label := strings.ToUpper(words[:1]) + words[1:]
	if authority == "stato" {
		return label
	}
	// Only the first element of the authority: offices within it are many.
	office, _, _ := strings.Cut(authority, ";")
	office = strings.ReplaceAll(office, ".", " ")
	return label + " " + strings.ToUpper(office[:1]) + office[1:]
}

// partitionLabel puts "art5bis-com2-leta" in words; what it does not know it
// leaves out.
func partitionLabel(p string) string {
	var words []string
	for _, e := range strings.Split(p, "-") {
		for _, l := range [...]struct{ mark, before, after string }{
			{"art", "art. ", ""}, {"com", "comma ", ""}, {"let", "lett. ", ")"}, {"num", "n. ", ")"}, {"all", "allegato ", ""},
		} {
			value, ok := strings.CutPrefix(e, l.mark)
			if !ok || value == "" {
				continue
			}
			n := 0
			for n < len(value) && isDigit(value[n]) {
				n++
			}
			if l.mark == "let" && n == 0 {
				n = 1
			}
			if n > 0 && n < len(value) {
				value = value[:n] + "-" + value[n:]
			}
			words = append(words, l.before+value+l.after)
		}
	}
	return strings.Join(words, ", ")
}

// celexTypes are the types of document for each sector that a bare number is
// believed to have; with "CELEX" before it any letters do.
var celexTypes = map[string]bool{
	"3R": true, "3L": true, "3D": true, "3F": true, "3H": true, "3Q": true,
	"6CJ": true, "6CC": true, "6CO": true, "6CA": true, "6TJ": true, "6TO": true, "6FJ": true,
	"5PC": true, "5DC": true, "5SC": true,
}

// celexNumber reads a CELEX number: sector, year, type and number.
func celexNumber(s string, i int, named bool) (id string, end int, ok bool) {
	j := i
	if j >= len(s) || !isDigit(s[j]) && s[j] != 'C' && s[j] != 'E' {
		return "", i, false
	}
	j++
	if y, isYear := digits(s, j, 4); !isYear || y-j != 4 || s[j:y] < "1950" || s[j:y] > "2099" {
		return "", i, false
	}
	j += 4
	k := j
	for k < len(s) && 'A' <= s[k] && s[k] <= 'Z' && k-j < 3 {
		k++
	}
	if k == j {
		return "", i, false
	}
	if !named && !celexTypes[s[i:i+1]+s[j:k]] {
		return "", i, false
	}
	e, isNumber := digits(s, k, 4)
	switch {
	case isNumber && (e-k == 4 || named && e-k == 3):
	case named && hasAt(s, k, "/TXT"):
		e = k + len("/TXT")
		return s[i:e], e, wordEnds(s, e)
	default:
		return "", i, false
	}
	// Consolidated versions carry a date, corrigenda a letter and number.
	if e < len(s) && s[e] == '-' {
		if d, ok := digits(s, e+1, 8); ok && d-e == 9 {
			e = d
		}
	} else if hasAt(s, e, "R(") && e+4 < len(s) && isDigit(s[e+2]) && isDigit(s[e+3]) && s[e+4] == ')' {
		e += 5
		return s[i:e], e, true
	}
	return s[i:e], e, wordEnds(s, e)
}

func celexAct(id string) act {
	a := union(id, "CELEX "+id)
	if id[0] != '3' || len(id) != 10 {
		return a
	}
	for _, k := range [...]unionKind{regulation, directive, decision, framework, recommendation} {
		if id[5] == k.letter {
			a.label = k.cite(atoi(id[1:5]), trimZeros(id[6:]), communityTag(atoi(id[1:5])))
		}
	}
	return a
}

// communityTag is the name that the body of law had in a year; good enough
// for a label when the text gives only the number.
func communityTag(year int) string {
	switch {
	case year < 1993:
		return "CEE"
	case year < 2010:
		return "CE"
	}
	return "UE"
}

// celexLiteral reads "CELEX:32016R0679", "CELEX 32016R0679", "CELEX n. …".
func celexLiteral(s string, i int) (a act, end int, ok bool) {
	j, ok := phrase(s, i, "celex")
	if !ok {
		return a, i, false
	}
	switch {
	case hasAt(s, j, ":"):
		j = space(s, j+1)
	case hasAt(s, j, "%3A"), hasAt(s, j, "%3a"):
		j += 3
	default:
		j = space(s, j)
		if m, ok := numberMark(s, j); ok {
			j = m
		}
	}
	id, end, ok := celexNumber(s, j, true)
	if !ok {
		return a, i, false
	}
	return celexAct(id), end, true
}

// ecli reads a European Case Law Identifier: ECLI:country:court:year:number
// (Council conclusions 2011/C 127/01).
func ecli(s string, i int) (a act, end int, ok bool) {
	if i+5 > len(s) || !strings.EqualFold(s[i:i+5], "ecli:") {
		return a, i, false
	}
	end = i
	for end < len(s) && end-i < 64 && (isLetter(s[end]) || isDigit(s[end]) || s[end] == ':' || s[end] == '.') {
		end++
	}
	for end > i && (s[end-1] == '.' || s[end-1] == ':') {
		end--
	}
	id := strings.ToUpper(s[i:end])
	f := strings.Split(id, ":")
	if len(f) != 5 || len(f[1]) != 2 || !isLetter(f[1][0]) || !isLetter(f[1][1]) ||
		f[2] == "" || len(f[2]) > 7 || !isLetter(f[2][0]) || len(f[3]) != 4 || !allDigits(f[3]) || f[4] == "" || len(f[4]) > 25 {
		return a, i, false
	}
	a = act{scheme: SchemeECLI, id: id, label: id, url: "https://e-justice.europa.eu/ecli/" + id}
	if f[1] == "EU" {
		a.url = "https://eur-lex.europa.eu/legal-content/" + celexLanguage + "/TXT/?uri=ecli:" + id
	}
	return a, end, true
}

// eliMark is the part of an address after which the path is that of an ELI.
const eliMark = "/eli/"

// eliBare reads an ELI written without its host: "eli/reg/2016/679/oj".
func eliBare(s string, i int) (a act, end int, ok bool) {
	const mark = "eli/"
	known := false
	for _, kind := range [...]string{"reg", "dir", "dec", "id/"} {
		known = known || hasAt(s, i, mark+kind)
	}
	if !known {
		return a, i, false
	}
	end = token(s, i)
	path := s[i:end]
	host := ""
	f := strings.Split(path, "/")
	switch {
	case len(f) >= 4 && (f[1] == "reg" || f[1] == "dir" || f[1] == "dec" || strings.HasPrefix(f[1], "reg_") ||
		strings.HasPrefix(f[1], "dir_") || strings.HasPrefix(f[1], "dec_")) && len(f[2]) == 4 && allDigits(f[2]) && allDigits(f[3]):
		host = "http://data.europa.eu/"
	case len(f) >= 6 && f[1] == "id" && len(f[2]) == 4 && allDigits(f[2]+f[3]+f[4]):
		host = "https://www.normattiva.it/"
	default:
		return a, i, false
	}
	id := host + path
	return act{scheme: SchemeELI, id: id, label: "ELI " + strings.TrimPrefix(path, mark), url: id}, end, true
}

// address reads a web address and, if it is one of an act, the act. The whole
// address is consumed either way: nothing inside an address is a citation.
func address(s string, i int) (a act, end int, ok bool) {
	switch {
	case hasAt(s, i, "https://"), hasAt(s, i, "http://"):
	default:
		return a, i, false
	}
	end = token(s, i)
	url := s[i:end]
	_, rest, _ := strings.Cut(url, "://")
	if host, path, found := strings.Cut(rest, eliMark); found && strings.Contains(host, ".") {
		if n := strings.Count(strings.Trim(path, "/"), "/"); n >= 2 && !strings.ContainsAny(path, "#?=") {
			return act{scheme: SchemeELI, id: url, label: "ELI " + strings.Trim(path, "/"), url: url}, end, true
		}
	}
	if k := strings.Index(url, "urn:nir:"); k > 0 {
		if a, e, ok := urnNIR(url, k); ok && e == len(url) {
			return a, end, true
		}
	}
	if k := strings.Index(url, "CELEX"); k > 0 {
		if a, _, ok := celexLiteral(url, k); ok {
			return a, end, true
		}
	}
	return a, end, false
}
