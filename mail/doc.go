// Package mail is the one way by which messages leave Prassi.
//
//	Letter ──▶ Text and HTML, from the same words
//	   │
//	Message ─▶ check ─▶ compose (go-mail) ─┬▶ an SMTP server, over TLS
//	            │                          └▶ a folder of .eml files
//	            no line end gets into a header
//
// A Message carries a Key that names what it is about. The Message-ID is made of
// it (RFC 5322, section 3.6.4), so a message that is sent twice, because nobody
// knows whether the first one left before a crash, is recognised as one by mail
// servers and programs that look; the folder keeps one file for it.
//
// Messages say that a program wrote them (Auto-Submitted, RFC 3834, section 5),
// so that absence notes do not answer them. They are sent for somebody's task,
// never to a list, and carry no List-Unsubscribe.
//
// Whatever Send returns may be logged: it shows neither the password nor what
// the message says.
package mail

import (
	"context"
	"errors"
)

// Message is one e-mail to one person.
type Message struct {
	// To is the bare address.
	To string
	// Subject is one line; longer ones are cut at MaxSubject characters.
	Subject string
	// Text is what it says. HTML says the same for programs that show it, and may
	// be empty; it is a whole document. Letter makes both.
	Text, HTML string
	// Locale is the language of both (BCP 47), or empty.
	Locale string
	// Key names the message among all; sending it again is sending the same.
	Key string
}

// Sender sends messages. It is safe for concurrent use.
type Sender interface {
	// Send hands the message over for good, or says why not: ErrAddress when it
	// will never go to that address, ErrMessage when it may go to nobody, ErrRejected
	// when the server would not have it; after any other error the same message may be
	// sent again later.
	Send(ctx context.Context, m Message) error
}

// What Send ends with when trying again would not help; errors.Is finds them.
var (
	// ErrAddress: To is no address, or the server refuses it for good.
	ErrAddress = errors.New("nobody can be reached at that address")
	// ErrMessage: there is no text, or no key, or too much of one.
	ErrMessage = errors.New("this message cannot be sent")
	// ErrRejected: the server knows the address and refuses the text for good (RFC
	// 5321, section 4.2.1); another text may pass.
	ErrRejected = errors.New("the mail server will not have this text")
)

// Bounds of a message.
const (
	MaxSubject = 200       // characters
	MaxText    = 256 << 10 // bytes, each of Text and HTML
	maxKey     = 1 << 10   // bytes
	maxAddress = 254       // bytes, RFC 5321, section 4.5.3.1.3, without the brackets
)
