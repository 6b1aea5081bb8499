package main

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/auth"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/access"
	"github.com/prassi-cms/prassi/content/sqlitestore"
	"github.com/prassi-cms/prassi/content/workflow"
	"github.com/prassi-cms/prassi/schemas"
)

// safety measures what deciding, recognising and remembering cost. Functions run
// here, and the CPU is this process's own; logins and signed requests go to a
// server in a process of its own (signin.go).
func (b *bench) safety() error {
	store, err := sqlitestore.Open(b.ctx, filepath.Join(b.dir, "safety.db"))
	if err != nil {
		return err
	}
	defer store.Close()
	for _, part := range []func(*sqlitestore.Store) error{b.decisions, b.credentials, b.ledger} {
		if err := part(store); err != nil {
			return err
		}
	}
	return b.signingIn()
}

// call is one operation that is repeated.
type call func() error

// costs runs each of the calls n times a round, in turns, and gives the median
// CPU time of one.
func (b *bench) costs(n int, calls ...call) ([]time.Duration, error) {
	spent := make([][]time.Duration, len(calls))
	for round := range b.rounds + 1 { // the first one warms
		for i, do := range calls {
			before := ownCPU()
			for range n {
				if err := do(); err != nil {
					return nil, err
				}
			}
			if round > 0 {
				spent[i] = append(spent[i], (ownCPU()-before)/time.Duration(n))
			}
		}
	}
	medians := make([]time.Duration, len(calls))
	for i := range spent {
		medians[i] = middle(spent[i], 0.5)
	}
	return medians, nil
}

// beside adds a row: what a call costs, beside the least that it could.
func (b *bench) beside(what string, n int, do call, least string, ceiling call, limit time.Duration) error {
	cost, err := b.costs(n, do, ceiling)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	wanted := "stated"
	if limit > 0 {
		wanted = fmt.Sprintf("< %.0f µs", micro(limit))
	}
	b.add(limit == 0 || cost[0] < limit, what, fmt.Sprintf("%.2f µs CPU", micro(cost[0])), fmt.Sprintf("%.2f µs, %s", micro(cost[1]), least),
		fmt.Sprintf("%.1f", float64(cost[0])/float64(max(1, cost[1]))), wanted)
	return nil
}

// ownCPU is the user and system time of this process.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0 // it cannot fail with these arguments
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

var errDenied = errors.New("denied, and must not be")

// five is a person with five grants, of which the last one counts.
func five() content.Actor {
	return content.Actor{ID: "person:five", Via: "session", Grants: []content.Grant{
		{Role: "translator", Scope: "es"}, {Role: "contributor", Scope: "altra-riva"}, {Role: "contributor", Scope: "monte"},
		{Role: "reviewer", Scope: "015"}, {Role: "secretary", Scope: "100"},
	}}
}

// decisions asks who may: an action, a step of a workflow, all steps of a state,
// and the whole list that the editor's screen is drawn from.
func (b *bench) decisions(store *sqlitestore.Store) error {
	reg := schemas.Default()
	policy, err := content.LoadPolicy(reg)
	if err != nil {
		return err
	}
	workflows, err := content.LoadWorkflows(reg)
	if err != nil {
		return err
	}
	const n = 50_000
	actor, now, contains, def := five(), time.Now(), reg.Territories().Contains, workflows["practice"]
	on := access.Object{Organization: "orti-insieme", Territories: []string{"015", "100"}, Locales: []string{"it", "ar"},
		Is: func(c string) bool { return c == access.HandedIn }}
	facts := workflow.Facts{
		Holds:  func(r workflow.Requirement) bool { return r.Met(actor.Grants, &on, now, contains) != nil },
		Passes: func(string) bool { return true },
	}
	compare := func() error { // what nobody can leave out
		for i := range actor.Grants {
			if g := &actor.Grants[i]; g.Role == "secretary" && slices.Contains(on.Territories, g.Scope) {
				return nil
			}
		}
		return errDenied
	}
	const least = "comparing five grants"
	const limit = 5 * time.Microsecond
	err = b.beside("decision: may this person see the document", n, func() error {
		if policy.Permit(access.DocumentSee, actor.Grants, on, now, contains) == nil {
			return errDenied
		}
		return nil
	}, least, compare, limit)
	if err != nil {
		return err
	}
	err = b.beside("decision: a step of the workflow", n, func() error {
		_, _, err := def.Fire("endorsed", "publish", facts)
		return err
	}, least, compare, limit)
	if err != nil {
		return err
	}
	err = b.beside("decision: all steps from a state", n, func() error {
		if len(def.Permitted("endorsed", facts)) == 0 {
			return errDenied
		}
		return nil
	}, least, compare, limit)
	if err != nil {
		return err
	}
	return b.permissions(store, reg)
}

