package messages_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/prassi-cms/prassi/content/workflow"
	"github.com/prassi-cms/prassi/messages"
)

// listed gives the codes of all lists with a list that names each. The command
// line is nobody's library: what it uses is its list.
func listed(s *source) map[string]string {
	out := map[string]string{}
	for name, list := range s.lists {
		for _, code := range list {
			out[code] = name
		}
	}
	for code, u := range s.uses {
		if u.main {
			out[code] = "cmd/prassi"
		}
	}
	return out
}

// Every code of every list has its message in every language, and there is no
// message that nobody uses.
func TestEveryCodeHasItsMessage(t *testing.T) {
	s := readSource(t)
	for _, name := range []string{"content.Codes", "schemas.IssueCodes", "interchange.Codes", "catalog.Codes", "api.Codes"} {
		if len(s.lists[name]) == 0 {
			t.Errorf("there is no list %s any more: correct this test", name)
		}
	}
	for name, list := range s.lists {
		for i, code := range list {
			if slices.Contains(list[:i], code) {
				t.Errorf("%s names %q twice", name, code)
			}
		}
	}
	used := listed(s)
	for _, lang := range messages.Languages {
		sentences := messages.Sentences(lang)
		for code, name := range used {
			if _, ok := sentences[code]; !ok {
				t.Errorf("%s has no message for %q of %s", lang, code, name)
			}
		}
		for code := range sentences {
			if used[code] == "" {
				t.Errorf("%s: no list names %q", lang, code)
			}
		}
	}
	for guard := range workflow.Guards {
		if used["guard_"+guard] == "" {
			t.Errorf("no list names the code of the guard %q", guard)
		}
	}
}

// A code that is written in the source text is in a list.
func TestEveryCodeIsListed(t *testing.T) {
	s := readSource(t)
	used := listed(s)
	for _, code := range slices.Sorted(maps.Keys(s.uses)) {
		if used[code] == "" {
			t.Errorf("%s: no list of codes names %q", s.uses[code].where, code)
		}
	}
	// The reader has not gone blind.
	for _, code := range []string{"unknown_type", "required", "syntax", "markdown_too_deep", "comment_required"} {
		if s.uses[code] == nil {
			t.Errorf("the source text does not show %q any more: correct the reader", code)
		}
	}
}

// given are parameters that the reader of source text cannot see.
var given = map[string][]string{
	"unknown_sort": {"allowed"}, // added afterwards
}

// A sentence asks only for parameters that its code is given, and for the same
// ones in every language.
func TestParameters(t *testing.T) {
	s := readSource(t)
	reference := messages.Sentences(messages.Languages[0])
	for _, lang := range messages.Languages {
		for code, m := range messages.Sentences(lang) {
			want := slices.Sorted(slices.Values(reference[code].Params))
			if got := slices.Sorted(slices.Values(m.Params)); !slices.Equal(got, want) {
				t.Errorf("%s: %s has the parameters %v, the reference language %v", lang, code, got, want)
			}
			for _, p := range m.Params {
				p, _, _ = strings.Cut(p, ":")
				if u := s.uses[code]; (u == nil || !u.params[p]) && !slices.Contains(given[code], p) {
					t.Errorf("%s: %s asks for %q, which nobody gives", lang, code, p)
				}
			}
		}
	}
}

// A code that names a whole problem has a title, in all languages or in none.
func TestTitles(t *testing.T) {
	reference := messages.Sentences(messages.Languages[0])
	for code, u := range readSource(t).uses {
		if m, ok := reference[code]; ok && u.problem && m.Title == "" {
			t.Errorf("%s: the problem %q has no title", u.where, code)
		}
	}
	for _, lang := range messages.Languages {
		for code, m := range messages.Sentences(lang) {
			if (m.Title == "") != (reference[code].Title == "") {
				t.Errorf("%s: the title of %s is missing, here or in the reference language", lang, code)
			}
			if n := utf8.RuneCountInString(m.Title); n > 50 || strings.TrimSpace(m.Title) != m.Title || strings.ContainsAny(m.Title, ".。!！[]{}<>&") {
				t.Errorf("%s: %s: the title %q is long, or no title", lang, code, m.Title)
			}
		}
	}
}

// Words are the same ones in every language, and the labels of the declarations
// are there for the names that sentences show.
func TestWords(t *testing.T) {
	reference := messages.Words(messages.Languages[0])
	for _, lang := range messages.Languages {
		words := messages.Words(lang)
		for key := range reference {
			if words[key] == "" {
				t.Errorf("%s: %s has no word", lang, key)
			}
		}
		for key, word := range words {
			if reference[key] == "" {
				t.Errorf("%s: the reference language has no word for %s", lang, key)
			}
			checkText(t, lang, key, word)
		}
		if separator, last := messages.Joins(lang); separator == "" || last == "" {
			t.Errorf("%s: a list cannot be joined", lang)
		}
		for _, d := range messages.Workflows() {
			for _, s := range d.States {
				if words["state."+s.Name] != s.Label[lang] {
					t.Errorf("%s: two workflows call the state %s %q and %q", lang, s.Name, words["state."+s.Name], s.Label[lang])
				}
			}
			for _, x := range d.Transitions {
				if words["transition."+x.Name] != x.Label[lang] {
					t.Errorf("%s: two workflows call the transition %s %q and %q", lang, x.Name, words["transition."+x.Name], x.Label[lang])
				}
			}
		}
	}
}

