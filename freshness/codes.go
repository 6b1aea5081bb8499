package freshness

import "github.com/prassi-cms/prassi/content"

// The codes of what this package refuses and says. The comment names the
// parameters.
const (
	codeLinkInvalid   = "confirm_link_invalid"   // none
	codeLinkExpired   = "confirm_link_expired"   // none
	codeLinkUsed      = "confirm_link_used"      // date
	codeLinkNotYours  = "confirm_link_not_yours" // none
	codeNotPublished  = "confirm_not_published"  // none
	codeWordsRequired = "confirm_words_required" // none
	codeWordsTooLong  = "confirm_words_too_long" // max
	codeWordsTooMany  = "confirm_words_too_many" // none
)

// Codes lists every code of this package: problems, and the words of its messages;
// a test sees that each has its sentence.
var Codes = []string{
	codeLinkInvalid, codeLinkExpired, codeLinkUsed, codeLinkNotYours, codeNotPublished,
	codeWordsRequired, codeWordsTooLong, codeWordsTooMany,

	"label_mail_subject_confirm", "mail_confirm", "label_mail_confirm", "mail_confirm_why",
	"mail_confirm_by", "mail_confirm_unverified", "mail_confirm_hidden", "mail_confirm_never",
	"mail_because_assurer", "mail_because_people", "mail_because_contact", "mail_because_council", "mail_ask",
	"label_mail_subject_confirm_many", "mail_confirm_many", "mail_confirm_more", "label_confirm_by",

	"label_mail_subject_digest", "mail_digest", "mail_digest_more", "mail_digest_how",
	"label_digest_due", "label_digest_unverified", "label_digest_hidden", "label_digest_never", "label_digest_nobody",

	"label_mail_subject_report", "mail_report", "label_mail_report_words", "label_mail_report", "mail_report_from", "mail_report_how",
}

func problem(class content.Class, code string, params map[string]any) *content.Problem {
	return &content.Problem{Class: class, Code: code, Params: params}
}
