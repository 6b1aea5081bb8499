package main

import (
	"bufio"
	"bytes"
	"cmp"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/internal/endure"
	"github.com/prassi-cms/prassi/internal/hugo"
	"github.com/prassi-cms/prassi/internal/lighthouse"
	"github.com/prassi-cms/prassi/schemas"
)

// hugoSite is a site like ours for Hugo: the same kinds of pages with the same
// furniture. Header, footer and the links to style sheets are taken from a page
// that Prassi has made, and are cached as ours are.
//
//go:embed hugosite
var hugoSite embed.FS

// siteLanguage is that of the items. Hugo's site has this one alone, and so has ours
// where they are compared.
const siteLanguage = "it"

// hugoBase is where both sites say that they are (hugosite/hugo.yaml).
const hugoBase = "https://integrazione.example"

// built is what a generator made in one run, as a process of its own.
type built struct {
	took  time.Duration
	cpu   time.Duration // of all processors, user and system
	peak  int64         // resident memory, bytes
	pages int           // HTML files, but for those that only lead elsewhere
	files map[string]int64
	items int64 // mean bytes of an item's page
}

func (r built) rate() float64 { return float64(r.pages) / r.took.Seconds() }

// settled is how long ext4 keeps the inode of a removed file from being used again
// (recently_deleted in fs/ext4/ialloc.c: 60 s), and a margin. Who makes a file looks
// at each of them meanwhile, so that what follows the removal of a hundred thousand
// files, as of a bench before this one, is three times slower.
const settled = 65 * time.Second

// settle waits until what was removed before the bench began is forgotten.
func (b *bench) settle() error {
	select {
	case <-time.After(time.Until(b.began.Add(settled))):
		return nil
	case <-b.ctx.Done():
		return b.ctx.Err()
	}
}

// child runs a command and gives its time and its greatest resident memory. What
// others have written is on the disk before, and folders are new ones (see settle).
func (b *bench) child(dir string, program string, arguments ...string) (r built, err error) {
	syscall.Sync()
	cmd := exec.CommandContext(b.ctx, program, arguments...)
	cmd.Dir = dir
	start := time.Now()
	out, err := cmd.CombinedOutput()
	r.took = time.Since(start)
	if err != nil {
		return r, fmt.Errorf("%s %s: %w\n%.3000s", filepath.Base(program), strings.Join(arguments, " "), err, out)
	}
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return r, errors.New("no memory figures on this system")
	}
	r.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	r.peak = usage.Maxrss << 10 // kB on Linux
	return r, nil
}

// look counts what is in an output folder. items begins the paths of the items.
func (r *built) look(dir, items string) error {
	r.files = map[string]int64{}
	var number, bytes int64
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		r.files[filepath.ToSlash(rel)] = info.Size()
		if strings.HasSuffix(name, ".html") && info.Size() > 1000 { // smaller ones are redirects
			r.pages++
		}
		if strings.HasPrefix(filepath.ToSlash(rel), items+"articolo-") && strings.HasSuffix(name, "index.html") {
			number++
			bytes += info.Size()
		}
		return nil
	})
	if err == nil && number == 0 {
		err = fmt.Errorf("no item has a page below %s", filepath.Join(dir, items))
	}
	r.items = bytes / max(1, number)
	return err
}

