package content

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/prassi-cms/prassi/schemas"
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
	// Digest is one hash over the heads of all documents' events, in hexadecimal.
	// Who notes it elsewhere can tell later that nobody wrote the whole past anew:
	// the same documents at the same versions have the same digest.
	Digest string
	Faults []Fault
}

// Verify reads the whole store and checks its invariants:
//
//   - every revision has the hash it claims and leads back to the first one
//     without a gap, and the facts it carries never go back;
//   - what the document and its variants say of their latest and live revisions
//     is so; approvals and waiting publications stand on the latest one; live
//     facts come from a revision of the document, and there are some exactly
//     when something is live;
//   - states are declared; what is public is live as it stands, what is offline
//     is not;
//   - keys, the files in use, and whether the places are private, are what the
//     rules compute;
//   - only facts that age were confirmed, on a day that has come;
//   - what was merged into another is public in no language, waits for nothing,
//     and leads to a document that knows of it, without a circle;
//   - the log is without gaps, tells of the last version of every document and of
//     no document that is gone, and played back makes public what is public;
//   - every event has the hash it claims and follows the one that it names, and
//     the document names its last: nobody changed, removed, moved or added one.
//
// It may run beside writers: a document that changes meanwhile is looked at
// again.
func (s *Service) Verify(ctx context.Context) (*VerifyReport, error) {
	r := &VerifyReport{}
	log := &playedLog{version: map[string]int64{}, head: map[string]string{}, live: map[string]map[string]string{}, seen: map[string]bool{}}
	if err := s.play(ctx, r, log); err != nil {
		return r, err
	}
	heads, there := sha256.New(), map[string]bool{}
	for after := ""; ; {
		docs, err := s.store.Scan(ctx, after, 200)
		if err != nil {
			return r, err
		}
		for _, d := range docs {
			after = d.ID
			r.Documents++
			if d, err = s.settle(ctx, r, log, d); err != nil {
				return r, err
			}
			if err := s.verifyDocument(ctx, r, d, log); err != nil {
				return r, err
			}
			there[d.ID] = true
			fmt.Fprintln(heads, d.ID, d.LastEvent)
		}
		if len(docs) < 200 {
			r.Digest = hex.EncodeToString(heads.Sum(nil))
			return r, s.verifyGone(ctx, r, log, there)
		}
	}
}

// verifyGone tells of documents that the log knows and the store does not: what
// is thrown away leaves a tombstone.
func (s *Service) verifyGone(ctx context.Context, r *VerifyReport, log *playedLog, there map[string]bool) error {
	for _, id := range slices.Sorted(maps.Keys(log.version)) {
		if there[id] {
			continue
		}
		if _, err := s.store.Get(ctx, id); isNotFound(err) { // else it began meanwhile
			r.fault(id, "document_missing", "the log tells of version %d", log.version[id])
		} else if err != nil {
			return err
		}
	}
	return nil
}

func (r *VerifyReport) fault(where, code, format string, args ...any) {
	r.Faults = append(r.Faults, Fault{Where: where, Code: code, Note: fmt.Sprintf(format, args...)})
}

// playedLog is what the log says as far as it was read.
type playedLog struct {
	seq     int64
	version map[string]int64             // last one told of, by document
	head    map[string]string            // hash of the last event, by document
	live    map[string]map[string]string // live revision, by document and locale
	seen    map[string]bool
}

// play moves what is pending to the log and reads on in it.
func (s *Service) play(ctx context.Context, r *VerifyReport, log *playedLog) error {
	for n := 1; n > 0; {
		var err error
		if n, err = s.store.Relay(ctx); err != nil {
			return err
		}
	}
	for {
		events, err := s.store.Events(ctx, log.seq, 1000)
		if err != nil {
			return err
		}
		for i := range events {
			e := &events[i]
			r.Events++
			if e.Seq != log.seq+1 {
				r.fault(e.Document, "log_gap", "event %d follows %d", e.Seq, log.seq)
			}
			log.seq = e.Seq
			if log.seen[e.ID] {
				r.fault(e.Document, "event_doubled", "event %s", e.ID)
			}
			log.seen[e.ID] = true
			if last := log.version[e.Document]; e.Version < last || e.Version > last+1 {
				r.fault(e.Document, "log_order", "version %d after %d", e.Version, last)
			}
			log.version[e.Document] = max(log.version[e.Document], e.Version)
			log.head[e.Document] = r.follow(e, log.head[e.Document])
			log.fold(e)
		}
		if len(events) < 1000 {
			return nil
		}
	}
}

