package interchange

import (
	"fmt"
	"html"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/prassi-cms/prassi/content"
)

// Plain texts come out of web pages, mails and gazettes with their furniture:
// the day, who put it there, the name of the column. headTitle looks for the
// title behind it.

// head is what the first lines of a text say about it.
type head struct {
	title string
	// rest is the body without the title's line; the whole body when the title
	// is only a part of a line or made of several.
	rest string
	// date is the day that a line of its own states; zero when none does.
	date time.Time
}

const (
	// headLines is how far down a title is looked for, in lines with words.
	headLines = 12
	// comfortable is the length to which a sentence is cut to serve as a title.
	comfortable = 120
	// proseLength is the length from which a line is a paragraph, not a title.
	proseLength = 160
)

// headTitle finds the title of a body without one in its front matter: a
// Markdown heading, the title of an official act with its subject, a line in
// capitals, the first line that looks like a title, or else the first sentence,
// shortened. limit is the longest title allowed, in characters.
func headTitle(body string, limit int) head {
	if limit <= 0 {
		limit = proseLength
	}
	if title, rest, ok := markdownTitle(body); ok {
		return head{title: shorten(title, limit), rest: rest}
	}
	lines := headOf(body)
	h := head{rest: body, date: headDate(lines)}
	var first, capitals *headLine
	prose := ""
	for i := range lines {
		l := &lines[i]
		if l.furniture {
			continue
		}
		if l.prose {
			prose = l.text
			break
		}
		if act.MatchString(l.text) {
			h.title = shorten(withSubject(l.text, lines[i+1:]), limit)
			return h
		}
		if first == nil {
			first = l
		}
		if capitals == nil && inCapitals(l.text) {
			capitals = l
		}
	}
	if capitals != nil {
		first = capitals
	}
	switch {
	case first != nil:
		h.title = shorten(first.text, limit)
		if h.title == first.text && first.whole {
			h.rest = without(body, first)
		}
	case prose != "":
		h.title = shorten(prose, min(limit, comfortable))
	case len(lines) > 0: // nothing but furniture: better than nothing
		h.title = shorten(lines[0].text, limit)
	}
	if strings.TrimSpace(h.rest) == "" {
		h.rest = body
	}
	return h
}

// headLine is one of a text's first lines.
type headLine struct {
	text string
	// start and end are the bytes of the line in the body; whole says that text
	// is all of it.
	start, end int
	whole      bool
	prose      bool
	furniture  bool
	// alone: a paragraph of its own.
	alone bool
	day   time.Time
}

var (
	spaces = regexp.MustCompile(`[\s\p{Zs}]+`)
	bullet = regexp.MustCompile(`^[•·●▪*–—-]\s+`)
	// byline is who put the text there: "di anci_admin", "a cura di Anna Rossi".
	byline = regexp.MustCompile(`(?i)^(di|da|by|par|por|von|a cura di|redazione|autore:|author:|scritto da|pubblicato da)\s+\S+(\s+\S+){0,3}$`)
	// column is the name of a section that many sites print above the title.
	column = regexp.MustCompile(`(?i)^(notizie|news|notizia|comunicat[oi]( stampa)?|press release|in evidenza|primo piano|attualità|articol[oi]|norm[ae]|normativa|circolari|home|blog|eventi|progetti|condividi|stampa|actualités|noticias|resta informato|leggi tutto|(regione|provincia|comune|prefettura|città)( di| del| della| autonoma di)? [\p{Lu}][\p{L}' -]{2,30})$`)
	teaser = regexp.MustCompile(`(\.\.\.|…)\s*$`)
	// identifier is an identifier or address alone on its line.
	identifier = regexp.MustCompile(`(?i)^(urn:|https?://|www\.)\S+$`)
	// act is the title of an official act: its kind, then a number or a day.
	act     = regexp.MustCompile(`(?i)^(circolare|decreto|legge|direttiva|ordinanza|delibera|deliberazione|determina|determinazione|regolamento|avviso|nota|protocollo d.intesa)\b.{0,80}\b(n\.|nr\.|n°|\d{4})`)
	subject = regexp.MustCompile(`(?i)^(oggetto|object|objet|asunto|subject)\s*:\s*(.+)$`)
	label   = regexp.MustCompile(`(?i)^(oggetto|object|objet|asunto|subject)\s*:`)
)