// site measures whole builds, one change and memory beside Hugo, on the same items
// in the same run.
func (b *bench) site() error {
	program, err := hugo.Install(b.ctx)
	if err != nil {
		return err
	}
	items, err := b.writeItems("site.jsonl", 0, b.items)
	if err != nil {
		return err
	}
	data := filepath.Join(b.dir, "site-data")
	if _, err := b.importFile(data, items); err != nil {
		return err
	}
	if err := b.settle(); err != nil {
		return err
	}
	// In turns, so that whatever else the machine does falls on both.
	var all [2][]built
	for round := range min(3, b.rounds) {
		r, err := b.buildOurs(data, round)
		if err != nil {
			return err
		}
		all[0] = append(all[0], r)
		if round == 0 {
			if err := b.writeHugo(items); err != nil {
				return err
			}
		}
		if r, err = b.buildHugo(program, round); err != nil {
			return err
		}
		all[1] = append(all[1], r)
	}
	ours, theirs := median(all[0]), median(all[1])
	files, err := b.plainFiles(ours.files)
	if err != nil {
		return err
	}
	rendered, err := goldmarkAlone(items)
	if err != nil {
		return err
	}
	ratio := ours.rate() / theirs.rate()
	b.add(ratio >= 5, fmt.Sprintf("full build of %d items, pages", b.items), fmt.Sprintf("%.0f/s (%d in %.2f s)", ours.rate(), ours.pages, ours.took.Seconds()),
		fmt.Sprintf("%.0f/s Hugo (%d in %.2f s)", theirs.rate(), theirs.pages, theirs.took.Seconds()), fmt.Sprintf("%.1f times", ratio), "≥ 5 times Hugo")
	b.add(true, "processors' time of it", fmt.Sprintf("%.2f s", ours.cpu.Seconds()), fmt.Sprintf("%.2f s Hugo", theirs.cpu.Seconds()),
		fmt.Sprintf("%.1f times a page", (theirs.cpu.Seconds()/float64(theirs.pages))/(ours.cpu.Seconds()/float64(ours.pages))), "stated")
	b.add(true, "the same files, only written", fmt.Sprintf("%d files in %.2f s", len(ours.files), ours.took.Seconds()), fmt.Sprintf("%.0f/s, %.2f s", float64(len(ours.files))/files.Seconds(), files.Seconds()),
		fmt.Sprintf("%.1f", ours.took.Seconds()/files.Seconds()), "stated")
	b.add(true, "their Markdown, only rendered", fmt.Sprintf("%.2f s", ours.took.Seconds()), fmt.Sprintf("%.0f items/s, goldmark alone", float64(b.items)/rendered.Seconds()),
		fmt.Sprintf("%.1f", ours.took.Seconds()/rendered.Seconds()), "stated")
	weight := float64(ours.items) / float64(theirs.items)
	b.add(weight > 0.9, "bytes of an item's page", fmt.Sprint(ours.items), fmt.Sprintf("%d Hugo", theirs.items), fmt.Sprintf("%.2f", weight), "≥ 0.9: not lighter")
	b.add(2*ours.peak <= theirs.peak, "peak memory of the build", fmt.Sprintf("%d MB", ours.peak>>20), fmt.Sprintf("%d MB Hugo", theirs.peak>>20),
		fmt.Sprintf("%.2f", float64(ours.peak)/float64(theirs.peak)), "≤ 0.5")
	packed, err := b.buildPacked(data)
	if err != nil {
		return err
	}
	b.add(true, "with gzip and Brotli forms beside", fmt.Sprintf("%.1f s (%.1f s CPU)", packed.took.Seconds(), packed.cpu.Seconds()),
		fmt.Sprintf("%.2f s without", ours.took.Seconds()), fmt.Sprintf("%.1f", packed.took.Seconds()/ours.took.Seconds()), "stated")
	for _, part := range []func() error{
		func() error { return b.siteChanges(program, data) },
		func() error { return b.siteServing(data) },
		b.siteLighthouse,
	} {
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}

// siteServing compares pages that the server has built with a bare handler that
// writes the same bytes.
func (b *bench) siteServing(data string) error {
	server, err := endure.Serve(b.ctx, b.binary, "--data", data, "--rates", manyRequests, "--site-languages", siteLanguage)
	if err != nil {
		return err
	}
	defer server.Kill()
	if err := awaitSearch(server.Base); err != nil {
		return err
	}
	var paths []string // a hundred pages, so that no cache of one helps
	for n := range 100 {
		paths = append(paths, fmt.Sprintf("/%s/articles/articolo-%06d/", siteLanguage, 7+n))
	}
	if err := b.idle(server); err != nil { // it was built before; what is new is compressed now
		return err
	}
	plain := http.Header{"Accept-Encoding": {"identity"}}
	res, _, err := fetch(server.Base+paths[0], plain)
	if err != nil {
		return err
	}
	for _, of := range []struct {
		what, encoding string
	}{{"a built page", "identity"}, {"the same as Brotli", "br"}} {
		header := http.Header{"Accept-Encoding": {of.encoding}}
		ceiling, page, err := b.ceilingOf(server, paths[0], header)
		if err != nil {
			return err
		}
		defer ceiling.server.Kill()
		if err := b.compare(fmt.Sprintf("%s (%d bytes)", of.what, len(page)), &target{server, paths, header, http.StatusOK}, ceiling, 1.5); err != nil {
			return err
		}
		if of.encoding == "identity" {
			match := http.Header{"Accept-Encoding": {"identity"}, "If-None-Match": {res.Header.Get("ETag")}}
			if err := b.compare("the same, not modified (304)", &target{server, paths[:1], match, http.StatusNotModified}, ceiling, 1.5); err != nil {
				return err
			}
		}
	}
	return nil
}

// idle waits until a server has nothing left to do by itself.
func (b *bench) idle(server *endure.Server) error {
	for start := time.Now(); time.Since(start) < 10*time.Minute; {
		before, err := cpuTime(server.Cmd.Process.Pid)
		if err != nil {
			return err
		}
		time.Sleep(time.Second)
		after, err := cpuTime(server.Cmd.Process.Pid)
		if err != nil {
			return err
		}
		if after-before < 20*time.Millisecond {
			return nil
		}
	}
	return errors.New("the server is at work for ten minutes and more")
}

// siteLighthouse has Lighthouse judge pages of the demonstration as a phone of
// middling speed sees them on slow 4G, three times each; the median counts.
func (b *bench) siteLighthouse() error {
	server, err := endure.Serve(b.ctx, b.binary, "--demo", "--data", filepath.Join(b.dir, "site-demo"), "--rates", "off")
	if err != nil {
		return err
	}
	defer server.Kill()
	pages := []struct{ what, path string }{
		{"home", "/it/"}, {"list", "/it/news/"}, {"article", "/it/articles/dieci-parole-per-cominciare/"},
		{"practice", "/it/practices/orti-condivisi/"}, {"service", "/it/services/corso-di-italiano-serale/"},
	}
	for start := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		if _, _, err := fetch(server.Base+pages[0].path, nil); err == nil {
			break
		} else if time.Since(start) > time.Minute {
			return fmt.Errorf("no site after a minute: %w", err)
		}
	}
	var urls []string
	for range 3 {
		for _, p := range pages {
			urls = append(urls, server.Base+p.path)
		}
	}
	audited, err := lighthouse.Audit(b.ctx, lighthouse.Options{}, urls...)
	if err != nil {
		return err
	}
	for i, p := range pages {
		var performance []int
		least := 100 // of what does not depend on the machine
		for at := i; at < len(audited); at += len(pages) {
			r := audited[at]
			performance = append(performance, r.Performance)
			least = min(least, r.Accessibility, r.BestPractices, r.SEO)
		}
		slices.Sort(performance)
		middle := performance[len(performance)/2]
		b.add(middle >= 95 && least == 100, "Lighthouse, a phone, "+p.what, fmt.Sprintf("performance %d, the others %d or more", middle, least), "", "", "≥ 95, 100")
	}
	return nil
}

