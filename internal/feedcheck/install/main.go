// Command install fetches the readers and validators of feeds that the tests ask ahead of time and
// prints its folder, so that a slow or refused download is seen here and not in
// the middle of a test run.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/prassi-cms/prassi/internal/feedcheck"
)

func main() {
	folder, err := feedcheck.Install(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(folder)
}
