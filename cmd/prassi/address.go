package main

import (
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/prassi-cms/prassi/internal/secret"
)

// storeAddress gives the engine that the settings name: sqlite, or an address
// with what may be a password in it. A flag wins over the variables.
func (e *env) storeAddress() (secret.Value, error) {
	address := secret.New(e.cli.Store)
	if address.IsZero() {
		var err error
		if address, err = secret.Lookup(storeVariable); err != nil {
			return address, err
		}
	} else if _, password := userInfo(address.Reveal()); password != "" {
		return secret.Value{}, tell("store_password_flag", nil)
	}
	switch s := address.Reveal(); {
	case s == "" || s == sqlite:
		return secret.New(sqlite), nil
	case strings.HasPrefix(s, "mongodb://"), strings.HasPrefix(s, "mongodb+srv://"):
		return address, checkAddress(s)
	}
	return secret.Value{}, tell("store_unknown", nil)
}

// authority gives the part of an address between the scheme and the path.
func authority(address string) (text, rest string) {
	_, rest, _ = strings.Cut(address, "://")
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		return rest[:i], rest[i:]
	}
	return rest, ""
}

// userInfo gives the name and password of an address, as they are written.
func userInfo(address string) (name, password string) {
	text, _ := authority(address)
	if i := strings.LastIndexByte(text, '@'); i >= 0 {
		name, password, _ = strings.Cut(text[:i], ":")
	}
	return name, password
}

// checkAddress refuses an address whose name or password was not escaped. A
// driver would take a part of the password for a host or a path, and tell it.
func checkAddress(address string) error {
	text, rest := authority(address)
	name, password := userInfo(address)
	_, err := url.PathUnescape(name + password)
	if err != nil || strings.Count(text, "@") > 1 || strings.ContainsAny(text, "?#") || strings.Contains(rest, "@") || strings.ContainsAny(password, ":[]") {
		return tell("store_address", nil)
	}
	return nil
}

// redacted gives an error without what is secret in an address: the user, the
// password, and the values of options that are called after one. What the error
// wraps is let go of, because it would show the same.
func redacted(err error, address secret.Value) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	hide := func(part string) {
		unescaped, _ := url.PathUnescape(part)
		for _, s := range []string{part, unescaped} {
			if s != "" {
				text = strings.ReplaceAll(text, s, "[secret]")
			}
		}
	}
	hide(address.Reveal())
	name, password := userInfo(address.Reveal())
	parts := []string{password, name}
	_, rest := authority(address.Reveal())
	_, query, _ := strings.Cut(rest, "?")
	for option := range strings.SplitSeq(query, "&") {
		key, value, _ := strings.Cut(option, "=")
		if key = strings.ToLower(key); strings.Contains(key, "password") || strings.Contains(key, "mechanismproperties") {
			parts = append(parts, value)
		}
	}
	slices.SortFunc(parts, func(a, b string) int { return len(b) - len(a) }) // one may hold another
	for _, part := range parts {
		hide(part)
	}
	return errors.New(text)
}
