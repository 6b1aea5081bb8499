package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/prassi-cms/prassi/site/release"
)

// signedIn is a browser in which one of the example people has logged in.
func (r *running) signedIn(person string) *http.Client {
	r.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		r.t.Fatal(err)
	}
	c := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	r.call(c, "POST", "/auth/login", form, url.Values{"person": {person}}.Encode(), http.StatusSeeOther, nil)
	return c
}

// told is what the public API says of an item.
type toldItem struct {
	ID, Type, Slug, Title, Summary string
	Territories                    []struct{ ISTAT string }
}

// everything lists what is public, by the languages of the example.
func (r *running) everything() (out []toldItem) {
	r.t.Helper()
	for _, collection := range []string{"articles", "news", "events", "organizations", "practices", "services", "pages"} {
		for _, locale := range []string{"it", "en", "fr", "ar", "bn"} {
			var page struct{ Items []json.RawMessage }
			r.call(http.DefaultClient, "GET", "/api/v1/"+collection+"?limit=100&locale="+locale, nil, "", http.StatusOK, &page)
			for _, raw := range page.Items {
				var x toldItem
				if err := json.Unmarshal(raw, &x); err != nil {
					r.t.Fatalf("%v: %s", err, raw)
				}
				out = append(out, x)
			}
		}
	}
	return out
}

// within says whether an item is one that a build for a province shows.
func (x toldItem) within(province string) bool {
	return slices.ContainsFunc(x.Territories, func(t struct{ ISTAT string }) bool { return t.ISTAT == province })
}

// leaks finds texts in bytes, as they are and as pages, feeds and addresses write them.
func leaks(data []byte, texts []string) (found []string) {
	for _, text := range texts {
		forms := []string{text, html.EscapeString(text), url.PathEscape(text), url.QueryEscape(text), quoted(text)}
		slices.Sort(forms)
		for _, as := range slices.Compact(forms) {
			if bytes.Contains(data, []byte(as)) {
				found = append(found, text)
				break
			}
		}
	}
	return found
}

func quoted(s string) string {
	b, _ := json.Marshal(s)
	return strings.Trim(string(b), `"`)
}

// searchTree searches the bytes and the names of all files below a folder; it says how
// many there were.
func searchTree(t *testing.T, dir string, texts []string) (files int) {
	t.Helper()
	for _, name := range names(t, dir) {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		files++
		if found := append(leaks(data, texts), leaks([]byte(name), texts)...); found != nil {
			t.Errorf("%s tells %q", name, found)
		}
	}
	return files
}

func names(t *testing.T, dir string) (out []string) {
	for _, line := range tree(t, dir) {
		out = append(out, strings.TrimPrefix(line[:strings.LastIndexByte(line, ' ')], "/"))
	}
	return out
}

