package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/internal/leak"
)

// lines writes so many articles as JSON Lines and gives the file's name.
func lines(t *testing.T, word string, n int) string {
	t.Helper()
	var b strings.Builder
	for i := range n {
		line, err := json.Marshal(map[string]any{
			"type": "article", "locale": "it", "slug": fmt.Sprintf("%s-%d", word, i), "title": fmt.Sprintf("Articolo %s %d", word, i), "body": "Testo.",
		})
		if err != nil {
			t.Fatal(err)
		}
		b.Write(append(line, '\n'))
	}
	name := filepath.Join(t.TempDir(), word+".jsonl")
	if err := os.WriteFile(name, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func (r *running) total(query string) int {
	r.t.Helper()
	var page struct{ Total int }
	r.call(http.DefaultClient, "GET", "/api/v1/search?"+query, nil, "", 200, &page)
	return page.Total
}

// An index that was damaged, or is not there at all, is made anew when the server
// starts, and by the commands.
func TestIndexIsMadeAnew(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	if code, out := command(t, "import", "--data", data, "--publish", lines(t, "girasole", 30)); code != 0 {
		t.Fatal(out)
	}
	folder := filepath.Join(data, searchFolder)
	clean := func(when string) {
		t.Helper()
		if code, out := command(t, "verify", "--data", data, "--locale-of-messages", "en"); code != 0 || !strings.Contains(out, "The search index was read. Items: 30.") {
			t.Errorf("%s: %d\n%s", when, code, out)
		}
	}
	clean("before there is one")
	spoil := func() {
		files, err := filepath.Glob(filepath.Join(folder, "index-*", "*"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no files: %v", err)
		}
		for _, f := range files {
			if err := os.WriteFile(f, []byte("garbage"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	spoil()
	clean("damaged")
	spoil()
	if code, out := command(t, "reindex", "--data", data, "--locale-of-messages", "it"); code != 0 || !strings.Contains(out, "L’indice della ricerca è stato rifatto. Elementi: 30.") {
		t.Errorf("reindex: %d\n%s", code, out)
	}
	clean("after reindex")
	spoil()
	r := start(t, "--data", data)
	eventually(t, "search answers", func() bool {
		res, err := http.Get(r.base + "/api/v1/search?q=girasole")
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode == 200
	})
	if n := r.total("q=girasole"); n != 30 {
		t.Errorf("%d found", n)
	}
	if code, out := command(t, "verify", "--data", data, "--locale-of-messages", "en"); code != 0 || !strings.Contains(out, "The search index was not checked") {
		t.Errorf("while a server runs: %d\n%s", code, out)
	}
	r.stop()
	clean("at the end")
	// A folder that is no folder.
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(folder, []byte("no folder"), 0o600); err != nil {
		t.Fatal(err)
	}
	clean("no folder")
}

// The real program is killed between publication, catalogue and index, whenever;
// afterwards nothing is wrong, and the next start finds everything.
func TestIndexSurvivesKills(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "prassi")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	data := filepath.Join(t.TempDir(), "data")
	total := 0
	for round := range 5 {
		server := exec.Command(binary, "serve", "--data", data, "--addr", "127.0.0.1:0", "--poll", "10ms")
		out, err := server.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := server.Start(); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 4096)
		n, err := out.Read(buf) // it has started
		if err != nil {
			t.Fatal(err)
		}
		for _, link := range linkSaid.FindAllStringSubmatch(string(buf[:n]), -1) {
			leak.Secret(link[1])
		}
		if code, out := command(t, "import", "--data", data, "--publish", lines(t, fmt.Sprintf("giro%d", round), 40)); code != 0 {
			t.Fatal(out)
		}
		total += 40
		time.Sleep(time.Duration(round*round*8) * time.Millisecond)
		if err := server.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = server.Wait()
		if round%2 == 0 {
			if code, out := command(t, "verify", "--data", data, "--locale-of-messages", "en"); code != 0 || !strings.Contains(out, fmt.Sprintf("The search index was read. Items: %d.", total)) {
				t.Errorf("round %d: %d\n%s", round, code, out)
			}
		}
	}
	r := start(t, "--data", data)
	eventually(t, "everything is found", func() bool {
		res, err := http.Get(r.base + "/api/v1/search?q=articolo")
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode == 200 && r.total("q=articolo") == total
	})
}

// A server of search that does not answer keeps nothing from starting and
// publishing, and its key is told to nobody but it.
func TestSearchServerAway(t *testing.T) {
	key := leak.Secret("key-of-the-search-server")
	asked := make(chan string, 100)
	away := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case asked <- r.Header.Get("Authorization"):
		default:
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer away.Close()
	t.Setenv("PRASSI_SEARCH", away.URL)
	t.Setenv("PRASSI_SEARCH_KEY_FILE", written(t, key+"\n"))
	data := filepath.Join(t.TempDir(), "data")
	if code, out := command(t, "import", "--data", data, "--publish", lines(t, "girasole", 3)); code != 0 {
		t.Fatal(out)
	}
	r := start(t, "--data", data)
	var problem struct{ Code, Detail string }
	if h := r.call(http.DefaultClient, "GET", "/api/v1/search?q=girasole", nil, "", 503, &problem); problem.Code != "search_unavailable" || h.Get("Retry-After") == "" {
		t.Errorf("%+v %v", problem, h)
	}
	r.call(http.DefaultClient, "GET", "/readyz", nil, "", 200, nil)
	var list struct{ Total int }
	if r.call(http.DefaultClient, "GET", "/api/v1/articles", nil, "", 200, &list); list.Total != 3 {
		t.Errorf("%d articles", list.Total)
	}
	select {
	case got := <-asked:
		if got != "Bearer "+key {
			t.Error("the key was not sent")
		}
	case <-time.After(10 * time.Second):
		t.Error("the server was never asked")
	}
	r.stop()
	if strings.Contains(r.log.String(), key) {
		t.Error("the key is in the log")
	}
	if code, out := command(t, "verify", "--data", data, "--locale-of-messages", "en"); code != 1 || !strings.Contains(out, "Search does not answer") || strings.Contains(out, key) {
		t.Errorf("verify: %d\n%s", code, out)
	}
}
