package schemas

import (
	"cmp"
	"html"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// redacted stands in a public text where it gave a hidden place away. Nothing is
// found across it.
const redacted = "…"

// secrets are what the texts of a private document must not say: the streets and
// the points of its places. It finds them as people write them, whatever the
// case, accents, punctuation and spaces, in the words of a link too; it does not
// find what someone means to smuggle.
type secrets struct {
	streets []street
	points  [][2]float64 // latitude, longitude
}

// street is the part of an address that says where in a town.
type street struct {
	words  []string // via, giuseppe, verdi; folded
	number string   // of the house; empty when the address has none
}

// add learns an address. Words that only name a territory are no secret, so an
// address made of known ones alone is not sought; nor is a single word.
func (s *secrets) add(address string, known map[string]bool) {
	tokens := foldText(address).tokens()
	var only *street // number after a single word: Romstraße 12
	found := false
	for i, t := range tokens {
		if !t.house() {
			continue
		}
		words := before(tokens[:i])
		last := i+1 == len(tokens) || tokens[i+1].first || !tokens[i+1].letters() || len(tokens[i+1].word) == 1
		switch {
		case len(words) >= 2:
			s.streets = append(s.streets, street{words, t.word})
			found = true
		case len(words) == 1 && last && only == nil:
			only = &street{words, t.word}
		}
		if i == 0 || len(words) == 0 { // 12, rue de Rome
			if words := after(tokens[i+1:]); len(words) >= 2 {
				s.streets = append(s.streets, street{words, t.word})
				found = true
			}
		}
	}
	if found {
		return
	}
	if only != nil {
		s.streets = append(s.streets, *only)
		return
	}
	words := named(unnumbered(tokens))
	if len(words) >= 2 && slices.ContainsFunc(words, func(w string) bool { return !known[w] }) {
		s.streets = append(s.streets, street{words: words})
	}
}

// before is the words that lead to a house number: back to a comma, but for one
// that stands right before the number.
func before(tokens []textToken) []string {
	var words []string
	for i := len(tokens) - 1; i >= 0; i-- {
		if t := tokens[i]; len(words) > 0 || !t.noise() {
			words = append(words, t.word)
		}
		if tokens[i].first && len(words) > 0 {
			break
		}
	}
	slices.Reverse(words)
	return named(words)
}

// named drops what stands before the name of a street: "presso Caritas via Roma".
func named(words []string) []string {
	for i := len(words) - 2; i > 0; i-- {
		if odonyms[words[i]] {
			return words[i:]
		}
	}
	return words
}

// after is the words that follow a house number, up to a comma or a postcode.
func after(tokens []textToken) []string {
	var words []string
	for i, t := range tokens {
		if i > 0 && t.first || !t.letters() {
			break
		}
		words = append(words, t.word)
	}
	return words
}

// unnumbered is the words of the part of an address that begins as a street
// does, or of its first part.
func unnumbered(tokens []textToken) []string {
	var part, first []string
	for i := 0; i <= len(tokens); i++ {
		if i == len(tokens) || i > 0 && tokens[i].first {
			if first == nil {
				first = part
			}
			if len(part) > 1 && odonyms[part[0]] {
				return part
			}
			part = nil
		}
		if i < len(tokens) && !(tokens[i].digits() && len(tokens[i].word) == 5) { // a postcode
			part = append(part, tokens[i].word)
		}
	}
	return first
}

// odonyms are words for kinds of street, abbreviations and translations too: a
// text may say "p.zza Duomo 3" or "rue Garibaldi 4" for what the address calls
// otherwise, so each of them stands for all.
var odonyms = setOf("via", "v", "viale", "vle", "vial", "piazza", "pzza", "pza", "zza", "za", "piazzale", "pzle", "ple", "zle", "piazzetta",
	"corso", "cso", "so", "largo", "lgo", "go", "vicolo", "vlo", "lo", "le", "strada", "str", "stradone", "borgo", "contrada", "cda",
	"localita", "loc", "frazione", "fraz", "lungomare", "lungarno", "lungotevere", "salita", "campo", "fondamenta", "rione",
	"traversa", "vico", "viottolo", "galleria", "rotonda", "street", "st", "road", "rd", "avenue", "ave", "square", "sq", "rue", "place",
	"boulevard", "calle", "plaza", "avenida", "strasse", "platz", "weg", "gasse")

// townWords are words of an address that name no street.
var townWords = setOf("di", "del", "della", "dell", "de", "d", "nel", "nella", "in", "a", "comune", "provincia", "citta", "zona", "regione", "italia", "italy", "italie")

// numberWords stand between a street and its number.
var numberWords = setOf("n", "no", "nr", "num", "numero", "civico")

func setOf(words ...string) map[string]bool {
	m := make(map[string]bool, len(words))
	for _, w := range words {
		m[w] = true
	}
	return m
}

// span is a part of a text in bytes.
type span struct{ start, end int }

// find lists where a text says a secret, in order and without overlaps.
func (s *secrets) find(text string) []span {
	if len(s.streets)+len(s.points) == 0 || text == "" {
		return nil
	}
	folded := foldText(text)
	var found []span
	take := func(start, end int) { // in folded bytes
		found = append(found, span{folded.from[start].start, folded.from[end-1].end})
	}
	if len(s.streets) > 0 {
		tokens := folded.tokens()
		for _, st := range s.streets {
			st.find(tokens, take)
		}
	}
	if len(s.points) > 0 {
		s.findPoints(folded.text, take)
	}
	slices.SortFunc(found, func(a, b span) int { return cmp.Compare(a.start, b.start) })
	out := found[:0]
	for _, f := range found {
		if n := len(out); n > 0 && f.start <= out[n-1].end {
			out[n-1].end = max(out[n-1].end, f.end)
			continue
		}
		out = append(out, f)
	}
	return out
}

// redact replaces what find finds.
func (s *secrets) redact(text string) string {
	found := s.find(text)
	if found == nil {
		return text
	}
	var b strings.Builder
	last := 0
	for _, f := range found {
		b.WriteString(text[last:f.start])
		b.WriteString(redacted)
		last = f.end
	}
	b.WriteString(text[last:])
	return b.String()
}

// slack is how many words may stand between the kind of a street and the last
// word of its name beyond those of the address: "via Verdi" for "via Giuseppe
// Verdi" and the other way round.
const slack = 3

// find looks for the street in each order that people write: via Verdi 3, 3 via
// Verdi, Verdi street 3, 3 Verdi street.
func (st *street) find(tokens []textToken, take func(start, end int)) {
	first, last := st.words[0], st.words[len(st.words)-1]
	if st.number == "" {
		for i := 0; i+len(st.words) <= len(tokens); i++ {
			ok := same(first, tokens[i].word)
			for k := 1; ok && k < len(st.words); k++ {
				ok = tokens[i+k].word == st.words[k]
			}
			if ok {
				take(tokens[i].start, tokens[i+len(st.words)-1].end)
			}
		}
		return
	}
	for j, t := range tokens {
		if t.word != last {
			continue
		}
		if len(st.words) == 1 {
			st.numbered(tokens, j, j, take)
			continue
		}
		for i := j - 1; i >= 0 && i >= j-len(st.words)-slack && tokens[i].word != redacted; i-- {
			if same(first, tokens[i].word) {
				st.numbered(tokens, i, j, take)
			}
		}
		if j+1 < len(tokens) && odonyms[first] && odonyms[tokens[j+1].word] {
			st.numbered(tokens, j, j+1, take)
		}
	}
}

func same(first, word string) bool { return word == first || odonyms[first] && odonyms[word] }

// numbered takes tokens i to j when the house number follows or leads.
func (st *street) numbered(tokens []textToken, i, j int, take func(start, end int)) {
	k := j + 1
	for k < len(tokens) && k < j+4 && tokens[k].noise() {
		k++
	}
	if k < len(tokens) && tokens[k].word == st.number {
		take(tokens[i].start, tokens[k].end)
	}
	k = i - 1
	for k >= 0 && k > i-4 && tokens[k].noise() {
		k--
	}
	if k >= 0 && tokens[k].word == st.number {
		take(tokens[k].start, tokens[j].end)
	}
}

// degrees matches a coordinate: degrees and minutes, perhaps seconds; or a
// number with decimals.
var degrees = regexp.MustCompile(`([0-9]{1,3}) ?[°o] ?([0-9]{1,2}(?:[.,][0-9]+)?) ?['′’](?: ?([0-9]{1,2}(?:[.,][0-9]+)?))?(?: ?(?:"|”|''|′′|’’))?|[0-9]{1,3}[.,][0-9]+`)

// Bounds of what is taken for the same point.
const (
	pointTolerance = 0.001 // degrees: equal in three decimals, rounded or cut
	pointDistance  = 24    // bytes between the two numbers
)

// findPoints looks for two numbers near one another that are the coordinates of
// a point, in either order. Signs are left aside: they are also written N, S, E, W.
func (s *secrets) findPoints(text string, take func(start, end int)) {
	type number struct {
		at    span
		value float64
	}
	var list []number
	for _, m := range degrees.FindAllStringSubmatchIndex(text, -1) {
		if v, ok := degreesOf(text, m); ok {
			list = append(list, number{span{m[0], m[1]}, v})
		}
	}
	near := func(a, b float64) bool { return math.Abs(a-math.Abs(b)) <= pointTolerance }
	for i, a := range list {
		for _, b := range list[i+1:] {
			if b.at.start-a.at.end > pointDistance || strings.Contains(text[a.at.end:b.at.start], redacted) {
				break
			}
			for _, p := range s.points {
				if near(a.value, p[0]) && near(b.value, p[1]) || near(a.value, p[1]) && near(b.value, p[0]) {
					take(a.at.start, b.at.end)
				}
			}
		}
	}
}

// degreesOf reads a match of degrees.
func degreesOf(text string, m []int) (float64, bool) {
	read := func(i int) float64 {
		if m[2*i] < 0 {
			return 0
		}
		v, _ := strconv.ParseFloat(strings.Replace(text[m[2*i]:m[2*i+1]], ",", ".", 1), 64)
		return v
	}
	if m[2] < 0 {
		v := read(0)
		return v, v <= 180
	}
	v := read(1) + read(2)/60 + read(3)/3600
	return v, v <= 180
}

// folded is a text made comparable: small letters without accents, ASCII digits,
// without invisible characters, with entities of HTML and percent signs of links
// read. from tells where in the text each byte comes from.
type folded struct {
	text string
	from []span
}

func foldText(s string) folded {
	out := make([]byte, 0, len(s))
	from := make([]span, 0, len(s))
	put := func(r rune, at span) {
		switch {
		case r < utf8.RuneSelf:
			if r >= 'A' && r <= 'Z' {
				r += 'a' - 'A'
			}
			out = append(out, byte(r))
		case unicode.Is(unicode.Cf, r):
			return // zero-width and direction marks
		case r == 'ß':
			out = append(out, "ss"...)
		case r == '…':
			out = append(out, redacted...)
		default:
			for _, d := range norm.NFKD.String(string(unicode.ToLower(r))) {
				switch {
				case unicode.Is(unicode.Mn, d):
				case d > 0x7f && unicode.IsDigit(d):
					out = append(out, digitOf(d))
				case unicode.IsSpace(d):
					out = append(out, ' ')
				default:
					out = utf8.AppendRune(out, unicode.ToLower(d))
				}
			}
		}
		for len(from) < len(out) {
			from = append(from, at)
		}
	}
	for i := 0; i < len(s); {
		if decoded, n := escape(s[i:]); n > 0 {
			for _, r := range decoded {
				put(r, span{i, i + n})
			}
			i += n
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		put(r, span{i, i + n})
		i += n
	}
	return folded{string(out), from}
}

// escape reads an entity of HTML or a run of percent-encoded bytes at the start
// of s and answers what it stands for and its length; 0 when there is none.
func escape(s string) (string, int) {
	switch s[0] {
	case '&':
		if end := strings.IndexByte(s[:min(len(s), 12)], ';'); end > 0 {
			if u := html.UnescapeString(s[:end+1]); u != s[:end+1] {
				return u, end + 1
			}
		}
	case '%':
		var b []byte
		n := 0
		for n+2 < len(s) && s[n] == '%' {
			v, err := strconv.ParseUint(s[n+1:n+3], 16, 8)
			if err != nil {
				break
			}
			b = append(b, byte(v))
			n += 3
		}
		return string(b), n
	}
	return "", 0
}

// digitOf is the ASCII digit for a decimal digit of another script, of which
// each has ten in a row.
func digitOf(r rune) byte {
	v := byte(0)
	for v < 9 && unicode.IsDigit(r-rune(v)-1) {
		v++
	}
	return '0' + v
}

// textToken is a run of letters, a run of digits, or the mark of a redaction.
type textToken struct {
	word       string
	start, end int  // in folded bytes
	first      bool // a comma, a bracket or a line begins before it
}

func (t textToken) digits() bool { return t.word[0] >= '0' && t.word[0] <= '9' }

func (t textToken) letters() bool { return !t.digits() && t.word != redacted }

// house: a number that may be that of a house; a postcode has five digits.
func (t textToken) house() bool { return t.digits() && len(t.word) < 5 }

func (t textToken) noise() bool { return numberWords[t.word] }

// tokens divides a folded text.
func (f folded) tokens() []textToken {
	var out []textToken
	first := false
	for i := 0; i < len(f.text); {
		r, n := utf8.DecodeRuneInString(f.text[i:])
		class := classOf(r)
		if class == classOther {
			spaced := r == '-' && (i == 0 || f.text[i-1] == ' ')
			first = first || spaced || strings.ContainsRune(",;(\n–—|", r)
			i += n
			continue
		}
		end := i + n
		for class != classMark && end < len(f.text) {
			next, m := utf8.DecodeRuneInString(f.text[end:])
			if classOf(next) != class {
				break
			}
			end += m
		}
		word := f.text[i:end]
		if class == classDigit {
			if word = strings.TrimLeft(word, "0"); word == "" {
				word = "0"
			}
		}
		out = append(out, textToken{word, i, end, first})
		first = false
		i = end
	}
	return out
}

// The classes of characters that tokens knows.
const (
	classOther = iota
	classLetter
	classDigit
	classMark
)

func classOf(r rune) int {
	switch {
	case r >= '0' && r <= '9':
		return classDigit
	case unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r):
		return classLetter
	case r == '…':
		return classMark
	}
	return classOther
}
