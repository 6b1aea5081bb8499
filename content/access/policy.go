package access

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"
)

// The actions: the closed list of what is decided here. Steps of a workflow and
// changes of content are decided by the workflow's file.
const (
	DocumentSee    = "document.see"    // see that there is an unpublished document, and read it
	DocumentImport = "document.import" // bring documents in, whosever they are
	DocumentForce  = "document.force"  // change by import what waits for somebody's decision
	DocumentPlaces = "document.places" // where a sensitive document's places really are
	DocumentAssure = "document.assure" // confirm that its facts are true
	DocumentMerge  = "document.merge"  // let one document go for another: asked of both
	MediaAdd       = "media.add"
	MediaSee       = "media.see"    // see a file that nothing published uses
	MediaChange    = "media.change" // its alternative text, and whether it is there
	TokenOwn       = "token.own"    // make and end API tokens for oneself
	TokenManage    = "token.manage" // everybody's, partners' included
	PersonRead     = "person.read"
	// OrganizationPeople: who acts for an organisation.
	OrganizationPeople = "organization.people"
	PersonInvite       = "person.invite"
	PersonErase        = "person.erase"
	RoleGrant          = "role.grant"
	RoleDelegate       = "role.delegate"  // lend what one holds
	SessionManage      = "session.manage" // other people's
	PartnerRead        = "partner.read"   // who shows our content elsewhere, and how often
	PartnerManage      = "partner.manage" // register, change and end them
	BuildManage        = "build.manage"   // see, start, restore and compare builds of the site
	WebhookManage      = "webhook.manage" // other systems that are told of what changes
	AuditRead          = "audit.read"     // the log of everything
	RetentionRun       = "retention.run"
	PolicyRead         = "policy.read"
)

// The conditions that a rule may name.
const (
	Own        = "own"        // the actor began it, or brought it
	HandedIn   = "handed_in"  // it has left its author's drawer once
	Live       = "live"       // some language of it is public
	Translated = "translated" // it is in more than one language
	Unowned    = "unowned"    // it belongs to no organisation (Object.Organization is empty)
)

// about says what can be known of an action's objects: in which dimensions a
// scope can cover them, and which conditions the caller answers.
type about struct {
	scopes, conditions []string
}

// actions is the closed table. A rule that names a scope or a condition which
// can never hold is refused at load, rather than denying in silence.
var actions = map[string]about{
	DocumentSee:        {[]string{Organization, Territory, Locale}, []string{Own, HandedIn, Live, Translated}},
	DocumentImport:     {},
	DocumentForce:      {},
	DocumentPlaces:     {[]string{Organization, Territory}, nil},
	DocumentAssure:     {[]string{Organization, Territory}, nil},
	DocumentMerge:      {[]string{Organization, Territory}, nil},
	MediaAdd:           {[]string{Organization}, []string{Unowned}},
	MediaSee:           {[]string{Organization}, []string{Own, Unowned}},
	MediaChange:        {[]string{Organization}, []string{Own, Unowned}},
	TokenOwn:           {},
	TokenManage:        {},
	PersonRead:         {},
	OrganizationPeople: {[]string{Organization, Territory}, nil},
	PersonInvite:       {},
	PersonErase:        {},
	RoleGrant:          {},
	RoleDelegate:       {},
	SessionManage:      {},
	PartnerRead:        {},
	PartnerManage:      {},
	WebhookManage:      {},
	BuildManage:        {},
	AuditRead:          {},
	RetentionRun:       {},
	PolicyRead:         {},
}

// Known says whether an action is one of the closed table.
func Known(action string) bool {
	_, ok := actions[action]
	return ok
}

// Rule lets a role do an action where its scope covers the object (in no
// dimension: wherever) when all conditions hold.
type Rule struct {
	Role  string   `yaml:"role" json:"role"`
	Scope string   `yaml:"scope" json:"scope,omitempty"`
	When  []string `yaml:"when" json:"when,omitempty"`
}

func (r Rule) equal(o Rule) bool {
	return r.Role == o.Role && r.Scope == o.Scope && slices.Equal(r.When, o.When)
}

