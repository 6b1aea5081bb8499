package api

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"strconv"

	"github.com/andybalholm/brotli"
	"github.com/gin-gonic/gin"
	"github.com/klauspost/compress/zstd"

	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/content"
)

// stored is an answer made once and kept in every encoding.
type stored struct {
	media     []string
	encodings [len(preference)]storedBody // by catalog.Encoding; no tag: not kept
}

type storedBody struct {
	data         []byte
	etag, length []string
}

// newStored keeps an answer in all encodings that make it smaller.
func newStored(media string, data []byte) (*stored, error) {
	s := &stored{media: []string{media}}
	s.set(catalog.Identity, data, data)
	for enc, compress := range map[catalog.Encoding]func(io.Writer) (io.WriteCloser, error){
		catalog.Gzip:   func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriterLevel(w, gzip.BestCompression) },
		catalog.Brotli: func(w io.Writer) (io.WriteCloser, error) { return brotli.NewWriterLevel(w, 9), nil },
		catalog.Zstd: func(w io.Writer) (io.WriteCloser, error) {
			return zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedBetterCompression), zstd.WithEncoderConcurrency(1))
		},
	} {
		var buf bytes.Buffer
		w, err := compress(&buf)
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(data); err != nil {
			return nil, err
		}
		if err := w.Close(); err != nil {
			return nil, err
		}
		if buf.Len() < len(data) {
			s.set(enc, buf.Bytes(), data)
		}
	}
	return s, nil
}

func (s *stored) set(enc catalog.Encoding, data, plain []byte) {
	s.encodings[enc] = storedBody{data: data, etag: []string{entityTag(plain, enc.Token())}, length: []string{strconv.Itoa(len(data))}}
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

// serveStored answers with kept bytes, in the encoding the caller likes best.
func serveStored(c *gin.Context, s *stored, cache []string) error {
	has := func(enc catalog.Encoding) bool { return s.encodings[enc].etag != nil }
	enc, ok := parseAccept(c.Request.Header["Accept-Encoding"]).choose(has)
	if !ok {
		return notAcceptable()
	}
	body, h := s.encodings[enc], c.Writer.Header()
	h["Etag"], h["Cache-Control"], h["Vary"] = body.etag, cache, varyEncoding
	if matches(c.Request.Header["If-None-Match"], body.etag[0]) {
		c.Writer.WriteHeader(http.StatusNotModified)
		return nil
	}
	h["Content-Type"], h["Content-Length"], h["X-Content-Type-Options"] = s.media, body.length, nosniff
	if c.Request.Header["Origin"] != nil && h["Access-Control-Allow-Origin"] != nil {
		h["Access-Control-Expose-Headers"] = exposed
	}
	if name := encodingName[enc]; name != nil {
		h["Content-Encoding"] = name
	}
	writeBody(c, body.data)
	return nil
}

// serveComputed answers with bytes that were made for this request.
func serveComputed(c *gin.Context, media []string, data []byte, etag string, cache []string) error {
	h := c.Writer.Header()
	h["Etag"], h["Cache-Control"], h["Vary"] = []string{etag}, cache, varyEncoding
	if matches(c.Request.Header["If-None-Match"], etag) {
		c.Writer.WriteHeader(http.StatusNotModified)
		return nil
	}
	h["Content-Type"], h["X-Content-Type-Options"] = media, nosniff
	h["Content-Length"] = []string{strconv.Itoa(len(data))}
	if c.Request.Header["Origin"] != nil && h["Access-Control-Allow-Origin"] != nil {
		h["Access-Control-Expose-Headers"] = exposed
	}
	writeBody(c, data)
	return nil
}

func notAcceptable() error {
	return &content.Problem{Class: content.Invalid, Code: codeNotAcceptable}
}
