package main

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prassi-cms/prassi/internal/leak"
)

// command runs a command line and gives its exit status and what it said.
func command(t *testing.T, args ...string) (int, string) {
	t.Helper()
	var out bytes.Buffer
	code := Main(t.Context(), args, strings.NewReader(""), &out, io.MultiWriter(&out, leak.Log()))
	return code, out.String()
}

// zipped makes an archive of pages, each with its name as title.
func zipped(t *testing.T, names ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range names {
		w, err := z.Create(name)
		if err == nil {
			_, err = fmt.Fprintf(w, "---\ntitle: Pagina %s\nlocale: it\n---\nUn testo.\n", path.Base(name))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// An address of this machine is reached only when the operator allows it, and a
// person is told so in words.
func TestImportAddress(t *testing.T) {
	heard := 0
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		heard++
		w.Write(zipped(t, "articles/a.md"))
	})
	plain, secure := httptest.NewServer(h), httptest.NewTLSServer(h)
	defer plain.Close()
	defer secure.Close()
	data := t.TempDir()
	port := secure.URL[strings.LastIndex(secure.URL, ":"):]
	const refused = "may not be reached from here"
	for _, test := range []struct{ allow, address, says string }{
		{"", plain.URL + "/a.zip", refused},
		{"", secure.URL + "/a.zip", refused},
		{"", "https://localhost" + port + "/a.zip", refused}, // a name that turns out to be private
		{"", "https://169.254.169.254/latest/a.zip", refused},
		{"0.0.0.0/0", "http://169.254.169.254/latest/a.zip", refused},
		{"10.0.0.0/8", plain.URL + "/a.zip", refused},
		{"", "https://name:secret@192.0.2.1/a.zip", "without a name and password"},
	} {
		code, out := command(t, "import", "--data", data, "--locale-of-messages", "en", "--outgoing-allow", test.allow, test.address)
		if code != 1 || !strings.Contains(out, test.says) || !strings.Contains(out, "Documents: 0.") || strings.Contains(out, "secret") {
			t.Errorf("%s, allowed %q: %d\n%s", test.address, test.allow, code, out)
		}
	}
	if heard > 0 {
		t.Errorf("the servers heard %d requests", heard)
	}
	t.Setenv("PRASSI_OUTGOING_ALLOW", "127.0.0.1")
	code, out := command(t, "import", "--data", data, "--locale-of-messages", "en", plain.URL+"/a.zip?token=secret")
	if code != 0 || !strings.Contains(out, plain.URL+"/a.zip/articles/a.md") || !strings.Contains(out, "Created: 1.") || strings.Contains(out, "secret") {
		t.Errorf("allowed: %d\n%s", code, out)
	}
	if code, out = command(t, "import", "--data", data, "--outgoing-allow", "everybody", "x"); code != 1 || !strings.Contains(out, "--outgoing-allow") {
		t.Errorf("a wrong list: %d\n%s", code, out)
	}
}

// An archive with one bad name brings nothing in, and the report names it.
func TestImportArchive(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for name, data := range map[string][]byte{"good.zip": zipped(t, "articles/a.md", "articles/b.md"), "bad.zip": zipped(t, "articles/c.md", "../d.md")} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	code, out := command(t, "import", "--data", "data", "--locale-of-messages", "it", "bad.zip")
	if code != 1 || !strings.Contains(out, "bad.zip/../d.md: archive_climbing_path: Un nome nell’archivio porta fuori") || !strings.Contains(out, "Documenti: 0.") {
		t.Errorf("bad: %d\n%s", code, out)
	}
	if _, err := os.Stat(filepath.Join(dir, "d.md")); err == nil {
		t.Error("the archive wrote a file")
	}
	if code, out = command(t, "import", "--data", "data", "--locale-of-messages", "en", "good.zip"); code != 0 || !strings.Contains(out, "Created: 2.") {
		t.Errorf("good: %d\n%s", code, out)
	}
	if code, out = command(t, "import", "--data", "data", "--locale-of-messages", "en", "good.zip"); code != 0 || !strings.Contains(out, "Already the same: 2.") {
		t.Errorf("again: %d\n%s", code, out)
	}
}
