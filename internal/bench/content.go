package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the ceiling of an import

	"github.com/prassi-cms/prassi/interchange"
	"github.com/prassi-cms/prassi/internal/endure"
)

var (
	territories = []string{"PO", "MI", "RM", "TO", "NA", "PA"}
	topics      = []string{"housing", "work", "health", "minors", "italian-language"}
)

func (b *bench) data() string { return filepath.Join(b.dir, "data") }

// words make text that compresses as prose does.
var words = strings.Fields(`la casa il lavoro una scuola corso italiano permesso soggiorno comune sportello
	servizio famiglia bambini medico salute ufficio domanda documento legge decreto articolo quartiere
	associazione volontari lingua incontro martedì mattina gratuito aperto tutti aiuto persone nuove città
	provincia regione consiglio buona pratica esperienza risultato anno gruppo donne giovani studio contratto`)

// item writes one article of 3 kB as a line of the interchange format.
func item(rng *rand.Rand, n int) []byte {
	var body strings.Builder
	for body.Len() < 3000 {
		if body.Len()%700 < 12 {
			fmt.Fprintf(&body, "\n\n## Parte %d\n\n", body.Len())
		}
		switch rng.IntN(60) {
		case 0:
			body.WriteString("**" + words[rng.IntN(len(words))] + "** ")
		case 1:
			body.WriteString("[" + words[rng.IntN(len(words))] + "](https://example.org/" + strconv.Itoa(n) + ") ")
		case 2:
			body.WriteString("art. 5 del D.Lgs. 286/1998 ")
		default:
			body.WriteString(words[rng.IntN(len(words))] + " ")
		}
	}
	at := time.Date(2020, 1, 1, 8, 0, 0, 0, time.UTC).Add(time.Duration(rng.IntN(6*365*24)) * time.Hour)
	line, err := json.Marshal(map[string]any{
		"type": "article", "locale": "it", "slug": fmt.Sprintf("articolo-%06d", n), "title": fmt.Sprintf("Articolo %d su %s", n, words[rng.IntN(len(words))]),
		"summary":     "Una riga che dice di che cosa si parla qui, con parole semplici.",
		"territories": []string{territories[rng.IntN(len(territories))]}, "topics": []string{topics[rng.IntN(len(topics))]},
		"published_at": at.Format(time.RFC3339), "body": body.String(),
	})
	if err != nil {
		panic(err) // the map holds nothing that cannot be encoded
	}
	return append(line, '\n')
}

// writeItems writes items from..to as JSON Lines.
func (b *bench) writeItems(name string, from, to int) (string, error) {
	path := filepath.Join(b.dir, name)
	f, err := os.Create(path)
	if err != nil {
		return "", err
	}
	w := bufio.NewWriter(f)
	rng := rand.New(rand.NewPCG(1, uint64(from)))
	for n := from; n < to; n++ {
		w.Write(item(rng, n)) // Flush tells of any error
	}
	if err := w.Flush(); err != nil {
		return "", err
	}
	return path, f.Close()
}

// imported is how an import went: durable is when the command had said that all is
// in the store, whole when it had ended: by then the catalogue was rendered as
// well. cpu is the processors' time of both.
type imported struct{ durable, whole, cpu time.Duration }

// importFile runs the import command.
func (b *bench) importFile(data, path string) (took imported, err error) {
	cmd := exec.CommandContext(b.ctx, b.binary, "import", "--data", data, "--publish", path)
	var progress bytes.Buffer
	cmd.Stderr = &progress
	out, err := cmd.StdoutPipe()
	if err != nil {
		return took, err
	}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return took, err
	}
	var report strings.Builder // but for what was done as it was to be
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if strings.Contains(lines.Text(), interchange.CodeReportSummary) {
			took.durable = time.Since(start)
		}
		if !strings.Contains(lines.Text(), interchange.CodeReportCreated) && report.Len() < 3000 {
			fmt.Fprintln(&report, lines.Text())
		}
	}
	if err := cmd.Wait(); err != nil {
		return took, fmt.Errorf("%w\n%s%s", err, report.String(), progress.Bytes()[max(0, progress.Len()-500):])
	}
	if took.durable == 0 {
		return took, errors.New("the import did not say that it was done")
	}
	took.whole, took.cpu = time.Since(start), cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime()
	return took, nil
}

