package citation

import (
	"strings"
)

// maxParts bounds the partitions read in one chain.
const maxParts = 64

// numeral is a number with its Latin suffix: "5-bis", "416-bis.1".
type numeral struct {
	digits string // "5", without leading zeros; "" for no number
	suffix string // "bis", "bis.1" or ""
}

func (n numeral) urn() string { return n.digits + n.suffix }

func (n numeral) label() string {
	if n.suffix == "" {
		return n.digits
	}
	return n.digits + "-" + n.suffix
}

// part is one partition of an act: an article and what is inside it.
type part struct {
	start, end int // span in the text
	art        numeral
	com        numeral
	par        numeral // paragraphs of acts of the Union; only in the label
	let        string  // "a", "abis" in the URN; see letLabel
	letLabel   string  // "a", "a-bis"
	num        numeral
}

func (p part) onlyArticle() bool {
	return p.com.digits == "" && p.par.digits == "" && p.let == "" && p.num.digits == ""
}

// urn is the partition in the form of the standard: ~art5-com2-leta-num1.
func (p part) urn() string {
	var b strings.Builder
	b.WriteString("~art")
	b.WriteString(p.art.urn())
	if p.com.digits != "" {
		b.WriteString("-com")
		b.WriteString(p.com.urn())
	}
	if p.let != "" {
		b.WriteString("-let")
		b.WriteString(p.let)
	}
	if p.num.digits != "" {
		b.WriteString("-num")
		b.WriteString(p.num.urn())
	}
	return b.String()
}

func (p part) label() string {
	var b strings.Builder
	b.WriteString("art. ")
	b.WriteString(p.art.label())
	if p.com.digits != "" {
		b.WriteString(", comma ")
		b.WriteString(p.com.label())
	}
	if p.par.digits != "" {
		b.WriteString(", par. ")
		b.WriteString(p.par.label())
	}
	if p.let != "" {
		b.WriteString(", lett. ")
		b.WriteString(p.letLabel)
		b.WriteString(")")
	}
	if p.num.digits != "" {
		b.WriteString(", n. ")
		b.WriteString(p.num.label())
		b.WriteString(")")
	}
	return b.String()
}

// latin are the suffixes of partitions that were put in later.
var latin = func() map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(`bis ter quater quinquies sexies septies octies novies nonies decies
		undecies duodecies terdecies quaterdecies quinquiesdecies quindecies sexiesdecies sedecies
		septiesdecies octiesdecies duodevicies noviesdecies undevicies vicies viciessemel viciesbis
		viciester viciesquater viciesquinquies viciessexies viciessepties viciesocties viciesnovies
		tricies triciessemel triciesbis`) {
		m[w] = true
	}
	return m
}()

// latinSuffix reads "-bis", " bis" or "bis" and a ".1" after it.
func latinSuffix(s string, i int) (suffix string, end int) {
	j, ok := hyphen(s, i)
	if !ok {
		j = space(s, i)
	}
	var key [16]byte
	n := 0
	k := j
	for k < len(s) && isLetter(s[k]) && n < len(key) {
		key[n] = lower(s[k])
		n++
		k++
	}
	if n == 0 || !latin[string(key[:n])] || !wordEnds(s, k) {
		return "", i
	}
	suffix = string(key[:n])
	if k+1 < len(s) && s[k] == '.' && isDigit(s[k+1]) {
		if e, ok := digits(s, k+1, 2); ok && wordEnds(s, e) {
			return suffix + s[k:e], e
		}
	}
	return suffix, k
}

