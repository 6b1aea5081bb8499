package content

import (
	"context"
	"fmt"
	"slices"
)

// Fault is something that Verify found wrong. Where names the document, with
// the locale or revision when it is about one.
type Fault struct {
	Where string `json:"where"`
	Code  string `json:"code"`
	Note  string `json:"note,omitempty"`
}

// VerifyReport says what was looked at and what is wrong.
type VerifyReport struct {
	Documents, Variants, Revisions, Events int
	Faults                                 []Fault
}

// Verify reads the whole store and checks its invariants: every revision has
// the hash it claims and leads back to the first one without a gap; live and
// approved revisions are on the chain; keys are what the rules compute; states
// are declared; the log is without gaps and tells of the last version of every
// document.
func (s *Service) Verify(ctx context.Context) (*VerifyReport, error) {
	r := &VerifyReport{}
	last, err := s.verifyLog(ctx, r)
	if err != nil {
		return r, err
	}
	for after := ""; ; {
		docs, err := s.store.Scan(ctx, after, 200)
		if err != nil {
			return r, err
		}
		for _, d := range docs {
			after = d.ID
			r.Documents++
			if err := s.verifyDocument(ctx, r, d, last[d.ID]); err != nil {
				return r, err
			}
		}
		if len(docs) < 200 {
			return r, nil
		}
	}
}

func (r *VerifyReport) fault(where, code, format string, args ...any) {
	r.Faults = append(r.Faults, Fault{Where: where, Code: code, Note: fmt.Sprintf(format, args...)})
}

// verifyLog walks the log and gives the last version it tells of, by document.
func (s *Service) verifyLog(ctx context.Context, r *VerifyReport) (map[string]int64, error) {
	last := map[string]int64{}
	seen := map[string]bool{}
	for seq := int64(0); ; {
		events, err := s.store.Events(ctx, seq, 1000)
		if err != nil {
			return nil, err
		}
		for i := range events {
			e := &events[i]
			r.Events++
			if e.Seq != seq+1 {
				r.fault(e.Document, "log_gap", "event %d follows %d", e.Seq, seq)
			}
			seq = e.Seq
			if seen[e.ID] {
				r.fault(e.Document, "event_doubled", "event %s", e.ID)
			}
			seen[e.ID] = true
			if e.Version < last[e.Document] {
				r.fault(e.Document, "log_order", "version %d after %d", e.Version, last[e.Document])
			}
			last[e.Document] = max(last[e.Document], e.Version)
		}
		if len(events) < 1000 {
			return last, nil
		}
	}
}

func (s *Service) verifyDocument(ctx context.Context, r *VerifyReport, d *Document, logged int64) error {
	for i := range d.Pending {
		logged = max(logged, d.Pending[i].Version)
	}
	if logged != d.Version {
		r.fault(d.ID, "event_missing", "stored version %d, told of %d", d.Version, logged)
	}
	if k := s.keys(d); !slices.Equal(k.Terms, d.Keys.Terms) || !slices.Equal(k.Slugs, d.Keys.Slugs) || k.Title != d.Keys.Title || !k.Due.Equal(d.Keys.Due) {
		r.fault(d.ID, "keys_stale", "stored keys differ from computed ones")
	}
	for i := range d.Variants {
		v := &d.Variants[i]
		r.Variants++
		if def := s.workflowOf(d.Type); def == nil || def.State(v.State) == nil {
			r.fault(d.ID+" "+v.Locale, "unknown_state", "%s", v.State)
		}
		if err := s.verifyChain(ctx, r, d, v); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) verifyChain(ctx context.Context, r *VerifyReport, d *Document, v *Variant) error {
	where := d.ID + " " + v.Locale
	onChain := map[string]bool{}
	want, hash := v.Latest.Number, v.Latest.Hash
	for hash != "" {
		rev, err := s.store.Revision(ctx, hash)
		if isNotFound(err) {
			r.fault(where, "revision_missing", "number %d, %s", want, hash)
			return nil
		}
		if err != nil {
			return err
		}
		r.Revisions++
		if rev.ComputeHash() != hash || rev.Hash != hash {
			r.fault(where, "hash_mismatch", "number %d", rev.Number)
		}
		if rev.Number != want || rev.Document != d.ID || rev.Locale != v.Locale {
			r.fault(where, "chain_broken", "expected number %d, found %d", want, rev.Number)
			return nil
		}
		onChain[hash] = true
		want, hash = want-1, rev.Prev
	}
	if want != 0 {
		r.fault(where, "chain_broken", "ends above number 1, at %d", want+1)
	}
	if !v.Live.IsZero() && !onChain[v.Live.Hash] {
		r.fault(where, "live_off_chain", "%s", v.Live.Hash)
	}
	for _, a := range v.Approvals {
		if !onChain[a.Revision] {
			r.fault(where, "approval_off_chain", "%s", a.Revision)
		}
	}
	return nil
}
