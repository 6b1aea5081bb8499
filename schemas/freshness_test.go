package schemas

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"pgregory.net/rapid"
)

func day(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return t
}

func TestFreshnessOfServices(t *testing.T) {
	f := Default().Freshness("service")
	if f == nil {
		t.Fatal("services do not age")
	}
	if f := Default().Freshness("article"); f != nil {
		t.Errorf("articles age: %+v", f)
	}
	for _, c := range []struct {
		assured, today, due string
		stage               Stage
		reminders           int
		escalated           bool
	}{
		{"2026-01-10", "2026-01-10", "2027-01-10", StageCurrent, 0, false},
		{"2026-01-10", "2026-12-19", "2027-01-10", StageCurrent, 0, false},
		{"2026-01-10", "2026-12-20", "2027-01-10", StageCurrent, 1, false},
		{"2026-01-10", "2027-01-02", "2027-01-10", StageCurrent, 1, false},
		{"2026-01-10", "2027-01-03", "2027-01-10", StageCurrent, 2, false},
		{"2026-01-10", "2027-01-09", "2027-01-10", StageCurrent, 2, false},
		{"2026-01-10", "2027-01-10", "2027-01-10", StageCurrent, 2, true},
		{"2026-01-10", "2027-02-08", "2027-01-10", StageCurrent, 2, true},
		{"2026-01-10", "2027-02-09", "2027-01-10", StageUnverified, 2, true},
		{"2026-01-10", "2027-05-09", "2027-01-10", StageUnverified, 2, true},
		{"2026-01-10", "2027-05-10", "2027-01-10", StageHidden, 2, true},
		{"2026-01-10", "2099-01-01", "2027-01-10", StageHidden, 2, true},
		// A leap day within the year brings the due day forward on the calendar.
		{"2027-03-01", "2028-02-28", "2028-02-29", StageCurrent, 2, false},
		{"2027-03-01", "2028-02-29", "2028-02-29", StageCurrent, 2, true},
		{"2028-02-29", "2029-02-28", "2029-02-28", StageCurrent, 2, true},
		{"2028-02-29", "2029-03-29", "2029-02-28", StageCurrent, 2, true},
		{"2028-02-29", "2029-03-30", "2029-02-28", StageUnverified, 2, true},
		// An assured day to come, of a clock that was wrong.
		{"2027-01-01", "2026-01-01", "2028-01-01", StageCurrent, 0, false},
	} {
		assured, today := day(c.assured), day(c.today)
		if got := f.Due(assured); !got.Equal(day(c.due)) || got.Location() != time.UTC {
			t.Errorf("%s is due on %s, want %s", c.assured, got, c.due)
		}
		if got := f.Stage(assured, today); got != c.stage {
			t.Errorf("%s on %s: stage %q, want %q", c.assured, c.today, got, c.stage)
		}
		if n, escalated := f.Reminders(assured, today); n != c.reminders || escalated != c.escalated {
			t.Errorf("%s on %s: %d reminders, escalated %v", c.assured, c.today, n, escalated)
		}
	}
	if got := f.Stage(time.Time{}, day("2026-01-01")); got != StageUnverified {
		t.Errorf("never assured: %q", got)
	}
	if n, escalated := f.Reminders(time.Time{}, day("2026-01-01")); n != 2 || !escalated {
		t.Errorf("never assured: %d %v", n, escalated)
	}
}

