package auth

import (
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/schemas"
)

// The codes of what this package refuses. The comment names the parameters.
const (
	codeInvalidPerson     = "invalid_person"        // none
	codePersonErased      = "erased_person"         // none
	codeInvited           = "already_invited"       // none
	codeLastAdministrator = "last_administrator"    // none
	codeGrantPast         = "grant_past"            // none
	codeDelegateSelf      = "delegation_to_oneself" // none
	codeDelegateNotHeld   = "delegation_not_held"   // role
	codeDelegateEnd       = "delegation_end"        // none
	codeTokenLife         = "token_life"            // days
	codeTokenName         = "token_name"            // none
	codeTokenRoles        = "token_roles"           // none
	codeTokenNotHeld      = "token_role_not_held"   // role
	codeTooManyTokens     = "too_many_tokens"       // max
	codeLinkInvalid       = "link_invalid"          // none
	codeLinkLife          = "link_life"             // days
	codeIdentityTaken     = "identity_taken"        // none
	codeLoginIncomplete   = "login_incomplete"      // none
)

// Codes lists every code that this package puts into a content.Problem, beside
// those of content and schemas; a test sees that each has its message.
var Codes = []string{
	codeInvalidPerson, codePersonErased, codeInvited, codeLastAdministrator, codeGrantPast,
	codeDelegateSelf, codeDelegateNotHeld, codeDelegateEnd,
	codeTokenLife, codeTokenName, codeTokenRoles, codeTokenNotHeld, codeTooManyTokens,
	codeLinkInvalid, codeLinkLife, codeIdentityTaken, codeLoginIncomplete,
}

func problem(class content.Class, code string, params map[string]any) *content.Problem {
	return &content.Problem{Class: class, Code: code, Params: params}
}

// wrongPerson says what is wrong with a person's data.
func wrongPerson(issues ...schemas.Issue) *content.Problem {
	return &content.Problem{Class: content.Invalid, Code: codeInvalidPerson, Fields: issues}
}
