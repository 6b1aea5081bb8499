package api

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/messages"
)

// Keys of what a request carries along in its gin.Context.
const (
	keyRequestID = "request_id"
	keyActor     = "actor"
)

// mount adds an operation to the routes: its method, HEAD beside GET, and the
// preflight of cross-origin reads where those are allowed.
func (s *Server) mount(op *operation) {
	handle := s.serve(op)
	path := ginPath(op)
	s.engine.Handle(op.Method, path, handle)
	if op.Method == http.MethodGet && !op.Once {
		s.engine.HEAD(path, handle)
	}
	if op.Access == public {
		s.engine.OPTIONS(path, s.serve(&operation{Route: op.Route, Method: http.MethodOptions, Access: public, Handle: preflight}))
	}
}

// preflight answers the question a browser asks before a cross-origin read with
// a header of its own choice (Fetch standard, CORS protocol).
func preflight(c *gin.Context) error {
	h := c.Writer.Header()
	h["Access-Control-Allow-Methods"] = []string{"GET, HEAD"}
	h["Access-Control-Allow-Headers"] = []string{"If-None-Match, Accept, Accept-Language"}
	h["Access-Control-Max-Age"] = []string{"86400"}
	c.Writer.WriteHeader(http.StatusNoContent)
	return nil
}

// serve is the one wrapper around every operation. For public reads it must stay
// cheap: what it needs is looked up when the route is made.
func (s *Server) serve(op *operation) gin.HandlerFunc {
	handle, cheap, measured := op.Handle, op.Access == public, s.metrics.route(op.Method, op.Route)
	headers, rate := s.headersOf(op), rateOf(op)
	return func(c *gin.Context) {
		start := s.clock()
		defer func() {
			if cause := recover(); cause != nil {
				s.recovered(c, op, cause)
			}
			elapsed := s.clock().Sub(start)
			measured.observe(c.Writer.Status(), elapsed)
			s.logRequest(c, op, elapsed)
		}()
		h := c.Writer.Header()
		for _, header := range headers {
			h[header.name] = header.value
		}
		if !s.https && s.secure(c.Request) {
			h[hsts.name] = hsts.value
		}
		if oddFraming(c.Request) {
			h["Connection"] = closing
		}
		if !cheap {
			requestID(c)
		}
		err := s.admit(c, rate, start)
		if err == nil {
			err = handle(c)
		}
		if err == nil {
			return
		}
		s.failAs(c, op, err)
		if rate == rateToken && c.Writer.Status() == http.StatusUnauthorized {
			s.refused(c, start)
		}
	}
}

// recovered answers after a panic, or cuts the connection when the answer has
// begun, so that no one takes half of it for the whole.
func (s *Server) recovered(c *gin.Context, op *operation, cause any) {
	if cause == http.ErrAbortHandler {
		panic(cause)
	}
	s.log.LogAttrs(c.Request.Context(), slog.LevelError, "panic",
		slog.String("request_id", requestID(c)), slog.Any("cause", cause), slog.String("stack", string(debug.Stack())))
	if c.Writer.Written() {
		panic(http.ErrAbortHandler)
	}
	s.failAs(c, op, &content.Problem{Class: content.Internal, Code: "internal_error", Err: fmt.Errorf("panic: %v", cause)})
}

// failAs answers with the problem of err as whoever calls the operation reads it.
func (s *Server) failAs(c *gin.Context, op *operation, err error) {
	if op.Page && wantsPage(c.Request) {
		s.failPage(c, err)
	} else {
		s.fail(c, err)
	}
}

// logRequest writes one line about a request: never its query, its body, its
// credentials or its address. Public reads that succeed are many and tell of
// nothing; they are logged at level debug.
func (s *Server) logRequest(c *gin.Context, op *operation, elapsed time.Duration) {
	status := c.Writer.Status()
	level := slog.LevelInfo
	switch {
	case isFault(status):
		level = slog.LevelError
	case op.Access == public && status < http.StatusBadRequest && elapsed < time.Second, op.quiet,
		status == http.StatusTooManyRequests: // the metrics count them; a flood must not fill the log
		level = slog.LevelDebug
	}
	ctx := c.Request.Context()
	if !s.log.Enabled(ctx, level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("method", c.Request.Method), slog.String("route", op.Route), slog.Int("status", status),
		slog.Float64("ms", float64(elapsed.Microseconds())/1000), slog.Int("bytes", max(0, c.Writer.Size())),
		slog.String("request_id", requestID(c)),
	}
	if actor, ok := actorOf(c); ok {
		attrs = append(attrs, slog.String("actor", actor.ID))
	}
	for _, p := range c.Params {
		if p.Key == "id" { // the document, never a slug that a reader looked at
			attrs = append(attrs, slog.String("document", echo(p.Value)))
		}
	}
	s.log.LogAttrs(ctx, level, "request", attrs...)
}

// requestID gives the request's id, and makes one the first time it is asked.
// Public reads that succeed need none: a cache would hand it to others.
func requestID(c *gin.Context) string {
	if id := c.GetString(keyRequestID); id != "" {
		return id
	}
	id := uuid.Must(uuid.NewV7()).String()
	c.Set(keyRequestID, id)
	if !c.Writer.Written() {
		c.Writer.Header()["X-Request-Id"] = []string{id}
	}
	return id
}

// language is the one in which the caller wants to read messages. Who has signed
// in has chosen it in the account; browsers only guess.
func language(c *gin.Context) string {
	wanted := c.Request.Header.Get("Accept-Language")
	if actor, ok := actorOf(c); ok && (wanted == "" || actor.Via == "session" && spoken(actor.Locale)) {
		wanted = actor.Locale
	}
	return messages.Negotiate(wanted)
}

// spoken says whether there are messages in a language.
func spoken(locale string) bool {
	base, _, _ := strings.Cut(locale, "-")
	return slices.Contains(messages.Languages, base)
}

// writeBody writes a body whose headers are set; HEAD gets none.
func writeBody(c *gin.Context, data []byte) {
	if c.Request.Method == http.MethodHead {
		c.Writer.WriteHeaderNow()
		return
	}
	_, _ = c.Writer.Write(data) // a caller that went away is no fault of ours
}
