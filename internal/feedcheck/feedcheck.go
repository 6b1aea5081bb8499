// Package feedcheck asks others whether a feed or a calendar is right: validators
// and readers from npm that were not written by us, in one Node.js process.
//
//	Start ── npm ci into the user's cache folder, once a machine (npmcache)
//	  │
//	  ▼
//	node check.mjs ◀─stdin── {"format","text"}
//	  └──stdout──▶ {"faults","items"}
//
//	rss, atom   libxml2 (RELAX NG: rss.rng, atom.rng), feedsmith, feed-parser
//	json        jsonfeed.schema.json (in Go), feedsmith
//	ics         ical.js in its strict mode with the counts of RFC 5545, ts-ics with
//	            its zod schemas, golang-ical (in Go)
//
// Beside each schema stand the rules that it cannot say: unique identifiers, whole
// addresses, lines of 75 octets. Two readers must see the same titles. The W3C's
// feed validator is in no registry of packages; its rules on these formats are the
// schemas' and those.
//
// A test that needs it and cannot have it fails and says what to do; it never
// skips.
package feedcheck

import (
	"bufio"
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	ics "github.com/arran4/golang-ical"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/prassi-cms/prassi/internal/npmcache"
)

//go:embed check.mjs atom.rng rss.rng package.json package-lock.json
var recipe embed.FS

//go:embed jsonfeed.schema.json
var jsonFeedSchema []byte

// Install makes sure that the readers are on this machine and returns their folder;
// see package npmcache.
func Install(ctx context.Context) (string, error) {
	return npmcache.Recipe{Name: "feedcheck", Files: recipe}.Install(ctx)
}

// Checker is a running process of readers. It is safe for concurrent use.
type Checker struct {
	t      testing.TB
	mu     sync.Mutex
	in     *json.Encoder
	out    *bufio.Reader
	noise  *npmcache.Tail
	schema *jsonschema.Schema
}

// Start starts the readers, which end with the test.
func Start(t testing.TB) *Checker {
	t.Helper()
	home, err := Install(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := &Checker{t: t, noise: &npmcache.Tail{}, schema: compile(t)}
	command := exec.Command("node", filepath.Join(home, "check.mjs"))
	command.Dir, command.Stderr = home, c.noise
	command.Env = append(os.Environ(), "NODE_OPTIONS=")
	in, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close() // it ends by itself then
		if err := command.Wait(); err != nil {
			t.Errorf("feedcheck: %v: %s", err, c.noise)
		}
	})
	c.in, c.out = json.NewEncoder(in), bufio.NewReader(out)
	return c
}

func compile(t testing.TB) *jsonschema.Schema {
	tree, err := jsonschema.UnmarshalJSON(bytes.NewReader(jsonFeedSchema))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("urn:jsonfeed", tree); err != nil {
		t.Fatal(err)
	}
	return compiler.MustCompile("urn:jsonfeed")
}

// Check asks everybody about a document in a format (rss, atom, json, ics): what is
// wrong with it, and the titles of its items as readers see them.
func (c *Checker) Check(format string, doc []byte) (faults, titles []string) {
	c.t.Helper()
	var answer struct{ Faults, Items []string }
	c.mu.Lock()
	err := c.in.Encode(map[string]string{"format": format, "text": string(doc)})
	var line []byte
	if err == nil {
		line, err = c.out.ReadBytes('\n')
	}
	c.mu.Unlock()
	if err == nil {
		err = json.Unmarshal(line, &answer)
	}
	if err != nil {
		c.t.Fatalf("feedcheck: no answer (%v): %s", err, c.noise)
	}
	switch format {
	case "json":
		tree, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
		if err == nil {
			err = c.schema.Validate(tree)
		}
		if err != nil {
			answer.Faults = append(answer.Faults, "schema: "+err.Error())
		}
	case "ics":
		answer.Faults = append(answer.Faults, golang(doc, answer.Items)...)
	}
	return answer.Faults, answer.Items
}

// golang reads a calendar with a third reader.
func golang(doc []byte, titles []string) (faults []string) {
	calendar, err := ics.ParseCalendar(bytes.NewReader(doc))
	if err != nil {
		return []string{"golang-ical: " + err.Error()}
	}
	events := calendar.Events()
	if len(events) != len(titles) {
		return []string{fmt.Sprintf("golang-ical: %d events, others see %d", len(events), len(titles))}
	}
	for i, e := range events {
		var summary string
		if p := e.GetProperty(ics.ComponentPropertySummary); p != nil {
			summary = strings.Join(strings.Fields(p.Value), " ")
		}
		if summary != titles[i] {
			faults = append(faults, fmt.Sprintf("golang-ical: %q, others see %q", summary, titles[i]))
		}
	}
	return faults
}

// Valid fails the test for everything that somebody objects to, and returns the
// titles.
func (c *Checker) Valid(format string, doc []byte) []string {
	c.t.Helper()
	faults, titles := c.Check(format, doc)
	if len(faults) > 0 {
		c.t.Errorf("%s: %s\n%.3000s", format, strings.Join(faults, "\n  "), doc)
	}
	return titles
}
