// Package lighthouse audits pages with Google's Lighthouse in Debian's Chromium:
// performance, accessibility, best practices and SEO, each from 0 to 100.
//
//	Audit ──stdin──▶ node audit.mjs ──▶ chromium (headless, one for all pages)
//	      ◀─stdout──   []Page
//
// The npm package is installed once a machine (Install, 185 MB). Accessibility,
// best practices and SEO are properties of the page; performance depends on the
// machine and on what else it does, so only `make bench` holds it to a limit.
package lighthouse

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/prassi-cms/prassi/internal/npmcache"
)

//go:embed audit.mjs package.json package-lock.json .npmrc
var recipe embed.FS

// Install makes sure that Lighthouse is on this machine and returns its folder;
// see npmcache.
func Install(ctx context.Context) (string, error) {
	return npmcache.Recipe{Name: "lighthouse", Files: recipe}.Install(ctx)
}

// Page is what Lighthouse says of an address. Scores go from 0 to 100.
type Page struct {
	URL           string `json:"url"`
	Performance   int    `json:"performance"`
	Accessibility int    `json:"accessibility"`
	BestPractices int    `json:"bestPractices"`
	SEO           int    `json:"seo"`
	// Faults are the audits that cost points, performance's left out.
	Faults []Fault `json:"faults"`
	// Slow are those that cost points for performance.
	Slow []Fault `json:"slow"`
}

// Fault is an audit that was not passed.
type Fault struct {
	ID    string   `json:"id"` // Lighthouse's, as color-contrast
	Title string   `json:"title"`
	Value string   `json:"value"` // measured, as 2.1 s; often empty
	Where []string `json:"where"` // elements or addresses concerned
}

func (f Fault) String() string {
	return strings.TrimSpace(f.ID + ": " + f.Title + " " + f.Value + "\n\t\t" + strings.Join(f.Where, "\n\t\t"))
}

// Options say as whom the pages are seen. The zero value is Lighthouse's own
// default: a phone of middling speed on slow 4G.
type Options struct {
	Desktop bool // a desktop computer on a good line
}

// limit bounds one audit of a page (5 to 15 s are usual).
const limit = 2 * time.Minute

// Audit audits pages one after the other; in the order given.
func Audit(ctx context.Context, opt Options, urls ...string) ([]Page, error) {
	home, err := Install(ctx)
	if err != nil {
		return nil, err
	}
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		return nil, fmt.Errorf("lighthouse: install Chromium (on Debian: apt-get install chromium): %w", err)
	}
	profile, err := os.MkdirTemp("", "prassi-lighthouse-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(profile)
	order, err := json.Marshal(map[string]any{"urls": urls, "chromium": chromium, "desktop": opt.Desktop, "profile": profile})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, limit*time.Duration(len(urls)))
	defer cancel()
	command := exec.CommandContext(ctx, "node", "audit.mjs")
	command.Dir = home
	command.Stdin = bytes.NewReader(order)
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) } // ends its browser too
	command.WaitDelay = 10 * time.Second
	var stderr npmcache.Tail
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("lighthouse: %w\n%s", err, &stderr)
	}
	var pages []Page
	if err := json.Unmarshal(out, &pages); err != nil {
		return nil, fmt.Errorf("lighthouse: the report cannot be read: %w\n%s", err, &stderr)
	}
	if len(pages) != len(urls) {
		return nil, fmt.Errorf("lighthouse: %d reports of %d pages\n%s", len(pages), len(urls), &stderr)
	}
	return pages, nil
}
