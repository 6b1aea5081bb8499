// Command install fetches Lighthouse ahead of the tests and prints its folder, so that
// a slow or refused download is seen here and not in the middle of a test run.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/prassi-cms/prassi/internal/lighthouse"
)

func main() {
	folder, err := lighthouse.Install(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(folder)
}
