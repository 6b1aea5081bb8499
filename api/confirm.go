package api

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/freshness"
	"github.com/prassi-cms/prassi/messages"
	"github.com/prassi-cms/prassi/schemas"
)

// The page behind the link of a reminder. GET shows what is published, as often as
// anybody (a mail scanner, a preview) likes; POST confirms it, or says what has
// changed. Who has the link needs no account, and no cookie is set: the link alone
// is the proof, so there is nothing that another site could make a browser send.
// It is a secret: the answers have Referrer-Policy: no-referrer, and the log names
// the route, never the path.

// confirmPath begins the address of the page.
const confirmPath = "/confirm/"

// confirmPage shows what is published, with the two answers.
type confirmPage struct {
	page
	Name, Organization string
	TextLang, TextDir  string   // of the text
	Status             []string // what the public reads of its age
	Alert              string
	Sensitive          bool
	Facts              []fact
	Action             string
	Words, Wrong       string // what was written, and what is wrong with it
	Max                int
}

// fact is a field of the document, in lines.
type fact struct {
	Label string
	Lines []factLine
}

// factLine is one line, with smaller words behind it.
type factLine struct{ Text, Note string }

// sentPage thanks.
type sentPage struct {
	page
	Name  string
	Texts []string
}

func (s *Server) showConfirmation(c *gin.Context) error {
	a, err := s.freshness.Open(c.Request.Context(), c.Param("token"), language(c))
	if err != nil {
		return err
	}
	return s.answerConfirmPage(c, http.StatusOK, a, "", nil)
}

func (s *Server) answerConfirmPage(c *gin.Context, status int, a *freshness.Ask, words string, wrong *content.Problem) error {
	p := confirmPage{
		page: s.newPage(c, "label_confirm_title"), Name: a.Title, Organization: a.Organization, TextLang: a.Locale, TextDir: s.textDirection(a.Locale),
		Action: confirmPath + c.Param("token"), Words: words, Max: freshness.MaxWords, Sensitive: a.Sensitive,
	}
	if a.On.IsZero() {
		p.Status = append(p.Status, p.T("label_confirm_never"))
	} else {
		p.Status = append(p.Status, messages.Text(p.Lang, codeConfirmChecked, map[string]any{"date": civilDay(p.Lang, a.On)}))
	}
	switch a.Stage {
	case schemas.StageUnverified:
		p.Status = append(p.Status, p.T("label_confirm_unverified"))
	case schemas.StageHidden:
		p.Status = append(p.Status, p.T("label_confirm_hidden"))
	}
	p.Alert, _ = a.Values["alert"].(string)
	p.Facts = s.facts(p.Lang, a)
	if wrong != nil {
		p.Wrong = messages.Text(p.Lang, wrong.Code, wrong.Params)
	}
	return answerPage(c, status, "confirm", p)
}

// textDirection is the direction of a language of content.
func (s *Server) textDirection(locale string) string {
	if l, ok := s.schemas.Locale(locale); ok && l.Dir != "" {
		return l.Dir
	}
	return "ltr"
}

// civilDay writes a civil day, which is given as UTC midnight.
func civilDay(lang string, day time.Time) string { return messages.Day(lang, day.Add(12*time.Hour)) }

// maxAnswer bounds the body of the page's forms, in bytes: all the words in a
// script of four bytes, each of them written as %XX.
const maxAnswer = 12*freshness.MaxWords + 4<<10

// answerConfirmation takes one of the page's two forms.
func (s *Server) answerConfirmation(c *gin.Context) error {
	data, err := readBody(c.Request, maxAnswer, typeForm)
	if err != nil {
		return err
	}
	form, err := url.ParseQuery(string(data))
	if err != nil || len(form) > 2 {
		return &content.Problem{Class: content.Invalid, Code: codeInvalidQuery, Err: err}
	}
	ctx, token, lang := c.Request.Context(), c.Param("token"), language(c)
	switch form.Get("answer") {
	case "right":
		a, err := s.freshness.Confirm(ctx, token, lang)
		if err != nil {
			return err
		}
		p := sentPage{page: s.newPage(c, "label_confirm_done_title"), Name: a.Title}
		p.Texts = []string{
			messages.Text(lang, codeConfirmDone, map[string]any{"date": civilDay(lang, a.On)}),
			messages.Text(lang, codeConfirmNext, map[string]any{"date": civilDay(lang, a.Due)}),
		}
		return answerPage(c, http.StatusOK, "confirmed", p)
	case "changed":
		words := form.Get("words")
		a, err := s.freshness.Report(ctx, token, words, lang)
		if p := content.AsProblem(err); p != nil && p.Class == content.Invalid && a != nil {
			return s.answerConfirmPage(c, statusOf(p), a, words, p)
		}
		if err != nil {
			return err
		}
		p := sentPage{page: s.newPage(c, "label_confirm_sent_title"), Name: a.Title}
		p.Texts = []string{p.T("confirm_sent")}
		return answerPage(c, http.StatusOK, "confirmed", p)
	}
	return invalid(codeInvalidQuery, "/answer", schemas.CodeRequired, map[string]any{"field": "answer"})
}