// headOf gives the first lines that have words, joined where a line was broken
// after a word or two ("Il" / "1 agosto 2019, la DG …").
func headOf(body string) []headLine {
	var out []headLine
	pos := 0
	for n := 0; pos < len(body) && len(out) < headLines && n < 1000; n++ {
		end := len(body)
		next := end
		if i := strings.IndexByte(body[pos:], '\n'); i >= 0 {
			end, next = pos+i, pos+i+1
		}
		raw := body[pos:end]
		if len(raw) > 4*MaxFrontMatter {
			raw = strings.ToValidUTF8(raw[:4*MaxFrontMatter], "")
		}
		text := strings.TrimSpace(raw)
		if text != "" {
			text = strings.TrimSpace(spaces.ReplaceAllString(text, " "))
			l := headLine{text: text, start: pos, end: next, whole: true, alone: blank(body[:pos], true) && blank(body[next:], false)}
			if n := len(out); n > 0 && broken(out[n-1], text, body[out[n-1].end:pos]) {
				l.text, l.start, l.whole = out[n-1].text+" "+text, out[n-1].start, false
				out = out[:n-1]
			}
			out = append(out, l)
		}
		pos = next
	}
	for i := range out {
		classify(&out[i])
	}
	return out
}

// blank says that the line before (or the line that follows) has no words.
func blank(s string, before bool) bool {
	if before {
		s = strings.TrimSuffix(s, "\n")
		s = s[strings.LastIndexByte(s, '\n')+1:]
	} else {
		s, _, _ = strings.Cut(s, "\n")
	}
	return strings.TrimSpace(s) == ""
}

// broken says that a line of one or two words goes on in the next one: nothing
// between them, and the next one begins like the middle of a sentence.
func broken(l headLine, next, between string) bool {
	if between != "" || len(strings.Fields(l.text)) > 2 || utf8.RuneCountInString(l.text) > 12 {
		return false
	}
	r, _ := utf8.DecodeRuneInString(next)
	last, _ := utf8.DecodeLastRuneInString(l.text)
	return unicode.IsLetter(last) && (unicode.IsLower(r) || unicode.IsDigit(r)) && !byline.MatchString(next) && !column.MatchString(next) && !column.MatchString(l.text)
}

func classify(l *headLine) {
	text := bullet.ReplaceAllString(l.text, "")
	if day, ok := textDate(text); ok {
		l.day, l.furniture = day, true
		return
	}
	n := utf8.RuneCountInString(text)
	switch {
	case byline.MatchString(text), column.MatchString(text), identifier.MatchString(text), label.MatchString(text):
		l.furniture = true
	case !strings.ContainsFunc(text, unicode.IsLetter):
		l.furniture = true
	case teaser.MatchString(text) && n < proseLength:
		l.furniture = true
	case n > proseLength, n > 60 && strings.HasSuffix(text, "."):
		l.prose = true
	}
}

// withSubject joins an act's title and the subject that follows it.
func withSubject(title string, lines []headLine) string {
	for _, l := range lines {
		if m := subject.FindStringSubmatch(l.text); m != nil {
			return strings.TrimRight(title, " .:") + ": " + strings.TrimRight(m[2], " .")
		}
	}
	return title
}

// inCapitals says that a line of at least three words is set in capitals.
func inCapitals(s string) bool {
	return len(strings.Fields(s)) >= 3 && strings.ToUpper(s) == s && strings.ToLower(s) != s
}

