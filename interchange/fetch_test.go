package interchange

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/prassi-cms/prassi/outgoing"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}

// answers serves a type and a text by path; a path that begins with /to/
// redirects to what stands in the query.
func answers(t *testing.T, files map[string][2]string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		file, ok := files[r.URL.Path]
		switch {
		case r.URL.Path == "/endless":
			w.Header().Set("Content-Type", "text/csv")
			for sent := 0; r.Context().Err() == nil; sent++ {
				if sent > MaxFetch>>20+16 { // and what lies in the buffers of the network
					t.Errorf("%d MiB were taken", sent)
					return
				}
				if _, err := w.Write(make([]byte, 1<<20)); err != nil {
					return
				}
			}
		case strings.HasPrefix(r.URL.Path, "/to/"):
			http.Redirect(w, r, r.URL.Query().Get("x"), http.StatusFound)
		case !ok:
			http.NotFound(w, r)
		default:
			w.Header()["Content-Type"] = nil
			if file[0] != "" {
				w.Header().Set("Content-Type", file[0])
			}
			io.WriteString(w, file[1])
		}
	})
}

func TestFetch(t *testing.T) {
	csv := "title,locale\nPrima,it\n"
	jsonl := "{\"title\":\"Terza\",\"locale\":\"it\"}\n{\"title\":\"Quarta\",\"locale\":\"it\"}\n"
	archive := string(packed(t, named("it/a.md", "b.png")))
	h := answers(t, map[string][2]string{
		"/it/casa.md": {"text/plain", goodPage}, "/export": {"text/csv; charset=utf-8", csv}, "/righe": {"application/octet-stream", jsonl},
		"/lista": {"application/json", "[" + strings.ReplaceAll(strings.TrimSpace(jsonl), "\n", ",") + "]"}, "/tutto.zip": {"application/octet-stream", archive},
		"/download": {"application/zip", archive}, "/it/pagina": {"", goodPage}, "/": {"text/plain", "---\ntitle: Inizio\nlocale: it\n---\nTesto.\n"},
		"/login": {"text/html; charset=utf-8", "<!doctype html>"}, "/casa.md": {"text/html", "<!doctype html>"}, "/foto": {"image/png", "\x89PNG"},
		"/finto.zip": {"application/zip", goodPage},
	})
	plain, secure := httptest.NewServer(h), httptest.NewTLSServer(h)
	defer plain.Close()
	defer secure.Close()
	roots := x509.NewCertPool()
	roots.AddCert(secure.Certificate())
	tests := []struct {
		path string
		want int    // variants
		code string // of the refusal
	}{
		{path: "/it/casa.md", want: 1},
		{path: "/it/casa.md?token=segreto#x", want: 1},
		{path: "/export", want: 1},
		{path: "/righe", want: 2},
		{path: "/lista", want: 2},
		{path: "/tutto.zip", want: 1},
		{path: "/download", want: 1},
		{path: "/it/pagina", want: 1},
		{path: "/", want: 1},
		{path: "/to/it?x=/it/casa.md", code: CodeLocaleMissing}, // the address that was given names it
		{path: "/to/a?x=/tutto.zip", want: 1},
		{path: "/to/a?x=/to/b%3Fx=/to/c%253Fx=/to/d%25253Fx=/export", code: CodeAddressRedirects},
		{path: "/login", code: CodeAddressPage},
		{path: "/casa.md", code: CodeAddressPage},
		{path: "/foto", code: CodeUnsupportedFile},
		{path: "/finto.zip", code: CodeArchiveDamaged},
		{path: "/nulla.md", code: CodeAddressStatus},
		{path: "/endless", code: CodeAddressTooLarge},
		{path: "/to/a?x=http://169.254.169.254/latest.csv", code: CodeAddressRefused},
		{path: "/to/a?x=http://127.0.0.2:1/latest.csv", code: CodeAddressRefused},
		{path: "/to/a?x=file:///etc/passwd", code: CodeAddressRefused},
	}
	for _, server := range []*httptest.Server{plain, secure} {
		for _, test := range tests {
			p, err := Open(t.Context(), []string{server.URL + test.path}, Options{Defaults: Defaults{Type: "article"}, Allow: loopback, roots: roots})
			if err != nil {
				t.Fatal(err)
			}
			if p.Variants != test.want || test.code == "" && len(p.Findings) > 0 {
				t.Errorf("%s: %d variants, %v", server.URL+test.path, p.Variants, p.Findings)
			}
			if test.code != "" && (len(p.Findings) == 0 || p.Findings[0].Code != test.code || p.Refused == 0) {
				t.Errorf("%s: %v, want %s", server.URL+test.path, p.Findings, test.code)
			}
			for _, s := range p.sources {
				if strings.Contains(s.name, "segreto") || !strings.HasPrefix(s.name, server.URL) {
					t.Errorf("%s is shown as %s", test.path, s.name)
				}
			}
			p.Close()
		}
	}
}

