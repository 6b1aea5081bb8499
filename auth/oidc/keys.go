package oidc

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/time/rate"
)

const (
	// minRSA is the smallest RSA key that may sign, in bits (RFC 7518, section 3.3).
	minRSA = 2048
	// Keys are fetched again because of a key that is not known at most
	// keyBurst times at once and then every keyEvery. Tokens with invented key
	// names, which anybody can post as logout tokens, thus cause no storm; and
	// since any fetch brings a new key for everybody, they delay no rotation by
	// more than keyEvery.
	keyBurst = 3
	keyEvery = 20 * time.Second
)

// errSignature is every signature that does not hold; errKeys says that the keys
// cannot be had to tell.
var (
	errSignature = errors.New("no key of the provider has made this signature")
	errKeys      = errors.New("the provider's keys cannot be had")
)

// keySet is the public keys of a provider: fetched when first needed, kept for
// an hour, fetched again when a token names a key that is not there (OpenID
// Connect Core 1.0, section 10.1.1), which is how a rotation is noticed. It is
// the gooidc.KeySet of the verifier; the library's own asks the provider again
// for every signature that does not hold.
type keySet struct {
	p     *provider
	url   string
	limit *rate.Limiter

	mu    sync.Mutex
	keys  []jose.JSONWebKey
	asked time.Time
}

func newKeySet(p *provider, url string) *keySet {
	return &keySet{p: p, url: url, limit: rate.NewLimiter(rate.Every(keyEvery), keyBurst)}
}

// VerifySignature returns the payload of a token that a key of the provider has
// signed, by one of the configured algorithms.
func (k *keySet) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	jws, err := k.p.parse(token)
	if err != nil {
		return nil, err
	}
	header := jws.Signatures[0].Header
	keys, age := k.current()
	if age < fresh {
		candidates := usable(keys, header)
		if payload, ok := verifyAny(jws, candidates); ok {
			return payload, nil
		}
		if len(candidates) > 0 && header.KeyID != "" {
			// The key that it names has not signed: asking again changes nothing.
			return nil, errSignature
		}
	}
	fetched, err := k.refresh(ctx)
	if err == nil {
		keys = fetched
	} else if age >= stale {
		keys = nil
	}
	candidates := usable(keys, header)
	if payload, ok := verifyAny(jws, candidates); ok {
		return payload, nil
	}
	if err != nil && len(candidates) == 0 {
		return nil, err
	}
	return nil, errSignature
}

func verifyAny(jws *jose.JSONWebSignature, keys []any) ([]byte, bool) {
	for _, key := range keys {
		if payload, err := jws.Verify(key); err == nil {
			return payload, true
		}
	}
	return nil, false
}

func (k *keySet) current() ([]jose.JSONWebKey, time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.keys, k.p.clock().Sub(k.asked)
}

// refresh fetches the keys, once for all who wait, within the limit.
func (k *keySet) refresh(ctx context.Context) ([]jose.JSONWebKey, error) {
	answer := k.p.flight.DoChan(k.url, func() (any, error) {
		if !k.limit.AllowN(k.p.clock(), 1) {
			return nil, errKeys
		}
		ctx, cancel := k.p.context(context.WithoutCancel(ctx))
		defer cancel()
		body, _, err := k.p.get(ctx, k.url, "")
		if err != nil {
			k.p.log.Warn("the keys cannot be fetched", "error", err)
			return nil, errors.Join(errKeys, err)
		}
		var set struct {
			Keys []json.RawMessage `json:"keys"`
		}
		if json.Unmarshal(body, &set) != nil {
			k.p.log.Warn("the keys cannot be fetched", "error", "the answer is no key set")
			return nil, errKeys
		}
		var keys []jose.JSONWebKey
		for _, data := range set.Keys {
			// Keys of kinds that we do not know are not for us (RFC 7517, section 5).
			var key jose.JSONWebKey
			if json.Unmarshal(data, &key) == nil {
				keys = append(keys, key)
			}
		}
		k.mu.Lock()
		defer k.mu.Unlock()
		k.keys, k.asked = keys, k.p.clock()
		return keys, nil
	})
	select {
	case <-ctx.Done():
		return nil, errors.Join(errKeys, because(ctx.Err()))
	case got := <-answer:
		keys, _ := got.Val.([]jose.JSONWebKey)
		return keys, got.Err
	}
}

// usable gives the keys that may have made a signature: of that name, if it has
// one, meant for signatures, for this algorithm, of the right kind and strength.
func usable(keys []jose.JSONWebKey, header jose.Header) (out []any) {
	for _, key := range keys {
		switch {
		case header.KeyID != "" && key.KeyID != header.KeyID,
			key.Use != "" && key.Use != "sig",
			key.Algorithm != "" && key.Algorithm != header.Algorithm:
			continue
		}
		switch public := key.Key.(type) {
		case *rsa.PublicKey:
			if public.N.BitLen() >= minRSA && !strings.HasPrefix(header.Algorithm, "ES") {
				out = append(out, public)
			}
		case *ecdsa.PublicKey:
			if public.Curve == elliptic.P256() && header.Algorithm == "ES256" {
				out = append(out, public)
			}
		}
	}
	return out
}

// parse reads a token in compact form that says it is signed by one of the
// configured algorithms.
func (p *provider) parse(token string) (*jose.JSONWebSignature, error) {
	allowed := make([]jose.SignatureAlgorithm, len(p.Algorithms))
	for i, a := range p.Algorithms {
		allowed[i] = jose.SignatureAlgorithm(a)
	}
	if len(token) > maxToken {
		return nil, errors.New("the token is too large")
	}
	jws, err := jose.ParseSignedCompact(token, allowed)
	if err != nil {
		return nil, errors.New("not a token signed by an algorithm that is allowed")
	}
	return jws, nil
}
