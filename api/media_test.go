package api

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/auth"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/internal/leak"
)

const mediaPath = "/api/v1/manage/media"

// photo makes a JPEG as a telephone does: with a picture that is no plain colour,
// and an EXIF block that says where it was taken.
func photo(w, h int) []byte {
	img := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
	for y := range h {
		row := img.Y[y*img.YStride:][:w]
		for x := range row {
			row[x] = uint8(x*7/w*20 + y*5/h*20 + (x*y)%13)
		}
	}
	for i := range img.Cb {
		img.Cb[i], img.Cr[i] = uint8(100+i%40), uint8(150-i%30)
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, &jpeg.Options{Quality: 85}); err != nil {
		panic(err)
	}
	// TIFF: one entry in IFD0 leads to the IFD of the GPS, which has a reference
	// and an area in which a place is written (CIPA DC-008, section 4.6.6).
	place := []byte("UNDEFINED\x00\x00\x00" + gpsPlace)
	le := binary.LittleEndian
	tiff := append([]byte("II*\x00"), 8, 0, 0, 0, 1, 0)
	entry := func(tag, kind uint16, count, value uint32) {
		tiff = le.AppendUint16(le.AppendUint16(tiff, tag), kind)
		tiff = le.AppendUint32(le.AppendUint32(tiff, count), value)
	}
	entry(0x8825, 4, 1, 26)
	tiff = append(tiff, 0, 0, 0, 0, 2, 0)
	entry(1, 2, 2, 'N')
	entry(0x1c, 7, uint32(len(place)), 26+2+24+4)
	tiff = append(append(tiff, 0, 0, 0, 0), place...)
	block := append([]byte("Exif\x00\x00"), tiff...)
	app1 := binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(len(block)+2))
	return slices.Concat(out.Bytes()[:2], app1, block, out.Bytes()[2:])
}

const gpsPlace = "45.4642N 9.1900E, via Segreta 7"

// small is a photograph for tests that need only some file.
var small = sync.OnceValue(func() []byte { return photo(400, 300) })

// form writes a form with fields, in pairs, and a file as its last part.
func form(file []byte, name string, fields ...string) (body []byte, contentType string) {
	var out bytes.Buffer
	f := multipart.NewWriter(&out)
	for i := 0; i+1 < len(fields); i += 2 {
		_ = f.WriteField(fields[i], fields[i+1])
	}
	head := textproto.MIMEHeader{"Content-Disposition": {`form-data; name="file"; filename="` + name + `"`}, "Content-Type": {"text/html"}}
	part, _ := f.CreatePart(head)
	_, _ = part.Write(file)
	_ = f.Close()
	return out.Bytes(), f.FormDataContentType()
}

// upload sends a file by a form.
func (w *world) upload(who string, file []byte, name string, fields ...string) answered {
	w.t.Helper()
	body, kind := form(file, name, fields...)
	return w.send(who, "POST", mediaPath, string(body), "Content-Type", kind)
}

// picture adds a small photograph.
func (w *world) picture(who string, fields ...string) MediaItem {
	w.t.Helper()
	var item MediaItem
	w.upload(who, small(), "foto.jpg", fields...).want(w.t, 201).into(w.t, &item)
	return item
}

// holder makes a token for somebody with these roles.
func (w *world) holder(name string, grants ...content.Grant) {
	w.t.Helper()
	secret, _, err := w.auth.CreateToken(w.t.Context(), content.System("test"), auth.NewToken{Name: name, Grants: grants, Life: time.Hour})
	w.must(err)
	w.tokens[name] = leak.Secret(secret)
}

func mediaExamples(w *world) map[string]func() []request {
	return map[string]func() []request{
		"addMedia": func() []request {
			body, kind := form(small(), "orto.jpg", "owner", "orti", "alt", "Un orto")
			return []request{
				{who: "carla", path: mediaPath, status: 201, body: string(body), headers: []string{"Content-Type", kind}},
				{who: "edo", path: mediaPath + "?alt=Un+orto", status: 201, body: string(small()),
					headers: []string{"Content-Type", "image/jpeg", "Content-Disposition", `attachment; filename*=UTF-8''citt%C3%A0.jpg`}},
			}
		},
		"listMedia": func() []request {
			w.picture("carla")
			w.picture("carla", "owner", "orti")
			return []request{{who: "carla", path: mediaPath + "?owner=orti&limit=1", status: 200}, {who: "edo", path: mediaPath, status: 200}}
		},
		"getMedia": func() []request {
			item := w.picture("edo")
			w.article("edo", "Con immagine", `,"image":{"src":"`+item.Files[0].URL+`","alt":"Un orto"}`)
			return []request{{who: "edo", path: mediaPath + "/" + item.ID, status: 200}}
		},
		"changeMedia": func() []request {
			return []request{{who: "carla", path: mediaPath + "/" + w.picture("carla").ID, status: 200, body: `{"alt":"Persone in un orto"}`}}
		},
		"removeMedia": func() []request {
			return []request{{who: "carla", path: mediaPath + "/" + w.picture("carla").ID, status: 204}}
		},
		"getMediaFile": func() []request {
			item := w.illustrated("edo", "Illustrato").item
			return []request{
				{path: item.Files[0].URL, status: 200},
				{path: item.Files[0].URL, status: 206, headers: []string{"Range", "bytes=0-99"}},
				{path: item.Files[1].URL, status: 200},
			}
		},
	}
}

