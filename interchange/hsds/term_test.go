package hsds

import (
	"testing"

	"github.com/prassi-cms/prassi/schemas"
)

// Every term of the table is one that a field of ours has.
func TestTableOfTerms(t *testing.T) {
	service, _ := schemas.Default().Type(string(Service))
	for field, words := range termWords() {
		f, ok := service.Field(field)
		if !ok {
			t.Errorf("a service has no field %s", field)
			continue
		}
		for word, id := range words {
			if _, ok := f.Term(id); !ok {
				t.Errorf("%s: %q means %q, which is no term", field, word, id)
			}
		}
	}
}
