package api

import (
	"bytes"
	"io"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/prassi-cms/prassi/catalog"
)

// hot keeps the bytes of answers that were asked for lately. Its keys are strong
// entity tags (and, for lists, the address): what a key names never changes, so
// nothing in it is ever out of date. When it is full it starts anew, which costs
// a little and needs no book-keeping on the way.
type hot struct {
	budget int64

	mu    sync.RWMutex
	size  int64
	bytes map[string][]byte
}

// overhead is what an entry costs beside its bytes.
const overhead = 128

func newHot(budget int64) *hot { return &hot{budget: budget, bytes: map[string][]byte{}} }

// get gives the bytes of a key, or nil. They must not be changed.
func (h *hot) get(key string) []byte {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.bytes[key]
}

// put keeps bytes, which must not be changed afterwards.
func (h *hot) put(key string, data []byte) {
	cost := int64(len(key)+cap(data)) + overhead
	if cost > h.budget/16 { // one large answer must not push out all others
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, there := h.bytes[key]; there {
		return
	}
	if h.size+cost > h.budget {
		clear(h.bytes)
		h.size = 0
	}
	h.size += cost
	h.bytes[key] = data
}

// The compressors of answers that are put together here: quick rather than
// thorough. Items are stored compressed, thoroughly.
var (
	gzips   = sync.Pool{New: func() any { w, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed); return w }}
	brotlis = sync.Pool{New: func() any { return brotli.NewWriterLevel(nil, 4) }}
	zstds   = sync.OnceValues(func() (*zstd.Encoder, error) {
		return zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(0), zstd.WithLowerEncoderMem(true))
	})
)

// compress gives data in an encoding.
func compress(data []byte, enc catalog.Encoding) ([]byte, error) {
	var out bytes.Buffer
	out.Grow(len(data)/3 + 64)
	var err error
	switch enc {
	case catalog.Gzip:
		w := gzips.Get().(*gzip.Writer)
		defer gzips.Put(w)
		w.Reset(&out)
		err = writeAll(w, data)
	case catalog.Brotli:
		w := brotlis.Get().(*brotli.Writer)
		defer brotlis.Put(w)
		w.Reset(&out)
		err = writeAll(w, data)
	case catalog.Zstd:
		w, err := zstds()
		if err != nil {
			return nil, err
		}
		return w.EncodeAll(data, out.AvailableBuffer()), nil
	default:
		return data, nil
	}
	return out.Bytes(), err
}

func writeAll(w io.WriteCloser, data []byte) error {
	if _, err := w.Write(data); err != nil {
		return err
	}
	return w.Close()
}
