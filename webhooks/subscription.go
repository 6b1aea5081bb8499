package webhooks

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/internal/secret"
	"github.com/prassi-cms/prassi/schemas"
)

// The types of events.
const (
	ItemPublished = "item.published" // a language of an item became public
	ItemUpdated   = "item.updated"   // it was public and shows something else now
	ItemWithdrawn = "item.withdrawn" // the public does not see it any more
	ItemMerged    = "item.merged"    // neither; another item stands for it
	BuildFinished = "build.finished" // the site was built anew
	TestPing      = "test.ping"      // somebody asked for a test; every subscription takes it
)

// Events lists what a subscription may ask for.
var Events = []string{ItemPublished, ItemUpdated, ItemWithdrawn, ItemMerged, BuildFinished}

// Bounds of subscriptions.
const (
	MaxSubscriptions = 200
	MaxURL           = 2000 // characters
	MaxName          = 100
	MaxValues        = 50 // in one filter
	// DefaultOverlap and MaxOverlap are how long the secret before stays good.
	DefaultOverlap = 24 * time.Hour
	MaxOverlap     = 7 * 24 * time.Hour
	maxSecrets     = 3
)

// State is whether a subscription is served.
type State string

// The states.
const (
	Active   State = "active"
	Paused   State = "paused"   // by a person
	Disabled State = "disabled" // by us: Reason says why
)

// Filter says what a receiver wants. An empty list asks for everything; the
// values of one list are alternatives, and all lists must agree.
type Filter struct {
	Events      []string `json:"events,omitempty"`
	Collections []string `json:"collections,omitempty"`
	Locales     []string `json:"locales,omitempty"`
	// Territories are ISTAT codes; a territory finds what lies in it. An item
	// passes by where it is now or was before, so that a receiver hears of what
	// leaves its territory too. Topics likewise.
	Territories []string `json:"territories,omitempty"`
	Topics      []string `json:"topics,omitempty"`
}

// Subscription is one receiver.
type Subscription struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	URL    string `json:"url"`
	Filter Filter `json:"filter"`
	State  State  `json:"state"`
	// Reason is the code of why it was disabled.
	Reason  string    `json:"reason,omitempty"`
	Created time.Time `json:"created"`
	// Rotated is when the present secret was made; Overlap is until when the one
	// before is good as well, zero when none is.
	Rotated time.Time `json:"rotated"`
	Overlap time.Time `json:"overlap,omitzero"`
}

// stored is a subscription with its keys, as it is kept. It never leaves the
// package.
type stored struct {
	Subscription
	Keys []key `json:"keys"` // the newest first
	// Untold is when it was disabled; zero once somebody was told.
	Untold time.Time `json:"untold,omitzero"`
}

// key is a secret; the zero Until is good for ever.
type key struct {
	Key   []byte    `json:"key"`
	Until time.Time `json:"until,omitzero"`
}

// good are the keys to sign with.
func (s *stored) good(now time.Time) (out [][]byte) {
	for _, k := range s.Keys {
		if k.Until.IsZero() || now.Before(k.Until) {
			out = append(out, k.Key)
		}
	}
	return out
}

// kindSubscription is the ledger's kind of subscriptions.
const kindSubscription = "webhook"

// Wish is what a person says of a subscription. What is nil stays as it is, in the
// filter too, where a list that is there and empty asks for everything.
type Wish struct {
	Name, URL *string
	Filter    *Filter
	// Active switches it on again, or off.
	Active *bool
}

