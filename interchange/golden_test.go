package interchange

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/prassi-cms/prassi/schemas"
)

var update = flag.Bool("update", false, "write what is read as what is wanted")

// TestFiles reads folders of files and compares what is understood with the
// file "want" of each archive. The second line of an archive's comment sets options.
func TestFiles(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) < 9 {
		t.Fatal(archives, err)
	}
	for _, name := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			want := ""
			fsys := fstest.MapFS{}
			opt := Options{Now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
			for _, f := range a.Files {
				switch f.Name {
				case "want":
					want = string(f.Data)
				case "mapping.yaml":
					if opt.Mapping, err = ReadMapping(f.Name, f.Data, schemas.Default()); err != nil {
						t.Fatal(err)
					}
				default:
					fsys[f.Name] = &fstest.MapFile{Data: f.Data}
				}
			}
			_, options, _ := strings.Cut(string(a.Comment), "Options: ")
			for _, o := range strings.Fields(options) {
				switch key, value, _ := strings.Cut(o, "="); key {
				case "type":
					opt.Defaults.Type = value
				case "locale":
					opt.Defaults.Locale = value
				case "publish":
					opt.Publish = true
				}
			}
			p, err := OpenFS(t.Context(), fsys, "site", opt)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			got := describe(t, p)
			if *update {
				a.Files = slices.DeleteFunc(a.Files, func(f txtar.File) bool { return f.Name == "want" })
				a.Files = append(a.Files, txtar.File{Name: "want", Data: []byte(got)})
				if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != want {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

// describe writes down what a plan would import.
func describe(t *testing.T, p *Plan) string {
	t.Helper()
	var b strings.Builder
	for _, f := range p.Findings {
		fmt.Fprintln(&b, f)
	}
	ignored := map[string]int{}
	for batch, err := range p.Batches(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range batch.Findings {
			fmt.Fprintln(&b, f)
		}
		for i, in := range batch.Incoming {
			fmt.Fprintf(&b, "%s %s%s\n", in.Type, in.ID, map[bool]string{true: " again"}[batch.again[i]])
			for j, v := range in.Variants {
				if !batch.again[i] {
					for _, key := range batch.items[i][j].ignored {
						ignored[key]++
					}
				}
				fmt.Fprintf(&b, "  %s %s (%s)", v.Locale, v.Slug, v.Source)
				if v.State != "" {
					fmt.Fprintf(&b, " state=%s", v.State)
				}
				if v.Publish {
					b.WriteString(" publish")
				}
				for _, d := range []struct {
					name string
					at   time.Time
				}{{"published", v.PublishedAt}, {"updated", v.UpdatedAt}, {"publish_at", v.PublishAt}, {"expire_at", v.ExpireAt}} {
					if !d.at.IsZero() {
						fmt.Fprintf(&b, " %s=%s", d.name, formatMoment(d.at))
					}
				}
				fields, err := json.Marshal(v.Fields)
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(&b, "\n    %s\n", fields)
			}
		}
	}
	for _, key := range sortedKeys(ignored) {
		fmt.Fprintf(&b, "ignored %s %d\n", key, ignored[key])
	}
	fmt.Fprintf(&b, "%d documents, %d variants, %d refused, %d skipped\n", p.Documents, p.Variants, p.Refused, p.Skipped)
	return b.String()
}
