package schemas

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"go.yaml.in/yaml/v3"
)

// Holiday is a public holiday that comes every year: on a day of the calendar,
// or so many days from Easter Sunday.
type Holiday struct {
	ID    string `yaml:"id" json:"id"`
	Label Text   `yaml:"label" json:"label"`
	// Month and Day of the calendar; both 0 when Easter counts.
	Month time.Month `yaml:"month" json:"month,omitempty"`
	Day   int        `yaml:"day" json:"day,omitempty"`
	// Easter is days after Easter Sunday.
	Easter *int `yaml:"easter" json:"easter,omitempty"`
	// From is the first year; 0: no year of the present law is without it.
	From int `yaml:"from" json:"from,omitempty"`
}

// Holidays lists the public holidays of Italy in the order of the calendar.
func (r *Registry) Holidays() []Holiday { return r.holidays }

// loadHolidays reads holidays.yaml; without the file there are none.
func (r *Registry) loadHolidays(fsys fs.FS) error {
	const name = "holidays.yaml"
	var file struct {
		Holidays []yaml.Node `yaml:"holidays"`
	}
	if _, err := readYAML(fsys, name, &file); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	seen := map[string]bool{}
	for i := range file.Holidays {
		n := &file.Holidays[i]
		var h Holiday
		if err := decode(n, &h); err != nil {
			return at(name, n, err)
		}
		// 2024 is a leap year, so 29 February is a day.
		d := time.Date(2024, h.Month, h.Day, 0, 0, 0, 0, time.UTC)
		switch onDay := h.Month != 0 || h.Day != 0; {
		case !namePattern.MatchString(h.ID) || seen[h.ID]:
			return at(name, n, fmt.Errorf("holiday %q needs a name of its own in snake_case", h.ID))
		case h.Label["it"] == "":
			return at(name, n, fmt.Errorf("holiday %s has no label in it", h.ID))
		case onDay == (h.Easter != nil):
			return at(name, n, fmt.Errorf("holiday %s needs month and day, or easter", h.ID))
		case onDay && (d.Month() != h.Month || d.Day() != h.Day):
			return at(name, n, fmt.Errorf("holiday %s: there is no day %d of month %d", h.ID, h.Day, h.Month))
		case h.Easter != nil && (*h.Easter < -80 || *h.Easter > 200):
			return at(name, n, fmt.Errorf("holiday %s: easter is not between -80 and 200 days", h.ID))
		}
		seen[h.ID] = true
		r.holidays = append(r.holidays, h)
	}
	return nil
}
