package interchange

import (
	"path"
	"regexp"
	"strings"

	"github.com/prassi-cms/prassi/schemas"
)

// nameInfo is what a file's name and folders say.
type nameInfo struct {
	// base is the name without extension, locale and date.
	base   string
	locale string
	typ    string
	day    string
	// key is the same for the variants of one document: the path without the
	// parts that name a locale.
	key string
}

// workingSuffix marks the file of a working copy: slug.it.next.md.
const workingSuffix = ".next"

var datedName = regexp.MustCompile(`^(\d{4}-\d{1,2}-\d{1,2})-(.+)$`)

// readName reads the habits of names: it/legal.md, legal.it.md, legal_it.md,
// index.it.md in a folder of its own, 2024-05-01-legal.md, and
// slug.it.next.md of an export. A folder counts as a locale only in lower case,
// because AR and MI are provinces; a mapping file may name others.
func readName(s *source, reg *schemas.Registry, m *Mapping) nameInfo {
	var info nameInfo
	folders := strings.Split(path.Dir(s.path), "/")
	if folders[0] == "." {
		folders = nil
	}
	base := path.Base(s.path)
	base = strings.TrimSuffix(base, path.Ext(base))
	if short, ok := strings.CutSuffix(base, workingSuffix); ok && nameLocale(strings.TrimPrefix(path.Ext(short), "."), reg, m) != "" {
		base = short
	}
	if i := strings.LastIndexAny(base, "._"); i > 0 {
		if tag := nameLocale(base[i+1:], reg, m); tag != "" {
			base, info.locale = base[:i], tag
		}
	}
	if d := datedName.FindStringSubmatch(base); d != nil {
		info.day, base = d[1], d[2]
	}
	root, own := path.Split(s.folder)
	kept := make([]string, 0, len(folders))
	found := false
	for _, f := range folders {
		if tag := nameLocale(f, reg, m); tag != "" && !found {
			found = true
			if info.locale == "" {
				info.locale = tag
			}
			f = "*"
		}
		if t := typeNamed(f, reg); t != nil {
			info.typ = t.Name
		}
		kept = append(kept, f)
	}
	if tag := nameLocale(own, reg, m); tag != "" && !found {
		if info.locale == "" {
			info.locale = tag
		}
		own = "*"
	}
	if info.typ == "" {
		if t := typeNamed(path.Base(s.folder), reg); t != nil {
			info.typ = t.Name
		} else if t := typeNamed(base, reg); t != nil && s.notation != pageFile {
			info.typ = t.Name // articles.csv
		}
	}
	info.key = path.Join(root, own, path.Join(kept...), base)
	info.base = base
	if (base == "index" || base == "_index") && len(kept) > 0 && kept[len(kept)-1] != "*" {
		info.base = kept[len(kept)-1]
		if d := datedName.FindStringSubmatch(info.base); d != nil {
			info.day, info.base = d[1], d[2]
		}
	}
	return info
}

// nameLocale reads a part of a name as a declared locale.
func nameLocale(part string, reg *schemas.Registry, m *Mapping) string {
	if m != nil && m.locales[part] != "" {
		return m.locales[part]
	}
	language, _, _ := strings.Cut(strings.ReplaceAll(part, "_", "-"), "-")
	if language == "" || language != strings.ToLower(language) {
		return ""
	}
	if l, ok := reg.Locale(strings.ReplaceAll(part, "_", "-")); ok {
		return l.Tag
	}
	return ""
}

// typeNamed finds a type by its name, its collection's, or a habit's.
func typeNamed(word string, reg *schemas.Registry) *schemas.Type {
	word = strings.ToLower(strings.TrimSpace(word))
	if t, ok := reg.Type(word); ok {
		return t
	}
	if t, ok := reg.TypeByCollection(word); ok {
		return t
	}
	if t, ok := reg.Type(typeHabits[word]); ok {
		return t
	}
	return nil
}
