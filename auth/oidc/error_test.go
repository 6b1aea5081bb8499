package oidc

import (
	"maps"
	"slices"
	"testing"
)

// Every code has a kind, and every kind a code.
func TestKinds(t *testing.T) {
	if got, want := slices.Sorted(maps.Keys(kinds)), slices.Sorted(slices.Values(Codes)); !slices.Equal(got, want) {
		t.Errorf("kinds of %v, codes %v", got, want)
	}
	used := slices.Compact(slices.Sorted(maps.Values(kinds)))
	if !slices.Equal(used, []Kind{Unknown, Unavailable, Broken, Denied, Refused}) {
		t.Errorf("kinds %v", used)
	}
	if KindOf("sign_in_perfect") != 0 {
		t.Error("a code that is none has a kind")
	}
}