// buildOurs builds into a new folder; the command keeps no builds of its own.
func (b *bench) buildOurs(data string, round int) (built, error) {
	out := b.ours(round)
	r, err := b.child("", b.binary, "build", "--data", data, "--out", out, "--site-languages", siteLanguage, "--base-url", hugoBase, "--no-cards") // Hugo draws no pictures
	if err != nil {
		return r, err
	}
	return r, r.look(out, siteLanguage+"/articles/")
}

func (b *bench) ours(round int) string { return filepath.Join(b.dir, fmt.Sprint("site-ours-", round)) }

// buildPacked builds as buildOurs does, with compressed forms beside the files.
func (b *bench) buildPacked(data string) (built, error) {
	out := filepath.Join(b.dir, "site-packed")
	return b.child("", b.binary, "build", "--data", data, "--out", out, "--site-languages", siteLanguage, "--base-url", hugoBase, "--no-cards", "--precompress")
}

// buildHugo builds Hugo's site into a new folder.
func (b *bench) buildHugo(program string, round int) (built, error) {
	dir := filepath.Join(b.dir, "site-hugo")
	out := fmt.Sprint("public-", round)
	r, err := b.child(dir, program, "--quiet", "--destination", out)
	if err != nil {
		return r, err
	}
	return r, r.look(filepath.Join(dir, out), "articles/")
}

