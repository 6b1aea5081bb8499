package freshness

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/access"
	"github.com/prassi-cms/prassi/schemas"
)

// State is what there is to do about a document, in the council's view.
type State string

// The states. A document whose facts somebody contradicts is StateReported
// besides.
const (
	StateDue        State = "due"        // a reminder is due, and the public sees it as it was
	StateUnverified State = "unverified" // the public sees that nobody confirmed it
	StateHidden     State = "hidden"     // the public does not see it
	StateReported   State = "reported"   // somebody says that something has changed
)

// States lists them.
var States = []State{StateDue, StateUnverified, StateHidden, StateReported}

// Filter asks for part of the view. The zero value asks for all.
type Filter struct {
	State     State
	Territory string // acronym or ISTAT code
	After     string // Stale.Place of the last one seen
	Limit     int
}

// Stale is a document that somebody should look at.
type Stale struct {
	Document *content.Document
	Title    string
	State    State
	// On is the assured date; zero when nobody ever confirmed. Due is when the next
	// was to come.
	On, Due time.Time
	// Territories are those of all its languages, as ISTAT codes.
	Territories []string
	Asked       []Asked
	// Nobody says that there is nobody who could be asked.
	Nobody  bool
	Reports []Said
}

// Asked says who was asked to confirm, and when.
type Asked struct {
	Way     string // assurer, people, contact
	Person  string // the id of a person; empty for an address of the document
	Address string
	At      time.Time // zero while it has not gone
	Refused bool      // the message cannot be delivered: nobody is there, or their server will not have it
}

// Said is what somebody says has changed.
type Said struct {
	At    time.Time
	Words string
}

// Place is where a document stands in the view.
func (s *Stale) Place() string { return place(s.On, s.Document.ID) }

func place(on time.Time, id string) string {
	if on.IsZero() {
		return "0 " + id
	}
	return on.Format(time.DateOnly) + " " + id
}

// survey is what is known of all live documents whose facts age, to choose from.
type survey struct {
	at   time.Time
	rows []row
}

type row struct {
	place    string
	id       string
	owner    string
	places   []string
	state    State
	reported bool
}

// maxAge is how old a survey may be. What it names is read anew before it is
// shown, so that nothing confirmed since is.
const maxAge = time.Minute

// look gives a survey of the moment, oldest first.
func (k *Keeper) look(ctx context.Context) ([]row, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if age := k.now().Sub(k.survey.at); k.survey.rows != nil && age >= 0 && age < maxAge {
		return k.survey.rows, nil
	}
	said := map[string][]string{}
	err := each(ctx, k, kindReport, "", func(_ string, _ int64, r report) error {
		said[r.Document] = append(said[r.Document], r.Assured)
		return nil
	})
	if err != nil {
		return nil, err
	}
	today, rows := k.today(), []row{}
	err = k.walk(ctx, func(d *content.Document, f *schemas.Freshness) error {
		on, day := assured(d)
		r := row{place: place(day, d.ID), id: d.ID, owner: d.Owner, places: territories(d), reported: slices.Contains(said[d.ID], on)}
		if r.state = stateOf(f, day, today, r.reported); r.state != "" {
			rows = append(rows, r)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(rows, func(a, b row) int { return strings.Compare(a.place, b.place) })
	k.survey = survey{at: k.now(), rows: rows}
	return rows, nil
}

// Stale lists what somebody should look at, of what the actor may see and confirm,
// what was confirmed longest ago first.
func (k *Keeper) Stale(ctx context.Context, actor content.Actor, f Filter) ([]*Stale, error) {
	if actor.Anonymous() {
		return nil, problem(content.Unauthenticated, "unauthenticated", nil)
	}
	rows, err := k.look(ctx)
	if err != nil {
		return nil, content.AsProblem(err)
	}
	var out []*Stale
	for _, r := range rows {
		if r.place <= f.After || f.Territory != "" && !slices.ContainsFunc(r.places, func(t string) bool { return k.service.Territories().Contains(f.Territory, t) }) {
			continue
		}
		if f.State != "" && f.State != r.state && !(f.State == StateReported && r.reported) {
			continue
		}
		// What people say has changed is for those who can do something about it, not
		// for everybody who sees the document.
		if k.service.May(actor, access.DocumentAssure, access.Object{Organization: r.owner, Territories: r.places}) == nil {
			continue
		}
		s, err := k.stale(ctx, actor, r.id, f.State)
		if err != nil {
			return nil, err
		}
		if s == nil {
			continue
		}
		if out = append(out, s); len(out) == f.Limit {
			break
		}
	}
	return out, nil
}

// stateOf says what there is to do; "" for nothing.
func stateOf(f *schemas.Freshness, on, today time.Time, reported bool) State {
	reminders, late := f.Reminders(on, today)
	stage := f.Stage(on, today)
	switch {
	case stage != schemas.StageCurrent:
		return State(stage)
	case reminders > 0 || late:
		return StateDue
	case reported:
		return StateReported
	}
	return ""
}

// stale reads one document for the view; nil when it does not belong there, now
// or for this actor.
func (k *Keeper) stale(ctx context.Context, actor content.Actor, id string, want State) (*Stale, error) {
	d, err := k.service.Get(ctx, actor, id)
	if p := content.AsProblem(err); p != nil {
		if p.Class == content.NotFound {
			return nil, nil
		}
		return nil, err
	}
	f := k.service.Schemas().Freshness(d.Type)
	if !d.Live() || f == nil {
		return nil, nil
	}
	on, day := assured(d)
	s := &Stale{Document: d, Territories: territories(d), Title: k.title(d, actor.Locale), On: day}
	if !day.IsZero() {
		s.Due = f.Due(day)
	}
	err = each(ctx, k, kindReport, d.ID+"/", func(_ string, _ int64, r report) error {
		if r.Assured == on {
			s.Reports = append(s.Reports, Said{At: r.At, Words: r.Words})
		}
		return nil
	})
	if err != nil {
		return nil, content.AsProblem(err)
	}
	s.State = stateOf(f, day, k.today(), len(s.Reports) > 0)
	if s.State == "" || want != "" && want != s.State && (want != StateReported || len(s.Reports) == 0) {
		return nil, nil
	}
	a, _, err := read[asked](ctx, k, kindAsked, d.ID)
	if err != nil {
		return nil, content.AsProblem(err)
	}
	if a.Assured == on {
		s.Nobody = a.Nobody != 0
		for _, l := range a.Letters {
			s.Asked = append(s.Asked, Asked{Way: l.Way, Person: l.Person, Address: l.Address, At: l.Sent, Refused: l.Refused})
		}
	}
	return s, nil
}
