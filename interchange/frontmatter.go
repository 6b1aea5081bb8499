package interchange

import (
	"bytes"
	"regexp"
	"unicode/utf8"

	"github.com/prassi-cms/prassi/schemas"
)

// page is a text file taken apart: front matter as a tree, and the rest.
type page struct {
	// front is an object; found is false when the file has no front matter.
	front node
	found bool
	body  string
	// bodyLine is the line of the body's first character.
	bodyLine int
}

var byteOrderMark = []byte("\ufeff")

// jsonFront is how JSON front matter begins; a template's {{ or {% does not.
var jsonFront = regexp.MustCompile(`^\{[ \t\r\n]*["}]`)

// readPage takes a Markdown or text file apart. Front matter is YAML between
// lines of ---, TOML between lines of +++, or a JSON object at the very start.
func readPage(data []byte) (page, *fault) {
	data = bytes.TrimPrefix(data, byteOrderMark)
	if bad := checkText(data, 1); bad != nil {
		return page{}, bad
	}
	line, rest, _ := cutLine(data)
	switch {
	case string(line) == "---":
		return fenced(rest, line, readYAML)
	case string(line) == "+++":
		return fenced(rest, line, readTOML)
	case jsonFront.Match(data):
		return readJSONFront(data)
	}
	return page{body: string(data), bodyLine: 1, front: node{kind: objectNode, at: place{1, 1}}}, nil
}

// cutLine gives the first line without its end and trailing blanks, what
// follows, and whether the line had an end.
func cutLine(data []byte) (line, rest []byte, ended bool) {
	line, rest, ended = bytes.Cut(data, []byte{'\n'})
	return bytes.TrimRight(line, " \t\r"), rest, ended
}

func fenced(data, fence []byte, read func([]byte, int) (node, *fault)) (page, *fault) {
	for at, line := 0, 2; at < len(data); line++ {
		if at > MaxFrontMatter {
			return page{}, faultAt(place{1, 1}, CodeFrontMatterTooLarge, "max", MaxFrontMatter)
		}
		text, rest, _ := cutLine(data[at:])
		if bytes.Equal(text, fence) {
			front, bad := read(data[:at], 2)
			return page{front: front, found: true, body: string(rest), bodyLine: line + 1}, bad
		}
		at = len(data) - len(rest)
	}
	return page{}, faultAt(place{1, 1}, CodeFrontMatterUnclosed, "delimiter", string(fence))
}

func readJSONFront(data []byte) (page, *fault) {
	r := &jsonReader{data: data[:min(len(data), MaxFrontMatter)], line: 1, column: 1}
	front, bad := r.value(1)
	if bad != nil {
		if len(data) > MaxFrontMatter {
			bad = faultAt(place{1, 1}, CodeFrontMatterTooLarge, "max", MaxFrontMatter)
		}
		return page{}, bad
	}
	rest, _, _ := cutLine(data[r.pos:])
	if len(rest) > 0 {
		return page{}, r.wrong("text after the front matter on the same line")
	}
	end := r.place()
	_, body, _ := bytes.Cut(data[r.pos:], []byte{'\n'})
	return page{front: front, found: true, body: string(body), bodyLine: end.line + 1}, nil
}

// checkText refuses text that is not UTF-8 or holds NUL, and says where. first
// is the line of the first byte.
func checkText(data []byte, first int) *fault {
	code := ""
	at := bytes.IndexByte(data, 0)
	if at >= 0 {
		code = CodeNUL
	}
	if !utf8.Valid(data) {
		for i := 0; i < len(data); {
			r, size := utf8.DecodeRune(data[i:])
			if r == utf8.RuneError && size == 1 {
				if at < 0 || i < at {
					at, code = i, schemas.CodeInvalidEncoding
				}
				break
			}
			i += size
		}
	}
	if code == "" {
		return nil
	}
	before := data[:at]
	start := bytes.LastIndexByte(before, '\n') + 1
	line := first + bytes.Count(before, []byte{'\n'})
	return faultAt(place{line, utf8.RuneCount(before[start:]) + 1}, code)
}
