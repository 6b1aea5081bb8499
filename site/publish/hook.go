package publish

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/prassi-cms/prassi/internal/secret"
)

// hookTime bounds a program that a hook runs.
const hookTime = 30 * time.Minute

// hookOutput is how much of what a program says is told when it fails, in bytes.
const hookOutput = 2 << 10

// HookBody is what a hook is told, in the envelope of Standard Webhooks.
type HookBody struct {
	Type      string    `json:"type"` // build.finished
	Timestamp time.Time `json:"timestamp"`
	Data      HookData  `json:"data"`
}

// HookData says what was built.
type HookData struct {
	Build  string `json:"build"`
	Before string `json:"before,omitempty"` // what the hook was told of last
	Reason string `json:"reason"`
	// Cursor is the catalogue's place: what changed after it is told by
	// /api/v1/changes?since=, so another generator can go on from there.
	Cursor    int64 `json:"cursor"`
	Since     int64 `json:"since"` // the cursor of Before
	Files     int   `json:"files"`
	Withdrawn bool  `json:"withdrawn"` // something was taken back
}

func hookBody(b Built, now time.Time) ([]byte, error) {
	m := b.Build.Meta()
	data := HookData{Build: m.ID, Reason: b.Reason, Cursor: m.Cursor, Files: m.Files, Withdrawn: b.Withdrawn}
	if b.Before != nil {
		data.Before, data.Since = b.Before.ID(), b.Before.Meta().Cursor
	}
	return json.Marshal(HookBody{Type: "build.finished", Timestamp: now.UTC().Truncate(time.Second), Data: data})
}

// Hook makes an output out of a setting: an http or https address that is sent a
// HookBody, or a program with its arguments, parted by spaces, that is given it on
// its standard input. No shell sees the words.
//
// A body that is sent is signed when there is a key, as Standard Webhooks 1.0 says:
// the headers webhook-id, webhook-timestamp and webhook-signature. Any answer but 2xx
// is a failure. A program has 30 minutes; it is given PATH, HOME, LANG and TMPDIR of
// this process, and none of its secrets.
func Hook(setting string, client *http.Client, key secret.Value) (Output, error) {
	words := strings.Fields(setting)
	switch {
	case len(words) == 0:
		return Output{}, fmt.Errorf("the hook is empty")
	case strings.HasPrefix(setting, "http://"), strings.HasPrefix(setting, "https://"):
		if _, err := http.NewRequest(http.MethodPost, setting, nil); err != nil || len(words) > 1 {
			return Output{}, fmt.Errorf("the hook's address cannot be read")
		}
		return Output{Name: "hook", Do: func(ctx context.Context, b Built) error { return post(ctx, client, setting, key, b) }}, nil
	}
	program, err := exec.LookPath(words[0])
	if err != nil {
		return Output{}, fmt.Errorf("the hook's program: %w", err)
	}
	return Output{Name: "hook", Do: func(ctx context.Context, b Built) error { return start(ctx, program, words[1:], b) }}, nil
}

func post(ctx context.Context, client *http.Client, address string, key secret.Value, b Built) error {
	now := time.Now()
	body, err := hookBody(b, now)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if key.Reveal() != "" {
		id, at := "build_"+b.Build.ID(), strconv.FormatInt(now.Unix(), 10)
		signature, err := sign(key, id, at, body)
		if err != nil {
			return err
		}
		req.Header.Set("webhook-id", id)
		req.Header.Set("webhook-timestamp", at)
		req.Header.Set("webhook-signature", signature)
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // so that the connection can be used again
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return fmt.Errorf("the hook answered %s", res.Status)
	}
	return nil
}

// sign gives the signature of a body by Standard Webhooks: HMAC-SHA256 over id, time
// and body. A key that begins with whsec_ is base 64, any other is taken as it is.
func sign(key secret.Value, id, at string, body []byte) (string, error) {
	raw := []byte(key.Reveal())
	if rest, ok := strings.CutPrefix(key.Reveal(), "whsec_"); ok {
		var err error
		if raw, err = base64.StdEncoding.DecodeString(rest); err != nil {
			return "", fmt.Errorf("the hook's key is no base 64 after whsec_")
		}
	}
	mac := hmac.New(sha256.New, raw)
	fmt.Fprintf(mac, "%s.%s.", id, at)
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)), nil
}

func start(ctx context.Context, program string, args []string, b Built) error {
	body, err := hookBody(b, time.Now())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, hookTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdin = bytes.NewReader(body)
	said := &tail{}
	cmd.Stdout, cmd.Stderr = said, said
	cmd.WaitDelay = 5 * time.Second
	cmd.Env = []string{"PRASSI_BUILD=" + b.Build.ID()}
	for _, name := range []string{"PATH", "HOME", "LANG", "TMPDIR"} {
		if v, ok := os.LookupEnv(name); ok {
			cmd.Env = append(cmd.Env, name+"="+v)
		}
	}
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("the hook's program: %w: %s", err, bytes.TrimSpace(said.b))
	}
	return nil
}

// tail keeps the end of what is written.
type tail struct{ b []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.b = append(t.b, p...)
	if over := len(t.b) - hookOutput; over > 0 {
		t.b = append(t.b[:0], t.b[over:]...)
	}
	return len(p), nil
}