// illustrated is a published article with a picture.
type illustrated struct {
	item    MediaItem
	variant Variant
}

func (w *world) illustrated(who, title string) illustrated {
	w.t.Helper()
	item := w.picture(who)
	v := w.article(who, title, `,"image":{"src":"`+item.Files[0].URL+`","alt":"Un orto"}`)
	return illustrated{item, w.publish(who, v)}
}

// sameProblem fails unless two answers are the same but for the request's id.
func sameProblem(t *testing.T, a, b answered) {
	t.Helper()
	strip := func(x answered) string {
		p := x.problem(t, 404, "not_found")
		return strings.ReplaceAll(string(x.body), p.RequestID, "ID")
	}
	headers := func(x answered) string {
		h := x.Header.Clone()
		for _, name := range []string{"Date", "X-Request-Id", "X-Ratelimit-Remaining", "X-Ratelimit-Reset"} {
			h.Del(name)
		}
		return fmt.Sprint(h)
	}
	if strip(a) != strip(b) || headers(a) != headers(b) {
		t.Errorf("told apart:\n%v\n%s\n%v\n%s", a.Header, a.body, b.Header, b.body)
	}
}

// TestMediaWalls follows a picture from a drawer to the public and back.
func TestMediaWalls(t *testing.T) {
	onEngines(t, func(t *testing.T, w *world) {
		w.holder("colleague", content.Grant{Role: "contributor", Scope: "orti"})
		w.holder("stranger", content.Grant{Role: "contributor", Scope: "riva"})
		w.holder("prato", content.Grant{Role: "reviewer", Scope: "100"})
		item := w.picture("carla", "owner", "orti")
		file, never := item.Files[0].URL, "/media/"+strings.Repeat("a", 26)+"/400.jpg"
		see := func(when string, yes ...string) {
			t.Helper()
			for _, who := range []string{"", "carla", "colleague", "stranger", "rita", "prato", "tariq", "edo", "ada"} {
				a := w.send(who, "GET", file, "")
				if !slices.Contains(yes, who) {
					sameProblem(t, a, w.send(who, "GET", never, ""))
					if h := w.send(who, "HEAD", file, ""); h.StatusCode != 404 {
						t.Errorf("%s: HEAD answers %d to %q", when, h.StatusCode, who)
					}
					if who != "" {
						sameProblem(t, w.send(who, "GET", mediaPath+"/"+item.ID, ""), w.send(who, "GET", mediaPath+"/"+never[7:33], ""))
						w.send(who, "DELETE", mediaPath+"/"+item.ID, "").problem(t, 404, "not_found")
						w.send(who, "PATCH", mediaPath+"/"+item.ID, `{"alt":"x"}`).problem(t, 404, "not_found")
					}
					continue
				}
				if a.StatusCode != 200 || a.Header.Get("Content-Type") != "image/jpeg" || len(a.body) != int(item.Files[0].Bytes) {
					t.Errorf("%s: %q is answered %d", when, who, a.StatusCode)
				}
				want := "private, no-store"
				if slices.Contains(yes, "") {
					want = "public, max-age=3600"
				}
				open := slices.Contains(yes, "")
				if (a.Header.Get("Cross-Origin-Resource-Policy") == "cross-origin") != open || (a.Header.Get("Access-Control-Allow-Origin") == "*") != open {
					t.Errorf("%s: %q: other sites: %v", when, who, a.Header)
				}
				if got := a.Header.Get("Cache-Control"); got != want {
					t.Errorf("%s: %q may keep it: %q", when, who, got)
				}
			}
		}
		see("in the library", "carla", "colleague", "edo", "ada")
		v := w.article("carla", "Orti del borgo", `,"image":{"src":"`+file+`","alt":"Un orto"}`)
		w.catchUp()
		see("in a draft", "carla", "colleague", "edo", "ada")

		take := func(who, transition string) {
			t.Helper()
			w.send(who, "POST", variantPath(v)+"/transitions", `{"transition":"`+transition+`","comment":"Ecco"}`, "If-Match", v.ETag).want(t, 200).into(t, &v)
			w.catchUp()
		}
		take("carla", "submit")
		see("handed in", "carla", "colleague", "edo", "ada", "rita")

		var seen MediaItem
		w.send("rita", "GET", mediaPath+"/"+item.ID, "").want(t, 200).into(t, &seen)
		if len(seen.Use) != 1 || seen.Use[0].ID != v.ID || seen.Use[0].Title != "Orti del borgo" || seen.MayChange || seen.Public {
			t.Errorf("a reviewer sees %+v", seen)
		}
		w.send("rita", "DELETE", mediaPath+"/"+item.ID, "").problem(t, 403, "forbidden")
		w.send("rita", "PATCH", mediaPath+"/"+item.ID, `{"alt":"x"}`).problem(t, 403, "forbidden")
		w.send("carla", "DELETE", mediaPath+"/"+item.ID, "").problem(t, 409, "media_in_use")

		take("edo", "publish")
		see("published", "", "carla", "colleague", "stranger", "rita", "prato", "tariq", "edo", "ada")
		// What everybody sees is not therefore everybody's.
		p := w.send("stranger", "POST", "/api/v1/manage/documents", `{"type":"article","locale":"it","fields":{"title":"Copia","body":"![x](`+file+`)","territories":["MI"]}}`).problem(t, 422, "invalid_content")
		if len(p.Errors) != 1 || p.Errors[0].Path != "/body" || p.Errors[0].Code != "media_not_found" {
			t.Errorf("%+v", p.Errors)
		}
		w.send("stranger", "GET", mediaPath+"/"+item.ID, "").problem(t, 404, "not_found")

		take("edo", "withdraw")
		see("withdrawn", "carla", "colleague", "edo", "ada", "rita")
		w.send("carla", "DELETE", mediaPath+"/"+item.ID, "").problem(t, 409, "media_in_use")
	})
}

