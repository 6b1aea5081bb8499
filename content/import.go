package content

import "time"

// Incoming is a document as an import found it outside: one thing in one or
// several locales.
type Incoming struct {
	Type string
	// ID is empty for a document that the outside does not number; it is then
	// found by the slug of any of its variants, or created.
	ID       string
	Owner    string
	Variants []IncomingVariant
}

// IncomingVariant is one file or line. The same locale may come twice: first
// what is public, then the newer working copy.
type IncomingVariant struct {
	Locale string
	Slug   string // empty: made from the title
	// Fields are raw values of the declared type; references may be slugs.
	Fields map[string]any
	// State is the state to reach; empty leaves the variant where it is, or in
	// the initial state. Publish asks for the nearest public state instead.
	State   string
	Publish bool
	// PublishedAt and UpdatedAt are the outside's dates; zero when unknown.
	PublishedAt time.Time
	UpdatedAt   time.Time
	// PublishAt and ExpireAt schedule; zero for none.
	PublishAt time.Time
	ExpireAt  time.Time
	// Source says where it came from ("it/legal.md", "items.jsonl:12"), for reports.
	Source string
}

// Outcome is what an import did, or would do, with one variant.
type Outcome string

// The outcomes.
const (
	Created   Outcome = "created"
	Changed   Outcome = "changed"
	Unchanged Outcome = "unchanged"
	Refused   Outcome = "refused"
)

// ImportResult reports on one IncomingVariant.
type ImportResult struct {
	Source   string
	Document string
	Locale   string
	Slug     string
	Outcome  Outcome
	Changes  []FieldChange // what differs, for Changed
	Problem  *Problem      // why, for Refused
}
