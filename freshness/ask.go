package freshness

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/mail"
	"github.com/prassi-cms/prassi/messages"
	"github.com/prassi-cms/prassi/schemas"
)

// Ask is what a link asks somebody to confirm.
type Ask struct {
	Document string
	Type     *schemas.Type
	Locale   string // of the text
	Title    string
	// Organization is the name of who offers it; empty when there is none.
	Organization string
	// Values are what the public sees: of a sensitive document not where it is.
	Values schemas.Values
	// On is the assured date and Due the day of the next, as UTC midnights; both
	// zero when nobody ever confirmed.
	On, Due time.Time
	Stage   schemas.Stage
	// Sensitive says that where it is stays secret, also here.
	Sensitive bool

	assure string // the assured date as it is stored
	behalf string // for whom a confirmation is
}

// Open tells what a link is for, in a language or another that there is. It
// changes nothing: programs that look into mail follow links. The Problem it
// returns says what is wrong with a link: confirm_link_invalid (made up or cut
// off), confirm_link_expired, confirm_link_used (somebody has confirmed since, and
// the parameter date says when), confirm_link_not_yours (others are asked now) or
// confirm_not_published.
func (k *Keeper) Open(ctx context.Context, token, locale string) (*Ask, error) {
	c, err := k.readLink(ctx, token)
	if err != nil {
		return nil, err
	}
	d, err := k.store.Get(ctx, c.document)
	switch {
	case isNotFound(err):
		return nil, problem(content.Conflict, codeNotPublished, nil)
	case err != nil:
		return nil, content.AsProblem(err)
	case !d.Live():
		return nil, problem(content.Conflict, codeNotPublished, nil)
	}
	f := k.service.Schemas().Freshness(d.Type)
	on, day := assured(d)
	switch {
	case f == nil:
		return nil, problem(content.Conflict, codeNotPublished, nil)
	case on != c.assured:
		return nil, problem(content.Conflict, codeLinkUsed, map[string]any{"date": messages.Day(locale, noon(day))})
	case !k.now().Before(c.until):
		return nil, problem(content.Conflict, codeLinkExpired, nil)
	}
	p, err := k.published(ctx, d, locale)
	if err != nil {
		return nil, content.AsProblem(err)
	}
	behalf, err := k.holder(ctx, c, d, p)
	if err != nil {
		return nil, err
	}
	typ, _ := k.service.Schemas().Type(d.Type)
	a := &Ask{Document: d.ID, Type: typ, Locale: p.locale, Title: p.title, Values: p.values, On: day, Stage: stageOf(d), Sensitive: d.Sensitive, assure: on, behalf: behalf}
	if !day.IsZero() {
		a.Due = f.Due(day)
	}
	a.Organization, err = k.provider(ctx, p, locale)
	return a, err
}

// holder says for whom a link acts, when whoever it was sent to is asked still.
func (k *Keeper) holder(ctx context.Context, c claim, d *content.Document, p *published) (string, error) {
	notYours := problem(content.Conflict, codeLinkNotYours, nil)
	if c.person == "" {
		list, err := (&directory{k: k, read: true}).recipients(ctx, c.way, d, p)
		if err != nil {
			return "", content.AsProblem(err)
		}
		if !slices.ContainsFunc(list, func(r recipient) bool { return hashOf(r.Address) == c.hash }) {
			return "", notYours
		}
		return "mail:" + c.hash, nil
	}
	person, err := k.auth.Person(ctx, c.person)
	if isNotFound(err) {
		return "", notYours
	}
	if err != nil {
		return "", content.AsProblem(err)
	}
	one, err := k.known(ctx, person)
	if err != nil {
		return "", content.AsProblem(err)
	}
	entitled := c.way == wayPeople && one.contributes(d.Owner)
	for _, role := range councils {
		entitled = entitled || c.way == wayCouncil && k.sits(&one, role.role, role.scoped, territories(d))
	}
	if !entitled || hashOf(one.Email) != c.hash {
		return "", notYours
	}
	return person.Actor().ID, nil
}

