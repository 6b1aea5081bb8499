// Command install fetches the Nu Html Checker ahead of the tests and prints its folder, so that
// a slow or refused download is seen here and not in the middle of a test run.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/prassi-cms/prassi/internal/nu"
)

func main() {
	folder, err := nu.Install(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(folder)
}