// median gives the run in the middle by time.
func median(all []built) built {
	slices.SortFunc(all, func(x, y built) int { return cmp.Compare(x.took, y.took) })
	return all[len(all)/2]
}

// between gives what stands from one mark to the end of another, the last of each
// when there are several.
func between(page []byte, from, to string) (string, error) {
	i := bytes.Index(page, []byte(from))
	if i < 0 {
		return "", fmt.Errorf("our page has no %s", from)
	}
	j := bytes.Index(page[i:], []byte(to))
	if j < 0 {
		return "", fmt.Errorf("our page has no %s after %s", to, from)
	}
	return string(page[i : i+j+len(to)]), nil
}

// writeHugo writes the content for Hugo with the furniture of a page of ours.
func (b *bench) writeHugo(items string) error {
	dir := filepath.Join(b.dir, "site-hugo")
	page, err := os.ReadFile(filepath.Join(b.ours(0), siteLanguage, "articles", "articolo-000007", "index.html"))
	if err != nil {
		return err
	}
	site, err := fs.Sub(hugoSite, "hugosite")
	if err != nil {
		return err
	}
	if err := os.CopyFS(dir, site); err != nil {
		return err
	}
	header, err := between(page, "<header", "</header>")
	if err != nil {
		return err
	}
	footer, err := between(page, "<footer", "</footer>")
	if err != nil {
		return err
	}
	var assets []string
	for _, line := range strings.Split(string(page), "\n") {
		if strings.HasPrefix(line, `<link rel="preload"`) || strings.HasPrefix(line, `<link rel="stylesheet"`) || strings.HasPrefix(line, "<script src") ||
			strings.HasPrefix(line, `<link rel="icon"`) || strings.HasPrefix(line, `<link rel="alternate" type=`) {
			assets = append(assets, line)
		}
	}
	write := func(name, text string) error {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		return os.WriteFile(name, []byte(text), 0o644)
	}
	for name, text := range map[string]string{"header": header, "footer": footer, "assets": strings.Join(assets, "\n")} {
		if err := write("layouts/_partials/"+name+".html", strings.ReplaceAll(text, "{{", "&#123;&#123;")); err != nil {
			return err
		}
	}
	lines, err := os.ReadFile(items)
	if err != nil {
		return err
	}
	all := schemas.Default()
	for line := range bytes.Lines(lines) {
		var it benchItem
		if err := json.Unmarshal(line, &it); err != nil {
			return err
		}
		// JSON is YAML.
		front, err := json.Marshal(map[string]any{
			"title": it.Title, "description": it.Summary, "date": it.PublishedAt, "territories": places(all.Territories(), it.Territories), "topics": it.Topics,
		})
		if err != nil {
			return err
		}
		// Prassi finds laws in a text and links them; Hugo is given the links.
		body := strings.ReplaceAll(it.Body, lawNamed, "["+lawNamed+"]("+lawAddress+")")
		if err := write("content/articles/"+it.Slug+".md", string(front)+"\n"+body); err != nil {
			return err
		}
	}
	index := map[string]string{"articles": "Articoli", "territories": "Territori", "topics": "Temi"}
	for _, topic := range topics {
		if term, ok := all.Term(topic); ok {
			index["topics/"+topic] = term.Label.In(siteLanguage)
		}
	}
	for _, t := range slices.Concat(all.Territories().Regions(), all.Territories().Provinces()) {
		if slices.ContainsFunc(territories, func(acronym string) bool { return all.Territories().Contains(t.ISTAT, acronym) }) {
			index["territories/"+content.Slugify(t.Name)] = t.Name
		}
	}
	for name, title := range index {
		if err := write("content/"+name+"/_index.md", fmt.Sprintf("{\"title\": %q}\n", title)); err != nil {
			return err
		}
	}
	return nil
}