// TestMediaList sees that lists stop at the same walls.
func TestMediaList(t *testing.T) {
	w := newWorld(t)
	w.holder("stranger", content.Grant{Role: "contributor", Scope: "riva"})
	mine := map[string][]string{}
	for _, c := range []struct{ who, owner string }{{"carla", ""}, {"carla", "orti"}, {"stranger", "riva"}, {"rita", ""}, {"edo", ""}} {
		item := w.picture(c.who, "owner", c.owner)
		mine[c.who] = append(mine[c.who], item.ID)
		mine["edo+"] = append(mine["edo+"], item.ID)
	}
	mine["edo"] = mine["edo+"]
	for _, who := range []string{"carla", "stranger", "rita", "tariq", "edo"} {
		var got []string
		next := mediaPath + "?limit=2"
		for next != "" {
			var page Page[MediaItem]
			w.send(who, "GET", next, "").want(t, 200).into(t, &page)
			for _, item := range page.Items {
				got = append(got, item.ID)
			}
			next = page.Links.Next
		}
		want := slices.Sorted(slices.Values(mine[who]))
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", who, got, want)
		}
	}
	var page Page[MediaItem]
	w.send("carla", "GET", mediaPath+"?owner=riva", "").want(t, 200).into(t, &page)
	if len(page.Items) != 0 {
		t.Errorf("another organisation's: %+v", page.Items)
	}
	w.send("carla", "GET", mediaPath+"?cursor=x", "").problem(t, 400, "invalid_query")
	w.send("", "GET", mediaPath, "").problem(t, 401, "unauthenticated")
}

// TestMediaOwner sees that nobody brings files into another organisation.
func TestMediaOwner(t *testing.T) {
	w := newWorld(t)
	w.upload("carla", small(), "a.jpg", "owner", "riva").problem(t, 403, "forbidden")
	w.upload("rita", small(), "a.jpg", "owner", "orti").problem(t, 403, "forbidden")
	w.upload("carla", small(), "a.jpg", "owner", "../x").problem(t, 422, "invalid_body")
	w.upload("", small(), "a.jpg").problem(t, 401, "unauthenticated")
	w.send("carla", "POST", mediaPath+"?owner=riva", string(small()), "Content-Type", "image/jpeg").problem(t, 403, "forbidden")
	if w.upload("edo", small(), "a.jpg", "owner", "riva").StatusCode != 201 {
		t.Error("an editor may not add for an organisation")
	}
	w.nothingLeft(1)
}

// nothingLeft fails unless the bucket holds that many items and no other file.
func (w *world) nothingLeft(items int) {
	w.t.Helper()
	all, err := w.media.List(w.t.Context(), "", 0)
	w.must(err)
	want := 0
	for _, item := range all {
		want += len(item.Files)
	}
	files := 0
	w.must(filepath.Walk(w.files, func(path string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			files++
		}
		return err
	}))
	if len(all) != items || files != want {
		w.t.Errorf("%d items (want %d), %d files (want %d)", len(all), items, files, want)
	}
}

