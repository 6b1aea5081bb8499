package widgets

import (
	"slices"
	"strings"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/messages"
	"github.com/prassi-cms/prassi/schemas"
)

// Codes with parameters, which the comment names, and problems.
const (
	codeUntil      = "label_widget_until"    // date
	codeOn         = "label_widget_on"       // date
	codeSince      = "label_widget_since"    // from, to
	codeFound      = "label_widget_found"    // count
	codeAway       = "label_widget_away"     // km
	codeCluster    = "label_widget_cluster"  // count
	codeLanguage   = "label_widget_language" // language
	codeTitleOf    = "label_widget_frame"    // name
	codeInvalid    = "widget_invalid"        // none; errors say what
	codeNone       = "widget_unknown"        // value
	codeMode       = "widget_mode"           // value
	codeToken      = "widget_token"          // value
	codeSlug       = "widget_slug"           // none
	codeCollection = "widget_collection"     // value
)

// clientCodes are the words that scripts are given, by their names without
// "label_widget_" or "widget_"; parameters stand in braces.
var clientCodes = []string{
	"label_widget_news", "label_widget_practices", "label_widget_practice", "label_widget_services", "label_widget_deadlines",
	"widget_loading", "widget_failed", "widget_empty",
	"label_widget_locate", "widget_locating", "widget_denied", "label_widget_place", "label_widget_find", "widget_no_place",
	"label_widget_list", "label_widget_map", "label_widget_zoom_in", "label_widget_zoom_out",
	codeUntil, codeOn, codeSince, codeFound, codeAway, codeCluster, codeLanguage,
	"widget_unverified", "widget_approximate",
}

// pageCodes are the words of pages alone.
var pageCodes = []string{
	"label_widget_card", "label_widget_all_news", "label_widget_all_practices", "label_widget_all_services", "label_widget_all_deadlines", "label_widget_read", codeTitleOf,
	"label_builder_title", "builder_intro", "label_builder_widget", "label_builder_language", "label_builder_territory", "label_builder_territory_any", "label_builder_topic", "label_builder_topic_any",
	"label_builder_limit", "label_builder_slug", "builder_slug_hint", "label_builder_partner", "builder_partner_hint", "label_builder_mode", "label_builder_mode_auto", "label_builder_mode_light", "label_builder_mode_dark",
	"label_builder_accent", "label_builder_make", "label_builder_line", "builder_line_hint", "label_builder_frame", "builder_frame_hint", "label_builder_space", "builder_space_hint",
	"label_builder_policy", "builder_policy_hint", "label_builder_preview", "label_builder_copy", "builder_copied", "builder_privacy",
}

// Codes lists every code of this package: problems and words; a test sees that
// each has its message.
var Codes = slices.Concat([]string{codeInvalid, codeNone, codeMode, codeToken, codeSlug, codeCollection}, clientCodes, pageCodes)

// Words gives what scripts say in a language, by key; a parameter stands as its
// name in braces.
func Words(lang string) map[string]string {
	hold := map[string]any{}
	for _, p := range []string{"date", "from", "to", "count", "km", "language"} {
		hold[p] = "{" + p + "}"
	}
	out := make(map[string]string, len(clientCodes))
	for _, code := range clientCodes {
		key := strings.TrimPrefix(strings.TrimPrefix(code, "label_"), "widget_")
		out[key] = messages.Text(lang, code, hold)
	}
	return out
}

// faults collects what is wrong with what is asked.
type faults []schemas.Issue

func (f *faults) value(path, code, value string) {
	if r := []rune(value); len(r) > 80 {
		value = string(r[:79]) + "…"
	}
	*f = append(*f, schemas.Issue{Path: path, Code: code, Params: map[string]any{"value": value}})
}

func (f faults) problem() error {
	if len(f) == 0 {
		return nil
	}
	return &content.Problem{Class: content.Invalid, Code: codeInvalid, Fields: f}
}
