package site

// feedNames are the forms of feeds, with their media types.
var feedNames = []struct{ ext, typ string }{
	{"rss", "application/rss+xml"}, {"atom", "application/atom+xml"}, {"json", "application/feed+json"},
}

// feedAddress is where a feed is: in the site itself.
func (s *Site) feedAddress(locale, name, ext string) string {
	return s.prefix + "/feeds/" + locale + "/" + name + "." + ext
}

// feedLinks are the feeds of a collection, of everything for "".
func (s *Site) feedLinks(t *tongue, collection, title string) []FeedLink {
	name := collection
	if name == "" {
		name = "all"
	} else if sh := s.shapeNamed(collection); sh == nil || !sh.typ.Route.Feed {
		return nil
	}
	out := make([]FeedLink, 0, len(feedNames))
	for _, f := range feedNames {
		out = append(out, FeedLink{Type: f.typ, Title: title, URL: s.feedAddress(t.tag, name, f.ext)})
	}
	return out
}

func (s *Site) shapeNamed(collection string) *shape {
	for _, sh := range s.shapes {
		if sh.typ.Collection == collection {
			return sh
		}
	}
	return nil
}

// feeds emits the feeds of a language.
func (p *plan) feeds(d *digester, ed *edition) {}
