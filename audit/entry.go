package audit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/prassi-cms/prassi/content"
)

// Entry tells of one thing that was done to a subject.
type Entry struct {
	// Subject is the record it is about, "kind:id".
	Subject string `json:"subject"`
	// Number is the place in the subject's chain, from 1, without gaps.
	Number int64 `json:"number"`
	// At is when, in UTC, to the millisecond.
	At time.Time `json:"at"`
	// Actor acted; empty for somebody unknown (a refused login).
	Actor      string `json:"actor,omitempty"`
	OnBehalfOf string `json:"on_behalf_of,omitempty"`
	// Grant permitted it ("editor", "reviewer@100"); see Under.
	Grant string `json:"grant,omitempty"`
	// Via is the door by which the actor came, Trace the id of the trace that
	// says from which address.
	Via   string `json:"via,omitempty"`
	Trace string `json:"trace,omitempty"`
	// Action is one of Actions; Details have keys of DetailKeys.
	Action  string            `json:"action"`
	Details map[string]string `json:"details,omitempty"`
	// Prev is the Hash of the subject's entry before, empty for the first. Hash
	// is the hexadecimal SHA-256 of the entry's JSON without it.
	Prev string `json:"prev,omitempty"`
	Hash string `json:"hash,omitempty"`
}

// ComputeHash gives the hash that the entry must have.
func (e Entry) ComputeHash() string {
	e.Hash = ""
	sum := sha256.Sum256(e.encode())
	return hex.EncodeToString(sum[:])
}

// encode gives the stored form: one for each entry, since the keys of structs
// and maps have one order.
func (e Entry) encode() []byte {
	data, err := json.Marshal(e)
	if err != nil {
		panic("audit: " + err.Error()) // strings, a number, and a time of our own clock
	}
	return data
}

// id is the key of the entry's record.
func (e *Entry) id() string { return entryID(e.Subject, e.Number) }

func entryID(subject string, number int64) string { return fmt.Sprintf("%s/%012d", subject, number) }

// Place is the place of the entry among all, for All to go on after it.
func (e *Entry) Place() string { return e.id() }

// splitEntryID is the reverse of entryID.
func splitEntryID(id string) (subject string, number int64, ok bool) {
	i := strings.LastIndexByte(id, '/')
	if i < 0 {
		return id, 0, false
	}
	number, err := strconv.ParseInt(id[i+1:], 10, 64)
	return id[:i], number, err == nil && entryID(id[:i], number) == id
}

func subjectOf(kind, id string) string { return kind + ":" + id }

// splitSubject gives the kind and id of a subject, checked.
func splitSubject(subject string) (kind, id string, err error) {
	kind, id, _ = strings.Cut(subject, ":")
	return kind, id, checkKey(kind, id)
}

// maxID is the longest id of a record with a chain, in bytes.
const maxID = 200

// checkKey refuses a kind or id that could be taken for another one's chain.
func checkKey(kind, id string) error {
	switch {
	case kind == "" || strings.Trim(kind, "abcdefghijklmnopqrstuvwxyz0123456789_") != "":
		return fmt.Errorf("audit: %q is no kind: it is written in snake_case", kind)
	case kind == kindEntry || kind == kindChains || kind == kindTrace:
		return fmt.Errorf("audit: records of kind %q are the ledger's own", kind)
	case id == "" || len(id) > maxID || !utf8.ValidString(id) || strings.Contains(id, "/") || strings.ContainsFunc(id, unicode.IsControl):
		return fmt.Errorf("audit: %q is no id: it is 1 to %d bytes of UTF-8 without a slash", id, maxID)
	}
	return nil
}

type underKey struct{}

// Under says under which grant the actor does what follows: it becomes
// Entry.Grant. Whoever asked for the permission (content.Service.May) knows it.
func Under(ctx context.Context, g *content.Grant) context.Context {
	if g == nil {
		return ctx
	}
	return context.WithValue(ctx, underKey{}, g.String())
}

// tell makes the entry that follows a head.
func (l *Ledger) tell(ctx context.Context, subject string, after head, by content.Actor, action string, details map[string]string) (Entry, error) {
	grant, _ := ctx.Value(underKey{}).(string)
	e := Entry{
		Subject: subject, Number: after.Number + 1, At: l.now(),
		Actor: by.ID, OnBehalfOf: by.OnBehalfOf, Grant: grant, Via: by.Via, Trace: by.Trace,
		Action: action, Prev: after.Hash,
	}
	if len(details) > 0 {
		e.Details = maps.Clone(details)
	}
	if err := checkTold(&e); err != nil {
		return e, err
	}
	e.Hash = e.ComputeHash()
	return e, nil
}
