package content

import (
	"context"
	"slices"

	"github.com/prassi-cms/prassi/content/access"
)

// organizationType is the type of the documents that roles are scoped by.
const organizationType = "organization"

// Scopes are what grants and Document.Owner call an organisation's document: its
// id, and every slug that the public knows or knew it by, in any language. What a
// role was given for keeps its meaning when the organisation is renamed; a draft
// that takes somebody's name names nobody.
func (d *Document) Scopes() []string {
	out := []string{d.ID}
	for i := range d.Variants {
		v := &d.Variants[i]
		for _, slug := range append([]string{v.LiveSlug}, v.OldSlugs...) {
			if slug != "" && !slices.Contains(out, slug) {
				out = append(out, slug)
			}
		}
	}
	return out
}

// Organization gives the document of an organisation to whom may see it, and to
// its members whoever owns it: those whose grant names one of its scopes. people
// says whether the actor may know who they are (access.OrganizationPeople). It
// returns Problems with the codes unauthenticated and not_found.
func (s *Service) Organization(ctx context.Context, actor Actor, id string) (d *Document, people bool, err error) {
	if actor.Anonymous() {
		return nil, false, unauthenticated()
	}
	if d, err = s.store.Get(ctx, id); err != nil {
		return nil, false, s.storeProblem(err)
	}
	if d.Type != organizationType || d.Discarded {
		return nil, false, notFound()
	}
	now := s.now()
	permits := func(on access.Object) bool { return s.may(actor, access.OrganizationPeople, on, now) != nil }
	member := slices.ContainsFunc(d.Scopes(), func(scope string) bool { return permits(access.Object{Organization: scope}) })
	if !member && !s.visible(actor, d, now) {
		return nil, false, notFound()
	}
	if d, err = s.shown(ctx, actor, d); err != nil {
		return nil, false, err
	}
	return d, member || permits(access.Object{Territories: d.territories()}), nil
}
