// Command assets builds what a browser loads: the site's style sheet and
// scripts, the widgets' scripts, the typeface.
//
//	site/theme/scss/*.scss ─▶ sass (npm) ──────▶ esbuild ─▶ site/dist/*.css
//	site/theme/ts/*.ts ─────────────────────────▶ esbuild ─▶ site/dist/*.js
//	widgets/src/*.ts ───────────────────────────▶ esbuild ─▶ widgets/dist/*.js
//	site/theme/static/* ────────────────────────────────────▶ site/dist/*
//	@fontsource files (npm) ────────────────────────────────▶ site/dist/*.woff2
//
// What to build is the table in tables.go. The npm packages come from npmcache,
// pinned by the lock file beside this; esbuild is a Go module. The program embeds
// the two dist folders, so they are made before it is built.
//
// A stamp of the inputs and the outputs in .cache says whether there is anything
// to do, so that every make target can begin with this. The same inputs give the
// same bytes, and a file whose bytes stay is not written.
//
//	go run ./internal/assets           build what is out of date
//	go run ./internal/assets -force    build all
//	go run ./internal/assets -check    check the types of all TypeScript (tsc)
//	go run ./internal/assets -install  only fetch the npm packages, print where
package main

import (
	"context"
	"embed"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/prassi-cms/prassi/internal/npmcache"
)

//go:embed package.json package-lock.json sass.mjs
var recipe embed.FS

// install makes sure that the npm packages are on this machine and returns their
// folder.
func install(ctx context.Context) (string, error) {
	return npmcache.Recipe{Name: "assets", Files: recipe}.Install(ctx)
}

func main() {
	force := flag.Bool("force", false, "build all, even what seems up to date")
	check := flag.Bool("check", false, "check the types of all TypeScript and build nothing")
	fetch := flag.Bool("install", false, "only fetch the npm packages and print their folder")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *force, *check, *fetch); err != nil {
		fmt.Fprintln(os.Stderr, "assets:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, force, check, fetch bool) error {
	switch {
	case fetch:
		home, err := install(ctx)
		if err == nil {
			fmt.Println(home)
		}
		return err
	case check:
		return checkTypes(ctx)
	}
	return build(ctx, force)
}
