package catalog

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"time"

	"github.com/prassi-cms/prassi/content"
)

// Media is a file of ours that a live revision uses. Its forms never change under
// one id, so the catalogue keeps what is known of them, and a public read of a file
// asks no database.
type Media struct {
	ID    string // as in /media/{id}/{file}
	Name  string // to save it under
	Type  string // media type of Files[0]
	At    time.Time
	Files []MediaFile // the largest first; none when nobody could tell
}

// MediaFile is one form of a file.
type MediaFile struct {
	Name   string
	Type   string // media type
	Bytes  int64
	SHA256 string // hex
	Width  int    // in pixels; 0 for what is no picture
	Height int
}

// Media tells of a file while the live revision of some variant uses it; nil when
// none does. It must not be changed.
func (c *Catalog) Media(id string) *Media {
	if list := c.snap.Load().media.get(id); len(list) > 0 {
		return list[0]
	}
	return nil
}

// readMedia asks about the files that the live parts of documents use. A file
// that is not there (any more) is known by its id alone.
func (c *Catalog) readMedia(ctx context.Context, docs []*loadedDoc) error {
	known := map[string]*Media{}
	for _, l := range docs {
		if len(l.live) == 0 {
			continue
		}
		ids := l.doc.LiveMedia
		for i := range l.live {
			ids = append(ids[:len(ids):len(ids)], l.live[i].variant.LiveMedia...)
		}
		for _, id := range ids {
			m := known[id]
			if m == nil {
				m = &Media{ID: id}
				if c.media != nil {
					told, err := c.media(ctx, id)
					switch {
					case err == nil:
						*m = told
					case content.AsProblem(err).Class != content.NotFound:
						return fmt.Errorf("catalog: file %s: %w", id, err)
					}
				}
				known[id] = m
			}
			if l.media == nil {
				l.media = map[string]*Media{}
			}
			l.media[id] = l.unnamed(m)
		}
	}
	return nil
}

// unnamed is a file as the public may know it: without a name that says where a
// sensitive document's places are.
func (l *loadedDoc) unnamed(m *Media) *Media {
	if !l.doc.Sensitive {
		return m
	}
	t := l.shape.typ
	if t.Redact(m.Name, t.AsPrivate(nil), l.said...) == m.Name {
		return m
	}
	c := *m
	c.Name = m.ID + path.Ext(m.Name)
	return &c
}

// mediaOf gives the files that the rendered variants of a document use, by id.
func (l *loadedDoc) mediaOf(pages []*page) []*Media {
	if len(pages) == 0 || len(l.media) == 0 {
		return nil
	}
	ids := l.doc.LiveMedia
	for _, p := range pages {
		ids = append(ids[:len(ids):len(ids)], p.variant.LiveMedia...)
	}
	var out []*Media
	for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) {
		if m := l.media[id]; m != nil {
			out = append(out, m)
		}
	}
	return out
}

// mediaValue writes a value of kind media, and for a file of ours what it takes to
// show it well: its size in pixels, so that a page does not jump while it loads,
// and all its forms, from which a browser picks the smallest that serves.
func (r *renderer) mediaValue(w *writer, l *loadedDoc, raw json.RawMessage) {
	var value struct {
		Src string `json:"src"`
	}
	var m *Media
	if json.Unmarshal(raw, &value) == nil {
		if id, ok := content.MediaID(value.Src); ok {
			m = l.media[id]
		}
	}
	if m == nil || len(m.Files) == 0 {
		w.b = append(w.b, raw...)
		return
	}
	number := func(name string, n int64) {
		if n > 0 {
			w.key(name)
			w.value(n)
		}
	}
	size := func(f *MediaFile) {
		number("width", int64(f.Width))
		number("height", int64(f.Height))
		number("bytes", f.Bytes)
	}
	address := func(f *MediaFile) string { return "/media/" + m.ID + "/" + f.Name }
	w.object(func() {
		if err := members(raw, func(key string, value []byte) error { w.raw(key, value); return nil }); err != nil {
			w.err = err
		}
		for i := range m.Files {
			if f := &m.Files[i]; content.MediaFile(value.Src) == f.Name {
				size(f)
			}
		}
		w.key("files")
		w.array(func() {
			for i := range m.Files {
				f := &m.Files[i]
				w.comma()
				w.object(func() {
					w.pair("url", address(f))
					w.pair("type", f.Type)
					size(f)
				})
			}
		})
	})
}

func (m *Media) encode(e *encoder) {
	for _, s := range [...]string{m.ID, m.Name, m.Type} {
		e.string(s)
	}
	e.int(m.At.UnixMilli())
	e.uint(uint64(len(m.Files)))
	for i := range m.Files {
		f := &m.Files[i]
		e.string(f.Name)
		e.string(f.Type)
		e.int(f.Bytes)
		e.string(f.SHA256)
		e.int(int64(f.Width))
		e.int(int64(f.Height))
	}
}

func (d *decoder) media() *Media {
	m := &Media{ID: d.string(), Name: d.string(), Type: d.string(), At: time.UnixMilli(d.int()).UTC()}
	m.Files = make([]MediaFile, d.count())
	for i := range m.Files {
		m.Files[i] = MediaFile{
			Name: d.string(), Type: d.string(), Bytes: d.int(), SHA256: d.string(), Width: int(d.int()), Height: int(d.int()),
		}
	}
	return m
}
