// Command bench prints the benchmark table: every figure beside a ceiling taken
// in the same run, so that a slow or busy machine moves both.
//
// It drives the built binary from outside, as users do. CPU per request is the
// server process's own user and system time, read from the kernel before and
// after a run of requests; the load generator's time does not count. The ceiling
// of a request is a bare Gin handler, in a process of its own, that writes the
// same bytes.
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
	"strings"
	"text/tabwriter"
)

// row is one line of the table.
type row struct {
	what, measured, ceiling, ratio, limit string
	ok                                    bool
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
	rows   []row
}

func (b *bench) add(ok bool, what, measured, ceiling, ratio, limit string) {
	b.rows = append(b.rows, row{what, measured, ceiling, ratio, limit, ok})
	fmt.Fprintf(os.Stderr, "  %s: %s %s\n", what, measured, ratio)
}

func main() {
	var (
		items  = flag.Int("items", 10_000, "items in the store")
		rounds = flag.Int("rounds", 7, "rounds of each comparison; the median counts")
		kills  = flag.Int("kills", 200, "SIGKILLs on each engine; 0 leaves them out")
		only   = flag.String("only", "", "only this part: import, start, requests, publication or kills (parts need the import)")
		bare   = flag.String("bare", "", "serve this file from a bare Gin handler (used by the bench itself)")
	)
	flag.Parse()
	if *bare != "" {
		if err := serveBare(*bare); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	b := &bench{ctx: ctx, items: *items, rounds: *rounds, kills: *kills, only: *only}
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
	b.binary = filepath.Join(dir, "prassi")
	build := exec.CommandContext(b.ctx, "go", "build", "-o", b.binary, "./cmd/prassi")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("building: %w", err)
	}
	for _, part := range []struct {
		name string
		run  func() error
	}{
		{"import", b.importing}, {"requests", b.requests}, {"start", b.starting}, // start adds as many items again
		{"publication", b.publication}, {"kills", b.endurance},
	} {
		if b.only != "" && part.name != b.only && part.name != "import" {
			continue
		}
		fmt.Fprintln(os.Stderr, part.name)
		if err := part.run(); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return nil
}

// print writes the table and says whether every limit was kept.
func (b *bench) print() bool {
	fmt.Printf("Prassi benchmark: %d items, %s, %d processors\n\n", b.items, runtime.Version(), runtime.NumCPU())
	tw := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(tw, "WHAT\tMEASURED\tCEILING\tRATIO\tLIMIT\t")
	good := true
	for _, r := range b.rows {
		verdict := "ok"
		if !r.ok {
			verdict, good = "MISSED", false
		}
		fmt.Fprintln(tw, strings.Join([]string{r.what, r.measured, r.ceiling, r.ratio, r.limit, verdict}, "\t"))
	}
	tw.Flush()
	return good
}