// What is not allowed is not reached: the server hears nothing.
func TestFetchIsRefused(t *testing.T) {
	heard := 0
	h := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { heard++ })
	plain, secure := httptest.NewServer(h), httptest.NewTLSServer(h)
	defer plain.Close()
	defer secure.Close()
	host, _ := url.Parse(secure.URL)
	roots := x509.NewCertPool()
	roots.AddCert(secure.Certificate())
	for address, code := range map[string]string{
		plain.URL + "/a.md": CodeAddressRefused, secure.URL + "/a.md": CodeAddressRefused,
		"https://localhost:" + host.Port() + "/a.md": CodeAddressRefused, // by name, after it was resolved
		"https://[::ffff:127.0.0.1]:" + host.Port():  CodeAddressRefused,
		"https://2130706433/a.md":                    CodeAddressRefused,
		"https://169.254.169.254/latest":             CodeAddressRefused,
		"http://192.0.2.1/a.md":                      CodeAddressRefused,
		"file:///etc/passwd":                         CodeAddressInvalid,
		"file://localhost/etc/passwd":                CodeAddressRefused,
		"gopher://127.0.0.1/x":                       CodeAddressRefused,
		"https://":                                   CodeAddressInvalid,
		"https://name:secret@192.0.2.1/a.md":         CodeAddressInvalid,
		"https://%zz/?token=secret":                  CodeAddressInvalid,
	} {
		p, err := Open(t.Context(), []string{address}, Options{roots: roots})
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Findings) != 1 || p.Findings[0].Code != code || p.Refused != 1 {
			t.Errorf("%s: %v, want %s", address, p.Findings, code)
		} else if strings.Contains(p.Findings[0].String(), "secret") {
			t.Errorf("the report tells the secret: %s", p.Findings[0])
		}
		p.Close()
	}
	if heard != 0 {
		t.Errorf("the server heard %d requests", heard)
	}
}

// What the server says about an address does not change between the two
// readings of an import.
func TestFetchedOnce(t *testing.T) {
	heard := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if heard++; heard > 1 {
			http.Error(w, "no", http.StatusGone)
			return
		}
		io.WriteString(w, "title,locale\nPrima,it\nSeconda,it\n")
	}))
	defer server.Close()
	h := newHouse(t)
	sum, report := h.bring(t, Options{Defaults: Defaults{Type: "article"}, Allow: loopback}, RunOptions{}, server.URL+"/a.csv")
	if sum.Created != 2 || sum.Refused != 0 || heard != 1 {
		t.Errorf("%+v after %d requests\n%s", sum, heard, report)
	}
}

// An import that is stopped while it fetches says so.
func TestFetchStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}))
	defer server.Close()
	if _, err := Open(ctx, []string{server.URL + "/a.csv"}, Options{Allow: loopback}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestFetchFaults(t *testing.T) {
	for code, err := range map[string]error{
		CodeAddressSlow: &url.Error{Op: "Get", URL: "x", Err: os.ErrDeadlineExceeded}, CodeAddressUnreachable: errors.New("no such host"),
		CodeAddressRefused: &url.Error{Op: "Get", URL: "x", Err: outgoing.ErrRefused},
	} {
		if bad := fetchFault(err); bad.code != code {
			t.Errorf("%v is %s", err, bad.code)
		}
	}
}

// Nothing of what was fetched or unpacked stays behind.
func TestNothingStays(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	server := httptest.NewServer(answers(t, map[string][2]string{"/a.zip": {"", string(packed(t, named("a.md", "../b.md")))}, "/b.zip": {"", string(packed(t, named("it/a.md")))}}))
	defer server.Close()
	p, err := Open(t.Context(), []string{server.URL + "/a.zip", server.URL + "/b.zip"}, Options{Defaults: Defaults{Type: "article"}, Allow: loopback})
	if err != nil {
		t.Fatal(err)
	}
	if p.Variants != 1 || p.Refused != 1 {
		t.Errorf("%d variants, %v", p.Variants, p.Findings)
	}
	p.Close()
	if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) > 0 {
		t.Errorf("%v stay, %v", left, err)
	}
}
