package main

import (
	"regexp"
	"strings"
)

// adapt makes two things of a compiled style sheet (one declaration a line, as
// Sass writes it) that Bootstrap Italia's own sources do not have:
//
//   - one sheet for both directions of writing: what is said of left and right is
//     said of start and end (CSS Logical Properties 1), so that a page in Arabic
//     needs no sheet of its own;
//   - colours by name: the colours of its palette become custom properties, which
//     a theme's tokens and the dark mode set.
//
// A line that holds the comment /* physical */ or /* literal */ keeps its sides or
// its colours.
func adapt(css string) string {
	lines := strings.SplitAfter(css, "\n")
	for i, line := range lines {
		if !strings.Contains(line, "/* physical */") {
			line = logical(line)
		}
		if !strings.Contains(line, "/* literal */") {
			line = named(line)
		}
		lines[i] = line
	}
	return strings.Join(lines, "")
}

var declaration = regexp.MustCompile(`^(\s*)([a-z-]+)(:\s*)([^;{}]*?)(;\s*)$`)

// sides are the properties that name one side, and their logical names.
var sides = map[string]string{
	"left": "inset-inline-start", "right": "inset-inline-end",
	"margin-left": "margin-inline-start", "margin-right": "margin-inline-end",
	"padding-left": "padding-inline-start", "padding-right": "padding-inline-end",
	"border-left": "border-inline-start", "border-right": "border-inline-end",
	"border-left-width": "border-inline-start-width", "border-right-width": "border-inline-end-width",
	"border-left-style": "border-inline-start-style", "border-right-style": "border-inline-end-style",
	"border-left-color": "border-inline-start-color", "border-right-color": "border-inline-end-color",
	"border-top-left-radius": "border-start-start-radius", "border-top-right-radius": "border-start-end-radius",
	"border-bottom-left-radius": "border-end-start-radius", "border-bottom-right-radius": "border-end-end-radius",
}

// logical says one declaration of left and right in words of start and end.
func logical(line string) string {
	m := declaration.FindStringSubmatch(line)
	if m == nil {
		return line
	}
	indent, property, colon, value, end := m[1], m[2], m[3], m[4], m[5]
	if name, ok := sides[property]; ok {
		return indent + name + colon + value + end
	}
	switch property {
	case "text-align", "float", "clear":
		word := strings.NewReplacer("left", "start", "right", "end")
		if property != "text-align" {
			word = strings.NewReplacer("left", "inline-start", "right", "inline-end")
		}
		return indent + property + colon + word.Replace(value) + end
	case "margin", "padding":
		important := ""
		if bare, ok := strings.CutSuffix(value, "!important"); ok {
			value, important = strings.TrimSpace(bare), " !important"
		}
		if four := words(value); len(four) == 4 && four[1] != four[3] {
			return indent + property + "-block" + colon + four[0] + " " + four[2] + important + end +
				indent + property + "-inline" + colon + four[3] + " " + four[1] + important + end
		}
	}
	return line
}

// words parts a value at spaces outside of parentheses.
func words(value string) (parts []string) {
	depth, from := 0, 0
	for i, r := range value + " " {
		switch {
		case r == '(':
			depth++
		case r == ')':
			depth--
		case r == ' ' && depth == 0:
			if i > from {
				parts = append(parts, value[from:i])
			}
			from = i + 1
		}
	}
	return parts
}

// colours of Bootstrap Italia's palette, as Sass writes them, and the tokens that
// hold them. Which one is meant depends on whether it is a background.
var colours = []struct {
	literal    *regexp.Regexp
	text, back string // empty: stays
}{
	{colour(`#0066cc`, `hsl\(210, 100%, 40%\)`, `rgb\(0, 102, 204\)`), "var(--link)", "var(--primary)"},
	{colour(`#0059b3`, `rgb\(0, 89.25, 178.5\)`, `#004d99`, `hsl\(210, 100%, 30%\)`, `rgb\(0, 76.5, 153\)`), "var(--link-hover)", "var(--primary-dark)"},
	{colour(`#003366`, `hsl\(210, 100%, 20%\)`, `rgb\(0, 51, 102\)`), "var(--link-hover)", "var(--primary-darker)"},
	{colour(`white`, `#fff`, `#ffffff`, `hsl\(0, 0%, 100%\)`), "", "var(--surface)"},
	{colour(`hsl\(0, 0%, 10%\)`, `#1a1a1a`, `rgb\(25.5, 25.5, 25.5\)`), "var(--text)", ""},
	{colour(`hsl\(210, 33%, 28%\)`, `hsl\(210, 54%, 20%\)`), "var(--text-soft)", ""},
	{colour(`hsl\(210, 17%, 44%\)`), "var(--text-muted)", "var(--text-muted)"},
	{colour(`hsl\(210, 4%, 78%\)`, `hsl\(210, 3%, 85%\)`, `#e6e9f2`), "var(--line)", "var(--line)"},
	{colour(`hsl\(210, 62%, 97%\)`, `hsl\(0, 0%, 96%\)`), "", "var(--surface-soft)"},
}

func colour(forms ...string) *regexp.Regexp {
	return regexp.MustCompile(`(^|[\s,(])(?:` + strings.Join(forms, "|") + `)($|[\s,;)])`)
}

// named replaces the literal colours of one declaration by the tokens.
func named(line string) string {
	property, value, ok := strings.Cut(line, ":")
	if !ok || strings.Contains(line, "{") || strings.Contains(line, "url(") {
		return line
	}
	property = strings.TrimSpace(property)
	back := strings.Contains(property, "background") || strings.HasSuffix(property, "-bg")
	// A button's border is the edge of its face.
	back = back || strings.HasPrefix(property, "--bs-btn-") && strings.HasSuffix(property, "border-color")
	for _, c := range colours {
		token := c.text
		if back {
			token = c.back
		}
		if token != "" {
			value = c.literal.ReplaceAllString(value, "${1}"+token+"${2}")
		}
	}
	before, _, _ := strings.Cut(line, ":")
	return before + ":" + value
}
