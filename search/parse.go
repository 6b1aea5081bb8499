package search

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/prassi-cms/prassi/content/markdown/citation"
)

// Parsed is what a person typed, as words. Nothing in it is syntax.
type Parsed struct {
	// Words outside of quotes, in order.
	Words []Word
	// Phrases are runs of folded words that must stand side by side.
	Phrases [][]string
	// Exclude are words and phrases that must not be there.
	Exclude [][]string
	// Truncated: there were more than MaxWords words, or MaxPhrases phrases.
	Truncated bool

	runs int // phrases and excluded runs of words
}

// Word is one word of a query.
type Word struct {
	// Terms are the folded word; of Chinese, the pairs of a run.
	Terms []string
	// Raw is the word as typed.
	Raw string
	// Prefix: the word is the last and may be unfinished.
	Prefix bool
	// Act is the key or identifier of the act that the words beginning here
	// name; Span is how many words that are.
	Act  string
	Span int
}

// quotes that open and close a phrase. Single quotes are apostrophes.
var quotes = map[rune]string{'"': `"”`, '“': `”"“`, '„': `“”"`, '«': `»"`, '»': `«"`, '「': "」", '《': "》", '＂': "＂"}

// Parse reads a query. It takes anything, in time linear in its length, of which
// the caller has bounded it (Settings.Check).
func Parse(text string) Parsed {
	var p Parsed
	if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, " ")
	}
	var plain strings.Builder // text with phrases and exclusions blanked
	space := true
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		exclude := space && (r == '-' || r == '−' || r == '–')
		open := i
		if exclude {
			open += n
		}
		if closing, ok := quotes[first(text[open:])]; ok {
			_, q := utf8.DecodeRuneInString(text[open:])
			if end := strings.IndexAny(text[open+q:], closing); end >= 0 {
				end += open + q
				terms := terms(text[open+q : end])
				p.add(terms, exclude, true)
				_, q := utf8.DecodeRuneInString(text[end:])
				blank(&plain, end+q-i)
				i, space = end+q, true
				continue
			}
		}
		if exclude {
			if r := first(text[open:]); letter(r) || ideograph(r) {
				end := open
				for end < len(text) {
					r, n := utf8.DecodeRuneInString(text[end:])
					if r == ' ' || r == '\t' || r == '\n' || r == '\u00a0' || r == '\u3000' || quotes[r] != "" {
						break
					}
					end += n
				}
				p.add(terms(text[open:end]), true, false)
				blank(&plain, end-i)
				i, space = end, true
				continue
			}
		}
		plain.WriteString(text[i : i+n])
		space = r == ' ' || r == '\t' || r == '\n' || r == '\r' || r == '\u00a0' || r == '\u3000' || r == '('
		i += n
	}
	p.words(plain.String())
	return p
}

func first(s string) rune {
	r, _ := utf8.DecodeRuneInString(s)
	return r
}

func blank(b *strings.Builder, n int) {
	for range n {
		b.WriteByte(' ')
	}
}

func terms(text string) (out []string) {
	for _, t := range Tokens(nil, text) {
		if len(out) == 2*MaxWords {
			break
		}
		out = append(out, t.Term)
	}
	return out
}

func (p *Parsed) add(terms []string, exclude, phrase bool) {
	list := &p.Phrases
	if exclude {
		list = &p.Exclude
	}
	switch {
	case len(terms) == 0:
	case slices.ContainsFunc(*list, func(have []string) bool { return slices.Equal(have, terms) }):
	case len(p.Phrases)+len(p.Exclude) >= MaxWords, (phrase || len(terms) > 1) && p.runs >= MaxPhrases:
		p.Truncated = true
	default:
		*list = append(*list, terms)
		if phrase || len(terms) > 1 {
			p.runs++
		}
	}
}

// words reads what is left: words and the acts that they name.
func (p *Parsed) words(text string) {
	type place struct{ start, end int }
	var places []place
	for _, t := range Tokens(nil, text) {
		if t.Joined {
			w := &p.Words[len(p.Words)-1]
			w.Terms = append(w.Terms, t.Term)
			w.Raw = text[places[len(places)-1].start:t.End]
			places[len(places)-1].end = t.End
			continue
		}
		if len(p.Words) == 3*MaxWords { // stop words are taken out later
			p.Truncated = true
			break
		}
		p.Words = append(p.Words, Word{Terms: []string{t.Term}, Raw: text[t.Start:t.End]})
		places = append(places, place{t.Start, t.End})
	}
	if n := len(p.Words); n > 0 && places[n-1].end == len(text) {
		p.Words[n-1].Prefix = true
	}
	mark := func(start, end int, act string) {
		from, to := -1, -1
		for i, at := range places {
			if at.start < end && at.end > start {
				if from < 0 {
					from = i
				}
				to = i
			}
		}
		if from >= 0 && p.Words[from].Act == "" {
			p.Words[from].Act, p.Words[from].Span = act, to-from+1
		}
	}
	for _, r := range citation.Find(text) {
		if key := ActKey(r.Identifier); key != "" {
			mark(r.Start, r.End, key)
		} else if r.Identifier != "" {
			id, _, _ := strings.Cut(r.Identifier, "~")
			mark(r.Start, r.End, id)
		}
	}
	// "286/1998" and "286/98" without the kind of act.
	for i := 0; i+1 < len(p.Words); i++ {
		between := text[places[i].end:places[i+1].start]
		if strings.TrimSpace(between) != "/" {
			continue
		}
		if key := bareAct(p.Words[i].Terms[0], p.Words[i+1].Terms[0]); key != "" && !covered(p.Words, i) {
			p.Words[i].Act, p.Words[i].Span = key, 2
		}
	}
}

// covered reports that the words from an earlier one on name an act that
// includes word i.
func covered(words []Word, i int) bool {
	for j := range i + 1 {
		if words[j].Act != "" && j+words[j].Span > i {
			return true
		}
	}
	return false
}

// bareAct gives the key of number/year. A year of two digits is of this century
// up to 40.
func bareAct(number, year string) string {
	if !digits(number) || !digits(year) || len(number) > 5 || number[0] == '0' {
		return ""
	}
	y, err := strconv.Atoi(year)
	switch {
	case err != nil:
		return ""
	case len(year) == 2 && y <= 40:
		y += 2000
	case len(year) == 2:
		y += 1900
	case len(year) != 4 || y < 1860 || y > 2100:
		return ""
	}
	return number + "/" + strconv.Itoa(y)
}
