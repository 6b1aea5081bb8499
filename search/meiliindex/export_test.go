package meiliindex

import (
	"context"

	"github.com/prassi-cms/prassi/schemas"
	"github.com/prassi-cms/prassi/search"
)

// Drop takes a test's index off the server.
func Drop(index search.Index) error {
	x := index.(*Index)
	return x.drop(context.Background(), x.uid)
}

// Declared are the server's settings.
var Declared = declared

func defaults() *schemas.Registry { return schemas.Default() }
