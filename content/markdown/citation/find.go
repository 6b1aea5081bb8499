package citation

import (
	"unicode"
	"unicode/utf8"
)

// trigger tells which parsers a word can start.
type trigger uint8

const (
	triggerArticle trigger = 1 << iota
	triggerInside          // comma, letter: the article comes later
	triggerNational
	triggerNamed
	triggerUnion
	triggerLiteral
)

// triggers by word, in lower case. A word that is not here starts nothing.
var triggers = func() map[string]trigger {
	m := map[string]trigger{
		"art": triggerArticle, "artt": triggerArticle, "articolo": triggerArticle, "articoli": triggerArticle,
		"comma": triggerInside, "commi": triggerInside, "co": triggerInside, "lett": triggerInside, "lettera": triggerInside, "lettere": triggerInside,
		"urn": triggerLiteral, "eli": triggerLiteral, "ecli": triggerLiteral, "celex": triggerLiteral,
		"http": triggerLiteral, "https": triggerLiteral,
	}
	for _, o := range ordinals {
		m[o.word] |= triggerInside
	}
	first := func(phrase string) string {
		for i := 0; i < len(phrase); i++ {
			if phrase[i] == ' ' || phrase[i] == '.' || phrase[i] == '\'' {
				return phrase[:i]
			}
		}
		return phrase
	}
	for _, list := range kindPhrases {
		for _, p := range list {
			m[first(p.phrase)] |= triggerNational
		}
	}
	for key := range kindAbbreviations {
		m[key] |= triggerNational     // "DLgs"
		m[key[:1]] |= triggerNational // "D.Lgs."
	}
	m["circ"] |= triggerNational
	for _, list := range namedActs {
		for _, n := range list {
			m[first(n.phrase)] |= triggerNamed
		}
	}
	m["t"] |= triggerNamed
	m["tu"] |= triggerNamed
	for _, list := range unionPhrases {
		for _, p := range list {
			m[first(p.phrase)] |= triggerUnion
		}
	}
	return m
}()

const maxTrigger = 16 // longest word worth looking up

// triggerLengths has, for each first byte, one bit for each length of a
// trigger: most words are ruled out without a map lookup.
var triggerLengths = func() (lengths [256]uint32) {
	for word := range triggers {
		if len(word) > maxTrigger {
			panic("citation: trigger too long: " + word)
		}
		lengths[word[0]] |= 1 << len(word)
	}
	return lengths
}()

// Find returns the legal references in text, in order, with spans that do not
// overlap. It takes time linear in len(text), whatever text holds; text need
// not be valid UTF-8.
func Find(text string) []Reference {
	f := finder{s: text}
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case isLetter(c) || c >= utf8.RuneSelf:
			i = f.word(i)
		case isDigit(c):
			i = f.number(i)
		default:
			i++
		}
	}
	return f.refs
}

type finder struct {
	s    string
	refs []Reference
}

// word reads the word at i and what it starts, and returns where to go on.
func (f *finder) word(i int) int {
	s := f.s
	var key [maxTrigger]byte
	n, j := 0, i
	for j < len(s) {
		c := s[j]
		switch {
		case isLetter(c) || isDigit(c) || c == '_':
			j++
		case c < utf8.RuneSelf:
			goto read
		default:
			r, size := utf8.DecodeRuneInString(s[j:])
			if !unicode.IsLetter(r) && !unicode.IsMark(r) {
				if j == i {
					return j + size
				}
				goto read
			}
			for k := 0; k < size-1; k++ {
				if n < maxTrigger {
					key[n] = s[j+k]
				}
				n++
			}
			j += size
			c = s[j-1]
		}
		if n < maxTrigger {
			key[n] = lower(c)
		}
		n++
	}
read:
	if n > maxTrigger || triggerLengths[key[0]]&(1<<n) == 0 {
		return j
	}
	t := triggers[string(key[:n])]
	if t == 0 {
		return j
	}
	if end := f.try(i, t); end > j {
		return end
	}
	return j
}

