package audit_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/messages"
)

const daily = 24 * time.Hour

// Defaults are those that the privacy notice tells people.
func TestDefaultRetention(t *testing.T) {
	r := audit.DefaultRetention()
	if got, want := r.String(), "traces=180d,sessions=30d,tokens=90d,links=7d,once=1d,people_without_role=180d,invitations=90d,media_unused=30d,reports=90d,widget_use=730d,previews=7d,deliveries=30d,audit=never"; got != want {
		t.Errorf("defaults %s, want %s", got, want)
	}
	if age, ok := r.Age("traces"); age != 180*daily || !ok {
		t.Errorf("traces are kept for %s, %t", age, ok)
	}
	for _, kind := range []string{"audit", "nothing"} {
		if age, ok := r.Age(kind); age != 0 || ok {
			t.Errorf("%s is kept for %s, %t", kind, age, ok)
		}
	}
	for _, row := range r.Rows() {
		for what, words := range map[string]map[string]string{"label": row.Label, "purpose": row.Purpose} {
			seen := map[string]bool{}
			for _, lang := range messages.Languages {
				word := strings.TrimSpace(words[lang])
				if word == "" || seen[word] {
					t.Errorf("%s: the %s in %s is missing or another language's: %q", row.Kind, what, lang, word)
				}
				seen[word] = true
			}
			if len(words) != len(messages.Languages) {
				t.Errorf("%s: the %s is in %v", row.Kind, what, slices.Sorted(maps.Keys(words)))
			}
		}
	}
}

func TestRetentionWith(t *testing.T) {
	r := audit.DefaultRetention()
	for settings, want := range map[string]map[string]time.Duration{
		"":                               {"traces": 180 * daily, "sessions": 30 * daily},
		"sessions=40d,traces=200d":       {"traces": 200 * daily, "sessions": 40 * daily},
		" sessions = 36h , ":             {"traces": 180 * daily, "sessions": 36 * time.Hour},
		"traces=never":                   {"traces": 0},
		"traces=1d":                      {"traces": daily},
		"traces=24h":                     {"traces": daily},
		"audit=never":                    {"audit": 0},
		"links=1h,once=1h,tokens=36500d": {"links": time.Hour, "once": time.Hour, "tokens": 36500 * daily},
	} {
		got, err := r.With(settings)
		if err != nil {
			t.Errorf("%q: %v", settings, err)
		}
		for kind, age := range want {
			if got, ok := got.Age(kind); got != age || ok != (age != 0) {
				t.Errorf("%q: %s is kept for %s, %t", settings, kind, got, ok)
			}
		}
	}
	if got := r.String(); got != audit.DefaultRetention().String() {
		t.Errorf("With changed what it was called on: %s", got)
	}
	for settings, want := range map[string]struct {
		code, says string
	}{
		"traces":                       {audit.CodeRetentionSyntax, "“traces”"},
		"=30d":                         {audit.CodeRetentionSyntax, "“=30d”"},
		"traces=":                      {audit.CodeRetentionSyntax, "“traces=”"},
		"traces=30d sessions=3d":       {audit.CodeRetentionAge, "“30d sessions=3d”"},
		"cookies=30d":                  {audit.CodeRetentionUnknown, "traces, sessions, tokens"},
		"traces=30d,traces=40d":        {audit.CodeRetentionTwice, "“traces”"},
		"traces=0d":                    {audit.CodeRetentionAge, "“0d”"},
		"traces=-1d":                   {audit.CodeRetentionAge, "“-1d”"},
		"traces=+9d":                   {audit.CodeRetentionAge, "“+9d”"},
		"traces=1.5d":                  {audit.CodeRetentionAge, "traces"},
		"traces=30":                    {audit.CodeRetentionAge, "30d"},
		"traces=30m":                   {audit.CodeRetentionAge, "30m"},
		"traces=d":                     {audit.CodeRetentionAge, "“d”"},
		"traces=36501d":                {audit.CodeRetentionAge, "36501d"},
		"traces=4294967295d":           {audit.CodeRetentionAge, "4294967295d"},
		"traces=99999999999999999999d": {audit.CodeRetentionAge, "traces"},
		"traces=Never":                 {audit.CodeRetentionAge, "Never"},
		"traces=23h":                   {audit.CodeRetentionShort, "1d"},
		"audit=30d":                    {audit.CodeRetentionFixed, "“audit”"},
		"sessions=9d,audit=9d":         {audit.CodeRetentionFixed, "“audit”"},
	} {
		got, err := r.With(settings)
		var p *content.Problem
		if !errors.As(err, &p) || p.Code != want.code || p.Class != content.Invalid {
			t.Errorf("%q: %v, want %s", settings, err, want.code)
			continue
		}
		if said := messages.Text("en", p.Code, p.Params); !strings.Contains(said, want.says) {
			t.Errorf("%q: it says %q, without %q", settings, said, want.says)
		}
		if got.String() != r.String() {
			t.Errorf("%q: a refusal gave %s", settings, got)
		}
	}
}