// TestBuildsTellNothingElse: a build for a territory or a partner holds in no byte of
// no file what lies outside, and nothing that goes out says where a secret place is.
func TestBuildsTellNothingElse(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	r := start(t, "--demo", "--data", data, "--rates", "off")
	dario, elena := r.signedIn("dario"), r.signedIn("elena")
	r.call(dario, "POST", "/api/v1/manage/partners", nil, `{"key":"comune-prato","name":"Comune di Prova","filter":{"territories":["PO"]}}`, http.StatusCreated, nil)
	r.call(dario, "POST", "/api/v1/manage/partners", nil, `{"key":"orti","name":"Rete","filter":{"organizations":["orti-insieme"],"collections":["services"]}}`, http.StatusCreated, nil)
	r.call(dario, "POST", "/api/v1/manage/partners", nil, `{"key":"spento","name":"Spento","active":false}`, http.StatusCreated, nil)
	// A page of Prato that names, by reference, practices, bodies and services elsewhere.
	h := r.call(elena, "POST", "/api/v1/manage/documents", nil, `{"type":"practice","locale":"it","slug":"tutto-insieme","fields":{
		"title":"Tutto insieme","summary":"Prato guarda altrove.","territories":["PO"],"topics":["schools-minors"],"organization":"orti-insieme",
		"issue":"Guardare fuori.","objectives":"Imparare.","activities":[{"title":"Visita","text":"Una visita."}],"results":"Buoni.",
		"related":["tutor-di-quartiere","orto-in-salita"]}}`, http.StatusCreated, nil)
	for _, step := range []string{"submit", "endorse", "publish"} {
		r.call(dario, "POST", h.Get("Location")+"/transitions", http.Header{"If-Match": {"*"}}, `{"transition":"`+step+`"}`, http.StatusOK, nil)
	}
	eventually(t, "it is public", func() bool {
		res, err := http.Get(r.base + "/it/practices/tutto-insieme/")
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
	all := r.everything()
	var inside, outside, titles []string
	for _, x := range all {
		switch titles = append(titles, x.Title); {
		case x.within("100"):
			inside = append(inside, x.Title)
		default:
			outside = append(outside, x.Title, x.Slug, x.ID)
		}
	}
	if len(outside) < 30 || !slices.Contains(outside, "Orto in salita") || !slices.Contains(inside, "Tutto insieme") {
		t.Fatalf("%q are outside of Prato, %q inside", outside, inside)
	}
	slices.Sort(outside)
	outside = slices.Compact(outside)
	where := []string{"tre gelsi", "Salita delle Ginestre", "38.1041", "13.3457"}
	r.stop()

	build := func(args ...string) string {
		t.Helper()
		out := filepath.Join(t.TempDir(), "site")
		mustRun(t, append([]string{"build", "--data", data, "--out", out, "--base-url", "https://prato.example"}, args...)...)
		return out
	}
	whole := build("--precompress")
	if n := searchTree(t, whole, where); n < 500 {
		t.Errorf("only %d files", n)
	}
	for name, args := range map[string][]string{
		"territory": {"--territory", "PO"}, "partner": {"--partner", "comune-prato"},
		"no fallback": {"--territory", "PO", "--no-fallback"},
	} {
		t.Run(name, func(t *testing.T) {
			out := build(args...)
			if n := searchTree(t, out, append(slices.Clone(outside), where...)); n < 200 {
				t.Errorf("only %d files", n)
			}
			home, err := os.ReadFile(filepath.Join(out, "it", "practices", "tutto-insieme", "index.html"))
			if err != nil || !bytes.Contains(home, []byte("Tutto insieme")) {
				t.Errorf("%v: the build lacks what it is for", err)
			}
		})
	}
	t.Run("organisation and collection", func(t *testing.T) {
		out := build("--partner", "orti")
		var others []string
		for _, x := range all {
			if x.Slug != "sportello-casa" && x.Slug != "orti-insieme" {
				others = append(others, x.ID, x.Title)
			}
		}
		searchTree(t, out, others)
		if _, err := os.Stat(filepath.Join(out, "it", "services", "sportello-casa", "index.html")); err != nil {
			t.Error(err)
		}
	})
	t.Run("archive", func(t *testing.T) {
		out := filepath.Join(t.TempDir(), "prato.tar.zst")
		mustRun(t, "build", "--data", data, "--out", out, "--territory", "PO")
		f, err := os.Open(out)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		z, err := zstd.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		defer z.Close()
		files := 0
		for archive := tar.NewReader(z); ; files++ {
			h, err := archive.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(archive)
			if err != nil {
				t.Fatal(err)
			}
			if found := leaks(append(text, h.Name...), append(slices.Clone(outside), where...)); found != nil {
				t.Errorf("%s tells %q", h.Name, found)
			}
		}
		if files < 200 {
			t.Errorf("only %d files", files)
		}
	})
	for _, format := range []string{"hugo", "astro", "eleventy"} {
		t.Run(format, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), format)
			mustRun(t, "export", "--data", data, "--format", format, out)
			searchTree(t, out, where)
			if !slices.ContainsFunc(names(t, out), func(s string) bool { return strings.Contains(s, "casa-ginestra") }) {
				t.Error("the service itself is not exported: nothing is shown")
			}
		})
	}
	// What the server keeps of its own builds, by their bytes unpacked.
	s, err := release.Open(filepath.Join(data, "site"), release.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	served := 0
	for f := range s.Current().Files() {
		text, err := s.Current().Read(nil, f.Hash, release.Identity)
		if err != nil {
			t.Fatal(err)
		}
		served++
		if found := leaks(text, where); found != nil {
			t.Errorf("%s tells %q", f.Path, found)
		}
	}
	if found := leaks([]byte(fmt.Sprint(titles)), []string{"Casa Ginestra"}); served < 500 || found == nil {
		t.Errorf("%d files, %q", served, found)
	}
	// Who is switched off, and who is not there, has no site.
	for key, want := range map[string]string{"spento": "spento", "nessuno": "nessuno"} {
		if said, code := run("build", "--data", data, "--out", filepath.Join(t.TempDir(), "x"), "--partner", key); code == 0 || !strings.Contains(said, want) {
			t.Errorf("%s: %d %s", key, code, said)
		}
	}
	// A folder that is somebody else's is left alone.
	theirs := t.TempDir()
	if err := os.WriteFile(filepath.Join(theirs, "index.html"), []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	was := tree(t, theirs)
	for _, out := range []string{theirs, filepath.Join(theirs, "index.html"), filepath.Join(theirs, "index.html", "x")} {
		if said, code := run("build", "--data", data, "--out", out); code == 0 {
			t.Errorf("--out %s: %s", out, said)
		}
	}
	if now := tree(t, theirs); !slices.Equal(now, was) {
		t.Errorf("a stranger's folder holds %q", now)
	}
}

// TestRestoreFromTheCommandLine: what was withdrawn, or has become a secret, does not
// come back by the command line either.
func TestRestoreFromTheCommandLine(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	t.Setenv("PRASSI_LANG", "en")
	r := start(t, "--demo", "--data", data, "--rates", "off", "--site-quiet", "1ms")
	r.awaitSite()
	dario, elena := r.signedIn("dario"), r.signedIn("elena") // nobody approves their own
	var list struct {
		Items []struct{ ID string }
		State struct{ Pending, Building bool }
	}
	newest := func(not string) string {
		t.Helper()
		eventually(t, "there is a new build", func() bool {
			r.call(dario, "GET", "/api/v1/manage/builds", nil, "", http.StatusOK, &list)
			return !list.State.Pending && !list.State.Building && len(list.Items) > 0 && list.Items[0].ID != not
		})
		return list.Items[0].ID
	}
	edit := func(slug, fields string) {
		t.Helper()
		var item struct{ ID string }
		r.call(dario, "GET", "/api/v1/services/"+slug+"?locale=it", nil, "", http.StatusOK, &item)
		at := "/api/v1/manage/documents/" + item.ID + "/variants/it"
		if fields == "" {
			r.call(dario, "POST", at+"/transitions", http.Header{"If-Match": {"*"}}, `{"transition":"withdraw","comment":"Chiuso."}`, http.StatusOK, nil)
			return
		}
		r.call(elena, "PATCH", at, http.Header{"If-Match": {"*"}}, `{"fields":`+fields+`}`, http.StatusOK, nil)
		r.call(dario, "POST", at+"/transitions", http.Header{"If-Match": {"*"}}, `{"transition":"publish"}`, http.StatusOK, nil)
	}
	first := newest("")
	edit("sportello-casa", "")
	second := newest(first)
	edit("scuola-del-sabato", `{"sensitive":true}`)
	third := newest(second)
	edit("primo-alloggio", `{"summary":"Altre parole."}`)
	fourth := newest(third)
	r.stop()
	// Variants: one that was withdrawn, three of a service that has become a secret.
	for id, want := range map[string]string{first: ": 4.", second: ": 3."} {
		said, code := run("builds", "restore", id, "--data", data)
		if code == 0 || !strings.Contains(said, want) {
			t.Errorf("restore: %d %s", code, said)
		}
	}
	if said := mustRun(t, "builds", "--data", data); !strings.Contains(said, "* "+fourth) {
		t.Errorf("another build is on the air:\n%s", said)
	}
	mustRun(t, "builds", "restore", third, "--data", data)
	if said := mustRun(t, "builds", "--data", data); strings.Contains(said, "* "+fourth) {
		t.Errorf("what may be restored is not:\n%s", said)
	}
	if said, code := run("builds", "restore", "nothing", "--data", data); code == 0 || !strings.Contains(said, "nothing") {
		t.Errorf("%d %s", code, said)
	}
}