// provider is the name of the organisation that a document refers to.
func (k *Keeper) provider(ctx context.Context, p *published, locale string) (string, error) {
	id, _ := p.shared["organization"].(string)
	if id == "" {
		return "", nil
	}
	d, err := k.store.Get(ctx, id)
	if isNotFound(err) || err == nil && !d.Live() {
		return "", nil
	}
	if err != nil {
		return "", content.AsProblem(err)
	}
	o, err := k.published(ctx, d, locale)
	if err != nil {
		return "", content.AsProblem(err)
	}
	return o.title, nil
}

// Confirm says for whoever has the link that all is right, today. It gives what
// was confirmed, with its new dates.
func (k *Keeper) Confirm(ctx context.Context, token, locale string) (*Ask, error) {
	a, err := k.Open(ctx, token, locale)
	if err != nil {
		return nil, err
	}
	by := confirmation
	by.OnBehalfOf = a.behalf
	d, err := k.service.Assure(ctx, by, a.Document, "")
	if err != nil {
		return nil, err
	}
	_, a.On = assured(d)
	a.Stage, a.Due = stageOf(d), k.service.Schemas().Freshness(d.Type).Due(a.On)
	return a, nil
}

// Bounds of what somebody says has changed.
const (
	MaxWords   = 2000 // characters
	maxReports = 20   // about one document between two confirmations
	maxByLink  = 3    // by one link on a day
	maxBySame  = 20   // by the same person on a day, with all their links
)

// report is the record of what somebody says has changed.
type report struct {
	Document string    `json:"document"`
	Assured  string    `json:"assured"` // the date that it contradicts
	At       time.Time `json:"at"`
	By       string    `json:"by"` // for whom the link was
	Words    string    `json:"words"`
	Letters  []letter  `json:"letters,omitempty"`
	Told     bool      `json:"told,omitempty"` // there is nothing left to send
}

// Report keeps what somebody says has changed, for the council, to which Tell
// sends it. Problems beside those of Open: confirm_words_required,
// confirm_words_too_long, confirm_words_too_many.
func (k *Keeper) Report(ctx context.Context, token, words, locale string) (*Ask, error) {
	a, err := k.Open(ctx, token, locale)
	if err != nil {
		return nil, err
	}
	words = plain(words)
	switch n := utf8.RuneCountInString(words); {
	case n == 0:
		return a, problem(content.Invalid, codeWordsRequired, nil)
	case n > MaxWords:
		return a, problem(content.Invalid, codeWordsTooLong, map[string]any{"max": MaxWords})
	}
	said := 0
	err = each(ctx, k, kindReport, a.Document+"/", func(_ string, _ int64, r report) error {
		if r.Assured == a.assure {
			said++
		}
		return nil
	})
	switch {
	case err != nil:
		return a, content.AsProblem(err)
	case said >= maxReports:
		return a, problem(content.Conflict, codeWordsTooMany, nil)
	}
	for name, most := range map[string]int{"said/" + a.behalf: maxBySame, "said/" + a.behalf + "/" + a.Document: maxByLink} {
		ok, err := k.count(ctx, name, 1, most)
		if err != nil {
			return a, content.AsProblem(err)
		}
		if !ok {
			return a, problem(content.Conflict, codeWordsTooMany, nil)
		}
	}
	now := k.now()
	id := a.Document + "/" + now.Format("20060102T150405.000") + "-" + rand.Text()[:6]
	r := report{Document: a.Document, Assured: a.assure, At: now, By: a.behalf, Words: words}
	if err := k.write(ctx, kindReport, id, r, 0); err != nil {
		return a, content.AsProblem(err)
	}
	return a, nil
}

// plain makes of what people write plain lines: no control characters, nothing
// that turns the direction of other text, no more than one empty line.
func plain(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\r\n", "\n")
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\r', r == '\u2028', r == '\u2029':
			return '\n'
		case unicode.Is(unicode.Bidi_Control, r):
			return -1
		case unicode.IsControl(r):
			return ' '
		}
		return r
	}, s)
	for strings.Contains(s, "\n\n\n") {
		s = strings.ReplaceAll(s, "\n\n\n", "\n\n")
	}
	return strings.TrimSpace(s)
}

