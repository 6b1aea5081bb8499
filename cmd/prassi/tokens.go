package main

import (
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/prassi-cms/prassi/auth"
	"github.com/prassi-cms/prassi/content"
)

type tokenCmd struct {
	Create tokenCreateCmd `cmd:"" help:"Make a token and print it; it is shown this once."`
	List   tokenListCmd   `cmd:"" help:"List tokens, without their secrets."`
	Revoke tokenRevokeCmd `cmd:"" help:"End a token."`
}

type tokenCreateCmd struct {
	Role    []string      `name:"role" required:"" placeholder:"ROLE[@SCOPE]" help:"A role: contributor@ORGANISATION, reviewer@TERRITORY, secretary@TERRITORY, translator@LOCALE, editor, administrator. May be repeated."`
	Name    string        `name:"name" default:"command line" help:"What the token is for."`
	Person  string        `name:"person" xor:"whose" placeholder:"PERSON" help:"Whose it is, by id or e-mail address: it acts as this person, with roles that they have."`
	Partner string        `name:"partner" xor:"whose" placeholder:"PARTNER" help:"The partner it is for; without a person or a partner it is the operator's."`
	Life    time.Duration `name:"expires-in" default:"2160h" placeholder:"DURATION" help:"How long it lives, such as 720h; 90 days when left out, 366 days at most."`
}

func (c *tokenCreateCmd) Run(e *env) error {
	b, err := e.open(nil)
	if err != nil {
		return err
	}
	defer b.close()
	n := auth.NewToken{Name: c.Name, Partner: c.Partner, Life: c.Life}
	for _, role := range c.Role {
		g, err := content.ParseGrant(role, b.service.Territories())
		if err != nil {
			return err
		}
		n.Grants = append(n.Grants, g)
	}
	if c.Person != "" {
		p, err := e.person(b, c.Person)
		if err != nil {
			return err
		}
		n.Person = p.ID
	}
	secret, _, err := b.auth.CreateToken(e.ctx, commandLine, n)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(e.stdout, secret)
	return err
}

type tokenListCmd struct{}

// Run prints a table; its words are the same in every language, for scripts.
func (tokenListCmd) Run(e *env) error {
	b, err := e.existing()
	if err != nil {
		return err
	}
	defer b.close()
	tokens, err := b.auth.Tokens(e.ctx, "", 0)
	if err != nil {
		return err
	}
	tw := tabwriter.NewWriter(e.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(tw, "ID\tSTATE\tWHOSE\tROLES\tEXPIRES\tUSED\tNAME")
	for _, t := range tokens {
		whose, state := "operator", "good"
		switch {
		case t.Person != "":
			whose = "person:" + t.Person
		case t.Partner != "":
			whose = "partner:" + t.Partner
		}
		switch {
		case !t.RevokedAt.IsZero():
			state = "revoked"
		case !time.Now().Before(t.ExpiresAt):
			state = "expired"
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", t.ID, state, whose, roles(t.Grants), t.ExpiresAt.Format(time.DateOnly), moment(t.UsedAt), t.Name)
	}
	return tw.Flush()
}

type tokenRevokeCmd struct {
	ID string `arg:"" help:"The token's id, as prassi token list shows it."`
}

func (c *tokenRevokeCmd) Run(e *env) error {
	b, err := e.existing()
	if err != nil {
		return err
	}
	defer b.close()
	err = b.auth.RevokeToken(e.ctx, commandLine, c.ID)
	if errors.Is(err, content.ErrNotFound) {
		return tell("no_such_token", map[string]any{"token": c.ID})
	}
	return err
}
