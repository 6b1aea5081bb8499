package catalog

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"slices"
	"strconv"
	"time"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/markdown"
	"github.com/prassi-cms/prassi/schemas"
)

// renderer makes records out of loaded documents. It is read-only and may be
// used by several goroutines.
type renderer struct {
	c *Catalog
	// card gives what is public of another document, or nil.
	card func(id string) *record
	// items keeps the long JSON of each variant uncompressed and makes no frame,
	// for comparing.
	itemsOnly bool
}

// built is a rendered document.
type built struct {
	rec   *record
	frame []byte
	items map[string][]byte // by locale, when renderer.itemsOnly
}

// page is one variant while it is made.
type page struct {
	liveVariant
	l        *loadedDoc
	locale   string
	title    string
	summary  string
	html     map[string]string   // by name of a Markdown field
	lists    map[string][]string // by name of a rich list: each row
	toc      []markdown.Heading
	refs     []reference
	url      string
	updated  int64
	state    string
	primary  bool
	siblings []*page
}

// reference is a legal reference of an item: found in its text, or declared in
// a field, which has no text.
type reference struct {
	Identifier string `json:"identifier"`
	Scheme     string `json:"scheme"`
	Label      string `json:"label"`
	URL        string `json:"url,omitempty"`
	Text       string `json:"text,omitempty"`
}

// render makes the record of a document; known is what the log told of it.
func (r *renderer) render(l *loadedDoc, known *facts) (*built, error) {
	d := l.doc
	rec := &record{id: d.ID, typ: d.Type, effectAt: known.effectAt, shared: l.sharedHash, merged: d.MergedInto}
	if shown(d) {
		for i := range d.Variants {
			if !d.Variants[i].Live.IsZero() {
				rec.left++
			}
		}
	}
	if l.shape == nil {
		return r.finish(rec, nil, nil)
	}
	rec.collection = l.shape.typ.Collection
	if len(l.live) > 0 {
		rec.sensitive = d.Sensitive
		rec.ages, rec.assured, rec.stage = l.assurance()
		rec.hours = l.hours()
	}
	pages := make([]*page, 0, len(l.live))
	for i := range l.live {
		p, err := r.page(l, &l.live[i])
		if err != nil {
			r.c.log.Error("a live variant cannot be rendered and is left out", "document", d.ID, "locale", l.live[i].variant.Locale, "error", err)
			continue
		}
		pages = append(pages, p)
		rec.left--
	}
	for _, p := range pages {
		p.siblings = pages
		rec.variants = append(rec.variants, &variant{rec: rec, locale: p.locale})
	}
	if main := rec.primary(); main != nil {
		for _, p := range pages {
			p.primary = p.locale == main.locale
		}
	}
	r.goneVariants(rec, d, known)
	rec.deps = r.dependencies(l)
	rec.media = l.mediaOf(pages)
	modified := rec.effectAt
	for _, id := range rec.deps {
		if dep := r.card(id); dep != nil {
			modified = max(modified, dep.effectAt)
		}
	}
	var payload bytes.Buffer
	items := map[string][]byte{}
	for i, p := range pages {
		item, err := r.variant(rec.variants[i], p, known, modified)
		if err != nil {
			return nil, fmt.Errorf("catalog: document %s in %s: %w", d.ID, p.locale, err)
		}
		if r.itemsOnly {
			items[p.locale] = item
			continue
		}
		if err := rec.variants[i].store(&payload, item); err != nil {
			return nil, fmt.Errorf("catalog: document %s in %s: %w", d.ID, p.locale, err)
		}
	}
	return r.finish(rec, payload.Bytes(), items)
}

// finish writes the frame and reads the record back from it, so that a record
// just made is held in memory exactly as one that was loaded.
func (r *renderer) finish(rec *record, payload []byte, items map[string][]byte) (*built, error) {
	if r.itemsOnly {
		return &built{rec: rec, items: items}, nil
	}
	var e encoder
	rec.encode(&e)
	again, err := decodeRecord(string(e.b), int64(len(payload)))
	if err != nil {
		return nil, fmt.Errorf("catalog: document %s: %w", rec.id, err)
	}
	again.collection = rec.collection
	return &built{rec: again, frame: appendFrame(nil, kindRecord, e.b, payload)}, nil
}