// readNumeral reads the number of a partition. What goes on like a number and
// year, a decimal, a sum of money or a date is none.
func readNumeral(s string, i int) (n numeral, end int, ok bool) {
	j, ok := digits(s, i, 4)
	if !ok || s[i] == '0' {
		return n, i, false
	}
	n.digits = s[i:j]
	if k, isOrdinal := ordinalMark(s, j); isOrdinal {
		j = k
	}
	n.suffix, end = latinSuffix(s, j)
	if end > j {
		return n, end, true
	}
	if !wordEnds(s, j) {
		return n, i, false
	}
	if j+1 < len(s) && (s[j] == '/' || s[j] == '.' || s[j] == ':') && isDigit(s[j+1]) {
		return n, i, false
	}
	return n, j, true
}

// pointNumeral reads the number of a comma put in between two others: "1.1".
func pointNumeral(s string, i int) (n numeral, end int, ok bool) {
	j, ok := digits(s, i, 2)
	if !ok || s[i] == '0' || j >= len(s) || s[j] != '.' {
		return n, i, false
	}
	k, ok := digits(s, j+1, 2)
	if !ok || !wordEnds(s, k) {
		return n, i, false
	}
	return numeral{digits: s[i:k]}, k, true
}

// keyword reads one of the words for a level of partition. Abbreviations are
// given without their full stop.
func keyword(s string, i int, words ...string) (end int, ok bool) {
	for _, w := range words {
		j := i
		k := 0
		for k < len(w) && j < len(s) && lower(s[j]) == w[k] {
			j++
			k++
		}
		if k < len(w) || j < len(s) && isLetter(s[j]) {
			continue
		}
		return space(s, dot(s, j)), true
	}
	return i, false
}

func articleWord(s string, i int) (end int, plural, ok bool) {
	if end, ok = keyword(s, i, "artt", "articoli"); ok {
		return end, true, true
	}
	end, ok = keyword(s, i, "art", "articolo")
	return end, false, ok
}

// separator reads what parts two members of a list, with the preposition that
// may be said again: ", ", " e ", ", nonché dell'".
func separator(s string, i int) (int, bool) {
	j := commaSpace(s, i)
	seen := j > i && strings.IndexByte(s[i:j], ',') >= 0
	if k, ok := anyPhrase(s, j, "e", "ed", "o", "od", "nonché", "e/o", "oppure", "ovvero"); ok {
		j, seen = space(s, k), true
	}
	if !seen {
		return i, false
	}
	if k, ok := anyPhrase(s, j, "all'", "dell'", "dall'", "nell'", "l'", "agli", "degli", "dagli", "negli", "gli",
		"ai", "dei", "dai", "nei", "i", "al", "del", "dal", "nel", "il"); ok {
		j = space(s, k)
	}
	return j, true
}

// numeralList reads "2", "2 e 3", "da 1 a 3", "1-bis, 2 e 4". Of a range the
// two ends come out: what lies between depends on the act (4-bis, 4-ter). In
// the singular a list needs no plural keyword only when loose is set.
func numeralList(s string, i int, many bool) (list []spanned, end int) {
	if k, ok := phrase(s, i, "da"); ok && many {
		i = space(s, k)
		many = true
	}
	for len(list) < maxParts {
		n, j, ok := readNumeral(s, i)
		if !ok {
			if n, j, ok = pointNumeral(s, i); !ok {
				break
			}
		}
		list = append(list, spanned{n, i, j})
		end = j
		if !many {
			break
		}
		k, ok := rangeMark(s, j)
		if !ok {
			if k, ok = separator(s, j); !ok {
				break
			}
		}
		i = k
	}
	return list, end
}

type spanned struct {
	numeral
	start, end int
}

// rangeMark reads the "a" of "da 4 a 6" or the dash of "4-6".
func rangeMark(s string, i int) (int, bool) {
	if j, ok := hyphen(s, space(s, i)); ok {
		if j = space(s, j); j < len(s) && isDigit(s[j]) {
			return j, true
		}
		return i, false
	}
	if j, ok := phrase(s, space(s, i), "a"); ok && j > i+1 {
		if j = space(s, j); j < len(s) && isDigit(s[j]) {
			return j, true
		}
	}
	return i, false
}

