package media

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"io"
	"path"
	"runtime/debug"
	"slices"
	"strconv"

	"gocloud.dev/gcerrors"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/content"
)

// ParcelFile is the file of a packed item that tells what the others are.
const ParcelFile = "item.json"

// maxParcelFile bounds it, in bytes: MaxAlt characters, a name and eight files.
const maxParcelFile = 16 << 10

// Codes of what is wrong with a packed item, beside Codes.
const (
	codeParcelSyntax    = "media_parcel_syntax"    // none
	codeParcelMissing   = "media_parcel_missing"   // file
	codeParcelStranger  = "media_parcel_stranger"  // none
	codeParcelUntrue    = "media_parcel_untrue"    // what
	codeParcelMetadata  = "media_parcel_metadata"  // none
	codeParcelOther     = "media_parcel_other"     // none
	codeParcelDifferent = "media_parcel_different" // none
)

// TransferCodes lists them.
var TransferCodes = []string{
	codeParcelSyntax, codeParcelMissing, codeParcelStranger, codeParcelUntrue, codeParcelMetadata, codeParcelOther, codeParcelDifferent,
}

// parcel is what ParcelFile says. There is nothing in it that cannot be checked
// but words: not who brought the item, nor when, nor what its upload was.
type parcel struct {
	ID    string     `json:"id"`
	Owner string     `json:"owner,omitempty"`
	Name  string     `json:"name"`
	Alt   string     `json:"alt,omitempty"`
	Files []FileInfo `json:"files"`
}

// write gives the one form that a parcel is written in.
func (p parcel) write() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(p)
	return b.Bytes(), err
}

// Pack gives an item as files, ParcelFile first: the same item gives the same
// bytes, in any library. It returns the problem not_found; a file that is not
// what was stored is an error.
func (l *Library) Pack(ctx context.Context, id string, put func(file string, data []byte) error) error {
	item, err := l.Get(ctx, id)
	if err != nil {
		return err
	}
	data, err := parcel{item.ID, item.Owner, item.Name, item.Alt, item.Files}.write()
	if err == nil {
		err = put(ParcelFile, data)
	}
	for _, f := range item.Files {
		if err != nil {
			return err
		}
		var r *File
		if r, err = l.OpenItem(ctx, item, f.Name); err != nil {
			return err
		}
		data, err = io.ReadAll(io.LimitReader(r, f.Bytes+1))
		_ = r.Close()
		if err == nil && !f.is(data) {
			err = fmt.Errorf("media: %s is not what was stored", key(id, f.Name))
		}
		if err == nil {
			err = put(f.Name, data)
		}
	}
	return err
}

// is reports whether data are the file's bytes.
func (f FileInfo) is(data []byte) bool {
	sum := sha256.Sum256(data)
	return int64(len(data)) == f.Bytes && hex.EncodeToString(sum[:]) == f.SHA256
}

// Unpack checks an item that Pack gave, as hard as an upload: names lists the
// files of its folder, read gives at most so many bytes of one. It writes nothing;
// store does, reads the files again for it and refuses what changed meanwhile. It
// is nil when the item is there already.
//
// A refusal is a content.Problem with one of TransferCodes or Codes, and at is the
// file that it is about.
func (l *Library) Unpack(ctx context.Context, id string, names []string, read func(file string, most int64) ([]byte, error)) (store func(context.Context, content.Actor) error, at string, err error) {
	p, err := readParcel(id, names, read)
	if err != nil {
		return nil, ParcelFile, err
	}
	for _, name := range names {
		if name != ParcelFile && !slices.ContainsFunc(p.Files, func(f FileInfo) bool { return f.Name == name }) {
			return nil, name, refuse(codeParcelStranger, nil)
		}
	}
	there, err := l.Get(ctx, id)
	known := err == nil
	switch {
	case !known && !isNotFound(err):
		return nil, "", err
	case known && !slices.Equal(there.Files, p.Files):
		return nil, ParcelFile, parcelDifferent()
	}
	if at, err := l.checkParcel(ctx, p, known, names, read); err != nil {
		return nil, at, err
	}
	if known {
		return nil, "", nil
	}
	return func(ctx context.Context, by content.Actor) error { return l.storeParcel(ctx, by, p, read) }, "", nil
}

