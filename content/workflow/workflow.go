// Package workflow is the pure state machine of the editorial workflow.
//
// A workflow is data: a YAML file declares states with properties and
// transitions with the roles, guards and effects they need. Parse reads and
// checks such a file once, at load; afterwards every question is a look-up:
//
//	def.Initial()                   where a new variant starts
//	state.Public, state.Editable    what a state means (never compare its name)
//	def.Permitted(state, facts)     which transitions these facts allow now
//	def.Fire(state, name, facts)    the same decision for one transition
//
// The package knows no clock, no store, no context and no document: the caller
// answers two questions through Facts, "does the actor hold this role here?"
// and "does this guard hold?", and the machine decides.
package workflow

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/prassi-cms/prassi/content/access"
)

// Guards is the closed table of guards: what each one asks of the variant.
var Guards = map[string]string{
	"complete":   "every field that publication requires is filled in",
	"approved":   "the latest revision carries the opinions the workflow asks for",
	"not_author": "the actor did not write the latest revision",
	"live":       "a revision of this variant is public",
	"not_live":   "no revision of this variant is public",
}

// Comment says whether a transition takes a comment.
type Comment string

// The three answers; the zero value means that a comment may be left.
const (
	CommentOptional Comment = ""
	CommentRequired Comment = "required"
	CommentNone     Comment = "none"
)

// State is one state of a variant, with the properties that code may ask for.
type State struct {
	Name  string            `yaml:"name"`
	Label map[string]string `yaml:"label"`
	// Initial marks the one state in which a new variant starts.
	Initial bool `yaml:"initial"`
	// Editable says that the content may be changed in this state.
	Editable bool `yaml:"editable"`
	// Public: entering this state makes the latest revision the live one.
	Public bool `yaml:"public"`
	// Offline: entering this state takes the live revision away from the public.
	Offline bool `yaml:"offline"`
	// Waiting names the role whose turn it is, for queues; empty when nobody's.
	Waiting string `yaml:"waiting"`
	// EditKeeps is the state after an edit that leaves the approvals standing;
	// EditVoids after an edit that voids them. Empty means "stay".
	EditKeeps string `yaml:"edit_keeps"`
	EditVoids string `yaml:"edit_voids"`
}

// Requirement is a role as a workflow names it; package access holds grants
// against it.
type Requirement = access.Requirement

// Transition is one named step between states.
type Transition struct {
	Name    string            `yaml:"name"`
	Label   map[string]string `yaml:"label"`
	From    []string          `yaml:"from"`
	To      string            `yaml:"to"`
	Roles   []Requirement     `yaml:"roles"`
	Guards  []string          `yaml:"guards"`
	Comment Comment           `yaml:"comment"`
	// Opinion names the body whose favourable opinion this transition records,
	// pinned to the latest revision.
	Opinion string `yaml:"opinion"`
	// Voids says that the opinions given so far no longer stand: the body has
	// changed its mind.
	Voids bool `yaml:"voids"`
	// Schedulable transitions may be asked for a later moment.
	Schedulable bool `yaml:"schedulable"`
}

// Opinion says how many favourable opinions of a body the guard "approved"
// asks for. Collegial review raises Quorum and adds a procedure; a single
// reviewer's opinion is a quorum of one.
type Opinion struct {
	Body   string `yaml:"body"`
	Quorum int    `yaml:"quorum"`
}

// Definition is one checked workflow. It is immutable after Parse.
type Definition struct {
	Name string `yaml:"name"`
	// Create may begin a document or a variant of one, Edit change all of it.
	Create []Requirement `yaml:"create"`
	Edit   []Requirement `yaml:"edit"`
	// Translate may begin a variant of a document that is there and change a
	// variant, but only what each language says for itself: no shared fact.
	Translate   []Requirement `yaml:"translate"`
	Opinions    []Opinion     `yaml:"opinions"`
	States      []State       `yaml:"states"`
	Transitions []Transition  `yaml:"transitions"`

	byState      map[string]*State
	byTransition map[string]*Transition
	initial      *State
}

// Errors of Fire. The caller turns them into answers for people.
var (
	ErrUnknownTransition = errors.New("workflow: no such transition")
	ErrWrongState        = errors.New("workflow: transition does not start from this state")
	ErrRole              = errors.New("workflow: no role permits this transition")
)

// GuardError says which guard refused a transition.
type GuardError struct{ Guard string }

// Error names the guard.
func (e *GuardError) Error() string { return "workflow: guard " + e.Guard + " refused" }

