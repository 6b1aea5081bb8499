package content_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/schemas"
)

// fileID gives an id of a file for a letter.
func fileID(letter string) string { return strings.Repeat(letter, 26) }

func fileAddress(letter string) string { return "/media/" + fileID(letter) + "/1200.webp" }

func picture(letter, alt string) map[string]any {
	m := map[string]any{"src": fileAddress(letter), "type": "image/webp"}
	if alt != "" {
		m["alt"] = alt
	}
	return m
}

func TestMediaIDs(t *testing.T) {
	a, b := fileAddress("a"), fileAddress("b")
	for _, c := range []struct {
		name  string
		value any
		want  string // letters
	}{
		{"nothing", nil, ""},
		{"a value of kind media", picture("a", "x"), "a"},
		{"several", []any{picture("b", "x"), picture("a", "x"), picture("b", "y")}, "ab"},
		{"another host's file", map[string]any{"src": "https://example.org/a.jpg"}, ""},
		{"our file by its whole address", map[string]any{"src": "https://prassi.example" + a}, "a"},
		{"with a query", map[string]any{"src": a + "?v=1"}, "a"},
		{"a longer id", map[string]any{"src": "/media/" + fileID("a") + "a/x.webp"}, ""},
		{"a shorter id", map[string]any{"src": "/media/aaa/x.webp"}, ""},
		{"letters that no id has", map[string]any{"src": "/media/" + fileID("A") + "/x.webp"}, ""},
		{"no file", map[string]any{"src": "/media/" + fileID("a") + "/"}, ""},
		{"below another folder", map[string]any{"src": "/x" + a}, ""},
		{"a climbing name", map[string]any{"src": "/media/" + fileID("a") + "/../x"}, ""},
		{"an image", "Testo\n\n![Un orto](" + a + ")", "a"},
		{"a link", "Vedi [il modulo](" + a + " \"Modulo\").", "a"},
		{"an image in a link", "[![x](" + a + ")](" + b + ")", "ab"},
		{"a reference", "![x][uno]\n\n[uno]: " + a + "\n", "a"},
		{"a reference that nobody uses", "[uno]: " + a + "\n", ""},
		{"an autolink", "<https://prassi.example" + a + ">", "a"},
		{"a bare address", "Vedi https://prassi.example" + a + " qui", "a"},
		{"a tag", `<img src="` + a + `" alt="x">`, "a"},
		{"in a list, a quotation, a table", "- ![](" + a + ")\n\n> [x](" + b + ")\n", "ab"},
		{"escaped", `![x](\/media/` + fileID("a") + `/\x.webp)`, ""},
		{"code", "`![x](" + a + ")`\n\n    ![x](" + a + ")\n", ""},
		{"words", "Il file è " + a + " e basta.", ""},
		{"rows", []any{map[string]any{"title": "x", "text": "![x](" + b + ")"}}, "b"},
		{"what the renderer refuses", strings.Repeat("> ", 300) + "![x](" + a + ")", ""},
	} {
		var want []string
		for _, letter := range c.want {
			want = append(want, fileID(string(letter)))
		}
		if got := content.MediaIDs(schemas.Values{"x": c.value}); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", c.name, got, want)
		}
	}
}

// wantUse checks what is said of files: "a" used, "A" used and public.
func (d *desk) wantUse(letters string) {
	d.t.Helper()
	got := ""
	for _, letter := range []string{"a", "b", "c", "d", "e"} {
		switch used, live, err := d.MediaUse(ctx, fileID(letter)); {
		case err != nil:
			d.t.Fatal(err)
		case live && !used:
			d.t.Errorf("%s is public and not used", letter)
		case live:
			got += strings.ToUpper(letter)
		case used:
			got += letter
		}
	}
	if got != letters {
		d.t.Errorf("use %q, want %q", got, letters)
	}
	d.clean()
}

