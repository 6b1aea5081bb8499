package api

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"sync"

	"github.com/gin-gonic/gin"

	"github.com/prassi-cms/prassi/content"
)

// stored is an answer that stays the same while the program runs. It is made,
// and compressed, when somebody asks for it first: starting must be quick.
type stored struct {
	media     []string
	encodings [len(preference)]func() (storedBody, error) // by catalog.Encoding
}

type storedBody struct {
	data         []byte
	etag, length []string
}

func newStored(media string, make func() ([]byte, error)) *stored {
	s := &stored{media: []string{media}}
	plain := sync.OnceValues(make)
	for _, enc := range preference {
		s.encodings[enc] = sync.OnceValues(func() (storedBody, error) {
			data, err := plain()
			if err != nil {
				return storedBody{}, err
			}
			packed, err := compress(data, enc)
			return storedBody{data: packed, etag: []string{entityTag(data, enc.Token())}, length: []string{strconv.Itoa(len(packed))}}, err
		})
	}
	return s
}

// entityTag is a strong tag: a hash of the plain bytes, and the encoding.
func entityTag(plain []byte, encoding string) string {
	sum := sha256.Sum256(plain)
	tag := base64.RawURLEncoding.EncodeToString(sum[:16])
	if encoding != "" {
		tag += "-" + encoding
	}
	return `"` + tag + `"`
}

// serveStored answers with a stored answer, in the encoding the caller likes
// best.
func serveStored(c *gin.Context, s *stored, cache []string) error {
	enc, ok := parseAccept(c.Request.Header["Accept-Encoding"]).choose(anyEncoding)
	if !ok {
		return notAcceptable()
	}
	body, err := s.encodings[enc]()
	if err != nil {
		return err
	}
	h := c.Writer.Header()
	h["Etag"], h["Cache-Control"], h["Vary"] = body.etag, cache, varyEncoding
	if matches(c.Request.Header["If-None-Match"], body.etag[0]) {
		c.Writer.WriteHeader(http.StatusNotModified)
		return nil
	}
	h["Content-Type"], h["Content-Length"], h["X-Content-Type-Options"] = s.media, body.length, nosniff
	expose(c)
	if name := encodingName[enc]; name != nil {
		h["Content-Encoding"] = name
	}
	writeBody(c, body.data)
	return nil
}

// serveComputed answers with bytes that were made for this request.
func serveComputed(c *gin.Context, media []string, data []byte, cache []string) error {
	enc, ok := parseAccept(c.Request.Header["Accept-Encoding"]).choose(anyEncoding)
	if !ok {
		return notAcceptable()
	}
	etag := entityTag(data, enc.Token())
	h := c.Writer.Header()
	h["Etag"], h["Cache-Control"], h["Vary"] = []string{etag}, cache, varyEncoding
	if matches(c.Request.Header["If-None-Match"], etag) {
		c.Writer.WriteHeader(http.StatusNotModified)
		return nil
	}
	data, err := compress(data, enc)
	if err != nil {
		return err
	}
	h["Content-Type"], h["X-Content-Type-Options"] = media, nosniff
	h["Content-Length"] = []string{strconv.Itoa(len(data))}
	if name := encodingName[enc]; name != nil {
		h["Content-Encoding"] = name
	}
	expose(c)
	writeBody(c, data)
	return nil
}

// expose lets scripts of other origins read headers beyond the usual ones. Only
// such scripts say where they come from; nobody else pays for the header.
func expose(c *gin.Context) {
	if c.Request.Header["Origin"] != nil && c.Writer.Header()["Access-Control-Allow-Origin"] != nil {
		c.Writer.Header()["Access-Control-Expose-Headers"] = exposed
	}
}

func notAcceptable() error {
	return &content.Problem{Class: content.Invalid, Code: codeNotAcceptable}
}