// Facts answers the two questions the machine cannot: roles and guards. A nil
// function answers no, so forgotten facts deny.
type Facts struct {
	Holds  func(Requirement) bool
	Passes func(guard string) bool
}

func (f Facts) holdsAny(roles []Requirement) bool {
	return f.Holds != nil && slices.ContainsFunc(roles, f.Holds)
}

// Initial gives the state in which a new variant starts.
func (d *Definition) Initial() *State { return d.initial }

// Offline gives the first state that takes a variant from the public; the initial
// one when the workflow has none.
func (d *Definition) Offline() *State {
	for i := range d.States {
		if d.States[i].Offline {
			return &d.States[i]
		}
	}
	return d.initial
}

// State gives the state of that name, or nil.
func (d *Definition) State(name string) *State { return d.byState[name] }

// Transition gives the transition of that name, or nil.
func (d *Definition) Transition(name string) *Transition { return d.byTransition[name] }

// MayCreate says whether the facts permit starting a document or a variant.
func (d *Definition) MayCreate(f Facts) bool { return f.holdsAny(d.Create) }

// MayEdit says whether the facts permit changing the content in that state.
func (d *Definition) MayEdit(state string, f Facts) bool {
	s := d.byState[state]
	return s != nil && s.Editable && d.HoldsEdit(f)
}

// HoldsEdit says whether the facts permit changing the content in some state.
func (d *Definition) HoldsEdit(f Facts) bool { return f.holdsAny(d.Edit) }

// MayTranslate says whether the facts permit starting a variant of a document
// that is there, and changing one, without touching shared facts.
func (d *Definition) MayTranslate(f Facts) bool { return f.holdsAny(d.Translate) }

// AfterEdit gives the state that follows an edit made in the named state.
func (d *Definition) AfterEdit(state string, voided bool) string {
	s := d.byState[state]
	if s == nil {
		return state
	}
	next := s.EditKeeps
	if voided {
		next = s.EditVoids
	}
	if next == "" {
		return state
	}
	return next
}

// Fire decides one transition and gives the state it leads to. It returns
// ErrUnknownTransition, ErrWrongState, ErrRole or a *GuardError.
func (d *Definition) Fire(state, name string, f Facts) (*Transition, *State, error) {
	t := d.byTransition[name]
	switch {
	case t == nil:
		return nil, nil, ErrUnknownTransition
	case !f.holdsAny(t.Roles):
		return nil, nil, ErrRole
	case !slices.Contains(t.From, state):
		return nil, nil, ErrWrongState
	}
	for _, g := range t.Guards {
		if f.Passes == nil || !f.Passes(g) {
			return nil, nil, &GuardError{Guard: g}
		}
	}
	return t, d.byState[t.To], nil
}

// Action is a transition that the actor's roles permit in the present state.
// Blocked names the first guard that still refuses it, empty when it may fire.
type Action struct {
	*Transition
	Blocked string
}

// Permitted lists, in declared order, the transitions that start from the
// state and that the actor's roles permit. A guard that refuses does not hide
// the action: it says what is missing.
func (d *Definition) Permitted(state string, f Facts) []Action {
	var out []Action
	for i := range d.Transitions {
		t := &d.Transitions[i]
		if !slices.Contains(t.From, state) {
			continue // before asking about roles, which is dearer
		}
		_, _, err := d.Fire(state, t.Name, f)
		var guard *GuardError
		switch {
		case err == nil:
			out = append(out, Action{Transition: t})
		case errors.As(err, &guard):
			out = append(out, Action{Transition: t, Blocked: guard.Guard})
		}
	}
	return out
}

// Locales are the languages in which every state and transition is named.
var Locales = []string{"it", "en", "fr", "es", "ar", "zh"}

var nameRule = regexp.MustCompile(`^[a-z][a-z_]{0,39}$`)

// Parse reads one workflow file and checks it: known keys, roles and guards
// only; one initial state; every state reachable; every name labelled in every
// language of Locales; a public state can always be left for an offline one.
func Parse(file string, data []byte) (*Definition, error) {
	d := &Definition{}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(d); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if err := dec.Decode(new(any)); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: a workflow file holds one document", file)
	}
	if err := d.check(); err != nil {
		return nil, fmt.Errorf("%s: workflow %q: %w", file, d.Name, err)
	}
	return d, nil
}