// number reads digits: a CELEX number may start there.
func (f *finder) number(i int) int {
	s := f.s
	j := i
	for j < len(s) && (isDigit(s[j]) || isLetter(s[j])) {
		j++
	}
	if j-i >= 10 && j-i <= 12 {
		if id, end, ok := celexNumber(s, i, false); ok {
			f.add(celexAct(id), i, end, nil)
			return end
		}
	}
	return j
}

func (f *finder) add(a act, start, end int, p *part) {
	f.refs = append(f.refs, a.reference(f.s, start, end, p))
}

// try runs the parsers that the trigger names and returns where the text that
// they read ends, or i.
func (f *finder) try(i int, t trigger) int {
	s := f.s
	if t&triggerLiteral != 0 {
		return f.literal(i)
	}
	if t&(triggerArticle|triggerInside) != 0 {
		var parts []part
		var end int
		if t&triggerArticle != 0 {
			parts, end = articles(s, i)
		} else {
			parts, end = upward(s, i)
		}
		if len(parts) == 0 {
			return i
		}
		if e, ok := f.bind(parts, end); ok {
			return e
		}
		if t&triggerArticle != 0 {
			return end // no member of the chain can do better
		}
	}
	if t&triggerNamed != 0 {
		if a, end, ok := namedAct(s, i, false); ok {
			return f.afterwards(a, i, end)
		}
		// "Costituzione, art. 10": the article makes it the act.
		if a, end, ok := namedAct(s, i, true); ok {
			if parts, e := articles(s, commaSpace(s, end)); len(parts) > 0 && !f.leads(e) {
				return f.afterwards(a, i, end)
			}
		}
	}
	if t&triggerUnion != 0 {
		if end, ok := f.union(i); ok {
			return end
		}
	}
	if t&triggerNational != 0 {
		return f.national(i)
	}
	return i
}

func (f *finder) literal(i int) int {
	s := f.s
	for _, read := range [...]func(string, int) (act, int, bool){urnNIR, ecli, celexLiteral, eliBare} {
		if a, end, ok := read(s, i); ok {
			f.add(a, i, end, nil)
			return end
		}
	}
	a, end, ok := address(s, i)
	if ok {
		f.add(a, i, end, nil)
	}
	return end
}

// national reads a national act at i, those of its type listed after it, and a
// partition after it.
func (f *finder) national(i int) int {
	s := f.s
	a, end, k, plural, ok := nationalAct(s, i)
	if !ok {
		return i
	}
	if e, ok := f.more(k, plural, end, func() { f.add(a, i, end, nil) }); ok {
		return e
	}
	return f.afterwards(a, i, end)
}

// more reads further acts of the same type: "leggi n. 40/1998 e n. 189/2002".
// first is called before the first of them is added.
func (f *finder) more(k kind, plural bool, end int, first func()) (int, bool) {
	if k.regional || k.circular || k.ministerial || k.unified {
		return end, false
	}
	s := f.s
	found := false
	for n := 0; n < maxParts; n++ {
		at, ok := separator(s, end)
		if !ok {
			break
		}
		d, ok := readDetails(s, at, false, false)
		if !ok || d.loose && !plural {
			break
		}
		a, ok := k.make(d, authority{})
		if !ok {
			break
		}
		if !found {
			first()
			found = true
		}
		f.add(a, at, d.end, nil)
		end = d.end
	}
	return end, found
}

func (f *finder) union(i int) (int, bool) {
	return unionActs(f.s, i, func(a act, start, end int) { f.add(a, start, end, nil) })
}

// afterwards adds act a, read at s[i:end], with the partition that follows it
// if there is one: "D.Lgs. 286/1998, art. 5, comma 2".
func (f *finder) afterwards(a act, i, end int) int {
	s := f.s
	at := commaSpace(s, end)
	if k, ok := anyPhrase(s, at, "all'", "nell'", "agli", "negli"); ok {
		at = space(s, k)
	}
	parts, e := articles(s, at)
	if len(parts) == 0 || f.leads(e) {
		f.add(a, i, end, nil)
		return end
	}
	parts[0].start = i
	for k := range parts {
		f.add(a, parts[k].start, parts[k].end, &parts[k])
	}
	return e
}

