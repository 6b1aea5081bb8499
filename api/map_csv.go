package api

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"github.com/gin-gonic/gin"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"golang.org/x/sync/errgroup"

	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/content"
)

// The whole of what a query finds, without pages: a map as GeoJSON, a table as
// CSV. Both are tagged by what was found, not by their bytes, so that who has
// them already costs no more than a look.

// large is how many items a map has from which only what is quick compresses it:
// brotli takes ten times as long as gzip for a tenth fewer bytes.
const large = 500

// chooseQuick chooses an encoding for a map of so many items: gzip before zstd,
// which is slower here, and brotli for who takes nothing else.
func (a accepts) chooseQuick(items int) (catalog.Encoding, bool) {
	if items >= large {
		for _, offered := range [...]func(catalog.Encoding) bool{
			func(enc catalog.Encoding) bool { return enc == catalog.Gzip },
			func(enc catalog.Encoding) bool { return enc != catalog.Brotli },
		} {
			if enc, ok := a.choose(offered); ok && enc != catalog.Identity {
				return enc, true
			}
		}
		if a[catalog.Identity] > 0 {
			return catalog.Identity, true
		}
	}
	return a.choose(anyEncoding)
}

// bodies are those of maps before they are compressed or written: some megabytes
// each, which are dear to ask for anew.
var bodies = sync.Pool{New: func() any { return new([]byte) }}

// maxTables bounds the tables that are written at once, a quarter of them for one
// address: each reads every item from the disk.
const maxTables = 16

// collectionMap answers GET /api/v1/{collection}.geojson: everything on the map
// that the filters leave, as one FeatureCollection (RFC 7946), drawn at a zoom
// when one is given.
func (s *Server) collectionMap(collection string, params []param) handler {
	known := queryNames(params)
	return func(c *gin.Context) error {
		raw, err := parseQuery(c.Request.URL.RawQuery, known...)
		if err != nil {
			return err
		}
		zoom := raw.integer("zoom", catalog.PointsZoom, 0, catalog.MaxZoom)
		if err := raw.err(); err != nil {
			return err
		}
		delete(raw.values, "zoom")
		q, err := s.catalog.ParseQuery(collection, raw.multi())
		if err != nil {
			return err
		}
		m, err := s.catalog.Map(q)
		if err != nil {
			return err
		}
		enc, ok := parseAccept(c.Request.Header["Accept-Encoding"]).chooseQuick(m.Len())
		if !ok {
			return notAcceptable()
		}
		etag, fresh := s.tagSelection(c, &q, &m.Selection, enc)
		if fresh {
			return nil
		}
		key := etag + c.Request.URL.Path + "?" + c.Request.URL.RawQuery
		body := s.hot.get(key)
		if body == nil {
			buf := bodies.Get().(*[]byte)
			defer bodies.Put(buf)
			*buf = m.AppendClusters((*buf)[:0], int(zoom))
			switch body = *buf; {
			case enc == catalog.Gzip && len(body) > 2*piece:
				body, err = gzipAtOnce(body)
			case enc != catalog.Identity:
				body, err = compress(body, enc)
			}
			if err != nil {
				return err
			}
			if enc != catalog.Identity { // the other is quickly made, and its memory is used again
				s.hot.put(key, body)
			}
		}
		h := c.Writer.Header()
		h["Content-Type"], h["X-Content-Type-Options"] = typeGeoJSON, nosniff
		h["Content-Length"] = []string{strconv.Itoa(len(body))}
		if name := encodingName[enc]; name != nil {
			h["Content-Encoding"] = name
		}
		expose(c)
		writeBody(c, body)
		return nil
	}
}

// tagSelection writes the headers by which caches know the answer; fresh says
// that the caller has it, and has been told.
func (s *Server) tagSelection(c *gin.Context, q *catalog.Query, found *catalog.Selection, enc catalog.Encoding) (etag string, fresh bool) {
	etag = found.ETag()
	if name := enc.Token(); name != "" {
		etag = strings.TrimSuffix(etag, `"`) + "-" + name + `"`
	}
	h := c.Writer.Header()
	h["Etag"], h["Cache-Control"], h["Vary"] = []string{etag}, cacheOf(q), varyEncoding
	if matches(c.Request.Header["If-None-Match"], etag) {
		c.Writer.WriteHeader(http.StatusNotModified)
		return etag, true
	}
	return etag, false
}