func (d *Definition) check() error {
	d.byState = make(map[string]*State, len(d.States))
	d.byTransition = make(map[string]*Transition, len(d.Transitions))
	if !nameRule.MatchString(d.Name) {
		return fmt.Errorf("name %q is not lower-case letters and underscores", d.Name)
	}
	if len(d.Create) == 0 || len(d.Edit) == 0 {
		return errors.New("create and edit must name who may")
	}
	for i := range d.States {
		if err := d.checkState(&d.States[i]); err != nil {
			return err
		}
	}
	if d.initial == nil {
		return errors.New("no initial state")
	}
	for i := range d.Transitions {
		if err := d.checkTransition(&d.Transitions[i]); err != nil {
			return err
		}
	}
	return d.checkReach()
}

func (d *Definition) checkState(s *State) error {
	switch {
	case !nameRule.MatchString(s.Name):
		return fmt.Errorf("state %q: bad name", s.Name)
	case d.byState[s.Name] != nil:
		return fmt.Errorf("state %q: declared twice", s.Name)
	case s.Public && s.Offline:
		return fmt.Errorf("state %q: cannot be public and offline", s.Name)
	case s.Initial && (s.Public || d.initial != nil):
		return fmt.Errorf("state %q: the initial state is one, and not public", s.Name)
	case s.Public && s.Editable && (s.EditKeeps == "" || s.EditVoids == ""):
		return fmt.Errorf("state %q: an edit must leave a public state", s.Name)
	}
	if s.Waiting != "" {
		if _, ok := access.Roles[s.Waiting]; !ok {
			return fmt.Errorf("state %q: waits for unknown role %q", s.Name, s.Waiting)
		}
	}
	if s.Initial {
		d.initial = s
	}
	d.byState[s.Name] = s
	return labelled("state "+s.Name, s.Label)
}

func (d *Definition) checkTransition(t *Transition) error {
	switch {
	case !nameRule.MatchString(t.Name):
		return fmt.Errorf("transition %q: bad name", t.Name)
	case d.byTransition[t.Name] != nil:
		return fmt.Errorf("transition %q: declared twice", t.Name)
	case len(t.From) == 0 || len(t.Roles) == 0:
		return fmt.Errorf("transition %q: needs from and roles", t.Name)
	case d.byState[t.To] == nil:
		return fmt.Errorf("transition %q: leads to unknown state %q", t.Name, t.To)
	case t.Comment != CommentOptional && t.Comment != CommentRequired && t.Comment != CommentNone:
		return fmt.Errorf("transition %q: comment is required, none or left out", t.Name)
	}
	for _, from := range t.From {
		if d.byState[from] == nil {
			return fmt.Errorf("transition %q: starts from unknown state %q", t.Name, from)
		}
	}
	for _, g := range t.Guards {
		if _, ok := Guards[g]; !ok {
			return fmt.Errorf("transition %q: unknown guard %q", t.Name, g)
		}
	}
	if t.Opinion != "" && !slices.ContainsFunc(d.Opinions, func(o Opinion) bool { return o.Body == t.Opinion && o.Quorum > 0 }) {
		return fmt.Errorf("transition %q: opinion of undeclared body %q", t.Name, t.Opinion)
	}
	d.byTransition[t.Name] = t
	return labelled("transition "+t.Name, t.Label)
}

// checkReach walks the graph: no dead states, and nothing public for ever.
func (d *Definition) checkReach() error {
	next := map[string][]string{}
	for _, t := range d.Transitions {
		for _, from := range t.From {
			next[from] = append(next[from], t.To)
		}
	}
	for _, s := range d.States {
		for _, to := range []string{s.EditKeeps, s.EditVoids} {
			if to == "" {
				continue
			}
			if target := d.byState[to]; target == nil || target.Public {
				return fmt.Errorf("state %q: an edit cannot lead to %q", s.Name, to)
			}
			next[s.Name] = append(next[s.Name], to)
		}
	}
	reached := walk(next, d.initial.Name)
	for _, s := range d.States {
		if !reached[s.Name] {
			return fmt.Errorf("state %q: cannot be reached", s.Name)
		}
		if s.Public && !slices.ContainsFunc(next[s.Name], func(n string) bool { return d.byState[n].Offline }) {
			return fmt.Errorf("state %q: is public and cannot be withdrawn", s.Name)
		}
	}
	return nil
}

func walk(next map[string][]string, from string) map[string]bool {
	seen := map[string]bool{from: true}
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		for _, n := range next[queue[0]] {
			if !seen[n] {
				seen[n] = true
				queue = append(queue, n)
			}
		}
	}
	return seen
}

func labelled(what string, label map[string]string) error {
	for _, l := range Locales {
		if strings.TrimSpace(label[l]) == "" {
			return fmt.Errorf("%s: no label in %q", what, l)
		}
	}
	return nil
}
