package main

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/auth"
	"github.com/prassi-cms/prassi/outgoing"
)

// Groups of flags that several commands share. A setting that holds a secret is
// no flag: every process of the machine can read another's command line.

// reached says where the outside finds the server.
type reached struct {
	Addr      string `name:"addr" env:"PRASSI_ADDR" default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"Where to listen; port 0 takes a free one."`
	PublicURL string `name:"public-url" env:"PRASSI_PUBLIC_URL" placeholder:"URL" help:"How the outside reaches this server. Signing in at a provider needs it."`
}

// base is the server's address for people, without a slash at the end: the public
// one, or that of the listener.
func (r reached) base(listener string) string {
	if r.PublicURL != "" {
		return strings.TrimRight(r.PublicURL, "/")
	}
	if host, port, err := net.SplitHostPort(listener); err == nil {
		if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() { // it listens everywhere: here too
			listener = net.JoinHostPort("localhost", port)
		}
	}
	return "http://" + listener
}

// kept says how long things last.
type kept struct {
	Retention string        `name:"retention" env:"PRASSI_RETENTION" placeholder:"AGES" help:"How long old data are kept, such as \"sessions=30d,traces=90d\"; prassi retention shows the kinds."`
	Idle      time.Duration `name:"session-idle" env:"PRASSI_SESSION_IDLE" default:"2h" help:"A session without requests ends after this time."`
	Absolute  time.Duration `name:"session-absolute" env:"PRASSI_SESSION_ABSOLUTE" default:"12h" help:"A session ends after this time, however busy."`
}

// sessions gives the limits of sessions.
func (k kept) sessions() (auth.Options, error) {
	if k.Idle < time.Minute || k.Absolute < k.Idle {
		return auth.Options{}, tell("session_limits", nil)
	}
	return auth.Options{Idle: k.Idle, Absolute: k.Absolute}, nil
}

// retention gives the ages with those that the setting changes.
func (k kept) retention() (audit.Retention, error) {
	return audit.DefaultRetention().With(k.Retention)
}

// going says which private addresses requests of ours may go to.
type going struct {
	Allow string `name:"outgoing-allow" env:"PRASSI_OUTGOING_ALLOW" placeholder:"ADDRESSES" help:"Private addresses and blocks that our own requests may reach all the same, over http too, such as 10.0.0.0/8."`
}

func (g going) prefixes() ([]netip.Prefix, error) { return prefixes("outgoing-allow", g.Allow) }

// prefixes reads the list of addresses of a flag.
func prefixes(flag, text string) ([]netip.Prefix, error) {
	list, err := outgoing.ParseAllow(text)
	if err != nil {
		return nil, fmt.Errorf("--%s: %w", flag, err)
	}
	return list, nil
}

// mediaAddress gives where files are kept, as package media reads it.
func (c *cli) mediaAddress() (string, error) {
	if strings.Contains(c.Media, "://") {
		return c.Media, nil
	}
	folder := c.Media
	if folder == "" {
		folder = filepath.Join(c.Data, "media")
	}
	folder, err := filepath.Abs(folder)
	if err != nil {
		return "", err
	}
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(folder)}).String(), nil
}

// The settings that hold a secret. Each is read from the variable of its name, or
// from the file that the variable with _FILE at the end names (secret.Lookup); an
// empty variable is none.
const (
	storeVariable        = "PRASSI_STORE"
	clientSecretVariable = "PRASSI_OIDC_CLIENT_SECRET"
	searchKeyVariable    = "PRASSI_SEARCH_KEY"
)

// variables are what a command's help tells of besides its flags.
var variables = [][2]string{
	{storeVariable, "as --store, and the address may have a password"},
	{storeVariable + "_FILE", "a file that holds that address"},
	{searchKeyVariable, "the key of the Meilisearch that --search names"},
	{searchKeyVariable + "_FILE", "a file that holds that key"},
	{clientSecretVariable, "the secret that the sign-in provider gave"},
	{clientSecretVariable + "_FILE", "a file that holds that secret"},
	{hookKeyVariable, "the key that signs what --site-hook is sent"},
	{hookKeyVariable + "_FILE", "a file that holds that key"},
	{mailPasswordVariable, "the password of the user in --mail"},
	{mailPasswordVariable + "_FILE", "a file that holds that password"},
}

// printHelp is kong's help, followed by the settings that are no flags.
func printHelp(options kong.HelpOptions, k *kong.Context) error {
	if err := kong.DefaultHelpPrinter(options, k); err != nil {
		return err
	}
	if s := k.Selected(); s == nil || s.Name != "serve" {
		return nil
	}
	return epilogue(k.Stdout)
}

func epilogue(w io.Writer) error {
	var b strings.Builder
	b.WriteString("\nSecrets come from the environment only; an empty variable counts as none:\n")
	for _, v := range variables {
		fmt.Fprintf(&b, "  %-30s  %s\n", v[0], v[1])
	}
	b.WriteString("A store in S3 takes the variables of AWS (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, …).\n")
	_, err := io.WriteString(w, b.String())
	return err
}
