package interchange

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/prassi-cms/prassi/content"
)

// root finds the representative of a unit's document.
func (p *Plan) root(i int) int {
	for p.units[i].parent != i {
		p.units[i].parent = p.units[p.units[i].parent].parent
		i = p.units[i].parent
	}
	return i
}

// join makes two units variants of one document; the earlier one represents it.
func (p *Plan) join(a, b int) {
	a, b = p.root(a), p.root(b)
	p.units[max(a, b)].parent = min(a, b)
}

// gather finds out which units are variants of one document.
func (p *Plan) gather(ctx context.Context) error {
	buckets := map[string][]int{}
	var order []string
	exact := map[string]int{} // type/locale/slug
	for i := range p.units {
		u := &p.units[i]
		u.parent = i
		if u.id != "" {
			if j, ok := p.byID[u.id]; ok {
				p.join(i, j)
			} else {
				p.byID[u.id] = i
			}
		}
		if u.bucket != "" {
			if buckets[u.bucket] == nil {
				order = append(order, u.bucket)
			}
			buckets[u.bucket] = append(buckets[u.bucket], i)
		}
		if u.slug == "" { // the store will make one
			continue
		}
		remember(exact, u.typ.Name+"/"+u.locale+"/"+u.slug, i)
		remember(p.bySlug, u.typ.Name+"/"+u.slug, i)
	}
	for _, name := range order {
		p.joinBucket(buckets[name])
	}
	for i := range p.units {
		if p.units[i].translates != nil {
			if err := p.joinTranslation(ctx, i, exact); err != nil {
				return err
			}
		}
	}
	p.refuseDuplicates()
	p.makeGroups()
	return nil
}

func remember(m map[string]int, key string, i int) {
	if _, ok := m[key]; !ok {
		m[key] = i
	}
}

// joinBucket joins units of one name unless they carry different ids, which
// say that they are different documents.
func (p *Plan) joinBucket(bucket []int) {
	ids := map[string]bool{}
	for _, i := range bucket {
		if p.units[i].id != "" {
			ids[p.units[i].id] = true
		}
	}
	if len(ids) > 1 {
		return
	}
	for _, i := range bucket[1:] {
		p.join(bucket[0], i)
	}
}

func (p *Plan) joinTranslation(ctx context.Context, i int, exact map[string]int) error {
	u := &p.units[i]
	t := u.translates
	if t.id != "" {
		if j, ok := p.byID[t.id]; ok {
			p.join(i, j)
		} else {
			p.byID[t.id] = i
			if u.id == "" {
				u.id = t.id
			}
		}
		return nil
	}
	if j, ok := exact[u.typ.Name+"/"+t.locale+"/"+t.slug]; ok && t.locale != "" {
		p.join(i, j)
		return nil
	}
	if j, ok := p.bySlug[u.typ.Name+"/"+t.slug]; ok && t.locale == "" {
		p.join(i, j)
		return nil
	}
	if p.store != nil {
		for _, l := range p.reg.Locales() {
			if t.locale != "" && t.locale != l.Tag {
				continue
			}
			d, err := p.store.BySlug(ctx, u.typ.Name+"/"+l.Tag+"/"+t.slug)
			if err == nil {
				u.id = d.ID
				if j, ok := p.byID[d.ID]; ok {
					p.join(i, j)
				}
				p.byID[d.ID] = i
				return nil
			}
			if content.AsProblem(err).Class != content.NotFound {
				return err
			}
		}
	}
	what := t.slug
	if t.locale != "" {
		what += "." + t.locale
	}
	u.at = t.at
	p.refuseUnit(i, CodeTranslationOfWhat, "value", what)
	return nil
}

// refuseDuplicates keeps the first of two items that claim one place.
func (p *Plan) refuseDuplicates() {
	type seat struct {
		root    int
		locale  string
		working bool
	}
	seats, slugs := map[seat]int{}, map[string]int{}
	for i := range p.units {
		u := &p.units[i]
		if u.dropped {
			continue
		}
		root := p.root(i)
		if first := &p.units[root]; first.typ != u.typ {
			p.refuseUnit(i, CodeConflictingType, "type", first.typ.Name, "other", first.src.name)
			continue
		}
		s := seat{root, u.locale, u.rank == 2}
		if j, taken := seats[s]; taken {
			p.refuseUnit(i, CodeDuplicateVariant, "locale", u.locale, "other", p.where(j))
			continue
		}
		key := u.typ.Name + "/" + u.locale + "/" + u.slug
		if j, taken := slugs[key]; taken && u.slug != "" && p.root(j) != root {
			p.refuseUnit(i, CodeDuplicateSlug, "slug", u.slug, "other", p.where(j))
			continue
		}
		seats[s], slugs[key] = i, i
	}
}

func (p *Plan) where(i int) string {
	u := &p.units[i]
	if u.src.notation == pageFile {
		return u.src.name
	}
	return fmt.Sprintf("%s:%d", u.src.name, u.at.line)
}

func (p *Plan) makeGroups() {
	at := map[int]int{}
	for i := range p.units {
		u := &p.units[i]
		if u.dropped {
			continue
		}
		root := p.root(i)
		g, ok := at[root]
		if !ok {
			g = len(p.groups)
			at[root] = g
			p.groups = append(p.groups, group{})
		}
		grp := &p.groups[g]
		grp.units = append(grp.units, i)
		grp.id = first(grp.id, u.id)
	}
	groupOf := make([]int, len(p.units))
	for i := range groupOf {
		groupOf[i] = -1
	}
	for g := range p.groups {
		grp := &p.groups[g]
		slices.SortStableFunc(grp.units, func(a, b int) int { return cmp.Compare(p.units[a].rank, p.units[b].rank) })
		for _, i := range grp.units {
			groupOf[i] = g
		}
		p.Variants += len(grp.units)
	}
	p.Documents = len(p.groups)
	for i := range p.units {
		if groupOf[i] < 0 {
			continue
		}
		for _, ref := range p.units[i].refs {
			if j, ok := p.refers(ref); ok && groupOf[j] >= 0 && groupOf[j] != groupOf[i] {
				grp := &p.groups[groupOf[i]]
				grp.deps = append(grp.deps, dep{groupOf[j], ref, i})
			}
		}
	}
}

// refers finds the unit that a reference points to, when it is in the plan.
func (p *Plan) refers(ref refUse) (int, bool) {
	if j, ok := p.byID[strings.ToLower(ref.target)]; ok {
		return j, true
	}
	if strings.Contains(ref.target, "/") { // type/slug
		j, ok := p.bySlug[ref.target]
		return j, ok
	}
	for _, t := range ref.field.Types {
		if j, ok := p.bySlug[t+"/"+ref.target]; ok {
			return j, true
		}
	}
	return 0, false
}
