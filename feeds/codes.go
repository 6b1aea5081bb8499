package feeds

// Codes lists the codes of the words that feeds add to what was published:
// label_feed_everything, label_feed_deadlines, feed_about and feed_calendar_about (site),
// feed_begins (from), feed_ends and feed_due (to).
var Codes = []string{codeEverything, codeDeadlines, codeAbout, codeCalendarAbout, codeBegins, codeEnds, codeDue}

const (
	codeEverything    = "label_feed_everything"
	codeDeadlines     = "label_feed_deadlines"
	codeAbout         = "feed_about"          // site
	codeCalendarAbout = "feed_calendar_about" // site
	codeBegins        = "feed_begins"         // from
	codeEnds          = "feed_ends"           // to
	codeDue           = "feed_due"            // to
)
