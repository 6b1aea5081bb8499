package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/prassi-cms/prassi/internal/endure"
	"github.com/prassi-cms/prassi/search/searchtest"
)

// directory measures a service directory as its users have it: 20,000 services
// imported from HSDS, and everything else asked of a running server.
func (b *bench) directory() error {
	corpus, err := b.corpus("service directory")
	if corpus == nil {
		return err
	}
	path, longitudes, err := b.writeServices(corpus)
	if err != nil {
		return err
	}
	least, err := b.insertRaw("raw-services.db", path)
	if err != nil {
		return err
	}
	data := filepath.Join(b.dir, "directory")
	took, err := b.importFile(data, path)
	if err != nil {
		return err
	}
	ceiling := fmt.Sprintf("%.1f s, bare inserts", least.Seconds())
	b.add(took.durable < 30*time.Second, fmt.Sprintf("import %d services of HSDS JSON, durable", portalServices), fmt.Sprintf("%.1f s", took.durable.Seconds()),
		ceiling, fmt.Sprintf("%.1f", took.durable.Seconds()/least.Seconds()), "< 30 s")
	b.add(true, "the same, rendered in four encodings too", fmt.Sprintf("%.1f s, %.2f ms CPU each", took.whole.Seconds(), milli(took.cpu)/portalServices),
		ceiling, fmt.Sprintf("%.1f", took.whole.Seconds()/least.Seconds()), "stated")

	out, err := exec.CommandContext(b.ctx, b.binary, "token", "create", "--data", data, "--role", "editor").Output()
	if err != nil {
		return err
	}
	start := time.Now()
	server, err := endure.Serve(b.ctx, b.binary, "--data", data, "--rates", "off", withoutSite)
	if err != nil {
		return err
	}
	defer server.Kill()
	if err := awaitSearch(server.Base); err != nil {
		return err
	}
	b.add(true, "start to first search, the index not yet made", fmt.Sprintf("%.1f s", time.Since(start).Seconds()), "", "", "stated")
	if err := b.maps(server, longitudes[mapPoints-1]); err != nil {
		return err
	}
	return b.searchable(server, strings.TrimSpace(string(out)))
}

// writeServices writes services as HSDS has them, one a line, and gives the
// longitudes of their places, in order.
func (b *bench) writeServices(corpus *searchtest.Corpus) (path string, longitudes []float64, err error) {
	path = filepath.Join(b.dir, "services.json")
	f, err := os.Create(path)
	if err != nil {
		return "", nil, err
	}
	w := bufio.NewWriter(f)
	w.WriteString(`{"contents": [`) // Flush tells of any error
	rng := rand.New(rand.NewPCG(4, 4))
	for n := range portalServices {
		d := corpus.Document(n, true)
		// In its town, and not all in one spot.
		near := func(v float64) float64 { return math.Round((v+rng.NormFloat64()/50)*1e5) / 1e5 }
		lat, lon := near(d.Points[0].Lat), near(d.Points[0].Lon)
		longitudes = append(longitudes, lon)
		line, err := json.Marshal(map[string]any{
			"id": fmt.Sprintf("6f1c1a34-0000-4000-8000-%012d", n), "name": clean(d.Title), "description": d.Summary + ".\n\n" + d.Body, "status": "active",
			"email": fmt.Sprintf("s%d@example.org", n), "assured_date": fmt.Sprintf("2026-%02d-01", 1+n%9),
			"attributes": []any{map[string]any{"taxonomy_term": map[string]any{"name": []string{"Housing", "Health", "Employment", "Adult Education"}[n%4]}}},
			"phones":     []any{map[string]any{"number": fmt.Sprintf("055 %06d", n), "type": "voice"}},
			"languages":  []any{map[string]any{"code": "it"}, map[string]any{"code": []string{"ar", "bn", "fr", "zh"}[n%4]}},
			"schedules":  []any{map[string]any{"freq": "WEEKLY", "byday": "MO,TU,WE", "opens_at": "09:00", "closes_at": "13:00"}},
			"service_at_locations": []any{map[string]any{"location": map[string]any{
				"location_type": "physical", "latitude": lat, "longitude": lon,
				"addresses": []any{map[string]any{"address_1": fmt.Sprintf("via Roma %d", n), "city": clean(d.Texts[1].Text), "country": "IT"}},
			}}},
			"organization": map[string]any{"id": fmt.Sprintf("6f1c1a34-0000-4000-9000-%012d", n%500), "name": fmt.Sprintf("Ente %d", n%500), "description": "Un ente"},
		})
		if err != nil {
			return "", nil, err
		}
		if n > 0 {
			w.WriteByte(',')
		}
		w.WriteByte('\n')
		w.Write(line)
	}
	w.WriteString("\n]}\n")
	slices.Sort(longitudes)
	return path, longitudes, errors.Join(w.Flush(), f.Close())
}

// clean leaves out the control characters that the list of municipalities has in
// one name.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, s)
}

// awaitSearch waits until the first index has been made.
func awaitSearch(base string) error {
	for start := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		if _, _, err := fetch(base+"/api/v1/search?q=centro&locale=it", nil); err == nil {
			return nil
		} else if time.Since(start) > 2*time.Minute {
			return fmt.Errorf("no search after two minutes: %w", err)
		}
	}
}

// Maps are asked for with so many points, so many times.
const (
	mapPoints  = 10_000
	mapWarming = 10
	mapAnswers = 300
)

