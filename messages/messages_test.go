package messages

import "testing"

func TestLanguagesLoad(t *testing.T) {
	for _, tag := range Languages {
		if _, err := load(tag); err != nil {
			t.Errorf("%s.yaml: %v", tag, err)
		}
	}
	if got, want := Text("en-GB", "no_such_variant", map[string]any{"locale": "ar"}),
		"This content has no version in this language (Arabic). Choose another language or start the translation."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
