package freshness

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/schemas"
)

// TestYear lives a year and a half, day by day, with two processes that take
// turns, and writes down every message, every label, every hiding and return.
func TestYear(t *testing.T) {
	w := newWorld(t)
	names := map[string]string{}
	add := func(title, owner string, fields map[string]any) string {
		id := w.publish(title, owner, "2026-01-10", fields)
		names[id] = title
		return id
	}
	add("Sportello", "", map[string]any{"assurer_email": "sportello@example.org", "contacts": []any{map[string]any{"email": "other@example.org"}}})
	add("Orto", "orti", map[string]any{"contacts": []any{map[string]any{"email": "other@example.org"}}})
	add("Corso", "", map[string]any{"contacts": []any{map[string]any{"name": "Ufficio"}, map[string]any{"email": "corso@example.org"}}})
	lonely := add("Rifugio", "", map[string]any{"territories": []any{"MI"}})
	edited := add("Mensa", "", map[string]any{"assurer_email": "mensa@example.org"})

	var story strings.Builder
	stages := map[string]schemas.Stage{}
	mails := map[string]letterSent{} // the last to each address
	note := func(what string, args ...any) {
		fmt.Fprintf(&story, "%s %s\n", w.clock().In(content.Rome).Format(time.DateOnly), fmt.Sprintf(what, args...))
	}
	confirm := func(address string, by *Keeper) {
		t.Helper()
		list := tokens(mails[address])
		a, err := by.Confirm(ctx, list[0], "it")
		w.must(err)
		note("%s confirms %s until %s", address, a.Title, a.Due.Format(time.DateOnly))
	}
	keepers := []*Keeper{w.keeper, w.another()}
	for now, turn := day("2026-01-10"), 0; now.Before(day("2027-07-01")); now = now.Add(12 * time.Hour) {
		w.set(now)
		k := keepers[turn%2]
		turn++
		today := now.Format(time.DateOnly)
		if now.Hour() == 11 {
			switch today {
			case "2026-12-23": // what waits for approval changes nothing
				confirm("karim@orti.example", k)
			case "2026-12-28":
				_, err := w.service.Edit(ctx, content.System("editor"), edited, "it", w.get(edited).ETag("it"), content.Edit{Fields: map[string]any{"assurer_email": "nuova-mensa@example.org"}})
				w.must(err)
				note("Mensa is edited")
			case "2027-01-05":
				_, err := w.service.Transition(ctx, content.System("editor"), edited, "it", w.get(edited).ETag("it"), content.Step{Name: "publish"})
				w.must(err)
				note("Mensa is published")
				_, err = k.Open(ctx, tokens(mails["mensa@example.org"])[0], "it")
				w.code(err, codeLinkNotYours)
			case "2027-01-12":
				_, err := k.Report(ctx, tokens(mails["corso@example.org"])[0], "Il corso è in un’altra via.", "it")
				w.must(err)
				note("corso@example.org says something")
			case "2027-05-20":
				confirm("sportello@example.org", k)
			case "2027-06-01": // the council speaks with them
				_, err := w.service.Assure(ctx, content.System("council"), lonely, "2027-05-30")
				w.must(err)
				note("the council confirms Rifugio")
			}
		}
		w.must(k.Run(ctx))
		w.must(k.Tell(ctx))
		for id, name := range names {
			if s := stageOf(w.get(id)); s != stages[id] {
				stages[id] = s
				note("- %s: %q", name, s)
			}
		}
		for _, m := range w.post.take() {
			mails[m.To] = m
			note("> %s: %s", m.To, m.Subject)
		}
	}
	// Lines of one day come in no order that counts.
	lines := strings.Split(strings.TrimSpace(story.String()), "\n")
	sortDays(lines)
	same(t, strings.Join(lines, "\n"), strings.NewReplacer(`\u2068`, "\u2068", `\u2069`, "\u2069").Replace(`
2026-12-20 > carla@orti.example: Controlla la pagina: Orto
2026-12-20 > corso@example.org: Controlla la pagina: Corso
2026-12-20 > karim@orti.example: تحقق من هذه الصفحة: \u2068Orto\u2069
2026-12-20 > mensa@example.org: Controlla la pagina: Mensa
2026-12-20 > sportello@example.org: Controlla la pagina: Sportello
2026-12-20 > ugo@prefettura.example: Pages à faire confirmer : 1
2026-12-23 karim@orti.example confirms Orto until 2027-12-23
2026-12-28 Mensa is edited
2027-01-03 > corso@example.org: Controlla la pagina: Corso
2027-01-03 > mensa@example.org: Controlla la pagina: Mensa
2027-01-03 > sportello@example.org: Controlla la pagina: Sportello
2027-01-05 Mensa is published
2027-01-10 > sara@prefettura.example: Pagine da far confermare: 3
2027-01-12 > sara@prefettura.example: Correggi la pagina: Corso
2027-01-12 corso@example.org says something
2027-02-09 - Corso: "unverified"
2027-02-09 - Mensa: "unverified"
2027-02-09 - Rifugio: "unverified"
2027-02-09 - Sportello: "unverified"
2027-02-09 > sara@prefettura.example: Pagine da far confermare: 3
2027-02-09 > ugo@prefettura.example: Pages à faire confirmer : 1
2027-05-10 - Corso: "hidden"
2027-05-10 - Mensa: "hidden"
2027-05-10 - Rifugio: "hidden"
2027-05-10 - Sportello: "hidden"
2027-05-10 > sara@prefettura.example: Pagine da far confermare: 3
2027-05-10 > ugo@prefettura.example: Pages à faire confirmer : 1
2027-05-20 - Sportello: ""
2027-05-20 sportello@example.org confirms Sportello until 2028-05-19
2027-06-01 - Rifugio: ""
2027-06-01 the council confirms Rifugio
`))
}

// sortDays sorts the lines of each day.
func sortDays(lines []string) {
	for i := range lines {
		for j := i; j > 0 && lines[j] < lines[j-1]; j-- {
			lines[j], lines[j-1] = lines[j-1], lines[j]
		}
	}
}
