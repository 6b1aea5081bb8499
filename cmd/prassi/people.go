package main

import (
	"bufio"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/prassi-cms/prassi/auth"
	"github.com/prassi-cms/prassi/content"
)

// person finds somebody by id, with or without "person:" before it, or by e-mail
// address.
func (e *env) person(b *backend, who string) (auth.Person, error) {
	if !strings.Contains(who, "@") {
		p, err := b.auth.Person(e.ctx, strings.TrimPrefix(who, "person:"))
		if errors.Is(err, content.ErrNotFound) {
			err = tell("no_such_person", map[string]any{"person": who})
		}
		return p, err
	}
	people, err := b.auth.People(e.ctx, "", 0)
	if err != nil {
		return auth.Person{}, err
	}
	var found []auth.Person
	var ids []string
	for _, p := range people {
		if strings.EqualFold(p.Email, strings.TrimSpace(who)) {
			found, ids = append(found, p), append(ids, p.ID)
		}
	}
	switch len(found) {
	case 0:
		return auth.Person{}, tell("no_such_person", map[string]any{"person": who})
	case 1:
		return found[0], nil
	}
	return auth.Person{}, tell("several_people", map[string]any{"people": ids})
}

// roles words grants as they are written, with their ends and from whom they are.
func roles(grants []content.Grant) string {
	var out []string
	for _, g := range grants {
		text := g.String()
		if !g.Until.IsZero() {
			text += " until " + g.Until.Format(time.RFC3339)
		}
		if g.Of != "" {
			text += " of " + g.Of
		}
		out = append(out, text)
	}
	return "[" + strings.Join(out, ", ") + "]"
}

// moment words a time that may never have come.
func moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02T15:04Z")
}

type grantCmd struct {
	Person string `arg:"" help:"Who: id or e-mail address."`
	Role   string `arg:"" help:"ROLE or ROLE@SCOPE."`
	Until  string `name:"until" xor:"end" placeholder:"TIME" help:"When the role ends: a date or a time, Europe/Rome."`
	Remove bool   `name:"remove" xor:"end,new" help:"Take the role away, and from all to whom it was delegated."`
	Invite bool   `name:"invite" xor:"new" help:"Invite who is not known here by that e-mail address."`
	Name   string `name:"name" placeholder:"NAME" help:"How who is invited is called."`
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
	id, err := c.find(e, b)
	if err != nil {
		return err
	}
	var p auth.Person
	if c.Remove {
		p, err = b.auth.Ungrant(e.ctx, commandLine, id, g.Role, g.Scope)
	} else {
		p, err = b.auth.Grant(e.ctx, commandLine, id, g)
	}
	if errors.Is(err, content.ErrNotFound) {
		err = tell("role_not_held", map[string]any{"person": c.Person, "role": g.String()})
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(e.stdout, p.ID, roles(p.Grants))
	return err
}

// find gives the id of who gets the role. An id that is not known yet is taken as
// it is: Auth.Grant makes the person, for whom then a link can be made.
func (c *grantCmd) find(e *env, b *backend) (string, error) {
	p, err := e.person(b, c.Person)
	var none *told
	switch {
	case err == nil:
		return p.ID, nil
	case !errors.As(err, &none) || none.code != "no_such_person" || c.Remove:
		return "", err
	case !strings.Contains(c.Person, "@"):
		return strings.TrimPrefix(c.Person, "person:"), nil
	case !c.Invite:
		return "", tell("invite_needed", map[string]any{"address": c.Person})
	}
	p, err = b.auth.Invite(e.ctx, commandLine, auth.Person{Name: c.Name, Email: c.Person})
	return p.ID, err
}

type peopleCmd struct {
	Emails bool `name:"emails" help:"Show e-mail addresses too."`
}

// Run prints a table; its words are the same in every language, for scripts.
func (c *peopleCmd) Run(e *env) error {
	b, err := e.existing()
	if err != nil {
		return err
	}
	defer b.close()
	people, err := b.auth.People(e.ctx, "", 0)
	if err != nil {
		return err
	}
	tw := tabwriter.NewWriter(e.stdout, 0, 4, 2, ' ', 0)
	head := "ID\tSTATE\tSEEN\tROLES\tNAME"
	if c.Emails {
		head += "\tEMAIL"
	}
	fmt.Fprintln(tw, head)
	for _, p := range people {
		state := "known"
		switch {
		case !p.Erased.IsZero():
			state = "erased"
		case p.SeenAt.IsZero() && p.Invited != "":
			state = "invited"
		}
		line := fmt.Sprintf("%s\t%s\t%s\t%s\t%s", p.ID, state, moment(p.SeenAt), roles(p.Grants), p.Name)
		if c.Emails {
			line += "\t" + p.Email
		}
		fmt.Fprintln(tw, line)
	}
	return tw.Flush()
}

type linkCmd struct {
	Person string        `arg:"" help:"Who: id or e-mail address."`
	Life   time.Duration `name:"expires-in" default:"24h" placeholder:"DURATION" help:"How long the link waits to be used; a week at most."`
	reached
}

// Run prints the link alone.
func (c *linkCmd) Run(e *env) error {
	b, err := e.existing()
	if err != nil {
		return err
	}
	defer b.close()
	p, err := e.person(b, c.Person)
	if err != nil {
		return err
	}
	secret, err := b.auth.CreateLink(e.ctx, commandLine, p.ID, c.Life)
	if errors.Is(err, content.ErrNotFound) { // erased
		err = tell("no_such_person", map[string]any{"person": c.Person})
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(e.stdout, linkAddress(c.base(c.Addr), secret))
	return err
}

func linkAddress(base, secret string) string { return base + "/auth/link/" + secret }

type eraseCmd struct {
	Person string `arg:"" help:"Who: id or e-mail address."`
	Yes    bool   `name:"yes" help:"Do not ask."`
}

func (c *eraseCmd) Run(e *env) error {
	b, err := e.existing()
	if err != nil {
		return err
	}
	defer b.close()
	p, err := e.person(b, c.Person)
	if err != nil {
		return err
	}
	if !c.Yes {
		fmt.Fprintln(e.stdout, e.text("erase_ask", map[string]any{"person": p.ID}))
		answer, _ := bufio.NewReader(e.stdin).ReadString('\n')
		if strings.TrimSpace(answer) != p.ID {
			return tell("erase_unconfirmed", nil)
		}
	}
	if err := b.auth.Erase(e.ctx, commandLine, p.ID); err != nil {
		return err
	}
	if _, err := b.ledger.ForgetTraces(e.ctx, "person:"+p.ID); err != nil {
		return err
	}
	_, err = fmt.Fprintln(e.stdout, e.text("erase_done", map[string]any{"person": p.ID}))
	return err
}
