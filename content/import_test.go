package content_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/content"
)

func (d *desk) bring(dry bool, batch ...content.Incoming) []content.ImportResult {
	d.t.Helper()
	res, err := d.Import(ctx, content.System("import"), batch, dry)
	if err != nil {
		d.t.Fatal(describe(err))
	}
	return res
}

func outcomes(res []content.ImportResult) []content.Outcome {
	var out []content.Outcome
	for _, r := range res {
		out = append(out, r.Outcome)
	}
	return out
}

func article(slug string, locales ...string) content.Incoming {
	in := content.Incoming{Type: "article"}
	for _, l := range locales {
		in.Variants = append(in.Variants, content.IncomingVariant{
			Locale: l, Slug: slug, Publish: true, Source: l + "/" + slug,
			Fields:      map[string]any{"title": slug + " " + l, "body": "Text of " + l},
			PublishedAt: time.Date(2020, 5, 1, 0, 0, 0, 0, time.UTC), UpdatedAt: time.Date(2021, 5, 1, 0, 0, 0, 0, time.UTC),
		})
	}
	return in
}

func TestImportIsIdempotent(t *testing.T) {
	d := newDesk(t)
	batch := []content.Incoming{article("uno", "it", "ar"), article("due", "en")}
	if got := outcomes(d.bring(true, batch...)); !slices.Equal(got, []content.Outcome{"created", "created", "created"}) {
		t.Fatalf("dry run: %v", got)
	}
	if docs, _ := d.List(ctx, elena, content.Filter{Limit: 10}); len(docs) != 0 {
		t.Fatal("a dry run wrote")
	}
	res := d.bring(false, batch...)
	if got := outcomes(res); !slices.Equal(got, []content.Outcome{"created", "created", "created"}) || res[0].Document != res[1].Document {
		t.Fatalf("first run: %+v", res)
	}
	doc, err := d.Get(ctx, elena, res[0].Document)
	if err != nil {
		t.Fatal(err)
	}
	v := doc.Variant("ar")
	if v.State != "published" || v.PublishedAt.Year() != 2020 || v.UpdatedAt.Year() != 2021 || v.Live.IsZero() {
		t.Errorf("imported as %+v", v)
	}
	d.set(d.now().Add(time.Hour))
	if got := outcomes(d.bring(false, batch...)); !slices.Equal(got, []content.Outcome{"unchanged", "unchanged", "unchanged"}) {
		t.Fatalf("second run: %v", got)
	}
	batch[0].Variants[1].Fields["body"] = "نص آخر"
	res = d.bring(false, batch...)
	if got := outcomes(res); !slices.Equal(got, []content.Outcome{"unchanged", "changed", "unchanged"}) || len(res[1].Changes) != 1 || res[1].Changes[0].Field != "body" {
		t.Fatalf("third run: %+v", res)
	}
	if v := d.variant(doc, "ar"); v.Live != v.Latest || v.Latest.Number != 2 {
		t.Errorf("the new text is not live: %+v", v)
	}
	d.clean()
}

func TestImportRefusesOnlyWhatIsBad(t *testing.T) {
	d := newDesk(t)
	bad := article("bad", "it", "en")
	bad.Variants[0].Fields["colour"] = "red"
	res := d.bring(false, bad, article("good", "it"), content.Incoming{Type: "poem", Variants: []content.IncomingVariant{{Locale: "it"}}})
	if got := outcomes(res); !slices.Equal(got, []content.Outcome{"refused", "created", "created", "refused"}) {
		t.Fatalf("%+v", res)
	}
	wantField(t, res[0].Problem, "/colour", "unknown_field")
	wantField(t, res[3].Problem, "/type", "unknown_type")
	d.clean()
}

// Types whose workflow asks for opinions are taken through every step.
func TestImportTakesTheStepsOfTheWorkflow(t *testing.T) {
	d := newDesk(t)
	org := content.Incoming{Type: "organization", Variants: []content.IncomingVariant{{Locale: "it", Slug: "orti", Publish: true, Fields: map[string]any{"title": "Orti insieme", "territories": "PO"}}}}
	p := practice()
	p["organization"] = "orti"
	in := content.Incoming{Type: "practice", Owner: "orti", Variants: []content.IncomingVariant{{Locale: "it", Publish: true, Fields: p}}}
	res := d.bring(false, org, in)
	if got := outcomes(res); !slices.Equal(got, []content.Outcome{"created", "created"}) {
		t.Fatalf("%+v %v", res[1].Problem, describe(res[1].Problem))
	}
	doc, err := d.Get(ctx, elena, res[1].Document)
	if err != nil {
		t.Fatal(err)
	}
	if v := doc.Variant("it"); v.State != "published" || len(v.Approvals) != 1 || doc.Owner != "orti" {
		t.Errorf("%+v", v)
	}
	incomplete := practice()
	delete(incomplete, "results")
	res = d.bring(false, content.Incoming{Type: "practice", Variants: []content.IncomingVariant{{Locale: "it", Slug: "x", Publish: true, Fields: incomplete}}})
	if res[0].Outcome != content.Refused {
		t.Fatal("an incomplete practice was published")
	}
	wantField(t, res[0].Problem, "/results", "required")
	if docs, _ := d.List(ctx, elena, content.Filter{Type: "practice", Limit: 10}); len(docs) != 1 {
		t.Error("a refused practice was half-written")
	}
	// State, live revision and working copy survive a round trip.
	res = d.bring(false, content.Incoming{Type: "article", ID: "0190f3a0-0000-7000-8000-000000000001", Variants: []content.IncomingVariant{
		{Locale: "it", Slug: "doppio", State: "published", Fields: map[string]any{"title": "Pubblico", "body": "a"}},
		{Locale: "it", Slug: "doppio", State: "draft", Fields: map[string]any{"title": "Bozza", "body": "b"}},
	}})
	doc, err = d.Get(ctx, elena, res[0].Document)
	if err != nil {
		t.Fatal(err)
	}
	if v := doc.Variant("it"); v.State != "draft" || v.Live.Number != 1 || v.Latest.Number != 2 {
		t.Errorf("%+v", v)
	}
	d.clean()
}

func TestImportOfManyIsOneWrite(t *testing.T) {
	d := newDesk(t)
	var batch []content.Incoming
	for i := range 300 {
		batch = append(batch, article(fmt.Sprintf("n-%d", i), "it"))
	}
	for i, r := range d.bring(false, batch...) {
		if r.Outcome != content.Created {
			t.Fatalf("%d: %+v", i, r.Problem)
		}
	}
	d.clean()
}

// A translation that comes first in the alphabet takes the facts that only the
// original states.
func TestImportSpreadsSharedFacts(t *testing.T) {
	d := newDesk(t)
	it := practice()
	en := map[string]any{}
	for _, name := range []string{"title", "summary", "issue", "objectives", "activities", "results"} {
		en[name] = it[name]
	}
	res := d.bring(false, content.Incoming{Type: "practice", Variants: []content.IncomingVariant{
		{Locale: "en", Slug: "gardens", Publish: true, Fields: en}, {Locale: "it", Slug: "orti", Publish: true, Fields: it},
	}})
	if got := outcomes(res); !slices.Equal(got, []content.Outcome{"created", "created"}) {
		t.Fatal(describe(res[0].Problem))
	}
	if len(en) != 6 {
		t.Error("the caller's own map was changed")
	}
	d.clean()
}
