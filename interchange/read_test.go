package interchange

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"github.com/prassi-cms/prassi/schemas"
)

func TestFrontMatter(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want string // the front matter as JSON, or the code of the fault with its place
		body string
	}{
		"yaml":                 {"---\na: 015\nb: [x, 'y']\n---\nbody", `{"a":"015","b":["x","y"]}`, "body"},
		"windows":              {"\ufeff---\r\na: b\r\n---\r\nbody\r\n", `{"a":"b"}`, "body\r\n"},
		"empty":                {"---\n---\nbody", `{}`, "body"},
		"comments":             {"---\n# nothing\n---\n", `{}`, ""},
		"null":                 {"---\na:\nb: ~\nc: 'null'\n---\n", `{"a":null,"b":null,"c":"null"}`, ""},
		"a rule in the body":   {"---\na: b\n---\nx\n---\ny", `{"a":"b"}`, "x\n---\ny"},
		"indented rule":        {"---\na: |-\n  x\n  ---\n  y\n---\nz", `{"a":"x\n---\ny"}`, "z"},
		"toml":                 {"+++\na = 1\nd = 2024-05-01\n[p]\nx = [true, 1.5]\n+++\nz", `{"a":"1","d":"2024-05-01","p":{"x":["true","1.5"]}}`, "z"},
		"json":                 {"{\n \"a\": {\"b\": [1, null, \"\\u00e8\"]}\n}\nz", `{"a":{"b":["1",null,"è"]}}`, "z"},
		"a template":           {"{{< figure >}}\ntext", `{}`, "{{< figure >}}\ntext"},
		"none":                 {"text", `{}`, "text"},
		"norway":               {"---\na: no\nb: yes\nc: 1e3\nd: 0x1F\n---\n", `{"a":"no","b":"yes","c":"1e3","d":"0x1F"}`, ""},
		"alias":                {"---\na: &x [b]\nc: *x\n---\n", "yaml_alias 2:4", ""},
		"bomb":                 {"---\na: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n---\n", "yaml_alias 2:4", ""},
		"anchored key":         {"---\n&k a: b\n---\n", "yaml_alias 2:1", ""},
		"tag":                  {"---\na: !!binary aGk=\n---\n", "yaml_tag 2:4", ""},
		"custom tag":           {"---\na: !ruby/object x\n---\n", "yaml_tag 2:4", ""},
		"tagged key":           {"---\n!!str a: b\n---\n", "yaml_tag 2:1", ""},
		"merge":                {"---\na: b\n<<: {c: d}\n---\n", "yaml_merge 3:1", ""},
		"twice":                {"---\na: 1\nb:\n  c: 1\n  c: 2\n---\n", "duplicate_key 5:3", ""},
		"key that is a list":   {"---\n? [a]\n: b\n---\n", "invalid_key 2:3", ""},
		"list":                 {"---\n- a\n---\n", "front_matter_not_keys 2:1", ""},
		"scalar":               {"---\njust text\n---\n", "front_matter_not_keys 2:1", ""},
		"deep":                 {"---\na: " + strings.Repeat("[", 18) + strings.Repeat("]", 18) + "\n---\n", "too_deep 2:20", ""},
		"deeper":               {"---\na: " + strings.Repeat("[", 20000) + "\n---\n", "syntax 2:1", ""},
		"two documents":        {"---\na: b\n...\nc: d\n---\n", "syntax 4:1", ""},
		"bad indentation":      {"---\na: b\n  c: d\n---\n", "syntax 3:3", ""},
		"tab":                  {"---\na:\n\t- b\n---\n", "syntax 3:2", ""},
		"unclosed bracket":     {"---\nb: x\na: [b\nc: d\n---\n", "syntax 3:1", ""},
		"unclosed quote":       {"---\nb: x\na: \"b\nc: d\n---\n", "syntax 3:1", ""},
		"unclosed":             {"---\na: b\n", "front_matter_unclosed 1:1", ""},
		"too large":            {"---\na: " + strings.Repeat("x", MaxFrontMatter) + "\nb: c\n---\n", "front_matter_too_large 1:1", ""},
		"NUL":                  {"---\na: b\x00\n---\n", "nul_character 2:5", ""},
		"NUL escaped":          {"---\na: \"b\\0\"\n---\n", "nul_character 2:4", ""},
		"not UTF-8":            {"---\na: b\n---\nè \xff", "invalid_encoding 4:3", ""},
		"UTF-16":               {"\xff\xfe-\x00-\x00", "invalid_encoding 1:1", ""},
		"surrogate in UTF-8":   {"a \xed\xa0\x80", "invalid_encoding 1:3", ""},
		"toml twice":           {"+++\na = 1\n a = 2\n+++\n", "syntax 3:2", ""},
		"toml deep":            {"+++\na = " + strings.Repeat("[", 20) + strings.Repeat("]", 20) + "\n+++\n", "too_deep 2:1", ""},
		"toml NUL":             {"+++\na = \"\\u0000\"\n+++\n", "nul_character 2:1", ""},
		"json twice":           {"{\"a\": 1,\n \"a\": 2}\n", "duplicate_key 2:2", ""},
		"json with a tail":     {"{\"a\": 1} x\n", "syntax 1:9", ""},
		"json deep":            {"{\"a\":" + strings.Repeat("[", 60000), "too_deep 1:22", ""},
		"json leading zero":    {"{\"a\": 015}", "syntax 1:10", ""},
		"json with a line end": {"{\"a\": \"b\nc\"}", "syntax 1:9", ""},
	} {
		t.Run(name, func(t *testing.T) {
			p, bad := readPage([]byte(c.text))
			if bad != nil {
				if got := fmt.Sprintf("%s %d:%d", bad.code, bad.at.line, bad.at.column); got != c.want {
					t.Errorf("%s %v, want %s", got, bad.params, c.want)
				}
				return
			}
			got, err := json.Marshal(p.front.value())
			if err != nil || string(got) != c.want {
				t.Errorf("%s %v, want %s", got, err, c.want)
			}
			if p.body != c.body {
				t.Errorf("body %q, want %q", p.body, c.body)
			}
		})
	}
}

