package bleveindex

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"

	"github.com/blevesearch/bleve/v2/analysis"
	"github.com/blevesearch/bleve/v2/document"
	"github.com/blevesearch/bleve/v2/index/scorch"
	"github.com/blevesearch/bleve/v2/index/scorch/mergeplan"
	index "github.com/blevesearch/bleve_index_api"

	"github.com/prassi-cms/prassi/search"
)

// Bleve's names: the classes of weight, each with the locale's tag behind it, and
// what is stored.
const (
	classes       = search.Classes
	storedFacts   = "facts"
	storedTexts   = "texts"
	positionKey   = "position"
	fingerprintKV = "fingerprint"
)

// classWeight is what a word in a field of the class is worth, classLength how
// long its texts are on average, in words.
var (
	className   = [classes]string{"high_", "middle_", "low_"}
	classWeight = [classes]float32{9, 5, 2}
	classLength = [classes]float32{8, 30, 200}
)

// texts are what is stored of a document beside its facts.
type texts struct {
	Summary string        `json:"summary,omitempty"`
	Body    string        `json:"body,omitempty"`
	Other   []search.Text `json:"other,omitempty"`
}

// generation is one index: Bleve's files and what is in memory of them.
type generation struct {
	settings *search.Settings
	engine   *scorch.Scorch

	// writing is held by who changes; mu by who reads, and for the moment in
	// which a change becomes visible.
	writing sync.Mutex
	mu      sync.RWMutex

	reader   index.IndexReader
	slotOf   []uint32 // by Bleve's number of a document in reader
	columns  *columns
	lexicons map[string]*lexicon
	titles   titles
	position int64

	// Of the writer alone.
	slots    map[string]uint32 // by id
	free     []uint32
	next     uint32              // slots below have been given
	segments map[uint64][]uint32 // by Bleve's segment: slots by number
}

const noSlot = math.MaxUint32

var queue = sync.OnceValue(func() *index.AnalysisQueue { return index.NewAnalysisQueue(runtime.GOMAXPROCS(0)) })

// openGeneration opens or makes Bleve's files in a folder.
func openGeneration(path string, s *search.Settings) (g *generation, err error) {
	defer func() {
		if r := recover(); r != nil { // damaged files may surprise a decoder
			g, err = nil, fmt.Errorf("bleveindex: open %s: %v", path, r)
		}
	}()
	opened, err := scorch.NewScorch(scorch.Name, map[string]any{
		"path": path, "bolt_timeout": "5s", "numSnapshotsToKeep": 1,
	}, queue())
	if err != nil {
		return nil, fmt.Errorf("bleveindex: %w", err)
	}
	g = &generation{
		settings: s, engine: opened.(*scorch.Scorch), columns: newColumns(s), lexicons: map[string]*lexicon{},
		slots: map[string]uint32{}, segments: map[uint64][]uint32{},
	}
	if err := g.engine.Open(); err != nil {
		return nil, fmt.Errorf("bleveindex: open %s: %w", path, err)
	}
	if err := g.load(); err != nil {
		g.close()
		return nil, fmt.Errorf("bleveindex: load %s: %w", path, err)
	}
	return g, nil
}

// errOther is the error of an index that was made under other declarations.
var errOther = fmt.Errorf("made under other declarations")

// load reads the columns, the lexicons and the titles.
func (g *generation) load() error {
	reader, err := g.engine.Reader()
	if err != nil {
		return err
	}
	g.reader = reader
	snapshot, ok := reader.(*scorch.IndexSnapshot)
	if !ok {
		return fmt.Errorf("the reader is a %T", reader)
	}
	mark, err := reader.GetInternal([]byte(fingerprintKV))
	if err != nil {
		return err
	}
	count, err := reader.DocCount()
	if err != nil {
		return err
	}
	if mark == nil && count == 0 { // new
		b := index.NewBatch()
		b.SetInternal([]byte(fingerprintKV), []byte(g.settings.Fingerprint))
		return g.engine.Batch(b)
	}
	if string(mark) != g.settings.Fingerprint {
		return errOther
	}
	position, err := reader.GetInternal([]byte(positionKey))
	if err != nil {
		return err
	}
	if len(position) == 8 {
		g.position = int64(binary.BigEndian.Uint64(position))
	}
	fresh := map[uint32]string{}
	for _, segment := range snapshot.Segments() {
		numbers := make([]uint32, segment.FullSize())
		deleted := segment.Deleted()
		for n := range numbers {
			numbers[n] = noSlot
			if deleted != nil && deleted.Contains(uint32(n)) {
				continue
			}
			var d search.Document
			var bad error
			err := segment.VisitDocument(uint64(n), func(field string, _ byte, data []byte, _ []uint64) bool {
				if field == storedFacts {
					bad = json.Unmarshal(data, &d)
					return false
				}
				return true
			})
			if err != nil || bad != nil || d.ID == "" {
				return fmt.Errorf("document %d of a segment cannot be read: %v, %v", n, err, bad)
			}
			slot := g.slot(d.ID)
			numbers[n] = slot
			g.columns.put(slot, &d)
			fresh[slot] = g.columns.folded[slot]
		}
		g.segments[segment.Id()] = numbers
		g.slotOf = append(g.slotOf, numbers...)
	}
	g.titles = titles(nil).after(nil, fresh, g.folded)
	return g.loadLexicons()
}