// TestMediaHTTP reads a public file as browsers and caches do.
func TestMediaHTTP(t *testing.T) {
	w := newWorld(t)
	made := w.illustrated("edo", "Illustrato")
	for _, f := range made.item.Files {
		a := w.send("", "GET", f.URL, "", "Origin", "https://example.org").want(t, 200)
		for name, want := range map[string]string{
			"Content-Type": f.Type, "Cache-Control": "public, max-age=3600", "Accept-Ranges": "bytes", "X-Content-Type-Options": "nosniff",
			"Content-Security-Policy": policyMedia, "Cross-Origin-Resource-Policy": "cross-origin", "Content-Length": fmt.Sprint(f.Bytes),
			"Content-Disposition": "", "Content-Encoding": "", "Set-Cookie": "", "Vary": "",
		} {
			if got := a.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", f.URL, name, got, want)
			}
		}
		tag := a.Header.Get("ETag")
		if !strings.HasPrefix(tag, `"`) || len(tag) < 40 {
			t.Errorf("no strong tag: %q", tag)
		}
		for range 2 { // from the bucket, and from memory
			for _, c := range []struct {
				method, name, value string
				status              int
				from, to            int
			}{
				{"GET", "If-None-Match", tag, 304, 0, 0},
				{"GET", "If-None-Match", "W/" + tag, 304, 0, 0},
				{"GET", "If-None-Match", "*", 304, 0, 0},
				{"HEAD", "If-None-Match", tag, 304, 0, 0},
				{"GET", "If-None-Match", `"other"`, 200, 0, len(a.body)},
				{"GET", "If-Modified-Since", a.Header.Get("Last-Modified"), 304, 0, 0},
				{"GET", "If-Match", `"other"`, 412, 0, 0},
				{"HEAD", "X-None", "", 200, 0, 0},
				{"GET", "Range", "bytes=0-99", 206, 0, 100},
				{"GET", "Range", "bytes=100-", 206, 100, len(a.body)},
				{"GET", "Range", "bytes=-7", 206, len(a.body) - 7, len(a.body)},
				{"GET", "Range", "bytes=0-9,20-29", 200, 0, len(a.body)},
				{"GET", "Range", "rows=1-2", 200, 0, len(a.body)},
				{"GET", "Range", "bytes=5-2", 200, 0, len(a.body)},
				{"GET", "Range", "bytes=99999999-", 416, 0, -1},
				{"GET", "Range", "bytes=-0", 416, 0, -1},
			} {
				b := w.send("", c.method, f.URL, "", c.name, c.value)
				if b.StatusCode != c.status {
					t.Errorf("%s %s: %s: status %d, want %d", c.method, c.name, c.value, b.StatusCode, c.status)
					continue
				}
				if c.to >= 0 && !bytes.Equal(b.body, a.body[c.from:c.to]) {
					t.Errorf("%s: %s: %d bytes, want %d to %d", c.name, c.value, len(b.body), c.from, c.to)
				}
				if c.status == 416 {
					b.problem(t, 416, "range_not_satisfiable")
					if b.Header.Get("Content-Range") != fmt.Sprintf("bytes */%d", f.Bytes) {
						t.Errorf("Content-Range %q", b.Header.Get("Content-Range"))
					}
				} else if b.Header.Get("ETag") != tag && c.status != 412 {
					t.Errorf("%s: %s: tag %q", c.name, c.value, b.Header.Get("ETag"))
				}
			}
		}
	}
	id := made.item.ID
	for _, path := range []string{
		"/media/" + id + "/1.jpg", "/media/" + id + "/..%2f..%2fprassi.db", "/media/" + strings.ToUpper(id) + "/400.jpg", "/media/" + id[:25] + "/400.jpg",
		"/media/" + id + "/400.jpg%00", "/media/" + id, "/media/" + id + "/", "/media/x/y/z", "/media/" + id + "/400.svg",
	} {
		if a := w.send("", "GET", path, ""); a.StatusCode != 404 {
			t.Errorf("%s: %d", path, a.StatusCode)
		}
	}
	w.send("", "GET", made.item.Files[0].URL, "", "Authorization", "Bearer wrong").want(t, 200)
	sameProblem(t, w.send("", "GET", "/media/"+strings.Repeat("b", 26)+"/1.jpg", "", "Authorization", "Bearer wrong"), w.send("", "GET", "/media/"+strings.Repeat("a", 26)+"/1.jpg", ""))
}

// TestMediaInDelivery sees that an item says what a page needs to show its picture,
// and that public reads of files ask no store: they go on when it is closed.
func TestMediaInDelivery(t *testing.T) {
	w := newWorld(t)
	made := w.illustrated("edo", "Illustrato")
	item := w.send("", "GET", "/api/v1/articles/illustrato", "").want(t, 200).json(t)
	image := item["fields"].(map[string]any)["image"].(map[string]any)
	files := image["files"].([]any)
	if image["width"] != 400.0 || image["height"] != 300.0 || image["alt"] != "Un orto" || len(files) != len(made.item.Files) || len(files) < 3 {
		t.Errorf("%v", image)
	}
	webp := false
	for _, f := range files {
		f := f.(map[string]any)
		webp = webp || f["type"] == "image/webp"
		a := w.send("", "GET", f["url"].(string), "").want(t, 200)
		if a.Header.Get("Content-Type") != f["type"] || f["bytes"] != float64(len(a.body)) {
			t.Errorf("%v", f)
		}
	}
	if !webp {
		t.Error("no WebP")
	}
	found, err := w.catalog.Verify(t.Context(), nil)
	w.must(err)
	if len(found) > 0 {
		t.Errorf("%+v", found)
	}
	w.must(w.store.Close())
	for _, f := range made.item.Files {
		w.send("", "GET", f.URL, "", "Range", "bytes=1-").want(t, 206)
	}
	w.send("", "GET", "/media/"+strings.Repeat("a", 26)+"/400.jpg", "").problem(t, 404, "not_found")
}