// readParcel reads ParcelFile, which must be as Pack writes it to the last byte:
// no key twice or unknown, no other spelling. Lines may end as on Windows, as git
// makes them.
func readParcel(id string, names []string, read func(string, int64) ([]byte, error)) (parcel, error) {
	var p parcel
	if !slices.Contains(names, ParcelFile) {
		return p, parcelMissing(ParcelFile)
	}
	data, err := read(ParcelFile, maxParcelFile)
	if err != nil {
		return p, err
	}
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	if err := json.Unmarshal(data, &p); err != nil {
		return p, refuse(codeParcelSyntax, err)
	}
	if again, err := p.write(); err != nil || !bytes.Equal(again, data) {
		return p, refuse(codeParcelSyntax, errors.New("it is not written as an export writes it"))
	}
	if !ValidID(id) || p.ID != id {
		return p, untrue("id")
	}
	if err := checkAlt(p.Alt); err != nil {
		return p, untrue("alt")
	}
	if p.Owner != "" {
		if g, err := content.ParseGrant("contributor@"+p.Owner, nil); err != nil || g.Scope != p.Owner {
			return p, untrue("owner")
		}
	}
	if err := p.checkForm(); err != nil {
		return p, err
	}
	if p.Name != cleanName(p.Name, path.Ext(p.Files[0].Name)) {
		return p, untrue("name")
	}
	return p, nil
}

// pictureTypes are those of stored pictures by extension.
var pictureTypes = map[string]string{".jpg": typeJPEG, ".png": typePNG, ".webp": typeWebP}

// checkForm sees that the files are such a list as Add makes: one document, or a
// picture in falling sizes of one shape, WebP after its sibling.
func (p parcel) checkForm() error {
	if len(p.Files) == 0 || !ValidName(p.Files[0].Name) {
		return untrue("files")
	}
	full := p.Files[0]
	base := path.Ext(full.Name)
	if base != ".jpg" && base != ".png" {
		if len(p.Files) > 1 || base == ".webp" {
			return untrue("files")
		}
		return nil // what a document is, its content says
	}
	last := full // the base before
	for i, f := range p.Files {
		ext := path.Ext(f.Name)
		switch {
		case f.Name != strconv.Itoa(f.Width)+ext, f.Type != pictureTypes[ext], f.Width < 1, f.Height < 1, f.Width > longSide, f.Height > longSide:
			return untrue("files")
		case i == 0:
		case ext == ".webp":
			if p.Files[i-1] != last || f.Width != last.Width || f.Height != last.Height {
				return untrue("files")
			}
		case ext != base, f.Width >= last.Width, !slices.Contains(widths, f.Width):
			return untrue("files")
		default: // each is made from the one before, and rounded
			if d := f.Height - max(1, divide(full.Height*f.Width, full.Width)); d < -2 || d > 2 {
				return untrue("files")
			}
			last = f
		}
	}
	return nil
}

