package target

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/prassi-cms/prassi/site/release"
)

// rsyncTarget publishes with the program rsync. The folder at the other end is
// ours alone: what is not part of the site is removed from it.
type rsyncTarget struct {
	program string
	to      string // user@host:/folder/ or /folder/
	opt     Options
}

var (
	rsyncUser = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]*$`)
	rsyncHost = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$`)
)

// openRsync understands "user@host:/folder", "host:/folder" and "/folder". No part
// ever passes a shell here; a name that begins with a hyphen, which ssh or rsync
// would take for an option, is refused.
func openRsync(spec, rest string, opt Options) (Target, error) {
	host, folder := "", rest
	if !strings.HasPrefix(rest, "/") {
		host, folder, _ = strings.Cut(rest, ":")
		user, name, named := strings.Cut(host, "@")
		if !named {
			user, name = "", host
		}
		if named && !rsyncUser.MatchString(user) || !rsyncHost.MatchString(name) {
			return nil, &SpecError{spec, "the host is not written as user@host"}
		}
		host += ":"
	}
	if !strings.HasPrefix(folder, "/") || path.Clean(folder) == "/" {
		return nil, &SpecError{spec, "it needs an absolute folder that is not the root: rsync:user@host:/srv/site"}
	}
	program, err := exec.LookPath("rsync")
	if err != nil {
		return nil, fmt.Errorf("target: the program rsync is not installed (on Debian: apt-get install rsync): %w", err)
	}
	return &rsyncTarget{program: program, to: host + path.Clean(folder) + "/", opt: opt}, nil
}

func (t *rsyncTarget) Close() error { return nil }

// Publish prepares the site in the staging folder and lets rsync carry over what
// differs: new files under other names first, then all are renamed, removals last.
func (t *rsyncTarget) Publish(ctx context.Context, b *release.Build, extra iter.Seq2[Extra, error]) (r Report, err error) {
	staging := t.opt.Staging
	if staging == "" {
		if staging, err = os.MkdirTemp("", "prassi-rsync-"); err != nil {
			return r, fmt.Errorf("target: %w", err)
		}
		defer os.RemoveAll(staging)
		staging = filepath.Join(staging, "site")
	}
	if err := t.check(ctx); err != nil {
		return r, err
	}
	opt := t.opt
	if _, err := (&folder{path: staging, opt: opt}).Publish(ctx, b, extra); err != nil {
		return r, err
	}
	out, err := t.run(ctx,
		"--recursive", "--links", "--times", "--checksum", "--chmod=D755,F644", "--mkpath",
		"--delete-after", "--delay-updates", "--out-format=%i %l %n", "--", staging+"/", t.to)
	if err != nil {
		return r, err
	}
	if err := t.count(out, &r); err != nil {
		return r, err
	}
	text, err := os.ReadFile(filepath.Join(staging, manifestPath))
	if err != nil {
		return r, err
	}
	m, err := parseManifest(text)
	if err != nil {
		return r, err
	}
	r.Kept = len(m.Files) - r.Written
	return r, nil
}

// check refuses a folder that holds something and was not made by Prassi: rsync
// would remove it.
func (t *rsyncTarget) check(ctx context.Context) error {
	out, err := t.run(ctx, "--list-only", "--", t.to)
	if exit := (*rsyncError)(nil); errors.As(err, &exit) && exit.code == 23 && len(out) == 0 {
		return nil // there is no such folder yet
	}
	if err != nil {
		return err
	}
	foreign := false
	for line := range strings.Lines(string(out)) {
		// Permissions, size, date, time, name.
		fields := strings.Fields(line)
		if len(fields) < 5 {
			continue
		}
		switch strings.Join(fields[4:], " ") {
		case ".", "lost+found":
		case release.Reserved:
			return nil
		default:
			foreign = true
		}
	}
	if foreign {
		return &ForeignError{Place: t.to}
	}
	return nil
}

// count reads what rsync says that it did.
func (t *rsyncTarget) count(out []byte, r *Report) error {
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Scan() {
		what, rest, _ := strings.Cut(lines.Text(), " ")
		rest = strings.TrimLeft(rest, " ")
		size, name, _ := strings.Cut(rest, " ")
		ours := strings.HasPrefix(name, release.Reserved+"/")
		switch {
		case what == "*deleting":
			if !strings.HasSuffix(rest, "/") {
				r.Removed++
			}
		case len(what) > 1 && (what[0] == '<' || what[0] == '>') && what[1] == 'f' && !ours:
			n, err := strconv.ParseInt(size, 10, 64)
			if err != nil {
				return fmt.Errorf("target: rsync says %q", lines.Text())
			}
			r.Written++
			r.Bytes += n
		}
	}
	return lines.Err()
}

// rsyncError is an exit of rsync that is not success.
type rsyncError struct {
	code int
	text string
}

func (e *rsyncError) Error() string { return fmt.Sprintf("rsync ended with %d: %s", e.code, e.text) }

// maxComplaint bounds what is kept of the program's errors, in bytes.
const maxComplaint = 2000

// run starts rsync with arguments that no shell sees here or, by --secluded-args
// (the older name is --protect-args), there. ssh asks nobody anything.
func (t *rsyncTarget) run(ctx context.Context, args ...string) ([]byte, error) {
	t.opt.step("rsync")
	args = append([]string{"--protect-args", "--timeout=120", "--rsh=ssh -oBatchMode=yes -oConnectTimeout=20"}, args...)
	cmd := exec.CommandContext(ctx, t.program, args...)
	cmd.Env = []string{"LC_ALL=C"}
	for _, name := range []string{"PATH", "HOME", "USER", "SSH_AUTH_SOCK", "TMPDIR"} {
		if value, ok := os.LookupEnv(name); ok {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	cmd.WaitDelay = 5 * time.Second
	var out bytes.Buffer
	complaint := limited{left: maxComplaint}
	cmd.Stdout, cmd.Stderr = &out, &complaint
	err := cmd.Run()
	if ctx.Err() != nil {
		return out.Bytes(), ctx.Err()
	}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return out.Bytes(), &rsyncError{exit.ExitCode(), strings.TrimSpace(complaint.text.String())}
	}
	if err != nil {
		return nil, fmt.Errorf("target: %w", err)
	}
	return out.Bytes(), nil
}

// limited keeps the beginning of what is written to it.
type limited struct {
	text strings.Builder
	left int
}

func (l *limited) Write(b []byte) (int, error) {
	keep := b[:min(len(b), l.left)]
	l.left -= len(keep)
	_, err := l.text.Write(keep)
	return len(b), err
}
