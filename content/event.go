package content

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"
)

// Event tells of one change of a document. It is written inside the document
// with the change itself, and moved to the log by Store.Relay.
type Event struct {
	// ID is the same however often the event is relayed: document, version, index.
	ID string `json:"id" bson:"id"`
	// Seq is the place in the log, from 1, without gaps; zero while pending.
	Seq      int64     `json:"seq,omitempty" bson:"seq,omitempty"`
	Kind     EventKind `json:"kind" bson:"kind"`
	Document string    `json:"document" bson:"document"`
	Type     string    `json:"type" bson:"type"`
	Locale   string    `json:"locale,omitempty" bson:"locale,omitempty"`
	Version  int64     `json:"version" bson:"version"`
	Revision string    `json:"revision,omitempty" bson:"revision,omitempty"`
	At       time.Time `json:"at" bson:"at"`
	// Actor acted, under Grant ("reviewer@100": the one that permitted it), which
	// is lent by GrantOf when that is set; for somebody else when OnBehalfOf is (a
	// schedule fires what a person asked for); by the door Via, from where Trace
	// tells: see the fields of Actor.
	Actor      string `json:"actor" bson:"actor"`
	OnBehalfOf string `json:"on_behalf_of,omitempty" bson:"on_behalf_of,omitempty"`
	Grant      string `json:"grant,omitempty" bson:"grant,omitempty"`
	GrantOf    string `json:"grant_of,omitempty" bson:"grant_of,omitempty"`
	Via        string `json:"via,omitempty" bson:"via,omitempty"`
	Trace      string `json:"trace,omitempty" bson:"trace,omitempty"`
	// Transition, From and To tell of a workflow step.
	Transition string `json:"transition,omitempty" bson:"transition,omitempty"`
	From       string `json:"from,omitempty" bson:"from,omitempty"`
	To         string `json:"to,omitempty" bson:"to,omitempty"`
	Comment    string `json:"comment,omitempty" bson:"comment,omitempty"`
	// Other is the id of the other document of a merge.
	Other string `json:"other,omitempty" bson:"other,omitempty"`
	// Effect says what changed for the public; the catalogue reads nothing else.
	Effect Effect `json:"effect,omitempty" bson:"effect,omitempty"`
	// DueAt is when a scheduled transition falls.
	DueAt time.Time `json:"due_at,omitzero" bson:"due_at,omitempty"`
	// Prev is the Hash of the document's event before, empty for its first; Hash
	// covers all the rest but Seq, which the log gives.
	Prev string `json:"prev,omitempty" bson:"prev,omitempty"`
	Hash string `json:"hash,omitempty" bson:"hash,omitempty"`
}

// ComputeHash gives the lower-case hexadecimal SHA-256 of the event's JSON with
// an empty hash and without its place in the log: keys in the order of the
// struct, times in RFC 3339 UTC.
func (e *Event) ComputeHash() string {
	c := *e
	c.Hash, c.Seq = "", 0
	c.At, c.DueAt = c.At.UTC(), c.DueAt.UTC()
	data, err := json.Marshal(&c)
	if err != nil { // a struct of strings and times whose years have four digits
		return ""
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// EventKind is what happened.
type EventKind string

// The kinds of events.
const (
	EventCreated     EventKind = "created"     // a variant began
	EventEdited      EventKind = "edited"      // a new revision
	EventTransition  EventKind = "transition"  // a workflow step
	EventScheduled   EventKind = "scheduled"   // a step was asked for later
	EventUnscheduled EventKind = "unscheduled" // the request fell away; Comment says why
	EventDiscarded   EventKind = "discarded"   // a draft was thrown away
	EventAssured     EventKind = "assured"     // somebody confirmed the facts; Comment is the day
	EventAged        EventKind = "aged"        // the confirmation grew old; From and To are stages
	EventSensitive   EventKind = "sensitive"   // the places became private or public; To says which
	EventMerged      EventKind = "merged"      // into Other, or Other into it
)

// Effect is what an event changed for the public.
type Effect string

// The effects; the zero value means that the public sees no difference.
const (
	EffectNone      Effect = ""
	EffectPublished Effect = "published"
	EffectWithdrawn Effect = "withdrawn"
)
