package interchange

import "strings"

// Keys of the interchange format beside a type's own fields.
const (
	keyType          = "type"
	keyID            = "id"
	keyLocale        = "locale"
	keySlug          = "slug"
	keyState         = "state"
	keyWorkingCopy   = "working_copy"
	keyPublishedAt   = "published_at"
	keyUpdatedAt     = "updated_at"
	keyPublishAt     = "publish_at"
	keyExpireAt      = "expire_at"
	keyAssuredDate   = "assured_date"
	keyOwner         = "owner"
	keyTranslationOf = "translation_of"
	// fields that every text has
	keyTitle   = "title"
	keySummary = "summary"
	keyBody    = "body"
	keyTopics  = "topics"
)

// Key is a key of the interchange format that is not a field of a type.
type Key struct{ Name, Help string }

// Keys lists them in the order in which an export writes them.
func Keys() []Key { return keys }

var keys = []Key{
	{keyType, "name of a content type"},
	{keyID, "identifier of the document (UUID); assigned when absent"},
	{keyLocale, "BCP 47 tag of a declared locale"},
	{keySlug, "lower-case ASCII words joined by hyphens; made from the file's name or the title when absent"},
	{keyState, "a state of the type's workflow"},
	{keyWorkingCopy, "true for the newer revision of a variant whose live revision has a file of its own"},
	{keyPublishedAt, "first publication, RFC 3339"},
	{keyUpdatedAt, "date of the content, RFC 3339"},
	{keyPublishAt, "scheduled publication, RFC 3339"},
	{keyExpireAt, "scheduled withdrawal, RFC 3339"},
	{keyAssuredDate, "day on which somebody last confirmed the facts; types whose facts age only"},
	{keyOwner, "scope of the organisation that owns the document"},
	{keyTranslationOf, "the variant it translates: slug.locale, or an id"},
}

var coreKeys = func() map[string]bool {
	out := map[string]bool{}
	for _, k := range keys {
		out[k.Name] = true
	}
	return out
}()

// Meanings of habits that are not keys of the interchange format.
const (
	meansNothing     = ""
	meansAddress     = "the last part of the address becomes the slug"
	meansDraft       = "true keeps it from being published"
	meansNotDraft    = "false keeps it from being published"
	meansTranslation = "variants with the same value are one document"
)

// Habit is a front-matter key of a site generator and what it means here.
type Habit struct {
	// Key as generators write it; case, hyphens and underscores do not matter.
	Key string
	// Means is a key of the interchange format, a sentence for what has no key of
	// its own, or empty for what is passed over and counted.
	Means string
	// From names generators that write it.
	From string
	// Shadows says that a type may have a field of that name with another
	// meaning; in a file that speaks a generator's language the generator's wins.
	Shadows bool
}

// Habits lists the keys that are understood or passed over. Where several name
// one thing, the first of the list that a file has is used.
func Habits() []Habit { return habits }

