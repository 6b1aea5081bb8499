package search

import (
	"context"
	"iter"
)

// Index is an engine. All methods may be called at the same time. Errors are
// *Invalid for a query that is wrong, *Unavailable when the engine cannot do it
// now (nothing was changed, or the change can be repeated), and the context's.
type Index interface {
	// Apply puts and removes documents and notes the position, all or nothing.
	// When it returns, searches see the change and it survives a crash. A
	// document that is put replaces the one with its ID; removing one that is
	// not there does nothing.
	Apply(ctx context.Context, b Batch) error
	// Position is that of the last batch; 0 for an index that is new, or was
	// thrown away because it was damaged or made under other declarations: then
	// the caller makes it with Rebuild.
	Position(ctx context.Context) (int64, error)
	// Search answers a query.
	Search(ctx context.Context, q Query) (*Result, error)
	// Suggest completes what is being typed.
	Suggest(ctx context.Context, q SuggestQuery) ([]Suggestion, error)
	// Count is how many documents there are.
	Count(ctx context.Context) (int, error)
	// Entries lists what there is, by ID, after one; for verification.
	Entries(ctx context.Context, after string, limit int) ([]Entry, error)
	// Rebuild makes the index anew beside the live one, which goes on to answer
	// and to take batches (they reach the new one too), and swaps. position is
	// that of the log which documents reflect at least. An error, a cancelled
	// context or a crash leaves the old index as it is. Of two at a time the
	// second returns an error.
	Rebuild(ctx context.Context, position int64, documents iter.Seq2[Document, error]) error
	// Close ends the engine; Search after Close is *Unavailable.
	Close() error
}

// Batch is a change of an index.
type Batch struct {
	Put    []Document
	Remove []string // IDs
	// Position in the log of events up to which the index is now made.
	Position int64
}

// Entry is a document of an index as far as verification needs it.
type Entry struct{ ID, Version string }

// Result is the answer to a query.
type Result struct {
	Hits []Hit `json:"hits"`
	// Total counts all documents found, on all pages.
	Total int `json:"total"`
	// Facets are the counts asked for, the highest first, then by value.
	Facets map[string][]Count `json:"facets,omitempty"`
	// DidYouMean is the query with words that exist in place of those that do
	// not; empty: no suggestion.
	DidYouMean string `json:"did_you_mean,omitempty"`
	// Relaxed: no document has all the words; these have most.
	Relaxed bool `json:"relaxed,omitempty"`
	// Truncated: words beyond MaxWords, or phrases beyond MaxPhrases, were left out.
	Truncated bool `json:"truncated,omitempty"`
}

// Count is how many documents have a value.
type Count struct {
	Value string `json:"value"`
	Count int    `json:"count"`
}

// Hit is a document that was found.
type Hit struct {
	ID       string `json:"-"`
	Document string `json:"id"`
	Type     string `json:"type"`
	Locale   string `json:"locale"`
	Slug     string `json:"slug"`
	Title    string `json:"title"`
	// Version is that of the Document that was found: an answer may tell by it
	// that the public has another one meanwhile.
	Version string `json:"-"`
	// TitleHTML and Snippet are escaped HTML whose only element is mark.
	TitleHTML string `json:"title_html"`
	Snippet   string `json:"snippet"`
	// Score compares hits of one answer with each other, and nothing else.
	Score float64 `json:"score"`
	// Why says what matched, the most telling first.
	Why []Reason `json:"why,omitempty"`
	// Distance from Query.Near to the nearest point, in metres.
	Distance *float64 `json:"distance,omitempty"`
}

// Reason is why a document was found.
type Reason struct {
	// Field is title, summary, body, other or act.
	Field string `json:"field"`
	// Match is word, prefix, synonym, typo, phrase or act.
	Match string `json:"match"`
	// Text is the word of the document, or the act's label.
	Text string `json:"text"`
}

// Fields and kinds of a Reason.
const (
	InTitle   = "title"
	InSummary = "summary"
	InBody    = "body"
	InOther   = "other"
	InActs    = "act"

	ByWord    = "word"
	ByPrefix  = "prefix"
	BySynonym = "synonym"
	ByTypo    = "typo"
	ByPhrase  = "phrase"
	ByAct     = "act"
)

// SuggestQuery asks for completions.
type SuggestQuery struct {
	Text    string
	Locale  string
	Locales []string // as in Query
	Limit   int      // 1 to MaxSuggestions; 0 means 8
}

// Suggestion is a title or an act that a beginning leads to.
type Suggestion struct {
	// Kind is title or act.
	Kind string `json:"kind"`
	Text string `json:"text"`
	// HTML is the escaped text with what matched in mark.
	HTML string `json:"html"`
	// Query finds it; for a title that is not needed, since the document is known.
	Query    string `json:"query,omitempty"`
	Document string `json:"id,omitempty"`
	Type     string `json:"type,omitempty"`
	Locale   string `json:"locale,omitempty"`
	Slug     string `json:"slug,omitempty"`
	// Count is how many documents cite the act.
	Count int `json:"count,omitempty"`
}

// CheckSuggest is Check for SuggestQuery.
func (s *Settings) CheckSuggest(q SuggestQuery) (SuggestQuery, error) {
	full, err := s.Check(Query{Text: q.Text, Locale: q.Locale, Locales: q.Locales})
	if err != nil {
		return q, err
	}
	q.Locale, q.Locales = full.Locale, full.Locales
	if q.Limit == 0 {
		q.Limit = 8
	}
	if q.Limit < 1 || q.Limit > MaxSuggestions {
		var bad faults
		bad.add("limit", "out_of_range", map[string]any{"min": 1, "max": MaxSuggestions})
		return q, &Invalid{Issues: bad}
	}
	return q, nil
}
