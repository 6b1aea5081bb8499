package interchange

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/workflow"
	"github.com/prassi-cms/prassi/schemas"
)

// Formats of an export.
const (
	FormatMarkdown = "markdown" // {type}/{slug}.{locale}.md
	FormatLines    = "jsonl"    // {type}.jsonl, one variant per line
)

// ExportOptions say how an export runs; the zero value writes Markdown.
type ExportOptions struct {
	Format string
	// Progress, when set, hears how many documents are written.
	Progress func(done, total int)
	// Library, when set, gives the files that the content uses.
	Library Library
}

// ExportSummary counts what was written; Media are the pictures and documents.
// Findings are references to documents that no longer exist, which are left out,
// and uses of files that no longer do.
type ExportSummary struct {
	Documents, Variants, Media, Files int
	Findings                          []Finding
}

// Export writes the whole content, one variant per file or line. A variant whose
// newest revision is not the public one has two: first the public one, then the
// working copy with its state. Thrown away drafts are left out, and what was
// merged into another document: references to it name the one that stays. Histories,
// comments, approvals and former slugs are not part of the format: that is what
// a backup is for.
//
// The same content gives the same bytes. The folder appears whole or not at all;
// one that is not empty must be an earlier export that nobody has changed.
func Export(ctx context.Context, store content.Store, reg *schemas.Registry, dir string, opt ExportOptions) (ExportSummary, error) {
	workflows, err := workflowsOf(reg)
	if err != nil {
		return ExportSummary{}, err
	}
	out, err := newFolder(dir)
	if err != nil {
		return ExportSummary{}, err
	}
	defer out.abandon()
	e := &exporter{store: store, reg: reg, workflows: workflows, opt: opt, out: out, used: map[string]string{}, merged: map[string]string{}}
	if err := e.learn(ctx); err != nil {
		return e.sum, err
	}
	if err := e.write(ctx); err != nil {
		return e.sum, err
	}
	if err := e.media(ctx); err != nil {
		return e.sum, err
	}
	e.sum.Files = len(out.sums)
	return e.sum, out.publish()
}

type exporter struct {
	store     content.Store
	reg       *schemas.Registry
	workflows map[string]*workflow.Definition
	opt       ExportOptions
	out       *folder
	sum       ExportSummary
	total     int
	// slugs of every document by id and locale, and who holds a slug: the id of
	// the document, or empty when several do.
	slugs   map[string]map[string]string
	holders map[string]string
	used    map[string]string // files of ours by id, and what uses them first
	merged  map[string]string // what was merged away, and into what
}

const scanPage = 200

func (e *exporter) scan(ctx context.Context, visit func([]*content.Document) error) error {
	after := ""
	for {
		page, err := e.store.Scan(ctx, after, scanPage)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			return nil
		}
		after = page[len(page)-1].ID
		kept := page[:0]
		for _, d := range page {
			switch {
			case d.Discarded:
			case d.MergedInto != "":
				e.merged[d.ID] = d.MergedInto
			default:
				kept = append(kept, d)
			}
		}
		if err := visit(kept); err != nil {
			return err
		}
	}
}

// learn reads every slug, so that references can be written as slugs where a
// slug says it all.
func (e *exporter) learn(ctx context.Context) error {
	e.slugs, e.holders = map[string]map[string]string{}, map[string]string{}
	// The state in which a live revision was published is only in the log.
	for {
		n, err := e.store.Relay(ctx)
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
	}
	return e.scan(ctx, func(page []*content.Document) error {
		e.total += len(page)
		for _, d := range page {
			mine := make(map[string]string, len(d.Variants))
			for i := range d.Variants {
				mine[d.Variants[i].Locale] = d.Variants[i].Slug
			}
			e.slugs[d.ID] = mine
			for _, key := range d.Keys.Slugs { // type/locale/slug
				parts := strings.SplitN(key, "/", 3)
				if len(parts) != 3 {
					continue
				}
				name := parts[0] + "/" + parts[2]
				if holder, taken := e.holders[name]; taken && holder != d.ID {
					e.holders[name] = ""
				} else {
					e.holders[name] = d.ID
				}
			}
		}
		return nil
	})
}

