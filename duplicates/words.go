package duplicates

import (
	"bytes"
	"cmp"
	_ "embed" // words.yaml
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/prassi-cms/prassi/search"
)

//go:embed words.yaml
var wordsFile []byte

// vocabulary is words.yaml: the types that are compared, and words by what they
// are worth, as stem gives them.
type vocabulary struct {
	types           []string
	ignored, common map[string]bool
}

var words = sync.OnceValue(func() *vocabulary {
	var file struct{ Types, Ignored, Common []string }
	dec := yaml.NewDecoder(bytes.NewReader(wordsFile))
	dec.KnownFields(true)
	if err := dec.Decode(&file); err != nil {
		panic("duplicates: words.yaml: " + err.Error()) // embedded; a test reads it
	}
	v := &vocabulary{types: file.Types, ignored: map[string]bool{}, common: map[string]bool{}}
	for _, w := range file.Ignored {
		v.ignored[w] = true
	}
	for _, w := range file.Common {
		for _, t := range search.Tokens(nil, w) {
			v.common[stem(t.Term)] = true
		}
	}
	return v
})

// Types are the content types whose documents are compared.
func Types() []string { return slices.Clone(words().types) }

// word is a word of a name.
type word struct {
	stem   string
	hash   block // of the stem: comparing it first is quick
	common bool  // it tells little apart
	digit  bool
}

func compareWords(a, b *word) int {
	if a.hash != b.hash {
		return cmp.Compare(a.hash, b.hash)
	}
	return strings.Compare(a.stem, b.stem)
}

// name is a name made comparable.
type name struct {
	words  []word  // sorted
	joined string  // all own words without spaces, in their order
	own    int     // how many are not common; when none is, all count as own
	full   float64 // the weight of all words
}

// commonWeight is what a common word weighs against one of the name's own.
const commonWeight = 0.05

func (n *name) weight(w word, strict bool) float64 {
	if w.common && n.own > 0 && !strict {
		return commonWeight
	}
	return 1
}

// isOwn says whether a word tells the name apart.
func (n *name) isOwn(w word) bool { return !w.common || n.own == 0 }

// Bounds of a name: what is longer is no name.
const (
	maxNameWords = 40
	maxLetters   = 12 // single letters in a row
)

// parseName makes a name comparable; one without words has none.
func parseName(s string) name {
	v := words()
	var n name
	var letters strings.Builder // single letters in a row: A.P.S. is aps
	add := func(term string) {
		if v.ignored[term] || len(n.words) == maxNameWords {
			return
		}
		w := word{stem: stem(term), digit: strings.ContainsFunc(term, unicode.IsDigit)}
		w.common, w.hash = v.common[w.stem], block(fnvOffset).with(w.stem)
		n.words = append(n.words, w)
	}
	flush := func() {
		if letters.Len() > 0 {
			add(letters.String())
			letters.Reset()
		}
	}
	for _, t := range search.Tokens(nil, s) {
		if utf8.RuneCountInString(t.Term) == 1 && !t.Joined && t.Term[0] < utf8.RuneSelf && unicode.IsLetter(rune(t.Term[0])) {
			// "l'" and "d'" are articles, not letters of an acronym.
			if end := t.End; end < len(s) && (strings.HasPrefix(s[end:], "'") || strings.HasPrefix(s[end:], "’")) {
				flush()
				continue
			}
			if letters.Len() < maxLetters {
				letters.WriteString(t.Term)
			}
			continue
		}
		flush()
		add(t.Term)
	}
	flush()
	for _, w := range n.words {
		if !w.common {
			n.own++
		}
	}
	var joined strings.Builder
	for _, w := range n.words {
		if n.isOwn(w) {
			joined.WriteString(w.stem)
		}
	}
	n.joined = joined.String()
	slices.SortFunc(n.words, func(a, b word) int { return compareWords(&a, &b) })
	for _, w := range n.words {
		n.full += n.weight(w, false)
	}
	return n
}

// stem drops what a hasty typist varies: double letters, and the final vowel of
// words of five letters or more.
func stem(term string) string {
	out := make([]rune, 0, len(term))
	for _, r := range term {
		if len(out) == 0 || out[len(out)-1] != r || unicode.IsDigit(r) {
			out = append(out, r)
		}
	}
	if utf8.RuneCountInString(term) > 4 && strings.ContainsRune("aeiou", out[len(out)-1]) {
		out = out[:len(out)-1]
	}
	return string(out)
}

// nearly is how alike two names must be, from 0 to 1, to count as nearly the same.
const nearly = 0.88

// mistyped is what a word is worth that matches but for one letter.
const mistyped = 0.9

// alike says how alike two names are: twice the weight of what they share over
// the weight of both (Dice), or 0 when it is below nearly. strict counts every
// word in full.
func alike(a, b *name, strict bool) float64 {
	if len(a.words) == 0 || len(b.words) == 0 || !strict && a.joined != b.joined && 2*min(a.full, b.full)/(a.full+b.full) < nearly {
		return 0
	}
	var common, total float64
	shared := false
	var aLeft, bLeft [maxNameWords]word
	na, nb := 0, 0
	i, j := 0, 0
	for i < len(a.words) || j < len(b.words) {
		switch c := compareAt(a.words, b.words, i, j); {
		case c < 0:
			aLeft[na] = a.words[i]
			total += a.weight(a.words[i], strict)
			na, i = na+1, i+1
		case c > 0:
			bLeft[nb] = b.words[j]
			total += b.weight(b.words[j], strict)
			nb, j = nb+1, j+1
		default:
			x, y := a.weight(a.words[i], strict), b.weight(b.words[j], strict)
			common += min(x, y)
			total += x + y
			shared = shared || a.isOwn(a.words[i]) && b.isOwn(b.words[j])
			i, j = i+1, j+1
		}
	}
	for _, w := range append(aLeft[:na:na], bLeft[:nb]...) {
		if w.digit {
			return 0
		}
	}
	if a.joined == b.joined && (!strict || na == 0 && nb == 0) {
		return 1
	}
	if !shared {
		return 0
	}
	if 2*(common+1)/total >= nearly && slip(aLeft[:na], bLeft[:nb], a, b) {
		common += mistyped
	}
	if got := 2 * common / total; got >= nearly {
		return got
	}
	return 0
}

func compareAt(a, b []word, i, j int) int {
	switch {
	case i == len(a):
		return 1
	case j == len(b):
		return -1
	}
	return compareWords(&a[i], &b[j])
}

// slip says whether a word that only one name has differs by one letter from one
// that only the other has.
func slip(left, right []word, a, b *name) bool {
	for _, x := range left {
		for _, y := range right {
			if a.isOwn(x) && b.isOwn(y) && oneSlip([]rune(x.stem), []rune(y.stem)) {
				return true
			}
		}
	}
	return false
}

// oneSlip says whether two words of at least five letters differ by one letter
// too many, missing or another, or by two letters in the other order.
func oneSlip(a, b []rune) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(a) < 5 || len(b)-len(a) > 1 {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) < len(b) {
		return slices.Equal(a[i:], b[i+1:])
	}
	if i == len(a) {
		return true
	}
	if slices.Equal(a[i+1:], b[i+1:]) {
		return true
	}
	return i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && slices.Equal(a[i+2:], b[i+2:])
}
