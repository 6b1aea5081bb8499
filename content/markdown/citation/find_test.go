package citation

import (
	"bufio"
	"os"
	"strings"
	"testing"
)

// citationCase is one text of testdata/citations.txt.
type citationCase struct {
	line int
	text string
	want []struct{ id, span string }
}

func readCases(t testing.TB) []citationCase {
	t.Helper()
	file, err := os.Open("testdata/citations.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var cases []citationCase
	lines := bufio.NewScanner(file)
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		indented := strings.HasPrefix(line, "  ")
		switch line = strings.TrimSpace(line); {
		case line == "" || !indented && strings.HasPrefix(line, "#"):
		case !indented:
			cases = append(cases, citationCase{line: n, text: strings.ReplaceAll(line, `\n`, "\n")})
		case line == "-":
		default:
			id, span, _ := strings.Cut(line, " | ")
			last := &cases[len(cases)-1]
			last.want = append(last.want, struct{ id, span string }{id, span})
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return cases
}

func TestFindTable(t *testing.T) {
	cases := readCases(t)
	references, friends := 0, 0
	for _, c := range cases {
		got := Find(c.text)
		references += len(c.want)
		if len(c.want) == 0 {
			friends++
		}
		ids := func() (s []string) {
			for _, r := range got {
				s = append(s, r.Identifier+" | "+r.Text)
			}
			return
		}
		if len(got) != len(c.want) {
			t.Errorf("line %d: %q\n  found %q\n  want  %q", c.line, c.text, ids(), c.want)
			continue
		}
		for i, r := range got {
			if w := c.want[i]; r.Identifier != w.id || w.span != "" && r.Text != w.span {
				t.Errorf("line %d: %q\n  found %q\n  want  %q", c.line, c.text, ids(), c.want)
				break
			}
		}
		checkInvariants(t, c.text, got)
	}
	if len(cases) < 150 || references < 150 || friends < 40 {
		t.Errorf("the table has %d texts, %d references and %d false friends: too few", len(cases), references, friends)
	}
	t.Logf("%d texts, %d references, %d false friends", len(cases), references, friends)
}

// checkInvariants holds for whatever Find is given.
func checkInvariants(t testing.TB, text string, refs []Reference) {
	t.Helper()
	end := 0
	for _, r := range refs {
		if r.Start < end || r.End <= r.Start || r.End > len(text) || r.Text != text[r.Start:r.End] {
			t.Fatalf("%q: span %d-%d (%q) after %d", text, r.Start, r.End, r.Text, end)
		}
		end = r.End
		if r.Identifier == "" || r.Label == "" || r.Scheme == "" {
			t.Fatalf("%q: incomplete %+v", text, r)
		}
		if strings.ContainsAny(r.Identifier+r.URL, " \t\n\"'<>\\") {
			t.Fatalf("%q: not an address: %+v", text, r)
		}
		if r.URL != "" && !strings.HasPrefix(r.URL, "https://") && !strings.HasPrefix(r.URL, "http://") {
			t.Fatalf("%q: scheme of %q", text, r.URL)
		}
		switch r.Scheme {
		case SchemeNIR:
			if !strings.HasPrefix(r.Identifier, "urn:nir:") {
				t.Fatalf("%q: %+v", text, r)
			}
			if r.URL != "" && r.URL != normattiva+r.Identifier {
				t.Fatalf("%q: %+v", text, r)
			}
			// What is made here must be read back as the same.
			if a, end, ok := urnNIR(r.Identifier, 0); !ok || end != len(r.Identifier) || a.id != r.Identifier {
				t.Fatalf("%q: %q is not read back (%+v)", text, r.Identifier, a)
			}
		case SchemeCELEX, SchemeELI, SchemeECLI:
		default:
			t.Fatalf("%q: scheme %q", text, r.Scheme)
		}
	}
}
