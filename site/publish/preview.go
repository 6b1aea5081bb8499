package publish

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/content"
)

// How long the address of a preview holds.
const (
	DefaultPreviewLife = 24 * time.Hour
	MaxPreviewLife     = 7 * 24 * time.Hour
)

// MaxPreviews bounds the addresses of one document that hold at once.
const MaxPreviews = 20

// Codes are those of problems that this package makes.
var Codes = []string{codePreviewLife, codePreviewMany, codePreviewOver}

const (
	codePreviewLife = "preview_life"      // hours
	codePreviewMany = "previews_too_many" // max
	codePreviewOver = "preview_over"      // none
)

// CodePreviewOver is the code of the problem that an address is no more: it ended,
// was taken back, or never was; which of them is not told.
const CodePreviewOver = codePreviewOver

const kindPreview = "preview"

// Preview is an address under which one revision can be read by whoever has it. The
// address itself is not kept, only a hash of it.
type Preview struct {
	ID        string    `json:"-"` // the hash, in hexadecimal
	Document  string    `json:"document"`
	Locale    string    `json:"locale"`
	Revision  string    `json:"revision"` // its hash
	Number    int       `json:"number"`
	State     string    `json:"state,omitempty"` // of the workflow, when the revision was the latest
	Media     []string  `json:"media,omitempty"` // ids of the files that it shows
	By        string    `json:"by"`              // id of the actor
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

// Previews lends out looks at revisions. It is safe for concurrent use, beside any
// number of others on the same ledger.
type Previews struct {
	ledger *audit.Ledger
	clock  func() time.Time
}

// NewPreviews makes Previews; clock nil means time.Now.
func NewPreviews(ledger *audit.Ledger, clock func() time.Time) *Previews {
	if clock == nil {
		clock = time.Now
	}
	return &Previews{ledger, clock}
}

// tokenLength is that of 256 random bits in base 64.
const tokenLength = 43

// WellFormed says whether a text may be the token of a preview.
func WellFormed(token string) bool {
	return len(token) == tokenLength && strings.Trim(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == ""
}

func idOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// Create makes an address for a revision and answers its token, which is told only
// here. Who may see the revision is decided before. A life of zero is the default; one
// that is too long is a problem, and so are too many addresses of one document.
func (p *Previews) Create(ctx context.Context, by content.Actor, v Preview, life time.Duration) (token string, made Preview, err error) {
	if life == 0 {
		life = DefaultPreviewLife
	}
	if life < time.Minute || life > MaxPreviewLife {
		return "", v, &content.Problem{Class: content.Invalid, Code: codePreviewLife, Params: map[string]any{"hours": int(MaxPreviewLife.Hours())}}
	}
	if by.Anonymous() {
		return "", v, &content.Problem{Class: content.Unauthenticated, Code: "unauthenticated"}
	}
	holding, err := p.List(ctx, v.Document)
	if err != nil {
		return "", v, err
	}
	if len(holding) >= MaxPreviews {
		return "", v, &content.Problem{Class: content.Conflict, Code: codePreviewMany, Params: map[string]any{"max": MaxPreviews}}
	}
	var secret [32]byte
	rand.Read(secret[:]) // never fails since Go 1.24
	token = base64.RawURLEncoding.EncodeToString(secret[:])
	now := p.clock().UTC().Truncate(time.Millisecond)
	v.ID, v.By, v.CreatedAt, v.ExpiresAt = idOf(token), by.ID, now, now.Add(life)
	// It is told of before it is there: nobody reads by what nobody knows of.
	details := map[string]string{"until": v.ExpiresAt.Format(time.RFC3339)}
	if err := p.ledger.Note(ctx, "previewed:"+v.Document, by, audit.PreviewMade, details); err != nil {
		return "", v, err
	}
	data, err := json.Marshal(v)
	if err != nil {
		return "", v, err
	}
	return token, v, p.ledger.Records().PutRecord(ctx, &content.Record{Kind: kindPreview, ID: v.ID, Data: data, At: now}, 0)
}

// Open gives what a token shows. One that is over, was taken back or never was is
// the problem CodePreviewOver.
func (p *Previews) Open(ctx context.Context, token string) (Preview, error) {
	over := &content.Problem{Class: content.NotFound, Code: codePreviewOver}
	if !WellFormed(token) {
		return Preview{}, over
	}
	v, err := p.read(ctx, idOf(token))
	if errors.Is(err, content.ErrNotFound) || err == nil && !p.clock().Before(v.ExpiresAt) {
		return Preview{}, over
	}
	return v, err
}

func (p *Previews) read(ctx context.Context, id string) (Preview, error) {
	r, err := p.ledger.Records().GetRecord(ctx, kindPreview, id)
	if err != nil {
		return Preview{}, err
	}
	return decodePreview(r)
}

func decodePreview(r *content.Record) (v Preview, err error) {
	err = json.Unmarshal(r.Data, &v)
	v.ID = r.ID
	return v, err
}

// List gives the addresses of a document that hold, the newest first.
func (p *Previews) List(ctx context.Context, document string) (out []Preview, err error) {
	now := p.clock()
	err = p.each(ctx, func(r *content.Record, v Preview) error {
		if v.Document == document && now.Before(v.ExpiresAt) {
			out = append(out, v)
		}
		return nil
	})
	slices.SortFunc(out, func(a, b Preview) int {
		if c := b.CreatedAt.Compare(a.CreatedAt); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return out, err
}

// Revoke ends an address of a document; one that does not hold is content.ErrNotFound.
func (p *Previews) Revoke(ctx context.Context, by content.Actor, document, id string) error {
	r, err := p.ledger.Records().GetRecord(ctx, kindPreview, id)
	if err != nil {
		return err
	}
	v, err := decodePreview(r)
	if err != nil {
		return err
	}
	if v.Document != document || !p.clock().Before(v.ExpiresAt) {
		return content.ErrNotFound
	}
	if err := p.ledger.Records().DeleteRecord(ctx, kindPreview, id, r.Version); err != nil {
		return err
	}
	return p.ledger.Note(ctx, "previewed:"+document, by, audit.PreviewEnded, nil)
}

func (p *Previews) each(ctx context.Context, do func(*content.Record, Preview) error) error {
	const page = 200
	for after := ""; ; {
		list, err := p.ledger.Records().ListRecords(ctx, kindPreview, after, page)
		if err != nil {
			return err
		}
		for _, r := range list {
			after = r.ID
			v, err := decodePreview(r)
			if err != nil {
				return err
			}
			if err := do(r, v); err != nil {
				return err
			}
		}
		if len(list) < page {
			return nil
		}
	}
}

// Purger removes, for retention, addresses that are over.
func (p *Previews) Purger() audit.Purger { return previewPurger{p} }

type previewPurger struct{ p *Previews }

// Kind is that of schemas/retention.yaml.
func (previewPurger) Kind() string { return "previews" }

// Purge removes those that ended before that time.
func (x previewPurger) Purge(ctx context.Context, olderThan time.Time) (n int, err error) {
	err = x.p.each(ctx, func(r *content.Record, v Preview) error {
		if !v.ExpiresAt.Before(olderThan) {
			return nil
		}
		err := x.p.ledger.Records().DeleteRecord(ctx, kindPreview, r.ID, r.Version)
		if errors.Is(err, content.ErrNotFound) || errors.Is(err, content.ErrConflict) {
			return nil // another process was faster
		}
		if err == nil {
			n++
		}
		return err
	})
	return n, err
}
