package catalog

import (
	"bytes"
	"fmt"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Levels are moderate: an item is compressed once for each change and each
// dependent, so what a higher level saves on the wire is little beside what a
// rebuild would pay.
const (
	gzipLevel   = 6
	brotliLevel = 5
	// brotliWindow holds the largest ordinary item; the default of 4 MiB a
	// writer would be most of the catalogue's memory.
	brotliWindow = 18
)

var (
	gzipWriters = sync.Pool{New: func() any {
		w, err := gzip.NewWriterLevel(nil, gzipLevel)
		if err != nil { // the level is a constant
			panic(err)
		}
		return w
	}}
	brotliWriters = sync.Pool{New: func() any {
		return brotli.NewWriterOptions(nil, brotli.WriterOptions{Quality: brotliLevel, LGWin: brotliWindow})
	}}
	zstdWriters = sync.Pool{New: func() any {
		w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<brotliWindow),
			zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(false))
		if err != nil { // the options are constants
			panic(err)
		}
		return w
	}}
)

// compressed appends the other encodings of an item to payload, and gives the
// length of each encoding, the first included.
func compressed(payload *bytes.Buffer, item []byte) (lengths [encodings]int64, err error) {
	payload.Write(item)
	lengths[Identity] = int64(len(item))
	before := payload.Len()

	gz := gzipWriters.Get().(*gzip.Writer)
	defer gzipWriters.Put(gz)
	gz.Reset(payload)
	if _, err = gz.Write(item); err == nil {
		err = gz.Close()
	}
	if err != nil {
		return lengths, fmt.Errorf("gzip: %w", err)
	}
	lengths[Gzip] = int64(payload.Len() - before)
	before = payload.Len()

	br := brotliWriters.Get().(*brotli.Writer)
	defer brotliWriters.Put(br)
	br.Reset(payload)
	if _, err = br.Write(item); err == nil {
		err = br.Close()
	}
	if err != nil {
		return lengths, fmt.Errorf("brotli: %w", err)
	}
	lengths[Brotli] = int64(payload.Len() - before)

	zs := zstdWriters.Get().(*zstd.Encoder)
	defer zstdWriters.Put(zs)
	out := zs.EncodeAll(item, nil)
	payload.Write(out)
	lengths[Zstd] = int64(len(out))
	return lengths, nil
}
