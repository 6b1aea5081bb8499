package schemas

import (
	"embed"
	"sync"
)

// Files holds every declaration: types, shared fields, kinds, locales,
// taxonomies, synonyms, territories and workflows.
//
//go:embed *.yaml types/*.yaml taxonomies/*.yaml synonyms/*.yaml territories/*.csv workflows/*.yaml
var Files embed.FS

var loadDefault = sync.OnceValue(func() *Registry {
	r, err := Load(Files)
	if err != nil {
		panic("schemas: embedded declarations: " + err.Error())
	}
	return r
})

// Default is the registry of the embedded declarations, loaded on first use. It
// panics when they are wrong, which the package's tests exclude.
func Default() *Registry { return loadDefault() }
