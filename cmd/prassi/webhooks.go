package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/internal/secret"
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

// hooks makes what a server tells other systems with. page gives the address of an
// item's page; nil when there is no site.
func (c *serveCmd) hooks(e *env, b *backend, published *catalog.Catalog, listener string, page func(catalog.Entry) string) (*webhooks.Hooks, error) {
	allow, err := c.going.prefixes()
	if err != nil {
		return nil, err
	}
	owner, err := e.process()
	if err != nil {
		return nil, err
	}
	return webhooks.New(webhooks.Options{
		Ledger: b.ledger, Log: b.store, Catalog: published, Schemas: b.schemas, Territories: b.service.Territories(),
		Outgoing:  outgoing.Options{Allow: allow, Plain: len(allow) > 0, UserAgent: "Prassi/" + buildVersion()},
		PublicURL: c.base(listener), Page: page, Owner: owner, Logger: e.logger(),
	}), nil
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
