// Command bench prints the benchmark table: every figure beside a ceiling taken
// in the same run, so that a slow or busy machine moves both.
//
// It drives the built binary from outside, as users do. CPU per request is the
// server process's own user and system time, read from the kernel before and
// after a run of requests; the load generator's time does not count. The ceiling
// of a request is a bare Gin handler, in a process of its own, that writes the
// same bytes. What is too small for that (a decision, a hash) runs in this
// process, in turns with its ceiling.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// row is one line of the table.
type row struct {
	part, what, measured, ceiling, ratio, limit string
	ok                                          bool
}

// bench is one run.
type bench struct {
	ctx    context.Context
	binary string
	dir    string
	items  int
	rounds int
	kills  int
	only   string
	began  time.Time
	part   string // that runs now
	rows   []row
}

func (b *bench) add(ok bool, what, measured, ceiling, ratio, limit string) {
	b.rows = append(b.rows, row{b.part, what, measured, ceiling, ratio, limit, ok})
	fmt.Fprintf(os.Stderr, "  %s: %s %s\n", what, measured, ratio)
}

func main() {
	var (
		items  = flag.Int("items", 10_000, "items in the store")
		rounds = flag.Int("rounds", 7, "rounds of each comparison; the median counts")
		kills  = flag.Int("kills", 200, "SIGKILLs on each engine; 0 leaves them out")
		only   = flag.String("only", "", "only these parts, parted by commas: import, requests, start, publication, safety, search, directory, site, golden, kills")
		bare   = flag.String("bare", "", "serve this file from a bare Gin handler (used by the bench itself)")
		signin = flag.String("signin", "", "serve sign-ins on this folder (used by the bench itself)")
		issuer = flag.String("issuer", "", "the provider of -signin")
	)
	flag.Parse()
	serve := func() error { return serveBare(*bare) }
	if *signin != "" {
		serve = func() error { return serveSignIn(*signin, *issuer) }
	}
	if *bare != "" || *signin != "" {
		fmt.Fprintln(os.Stderr, "bench:", serve()) // until it is killed
		os.Exit(1)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	b := &bench{ctx: ctx, items: *items, rounds: *rounds, kills: *kills, only: *only, began: time.Now()}
	if err := b.run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	if !b.print() {
		os.Exit(1)
	}
}

func (b *bench) run() error {
	dir, err := os.MkdirTemp("", "prassi-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b.dir = dir
	done := map[string]bool{}
	for _, part := range parts {
		if b.only != "" && !slices.Contains(strings.Split(b.only, ","), part.name) {
			continue
		}
		for _, step := range append(part.needs, part.step) {
			if done[step.name] {
				continue
			}
			done[step.name] = true
			b.part = step.name
			fmt.Fprintln(os.Stderr, step.name)
			if err := step.run(b); err != nil {
				return fmt.Errorf("%s: %w", step.name, err)
			}
		}
	}
	if len(done) == 0 {
		return fmt.Errorf("-only %s: there is no such part", b.only)
	}
	return nil
}

// step is a part of the run, or what parts need first.
type step struct {
	name string
	run  func(*bench) error
}

var (
	building  = step{"build", (*bench).build}
	importing = step{"import", (*bench).importing}
)

// parts are in the order in which they run.
var parts = []struct {
	step
	needs []step
}{
	{importing, []step{building}},
	{step{"requests", (*bench).requests}, []step{building, importing}},
	{step{"start", (*bench).starting}, []step{building, importing}}, // adds as many items again
	{step{"publication", (*bench).publication}, []step{building, importing}},
	{step{"safety", (*bench).safety}, nil},
	{step{"search", (*bench).portal}, nil},
	{step{"directory", (*bench).directory}, []step{building}},
	{step{"site", (*bench).site}, []step{building}},
	{step{"golden", (*bench).golden}, nil},
	{step{"kills", (*bench).endurance}, []step{building}},
}

func (b *bench) build() error {
	b.binary = filepath.Join(b.dir, "prassi")
	build := exec.CommandContext(b.ctx, "go", "build", "-o", b.binary, "./cmd/prassi")
	build.Stderr = os.Stderr
	return build.Run()
}

// print writes the table and says whether every limit was kept.
// notMeasured begins what is said in place of a figure.
const notMeasured = "not measured"

func (b *bench) print() bool {
	fmt.Printf("Prassi benchmark: %d items, %s, %d processors\n\n", b.items, runtime.Version(), runtime.NumCPU())
	tw := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(tw, "WHAT\tMEASURED\tCEILING\tRATIO\tLIMIT\t")
	good, part := true, ""
	for _, r := range b.rows {
		if r.part != part {
			part = r.part
			fmt.Fprintf(tw, "%s\t\t\t\t\t\n", strings.ToUpper(part))
		}
		verdict := "ok"
		switch {
		case !r.ok:
			verdict, good = "MISSED", false
		case strings.HasPrefix(r.measured, notMeasured):
			verdict = ""
		}
		fmt.Fprintln(tw, strings.Join([]string{r.what, r.measured, r.ceiling, r.ratio, r.limit, verdict}, "\t"))
	}
	tw.Flush()
	return good
}
