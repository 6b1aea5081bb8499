package media

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path"
	"runtime/debug"
	"time"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/content"
)

// Add takes a file from r and gives its Item when it is stored. Whatever goes
// wrong, a refusal (content.Problem with one of Codes), a broken connection or a
// context that ends, there is no Item and the files are removed, at once or by
// the Purger.
func (l *Library) Add(ctx context.Context, by content.Actor, in NewItem, r io.Reader) (Item, error) {
	if by.Anonymous() {
		return Item{}, unauthenticated()
	}
	if err := checkAlt(in.Alt); err != nil {
		return Item{}, err
	}
	up, err := l.receive(ctx, r)
	if err != nil {
		return Item{}, err
	}
	defer up.close()

	files, err := l.examine(ctx, up)
	if err != nil {
		return Item{}, err
	}
	item := Item{
		ID: newID(), Owner: in.Owner, Person: by.ID, Alt: in.Alt,
		Name: cleanName(in.Name, path.Ext(files[0].Name)), Type: files[0].Type, Width: files[0].Width, Height: files[0].Height,
		Bytes: up.size, SHA256: hex.EncodeToString(up.hash.Sum(nil)), CreatedAt: l.now(),
	}
	for _, m := range files {
		item.Files = append(item.Files, m.FileInfo)
	}
	if err := l.storeFiles(ctx, item.ID, files); err != nil {
		return Item{}, err
	}
	stored, err := audit.Change(ctx, l.ledger, recordKind, item.ID, by, func(v *Item, exists bool) (string, map[string]string, error) {
		if exists {
			return "", nil, fmt.Errorf("media: the id %s is taken", item.ID)
		}
		*v = item
		return audit.MediaAdded, map[string]string{"media": item.ID, "kind": item.Type}, nil
	})
	if err != nil {
		// The record may be written all the same, now or in a moment, so the files
		// stay: the Purger removes them if no Item knows them in a day.
		return Item{}, err
	}
	return stored, nil
}

func (l *Library) now() time.Time { return l.clock().UTC().Truncate(time.Millisecond) }

// upload is what was received.
type upload struct {
	kind *kind
	size int64
	hash hash.Hash
	file *os.File
	name string // of the file, where the system keeps it until it is closed
}

func (u *upload) close() {
	_ = u.file.Close()
	if u.name != "" {
		_ = os.Remove(u.name)
	}
}

// receive reads the stream to its end or to the limit of its kind. The bytes wait
// in a file, not in memory: a visitor with a slow line holds it for minutes. The
// file's name is removed at once where the system lets it (all but Windows), so
// that nothing is left even when the process is killed.
func (l *Library) receive(ctx context.Context, r io.Reader) (_ *upload, err error) {
	in := &stream{ctx: ctx, r: r}
	head := make([]byte, headSize)
	n, _ := io.ReadFull(in, head)
	head = head[:n]
	switch {
	case in.err != nil:
		return nil, interrupted(in.err)
	case n == 0:
		return nil, refuse(codeEmpty, nil)
	}
	kind, err := sniff(head)
	if err != nil {
		return nil, err
	}
	limit := l.limits.Document
	if kind.image {
		limit = l.limits.Image
	}
	f, err := os.CreateTemp("", "prassi-upload-*")
	if err != nil {
		return nil, unavailable(err)
	}
	up := &upload{kind: kind, hash: sha256.New(), file: f}
	if os.Remove(f.Name()) != nil {
		up.name = f.Name()
	}
	defer func() {
		if err != nil {
			up.close()
		}
	}()
	up.hash.Write(head)
	_, err = f.Write(head)
	if err == nil {
		var rest int64
		rest, err = io.Copy(io.MultiWriter(f, up.hash), io.LimitReader(in, limit+1-int64(n)))
		up.size = int64(n) + rest
	}
	switch {
	case in.err != nil:
		return nil, interrupted(in.err)
	case err != nil:
		return nil, unavailable(err)
	case up.size > limit:
		return nil, tooLarge(limit)
	}
	return up, nil
}

// stream reads until its context ends, and remembers what went wrong.
type stream struct {
	ctx context.Context
	r   io.Reader
	err error
}

func (s *stream) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		s.err = err
		return 0, err
	}
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// interrupted tells that the upload did not arrive whole.
func interrupted(cause error) error {
	if errors.Is(cause, context.Canceled) || errors.Is(cause, context.DeadlineExceeded) {
		return cause
	}
	return refuse(codeInterrupted, cause)
}

// made is a file to be stored.
type made struct {
	FileInfo
	data []byte
}

func newFile(name, mediaType string, data []byte, width, height int) made {
	sum := sha256.Sum256(data)
	return made{FileInfo{Name: name, Type: mediaType, Bytes: int64(len(data)), SHA256: hex.EncodeToString(sum[:]), Width: width, Height: height}, data}
}

// examine looks into the upload and makes what is to be stored. It waits for its
// turn, so that memory and processors are bounded however many people upload.
func (l *Library) examine(ctx context.Context, up *upload) (files []made, err error) {
	select {
	case l.turns <- struct{}{}:
		defer func() { <-l.turns }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() {
		// A decoder met what its authors did not think of: the file is refused, the
		// process goes on.
		if r := recover(); r != nil {
			l.log.ErrorContext(ctx, "media: a decoder failed", "type", up.kind.media, "cause", fmt.Sprint(r), "stack", string(debug.Stack()))
			files, err = nil, refuse(codeDamaged, fmt.Errorf("a decoder failed: %v", r))
		}
	}()
	data := make([]byte, up.size)
	if _, err := up.file.ReadAt(data, 0); err != nil {
		return nil, unavailable(err)
	}
	if up.kind.image {
		return l.picture(ctx, up.kind, data)
	}
	return l.document(ctx, up.kind, data)
}

// storeFiles writes all files, or removes what it wrote.
func (l *Library) storeFiles(ctx context.Context, id string, files []made) error {
	var folder string
	var err error
	keys := make([]string, 0, len(files))
	for _, f := range files {
		keys = append(keys, key(id, f.Name))
		if folder, err = l.writeFile(ctx, key(id, f.Name), f.Type, f.data); err != nil {
			break
		}
	}
	if err == nil {
		err = syncFolder(folder)
	}
	if err == nil {
		return nil
	}
	clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := l.deleteFiles(clean, keys...); err != nil {
		l.log.WarnContext(ctx, "media: files of a failed upload stay until the next clean-up", "media", id, "error", err)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return unavailable(err)
}