// Create makes a subscription that is told of everything from now on, and gives
// its secret, which is shown this once. Errors are a *content.Problem with the
// code webhook_invalid or webhook_too_many, or the store's.
func (h *Hooks) Create(ctx context.Context, by content.Actor, w Wish) (Subscription, secret.Value, error) {
	list, err := h.List(ctx)
	if err != nil {
		return Subscription{}, secret.Value{}, err
	}
	if len(list) >= MaxSubscriptions {
		return Subscription{}, secret.Value{}, &content.Problem{Class: content.Conflict, Code: CodeTooMany, Params: map[string]any{"max": MaxSubscriptions}}
	}
	s := stored{Subscription: Subscription{State: Active}}
	if err := h.apply(&s, w, true); err != nil {
		return Subscription{}, secret.Value{}, err
	}
	from, err := h.log.LastSeq(ctx)
	if err != nil {
		return Subscription{}, secret.Value{}, err
	}
	raw := newSecret()
	s.ID, s.Created, s.Keys = newID(), h.now(), []key{{Key: raw}}
	s.Rotated = s.Created
	// First the cursor: without it a lane would not know where to begin.
	if err := h.changeLane(ctx, s.ID, func(l *lane) bool { l.Cursor = from; return true }); err != nil {
		return Subscription{}, secret.Value{}, err
	}
	_, err = audit.Change(ctx, h.ledger, kindSubscription, s.ID, by, func(v *stored, _ bool) (string, map[string]string, error) {
		*v = s
		return audit.WebhookMade, nil, nil
	})
	if err != nil {
		return Subscription{}, secret.Value{}, err
	}
	h.refreshSoon()
	return s.Subscription, show(raw), nil
}

// newID makes the id of a subscription.
func newID() string {
	raw := make([]byte, 10)
	rand.Read(raw)
	return strings.ToLower(base32.StdEncoding.EncodeToString(raw))
}

// isID says whether a subscription can have that id.
func isID(s string) bool {
	return len(s) == 16 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz234567") == ""
}

// Get gives a subscription, or content.ErrNotFound.
func (h *Hooks) Get(ctx context.Context, id string) (Subscription, error) {
	if !isID(id) {
		return Subscription{}, content.ErrNotFound
	}
	s, err := audit.Read[stored](ctx, h.ledger, kindSubscription, id)
	return s.Subscription, err
}

// List gives all subscriptions, by id.
func (h *Hooks) List(ctx context.Context) ([]Subscription, error) {
	_, list, err := audit.List[stored](ctx, h.ledger, kindSubscription, "", 0)
	out := make([]Subscription, len(list))
	for i := range list {
		out[i] = list[i].Subscription
	}
	return out, err
}

// Change changes what the wish names. One that is switched on again goes on
// where it stood.
func (h *Hooks) Change(ctx context.Context, by content.Actor, id string, w Wish) (Subscription, error) {
	return h.change(ctx, by, id, func(s *stored) (string, map[string]string, error) {
		was := s.Subscription
		if err := h.apply(s, w, false); err != nil {
			return "", nil, err
		}
		var what []string
		for name, changed := range map[string]bool{
			"name": was.Name != s.Name, "url": was.URL != s.URL, "state": was.State != s.State,
			"filter": w.Filter != nil && !sameFilter(was.Filter, s.Filter),
		} {
			if changed {
				what = append(what, name)
			}
		}
		if len(what) == 0 {
			return "", nil, nil
		}
		slices.Sort(what)
		return audit.WebhookChanged, map[string]string{"kind": strings.Join(what, " ")}, nil
	})
}

func sameFilter(a, b Filter) bool {
	return slices.Equal(a.Events, b.Events) && slices.Equal(a.Collections, b.Collections) && slices.Equal(a.Locales, b.Locales) &&
		slices.Equal(a.Territories, b.Territories) && slices.Equal(a.Topics, b.Topics)
}

// Rotate makes a new secret and gives it, this once. The one before stays good
// for that long; zero ends it at once.
func (h *Hooks) Rotate(ctx context.Context, by content.Actor, id string, overlap time.Duration) (Subscription, secret.Value, error) {
	if overlap < 0 || overlap > MaxOverlap {
		return Subscription{}, secret.Value{}, &content.Problem{Class: content.Invalid, Code: CodeOverlapRange, Params: map[string]any{"max": int(MaxOverlap.Hours())}}
	}
	raw := newSecret()
	s, err := h.change(ctx, by, id, func(s *stored) (string, map[string]string, error) {
		now := h.now()
		s.Rotated, s.Overlap = now, time.Time{}
		keys := []key{{Key: raw}}
		for _, k := range s.Keys {
			if k.Until.IsZero() || k.Until.After(now.Add(overlap)) {
				k.Until = now.Add(overlap)
			}
			if now.Before(k.Until) && len(keys) < maxSecrets {
				keys = append(keys, k)
				s.Overlap = now.Add(overlap)
			}
		}
		s.Keys = keys
		return audit.WebhookRotated, nil, nil
	})
	if err != nil {
		return Subscription{}, secret.Value{}, err
	}
	return s, show(raw), nil
}