// importing times the import command beside the least that any durable import
// must do: insert the same bytes into SQLite, in batches as large.
func (b *bench) importing() error {
	path, err := b.writeItems("items.jsonl", 0, b.items)
	if err != nil {
		return err
	}
	least, err := b.insertRaw("raw.db", path)
	if err != nil {
		return err
	}
	took, err := b.importFile(b.data(), path)
	if err != nil {
		return err
	}
	rate := func(d time.Duration) float64 { return float64(b.items) / d.Seconds() }
	ceiling := fmt.Sprintf("%.0f/s, bare inserts", rate(least))
	b.add(rate(took.durable) >= 1000, fmt.Sprintf("import %d items of 3 kB, durable", b.items), fmt.Sprintf("%.0f/s", rate(took.durable)),
		ceiling, fmt.Sprintf("%.1f", took.durable.Seconds()/least.Seconds()), "≥ 1000/s")
	b.add(true, "the same, rendered in four encodings too", fmt.Sprintf("%.0f/s", rate(took.whole)), ceiling, fmt.Sprintf("%.1f", took.whole.Seconds()/least.Seconds()), "stated")
	return nil
}

// insertRaw inserts the lines of a file into a database of its own.
func (b *bench) insertRaw(name, path string) (time.Duration, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	lines := strings.SplitAfter(string(data), "\n")
	db, err := openRaw(b.ctx, filepath.Join(b.dir, name))
	if err != nil {
		return 0, err
	}
	defer db.Close()
	start := time.Now()
	for len(lines) > 0 {
		n := min(200, len(lines))
		tx, err := db.BeginTx(b.ctx, nil)
		if err != nil {
			return 0, err
		}
		for _, line := range lines[:n] {
			if _, err := tx.ExecContext(b.ctx, "INSERT INTO raw (body) VALUES (?)", line); err != nil {
				return 0, err
			}
		}
		if err := tx.Commit(); err != nil {
			return 0, err
		}
		lines = lines[n:]
	}
	return time.Since(start), nil
}

// starting times the first right answer after a start, and reads the memory.
func (b *bench) starting() error {
	var took []time.Duration
	var first int64
	for range 3 {
		d, rss, err := b.start()
		if err != nil {
			return err
		}
		took, first = append(took, d), rss
	}
	slices.Sort(took)
	b.add(took[1] < 1500*time.Millisecond, fmt.Sprintf("start to first answer, %d items", b.items), fmt.Sprintf("%.2f s", took[1].Seconds()), "", "", "< 1.5 s")
	b.add(first < 300<<20, "resident memory then", fmt.Sprintf("%d MB", first>>20), "", "", "< 300 MB")

	path, err := b.writeItems("more.jsonl", b.items, 2*b.items)
	if err != nil {
		return err
	}
	if _, err := b.importFile(b.data(), path); err != nil {
		return err
	}
	_, second, err := b.start()
	if err != nil {
		return err
	}
	b.add(true, fmt.Sprintf("growth by %d further items", b.items), fmt.Sprintf("%d MB", (second-first)>>20), "", "", "stated")
	return nil
}

func (b *bench) start() (time.Duration, int64, error) {
	began := time.Now()
	server, err := endure.Serve(b.ctx, b.binary, "--data", b.data(), "--rates", manyRequests, withoutSite)
	if err != nil {
		return 0, 0, err
	}
	defer server.Kill()
	if _, _, err := fetch(server.Base+"/api/v1/articles/articolo-000007?locale=it", nil); err != nil {
		return 0, 0, err
	}
	took := time.Since(began)
	if err := awaitSearch(server.Base); err != nil { // the first start makes the index beside
		return 0, 0, err
	}
	// A little reading first: memory is asked of a server at work.
	for n := range 2000 {
		if _, _, err := fetch(fmt.Sprintf("%s/api/v1/articles/articolo-%06d?locale=it", server.Base, n%b.items), nil); err != nil {
			return 0, 0, err
		}
	}
	rss, err := residentMemory(server.Cmd.Process.Pid)
	return took, rss, err
}

// residentMemory reads VmRSS, in bytes.
func residentMemory(pid int) (int64, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kb << 10, err
		}
	}
	return 0, fmt.Errorf("no VmRSS of process %d", pid)
}
