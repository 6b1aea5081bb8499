package interchange

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/interchange/hsds"
	"github.com/prassi-cms/prassi/schemas"
)

// Importer is the one door to every write; *content.Service is one.
type Importer interface {
	Import(ctx context.Context, actor content.Actor, batch []content.Incoming, dryRun bool) ([]content.ImportResult, error)
}

// RunOptions say how an import runs.
type RunOptions struct {
	// Actor is who imports: a role of the newsroom.
	Actor content.Actor
	// DryRun writes nothing and reports what would change, field by field.
	DryRun bool
	// Verbose also reports what is unchanged.
	Verbose bool
	// Library, when set, takes the files that come with the content.
	Library Library
	// Progress, when set, hears how many variants of the plan are dealt with.
	Progress func(done, total int)
	// Report, when set, takes one line for each thing to say.
	Report io.Writer
	// Messages words the codes; without it the report has codes and parameters.
	Messages Messages
}

// Summary counts what an import did or, on a dry run, would do. Documents are
// those of which at least one variant is in the store now; the other numbers
// count variants.
type Summary struct {
	Documents int
	Created   int
	Changed   int
	Unchanged int
	Refused   int
	// Media counts pictures and documents that were brought in.
	Media int
	// Ignored counts keys that were passed over, by key; for tags by key and word.
	Ignored map[string]int
}

// Import brings a plan into the store, batch by batch. It is idempotent: what is
// there already, and the same, is unchanged. An import that was interrupted is
// resumed by running it again. An error means that the store or the context
// failed; what is wrong with the input is in the report and counted as refused.
func Import(ctx context.Context, svc Importer, p *Plan, opt RunOptions) (Summary, error) {
	r := &run{plan: p, opt: opt, say: opt.Messages, sum: Summary{Ignored: map[string]int{}}}
	if r.say == nil {
		r.say = plainMessages
	}
	if opt.DryRun {
		r.line(Finding{Code: CodeReportDryRun})
	}
	r.sum.Refused = p.Refused
	maps.Copy(r.sum.Ignored, p.unmapped)
	for _, f := range p.Findings {
		r.line(f)
	}
	fine, err := r.media(ctx)
	if fine && err == nil {
		err = r.all(ctx, svc)
	}
	r.finish()
	return r.sum, err
}

type run struct {
	plan *Plan
	opt  RunOptions
	say  Messages
	sum  Summary
	done int
	err  error // of the report's writer
}

// all reads the next batch while the store writes the last one.
func (r *run) all(ctx context.Context, svc Importer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type read struct {
		*Batch
		error
	}
	batches := make(chan read, 1)
	go func() {
		defer close(batches)
		for b, err := range r.plan.Batches(ctx) {
			select {
			case batches <- read{b, err}:
			case <-ctx.Done():
				return
			}
		}
	}()
	for b := range batches {
		if b.error != nil {
			return b.error
		}
		if err := r.batch(ctx, svc, b.Batch); err != nil {
			cancel()
			for range batches { // the reader uses the plan's files until it ends
			}
			return err
		}
	}
	return ctx.Err()
}

func (r *run) batch(ctx context.Context, svc Importer, b *Batch) error {
	r.sum.Refused += b.Refused
	r.done += b.Refused
	for _, f := range b.Findings {
		r.line(f)
	}
	var results []content.ImportResult
	if len(b.Incoming) > 0 {
		var err error
		if results, err = svc.Import(ctx, r.opt.Actor, b.Incoming, r.opt.DryRun); err != nil {
			return err
		}
		if err := r.amended(ctx, svc, b, results); err != nil {
			return err
		}
	}
	n := 0
	for d := range b.Incoming {
		stored := false
		for v := range b.Incoming[d].Variants {
			if n >= len(results) {
				return fmt.Errorf("import: %d results for more variants", len(results))
			}
			stored = r.result(b, d, v, &results[n]) || stored
			n++
		}
		if stored && !b.again[d] {
			r.sum.Documents++
		}
	}
	if r.opt.Progress != nil {
		r.opt.Progress(min(r.done, r.plan.Variants), r.plan.Variants)
	}
	return r.err
}

// amended brings in what was refused for something that a file of HSDS cannot
// mend: as drafts what lacks something that only we ask for, and under an id of
// their own services whose id is that of an organisation in the store.
func (r *run) amended(ctx context.Context, svc Importer, b *Batch, results []content.ImportResult) error {
	const most = 2 // one object may have both
	for range most {
		var again []content.Incoming
		var at []int
		n := 0
		for d := range b.Incoming {
			in, first := &b.Incoming[d], n
			n += len(in.Variants)
			if b.items[d][0].src.notation == hsdsFile && len(in.Variants) == 1 && first < len(results) && r.amend(b.items[d][0], in, &results[first]) {
				again, at = append(again, *in), append(at, first)
			}
		}
		if len(again) == 0 {
			break
		}
		second, err := svc.Import(ctx, r.opt.Actor, again, r.opt.DryRun)
		if err != nil {
			return err
		}
		for i, res := range second {
			results[at[i]] = res
		}
	}
	return nil
}

