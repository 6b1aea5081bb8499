package content

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/prassi-cms/prassi/schemas"
)

// Revision is one immutable state of a variant's content. Hash covers all the
// rest, Prev is the Hash of the revision before it (empty for the first): the
// chain shows any later change.
//
// A revision that lost a race may stay in the store without a document pointing
// at it; the chain from Variant.Latest tells which ones count.
type Revision struct {
	Hash     string    `json:"hash" bson:"_id"`
	Prev     string    `json:"prev,omitempty" bson:"prev,omitempty"`
	Document string    `json:"document" bson:"document"`
	Type     string    `json:"type" bson:"type"`
	Locale   string    `json:"locale" bson:"locale"`
	Number   int       `json:"number" bson:"number"`
	Author   string    `json:"author" bson:"author"`
	At       time.Time `json:"at" bson:"at"`
	Slug     string    `json:"slug" bson:"slug"`
	// Shared and Localized are canonical JSON objects of the type's fields.
	Shared        json.RawMessage `json:"shared" bson:"shared"`
	Localized     json.RawMessage `json:"localized" bson:"localized"`
	SharedVersion int             `json:"shared_version" bson:"shared_version"`
	// Note is the author's word on the change; Restored the number of the
	// revision whose content this one brings back.
	Note     string `json:"note,omitempty" bson:"note,omitempty"`
	Restored int    `json:"restored,omitempty" bson:"restored,omitempty"`
}

// Ref gives the pointer to this revision.
func (r *Revision) Ref() RevisionRef { return RevisionRef{Hash: r.Hash, Number: r.Number} }

// ComputeHash gives the lower-case hexadecimal SHA-256 of the revision's JSON
// with an empty hash: keys in the order of the struct, times in RFC 3339 UTC.
func (r *Revision) ComputeHash() string {
	c := *r
	c.Hash = ""
	c.At = c.At.UTC()
	data, err := json.Marshal(&c)
	if err != nil { // only invalid raw JSON can do this, and the Service made it
		return ""
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// Values gives all fields of the revision, shared and localised.
func (r *Revision) Values() (schemas.Values, error) {
	values := schemas.Values{}
	for _, part := range []json.RawMessage{r.Shared, r.Localized} {
		if err := json.Unmarshal(part, &values); err != nil {
			return nil, fmt.Errorf("revision %s: %w", r.Hash, err)
		}
	}
	return values, nil
}
