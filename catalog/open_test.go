package catalog

import (
	"errors"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/content"
)

func opening(rows ...any) values {
	return values{"title": "S", "opening_hours": rows}
}

func TestOpen(t *testing.T) {
	w := newWorld(t)
	day := values{"days": []string{"mo", "tu", "we", "th", "fr"}, "opens": "09:00", "closes": "13:00"}
	w.publish("service", "mattina", "it", "mattina", opening(day))
	w.publish("service", "mattina", "en", "morning", opening(day))
	w.publish("service", "sabato", "it", "sabato", opening(values{"days": []string{"sa"}, "opens": "10:00", "closes": "12:00"}))
	w.publish("service", "agosto", "it", "agosto", opening(day, values{"closed": true, "valid_from": "2026-08-01", "valid_to": "2026-08-31"}))
	w.publish("service", "notte", "it", "notte", opening(values{"days": []string{"fr"}, "opens": "22:00", "closes": "06:00"}))
	w.publish("service", "ignoto", "it", "ignoto", opening())
	dir := t.TempDir()
	c := w.open(dir)
	ask := func(query string) []string {
		t.Helper()
		v, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		q, err := c.ParseQuery("services", v)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := list(t, c, q)
		slices.Sort(got)
		return got
	}
	weekdays := []string{"agosto", "mattina"}
	for range 2 {
		for query, want := range map[string][]string{
			"open_at=now":                         weekdays, // Wednesday 25 November 2026, 10:30 in Rome
			"open_at=2026-11-25T12:59:59%2B01:00": weekdays,
			"open_at=2026-11-25T13:00:00%2B01:00": {},
			"open_at=2026-11-25T08:00:00Z":        weekdays,
			"open_at=2026-11-25T07:59:00Z":        {},
			"open_at=2026-08-26T10:00:00%2B02:00": {"mattina"},
			"open_at=2026-12-25T10:00:00%2B01:00": {}, // Christmas
			"open_at=2026-11-28T02:00:00%2B01:00": {"notte"},
			"open_on=sa":                          {"sabato"},
			"open_on=SA":                          {"sabato"},
			"open_on=fr":                          {"agosto", "mattina", "notte"},
			"open_on=2026-11-28":                  {"sabato"},
			"open_on=2026-08-26":                  {"mattina"},
			"open_on=2026-11-25&open_at=now":      weekdays,
			"open_on=sa&open_at=now":              {},
			"open_at=now&q=niente":                {},
			"open_at=&open_on=":                   {"agosto", "ignoto", "mattina", "notte", "sabato"},
		} {
			if got := ask(query); !slices.Equal(got, want) {
				t.Errorf("%s: %v, want %v", query, got, want)
			}
		}
		c.Close()
		c = w.open(dir) // what the file says of them is the same
	}
	// The clock runs and nobody publishes anything.
	first, err := c.List(Query{Collection: "services", OpenNow: true, Limit: 1})
	if err != nil || first.Next == "" {
		t.Fatal(err)
	}
	w.clock = w.clock.Add(time.Minute)
	if p, err := c.List(Query{Collection: "services", OpenNow: true, Limit: 1, Cursor: first.Next}); err != nil || len(p.Entries) != 1 {
		t.Errorf("the second page, a minute later: %v", err)
	}
	w.clock = w.clock.Add(3 * time.Hour)
	if p, err := c.List(Query{Collection: "services", OpenNow: true, Limit: 1}); err != nil || p.Total != 0 || p.ETag() == first.ETag() {
		t.Errorf("they have closed: %+v %v", p, err)
	}
	// On a Saturday, Saturday is today; on Sunday it is in six days.
	w.publish("service", "solo", "it", "solo", opening(values{"days": []string{"sa"}, "opens": "10:00", "closes": "12:00", "valid_from": "2026-11-28", "valid_to": "2026-11-28"}))
	w.catchUp(c)
	for at, want := range map[string][]string{"2026-11-28T22:30:00Z": {"sabato", "solo"}, "2026-11-28T23:30:00Z": {"sabato"}} {
		if w.clock, err = time.Parse(time.RFC3339, at); err != nil {
			t.Fatal(err)
		}
		if got := ask("open_on=sa"); !slices.Equal(got, want) {
			t.Errorf("at %s: %v", at, got)
		}
	}
	w.verified(c)
}

func TestOpenRefuses(t *testing.T) {
	w := newWorld(t)
	c := w.open(t.TempDir())
	for _, x := range []struct{ collection, query, want string }{
		{"services", "open_at=later", "/open_at:not_a_date"}, {"services", "open_at=2026-11-25", "/open_at:not_a_date"},
		{"services", "open_at=2026-11-25T10:00:00", "/open_at:not_a_date"}, {"services", "open_at=now&open_at=now", "/open_at:too_many_items"},
		{"services", "open_on=2026-02-30", "/open_on:not_a_date"}, {"services", "open_on=xx", "/open_on:not_a_date"},
		{"articles", "open_at=now", "/open_at:unknown_parameter"}, {"articles", "open_on=sa", "/open_on:unknown_parameter"},
		{"articles", "assurance=current", "/assurance:unknown_parameter"}, {"services", "assurance=hidden", "/assurance:unknown_term"},
		{"services", "zoom=3", "/zoom:unknown_parameter"},
	} {
		v, err := url.ParseQuery(x.query)
		if err != nil {
			t.Fatal(err)
		}
		q, err := c.ParseQuery(x.collection, v)
		if err == nil {
			_, err = c.List(q)
		}
		var problem *content.Problem
		if !errors.As(err, &problem) || len(problem.Fields) != 1 || problem.Fields[0].Path+":"+problem.Fields[0].Code != x.want {
			t.Errorf("%s?%s: %v", x.collection, x.query, err)
		}
	}
}

func TestTimely(t *testing.T) {
	for want, queries := range map[bool][]Query{
		true:  {{OpenNow: true}, {OpenOn: "sa"}, {OpenOn: "sabato"}},
		false: {{}, {OpenAt: time.Unix(1, 0)}, {OpenOn: "2026-11-28"}},
	} {
		for _, q := range queries {
			if q.Timely() != want {
				t.Errorf("%+v", q)
			}
		}
	}
}