// Only the civil day counts: neither the hour nor the place of the clock, nor
// the hour that a day of another length has more or less.
func TestFreshnessCountsDays(t *testing.T) {
	rome, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	f := Default().Freshness("service")
	rapid.Check(t, func(t *rapid.T) {
		assured := day("2020-01-01").AddDate(0, 0, rapid.IntRange(0, 5000).Draw(t, "assured"))
		today := assured.AddDate(0, 0, rapid.IntRange(-10, 600).Draw(t, "later"))
		at := func(d time.Time, loc *time.Location) time.Time {
			return time.Date(d.Year(), d.Month(), d.Day(), rapid.IntRange(0, 23).Draw(t, "hour"), 59, 59, 999, loc)
		}
		a, b := at(assured, rome), at(today, time.UTC)
		if f.Stage(a, b) != f.Stage(assured, today) || !f.Due(a).Equal(f.Due(assured)) {
			t.Fatalf("%s %s is not %s %s", a, b, assured, today)
		}
		n, told := f.Reminders(a, b)
		if n2, told2 := f.Reminders(assured, today); n != n2 || told != told2 {
			t.Fatalf("%s %s is not %s %s", a, b, assured, today)
		}
		// Nothing gets better by waiting.
		later, toldLater := f.Reminders(assured, today.AddDate(0, 0, 1))
		order := map[Stage]int{StageCurrent: 0, StageUnverified: 1, StageHidden: 2}
		if later < n || told && !toldLater || order[f.Stage(assured, today.AddDate(0, 0, 1))] < order[f.Stage(assured, today)] {
			t.Fatalf("a day after %s it is better", today)
		}
	})
}

func TestFreshnessDeclarations(t *testing.T) {
	load := func(text string) error {
		r := &Registry{typeByName: Default().typeByName}
		return r.loadFreshness(fstest.MapFS{"freshness.yaml": &fstest.MapFile{Data: []byte(text)}})
	}
	const good = "types:\n  - {type: service, confirm_after: 10, remind_before: [3, 1], escalate_after: 0, unverified_after: 1, hide_after: 2}\n"
	for name, c := range map[string]struct{ old, new, want string }{
		"unknown type":       {"type: service", "type: sevrice", "freshness.yaml:2: unknown type \"sevrice\""},
		"unknown key":        {"hide_after", "hid_after", "freshness.yaml:2: unknown key"},
		"never":              {"confirm_after: 10", "confirm_after: 0", "freshness.yaml:2: type service: confirm_after 0"},
		"too late":           {"confirm_after: 10", "confirm_after: 4000", "confirm_after 4000"},
		"reminders grow":     {"[3, 1]", "[1, 3]", "remind_before [1 3]"},
		"reminders repeated": {"[3, 1]", "[3, 3]", "remind_before [3 3]"},
		"reminder at due":    {"[3, 1]", "[3, 0]", "remind_before [3 0]"},
		"reminder too early": {"[3, 1]", "[10]", "remind_before [10]"},
		"escalated before":   {"escalate_after: 0", "escalate_after: -1", "escalate_after is negative"},
		"unverified before":  {"unverified_after: 1", "unverified_after: -1", "unverified_after is negative"},
		"hidden first":       {"hide_after: 2", "hide_after: 1", "hide_after does not come after"},
		"hidden for ever":    {"hide_after: 2", "hide_after: 99999", "hide_after is more"},
		"no number":          {"hide_after: 2", "hide_after: soon", "freshness.yaml:2:"},
		"no list":            {"[3, 1]", "3", "freshness.yaml:2: a list is expected"},
		"nothing":            {good, " ", "freshness.yaml:1: the file is empty"},
	} {
		err := load(strings.Replace(good, c.old, c.new, 1))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	twice := good + strings.TrimPrefix(good, "types:\n")
	if err := load(twice); err == nil || !strings.Contains(err.Error(), "freshness.yaml:3: type service is declared twice") {
		t.Error(err)
	}
	if err := load(good); err != nil {
		t.Error(err)
	}
	// Loading asks for the file, and does without.
	if _, err := Load(overlay(t, map[string]string{"freshness.yaml": strings.Replace(good, "10", "0", 1)})); err == nil {
		t.Error("a registry with a wrong service level")
	}
	r, err := Load(overlay(t, map[string]string{"freshness.yaml": ""}))
	if err != nil || r.Freshness("service") != nil {
		t.Errorf("without the file: %v", err)
	}
}

// The interchange format says when an item was confirmed, where that matters.
func TestAssuredDateInSchema(t *testing.T) {
	for _, ty := range Default().Types() {
		props := Default().JSONSchema(ty, "https://prassi.example")["properties"].(map[string]any)
		if ages := Default().Freshness(ty.Name) != nil; ages != (props["assured_date"] != nil) {
			t.Errorf("%s ages: %v, and its schema says otherwise", ty.Name, ages)
		}
	}
}
