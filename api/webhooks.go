package api

import (
	"net/http"
	"time"

	"github.com/prassi-cms/prassi/internal/secret"
	"github.com/prassi-cms/prassi/messages"
	"github.com/prassi-cms/prassi/schemas"
	"github.com/prassi-cms/prassi/webhooks"
)

// NewWebhook describes a receiver. A list that is empty or left out asks for
// everything.
type NewWebhook struct {
	Name        string   `json:"name" maxLength:"100" doc:"What it is for."`
	URL         string   `json:"url" maxLength:"2000" format:"uri" doc:"Where requests go: https, on a public address."`
	Events      []string `json:"events,omitempty" maxLength:"40" doc:"item.published, item.updated, item.withdrawn, item.merged, build.finished."`
	Collections []string `json:"collections,omitempty" maxLength:"40"`
	Locales     []string `json:"locales,omitempty" maxLength:"35" doc:"BCP 47."`
	Territories []string `json:"territories,omitempty" maxLength:"6" doc:"Province acronyms or ISTAT codes; a territory finds what lies in it, or lay in it before."`
	Topics      []string `json:"topics,omitempty" maxLength:"80"`
}

// WebhookChange says what is to be different.
type WebhookChange struct {
	Name        string   `json:"name,omitempty" maxLength:"100"`
	URL         string   `json:"url,omitempty" maxLength:"2000" format:"uri"`
	Events      []string `json:"events,omitempty" maxLength:"40"`
	Collections []string `json:"collections,omitempty" maxLength:"40"`
	Locales     []string `json:"locales,omitempty" maxLength:"35"`
	Territories []string `json:"territories,omitempty" maxLength:"6"`
	Topics      []string `json:"topics,omitempty" maxLength:"80"`
	State       string   `json:"state,omitempty" maxLength:"10" enum:"active,paused"`
}

// Webhook is a receiver, without its secret.
type Webhook struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	URL         string    `json:"url" format:"uri"`
	Events      []string  `json:"events" doc:"Empty: all."`
	Collections []string  `json:"collections" doc:"Empty: all."`
	Locales     []string  `json:"locales" doc:"Empty: all."`
	Territories []string  `json:"territories" doc:"ISTAT codes. Empty: all, and what concerns none."`
	Topics      []string  `json:"topics" doc:"Empty: all."`
	State       string    `json:"state" enum:"active,paused,disabled" doc:"disabled: switched off by us."`
	Reason      string    `json:"reason,omitempty" doc:"The code of why it was switched off."`
	Message     string    `json:"message,omitempty" doc:"The same in the caller's language."`
	CreatedAt   time.Time `json:"created_at"`
	RotatedAt   time.Time `json:"rotated_at" doc:"When the present secret was made."`
	OverlapEnds time.Time `json:"overlap_ends_at,omitzero" doc:"Until when the secret before is good as well."`
	// How the receiver does.
	Waiting      int       `json:"waiting" minimum:"0" doc:"Messages that failed and wait for another attempt, with those behind them."`
	LastSuccess  time.Time `json:"last_success_at,omitzero"`
	FailingSince time.Time `json:"failing_since,omitzero" doc:"Absent while the last attempt was a success."`
	Links        struct {
		Self       string `json:"self" format:"uri-reference"`
		Deliveries string `json:"deliveries" format:"uri-reference"`
	} `json:"_links"`
}

// CreatedWebhook is a webhook with its secret, which is told this once.
type CreatedWebhook struct {
	Webhook
	Secret string `json:"secret" doc:"Shown once: whsec_ and the key in base64."`
}

// NewWebhookSecret asks for another secret.
type NewWebhookSecret struct {
	Overlap *int `json:"overlap_hours,omitempty" minimum:"0" maximum:"168" doc:"For how many hours the secret before stays good; 24 without it, 0 ends it at once."`
}

// WebhookReplay says what is to be sent again: one of delivery, document and
// since.
type WebhookReplay struct {
	Delivery string `json:"delivery,omitempty" maxLength:"80" doc:"The id of a message."`
	Document string `json:"document,omitempty" maxLength:"36" format:"uuid" doc:"All that was told of it."`
	Since    string `json:"since,omitempty" maxLength:"35" format:"date-time" doc:"All that happened since then."`
	Until    string `json:"until,omitempty" maxLength:"35" format:"date-time" doc:"With since: and before then."`
}