// TestNewMediaOnly sees that an edit is asked about files that are new to the
// document, and about no others.
func TestNewMediaOnly(t *testing.T) {
	w := newWorld(t)
	w.holder("stranger", content.Grant{Role: "contributor", Scope: "riva"})
	foreign, own := w.picture("stranger", "owner", "riva"), w.picture("carla", "owner", "orti")
	v := w.article("carla", "Orti", `,"image":{"src":"`+own.Files[0].URL+`","alt":"Un orto"}`)
	edit := func(who, body string) answered { return w.send(who, "PATCH", variantPath(v), body, "If-Match", v.ETag) }
	for _, c := range []struct{ fields, path string }{
		{`"image":{"src":"` + foreign.Files[0].URL + `","alt":"x"}`, "/image/src"},
		{`"documents":[{"src":"` + own.Files[0].URL + `"},{"src":"https://prassi.example` + foreign.Files[0].URL + `"}]`, "/documents/1/src"},
		{`"body":"Vedi [qui](` + foreign.Files[1].URL + `)."`, "/body"},
		{`"body":"![x](/media/` + strings.Repeat("a", 26) + `/1.jpg)"`, "/body"},
	} {
		p := edit("carla", `{"fields":{`+c.fields+`}}`).problem(t, 422, "invalid_content")
		if len(p.Errors) != 1 || p.Errors[0].Path != c.path || p.Errors[0].Code != "media_not_found" || p.Errors[0].Message == "media_not_found" {
			t.Errorf("%s: %+v", c.fields, p.Errors)
		}
	}
	var many strings.Builder
	for i := range 300 {
		fmt.Fprintf(&many, "[x](/media/%s/1.jpg) ", strings.Repeat("a", 23)+string(rune('a'+i/26/26))+string(rune('a'+i/26%26))+string(rune('a'+i%26)))
	}
	if p := edit("carla", `{"fields":{"body":"`+many.String()+`"}}`).problem(t, 422, "invalid_content"); p.Errors[0].Code != "too_many_items" {
		t.Errorf("%+v", p.Errors)
	}
	// The newsroom puts the foreign file in; then it belongs to the document, and
	// who changes the title is not asked about it.
	edit("edo", `{"fields":{"body":"![x](`+foreign.Files[0].URL+`)"}}`).want(t, 200).into(t, &v)
	edit("carla", `{"fields":{"title":"Orti del borgo","body":"Prima. ![x](`+foreign.Files[0].URL+`)"}}`).want(t, 200).into(t, &v)
	edit("carla", `{"fields":{"body":"Senza"}}`).want(t, 200).into(t, &v)

	for _, c := range []struct {
		src  string
		want content.Outcome
	}{{"/media/" + strings.Repeat("a", 26) + "/1.jpg", content.Refused}, {own.Files[0].URL, content.Created}} {
		got, err := w.service.Import(t.Context(), content.System("import"), []content.Incoming{{Type: "article", Variants: []content.IncomingVariant{
			{Locale: "it", Slug: "importato", Fields: map[string]any{"title": "Importato", "image": c.src}}}}}, false)
		w.must(err)
		if got[0].Outcome != c.want || c.want == content.Refused && got[0].Problem.Fields[0].Code != "media_not_found" {
			t.Errorf("import of %s: %+v", c.src, got[0])
		}
	}

	// An old revision whose file is gone does not come back in silence.
	w.send("stranger", "DELETE", mediaPath+"/"+foreign.ID, "").want(t, 204)
	p := w.send("edo", "POST", variantPath(v)+"/revisions/2/restore", `{}`, "If-Match", v.ETag).problem(t, 422, "invalid_content")
	if len(p.Errors) != 1 || p.Errors[0].Path != "/body" || p.Errors[0].Code != "media_not_found" {
		t.Errorf("%+v", p.Errors)
	}
}

// TestPhone sends what a telephone makes, over a real connection.
func TestPhone(t *testing.T) {
	w := newWorld(t)
	data := photo(4000, 3000)
	if !bytes.Contains(data, []byte(gpsPlace)) {
		t.Fatal("the photograph says no place")
	}
	var item MediaItem
	w.upload("carla", data, "IMG_20260301.JPG", "alt", "Un orto", "owner", "orti").want(t, 201).into(t, &item)
	var sizes []string
	for _, f := range item.Files {
		sizes = append(sizes, fmt.Sprintf("%s %dx%d", f.Type, f.Width, f.Height))
		a := w.send("carla", "GET", f.URL, "").want(t, 200)
		for _, trace := range []string{gpsPlace, "Exif", "II*\x00"} {
			if bytes.Contains(a.body, []byte(trace)) {
				t.Errorf("%s still holds %q", f.URL, trace)
			}
		}
		if int64(len(a.body)) != f.Bytes {
			t.Errorf("%s: %d bytes, said %d", f.URL, len(a.body), f.Bytes)
		}
	}
	for _, want := range []string{"image/jpeg 2560x1920", "image/jpeg 1280x960", "image/jpeg 640x480", "image/jpeg 320x240", "image/webp 320x240"} {
		if !slices.Contains(sizes, want) {
			t.Errorf("no %s: %v", want, sizes)
		}
	}
	if item.Name != "IMG_20260301.jpg" || item.Owner != "orti" || item.Alt != "Un orto" || item.Public || !item.MayChange {
		t.Errorf("%+v", item)
	}
	w.nothingLeft(1)
}

