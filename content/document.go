package content

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prassi-cms/prassi/schemas"
)

// Document is one thing of one type: the facts that do not depend on a
// language, and its variants. It is the unit of compare-and-swap.
type Document struct {
	ID   string `json:"id" bson:"_id"`
	Type string `json:"type" bson:"type"`
	// Version grows by one with every write.
	Version int64 `json:"version" bson:"version"`
	// Owner is the scope of the organisation the document belongs to: the scope
	// of a contributor's grant. Empty for the newsroom's own.
	Owner     string    `json:"owner,omitempty" bson:"owner,omitempty"`
	Author    string    `json:"author" bson:"author"`
	CreatedAt time.Time `json:"created_at" bson:"created_at"`
	UpdatedAt time.Time `json:"updated_at" bson:"updated_at"`
	// Shared is the canonical JSON of the latest non-localised values;
	// SharedVersion grows when they change.
	Shared        json.RawMessage `json:"shared" bson:"shared"`
	SharedVersion int             `json:"shared_version" bson:"shared_version"`
	// LiveShared names the revision whose shared values the public sees.
	LiveShared RevisionRef `json:"live_shared" bson:"live_shared"`
	Variants   []Variant   `json:"variants" bson:"variants"`
	// LiveMedia are the files that the public facts use, by id; see Variant.Media.
	LiveMedia []string `json:"live_media,omitempty" bson:"live_media,omitempty"`
	// HandedIn says that a variant has left the drawer once: from then on the
	// councils of its territories see the document.
	HandedIn bool `json:"handed_in,omitempty" bson:"handed_in,omitempty"`
	// Assured says who confirmed last that the facts are true, and what the public
	// sees for it; nil when nobody ever did. Types whose facts age have it
	// (schemas.Registry.Freshness).
	Assured *Assurance `json:"assured,omitempty" bson:"assured,omitempty"`
	// Sensitive says that no public byte may tell where the places are: the live
	// facts, the latest, or some between them are private (schemas.Type.Private).
	// Declaring it holds at once, whatever is published; taking it back holds when
	// facts are published that are the latest and say so.
	Sensitive bool `json:"sensitive,omitempty" bson:"sensitive,omitempty"`
	// MergedInto is the document that this one was merged into: it has no live
	// variant and never changes again. MergedFrom are those that were merged into
	// this one, or nearly: a merge that failed in the middle may be left there.
	MergedInto string   `json:"merged_into,omitempty" bson:"merged_into,omitempty"`
	MergedFrom []string `json:"merged_from,omitempty" bson:"merged_from,omitempty"`
	// Discarded marks the tombstone of a draft that was thrown away.
	Discarded bool `json:"discarded,omitempty" bson:"discarded,omitempty"`
	// LastEvent is the hash of the document's newest event: the head of the chain
	// that its events form.
	LastEvent string `json:"last_event,omitempty" bson:"last_event,omitempty"`
	// Pending are events that the relay has not yet moved to the log.
	Pending []Event `json:"pending,omitempty" bson:"pending,omitempty"`
	// Keys are what the store indexes; computed by the Service at every write.
	Keys Keys `json:"keys" bson:"keys"`
}

// Keys are the look-up keys of a document. A store indexes them and asks
// nothing of what they mean.
type Keys struct {
	// Terms select documents: "type:practice", "state:submitted", "territory:100".
	Terms []string `json:"terms,omitempty" bson:"terms,omitempty"`
	// Slugs are unique over all documents: "practice/it/orti-condivisi". They
	// hold present, live and former slugs.
	Slugs []string `json:"slugs,omitempty" bson:"slugs,omitempty"`
	// Title is a collation key in hexadecimal: byte order is the reading order.
	Title string `json:"title,omitempty" bson:"title,omitempty"`
	// Due is when the next scheduled transition falls; zero when none.
	Due time.Time `json:"due,omitzero" bson:"due,omitempty"`
}

// Assurance is the last confirmation of a document's facts. It lies on the
// document and in no revision: to confirm what is public publishes no draft and
// voids no opinion.
type Assurance struct {
	// On is the civil day in Europe/Rome, as 2006-01-02; empty when only the stage
	// is known, because nobody ever confirmed anything.
	On string `json:"on,omitempty" bson:"on,omitempty"`
	// By is the id of the actor who confirmed, or for whom it was done.
	By string `json:"by,omitempty" bson:"by,omitempty"`
	// Stage is what the public was last told: see Service.Age.
	Stage schemas.Stage `json:"stage,omitempty" bson:"stage,omitempty"`
}

// Day gives On as UTC midnight of that day; the zero time when there is none.
func (a *Assurance) Day() time.Time {
	if a == nil {
		return time.Time{}
	}
	day, err := time.Parse(time.DateOnly, a.On)
	if err != nil {
		return time.Time{}
	}
	return day
}

