package search

import (
	"html"
	"strings"
	"unicode/utf8"
)

// snippetRunes is about how long a snippet is.
const snippetRunes = 220

// Marks are the folded words to highlight, each with a kind of Reason, and the
// phrases.
type Marks struct {
	Words   map[string]string
	Phrases [][]string
}

// span is a part of a text that matched.
type span struct {
	start, end int
	match      string
}

// spans finds what matched, in order and without overlap.
func (m *Marks) spans(text string) []span {
	if len(m.Words) == 0 && len(m.Phrases) == 0 || text == "" {
		return nil
	}
	tokens := Tokens(nil, text)
	kinds := make([]string, len(tokens))
	for i, t := range tokens {
		kinds[i] = m.Words[t.Term]
	}
	for _, phrase := range m.Phrases {
	next:
		for i := 0; i+len(phrase) <= len(tokens); i++ {
			for j, term := range phrase {
				if tokens[i+j].Term != term {
					continue next
				}
			}
			for j := range phrase {
				kinds[i+j] = ByPhrase
			}
		}
	}
	var out []span
	for i, t := range tokens {
		if kinds[i] == "" {
			continue
		}
		if n := len(out); n > 0 && t.Start < out[n-1].end { // overlapping pairs
			out[n-1].end = max(out[n-1].end, t.End)
			continue
		}
		out = append(out, span{t.Start, t.End, kinds[i]})
	}
	return out
}

// Highlight escapes a text for HTML and puts what matched into mark elements.
// The reasons name the field.
func (m *Marks) Highlight(text, field string) (marked string, why []Reason) {
	spans := m.spans(text)
	return render(text, 0, len(text), spans), reasons(text, field, spans)
}

// Snippet cuts the part of a text with the most that matched, at the borders of
// words, and highlights it. Without a match it is the beginning.
func (m *Marks) Snippet(text, field string) (marked string, why []Reason) {
	text = strings.ToValidUTF8(text, "\ufffd")
	spans := m.spans(text)
	from, to := window(text, spans)
	marked = render(text, from, to, spans)
	if from > 0 {
		marked = "…" + marked
	}
	if to < len(text) {
		marked += "…"
	}
	return marked, reasons(text, field, spans)
}

// window finds the bytes to show.
func window(text string, spans []span) (from, to int) {
	const size = snippetRunes
	if utf8.RuneCountInString(text) <= size {
		return 0, len(text)
	}
	first := 0
	best := 0
	for i := range spans { // the run of spans within about the size with the most different words
		seen := map[string]bool{}
		for _, s := range spans[i:] {
			if s.end-spans[i].start > size {
				break
			}
			seen[text[s.start:s.end]] = true
		}
		if len(seen) > best {
			best, first = len(seen), i
		}
		if i > 200 {
			break
		}
	}
	if len(spans) > 0 {
		from = spans[first].start
		for n := 0; from > 0 && n < size/5; n++ {
			_, w := utf8.DecodeLastRuneInString(text[:from])
			from -= w
		}
		if at := strings.IndexByte(text[from:spans[first].start], ' '); from > 0 && at >= 0 {
			from += at + 1
		}
	}
	to = from
	for n := 0; to < len(text) && n < size; n++ {
		_, w := utf8.DecodeRuneInString(text[to:])
		to += w
	}
	if to < len(text) {
		if at := strings.LastIndexByte(text[from:to], ' '); at > size/2 {
			to = from + at
		}
	}
	return from, to
}

func render(text string, from, to int, spans []span) string {
	var b strings.Builder
	at := from
	for _, s := range spans {
		if s.start < from || s.end > to {
			continue
		}
		b.WriteString(clean(text[at:s.start]))
		b.WriteString("<mark>")
		b.WriteString(clean(text[s.start:s.end]))
		b.WriteString("</mark>")
		at = s.end
	}
	b.WriteString(clean(text[at:to]))
	return b.String()
}

// clean escapes, puts line ends into one line and drops what could turn the
// direction of the page around it.
func clean(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			return ' '
		case r < ' ' || r == 0x7F || r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069:
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "\ufffd"))
	return html.EscapeString(text)
}

// reasons names each different word once, at most five.
func reasons(text, field string, spans []span) (out []Reason) {
next:
	for _, s := range spans {
		word := text[s.start:s.end]
		for _, r := range out {
			if strings.EqualFold(r.Text, word) {
				continue next
			}
		}
		if out = append(out, Reason{Field: field, Match: s.match, Text: word}); len(out) == 5 {
			break
		}
	}
	return out
}
