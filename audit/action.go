package audit

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The actions. Package messages has a sentence for each, in every language.
const (
	// Logins. Sign-ins are told of the person, refusals of the provider.
	SignedIn                = "signed_in"
	SignInRefused           = "sign_in_refused"
	SignedOut               = "signed_out"
	SessionEnded            = "session_ended"              // one, from the list of sessions
	SessionsEnded           = "sessions_ended"             // all of a person
	SessionsEndedByProvider = "sessions_ended_by_provider" // back-channel logout
	// People.
	PersonMade      = "person_made"
	PersonInvited   = "person_invited"
	PersonChanged   = "person_changed"
	PersonErased    = "person_erased"
	IdentityBound   = "identity_bound"
	IdentityRemoved = "identity_removed"
	// Roles.
	RoleGranted     = "role_granted"
	RoleEnded       = "role_ended"
	RoleDelegated   = "role_delegated"
	DelegationEnded = "delegation_ended"
	RolesMapped     = "roles_mapped" // from a claim of the provider
	// Credentials.
	TokenMade  = "token_made"
	TokenEnded = "token_ended"
	LinkMade   = "link_made"
	LinkUsed   = "link_used"
	LinkEnded  = "link_ended"
	KeyMade    = "key_made"
	// Media.
	MediaAdded   = "media_added"
	MediaChanged = "media_changed"
	MediaRemoved = "media_removed"
	// Pairs of documents that are not the same thing twice.
	DuplicateDismissed = "duplicate_dismissed"
	DuplicateRestored  = "duplicate_restored"
	// Partners: who shows our content elsewhere.
	PartnerMade    = "partner_made"
	PartnerChanged = "partner_changed"
	PartnerEnded   = "partner_ended"
	// Webhooks: who is told of what changes.
	WebhookMade     = "webhook_made"
	WebhookChanged  = "webhook_changed"
	WebhookRotated  = "webhook_rotated"  // a new secret
	WebhookDisabled = "webhook_disabled" // by itself, because of what the receiver does
	WebhookEnded    = "webhook_ended"
	// The public site, and looks at what is not public yet.
	BuildStarted  = "build_started"
	BuildRestored = "build_restored"
	PreviewMade   = "preview_made"
	PreviewEnded  = "preview_ended"
	// The ledger itself.
	AuditExported = "audit_exported"
	RetentionRan  = "retention_ran"
)

// told are the actions, with the details that each one's sentence may show.
var told = []struct {
	Code   string
	Params map[string]bool
}{
	{Code: SignedIn, Params: map[string]bool{"provider": true, "session": true}},
	{Code: SignInRefused, Params: map[string]bool{"provider": true, "reason": true}},
	{Code: SignedOut, Params: map[string]bool{"session": true}},
	{Code: SessionEnded, Params: map[string]bool{"session": true}},
	{Code: SessionsEnded, Params: map[string]bool{"count": true}},
	{Code: SessionsEndedByProvider, Params: map[string]bool{"provider": true, "count": true}},
	{Code: PersonMade, Params: map[string]bool{"provider": true}},
	{Code: PersonInvited, Params: map[string]bool{}},
	{Code: PersonChanged, Params: map[string]bool{}},
	{Code: PersonErased, Params: map[string]bool{}},
	{Code: IdentityBound, Params: map[string]bool{"provider": true}},
	{Code: IdentityRemoved, Params: map[string]bool{"provider": true}},
	{Code: RoleGranted, Params: map[string]bool{"role": true, "scope": true, "until": true}},
	{Code: RoleEnded, Params: map[string]bool{"role": true, "scope": true}},
	{Code: RoleDelegated, Params: map[string]bool{"role": true, "scope": true, "until": true, "of": true}},
	{Code: DelegationEnded, Params: map[string]bool{"role": true, "scope": true, "of": true}},
	{Code: RolesMapped, Params: map[string]bool{"provider": true, "role": true}},
	{Code: TokenMade, Params: map[string]bool{"token": true, "until": true}},
	{Code: TokenEnded, Params: map[string]bool{"token": true}},
	{Code: LinkMade, Params: map[string]bool{"until": true}},
	{Code: LinkUsed, Params: map[string]bool{}},
	{Code: LinkEnded, Params: map[string]bool{}},
	{Code: KeyMade, Params: map[string]bool{"kind": true}},
	{Code: MediaAdded, Params: map[string]bool{"media": true, "kind": true}},
	{Code: MediaChanged, Params: map[string]bool{"media": true}},
	{Code: MediaRemoved, Params: map[string]bool{"media": true, "reason": true}},
	{Code: DuplicateDismissed, Params: map[string]bool{}},
	{Code: DuplicateRestored, Params: map[string]bool{}},
	{Code: PartnerMade, Params: map[string]bool{}},
	{Code: PartnerChanged, Params: map[string]bool{}},
	{Code: PartnerEnded, Params: map[string]bool{}},
	{Code: WebhookMade, Params: map[string]bool{}},
	{Code: WebhookChanged, Params: map[string]bool{"kind": true}},
	{Code: WebhookRotated, Params: map[string]bool{}},
	{Code: WebhookDisabled, Params: map[string]bool{"reason": true}},
	{Code: WebhookEnded, Params: map[string]bool{}},
	{Code: BuildStarted, Params: map[string]bool{}},
	{Code: BuildRestored, Params: map[string]bool{"build": true}},
	{Code: PreviewMade, Params: map[string]bool{"until": true}},
	{Code: PreviewEnded, Params: map[string]bool{}},
	{Code: AuditExported, Params: map[string]bool{"count": true}},
	{Code: RetentionRan, Params: map[string]bool{"kind": true, "count": true}},
}