// permissions lists what a person may do with a variant on SQLite, and the same
// with the revision at hand: the difference is reading it.
func (b *bench) permissions(store *sqlitestore.Store, reg *schemas.Registry) error {
	at := &handy{Store: store}
	service, err := content.New(at, reg, content.Options{})
	if err != nil {
		return err
	}
	d, err := service.Create(b.ctx, content.System("bench"), content.NewVariant{Type: "service", Locale: "it", Owner: "orti-insieme", Fields: map[string]any{
		"title": "Sportello casa", "summary": "Aiuto a cercare casa, con un interprete.", "territories": []any{"PO"}, "topics": []any{"housing"},
	}})
	if err != nil {
		return err
	}
	hash := d.Variant("it").Latest.Hash
	actor := five()
	actor.Grants[2].Scope = "orti-insieme"
	ask := func() error {
		p, err := service.Permissions(b.ctx, actor, d, "it")
		if err == nil && (!p.Edit || len(p.Actions) == 0) {
			err = errDenied
		}
		return err
	}
	revision, err := store.Revision(b.ctx, hash)
	if err != nil {
		return err
	}
	cost, err := b.costs(2000,
		func() error { at.revision = nil; return ask() },
		func() error { at.revision = revision; return ask() },
		func() error { _, err := store.Revision(b.ctx, hash); return err })
	if err != nil {
		return err
	}
	b.add(true, "permitted actions of a text, read from SQLite", fmt.Sprintf("%.1f µs CPU", micro(cost[0])),
		fmt.Sprintf("%.1f µs, reading the revision", micro(cost[2])), fmt.Sprintf("%.1f", float64(cost[0])/float64(cost[2])), "stated")
	b.add(true, "the same, the revision at hand: rights and what is missing", fmt.Sprintf("%.1f µs CPU", micro(cost[1])), "", "", "stated")
	return nil
}

// handy is a store that may hold one revision at hand.
type handy struct {
	content.Store
	revision *content.Revision
}

func (h *handy) Revision(ctx context.Context, hash string) (*content.Revision, error) {
	if h.revision != nil && h.revision.Hash == hash {
		return h.revision, nil
	}
	return h.Store.Revision(ctx, hash)
}

