package content_test

import (
	"testing"

	"github.com/prassi-cms/prassi/content"
)

// A source that comes again says what to lay over a document that is there: what
// it does not name stays, nil removes, and what somebody is working on is not
// published with it.
func TestImportOver(t *testing.T) {
	d := newDesk(t)
	in := article("uno", "it")
	in.Variants[0].Fields["summary"] = "Breve"
	in.Variants[0].Fields["territories"] = []any{"PO"}
	var seen []content.Present
	lay := map[string]any{}
	in.Variants[0].Over = func(v content.IncomingVariant, now content.Present) content.IncomingVariant {
		seen = append(seen, now)
		v.Fields = lay
		return v
	}
	res := d.bring(false, in)
	doc := d.at(&content.Document{ID: res[0].Document})
	if len(seen) != 0 || res[0].Outcome != content.Created {
		t.Fatalf("asked %d times of a document that was not there: %+v", len(seen), res)
	}
	in.ID = doc.ID
	d.wantOutcomes(d.bring(false, in), content.Unchanged)
	if len(seen) != 1 || !seen[0].Live || seen[0].Offline || seen[0].Values["summary"] != "Breve" || seen[0].Values["territories"] == nil {
		t.Errorf("%+v", seen)
	}
	lay = map[string]any{"summary": nil, "body": "Nuovo"}
	res = d.bring(false, in)
	d.wantOutcomes(res, content.Changed)
	if v := d.variant(doc, "it"); len(res[0].Changes) != 2 || v.Live != v.Latest || v.Title != "uno it" {
		t.Errorf("%+v %+v", res[0].Changes, v)
	}
	// Somebody begins a working copy.
	d.edit(elena, d.at(doc), "it", map[string]any{"title": "Non finito"})
	live := d.variant(doc, "it").Live
	lay = map[string]any{}
	d.wantOutcomes(d.bring(false, in), content.Unchanged)
	lay = map[string]any{"body": "Ancora"}
	res = d.bring(false, in)
	if v := d.variant(doc, "it"); v.Live != live || v.Latest == live || !res[0].Queued || v.Title != "Non finito" {
		t.Errorf("%+v %+v", res, v)
	}
	// A new language brings its texts, whatever is laid over the facts.
	in.Variants[0].Locale, lay = "en", nil
	res = d.bring(false, in)
	if v := d.at(doc).Variant("en"); res[0].Outcome != content.Created || v == nil || v.Title != "uno it" || seen[len(seen)-1].Values["body"] == "Ancora" {
		t.Errorf("%+v %+v", res, v)
	}
	d.clean()
}

// Facts that another language's draft changed are somebody's work, too.
func TestImportOverWaitsForTheFacts(t *testing.T) {
	d := newDesk(t)
	in := article("uno", "it", "en")
	for i := range in.Variants {
		in.Variants[i].Fields["territories"] = []any{"PO"}
	}
	doc := d.at(&content.Document{ID: d.bring(false, in)[0].Document})
	d.edit(elena, doc, "en", map[string]any{"territories": []any{"MI"}})
	live := d.variant(doc, "it").Live
	again := content.Incoming{Type: "article", ID: doc.ID, Variants: in.Variants[:1]}
	again.Variants[0].Over = func(v content.IncomingVariant, _ content.Present) content.IncomingVariant {
		v.Fields = map[string]any{"body": "Nuovo"}
		return v
	}
	res := d.bring(false, again)
	if v := d.variant(doc, "it"); v.Live != live || !res[0].Queued {
		t.Errorf("an import published facts that wait: %+v %+v", res, v)
	}
	d.clean()
}
