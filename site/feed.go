package site

import (
	"slices"
	"sync"

	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/feeds"
	"github.com/prassi-cms/prassi/site/release"
)

// The site carries the feeds and calendars of each language: of everything, and of
// each collection. Those of a territory or a topic would be thousands of files that
// change with every item, so the program answers them (package feeds), and the pages
// of a territory and a topic lead there when one does. A site that shows a part of the
// catalogue leads to those of its part, since a feed of its own would hold the whole.

// feedTypes are the media types of feeds without their charset, for links.
var feedTypes = map[feeds.Format]string{
	feeds.RSS: "application/rss+xml", feeds.Atom: "application/atom+xml", feeds.JSON: "application/feed+json", feeds.ICS: "text/calendar",
}

// feedAddress is where a feed is; empty when there is none.
func (s *Site) feedAddress(locale, name string, f feeds.Format) string {
	q := feeds.Query{Locale: locale, Collection: name}
	if !s.filtered() {
		return s.prefix + q.Path(f)
	}
	if s.cfg.API == "" || len(s.cfg.Territories) > 1 || len(s.cfg.Topics) > 1 || len(s.cfg.Territories)+len(s.cfg.Topics) != 1 {
		return ""
	}
	for _, t := range s.cfg.Territories {
		q.Territory = t
	}
	for _, t := range s.cfg.Topics {
		q.Topic = t
	}
	return s.cfg.API + q.Path(f)
}

// feedLinks are the feeds of a collection, of everything for "".
func (s *Site) feedLinks(t *tongue, collection, title string) []FeedLink {
	name := collection
	if name == "" {
		name = feeds.All
	} else if sh := s.shapeNamed(collection); sh == nil || !sh.typ.Route.Feed {
		return nil
	}
	var out []FeedLink
	for _, f := range feeds.Formats {
		if at := s.feedAddress(t.tag, name, f); at != "" {
			out = append(out, FeedLink{Type: feedTypes[f], Title: title, URL: at})
		}
	}
	return out
}