// follow checks an event against the head of its document's chain so far, and
// gives the next head.
func (r *VerifyReport) follow(e *Event, head string) string {
	if e.Hash == "" || e.ComputeHash() != e.Hash {
		r.fault(e.Document, "event_hash", "event %s is not as it was written", e.ID)
	}
	if e.Prev != head {
		r.fault(e.Document, "event_chain", "event %s does not follow the one before it", e.ID)
	}
	return e.Hash
}

// fold plays one event back: what it changed for the public.
func (log *playedLog) fold(e *Event) {
	switch e.Effect {
	case EffectPublished:
		if log.live[e.Document] == nil {
			log.live[e.Document] = map[string]string{}
		}
		log.live[e.Document][e.Locale] = e.Revision
	case EffectWithdrawn:
		delete(log.live[e.Document], e.Locale)
	}
}

// settle gives the document at the version that the log tells of, unless they
// really differ.
func (s *Service) settle(ctx context.Context, r *VerifyReport, log *playedLog, d *Document) (*Document, error) {
	const tries = 10
	for range tries {
		if log.version[d.ID] == d.Version && log.head[d.ID] == d.LastEvent {
			return d, nil
		}
		if err := s.play(ctx, r, log); err != nil {
			return nil, err
		}
		again, err := s.store.Get(ctx, d.ID)
		if err != nil {
			return nil, err
		}
		d = again
	}
	if told := log.version[d.ID]; told != d.Version {
		r.fault(d.ID, "event_missing", "stored version %d, told of %d", d.Version, told)
	}
	if log.head[d.ID] != d.LastEvent {
		r.fault(d.ID, "event_head", "the last event is not the one that the document names")
	}
	return d, nil
}

func (s *Service) verifyDocument(ctx context.Context, r *VerifyReport, d *Document, log *playedLog) error {
	if k := s.keys(d); !slices.Equal(k.Terms, d.Keys.Terms) || !slices.Equal(k.Slugs, d.Keys.Slugs) || k.Title != d.Keys.Title || !k.Due.Equal(d.Keys.Due) {
		r.fault(d.ID, "keys_stale", "stored keys differ from computed ones")
	}
	chains := map[string]*Revision{}
	for i := range d.Variants {
		v := &d.Variants[i]
		r.Variants++
		if i > 0 && d.Variants[i-1].Locale >= v.Locale {
			r.fault(d.ID, "variants_unordered", "%s after %s", v.Locale, d.Variants[i-1].Locale)
		}
		s.verifyState(r, d, v)
		if err := s.verifyChain(ctx, r, d, v, chains); err != nil {
			return err
		}
		public := v.Live.Hash
		if d.Hidden() {
			public = "" // withdrawn, as far as the public was told
		}
		if told := log.live[d.ID][v.Locale]; told != public {
			r.fault(d.ID+" "+v.Locale, "live_untold", "live is %q, the log makes it %q", public, told)
		}
	}
	s.verifyFacts(r, d, chains)
	s.verifyMedia(r, d, chains)
	s.verifyPrivacy(r, d, chains)
	s.verifyAssurance(r, d)
	if err := s.verifyMerge(ctx, r, d); err != nil {
		return err
	}
	if s.handedIn(d) && !d.HandedIn {
		r.fault(d.ID, "not_handed_in", "a variant has left the drawer")
	}
	return nil
}

