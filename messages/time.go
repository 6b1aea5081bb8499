package messages

import (
	"sync"
	"time"
	_ "time/tzdata" // Rome must be known on machines without a zone database
)

// layouts are how the languages write a day; the others write 31/12/2026.
var layouts = map[string]string{"en": "2 January 2006", "zh": "2006年1月2日"}

var rome = sync.OnceValue(func() *time.Location {
	zone, err := time.LoadLocation("Europe/Rome")
	if err != nil { // the program carries the zones
		panic("messages: " + err.Error())
	}
	return zone
})

// Day writes the day of a time in Italy, as the language does.
func Day(locale string, t time.Time) string { return t.In(rome()).Format(layout(locale)) }

// Moment writes the day of a time in Italy and what a clock shows there.
func Moment(locale string, t time.Time) string { return t.In(rome()).Format(layout(locale) + " 15:04") }

func layout(locale string) string {
	if c := find(locale); c != nil && layouts[c.tag] != "" {
		return layouts[c.tag]
	}
	return "02/01/2006"
}
