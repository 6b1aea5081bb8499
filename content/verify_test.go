package content_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/content"
)

// Verify names every way in which a document can contradict its revisions, its
// keys, its state and the log.
func TestVerifyFindsEveryContradiction(t *testing.T) {
	d, h := newHooked(t, content.Options{})
	doc := d.create(amina, content.NewVariant{Type: "practice", Locale: "it", Fields: practice()})
	doc = d.step(sara, d.step(rita, d.step(amina, doc, "it", "submit"), "it", "endorse"), "it", "publish")
	doc = d.edit(elena, doc, "it", map[string]any{"title": "Orti"})
	doc = d.later(elena, doc, "it", "publish", d.now().Add(time.Hour))
	d.add(elena, doc, "en", english())
	d.clean()
	it := func(doc *content.Document) *content.Variant { return doc.Variant("it") }
	for _, c := range []struct {
		code string
		do   func(*content.Document)
	}{
		{"keys_stale", func(doc *content.Document) { doc.Keys.Terms = doc.Keys.Terms[1:] }},
		{"keys_stale", func(doc *content.Document) { doc.Keys.Slugs = append(doc.Keys.Slugs, "x") }},
		{"keys_stale", func(doc *content.Document) { doc.Keys.Due = time.Time{} }},
		{"variants_unordered", func(doc *content.Document) { slices.Reverse(doc.Variants) }},
		{"unknown_state", func(doc *content.Document) { it(doc).State = "lost" }},
		{"state_not_live", func(doc *content.Document) { it(doc).State = "published" }},
		{"state_live", func(doc *content.Document) { it(doc).State = "withdrawn" }},
		{"live_slug", func(doc *content.Document) { it(doc).LiveSlug = "altro" }},
		{"live_slug", func(doc *content.Document) { it(doc).Live = content.RevisionRef{} }},
		{"live_slug", func(doc *content.Document) { it(doc).Live.Number++ }},
		{"live_off_chain", func(doc *content.Document) { it(doc).Live = doc.Variant("en").Latest }},
		{"live_untold", func(doc *content.Document) { it(doc).Live = it(doc).Latest }},
		{"variant_stale", func(doc *content.Document) { it(doc).Slug = "altro" }},
		{"variant_stale", func(doc *content.Document) { it(doc).Title = "Altro" }},
		{"variant_stale", func(doc *content.Document) { it(doc).Territories = []string{"015"} }},
		{"approval_elsewhere", func(doc *content.Document) { it(doc).Approvals[0].Revision = it(doc).Live.Hash }},
		{"schedule_elsewhere", func(doc *content.Document) { it(doc).Schedule[0].Revision = it(doc).Live.Hash }},
		{"live_facts", func(doc *content.Document) { doc.LiveShared = content.RevisionRef{} }},
		{"live_facts_off_chain", func(doc *content.Document) { doc.LiveShared.Hash = "00" }},
		{"live_facts_off_chain", func(doc *content.Document) { doc.LiveShared.Number = 9 }},
		{"facts_differ", func(doc *content.Document) { doc.Shared = json.RawMessage(`{}`) }},
		{"facts_version", func(doc *content.Document) { doc.SharedVersion++ }},
		{"facts_went_back", func(doc *content.Document) { doc.SharedVersion = 0 }},
		{"revision_missing", func(doc *content.Document) { it(doc).Latest.Hash = "00" }},
		{"chain_broken", func(doc *content.Document) { it(doc).Latest.Number++ }},
		{"chain_broken", func(doc *content.Document) { it(doc).Latest = doc.Variant("en").Latest }},
		{"no_revision", func(doc *content.Document) { it(doc).Latest = content.RevisionRef{} }},
		{"not_handed_in", func(doc *content.Document) { doc.HandedIn = false }},
		{"event_missing", func(doc *content.Document) { doc.Version++ }},
		{"sensitive_stale", func(doc *content.Document) { doc.Sensitive = true }},
		{"assured_wrong", func(doc *content.Document) { doc.Assured = &content.Assurance{On: "2026-03-01"} }},
		{"merged_live", func(doc *content.Document) { doc.MergedInto = doc.ID }},
		{"merged_in_circle", func(doc *content.Document) { doc.MergedInto = doc.ID }},
	} {
		h.scan = c.do
		h.get = func(doc *content.Document, err error) (*content.Document, error) {
			if err == nil {
				c.do(doc)
			}
			return doc, err
		}
		r, err := d.Verify(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(r.Faults, func(f content.Fault) bool { return f.Code == c.code && f.Where != "" }) {
			t.Errorf("%s is not among %+v", c.code, r.Faults)
		}
	}
}

// A check beside writers finds no fault in what changes under its eyes.
func TestVerifyBesideWriters(t *testing.T) {
	d, h := newHooked(t, content.Options{})
	doc := d.create(elena, content.NewVariant{Type: "article", Locale: "it", Fields: map[string]any{"title": "Uno", "body": "x"}})
	n := 0
	h.scan = func(scanned *content.Document) {
		if n++; n == 1 { // written after the log was read; the page is old already
			d.step(elena, doc, "it", "publish")
		}
	}
	d.clean()
	n = 0
	h.scan = func(scanned *content.Document) {
		if n++; n == 1 {
			*scanned = *d.edit(elena, d.at(doc), "it", map[string]any{"body": "y"})
			scanned.Pending = nil
		}
	}
	d.clean()
}
