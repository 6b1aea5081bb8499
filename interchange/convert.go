package interchange

import (
	"html"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/workflow"
	"github.com/prassi-cms/prassi/interchange/hsds"
	"github.com/prassi-cms/prassi/schemas"
)

// item is one variant, read and checked.
type item struct {
	src     *source
	at      place // of the item in its file
	typ     *schemas.Type
	id      string
	owner   string
	working bool // the newer revision of a variant that has a live one too
	public  bool
	variant content.IncomingVariant
	// assured is the day on which the document's facts were confirmed.
	assured string
	values  schemas.Values
	// group is what variants of one document have in common besides an id: the
	// path without the locale, a generator's translation key, type and slug.
	group string
	// translates is what translation_of says.
	translates *translation
	// ignored counts the keys that were passed over.
	ignored []string

	fields   map[string]*pair // where a field was read
	bodyLine int

	// clashes are what an import of HSDS found changed on both sides.
	clashes []hsds.Clash
}

// translation names a variant: by the document's id, or by slug and locale.
type translation struct {
	id, slug, locale string
	at               place
}

// locate gives the place of a value by its JSON Pointer below the fields.
func (it *item) locate(pointer string) place {
	steps := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i, s := range steps {
		steps[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(s)
	}
	p := it.fields[steps[0]]
	switch {
	case p != nil && p.value.at.line != 0:
		return p.value.find(steps[1:])
	case p != nil:
		return p.at
	case steps[0] == keyBody && it.bodyLine > 0:
		return place{it.bodyLine, 1}
	}
	return it.at
}

// converter turns what was read into variants, by the declared types.
type converter struct {
	reg       *schemas.Registry
	env       *schemas.Env
	mapping   *Mapping
	defaults  Defaults
	publish   bool
	now       time.Time
	workflows map[string]*workflow.Definition
}

// slot is the pair that was chosen for a key; rank is its place among habits,
// -1 for the key itself.
type slot struct {
	*pair
	rank int
}

// reading is one item while it is converted.
type reading struct {
	*converter
	*item
	page   page
	name   nameInfo
	rule   rule
	slots  map[string]slot
	topics []*pair // of tags and categories
	faults []*fault
	// foreign: the file speaks a generator's language; later: it gives a day in
	// the future as its own; over: its day to disappear has passed.
	foreign, later, over bool
}

func (r *reading) fail(f *fault)                           { r.faults = append(r.faults, f) }
func (r *reading) refuse(at place, code string, kv ...any) { r.fail(faultAt(at, code, kv...)) }

// convert makes an item of front matter and body. What is wrong is listed whole,
// so that a file can be mended at once.
func (c *converter) convert(s *source, p page, at place) (*item, []*fault) {
	r := &reading{
		converter: c, page: p, name: s.nameInfo, rule: s.rule, slots: map[string]slot{},
		item: &item{src: s, at: at, fields: map[string]*pair{}, bodyLine: p.bodyLine},
	}
	forced, bad := r.rule.apply(&r.page.front)
	if bad != nil {
		return nil, []*fault{bad}
	}
	r.readType()
	if r.typ == nil {
		return nil, r.faults
	}
	r.sort(forced)
	r.readLocale()
	r.readIdentity()
	fields := r.readFields()
	r.readSlug(fields)
	r.readDates()
	r.readState()
	if len(r.faults) > 0 {
		return nil, r.faults
	}
	values, issues := r.typ.Parse(fields, r.env)
	if len(issues) > 0 {
		return nil, issueFaults(issues, r.locate)
	}
	r.values = values
	r.variant.Fields = make(map[string]any, len(values))
	for name, v := range fields {
		if v == nil { // written, and empty: the file takes the value away
			r.variant.Fields[name] = nil
		}
	}
	for name, v := range values {
		r.variant.Fields[name] = v
	}
	return r.item, nil
}

func (r *reading) readType() {
	word, at := "", r.page.front.at
	if p := r.page.front.get(keyType); p != nil && p.value.kind != nullNode {
		if p.value.kind != scalarNode {
			r.refuse(p.value.at, schemas.CodeWrongType, "expected", "text", "field", keyType)
			return
		}
		word, at = p.value.text, p.value.at
	} else if word = first(r.rule.typ, r.defaults.Type, r.name.typ); word == "" {
		r.refuse(at, CodeTypeMissing)
		return
	}
	if r.typ = typeNamed(word, r.reg); r.typ == nil {
		names := []string{}
		for _, t := range r.reg.Types() {
			names = append(names, t.Name)
		}
		r.refuse(at, "unknown_type", "type", word, "hint", nearest(word, names))
	}
}

func first(words ...string) string {
	for _, w := range words {
		if w != "" {
			return w
		}
	}
	return ""
}

// sort gives every key of the front matter its meaning.
func (r *reading) sort(forced map[string]bool) {
	pairs := r.page.front.pairs
	for i := range pairs {
		_, isField := r.typ.Field(pairs[i].key)
		if h, _ := habitOf(pairs[i].key); h != nil && !isField && !coreKeys[pairs[i].key] {
			r.foreign = true
		}
	}
	for i := range pairs {
		p := &pairs[i]
		field, isField := r.typ.Field(p.key)
		habit, rank := habitOf(p.key)
		// A generator's author may be an object, and its image a path of its own.
		theirs := r.foreign && habit != nil && !forced[p.key] &&
			(habit.Shadows || isField && field.Kind == "text" && p.value.kind == objectNode)
		switch {
		case r.rule.ignore[p.key]:
			r.ignored = append(r.ignored, p.key)
		case coreKeys[p.key], isField && !theirs:
			r.take(p.key, slot{p, -1})
		case habit == nil:
			r.unknownKey(p)
		case habit.Means == keyTopics:
			r.topics = append(r.topics, p)
		case habit.Means == meansNothing:
			r.ignored = append(r.ignored, p.key)
		case habit.Means == meansNotDraft && r.isDate(p):
			r.take(keyPublishedAt, slot{p, rank})
		default:
			r.take(habit.Means, slot{p, rank})
		}
	}
}

// take keeps the pair for a key; where two keys mean the same, the one that
// stands first in the list of habits.
func (r *reading) take(key string, s slot) {
	if !coreKeys[key] && !strings.Contains(key, " ") {
		if _, ok := r.typ.Field(key); !ok { // a summary where the type has none
			r.ignored = append(r.ignored, s.key)
			return
		}
	}
	old, taken := r.slots[key]
	switch {
	case !taken:
		r.slots[key] = s
	case s.rank < old.rank:
		r.ignored = append(r.ignored, old.key)
		r.slots[key] = s
	default:
		r.ignored = append(r.ignored, s.key)
	}
}

// isDate tells "published: 2024-05-01" from Jekyll's "published: false".
func (r *reading) isDate(p *pair) bool {
	_, isBool := readBool(p.value.text)
	return p.value.kind == scalarNode && !isBool
}

func (r *reading) unknownKey(p *pair) {
	candidates := make([]string, 0, len(r.typ.Fields)+len(keys)+1)
	for _, f := range r.typ.Fields {
		candidates = append(candidates, f.Name)
	}
	for _, k := range keys {
		candidates = append(candidates, k.Name)
	}
	if hint := nearest(p.key, candidates); hint != "" {
		r.refuse(p.at, CodeMisspelt, "key", p.key, "hint", hint)
		return
	}
	r.refuse(p.at, CodeUnknownImportKey, "key", p.key)
}

// text reads a scalar key; empty when it is absent or empty.
func (r *reading) text(key string) (string, place) {
	s, ok := r.slots[key]
	if !ok || s.value.kind == nullNode {
		return "", place{}
	}
	if s.value.kind != scalarNode {
		r.refuse(s.value.at, schemas.CodeWrongType, "expected", "text", "field", s.key)
		return "", place{}
	}
	return strings.TrimSpace(s.value.text), s.value.at
}

func (r *reading) boolean(key string) (value, given bool) {
	s, at := r.text(key)
	if s == "" {
		return false, false
	}
	b, ok := readBool(s)
	if !ok {
		r.refuse(at, schemas.CodeWrongType, "expected", "boolean", "field", key)
	}
	return b, ok
}

func readBool(s string) (value, ok bool) {
	switch strings.ToLower(s) {
	case "true", "yes":
		return true, true
	case "false", "no":
		return false, true
	}
	return false, false
}

func (r *reading) readLocale() {
	word, at := r.text(keyLocale)
	if word == "" {
		if word = first(r.rule.locale, r.name.locale, r.defaults.Locale); word == "" {
			r.refuse(r.page.front.at, CodeLocaleMissing)
			return
		}
	}
	l, ok := r.reg.Locale(strings.ReplaceAll(word, "_", "-"))
	if !ok && r.mapping != nil {
		l, ok = r.reg.Locale(r.mapping.locales[word])
	}
	if !ok || len(r.typ.Locales) > 0 && !slices.Contains(r.typ.Locales, l.Tag) {
		if at.line == 0 {
			at = r.page.front.at
		}
		r.refuse(at, "unknown_locale", "locale", word)
		return
	}
	r.variant.Locale = l.Tag
}

// readIdentity reads which document this is a variant of.
func (r *reading) readIdentity() {
	id, at := r.text(keyID)
	if id != "" {
		u, err := uuid.Parse(id)
		if err != nil || u.String() != strings.ToLower(id) {
			r.refuse(at, "invalid_id", "id", id)
		}
		r.id = u.String()
	}
	r.owner, _ = r.text(keyOwner)
	r.working, _ = r.boolean(keyWorkingCopy)
	if t, ok := r.slots[keyTranslationOf]; ok && t.value.kind != nullNode {
		r.translates = r.readTranslation(&t.value)
	}
	switch word, _ := r.text(meansTranslation); {
	case word != "":
		r.group = "key " + r.typ.Name + " " + word
	case r.src.notation == hsdsFile: // its id says it all
	case r.src.notation == pageFile:
		r.group = "path " + r.name.key
		// it/legal-it.md and ar/legal-ar.md: believed when the file says so too.
		if tail := "-" + strings.ToLower(r.variant.Locale); r.name.locale == "" && r.slots[keyLocale].pair != nil {
			r.group = strings.TrimSuffix(r.group, tail)
			r.name.base = strings.TrimSuffix(r.name.base, tail)
		}
	}
}

// readTranslation reads slug.locale, locale/slug, slug, an id, or an object with
// slug and locale.
func (r *reading) readTranslation(n *node) *translation {
	t := &translation{at: n.at}
	switch n.kind {
	case objectNode:
		for _, p := range n.pairs {
			switch {
			case p.value.kind != scalarNode:
			case p.key == keySlug:
				t.slug = p.value.text
				continue
			case p.key == keyLocale:
				t.locale = p.value.text
				continue
			case p.key == keyID:
				t.id = p.value.text
				continue
			}
			r.refuse(p.at, schemas.CodeUnknownKey, "key", p.key)
		}
	case scalarNode:
		word := strings.TrimSpace(n.text)
		if _, err := uuid.Parse(word); err == nil {
			t.id = strings.ToLower(word)
			return t
		}
		t.slug = word
		if before, after, ok := strings.Cut(word, "/"); ok {
			t.locale, t.slug = before, after
		} else if i := strings.LastIndexByte(word, '.'); i > 0 {
			t.slug, t.locale = word[:i], word[i+1:]
		}
	default:
		r.refuse(n.at, schemas.CodeWrongType, "expected", "text", "field", keyTranslationOf)
		return t
	}
	if t.locale != "" {
		l, ok := r.reg.Locale(t.locale)
		if !ok {
			r.refuse(n.at, "unknown_locale", "locale", t.locale)
		}
		t.locale = l.Tag
	}
	if t.id == "" && !content.ValidSlug(t.slug) {
		r.refuse(n.at, CodeTranslationOfWhat, "value", t.slug)
	}
	return t
}

// readFields gathers the raw values of the type's fields.
func (r *reading) readFields() map[string]any {
	fields := make(map[string]any, len(r.typ.Fields))
	for _, f := range r.typ.Fields {
		s, ok := r.slots[f.Name]
		if !ok {
			continue
		}
		r.fields[f.Name] = s.pair
		n := s.value
		if r.src.notation == csvFile {
			var bad *fault
			if n, bad = cellValue(f, n); bad != nil {
				r.fail(bad)
				continue
			}
			s.pair.value = n
		}
		if r.foreign && f.Kind == "text" && n.kind == scalarNode {
			n.text = html.UnescapeString(n.text)
		}
		if f.Kind == "date" && n.kind == scalarNode || f.Kind == "date_range" {
			r.dateField(&n)
		}
		if n.kind == scalarNode && strings.TrimSpace(n.text) == "" {
			n.kind = nullNode
		}
		fields[f.Name] = n.value()
		if f.Kind == schemas.AttributesKind && n.kind != nullNode {
			var bad *fault
			if fields[f.Name], bad = attributesOf(n); bad != nil {
				r.fail(bad)
			}
		}
	}
	r.readTopics(fields)
	r.readBody(fields)
	return fields
}

// attributesOf reads an object of another system: an object of JSON, or JSON in
// a text, as an export writes it where the notation has no types.
func attributesOf(n node) (any, *fault) {
	if n.kind == scalarNode && !n.bare {
		var bad *fault
		if n, bad = readJSON([]byte(strings.TrimSpace(n.text)), n.at); bad != nil {
			bad.at = n.at
			return nil, bad
		}
	}
	v, err := n.typed()
	if err != nil {
		return nil, faultAt(n.at, CodeHSDSNumber)
	}
	return v, nil
}

// dateField brings dates of a field into the order of the calendar.
func (r *reading) dateField(n *node) {
	if n.kind == scalarNode {
		order := ""
		if r.mapping != nil {
			order = r.mapping.dates
		}
		s, ok := calendarDate(n.text, order)
		if !ok {
			r.refuse(n.at, CodeAmbiguousDate, "value", n.text)
		}
		n.text = s
		return
	}
	n.items, n.pairs = slices.Clone(n.items), slices.Clone(n.pairs)
	for i := range n.items {
		r.dateField(&n.items[i])
	}
	for i := range n.pairs {
		if k := n.pairs[i].key; k == "from" || k == "to" {
			r.dateField(&n.pairs[i].value)
		}
	}
}

// readTopics maps tags and categories to topics where the taxonomies know them.
func (r *reading) readTopics(fields map[string]any) {
	f, ok := r.typ.Field(keyTopics)
	for _, p := range r.topics {
		if !ok || f.Kind != "choice" {
			r.ignored = append(r.ignored, p.key)
			continue
		}
		words := p.value.words()
		if len(words) == 1 && (strings.ContainsAny(words[0], ",;|") || r.src.notation == csvFile) {
			words = strings.FieldsFunc(words[0], func(c rune) bool { return strings.ContainsRune(",;|", c) })
		}
		for _, w := range words {
			term, known := f.FindTerm(strings.TrimSpace(w))
			if !known {
				r.ignored = append(r.ignored, p.key+": "+echo(strings.TrimSpace(w)))
				continue
			}
			list, _ := fields[keyTopics].([]any)
			if single, ok := fields[keyTopics].(string); ok {
				list = []any{single}
			}
			if !slices.Contains(list, any(term.ID)) && len(list) < f.MaxItems {
				fields[keyTopics] = append(list, term.ID)
			}
			if r.fields[keyTopics] == nil {
				r.fields[keyTopics] = p
			}
		}
	}
}

// readBody settles the text and, where no key says it, the title.
func (r *reading) readBody(fields map[string]any) {
	body := r.page.body
	if strings.TrimSpace(body) != "" {
		if p := r.fields[keyBody]; p != nil {
			r.refuse(p.at, CodeKeyTwice, "key", p.key, "other", "Markdown")
			return
		}
		if _, ok := r.typ.Field(keyBody); !ok {
			r.refuse(place{r.page.bodyLine, 1}, schemas.CodeUnknownField, "field", keyBody)
			return
		}
	} else if text, ok := fields[keyBody].(string); ok {
		body = text
	}
	titleField, ok := r.typ.Field(keyTitle)
	if title, _ := fields[keyTitle].(string); title == "" && ok {
		h := headTitle(body, titleField.MaxChars)
		if h.title == "" {
			r.refuse(r.at, CodeTitleMissing)
			return
		}
		fields[keyTitle] = h.title
		if strings.TrimSpace(h.rest) != strings.TrimSpace(body) {
			body = h.rest
			if fields[keyBody] != nil {
				fields[keyBody] = body
			}
		}
		if !h.date.After(r.now) {
			r.variant.PublishedAt = h.date
		}
	}
	if strings.TrimSpace(body) != "" && fields[keyBody] == nil {
		fields[keyBody] = body
	}
}

var addressPart = regexp.MustCompile(`[:{}]`)

// readSlug settles the slug: as given, from the address, the file's name or the
// title. It is never left to chance, so that a second import of the same files
// finds what the first one made.
func (r *reading) readSlug(fields map[string]any) {
	slug, at := r.text(keySlug)
	switch {
	case slug == "" && r.src.notation == hsdsFile:
		return // found by its id: the store makes a slug that is free, once
	case slug != "":
		if !content.ValidSlug(slug) {
			r.refuse(at, "invalid_slug", "slug", slug)
			return
		}
	case r.addressSlug() != "":
		slug = r.addressSlug()
	case r.src.notation == pageFile && nameSlug(r.name.base) != "":
		slug = nameSlug(r.name.base)
	default:
		title, _ := fields[keyTitle].(string)
		if slug = content.Slugify(title); slug == "" {
			slug = r.typ.Name + "-" + shortHash(r.variant.Locale+"\x00"+title)
		}
	}
	r.variant.Slug = slug
	if r.group == "" && r.typ != nil {
		r.group = "name " + r.src.name + " " + r.typ.Name + " " + slug
	}
}

// addressSlug takes the last part of an address like /2024/05/legal/ or
// /legal.html; a pattern like /:title/ says nothing.
func (r *reading) addressSlug() string {
	address, _ := r.text(meansAddress)
	if addressPart.MatchString(address) && !strings.Contains(address, "://") {
		return ""
	}
	address, _, _ = strings.Cut(address, "?")
	address = strings.TrimRight(address, "/")
	last := address[strings.LastIndexByte(address, '/')+1:]
	return nameSlug(strings.TrimSuffix(strings.TrimSuffix(last, ".html"), ".htm"))
}

// readDates reads when it was and will be public. A generator's date in the
// future means that it appears then.
func (r *reading) readDates() {
	v := &r.variant
	for _, d := range []struct {
		key string
		to  *time.Time
	}{
		{keyPublishedAt, &v.PublishedAt}, {keyUpdatedAt, &v.UpdatedAt},
		{keyPublishAt, &v.PublishAt}, {keyExpireAt, &v.ExpireAt},
	} {
		s, t, ok := r.moment(d.key)
		if !ok {
			continue
		}
		*d.to = t
		r.later = r.later || d.key == keyPublishedAt && s.rank >= 0 && t.After(r.now)
		r.over = r.over || d.key == keyExpireAt && s.rank >= 0 && !t.After(r.now)
	}
	if v.PublishedAt.IsZero() && r.name.day != "" {
		if t, bad := readMoment(scalar(r.name.day, r.at), ""); bad == nil {
			v.PublishedAt = t
			r.later = t.After(r.now)
		}
	}
	if s, t, ok := r.moment(keyAssuredDate); ok { // the day is that of Europe/Rome
		r.assured = t.In(content.Rome).Format(time.DateOnly)
		r.fields[keyAssuredDate] = s.pair
	}
	// Hugo writes the epoch of its clock where no date was set.
	if v.PublishedAt.Year() < 1900 {
		v.PublishedAt = time.Time{}
	}
}

// moment reads a date of the item's own; ok is false when it has none, or none
// that can be read, which is told.
func (r *reading) moment(key string) (s slot, t time.Time, ok bool) {
	s, ok = r.slots[key]
	if !ok || s.value.kind == nullNode || s.value.kind == scalarNode && strings.TrimSpace(s.value.text) == "" {
		return s, t, false
	}
	order := ""
	if r.mapping != nil {
		order = r.mapping.dates
	}
	t, bad := readMoment(s.value, order)
	if bad != nil {
		r.fail(bad)
	}
	return s, t, bad == nil
}

// readState settles where in the workflow the variant shall be.
func (r *reading) readState() {
	v := &r.variant
	def := r.workflows[r.typ.Name]
	state, at := r.text(keyState)
	if state != "" {
		if def != nil && def.State(state) == nil {
			names := []string{}
			for _, s := range def.States {
				names = append(names, s.Name)
			}
			r.refuse(at, CodeUnknownWorkState, "state", state, "states", strings.Join(names, " "))
			return
		}
		v.State = state
		r.public = def != nil && def.State(state).Public
		return
	}
	draft, _ := r.boolean(meansDraft)
	public, given := r.boolean(meansNotDraft)
	wanted := r.publish && !draft && (!given || public) && !r.working && !r.over
	if r.later {
		if wanted && v.PublishAt.IsZero() {
			v.PublishAt = v.PublishedAt
		}
		v.PublishedAt = time.Time{}
	}
	v.Publish = wanted && v.PublishAt.IsZero()
	r.public = v.Publish
}
