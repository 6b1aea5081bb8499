//go:build !linux

package target

import (
	"context"
	"os"
)

func create(ctx context.Context, root *os.Root, _ *os.File, name string, it *item) error {
	return writeFile(ctx, root, name, it)
}