func (e *exporter) write(ctx context.Context) error {
	return e.scan(ctx, func(page []*content.Document) error {
		revisions, err := e.revisions(ctx, page)
		if err != nil {
			return err
		}
		for _, d := range page {
			if err := e.document(ctx, d, revisions); err != nil {
				return fmt.Errorf("document %s: %w", d.ID, err)
			}
			e.sum.Documents++
		}
		if e.opt.Progress != nil {
			e.opt.Progress(e.sum.Documents, max(e.total, e.sum.Documents))
		}
		return nil
	})
}

// revisions reads what a page of documents needs in one go.
func (e *exporter) revisions(ctx context.Context, page []*content.Document) (map[string]*content.Revision, error) {
	var hashes []string
	seen := map[string]bool{}
	add := func(ref content.RevisionRef) {
		if !ref.IsZero() && !seen[ref.Hash] {
			seen[ref.Hash] = true
			hashes = append(hashes, ref.Hash)
		}
	}
	for _, d := range page {
		add(d.LiveShared)
		for i := range d.Variants {
			add(d.Variants[i].Latest)
			add(d.Variants[i].Live)
		}
	}
	list, err := e.store.RevisionsByHash(ctx, hashes)
	if err != nil {
		return nil, err
	}
	out := make(map[string]*content.Revision, len(list))
	for i, r := range list {
		if r == nil {
			return nil, fmt.Errorf("revision %s: %w", hashes[i], content.ErrNotFound)
		}
		out[r.Hash] = r
	}
	return out, nil
}

// side is one of the two faces of a variant: the public one or the newest.
type side struct {
	updated     time.Time
	slug, state string
	shared      json.RawMessage
	localized   json.RawMessage
	working     bool
	last        bool // carries the schedule
}

func (e *exporter) document(ctx context.Context, d *content.Document, revisions map[string]*content.Revision) error {
	t, ok := e.reg.Type(d.Type)
	if !ok {
		return &Error{Finding{Code: "unknown_type", Params: map[string]any{"type": d.Type}}}
	}
	def := e.workflows[d.Type]
	for i := range d.Variants {
		v := &d.Variants[i]
		latest := revisions[v.Latest.Hash]
		if latest == nil {
			return fmt.Errorf("variant %s: latest revision: %w", v.Locale, content.ErrNotFound)
		}
		newest := side{slug: v.Slug, state: v.State, updated: v.UpdatedAt, shared: d.Shared, localized: latest.Localized, last: true}
		sides := []side{newest}
		if live := revisions[v.Live.Hash]; live != nil {
			public := side{slug: first(v.LiveSlug, live.Slug), state: v.LiveState, updated: v.LiveUpdatedAt, shared: live.Shared, localized: live.Localized}
			if r := revisions[d.LiveShared.Hash]; r != nil {
				public.shared = r.Shared
			}
			if s := def.State(v.State); s != nil && s.Public && v.Live.Hash == v.Latest.Hash {
				public.last = true
				sides = []side{public}
			} else {
				newest.working = true
				sides = []side{public, newest}
			}
		}
		for _, s := range sides {
			if err := e.variant(t, def, d, v, s, sides[0].slug); err != nil {
				return fmt.Errorf("variant %s: %w", v.Locale, err)
			}
		}
	}
	return nil
}

func (e *exporter) variant(t *schemas.Type, def *workflow.Definition, d *content.Document, v *content.Variant, s side, fileSlug string) error {
	values := schemas.Values{}
	for _, part := range []json.RawMessage{s.shared, s.localized} {
		dec := json.NewDecoder(strings.NewReader(string(part)))
		dec.UseNumber()
		if err := dec.Decode(&values); err != nil {
			return err
		}
	}
	name := e.fileName(d, v, fileSlug, s.working)
	for _, id := range content.MediaIDs(values) {
		if e.used[id] == "" {
			e.used[id] = name
		}
	}
	values = t.MapReferences(values, func(ref schemas.Ref) (string, bool) {
		word, ok := e.reference(ref, v.Locale)
		if !ok {
			e.sum.Findings = append(e.sum.Findings, Finding{Source: name, Code: CodeDanglingReference,
				Params: map[string]any{"field": strings.TrimPrefix(ref.Path, "/"), "value": ref.Target}})
		}
		return word, ok
	})
	entries := e.entries(t, def, d, v, s, values)
	e.sum.Variants++
	var b strings.Builder
	if e.opt.Format == FormatLines || e.opt.Format == FormatTable {
		if body, ok := values[keyBody]; ok {
			entries = append(entries, entry{key: keyBody, value: body})
		}
		if e.opt.Format == FormatTable {
			return e.row(t, entries)
		}
		if err := writeJSON(&b, entries); err != nil {
			return err
		}
		return e.out.append(d.Type+".jsonl", b.String())
	}
	b.WriteString("---\n")
	writeYAML(&b, entries)
	b.WriteString("---\n")
	if body, _ := values[keyBody].(string); body != "" {
		b.WriteString("\n" + body + "\n")
	}
	return e.out.write(name, b.String())
}

