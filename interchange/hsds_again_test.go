package interchange

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/schemas"
)

const sportello = "6f1c1a34-0000-4000-8000-000000000001"

// edited edits and publishes a document as an editor does.
func (h house) edited(t *testing.T, id, locale string, publish bool, fields map[string]any) {
	t.Helper()
	d := do(t)(h.Store.Get(t.Context(), id))
	d = do(t)(h.Edit(t.Context(), importer, id, locale, d.ETag(locale), content.Edit{Fields: fields}))
	if publish && d.Variant(locale).Live != d.Variant(locale).Latest {
		do(t)(h.Transition(t.Context(), importer, id, locale, d.ETag(locale), content.Step{Name: "publish"}))
	}
}

// values are those of the newest revision.
func (h house) values(t *testing.T, id, locale string) map[string]any {
	t.Helper()
	d := do(t)(h.Store.Get(t.Context(), id))
	list, err := h.RevisionsByHash(t.Context(), []string{d.Variant(locale).Latest.Hash})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]any{}
	for _, part := range []json.RawMessage{d.Shared, list[0].Localized} {
		if err := json.Unmarshal(part, &out); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// sent is the first service of an export.
func (h house) sent(t *testing.T) map[string]any {
	t.Helper()
	var list []map[string]any
	if err := json.Unmarshal([]byte(h.exportHSDSText(t)), &list); err != nil {
		t.Fatal(err)
	}
	return list[0]
}

func replaced(t *testing.T, pairs ...string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(directoryJSON, pairs[i]) {
			t.Fatalf("the directory has no %s", pairs[i])
		}
	}
	return strings.NewReplacer(pairs...).Replace(directoryJSON)
}

// What people wrote here stays when the directory comes again; what changed in
// the directory arrives; where both changed the directory wins and the report
// has both. An export says all of it.
func TestHSDSComesAgain(t *testing.T) {
	h, dir := newHouse(t), t.TempDir()
	publish := Options{Publish: true}
	h.bring(t, publish, RunOptions{}, write(t, dir, "a.json", directoryJSON))
	h.edited(t, sportello, "it", true, map[string]any{
		"summary": "Trova casa con noi.", "body": "Scritto qui", "eligibility": "Chi è maggiorenne", "minimum_age": 16, "cost": nil,
	})
	d := do(t)(h.Store.Get(t.Context(), sportello))
	do(t)(h.AddVariant(t.Context(), importer, sportello, d.ETag("en"), content.NewVariant{Locale: "en", Fields: map[string]any{"title": "Housing desk", "summary": "A translation"}}))
	mine, english := h.values(t, sportello, "it"), h.values(t, sportello, "en")

	sum, report := h.bring(t, publish, RunOptions{}, write(t, dir, "b.json", directoryJSON))
	if sum.Unchanged != 5 || strings.Contains(report, CodeHSDSBoth) {
		t.Fatalf("the same directory: %+v\n%s", sum, report)
	}
	if now := h.values(t, sportello, "it"); !reflect.DeepEqual(now, mine) {
		t.Errorf("the same directory made\n%v of\n%v", now, mine)
	}

	// Upstream: a name, a telephone that is gone, an age that was changed here too.
	next := write(t, dir, "c.json", replaced(t, `"name": "Sportello casa"`, `"name": "Sportello abitare"`,
		`"minimum_age": 18`, `"minimum_age": 21`, `[{"id": "p1", "number": "+39 055 123456", "type": "voice"}]`, `[]`))
	before := h.exportHSDSText(t)
	says := func(report string) {
		t.Helper()
		for _, line := range []string{"hsds_both_changed: field=minimum_age here=16 there=21", "import_field: after=21 before=16 field=minimum_age", "field=title", "field=contacts"} {
			if !strings.Contains(report, line) {
				t.Errorf("the report does not say %q:\n%s", line, report)
			}
		}
		if strings.Contains(report, "field=summary") || strings.Contains(report, "field=body") || strings.Count(report, CodeHSDSBoth) != 1 {
			t.Errorf("the report says too much:\n%s", report)
		}
	}
	sum, report = h.bring(t, publish, RunOptions{DryRun: true}, next)
	if says(report); sum.Changed != 1 || sum.Unchanged != 4 || h.exportHSDSText(t) != before {
		t.Errorf("dry: %+v", sum)
	}
	sum, report = h.bring(t, publish, RunOptions{Verbose: true}, next)
	if says(report); sum.Changed != 1 || sum.Unchanged != 4 {
		t.Errorf("%+v", sum)
	}
	now := h.values(t, sportello, "it")
	for field, want := range map[string]any{
		"title": "Sportello abitare", "minimum_age": 21.0, "contacts": nil, // from the directory
		"summary": "Trova casa con noi.", "body": "Scritto qui", "eligibility": "Chi è maggiorenne", "cost": nil, // written here
		"languages": []any{"bn"}, "places": mine["places"],
	} {
		if !reflect.DeepEqual(now[field], want) {
			t.Errorf("%s is %v, want %v", field, now[field], want)
		}
	}
	if en := h.values(t, sportello, "en"); en["title"] != english["title"] || en["summary"] != english["summary"] {
		t.Errorf("the translation is %v", en)
	}
	d = do(t)(h.Store.Get(t.Context(), sportello))
	if v := d.Variant("it"); v.Live != v.Latest || v.Slug != "sportello-casa" {
		t.Errorf("%+v", v)
	}
	if sent := h.sent(t); sent["name"] != "Sportello abitare" || sent["description"] != "Scritto qui" || sent["minimum_age"] != 21.0 ||
		sent["accreditations"] != "-nessuno" || sent["eligibility_description"] != "Chi è maggiorenne" || len(sent["phones"].([]any)) != 0 {
		t.Errorf("it goes out as %s", jsonText(sent))
	}
	if sum, report := h.bring(t, publish, RunOptions{}, next); sum.Unchanged != 5 || strings.Contains(report, CodeHSDSBoth) {
		t.Errorf("once more: %+v\n%s", sum, report)
	}
}