// The public sees the files of live revisions only; those of working copies are
// used all the same; what is withdrawn, replaced or thrown away is neither.
func TestMediaUse(t *testing.T) {
	d := newDesk(t)
	d.wantUse("")
	doc := d.create(elena, content.NewVariant{Type: "article", Locale: "it", Fields: map[string]any{
		"title": "Uno", "body": "![Un orto](" + fileAddress("b") + ")", "image": picture("a", "Una porta"),
	}})
	d.wantUse("ab")
	doc = d.step(elena, doc, "it", "publish")
	d.wantUse("AB")
	doc = d.edit(elena, doc, "it", map[string]any{"body": "![Un prato](" + fileAddress("c") + ")"})
	d.wantUse("ABc")
	doc = d.add(elena, doc, "en", map[string]any{"title": "One", "body": "x", "image": picture("d", "A door")})
	d.wantUse("ABcd")
	doc = d.step(elena, doc, "it", "publish")
	d.wantUse("ACd")
	doc = d.step(elena, doc, "it", "withdraw")
	d.wantUse("acd")
	doc = d.edit(elena, doc, "it", map[string]any{"image": nil})
	d.wantUse("cd")
	d.step(elena, doc, "en", "publish")
	d.wantUse("cD")
	other := d.create(elena, content.NewVariant{Type: "article", Locale: "it", Fields: map[string]any{"title": "Due", "image": picture("e", "")}})
	d.wantUse("cDe")
	if err := d.Discard(ctx, elena, other.ID, other.ETag("it")); err != nil {
		t.Fatal(err)
	}
	d.wantUse("cD")
	for _, id := range []string{"", "*", "a", fileID("a") + "'", "../" + fileID("a")} {
		if used, live, err := d.MediaUse(ctx, id); used || live || err != nil {
			t.Errorf("%q: %t %t %v", id, used, live, err)
		}
	}
}

// A file among the shared facts is public with them, in whatever language they
// were published, and no longer when newer facts are.
func TestMediaInSharedFacts(t *testing.T) {
	d := newDesk(t)
	typ := strings.Replace(trainingCourse, "WORKFLOW", "page", 1) + `  - name: logo
    kind: media
    label: {it: Logo, en: Logo, fr: Logo, es: Logo, ar: شعار, zh: 标志}
    form: {section: main}
`
	var err error
	if d.Service, err = content.New(d.store, declared(t, map[string]string{"types/training_course.yaml": typ}), content.Options{Clock: d.now}); err != nil {
		t.Fatal(err)
	}
	doc := d.create(elena, content.NewVariant{Type: "training_course", Locale: "it", Fields: map[string]any{
		"title": "Uno", "hours": 4, "logo": picture("a", "Logo"), "body": "[x](" + fileAddress("b") + ")",
	}})
	doc = d.step(elena, doc, "it", "publish")
	d.wantUse("AB")
	doc = d.add(elena, doc, "ar", map[string]any{"title": "دورة", "body": "x", "logo": picture("c", "Logo")})
	d.wantUse("ABc")
	doc = d.step(elena, doc, "ar", "publish") // newer facts: the Italian page shows them too
	d.wantUse("aBC")
	doc = d.step(elena, doc, "ar", "withdraw") // the facts stay, as long as something is public
	d.wantUse("aBC")
	doc = d.edit(elena, doc, "it", map[string]any{"title": "Due"})
	d.wantUse("BC")
	doc = d.step(elena, doc, "it", "publish")
	d.wantUse("BC")
	d.step(elena, doc, "it", "withdraw")
	d.wantUse("bc")
}

// Who sees a document sees its files; nobody else does.
func TestSeesMedia(t *testing.T) {
	d := newDesk(t)
	doc := d.create(amina, content.NewVariant{Type: "practice", Locale: "it", Fields: with(practice(), "image", picture("a", "Un orto"))})
	d.create(bruno, content.NewVariant{Type: "practice", Locale: "it", Fields: with(practice(), "title", "Altra", "image", picture("b", "Una riva"), "territories", []any{"MI"})})
	see := func() string {
		var out []string
		for _, a := range []content.Actor{amina, bruno, rita, marco, sara, elena, yusuf, director, {}, {ID: "person:nobody"}} {
			for _, letter := range []string{"a", "b", "c"} {
				ok, err := d.SeesMedia(ctx, a, fileID(letter))
				if err != nil {
					t.Fatal(err)
				}
				if ok {
					out = append(out, a.Name+":"+letter)
				}
			}
		}
		return strings.Join(out, " ")
	}
	if got, want := see(), "amina:a bruno:b elena:a elena:b director:a director:b"; got != want {
		t.Errorf("drafts: %s, want %s", got, want)
	}
	d.step(amina, doc, "it", "submit")
	if got, want := see(), "amina:a bruno:b rita:a sara:a elena:a elena:b director:a director:b"; got != want {
		t.Errorf("handed in: %s, want %s", got, want)
	}
	for _, id := range []string{"", "all", fileID("a") + "x"} {
		if ok, err := d.SeesMedia(ctx, director, id); ok || err != nil {
			t.Errorf("%q: %t, %v", id, ok, err)
		}
	}
}

