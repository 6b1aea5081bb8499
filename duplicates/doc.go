// Package duplicates finds documents that may be one and the same thing entered
// twice: candidates for merging, which a person then looks at side by side.
//
//	documents ──▶ Subject ──▶ Finder ──▶ []Pair{Likeness: score, reasons}
//	   (Watch: one scan,       blocks: phone, tax code,
//	    then the log)          place and words of the name
//
// # What makes two alike
//
// Near compares two subjects of one type. Any of these is a reason:
//
//   - the same tax code;
//   - the same telephone number (E.164; a number without a country is Italian).
//     A number that more than MaxShared subjects have is a switchboard and is no
//     reason;
//   - nearly the same name within MaxMetres. A place that is sensitive, not exact
//     or without coordinates is compared by its municipality, and nothing is said
//     of a distance.
//
// Two that belong together by declaration (services of one provider, branches of
// one organisation, a branch and its parent) share telephone and tax code by
// nature. Between them every word of the name counts, and telephone and tax code
// are a reason only where the names are nearly the same too and no two known
// places say that they are apart.
//
// # Names
//
// Names are folded as search folds them, so case, accents and punctuation do not
// count; double letters and final vowels do not either (associato, associati).
// Words of the field such as association, onlus or help desk weigh little, and
// articles nothing: words.yaml lists both. One mistyped letter in one word is
// forgiven; a number that only one of the names has is not.
//
// Everything here but Watch is a pure function of its arguments: symmetric, and
// the same whatever the order in which subjects were added.
package duplicates