func without(body string, l *headLine) string { return body[:l.start] + body[l.end:] }

var (
	atx    = regexp.MustCompile(`^ {0,3}#{1,6}[ \t]+(.+?)[ \t]*#*[ \t]*$`)
	setext = regexp.MustCompile(`^ {0,3}(=+|-{2,})[ \t]*$`)
	// inline takes the marks of emphasis, code and links out of a heading.
	inlineLink = regexp.MustCompile(`!?\[([^\]]*)\](\([^)]*\)|\[[^\]]*\])?`)
	inlineMark = regexp.MustCompile("[*`]+|\\b_+|_+\\b")
	headingID  = regexp.MustCompile(`\s*\{#[^}]*\}\s*$`)
)

// markdownTitle takes the heading off a body that begins with one.
func markdownTitle(body string) (title, rest string, ok bool) {
	text := strings.TrimLeft(body, " \t\r\n")
	lead := body[:len(body)-len(text)]
	line, after, _ := strings.Cut(text, "\n")
	line = strings.TrimRight(line, " \t\r")
	if i := strings.LastIndexByte(lead, '\n'); len(lead)-i > 4 { // indented code
		return "", "", false
	}
	if m := atx.FindStringSubmatch(line); m != nil {
		return inlineText(m[1]), after, true
	}
	under, rest, _ := strings.Cut(after, "\n")
	if line != "" && setext.MatchString(strings.TrimRight(under, "\r")) {
		return inlineText(line), rest, true
	}
	return "", "", false
}

func inlineText(s string) string {
	s = headingID.ReplaceAllString(s, "")
	s = inlineLink.ReplaceAllString(s, "$1")
	s = inlineMark.ReplaceAllString(s, "")
	return strings.TrimSpace(spaces.ReplaceAllString(html.UnescapeString(s), " "))
}

// shorten cuts s to at most limit characters: at the end of a sentence, else
// after a word that can end a phrase, with an ellipsis.
func shorten(s string, limit int) string {
	s = strings.TrimSpace(s)
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	cut := string([]rune(s)[:limit-1])
	for i := len(cut) - 1; i > len(cut)/3; i-- {
		if (cut[i-1] == '.' || cut[i-1] == '!' || cut[i-1] == '?') && cut[i] == ' ' && sentenceEnds(cut[:i]) {
			return strings.TrimRight(cut[:i], ".")
		}
	}
	if i := strings.LastIndexByte(cut, ' '); i > limit/3 {
		cut = cut[:i]
	}
	for {
		cut = strings.TrimRight(cut, " ,;:–—-(«“\"'’‘")
		i := strings.LastIndexByte(cut, ' ')
		if i < limit/3 || !weak[strings.ToLower(cut[i+1:])] {
			return cut + "…"
		}
		cut = cut[:i]
	}
}

// sentenceEnds refuses the point of an abbreviation or initial ("art.", "n.", "D.").
func sentenceEnds(s string) bool {
	word := strings.TrimRight(s[strings.LastIndexByte(s, ' ')+1:], ".!?")
	return utf8.RuneCountInString(word) > 2 && !abbreviations[strings.ToLower(word)]
}

var abbreviations = wordSet("art artt all cfr dott ecc lett num pag par prof prot reg sig tel d.lgs d.l d.m d.p.r g.u s.o u.e")

// weak words leave a title hanging when they end it.
var weak = wordSet("il lo la i gli le un uno una di a da in con su per tra fra e o ed od del dello della dei degli delle " +
	"al allo alla ai agli alle dal dallo dalla dai dagli dalle nel nello nella nei negli nelle sul sullo sulla sui sugli sulle " +
	"che ha è the a an of to and or in on for with le les des du de et el los las y")

func wordSet(s string) map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields(s) {
		out[w] = true
	}
	return out
}

