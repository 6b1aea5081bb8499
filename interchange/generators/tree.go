package generators

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/schemas"
)

// tree is an export before it is written.
type tree struct {
	src     Source
	opt     Options
	items   int
	content []file
	media   map[string]*catalog.Media
	// What occurs in the content: languages (tags), collections, topics and
	// territories (by the name in addresses).
	tags        map[string]bool
	collections map[string]bool
	topics      map[string]bool
	territories map[string]schemas.Territory
	names       map[string]string // of territories in addresses, by ISTAT code
}

func newTree(src Source, opt Options) *tree {
	return &tree{
		src: src, opt: opt, media: map[string]*catalog.Media{}, tags: map[string]bool{}, collections: map[string]bool{},
		topics: map[string]bool{}, territories: map[string]schemas.Territory{}, names: territoryNames(src.Territories),
	}
}

// territoryNames gives regions and provinces names for addresses, each its own.
func territoryNames(all *schemas.Territories) map[string]string {
	out, taken := map[string]string{}, map[string]bool{}
	for _, t := range slices.Concat(all.Regions(), all.Provinces()) {
		name := content.Slugify(t.Name)
		if name == "" || taken[name] {
			name = strings.Trim(name+"-"+t.ISTAT, "-")
		}
		taken[name], out[t.ISTAT] = true, name
	}
	return out
}

// key is a language in addresses and names of files: generators write them in
// lower case.
func key(tag string) string { return strings.ToLower(tag) }

// languages lists those that something is written in: as the registry has them,
// Italian first; Italian alone when there is nothing.
func (t *tree) languages() []string {
	var out []string
	for _, l := range t.src.Schemas.Locales() {
		if t.tags[l.Tag] {
			out = append(out, l.Tag)
		}
	}
	slices.SortStableFunc(out, func(a, b string) int { return cmp.Compare(rank(a), rank(b)) })
	if len(out) == 0 {
		out = []string{"it"}
	}
	return out
}

// rank orders languages as the catalogue falls back on them.
func rank(tag string) int {
	if i := slices.Index([]string{"it", "en"}, tag); i >= 0 {
		return i
	}
	return 2
}

// read makes a file of every published variant.
func (t *tree) read(ctx context.Context) error {
	all := slices.Collect(t.src.Catalog.All())
	var raw []byte
	for i, e := range all {
		if err := ctx.Err(); err != nil {
			return err
		}
		var err error
		if raw, err = e.AppendTo(raw[:0], catalog.Identity); err != nil {
			return err
		}
		if err := t.item(e, raw); err != nil {
			return fmt.Errorf("generators: %s in %s: %w", e.ID(), e.Locale(), err)
		}
		if t.opt.Progress != nil {
			t.opt.Progress(i+1, len(all))
		}
	}
	t.items = len(all)
	return nil
}

// item is what an export reads of the long JSON.
type item struct {
	ID, Type, Collection, Slug, Locale, Title, Summary string
	Dir                                                string
	Territories                                        []struct{ ISTAT, Acronym, Name, Kind, Region string }
	Topics                                             []struct{ ID, Label string }
	Organization                                       *link
	PublishedAt                                        string         `json:"published_at"`
	UpdatedAt                                          string         `json:"updated_at"`
	PublicState                                        string         `json:"public_state"`
	Assurance                                          map[string]any `json:"assurance"`
	Revision                                           struct{ ID string }
	Fields                                             map[string]any
	References                                         []any
	Alternates                                         []link
}

// link is another document, or another language, as an item names it.
type link struct{ Locale, Slug, Title, URL string }

// item writes one variant.
func (t *tree) item(e catalog.Entry, raw []byte) error {
	var it item
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&it); err != nil {
		return err
	}
	typ, ok := t.src.Schemas.Type(it.Type)
	if !ok {
		return fmt.Errorf("unknown type %q", it.Type)
	}
	t.tags[it.Locale], t.collections[it.Collection] = true, true
	for _, m := range mediaAddress.FindAllSubmatch(raw, -1) {
		if id := string(m[1]); t.media[id] == nil {
			if known := t.src.Catalog.Media(id); known != nil {
				t.media[id] = known
			}
		}
	}
	body, facts := t.words(typ, &it)
	front := mapping().
		put("title", it.Title).put("description", it.Summary).
		put("date", it.PublishedAt).put("lastmod", it.UpdatedAt).
		put("translationKey", it.ID).
		put("territories", t.places(&it)).put("topics", t.themes(&it))
	if t.opt.Format == Eleventy {
		front.put("templateEngineOverride", "md") // else a text is a program
	}
	own := mapping().
		put("id", it.ID).put("type", it.Type).put("collection", it.Collection).
		put("locale", it.Locale).put("dir", it.Dir).put("url", address(it.Locale, it.Collection, it.Slug)).
		put("label", typ.Label.In(it.Locale)).put("revision", it.Revision.ID).put("public_state", it.PublicState).
		put("assurance", it.Assurance)
	if it.Organization != nil {
		own.put("organization", linked(*it.Organization))
	}
	var places []*ordered
	for _, p := range it.Territories {
		places = append(places, mapping().put("istat", p.ISTAT).put("acronym", p.Acronym).put("name", p.Name).put("kind", p.Kind).put("region", p.Region))
	}
	own.put("territories", places)
	if image, ok := it.Fields["image"].(map[string]any); ok {
		own.put("image", image)
	}
	own.put("facts", facts)
	fields := mapping()
	for _, f := range typ.Fields {
		if !inHead[f.Name] {
			fields.put(f.Name, it.Fields[f.Name])
		}
	}
	own.put("fields", fields).put("references", it.References)
	var alternates []*ordered
	for _, a := range it.Alternates {
		l, _ := t.src.Schemas.Locale(a.Locale)
		alternates = append(alternates, mapping().put("locale", a.Locale).put("name", cmp.Or(l.Name, a.Locale)).
			put("dir", l.Dir).put("title", a.Title).put("url", address(a.Locale, it.Collection, a.Slug)))
	}
	own.put("alternates", alternates)
	front.put("prassi", own)
	name := path.Join("content", key(it.Locale), it.Collection, it.Slug+".md")
	t.content = append(t.content, text(name, front.front(t.inert(body))))
	return nil
}

