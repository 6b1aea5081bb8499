package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/content"
)

// testPlans makes every kind of call the contract has, on a store with enough
// in it, and looks at the engine's plan for each statement.
func testPlans(t *testing.T, d Driver) {
	address := d.Create(t)
	ctx := context.Background()
	plans := d.Plans(t, address, func(s content.Store) {
		var errs []error
		note := func(err error) { errs = append(errs, err) }
		var batch []content.Write
		for i := range 1100 { // a driver may treat long lists differently
			batch = append(batch, write(fmt.Sprintf("d%03d", i), terms("a", fmt.Sprint("b", i%3), "c"),
				slugs(fmt.Sprint("s", i), fmt.Sprint("t", i)), title(fmt.Sprintf("%02x", i%7)), due(start.Add(time.Duration(i)*time.Second))))
		}
		note(errors.Join(s.Apply(ctx, batch)...))
		w := next(batch[0], terms("a", "e"), slugs("u"))
		note(apply(s, w))
		many := make([]string, 40)
		for i := range many {
			many[i] = fmt.Sprint("many", i)
		}
		note(apply(s, next(w, terms(many...), slugs(many...))))
		for range 3 {
			_, err := s.Relay(ctx)
			note(err)
		}

		_, err := s.Get(ctx, "d001")
		note(err)
		_, err = s.BySlug(ctx, "s1")
		note(err)
		for _, order := range []content.Order{content.NewestFirst, content.ByTitle} {
			for _, list := range [][]string{{"a"}, {"a", "c"}, {"a", "b1"}, {"c", "b1", "a"}} {
				for _, after := range []content.Position{{}, {UpdatedAt: start, Title: "03", ID: "d100"}, {UpdatedAt: start, ID: "d100"}} {
					_, err := s.Find(ctx, content.Query{Terms: list, Order: order, After: after, Limit: 5})
					note(err)
				}
			}
		}
		_, err = s.Find(ctx, content.Query{Terms: []string{"e"}})
		note(err)
		_, err = s.Due(ctx, start.Add(time.Minute), 20)
		note(err)
		_, err = s.Scan(ctx, "", 20)
		note(err)
		_, err = s.Scan(ctx, "d990", 0)
		note(err)
		hash := w.Revisions[0].Hash
		_, err = s.Revision(ctx, hash)
		note(err)
		_, err = s.RevisionsByHash(ctx, []string{hash, "none"})
		note(err)
		_, err = s.History(ctx, "d000", "it", 0, 5)
		note(err)
		_, err = s.History(ctx, "d000", "it", 3, 5)
		note(err)
		_, err = s.Events(ctx, 5, 10)
		note(err)
		_, err = s.DocumentEvents(ctx, "d000", 0, 10)
		note(err)
		_, err = s.DocumentEvents(ctx, "d000", 3, 10)
		note(err)
		_, err = s.LastSeq(ctx)
		note(err)
		for i := range 50 {
			note(s.PutRecord(ctx, &content.Record{Kind: "k", ID: fmt.Sprint(i)}, 0))
		}
		note(s.PutRecord(ctx, &content.Record{Kind: "k", ID: "1"}, 1))
		_, err = s.GetRecord(ctx, "k", "1")
		note(err)
		_, err = s.ListRecords(ctx, "k", "1", 5)
		note(err)
		note(s.DeleteRecord(ctx, "k", "1", 2))
		if s.DeleteRecord(ctx, "k", "2", 7) == nil {
			note(errors.New("a record was deleted at the wrong version"))
		}
		note(s.Ping(ctx))
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
	})
	if len(plans) < 15 {
		t.Errorf("%d plans are too few to be all", len(plans))
	}
	for statement, plan := range plans {
		if plan == "" || d.FullScan(plan) {
			t.Errorf("reads everything, or sorts:\n%s\n%s", statement, plan)
		}
	}
	t.Logf("%d statements", len(plans))
}