// verifyState checks that what is public by its state is public indeed.
func (s *Service) verifyState(r *VerifyReport, d *Document, v *Variant) {
	where := d.ID + " " + v.Locale
	def := s.workflowOf(d.Type)
	if def == nil || def.State(v.State) == nil {
		r.fault(where, "unknown_state", "%s", v.State)
		return
	}
	state := def.State(v.State)
	if state.Public && v.Live != v.Latest {
		r.fault(where, "state_not_live", "state %s, latest number %d, live number %d", v.State, v.Latest.Number, v.Live.Number)
	}
	if state.Offline && !v.Live.IsZero() {
		r.fault(where, "state_live", "state %s, live number %d", v.State, v.Live.Number)
	}
}

// verifyFacts checks the document's shared values against its revisions.
func (s *Service) verifyFacts(r *VerifyReport, d *Document, chains map[string]*Revision) {
	if d.LiveShared.IsZero() == d.Live() {
		r.fault(d.ID, "live_facts", "live is %t, live facts are of revision %q", d.Live(), d.LiveShared.Hash)
	}
	if rev := chains[d.LiveShared.Hash]; !d.LiveShared.IsZero() && (rev == nil || rev.Number != d.LiveShared.Number) {
		r.fault(d.ID, "live_facts_off_chain", "%s", d.LiveShared.Hash)
	}
	newest := 0
	for _, rev := range chains {
		newest = max(newest, rev.SharedVersion)
		if rev.SharedVersion == d.SharedVersion && !bytes.Equal(rev.Shared, d.Shared) {
			r.fault(d.ID, "facts_differ", "from those of revision %s", rev.Hash)
		}
	}
	if newest != d.SharedVersion {
		r.fault(d.ID, "facts_version", "version %d, newest revision has %d", d.SharedVersion, newest)
	}
}

// verifyMedia checks which files the document says that it uses.
func (s *Service) verifyMedia(r *VerifyReport, d *Document, chains map[string]*Revision) {
	facts := chains[d.LiveShared.Hash]
	if d.LiveShared.IsZero() && len(d.LiveMedia) > 0 || facts != nil && !slices.Equal(mediaIn(facts.Shared), d.LiveMedia) {
		r.fault(d.ID, "media_stale", "those of the public facts are others")
	}
	for i := range d.Variants {
		v := &d.Variants[i]
		latest, public := chains[v.Latest.Hash], chains[v.Live.Hash]
		if latest != nil && !slices.Equal(mediaOf(latest), v.Media) ||
			v.Live.IsZero() && len(v.LiveMedia) > 0 || public != nil && !slices.Equal(mediaIn(public.Localized), v.LiveMedia) {
			r.fault(d.ID+" "+v.Locale, "media_stale", "those of its revisions are others")
		}
	}
}

// verifyPrivacy checks that places are hidden where facts ask for it, and nowhere
// else: without facts that do, now or once, nothing is sensitive.
func (s *Service) verifyPrivacy(r *VerifyReport, d *Document, chains map[string]*Revision) {
	ever, now := false, s.privateFacts(d.Type, d.Shared)
	for hash, rev := range chains {
		private := s.privateFacts(d.Type, rev.Shared)
		ever = ever || private
		now = now || private && hash == d.LiveShared.Hash
	}
	if now && !d.Sensitive || d.Sensitive && !ever {
		r.fault(d.ID, "sensitive_stale", "the document says %t", d.Sensitive)
	}
}

// verifyAssurance checks what is said of the last confirmation.
func (s *Service) verifyAssurance(r *VerifyReport, d *Document) {
	a := d.Assured
	if a == nil {
		return
	}
	w := &change{now: s.now()}
	day, err := time.Parse(time.DateOnly, a.On)
	switch {
	case s.schemas.Freshness(d.Type) == nil:
		r.fault(d.ID, "assured_wrong", "facts of the type %s do not age", d.Type)
	case !slices.Contains(stages, a.Stage) || a.On == "" && a.Stage == schemas.StageCurrent:
		r.fault(d.ID, "assured_wrong", "stage %q", a.Stage)
	case a.On != "" && (err != nil || day.After(w.today())):
		r.fault(d.ID, "assured_wrong", "on %q", a.On)
	}
}

