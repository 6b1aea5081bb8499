package bleveindex

import (
	"cmp"
	"context"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/blevesearch/bleve/v2/index/scorch"
	bleve "github.com/blevesearch/bleve/v2/search"
	"github.com/blevesearch/bleve/v2/search/searcher"
	index "github.com/blevesearch/bleve_index_api"

	"github.com/prassi-cms/prassi/internal/bitmap"
	"github.com/prassi-cms/prassi/search"
)

// What makes a rank beside the words themselves.
const (
	synonymQuality  = 0.75 // of a synonym against the word as typed
	actScore        = 3    // of a document that cites the act that was asked for
	phraseScore     = 2
	wholeTitle      = 1.6 // the title is the query
	partOfTitle     = 1.2 // the title holds the query as it was typed
	softness        = 6   // how fast more of a word stops to add
	lengthInfluence = 0.4 // how much short texts count more
)

// scratch is the working memory of one query.
type scratch struct {
	base, found, unit, alternative, term bitmap.Set
	score, unitScore, altScore, ofTerm   []float32
	matched                              []uint8
	ofLocale                             []bitmap.Set // by Query.Locales
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

func (w *scratch) size(n, locales int) {
	all := []*bitmap.Set{&w.base, &w.found, &w.unit, &w.alternative, &w.term}
	for len(w.ofLocale) < locales {
		w.ofLocale = append(w.ofLocale, nil)
	}
	for i := range locales {
		all = append(all, &w.ofLocale[i])
	}
	for _, b := range all {
		*b = bitmap.Sized(*b, n)
	}
	for _, s := range []*[]float32{&w.score, &w.unitScore, &w.altScore, &w.ofTerm} {
		if cap(*s) < n {
			*s = make([]float32, n)
		}
		*s = (*s)[:n]
		clear(*s)
	}
	if cap(w.matched) < n {
		w.matched = make([]uint8, n)
	}
	w.matched = w.matched[:n]
	clear(w.matched)
}

// finder answers one query.
type finder struct {
	*scratch
	g       *generation
	ctx     context.Context
	q       *search.Query
	parsed  search.Parsed
	docs    float64                  // that pass the filters
	marks   map[string]*search.Marks // by locale
	wrong   []correction
	relaxed bool
	trunc   bool
}

// correction is a word as typed and the one that was found instead.
type correction struct{ raw, word, locale string }

// search answers a checked query. The caller holds g.mu.
func (g *generation) search(ctx context.Context, q *search.Query) (*search.Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	w := scratches.Get().(*scratch)
	defer scratches.Put(w)
	w.size(len(g.columns.rows), len(q.Locales))
	f := &finder{scratch: w, g: g, ctx: ctx, q: q, parsed: search.Parse(q.Text), marks: map[string]*search.Marks{}}
	g.columns.pass(q, f.base, f.ofLocale)
	f.docs = float64(f.base.Count())
	f.trunc = f.parsed.Truncated
	words, err := f.words(&f.parsed)
	if err != nil {
		return nil, err
	}
	result := &search.Result{
		Hits: []search.Hit{}, Total: f.found.Count(), Relaxed: f.relaxed, Truncated: f.trunc,
		Facets: g.columns.count(q.Facets, f.found),
	}
	if result.Hits, err = f.page(f.order(words)); err != nil {
		return nil, err
	}
	result.DidYouMean = f.didYouMean(result.Hits)
	return result, nil
}

// words finds what has the words of the query and reports whether it has any.
func (f *finder) words(parsed *search.Parsed) (any bool, err error) {
	if len(parsed.Words) == 0 && len(parsed.Phrases) == 0 {
		if len(parsed.Exclude) > 0 || strings.TrimSpace(f.q.Text) == "" {
			copy(f.found, f.base)
		} // else there is nothing but signs: nothing is found
		for _, locale := range f.q.Locales {
			if err := f.exclude(parsed.Exclude, locale); err != nil {
				return false, err
			}
		}
		return false, nil
	}
	known := f.known(parsed)
	missing := make([]int, len(f.q.Locales)) // how many words the best document lacks
	units := make([]int, len(f.q.Locales))
	least := math.MaxInt
	for i, locale := range f.q.Locales {
		plan := f.g.settings.Plan(*parsed, f.q.Locale, locale)
		f.trunc = f.trunc || plan.Truncated
		f.marks[locale] = &search.Marks{Words: map[string]string{}, Phrases: plan.Phrases}
		for _, u := range plan.Units {
			if err := f.unit(u, locale, known); err != nil {
				return true, err
			}
		}
		units[i] = len(plan.Units)
		missing[i] = math.MaxInt
		f.ofLocale[i].Each(func(slot uint32) {
			missing[i] = min(missing[i], units[i]-int(f.matched[slot]))
		})
		if 2*missing[i] <= units[i] {
			least = min(least, missing[i])
		}
	}
	for i, locale := range f.q.Locales {
		if least == math.MaxInt {
			break
		}
		f.ofLocale[i].Each(func(slot uint32) {
			if units[i]-int(f.matched[slot]) <= least {
				f.found.Add(slot)
			}
		})
		for _, phrase := range parsed.Phrases {
			if err := f.phrase(phrase, locale, true); err != nil {
				return true, err
			}
		}
		if err := f.exclude(parsed.Exclude, locale); err != nil {
			return true, err
		}
	}
	f.relaxed = least > 0 && least < math.MaxInt && f.found.Count() > 0
	return true, nil
}

// known are the words of the query that some locale searched has, in any form: a
// word that is right in one is no typo in the others.
func (f *finder) known(parsed *search.Parsed) map[string]bool {
	out := map[string]bool{}
	for _, w := range parsed.Words {
		for _, t := range w.Terms {
			for _, locale := range f.q.Locales {
				if l := f.g.lexicons[locale]; l != nil && (len(f.g.alive(l, l.stemmed(t, ""))) > 0 || w.Prefix && len(f.g.alive(l, l.begun(t))) > 0) {
					out[t] = true
				}
			}
		}
	}
	return out
}

// unit adds the score of a unit to the documents that have it.
func (f *finder) unit(u search.Unit, locale string, known map[string]bool) error {
	l := f.g.lexicons[locale]
	if l == nil {
		return nil
	}
	clear(f.scratch.unit)
	clear(f.unitScore)
	acts := f.g.columns.byKey[u.Act]
	if a := f.g.columns.acts[u.Act]; a != nil && u.Act != "" {
		acts = append(slices.Clip(acts), a)
	}
	for _, a := range acts {
		for _, slot := range a.slots {
			if f.base.Has(slot) && f.g.columns.hot[slot].locale == f.g.columns.locale[locale] {
				f.scratch.unit.Add(slot)
				f.unitScore[slot] += actScore * softness
			}
		}
	}
	for i, words := range u.Alternatives {
		var forms [][]form
		for j, word := range words {
			if i > 0 {
				forms = append(forms, l.stemmed(word, search.BySynonym))
				continue
			}
			last := j == len(words)-1
			found, best := f.forms(l, word, u.Prefix && last, u.Act == "" && !u.Run && len(u.Alternatives) == 1, known)
			if best != "" {
				f.wrong = append(f.wrong, correction{u.Words[min(j, len(u.Words)-1)].Raw, best, locale})
			}
			forms = append(forms, found)
		}
		allowed := 0
		if u.Run && i == 0 {
			allowed = -1 // all pairs, and if there is no document that has, most
		}
		if err := f.together(l, forms, allowed, i > 0); err != nil {
			return err
		}
	}
	n := float64(f.scratch.unit.Count())
	if n == 0 {
		return nil
	}
	idf := float32(math.Log(1 + (f.docs-n+0.5)/(n+0.5)))
	f.scratch.unit.Each(func(slot uint32) {
		s := f.unitScore[slot]
		f.score[slot] += (idf + 0.1) * s / (s + softness)
		f.matched[slot]++
	})
	return nil
}

// forms are those that a word as typed stands for; best is the right word when
// it has none but with a typo.
func (f *finder) forms(l *lexicon, word string, prefix, typos bool, known map[string]bool) (out []form, best string) {
	if prefix && utf8.RuneCountInString(word) == 1 && word[0] >= utf8.RuneSelf {
		out = l.holding(word)
	}
	out = f.g.alive(l, append(out, l.stemmed(word, search.ByWord)...))
	if prefix {
		have := map[uint32]bool{}
		for _, f := range out {
			have[f.id] = true
		}
		for _, form := range f.g.alive(l, l.begun(word)) {
			if !have[form.id] {
				out = append(out, form)
			}
		}
	}
	if !typos {
		return out, ""
	}
	common := l.common(out)
	if common >= rareWord || common == 0 && known[word] {
		return out, ""
	}
	near, best := l.near(word, prefix, 1+common*farCommon, f.g.lives(l))
	if len(near) == 0 {
		return out, ""
	}
	return append(out, near...), best
}

// together adds the documents in which each word has one of its forms.
func (f *finder) together(l *lexicon, forms [][]form, allowed int, synonym bool) error {
	if len(forms) == 0 {
		return nil
	}
	clear(f.altScore)
	var counts []uint8 // by slot, how many of several words it has
	if len(forms) > 1 {
		counts = make([]uint8, len(f.score))
	}
	most := uint8(0)
	for _, list := range forms {
		if len(list) == 0 && allowed == 0 {
			return nil
		}
		clear(f.term)
		clear(f.ofTerm)
		for _, form := range list {
			if err := f.postings(l, form); err != nil {
				return err
			}
		}
		if len(forms) == 1 {
			copy(f.alternative, f.term)
			copy(f.altScore, f.ofTerm)
			break
		}
		f.term.Each(func(slot uint32) {
			counts[slot]++
			most = max(most, counts[slot])
			f.altScore[slot] += f.ofTerm[slot] / float32(len(forms))
		})
	}
	if len(forms) > 1 {
		need := uint8(len(forms))
		if allowed < 0 && most < need {
			// One wrong character spoils two pairs.
			if need = max(most, need-min(2, need/2)); most < need {
				return nil
			}
		}
		clear(f.alternative)
		for slot, n := range counts {
			if n >= need {
				f.alternative.Add(uint32(slot))
			}
		}
	}
	quality := float32(1)
	if synonym {
		quality = synonymQuality
	}
	f.alternative.Each(func(slot uint32) {
		f.unitScore[slot] = max(f.unitScore[slot], f.altScore[slot]*quality)
	})
	f.scratch.unit.Or(f.alternative)
	return nil
}

// postings adds the documents that have a form.
func (f *finder) postings(l *lexicon, form form) error {
	word := l.words[form.id]
	if m := f.marks[l.locale]; m.Words[word] == "" {
		m.Words[word] = form.match
	}
	var posting index.TermFieldDoc
	for class := range classes {
		if err := f.ctx.Err(); err != nil {
			return err
		}
		reader, err := f.g.reader.TermFieldReader(f.ctx, []byte(word), className[class]+l.locale, true, true, false)
		if err != nil {
			return &search.Unavailable{Err: err}
		}
		weight := classWeight[class] * form.quality
		for {
			p, err := reader.Next(posting.Reset())
			if err != nil {
				reader.Close()
				return &search.Unavailable{Err: err}
			}
			if p == nil {
				break
			}
			slot := f.g.slotOf[p.ID.Value()]
			if slot == noSlot || !f.base.Has(slot) {
				continue
			}
			length := float32(1)
			if p.Norm > 0 {
				length = float32(1/(p.Norm*p.Norm)) / classLength[class]
			}
			tf := float32(p.Freq) / (1 - lengthInfluence + lengthInfluence*length)
			f.ofTerm[slot] += weight * 2 * tf / (tf + 1)
			f.term.Add(slot)
		}
		if err := reader.Close(); err != nil {
			return &search.Unavailable{Err: err}
		}
	}
	return nil
}

// phrase keeps (or, without keep, takes out) the documents of a locale that have
// the words side by side.
func (f *finder) phrase(words []string, locale string, keep bool) error {
	if f.found.Count() == 0 {
		return nil
	}
	clear(f.term)
	for class := range classes {
		s, err := searcher.NewPhraseSearcher(f.ctx, f.g.reader, words, 0, false, className[class]+locale, 1, bleve.SearcherOptions{})
		if err != nil {
			return &search.Unavailable{Err: err}
		}
		sc := &bleve.SearchContext{DocumentMatchPool: bleve.NewDocumentMatchPool(s.DocumentMatchPoolSize(), 0)}
		for n := 0; ; n++ {
			m, err := s.Next(sc)
			if err == nil && n%256 == 0 {
				err = f.ctx.Err()
			}
			if err != nil {
				s.Close()
				return &search.Unavailable{Err: err}
			}
			if m == nil {
				break
			}
			if slot := f.g.slotOf[m.IndexInternalID.Value()]; slot != noSlot {
				f.term.Add(slot)
			}
			sc.DocumentMatchPool.Put(m)
		}
		if err := s.Close(); err != nil {
			return &search.Unavailable{Err: err}
		}
	}
	f.ofLocale[slices.Index(f.q.Locales, locale)].Each(func(slot uint32) {
		switch {
		case f.term.Has(slot) != keep:
			f.found.Remove(slot)
		case keep:
			f.score[slot] += phraseScore
		}
	})
	return nil
}

// exclude takes out the documents of a locale that have any of the words.
func (f *finder) exclude(list [][]string, locale string) error {
	l := f.g.lexicons[locale]
	if l == nil {
		return nil
	}
	for _, words := range list {
		if len(words) > 1 {
			if err := f.phrase(words, locale, false); err != nil {
				return err
			}
			continue
		}
		clear(f.term)
		marks := f.marks[locale]
		f.marks[locale] = &search.Marks{Words: map[string]string{}} // what is excluded is not marked
		for _, form := range l.stemmed(words[0], search.ByWord) {
			if err := f.postings(l, form); err != nil {
				return err
			}
		}
		f.marks[locale] = marks
		f.found.AndNot(f.term)
	}
	return nil
}

// order gives the slots of the page, in order.
func (f *finder) order(words bool) []uint32 {
	rows := f.g.columns.rows
	name, descending := strings.CutPrefix(f.q.Sort, "-")
	var compare func(a, b uint32) int
	newest := func(a, b uint32) int { return cmp.Compare(rows[b].published, rows[a].published) }
	switch name {
	case search.SortRelevance:
		if compare = newest; words {
			f.titles()
			compare = func(a, b uint32) int {
				if c := cmp.Compare(f.score[b], f.score[a]); c != 0 {
					return c // mostly: and the rest is further away in memory
				}
				return newest(a, b)
			}
		}
	case search.SortDistance:
		f.found.Each(func(slot uint32) {
			d, _ := nearest(f.q, rows[slot].points)
			f.unitScore[slot] = float32(d)
		})
		compare = func(a, b uint32) int { return cmp.Compare(f.unitScore[a], f.unitScore[b]) }
	case search.SortPublished:
		compare = func(a, b uint32) int { return cmp.Compare(rows[a].published, rows[b].published) }
	case search.SortUpdated:
		compare = func(a, b uint32) int { return cmp.Compare(rows[a].updated, rows[b].updated) }
	case search.SortTitle:
		compare = func(a, b uint32) int { return strings.Compare(f.g.columns.folded[a], f.g.columns.folded[b]) }
	default:
		i := slices.Index(f.g.settings.Keys, name)
		compare = func(a, b uint32) int {
			x, y := rows[a].keys[i], rows[b].keys[i]
			if (x == "") != (y == "") { // those without come last, in both directions
				if (x == "") != descending {
					return 1
				}
				return -1
			}
			return strings.Compare(x, y)
		}
	}
	before := func(a, b uint32) int {
		c := compare(a, b)
		if descending {
			c = -c
		}
		if c != 0 {
			return c
		}
		return strings.Compare(rows[a].id, rows[b].id)
	}
	best := top(f.found.Each, f.q.Offset+f.q.Limit, before)
	return best[min(len(best), f.q.Offset):]
}

// top gives the first n of what each yields in an order: a heap of the n best, the worst on
// top of it.
func top(each func(func(uint32)), n int, before func(a, b uint32) int) []uint32 {
	heap := make([]uint32, 0, n)
	each(func(slot uint32) {
		if len(heap) < n {
			heap = append(heap, slot)
			for i := len(heap) - 1; i > 0; {
				up := (i - 1) / 2
				if before(heap[i], heap[up]) <= 0 {
					break
				}
				heap[i], heap[up] = heap[up], heap[i]
				i = up
			}
			return
		}
		if before(slot, heap[0]) >= 0 {
			return
		}
		heap[0] = slot
		for i := 0; ; {
			down := 2*i + 1
			if down >= n {
				break
			}
			if down+1 < n && before(heap[down+1], heap[down]) > 0 {
				down++
			}
			if before(heap[down], heap[i]) <= 0 {
				break
			}
			heap[i], heap[down] = heap[down], heap[i]
			i = down
		}
	})
	slices.SortFunc(heap, before)
	return heap
}

// titles raises the documents whose title is the query or holds it, and applies
// what the type's declaration says.
func (f *finder) titles() {
	query := search.Fold(f.q.Text)
	several := strings.Contains(query, " ")
	f.found.Each(func(slot uint32) {
		f.score[slot] *= f.g.columns.hot[slot].boost
		title := f.g.columns.folded[slot]
		switch {
		case query == "" || len(title) < len(query):
		case title == query:
			f.score[slot] *= wholeTitle
		case several && strings.Contains(title, query):
			f.score[slot] *= partOfTitle
		}
	})
}

// stored reads the texts of a document.
func (g *generation) stored(id string) (texts, error) {
	var out texts
	number, err := g.reader.InternalID(id)
	if err != nil || number == nil {
		return out, &search.Unavailable{Err: cmp.Or(err, errGone)}
	}
	snapshot := g.reader.(*scorch.IndexSnapshot)
	n := number.Value()
	for _, segment := range snapshot.Segments() {
		if size := uint64(segment.FullSize()); n >= size {
			n -= size
			continue
		}
		var bad error
		err := segment.VisitDocument(n, func(field string, _ byte, data []byte, _ []uint64) bool {
			if field == storedTexts {
				bad = json.Unmarshal(data, &out)
			}
			return true
		})
		if err = cmp.Or(err, bad); err != nil {
			return out, &search.Unavailable{Err: err}
		}
		return out, nil
	}
	return out, &search.Unavailable{Err: errGone}
}
