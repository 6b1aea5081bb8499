package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/mongostore"
	"github.com/prassi-cms/prassi/content/sqlitestore"
	"github.com/prassi-cms/prassi/internal/endure"
	"github.com/prassi-cms/prassi/internal/mongoengine"
)

// publication measures, with all the items in the catalogue, how long after an
// acknowledged publication the public reads it.
func (b *bench) publication() error {
	out, err := exec.CommandContext(b.ctx, b.binary, "token", "create", "--data", b.data(), "--role", "editor").Output()
	if err != nil {
		return err
	}
	token := strings.TrimSpace(string(out))
	server, err := endure.Serve(b.ctx, b.binary, "--data", b.data(), "--rates", "off")
	if err != nil {
		return err
	}
	defer server.Kill()
	const n = 300
	var seen []time.Duration
	for i := range n {
		took, err := publishOne(b.ctx, server.Base, token, i)
		if err != nil {
			return err
		}
		seen = append(seen, took)
	}
	slices.Sort(seen)
	p99 := seen[n*99/100]
	b.add(p99 < 50*time.Millisecond, "acknowledged publication visible, 99 %", fmt.Sprintf("%.1f ms (median %.1f)", micro(p99)/1000, micro(seen[n/2])/1000), "", "", "< 50 ms")
	return nil
}

func publishOne(ctx context.Context, base, token string, n int) (time.Duration, error) {
	slug := fmt.Sprintf("visibile-%d", n)
	body := fmt.Sprintf(`{"type":"article","locale":"it","slug":%q,"fields":{"title":"Visibile %d","body":%q}}`, slug, n, strings.Repeat("Una riga di testo. ", 150))
	res, err := send(ctx, base+"/api/v1/manage/documents", token, "", body)
	if err != nil {
		return 0, err
	}
	at := base + res.Header.Get("Location") + "/transitions"
	if _, err := send(ctx, at, token, res.Header.Get("ETag"), `{"transition":"publish"}`); err != nil {
		return 0, err
	}
	for start := time.Now(); ; {
		if _, _, err := fetch(base+"/api/v1/articles/"+slug+"?locale=it", nil); err == nil {
			return time.Since(start), nil
		} else if time.Since(start) > 5*time.Second {
			return 0, fmt.Errorf("not visible after 5 s: %w", err)
		}
	}
}

func send(ctx context.Context, url, token, etag, body string) (*http.Response, error) {
	return sendAs(ctx, http.MethodPost, url, token, etag, body)
}

func sendAs(ctx context.Context, method, url, token, etag, body string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	if etag != "" {
		req.Header.Set("If-Match", etag)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode/100 != 2 {
		err = fmt.Errorf("%s: %s: %.300s", url, res.Status, answer)
	}
	return res, err
}

// endurance kills the server while it is written to, on both engines. On
// MongoDB the engine is killed as well, every second time.
func (b *bench) endurance() error {
	if b.kills == 0 {
		return nil
	}
	data := filepath.Join(b.dir, "kill-sqlite")
	err := b.endure("SQLite", endure.Options{
		Data: data, Store: func() string { return "sqlite" },
		Open: func(ctx context.Context) (content.Store, error) {
			return sqlitestore.Open(ctx, filepath.Join(data, "prassi.db"))
		},
	})
	if err != nil {
		return err
	}
	folder := filepath.Join(b.dir, "engine")
	engine, err := mongoengine.Command(b.ctx, folder)
	if err != nil {
		return err
	}
	defer func() { engine.Stop() }()
	return b.endure("MongoDB", endure.Options{
		Data: filepath.Join(b.dir, "kill-mongo"), Store: func() string { return engine.URI() },
		Open: func(ctx context.Context) (content.Store, error) { return mongostore.Open(ctx, engine.URI()) },
		Also: func() error {
			if err := engine.Kill(); err != nil {
				return err
			}
			engine, err = mongoengine.Command(b.ctx, folder)
			return err
		},
	})
}

func (b *bench) endure(name string, o endure.Options) error {
	o.Binary, o.Kills = b.binary, b.kills
	r, err := endure.Run(b.ctx, o)
	for _, line := range append(r.Lost, r.Unclean...) {
		fmt.Println(line)
	}
	if err != nil {
		return err
	}
	b.add(len(r.Lost)+len(r.Unclean) == 0, fmt.Sprintf("%d SIGKILLs under writing load, %s", r.Kills, name),
		fmt.Sprintf("%d of %d acknowledged writes lost, %d unclean", len(r.Lost), r.Acknowledged, len(r.Unclean)), "", "", "none")
	return nil
}
