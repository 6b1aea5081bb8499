package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
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
	Role []string      `name:"role" required:"" placeholder:"ROLE[@SCOPE]" help:"A role: contributor@ORGANISATION, reviewer@TERRITORY, secretary@TERRITORY, translator@LOCALE, editor, administrator. May be repeated."`
	Name string        `name:"name" default:"command line" help:"What the token is for."`
	Life time.Duration `name:"expires-in" default:"2160h" placeholder:"DURATION" help:"How long it lives, such as 720h; 90 days when left out, 366 days at most."`
}

func (c *tokenCreateCmd) Run(e *env) error {
	b, err := e.open(nil)
	if err != nil {
		return err
	}
	defer b.close()
	var grants []content.Grant
	for _, role := range c.Role {
		g, err := content.ParseGrant(role, b.service.Territories())
		if err != nil {
			return err
		}
		grants = append(grants, g)
	}
	secret, _, err := b.auth.CreateToken(e.ctx, commandLine, auth.NewToken{Name: c.Name, Grants: grants, Life: c.Life})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(e.stdout, secret)
	return err
}

type tokenListCmd struct{}

func (tokenListCmd) Run(e *env) error {
	b, err := e.existing()
	if err != nil {
		return err
	}
	defer b.close()
	tw := tabwriter.NewWriter(e.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(tw, "ID\tNAME\tROLES\tEXPIRES")
	a := b.auth
	for after := ""; ; {
		tokens, err := a.Tokens(e.ctx, after, 100)
		if err != nil {
			return err
		}
		for _, t := range tokens {
			after = t.ID
			fmt.Fprintf(tw, "%s\t%s\t%v\t%s\n", t.ID, t.Name, t.Grants, t.ExpiresAt.Format(time.DateOnly))
		}
		if len(tokens) < 100 {
			return tw.Flush()
		}
	}
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
	if err := b.auth.RevokeToken(e.ctx, commandLine, c.ID); errors.Is(err, content.ErrNotFound) {
		return fmt.Errorf("there is no token %q", c.ID)
	} else if err != nil {
		return err
	}
	return nil
}

type grantCmd struct {
	Person string `arg:"" help:"Who: the person's id."`
	Role   string `arg:"" help:"ROLE or ROLE@SCOPE."`
	Until  string `name:"until" placeholder:"TIME" help:"When the role ends: a date or a time, Europe/Rome."`
}

func (c *grantCmd) Run(e *env) error {
	b, err := e.open(nil)
	if err != nil {
		return err
	}
	defer b.close()
	g, err := content.ParseGrant(c.Role, b.service.Territories())
	if err != nil {
		return err
	}
	if c.Until != "" {
		if g.Until, err = content.ParseMoment(c.Until); err != nil {
			return err
		}
	}
	var p auth.Person
	if !g.Until.IsZero() && !time.Now().Before(g.Until) { // what has ended is taken away
		p, err = b.auth.Ungrant(e.ctx, commandLine, c.Person, g.Role, g.Scope)
	} else {
		p, err = b.auth.Grant(e.ctx, commandLine, c.Person, g)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(e.stdout, p.ID, p.Grants)
	return err
}

type territoriesCmd struct {
	Import territoriesImportCmd `cmd:"" help:"Bring in the list of municipalities (CSV)."`
}

type territoriesImportCmd struct {
	File string `arg:"" type:"existingfile" help:"CSV with the columns istat, name, province_istat, lat, lon."`
}

func (c *territoriesImportCmd) Run(e *env) error {
	f, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer f.Close()
	b, err := e.open(nil)
	if err != nil {
		return err
	}
	defer b.close()
	list, issues, err := b.schemas.Territories().ReadMunicipalities(f)
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	for _, i := range issues {
		fmt.Fprintf(e.stderr, "%s:%d:%d: %s: %s\n", c.File, i.Line, max(i.Column, 1), i.Code, e.text(i.Code, i.Params))
	}
	if len(issues) > 0 {
		return errFailed
	}
	data, err := json.Marshal(list)
	if err != nil {
		return err
	}
	expect := int64(0)
	switch old, err := b.store.GetRecord(e.ctx, placesKind, placesID); {
	case err == nil:
		expect = old.Version
	case !errors.Is(err, content.ErrNotFound):
		return err
	}
	r := &content.Record{Kind: placesKind, ID: placesID, Data: data, At: time.Now().UTC().Truncate(time.Millisecond)}
	if err := b.store.PutRecord(e.ctx, r, expect); err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.stdout, "%d municipalities. A running server knows them after its next start.\n", len(list))
	return err
}