// TestManyUploads sees that one caller's photographs come in turn and leave slots
// free, and that whoever is told to wait succeeds later.
func TestManyUploads(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Limits.Uploads = 8 })
	most := 0
	stop, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		for {
			select {
			case <-stop:
				return
			case <-time.After(100 * time.Microsecond):
				most = max(most, len(w.server.uploads.all))
			}
		}
	}()
	var waited sync.Map
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			for range 200 {
				a := w.upload("carla", small(), fmt.Sprintf("foto %d.jpg", i))
				if a.StatusCode == 201 {
					return
				}
				if a.StatusCode != 429 || a.Header.Get("Retry-After") == "" {
					t.Errorf("status %d: %s", a.StatusCode, a.body)
					return
				}
				waited.Store(i, true)
				time.Sleep(20 * time.Millisecond)
			}
			t.Error("never taken")
		})
	}
	all.Wait()
	close(stop)
	<-watched
	if most > w.server.uploads.each || most == 0 || len(w.server.uploads.all) != 0 || len(w.server.uploads.held) != 0 {
		t.Errorf("%d at once, %d are held by %v", most, len(w.server.uploads.all), w.server.uploads.held)
	}
	w.nothingLeft(16)

	// When others have all slots, one is told so after a moment.
	w.server.uploads.wait = 10 * time.Millisecond
	for range cap(w.server.uploads.all) {
		w.server.uploads.all <- struct{}{}
	}
	if a := w.upload("carla", small(), "x.jpg"); a.StatusCode != 503 || a.Header.Get("Retry-After") == "" {
		t.Errorf("status %d: %s", a.StatusCode, a.body)
	}
	if len(w.server.uploads.held) != 0 {
		t.Errorf("held by %v", w.server.uploads.held)
	}
}

// dial begins an upload by hand, with a length that is announced.
func (w *world) dial(who string, head []byte, length int, headers string) net.Conn {
	w.t.Helper()
	conn, err := net.Dial("tcp", w.http.Listener.Addr().String())
	w.must(err)
	w.t.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n%s\r\n", mediaPath, w.tokens[who], length, headers)
	_, err = conn.Write(head)
	w.must(err)
	return conn
}

// TestDisconnect sees that half an upload leaves nothing.
func TestDisconnect(t *testing.T) {
	w := newWorld(t)
	body, kind := form(small(), "foto.jpg")
	for _, c := range []struct {
		data    []byte
		headers string
	}{{small(), ""}, {body, "Content-Type: " + kind + "\r\n"}} {
		for _, part := range []int{0, 10, 200, len(c.data) / 2, len(c.data) - 1} {
			conn := w.dial("carla", c.data[:part], len(c.data), c.headers)
			for len(w.server.uploads.all) == 0 {
				time.Sleep(time.Millisecond)
			}
			w.must(conn.Close())
		}
	}
	for end := time.Now().Add(10 * time.Second); len(w.server.uploads.all) > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("a slot is still held")
		}
	}
	w.nothingLeft(0)
}

