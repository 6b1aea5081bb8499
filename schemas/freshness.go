package schemas

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"go.yaml.in/yaml/v3"
)

// Freshness says how long the facts of a type stay true without a confirmation
// by those who know (HSDS: assured_date). Its functions are pure. They count
// civil days: of every time.Time they take the year, month and day that it shows
// in its own location, and nothing else.
type Freshness struct {
	// Type is the content type.
	Type string `yaml:"type" json:"type"`
	// ConfirmAfter is days from the assured date to the day on which it is due.
	ConfirmAfter int `yaml:"confirm_after" json:"confirm_after"`
	// RemindBefore is days before the due day on which reminders go out, the
	// earliest reminder first.
	RemindBefore []int `yaml:"remind_before" json:"remind_before"`
	// EscalateAfter is days after the due day on which the council is told.
	EscalateAfter int `yaml:"escalate_after" json:"escalate_after"`
	// UnverifiedAfter is days after the due day on which the public sees "unverified".
	UnverifiedAfter int `yaml:"unverified_after" json:"unverified_after"`
	// HideAfter is days after the due day on which the public sees it no more.
	HideAfter int `yaml:"hide_after" json:"hide_after"`
}

// Stage is what the public sees of a document whose facts age.
type Stage string

// The stages, from the best.
const (
	StageCurrent    Stage = ""
	StageUnverified Stage = "unverified"
	StageHidden     Stage = "hidden"
)

// civil is the day that t shows, at UTC midnight.
func civil(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// Due is the civil day, at UTC midnight, on which a confirmation is due.
func (f *Freshness) Due(assured time.Time) time.Time {
	return civil(assured).AddDate(0, 0, f.ConfirmAfter)
}

// Stage is what the public sees today. What nobody ever assured (the zero time)
// is unverified; it is not hidden, because nobody was asked.
func (f *Freshness) Stage(assured, today time.Time) Stage {
	if assured.IsZero() {
		return StageUnverified
	}
	switch late := f.late(assured, today); {
	case late >= f.HideAfter:
		return StageHidden
	case late >= f.UnverifiedAfter:
		return StageUnverified
	}
	return StageCurrent
}

// Reminders is how many reminders are due by today, from none to all of
// RemindBefore, and whether the council is to be told. For what nobody ever
// assured all are due.
func (f *Freshness) Reminders(assured, today time.Time) (n int, escalated bool) {
	if assured.IsZero() {
		return len(f.RemindBefore), true
	}
	late := f.late(assured, today)
	for _, before := range f.RemindBefore {
		if late >= -before {
			n++
		}
	}
	return n, late >= f.EscalateAfter
}

// late is the civil days from the due day to today; negative before it.
func (f *Freshness) late(assured, today time.Time) int {
	return int(civil(today).Sub(f.Due(assured)) / (24 * time.Hour))
}

// check refuses a service level that makes no sense.
func (f *Freshness) check() error {
	if f.ConfirmAfter < 1 || f.ConfirmAfter > 3660 {
		return fmt.Errorf("confirm_after %d is not between 1 and 3660 days", f.ConfirmAfter)
	}
	last := f.ConfirmAfter
	for _, before := range f.RemindBefore {
		if before < 1 || before >= last {
			return fmt.Errorf("remind_before %v: days must be positive, each less than the one before and than confirm_after", f.RemindBefore)
		}
		last = before
	}
	switch {
	case f.EscalateAfter < 0:
		return errors.New("escalate_after is negative")
	case f.UnverifiedAfter < 0:
		return errors.New("unverified_after is negative")
	case f.HideAfter <= f.UnverifiedAfter:
		return errors.New("hide_after does not come after unverified_after")
	case f.HideAfter > 3660:
		return errors.New("hide_after is more than 3660 days")
	}
	return nil
}

// Freshness is the service level of a type; nil when its facts do not age.
func (r *Registry) Freshness(typ string) *Freshness { return r.freshness[typ] }

// loadFreshness reads freshness.yaml; without the file nothing ages.
func (r *Registry) loadFreshness(fsys fs.FS) error {
	const name = "freshness.yaml"
	var file struct {
		Types []yaml.Node `yaml:"types"`
	}
	if _, err := readYAML(fsys, name, &file); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	r.freshness = map[string]*Freshness{}
	for i := range file.Types {
		n := &file.Types[i]
		f := new(Freshness)
		if err := decode(n, f); err != nil {
			return at(name, n, err)
		}
		if r.typeByName[f.Type] == nil {
			return at(name, n, fmt.Errorf("unknown type %q", f.Type))
		}
		if r.freshness[f.Type] != nil {
			return at(name, n, fmt.Errorf("type %s is declared twice", f.Type))
		}
		if err := f.check(); err != nil {
			return at(name, n, fmt.Errorf("type %s: %w", f.Type, err))
		}
		r.freshness[f.Type] = f
	}
	return nil
}