func (g *generation) loadLexicons() error {
	for _, tag := range g.settings.Locales {
		for class := range classes {
			dict, err := g.reader.FieldDict(className[class] + tag)
			if err != nil {
				return err
			}
			for {
				entry, err := dict.Next()
				if err != nil {
					dict.Close()
					return err
				}
				if entry == nil {
					break
				}
				g.lexicon(tag).add(entry.Term, uint32(entry.Count))
			}
			if err := dict.Close(); err != nil {
				return err
			}
		}
	}
	for _, l := range g.lexicons {
		l.sort()
	}
	return nil
}

func (g *generation) lexicon(locale string) *lexicon {
	l := g.lexicons[locale]
	if l == nil {
		l = newLexicon(locale)
		g.lexicons[locale] = l
	}
	return l
}

// lives tells of words whether a document has them still: Bleve's lists leave out
// what was removed. The caller holds g.mu.
func (g *generation) lives(l *lexicon) func(id uint32) bool {
	return func(id uint32) bool {
		if l.df[id] >= mayBeGone {
			return true
		}
		for class := range classes {
			reader, err := g.reader.TermFieldReader(context.Background(), []byte(l.words[id]), className[class]+l.locale, false, false, false)
			if err != nil {
				return true // the search that follows says what is wrong
			}
			n := reader.Count()
			reader.Close()
			if n > 0 {
				return true
			}
		}
		return false
	}
}

// alive keeps the forms that documents still have.
func (g *generation) alive(l *lexicon, forms []form) []form {
	lives := g.lives(l)
	return slices.DeleteFunc(forms, func(f form) bool { return !lives(f.id) })
}

// slot gives the slot of an id, a new one if it has none.
func (g *generation) slot(id string) uint32 {
	slot, ok := g.slots[id]
	if ok {
		return slot
	}
	if n := len(g.free); n > 0 {
		slot, g.free = g.free[n-1], g.free[:n-1]
	} else {
		slot = g.next
		g.next++
	}
	g.slots[id] = slot
	return slot
}

// words is Bleve's analyser: those of package search. It notes which it met, for
// the lexicon; every text has its own.
type words struct{ met []string }

// Analyze gives the words of a text with their positions.
func (w *words) Analyze(text []byte) analysis.TokenStream {
	tokens := search.Tokens(make([]search.Token, 0, len(text)/6+1), string(text))
	out := make(analysis.TokenStream, len(tokens))
	all := make([]analysis.Token, len(tokens))
	seen := make(map[string]bool, len(tokens))
	for i, t := range tokens {
		all[i] = analysis.Token{Start: t.Start, End: t.End, Term: []byte(t.Term), Position: i + 1, Type: analysis.AlphaNumeric}
		out[i] = &all[i]
		if !seen[t.Term] {
			seen[t.Term] = true
			w.met = append(w.met, t.Term)
		}
	}
	return out
}

// entry is a document on its way into Bleve.
type entry struct {
	doc   *document.Document
	words []*words
}

// prepare makes Bleve's document of ours.
func (g *generation) prepare(d *search.Document) (entry, error) {
	if d.ID == "" || !slices.Contains(g.settings.Locales, d.Locale) {
		return entry{}, fmt.Errorf("bleveindex: document %q in locale %q", d.ID, d.Locale)
	}
	e := entry{doc: document.NewDocument(d.ID)}
	var parts [classes]uint64
	add := func(weight int, text string) {
		if text == "" || weight <= 0 {
			return
		}
		class := search.ClassOf(weight)
		w := &words{}
		e.words = append(e.words, w)
		e.doc.AddField(document.NewTextFieldCustom(className[class]+d.Locale, []uint64{parts[class]}, []byte(text),
			index.IndexField|index.IncludeTermVectors, w))
		parts[class]++
	}
	add(g.weight(d.Type, "title", 10), d.Title)
	add(g.weight(d.Type, "summary", 6), d.Summary)
	add(g.weight(d.Type, "body", 3), d.Body)
	for _, t := range d.Texts {
		add(t.Weight, t.Text)
	}
	facts := *d
	facts.Summary, facts.Body, facts.Texts = "", "", nil
	for _, stored := range []struct {
		name  string
		value any
	}{{storedFacts, &facts}, {storedTexts, texts{d.Summary, d.Body, d.Texts}}} {
		data, err := json.Marshal(stored.value)
		if err != nil {
			return e, fmt.Errorf("bleveindex: %w", err)
		}
		e.doc.AddField(document.NewTextFieldCustom(stored.name, nil, data, index.StoreField, nil))
	}
	return e, nil
}

