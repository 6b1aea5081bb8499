package feeds

// Codes lists the codes of the words that feeds add to what was published:
// feed_everything, feed_deadlines, feed_about and feed_calendar_about (site),
// feed_begins (from), feed_ends and feed_due (to).
var Codes = []string{codeEverything, codeDeadlines, codeAbout, codeCalendarAbout, codeBegins, codeEnds, codeDue}

const (
	codeEverything    = "feed_everything"
	codeDeadlines     = "feed_deadlines"
	codeAbout         = "feed_about"
	codeCalendarAbout = "feed_calendar_about"
	codeBegins        = "feed_begins"
	codeEnds          = "feed_ends"
	codeDue           = "feed_due"
)