// collectionTable answers GET /api/v1/{collection}.csv: a table of everything
// that the filters leave, written as it is read, so that its length costs no
// memory.
func (s *Server) collectionTable(collection string, params []param, tables *turns) handler {
	known := queryNames(params)
	return func(c *gin.Context) error {
		q, err := s.catalogQuery(collection, c.Request.URL.RawQuery, known)
		if err != nil {
			return err
		}
		found, err := s.catalog.Select(q)
		if err != nil {
			return err
		}
		enc, ok := parseAccept(c.Request.Header["Accept-Encoding"]).choose(func(enc catalog.Encoding) bool {
			return enc == catalog.Gzip || enc == catalog.Identity
		})
		if !ok {
			return notAcceptable()
		}
		if _, fresh := s.tagSelection(c, &q, &found, enc); fresh {
			return nil
		}
		h := c.Writer.Header()
		h["Content-Type"], h["X-Content-Type-Options"] = []string{mediaOfFormat[formatCSV]}, nosniff
		h["Content-Disposition"] = []string{fmt.Sprintf("attachment; filename=%q", collection+".csv")}
		if name := encodingName[enc]; name != nil {
			h["Content-Encoding"] = name
		}
		expose(c)
		if c.Request.Method == http.MethodHead {
			c.Writer.WriteHeaderNow()
			return nil
		}
		reader := &call{Context: c, actor: content.Actor{ID: s.addressText(c.Request)}, whole: c.Request.Context()}
		release, err := tables.take(reader)
		if err != nil {
			return dropped(h, err)
		}
		defer release()
		out := bufio.NewWriterSize(&patient{c: reader, s: s}, 32<<10)
		if err = s.writeTable(out, &found, enc); err == nil {
			err = out.Flush()
		}
		if err == nil || !c.Writer.Written() {
			return dropped(h, err)
		}
		if c.Request.Context().Err() == nil {
			s.log.LogAttrs(c.Request.Context(), slog.LevelError, "table cut off", slog.String("request_id", requestID(c)), slog.Any("error", err))
		}
		panic(http.ErrAbortHandler) // no one takes half of it for the whole
	}
}

// dropped takes back what the headers say of a body that does not come.
func dropped(h http.Header, err error) error {
	if err != nil {
		for _, name := range []string{"Content-Disposition", "Content-Encoding", "Etag"} {
			delete(h, name)
		}
	}
	return err
}

func (s *Server) writeTable(out io.Writer, found *catalog.Selection, enc catalog.Encoding) error {
	if enc != catalog.Gzip {
		return found.WriteCSV(out, s.public)
	}
	w := gzips.Get().(*gzip.Writer)
	defer gzips.Put(w)
	w.Reset(out)
	if err := found.WriteCSV(w, s.public); err != nil {
		return err
	}
	return w.Close()
}

// piece is how many bytes of a large answer one processor compresses at a time.
const piece = 256 << 10

var deflaters = sync.Pool{New: func() any {
	w, err := flate.NewWriter(nil, flate.BestSpeed)
	if err != nil { // the level is a constant
		panic(err)
	}
	return w
}}

// gzipAtOnce compresses with all processors: pieces of the data become runs of
// blocks, each ended at a whole byte (RFC 1951, section 3.2.4), and these one
// member (RFC 1952).
func gzipAtOnce(data []byte) ([]byte, error) {
	parts := make([]bytes.Buffer, (len(data)+piece-1)/piece)
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range parts {
		g.Go(func() error {
			w := deflaters.Get().(*flate.Writer)
			defer deflaters.Put(w)
			parts[i].Grow(piece / 3)
			w.Reset(&parts[i])
			if _, err := w.Write(data[i*piece : min(len(data), (i+1)*piece)]); err != nil {
				return err
			}
			if i == len(parts)-1 {
				return w.Close()
			}
			return w.Flush()
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	size := 18
	for i := range parts {
		size += parts[i].Len()
	}
	// No time, no flags; made on an unknown system.
	out := append(make([]byte, 0, size), 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255)
	for i := range parts {
		out = append(out, parts[i].Bytes()...)
	}
	out = binary.LittleEndian.AppendUint32(out, crc32.ChecksumIEEE(data))
	return binary.LittleEndian.AppendUint32(out, uint32(len(data))), nil
}
