package feeds_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/prassi-cms/prassi/feeds"
	"github.com/prassi-cms/prassi/internal/feedcheck"
)

// TestValid: every feed and calendar that there is, in languages of both
// directions, is right for every validator, and every reader sees the same.
func TestValid(t *testing.T) {
	w, check := newWorld(t).filled(), feedcheck.Start(t)
	w.many(60)
	for _, locale := range []string{"it", "ar", "zh-Hans"} {
		for _, name := range w.source.Collections() {
			for _, where := range []feeds.Query{{}, {Territory: "PO"}, {Topic: w.term()}, {Territory: "09", Topic: w.term()}} {
				where.Locale, where.Collection = locale, name
				var seen [][]string
				for _, f := range feeds.Formats {
					seen = append(seen, check.Valid(string(f), w.feed(where, f)))
				}
				if !slices.Equal(seen[0], seen[1]) || !slices.Equal(seen[0], seen[2]) {
					t.Errorf("%v: the formats do not say the same: %q", where, seen)
				}
			}
		}
		for _, name := range w.source.Calendars() {
			check.Valid("ics", w.calendar(feeds.Query{Locale: locale, Collection: name}))
		}
	}
	if got := check.Valid("rss", w.feed(feeds.Query{Locale: "it", Collection: "news"}, feeds.RSS)); len(got) != feeds.MaxItems || got[0] != "Decreto flussi: si parte" {
		t.Errorf("%d items, %q first", len(got), got[0])
	}
	if got := check.Valid("ics", w.calendar(feeds.Query{Locale: "it", Collection: "events"})); !slices.Equal(got, []string{
		"Festa dei popoli; musica, cibo", "Corso di tre giorni", "Non si fa", "Solo l'inizio",
	}) {
		t.Errorf("events: %q", got)
	}
	want := []string{`Domande, prima parte; \ e altro · Decreto flussi: si parte`, "Ricorsi · Decreto flussi: si parte"}
	if got := check.Valid("ics", w.calendar(feeds.Query{Locale: "it", Collection: feeds.Deadlines})); !slices.Equal(got, want) {
		t.Errorf("deadlines: %q", got)
	}
}

// TestHostile: whatever people write as a title, a feed stays a feed, and says no
// more than one item of it.
func TestHostile(t *testing.T) {
	w, check := newWorld(t), feedcheck.Start(t)
	for i, title := range hostile {
		w.source.Name = map[string]string{"it": title}
		_ = i
		w.publish(doc{typ: "event", locale: "it", slug: "ostile", fields: map[string]any{"title": strings.ToValidUTF8(safeTitle(title), "")}})
		for _, f := range feeds.Formats {
			if got := check.Valid(string(f), w.feed(feeds.Query{Locale: "it", Collection: "events"}, f)); len(got) != 1 {
				t.Errorf("%q: %s: %d items", title, f, len(got))
			}
		}
		if got := check.Valid("ics", w.calendar(feeds.Query{Locale: "it", Collection: "events"})); len(got) != 1 {
			t.Errorf("%q: %d events", title, len(got))
		}
	}
}
