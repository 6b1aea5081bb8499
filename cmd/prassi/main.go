// Command prassi is the whole platform in one binary.
//
// main parses flags and PRASSI_* variables into one of the commands below and
// runs it. Each command opens what it needs through open.go, the only file that
// chooses between engines, and hands it to the packages that do the work.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/prassi-cms/prassi/auth"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/messages"
)

// version is set by the linker; a plain go build takes the module's.
var version = ""

func buildVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "devel"
}

// cli is every command and setting. Each flag can be given as the PRASSI_*
// variable that its help names; a flag wins.
type cli struct {
	Data   string `name:"data" env:"PRASSI_DATA" default:"./data" placeholder:"DIR" help:"Folder for the embedded store and derived data."`
	Store  string `name:"store" placeholder:"sqlite|URI" help:"Where content lives: sqlite (in the data folder) or a mongodb:// address; one with a password only in the variable ($$PRASSI_STORE)."`
	Media  string `name:"media" env:"PRASSI_MEDIA" placeholder:"URL" help:"Where files are kept: a folder, file:///folder or s3://bucket?region=REGION; the folder media in the data folder when left out."`
	Search string `name:"search" env:"PRASSI_SEARCH" default:"bleve" placeholder:"bleve|URL" help:"Which engine searches: bleve (in the data folder) or the http(s):// address of a Meilisearch; its key only in the variable ($$PRASSI_SEARCH_KEY)."`
	Locale string `name:"locale-of-messages" env:"PRASSI_LANG" default:"" placeholder:"LANG" help:"Language of messages: it, en, fr, es, ar or zh. The system's when left out."`

	Serve       serveCmd       `cmd:"" help:"Run everything in one process."`
	Import      importCmd      `cmd:"" help:"Bring in Markdown with front matter, JSON Lines, CSV or plain text."`
	Export      exportCmd      `cmd:"" help:"Write the whole content as files in the interchange format."`
	Build       buildCmd       `cmd:"" help:"Write the public site into a folder, an archive, a bucket or another machine's folder."`
	Builds      buildsCmd      `cmd:"" help:"List, restore, compare or tidy up the builds of the served site."`
	Render      renderCmd      `cmd:"" help:"Turn Markdown on standard input into the published HTML."`
	Reindex     reindexCmd     `cmd:"" help:"Rebuild what is derived from the store."`
	Verify      verifyCmd      `cmd:"" help:"Check hashes, invariants and derived data."`
	Token       tokenCmd       `cmd:"" help:"API tokens."`
	Grant       grantCmd       `cmd:"" help:"Give a person a role, or take it away."`
	People      peopleCmd      `cmd:"" help:"List people with their roles."`
	Link        linkCmd        `cmd:"" help:"Print a link with which a person can sign in once."`
	Erase       eraseCmd       `cmd:"" help:"Forget who a person is; what they did stays."`
	Audit       auditCmd       `cmd:"" help:"Show or export the log of actions."`
	Retention   retentionCmd   `cmd:"" help:"Show how long data are kept, or delete what is old."`
	Territories territoriesCmd `cmd:"" help:"Regions, provinces and municipalities."`
	Webhooks    webhooksCmd    `cmd:"" help:"Tell other systems of what changes."`
	Health      healthCmd      `cmd:"" hidden:"" help:"Ask a running server whether it is ready."`
	Version     versionCmd     `cmd:"" help:"Print the version."`
}

// env is what a command works with besides its flags.
type env struct {
	ctx    context.Context
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	cli    *cli
	// serving: logs are for operators, not for a person at a terminal.
	serving bool
	// demo: an empty store is given the places of the demonstration.
	demo bool
	// limits are those of sessions; the zero value takes the defaults.
	limits auth.Options
}

// text gives the message of a code in the reader's language.
func (e *env) text(code string, params map[string]any) string {
	return messages.Text(e.language(), code, params)
}

func (e *env) language() string {
	for _, tag := range []string{e.cli.Locale, os.Getenv("LC_ALL"), os.Getenv("LC_MESSAGES"), os.Getenv("LANG")} {
		tag, _, _ = strings.Cut(tag, ".")
		if tag != "" && tag != "C" && tag != "POSIX" {
			return messages.Negotiate(strings.ReplaceAll(tag, "_", "-"))
		}
	}
	return "en"
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := Main(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// errFailed ends a command that has said itself what is wrong.
var errFailed = errors.New("failed")

// Main runs one command line and gives the exit status: 0 when all went well, 1
// when it did not, 2 when the command line is wrong.
func Main(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var c cli
	status := -1
	parser, err := kong.New(&c, kong.Name("prassi"),
		kong.Description("Good practices, news and services for migrant integration: a content platform."),
		kong.UsageOnError(), kong.Writers(stdout, stderr), kong.Exit(func(code int) { status = code }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}), kong.Help(printHelp))
	if err != nil {
		fmt.Fprintln(stderr, "prassi:", err)
		return 2
	}
	k, err := parser.Parse(args)
	if status >= 0 { // --help was asked for
		return status
	}
	if err != nil {
		fmt.Fprintln(stderr, "prassi:", err)
		return 2
	}
	e := &env{ctx: ctx, stdin: stdin, stdout: stdout, stderr: stderr, cli: &c}
	err = k.Run(e)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errFailed):
	default:
		e.complain(err)
	}
	return 1
}

// told is an error that is said in the reader's language.
type told struct {
	code   string
	params map[string]any
}

func tell(code string, params map[string]any) error { return &told{code, params} }

// Error is for whoever looks at the error as a value.
func (t *told) Error() string { return messages.Text("en", t.code, t.params) }

// complain says what went wrong, in the reader's language when it is known.
func (e *env) complain(err error) {
	var t *told
	if errors.As(err, &t) {
		fmt.Fprintln(e.stderr, "prassi:", e.text(t.code, t.params))
		return
	}
	var p *content.Problem
	if !errors.As(err, &p) || p.Class == content.Internal {
		fmt.Fprintln(e.stderr, "prassi:", err)
		return
	}
	fmt.Fprintln(e.stderr, "prassi:", e.text(p.Code, p.Params))
	for _, f := range p.Fields {
		fmt.Fprintf(e.stderr, "  %s: %s\n", f.Path, e.text(f.Code, f.Params))
	}
	if p.Err != nil {
		fmt.Fprintln(e.stderr, "  ", p.Err)
	}
}

type versionCmd struct{}

func (versionCmd) Run(e *env) error {
	_, err := fmt.Fprintln(e.stdout, "prassi", buildVersion())
	return err
}
