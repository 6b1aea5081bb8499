package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/prassi-cms/prassi/api"
	"github.com/prassi-cms/prassi/auth"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/access"
	"github.com/prassi-cms/prassi/internal/secret"
	"github.com/prassi-cms/prassi/jobs"
	"github.com/prassi-cms/prassi/mail"
	"github.com/prassi-cms/prassi/messages"
	"github.com/prassi-cms/prassi/outgoing"
	"github.com/prassi-cms/prassi/webhooks"
)

type webhooksCmd struct {
	List   webhookListCmd   `cmd:"" help:"List webhooks, without their secrets."`
	Create webhookCreateCmd `cmd:"" help:"Tell another system of what changes; prints the id and the secret, which is shown this once."`
	Change webhookChangeCmd `cmd:"" help:"Change the address, pause a webhook or switch it on again."`
	Rotate webhookRotateCmd `cmd:"" help:"Make a new secret and print it."`
	End    webhookEndCmd    `cmd:"" help:"End a webhook."`
	Ping   webhookPingCmd   `cmd:"" help:"Have a running server send a test."`
	Replay webhookReplayCmd `cmd:"" help:"Have a running server send again what was sent."`
	Log    webhookLogCmd    `cmd:"" help:"Show what was sent or tried, the newest first."`
}

// hooks makes what tells other systems, for commands: only a server sends.
func (b *backend) hooks() *webhooks.Hooks {
	return webhooks.New(webhooks.Options{Ledger: b.ledger, Log: b.store, Schemas: b.schemas, Territories: b.service.Territories()})
}

// hooks makes what a server tells other systems with.
func (c *serveCmd) hooks(e *env, b *backend, opt *api.Options, listener string) (*webhooks.Hooks, error) {
	allow, err := c.going.prefixes()
	if err != nil {
		return nil, err
	}
	owner, err := e.process()
	if err != nil {
		return nil, err
	}
	page := opt.Feeds.Page
	if c.NoSite {
		page = nil
	}
	return webhooks.New(webhooks.Options{
		Ledger: b.ledger, Log: b.store, Catalog: opt.Catalog, Schemas: b.schemas, Territories: b.service.Territories(),
		Outgoing:  outgoing.Options{Allow: allow, Plain: len(allow) > 0, UserAgent: "Prassi/" + buildVersion()},
		PublicURL: c.base(listener), Page: page, Owner: owner, Logger: e.logger(),
	}), nil
}

// switchedOff is the task of writing to the administrators, or to whom the operator
// named, when a webhook was switched off. Without a way to send mail the log and
// the list of webhooks say it alone.
func (c *serveCmd) switchedOff(e *env, h *webhooks.Hooks, a *auth.Auth) ([]jobs.Every, error) {
	sender, err := c.sender(e)
	if err != nil || sender == nil {
		return nil, err
	}
	return []jobs.Every{{Name: "webhooks switched off", Every: time.Minute, Do: func(ctx context.Context) error {
		return h.Tell(ctx, func(ctx context.Context, w webhooks.Subscription, at time.Time) error {
			to, err := administrators(ctx, a)
			if len(to) == 0 && c.Contact != "" {
				to = map[string]string{c.Contact: ""}
			}
			for address, locale := range to {
				m, wrong := switchedOffLetter(w, at, address, locale)
				if wrong == nil {
					wrong = sender.Send(ctx, m)
				}
				if !errors.Is(wrong, mail.ErrAddress) && !errors.Is(wrong, mail.ErrRejected) { // trying again helps nobody
					err = errors.Join(err, wrong)
				}
			}
			return err
		})
	}}}, nil
}

// administrators gives the addresses of the administrators, and the language of
// each.
func administrators(ctx context.Context, a *auth.Auth) (map[string]string, error) {
	people, err := a.People(ctx, "", 0)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, p := range people {
		if _, err := mail.Address(p.Email); err != nil || !p.Erased.IsZero() {
			continue
		}
		actor, err := a.Actor(ctx, p)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(actor.Grants, func(g content.Grant) bool { return g.Role == access.Administrator }) {
			out[p.Email] = p.Locale
		}
	}
	return out, nil
}