// An image is published only with words for those who cannot see it, wherever
// it sits; a draft may wait for them, and a document to download needs none.
func TestAltIsRequiredToPublish(t *testing.T) {
	plain := map[string]any{"title": "Uno", "body": "Testo"}
	silent := "Testo\n\n![](" + fileAddress("a") + ")"
	for _, c := range []struct {
		name   string
		typ    string
		fields map[string]any
		path   string // empty: it may be published
	}{
		{"words", "article", with(plain, "image", picture("a", "Una porta")), ""},
		{"none", "article", with(plain, "image", picture("a", "")), "/image/alt"},
		{"blank", "article", with(plain, "image", picture("a", "   ")), "/image/alt"},
		{"by the name alone", "article", with(plain, "image", map[string]any{"src": "https://example.org/x.JPG?v=1"}), "/image/alt"},
		{"by the type alone", "article", with(plain, "image", map[string]any{"src": "/foto/x", "type": "image/png"}), "/image/alt"},
		{"a document", "article", with(plain, "documents", []any{map[string]any{"src": "/media/" + fileID("a") + "/x.pdf", "type": "application/pdf"}}), ""},
		{"an image among documents", "article", with(plain, "documents", []any{map[string]any{"src": "/x.pdf"}, map[string]any{"src": "/x.svg"}}), "/documents/1/alt"},
		{"in the text", "article", with(plain, "body", silent), "/body"},
		{"in the text, with words", "article", with(plain, "body", "![Un orto]("+fileAddress("a")+")"), ""},
		{"in the text, with blanks", "article", with(plain, "body", "![ \u00a0 ]("+fileAddress("a")+")"), "/body"},
		{"in the text, by a tag", "article", with(plain, "body", `<img src="`+fileAddress("a")+`" alt="">`), "/body"},
		{"in the text, linked", "article", with(plain, "body", "[![]("+fileAddress("a")+")](https://example.org)"), "/body"},
		{"in the text, as code", "article", with(plain, "body", "`"+silent[7:]+"`"), ""},
		{"in the text, of others", "article", with(plain, "body", "![](https://example.org/x.jpg)"), ""},
		{"a link without words", "article", with(plain, "body", "[]("+fileAddress("a")+")"), ""},
		{"in a row", "practice", with(practice(), "activities", []any{map[string]any{"title": "x", "text": "y"}, map[string]any{"title": "x", "text": silent}}), "/activities/1/text"},
	} {
		d := newDesk(t)
		doc := d.create(elena, content.NewVariant{Type: c.typ, Locale: "it", Fields: c.fields})
		step := "publish"
		if c.typ == "practice" {
			step = "submit"
		}
		_, err := d.Transition(ctx, elena, doc.ID, "it", doc.ETag("it"), content.Step{Name: step})
		if c.path == "" {
			if err != nil {
				t.Errorf("%s: %s", c.name, describe(err))
			}
			continue
		}
		wantCode(t, err, content.Invalid, "guard_complete")
		wantField(t, err, c.path, "alt_required")
		p, err := d.Permissions(ctx, elena, doc, "it")
		if err != nil || !slices.ContainsFunc(p.Actions, func(a content.PermittedAction) bool {
			return a.Name == step && a.Blocked == "complete" && len(a.Missing) == 1 && a.Missing[0].Path == c.path
		}) {
			t.Errorf("%s: not offered with what is missing: %+v, %v", c.name, p, err)
		}
		if len(d.variantMissing(doc)) != 1 {
			t.Errorf("%s: %v", c.name, d.variantMissing(doc))
		}
	}
}

// variantMissing asks again from the stored revision, as a later request does.
func (d *desk) variantMissing(doc *content.Document) []schemas.Issue {
	d.t.Helper()
	p, err := d.Permissions(ctx, director, d.at(doc), "it")
	if err != nil {
		d.t.Fatal(err)
	}
	for _, a := range p.Actions {
		if a.Blocked == "complete" {
			return a.Missing
		}
	}
	return nil
}

