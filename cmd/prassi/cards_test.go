package main

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"html"
	"image/png"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

var (
	ogImage   = regexp.MustCompile(`<meta property="og:image" content="([^"]+)">`)
	discovery = regexp.MustCompile(`<link rel="alternate" type="([^"]+)\+oembed" href="([^"]+)"`)
)

// named gives the addresses of the pictures that the pages of a folder name.
func named(t *testing.T, dir string) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(name) != ".html" {
			return err
		}
		page, err := os.ReadFile(name)
		for _, m := range ogImage.FindAllSubmatch(page, -1) {
			out[html.UnescapeString(string(m[1]))] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestCopiesHavePictures: a copy has every picture that its pages name, at its own
// domain; without pictures they stay with the program that answers.
func TestCopiesHavePictures(t *testing.T) {
	dir := t.TempDir()
	command := func(args ...string) {
		t.Helper()
		var out bytes.Buffer
		if code := Main(context.Background(), append([]string{"build", "--demo", "--base-url", "https://copia.example", "--api-url", "https://prassi.example"}, args...), strings.NewReader(""), &out, &out); code != 0 {
			t.Fatalf("%d %s", code, &out)
		}
	}
	command("--out", dir)
	pictures := named(t, dir)
	if len(pictures) < 40 {
		t.Errorf("only %d pictures", len(pictures))
	}
	for at := range pictures {
		rest, own := strings.CutPrefix(at, "https://copia.example/")
		data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(rest)))
		if err != nil || !own {
			t.Errorf("%s: %v", at, err)
			continue
		}
		if c, err := png.DecodeConfig(bytes.NewReader(data)); err != nil || c.Width != 1200 || c.Height != 630 {
			t.Errorf("%s: %+v %v", at, c, err)
		}
	}
	written, err := filepath.Glob(filepath.Join(dir, "cards/*/*/*.png"))
	if err != nil || len(written) != len(pictures) {
		t.Errorf("%d pictures for %d that are named, %v", len(written), len(pictures), err)
	}
	command("--out", dir, "--no-cards")
	if _, err := os.Stat(filepath.Join(dir, "cards")); !os.IsNotExist(err) {
		t.Errorf("there are pictures: %v", err)
	}
	for at := range named(t, dir) {
		if !strings.HasPrefix(at, "https://prassi.example/cards/") {
			t.Error(at)
		}
	}
}

// TestServedSiteIsWired: what the program is told of the site reaches all that shows
// it: pages, pictures, copies, widgets and what other editors are told.
func TestServedSiteIsWired(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "copy")
	r := start(t, "--demo", "--data", t.TempDir(), "--rates", "off", "--site-name", "Integra", "--site-theme", "../../examples/theme", "--site-target", dir)
	r.awaitSite()
	get := func(address string) (string, []byte) {
		t.Helper()
		res, err := http.Get(address)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var body bytes.Buffer
		if _, err := body.ReadFrom(res.Body); err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d %v %s", address, res.StatusCode, err, &body)
		}
		return res.Header.Get("Content-Type"), body.Bytes()
	}
	const path = "/it/practices/orti-condivisi/"
	_, page := get(r.base + path)
	links := discovery.FindAllStringSubmatch(string(page), -1)
	if len(links) != 2 {
		t.Fatalf("%q", links)
	}
	type embed struct {
		Title    string `json:"title" xml:"title"`
		Provider string `json:"provider_name" xml:"provider_name"`
		HTML     string `json:"html" xml:"html"`
	}
	for _, l := range links {
		media, body := get(html.UnescapeString(l[2]))
		read := json.Unmarshal
		if l[1] == "text/xml" {
			read = xml.Unmarshal
		}
		var o embed
		if err := read(body, &o); err != nil || !strings.HasPrefix(media, l[1]) || o.Title == "" || o.Provider != "Integra" || !strings.Contains(o.HTML, "slug=orti-condivisi") {
			t.Errorf("%s: %s %v %+v", l[2], media, err, o)
		}
		if !bytes.Contains(page, []byte("<h1")) || !bytes.Contains(page, []byte(html.EscapeString(o.Title))) {
			t.Errorf("the page is not about %q", o.Title)
		}
	}
	if _, frame := get(r.base + "/embed/news?locale=it"); !bytes.Contains(frame, []byte(" · Integra</title>")) {
		t.Errorf("the frame has not the name of the site")
	}
	if _, outlines := get(r.base + "/widgets/v1/outlines.json"); !bytes.Contains(outlines, []byte("Topology")) {
		t.Errorf("widgets have no outlines")
	}
	// The copy has the very picture that the server draws: the same name and colour.
	at := "/cards/it/practices/orti-condivisi.png"
	_, served := get(r.base + at)
	var copied []byte
	for deadline := time.Now().Add(time.Minute); copied == nil; time.Sleep(50 * time.Millisecond) {
		copied, _ = os.ReadFile(filepath.Join(dir, filepath.FromSlash(at)))
		if time.Now().After(deadline) {
			t.Fatalf("no copy after a minute\n%s", r.log.String())
		}
	}
	if !bytes.Equal(served, copied) {
		t.Error("the picture of the copy is another one")
	}
	img, err := png.Decode(bytes.NewReader(served))
	if err != nil {
		t.Fatal(err)
	}
	if red, green, blue, _ := img.At(4, 4).RGBA(); red>>8 != 0x7a || green>>8 != 0x1f || blue>>8 != 0x4b {
		t.Errorf("the colour of the theme is %x %x %x", red>>8, green>>8, blue>>8)
	}
}