// ordinals are the commas that are counted in words.
var ordinals = []struct{ word, number string }{
	{"primo", "1"}, {"secondo", "2"}, {"terzo", "3"}, {"quarto", "4"}, {"quinto", "5"}, {"sesto", "6"},
	{"settimo", "7"}, {"ottavo", "8"}, {"nono", "9"}, {"decimo", "10"}, {"undicesimo", "11"},
	{"dodicesimo", "12"}, {"ultimo", ""}, {"penultimo", ""},
}

// ordinal reads "terzo" or "3°". "Ultimo" has no number that the text tells.
func ordinal(s string, i int) (n numeral, end int, ok bool) {
	for _, o := range ordinals {
		if j, ok := phrase(s, i, o.word); ok {
			return numeral{digits: o.number}, j, true
		}
	}
	if j, isNumber := digits(s, i, 2); isNumber && s[i] != '0' {
		if k, isOrdinal := ordinalMark(s, j); isOrdinal {
			return numeral{digits: s[i:j]}, k, true
		}
	}
	return n, i, false
}

// commas reads "comma 2", "commi 2 e 3", "c. 2", "terzo comma", "primo e
// secondo comma", "comma terzo".
func commas(s string, i int, loose bool) (list []spanned, end int) {
	if j, ok := keyword(s, i, "commi", "cc"); ok {
		return numeralList(s, j, true)
	}
	if j, ok := keyword(s, i, "comma", "co", "c"); ok {
		if n, k, ok := ordinal(s, j); ok {
			return []spanned{{n, i, k}}, k
		}
		list, end = numeralList(s, j, loose)
		if len(list) > 0 {
			list[0].start = i
		}
		return list, end
	}
	for j := i; len(list) < 4; {
		n, k, ok := ordinal(s, j)
		if !ok {
			return nil, i
		}
		list = append(list, spanned{n, j, k})
		if k, ok := keyword(s, space(s, k), "comma", "commi", "co", "c"); ok {
			last := &list[len(list)-1]
			last.end = trimSpace(s, k)
			return list, last.end
		}
		if j, ok = separator(s, k); !ok {
			return nil, i
		}
	}
	return nil, i
}

// trimSpace moves i back over the white space that keyword skipped.
func trimSpace(s string, i int) int {
	for i > 0 && (s[i-1] == ' ' || s[i-1] == '\n' || s[i-1] == '\t' || s[i-1] == '\r') {
		i--
	}
	return i
}

type letter struct {
	urn, label string
	start, end int
}

// letters reads "lett. a)", "lettere a), b) ed e-bis)".
func letters(s string, i int) (list []letter, end int) {
	j, plural := keyword(s, i, "lettere")
	if !plural {
		var ok bool
		if j, ok = keyword(s, i, "lettera", "lett", "let"); !ok {
			return nil, i
		}
	}
	for len(list) < maxParts {
		l, k, closed, ok := oneLetter(s, j)
		if !ok || len(list) > 0 && !closed && !plural {
			break
		}
		l.start, l.end = j, k
		list = append(list, l)
		end = k
		if j, ok = separator(s, k); !ok {
			break
		}
	}
	return list, end
}

// oneLetter reads "a", "a)", «"a"», "e-bis)", "aa)".
func oneLetter(s string, i int) (l letter, end int, closed, ok bool) {
	for _, q := range [...]string{"\"", "“", "«", "'", "’", "("} {
		if hasAt(s, i, q) {
			i += len(q)
			break
		}
	}
	j := i
	for j < len(s) && isLetter(s[j]) && j-i < 3 {
		j++
	}
	if j == i || j-i > 2 || !wordEnds(s, j) {
		return l, i, false, false
	}
	l.urn = strings.ToLower(s[i:j])
	l.label = l.urn
	if k, isHyphen := hyphen(s, j); isHyphen {
		if suffix, e := latinSuffix(s, j); e > k {
			l.urn += suffix
			l.label += "-" + suffix
			j = e
		}
	}
	for _, q := range [...]string{"\"", "”", "»", "'", "’"} {
		if hasAt(s, j, q) {
			j += len(q)
			closed = true
			break
		}
	}
	if j < len(s) && s[j] == ')' {
		j, closed = j+1, true
	}
	// "D.Lgs." begins with no letter of a list.
	if !closed && j+1 < len(s) && s[j] == '.' && isLetter(s[j+1]) {
		return l, i, false, false
	}
	return l, j, closed, true
}