// Tell sends to the councils what people said has changed. It is idempotent, and
// may run in several processes at once.
func (k *Keeper) Tell(ctx context.Context) error {
	if k.sender == nil {
		return nil
	}
	people, b := &directory{k: k}, &bounds{left: mostTold}
	var wrong trouble
	err := each(ctx, k, kindReport, "", func(id string, version int64, r report) error {
		if !r.Told {
			wrong.add(k.tell(ctx, people, b, id, version, &r))
		}
		return ctx.Err()
	})
	if err != nil {
		return err
	}
	return wrong.err()
}

// mostTold are the messages of one turn of Tell.
const mostTold = 100

// Purger forgets what people said, when it is settled for long enough: the
// document was confirmed since, or is gone.
func (k *Keeper) Purger() audit.Purger { return purger{k} }

type purger struct{ k *Keeper }

// Kind is the kind of data in the retention table.
func (p purger) Kind() string { return "reports" }

func (p purger) Purge(ctx context.Context, olderThan time.Time) (n int, err error) {
	err = each(ctx, p.k, kindReport, "", func(id string, version int64, r report) error {
		if !r.At.Before(olderThan) {
			return nil
		}
		d, err := p.k.store.Get(ctx, r.Document)
		if err != nil && !isNotFound(err) {
			return err
		}
		if err == nil && d.Live() {
			if on, day := assured(d); on == r.Assured || !day.Before(olderThan) {
				return nil
			}
		}
		switch err := p.k.store.DeleteRecord(ctx, kindReport, id, version); {
		case err == nil:
			n++
		case !isNotFound(err):
			return unlessBusy(err)
		}
		return nil
	})
	return n, err
}

// tell sends one report to everybody of the council.
func (k *Keeper) tell(ctx context.Context, people *directory, b *bounds, id string, version int64, r *report) error {
	d, err := k.store.Get(ctx, r.Document)
	if isNotFound(err) {
		r.Told = true
		return unlessBusy(k.write(ctx, kindReport, id, r, version))
	}
	if err != nil {
		return err
	}
	council, err := people.council(ctx, territories(d))
	if err != nil {
		return err
	}
	for _, to := range council {
		if findLetter(r.Letters, 0, to.stored()) == nil {
			r.Letters = append(r.Letters, letter{recipient: to.stored()})
		}
	}
	var wrong trouble
	for _, to := range council {
		pick := func(r *report) *delivery { return findLetter(r.Letters, 0, to.stored()) }
		did, err := deliver(ctx, k, b, kindReport, id, r, &version, pick,
			func() (mail.Message, error) { return k.reportLetter(ctx, d, to, id, r) }, nil)
		if did == busy || ctx.Err() != nil {
			return err
		}
		wrong.add(err)
	}
	// Who left the council meanwhile need not be told any more. Where there is
	// nobody at all, somebody may come.
	waits := slices.ContainsFunc(council, func(to recipient) bool {
		l := findLetter(r.Letters, 0, to.stored())
		return l == nil || !l.done()
	})
	if len(council) > 0 && !waits {
		r.Told = true
		wrong.add(unlessBusy(k.write(ctx, kindReport, id, r, version)))
	}
	return wrong.err()
}

// reportLetter writes what somebody said to one person of the council.
func (k *Keeper) reportLetter(ctx context.Context, d *content.Document, to recipient, id string, r *report) (mail.Message, error) {
	say := func(code string, params map[string]any) string { return messages.Text(to.Locale, code, params) }
	title := map[string]any{"title": k.title(d, to.Locale)}
	l := mail.Letter{Locale: to.Locale, Parts: []mail.Part{
		{Text: say("mail_report", title)}, {Text: say("label_mail_report_words", nil)}, {Text: r.Words},
		{Text: say("mail_report_from", map[string]any{"date": messages.Day(to.Locale, r.At)})},
	}}
	if on, _ := assured(d); d.Live() && on == r.Assured {
		link, err := k.Link(ctx, d.ID, on, to, to.Address, k.now().Add(councilLink))
		if err != nil {
			return mail.Message{}, err
		}
		l.Parts = append(l.Parts, mail.Part{Text: say("label_mail_report", nil), Link: link}, mail.Part{Text: say("mail_report_how", nil)})
	}
	l.Parts = append(l.Parts, mail.Part{Text: say("mail_because_council", nil)})
	return l.Message(to.Address, say("label_mail_subject_report", title), key("report", id, to.Person))
}
