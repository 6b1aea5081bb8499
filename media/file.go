package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"gocloud.dev/blob"
)

// Policy is the Content-Security-Policy under which every file is served: even
// one that a browser takes for a page has no origin, no script and no request
// (CSP Level 3, section 6.3.2, sandbox).
const Policy = "sandbox; default-src 'none'"

// fileNames are those that Add makes; anything else is not asked of the store.
var fileNames = regexp.MustCompile(`^(?:[1-9][0-9]{0,4}\.(?:jpg|png|webp)|document\.(?:pdf|docx|xlsx|pptx|odt|ods|odp))$`)

// ValidName reports whether s has the form of a stored file's name.
func ValidName(s string) bool { return len(s) <= 16 && fileNames.MatchString(s) }

// File is a stored file opened for reading: an io.ReadSeekCloser as
// http.ServeContent wants it. The bucket is not asked before the first Read, so
// an answer 304 costs nothing.
type File struct {
	Type       string // media type without parameters
	Size       int64
	ETag       string    // strong, with its quotation marks (RFC 9110, section 8.8.3)
	Attachment string    // name to save a document under; empty for a picture
	Modified   time.Time // to the second

	ctx    context.Context
	bucket *blob.Bucket
	key    string
	at     int64
	reader *blob.Reader
}

// Open gives one file of an item, or the problem not_found. The context must
// live as long as the File.
func (l *Library) Open(ctx context.Context, id, file string) (*File, error) {
	if !ValidID(id) || !ValidName(file) {
		return nil, notFound()
	}
	now := l.clock()
	item, known := l.seen.get(id, now)
	if !known {
		var err error
		if item, err = l.Get(ctx, id); err != nil {
			return nil, err
		}
		l.seen.put(item, now)
	}
	return l.OpenItem(ctx, item, file)
}

// OpenItem is Open for an item that the caller knows already, by its ID, Name, Type,
// CreatedAt and Files: it asks the store for nothing.
func (l *Library) OpenItem(ctx context.Context, item Item, file string) (*File, error) {
	info := item.file(file)
	if info == nil || !ValidID(item.ID) || !ValidName(file) {
		return nil, notFound()
	}
	f := &File{
		Type: info.Type, Size: info.Bytes, ETag: `"` + info.SHA256 + `"`, Modified: item.CreatedAt.Truncate(time.Second),
		ctx: ctx, bucket: l.bucket, key: key(item.ID, file),
	}
	if !item.Image() {
		f.Attachment = item.Name
	}
	return f, nil
}

// Headers are those that the file must be served with, beside what
// http.ServeContent adds.
func (f *File) Headers() map[string]string {
	h := map[string]string{
		"Content-Type":            f.Type,
		"ETag":                    f.ETag,
		"Content-Security-Policy": Policy,
		"X-Content-Type-Options":  "nosniff",
	}
	if f.Attachment != "" {
		h["Content-Disposition"] = disposition(f.Attachment)
	}
	return h
}

// Read reads on from where the last Read or Seek ended.
func (f *File) Read(p []byte) (int, error) {
	if f.at >= f.Size {
		return 0, io.EOF
	}
	if f.reader == nil {
		r, err := f.bucket.NewRangeReader(f.ctx, f.key, f.at, -1, nil)
		if err != nil {
			return 0, unavailable(err)
		}
		f.reader = r
	}
	n, err := f.reader.Read(p)
	f.at += int64(n)
	if err == io.EOF && f.at < f.Size {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// Seek moves to where the next Read begins.
func (f *File) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += f.at
	case io.SeekEnd:
		offset += f.Size
	}
	if offset < 0 {
		return 0, errors.New("media: seek before the beginning")
	}
	if offset != f.at {
		if err := f.Close(); err != nil {
			return 0, err
		}
		f.at = offset
	}
	return offset, nil
}

// Close frees what the file holds open.
func (f *File) Close() error {
	if f.reader == nil {
		return nil
	}
	r := f.reader
	f.reader = nil
	return r.Close()
}

// disposition is a Content-Disposition that saves under a clean name: plain
// ASCII for old readers (RFC 6266, section 4.3), UTF-8 for others (RFC 8187).
func disposition(name string) string {
	plain := []byte(name)
	n := 0
	for _, r := range name {
		if r < 0x20 || r > 0x7e || r == '"' || r == '\\' || r == '%' {
			r = '_'
		}
		plain[n] = byte(r)
		n++
	}
	var coded strings.Builder
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '.', c == '_':
			coded.WriteByte(c)
		default:
			fmt.Fprintf(&coded, "%%%02X", c)
		}
	}
	return `attachment; filename="` + string(plain[:n]) + `"; filename*=UTF-8''` + coded.String()
}
