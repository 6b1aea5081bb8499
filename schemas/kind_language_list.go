package schemas

import (
	"strings"

	"golang.org/x/text/language"
)

// languageListKind is a list of languages, as BCP 47 tags in canonical form.
type languageListKind struct{ base }

func (languageListKind) Name() string { return "language_list" }
func (languageListKind) List() bool   { return true }
func (languageListKind) Set() bool    { return true }

const maxTag = 35 // RFC 5646, section 4.4.1

func (languageListKind) Parse(f *Field, v any, env *Env) (any, []Issue) {
	s, ok := v.(string)
	if !ok {
		return nil, wrongType("text")
	}
	s = strings.TrimSpace(s)
	if s == "" {
		return nil, nil
	}
	c, ok := CanonicalTag(s)
	if !ok {
		return nil, wrong(CodeInvalidLanguage, s)
	}
	return c, nil
}

func (languageListKind) JSONSchema(*Field) map[string]any {
	return map[string]any{"type": "string", "pattern": `^[a-z]{2,8}(-[A-Za-z0-9]{1,8})*$`, "maxLength": maxTag}
}

// CanonicalTag answers a language tag in the canonical form of BCP 47: zh-hans
// becomes zh-Hans and iw becomes he. It refuses undetermined and private tags.
func CanonicalTag(s string) (string, bool) {
	if len(s) > maxTag {
		return "", false
	}
	for i := range len(s) {
		if c := s[i]; c != '-' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return "", false
		}
	}
	tag, err := language.Parse(s)
	if err != nil {
		return "", false
	}
	c := tag.String()
	// Some tags need a second step: the replacement of a grandfathered tag may itself be deprecated.
	if again, err := language.Parse(c); err == nil {
		c = again.String()
	}
	return c, len(c) <= maxTag && !strings.HasPrefix(c, "und") && !strings.HasPrefix(c, "x-")
}