// inHead are fields that stand in the head of the front matter or are the text.
var inHead = map[string]bool{
	"title": true, "summary": true, "body": true, "territories": true, "topics": true, "organization": true, "image": true,
}

// address is where the starters put an item.
func address(locale, collection, slug string) string {
	return "/" + key(locale) + "/" + collection + "/" + slug + "/"
}

// linked is a link to another document, which the catalogue names by the address
// of its JSON: /api/v1/{collection}/{slug}?locale=it.
func linked(l link) *ordered {
	out := mapping().put("title", l.Title)
	if u, err := url.Parse(l.URL); err == nil {
		collection := path.Base(path.Dir(u.Path))
		out.put("url", address(cmp.Or(u.Query().Get("locale"), "it"), collection, l.Slug))
	}
	return out
}

// places are the regions and provinces of an item, by their names in addresses.
func (t *tree) places(it *item) []string {
	found := map[string]bool{}
	for _, p := range it.Territories {
		for _, code := range append(t.src.Territories.Ancestors(p.ISTAT), p.ISTAT) {
			place, ok := t.src.Territories.Lookup(code)
			if name := t.names[code]; ok && name != "" {
				found[name], t.territories[name] = true, place
			}
		}
	}
	return sorted(found)
}

func (t *tree) themes(it *item) []string {
	var out []string
	for _, topic := range it.Topics {
		out = append(out, topic.ID)
		t.topics[topic.ID] = true
	}
	return out
}

// words gives the text of an item, its other texts under their labels, and
// what is short as facts.
func (t *tree) words(typ *schemas.Type, it *item) (body string, facts []*ordered) {
	var out strings.Builder
	for _, f := range typ.Fields {
		label := f.Label.In(it.Locale)
		switch value := it.Fields[f.Name]; {
		case value == nil:
		case f.Name == "body":
			if text, ok := value.(string); ok {
				// It comes first, whatever was declared before it.
				rest := out.String()
				out.Reset()
				out.WriteString("\n" + strings.TrimSpace(text) + "\n" + rest)
			}
		case f.Kind == "markdown":
			if text, ok := value.(string); ok {
				fmt.Fprintf(&out, "\n## %s\n\n%s\n", label, strings.TrimSpace(text))
			}
		case f.Kind == "rich_list":
			fmt.Fprintf(&out, "\n## %s\n", label)
			for _, row := range list(value) {
				if title := part(row, "title"); title != "" {
					fmt.Fprintf(&out, "\n### %s\n", escape(title))
				}
				if text := part(row, "text"); text != "" {
					fmt.Fprintf(&out, "\n%s\n", strings.TrimSpace(text))
				}
			}
		case !inHead[f.Name]:
			if said := t.say(f, value); len(said) > 0 {
				facts = append(facts, mapping().put("name", f.Name).put("label", label).put("values", said))
			}
		}
	}
	return out.String(), facts
}

// say writes a value in short words; nothing for what only a program can use.
func (t *tree) say(f *schemas.Field, value any) (out []string) {
	for _, v := range list(value) {
		var said string
		switch f.Kind {
		case "text", "date":
			said, _ = v.(string)
		case "number":
			if n, ok := v.(json.Number); ok {
				said = n.String()
			}
		case "choice":
			said = part(v, "label")
		case "reference":
			said = part(v, "title")
		case "date_range":
			said = strings.Join(parts(v, " – ", "from", "to"), "")
			if label := part(v, "label"); label != "" && said != "" {
				said = label + ": " + said
			}
		case "money":
			said = strings.Join(parts(v, " ", "amount", "currency"), "")
		case "place":
			said = strings.Join(parts(v, ", ", "label", "address"), "")
		case "contact":
			said = strings.Join(parts(v, ", ", "name", "phone", "email", "url"), "")
		case "language_list":
			tag, _ := v.(string)
			l, _ := t.src.Schemas.Locale(tag)
			said = cmp.Or(l.Name, tag)
		}
		if said != "" {
			out = append(out, said)
		}
	}
	return out
}

// parts joins those parts of a structured value that there are.
func parts(v any, sep string, names ...string) []string {
	var said []string
	for _, name := range names {
		if s := part(v, name); s != "" {
			said = append(said, s)
		}
	}
	if len(said) == 0 {
		return nil
	}
	return []string{strings.Join(said, sep)}
}

func part(v any, name string) string {
	m, _ := v.(map[string]any)
	s, _ := m[name].(string)
	return s
}

func list(v any) []any {
	if l, ok := v.([]any); ok {
		return l
	}
	return []any{v}
}

// escape makes plain text of what Markdown would read as more.
func escape(s string) string {
	return markup.Replace(strings.Join(strings.Fields(s), " "))
}

var markup = strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", "&lt;", "&", "&amp;", "#", `\#`)

// inert takes from a text what the generator would carry out in it. Hugo looks for
// shortcodes before it reads the Markdown, in code too, and cannot be told not to;
// a character reference stops it, and only within code shows as such.
func (t *tree) inert(body string) string {
	if t.opt.Format != Hugo {
		return body
	}
	return shortcodes.Replace(body)
}

var shortcodes = strings.NewReplacer("{{<", "{{&lt;", "{{%", "{{&#37;")

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