// switchedOffLetter says which webhook and why. Of its address only the server is
// named: the rest may be a secret of the receiver.
func switchedOffLetter(w webhooks.Subscription, at time.Time, to, locale string) (mail.Message, error) {
	locale, _, _ = strings.Cut(locale, "-")
	if !slices.Contains(messages.Languages, locale) {
		locale = messages.Languages[0]
	}
	host := ""
	if u, err := url.Parse(w.URL); err == nil {
		host = u.Host
	}
	say := func(code string, params map[string]any) string { return messages.Text(locale, code, params) }
	letter := mail.Letter{Locale: locale, Parts: []mail.Part{
		{Text: say(w.Reason, nil), Items: []mail.Item{{Text: w.Name, Note: host}}},
		{Text: say("mail_webhook_how", nil), Items: []mail.Item{{Text: "prassi webhooks change " + w.ID + " --resume"}}},
		{Text: say("mail_webhook_because", nil)},
	}}
	key := fmt.Sprint("webhook ", w.ID, " ", at.UnixMilli(), " ", to)
	return letter.Message(to, say("label_mail_subject_webhook", map[string]any{"name": w.Name}), key)
}

// process names this process among those on the store, and is the same after a
// restart: no two have the same data folder open, for the catalogue locks it.
func (e *env) process() (string, error) {
	host, err := os.Hostname()
	if err != nil {
		return "", err
	}
	folder, err := filepath.Abs(e.cli.Data)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(host + "\x00" + folder))
	return hex.EncodeToString(sum[:8]), nil
}

// withHooks opens the store for a command about one webhook.
func (e *env) withHooks(id string, do func(*webhooks.Hooks) error) error {
	b, err := e.existing()
	if err != nil {
		return err
	}
	defer b.close()
	h := b.hooks()
	if id != "" {
		if _, err := h.Get(e.ctx, id); errors.Is(err, content.ErrNotFound) {
			return tell("no_such_webhook", map[string]any{"webhook": id})
		} else if err != nil {
			return err
		}
	}
	return do(h)
}

type webhookListCmd struct{}

// Run prints a table; its words are the same in every language, for scripts.
func (webhookListCmd) Run(e *env) error {
	return e.withHooks("", func(h *webhooks.Hooks) error {
		list, err := h.List(e.ctx)
		if err != nil {
			return err
		}
		tw := tabwriter.NewWriter(e.stdout, 0, 4, 2, ' ', 0)
		fmt.Fprintln(tw, "ID\tSTATE\tWAITING\tLAST SUCCESS\tFAILING SINCE\tURL\tNAME")
		for _, w := range list {
			health, err := h.Health(e.ctx, w.ID)
			if err != nil {
				return err
			}
			state := string(w.State)
			if w.Reason != "" {
				state += " (" + w.Reason + ")"
			}
			fmt.Fprintf(tw, "%s\t%s\t%d\t%s\t%s\t%s\t%s\n", w.ID, state, health.Waiting, moment(health.LastSuccess), moment(health.FailingSince), w.URL, w.Name)
		}
		return tw.Flush()
	})
}

type webhookCreateCmd struct {
	URL        string   `arg:"" help:"Where requests go: https."`
	Name       string   `name:"name" default:"command line" help:"What it is for."`
	Event      []string `name:"event" placeholder:"EVENT" help:"item.published, item.updated, item.withdrawn, item.merged or build.finished; all when left out. May be repeated, as those that follow."`
	Collection []string `name:"collection" placeholder:"NAME" help:"Only of this collection."`
	Language   []string `name:"language" placeholder:"LOCALE" help:"Only in this language."`
	Territory  []string `name:"territory" placeholder:"CODE" help:"Only what lies in this territory."`
	Topic      []string `name:"topic" placeholder:"TERM" help:"Only about this topic."`
}

func (c *webhookCreateCmd) Run(e *env) error {
	return e.withHooks("", func(h *webhooks.Hooks) error {
		w, key, err := h.Create(e.ctx, commandLine, webhooks.Wish{Name: &c.Name, URL: &c.URL, Filter: &webhooks.Filter{
			Events: c.Event, Collections: c.Collection, Locales: c.Language, Territories: c.Territory, Topics: c.Topic,
		}})
		if err != nil {
			return err
		}
		return e.showSecret(w, key)
	})
}

// showSecret prints a secret, on standard output and nowhere else.
func (e *env) showSecret(w webhooks.Subscription, key secret.Value) error {
	_, err := fmt.Fprintf(e.stdout, "%s\n%s\n", w.ID, key.Reveal())
	return err
}

