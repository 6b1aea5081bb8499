package feeds

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// PingEvery is how often a Pinger should be asked to look for changes.
	PingEvery = 2 * time.Second
	// batch is how many addresses one request names.
	batch = 30
	// The pauses after a hub failed: doubled from the first to the last.
	firstPause, lastPause = 5 * time.Second, time.Hour
)

// Pinger tells a WebSub hub (W3C Recommendation, 23 January 2018) which feeds have
// changed, so that subscribers learn of it within seconds.
//
// What the hub was last told is a file of tags. When the catalogue has changed, a
// round tells the hub of the feeds whose tag differs: the ones that changed, and no
// other, whatever happened in between. A
// hub that does not answer is asked again with growing pauses, and told once of
// many changes. When the process dies before the file is written the hub is told
// again, which does no harm: it fetches the feed and finds nothing new.
type Pinger struct {
	source *Source
	client *http.Client
	file   string
	clock  func() time.Time

	mu         sync.Mutex
	state      *told // nil until it was read
	generation uint64
	due        map[string]string // feed without its format → tag to tell of
	pause      time.Duration
	after      time.Time // no request before
}

// told is the file.
type told struct {
	Tags map[string]string `json:"tags"` // of feeds that are not empty, by address without format
}

// NewPinger makes a Pinger for the hub of a source, which must know its Base. What
// was told is kept in a file; the folder must exist. The client is to be one of
// package outgoing.
func NewPinger(s *Source, client *http.Client, file string) *Pinger {
	return &Pinger{source: s, client: client, file: file, clock: time.Now, due: map[string]string{}}
}

// CheckHub says whether a text is the address of a hub: http or https, without
// credentials.
func CheckHub(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.Fragment != "" {
		return fmt.Errorf("feeds: %q is not the address of a hub: https://…", address)
	}
	return nil
}

// Round looks for changes and tells the hub. It is quick when there are none. An
// error says why the hub could not be told; a later round tries again.
func (p *Pinger) Round(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.look(); err != nil {
		return err
	}
	if len(p.due) == 0 || p.clock().Before(p.after) {
		return nil
	}
	return p.tell(ctx)
}

// look fills due with the feeds whose tag differs from what the hub was told. At
// first nothing is: a hub has no subscribers of what it was never told of.
func (p *Pinger) look() error {
	generation := p.source.Catalog.Generation()
	if p.state != nil && generation == p.generation {
		return nil
	}
	if p.state == nil {
		if err := p.read(); err != nil {
			return err
		}
	}
	now, err := p.tags()
	if err != nil {
		return err
	}
	p.generation = generation
	if p.state.Tags == nil {
		p.state.Tags = now
		return p.write()
	}
	clear(p.due)
	for key, tag := range now {
		if tag != p.state.Tags[key] {
			p.due[key] = tag
		}
	}
	for key := range p.state.Tags {
		if _, there := now[key]; !there {
			p.due[key] = ""
		}
	}
	return nil
}

// tags gives the tag of every feed that is not empty, by its address without
// format. All are looked at, whatever changed: a feed shows more than its items, such
// as the names of their organisations. Ten thousand take a quarter of a second.
func (p *Pinger) tags() (map[string]string, error) {
	there := map[[2]string]bool{} // locale, collection
	for e := range p.source.Catalog.All() {
		there[[2]string{e.Locale(), e.Collection()}] = true
		there[[2]string{e.Locale(), All}] = true
	}
	out, names := map[string]string{}, p.source.Collections()
	for at := range there {
		if !slices.Contains(names, at[1]) {
			continue
		}
		for _, q := range p.source.Queries(at[0], at[1]) {
			c, err := p.source.Find(q)
			if err != nil {
				return nil, err
			}
			if c.Len() > 0 {
				out[q.Path("")] = c.Tag()
			}
		}
	}
	return out, nil
}

// Queries lists the feeds of a collection in a locale: for the whole country, each
// territory and each topic.
func (s *Source) Queries(locale, collection string) []Query {
	out := []Query{{Locale: locale, Collection: collection}}
	for _, t := range slices.Concat(s.territories().Regions(), s.territories().Provinces()) {
		out = append(out, Query{Locale: locale, Collection: collection, Territory: t.ISTAT})
	}
	seen := map[string]bool{}
	for _, t := range s.types(collection) {
		if f, ok := t.Field("topics"); ok {
			for _, term := range f.Terms() {
				if !seen[term.ID] {
					seen[term.ID] = true
					out = append(out, Query{Locale: locale, Collection: collection, Topic: term.ID})
				}
			}
		}
	}
	return out
}

// tell sends what is due, in batches, and notes each that the hub took.
func (p *Pinger) tell(ctx context.Context) error {
	keys, base := slices.Sorted(maps.Keys(p.due)), p.source.feedsBase()
	for part := range slices.Chunk(keys, batch/len(Formats)) {
		var urls []string
		for _, key := range part {
			// Path ends in a dot where the format goes, but for a parameter.
			path, query, _ := strings.Cut(key, "?")
			for _, f := range Formats {
				u := base + path + string(f)
				if query != "" {
					u += "?" + query
				}
				urls = append(urls, u)
			}
		}
		if err := p.send(ctx, urls); err != nil {
			return p.failed(err)
		}
		for _, key := range part {
			if tag := p.due[key]; tag != "" {
				p.state.Tags[key] = tag
			} else {
				delete(p.state.Tags, key)
			}
			delete(p.due, key)
		}
	}
	p.pause, p.after = 0, time.Time{}
	return p.write()
}

// failed notes what was told all the same, and when to try again.
func (p *Pinger) failed(err error) error {
	p.pause = min(max(2*p.pause, firstPause), lastPause)
	wait := p.pause
	if refused, ok := errors.AsType[*refusal](err); ok {
		wait = min(max(wait, refused.after), lastPause)
	}
	p.after = p.clock().Add(wait)
	return errors.Join(fmt.Errorf("feeds: the hub %s: %w; trying again in %v", p.source.Hub, err, wait), p.write())
}

// refusal is an answer of the hub that is no success.
type refusal struct {
	status string
	after  time.Duration // Retry-After
}

func (r *refusal) Error() string { return "it answered " + r.status }

// send tells of addresses. WebSub leaves the request to publisher and hub; this is
// the one of PubSubHubbub 0.4 that hubs take, under both names of the address.
func (p *Pinger) send(ctx context.Context, urls []string) error {
	form := url.Values{"hub.mode": {"publish"}, "hub.url": urls, "hub.topic": urls}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.source.Hub, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := p.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // the connection is used again
	if res.StatusCode/100 == 2 {
		return nil
	}
	out := &refusal{status: res.Status}
	if seconds, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && seconds > 0 {
		out.after = time.Duration(min(seconds, int(lastPause/time.Second))) * time.Second
	}
	return out
}

// read reads the file. A file that is missing or damaged is as none: what the hub
// knows is then unknown, and only what changes from now on is told.
func (p *Pinger) read() error {
	state := &told{}
	data, err := os.ReadFile(p.file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if json.Unmarshal(data, state) != nil {
		state = &told{}
	}
	p.state = state
	return nil
}

// write replaces the file as a whole.
func (p *Pinger) write() error {
	data, err := json.Marshal(p.state)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(p.file), filepath.Base(p.file)+"-*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), p.file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