// End forgets a subscription and its secrets. What waits for it is removed by the
// next refresh that finds nobody at work on it; the log of its deliveries goes with
// its age.
func (h *Hooks) End(ctx context.Context, by content.Actor, id string) error {
	if !isID(id) {
		return content.ErrNotFound
	}
	if err := audit.Drop(ctx, h.ledger, kindSubscription, id, by, audit.WebhookEnded, nil); err != nil {
		return err
	}
	h.refreshSoon()
	return nil
}

// disable switches a subscription off because of what its receiver does.
func (h *Hooks) disable(ctx context.Context, id, reason string) error {
	_, err := h.change(ctx, system, id, func(s *stored) (string, map[string]string, error) {
		if s.State != Active {
			return "", nil, nil
		}
		s.State, s.Reason, s.Untold = Disabled, reason, h.now()
		return audit.WebhookDisabled, map[string]string{"reason": reason}, nil
	})
	if err == nil {
		h.logger.Warn("a webhook was switched off", "webhook", id, "reason", reason)
	}
	return err
}

// Tell calls send for each subscription that we switched off, with the moment,
// until it gives no error. A process that dies in between calls it once more.
func (h *Hooks) Tell(ctx context.Context, send func(context.Context, Subscription, time.Time) error) error {
	_, list, err := audit.List[stored](ctx, h.ledger, kindSubscription, "", 0)
	for _, s := range list {
		if s.Untold.IsZero() {
			continue
		}
		if wrong := send(ctx, s.Subscription, s.Untold); wrong != nil {
			err = errors.Join(err, fmt.Errorf("webhook %s: %w", s.ID, wrong))
			continue
		}
		_, wrong := h.change(ctx, system, s.ID, func(now *stored) (string, map[string]string, error) {
			if now.Untold.Equal(s.Untold) {
				now.Untold = time.Time{}
			}
			return "", nil, nil
		})
		if !errors.Is(wrong, content.ErrNotFound) { // it has ended meanwhile
			err = errors.Join(err, wrong)
		}
	}
	return err
}

// change is audit.Change of a subscription that is there.
func (h *Hooks) change(ctx context.Context, by content.Actor, id string, do func(*stored) (string, map[string]string, error)) (Subscription, error) {
	if !isID(id) {
		return Subscription{}, content.ErrNotFound
	}
	s, err := audit.Change(ctx, h.ledger, kindSubscription, id, by, func(s *stored, exists bool) (string, map[string]string, error) {
		if !exists {
			return "", nil, content.ErrNotFound
		}
		return do(s)
	})
	if err != nil {
		return Subscription{}, err
	}
	h.refreshSoon()
	return s.Subscription, nil
}