// months by their first three letters, accents aside, in it, en, fr and es.
var months = map[string]time.Month{
	"gen": 1, "jan": 1, "ene": 1, "feb": 2, "fev": 2, "fév": 2, "mar": 3, "apr": 4, "avr": 4, "abr": 4, "mag": 5, "may": 5, "mai": 5,
	"giu": 6, "jun": 6, "lug": 7, "jul": 7, "ago": 8, "aug": 8, "aoû": 8, "aou": 8, "set": 9, "sep": 9, "ott": 10, "oct": 10,
	"nov": 11, "dic": 12, "dec": 12, "déc": 12,
}

var (
	weekday  = `(?:(?:lun|mar|mer|gio|ven|sab|dom|mon|tue|wed|thu|fri|sat|sun|jeu|sam|dim|jue|vie|s[áa]b|mi[ée])\p{L}*[,.]?\s+)?`
	dayFirst = regexp.MustCompile(`(?i)^` + weekday + `(\d{1,2})[°º]?\s+(?:de\s+)?(\p{L}{3,12})\.?,?\s+(?:de\s+)?(\d{4})[.]?$`)
	dayLater = regexp.MustCompile(`(?i)^` + weekday + `(\p{L}{3,12})\.?\s+(\d{1,2}),?\s+(\d{4})[.]?$`)
	// dateline opens a dispatch: "Roma – 18 febbraio 2013 – …".
	dateline = regexp.MustCompile(`^\p{Lu}[\p{L}' ]{1,30}\s*[,–—-]\s*(\d{1,2}\s+\p{L}{3,12}\s+\d{4})\s*[–—-]\s`)
)

// textDate reads a line that is a date and nothing else.
func textDate(s string) (time.Time, bool) {
	if len(s) > 60 {
		return time.Time{}, false
	}
	var day, month, year string
	if m := dayFirst.FindStringSubmatch(s); m != nil {
		day, month, year = m[1], m[2], m[3]
	} else if m := dayLater.FindStringSubmatch(s); m != nil {
		month, day, year = m[1], m[2], m[3]
	} else {
		return time.Time{}, false
	}
	name := []rune(strings.ToLower(month))
	if string(name[:3]) == "jui" { // juin and juillet begin alike
		name = []rune(map[bool]string{true: "jun", false: "jul"}[string(name) == "juin"])
	}
	m, ok := months[string(name[:3])]
	if !ok {
		return time.Time{}, false
	}
	t, bad := readMoment(scalar(fmt.Sprintf("%s-%d-%s", year, m, day), place{}), "")
	return t, bad == nil
}

// headDate is the day that one of the first lines, or a dateline, states. A day
// on a line of its own in the middle of a text may be any day.
func headDate(lines []headLine) time.Time {
	prose := false
	for _, l := range lines {
		if !l.day.IsZero() && (l.alone || !prose) {
			return l.day
		}
		prose = prose || l.prose
		if m := dateline.FindStringSubmatch(l.text); m != nil {
			if t, ok := textDate(m[1]); ok {
				return t
			}
		}
	}
	return time.Time{}
}

var (
	hashLike = regexp.MustCompile(`^[0-9a-f]{8,}$`)
	generic  = wordSet("index readme untitled document documento new nuovo post articolo article testo text file page pagina bozza draft copia copy senza-titolo")
)

// nameSlug makes a slug of a file's name when the name says something: not a
// number, a hash, or a word like "index".
func nameSlug(name string) string {
	slug := content.Slugify(name)
	if generic[slug] {
		return ""
	}
	letters := 0
	for _, m := range strings.Split(slug, "-") {
		if hashLike.MatchString(m) && strings.ContainsAny(m, "0123456789") && strings.ContainsAny(m, "abcdef") {
			return ""
		}
		for _, c := range m {
			if c >= 'a' && c <= 'z' {
				letters++
			}
		}
	}
	if letters < 3 {
		return ""
	}
	return slug
}