type webhookChangeCmd struct {
	ID     string `arg:"" help:"The webhook's id."`
	URL    string `name:"url" placeholder:"URL" help:"Where requests go from now on."`
	Pause  bool   `name:"pause" xor:"state" help:"Send nothing until it is resumed; what happens meanwhile is sent then."`
	Resume bool   `name:"resume" xor:"state" help:"Switch it on again: it goes on where it stood."`
}

func (c *webhookChangeCmd) Run(e *env) error {
	return e.withHooks(c.ID, func(h *webhooks.Hooks) error {
		var wish webhooks.Wish
		if c.URL != "" {
			wish.URL = &c.URL
		}
		if c.Pause || c.Resume {
			wish.Active = &c.Resume
		}
		_, err := h.Change(e.ctx, commandLine, c.ID, wish)
		return err
	})
}

type webhookRotateCmd struct {
	ID      string        `arg:"" help:"The webhook's id."`
	Overlap time.Duration `name:"overlap" default:"24h" placeholder:"DURATION" help:"For how long the secret before stays good."`
}

func (c *webhookRotateCmd) Run(e *env) error {
	return e.withHooks(c.ID, func(h *webhooks.Hooks) error {
		w, key, err := h.Rotate(e.ctx, commandLine, c.ID, c.Overlap)
		if err != nil {
			return err
		}
		return e.showSecret(w, key)
	})
}

type webhookEndCmd struct {
	ID string `arg:"" help:"The webhook's id."`
}

func (c *webhookEndCmd) Run(e *env) error {
	return e.withHooks(c.ID, func(h *webhooks.Hooks) error { return h.End(e.ctx, commandLine, c.ID) })
}

type webhookPingCmd struct {
	ID string `arg:"" help:"The webhook's id."`
}

func (c *webhookPingCmd) Run(e *env) error {
	return e.withHooks(c.ID, func(h *webhooks.Hooks) error {
		d, err := h.Ping(e.ctx, c.ID)
		if err == nil {
			_, err = fmt.Fprintln(e.stdout, d.ID())
		}
		return err
	})
}

type webhookReplayCmd struct {
	ID       string    `arg:"" help:"The webhook's id."`
	Message  string    `name:"message" xor:"what" placeholder:"ID" help:"One message."`
	Document string    `name:"document" xor:"what" placeholder:"ID" help:"All that was told of a document."`
	Since    time.Time `name:"since" xor:"what" placeholder:"TIME" help:"All that happened since then: 2026-11-22T10:00:00Z."`
	Until    time.Time `name:"until" placeholder:"TIME" help:"With --since: and before then."`
}

func (c *webhookReplayCmd) Run(e *env) error {
	return e.withHooks(c.ID, func(h *webhooks.Hooks) error {
		_, err := h.Replay(e.ctx, c.ID, webhooks.Replay{Delivery: c.Message, Document: c.Document, Since: c.Since, Until: c.Until})
		return err
	})
}

type webhookLogCmd struct {
	ID      string `arg:"" help:"The webhook's id."`
	Outcome string `name:"outcome" enum:",waiting,delivered,failed,skipped" default:"" placeholder:"OUTCOME" help:"Only those that are waiting, delivered, failed or skipped."`
	Limit   int    `name:"limit" default:"50" help:"How many."`
}

// Run prints a line a message, with its last attempt.
func (c *webhookLogCmd) Run(e *env) error {
	return e.withHooks(c.ID, func(h *webhooks.Hooks) error {
		list, err := h.Deliveries(e.ctx, c.ID, webhooks.Query{Outcome: webhooks.Outcome(c.Outcome), Limit: c.Limit})
		if err != nil {
			return err
		}
		tw := tabwriter.NewWriter(e.stdout, 0, 4, 2, ' ', 0)
		fmt.Fprintln(tw, "AT\tEVENT\tDOCUMENT\tOUTCOME\tATTEMPTS\tSTATUS\tERROR\tNEXT\tMESSAGE")
		for _, d := range list {
			last := d.Attempts[len(d.Attempts)-1]
			what := strings.TrimSpace(d.Document + " " + d.Locale)
			if what == "" {
				what = "-"
			}
			failure := last.Error
			if failure == "" {
				failure = "-"
			}
			fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%d\t%d\t%s\t%s\t%s\n", moment(d.At), d.Event, what, d.Outcome, len(d.Attempts), last.Status, failure, moment(d.Next), d.ID())
		}
		return tw.Flush()
	})
}
