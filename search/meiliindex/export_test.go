package meiliindex

import "github.com/prassi-cms/prassi/schemas"

// Declared are the server's settings.
var Declared = declared

func defaults() *schemas.Registry { return schemas.Default() }
