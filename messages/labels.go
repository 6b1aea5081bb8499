package messages

import (
	"io/fs"
	"sync"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"github.com/prassi-cms/prassi/content/workflow"
	"github.com/prassi-cms/prassi/schemas"
)

// labels are how a language calls the names that the declarations give:
// parameter → name → label.
func labels(tag string) map[string]map[string]string {
	reg := schemas.Default()
	types, taxonomies, locales := map[string]string{}, map[string]string{}, map[string]string{}
	for _, t := range reg.Types() {
		add(types, t.Name, t.Label[tag])
	}
	for _, t := range reg.Taxonomies() {
		add(taxonomies, t.Name, t.Label[tag])
	}
	namer := display.Languages(language.Make(tag))
	for _, l := range reg.Locales() {
		for _, t := range append([]string{l.Tag}, l.Aliases...) {
			add(locales, t, namer.Name(language.Make(l.Tag)))
		}
	}
	states, transitions := map[string]string{}, map[string]string{}
	for _, d := range workflows() {
		for _, s := range d.States {
			add(states, s.Name, s.Label[tag])
		}
		for _, t := range d.Transitions {
			add(transitions, t.Name, t.Label[tag])
		}
	}
	return map[string]map[string]string{
		"type": types, "taxonomies": taxonomies, "locale": locales,
		"state": states, "transition": transitions,
	}
}

// add keeps the first label; a test sees that workflows which share a name share
// its label.
func add(to map[string]string, name, label string) {
	if _, ok := to[name]; !ok && label != "" {
		to[name] = label
	}
}

// workflows are the embedded ones by name of file, read once. It panics when one
// is wrong, as schemas.Default does.
var workflows = sync.OnceValue(func() []*workflow.Definition {
	names, err := fs.Glob(schemas.Files, "workflows/*.yaml")
	if err != nil {
		panic(err)
	}
	out := make([]*workflow.Definition, len(names))
	for i, name := range names {
		data, err := fs.ReadFile(schemas.Files, name)
		if err == nil {
			out[i], err = workflow.Parse(name, data)
		}
		if err != nil {
			panic("messages: " + err.Error())
		}
	}
	return out
})
