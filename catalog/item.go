package catalog

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/prassi-cms/prassi/schemas"
)

func compareStrings(a, b string) int { return strings.Compare(a, b) }

// write writes the JSON of a variant: the long form for its own address, the
// short one for lists. at is set to where the value of requested_locale begins,
// so that a fallback answer can say what was asked.
func (r *renderer) write(w *writer, p *page, at *int, long bool) {
	l, lv := p.l, &p.liveVariant
	typ := l.shape.typ
	w.object(func() {
		w.pair("id", l.doc.ID)
		w.pair("type", typ.Name)
		w.pair("collection", typ.Collection)
		w.pair("slug", lv.variant.LiveSlug)
		w.pair("locale", p.locale)
		w.key("requested_locale")
		*at = len(w.b)
		w.string(p.locale)
		w.pair("dir", r.c.direction(p.locale))
		w.pair("title", p.title)
		w.pair("summary", p.summary)
		w.key("territories")
		r.territories(w, l.list(lv, "territories"))
		w.key("topics")
		w.array(func() {
			if f, ok := typ.Field("topics"); ok {
				for _, id := range l.list(lv, "topics") {
					w.comma()
					choice(w, f, id, p.locale)
				}
			}
		})
		w.key("organization")
		if org := r.first(l.list(lv, "organization"), p.locale); org != nil {
			r.link(w, org, false)
		} else {
			w.b = append(w.b, "null"...)
		}
		w.time("published_at", lv.variant.PublishedAt.UnixMilli())
		w.time("updated_at", p.updated)
		w.optional(publicState, p.state)
		l.writeAssurance(w)
		w.key("revision")
		w.object(func() {
			w.pair("id", lv.revision.Hash)
			w.key("number")
			w.value(lv.revision.Number)
			w.time("at", lv.revision.At.UnixMilli())
		})
		w.key("fields")
		w.object(func() { r.fields(w, p, long) })
		if long {
			r.text(w, p)
		}
		w.key("alternates")
		w.array(func() {
			for _, s := range p.siblings {
				if s == p {
					continue
				}
				w.comma()
				w.object(func() {
					w.pair("locale", s.locale)
					w.pair("slug", s.variant.LiveSlug)
					w.pair("title", s.title)
					w.pair("url", s.url)
				})
			}
		})
		w.key("_links")
		w.object(func() {
			w.pair("self", p.url)
			if !long {
				return
			}
			w.pair("collection", BasePath+"/"+typ.Collection+"?locale="+p.locale)
			w.key("alternates")
			w.object(func() {
				for _, s := range p.siblings {
					if s != p {
						w.pair(s.locale, s.url)
					}
				}
			})
		})
	})
}

// inHead are fields that the head of the item says already.
var inHead = map[string]bool{"title": true, "summary": true, "territories": true, "topics": true, "organization": true}

// fields writes the declared fields that have a value: all of them, or those
// that lists carry and the head does not.
func (r *renderer) fields(w *writer, p *page, long bool) {
	for _, f := range p.l.shape.typ.Fields {
		raw := p.l.raw(&p.liveVariant, f)
		if len(raw) == 0 || !long && (!f.List || inHead[f.Name]) {
			continue
		}
		switch f.Kind {
		case "choice":
			w.key(f.Name)
			each(w, raw, f.Repeated, func(id string) { choice(w, f, id, p.locale) })
		case "reference":
			var public []*variant
			for _, id := range decodeList(raw) {
				if v := r.first([]string{id}, p.locale); v != nil {
					public = append(public, v)
				}
			}
			switch {
			case len(public) == 0:
			case f.Repeated:
				w.key(f.Name)
				w.array(func() {
					for _, v := range public {
						w.comma()
						r.link(w, v, true)
					}
				})
			default:
				w.key(f.Name)
				r.link(w, public[0], true)
			}
		case "media":
			w.key(f.Name)
			if !f.Repeated {
				r.mediaValue(w, p.l, raw)
				continue
			}
			var list []json.RawMessage
			if err := json.Unmarshal(raw, &list); err != nil {
				w.err = errors.Join(w.err, err)
			}
			w.array(func() {
				for _, one := range list {
					w.comma()
					r.mediaValue(w, p.l, one)
				}
			})
		default:
			w.key(f.Name)
			w.b = append(w.b, raw...)
		}
	}
}

// each writes a value, or an array of them.
func each(w *writer, raw json.RawMessage, repeated bool, f func(id string)) {
	if !repeated {
		f(decodeText(raw))
		return
	}
	w.array(func() {
		for _, id := range decodeList(raw) {
			w.comma()
			f(id)
		}
	})
}

// choice writes a term with its label in the language of the item.
func choice(w *writer, f *schemas.Field, id, locale string) {
	w.object(func() {
		w.pair("id", id)
		label := id
		if t, ok := f.Term(id); ok {
			label = t.Label.In(locale)
		}
		w.pair("label", label)
	})
}

// first gives the variant to show of the first document, or nil when it is not
// public.
func (r *renderer) first(ids []string, locale string) *variant {
	if len(ids) == 0 {
		return nil
	}
	card := r.card(r.kept(ids[0]))
	if card == nil {
		return nil
	}
	return card.best(locale)
}

// link writes what an item shows of another document.
func (r *renderer) link(w *writer, v *variant, typed bool) {
	w.object(func() {
		w.pair("id", v.rec.id)
		if typed {
			w.pair("type", v.rec.typ)
		}
		w.pair("slug", v.slug)
		w.pair("title", v.title)
		w.pair("url", v.url)
	})
}

// territories writes what the codes mean.
func (r *renderer) territories(w *writer, codes []string) {
	w.array(func() {
		for _, code := range codes {
			w.comma()
			w.object(func() {
				w.pair("istat", code)
				t, ok := r.c.territories.Lookup(code)
				if !ok { // a municipality, before any were imported
					w.pair("kind", schemas.LevelMunicipality)
				} else {
					w.optional("acronym", t.Acronym)
					w.pair("name", t.Name)
					w.pair("kind", t.Level)
				}
				if outer := r.c.territories.Ancestors(code); len(outer) > 0 {
					w.pair("region", outer[len(outer)-1])
				}
			})
		}
	})
}

// text writes the rendered parts of the long form.
func (r *renderer) text(w *writer, p *page) {
	w.pair("html", p.html["body"])
	if n := len(p.html) + len(p.lists); n > 1 || n == 1 && p.html["body"] == "" {
		w.key("rendered")
		w.object(func() {
			for _, f := range p.l.shape.typ.Fields {
				if html, ok := p.html[f.Name]; ok && f.Name != "body" {
					w.pair(f.Name, html)
				}
				if rows, ok := p.lists[f.Name]; ok {
					w.key(f.Name)
					w.array(func() {
						for _, html := range rows {
							w.comma()
							w.string(html)
						}
					})
				}
			}
		})
	}
	w.key("toc")
	if len(p.toc) == 0 {
		w.b = append(w.b, "[]"...)
	} else {
		w.value(p.toc)
	}
	w.key("references")
	w.array(func() {
		for _, ref := range p.refs {
			w.comma()
			w.value(ref)
		}
	})
}

// dir is the direction of a language's script.
func (c *Catalog) direction(locale string) string {
	if l, ok := c.schemas.Locale(locale); ok && l.Dir != "" {
		return l.Dir
	}
	return "ltr"
}
