package search

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// maxReasons bounds Hit.Why.
const maxReasons = 8

// Explain fills in what a hit shows and why it was found (TitleHTML, Snippet,
// Why) from its Title and the other texts of the document, and from the acts that
// it cites and the question names. The other texts count when nothing else has
// the words. m may be nil: nothing is marked.
func (m *Marks) Explain(h *Hit, asked *Parsed, acts []Act, summary, body string, other []string) {
	if m == nil {
		m = &Marks{}
	}
	var why []Reason
	h.TitleHTML, why = m.Highlight(h.Title, InTitle)
	h.Why = append(asked.cited(acts), why...)
	// The part of the text that says most about why.
	h.Snippet, why = m.Snippet(summary, InSummary)
	h.Why = append(h.Why, why...)
	shown := len(why) > 0
	text, why := m.Snippet(body, InBody)
	if !shown && (len(why) > 0 || summary == "") {
		h.Snippet, shown = text, len(why) > 0
	}
	h.Why = append(h.Why, why...)
	if len(h.Why) == 0 {
		for _, t := range other {
			text, why := m.Snippet(t, InOther)
			if len(why) > 0 && !shown {
				h.Snippet, shown = text, true
			}
			h.Why = append(h.Why, why...)
		}
	}
	// Each word once, by its first reason.
	out := h.Why[:0]
	for _, r := range h.Why {
		if !slices.ContainsFunc(out, func(o Reason) bool { return strings.EqualFold(o.Text, r.Text) }) && len(out) < maxReasons {
			out = append(out, r)
		}
	}
	h.Why = out
}

// cited are the reasons that lie in acts.
func (p *Parsed) cited(acts []Act) (out []Reason) {
	for _, w := range p.Words {
		for _, a := range acts {
			if w.Act != "" && (a.Identifier == w.Act || a.Key() == w.Act) {
				out = append(out, Reason{Field: InActs, Match: ByAct, Text: a.Label})
			}
		}
	}
	return out
}

// Correct writes a question anew, with other words in place of some: right gives
// them by the words as typed (Word.Raw). Without any it is empty.
func Correct(text string, right map[string]string) string {
	var b strings.Builder
	at := 0
	for _, t := range Tokens(nil, text) {
		if word, ok := right[text[t.Start:t.End]]; ok && t.Start >= at {
			b.WriteString(text[at:t.Start])
			b.WriteString(word)
			at = t.End
		}
	}
	b.WriteString(text[at:])
	if b.String() == text {
		return ""
	}
	return strings.TrimSpace(b.String())
}

// MarkBeginnings highlights the words of a suggestion that begin like one of
// those typed, which are folded.
func MarkBeginnings(text string, typed []string) string {
	m := Marks{Words: map[string]string{}}
	for _, t := range Tokens(nil, text) {
		for _, w := range typed {
			if strings.HasPrefix(t.Term, w) || strings.HasPrefix(w, t.Term) && t.Joined {
				m.Words[t.Term] = ByPrefix
			}
		}
	}
	html, _ := m.Highlight(text, InTitle)
	return html
}

// SuggestActs makes suggestions of acts, given with how many documents cite each:
// the most cited first, and each once however it is cited, under the label that
// says most. typed are the folded words to highlight.
func SuggestActs(cited map[Act]int, typed []string, most int) []Suggestion {
	byName := map[string]Suggestion{}
	for a, count := range cited {
		s := byName[a.Name()]
		if s.Count += count; cmp.Or(cmp.Compare(len(a.Label), len(s.Text)), strings.Compare(s.Text, a.Label)) > 0 {
			s.Text = a.Label
		}
		s.Kind, s.Query = InActs, cmp.Or(a.Key(), s.Text)
		byName[a.Name()] = s
	}
	out := slices.SortedFunc(maps.Values(byName), func(a, b Suggestion) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Text, b.Text))
	})
	out = out[:min(len(out), most)]
	for i := range out {
		out[i].HTML = MarkBeginnings(out[i].Text, typed)
	}
	return out
}