func (g *generation) weight(typ, field string, usual int) int {
	if w := g.settings.Weight(typ, field); w > 0 {
		return w
	}
	return usual
}

// write puts a batch into Bleve and nowhere else.
func (g *generation) write(b search.Batch) (entries map[string]entry, err error) {
	batch := index.NewBatch()
	for _, id := range b.Remove {
		batch.Delete(id)
	}
	entries = make(map[string]entry, len(b.Put))
	for i := range b.Put {
		e, err := g.prepare(&b.Put[i])
		if err != nil {
			return nil, err
		}
		entries[b.Put[i].ID] = e
		batch.Update(e.doc)
	}
	batch.SetInternal([]byte(positionKey), binary.BigEndian.AppendUint64(nil, uint64(b.Position)))
	if err := g.engine.Batch(batch); err != nil {
		return nil, &search.Unavailable{Err: err}
	}
	return entries, nil
}

// apply makes a batch durable and then visible.
func (g *generation) apply(ctx context.Context, b search.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	g.writing.Lock()
	defer g.writing.Unlock()
	entries, err := g.write(b)
	if err != nil {
		return err
	}
	// What can be made ready without holding up those who search.
	changed, fresh := map[uint32]bool{}, map[uint32]string{}
	var gone []uint32
	for _, id := range b.Remove {
		if slot, ok := g.slots[id]; ok && entries[id].doc == nil {
			delete(g.slots, id)
			gone = append(gone, slot)
			changed[slot] = true
		}
	}
	put := map[uint32]*search.Document{}
	for i := range b.Put {
		d := &b.Put[i]
		slot := g.slot(d.ID)
		put[slot], fresh[slot] = d, search.Fold(d.Title)
		if int(slot) < len(g.columns.folded) {
			changed[slot] = true
		}
	}
	moved := g.titles
	if len(changed)+len(fresh) > 0 {
		moved = g.titles.after(changed, fresh, g.folded)
	}
	reader, slotOf, err := g.view()
	if err != nil {
		return &search.Unavailable{Err: err}
	}

	g.mu.Lock()
	for _, slot := range gone {
		g.columns.remove(slot)
	}
	for slot, d := range put {
		g.columns.put(slot, d)
		l := g.lexicon(d.Locale)
		for _, w := range entries[d.ID].words {
			for _, word := range w.met {
				if _, known := l.byWord[word]; !known || !changed[slot] {
					l.add(word, 1)
				}
			}
		}
	}
	for _, l := range g.lexicons {
		l.sort()
	}
	old := g.reader
	g.titles, g.reader, g.slotOf, g.position = moved, reader, slotOf, b.Position
	g.mu.Unlock()

	g.free = append(g.free, gone...)
	return old.Close()
}

func (g *generation) folded(slot uint32) string { return g.columns.folded[slot] }

// refresh takes up the segments that Bleve has merged since the last change.
func (g *generation) refresh() error {
	g.writing.Lock()
	defer g.writing.Unlock()
	reader, slotOf, err := g.view()
	if err != nil {
		return err
	}
	g.mu.Lock()
	old := g.reader
	g.reader, g.slotOf = reader, slotOf
	g.mu.Unlock()
	return old.Close()
}

// view gives the newest reader with the slots of its documents.
func (g *generation) view() (index.IndexReader, []uint32, error) {
	reader, err := g.engine.Reader()
	if err != nil {
		return nil, nil, err
	}
	snapshot, ok := reader.(*scorch.IndexSnapshot)
	if !ok {
		return nil, nil, fmt.Errorf("closed")
	}
	known := map[uint64][]uint32{}
	var all []uint32
	for _, segment := range snapshot.Segments() {
		numbers := g.segments[segment.Id()]
		if numbers == nil {
			numbers = make([]uint32, segment.FullSize())
			for n := range numbers {
				id, err := segment.DocID(uint64(n))
				if err != nil {
					reader.Close()
					return nil, nil, err
				}
				slot, ok := g.slots[string(id)]
				if !ok { // removed: Bleve gives no posting of it
					slot = noSlot
				}
				numbers[n] = slot
			}
		}
		known[segment.Id()] = numbers
		all = append(all, numbers...)
	}
	g.segments = known
	return reader, all, nil
}

// settle merges what was written into few segments.
func (g *generation) settle(ctx context.Context) error {
	plan := mergeplan.SingleSegmentMergePlanOptions
	return g.engine.ForceMerge(ctx, &plan)
}

func (g *generation) close() error {
	g.writing.Lock()
	defer g.writing.Unlock()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.reader != nil {
		g.reader.Close()
		g.reader = nil
	}
	return g.engine.Close()
}