// Places point at the value in the file, whatever the notation.
func TestPlaces(t *testing.T) {
	for _, text := range []string{
		"---\ntitle: x\nplaces:\n  - lat: 1\n    bad: 2\n---\n",
		"+++\ntitle = 'x'\n[[places]]\n lat = 1\n bad = 2\n+++\n",
		"{\n\"title\": \"x\",\n\"places\": [{\n\"lat\": 1,\n\"bad\": 2}]\n}\n",
	} {
		p, bad := readPage([]byte(text))
		if bad != nil {
			t.Fatal(bad)
		}
		if at := p.front.find([]string{"places", "0", "bad"}); at.line != 5 {
			t.Errorf("%q: %+v", text, at)
		}
		if at := p.front.find([]string{"places", "7", "bad"}); at.line != 3 && at.line != 4 {
			t.Errorf("a place that is not there: %+v", at)
		}
	}
}

// Our JSON reader accepts what encoding/json accepts, repeated keys and the like
// aside, and reads the same.
func checkJSON(t interface{ Fatalf(string, ...any) }, data []byte) {
	if checkText(data, 1) != nil {
		return
	}
	n, bad := readJSON(data, place{1, 1})
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var want any
	err := dec.Decode(&want)
	if err == nil && dec.More() {
		err = fmt.Errorf("more")
	}
	if bad != nil {
		if err == nil && bad.code == CodeSyntax && !bytes.Contains(data, []byte(`\u`)) && json.Valid(data) {
			t.Fatalf("%q is refused: %v %v", data, bad.code, bad.params)
		}
		return
	}
	if err != nil {
		t.Fatalf("%q is read although %v", data, err)
	}
	if got := n.value(); !reflect.DeepEqual(got, asText(want)) {
		t.Fatalf("%q is read as %#v, want %#v", data, got, asText(want))
	}
}

