package media

import "github.com/prassi-cms/prassi/content"

// Codes of refusals. The comment names the parameters.
const (
	codeTooLarge      = "media_too_large"       // max
	codeEmpty         = "media_empty"           // none
	codeInterrupted   = "media_interrupted"     // none
	codeUnsupported   = "media_unsupported"     // none
	codeHEIC          = "media_heic"            // none
	codeSVG           = "media_svg"             // none
	codeAnimated      = "media_animated"        // none
	codeOldOffice     = "media_old_office"      // none
	codeArchive       = "media_archive"         // none
	codeDamaged       = "media_damaged"         // none
	codeTooManyPixels = "media_too_many_pixels" // max, side
	codeActive        = "media_active"          // none
	codeLocked        = "media_locked"          // none
	codeUnsafeArchive = "media_unsafe_archive"  // none
	codeTwoKinds      = "media_two_kinds"       // none
	codeUnavailable   = "media_unavailable"     // none
)

// Codes lists every code that this package puts into a content.Problem, beside
// content.Codes and schemas.IssueCodes.
var Codes = []string{
	codeTooLarge, codeEmpty, codeInterrupted, codeUnsupported, codeHEIC, codeSVG, codeAnimated, codeOldOffice,
	codeArchive, codeDamaged, codeTooManyPixels, codeActive, codeLocked, codeUnsafeArchive, codeTwoKinds, codeUnavailable,
}

// refuse says why a file is not taken; cause is for the log.
func refuse(code string, cause error) error {
	return &content.Problem{Class: content.Invalid, Code: code, Err: cause}
}

func tooLarge(limit int64) error {
	return &content.Problem{Class: content.TooLarge, Code: codeTooLarge, Params: map[string]any{"max": limit}}
}

func tooManyPixels(l Limits) error {
	return &content.Problem{Class: content.TooLarge, Code: codeTooManyPixels, Params: map[string]any{"max": l.Pixels / 1_000_000, "side": l.Side}}
}

// unavailable tells of a bucket that does not do what it should.
func unavailable(cause error) error {
	return &content.Problem{Class: content.Unavailable, Code: codeUnavailable, Err: cause}
}

func notFound() error {
	return &content.Problem{Class: content.NotFound, Code: "not_found"}
}

func unauthenticated() error {
	return &content.Problem{Class: content.Unauthenticated, Code: "unauthenticated"}
}