// WebhookReplayed says what is about to be sent.
type WebhookReplayed struct {
	Messages int `json:"messages,omitzero" minimum:"0" doc:"How many; absent for a span of time, which is counted on the way."`
}

// WebhookDelivery is a message with every attempt to send it.
type WebhookDelivery struct {
	ID       string           `json:"id" doc:"The webhook-id of the request: the same whenever it is sent."`
	Event    string           `json:"event"`
	At       time.Time        `json:"at" doc:"When it happened."`
	Seq      int64            `json:"seq,omitzero" minimum:"0" doc:"The place in the log, as in /api/v1/changes."`
	Document string           `json:"document,omitempty"`
	Locale   string           `json:"locale,omitempty"`
	Build    string           `json:"build,omitempty"`
	Outcome  string           `json:"outcome" enum:"waiting,delivered,failed,skipped" doc:"skipped: nothing was sent, since it was not true any more."`
	Next     time.Time        `json:"next_attempt_at,omitzero"`
	Attempts []WebhookAttempt `json:"attempts" doc:"The last twenty."`
}

// WebhookAttempt is one request.
type WebhookAttempt struct {
	At      time.Time `json:"at"`
	Status  int       `json:"status,omitzero" minimum:"0" doc:"Of the answer; absent when none came."`
	Millis  int64     `json:"duration_ms" minimum:"0"`
	Error   string    `json:"error,omitempty" doc:"A code; absent for a success."`
	Message string    `json:"message,omitempty" doc:"The same in the caller's language."`
	Answer  string    `json:"answer,omitempty" doc:"How the answer of a failure begins, as plain text."`
}

func (s *Server) webhookView(c *call, w webhooks.Subscription) (Webhook, error) {
	health, err := s.webhooks.Health(c.ctx(), w.ID)
	list := func(l []string) []string { return append([]string{}, l...) }
	out := Webhook{
		ID: w.ID, Name: w.Name, URL: w.URL, Events: list(w.Filter.Events), Collections: list(w.Filter.Collections), Locales: list(w.Filter.Locales),
		Territories: list(w.Filter.Territories), Topics: list(w.Filter.Topics), State: string(w.State), Reason: w.Reason,
		CreatedAt: w.Created, RotatedAt: w.Rotated, OverlapEnds: w.Overlap,
		Waiting: health.Waiting, LastSuccess: health.LastSuccess, FailingSince: health.FailingSince,
	}
	if w.Reason != "" {
		out.Message = messages.Text(c.lang, w.Reason, nil)
	}
	out.Links.Self = s.public + webhooksPath + "/" + w.ID
	out.Links.Deliveries = out.Links.Self + "/deliveries"
	return out, err
}

func deliveryView(c *call, d *webhooks.Delivery) WebhookDelivery {
	out := WebhookDelivery{
		ID: d.ID(), Event: d.Event, At: d.At, Seq: d.Seq, Document: d.Document, Locale: d.Locale, Build: d.Build, Outcome: string(d.Outcome), Next: d.Next,
		Attempts: []WebhookAttempt{},
	}
	for _, a := range d.Attempts {
		v := WebhookAttempt{At: a.At, Status: a.Status, Millis: a.Millis, Error: a.Error, Answer: a.Answer}
		if a.Error != "" {
			v.Message = messages.Text(c.lang, a.Error, nil)
		}
		out.Attempts = append(out.Attempts, v)
	}
	return out
}

func (s *Server) listWebhooks(params []param) func(*call) error {
	return listPage(s, params, func(c *call, q *query) rows[webhooks.Subscription] {
		return after(func() ([]webhooks.Subscription, error) { return s.webhooks.List(c.ctx()) },
			func(w webhooks.Subscription) string { return w.ID }, q.text("cursor"))
	}, s.webhookView)
}

func (s *Server) createWebhook(c *call) error {
	var in NewWebhook
	if err := s.decode(c.Request, &in); err != nil {
		return err
	}
	w, key, err := s.webhooks.Create(c.ctx(), c.actor, webhooks.Wish{Name: &in.Name, URL: &in.URL, Filter: &webhooks.Filter{
		Events: in.Events, Collections: in.Collections, Locales: in.Locales, Territories: in.Territories, Topics: in.Topics,
	}})
	if err != nil {
		return err
	}
	c.Writer.Header()["Location"] = []string{s.public + webhooksPath + "/" + w.ID}
	return s.answerSecret(c, http.StatusCreated, w, key)
}