// What somebody has begun and not published is not published by an import; what
// the directory changed waits in it.
func TestHSDSWorkingCopy(t *testing.T) {
	h, dir := newHouse(t), t.TempDir()
	h.bring(t, Options{Publish: true}, RunOptions{}, write(t, dir, "a.json", directoryJSON))
	h.edited(t, sportello, "it", false, map[string]any{"body": "Non ancora finito"})
	live := do(t)(h.Store.Get(t.Context(), sportello)).Variant("it").Live
	sum, report := h.bring(t, Options{Publish: true}, RunOptions{}, write(t, dir, "b.json", directoryJSON))
	if sum.Unchanged != 5 {
		t.Errorf("%+v\n%s", sum, report)
	}
	sum, report = h.bring(t, Options{Publish: true}, RunOptions{}, write(t, dir, "c.json", replaced(t, `"minimum_age": 18`, `"minimum_age": 21`)))
	if sum.Changed != 1 || !strings.Contains(report, CodeReportQueued) {
		t.Errorf("%+v\n%s", sum, report)
	}
	if v := do(t)(h.Store.Get(t.Context(), sportello)).Variant("it"); v.Live != live || v.State == "published" {
		t.Errorf("the import published a working copy: %+v", v)
	}
	if now := h.values(t, sportello, "it"); now["body"] != "Non ancora finito" || now["minimum_age"] != 21.0 {
		t.Errorf("%v", now)
	}
}

// Whether a service is offered is compared like all else: what was withdrawn
// here stays so until the directory changes its mind.
func TestHSDSStatusAgain(t *testing.T) {
	h, dir := newHouse(t), t.TempDir()
	step := func(name string) {
		d := do(t)(h.Store.Get(t.Context(), sportello))
		do(t)(h.Transition(t.Context(), importer, sportello, "it", d.ETag("it"), content.Step{Name: name, Comment: "è chiuso"}))
	}
	bring := func(status string, live bool) {
		t.Helper()
		_, report := h.bring(t, Options{Publish: true}, RunOptions{}, write(t, dir, "a.json", replaced(t, `"active", "x_ours"`, `"`+status+`", "x_ours"`)))
		if v := do(t)(h.Store.Get(t.Context(), sportello)).Variant("it"); v.Live.IsZero() == live {
			t.Errorf("%s: live %v, want %v\n%s", status, !live, live, report)
		}
	}
	bring("active", true)
	step("withdraw")
	bring("active", false)
	bring("inactive", false)
	bring("active", true)
	bring("inactive", false)
	step("publish")
	bring("inactive", true)
	bring("temporarily closed", true) // the same answer in other words
	bring("active", true)
	bring("inactive", false)
}