// Any ages that are allowed read back as they are written.
func TestRetentionRoundTrip(t *testing.T) {
	r := audit.DefaultRetention()
	rapid.Check(t, func(t *rapid.T) {
		var parts []string
		for _, row := range r.Rows() {
			if row.Fixed {
				continue
			}
			hours := int(row.Minimum / time.Hour)
			parts = append(parts, row.Kind+"="+rapid.SampledFrom([]string{
				"never", fmt.Sprintf("%dd", rapid.IntRange(max(1, hours/24), 36500).Draw(t, "days")), fmt.Sprintf("%dh", rapid.IntRange(hours, 9999).Draw(t, "hours")),
			}).Draw(t, "age"))
		}
		one, err := r.With(strings.Join(parts, ","))
		if err != nil {
			t.Fatal(err)
		}
		two, err := r.With(one.String())
		if err != nil || one.String() != two.String() {
			t.Fatalf("%s is read as %s, %v", one, two, err)
		}
	})
}

func TestParseRetention(t *testing.T) {
	good := "kinds:\n  - {kind: traces, default: 30d, minimum: 1d, label: {it: a}, purpose: {it: b}}\n"
	if r, err := audit.ParseRetention([]byte(good)); err != nil || r.String() != "traces=30d" {
		t.Errorf("%s, %v", r, err)
	}
	for name, bad := range map[string]string{
		"empty":       "",
		"no kinds":    "kinds: []",
		"unknown key": strings.Replace(good, "minimum", "minimun", 1),
		"twice":       good + strings.TrimPrefix(good, "kinds:\n"),
		"name":        strings.Replace(good, "traces", "Tra ces", 1),
		"default":     strings.Replace(good, "30d", "30", 1),
		"no minimum":  strings.Replace(good, "minimum: 1d, ", "", 1),
		"never least": strings.Replace(good, "minimum: 1d", "minimum: never", 1),
		"below":       strings.Replace(good, "minimum: 1d", "minimum: 31d", 1),
		"no label":    strings.Replace(good, "label: {it: a}", "label: {en: a}", 1),
	} {
		if r, err := audit.ParseRetention([]byte(bad)); err == nil {
			t.Errorf("%s was taken: %s", name, r)
		}
	}
	var zero audit.Retention
	if _, ok := zero.Age("traces"); ok || zero.String() != "" {
		t.Error("the zero value deletes something")
	}
}

// purger pretends to delete.
type purger struct {
	kind string
	n    int
	err  error
	mu   sync.Mutex
	seen []time.Time
}

func (p *purger) Kind() string { return p.kind }
func (p *purger) Purge(_ context.Context, olderThan time.Time) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = append(p.seen, olderThan)
	return p.n, p.err
}