// apply puts a wish into a subscription, or says all that is wrong with it.
func (h *Hooks) apply(s *stored, w Wish, fresh bool) error {
	var issues []schemas.Issue
	wrong := func(path, code string, params map[string]any) {
		issues = append(issues, schemas.Issue{Path: path, Code: code, Params: params})
	}
	if w.Name != nil {
		s.Name = strings.TrimSpace(*w.Name)
	}
	if s.Name == "" {
		wrong("/name", schemas.CodeRequired, map[string]any{"field": "name"})
	}
	if len([]rune(s.Name)) > MaxName {
		wrong("/name", schemas.CodeTooLong, map[string]any{"max": MaxName, "actual": len([]rune(s.Name)), "unit": "characters"})
	}
	if w.URL != nil {
		s.URL = strings.TrimSpace(*w.URL)
	}
	if (w.URL != nil || fresh) && !h.goodURL(s.URL) {
		wrong("/url", CodeURL, nil)
	}
	if w.Filter != nil {
		f, found := h.canonical(*w.Filter)
		issues = append(issues, found...)
		for _, l := range []struct{ wish, read, to *[]string }{
			{&w.Filter.Events, &f.Events, &s.Filter.Events}, {&w.Filter.Collections, &f.Collections, &s.Filter.Collections},
			{&w.Filter.Locales, &f.Locales, &s.Filter.Locales}, {&w.Filter.Territories, &f.Territories, &s.Filter.Territories},
			{&w.Filter.Topics, &f.Topics, &s.Filter.Topics},
		} {
			if *l.wish != nil {
				*l.to = *l.read
			}
		}
	}
	if w.Active != nil {
		switch {
		case *w.Active:
			s.State, s.Reason, s.Untold = Active, "", time.Time{}
		case s.State == Active:
			s.State = Paused
		}
	}
	if len(issues) > 0 {
		return &content.Problem{Class: content.Invalid, Code: CodeInvalid, Fields: issues}
	}
	return nil
}

// goodURL says whether requests can go there. Whether they may is decided by
// package outgoing whenever one does.
func (h *Hooks) goodURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && len(s) <= MaxURL && (u.Scheme == "https" || h.plain && u.Scheme == "http") &&
		u.Hostname() != "" && u.User == nil && u.Fragment == "" && u.Opaque == ""
}

// canonical checks the values of a filter and writes each as it is compared.
func (h *Hooks) canonical(f Filter) (Filter, []schemas.Issue) {
	var issues []schemas.Issue
	each := func(name string, list []string, read func(string) (string, string, []string)) []string {
		var out []string
		if len(list) > MaxValues {
			issues = append(issues, schemas.Issue{Path: "/" + name, Code: schemas.CodeTooManyItems, Params: map[string]any{"max": MaxValues, "actual": len(list)}})
			return nil
		}
		for i, v := range list {
			good, code, allowed := read(v)
			if code != "" {
				params := map[string]any{"value": cut(v)}
				if allowed != nil {
					params["allowed"] = allowed
				}
				issues = append(issues, schemas.Issue{Path: "/" + name + "/" + strconv.Itoa(i), Code: code, Params: params})
				continue
			}
			if !slices.Contains(out, good) {
				out = append(out, good)
			}
		}
		return out
	}
	var collections []string
	for _, t := range h.schemas.Types() {
		collections = append(collections, t.Collection)
	}
	out := Filter{
		Events: each("events", f.Events, func(v string) (string, string, []string) {
			if slices.Contains(Events, v) {
				return v, "", nil
			}
			return "", CodeEvent, Events
		}),
		Collections: each("collections", f.Collections, func(v string) (string, string, []string) {
			if slices.Contains(collections, v) {
				return v, "", nil
			}
			return "", CodeCollection, collections
		}),
		Locales: each("locales", f.Locales, func(v string) (string, string, []string) {
			if tag, err := content.CanonicalLocale(v); err == nil {
				return tag, "", nil
			}
			return "", schemas.CodeInvalidLanguage, nil
		}),
		Territories: each("territories", f.Territories, func(v string) (string, string, []string) {
			if t, ok := h.territories.Lookup(v); ok {
				return t.ISTAT, "", nil
			}
			return "", schemas.CodeUnknownTerritory, nil
		}),
		Topics: each("topics", f.Topics, func(v string) (string, string, []string) {
			if t, ok := h.schemas.Term(v); ok {
				return t.ID, "", nil
			}
			return "", schemas.CodeUnknownTerm, nil
		}),
	}
	return out, issues
}

// cut bounds what is said back to who wrote it.
func cut(s string) string {
	const longest = 80
	if r := []rune(s); len(r) > longest {
		return string(r[:longest-1]) + "…"
	}
	return s
}