// lawNamed is what the items say of a law, lawAddress where Prassi leads from it.
const (
	lawNamed   = "art. 5 del D.Lgs. 286/1998"
	lawAddress = "https://www.normattiva.it/uri-res/N2Ls?urn:nir:stato:decreto.legislativo:1998-07-25;286~art5"
)

// benchItem is a line of the items' file.
type benchItem struct {
	Slug, Title, Summary, Body string
	Territories, Topics        []string
	PublishedAt                string `json:"published_at"`
}

// places are the names in addresses of provinces and their regions.
func places(all *schemas.Territories, acronyms []string) (out []string) {
	for _, acronym := range acronyms {
		t, ok := all.Lookup(acronym)
		if !ok {
			continue
		}
		for _, code := range append([]string{t.ISTAT}, all.Ancestors(t.ISTAT)...) {
			if t, ok := all.Lookup(code); ok {
				out = append(out, content.Slugify(t.Name))
			}
		}
	}
	return out
}

// plainFiles creates as many files of the same sizes in the same folders.
func (b *bench) plainFiles(files map[string]int64) (time.Duration, error) {
	dir := filepath.Join(b.dir, "site-plain")
	if err := os.RemoveAll(dir); err != nil {
		return 0, err
	}
	names := make([]string, 0, len(files))
	var largest int64
	for name, size := range files {
		names = append(names, name)
		largest = max(largest, size)
	}
	slices.Sort(names)
	content := bytes.Repeat([]byte("x"), int(largest))
	start := time.Now()
	for _, name := range names {
		at := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			return 0, err
		}
		if err := os.WriteFile(at, content[:files[name]], 0o644); err != nil {
			return 0, err
		}
	}
	return time.Since(start), nil
}

// goldmarkAlone renders the items' Markdown on all processors and does nothing
// else.
func goldmarkAlone(items string) (time.Duration, error) {
	lines, err := os.ReadFile(items)
	if err != nil {
		return 0, err
	}
	var bodies [][]byte
	for line := range bytes.Lines(lines) {
		var it benchItem
		if err := json.Unmarshal(line, &it); err != nil {
			return 0, err
		}
		bodies = append(bodies, []byte(it.Body))
	}
	md := goldmark.New(goldmark.WithExtensions(extension.GFM))
	next := make(chan []byte)
	var wg sync.WaitGroup
	var failed error
	var once sync.Once
	start := time.Now()
	for range 2 {
		wg.Go(func() {
			var out bytes.Buffer
			for body := range next {
				out.Reset()
				if err := md.Convert(body, &out); err != nil {
					once.Do(func() { failed = err })
				}
			}
		})
	}
	for _, body := range bodies {
		next <- body
	}
	close(next)
	wg.Wait()
	return time.Since(start), failed
}

// siteChanges measures how long it takes until one changed item shows: with us from
// the acknowledged publication until a reader sees the page, with Hugo from the
// written file until its page has the new words.
func (b *bench) siteChanges(program, data string) error {
	theirs, err := b.changeHugo(program)
	if err != nil {
		return err
	}
	slices.Sort(theirs)
	for _, of := range []struct{ languages, name, title string }{
		{siteLanguage, "Una sola", "one changed item on the air, in one language as Hugo's"},
		{"", "Una sola ancora", "the same in all six languages"},
	} {
		ours, err := b.changeOurs(data, of.languages, of.name)
		if err != nil {
			return err
		}
		slices.Sort(ours)
		worst, median := ours[len(ours)-1], ours[len(ours)/2]
		b.add(median < 150*time.Millisecond, of.title, fmt.Sprintf("%.0f ms (worst %.0f)", milli(median), milli(worst)),
			fmt.Sprintf("%.0f ms Hugo watching", milli(theirs[len(theirs)/2])), fmt.Sprintf("%.3f", median.Seconds()/theirs[len(theirs)/2].Seconds()), "< 150 ms")
	}
	return nil
}