// TestPace sees that the time to receive grows while bytes flow, and that who sends
// too little is cut off.
func TestPace(t *testing.T) {
	now := time.Unix(0, 0)
	var by time.Time
	rate := 0
	body := readFunc(func(p []byte) (int, error) {
		if now.After(by) {
			return 0, os.ErrDeadlineExceeded
		}
		now = now.Add(time.Second)
		return min(rate, len(p)), nil
	})
	run := func(r int, left int64) (time.Duration, int64, error) {
		now, rate = time.Unix(0, 0), r
		p := &pace{body: io.NopCloser(body), until: func(t time.Time) error { by = t; return nil }, clock: func() time.Time { return now },
			begun: now, most: 15 * time.Minute, limit: left, left: left}
		n, _ := io.Copy(io.Discard, p)
		return now.Sub(time.Unix(0, 0)), n, p.err
	}
	const file = 3 << 20
	if took, n, err := run(10<<10, file); n != file || content.AsProblem(err).Code != "media_too_large" || took < 5*time.Minute {
		t.Errorf("ten kilobytes a second: %v, %d bytes, %v", took, n, err)
	}
	for _, r := range []int{1, 100, 2 << 10} {
		if took, n, err := run(r, file); content.AsProblem(err).Code != codeTimeout || took > 2*patience+5*time.Second || n > file/10 {
			t.Errorf("%d bytes a second: %v, %d bytes, %v", r, took, n, err)
		}
	}
	if took, _, err := run(minRate+1, 100<<20); content.AsProblem(err).Code != codeTimeout || took > 15*time.Minute+time.Second {
		t.Errorf("for ever: %v, %v", took, err)
	}
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

// TestSlowUpload sees on a real connection that the server's time-outs move on
// while bytes flow.
func TestSlowUpload(t *testing.T) {
	w := newWorld(t, func(o *Options) {
		o.Limits.Read, o.Limits.Write, o.Limits.Handle = 300*time.Millisecond, 300*time.Millisecond, 300*time.Millisecond
	})
	data := small()
	conn := w.dial("carla", nil, len(data), "Connection: close\r\n")
	const parts = 12
	for i := range parts {
		time.Sleep(60 * time.Millisecond)
		_, err := conn.Write(data[len(data)*i/parts : len(data)*(i+1)/parts])
		w.must(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil || !bytes.HasPrefix(answer, []byte("HTTP/1.1 201 ")) {
		t.Errorf("%v\n%.300s", err, answer)
	}
	w.nothingLeft(1)
}

// TestHostileForms sends forms as nobody should.
func TestHostileForms(t *testing.T) {
	w := newWorld(t)
	file := string(small())
	part := func(head, body string) string { return "--X\r\n" + head + "\r\n\r\n" + body + "\r\n" }
	disp := func(name string) string { return `Content-Disposition: form-data; name="` + name + `"` }
	upload := disp("file") + `; filename="a.jpg"`
	const end, kind = "--X--\r\n", "multipart/form-data; boundary=X"
	for _, c := range []struct {
		name, kind, body string
		status           int
		code, path, what string
	}{
		{"whole", kind, part(disp("alt"), "Un orto") + part(upload, file) + end, 201, "", "", ""},
		{"no file name", kind, part(disp("file"), file) + end, 201, "", "", ""},
		{"encoded part is not decoded", kind, part(upload+"\r\nContent-Transfer-Encoding: quoted-printable", file) + end, 201, "", "", ""},
		{"no boundary", "multipart/form-data", part(upload, file) + end, 400, "media_form", "", ""},
		{"no end", kind, part(upload, file), 400, "media_form", "", ""},
		{"no file", kind, part(disp("alt"), "x") + end, 422, "invalid_body", "/file", "required"},
		{"nothing", kind, end, 422, "invalid_body", "/file", "required"},
		{"two files", kind, part(upload, file) + part(upload, file) + end, 422, "invalid_body", "/file", "unknown_key"},
		{"field behind the file", kind, part(upload, file) + part(disp("alt"), "x") + end, 422, "invalid_body", "/alt", "unknown_key"},
		{"unknown field", kind, part(disp("person"), "ada") + part(upload, file) + end, 422, "invalid_body", "/person", "unknown_key"},
		{"field twice", kind, part(disp("alt"), "a") + part(disp("alt"), "b") + part(upload, file) + end, 422, "invalid_body", "/alt", "duplicate_key"},
		{"field without a name", kind, part("Content-Type: text/plain", "x") + part(upload, file) + end, 422, "invalid_body", "/", "unknown_key"},
		{"long field", kind, part(disp("alt"), strings.Repeat("x", 9<<10)) + part(upload, file) + end, 422, "invalid_body", "/alt", "too_long"},
		{"long text", kind, part(disp("alt"), strings.Repeat("x", 1001)) + part(upload, file) + end, 422, "invalid_content", "/alt", "too_long"},
		{"text that is none", kind, part(disp("alt"), "\xff\xfe") + part(upload, file) + end, 422, "invalid_body", "/alt", "invalid_encoding"},
		{"long headers of a part", kind, part(upload+"\r\nX: "+strings.Repeat("y", 100<<10), file) + end, 413, "media_too_large", "", ""},
		{"many headers of a part", kind, part(upload+strings.Repeat("\r\nX: y", 20_000), file) + end, 400, "media_form", "", ""},
		{"many parts", kind, strings.Repeat(part(disp("x"), ""), 1000) + end, 422, "invalid_body", "/x", "unknown_key"},
		{"preamble for ever", kind, strings.Repeat("x\r\n", 100<<10) + part(upload, file) + end, 413, "media_too_large", "", ""},
		{"not an image", kind, part(upload+"\r\nContent-Type: image/jpeg", "<script>alert(1)</script>") + end, 422, "media_unsupported", "", ""},
		{"empty", kind, part(upload, "") + end, 422, "media_empty", "", ""},
		{"nested", kind, part(disp("file")+"\r\nContent-Type: multipart/mixed; boundary=Y", "--Y\r\n\r\n"+file+"\r\n--Y--") + end, 422, "media_unsupported", "", ""},
	} {
		a := w.send("carla", "POST", mediaPath, c.body, "Content-Type", c.kind)
		if c.status == 201 {
			a.want(t, 201)
			continue
		}
		if a.StatusCode != c.status {
			t.Errorf("%s: status %d: %s", c.name, a.StatusCode, a.body)
			continue
		}
		p := a.problem(t, c.status, c.code)
		if c.path != "" && (len(p.Errors) != 1 || p.Errors[0].Path != c.path || p.Errors[0].Code != c.what) {
			t.Errorf("%s: %+v", c.name, p.Errors)
		}
	}
	w.nothingLeft(3)

	for _, c := range []struct {
		name, body string
		headers    []string
		status     int
		code       string
	}{
		{"compressed", file, []string{"Content-Encoding", "gzip"}, 415, "unsupported_media_type"},
		{"compressed form", file, []string{"Content-Encoding", "gzip", "Content-Type", kind}, 415, "unsupported_media_type"},
		{"a disposition that is none", file, []string{"Content-Disposition", `attachment; filename="a`}, 400, "invalid_header"},
		{"markup", "<svg xmlns='http://www.w3.org/2000/svg'/>", []string{"Content-Type", "image/jpeg"}, 422, "media_svg"},
		{"not this parameter", file, nil, 400, "invalid_query"},
	} {
		path := mediaPath
		if c.headers == nil {
			path += "?person=ada"
		}
		w.send("carla", "POST", path, c.body, c.headers...).problem(t, c.status, c.code)
	}
	// The content decides, whatever it is called.
	for _, kind := range []string{"text/html", "application/json", "image/svg+xml", "x", "application/x-www-form-urlencoded"} {
		var item MediaItem
		w.send("carla", "POST", mediaPath, file, "Content-Type", kind).want(t, 201).into(t, &item)
		if item.Type != "image/jpeg" || item.Name != "file.jpg" {
			t.Errorf("%s: %+v", kind, item)
		}
	}
	// What is announced as too large is refused unread.
	conn := w.dial("carla", nil, 1<<30, "")
	answer := make([]byte, 12)
	if _, err := io.ReadFull(conn, answer); err != nil || string(answer) != "HTTP/1.1 413" {
		t.Errorf("%q, %v", answer, err)
	}
}

// TestHostileNames sends names of files by which headers, pages and folders were
// broken elsewhere, in both kinds of upload.
func TestHostileNames(t *testing.T) {
	w := newWorld(t)
	pdf := "%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Type /Pages /Kids [] /Count 0 >>\nendobj\n" +
		"xref\n0 3\n0000000000 65535 f \n0000000009 00000 n \n0000000058 00000 n \ntrailer\n<< /Size 3 /Root 1 0 R >>\nstartxref\n110\n%%EOF\n"
	for _, name := range []string{
		"piano.pdf", "città è.pdf", "a\r\nSet-Cookie: x=1.pdf", `a"; filename="b.html`, "\u202efdp.exe", "../../etc/passwd", `..\..\x.pdf`, "CON.pdf",
		strings.Repeat("ù", 150) + ".pdf", "x.pdf\x00.html", "", ".", "..", "a;b=c%0d%0a.pdf", "<script>.pdf", "\xff\xfe.pdf", "مستند.pdf",
	} {
		var forms []answered
		browser := strings.NewReplacer(`"`, "%22", "\r", "%0D", "\n", "%0A").Replace(name)
		body, kind := form([]byte(pdf), browser)
		a := w.send("carla", "POST", mediaPath, string(body), "Content-Type", kind)
		if strings.Contains(name, "\x00") { // no header may hold it
			a.problem(t, 400, "media_form")
		} else {
			forms = append(forms, a)
		}
		var coded strings.Builder
		for i := range len(name) {
			fmt.Fprintf(&coded, "%%%02X", name[i])
		}
		forms = append(forms, w.send("carla", "POST", mediaPath, pdf, "Content-Disposition", "attachment; filename*=UTF-8''"+coded.String()))
		for i, a := range forms {
			var item MediaItem
			if a.StatusCode != 201 {
				t.Errorf("%q by %d: %d %s", name, i, a.StatusCode, a.body)
				continue
			}
			a.into(t, &item)
			got := w.send("carla", "GET", item.Files[0].URL, "").want(t, 200)
			header := got.Header["Content-Disposition"]
			if len(header) != 1 || got.Header.Get("Set-Cookie") != "" || got.Header.Get("Content-Type") != "application/pdf" || string(got.body) != pdf {
				t.Errorf("%q by %d: %v", name, i, got.Header)
				continue
			}
			kind, params, err := mime.ParseMediaType(header[0])
			saved := params["filename"]
			if err != nil || kind != "attachment" || saved != item.Name || !strings.HasSuffix(saved, ".pdf") || len(saved) > 120 ||
				strings.ContainsAny(saved, "/\\\"\r\n<>;\x00") || strings.ContainsRune(saved, '\u202e') || strings.HasPrefix(saved, ".") {
				t.Errorf("%q by %d is saved as %q (%s), %v", name, i, saved, header[0], err)
			}
			if strings.ContainsFunc(header[0], func(r rune) bool { return r < 0x20 || r > 0x7e }) {
				t.Errorf("%q by %d: header %q", name, i, header[0])
			}
		}
	}
}

// TestMediaWithoutLibrary sees that nothing is offered where no files are kept.
func TestMediaWithoutLibrary(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Media = nil })
	w.send("edo", "GET", mediaPath, "").problem(t, 404, "not_found")
	w.send("", "GET", "/media/"+strings.Repeat("a", 26)+"/1.jpg", "").problem(t, 404, "not_found")
}

// BenchmarkMedia reads a public file of 20 kB or so: over the API, and as bare
// http.ServeContent serves a file of the same size from the disk.
func BenchmarkMedia(b *testing.B) {
	w := newWorld(b)
	made := w.illustrated("edo", "Illustrato")
	f := made.item.Files[0]
	b.Run("api", func(b *testing.B) { drive(b, w.server, f.URL, 200) })
	b.Run("api large", func(b *testing.B) {
		var item MediaItem
		w.upload("edo", photo(2000, 1500), "foto.jpg").want(b, 201).into(b, &item)
		v := w.article("edo", "Grande", `,"image":{"src":"`+item.Files[0].URL+`","alt":"Un orto"}`)
		w.publish("edo", v)
		b.SetBytes(item.Files[0].Bytes)
		drive(b, w.server, item.Files[0].URL, 200)
	})
	b.Run("not modified", func(b *testing.B) {
		tag := w.send("", "HEAD", f.URL, "").Header.Get("ETag")
		drive(b, w.server, f.URL, 304, "If-None-Match", tag)
	})
	b.Run("hidden", func(b *testing.B) { drive(b, w.server, "/media/"+strings.Repeat("a", 26)+"/400.jpg", 404) })
	path := filepath.Join(w.files, "media", made.item.ID, filepath.Base(f.URL))
	if _, err := os.Stat(path); err != nil {
		b.Fatal(err)
	}
	b.Run("bare file", func(b *testing.B) {
		drive(b, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { http.ServeFile(rw, r, path) }), f.URL, 200)
	})
}
