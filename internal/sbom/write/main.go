// Command write makes the software bill of materials of a built program, and
// says which npm lock files a release ships. `make sbom` calls it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/prassi-cms/prassi/internal/sbom"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	opt := sbom.Options{Root: ".", Package: "./cmd/prassi"}
	flag.StringVar(&opt.Binary, "binary", "bin/prassi", "the built program")
	flag.StringVar(&opt.Version, "version", "dev", "its version")
	flag.StringVar(&opt.Commit, "commit", "", "the commit it was built from")
	seconds := flag.Int64("time", 0, "when that commit was made, in seconds since 1970")
	out := flag.String("out", "bin/prassi.sbom.json", "the file to write")
	locks := flag.Bool("lockfiles", false, "only list the npm lock files that a release ships, one a line")
	flag.Parse()
	if *locks {
		return list(ctx, opt.Root)
	}
	if *seconds > 0 {
		opt.Time = time.Unix(*seconds, 0)
	}
	content, err := sbom.Make(ctx, opt)
	if err != nil {
		return err
	}
	return os.WriteFile(*out, content, 0o644)
}

func list(ctx context.Context, root string) error {
	policy, err := sbom.ReadPolicy()
	if err != nil {
		return err
	}
	names, err := sbom.LockFiles(ctx, root)
	if err != nil {
		return err
	}
	for _, name := range policy.Ships(names) {
		fmt.Println(name)
	}
	return nil
}