// Actions is the closed list of what an Entry can tell.
var Actions = func() []string {
	out := make([]string, len(told))
	for i, a := range told {
		out[i] = a.Code
	}
	return out
}()

// Params gives what the sentence of the entry's action may show, for
// messages.Text(locale, e.Action, e.Params()).
func (e *Entry) Params() map[string]any {
	params := map[string]any{}
	for _, a := range told {
		for key, value := range e.Details {
			if a.Code == e.Action && a.Params[key] {
				params[key] = value
			}
		}
	}
	return params
}

// DetailKeys is the closed list of the keys of Entry.Details. There is none for
// a name, an e-mail address or an address on the network, on purpose.
var DetailKeys = []string{"role", "scope", "until", "session", "token", "media", "provider", "reason", "count", "kind", "of", "build"}

// MaxDetail is the longest value of a detail, and the longest of an actor's
// names in an entry, in characters.
const MaxDetail = 200

// Codes lists what this package puts into a content.Problem, and the actions:
// package messages has words for each.
var Codes = []string{
	SignedIn, SignInRefused, SignedOut, SessionEnded, SessionsEnded, SessionsEndedByProvider,
	PersonMade, PersonInvited, PersonChanged, PersonErased, IdentityBound, IdentityRemoved,
	RoleGranted, RoleEnded, RoleDelegated, DelegationEnded, RolesMapped,
	TokenMade, TokenEnded, LinkMade, LinkUsed, LinkEnded, KeyMade,
	MediaAdded, MediaChanged, MediaRemoved, DuplicateDismissed, DuplicateRestored, PartnerMade, PartnerChanged, PartnerEnded,
	WebhookMade, WebhookChanged, WebhookRotated, WebhookDisabled, WebhookEnded,
	BuildStarted, BuildRestored, PreviewMade, PreviewEnded, AuditExported, RetentionRan,
	CodeRetentionSyntax, CodeRetentionAge, CodeRetentionUnknown, CodeRetentionTwice, CodeRetentionShort, CodeRetentionFixed,
}

// checkTold refuses what no entry may say: a fault of the program, not of a
// person.
func checkTold(e *Entry) error {
	if !slices.Contains(Actions, e.Action) {
		return fmt.Errorf("audit: %q is no declared action", e.Action)
	}
	for key, value := range e.Details {
		if !slices.Contains(DetailKeys, key) {
			return fmt.Errorf("audit: %s: %q is no declared detail", e.Action, key)
		}
		if err := checkText(value); err != nil {
			return fmt.Errorf("audit: %s: the detail %q %w", e.Action, key, err)
		}
	}
	for name, value := range map[string]string{"actor": e.Actor, "on_behalf_of": e.OnBehalfOf, "grant": e.Grant, "via": e.Via, "trace": e.Trace} {
		if err := checkText(value); err != nil {
			return fmt.Errorf("audit: %s: %s %w", e.Action, name, err)
		}
	}
	return nil
}

// checkText wants one short line of valid UTF-8: what is stored must read back
// as the same bytes, or its hash would not hold.
func checkText(s string) error {
	switch {
	case !utf8.ValidString(s), strings.ContainsFunc(s, unicode.IsControl):
		return fmt.Errorf("is not one line of UTF-8")
	case utf8.RuneCountInString(s) > MaxDetail:
		return fmt.Errorf("is longer than %d characters", MaxDetail)
	}
	return nil
}
