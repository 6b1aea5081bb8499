// Package secret keeps secrets out of what people read. A Value prints as
// "[secret]" however it is formatted, logged or encoded; only Reveal gives what
// it holds. Secrets come from the environment or from a file that the
// environment names, never from a flag, whose value any process can see.
package secret

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
)

// hidden is what a Value shows of itself.
const hidden = "[secret]"

// MaxFile is the most that a file with a secret may hold, in bytes.
const MaxFile = 64 << 10

// Value is a secret. The zero Value is none.
type Value struct{ s string }

// New wraps a secret.
func New(s string) Value { return Value{s} }

// Reveal gives the secret, for the one place that needs it.
func (v Value) Reveal() string { return v.s }

// IsZero says that there is no secret.
func (v Value) IsZero() bool { return v.s == "" }

// String hides the secret from every formatting verb, and from encoders.
func (v Value) String() string { return hidden }

// GoString hides the secret from %#v.
func (v Value) GoString() string { return hidden }

// Format hides the secret from verbs that look into a value (%x, %d).
func (v Value) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// MarshalText hides the secret from encoders.
func (v Value) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// LogValue hides the secret from log/slog.
func (v Value) LogValue() slog.Value { return slog.StringValue(hidden) }

// Lookup reads the secret setting of that name: the environment variable, or
// the file that the variable NAME_FILE names, without the line end that editors
// add. It gives the zero Value when there is neither, and an error, which never
// shows the secret, when there are both or the file cannot be read.
func Lookup(name string) (Value, error) {
	value, path := os.Getenv(name), os.Getenv(name+"_FILE")
	switch {
	case value != "" && path != "":
		return Value{}, fmt.Errorf("%s and %s_FILE are both set: one is enough", name, name)
	case path == "":
		return Value{value}, nil
	}
	v, err := ReadFile(path)
	if err != nil {
		return Value{}, fmt.Errorf("%s_FILE: %w", name, err)
	}
	return v, nil
}

// ReadFile reads a secret from a file, without the line end.
func ReadFile(path string) (Value, error) {
	f, err := os.Open(path)
	if err != nil {
		return Value{}, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxFile+1))
	if err != nil {
		return Value{}, err
	}
	s := strings.TrimRight(string(data), "\r\n")
	switch {
	case len(data) > MaxFile:
		return Value{}, fmt.Errorf("%s is larger than %d bytes", path, MaxFile)
	case s == "":
		return Value{}, errors.New(path + " is empty")
	}
	return Value{s}, nil
}
