package media

import (
	"context"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/access"
)

// Object is the item as package access decides about it, for that actor.
func (i Item) Object(a content.Actor) access.Object {
	return access.Object{Organization: i.Owner, Is: func(condition string) bool {
		return condition == access.Own && i.Person == a.ID
	}}
}

// See gives an item that the actor may see: by the action media.see, or because a
// document that the actor sees uses it. All others are the problem not_found, as if
// there were none; what is asked of the store is the same in both cases, so that
// the time it takes does not tell them apart.
//
// That the public sees an item is not asked here: who may look at another's picture
// may not therefore hang it up at home.
func (l *Library) See(ctx context.Context, s *content.Service, a content.Actor, id string) (Item, error) {
	if a.Anonymous() {
		return Item{}, notFound()
	}
	item, err := l.Get(ctx, id)
	there := err == nil
	if !there && !isNotFound(err) {
		return Item{}, err
	}
	if there && s.May(a, access.MediaSee, item.Object(a)) != nil {
		return item, nil
	}
	sees, err := s.SeesMedia(ctx, a, id)
	if err != nil {
		return Item{}, err
	}
	if !there || !sees {
		return Item{}, notFound()
	}
	return item, nil
}

// MaxBytes is the size of the largest file that anybody may add.
func (l *Library) MaxBytes() int64 { return max(l.limits.Image, l.limits.Document) }
