package catalog

import (
	"slices"
	"testing"
)

func TestAllAndVariants(t *testing.T) {
	w := newWorld(t)
	for _, id := range []string{"b", "a", "c"} {
		for _, l := range []string{"it", "en"} {
			w.publish("page", id, l, id+"-"+l, values{"title": id})
		}
	}
	w.publish("article", "d", "it", "d", values{"title": "d", "body": "x"})
	w.edit("page", "e", "it", "bozza", values{"title": "e"})
	c := w.open(t.TempDir())
	all := c.All() // of this moment
	w.withdraw("a", "it")
	w.withdraw("c", "it")
	w.withdraw("c", "en")
	w.catchUp(c)
	names := func(list []Entry) (out []string) {
		for _, e := range list {
			out = append(out, e.ID()+" "+e.Locale())
		}
		return out
	}
	for range 2 { // it may be gone through again
		if got, want := names(slices.Collect(all)), []string{"a en", "a it", "b en", "b it", "c en", "c it", "d it"}; !slices.Equal(got, want) {
			t.Errorf("then: %v", got)
		}
	}
	if got, want := names(slices.Collect(c.All())), []string{"a en", "b en", "b it", "d it"}; !slices.Equal(got, want) {
		t.Errorf("now: %v", got)
	}
	n := 0
	for range c.All() {
		if n++; n == 2 {
			break
		}
	}
	for id, want := range map[string][]string{"a": {"a en"}, "b": {"b en", "b it"}, "c": nil, "e": nil, "x": nil} {
		if got := names(c.Variants(id)); !slices.Equal(got, want) {
			t.Errorf("%s: %v", id, got)
		}
	}
}