// amend changes a refused document so that it may come in, or says no.
func (r *run) amend(it *item, in *content.Incoming, res *content.ImportResult) bool {
	if res.Outcome != content.Refused || res.Problem == nil {
		return false
	}
	tell := func(code string, params map[string]any) {
		r.line(Finding{Source: it.src.name, Line: it.at.line, Code: code, Params: params})
	}
	switch res.Problem.Code {
	case "guard_complete":
		if !in.Variants[0].Publish {
			return false
		}
		for _, f := range res.Problem.Fields {
			tell(CodeHSDSNotShown, map[string]any{"field": strings.TrimPrefix(f.Path, "/")})
		}
		in.Variants[0].Publish = false
	case "type_mismatch":
		if in.Type != string(hsds.Service) || res.Problem.Params["type"] != string(hsds.Organization) {
			return false
		}
		tell(CodeHSDSTwin, map[string]any{"id": in.ID})
		in.ID = hsds.TwinID(hsds.Service, in.ID)
	default:
		return false
	}
	return true
}

// result counts and reports one variant, and says whether it is in the store.
func (r *run) result(b *Batch, d, v int, res *content.ImportResult) bool {
	it := b.items[d][v]
	if res.Outcome == content.Refused && r.opt.DryRun && r.comesEarlier(it, res.Problem) {
		res.Outcome, res.Problem = content.Created, nil
	}
	if b.again[d] && res.Outcome != content.Refused {
		return true // counted when it came first, without some references
	}
	if !b.again[d] {
		r.done++
		for _, key := range it.ignored {
			r.sum.Ignored[key]++
		}
	}
	f := Finding{Source: it.src.name, Line: it.at.line, Params: map[string]any{
		"document": res.Document, "type": it.typ.Name, "locale": res.Locale, "slug": res.Slug,
	}}
	switch res.Outcome {
	case content.Created:
		r.sum.Created++
		f.Code = CodeReportCreated
	case content.Changed:
		r.sum.Changed++
		f.Code = CodeReportChanged
	case content.Unchanged:
		r.sum.Unchanged++
		if f.Code = CodeReportUnchanged; !r.opt.Verbose {
			return true
		}
	default:
		r.sum.Refused++
		r.problem(it, res.Problem)
		return false
	}
	r.line(f)
	if res.Queued {
		r.line(Finding{Source: f.Source, Line: f.Line, Code: CodeReportQueued, Params: f.Params})
	}
	for _, c := range it.clashes {
		r.line(Finding{Source: f.Source, Line: f.Line, Code: CodeHSDSBoth, Params: map[string]any{"field": c.Field, "here": textOf(c.Here), "there": textOf(c.There)}})
	}
	if r.opt.DryRun || r.opt.Verbose {
		for _, c := range res.Changes {
			r.line(Finding{Source: f.Source, Line: it.locate("/" + c.Field).line, Code: CodeReportField, Params: map[string]any{
				"field": c.Field, "before": brief(string(c.Before)), "after": brief(string(c.After)),
			}})
		}
	}
	return true
}

// comesEarlier says that a dry run was refused only for references to documents
// that the import itself would have made by then.
func (r *run) comesEarlier(it *item, p *content.Problem) bool {
	if p == nil || len(p.Fields) == 0 {
		return false
	}
	for _, is := range p.Fields {
		if is.Code != "reference_not_found" {
			return false
		}
		target, _ := is.Params["value"].(string)
		refs := it.typ.References(it.values)
		i := slices.IndexFunc(refs, func(ref schemas.Ref) bool { return ref.Target == target })
		if i < 0 {
			return false
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(refs[i].Path, "/"), "/")
		field, _ := it.typ.Field(name)
		if _, ok := r.plan.refers(refUse{field: field, target: target}); !ok {
			return false
		}
	}
	return true
}

// problem reports why the service refused a variant, at the place of each field.
func (r *run) problem(it *item, p *content.Problem) {
	f := Finding{Source: it.src.name, Line: it.at.line, Column: it.at.column}
	if p == nil {
		p = &content.Problem{Code: "internal_error"}
	}
	if len(p.Fields) == 0 {
		f.Code, f.Params = p.Code, p.Params
		r.line(f)
		return
	}
	for _, bad := range issueFaults(p.Fields, it.locate) {
		r.line(bad.in(it.src.name))
	}
}

func (r *run) finish() {
	ignored := 0
	for _, key := range sortedKeys(r.sum.Ignored) {
		ignored += r.sum.Ignored[key]
		r.line(Finding{Code: CodeReportIgnored, Params: map[string]any{"key": key, "count": r.sum.Ignored[key]}})
	}
	r.line(Finding{Code: CodeReportSummary, Params: map[string]any{
		"documents": r.sum.Documents, "created": r.sum.Created, "changed": r.sum.Changed,
		"unchanged": r.sum.Unchanged, "refused": r.sum.Refused, "ignored": ignored,
	}})
}

func (r *run) line(f Finding) {
	if r.opt.Report == nil || r.err != nil {
		return
	}
	_, r.err = io.WriteString(r.opt.Report, f.render(r.say)+"\n")
}

// textOf writes a decoded value for a report; nothing for none.
func textOf(v any) string {
	if v == nil {
		return ""
	}
	data, err := json.Marshal(v)
	if err != nil { // decoded values can be written
		return ""
	}
	return brief(string(data))
}

// brief shortens a value for a report.
func brief(s string) string {
	const longest = 120
	if utf8.RuneCountInString(s) > longest {
		s = string([]rune(s)[:longest]) + "…"
	}
	return s
}
