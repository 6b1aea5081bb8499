package site

import (
	"context"

	"github.com/prassi-cms/prassi/site/card"
	"github.com/prassi-cms/prassi/site/release"
)

// SharedPicture is one that a target has to carry beside a build: Path is where pages look for
// it, Card what it says.
type SharedPicture struct {
	Path string
	Card card.Card
}

// Pictures gives the pictures for social networks that the pages name; none unless
// they lie beside the pages (Config.Cards) and pages have whole addresses.
func (s *Site) Pictures(ctx context.Context) ([]SharedPicture, error) {
	if !s.cfg.Cards || s.cfg.BaseURL == "" {
		return nil, nil
	}
	s.mu.Lock()
	docs := s.choose(s.catalog.Moment())
	s.mu.Unlock()
	var out []SharedPicture
	for _, d := range docs {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for _, f := range d.variants {
			p := SharedPicture{
				Path: "cards/" + f.locale + "/" + f.shape.typ.Collection + "/" + f.entry.Slug() + ".png",
				Card: card.Card{
					Title: f.title, Locale: f.locale, Dir: f.dir, Label: f.shape.typ.Label.In(f.locale),
					Site: s.cfg.Name.In(f.locale), Color: s.tokens["primary"],
				},
			}
			if release.CheckPath(p.Path) == nil { // a name that some disk does not take has no picture
				out = append(out, p)
			}
		}
	}
	return out, nil
}

// Token is the value of a token of the theme as this site has it; empty when nobody
// has set it.
func (s *Site) Token(name string) string { return s.tokens[name] }
