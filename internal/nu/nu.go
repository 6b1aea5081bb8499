// Package nu checks HTML with the Nu Html Checker, which knows the HTML standard
// better than we do.
//
//	Check ──▶ java -jar vnu.jar --format json FOLDER ──▶ []Message
//
// The checker comes from npm (vnu-jar, 31 MB, once a machine: Install) and needs
// Java 11 or later. Whoever needs it and cannot have it gets an error that says so.
package nu

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/prassi-cms/prassi/internal/npmcache"
)

//go:embed package.json package-lock.json .npmrc
var recipe embed.FS

// Install makes sure that the checker is on this machine and returns its folder;
// see npmcache.
func Install(ctx context.Context) (string, error) {
	if _, err := exec.LookPath("java"); err != nil {
		return "", fmt.Errorf("nu: install Java 11 or later (on Debian: apt-get install default-jre-headless): %w", err)
	}
	return npmcache.Recipe{Name: "nu", Files: recipe}.Install(ctx)
}

// Message is something that the checker says of a page.
type Message struct {
	Type    string `json:"type"`    // error, info, non-document-error
	SubType string `json:"subType"` // of info: warning; of error: fatal
	URL     string `json:"url"`     // file:…, empty when it concerns no page
	Line    int    `json:"lastLine"`
	Column  int    `json:"lastColumn"`
	Text    string `json:"message"`
	Extract string `json:"extract"` // of the page, around the place
}

// Error reports whether the page is wrong, and not only open to improvement. A
// page that could not be read is wrong too.
func (m Message) Error() bool { return m.Type != "info" }

func (m Message) String() string {
	return fmt.Sprintf("%s:%d:%d: %s: %s\n\t%s", m.URL, m.Line, m.Column, m.Type, m.Text, m.Extract)
}

// limit bounds one run: Java starts in 2 s, then a page takes about 5 ms.
const limit = 5 * time.Minute

// Check checks the files, and every .html and .svg file below the folders, given.
// Its order is the checker's.
func Check(ctx context.Context, paths ...string) ([]Message, error) {
	if len(paths) == 0 {
		return nil, errors.New("nu: nothing to check")
	}
	home, err := Install(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	jar := filepath.Join(home, "node_modules", "vnu-jar", "build", "dist", "vnu.jar")
	arguments := append([]string{"-Xss4m", "-jar", jar, "--format", "json", "--skip-non-html", "--also-check-svg", "--stdout", "--exit-zero-always"}, paths...)
	command := exec.CommandContext(ctx, "java", arguments...)
	command.WaitDelay = 5 * time.Second
	var stderr npmcache.Tail
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("nu: %w\n%s", err, &stderr)
	}
	var report struct{ Messages []Message }
	// The report is the last line; the checker may say more before it.
	if i := bytes.LastIndexByte(bytes.TrimSpace(out), '\n'); i >= 0 {
		out = out[i+1:]
	}
	if err := json.Unmarshal(out, &report); err != nil {
		return nil, fmt.Errorf("nu: the report cannot be read: %w\n%.2000s%s", err, out, &stderr)
	}
	return report.Messages, nil
}
