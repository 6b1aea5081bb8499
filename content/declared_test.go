package content_test

import (
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/sqlitestore"
	"github.com/prassi-cms/prassi/schemas"
)

// declared loads the shipped declarations with files added or replaced.
func declared(t *testing.T, files map[string]string) *schemas.Registry {
	t.Helper()
	over := fstest.MapFS{}
	err := fs.WalkDir(schemas.Files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(schemas.Files, name)
		over[name] = &fstest.MapFile{Data: data}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		over[name] = &fstest.MapFile{Data: []byte(text)}
	}
	reg, err := schemas.Load(over)
	if err != nil {
		t.Fatal(err)
	}
	return reg
}

const trainingCourse = `name: training_course
collection: training_courses
workflow: WORKFLOW
label: {it: Corso, en: Course, fr: Cours, es: Curso, ar: دورة, zh: 课程}
plural: {it: Corsi, en: Courses, fr: Cours, es: Cursos, ar: دورات, zh: 课程}
help: {it: Corsi, en: Courses, fr: Cours, es: Cursos, ar: دورات}
locales: [it, ar]
route: {path: "courses/{slug}"}
form:
  sections: [{use: main}, {use: classification}]
fields:
  - use: title
  - use: body
  - use: territories
  - name: hours
    kind: number
    integer: true
    required: publish
    label: {it: Ore, en: Hours, fr: Heures, es: Horas, ar: ساعات, zh: 课时}
    help: {it: Quante, en: How many, fr: Combien, es: Cuántas, ar: كم}
    form: {section: main}
`

// Adding a content type is one file: nothing in this package knows its name, and
// it is written, reviewed, published and scheduled like any other (law 2).
func TestATypeIsOneFile(t *testing.T) {
	d := newDesk(t)
	reg := declared(t, map[string]string{"types/training_course.yaml": strings.Replace(trainingCourse, "WORKFLOW", "editorial", 1)})
	var err error
	if d.Service, err = content.New(d.store, reg, content.Options{Clock: d.now}); err != nil {
		t.Fatal(err)
	}
	in := content.NewVariant{Type: "training_course", Locale: "ar", Fields: map[string]any{"title": "دورة", "territories": []any{"PO"}}}
	doc := d.create(amina, in)
	if s := doc.Variant("ar").Slug; !content.ValidSlug(s) || !strings.HasPrefix(s, "training-course-") {
		t.Errorf("slug %q", s)
	}
	_, err = d.Transition(ctx, amina, doc.ID, "ar", "*", content.Step{Name: "submit"})
	wantField(t, err, "/hours", "required")
	doc = d.edit(amina, doc, "ar", map[string]any{"hours": 40})
	doc = d.step(elena, d.step(amina, doc, "ar", "submit"), "ar", "approve")
	at := d.now().Add(time.Hour)
	doc = d.later(elena, doc, "ar", "publish", at)
	d.set(at)
	if n, err := d.RunDue(ctx); n != 1 || err != nil || d.variant(doc, "ar").Live.IsZero() {
		t.Errorf("%d published, %v", n, err)
	}
	// It is written in the languages that its file names, and in no other.
	in.Locale = "en"
	_, err = d.Create(ctx, amina, in)
	wantField(t, err, "/locale", "unknown_locale")
	_, err = d.AddVariant(ctx, amina, doc.ID, "*", content.NewVariant{Locale: "en", Fields: map[string]any{"title": "Course"}})
	wantField(t, err, "/locale", "unknown_locale")
	for locale, want := range map[string]bool{"it": true, "en": false} {
		if p, err := d.Permissions(ctx, amina, doc, locale); err != nil || p.Edit != want {
			t.Errorf("may begin %s: %t, %v", locale, p.Edit, err)
		}
	}
	res := d.importing(elena, content.Incoming{Type: "training_course", Variants: []content.IncomingVariant{
		{Locale: "it", Slug: "corso", Publish: true, Fields: map[string]any{"title": "Corso", "hours": 8}},
		{Locale: "fr", Slug: "cours", Fields: map[string]any{"title": "Cours"}},
	}})
	d.wantOutcomes(res, content.Created, content.Refused)
	d.clean()
}