// credentials recognises a session and a token: remembered, as all but one
// request in two seconds, and asked of the store.
func (b *bench) credentials(store *sqlitestore.Store) error {
	now := time.Now()
	accounts := auth.New(audit.New(store, nil), auth.Options{Clock: func() time.Time { return now }})
	person := auth.Person{ID: "five", Name: "Cinque", Locale: "it", Grants: five().Grants}
	if err := accounts.PutPerson(b.ctx, content.System("bench"), person); err != nil {
		return err
	}
	session, _, err := accounts.StartSession(b.ctx, auth.NewSession{Person: person.ID, Address: "192.0.2.0"})
	if err != nil {
		return err
	}
	token, _, err := accounts.CreateToken(b.ctx, content.System("bench"), auth.NewToken{Name: "bench", Person: person.ID, Grants: person.Grants[4:], Life: auth.MaxTokenLife})
	if err != nil {
		return err
	}
	hash := func(s string) call {
		return func() error {
			if sum := sha256.Sum256([]byte(s)); sum == [32]byte{} {
				return errDenied
			}
			return nil
		}
	}
	ids, err := store.ListRecords(b.ctx, "person", "", 1)
	if err != nil || len(ids) == 0 {
		return fmt.Errorf("no record of a person: %w", err)
	}
	read := func() error { _, err := store.GetRecord(b.ctx, "person", ids[0].ID); return err }
	for _, c := range []struct {
		what, secret string
		check        func(context.Context, string) (content.Actor, error)
	}{{"session", session, accounts.AuthenticateSession}, {"token", token, accounts.AuthenticateToken}} {
		check := func() error { _, err := c.check(b.ctx, c.secret); return err }
		if err := b.beside("check of a "+c.what+", remembered", 20_000, check, "SHA-256 of it", hash(c.secret), 20*time.Microsecond); err != nil {
			return err
		}
		// The clock stands still but for this: two seconds pass before each check.
		err := b.beside("check of a "+c.what+", asked of SQLite", 200, func() error {
			now = now.Add(2 * time.Second)
			return check()
		}, "one read", read, 0)
		if err != nil {
			return err
		}
	}
	return nil
}

// ledger changes a record together with its entry, and seals an event.
func (b *bench) ledger(store *sqlitestore.Store) error {
	type person struct {
		Name   string `json:"name"`
		Visits int    `json:"visits"`
	}
	ledger := audit.New(store, nil)
	by := content.Actor{ID: "person:anna", Via: "session", Trace: "20260331-abc"}
	raw, err := openRaw(b.ctx, filepath.Join(b.dir, "raw-ledger.db"))
	if err != nil {
		return err
	}
	defer raw.Close()
	err = b.beside("change of a record, with its audit entry, durable", 200, func() error {
		_, err := audit.Change(b.ctx, ledger, "bench", "one", by, func(p *person, _ bool) (string, map[string]string, error) {
			p.Name, p.Visits = "Bruno Neri", p.Visits+1
			return audit.RoleGranted, map[string]string{"role": "reviewer", "scope": "100"}, nil
		})
		return err
	}, "two bare durable inserts", inserts(b.ctx, raw, 2), 0)
	if err != nil {
		return err
	}
	sum := fmt.Sprintf("%x", sha256.Sum256(nil))
	e := content.Event{
		ID: "01a20154-1365-7048-8d88-cc117c6afae6-4-0", Kind: content.EventTransition, Document: "01a20154-1365-7048-8d88-cc117c6afae6",
		Type: "practice", Locale: "it", Version: 4, Revision: sum, At: time.Now(), Actor: "person:rita", Grant: "reviewer@100",
		Via: "session", Trace: "20260331-abc", Transition: "endorse", From: "submitted", To: "endorsed", Prev: sum,
	}
	data, err := json.Marshal(&e)
	if err != nil {
		return err
	}
	return b.beside("sealing an event of content", 20_000, func() error {
		if e.ComputeHash() == "" {
			return errors.New("no hash")
		}
		return nil
	}, "SHA-256 of its JSON", func() error {
		if sum := sha256.Sum256(data); sum == [32]byte{} {
			return errors.New("no hash")
		}
		return nil
	}, 0)
}

// openRaw opens a database as careful as the store's, with one table.
func openRaw(ctx context.Context, path string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, "CREATE TABLE raw (id INTEGER PRIMARY KEY, body TEXT)"); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// inserts writes rows of half a kilobyte, each durable by itself.
func inserts(ctx context.Context, db *sql.DB, rows int) call {
	body := strings.Repeat("una riga ", 56)
	return func() error {
		for range rows {
			if _, err := db.ExecContext(ctx, "INSERT INTO raw (body) VALUES (?)", body); err != nil {
				return err
			}
		}
		return nil
	}
}