// entries are the keys of a variant in their order, the body aside.
func (e *exporter) entries(t *schemas.Type, def *workflow.Definition, d *content.Document, v *content.Variant, s side, values schemas.Values) []entry {
	var out []entry
	add := func(key string, value any) {
		if value != nil && value != "" {
			out = append(out, entry{key: key, value: value})
		}
	}
	moment := func(key string, at time.Time) {
		if !at.IsZero() {
			add(key, formatMoment(at))
		}
	}
	field := func(f *schemas.Field) {
		value, ok := values[f.Name]
		if !ok || value == nil {
			return
		}
		var order []string
		for _, p := range f.Parts {
			order = append(order, p.Name)
		}
		if object, ok := value.(map[string]any); ok && f.Kind == schemas.AttributesKind && e.opt.Format != FormatLines && e.opt.Format != FormatTable {
			value = attributesText(object)
		}
		out = append(out, entry{f.Name, value, order})
	}
	add(keyType, d.Type)
	add(keyID, d.ID)
	add(keyLocale, v.Locale)
	add(keySlug, s.slug)
	for _, f := range t.Fields {
		if f.Name == keyTitle || f.Name == keySummary {
			field(f)
		}
	}
	add(keyState, s.state)
	if s.working {
		add(keyWorkingCopy, true)
	}
	moment(keyPublishedAt, v.PublishedAt)
	moment(keyUpdatedAt, s.updated)
	if s.last {
		for _, due := range v.Schedule {
			step := def.Transition(due.Transition)
			if step == nil {
				continue
			}
			switch to := def.State(step.To); {
			case to.Public:
				moment(keyPublishAt, due.At)
			case to.Offline:
				moment(keyExpireAt, due.At)
			}
		}
	}
	if d.Assured != nil {
		add(keyAssuredDate, d.Assured.On)
	}
	add(keyOwner, d.Owner)
	for _, f := range t.Fields {
		if f.Name != keyTitle && f.Name != keySummary && f.Name != keyBody {
			field(f)
		}
	}
	return out
}

// reference gives the slug of a document where no other document could be meant
// by it, else its id; false when there is no such document any more.
func (e *exporter) reference(ref schemas.Ref, locale string) (string, bool) {
	for e.merged[ref.Target] != "" {
		ref.Target = e.merged[ref.Target]
	}
	slugs, ok := e.slugs[ref.Target]
	if !ok {
		return "", false
	}
	for _, l := range append([]string{locale, "it", "en"}, sortedKeys(slugs)...) {
		slug := slugs[l]
		if slug == "" {
			continue
		}
		alone := true
		for _, t := range ref.Types {
			holder, taken := e.holders[t+"/"+slug]
			alone = alone && (!taken || holder == ref.Target)
		}
		if alone {
			return slug, true
		}
	}
	return ref.Target, true
}

var safeLocale = regexp.MustCompile(`^[A-Za-z0-9-]{1,40}$`)

// fileName never leads out of the folder: a slug that is none is replaced by
// the id, and the folder refuses what is not local anyway.
func (e *exporter) fileName(d *content.Document, v *content.Variant, slug string, working bool) string {
	if !content.ValidSlug(slug) {
		slug = d.ID
	}
	name := slug + "." + v.Locale
	if !safeLocale.MatchString(v.Locale) {
		name = slug
	}
	if working {
		name += workingSuffix
	}
	return path.Join(d.Type, name+".md")
}
