package content

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"
)

// MaxSlug is the longest slug, in bytes.
const MaxSlug = 120

// Slugs are lower-case ASCII words joined by single hyphens: they live in
// addresses, file names and index keys, and no two of them look alike.
var slugRule = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// ValidSlug says whether s may be a slug.
func ValidSlug(s string) bool { return len(s) <= MaxSlug && slugRule.MatchString(s) }

// Slugify makes a slug from a title: accents fall, anything else that is not a
// letter or digit of ASCII becomes a hyphen, and a long title is cut at a word.
// It returns "" when nothing is left, as for a title in Arabic script.
func Slugify(title string) string {
	const longest = 80
	plain, _, err := transform.String(transform.Chain(norm.NFKD, runes.Remove(runes.In(unicode.Mn))), title)
	if err != nil {
		return ""
	}
	var b strings.Builder
	gap := false
	for _, r := range strings.ToLower(plain) {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') {
			gap = b.Len() > 0
			continue
		}
		if gap {
			b.WriteByte('-')
			gap = false
		}
		b.WriteRune(r)
	}
	slug := b.String()
	if len(slug) > longest {
		slug = slug[:longest]
		if i := strings.LastIndexByte(slug, '-'); i > longest/2 {
			slug = slug[:i]
		}
	}
	return strings.Trim(slug, "-")
}

// slugKey is the unique key of a slug over all documents.
func slugKey(typ, locale, slug string) string { return typ + "/" + locale + "/" + slug }

// CanonicalLocale gives the canonical BCP 47 form of a language tag
// ("zh-hans" → "zh-Hans"), with language, script and region only.
func CanonicalLocale(s string) (string, error) {
	tag, err := language.Parse(s)
	if err != nil || len(s) > 35 {
		return "", fmt.Errorf("%q is not a BCP 47 language tag", s)
	}
	base, script, region := tag.Raw()
	c, err := language.Compose(base, script, region)
	if err != nil || base.String() == "und" {
		return "", fmt.Errorf("%q is not a BCP 47 language tag", s)
	}
	return c.String(), nil
}

var ownerRule = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,119}$`)

func checkOwner(scope string) error {
	if !ownerRule.MatchString(scope) {
		return fmt.Errorf("%q is not an organisation: use its slug or id", scope)
	}
	return nil
}

// collators holds idle collators by locale: making one is dear, and one serves a
// single goroutine at a time.
var collators sync.Map // locale → *sync.Pool

// titleKey gives the collation key of a title: comparing keys by bytes orders
// titles as a reader of that language expects.
func titleKey(locale, title string) string {
	const longest = 96 // bytes of key: enough to order, small enough to index
	pool, ok := collators.Load(locale)
	if !ok {
		pool, _ = collators.LoadOrStore(locale, &sync.Pool{New: func() any {
			return collate.New(language.Make(locale), collate.Loose)
		}})
	}
	c := pool.(*sync.Pool).Get().(*collate.Collator)
	defer pool.(*sync.Pool).Put(c)
	var buf collate.Buffer
	key := c.KeyFromString(&buf, title)
	if len(key) > longest {
		key = key[:longest]
	}
	return hex.EncodeToString(key)
}
