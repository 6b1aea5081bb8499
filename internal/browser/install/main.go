// Command install fetches Playwright and axe ahead of the tests and prints
// their folder, so that a slow or refused download is seen here and not in the
// middle of a test run.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/prassi-cms/prassi/internal/browser"
)

func main() {
	folder, err := browser.Install(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(folder)
}
