package lighthouse

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestAudit shows Lighthouse a good page and one without what a page must have.
func TestAudit(t *testing.T) {
	pages := map[string]string{
		"/good": `<!DOCTYPE html><html lang="it"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="description" content="Una pagina di prova."><link rel="icon" href="data:,"><title>Buona</title></head><body><main><h1>Buona</h1><p>Sì.</p></main></body></html>`,
		"/bad": `<!DOCTYPE html><html><head><meta charset="utf-8"><meta name="robots" content="noindex"><link rel="icon" href="data:,"></head>
<body><main><img src="data:image/gif;base64,R0lGODlhAQABAAAAACw="><p style="color:#ccc;background:#fff">Chiaro.</p></main></body></html>`,
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/robots.txt" {
			w.Write([]byte("User-agent: *\nAllow: /\n"))
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Write([]byte(pages[r.URL.Path]))
	}))
	defer server.Close()
	got, err := Audit(t.Context(), Options{Desktop: true}, server.URL+"/good", server.URL+"/bad")
	if err != nil {
		t.Fatal(err)
	}
	good, bad := got[0], got[1]
	if good.Accessibility != 100 || good.BestPractices != 100 || good.SEO != 100 || len(good.Faults) != 0 || good.Performance == 0 {
		t.Errorf("the good page: %+v", good)
	}
	if bad.Accessibility >= 100 || bad.SEO >= 100 {
		t.Errorf("the bad page: %+v", bad)
	}
	var said []string
	for _, f := range bad.Faults {
		said = append(said, f.String())
	}
	for _, want := range []string{"html-has-lang", "image-alt", "color-contrast", "document-title", "is-crawlable"} {
		if !strings.Contains(strings.Join(said, "\n"), want) {
			t.Errorf("nothing about %s in:\n%s", want, strings.Join(said, "\n"))
		}
	}
	if !strings.Contains(strings.Join(said, "\n"), "color:#ccc") {
		t.Errorf("no fault says where:\n%s", strings.Join(said, "\n"))
	}
}
