package csvcell_test

import (
	"strings"
	"testing"
	"unicode"

	"github.com/prassi-cms/prassi/internal/csvcell"
)

func TestSafe(t *testing.T) {
	for _, evil := range []string{
		"=1+1", "+1", "-1", "@SUM(A1)", "\t1", "\r1", "\n1", "=", "-",
		" =1", "   =1", "\u00a0=1", "\u3000+1", "\u2003-1", " \t", "\ufeff=1", "\u200b=1", "\u202e=1", "\x00=1", "\x0b=1", "\xff=1",
		"＝1", "＋1", "－1", "＠1", " ＝1",
		`=cmd|' /C calc'!A0`, `=HYPERLINK("https://evil.example")`,
	} {
		if got := csvcell.Safe(evil); got != "'"+evil {
			t.Errorf("%q becomes %q", evil, got)
		}
	}
	for _, good := range []string{
		"", " ", "a", "a=1", "Orti – condivisi", "'=1", "1", "0-1", "a@example.org", "(=1)", "è=1", "مرحبا", "\u200b", "\xff", "?=1", "person:anna",
	} {
		if got := csvcell.Safe(good); got != good {
			t.Errorf("%q becomes %q", good, got)
		}
	}
}

// FuzzSafe: what comes out begins with nothing that a spreadsheet carries out,
// has lost nothing, and stays as it is the second time.
func FuzzSafe(f *testing.F) {
	for _, s := range []string{"=1", "  @a", "\t", "'=1", "\xff=", "a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		out := csvcell.Safe(in)
		visible := strings.TrimLeftFunc(out, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) })
		if visible != "" && strings.ContainsRune("=+-@＝＋－＠", []rune(visible)[0]) || strings.HasPrefix(out, "\t") || strings.HasPrefix(out, "\r") {
			t.Errorf("%q becomes %q", in, out)
		}
		if strings.TrimPrefix(out, "'") != strings.TrimPrefix(in, "'") || len(out) > len(in)+1 {
			t.Errorf("%q becomes %q", in, out)
		}
		if again := csvcell.Safe(out); again != out {
			t.Errorf("%q becomes %q the second time", out, again)
		}
	})
}