// A workflow of its own is one more file.
func TestAWorkflowIsOneFile(t *testing.T) {
	const label = `{it: a, en: a, fr: a, es: a, ar: a, zh: a}`
	flow := "name: quick\ncreate: [editor]\nedit: [editor]\nstates:\n" +
		"  - {name: begun, initial: true, editable: true, label: " + label + "}\n" +
		"  - {name: out, public: true, label: " + label + "}\n" +
		"  - {name: gone, offline: true, label: " + label + "}\n" +
		"transitions:\n" +
		"  - {name: out_with_it, from: [begun, gone], to: out, roles: [editor], guards: [complete], label: " + label + "}\n" +
		"  - {name: back, from: [out], to: gone, roles: [editor], guards: [live], label: " + label + "}\n"
	d := newDesk(t)
	reg := declared(t, map[string]string{
		"types/training_course.yaml": strings.Replace(trainingCourse, "WORKFLOW", "quick", 1), "workflows/quick.yaml": flow,
	})
	var err error
	if d.Service, err = content.New(d.store, reg, content.Options{Clock: d.now}); err != nil {
		t.Fatal(err)
	}
	in := content.NewVariant{Type: "training_course", Locale: "it", Fields: map[string]any{"title": "Corso", "hours": 8}}
	_, err = d.Create(ctx, director, in) // who no role is named for
	wantCode(t, err, content.Forbidden, "forbidden")
	doc := d.step(elena, d.create(elena, in), "it", "out_with_it")
	if v := doc.Variant("it"); v.Live != v.Latest {
		t.Errorf("%+v", v)
	}
	doc = d.step(elena, doc, "it", "back")
	if doc.Live() {
		t.Error("still public")
	}
	d.clean()
}

// What an older declaration knew and today's does not stays in history; it does
// not keep anybody from editing.
func TestFieldsThatAreNoLongerDeclared(t *testing.T) {
	store, err := sqlitestore.Open(ctx, filepath.Join(t.TempDir(), "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	d := &desk{t: t, store: store, time: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)}
	now := strings.Replace(trainingCourse, "WORKFLOW", "editorial", 1)
	before := now + `  - name: teacher
    kind: text
    localized: true
    label: {it: a, en: a, fr: a, es: a, ar: a, zh: a}
    help: {it: a, en: a, fr: a, es: a, ar: a}
    form: {section: main}
  - name: room
    kind: text
    label: {it: a, en: a, fr: a, es: a, ar: a, zh: a}
    help: {it: a, en: a, fr: a, es: a, ar: a}
    form: {section: main}
`
	use := func(file string) {
		reg := declared(t, map[string]string{"types/training_course.yaml": file})
		if d.Service, err = content.New(store, reg, content.Options{Clock: d.now}); err != nil {
			t.Fatal(err)
		}
	}
	use(before)
	in := content.NewVariant{Type: "training_course", Locale: "it", Fields: map[string]any{"title": "Corso", "hours": 8, "teacher": "Ada", "room": "3"}}
	doc := d.create(elena, in)
	doc = d.step(elena, d.add(elena, doc, "ar", map[string]any{"title": "دورة"}), "it", "publish")
	use(now)
	doc = d.edit(yusuf, doc, "ar", map[string]any{"title": "دورة أخرى"}) // no fact of the translator's
	doc = d.edit(elena, doc, "it", map[string]any{"title": "Altro"})
	if _, err := d.Restore(ctx, elena, doc.ID, "it", "*", 1, ""); err != nil {
		t.Error(describe(err))
	}
	r, err := d.RevisionAt(ctx, elena, doc.ID, "it", 1)
	if err != nil || !strings.Contains(string(r.Localized), "Ada") {
		t.Errorf("history forgot: %v", err)
	}
	if _, err := d.Compare(ctx, elena, doc.ID, "it", 1, 2); err != nil {
		t.Error(err)
	}
	d.clean()
}
