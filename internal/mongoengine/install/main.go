// Command install fetches the MongoDB engine of the tests ahead of time and
// prints its folder, so that a slow or refused download is seen here and not in
// the middle of a test run.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/prassi-cms/prassi/internal/mongoengine"
)

func main() {
	folder, err := mongoengine.Install(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(folder)
}