// verifyMerge checks that what was merged away is gone, and where it leads.
func (s *Service) verifyMerge(ctx context.Context, r *VerifyReport, d *Document) error {
	if d.MergedInto == "" {
		return nil
	}
	if d.Live() || slices.ContainsFunc(d.Variants, func(v Variant) bool { return len(v.Schedule) > 0 }) {
		r.fault(d.ID, "merged_live", "it was merged into %s", d.MergedInto)
	}
	seen := map[string]bool{d.ID: true}
	for at := d; at.MergedInto != ""; {
		keep, err := s.store.Get(ctx, at.MergedInto)
		switch {
		case isNotFound(err):
			r.fault(d.ID, "merged_nowhere", "there is no %s", at.MergedInto)
			return nil
		case err != nil:
			return err
		case seen[keep.ID]:
			r.fault(d.ID, "merged_in_circle", "by way of %s", keep.ID)
			return nil
		case keep.Type != d.Type || !slices.Contains(keep.MergedFrom, at.ID):
			r.fault(d.ID, "merged_nowhere", "%s does not know of it", keep.ID)
		}
		seen[keep.ID] = true
		at = keep
	}
	return nil
}

func (s *Service) verifyChain(ctx context.Context, r *VerifyReport, d *Document, v *Variant, chains map[string]*Revision) error {
	where := d.ID + " " + v.Locale
	onChain := map[string]*Revision{}
	want, hash, facts := v.Latest.Number, v.Latest.Hash, d.SharedVersion
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
		if rev.Number != want || rev.Document != d.ID || rev.Locale != v.Locale || rev.Type != d.Type {
			r.fault(where, "chain_broken", "expected number %d, found %d", want, rev.Number)
			return nil
		}
		if rev.SharedVersion > facts {
			r.fault(where, "facts_went_back", "number %d has version %d, what follows has %d", rev.Number, rev.SharedVersion, facts)
		}
		onChain[hash], chains[hash], facts = rev, rev, rev.SharedVersion
		want, hash = want-1, rev.Prev
	}
	if want != 0 {
		r.fault(where, "chain_broken", "ends above number 1, at %d", want+1)
	}
	s.verifyPointers(r, d, v, onChain)
	return nil
}

// verifyPointers checks what a variant says of the revisions on its chain.
func (s *Service) verifyPointers(r *VerifyReport, d *Document, v *Variant, onChain map[string]*Revision) {
	where := d.ID + " " + v.Locale
	if latest := onChain[v.Latest.Hash]; latest == nil {
		r.fault(where, "no_revision", "the variant has none")
	} else {
		var title struct {
			Title string `json:"title"`
		}
		err := errors.Join(json.Unmarshal(latest.Shared, &title), json.Unmarshal(latest.Localized, &title))
		of := &Document{Shared: latest.Shared}
		if err != nil || latest.Slug != v.Slug || title.Title != v.Title || !slices.Equal(s.territoriesOf(of), v.Territories) {
			r.fault(where, "variant_stale", "slug, title or territories are not those of the latest revision")
		}
	}
	live := onChain[v.Live.Hash]
	switch {
	case v.Live.IsZero():
		if v.LiveSlug != "" {
			r.fault(where, "live_slug", "%q, and nothing is live", v.LiveSlug)
		}
	case live == nil:
		r.fault(where, "live_off_chain", "%s", v.Live.Hash)
	case live.Number != v.Live.Number || live.Slug != v.LiveSlug:
		r.fault(where, "live_slug", "%q, number %d; the live revision has %q, %d", v.LiveSlug, v.Live.Number, live.Slug, live.Number)
	}
	for _, a := range v.Approvals {
		if a.Revision != v.Latest.Hash {
			r.fault(where, "approval_elsewhere", "%s", a.Revision)
		}
	}
	for _, due := range v.Schedule {
		if due.Revision != "" && due.Revision != v.Latest.Hash {
			r.fault(where, "schedule_elsewhere", "%s", due.Revision)
		}
	}
}