// maps times maps with ten thousand points, each time in another box, so that
// nothing was kept from the one before, in turns with a bare handler that writes
// the same bytes. east is the longitude that leaves so many in the west of it.
func (b *bench) maps(server *endure.Server, east float64) error {
	var paths []string
	boxes := 0
	ask := func(query string) []string {
		paths = nil
		for range mapWarming + mapAnswers {
			boxes++
			paths = append(paths, fmt.Sprintf("/api/v1/services.geojson?%sbbox=-%d.%06d,-90,%.5f,90", query, 100+boxes/1_000_000, boxes%1_000_000, east))
		}
		return paths
	}
	for _, m := range []struct{ what, query, encoding string }{
		{"clustered (zoom 6)", "zoom=6&", "identity"}, {"clustered (zoom 6), gzip", "zoom=6&", "gzip"},
		{"clustered (zoom 11)", "zoom=11&", "identity"}, {"clustered (zoom 11), gzip", "zoom=11&", "gzip"},
		{"alone", "", "identity"}, {"alone, gzip", "", "gzip"},
	} {
		header := http.Header{"Accept-Encoding": {m.encoding}}
		if m.query == "" && m.encoding == "identity" {
			_, plain, err := fetch(server.Base+ask("")[0], header)
			if err != nil {
				return err
			}
			if n := bytes.Count(plain, []byte(`"type":"Feature"`)); n < mapPoints {
				return fmt.Errorf("the map has %d points", n)
			}
		}
		if err := b.oneMap(server, ask(m.query), header, m.what); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) oneMap(server *endure.Server, paths []string, header http.Header, what string) error {
	ceiling, body, err := b.ceilingOf(server, paths[0], header)
	if err != nil {
		return err
	}
	defer ceiling.server.Kill()
	var turns [2]struct {
		*caller
		used time.Duration
		took []time.Duration
	}
	for i, t := range []*target{{server, paths, header, http.StatusOK}, ceiling} {
		c, err := t.dial()
		if err != nil {
			return err
		}
		defer c.conn.Close()
		if err := c.send(mapWarming); err != nil {
			return err
		}
		turns[i].caller = c
	}
	const atOnce = 10
	for range mapAnswers / atOnce {
		for i := range turns {
			t := &turns[i]
			used := func() (time.Duration, error) { return cpuTime(t.server.Cmd.Process.Pid) }
			before, err := used()
			if err != nil {
				return err
			}
			for range atOnce {
				start := time.Now()
				if err := t.send(1); err != nil {
					return err
				}
				t.took = append(t.took, time.Since(start))
			}
			after, err := used()
			if err != nil {
				return err
			}
			t.used += after - before
		}
	}
	of := func(i int) taken {
		t := turns[i]
		return taken{middle(t.took, 0.5), middle(t.took, 0.99), t.used / mapAnswers}
	}
	mine, bare := of(0), of(1)
	b.add(mine.p99 < 20*time.Millisecond, fmt.Sprintf("map of %d points, %s (%d kB)", mapPoints, what, len(body)>>10), mine.String(),
		fmt.Sprintf("99 %% %.1f ms, %.1f ms CPU, bare Gin", milli(bare.p99), milli(bare.cpu)), fmt.Sprintf("%.1f (median)", mine.p50.Seconds()/bare.p50.Seconds()), "99 % < 20 ms")
	return nil
}

// searchable measures, with the directory in the index, how long after an
// acknowledged publication a search finds it, and after a withdrawal no more.
func (b *bench) searchable(server *endure.Server, token string) error {
	const n = 100
	var seen, gone []time.Duration
	for i := range n {
		appeared, left, err := appear(b.ctx, server.Base, token, i)
		if err != nil {
			return err
		}
		seen, gone = append(seen, appeared), append(gone, left)
	}
	for _, m := range []struct {
		what string
		took []time.Duration
	}{{"acknowledged publication found by search", seen}, {"acknowledged withdrawal found no more", gone}} {
		p99 := middle(m.took, 0.99)
		b.add(p99 < time.Second, m.what, fmt.Sprintf("99 %% %.0f ms, median %.0f", milli(p99), milli(middle(m.took, 0.5))), "", "", "99 % < 1 s")
	}
	return nil
}

// appear publishes one article and withdraws it.
func appear(ctx context.Context, base, token string, n int) (appeared, left time.Duration, err error) {
	slug := fmt.Sprintf("cercabile-%d", n)
	// A word of its own, which is no typo of another.
	word := fmt.Sprintf("segno%06d", n*7919%1_000_000)
	body := fmt.Sprintf(`{"type":"article","locale":"it","slug":%q,"fields":{"title":"Cercabile %s","body":%q}}`, slug, word, strings.Repeat("Una riga di testo. ", 150))
	res, err := send(ctx, base+"/api/v1/manage/documents", token, "", body)
	if err != nil {
		return 0, 0, err
	}
	at := base + res.Header.Get("Location") + "/transitions"
	question := base + "/api/v1/search?locale=it&q=" + url.QueryEscape(`"Cercabile `+word+`"`)
	await := func(there bool) (time.Duration, error) {
		for start := time.Now(); ; time.Sleep(2 * time.Millisecond) {
			_, answer, err := fetch(question, nil)
			if err != nil {
				return 0, err
			}
			if bytes.Contains(answer, []byte(`"slug":"`+slug+`"`)) == there {
				return time.Since(start), nil
			}
			if time.Since(start) > 10*time.Second {
				return 0, fmt.Errorf("after 10 s search does not know: %.300s", answer)
			}
		}
	}
	res, err = send(ctx, at, token, res.Header.Get("ETag"), `{"transition":"publish"}`)
	if err != nil {
		return 0, 0, err
	}
	if appeared, err = await(true); err != nil {
		return 0, 0, err
	}
	if _, err = send(ctx, at, token, res.Header.Get("ETag"), `{"transition":"withdraw"}`); err != nil {
		return 0, 0, err
	}
	left, err = await(false)
	return appeared, left, err
}