// numbers reads "n. 3)" or "numeri 1) e 2)" inside a letter.
func numbers(s string, i int) (list []spanned, end int) {
	j, plural := keyword(s, i, "numeri", "nn")
	if !plural {
		var ok bool
		if j, ok = keyword(s, i, "numero", "nr", "n"); !ok {
			return nil, i
		}
	}
	for len(list) < maxParts {
		n, k, ok := readNumeral(s, j)
		if !ok {
			break
		}
		if k < len(s) && s[k] == ')' {
			k++
		}
		// "n. 3 del 1998" and "n. 3/1998" number an act, not a partition.
		if _, isDate := anyPhrase(s, space(s, k), "del"); isDate {
			if z := space(s, space(s, k)+3); z < len(s) && isDigit(s[z]) {
				break
			}
		}
		list = append(list, spanned{n, j, k})
		end = k
		if !plural {
			break
		}
		if j, ok = separator(s, k); !ok {
			break
		}
	}
	return list, end
}

// tails are words that narrow a partition further than its name can say.
var tails = []string{"primo periodo", "secondo periodo", "terzo periodo", "quarto periodo", "ultimo periodo",
	"primo capoverso", "secondo capoverso", "capoverso", "alinea", "primo alinea", "e seguenti", "e segg", "e ss", "ss", "segg", "e succ"}

// inside reads what follows an article's number: commas, letters, numbers.
// It returns the partitions p divides into, at least p itself.
func inside(s string, p part, loose bool) []part {
	parts := []part{p}
	for steps := 0; steps < 8; steps++ {
		last := parts[len(parts)-1]
		i := commaSpace(s, last.end)
		if i == last.end {
			break
		}
		if list, _ := commas(s, i, loose); len(list) > 0 && last.com.digits == "" && last.let == "" {
			parts = divide(parts, len(list), func(p *part, k int) {
				p.com, p.end = list[k].numeral, list[k].end
				if k > 0 {
					p.start = list[k].start
				}
			})
			continue
		}
		if list := paragraphs(s, i); len(list) > 0 && last.par.digits == "" {
			parts = divide(parts, len(list), func(p *part, k int) {
				p.par, p.end = list[k].numeral, list[k].end
				if k > 0 {
					p.start = list[k].start
				}
			})
			continue
		}
		if list, _ := letters(s, i); len(list) > 0 && last.let == "" {
			parts = divide(parts, len(list), func(p *part, k int) {
				p.let, p.letLabel, p.end = list[k].urn, list[k].label, list[k].end
				if k > 0 {
					p.start = list[k].start
				}
			})
			continue
		}
		if list, _ := numbers(s, i); len(list) > 0 && last.num.digits == "" {
			parts = divide(parts, len(list), func(p *part, k int) {
				p.num, p.end = list[k].numeral, list[k].end
				if k > 0 {
					p.start = list[k].start
				}
			})
			continue
		}
		if j, ok := anyPhrase(s, i, tails...); ok {
			parts[len(parts)-1].end = dot(s, j)
			continue
		}
		break
	}
	return parts
}

// divide replaces the last part by n copies of it that fill changes.
func divide(parts []part, n int, fill func(p *part, k int)) []part {
	last := parts[len(parts)-1]
	parts = parts[:len(parts)-1]
	for k := 0; k < n && len(parts) < maxParts; k++ {
		p := last
		fill(&p, k)
		parts = append(parts, p)
	}
	return parts
}

