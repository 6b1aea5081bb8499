package interchange

import (
	"regexp"
	"slices"
	"strings"

	"github.com/prassi-cms/prassi/schemas"
)

// Mapping is a mapping file: what an import has to know about files that neither
// the interchange format nor a generator's habits explain. It is YAML:
//
//	dates: dmy                  # 31/01/2024; or mdy
//	locales: {italiano: it}     # names of folders and suffixes
//	rules:                      # all that match apply, later ones win
//	  - path: "news/**"         # relative to what is imported; absent: every file
//	    type: news
//	    locale: it
//	    rename: {headline: title}
//	    values: {territories: {Milano: MI}}
//	    constants: {organization: comune-di-milano}
//	    ignore: [legacy_id]
//
// The zero Mapping changes nothing.
type Mapping struct {
	dates   string
	locales map[string]string
	rules   []rule
}

type rule struct {
	path      *regexp.Regexp // nil: every file
	typ       string
	locale    string
	rename    map[string]string
	values    map[string]map[string]string
	constants []pair
	ignore    map[string]bool
}

// ReadMapping reads a mapping file and checks it against the declared types and
// locales. name is the file as the user named it. The error is an *Error with
// line and column.
func ReadMapping(name string, data []byte, reg *schemas.Registry) (*Mapping, error) {
	m, bad := readMapping(data, reg)
	if bad != nil {
		return nil, &Error{Finding{Source: name, Line: bad.at.line, Column: bad.at.column, Code: bad.code, Params: bad.params}}
	}
	return m, nil
}

func readMapping(data []byte, reg *schemas.Registry) (*Mapping, *fault) {
	if len(data) > MaxFrontMatter {
		return nil, faultAt(place{1, 1}, CodeFileTooLarge, "max", MaxFrontMatter)
	}
	if bad := checkText(data, 1); bad != nil {
		return nil, bad
	}
	root, bad := readYAML(data, 1)
	if bad != nil {
		return nil, bad
	}
	r := mappingReader{reg: reg, targets: targetKeys(reg)}
	m := &Mapping{locales: map[string]string{}}
	r.object(&root, map[string]func(*pair){
		"dates": func(p *pair) {
			m.dates = r.text(p)
			r.oneOf(p, m.dates, []string{DayFirst, MonthFirst})
		},
		"locales": func(p *pair) {
			for word, tag := range r.texts(p) {
				l, ok := reg.Locale(tag)
				if !ok {
					r.fail(faultAt(p.value.get(word).value.at, "unknown_locale", "locale", tag))
				}
				m.locales[word] = l.Tag
			}
		},
		"rules": func(p *pair) {
			if p.value.kind != listNode {
				r.fail(faultAt(p.at, schemas.CodeWrongType, "expected", "list", "field", p.key))
				return
			}
			for i := range p.value.items {
				m.rules = append(m.rules, r.rule(&p.value.items[i]))
			}
		},
	})
	return m, r.bad
}

// mappingReader keeps the first thing that is wrong.
type mappingReader struct {
	reg     *schemas.Registry
	targets []string
	bad     *fault
}

func (r *mappingReader) fail(f *fault) {
	if r.bad == nil {
		r.bad = f
	}
}

// object visits the keys of an object; one that nobody expects is a fault.
func (r *mappingReader) object(n *node, known map[string]func(*pair)) {
	if n.kind != objectNode {
		r.fail(faultAt(n.at, schemas.CodeWrongType, "expected", "object", "field", ""))
		return
	}
	for i := range n.pairs {
		p := &n.pairs[i]
		if visit, ok := known[p.key]; ok {
			visit(p)
			continue
		}
		r.oneOf(p, p.key, sortedKeys(known))
	}
}

// oneOf refuses a word that is not in the list, with the nearest one as a hint.
func (r *mappingReader) oneOf(p *pair, word string, list []string) {
	if !slices.Contains(list, word) {
		hint := nearest(word, list)
		if hint == "" {
			hint = strings.Join(list[:min(len(list), 12)], " ")
		}
		r.fail(faultAt(p.at, CodeMappingTarget, "key", word, "hint", hint))
	}
}

func (r *mappingReader) text(p *pair) string {
	if p.value.kind != scalarNode {
		r.fail(faultAt(p.at, schemas.CodeWrongType, "expected", "text", "field", p.key))
	}
	return p.value.text
}

func (r *mappingReader) texts(p *pair) map[string]string {
	out := map[string]string{}
	if p.value.kind != objectNode {
		r.fail(faultAt(p.at, schemas.CodeWrongType, "expected", "object", "field", p.key))
		return out
	}
	for i := range p.value.pairs {
		out[p.value.pairs[i].key] = r.text(&p.value.pairs[i])
	}
	return out
}

