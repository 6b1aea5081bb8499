package interchange

import (
	"bytes"
	"context"
	"fmt"
	"strings"
)

// read is the first reading and what follows from it.
func (p *Plan) read(ctx context.Context) error {
	sources, err := p.readHSDS(ctx, p.sources)
	if err != nil {
		return err
	}
	around := neighbours(sources, p.reg, p.mapping)
	for _, s := range sources {
		if err := ctx.Err(); err != nil {
			return err
		}
		s.nameInfo = readName(s, p.reg, p.mapping, around)
		s.rule = p.mapping.merged(s.path)
		if err := p.readSource(ctx, s); err != nil {
			return err
		}
	}
	p.Skipped = p.skipped
	p.Files = len(p.sources)
	if len(p.units) == 0 && p.Refused == 0 {
		p.find("", faultAt(place{}, CodeNothingFound))
	}
	if err := p.gather(ctx); err != nil {
		return err
	}
	p.order()
	return nil
}

// readSource reads one file and remembers its items.
func (p *Plan) readSource(ctx context.Context, s *source) error {
	if s.notation == pageFile {
		data, bad := s.readAll(MaxFile)
		if bad != nil {
			p.refuseFile(s.name, bad)
			return nil
		}
		return p.remember(s, chunk{data: data, line: 1, column: 1}, nil)
	}
	f, _, bad := s.open()
	if bad != nil {
		p.refuseFile(s.name, bad)
		return nil
	}
	defer f.Close()
	split := newSplitter(f)
	each := map[notation]func(func(chunk, *fault) error) error{
		linesFile: split.lines, jsonFile: split.elements, csvFile: split.records,
	}[s.notation]
	from, broken := len(p.units), false
	err := each(func(c chunk, bad *fault) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if s.notation == csvFile && s.csv == nil && bad == nil {
			if s.csv, bad = readHeader(c); bad == nil {
				return nil
			}
			p.refuseFile(s.name, bad)
			return errStop // without a header the rows mean nothing
		}
		last := len(p.Findings)
		err := p.remember(s, c, bad)
		for _, f := range p.Findings[last:] {
			broken = broken || f.Code == CodeSyntax
		}
		return err
	})
	if s.notation == jsonFile && broken { // one document: refused whole
		p.Refused += len(p.units) - from
		p.units = p.units[:from]
	}
	if err == errStop {
		return nil
	}
	if err != nil && ctx.Err() == nil {
		if _, ours := err.(*Error); !ours {
			p.refuseFile(s.name, faultAt(place{split.line, split.column}, CodeUnreadable))
			return nil
		}
	}
	return err
}

var errStop = fmt.Errorf("stop")

func (p *Plan) remember(s *source, c chunk, bad *fault) error {
	if bad != nil {
		p.refuseFile(s.name, bad)
		return nil
	}
	if err := p.room(s, c.line); err != nil {
		return err
	}
	it, faults := p.parse(s, c)
	if len(faults) > 0 {
		p.refuseItem(s, faults)
		return nil
	}
	p.plan(it, c.offset, len(c.data))
	return nil
}

// room refuses more items than an import may have.
func (p *Plan) room(s *source, line int) error {
	if len(p.units) < MaxItems {
		return nil
	}
	return &Error{Finding{Source: s.name, Line: line, Code: CodeTooManyImports, Params: map[string]any{"max": MaxItems}}}
}

func (p *Plan) refuseItem(s *source, faults []*fault) {
	p.Refused++
	for _, bad := range faults {
		p.find(s.name, bad)
	}
}

// plan keeps of an item what the plan needs, and where its text is.
func (p *Plan) plan(it *item, offset int64, size int) {
	u := unit{
		src: it.src, offset: offset, size: size, at: it.at, typ: it.typ, locale: it.variant.Locale,
		slug: it.variant.Slug, id: it.id, bucket: it.group, translates: it.translates, rank: rankOf(it),
	}
	for _, ref := range it.typ.References(it.values) {
		name, _, _ := strings.Cut(strings.TrimPrefix(ref.Path, "/"), "/")
		f, _ := it.typ.Field(name)
		u.refs = append(u.refs, refUse{f, ref.Target, it.locate(ref.Path)})
	}
	p.units = append(p.units, u)
}

// parse reads the text of one item.
func (p *Plan) parse(s *source, c chunk) (*item, []*fault) {
	at := place{c.line, c.column}
	var pg page
	var bad *fault
	switch s.notation {
	case pageFile:
		pg, bad = readPage(c.data)
	case csvFile:
		if bad = checkText(c.data, c.line); bad == nil {
			pg.front, bad = s.csv.row(c)
		}
	default:
		if bad = checkText(c.data, c.line); bad == nil {
			pg.front, bad = readJSON(bytes.TrimSpace(c.data), at)
		}
		if bad == nil && pg.front.kind != objectNode {
			bad = faultAt(at, CodeFrontMatterNotKeys)
		}
	}
	if bad != nil {
		return nil, []*fault{bad}
	}
	it, faults := p.convert(s, pg, at)
	if it != nil {
		it.variant.Source = s.name
		if s.notation != pageFile {
			it.variant.Source = fmt.Sprintf("%s:%d", s.name, at.line)
		}
	}
	return it, faults
}

// rankOf orders the variants of a document: what is public first, so that its
// shared facts are the public ones; then drafts; then working copies, whose
// shared facts are the newest.
func rankOf(it *item) int8 {
	switch {
	case it.working:
		return 2
	case it.public:
		return 0
	}
	return 1
}
