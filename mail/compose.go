package mail

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	netmail "net/mail"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	gomail "github.com/wneessen/go-mail"
	"golang.org/x/text/language"
)

// Address gives an address in the way in which it is written into a message, or
// an error that wraps ErrAddress. A name beside it, a group, a comment, a quoted
// part and letters beyond ASCII are refused: what servers make of them differs.
func Address(s string) (string, error) {
	at, err := netmail.ParseAddress(s)
	switch {
	case err != nil, len(s) > maxAddress, at.Name != "", at.Address != s:
	case strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune("\"<>()[]\\,;:", r) }):
	default:
		return at.Address, nil
	}
	return "", fmt.Errorf("%w: it is not written as one", ErrAddress)
}

// id is the left part of the Message-ID of a key.
func id(key string) string {
	sum := sha256.Sum256([]byte("prassi mail " + key))
	return hex.EncodeToString(sum[:16])
}

// compose checks a message and makes it ready to be written.
func compose(from *netmail.Address, m Message, at time.Time) (*gomail.Msg, error) {
	to, err := Address(m.To)
	if err != nil {
		return nil, err
	}
	switch {
	case m.Key == "" || len(m.Key) > maxKey:
		return nil, fmt.Errorf("%w: its key has %d bytes", ErrMessage, len(m.Key))
	case strings.TrimSpace(m.Text) == "":
		return nil, fmt.Errorf("%w: it says nothing", ErrMessage)
	case len(m.Text) > MaxText || len(m.HTML) > MaxText:
		return nil, fmt.Errorf("%w: it is longer than %d bytes", ErrMessage, MaxText)
	case !utf8.ValidString(m.Text) || !utf8.ValidString(m.HTML) || strings.ContainsRune(m.Text+m.HTML, 0):
		return nil, fmt.Errorf("%w: it is not UTF-8 text", ErrMessage)
	}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(from)
	if err := msg.To(to); err != nil {
		return nil, fmt.Errorf("%w: it is not written as one", ErrAddress)
	}
	msg.Subject(line(m.Subject))
	_, domain, _ := strings.Cut(from.Address, "@")
	msg.SetMessageIDWithValue(id(m.Key) + "@" + domain)
	msg.SetDateWithValue(at)
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetGenHeader("X-Auto-Response-Suppress", "OOF, AutoReply")
	if tag, err := language.Parse(m.Locale); err == nil && m.Locale != "" {
		msg.SetGenHeader("Content-Language", tag.String())
	}
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	if m.HTML != "" {
		msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	}
	return msg, nil
}

// line makes any text one line of a header: no control characters, no separators
// of lines, not too long.
func line(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	s = strings.Join(strings.Fields(s), " ")
	if utf8.RuneCountInString(s) > MaxSubject {
		s = strings.TrimSpace(string([]rune(s)[:MaxSubject-1])) + "…"
	}
	return s
}