// asText makes every scalar the text that our tree holds.
func asText(v any) any {
	switch v := v.(type) {
	case json.Number:
		return v.String()
	case bool:
		return fmt.Sprint(v)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = asText(v[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k := range v {
			out[k] = asText(v[k])
		}
		return out
	}
	return v
}

func TestJSONAgainstTheStandardLibrary(t *testing.T) {
	for _, s := range []string{`{}`, `[]`, `[1,]`, `[,1]`, `{"a":1,}`, `-`, `-0`, `1.`, `.5`, `1e`, `1e+5`, `"\x"`, `"\u12"`, `tru`, `nullx`, `[1 2]`, ``, ` `, `"a`, `{"a"}`, `{"a":}`, `{1:2}`, "\"\x7f\"", `[[[]]]`, `"\ud83d\ude00"`} {
		checkJSON(t, []byte(s))
	}
	rapid.Check(t, func(t *rapid.T) {
		piece := rapid.SampledFrom([]string{"{", "}", "[", "]", ",", ":", `"a"`, `"b\n"`, `"\u00e8"`, "1", "-2.5e3", "true", "null", " ", "\n", "è", `"`, `\`})
		checkJSON(t, []byte(strings.Join(rapid.SliceOfN(piece, 0, 12).Draw(t, "pieces"), "")))
	})
}

// What an export writes is read back the same, by us and by the YAML library.
func TestYAMLReadsBack(t *testing.T) {
	word := rapid.OneOf(
		rapid.StringOf(rapid.RuneFrom([]rune("ab yYnNoO~:#-'\"\\|>[]{}&*!%@`,.?0123456789\n\n\t\u00a0\u0085\u2028\u200c\u202e\ufeffèمع中😀"))),
		rapid.SampledFrom([]string{"true", "No", "null", "~", "015", "1e3", "2024-05-01", "- a", "a: b", "a #b", "<<", "=", ".inf", "0x1F", "1_000", "12:30", "|", "...", "---", "Città (nuova) – l'altra", "a\n\nb", "a\n  b\nc", "a\n---\nb", "a\n\tb"}),
		rapid.String(),
	)
	rapid.Check(t, func(t *rapid.T) {
		clean := func(s string) string { // values are canonical: no control characters, no blank ends
			s = strings.Map(func(r rune) rune {
				if r != '\n' && r != '\t' && r < 0x20 || r >= 0x7f && r < 0x85 || r == '\r' || r == 0xfffd || r >= 0xfdd0 && r <= 0xfdef || r&0xfffe == 0xfffe {
					return -1
				}
				return r
			}, s)
			return strings.TrimRight(s, "\n")
		}
		var entries []entry
		want := map[string]any{}
		for i, s := range rapid.SliceOfN(word, 1, 4).Draw(t, "words") {
			key := fmt.Sprintf("k%d", i)
			s = clean(s)
			var v any = s
			switch rapid.IntRange(0, 3).Draw(t, "shape") {
			case 1:
				v = []any{s, s}
			case 2:
				v = map[string]any{"a": s, "b": map[string]any{"c": s}}
			case 3:
				v = []any{map[string]any{"a": s, "b": []any{s}}, map[string]any{"b": s}}
			}
			entries = append(entries, entry{key: key, value: v, order: []string{"b"}})
			want[key] = v
		}
		var b strings.Builder
		writeYAML(&b, entries)
		n, bad := readYAML([]byte(b.String()), 1)
		if bad != nil {
			t.Fatalf("%v %v in\n%s", bad, bad.params, b.String())
		}
		if got := n.value(); !reflect.DeepEqual(got, any(want)) {
			t.Fatalf("%#v becomes %#v through\n%s", want, got, b.String())
		}
		var library map[string]any
		if err := yaml.Unmarshal([]byte(b.String()), &library); err != nil || !reflect.DeepEqual(library, want) {
			t.Fatalf("the library reads %#v %v of\n%s", library, err, b.String())
		}
	})
}

// openOnly reads files and gives the plan.
func openOnly(t testing.TB, opt Options, files map[string]string) *Plan {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	p, err := OpenFS(t.Context(), fsys, "site", opt)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func codes(p *Plan) string {
	var out []string
	for _, f := range p.Findings {
		out = append(out, f.Code)
	}
	return strings.Join(out, " ")
}

var anArticle = Options{Defaults: Defaults{Type: "article", Locale: "it"}}

// TestHostile feeds what wants to be expensive: each must be refused with its
// code, or taken, within a moment.
func TestHostile(t *testing.T) {
	big := func(s string, n int) string { return strings.Repeat(s, n/len(s)) }
	for name, c := range map[string]struct{ file, text, want string }{
		"10 MB of Markdown":      {"a.md", "---\ntitle: x\n---\n" + big("parola ", 10<<20), "file_too_large"},
		"a body too long":        {"a.md", "---\ntitle: x\n---\n" + big("parola ", 900<<10), "too_long"},
		"one long line":          {"a.txt", big("a", 1000<<10), "too_long"},
		"many short lines":       {"a.txt", big("\n \n", 1000<<10), "title_missing"},
		"flow brackets":          {"a.md", "---\ntitle: x\na: " + big("[", 60<<10) + "\n---\n", "syntax"},
		"question marks":         {"a.md", "---\n" + big("? ", 60<<10) + "\n---\n", "syntax"},
		"dashes":                 {"a.md", "---\ntitle:\n" + big("- ", 60<<10) + "\n---\n", "syntax"},
		"colons":                 {"a.md", "---\n" + big("a: ", 60<<10) + "\n---\n", "syntax"},
		"many keys":              {"a.md", "---\n" + manyKeys(5000) + "---\n", "unknown_import_key"},
		"toml brackets":          {"a.md", "+++\na = " + big("[", 60<<10) + "\n+++\n", "syntax"},
		"toml tables":            {"a.md", "+++\n" + big("[[a.b]]\n", 60<<10) + "+++\n", "unknown_import_key"},
		"toml dotted":            {"a.md", "+++\n" + big("a.", 60<<10) + "a = 1\n+++\n", "too_deep"},
		"json brackets":          {"a.json", big("[", 8<<20), "item_too_long"},
		"json keys":              {"a.json", "{" + big(`"a":{`, 900<<10), "too_deep"},
		"a JSON line of 2 MB":    {"a.jsonl", `{"title":"` + big("x", 2<<20) + `"}` + "\n" + `{"title":"Dopo"}`, "item_too_long"},
		"a JSON element of 2 MB": {"a.json", `[{"title":"` + big("x", 2<<20) + `"},{"title":"Dopo"}]`, "item_too_long"},
		"an open CSV quote":      {"a.csv", "title\n\"" + big("x\n", 4<<20), "item_too_long"},
		"CSV columns":            {"a.csv", "title\n" + big(",", 500<<10), "title_missing"},
		"a slug of 300":          {"a.md", "---\ntitle: x\nslug: " + big("a", 300) + "\n---\n", "invalid_slug"},
		"a slug with NUL":        {"a.md", "---\ntitle: x\nslug: \"a\\0b\"\n---\n", "nul_character"},
		"a wall of tags":         {"a.md", "---\ntitle: x\ntags: [" + big("a,", 60<<10) + "]\n---\nx", ""},
		"a wall of topics":       {"a.md", "---\ntitle: x\ntopics: [" + big("a,", 60<<10) + "]\n---\nx", "too_many_items"},
		"empty JSON":             {"a.json", "  \n", "nothing_to_import"},
		"control character":      {"a.md", "---\ntitle: \"x\\u0007\"\n---\n", "control_character"},
		"bidi override":          {"a.md", "---\ntitle: \"a\u202eb\"\n---\n", "control_character"},
	} {
		t.Run(name, func(t *testing.T) {
			start := cpu()
			p := openOnly(t, anArticle, map[string]string{c.file: c.text})
			if took := cpu() - start; took > 4*time.Second {
				t.Errorf("took %v of processor time", took)
			}
			got := codes(p)
			if c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("%.300s, want %s", got, c.want)
			}
			for _, f := range p.Findings {
				if len(f.String()) > 2000 {
					t.Errorf("a report line of %d bytes", len(f.String()))
				}
			}
		})
	}
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "zz%dq: 1\n", i)
	}
	return b.String()
}

// TestLongItemKeepsTheRest: a line too long does not hide the next one.
func TestLongItemKeepsTheRest(t *testing.T) {
	long := `{"title":"` + strings.Repeat("x", 3<<20) + `"}`
	for file, text := range map[string]string{
		"a.jsonl": long + "\n{\"title\":\"Dopo\"}\n",
		"a.json":  "[" + long + ",\n{\"title\":\"Dopo\"}]",
		"a.csv":   "title\n\"" + strings.Repeat("x", 3<<20) + "\"\nDopo\n",
	} {
		p := openOnly(t, anArticle, map[string]string{file: text})
		if p.Variants != 1 || p.Refused != 1 || codes(p) != CodeItemTooLong {
			t.Errorf("%s: %d variants, %v", file, p.Variants, p.Findings)
		}
	}
}

// TestFolders reads a real folder with what does not belong there.
func TestFolders(t *testing.T) {
	outside, dir := t.TempDir(), t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(outside, "secret.md"), "Segreto\n\nx")
	write(filepath.Join(dir, "a.md"), "Titolo A\n\nx")
	write(filepath.Join(dir, "sub", "b.md"), "Titolo B\n\nx")
	write(filepath.Join(dir, "sub.md", "c.md"), "Titolo C\n\nx")
	for name, target := range map[string]string{
		"out.md": filepath.Join(outside, "secret.md"), "up.md": "../" + filepath.Base(outside) + "/secret.md",
		"loop.md": "loop.md", "folder": outside, "again": ".", "alias-of-a.md": "a.md",
	} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe.md"), 0o644); err != nil {
		t.Fatal(err)
	}
	p, err := Open(t.Context(), []string{dir}, anArticle)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	got := map[string]string{}
	for _, f := range p.Findings {
		got[filepath.Base(f.Source)] = f.Code
	}
	want := map[string]string{"out.md": CodeOutside, "up.md": CodeOutside, "loop.md": CodeUnreadable, "pipe.md": CodeNotRegular}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if p.Variants != 4 { // a, b, c, and a again under another name
		t.Errorf("%d variants", p.Variants)
	}

	for path, code := range map[string]string{filepath.Join(dir, "out.md"): "", dir + "/../" + filepath.Base(outside): ""} {
		p, err := Open(t.Context(), []string{path}, anArticle)
		if err != nil || codes(p) != code || p.Variants != 1 { // named by the user: followed
			t.Errorf("%s: %v %v", path, err, p.Findings)
		}
		p.Close()
	}
	write(filepath.Join(dir, "x.pdf"), "%PDF")
	if p, err := Open(t.Context(), []string{filepath.Join(dir, "x.pdf")}, anArticle); err != nil || codes(p) != CodeUnsupportedFile {
		t.Error(err, p)
	}
	if _, err := Open(t.Context(), []string{filepath.Join(dir, "missing")}, anArticle); err == nil {
		t.Error("a path that does not exist is no error")
	}
	if p, err := Open(t.Context(), []string{t.TempDir()}, anArticle); err != nil || codes(p) != CodeNothingFound {
		t.Error(err, p)
	}
}

// TestFolderNamedByTheUser: the folder itself may name the locale.
func TestFolderNamedByTheUser(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"it/legal.md", "ar/legal.md", "en/legal.md"} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte("Titolo\n\nTesto"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p, err := Open(t.Context(), []string{filepath.Join(dir, "it"), filepath.Join(dir, "ar"), filepath.Join(dir, "en", "legal.md")},
		Options{Defaults: Defaults{Type: "article"}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if p.Documents != 1 || p.Variants != 3 {
		t.Errorf("%d documents, %d variants, %v", p.Documents, p.Variants, p.Findings)
	}
}

func TestMappingFaults(t *testing.T) {
	for text, want := range map[string]string{
		"rules: []":                         "",
		"dates: dym":                        "m.yaml:1:1: mapping_target: hint=dmy key=dym",
		"rulez: []":                         "m.yaml:1:1: mapping_target: hint=rules key=rulez",
		"rules:\n  - typ: news":             "m.yaml:2:5: mapping_target: hint=type key=typ",
		"rules:\n  - type: nws":             "m.yaml:2:11: unknown_type: type=nws",
		"rules:\n  - locale: xx":            "m.yaml:2:13: unknown_locale: locale=xx",
		"rules:\n  - rename: {a: titel}":    "m.yaml:2:14: mapping_target: hint=title key=titel",
		"rules:\n  - values: {titel: {}}":   "m.yaml:2:14: mapping_target: hint=title key=titel",
		"rules:\n  - constants: {foo: bar}": "m.yaml:2:17: mapping_target: hint=",
		"rules:\n  - ignore: {a: b}":        "m.yaml:2:5: wrong_type: expected=list field=ignore",
		"rules: x":                          "m.yaml:1:1: wrong_type: expected=list field=rules",
		"locales: {italiano: xx}":           "m.yaml:1:21: unknown_locale: locale=xx",
		"- a":                               "m.yaml:1:1: front_matter_not_keys",
		"a: &b c":                           "m.yaml:1:4: yaml_alias",
	} {
		_, err := ReadMapping("m.yaml", []byte(text), schemas.Default())
		got := ""
		if err != nil {
			got = err.Error()
		}
		if want == "" && got != "" || !strings.HasPrefix(got, want) {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func TestGlob(t *testing.T) {
	for _, c := range []struct {
		glob, path string
		want       bool
	}{
		{"*.md", "a.md", true}, {"*.md", "x/a.md", false}, {"**/*.md", "a.md", true}, {"**/*.md", "x/y/a.md", true},
		{"news/**", "news/x/a.md", true}, {"news/**", "newsx/a.md", false}, {"a?.md", "ab.md", true}, {"a.md", "aXmd", false},
		{strings.Repeat("*", 200) + "b", strings.Repeat("a", 10000), false},
	} {
		re, err := globPattern(c.glob)
		if err != nil || re.MatchString(c.path) != c.want {
			t.Errorf("%.20s %.20s: %v", c.glob, c.path, err)
		}
	}
}

func FuzzFrontMatter(f *testing.F) {
	for _, s := range []string{"---\na: b\n---\nx", "+++\na = 1\n+++\n", "{\"a\": 1}\n", "---\na: &x [*x]\n---", "---\n? a\n: - b\n  - !!str c\n---\n", "+++\n[a.b]\nc = 2024-01-01T00:00:00Z\n+++", "{\"a\":[{\"b\":\"\\ud83d\\ude00\"}]}", "---\n- |\n x\n---\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, bad := readPage(data)
		if bad != nil {
			if bad.at.line < 1 || bad.at.column < 1 || bad.at.line > bytes.Count(data, []byte("\n"))+2 {
				t.Fatalf("the fault %s has no place: %+v in %q", bad.code, bad.at, data)
			}
			return
		}
		walk(t, &p.front, 1)
		if !strings.HasSuffix(string(data), p.body) {
			t.Fatalf("the body is not the file's: %q", p.body)
		}
	})
}

// walk checks a tree: bounded, with places, no key twice.
func walk(t *testing.T, n *node, depth int) {
	if depth > MaxDepth+1 {
		t.Fatal("too deep")
	}
	if n.at.line < 1 || n.at.column < 1 || strings.IndexByte(n.text, 0) >= 0 {
		t.Fatalf("%+v", n)
	}
	seen := map[string]bool{}
	for i := range n.pairs {
		if seen[n.pairs[i].key] {
			t.Fatalf("key %q twice", n.pairs[i].key)
		}
		seen[n.pairs[i].key] = true
		walk(t, &n.pairs[i].value, depth+1)
	}
	for i := range n.items {
		walk(t, &n.items[i], depth+1)
	}
}

func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"a":[1,-2.5e3,"x\n",true,null]}`, `{"a":1,"a":2}`, `"\ud800"`, `[[[[`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) { checkJSON(t, data) })
}

// fuzzFile reads a file of many items twice, as an import does.
func fuzzFile(f *testing.F, name string, seeds ...string) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := OpenFS(t.Context(), fstest.MapFS{name: {Data: data}}, "x", anArticle)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for b, err := range p.Batches(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range b.Findings {
				if f.Code == CodeSourceChanged || f.Code == CodeSyntax {
					t.Fatalf("the second reading differs: %v", f)
				}
			}
			for _, in := range b.Incoming {
				n += len(in.Variants)
			}
			n += b.Refused
		}
		if n < p.Variants { // a circle counts twice
			t.Fatalf("%d of %d variants came again", n, p.Variants)
		}
	})
}

func FuzzLines(f *testing.F) {
	fuzzFile(f, "a.jsonl", `{"title":"a","body":"b"}`+"\n"+`{"title":"a","locale":"en","slug":"a"}`, "\ufeff{}\n\n[]\n", `{"title":"x","translation_of":"a.it","organization":"b"}`)
}

func FuzzJSONFile(f *testing.F) {
	fuzzFile(f, "a.json", `[{"title":"a"},{"title":"b"}]`, `{"title":"a"}`, `[[],"]",{}]x`, "[1,")
}

func FuzzCSV(f *testing.F) {
	fuzzFile(f, "a.csv", "title;body\na;\"b\nc\"\n", "title,image.src,image.alt\nx,https://a/b,c\n", "\ufefftitle\tlocale\nx\ten", "a.b,a\n1,2\n")
}
