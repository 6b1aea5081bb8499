package catalog

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/content"
)

func fileID(letter string) string { return strings.Repeat(letter, 26) }

// The catalogue knows a file while a live revision uses it, and only then; what it
// is told of it is in the items and survives the process.
func TestMedia(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	told := func(id string) Media {
		return Media{ID: id, Name: "orto.jpg", Type: "image/jpeg", At: time.UnixMilli(1_772_000_000_000).UTC(), Files: []MediaFile{
			{Name: "640.jpg", Type: "image/jpeg", Bytes: 50_000, SHA256: strings.Repeat("0", 64), Width: 640, Height: 480},
			{Name: "640.webp", Type: "image/webp", Bytes: 30_000, SHA256: strings.Repeat("1", 64), Width: 640, Height: 480},
			{Name: "320.jpg", Type: "image/jpeg", Bytes: 9_000, SHA256: strings.Repeat("2", 64), Width: 320, Height: 240},
		}}
	}
	var broken error
	w.media = func(_ context.Context, id string) (Media, error) {
		switch {
		case broken != nil:
			return Media{}, broken
		case id == fileID("c"):
			return Media{}, &content.Problem{Class: content.NotFound, Code: "not_found"}
		}
		return told(id), nil
	}
	service, err := content.New(w.store, w.reg, content.Options{})
	if err != nil {
		t.Fatal(err)
	}
	editor := content.Actor{ID: "redazione", Grants: []content.Grant{{Role: "editor"}}}
	dir := t.TempDir()
	c := w.open(dir)
	live := func(when, letters string) {
		t.Helper()
		w.catchUp(c)
		for _, x := range []string{"a", "b", "c", "d"} {
			if got := c.Media(fileID(x)) != nil; got != strings.Contains(letters, x) {
				t.Errorf("%s: %s is live: %t", when, x, got)
			}
		}
		w.verified(c)
	}
	picture := func(letter string) values {
		return values{"src": "/media/" + fileID(letter) + "/640.webp", "alt": "Un orto", "type": "image/webp"}
	}
	begin := func(slug string, fields values) string {
		t.Helper()
		fields["title"], fields["body"] = slug, "Testo"
		d, err := service.Create(ctx, editor, content.NewVariant{Type: "article", Locale: "it", Slug: slug, Fields: fields})
		if err != nil {
			t.Fatal(err)
		}
		return d.ID
	}
	step := func(id, name string) {
		t.Helper()
		if _, err := service.Transition(ctx, editor, id, "it", "*", content.Step{Name: name}); err != nil {
			t.Fatal(err)
		}
	}
	edit := func(id string, fields values) {
		t.Helper()
		if _, err := service.Edit(ctx, editor, id, "it", "*", content.Edit{Fields: fields}); err != nil {
			t.Fatal(err)
		}
	}

	one := begin("uno", values{"image": picture("a"), "documents": []any{values{"src": "/media/" + fileID("b") + "/document.pdf"}, picture("c")}})
	live("draft", "")
	step(one, "publish")
	live("published", "abc")
	fields := item(t, c, "articles", "uno", "it")["fields"].(values)
	image := fields["image"].(values)
	if image["width"] != 640.0 || image["height"] != 480.0 || image["bytes"] != 30_000.0 || image["alt"] != "Un orto" || len(image["files"].([]any)) != 3 {
		t.Errorf("%v", image)
	}
	if first := image["files"].([]any)[0].(values); first["url"] != "/media/"+fileID("a")+"/640.jpg" || first["type"] != "image/jpeg" || first["width"] != 640.0 {
		t.Errorf("%v", first)
	}
	list := fields["documents"].([]any)
	if missing := list[1].(values); len(list) != 2 || list[0].(values)["files"] == nil || missing["files"] != nil || missing["src"] == nil {
		t.Errorf("%v", list)
	}
	if m := c.Media(fileID("c")); len(m.Files) != 0 || m.ID != fileID("c") {
		t.Errorf("a file that is not there: %+v", m)
	}

	two := begin("due", values{"image": picture("a")})
	step(two, "publish")
	edit(one, values{"image": picture("d")})
	live("edited, not published", "abc")
	step(one, "publish")
	live("published again", "abcd")
	step(two, "withdraw")
	live("the second withdrawn", "bcd")
	edit(one, values{"body": "![Un orto](/media/" + fileID("a") + "/320.jpg)", "image": nil})
	step(one, "publish")
	live("in the text", "abc")

	// A store that does not answer is no reason to forget what was known.
	broken = errors.New("the store is away")
	edit(one, values{"documents": nil})
	step(one, "publish")
	if err := c.CatchUp(ctx); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	if c.Media(fileID("b")) == nil {
		t.Error("forgotten")
	}
	broken = nil
	live("the store is back", "a")

	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	c = w.open(dir)
	live("opened again", "a")
	if m := c.Media(fileID("a")); m.Files[2] != told("").Files[2] || !m.At.Equal(told("").At) || m.Name != "orto.jpg" {
		t.Errorf("%+v", m)
	}
	step(one, "withdraw")
	live("withdrawn", "")

	// Without the function the live files are known all the same, by id.
	step(one, "publish")
	w.catchUp(c)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	w.media = nil
	c = w.open(dir)
	live("nobody tells", "a")
	if len(c.Media(fileID("a")).Files) != 0 {
		t.Error("the file of another catalogue was used")
	}
}
