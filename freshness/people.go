package freshness

import (
	"context"
	"slices"
	"strings"

	"github.com/prassi-cms/prassi/auth"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/mail"
	"github.com/prassi-cms/prassi/messages"
)

// recipient is somebody who is asked or told.
type recipient struct {
	// Way says why it is them: one of ways, or wayCouncil.
	Way string `json:"way"`
	// Person is their id; empty for an address that stands in the document.
	Person string `json:"person,omitempty"`
	// Address is where; not stored for people, whose address is their own affair.
	Address string `json:"address,omitempty"`
	Locale  string `json:"locale"`
}

// The ways to somebody who can confirm, in the order in which they are tried; and
// the councils' people, who can too.
const (
	wayAssurer = "assurer" // the field assurer_email
	wayPeople  = "people"  // who holds contributor@ the owner
	wayContact = "contact" // the first address among the contacts
	wayCouncil = "council"
)

var ways = []string{wayAssurer, wayPeople, wayContact}

// councils are the roles of those who are told, the first that anybody holds;
// scoped says that the scope must cover a territory of the document.
var councils = []struct {
	role   string
	scoped bool
}{{"secretary", true}, {"reviewer", true}, {"editor", false}}

// directory is everybody who can be written to, with the roles that hold now. It
// is read once a turn, and only when somebody is needed.
type directory struct {
	k    *Keeper
	read bool
	list []known
}

type known struct {
	auth.Person
	grants []content.Grant
}

func (d *directory) all(ctx context.Context) ([]known, error) {
	const page = 500
	for after := ""; !d.read; {
		people, err := d.k.auth.People(ctx, after, page)
		if err != nil {
			return nil, err
		}
		for _, p := range people {
			after = p.ID
			one, err := d.k.known(ctx, p)
			if err != nil {
				return nil, err
			}
			if len(one.grants) > 0 {
				d.list = append(d.list, one)
			}
		}
		d.read = len(people) < page
	}
	return d.list, nil
}

// known gives a person with the roles that hold now; none for who has no address
// or is forgotten.
func (k *Keeper) known(ctx context.Context, p auth.Person) (known, error) {
	out := known{Person: p}
	if _, err := mail.Address(p.Email); err != nil || !p.Erased.IsZero() {
		return out, nil
	}
	actor, err := k.auth.Actor(ctx, p)
	out.grants = actor.Grants
	return out, err
}

// contributes says whether somebody acts for the organisation that owns a document.
func (p *known) contributes(owner string) bool {
	return owner != "" && slices.ContainsFunc(p.grants, func(g content.Grant) bool { return g.Role == "contributor" && g.Scope == owner })
}

// sits says whether somebody holds that role for one of the territories.
func (k *Keeper) sits(p *known, role string, scoped bool, places []string) bool {
	return slices.ContainsFunc(p.grants, func(g content.Grant) bool {
		return g.Role == role && (!scoped || slices.ContainsFunc(places, func(t string) bool { return k.service.Territories().Contains(g.Scope, t) }))
	})
}

func (p *known) recipient(way string) recipient {
	return recipient{Way: way, Person: p.ID, Address: p.Email, Locale: spoken(p.Locale)}
}

// council gives those who are told of a document in these territories.
func (d *directory) council(ctx context.Context, places []string) ([]recipient, error) {
	list, err := d.all(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range councils {
		var out []recipient
		for i := range list {
			if d.k.sits(&list[i], c.role, c.scoped, places) {
				out = append(out, list[i].recipient(wayCouncil))
			}
		}
		if out != nil {
			return out, nil
		}
	}
	return nil, nil
}

// recipients gives those who are found by that way.
func (d *directory) recipients(ctx context.Context, way string, doc *content.Document, p *published) ([]recipient, error) {
	address := ""
	switch way {
	case wayAssurer:
		address, _ = p.shared["assurer_email"].(string)
	case wayContact:
		contacts, _ := p.shared["contacts"].([]any)
		for _, c := range contacts {
			if m, ok := c.(map[string]any); ok && address == "" {
				address, _ = m["email"].(string)
			}
		}
	case wayPeople:
		list, err := d.all(ctx)
		var out []recipient
		for i := range list {
			if list[i].contributes(doc.Owner) {
				out = append(out, list[i].recipient(wayPeople))
			}
		}
		return out, err
	}
	if _, err := mail.Address(address); err != nil {
		return nil, nil
	}
	return []recipient{{Way: way, Address: address, Locale: p.language}}, nil
}

// sameAddress is how addresses are compared.
func sameAddress(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

// spoken is the language to write in to somebody; Italian to who has not said.
func spoken(locale string) string {
	base, _, _ := strings.Cut(locale, "-")
	if slices.Contains(messages.Languages, base) {
		return base
	}
	return "it"
}