// A document that is live and has an owner takes what the directory changed into
// the owner's queue; the public sees what it saw.
func TestHSDSQueue(t *testing.T) {
	h, dir := newHouse(t), t.TempDir()
	bring := func(text string) (Summary, string) {
		t.Helper()
		m, err := ReadMapping("m.yaml", []byte("rules:\n  - constants: {owner: orti}"), schemas.Default())
		if err != nil {
			t.Fatal(err)
		}
		return h.bring(t, Options{Mapping: m, Publish: true}, RunOptions{}, write(t, dir, "a.json", text))
	}
	bring(directoryJSON)
	h.edited(t, sportello, "it", true, map[string]any{"minimum_age": 16})
	live := do(t)(h.Store.Get(t.Context(), sportello)).Variant("it").Live
	sum, report := bring(replaced(t, `"minimum_age": 18`, `"minimum_age": 21`))
	if sum.Changed != 1 || !strings.Contains(report, CodeReportQueued) || !strings.Contains(report, "hsds_both_changed: field=minimum_age here=16 there=21") {
		t.Errorf("%+v\n%s", sum, report)
	}
	if v := do(t)(h.Store.Get(t.Context(), sportello)).Variant("it"); v.Live != live || h.values(t, sportello, "it")["minimum_age"] != 21.0 {
		t.Errorf("%+v", v)
	}
	if sum, report := bring(replaced(t, `"minimum_age": 18`, `"minimum_age": 21`)); sum.Unchanged != 5 || strings.Contains(report, CodeHSDSBoth) {
		t.Errorf("again: %+v\n%s", sum, report)
	}
}

// In a language that is new the texts come in, and the shared facts stay as they
// were edited.
func TestHSDSOtherLanguage(t *testing.T) {
	h, dir := newHouse(t), t.TempDir()
	file := write(t, dir, "a.json", directoryJSON)
	h.bring(t, Options{}, RunOptions{}, file)
	h.edited(t, sportello, "it", false, map[string]any{"minimum_age": 16})
	sum, report := h.bring(t, Options{Defaults: Defaults{Locale: "en"}}, RunOptions{}, file)
	now := h.values(t, sportello, "en")
	if sum.Created != 5 || now["title"] != "Sportello casa" || now["minimum_age"] != 16.0 || strings.Contains(report, CodeHSDSBoth) {
		t.Errorf("%+v %v\n%s", sum, now, report)
	}
}

// What a mapping file adds comes into documents that say nothing there; what it
// rewrites is not taken for somebody's edit.
func TestHSDSMappingAgain(t *testing.T) {
	h, dir := newHouse(t), t.TempDir()
	bring := func(rules, text string) (Summary, string) {
		t.Helper()
		m, err := ReadMapping("m.yaml", []byte("rules:\n  - "+rules), schemas.Default())
		if err != nil {
			t.Fatal(err)
		}
		return h.bring(t, Options{Mapping: m, Publish: true}, RunOptions{}, write(t, dir, "a.json", text))
	}
	const id = "6f1c1a34-0000-4000-8000-000000000009"
	text := `[{"id": "` + id + `", "name": "A", "alert": "x", "status": "active"}]`
	bring("values: {alert: {x: chiuso}}", text)
	if now := h.values(t, id, "it"); now["alert"] != "chiuso" {
		t.Fatal(now)
	}
	if sum, report := bring("{values: {alert: {x: chiuso}}, constants: {topics: [health], summary: Un aiuto}}", text); sum.Changed != 1 {
		t.Errorf("%+v\n%s", sum, report)
	}
	h.edited(t, id, "it", true, map[string]any{"topics": []any{"housing"}})
	sum, report := bring("{values: {alert: {x: chiuso, y: aperto}}, constants: {topics: [health], summary: Due}}", strings.Replace(text, `"x"`, `"y"`, 1))
	now := h.values(t, id, "it")
	if sum.Changed != 1 || strings.Contains(report, CodeHSDSBoth) || now["alert"] != "aperto" || now["summary"] != "Un aiuto" || !reflect.DeepEqual(now["topics"], []any{"housing"}) {
		t.Errorf("%+v %v\n%s", sum, now, report)
	}
}