// Row is an action with who may do it.
type Row struct {
	Action string `yaml:"action" json:"action"`
	Allow  []Rule `yaml:"allow" json:"allow"`
}

// Policy is a checked table of who may do what. It is immutable; a nil Policy
// permits nothing.
type Policy struct {
	rows     []Row
	byAction map[string][]Rule
}

// Rows gives the table, in the order of the file. It must not be changed.
func (p *Policy) Rows() []Row { return p.rows }

// Parse reads a policy's file and checks it: known keys only; every action of
// the closed table once and no other; known roles; scopes in the role's own
// dimension; scopes and conditions that the action's objects have; no rule twice.
// The error names the file and, where the YAML tells, the line.
func Parse(name string, data []byte) (*Policy, error) {
	var file struct {
		Actions []Row `yaml:"actions"`
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(&file); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := dec.Decode(new(any)); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: a policy's file holds one document", name)
	}
	p := &Policy{rows: file.Actions, byAction: make(map[string][]Rule, len(file.Actions))}
	for _, row := range p.rows {
		if err := row.check(); err != nil {
			return nil, fmt.Errorf("%s: action %q: %w", name, row.Action, err)
		}
		if p.byAction[row.Action] != nil {
			return nil, fmt.Errorf("%s: action %q: is there twice", name, row.Action)
		}
		p.byAction[row.Action] = row.Allow
	}
	for action := range actions {
		if p.byAction[action] == nil {
			return nil, fmt.Errorf("%s: action %q: nothing says who may", name, action)
		}
	}
	return p, nil
}

func (row *Row) check() error {
	of, known := actions[row.Action]
	switch {
	case !known:
		return errors.New("there is no such action")
	case len(row.Allow) == 0:
		return errors.New("nobody may: an action that nobody may do is none")
	}
	for i, r := range row.Allow {
		dimension, known := Roles[r.Role]
		switch {
		case !known:
			return fmt.Errorf("unknown role %q", r.Role)
		case r.Scope != "" && r.Scope != dimension:
			return fmt.Errorf("role %q is scoped by %q, not %q", r.Role, dimension, r.Scope)
		case r.Scope != "" && !slices.Contains(of.scopes, r.Scope):
			return fmt.Errorf("role %q: nothing here has a scope of %q", r.Role, r.Scope)
		case slices.ContainsFunc(row.Allow[:i], r.equal):
			return fmt.Errorf("role %q: the same rule twice", r.Role)
		}
		for _, condition := range r.When {
			if !slices.Contains(of.conditions, condition) {
				return fmt.Errorf("role %q: unknown condition %q", r.Role, condition)
			}
		}
	}
	return nil
}

// Permit gives the grant that permits an action on an object, or nil: nobody may
// what no rule allows.
func (p *Policy) Permit(action string, grants []Grant, on Object, now time.Time, contains Contains) *Grant {
	if p == nil {
		return nil
	}
	for _, rule := range p.byAction[action] {
		g := (Requirement{rule.Role, rule.Scope}).Met(grants, &on, now, contains)
		if g != nil && on.holds(rule.When) {
			return g
		}
	}
	return nil
}

// Reach is a part of what an action is permitted on: where Scope, in Dimension,
// covers the object (everywhere when Dimension is empty) and all of When hold.
type Reach struct {
	Dimension, Scope string
	When             []string
}

// Reach lists the parts that together hold every object on which the grants
// permit the action: for indexes, which look there and then ask Permit of each.
func (p *Policy) Reach(action string, grants []Grant, now time.Time) []Reach {
	var out []Reach
	if p == nil {
		return nil
	}
	for _, rule := range p.byAction[action] {
		for i := range grants {
			g := &grants[i]
			if g.Role != rule.Role || !g.Active(now) || (g.Scope == "") != (Roles[g.Role] == "") {
				continue
			}
			r := Reach{When: rule.When}
			if rule.Scope != "" {
				r.Dimension, r.Scope = rule.Scope, g.Scope
			}
			out = append(out, r)
		}
	}
	return out
}