// paragraphs reads "par. 2", "paragrafi 1 e 2", "§ 2".
func paragraphs(s string, i int) []spanned {
	if hasAt(s, i, "§") {
		list, _ := numeralList(s, space(s, i+len("§")), false)
		return list
	}
	if j, ok := keyword(s, i, "paragrafi", "parr"); ok {
		list, _ := numeralList(s, j, true)
		return list
	}
	if j, ok := keyword(s, i, "paragrafo", "par"); ok {
		list, _ := numeralList(s, j, false)
		return list
	}
	return nil
}

// articles reads a chain that begins with the word for an article: "art. 5",
// "artt. 4, 5, comma 2, e 6-bis", "art. 5 e dell'art. 6".
func articles(s string, i int) (parts []part, end int) {
	start := i
	j, plural, ok := articleWord(s, i)
	if !ok {
		return nil, i
	}
	if plural {
		if k, ok := phrase(s, j, "da"); ok {
			j = space(s, k)
		}
	}
	for len(parts) < maxParts {
		n, k, ok := readNumeral(s, j)
		if !ok {
			break
		}
		here := inside(s, part{start: start, end: k, art: n}, !plural)
		parts = append(parts, here...)
		end = parts[len(parts)-1].end
		if k, ok := rangeMark(s, end); ok && plural {
			start, j = k, k
			continue
		}
		k, ok = separator(s, end)
		if !ok {
			break
		}
		if w, p, ok := articleWord(s, k); ok {
			start, j, plural = k, w, p
			continue
		}
		if !plural {
			break
		}
		start, j = k, k
	}
	return parts, end
}

// upward reads a chain that begins inside the article: "comma 2, lettera a),
// dell'articolo 5", "lettera b) del comma 1 dell'art. 4".
func upward(s string, i int) (parts []part, end int) {
	lists := []part{{start: i, end: i}}
	for steps := 0; steps < 4; steps++ {
		last := &lists[len(lists)-1]
		at := last.end
		if steps > 0 {
			at = commaSpace(s, at)
			if k, ok := anyPhrase(s, at, "del", "dei", "di cui al", "al"); ok {
				at = space(s, k)
			}
			if k, ok := anyPhrase(s, at, "dell'", "all'", "di cui all'"); ok {
				at = k
			}
			if w, _, ok := articleWord(s, at); ok {
				n, k, ok := readNumeral(s, w)
				if !ok {
					return nil, i
				}
				for x := range lists {
					lists[x].art = n
				}
				lists[len(lists)-1].end = k
				return lists, k
			}
		}
		switch {
		case last.com.digits == "" && step(s, at, &lists, func() []spanned { l, _ := commas(s, at, true); return l }, func(p *part, n numeral) { p.com = n }):
		case steps > 0 && last.num.digits == "" && step(s, at, &lists, func() []spanned { l, _ := numbers(s, at); return l }, func(p *part, n numeral) { p.num = n }):
		case last.let == "":
			l, _ := letters(s, at)
			if len(l) == 0 {
				return nil, i
			}
			lists = divide(lists, len(l), func(p *part, k int) {
				p.let, p.letLabel, p.end = l[k].urn, l[k].label, l[k].end
				if k > 0 {
					p.start = l[k].start
				}
			})
		default:
			return nil, i
		}
	}
	return nil, i
}

// step divides the last part by the numbers that read finds, if any.
func step(s string, at int, parts *[]part, read func() []spanned, set func(*part, numeral)) bool {
	list := read()
	if len(list) == 0 {
		return false
	}
	*parts = divide(*parts, len(list), func(p *part, k int) {
		set(p, list[k].numeral)
		p.end = list[k].end
		if k > 0 {
			p.start = list[k].start
		}
	})
	return true
}