var habits = []Habit{
	{Key: "lang", Means: keyLocale, From: "Jekyll, Astro"},
	{Key: "language", Means: keyLocale, From: "Hugo, Astro"},
	{Key: "description", Means: keySummary, From: "Hugo, Jekyll, Astro"},
	{Key: "excerpt", Means: keySummary, From: "Jekyll"},
	{Key: "abstract", Means: keySummary, From: "Hugo themes"},
	{Key: "subtitle", Means: keySummary, From: "themes"},
	{Key: "content", Means: keyBody, From: "JSON exports"},
	{Key: "publishDate", Means: keyPublishedAt, From: "Hugo, Astro"},
	{Key: "pubDate", Means: keyPublishedAt, From: "Astro"},
	{Key: "pubDatetime", Means: keyPublishedAt, From: "Astro themes"},
	{Key: "datePublished", Means: keyPublishedAt, From: "schema.org"},
	{Key: "date", Means: keyPublishedAt, From: "Hugo, Jekyll"},
	{Key: "created", Means: keyPublishedAt, From: "themes"},
	{Key: "lastmod", Means: keyUpdatedAt, From: "Hugo"},
	{Key: "updatedDate", Means: keyUpdatedAt, From: "Astro"},
	{Key: "last_modified_at", Means: keyUpdatedAt, From: "Jekyll"},
	{Key: "modDatetime", Means: keyUpdatedAt, From: "Astro themes"},
	{Key: "dateModified", Means: keyUpdatedAt, From: "schema.org"},
	{Key: "lastUpdated", Means: keyUpdatedAt, From: "Astro"},
	{Key: "updated", Means: keyUpdatedAt, From: "themes"},
	{Key: "modified", Means: keyUpdatedAt, From: "Hugo"},
	{Key: "expiryDate", Means: keyExpireAt, From: "Hugo"},
	{Key: "unpublishDate", Means: keyExpireAt, From: "Hugo"},
	{Key: "tags", Means: keyTopics, From: "Hugo, Jekyll, Astro"},
	{Key: "tag", Means: keyTopics, From: "Jekyll"},
	{Key: "categories", Means: keyTopics, From: "Hugo, Jekyll"},
	{Key: "category", Means: keyTopics, From: "Jekyll, Astro"},
	{Key: "keywords", Means: keyTopics, From: "Hugo"},
	{Key: "permalink", Means: meansAddress, From: "Jekyll"},
	{Key: "url", Means: meansAddress, From: "Hugo"},
	{Key: "draft", Means: meansDraft, From: "Hugo, Astro"},
	{Key: "published", Means: meansNotDraft, From: "Jekyll"},
	{Key: "translationKey", Means: meansTranslation, From: "Hugo"},
	{Key: "lang-ref", Means: meansTranslation, From: "Jekyll"},
	{Key: "page_id", Means: meansTranslation, From: "Jekyll Polyglot"},
	{Key: "ref", Means: meansTranslation, From: "Jekyll"},

	{Key: "image", From: "Jekyll, Astro", Shadows: true},
	{Key: "related", From: "Jekyll", Shadows: true},
	{Key: "documents", From: "themes", Shadows: true},
	{Key: "sources", From: "themes", Shadows: true},
	{Key: "contacts", From: "themes", Shadows: true},
	{Key: "aliases", From: "Hugo"},
	{Key: "redirect_from", From: "Jekyll"},
	{Key: "redirect_to", From: "Jekyll"},
	{Key: "layout", From: "Jekyll, Hugo, Astro"},
	{Key: "template", From: "Astro"},
	{Key: "class", From: "Jekyll"},
	{Key: "order", From: "Jekyll, Astro"},
	{Key: "weight", From: "Hugo"},
	{Key: "nav_order", From: "Jekyll"},
	{Key: "parent", From: "Jekyll"},
	{Key: "has_children", From: "Jekyll"},
	{Key: "menu", From: "Hugo"},
	{Key: "menus", From: "Hugo"},
	{Key: "sidebar", From: "Astro"},
	{Key: "sidebar_label", From: "generators of manuals"},
	{Key: "sidebar_position", From: "generators of manuals"},
	{Key: "prev", From: "Astro"},
	{Key: "next", From: "Astro"},
	{Key: "linkTitle", From: "Hugo"},
	{Key: "author", From: "all"},
	{Key: "authors", From: "all"},
	{Key: "translator", From: "all"},
	{Key: "translators", From: "all"},
	{Key: "untranslated", From: "all"},
	{Key: "images", From: "Hugo"},
	{Key: "videos", From: "Hugo"},
	{Key: "audio", From: "Hugo"},
	{Key: "cover", From: "themes"},
	{Key: "header", From: "Jekyll"},
	{Key: "hero", From: "Astro"},
	{Key: "heroImage", From: "Astro"},
	{Key: "banner", From: "themes"},
	{Key: "thumbnail", From: "themes"},
	{Key: "icon", From: "themes"},
	{Key: "ogImage", From: "Astro"},
	{Key: "featured", From: "themes"},
	{Key: "featured_image", From: "Hugo"},
	{Key: "pin", From: "Jekyll"},
	{Key: "series", From: "Hugo"},
	{Key: "toc", From: "themes"},
	{Key: "tableOfContents", From: "Astro"},
	{Key: "math", From: "themes"},
	{Key: "mermaid", From: "themes"},
	{Key: "comments", From: "Jekyll"},
	{Key: "share", From: "Jekyll"},
	{Key: "read_time", From: "Jekyll"},
	{Key: "sitemap", From: "Jekyll, Hugo"},
	{Key: "robots", From: "themes"},
	{Key: "noindex", From: "themes"},
	{Key: "canonical_url", From: "Jekyll, Astro"},
	{Key: "head", From: "Astro"},
	{Key: "css", From: "themes"},
	{Key: "js", From: "themes"},
	{Key: "outputs", From: "Hugo"},
	{Key: "cascade", From: "Hugo"},
	{Key: "build", From: "Hugo"},
	{Key: "resources", From: "Hugo"},
	{Key: "params", From: "Hugo"},
	{Key: "markup", From: "Hugo"},
	{Key: "headless", From: "Hugo"},
	{Key: "isCJKLanguage", From: "Hugo"},
	{Key: "editUrl", From: "Astro"},
	{Key: "license", From: "all"},
	{Key: "guid", From: "Jekyll"},
}

// foldKey makes keys comparable: pubDate, pub_date and Pub-Date are one.
func foldKey(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '_' || r == '-' || r == ' ':
			return -1
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// habitRank finds a habit and its place in the list by folded key.
var habitRank = func() map[string]int {
	out := make(map[string]int, len(habits))
	for i, h := range habits {
		out[foldKey(h.Key)] = i
	}
	return out
}()

func habitOf(key string) (*Habit, int) {
	i, ok := habitRank[foldKey(key)]
	if !ok {
		return nil, 0
	}
	return &habits[i], i
}

// typeHabits are words for a content type that are not its name.
var typeHabits = map[string]string{"post": "article", "posts": "article", "blog": "article"}

// nearest gives the candidate that key is probably a misspelling of: one wrong
// letter in a short word, two in a longer one.
func nearest(key string, candidates []string) string {
	if len(key) > 60 {
		return ""
	}
	best, at := "", 3
	if len(key) < 6 {
		at = 2
	}
	folded := foldKey(key)
	for _, c := range candidates {
		if d := distance(folded, foldKey(c)); d < at {
			best, at = c, d
		}
	}
	return best
}

// distance counts the letters to insert, drop, replace or swap (optimal string
// alignment).
func distance(a, b string) int {
	if d := len(a) - len(b); d > 2 || d < -2 {
		return 3
	}
	prev2, prev, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], prev2[j-2]+1)
			}
		}
		prev2, prev, row = prev, row, prev2
	}
	return prev[len(b)]
}
