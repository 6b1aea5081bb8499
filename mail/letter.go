package mail

import (
	"fmt"
	"html/template"
	"strings"
)

// Letter is what a message says, written once: Text and HTML come from it. Words
// are plain text; whatever stands in them stays text.
type Letter struct {
	Locale string
	Parts  []Part
}

// Part is a paragraph, a list, or something to press. The first that is not empty
// of Link and Items says which.
type Part struct {
	Text string
	// Link is an address to open; Text is what is written on the button.
	Link string
	// Items follow Text, as a list.
	Items []Item
}

// Item is a line of a list: what it is, where to see it, and what to know.
type Item struct{ Text, Link, Note string }

// PlainText writes the letter as text/plain. Addresses stand on lines of their
// own, so that programs make them clickable wherever lines are broken.
func (l Letter) PlainText() string {
	var b strings.Builder
	for _, p := range l.Parts {
		switch {
		case p.Link != "":
			fmt.Fprintf(&b, "%s\n%s\n\n", p.Text, p.Link)
			continue
		case p.Text != "":
			fmt.Fprintf(&b, "%s\n\n", p.Text)
		}
		for _, i := range p.Items {
			fmt.Fprintf(&b, "- %s\n", i.Text)
			for _, more := range []string{i.Note, i.Link} {
				if more != "" {
					fmt.Fprintf(&b, "  %s\n", more)
				}
			}
		}
		if len(p.Items) > 0 {
			b.WriteByte('\n')
		}
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// Dir is the direction of the letter's script.
func (l Letter) Dir() string {
	if l.Locale == "ar" || l.Locale == "ur" {
		return "rtl"
	}
	return "ltr"
}

// page is the HTML of a letter: nothing is loaded from anywhere, so that nobody
// learns that it was read. The colours are those of the pages, with a contrast of
// more than 7 to 1.
var page = template.Must(template.New("letter").Parse(`<!DOCTYPE html>
<html lang="{{.Locale}}" dir="{{.Dir}}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{{.Title}}</title>
</head>
<body style="margin:0;padding:16px;background:#fff;color:#1b1f24;font:16px/1.5 sans-serif">
<div style="max-width:36em;margin:0 auto">
{{range .Parts}}{{if .Link}}<p style="margin:24px 0"><a href="{{.Link}}" style="display:inline-block;padding:14px 22px;background:#0b4f8a;color:#fff;text-decoration:none;border-radius:6px;font-weight:bold">{{.Text}}</a></p>
{{else}}{{with .Text}}<p>{{.}}</p>
{{end}}{{with .Items}}<ul>
{{range .}}<li style="margin:0 0 8px"><bdi>{{if .Link}}<a href="{{.Link}}" style="color:#0b4f8a">{{.Text}}</a>{{else}}{{.Text}}{{end}}</bdi>{{with .Note}}<br>{{.}}{{end}}</li>
{{end}}</ul>
{{end}}{{end}}{{end}}</div>
</body>
</html>
`))

// HTML writes the letter as a document; title is its subject.
func (l Letter) HTML(title string) (string, error) {
	var b strings.Builder
	err := page.Execute(&b, struct {
		Letter
		Title string
	}{l, title})
	return b.String(), err
}

// Message makes the message that says the letter.
func (l Letter) Message(to, subject, key string) (Message, error) {
	html, err := l.HTML(subject)
	return Message{To: to, Subject: subject, Text: l.PlainText(), HTML: html, Locale: l.Locale, Key: key}, err
}