// checkedFields are what somebody looks at to say that all is right: what sends a
// family to a closed door when it is wrong. A type that lacks one shows the rest.
var checkedFields = []string{"places", "opening_hours", "contacts", "website", "booking_url"}

// facts writes those fields in lines, with labels in the reader's language.
func (s *Server) facts(lang string, a *freshness.Ask) (out []fact) {
	for _, name := range checkedFields {
		f, declared := a.Type.Field(name)
		value := a.Values[name]
		if !declared || value == nil {
			continue
		}
		list, many := value.([]any)
		if !many {
			list = []any{value}
		}
		x := fact{Label: f.Label.In(lang)}
		for _, v := range list {
			if l := s.factLine(lang, f, v); l.Text != "" {
				x.Lines = append(x.Lines, l)
			}
		}
		if x.Lines != nil {
			out = append(out, x)
		}
	}
	return out
}

func (s *Server) factLine(lang string, f *schemas.Field, v any) factLine {
	if text, ok := v.(string); ok {
		return factLine{Text: text}
	}
	m, _ := v.(map[string]any)
	word := func(name string) string { text, _ := m[name].(string); return text }
	switch f.Kind {
	case "place":
		town := word("municipality")
		if t, ok := s.service.Territories().Lookup(town); ok {
			town = t.Name
		}
		if strings.HasSuffix(word("address"), ", "+town) {
			town = "" // the address says it
		}
		l := factLine{Text: joined(" – ", word("label"), joined(", ", word("address"), town))}
		if m["approximate"] == true && word("address") == "" {
			l.Note = messages.Text(lang, "label_confirm_approximate", nil)
		}
		return l
	case "contact":
		return factLine{Text: joined(" · ", word("name"), word("role"), word("phone"), word("email"), word("web"))}
	case "opening_hours":
		var days []string
		for _, t := range f.Parts[0].Terms() {
			for _, day := range anyList(m["days"]) {
				if day == t.ID {
					days = append(days, t.Label.In(lang))
				}
			}
		}
		if m["holidays"] == true {
			days = append(days, messages.Text(lang, "label_confirm_holidays", nil))
		}
		hours := word("opens") + "–" + word("closes")
		if m["closed"] == true {
			hours = messages.Text(lang, "label_confirm_closed", nil)
		}
		l := factLine{Text: joined(": ", strings.Join(days, or(commas[lang], ", ")), hours)}
		if word("valid_from") != "" || word("valid_to") != "" {
			l.Note = messages.Text(lang, codeConfirmPeriod, map[string]any{"from": dayText(lang, word("valid_from")), "to": dayText(lang, word("valid_to"))})
		}
		return l
	}
	return factLine{}
}

// commas part the days where they are not written as in Italian.
var commas = map[string]string{"ar": "، ", "zh": "、"}

// anyList gives a list, or none.
func anyList(v any) []any {
	list, _ := v.([]any)
	return list
}

// dayText writes a stored day in the reader's way; what is none stays as it is.
func dayText(lang, day string) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return civilDay(lang, t)
}

// joined puts together what is not empty.
func joined(separator string, words ...string) string {
	var out []string
	for _, w := range words {
		if w != "" {
			out = append(out, w)
		}
	}
	return strings.Join(out, separator)
}

// Texts of the page with parameters, which the comment names.
const (
	codeConfirmChecked = "label_confirm_checked" // date
	codeConfirmDone    = "confirm_done"          // date
	codeConfirmNext    = "confirm_next"          // date
	codeConfirmPeriod  = "label_confirm_period"  // from, to
)

// confirmCodes are those of the page of confirmation.
var confirmCodes = []string{
	codeConfirmChecked, codeConfirmDone, codeConfirmNext, codeConfirmPeriod,
	"label_confirm_title", "confirm_intro", "confirm_sensitive", "label_confirm_yes", "label_confirm_change", "confirm_change_hint", "label_confirm_words", "label_confirm_send",
	"label_confirm_done_title", "label_confirm_sent_title", "confirm_sent", "label_confirm_never", "label_confirm_unverified", "label_confirm_hidden",
	"label_confirm_closed", "label_confirm_holidays", "label_confirm_approximate",
}