// leads reports whether what stands at i ties the partition before it to
// something else: "art. 5 del bando", "art. 5 L. 40/1998".
func (f *finder) leads(i int) bool {
	s := f.s
	at := commaSpace(s, i)
	if _, ok := anyPhrase(s, at, ofWords...); ok {
		return true
	}
	if at == i {
		return false
	}
	g := finder{s: s}
	_, ok := g.act(at, true, nil)
	return ok
}

// ofWords lead from a partition to its act.
var ofWords = []string{"di cui alla", "di cui all'", "di cui al", "di cui ai", "di cui alle", "dello", "della", "dell'", "degli", "delle", "dei", "del", "d'", "di"}

// adjectives may stand before the act.
var adjectives = []string{"citato", "citata", "predetto", "predetta", "suddetto", "suddetta", "medesimo", "medesima",
	"richiamato", "richiamata", "menzionato", "menzionata", "vigente", "nuovo", "nostra", "sopracitato", "sopracitata", "succitato", "succitata"}

// bind ties parts, which end at i, to the act that follows.
func (f *finder) bind(parts []part, i int) (int, bool) {
	s := f.s
	at := commaSpace(s, i)
	if k, ok := anyPhrase(s, at, ofWords...); ok {
		at = space(s, k)
	} else if at == i && i < len(s) && s[i] != '(' {
		return i, false
	}
	if k, ok := anyPhrase(s, at, adjectives...); ok {
		at = space(s, k)
	}
	return f.act(at, true, parts)
}

// act reads an act at i and adds the references to parts of it.
func (f *finder) act(i int, direct bool, parts []part) (int, bool) {
	s := f.s
	emit := func(a act, end int) int {
		if len(parts) > 0 {
			parts[len(parts)-1].end = end
			for k := range parts {
				f.add(a, parts[k].start, parts[k].end, &parts[k])
			}
		}
		return end
	}
	if a, end, ok := nearNamed(s, i); ok {
		return emit(a, end), true
	}
	if a, end, ok := urnNIR(s, i); ok {
		return emit(a, end), true
	}
	if a, end, ok := celexLiteral(s, i); ok {
		return emit(a, end), true
	}
	first := true
	end, ok := unionActs(s, i, func(a act, start, end int) {
		if first {
			emit(a, end)
		} else if len(parts) > 0 {
			f.add(a, start, end, nil)
		}
		first = false
	})
	if ok {
		return end, true
	}
	if a, end, k, plural, ok := nationalAct(s, i); ok {
		e, _ := f.more(k, plural, end, func() { emit(a, end) })
		if e == end {
			emit(a, end)
		}
		return e, true
	}
	if !direct {
		return i, false
	}
	if j, ok := titled(s, i); ok {
		return f.act(j, false, parts)
	}
	return i, false
}

func nearNamed(s string, i int) (act, int, bool) { return namedAct(s, i, true) }

// maxTitle bounds the title that may stand between the word for a text and
// the act that holds it.
const maxTitle = 240

// titled reads a text that is cited by its title and then by its act: "testo
// unico delle disposizioni concernenti …, di cui al decreto legislativo …". It
// returns where the act should begin.
func titled(s string, i int) (int, bool) {
	j, ok := anyPhrase(s, i, "testo unico", "regolamento", "codice", "decreto", "statuto", "norme", "disposizioni")
	if !ok {
		return i, false
	}
	for limit := min(len(s), j+maxTitle); j < limit; {
		switch c := s[j]; {
		case c == ';' || c == '\n' && j+1 < len(s) && s[j+1] == '\n' || c == '.' && j+1 < len(s) && s[j+1] == ' ':
			return i, false
		case !isLetter(c):
			j++
			continue
		}
		if k, ok := anyPhrase(s, j, "di cui al", "di cui alla", "di cui all'", "approvato con", "emanato con", "adottato con", "recato dal", "recate dal"); ok {
			return space(s, k), true
		}
		if _, local := anyPhrase(s, j, "comunale", "comune", "provinciale", "provincia", "regionale", "regione", "interno", "aziendale",
			"ateneo", "istituto", "condominiale", "consiliare", "bando", "art", "artt", "articolo"); local {
			return i, false
		}
		for j < limit && !wordEnds(s, j) {
			_, n := utf8.DecodeRuneInString(s[j:])
			j += n
		}
	}
	return i, false
}