func (r *mappingReader) rule(n *node) rule {
	out := rule{rename: map[string]string{}, values: map[string]map[string]string{}, ignore: map[string]bool{}}
	r.object(n, map[string]func(*pair){
		"path": func(p *pair) {
			var err error
			if out.path, err = globPattern(r.text(p)); err != nil {
				r.fail(faultAt(p.value.at, CodeMappingPattern, "pattern", p.value.text))
			}
		},
		"type": func(p *pair) {
			out.typ = r.text(p)
			if _, ok := r.reg.Type(out.typ); !ok {
				r.fail(faultAt(p.value.at, "unknown_type", "type", out.typ))
			}
		},
		"locale": func(p *pair) {
			l, ok := r.reg.Locale(r.text(p))
			if !ok {
				r.fail(faultAt(p.value.at, "unknown_locale", "locale", p.value.text))
			}
			out.locale = l.Tag
		},
		"rename": func(p *pair) {
			for from, to := range r.texts(p) {
				r.oneOf(p.value.get(from), to, r.targets)
				out.rename[from] = to
			}
		},
		"values": func(p *pair) {
			if p.value.kind != objectNode {
				r.fail(faultAt(p.at, schemas.CodeWrongType, "expected", "object", "field", p.key))
				return
			}
			for i := range p.value.pairs {
				q := &p.value.pairs[i]
				r.oneOf(q, q.key, r.targets)
				out.values[q.key] = r.texts(q)
			}
		},
		"constants": func(p *pair) {
			if p.value.kind != objectNode {
				r.fail(faultAt(p.at, schemas.CodeWrongType, "expected", "object", "field", p.key))
				return
			}
			for _, q := range p.value.pairs {
				r.oneOf(&q, q.key, r.targets)
				out.constants = append(out.constants, q)
			}
		},
		"ignore": func(p *pair) {
			if p.value.kind == objectNode || p.value.kind == nullNode {
				r.fail(faultAt(p.at, schemas.CodeWrongType, "expected", "list", "field", p.key))
			}
			for _, key := range p.value.words() {
				out.ignore[key] = true
			}
		},
	})
	return out
}

// targetKeys are the keys that a mapping may lead to: those of the format and
// the fields of every type.
func targetKeys(reg *schemas.Registry) []string {
	seen := map[string]bool{}
	for _, k := range keys {
		seen[k.Name] = true
	}
	for _, t := range reg.Types() {
		for _, f := range t.Fields {
			seen[f.Name] = true
		}
	}
	return sortedKeys(seen)
}

// globPattern makes a pattern of a path with * (not across slashes), ** (across
// them) and ?. Go's regular expressions match in linear time.
func globPattern(glob string) (*regexp.Regexp, error) {
	var b strings.Builder
	b.WriteString("^")
	for i := 0; i < len(glob); i++ {
		switch {
		case strings.HasPrefix(glob[i:], "**/"):
			b.WriteString("(?:.*/)?")
			i += 2
		case strings.HasPrefix(glob[i:], "**"):
			b.WriteString(".*")
			i++
		case glob[i] == '*':
			b.WriteString("[^/]*")
		case glob[i] == '?':
			b.WriteString("[^/]")
		default:
			j := i + 1
			for j < len(glob) && glob[j] != '*' && glob[j] != '?' {
				j++
			}
			b.WriteString(regexp.QuoteMeta(glob[i:j]))
			i = j - 1
		}
	}
	return regexp.Compile(b.String() + "$")
}

// merged is what all rules that match a file say together.
func (m *Mapping) merged(path string) rule {
	out := rule{}
	if m == nil {
		return out
	}
	for _, r := range m.rules {
		if r.path != nil && !r.path.MatchString(path) {
			continue
		}
		if out.rename == nil {
			out.rename, out.values, out.ignore = map[string]string{}, map[string]map[string]string{}, map[string]bool{}
		}
		if r.typ != "" {
			out.typ = r.typ
		}
		if r.locale != "" {
			out.locale = r.locale
		}
		for k, v := range r.rename {
			out.rename[k] = v
		}
		for k, words := range r.values {
			if out.values[k] == nil {
				out.values[k] = map[string]string{}
			}
			for from, to := range words {
				out.values[k][from] = to
			}
		}
		for k := range r.ignore {
			out.ignore[k] = true
		}
		for _, c := range r.constants {
			out.constants = slices.DeleteFunc(slices.Clone(out.constants), func(p pair) bool { return p.key == c.key })
			out.constants = append(out.constants, c)
		}
	}
	return out
}

// changes says whether a rule rewrites anything.
func (r *rule) changes() bool {
	return len(r.rename)+len(r.values)+len(r.constants)+len(r.ignore) > 0
}

// apply rewrites front matter by the rule. forced names the keys it renamed.
func (r *rule) apply(front *node) (forced map[string]bool, bad *fault) {
	for i := range front.pairs {
		p := &front.pairs[i]
		to, ok := r.rename[p.key]
		if !ok {
			continue
		}
		if q := front.get(to); q != nil && q != p {
			return nil, faultAt(p.at, CodeKeyTwice, "key", p.key, "other", to)
		}
		p.key = to
		if forced == nil {
			forced = map[string]bool{}
		}
		forced[to] = true
	}
	for _, c := range r.constants {
		if front.get(c.key) == nil {
			c.at, c.value = front.at, moved(c.value, front.at)
			front.pairs = append(front.pairs, c)
		}
	}
	for i := range front.pairs {
		if words := r.values[front.pairs[i].key]; words != nil {
			translate(&front.pairs[i].value, words)
		}
	}
	return forced, nil
}

// moved gives a copy of a value that claims to stand at a place of another file.
func moved(n node, at place) node {
	n.at = at
	n.items = slices.Clone(n.items)
	for i := range n.items {
		n.items[i] = moved(n.items[i], at)
	}
	n.pairs = slices.Clone(n.pairs)
	for i := range n.pairs {
		n.pairs[i].at, n.pairs[i].value = at, moved(n.pairs[i].value, at)
	}
	return n
}

func translate(n *node, words map[string]string) {
	if to, ok := words[n.text]; ok && n.kind == scalarNode {
		n.text = to
	}
	for i := range n.items {
		translate(&n.items[i], words)
	}
}