// changeHugo lets Hugo watch and changes one item three times.
func (b *bench) changeHugo(program string) (took []time.Duration, err error) {
	dir := filepath.Join(b.dir, "site-hugo")
	watching := exec.CommandContext(b.ctx, program, "--watch")
	watching.Dir = dir
	if err := os.RemoveAll(filepath.Join(dir, "public")); err != nil {
		return nil, err
	}
	said, err := watching.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := watching.Start(); err != nil {
		return nil, err
	}
	defer func() {
		watching.Process.Kill() // it ends no other way
		watching.Wait()
	}()
	lines := bufio.NewScanner(said)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "Watching for") {
	}
	go io.Copy(io.Discard, said) // keeps the pipe from filling
	page := filepath.Join(dir, "public/articles/articolo-000007/index.html")
	source := filepath.Join(dir, "content/articles/articolo-000007.md")
	shows := func(word string) (time.Duration, error) {
		for start := time.Now(); ; time.Sleep(time.Millisecond) {
			data, err := os.ReadFile(page)
			if err == nil && bytes.Contains(data, []byte(word)) && bytes.Contains(data, []byte("</html>")) {
				return time.Since(start), nil
			}
			if time.Since(start) > 2*time.Minute {
				return 0, fmt.Errorf("the page that Hugo watches does not show %q", word)
			}
		}
	}
	time.Sleep(2 * time.Second) // it says so a little before it does
	text, err := os.ReadFile(source)
	if err != nil {
		return nil, err
	}
	for n := range 3 {
		word := fmt.Sprintf("parolanuova%d", n)
		if err := os.WriteFile(source, append(bytes.Clone(text), "\n\n"+word+"\n"...), 0o644); err != nil {
			return nil, err
		}
		d, err := shows(word)
		if err != nil {
			return nil, err
		}
		took = append(took, d)
		time.Sleep(time.Second)
	}
	return took, nil
}

// changeOurs changes an item of a title through the editorial API of a running
// server, whose site has these languages (all when empty).
func (b *bench) changeOurs(data, languages, title string) (took []time.Duration, err error) {
	out, err := exec.CommandContext(b.ctx, b.binary, "token", "create", "--data", data, "--role", "editor").Output()
	if err != nil {
		return nil, err
	}
	token := strings.TrimSpace(string(out))
	server, err := endure.Serve(b.ctx, b.binary, "--data", data, "--rates", "off", "--site-languages", languages)
	if err != nil {
		return nil, err
	}
	defer server.Kill()
	if err := awaitSearch(server.Base); err != nil { // the first start makes the index beside
		return nil, err
	}
	res, err := send(b.ctx, server.Base+"/api/v1/manage/documents", token, "", `{"type":"article","locale":"it","fields":{"title":"`+title+`","body":"prima"}}`)
	if err != nil {
		return nil, err
	}
	at, etag := server.Base+res.Header.Get("Location"), res.Header.Get("ETag")
	for n := range 21 {
		word := fmt.Sprintf("parolanuova%d.", n)
		body, err := json.Marshal(map[string]any{"fields": map[string]any{"title": title, "body": strings.Repeat("Una riga di testo. ", 150) + word}})
		if err != nil {
			return nil, err
		}
		if res, err = sendAs(b.ctx, http.MethodPatch, at, token, etag, string(body)); err != nil {
			return nil, err
		}
		if res, err = send(b.ctx, at+"/transitions", token, res.Header.Get("ETag"), `{"transition":"publish"}`); err != nil {
			return nil, err
		}
		etag = res.Header.Get("ETag")
		limit := 5 * time.Second
		if n == 0 {
			limit = time.Minute // the server may still be at its first build
		}
		for start := time.Now(); ; time.Sleep(time.Millisecond) {
			_, page, err := fetch(server.Base+"/"+siteLanguage+"/articles/"+strings.ReplaceAll(strings.ToLower(title), " ", "-")+"/", nil)
			if err == nil && bytes.Contains(page, []byte(word)) {
				if n > 0 {
					took = append(took, time.Since(start))
				}
				break
			}
			if time.Since(start) > limit {
				return nil, fmt.Errorf("the page does not show %q after %s: %w", word, limit, err)
			}
		}
		time.Sleep(300 * time.Millisecond)
	}
	return took, nil
}
