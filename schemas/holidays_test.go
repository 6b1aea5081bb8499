package schemas

import (
	"strings"
	"testing"
	"testing/fstest"
)

func TestHolidayDeclarations(t *testing.T) {
	var ids []string
	for _, h := range Default().Holidays() {
		ids = append(ids, h.ID)
		for _, l := range labelLocales {
			if h.Label[l] == "" {
				t.Errorf("%s: nothing in %s", h.ID, l)
			}
		}
	}
	if got := strings.Join(ids, " "); got != "new_year epiphany easter easter_monday liberation labour republic assumption francis all_saints immaculate christmas stephen" {
		t.Errorf("holidays: %s", got)
	}
	for text, want := range map[string]string{
		"{id: a, month: 1, day: 1, label: {it: A}}":                                         "",
		"{id: a, month: 2, day: 29, label: {it: A}}":                                        "",
		"{id: a, easter: 0, label: {it: A}}":                                                "",
		"{id: a, month: 2, day: 30, label: {it: A}}":                                        "holidays.yaml:2: holiday a: there is no day 30 of month 2",
		"{id: a, month: 13, day: 1, label: {it: A}}":                                        "there is no day 1 of month 13",
		"{id: a, month: 1, label: {it: A}}":                                                 "there is no day 0",
		"{id: a, label: {it: A}}":                                                           "needs month and day, or easter",
		"{id: a, month: 1, day: 1, easter: 1, label: {it: A}}":                              "needs month and day, or easter",
		"{id: a, easter: 300, label: {it: A}}":                                              "easter is not between",
		"{id: a, month: 1, day: 1}":                                                         "has no label",
		"{id: A b, month: 1, day: 1, label: {it: A}}":                                       "needs a name of its own",
		"{id: a, month: 1, day: 1, label: {it: A}, to: 2}":                                  "unknown key \"to\"",
		"{id: a, easter: 1, label: {it: A}}\n  - {id: a, month: 1, day: 1, label: {it: A}}": "holidays.yaml:3: holiday \"a\"",
	} {
		err := new(Registry).loadHolidays(fstest.MapFS{"holidays.yaml": &fstest.MapFile{Data: []byte("holidays:\n  - " + text + "\n")}})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := Load(overlay(t, map[string]string{"holidays.yaml": "holidays: [{id: a}]"})); err == nil {
		t.Error("a registry with a wrong holiday")
	}
	if r, err := Load(overlay(t, map[string]string{"holidays.yaml": ""})); err != nil || r.Holidays() != nil {
		t.Errorf("without the file: %v", err)
	}
}