// answerSecret is the one place where a secret of a webhook is told.
func (s *Server) answerSecret(c *call, status int, w webhooks.Subscription, key secret.Value) error {
	view, err := s.webhookView(c, w)
	if err != nil {
		return err
	}
	return answerJSON(c.Context, status, CreatedWebhook{Webhook: view, Secret: key.Reveal()})
}

func (s *Server) getWebhook(c *call) error {
	w, err := s.webhooks.Get(c.ctx(), c.Param("id"))
	if err != nil {
		return err
	}
	return s.answerWebhook(c, w)
}

func (s *Server) answerWebhook(c *call, w webhooks.Subscription) error {
	view, err := s.webhookView(c, w)
	if err != nil {
		return err
	}
	return answerJSON(c.Context, http.StatusOK, view)
}

func (s *Server) changeWebhook(c *call) error {
	var in WebhookChange
	if err := s.decode(c.Request, &in); err != nil {
		return err
	}
	wish := webhooks.Wish{Filter: &webhooks.Filter{
		Events: in.Events, Collections: in.Collections, Locales: in.Locales, Territories: in.Territories, Topics: in.Topics,
	}}
	if in.Name != "" {
		wish.Name = &in.Name
	}
	if in.URL != "" {
		wish.URL = &in.URL
	}
	if in.State != "" {
		active := in.State == string(webhooks.Active)
		if !active && in.State != string(webhooks.Paused) {
			return invalid(codeInvalidBody, "/state", schemas.CodeUnknownTerm, map[string]any{"value": echo(in.State)})
		}
		wish.Active = &active
	}
	w, err := s.webhooks.Change(c.ctx(), c.actor, c.Param("id"), wish)
	if err != nil {
		return err
	}
	return s.answerWebhook(c, w)
}

func (s *Server) endWebhook(c *call) error {
	if err := s.webhooks.End(c.ctx(), c.actor, c.Param("id")); err != nil {
		return err
	}
	c.Writer.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Server) rotateWebhook(c *call) error {
	var in NewWebhookSecret
	if err := s.decode(c.Request, &in); err != nil {
		return err
	}
	overlap := webhooks.DefaultOverlap
	if in.Overlap != nil {
		overlap = time.Duration(*in.Overlap) * time.Hour
	}
	w, key, err := s.webhooks.Rotate(c.ctx(), c.actor, c.Param("id"), overlap)
	if err != nil {
		return err
	}
	return s.answerSecret(c, http.StatusOK, w, key)
}

func (s *Server) listDeliveries(params []param) func(*call) error {
	ask := func(c *call, q *query) rows[*webhooks.Delivery] {
		ask := webhooks.Query{Document: q.text("document"), After: q.text("cursor")}
		if q.text("outcome") != "" {
			var words []string
			for _, o := range webhooks.Outcomes {
				words = append(words, string(o))
			}
			ask.Outcome = webhooks.Outcome(q.oneOf("outcome", words...))
		}
		return rows[*webhooks.Delivery]{
			read: func(limit int) ([]*webhooks.Delivery, error) {
				ask.Limit = limit
				return s.webhooks.Deliveries(c.ctx(), c.Param("id"), ask)
			},
			place: (*webhooks.Delivery).Place,
		}
	}
	return listPage(s, params, ask, func(c *call, d *webhooks.Delivery) (WebhookDelivery, error) { return deliveryView(c, d), nil })
}

func (s *Server) replayWebhook(c *call) error {
	var in WebhookReplay
	if err := s.decode(c.Request, &in); err != nil {
		return err
	}
	what := webhooks.Replay{Delivery: in.Delivery, Document: in.Document}
	for _, at := range []struct {
		name, text string
		to         *time.Time
	}{{"since", in.Since, &what.Since}, {"until", in.Until, &what.Until}} {
		if at.text == "" {
			continue
		}
		t, err := time.Parse(time.RFC3339, at.text)
		if err != nil {
			return invalid(codeInvalidBody, pointer("", at.name), schemas.CodeNotATime, map[string]any{"value": echo(at.text)})
		}
		*at.to = t
	}
	n, err := s.webhooks.Replay(c.ctx(), c.Param("id"), what)
	if err != nil {
		return err
	}
	return answerJSON(c.Context, http.StatusAccepted, WebhookReplayed{Messages: n})
}

func (s *Server) pingWebhook(c *call) error {
	d, err := s.webhooks.Ping(c.ctx(), c.Param("id"))
	if err != nil {
		return err
	}
	return answerJSON(c.Context, http.StatusAccepted, deliveryView(c, d))
}