// narrowFeeds are those of a territory or a topic, as a query names it, for pages about
// one: of the query's collection, or of everything. They are those of the whole site
// where no program answers, or where it would answer with more than the site shows.
func (s *Site) narrowFeeds(t *tongue, q feeds.Query, title string) []FeedLink {
	if s.filtered() || s.cfg.API == "" && !s.cfg.Answered {
		return s.feedLinks(t, "", t.label(s.cfg.Name))
	}
	formats := feeds.Formats
	sh := s.shapeNamed(q.Collection)
	if sh == nil || !sh.typ.Route.Feed {
		q.Collection = feeds.All
	} else if sh.calendar != "" {
		formats = append(slices.Clip(formats), feeds.ICS)
	}
	q.Locale = t.tag
	var out []FeedLink
	for _, f := range formats {
		out = append(out, FeedLink{Type: feedTypes[f], Title: title, URL: s.dynamic(q.Path(f))})
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

// feedMemory remembers the tags of feeds, which cost a query each, as long as
// nothing changed of what they could hold.
type feedMemory struct {
	mu   sync.Mutex
	tags map[feeds.Query]feedTag
}

type feedTag struct {
	content release.Digest
	tag     string
}

// content gives, by collection, the digest of every variant, whatever the language;
// of all for "".
func (p *plan) content() map[string]release.Digest {
	all, of := newDigester(), make(map[*shape]*digester, len(p.shapes))
	for _, sh := range p.shapes {
		of[sh] = newDigester()
	}
	for _, x := range p.docs {
		for _, f := range x.variants {
			d := of[f.shape]
			d.buf, all.buf = append(d.buf, f.tag[:16]...), append(all.buf, f.tag[:16]...)
		}
	}
	out := map[string]release.Digest{"": all.str(p.day, string(p.fingerprint[:])).sum()}
	for sh, d := range of {
		out[sh.typ.Collection] = d.str(p.day, string(p.fingerprint[:])).sum()
	}
	return out
}

// source makes feeds whose items lead to this site's pages.
func (p *plan) source() *feeds.Source {
	return &feeds.Source{
		Catalog: p.catalog, Schemas: p.schemas, Territories: p.territories, Base: p.cfg.BaseURL, Feeds: p.cfg.BaseURL,
		MediaBase: p.cfg.MediaBase, Name: p.cfg.Name, Clock: p.clock, Hub: p.cfg.Hub,
		Site: func(e catalog.Entry) string {
			if i, ok := p.byID[e.ID()]; ok {
				for _, ed := range p.editions {
					if x := &ed.items[i]; x.f != nil && ed.tag == e.Locale() {
						return p.prefix + x.url
					}
				}
			}
			if sh := p.byType[e.Type()]; sh != nil {
				return p.prefix + "/" + e.Locale() + "/" + sh.before + safeName(e.Slug()) + sh.after + "/"
			}
			return p.prefix + "/"
		},
	}
}

// feeds emits the feeds and calendars of a language.
func (p *plan) feeds(d *digester, ed *edition) {
	if p.filtered() {
		return
	}
	src := p.feedSource
	tag := func(q feeds.Query, find func() (string, error)) (string, bool) {
		content := p.contents[q.Collection]
		if p.shapeNamed(q.Collection) == nil {
			content = p.contents[""]
		}
		p.memory.mu.Lock()
		known, ok := p.memory.tags[q]
		p.memory.mu.Unlock()
		if ok && known.content == content {
			return known.tag, true
		}
		tag, err := find()
		if err != nil {
			p.log.Error("a feed cannot be made and is left out", "locale", q.Locale, "feed", q.Collection, "error", err)
			return "", false
		}
		p.memory.mu.Lock()
		p.memory.tags[q] = feedTag{content, tag}
		p.memory.mu.Unlock()
		return tag, true
	}
	emit := func(q feeds.Query, f feeds.Format, tag string) {
		j := &job{File: release.File{Path: q.Path(f)[1:], Type: f.Media(), Inputs: d.dig(ed.print).str("feed", string(f), tag).sum()}, ed: ed, arg: feedJob{q, f, tag}}
		j.data = (*plan).feedFile
		p.emit(j)
	}
	for _, name := range src.Collections() {
		q := feeds.Query{Locale: ed.tag, Collection: name}
		t, ok := tag(q, func() (string, error) {
			c, err := src.Find(q)
			if err != nil {
				return "", err
			}
			return c.Tag(), nil
		})
		for _, f := range feeds.Formats {
			if ok {
				emit(q, f, t)
			}
		}
	}
	for _, name := range src.Calendars() {
		q := feeds.Query{Locale: ed.tag, Collection: name, Topic: "\x00ics"} // apart from a feed of the name
		t, ok := tag(q, func() (string, error) {
			c, err := src.FindCalendar(feeds.Query{Locale: ed.tag, Collection: name})
			if err != nil {
				return "", err
			}
			return c.Tag(), nil
		})
		if q.Topic = ""; ok {
			emit(q, feeds.ICS, t)
		}
	}
}

type feedJob struct {
	feeds.Query
	format feeds.Format
	tag    string
}

// feedFile writes a feed. When it changed since it was planned, what it says now
// comes with the digest of that.
func (p *plan) feedFile(j *job, dst []byte) ([]byte, error) {
	x := j.arg.(feedJob)
	var tag string
	var write func() ([]byte, error)
	if x.format == feeds.ICS {
		c, err := p.feedSource.FindCalendar(x.Query)
		if err != nil {
			return nil, err
		}
		tag, write = c.Tag(), func() ([]byte, error) { return c.Append(dst) }
	} else {
		c, err := p.feedSource.Find(x.Query)
		if err != nil {
			return nil, err
		}
		tag, write = c.Tag(), func() ([]byte, error) { return c.Append(dst, x.format) }
	}
	if tag != x.tag {
		j.Inputs = newDigester().dig(j.ed.print).str("feed", string(x.format), tag).sum()
	}
	return write()
}
