package api

import (
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/access"
	"github.com/prassi-cms/prassi/media"
	"github.com/prassi-cms/prassi/schemas"
)

// A file comes as a stream, from a form or as the body itself:
//
//	turn      so many at once, and so many of one caller
//	pace      the time-outs of the connection move on while bytes flow
//	form      owner and alt, then the file, which is the last part
//	Library   looks into it, makes its forms and keeps them
//
// Nothing is held in memory but what is being looked into, and nothing is kept
// before all has arrived.

const (
	formHead  = 64 << 10         // bytes of a form before its file, headers of parts included
	formField = 8 << 10          // bytes of a field's value
	minRate   = 4 << 10          // bytes a second that a connection must bring on average,
	patience  = 30 * time.Second // but for its first seconds
	stall     = 20 * time.Second // longest pause between two bytes
)

// slowest is how long so many bytes take at the lowest rate, at most most.
func slowest(size int64, most time.Duration) time.Duration {
	return min(most, time.Duration(size/minRate)*time.Second)
}

// pace reads a body as long as its bytes keep flowing and until it is too long. err
// keeps why it stopped, since readers above it say less.
type pace struct {
	body  io.ReadCloser
	until func(time.Time) error // moves the connection's time-out
	clock func() time.Time
	begun time.Time
	most  time.Duration
	limit int64 // of the file, to be named in the problem
	left  int64 // bytes that may still come
	got   int64
	err   error
}

// Read reads on, or says that the time or the space is over.
func (p *pace) Read(b []byte) (int, error) {
	if p.err != nil {
		return 0, p.err
	}
	if p.left <= 0 {
		p.err = fileTooLarge(p.limit)
		return 0, p.err
	}
	now := p.clock()
	by := p.begun.Add(min(p.most, patience+slowest(p.got, p.most)))
	if next := now.Add(stall); next.Before(by) {
		by = next
	}
	_ = p.until(by) // not every connection can (in tests): then the server's own holds
	n, err := p.body.Read(b[:min(int64(len(b)), p.left)])
	p.got += int64(n)
	p.left -= int64(n)
	if err != nil && err != io.EOF {
		p.err = err
		if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() || errors.Is(err, os.ErrDeadlineExceeded) {
			p.err = &content.Problem{Class: content.Invalid, Code: codeTimeout, Err: err}
		}
	}
	return n, err
}

// Close is for http.Request.Body.
func (p *pace) Close() error { return p.body.Close() }

func fileTooLarge(limit int64) error {
	return &content.Problem{Class: content.TooLarge, Code: "media_too_large", Params: map[string]any{"max": limit}}
}

// addMedia answers POST /api/v1/manage/media.
func (s *Server) addMedia(c *call) error {
	q, err := parseQuery(c.Request.URL.RawQuery, "owner", "alt")
	if err != nil {
		return err
	}
	if c.Request.Header.Get("Content-Encoding") != "" { // a bomb would hide in it
		return &content.Problem{Class: content.Invalid, Code: codeMediaType, Params: map[string]any{"expected": "multipart/form-data"}}
	}
	limit := s.media.MaxBytes()
	if c.Request.ContentLength > limit+formHead {
		return fileTooLarge(limit)
	}
	release, err := s.uploads.take(c)
	if err != nil {
		return err
	}
	defer release()

	// The deadline of editorial requests is too short for a slow line; that the
	// caller went away is told by the body.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.ctx()), s.limits.Upload+s.limits.Handle)
	defer cancel()
	conn := http.NewResponseController(c.Writer)
	body := &pace{body: c.Request.Body, until: conn.SetReadDeadline, clock: time.Now, begun: time.Now(), most: s.limits.Upload, limit: limit, left: formHead}
	c.Request.Body = body
	u := &upload{s: s, c: c, body: body, in: media.NewItem{Owner: q.text("owner"), Alt: q.text("alt")}}
	item, err := u.receive(ctx)
	if told, ok := errors.AsType[*content.Problem](body.err); ok {
		err = told // too slow or too long; whoever went away hears nothing anyhow
	}
	if p := content.AsProblem(err); p != nil && (p.Class == content.Invalid || p.Class == content.Forbidden) && body.err == nil {
		// A browser that is still sending hears the answer only when it is done.
		body.left = limit + formHead - body.got
		_, _ = io.Copy(io.Discard, body)
	}
	_ = conn.SetReadDeadline(time.Time{})
	_ = conn.SetWriteDeadline(time.Now().Add(s.limits.Write))
	if err != nil {
		return err
	}
	out := s.mediaView(c, item)
	c.Writer.Header()["Location"] = []string{out.Links.Self}
	return answerJSON(c.Context, http.StatusCreated, out)
}

// upload is one file on its way.
type upload struct {
	s    *Server
	c    *call
	body *pace
	in   media.NewItem
}