// checkParcel reads every file. Of an item that is known nobody asks again what
// its bytes are, only whether these are they.
func (l *Library) checkParcel(ctx context.Context, p parcel, known bool, names []string, read func(string, int64) ([]byte, error)) (at string, err error) {
	select {
	case l.turns <- struct{}{}:
		defer func() { <-l.turns }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	defer func() { // as examine does
		if r := recover(); r != nil {
			l.log.ErrorContext(ctx, "media: a decoder failed", "media", p.ID, "cause", fmt.Sprint(r), "stack", string(debug.Stack()))
			err = refuse(codeDamaged, fmt.Errorf("a decoder failed: %v", r))
		}
	}()
	var first *image.RGBA
	gw, gh := outlineGrid(p.Files[0].Width, p.Files[0].Height)
	for _, f := range p.Files {
		at = f.Name
		if !slices.Contains(names, f.Name) {
			return ParcelFile, parcelMissing(f.Name)
		}
		data, err := read(f.Name, l.largest(f))
		if err != nil {
			return at, err
		}
		if !f.is(data) {
			return at, untrue("sha256")
		}
		if known {
			continue
		}
		if pictureTypes[path.Ext(f.Name)] == "" {
			return at, l.checkDocument(ctx, f, data)
		}
		img, err := l.checkPicture(ctx, f, data)
		if err != nil {
			return at, err
		}
		outline, err := shrink(ctx, img, gw, gh)
		if err != nil {
			return at, err
		}
		if first == nil {
			first = outline
		}
		if !alike(first, outline) {
			return at, refuse(codeParcelOther, nil)
		}
	}
	return "", nil
}

// largest is how many bytes a stored file may have: a PNG that was written anew
// may be larger than its upload was, but not than its pixels.
func (l *Library) largest(f FileInfo) int64 {
	if pictureTypes[path.Ext(f.Name)] == "" {
		return l.limits.Document
	}
	return max(l.limits.Image, longSide*longSide*4+1<<20)
}

func (l *Library) checkDocument(ctx context.Context, f FileInfo, data []byte) error {
	kind, err := sniff(data[:min(len(data), headSize)])
	if err != nil {
		return err
	}
	if kind.image {
		return untrue("type")
	}
	is, err := l.document(ctx, kind, data)
	if err == nil && is[0].FileInfo != f {
		err = untrue("type")
	}
	return err
}

// checkPicture sees that a file is the picture that it is called, and nothing but
// pixels.
func (l *Library) checkPicture(ctx context.Context, f FileInfo, data []byte) (image.Image, error) {
	kind, err := sniff(data[:min(len(data), headSize)])
	switch {
	case err != nil:
		return nil, err
	case kind.media != f.Type:
		return nil, untrue("type")
	case hasMarkup(data), isZip(data):
		return nil, refuse(codeTwoKinds, nil)
	case !onlyPixels(kind.media, data):
		return nil, refuse(codeParcelMetadata, nil)
	}
	img, _, err := l.decode(ctx, kind, data)
	if err != nil {
		return nil, err
	}
	if b := img.Bounds(); b.Dx() != f.Width || b.Dy() != f.Height {
		return nil, untrue("width")
	}
	return img, nil
}

// storeParcel writes the files and then the item. The files stay when it fails:
// another import may have found them, and the Purger removes what no Item knows.
func (l *Library) storeParcel(ctx context.Context, by content.Actor, p parcel, read func(string, int64) ([]byte, error)) error {
	if by.Anonymous() {
		return unauthenticated()
	}
	var folder string
	var found []FileInfo // were there, and may be about to be swept
	for _, f := range p.Files {
		data, err := read(f.Name, l.largest(f))
		if err != nil {
			return err
		}
		if !f.is(data) {
			return untrue("sha256")
		}
		in, err := l.writeFile(ctx, key(p.ID, f.Name), f.Type, data)
		switch {
		case err == nil:
			folder = in
		case gcerrors.Code(err) != gcerrors.FailedPrecondition:
			return unavailable(err)
		default: // an import that was broken off left it, or another one is at work
			if code, err := l.verifyFile(ctx, p.ID, f); err != nil {
				return err
			} else if code != "" {
				return parcelDifferent()
			}
			found = append(found, f)
		}
	}
	if err := syncFolder(folder); err != nil {
		return unavailable(err)
	}
	full := p.Files[0]
	item := Item{
		ID: p.ID, Owner: p.Owner, Person: by.ID, Alt: p.Alt, Name: p.Name, Type: full.Type, Width: full.Width, Height: full.Height,
		Bytes: full.Bytes, SHA256: full.SHA256, CreatedAt: l.now(), Files: p.Files,
	}
	_, err := audit.Change(ctx, l.ledger, recordKind, p.ID, by, func(v *Item, exists bool) (string, map[string]string, error) {
		switch {
		case exists && slices.Equal(v.Files, p.Files): // somebody else was faster
			return "", nil, nil
		case exists:
			return "", nil, parcelDifferent()
		}
		*v = item
		return audit.MediaAdded, map[string]string{"media": p.ID, "kind": item.Type}, nil
	})
	if err != nil {
		return err
	}
	for _, f := range found { // swept before the item was known: once more
		if code, err := l.verifyFile(ctx, p.ID, f); err != nil || code == "" {
			if err != nil {
				return err
			}
			continue
		}
		data, err := read(f.Name, l.largest(f))
		if err == nil && f.is(data) {
			folder, err = l.writeFile(ctx, key(p.ID, f.Name), f.Type, data)
		}
		if err == nil {
			err = syncFolder(folder)
		}
		if err != nil {
			return unavailable(err)
		}
	}
	return nil
}

func parcelMissing(file string) error {
	return &content.Problem{Class: content.Invalid, Code: codeParcelMissing, Params: map[string]any{"file": file}}
}

// untrue tells that a key of ParcelFile does not say what is so.
func untrue(of string) error {
	return &content.Problem{Class: content.Invalid, Code: codeParcelUntrue, Params: map[string]any{"what": of}}
}

func parcelDifferent() error {
	return &content.Problem{Class: content.Conflict, Code: codeParcelDifferent}
}
