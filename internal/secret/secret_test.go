package secret_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prassi-cms/prassi/internal/secret"
)

const word = "Zq7-hidden-word"

func TestNothingShowsASecret(t *testing.T) {
	v := secret.New(word)
	box := struct {
		Key  secret.Value
		Keys []secret.Value
		At   *secret.Value
	}{v, []secret.Value{v}, &v}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		fmt.Fprintf(&out, verb+" "+verb+" "+verb+"\n", v, &v, box)
	}
	data, err := json.Marshal(box)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(data)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "v", v, "box", box)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "v", v, "box", box)
	for _, form := range []string{word, fmt.Sprintf("%x", word), fmt.Sprintf("%X", word)} {
		if strings.Contains(out.String(), form) {
			t.Errorf("the secret shows as %q:\n%s", form, out.String())
		}
	}
	if v.Reveal() != word || v.IsZero() || !(secret.Value{}).IsZero() {
		t.Error("the secret is lost")
	}
}

func TestLookup(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, c := range map[string]struct{ value, file, want, fault string }{
		"none":      {},
		"variable":  {value: word, want: word},
		"file":      {file: file("good", word+"\r\n"), want: word},
		"both":      {value: word, file: file("good2", word), fault: "both set"},
		"empty":     {file: file("empty", "\n"), fault: "is empty"},
		"missing":   {file: filepath.Join(dir, "none"), fault: "no such file"},
		"too large": {file: file("large", strings.Repeat("x", secret.MaxFile+1)), fault: "larger than"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("PRASSI_X", c.value)
			t.Setenv("PRASSI_X_FILE", c.file)
			v, err := secret.Lookup("PRASSI_X")
			if c.fault == "" && (err != nil || v.Reveal() != c.want) {
				t.Fatalf("%q, %v", v.Reveal(), err)
			}
			if c.fault != "" && (err == nil || !strings.Contains(err.Error(), c.fault) || strings.Contains(err.Error(), word)) {
				t.Fatalf("%v", err)
			}
		})
	}
}
