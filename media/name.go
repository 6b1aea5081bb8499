package media

import (
	"path"
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
	// What was between two letters may be gone: they are put together once more.
	name = norm.NFC.String(strings.Join(strings.Fields(name), " "))
	if old := path.Ext(name); known[strings.ToLower(old)] {
		name = strings.TrimSuffix(name, old)
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

// known are extensions that give way to the right one; others stay before it.
var known = map[string]bool{
	".jpg": true, ".jpeg": true, ".jpe": true, ".jfif": true, ".png": true, ".gif": true, ".webp": true, ".pdf": true,
	".docx": true, ".xlsx": true, ".pptx": true, ".odt": true, ".ods": true, ".odp": true,
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
