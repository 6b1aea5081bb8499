package site

import (
	"slices"

	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/site/release"
)

// The plan of one build serves the next. Where nothing that decides about places has
// changed (an item was edited) its arrangement is taken over; and of documents that
// neither changed nor stand beside one that did, the pages are kept unseen. What the
// digests of all other pages are made of is looked at anew each time.

// follow takes over the arrangement of the last plan. It reports false when there
// is none, or some document came, went or moved.
func (p *plan) follow(last *plan) bool {
	if last == nil || last.day != p.day || len(last.docs) != len(p.docs) {
		return false
	}
	var changed []int
	for i, d := range p.docs {
		was := last.docs[i]
		if was.id != d.id || len(was.variants) != len(d.variants) {
			return false
		}
		same := true
		for k, f := range d.variants {
			if f != was.variants[k] {
				if same = false; f.standing != was.variants[k].standing {
					return false
				}
			}
		}
		if !same {
			changed = append(changed, i)
		}
	}
	for i, d := range p.docs {
		was := last.docs[i]
		d.urls, d.citedBy, d.published = was.urls, was.citedBy, was.published
	}
	p.byID, p.collections, p.topics, p.acts, p.showcase = last.byID, last.collections, last.topics, last.acts, last.showcase
	for _, was := range last.editions {
		ed := &edition{
			tongue: was.tongue, index: was.index, tag: was.tag, other: was.other,
			items: slices.Clone(was.items), lists: was.lists, where: was.where, about: was.about, cited: was.cited,
		}
		for _, i := range changed {
			if x := &ed.items[i]; x.f != nil {
				x.f, x.card, x.kept = p.docs[i].variants[slices.Index(last.docs[i].variants, x.f)], release.Digest{}, nil
			}
		}
		p.editions = append(p.editions, ed)
	}
	p.touch(changed)
	return true
}

// touch marks the documents that changed and those that show something of them.
func (p *plan) touch(changed []int) {
	p.touched = make([]bool, len(p.docs))
	ids := map[string]bool{}
	for _, i := range changed {
		d := p.docs[i]
		p.touched[i], ids[d.id] = true, true
		for _, list := range [][]int32{d.citedBy, d.published} {
			for _, k := range list {
				p.touched[k] = true
			}
		}
		for _, f := range d.variants {
			for _, id := range slices.Concat(f.links, f.related) {
				if k, ok := p.byID[id]; ok {
					p.touched[k] = true
				}
			}
		}
	}
	for i, d := range p.docs {
		for _, f := range d.variants {
			for _, list := range [][]string{f.links, f.related} {
				p.touched[i] = p.touched[i] || slices.ContainsFunc(list, func(id string) bool { return ids[id] })
			}
		}
	}
}

// compare forgets the pages of editions whose furniture has changed.
func (p *plan) compare(last *plan) {
	for i, ed := range p.editions {
		if p.touched != nil && ed.print != last.editions[i].print {
			for k := range ed.items {
				ed.items[k].kept = nil
			}
		}
	}
}

// keep takes a page of the build before as it is.
func (p *plan) keep(f *release.File) *release.File {
	p.kept.Add(1)
	return p.w.Keep(f)
}

// stays keeps what the build before has of these inputs; otherwise it gives nil.
func (p *plan) stays(path string, inputs release.Digest) *release.File {
	if p.base == nil {
		return nil
	}
	if f, ok := p.base.File(path); ok && f.Inputs == inputs {
		return p.keep(f)
	}
	return nil
}

// rest is what the next plan needs of this one.
func (p *plan) rest() *plan {
	p.moment, p.left, p.emit, p.base, p.w, p.touched = catalog.Moment{}, nil, nil, nil, nil, nil
	return p
}
