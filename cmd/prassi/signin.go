package main

import (
	"context"
	"log/slog"
	"net/url"
	"os"

	"github.com/prassi-cms/prassi/auth"
	"github.com/prassi-cms/prassi/auth/oidc"
	"github.com/prassi-cms/prassi/internal/secret"
	"github.com/prassi-cms/prassi/outgoing"
)

// signIn names the providers at which people sign in: one by settings, or any
// number by a file.
type signIn struct {
	Issuer   string `name:"oidc-issuer" env:"PRASSI_OIDC_ISSUER" placeholder:"URL" help:"Issuer of the OpenID provider at which people sign in."`
	ClientID string `name:"oidc-client-id" env:"PRASSI_OIDC_CLIENT_ID" placeholder:"NAME" help:"The name under which that provider knows us."`
	File     string `name:"oidc-file" env:"PRASSI_OIDC_FILE" placeholder:"FILE" help:"YAML file of several providers, instead of the two settings above."`
}

// providers reads the settings; none is no error.
func (s signIn) providers() ([]oidc.Config, error) {
	single := s.Issuer != "" || s.ClientID != ""
	switch {
	case s.File != "" && single:
		return nil, tell("oidc_twice", nil)
	case s.File != "":
		data, err := os.ReadFile(s.File)
		if err != nil {
			return nil, err
		}
		return oidc.ReadConfig(s.File, data, nil)
	case !single:
		return nil, nil
	}
	password, err := secret.Lookup(clientSecretVariable)
	if err != nil {
		return nil, err
	}
	for _, needed := range []struct {
		name    string
		missing bool
	}{{"PRASSI_OIDC_ISSUER", s.Issuer == ""}, {"PRASSI_OIDC_CLIENT_ID", s.ClientID == ""}, {clientSecretVariable, password.IsZero()}} {
		if needed.missing {
			return nil, tell("oidc_incomplete", map[string]any{"setting": needed.name})
		}
	}
	c := oidc.Config{Name: "oidc", Issuer: s.Issuer, ClientID: s.ClientID, Secret: password}
	if u, err := url.Parse(s.Issuer); err == nil {
		c.Label = u.Hostname()
	}
	return []oidc.Config{c}, nil
}

// open makes the set of providers; nil when there are none.
func (s signIn) open(ctx context.Context, a *auth.Auth, to going, log *slog.Logger) (*oidc.Set, error) {
	configs, err := s.providers()
	if err != nil || len(configs) == 0 {
		return nil, err
	}
	allow, err := to.prefixes()
	if err != nil {
		return nil, err
	}
	key, err := a.Key(ctx, "oidc")
	if err != nil {
		return nil, err
	}
	return oidc.New(configs, oidc.Options{
		Client: outgoing.New(outgoing.Options{Allow: allow, Plain: true, UserAgent: "Prassi/" + buildVersion()}),
		Key:    key, Once: a.Once, Log: log,
	})
}
