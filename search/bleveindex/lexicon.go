package bleveindex

import (
	"math/bits"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/prassi-cms/prassi/search"
)

// Bounds of the forms of one word.
const (
	maxForms  = 64 // of a prefix
	maxFuzzy  = 12 // words at a distance
	rareWord  = 3  // a word in fewer documents may itself be a typo
	farCommon = 10 // how many times more common the right word is then
	mayBeGone = 64 // a word in as many documents is taken to be in some still
)

// lexicon is the words of the documents of one locale. It grows only: whether a
// rare word still has documents is asked of Bleve (generation.alive). A document
// that changes counts its words only once, or else words that it had long ago
// would pass for common ones.
type lexicon struct {
	locale string
	byWord map[string]uint32
	words  []string
	df     []uint32 // in how many documents, about
	sig    []uint64 // which letters
	order  []uint32 // by word
	stems  map[string][]uint32
	sorted int // how many of words are in order
}

func newLexicon(locale string) *lexicon {
	return &lexicon{locale: locale, byWord: map[string]uint32{}, stems: map[string][]uint32{}}
}

// add counts a word n times. After the last one comes sort.
func (l *lexicon) add(word string, n uint32) {
	id, ok := l.byWord[word]
	if !ok {
		id = uint32(len(l.words))
		l.byWord[word] = id
		l.words = append(l.words, word)
		l.df = append(l.df, 0)
		l.sig = append(l.sig, signature(word))
		stem := search.Stem(l.locale, word)
		l.stems[stem] = append(l.stems[stem], id)
	}
	l.df[id] += n
}

func (l *lexicon) sort() {
	fresh := len(l.words) - l.sorted
	if fresh == 0 {
		return
	}
	compare := func(a, b uint32) int { return strings.Compare(l.words[a], l.words[b]) }
	if fresh > 200 {
		for id := l.sorted; id < len(l.words); id++ {
			l.order = append(l.order, uint32(id))
		}
		slices.SortFunc(l.order, compare)
	} else {
		for id := l.sorted; id < len(l.words); id++ {
			at, _ := slices.BinarySearchFunc(l.order, uint32(id), compare)
			l.order = slices.Insert(l.order, at, uint32(id))
		}
	}
	l.sorted = len(l.words)
}

// signature has a bit for each letter of a word.
func signature(word string) (sig uint64) {
	for _, r := range word {
		sig |= 1 << (uint32(r) * 0x9E3779B1 >> 26)
	}
	return sig
}

// form is a word of the documents that a word of the query may stand for.
type form struct {
	id      uint32
	quality float32
	match   string // why, as in search.Reason
}

// stemmed gives the forms of a word with its stem.
func (l *lexicon) stemmed(word, match string) (out []form) {
	for _, id := range l.stems[search.Stem(l.locale, word)] {
		f := form{id, 0.8, match}
		if l.words[id] == word {
			f.quality = 1
		}
		out = append(out, f)
	}
	return out
}

// begun gives the most common words that begin like an unfinished one.
func (l *lexicon) begun(word string) (out []form) {
	at := sort.Search(len(l.order), func(i int) bool { return l.words[l.order[i]] >= word })
	for _, id := range l.order[at:] {
		if !strings.HasPrefix(l.words[id], word) {
			break
		}
		if l.words[id] != word {
			// The nearer the end, the likelier it is meant.
			out = append(out, form{id, 0.3 + 0.4*float32(len(word))/float32(len(l.words[id])), search.ByPrefix})
		}
	}
	if len(out) > maxForms {
		slices.SortFunc(out, func(a, b form) int {
			if x, y := l.df[a.id], l.df[b.id]; x != y {
				return int(int64(y) - int64(x))
			}
			return strings.Compare(l.words[a.id], l.words[b.id])
		})
		out = out[:maxForms]
	}
	return out
}

// near gives the words at the least distance that typos allow, with the forms of
// their stems, and the best of them. least is how common they must be; lives says
// whether a word still has documents.
func (l *lexicon) near(word string, prefix bool, least uint32, lives func(id uint32) bool) (out []form, best string) {
	limit := search.TyposAllowed(word)
	if limit == 0 {
		return nil, ""
	}
	type candidate struct {
		id       uint32
		distance int
		first    bool // the first letter is right, as it mostly is
	}
	var found []candidate
	runes, sig := []rune(word), signature(word)
	var buf [64]rune
	for id, other := range l.words {
		missing := bits.OnesCount64(sig &^ l.sig[id])
		if missing > limit || !prefix && bits.OnesCount64(l.sig[id]&^sig) > limit || l.df[id] < least {
			continue
		}
		n := 0
		for _, r := range other {
			if n == len(buf) {
				break
			}
			buf[n] = r
			n++
		}
		if d := search.Distance(runes, buf[:n], limit, prefix); d <= limit && d > 0 {
			found = append(found, candidate{uint32(id), d, buf[0] == runes[0]})
		}
	}
	if len(found) == 0 {
		return nil, ""
	}
	slices.SortFunc(found, func(a, b candidate) int {
		switch {
		case a.distance != b.distance:
			return a.distance - b.distance
		case a.first != b.first:
			if a.first {
				return -1
			}
			return 1
		case l.df[a.id] != l.df[b.id]:
			return int(int64(l.df[b.id]) - int64(l.df[a.id]))
		}
		return strings.Compare(l.words[a.id], l.words[b.id])
	})
	nearest, taken := limit, 0
	seen := map[uint32]bool{}
	for _, c := range found {
		if c.distance > nearest || taken == maxFuzzy {
			break
		}
		if !lives(c.id) {
			continue
		}
		if taken++; taken == 1 {
			nearest, best = c.distance, l.words[c.id]
		}
		quality := float32(0.7)
		if !c.first {
			quality = 0.4
		}
		for _, id := range l.stems[search.Stem(l.locale, l.words[c.id])] {
			if !seen[id] {
				seen[id] = true
				out = append(out, form{id, quality, search.ByTypo})
			}
		}
	}
	return out, best
}

// common is in how many documents, at most, any of the forms is.
func (l *lexicon) common(forms []form) (n uint32) {
	for _, f := range forms {
		n += l.df[f.id]
	}
	return n
}

// holding gives the pairs that hold one character of a text without spaces.
func (l *lexicon) holding(character string) (out []form) {
	for id, word := range l.words {
		if len(word) > len(character) && utf8.RuneCountInString(word) == 2 && strings.Contains(word, character) {
			out = append(out, form{uint32(id), 0.7, search.ByPrefix})
		}
	}
	slices.SortFunc(out, func(a, b form) int { return int(int64(l.df[b.id]) - int64(l.df[a.id])) })
	return out[:min(len(out), maxForms)]
}