// Sentences are whole whatever parameters are missing, plain, short, and in
// their language.
//
// The codes that the site says dates and figures with are no sentences: a month, a
// span, a size stand within other lines.
func TestSentences(t *testing.T) {
	values := readSource(t).lists["site.ValueCodes"]
	if len(values) == 0 {
		t.Error("there is no list site.ValueCodes any more: correct this test")
	}
	for _, lang := range messages.Languages {
		sentences := messages.Sentences(lang)
		for _, code := range messages.Codes(lang) {
			m := sentences[code]
			for _, part := range m.Parts {
				checkText(t, lang, code, part)
			}
			if slices.Contains(values, code) {
				continue
			}
			checkText(t, lang, code, m.Title)
			if !inLanguage(lang, strings.Join(m.Parts, "")) || m.Title != "" && !inLanguage(lang, m.Title) {
				t.Errorf("%s: %s is not in its language: %q", lang, code, m.Parts)
			}
			for _, params := range subsets(m.Params) {
				checkSentence(t, lang, code, messages.Text(lang, code, params))
			}
		}
	}
	// Nothing was left untranslated.
	for _, lang := range messages.Languages[1:] {
		for code := range messages.Sentences(lang) {
			if got := messages.Text(lang, code, nil); got == messages.Text("it", code, nil) && !slices.Contains(values, code) {
				t.Errorf("%s: %s is Italian: %q", lang, code, got)
			}
		}
	}
}

// subsets gives the parameters with each choice of them missing.
func subsets(names []string) []map[string]any {
	out := []map[string]any{{}}
	for _, name := range names {
		name, form, _ := strings.Cut(name, ":")
		value := map[string]any{"": "X1", "size": 3 << 20, "time": "2026-03-29T00:30:00Z"}[form]
		for _, m := range slices.Clone(out) {
			m = maps.Clone(m)
			m[name] = value
			out = append(out, m)
		}
	}
	return out
}

// isolated is what keeps its own direction; turned is what Arabic text would
// turn around: "2026-03-31" would read 31-03-2026, "--type" type--.
var (
	isolated = regexp.MustCompile("\u2068[^\u2068\u2069]+\u2069")
	turned   = regexp.MustCompile(`[0-9]-[0-9]|--`)
)

// checkText holds one piece of a file against what every piece must be.
func checkText(t *testing.T, lang, code, s string) {
	t.Helper()
	if strings.ContainsAny(s, "<>&!¡！'\"\t\n") || !utf8.ValidString(s) {
		t.Errorf("%s: %s: %q holds markup, a straight quotation mark or an exclamation mark", lang, code, s)
	}
	rest := s
	if lang == "ar" {
		rest = isolated.ReplaceAllString(s, "")
		if turned.MatchString(rest) {
			t.Errorf("%s: %s: what reads from left to right in %q needs \\u2068 and \\u2069 around it", lang, code, s)
		}
	}
	for _, r := range rest {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			t.Errorf("%s: %s: %q holds %U", lang, code, s, r)
		}
	}
}

func checkSentence(t *testing.T, lang, code, s string) {
	t.Helper()
	label := strings.HasPrefix(code, "label_") // of a heading, a button, a line of a list
	end := "."
	if lang == "zh" {
		end = "。"
	}
	switch {
	case s != strings.TrimSpace(s), strings.Contains(s, "  "), strings.Contains(s, end+end):
		t.Errorf("%s: %s: stray spaces or stops in %q", lang, code, s)
	case !label && !strings.HasSuffix(s, end) && !strings.HasSuffix(s, "?"):
		t.Errorf("%s: %s: %q does not end", lang, code, s)
	case strings.ContainsAny(s, "[]{}"):
		t.Errorf("%s: %s: %q shows its brackets", lang, code, s)
	}
	for _, bad := range []string{" .", " ,", " 。", "«»", "“”", "()", "（）", "« »", ":.", "：。", ",.", ": ."} {
		if strings.Contains(s, bad) {
			t.Errorf("%s: %s: %q holds %q", lang, code, s, bad)
		}
	}
	first, _ := utf8.DecodeRuneInString(s)
	if unicode.IsLower(first) {
		t.Errorf("%s: %s: %q begins with a small letter", lang, code, s)
	}
	// Readers write in their second language: few words at a time.
	const most = 24
	for sentence := range strings.SplitSeq(s, ". ") {
		if n := len(strings.Fields(sentence)); n > most {
			t.Errorf("%s: %s: %d words in one sentence: %q", lang, code, n, sentence)
		}
	}
}

func inLanguage(lang, s string) bool {
	switch lang {
	case "ar":
		return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Arabic, r) }) && !strings.ContainsAny(s, ",;?")
	case "zh":
		return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Han, r) }) && !strings.ContainsAny(s, ",;?")
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsLetter(r) && !unicode.Is(unicode.Latin, r) })
}

// The reader of sentences refuses what it does not understand.
func TestParseRefuses(t *testing.T) {
	for _, s := range []string{
		"{max}", "At most {max}.", "[At most {max}", "At most] {max}", "[[{max}]]", "[nothing]", "[{}]", "[{Max}]",
		"[{max]", "[max}]", "[{max:kilo}]", "[{max:}]", "[{max:size:size}]", "[{max:time:size}]", "x}", "x]",
	} {
		if err := messages.Parse(s); err == nil {
			t.Errorf("%q was taken", s)
		}
	}
	for _, s := range []string{"", "Whole.", "[{a}]", "A[ {a}].[ {b:size} and {c:time}]"} {
		if err := messages.Parse(s); err != nil {
			t.Error(err)
		}
	}
}

func Example() {
	lang := messages.Negotiate("fr-CH, fr;q=0.9, en;q=0.8")
	fmt.Println(messages.Title(lang, "stale"))
	fmt.Println(messages.Text(lang, "too_many_words", map[string]any{"max": 150, "actual": 171}))
	fmt.Println(messages.Text(lang, "too_many_words", nil))
	// Output:
	// Le contenu a changé
	// Le texte a trop de mots. Maximum 150. Maintenant : 171.
	// Le texte a trop de mots.
}