// Variant is a document in one locale, with a workflow of its own.
type Variant struct {
	Locale string `json:"locale" bson:"locale"`
	// Version grows with every change of this variant.
	Version int64  `json:"version" bson:"version"`
	State   string `json:"state" bson:"state"`
	Title   string `json:"title" bson:"title"`
	// Territories are those of the latest revision, as ISTAT codes: the councils
	// that decide about it sit there, whatever another language says since.
	Territories []string `json:"territories,omitempty" bson:"territories,omitempty"`
	// Slug is the latest, LiveSlug the one under which the public finds it,
	// OldSlugs the former public ones, kept for redirects.
	Slug     string   `json:"slug" bson:"slug"`
	LiveSlug string   `json:"live_slug,omitempty" bson:"live_slug,omitempty"`
	OldSlugs []string `json:"old_slugs,omitempty" bson:"old_slugs,omitempty"`

	Latest RevisionRef `json:"latest" bson:"latest"`
	Live   RevisionRef `json:"live" bson:"live"`
	// LiveState is the public state in which Live was published, LiveUpdatedAt
	// the date of its content: State and UpdatedAt are those of Latest.
	LiveState     string    `json:"live_state,omitempty" bson:"live_state,omitempty"`
	LiveUpdatedAt time.Time `json:"live_updated_at,omitzero" bson:"live_updated_at,omitempty"`
	// Media are the files of ours that the latest revision uses, by id and sorted;
	// LiveMedia those that the live one uses in what it says in its own language.
	Media     []string `json:"media,omitempty" bson:"media,omitempty"`
	LiveMedia []string `json:"live_media,omitempty" bson:"live_media,omitempty"`

	Approvals []Approval  `json:"approvals,omitempty" bson:"approvals,omitempty"`
	Schedule  []Scheduled `json:"schedule,omitempty" bson:"schedule,omitempty"`

	// PublishedAt is the first publication; an import may state an earlier one.
	PublishedAt time.Time `json:"published_at,omitzero" bson:"published_at,omitempty"`
	// UpdatedAt is the date of the content: of its last edit, or as imported.
	UpdatedAt time.Time `json:"updated_at" bson:"updated_at"`
}

// RevisionRef points at a revision. The zero value points at none.
type RevisionRef struct {
	Hash   string `json:"hash,omitempty" bson:"hash,omitempty"`
	Number int    `json:"number,omitempty" bson:"number,omitempty"`
}

// IsZero says that the reference points at no revision.
func (r RevisionRef) IsZero() bool { return r.Hash == "" }

// Approval is a favourable opinion, pinned to a revision. Territory is the
// council's, for bodies that sit in one. Several opinions of one body make a
// collegial one.
type Approval struct {
	Body      string    `json:"body" bson:"body"`
	Territory string    `json:"territory,omitempty" bson:"territory,omitempty"`
	Revision  string    `json:"revision" bson:"revision"`
	Actor     string    `json:"actor" bson:"actor"`
	At        time.Time `json:"at" bson:"at"`
	Comment   string    `json:"comment,omitempty" bson:"comment,omitempty"`
}

// Scheduled is a transition that falls due at a moment. Revision pins a
// publication to what was approved.
type Scheduled struct {
	Transition string    `json:"transition" bson:"transition"`
	At         time.Time `json:"at" bson:"at"`
	Actor      string    `json:"actor" bson:"actor"`
	Revision   string    `json:"revision,omitempty" bson:"revision,omitempty"`
}

// Variant gives the variant in that locale, or nil.
func (d *Document) Variant(locale string) *Variant {
	for i := range d.Variants {
		if d.Variants[i].Locale == locale {
			return &d.Variants[i]
		}
	}
	return nil
}

// territories are those of any variant's latest revision, the document's present
// ones among them.
func (d *Document) territories() []string {
	var out []string
	for i := range d.Variants {
		for _, t := range d.Variants[i].Territories {
			if !slices.Contains(out, t) {
				out = append(out, t)
			}
		}
	}
	return out
}

// wasPublic says whether the public has, or has had, an address of the variant.
func (v *Variant) wasPublic() bool { return !v.Live.IsZero() || len(v.OldSlugs) > 0 }

// Hidden says that nobody confirmed the facts for so long that the public sees
// the document no more, though its live revisions stay what they are.
func (d *Document) Hidden() bool { return d.Assured != nil && d.Assured.Stage == schemas.StageHidden }

// Live says whether any variant is public: it has a live revision, which Hidden
// may yet keep from the public.
func (d *Document) Live() bool {
	return slices.ContainsFunc(d.Variants, func(v Variant) bool { return !v.Live.IsZero() })
}

// ETag names what a writer of this variant saw: the variant and the shared
// facts, but not the other languages, so two translators do not collide. Its
// last number is that of the revision, so that a conflict can say what changed
// since.
func (d *Document) ETag(locale string) string {
	v := d.Variant(locale)
	if v == nil {
		v = &Variant{}
	}
	return fmt.Sprintf(`"%d.%d.%d"`, v.Version, d.SharedVersion, v.Latest.Number)
}

// revisionOf reads the revision's number from an ETag, or gives zero.
func revisionOf(etag string) int {
	parts := strings.Split(strings.Trim(strings.TrimPrefix(etag, "W/"), `"`), ".")
	if len(parts) != 3 {
		return 0
	}
	n, err := strconv.Atoi(parts[2])
	if err != nil || n < 1 {
		return 0
	}
	return n
}

// clone makes a copy that shares nothing the Service changes.
func (d *Document) clone() *Document {
	c := *d
	c.Variants = slices.Clone(d.Variants)
	for i := range c.Variants {
		v := &c.Variants[i]
		v.OldSlugs = slices.Clone(v.OldSlugs)
		v.Approvals = slices.Clone(v.Approvals)
		v.Schedule = slices.Clone(v.Schedule)
	}
	c.MergedFrom = slices.Clone(d.MergedFrom)
	c.Pending = slices.Clone(d.Pending)
	return &c
}