// Whatever happens to a document, the files it names are those of its revisions.
func TestMediaModel(t *testing.T) {
	checks(t, 12)
	letters := []string{"a", "b", "c"}
	d := newDesk(t)
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		round++
		fields := func() map[string]any {
			out := map[string]any{"title": fmt.Sprint("Prova ", round), "body": "x"}
			if l := rapid.SampledFrom(append(letters, "")).Draw(rt, "body"); l != "" {
				out["body"] = "![Un orto](" + fileAddress(l) + ")"
			}
			if l := rapid.SampledFrom(append(letters, "")).Draw(rt, "image"); l != "" {
				out["image"] = picture(l, "x")
			} else {
				out["image"] = nil
			}
			return out
		}
		first := fields()
		maps.DeleteFunc(first, func(_ string, v any) bool { return v == nil })
		doc := d.create(elena, content.NewVariant{Type: "article", Locale: "it", Fields: first})
		doc = d.add(elena, doc, "en", with(first, "title", fmt.Sprint("Test ", round)))
		for range rapid.IntRange(1, 8).Draw(rt, "changes") {
			locale := rapid.SampledFrom([]string{"it", "en"}).Draw(rt, "locale")
			switch rapid.IntRange(0, 3).Draw(rt, "what") {
			case 0, 1:
				if out, err := d.Edit(ctx, elena, doc.ID, locale, "*", content.Edit{Fields: fields()}); err == nil {
					doc = out
				}
			case 2:
				if out, err := d.Transition(ctx, elena, doc.ID, locale, "*", content.Step{Name: "publish"}); err == nil {
					doc = out
				}
			case 3:
				if out, err := d.Transition(ctx, elena, doc.ID, locale, "*", content.Step{Name: "withdraw"}); err == nil {
					doc = out
				}
			}
		}
		var used, live []string
		for _, v := range doc.Variants {
			for _, ref := range []content.RevisionRef{v.Latest, v.Live} {
				if ref.IsZero() {
					continue
				}
				r, err := d.store.Revision(ctx, ref.Hash)
				if err != nil {
					rt.Fatal(err)
				}
				values, err := r.Values()
				if err != nil {
					rt.Fatal(err)
				}
				ids := content.MediaIDs(values)
				used = append(used, ids...)
				if ref == v.Live {
					live = append(live, ids...)
				}
			}
		}
		var terms []string
		for _, id := range used {
			terms = append(terms, "media:"+id)
		}
		for _, id := range live {
			terms = append(terms, "live-media:"+id)
		}
		slices.Sort(terms)
		terms = slices.Compact(terms)
		got := slices.DeleteFunc(slices.Clone(d.at(doc).Keys.Terms), func(s string) bool { return !strings.Contains(s, "media:") })
		if !slices.Equal(got, terms) {
			rt.Fatalf("terms %v, want %v", got, terms)
		}
	})
	d.clean()
}

// BenchmarkWriteWithMedia edits an article of 3 kB with and without files in its
// text: what looking for them costs.
func BenchmarkWriteWithMedia(b *testing.B) {
	for name, mark := range map[string]string{"without": "https://example.org", "with": fileAddress("a")} {
		b.Run(name, func(b *testing.B) {
			body := strings.Repeat("Una riga di testo con *enfasi* e un [rimando]("+mark+").\n\n", 44)
			v := schemas.Values{"title": "Uno", "body": body}
			b.ReportAllocs()
			for b.Loop() {
				content.MediaIDs(v)
			}
		})
	}
}

// A waiting publication makes the files public when it falls due, not before.
func TestMediaOfAScheduledPublication(t *testing.T) {
	d := newDesk(t)
	doc := d.create(elena, content.NewVariant{Type: "article", Locale: "it", Fields: map[string]any{"title": "Uno", "body": "x", "image": picture("a", "Una porta")}})
	d.later(elena, doc, "it", "publish", d.now().Add(time.Hour))
	d.wantUse("a")
	d.set(d.now().Add(2 * time.Hour))
	if _, err := d.RunDue(ctx); err != nil {
		t.Fatal(err)
	}
	d.wantUse("A")
}
