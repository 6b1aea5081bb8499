package media

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxName is the longest name of a file in bytes, its extension included.
const maxName = 120

// cleanName makes the name under which people see and save an item from what
// the uploader called it. It always ends in ext, the extension of what the file
// is, whatever it was called.
func cleanName(name, ext string) string {
	name = norm.NFC.String(strings.ToValidUTF8(name, ""))
	if i := strings.LastIndexAny(name, `/\`); i >= 0 { // a path, of either kind of system
		name = name[i+1:]
	}
	name = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsGraphic(r), isBidi(r), unicode.Is(unicode.Cf, r), r == utf8.RuneError:
			return -1
		case strings.ContainsRune(`"'<>|?*:;%&$`+"`", r): // means something to a shell, a header or a file system
			return '_'
		}
		return r
	}, name)
	name = strings.Join(strings.Fields(name), " ")
	if n := len(name) - len(ext); n >= 0 && strings.EqualFold(name[n:], ext) {
		name = name[:n]
	}
	if ext == ".jpg" && len(name) > 5 && strings.EqualFold(name[len(name)-5:], ".jpeg") {
		name = name[:len(name)-5]
	}
	for len(name) > maxName-len(ext) {
		_, n := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-n]
	}
	name = strings.Trim(name, ". ")
	stem, _, _ := strings.Cut(strings.ToLower(name), ".")
	switch {
	case name == "":
		name = "file"
	case reserved[strings.TrimSpace(stem)]:
		name = "file " + name
	}
	return name + ext
}

// reserved are names that Windows takes for devices, whatever extension follows.
var reserved = map[string]bool{
	"con": true, "prn": true, "aux": true, "nul": true,
	"com1": true, "com2": true, "com3": true, "com4": true, "com5": true, "com6": true, "com7": true, "com8": true, "com9": true,
	"lpt1": true, "lpt2": true, "lpt3": true, "lpt4": true, "lpt5": true, "lpt6": true, "lpt7": true, "lpt8": true, "lpt9": true,
}

// isBidi reports whether r changes the direction of text, by which "fdp.exe"
// can be made to look like "exe.pdf" (Unicode TR 36, section 2.5.1).
func isBidi(r rune) bool { return unicode.Is(unicode.Bidi_Control, r) }
