package oidc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"
)

// Options are what a Set needs from its surroundings.
type Options struct {
	// Client makes every request to a provider; the one outgoing client of the
	// program, with its transport. Its redirect policy and cookie jar are not
	// used: no redirect is followed, no cookie sent.
	Client *http.Client
	// Clock is time.Now when nil.
	Clock func() time.Time
	// Key seals the cookies of sign-ins; the same in all processes of an
	// installation, and used for nothing else.
	Key [32]byte
	// Once says whether it is asked for this kind and key for the first time,
	// atomically over all processes; what it knows may be forgotten after until.
	Once func(ctx context.Context, kind, key string, until time.Time) (bool, error)
	// Log is told of providers that do not answer. Nil: nobody is.
	Log *slog.Logger
}

// Set is the providers of an installation. Its methods may be called from
// several goroutines.
type Set struct {
	opt   Options
	seal  *sealer
	names []string
	named map[string]*provider
}

// Info is what a page of sign-in shows of a provider.
type Info struct{ Name, Label string }

// New makes a Set. It asks no provider anything: one that is down does not keep
// the others, or the server, from starting. No configuration at all is a Set
// without providers. Errors are for the operator: a provider set up wrongly, a
// missing option.
func New(configs []Config, opt Options) (*Set, error) {
	switch {
	case opt.Client == nil || opt.Client.Transport == nil: // without one it would be the default, without limits
		return nil, errors.New("oidc: no HTTP client with a transport of its own")
	case opt.Once == nil:
		return nil, errors.New("oidc: nothing that remembers what was used")
	case opt.Key == [32]byte{}:
		return nil, errors.New("oidc: no key for the cookies")
	}
	if opt.Clock == nil {
		opt.Clock = time.Now
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	seal, err := newSealer(opt.Key)
	if err != nil {
		return nil, err
	}
	s := &Set{opt: opt, seal: seal, named: map[string]*provider{}}
	for _, c := range configs {
		c, key, err := c.checked()
		if err != nil {
			return nil, fmt.Errorf("oidc: provider %q: %w", c.Name, err)
		}
		if s.named[c.Name] != nil {
			return nil, fmt.Errorf("oidc: two providers are called %q", c.Name)
		}
		s.names = append(s.names, c.Name)
		s.named[c.Name] = newProvider(c, key, opt)
	}
	return s, nil
}

// Providers lists the providers in the order in which they were set up.
func (s *Set) Providers() []Info {
	out := make([]Info, 0, len(s.names))
	for _, name := range slices.Clone(s.names) {
		out = append(out, Info{name, s.named[name].Label})
	}
	return out
}

// provider gives the provider of that name, or provider_unknown.
func (s *Set) provider(name string) (*provider, error) {
	p := s.named[name]
	if p == nil {
		return nil, refuse(codeProviderUnknown, "no provider of this name is set up")
	}
	return p, nil
}