func (u *upload) receive(ctx context.Context) (media.Item, error) {
	kind, _, _ := mime.ParseMediaType(u.c.Request.Header.Get("Content-Type"))
	if kind == "multipart/form-data" {
		return u.form(ctx)
	}
	if header := u.c.Request.Header["Content-Disposition"]; len(header) > 0 {
		_, params, err := mime.ParseMediaType(header[0])
		if err != nil || len(header) > 1 {
			return media.Item{}, &content.Problem{Class: content.Invalid, Code: codeInvalidHeader, Params: map[string]any{"header": "Content-Disposition"}}
		}
		u.in.Name = params["filename"]
	}
	return u.add(ctx, u.c.Request.Body)
}

// form reads the parts of a form up to its file.
func (u *upload) form(ctx context.Context) (media.Item, error) {
	none := media.Item{}
	parts, err := u.c.Request.MultipartReader()
	if err != nil {
		return none, badForm(err)
	}
	seen := map[string]bool{}
	for {
		part, err := parts.NextRawPart()
		if err == io.EOF {
			return none, invalid(codeInvalidBody, "/file", schemas.CodeRequired, map[string]any{"field": "file"})
		}
		if err != nil {
			return none, badForm(err)
		}
		name := part.FormName()
		if seen[name] {
			return none, invalid(codeInvalidBody, pointer("", echo(name)), codeDuplicateKey, map[string]any{"key": echo(name)})
		}
		seen[name] = true
		switch name {
		case "file":
			u.in.Name = fromBrowser.Replace(part.FileName())
			last := &lastPart{Reader: part, parts: parts}
			item, err := u.add(ctx, last)
			if last.err != nil {
				err = last.err
			}
			return item, err
		case "owner":
			u.in.Owner, err = field(part, name)
		case "alt":
			u.in.Alt, err = field(part, name)
		default:
			err = invalid(codeInvalidBody, pointer("", echo(name)), schemas.CodeUnknownKey, map[string]any{"key": echo(name)})
		}
		if err != nil {
			return none, err
		}
	}
}

// fromBrowser undoes what browsers do to the names of files in forms (HTML
// standard, multipart/form-data encoding algorithm).
var fromBrowser = strings.NewReplacer("%22", `"`, "%0D", "\r", "%0A", "\n")

// field reads the value of a field.
func field(part io.Reader, name string) (string, error) {
	data, err := io.ReadAll(io.LimitReader(part, formField+1))
	switch {
	case err != nil:
		return "", badForm(err)
	case len(data) > formField:
		return "", invalid(codeInvalidBody, "/"+name, schemas.CodeTooLong, map[string]any{"max": formField, "actual": len(data), "unit": "bytes"})
	case !utf8.Valid(data):
		return "", invalid(codeInvalidBody, "/"+name, schemas.CodeInvalidEncoding, map[string]any{"offset": 0})
	}
	return string(data), nil
}

func badForm(cause error) error {
	return &content.Problem{Class: content.Invalid, Code: codeMediaForm, Err: cause}
}

// lastPart reads a part behind which there may be no other. What comes there would
// be passed over in silence otherwise: a field that was meant, or a second file.
type lastPart struct {
	io.Reader
	parts *multipart.Reader
	done  bool
	err   error
}

// Read reads on, and at the end of the part looks behind it.
func (l *lastPart) Read(p []byte) (int, error) {
	if l.done {
		return 0, io.EOF
	}
	if l.err != nil {
		return 0, l.err
	}
	n, err := l.Reader.Read(p)
	if err == nil {
		return n, nil
	}
	if err == io.EOF {
		var next *multipart.Part
		if next, err = l.parts.NextRawPart(); err == io.EOF {
			l.done = true
			return n, io.EOF
		}
		if err == nil {
			name := echo(next.FormName())
			l.err = invalid(codeInvalidBody, pointer("", name), schemas.CodeUnknownKey, map[string]any{"key": name})
			return n, l.err
		}
	}
	l.err = badForm(err)
	return n, l.err
}

// add asks whether the caller may, and only then for the file.
func (u *upload) add(ctx context.Context, file io.Reader) (media.Item, error) {
	s, c := u.s, u.c
	if u.in.Owner != "" {
		if _, err := content.ParseGrant("contributor@"+u.in.Owner, s.service.Territories()); err != nil {
			return media.Item{}, invalid(codeInvalidBody, "/owner", "unknown_owner", map[string]any{"owner": echo(u.in.Owner)})
		}
	}
	if err := s.service.Allow(c.actor, access.MediaAdd, access.Object{Organization: u.in.Owner}); err != nil {
		return media.Item{}, err
	}
	u.body.left = u.body.limit + formHead
	return s.media.Add(ctx, c.actor, u.in, file)
}