// goneVariants remembers what was public, so that its address can say so.
func (r *renderer) goneVariants(rec *record, d *content.Document, known *facts) {
	for i := range d.Variants {
		v := &d.Variants[i]
		f, told := known.byLocale[v.Locale]
		g := &gone{locale: v.Locale, slugs: slices.Clone(v.OldSlugs)}
		if !v.Live.IsZero() {
			if shown(d) {
				continue
			}
			g.slugs = append(slices.DeleteFunc(g.slugs, func(s string) bool { return s == v.LiveSlug }), v.LiveSlug)
		}
		if len(g.slugs) == 0 && !told {
			continue
		}
		// Whatever the log called it: what was published of a hidden document is not
		// public.
		g.change = change{seq: f.seq, at: f.at, withdrawn: true}
		if n := len(g.slugs); n > 0 {
			g.change.slug = g.slugs[n-1]
		}
		rec.gone = append(rec.gone, g)
	}
	slices.SortFunc(rec.gone, func(a, b *gone) int { return compareStrings(a.locale, b.locale) })
}

// dependencies are the documents that a document refers to, and those that these
// were merged into.
func (r *renderer) dependencies(l *loadedDoc) []string {
	var out []string
	for _, f := range l.shape.typ.Fields {
		if f.Kind != "reference" {
			continue
		}
		for i := range l.live {
			for _, id := range decodeList(l.raw(&l.live[i], f)) {
				out = append(out, id)
				out = append(out, r.mergedInto(id)...)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// maxMerges bounds how often one document may have been merged into the next.
const maxMerges = 32

// mergedInto lists what a document was merged into, what that was merged into,
// and so on.
func (r *renderer) mergedInto(id string) (out []string) {
	for range maxMerges {
		card := r.card(id)
		if card == nil || card.merged == "" {
			break
		}
		id = card.merged
		out = append(out, id)
	}
	return out
}

// kept is the document that stands for another one: itself, or the last that it
// was merged into.
func (r *renderer) kept(id string) string {
	if into := r.mergedInto(id); len(into) > 0 {
		return into[len(into)-1]
	}
	return id
}

// page reads and renders the text of one variant.
func (r *renderer) page(l *loadedDoc, lv *liveVariant) (*page, error) {
	v := lv.variant
	p := &page{
		liveVariant: *lv, l: l, locale: v.Locale, title: l.title(lv), summary: l.text(lv, "summary"),
		html: map[string]string{}, lists: map[string][]string{},
		url: itemURL(l.shape.typ.Collection, v.LiveSlug, v.Locale), updated: v.LiveUpdatedAt.UnixMilli(),
	}
	if v.LiveState != l.shape.firstState {
		p.state = v.LiveState
	}
	seen := map[string]bool{}
	for _, f := range l.shape.typ.Fields {
		raw := l.raw(lv, f)
		if len(raw) == 0 {
			continue
		}
		switch f.Kind {
		case "markdown":
			out, err := p.markdown(decodeText(raw), f.MaxBytes, seen)
			if err != nil {
				return nil, fmt.Errorf("field %s: %w", f.Name, err)
			}
			p.html[f.Name] = out.HTML
			if f.Name == "body" {
				p.toc = out.TOC
			}
		case "rich_list":
			var rows []struct {
				Text string `json:"text"`
			}
			if err := json.Unmarshal(raw, &rows); err != nil {
				return nil, fmt.Errorf("field %s: %w", f.Name, err)
			}
			list := make([]string, len(rows))
			for i, row := range rows {
				if row.Text == "" {
					continue
				}
				out, err := p.markdown(row.Text, 0, seen)
				if err != nil {
					return nil, fmt.Errorf("field %s, row %d: %w", f.Name, i, err)
				}
				list[i] = out.HTML
			}
			p.lists[f.Name] = list
		case "legal_reference":
			if err := p.declared(raw, seen); err != nil {
				return nil, fmt.Errorf("field %s: %w", f.Name, err)
			}
		}
	}
	return p, nil
}

// markdown renders one text and collects its references, each identifier once.
func (p *page) markdown(text string, limit int, seen map[string]bool) (markdown.Result, error) {
	out, err := markdown.Render([]byte(text), markdown.Options{Locale: p.locale, MaxBytes: limit})
	if err != nil {
		return out, err
	}
	for _, ref := range out.References {
		p.reference(reference{Identifier: ref.Identifier, Scheme: ref.Scheme, Label: ref.Label, URL: ref.URL, Text: ref.Text}, seen)
	}
	return out, nil
}

// declared takes in the legal references of a field.
func (p *page) declared(raw json.RawMessage, seen map[string]bool) error {
	var list []reference
	if raw[0] != '[' {
		raw = append(append(json.RawMessage{'['}, raw...), ']')
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return err
	}
	for _, ref := range list {
		p.reference(ref, seen)
	}
	return nil
}

func (p *page) reference(ref reference, seen map[string]bool) {
	if ref.Label == "" {
		ref.Label = ref.Identifier
	}
	if !seen[ref.Identifier] {
		seen[ref.Identifier] = true
		p.refs = append(p.refs, ref)
	}
}

// variant fills in v and gives its long JSON.
func (r *renderer) variant(v *variant, p *page, known *facts, modified int64) ([]byte, error) {
	live := p.variant
	v.slug, v.title, v.url, v.state = live.LiveSlug, p.title, p.url, p.state
	v.revision = p.revision.Hash
	v.titleKey = collationKey(p.locale, p.title)
	v.words = wordsOf(p.title, p.summary)
	v.published, v.updated = live.PublishedAt.UnixMilli(), p.updated
	v.modifiedAt = max(modified, p.revision.At.UnixMilli()) / 1000 * 1000
	v.modified = time.UnixMilli(v.modifiedAt).UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT")
	for _, slug := range live.OldSlugs {
		if slug != live.LiveSlug {
			v.former = append(v.former, slug)
		}
	}
	f := known.byLocale[p.locale]
	v.change = change{seq: f.seq, at: f.at, slug: v.slug}
	v.begins, v.ends = v.published, v.published+1
	if s := p.l.shape; s.date != nil {
		if from, to, ok := span(p.decode(s.date)); ok {
			v.begins, v.ends = from, to
		}
	}
	for _, f := range p.l.shape.sortable {
		v.keys = append(v.keys, sortKey(f, p.decode(f), p.locale))
	}
	v.terms = r.terms(p)
	v.places = r.places(p)
	if len(v.places) > 0 {
		v.terms = append(v.terms, term{kind: termPlace})
	}
	item := writer{}
	r.write(&item, p, &v.itemLocale, true)
	short := writer{}
	r.write(&short, p, &v.summaryLocale, false)
	v.summary = string(short.b)
	if item.err != nil {
		return nil, item.err
	}
	return item.b, short.err
}

// store appends the encodings of an item to the payload.
func (v *variant) store(payload *bytes.Buffer, item []byte) error {
	sum := sha256.Sum256(item)
	tag := base64.RawURLEncoding.EncodeToString(sum[:16])
	for i, suffix := range [encodings]string{"", "-gz", "-br", "-zst"} {
		v.etags[i] = `"` + tag + suffix + `"`
	}
	at := int64(payload.Len())
	lengths, err := compressed(payload, item)
	if err != nil {
		return err
	}
	for i, n := range lengths {
		v.payload[i] = extent{off: at, len: n, crc: crc32.Checksum(payload.Bytes()[at:at+n], castagnoli)}
		at += n
	}
	return nil
}

// decode gives the value of a field as encoding/json does.
func (p *page) decode(f *schemas.Field) any {
	raw := p.l.raw(&p.liveVariant, f)
	if len(raw) == 0 {
		return nil
	}
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return nil
	}
	return v
}

// span is the moments that a date or a span of days covers in Italy's time, the
// end excluded. A span that names one end covers that day.
func span(value any) (from, to int64, ok bool) {
	switch v := value.(type) {
	case string:
		return days(v, v)
	case map[string]any:
		a, _ := v["from"].(string)
		b, _ := v["to"].(string)
		if a == "" {
			a = b
		}
		if b == "" {
			b = a
		}
		return days(a, b)
	case []any:
		for i, x := range v {
			a, b, good := span(x)
			if !good {
				return 0, 0, false
			}
			if i == 0 {
				from, to = a, b
			}
			from, to = min(from, a), max(to, b)
		}
		return from, to, len(v) > 0
	}
	return 0, 0, false
}

func days(from, to string) (int64, int64, bool) {
	begin, _, ok := moment(from)
	if !ok {
		return 0, 0, false
	}
	end, day, ok := moment(to)
	if !ok {
		return 0, 0, false
	}
	if day {
		end = end.AddDate(0, 0, 1)
	} else {
		end = end.Add(time.Millisecond)
	}
	return begin.UnixMilli(), end.UnixMilli(), true
}

// moment reads a day, or a day and local time.
func moment(s string) (t time.Time, day, ok bool) {
	if t, err := time.ParseInLocation(time.DateOnly, s, content.Rome); err == nil {
		return t, true, true
	}
	t, err := time.ParseInLocation("2006-01-02T15:04", s, content.Rome)
	return t, false, err == nil
}

// terms are what the variant is found by.
func (r *renderer) terms(p *page) []term {
	out := []term{{kind: termLocale, value: p.locale}}
	for _, s := range p.siblings {
		out = append(out, term{kind: termSibling, value: s.locale})
	}
	if p.primary {
		out = append(out, term{kind: termPrimary})
	}
	if p.state != "" {
		out = append(out, term{kind: termState, value: p.state})
	} else {
		out = append(out, term{kind: termState, value: p.l.shape.firstState})
	}
	around := func(kind termKind, field uint8, codes []string) {
		for _, code := range codes {
			out = append(out, term{kind: kind, field: field, value: code})
			for _, outer := range r.c.territories.Ancestors(code) {
				out = append(out, term{kind: kind, field: field, value: outer})
			}
		}
	}
	lv := &p.liveVariant
	codes := p.l.list(lv, "territories")
	around(termTerritory, 0, codes)
	if len(codes) == 0 {
		out = append(out, term{kind: termNational})
	}
	for _, id := range p.l.list(lv, "topics") {
		out = append(out, term{kind: termTopic, value: id})
	}
	for _, id := range p.l.list(lv, "organization") {
		out = append(out, term{kind: termOrganization, value: r.kept(id)})
	}
	if ages, on, stage := p.l.assurance(); ages {
		out = append(out, term{kind: termAssurance, value: assuranceStatus(on, stage)})
	}
	for i, f := range p.l.shape.filterable {
		raw := p.l.raw(lv, f)
		switch f.Kind {
		case "territory":
			around(termField, uint8(i), decodeList(raw))
		case "boolean":
			if len(raw) > 0 {
				out = append(out, term{kind: termField, field: uint8(i), value: string(raw)})
			}
		default:
			for _, v := range decodeList(raw) {
				if f.Kind == "reference" {
					v = r.kept(v)
				}
				out = append(out, term{kind: termField, field: uint8(i), value: v})
			}
		}
	}
	slices.SortFunc(out, compareTerms)
	return slices.Compact(out)
}

func compareTerms(a, b term) int {
	switch {
	case a.kind != b.kind:
		return int(a.kind) - int(b.kind)
	case a.field != b.field:
		return int(a.field) - int(b.field)
	}
	return compareStrings(a.value, b.value)
}

// places finishes the GeoJSON features of the variant (RFC 7946).
func (r *renderer) places(p *page) []place {
	f := p.l.shape.places
	if f == nil {
		return nil
	}
	raw := p.l.raw(&p.liveVariant, f)
	if len(raw) == 0 {
		return nil
	}
	if raw[0] != '[' {
		raw = append(append(json.RawMessage{'['}, raw...), ']')
	}
	var list []struct {
		Label        string   `json:"label"`
		Address      string   `json:"address"`
		Municipality string   `json:"municipality"`
		Lat          *float64 `json:"lat"`
		Lon          *float64 `json:"lon"`
		Approximate  bool     `json:"approximate"`
	}
	if json.Unmarshal(raw, &list) != nil {
		return nil
	}
	var out []place
	for _, x := range list {
		if x.Lat == nil || x.Lon == nil {
			continue
		}
		territory := x.Municipality
		if territory == "" {
			if codes := p.l.list(&p.liveVariant, "territories"); len(codes) > 0 {
				territory = codes[0]
			}
		}
		w := writer{}
		w.object(func() {
			w.pair("type", "Feature")
			w.key("geometry")
			w.object(func() {
				w.pair("type", "Point")
				w.key("coordinates")
				w.array(func() {
					w.b = strconv.AppendFloat(w.b, *x.Lon, 'f', -1, 64)
					w.b = append(w.b, ',')
					w.b = strconv.AppendFloat(w.b, *x.Lat, 'f', -1, 64)
				})
			})
			w.key("properties")
			w.object(func() {
				w.pair("id", p.l.doc.ID)
				w.pair("slug", p.variant.LiveSlug)
				w.pair("title", p.title)
				w.pair("locale", p.locale)
				w.key("topics")
				w.array(func() {
					for _, id := range p.l.list(&p.liveVariant, "topics") {
						w.comma()
						w.string(id)
					}
				})
				w.optional("territory", territory)
				w.pair("url", p.url)
				w.optional("label", x.Label)
				w.optional("address", x.Address)
				p.l.writeAssurance(&w)
				w.flag("approximate", x.Approximate)
				w.flag("sensitive", p.l.doc.Sensitive)
			})
		})
		out = append(out, place{lat: *x.Lat, lon: *x.Lon, approximate: x.Approximate, feature: string(w.b)})
	}
	return out
}