// An organisation and a service with one UUID are told apart, in one import and
// in two, and both go out with it.
func TestHSDSTwins(t *testing.T) {
	const id = "6F1C1A34-0000-4000-8000-000000000009"
	service := `{"id": "` + id + `", "name": "Servizio", "status": "active", "organization_id": "` + id + `"}`
	organization := `{"id": "` + id + `", "name": "Ente", "legal_status": "x"}`
	for name, files := range map[string][]string{
		"together":       {"[" + service + "," + organization + "]"},
		"the other way":  {"[" + organization + "," + service + "]"},
		"inside":         {strings.Replace("["+service+"]", `"organization_id": "`+id+`"`, `"organization": `+organization, 1)},
		"one then other": {"[" + organization + "]", "[" + service + "]"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			for range 2 {
				report, refused := "", 0
				for _, text := range files {
					sum, more := h.bring(t, Options{Publish: true}, RunOptions{}, write(t, t.TempDir(), "a.json", text))
					report, refused = report+more, refused+sum.Refused
				}
				if strings.Count(report, CodeHSDSTwin) != 1 || refused > 0 {
					t.Errorf("%d refused:\n%s", refused, report)
				}
			}
			if docs, err := h.Scan(t.Context(), "", 10); err != nil || len(docs) != 2 {
				t.Fatalf("%d documents, %v", len(docs), err)
			}
			ente := do(t)(h.Store.Get(t.Context(), strings.ToLower(id)))
			if ente.Type != "organization" {
				t.Errorf("the id is that of %+v", ente)
			}
			if sent := h.sent(t); sent["id"] != id || sent["name"] != "Servizio" || !strings.Contains(jsonText(sent), id) {
				t.Errorf("the service goes out as %v", sent)
			}
		})
	}
}

// Nothing of a file that is not well-formed stays: not its counts, not what it
// said of organisations, not that its identifiers were seen.
func TestHSDSMalformedLeavesNothing(t *testing.T) {
	h, dir := newHouse(t), t.TempDir()
	const org = `"organization": {"id": "org", "name": "Ente"`
	bad := write(t, dir, "b.json", `[{"id": "s", "name": "S", "status": "active", "wait_time": "x", `+org+`, "legal_status": "strano"}}, {`)
	good := func(id string) string {
		return `[{"id": "` + id + `", "name": "Servizio ` + id + `", "status": "active", "fees": "1", ` + org + `}}]`
	}
	sum, report := h.bring(t, Options{}, RunOptions{}, write(t, dir, "a.json", good("r")), bad, write(t, dir, "c.json", good("s")))
	if sum.Created != 3 || sum.Refused == 0 || len(sum.Ignored) != 0 || strings.Contains(report, CodeHSDSRepeated) {
		t.Errorf("%+v\n%s", sum, report)
	}
	if sent := h.exportHSDSText(t); strings.Contains(sent, "strano") || strings.Contains(sent, "occurrence") {
		t.Errorf("goes out as %s", sent)
	}
}

// A row that thousands of others hang on is refused, and the rest comes in.
func TestHSDSTooManyRows(t *testing.T) {
	h, dir := newHouse(t), t.TempDir()
	write(t, dir, "service.csv", "id,name,status\na,A,active\nb,B,active\n")
	write(t, dir, "phone.csv", "id,service_id,number\n"+strings.Repeat("p,a,055 1\n", maxJoined+1))
	sum, report := h.bring(t, Options{Notation: NotationHSDS}, RunOptions{}, dir)
	if sum.Created != 1 || !strings.Contains(report, "service.csv:2:1: item_too_long") {
		t.Errorf("%+v\n%.2000s", sum, report)
	}
}
