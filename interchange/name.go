package interchange

import (
	"path"
	"regexp"
	"strings"

	"github.com/prassi-cms/prassi/content"
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
//
// The locale may be one that is not declared here, such as nl beside it: then
// it is refused later, rather than taken for the default language.
func readName(s *source, reg *schemas.Registry, m *Mapping, around map[string]bool) nameInfo {
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
		tag := nameLocale(base[i+1:], reg, m)
		if tag == "" && foreignLocale(base[i+1:], around[s.folder+"/"+path.Join(path.Dir(s.path), base[:i])]) {
			tag = base[i+1:]
		}
		if tag != "" {
			base, info.locale = base[:i], tag
		}
	}
	if d := datedName.FindStringSubmatch(base); d != nil {
		info.day, base = d[1], d[2]
	}
	root, own := path.Split(s.folder)
	kept := make([]string, 0, len(folders))
	found := false
	for i, f := range folders {
		tag := nameLocale(f, reg, m)
		if tag == "" && foreignLocale(f, around[s.folder+"/"+path.Join(folders[:i]...)]) {
			tag = f
		}
		if tag != "" && !found {
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

var tagLike = regexp.MustCompile(`^[a-z]{2}(?:[-_](?:[A-Za-z]{2}|[A-Za-z]{4}))?$`)

// foreignLocale says that a part of a name is a language that is not declared
// here: pt-BR at first sight, nl only where declared ones stand beside it.
func foreignLocale(part string, beside bool) bool {
	if !tagLike.MatchString(part) || len(part) == 2 && !beside {
		return false
	}
	_, err := content.CanonicalLocale(strings.ReplaceAll(part, "_", "-"))
	return err == nil
}

// neighbours lists the folders in which a folder names a declared locale, and
// the names to which a suffix adds one.
func neighbours(sources []*source, reg *schemas.Registry, m *Mapping) map[string]bool {
	out := map[string]bool{}
	for _, s := range sources {
		dir, file := path.Split(s.path)
		parts := strings.Split(strings.TrimSuffix(dir, "/"), "/")
		for i, f := range parts {
			if nameLocale(f, reg, m) != "" {
				out[s.folder+"/"+path.Join(parts[:i]...)] = true
			}
		}
		stem := strings.TrimSuffix(file, path.Ext(file))
		if i := strings.LastIndexAny(stem, "._"); i > 0 && nameLocale(stem[i+1:], reg, m) != "" {
			out[s.folder+"/"+path.Join(path.Dir(s.path), stem[:i])] = true
		}
	}
	return out
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
