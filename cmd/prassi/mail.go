package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/prassi-cms/prassi/freshness"
	"github.com/prassi-cms/prassi/internal/secret"
	"github.com/prassi-cms/prassi/jobs"
	"github.com/prassi-cms/prassi/mail"
)

// mailing says how messages leave.
type mailing struct {
	Mail  string `name:"mail" env:"PRASSI_MAIL" placeholder:"ADDRESS" help:"Where e-mails go: smtp://user@host:587 (TLS is required), smtps://user@host:465, smtp://localhost:25?tls=off, or a folder for .eml files. Without it none are sent; the demo writes them into the folder mail of the data."`
	Daily int    `name:"mail-daily" env:"PRASSI_MAIL_DAILY" default:"500" placeholder:"N" help:"How many e-mails a day may ask people to confirm the facts of their pages; 0 holds all of them back."`
	From  string `name:"mail-from" env:"PRASSI_MAIL_FROM" placeholder:"EMAIL" help:"The sender of e-mails: prassi@example.org, or \"Prassi <prassi@example.org>\"."`
}

// mailPasswordVariable names the password of the user in --mail.
const mailPasswordVariable = "PRASSI_MAIL_PASSWORD"

// sender makes what the settings say; nil when no messages are sent. Nothing is
// connected to.
func (c *serveCmd) sender(e *env) (mail.Sender, error) {
	cfg := mail.Config{To: c.Mail, From: c.From}
	if c.Demo && cfg.To == "" {
		cfg.To = filepath.Join(e.cli.Data, "mail")
		if cfg.From == "" {
			cfg.From = "prassi@localhost"
		}
	}
	// A message leads to a page: a server that others reach must know how.
	if strings.Contains(cfg.To, "://") && c.PublicURL == "" {
		return nil, tell("mail_public_url", nil)
	}
	var err error
	if cfg.Password, err = secret.Lookup(mailPasswordVariable); err != nil {
		return nil, err
	}
	s, err := mail.Open(cfg)
	if err != nil {
		return nil, fmt.Errorf("--mail: %w", err)
	}
	return s, nil
}

// freshness makes what asks whether facts are still true, for a server that
// listens there.
func (c *serveCmd) freshness(e *env, b *backend, listener string) (*freshness.Keeper, error) {
	s, err := c.sender(e)
	if err != nil {
		return nil, err
	}
	daily := c.Daily
	if daily <= 0 {
		daily = -1 // what Options calls none
	}
	return freshness.New(freshness.Options{
		Store: b.store, Service: b.service, Auth: b.auth, Sender: s, PublicURL: c.base(listener), Contact: c.Contact, Daily: daily, Log: e.logger(),
	}), nil
}

// reminding are the tasks of asking.
func reminding(k *freshness.Keeper) []jobs.Every {
	return []jobs.Every{
		{Name: "freshness", Every: time.Hour, Do: k.Run},
		{Name: "words to the councils", Every: time.Minute, Do: k.Tell},
	}
}