func TestSweeper(t *testing.T) {
	ctx, s, c := t.Context(), sqlite(t), newClock()
	l := audit.New(s, c.Now)
	r, err := audit.DefaultRetention().With("tokens=never,sessions=12d")
	must(t, err)
	down := errors.New("engine is down")
	sessions, links := &purger{kind: "sessions", n: 3}, &purger{kind: "links", n: 2, err: down}
	tokens, once, media := &purger{kind: "tokens", n: 9}, &purger{kind: "once"}, &purger{kind: "media_unused", n: 1}
	unknown := &purger{kind: "cookies", n: 5}
	sweeper := audit.NewSweeper(l, r, slog.New(slog.NewTextHandler(io.Discard, nil)), links, sessions, unknown, tokens, once, media)

	counts, err := sweeper.Run(ctx)
	if want := map[string]int{"sessions": 3, "links": 2, "once": 0, "media_unused": 1}; !maps.Equal(counts, want) {
		t.Errorf("deleted %v, want %v", counts, want)
	}
	if !errors.Is(err, down) || !strings.Contains(err.Error(), "cookies") {
		t.Errorf("the error is %v", err)
	}
	if len(tokens.seen)+len(unknown.seen) != 0 {
		t.Error("what is kept for ever was deleted")
	}
	now := c.Now().Truncate(time.Millisecond)
	for p, age := range map[*purger]time.Duration{sessions: 12 * daily, links: 7 * daily, once: daily, media: 30 * daily} {
		if len(p.seen) != 1 || !p.seen[0].Equal(now.Add(-age)) {
			t.Errorf("%s: deleted before %v", p.kind, p.seen)
		}
	}
	list := entries(t, l, "retention:run")
	if len(list) != 1 || list[0].Action != audit.RetentionRan || list[0].Actor != "system:retention" || list[0].Via != "schedule" ||
		list[0].Details["count"] != "6" || list[0].Details["kind"] != "links=2 media_unused=1 sessions=3" {
		t.Errorf("told of %+v", list)
	}

	// Nothing went: nothing is told.
	sessions.n, links.n, media.n, links.err = 0, 0, 0, nil
	if _, err := audit.NewSweeper(l, r, nil, links, sessions, once, media).Run(ctx); err != nil {
		t.Error(err)
	}
	if list := entries(t, l, "retention:run"); len(list) != 1 {
		t.Errorf("told of %d runs", len(list))
	}
	// Nobody waits for it any more.
	ended, stop := context.WithCancel(ctx)
	stop()
	before := len(links.seen)
	if _, err := audit.NewSweeper(l, r, nil, links).Run(ended); !errors.Is(err, context.Canceled) || len(links.seen) != before {
		t.Errorf("after the end: %v", err)
	}
	clean(t, l)
}

// A sweep deletes traces and nothing of the chains that name them.
func TestSweepTraces(t *testing.T) {
	ctx, s, c := t.Context(), sqlite(t), newClock()
	l := audit.New(s, c.Now)
	id, err := l.Trace(ctx, "person:anna", "203.0.113.7")
	must(t, err)
	must(t, l.Note(ctx, "person:anna", content.Actor{ID: "person:anna", Trace: id}, audit.SignedIn, nil))
	sweeper := audit.NewSweeper(l, audit.DefaultRetention(), nil, l.TracePurger())
	for _, days := range []int{0, 180} {
		c.Turn(time.Duration(days) * daily)
		if counts, err := sweeper.Run(ctx); err != nil || counts["traces"] != 0 {
			t.Errorf("after %d days: %v, %v", days, counts, err)
		}
	}
	c.Turn(daily)
	if counts, err := sweeper.Run(ctx); err != nil || counts["traces"] != 1 {
		t.Errorf("after 181 days: %v, %v", counts, err)
	}
	if e := entries(t, l, "person:anna")[0]; e.Trace != id {
		t.Errorf("the entry is %+v", e)
	}
	if r := clean(t, l); r.Entries != 2 {
		t.Errorf("%d entries", r.Entries)
	}
}
