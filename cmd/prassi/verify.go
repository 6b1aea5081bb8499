package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/search"
)

// Codes are the messages for what verify finds: "fault_" and the code of the
// fault, of whichever package found it. A test compares them with the sources.
var Codes = []string{
	"fault_document_missing", "fault_log_gap", "fault_event_doubled", "fault_log_order", "fault_event_hash",
	"fault_event_chain", "fault_event_missing", "fault_event_head", "fault_keys_stale",
	"fault_variants_unordered", "fault_live_untold", "fault_not_handed_in", "fault_unknown_state",
	"fault_state_not_live", "fault_state_live", "fault_live_facts", "fault_live_facts_off_chain",
	"fault_facts_differ", "fault_facts_version", "fault_media_stale", "fault_revision_missing",
	"fault_hash_mismatch", "fault_chain_broken", "fault_facts_went_back", "fault_no_revision",
	"fault_variant_stale", "fault_live_slug", "fault_live_off_chain", "fault_approval_elsewhere",
	"fault_schedule_elsewhere", "fault_assured_wrong", "fault_sensitive_stale", "fault_merged_live",
	"fault_merged_nowhere", "fault_merged_in_circle", "fault_merged", "fault_audit_unreadable", "fault_audit_extra", "fault_audit_place",
	"fault_audit_hash", "fault_audit_gap", "fault_audit_chain", "fault_audit_no_record",
	"fault_audit_truncated", "fault_audit_head", "fault_media_missing", "fault_media_changed",
	"fault_surplus", "fault_missing", "fault_revision", "fault_damaged", "fault_bytes",
	"fault_index_missing", "fault_index_surplus", "fault_index_stale",
}

type verifyCmd struct{}

// Run checks the store, the log of actions, the files, the catalogue against the
// store and the search index against the catalogue, and says in the reader's language what is wrong. The note in brackets is for
// whoever repairs it.
func (verifyCmd) Run(e *env) error {
	b, err := e.settled()
	if err != nil {
		return err
	}
	defer b.close()
	count := 0
	for _, check := range []func(*backend) (string, []content.Fault, error){e.verifyStore, e.verifyActions, e.verifyMedia, e.verifyCatalog, e.verifySearch} {
		summary, faults, err := check(b)
		if err != nil {
			return err
		}
		for _, f := range faults {
			fmt.Fprintln(e.stdout, e.fault(f))
		}
		fmt.Fprintln(e.stdout, summary)
		count += len(faults)
	}
	if count > 0 {
		fmt.Fprintln(e.stdout, e.text("verify_faults", map[string]any{"count": count}))
		return errFailed
	}
	_, err = fmt.Fprintln(e.stdout, e.text("verify_clean", nil))
	return err
}

// fault words one fault: where, code, sentence, note.
func (e *env) fault(f content.Fault) string {
	line := f.Where + ": " + f.Code + ": " + e.text("fault_"+f.Code, nil)
	if f.Note != "" {
		line += " (" + f.Note + ")"
	}
	return line
}

func (e *env) verifyStore(b *backend) (string, []content.Fault, error) {
	r, err := b.service.Verify(e.ctx)
	if err != nil {
		return "", nil, err
	}
	return e.text("verify_store", map[string]any{
		"documents": r.Documents, "variants": r.Variants, "revisions": r.Revisions, "events": r.Events, "digest": r.Digest,
	}), r.Faults, nil
}

func (e *env) verifyActions(b *backend) (string, []content.Fault, error) {
	r, err := b.ledger.Verify(e.ctx)
	if err != nil {
		return "", nil, err
	}
	return e.text("verify_audit", map[string]any{"entries": r.Entries, "subjects": r.Subjects, "digest": r.Digest}), r.Faults, nil
}

func (e *env) verifyMedia(b *backend) (string, []content.Fault, error) {
	files, faults, err := b.media.Verify(e.ctx)
	if err != nil {
		return "", nil, err
	}
	return e.text("verify_media", map[string]any{"files": files}), faults, nil
}

// verifyCatalog compares the catalogue with the store. While a server runs on
// the same folder the catalogue is the server's and is left alone.
func (e *env) verifyCatalog(b *backend) (string, []content.Fault, error) {
	c, err := e.openCatalog(b)
	if _, locked := errors.AsType[*catalog.LockedError](err); locked {
		return e.text("verify_catalog_busy", nil), nil, nil
	}
	if err != nil {
		return "", nil, err
	}
	defer c.Close()
	if err := c.CatchUp(e.ctx); err != nil {
		return "", nil, err
	}
	found, err := c.Verify(e.ctx, b.store)
	if err != nil {
		return "", nil, err
	}
	faults := make([]content.Fault, 0, len(found))
	for _, d := range found {
		note := ""
		if d.Want+d.Got != "" {
			note = fmt.Sprintf("want %q, got %q", d.Want, d.Got)
		}
		faults = append(faults, content.Fault{Where: strings.TrimSpace(d.Document + " " + d.Locale), Code: d.Code, Note: note})
	}
	return e.text("verify_catalog", map[string]any{"items": c.Stats().Items}), faults, nil
}

// verifySearch compares the search index with the catalogue. While a server runs
// on the same folder both are the server's and are left alone.
func (e *env) verifySearch(b *backend) (string, []content.Fault, error) {
	busy := func(err error) bool {
		_, catalogue := errors.AsType[*catalog.LockedError](err)
		_, index := errors.AsType[*search.LockedError](err)
		return catalogue || index
	}
	c, err := e.openCatalog(b)
	if busy(err) {
		return e.text("verify_search_busy", nil), nil, nil
	}
	if err != nil {
		return "", nil, err
	}
	defer c.Close()
	finder, err := e.openSearch(b, c)
	if busy(err) {
		return e.text("verify_search_busy", nil), nil, nil
	}
	if err != nil {
		return "", nil, err
	}
	defer finder.Close()
	found, err := finder.Verify(e.ctx)
	if err != nil {
		return "", nil, engineAway(err)
	}
	faults := make([]content.Fault, 0, len(found))
	for _, d := range found {
		note := ""
		if d.Want+d.Got != "" {
			note = fmt.Sprintf("want %q, got %q", d.Want, d.Got)
		}
		faults = append(faults, content.Fault{Where: d.Document + " " + d.Locale, Code: d.Code, Note: note})
	}
	return e.text("verify_search", map[string]any{"documents": c.Stats().Items}), faults, nil
}
