package feeds_test

import (
	"strings"
	"unicode"
)

// hostile are titles that would break a careless writer of feeds.
var hostile = []string{
	"]]></title><item><title>due", "<script>alert(1)</script>", "&amp;lt; &#0; &nbsp; &bogus;",
	"uno\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nSUMMARY:due", `\n;,\\"":`, "\u202Eorovesciato\u202C e \u2067isolato", "a\u0000b\u0007c\u001Bd\u007Fe\u0085f\uFFFEg\uFFFF",
	"riga\u2028riga\u2029fine", strings.Repeat("è🎉漢", 30), "<!-- commento --> <![CDATA[ x ]]>", "{{7*7}} ${x} %s %00",
}

// safeTitle takes out what the declarations refuse in titles, so that the rest gets
// as far as the feed.
func safeTitle(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069 || r == 0x2028 || r == 0x2029 || r&0xFFFE == 0xFFFE || r == '\uFFFD' {
			return -1
		}
		return r
	}, s)) + " x"
}
