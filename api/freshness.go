package api

import (
	"net/http"
	"strings"
	"time"

	"github.com/prassi-cms/prassi/freshness"
)

// StaleDocument is a document that somebody should look at.
type StaleDocument struct {
	ID    string `json:"id" format:"uuid"`
	Type  string `json:"type"`
	Title string `json:"title" doc:"In the caller's language, or another that it is published in."`
	Owner string `json:"owner,omitempty" doc:"The organization's scope."`
	State string `json:"state" enum:"due,unverified,hidden,reported" doc:"What the public sees: as it was (due), with the word that nobody confirmed it (unverified), not at all (hidden). reported: it is not due, but somebody says that something has changed."`
	// Territories are codes.
	Territories []string `json:"territories" doc:"ISTAT codes."`
	AssuredOn   string   `json:"assured_on,omitempty" format:"date" doc:"When it was last confirmed (Europe/Rome); without it, nobody ever did."`
	DueOn       string   `json:"due_on,omitempty" format:"date" doc:"When the next confirmation was to come."`
	Asked       []Asked  `json:"asked" doc:"Who was asked since the last confirmation."`
	Nobody      bool     `json:"nobody,omitempty" doc:"There is nobody who could be asked: no address, or none at which anybody is."`
	Reports     []Said   `json:"reports" doc:"What people say has changed, the oldest first."`
	Links       struct {
		Self   string `json:"self" format:"uri-reference"`
		Assure string `json:"assure" format:"uri-reference" doc:"POST confirms it."`
	} `json:"_links"`
}

// Asked is somebody who was asked to confirm.
type Asked struct {
	As      string    `json:"as" enum:"assurer,people,contact" doc:"The field assurer_email, somebody who writes for the organization, or the first address among the contacts."`
	Person  string    `json:"person,omitempty" doc:"The person's id."`
	Address string    `json:"address,omitempty" format:"email"`
	At      time.Time `json:"at,omitzero" doc:"When the message went; without it, it has not yet."`
	Refused bool      `json:"refused,omitempty" doc:"The message cannot be delivered: nobody is at that address, or their server will not have it."`
}

// Said is what somebody says has changed.
type Said struct {
	At    time.Time `json:"at"`
	Words string    `json:"words" maxLength:"2000" doc:"Plain text."`
}

// listStale is the council's view.
func (s *Server) listStale(params []param) func(*call) error {
	ask := func(c *call, q *query) rows[*freshness.Stale] {
		f := freshness.Filter{Territory: q.text("territory"), After: q.text("cursor")}
		if q.text("stage") != "" {
			states := make([]string, len(freshness.States))
			for i, st := range freshness.States {
				states[i] = string(st)
			}
			f.State = freshness.State(q.oneOf("stage", states...))
		}
		if f.Territory != "" {
			t, ok := s.service.Territories().Lookup(f.Territory)
			if !ok {
				q.wrong("territory", "unknown_territory", "value")
			}
			f.Territory = t.ISTAT
		}
		return rows[*freshness.Stale]{
			read: func(limit int) ([]*freshness.Stale, error) {
				f.Limit = limit
				return s.freshness.Stale(c.ctx(), c.actor, f)
			},
			place: (*freshness.Stale).Place,
		}
	}
	return listPage(s, params, ask, func(c *call, st *freshness.Stale) (StaleDocument, error) { return s.staleView(st), nil })
}

func (s *Server) staleView(st *freshness.Stale) StaleDocument {
	d := st.Document
	out := StaleDocument{
		ID: d.ID, Type: d.Type, Title: st.Title, Owner: d.Owner, State: string(st.State), Territories: st.Territories, Nobody: st.Nobody,
		AssuredOn: dateOnly(st.On), DueOn: dateOnly(st.Due), Asked: []Asked{}, Reports: []Said{},
	}
	for _, a := range st.Asked {
		out.Asked = append(out.Asked, Asked{As: a.Way, Person: a.Person, Address: a.Address, At: a.At, Refused: a.Refused})
	}
	for _, r := range st.Reports {
		out.Reports = append(out.Reports, Said(r))
	}
	self := s.public + strings.Replace(manage+"/documents/{id}", "{id}", d.ID, 1)
	out.Links.Self, out.Links.Assure = self, self+"/assure"
	return out
}

// dateOnly writes a civil day; nothing for the zero time.
func dateOnly(day time.Time) string {
	if day.IsZero() {
		return ""
	}
	return day.Format(time.DateOnly)
}

// Assure says since when the facts are known to be true.
type Assure struct {
	On string `json:"on,omitempty" maxLength:"10" doc:"The day (Europe/Rome) on which somebody made sure, as 2026-05-01; today without it. Neither in the future nor before the one that is known."`
}

// AssuredDocument is a document that was confirmed.
type AssuredDocument struct {
	ID        string `json:"id" format:"uuid"`
	AssuredOn string `json:"assured_on" format:"date"`
	DueOn     string `json:"due_on" format:"date" doc:"When the next confirmation is to come."`
}

func (s *Server) assureDocument(c *call) error {
	var in Assure
	if err := s.decode(c.Request, &in); err != nil {
		return err
	}
	d, err := s.service.Assure(c.ctx(), c.actor, c.Param("id"), in.On)
	if err != nil {
		return err
	}
	out := AssuredDocument{ID: d.ID}
	if f := s.schemas.Freshness(d.Type); f != nil && d.Assured != nil {
		out.AssuredOn, out.DueOn = d.Assured.On, dateOnly(f.Due(d.Assured.Day()))
	}
	return answerJSON(c.Context, http.StatusOK, out)
}
