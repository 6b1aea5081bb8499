package target

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/prassi-cms/prassi/site/release"
)

// Extra is a file beside the build: of the media library, or a card.
type Extra struct {
	Path string // as release.CheckPath wants it
	Type string // media type
	Open func(ctx context.Context) (io.ReadCloser, error)
	Size int64  // in bytes, exactly
	Hash string // anything that is another one when the bytes are; empty: written each time
}

// Report says what Publish did. Files are counted with their compressed forms.
type Report struct {
	Written int   // files that were not there or were others
	Kept    int   // files that were left as they are
	Removed int   // files that were there and are no part of the build
	Bytes   int64 // written
}

// Target is a place for a site. Publish brings it to the state of a build; calls
// of the same place must not overlap (*BusyError from a folder).
type Target interface {
	Publish(ctx context.Context, b *release.Build, extra iter.Seq2[Extra, error]) (Report, error)
	Close() error
}

// Options are how a Target works. The zero value will do.
type Options struct {
	Logger *slog.Logger // nil says nothing
	// Precompressed puts x.html.gz and x.html.br beside x.html, where the build
	// has them (release.Store.Compress), for servers that look for them. Not in
	// buckets, which do not.
	Precompressed bool
	// Staging is a folder that the rsync target keeps, to write only what changed;
	// empty means a temporary one for each Publish.
	Staging string

	// InPlace brings a folder up to date file by file, as inplace:DIR does.
	InPlace bool

	// Tests: told of each thing that is about to be done, what cannot be done, and
	// which way to go.
	step       func(what string)
	streamed   bool
	noExchange bool
	noSync     bool
}

// SpecError says why a target cannot be understood.
type SpecError struct{ Spec, Reason string }

func (e *SpecError) Error() string { return fmt.Sprintf("target %q: %s", e.Spec, e.Reason) }

// ForeignError says that a place holds what Prassi did not put there and will not
// remove.
type ForeignError struct {
	Place string
	Path  string // in it; empty when nothing of it is ours
}

func (e *ForeignError) Error() string {
	if e.Path != "" {
		return fmt.Sprintf("%s holds %s, which is not of Prassi and is in the way: move it", e.Place, e.Path)
	}
	return fmt.Sprintf("%s is not empty and was not made by Prassi: choose an empty place", e.Place)
}

// BusyError says that somebody else is publishing to the same folder.
type BusyError struct{ Place string }

func (e *BusyError) Error() string { return e.Place + " is being published to by another process" }

const archiveEnding = ".tar.zst"

// Open understands a target and makes sure that it can be used as far as that can
// be told without writing:
//
//	DIR, file:DIR                      a folder, exchanged for a new one in one step
//	inplace:DIR                        a folder, brought up to date file by file: for
//	                                   a large site quicker, and readers meet some
//	                                   old and some new pages for a moment
//	NAME.tar.zst, file:NAME.tar.zst    an archive
//	s3://BUCKET/PREFIX?region=…        S3, or what speaks its protocol
//	                                   (endpoint=…&use_path_style=true), with the
//	                                   credentials of the AWS variables or the machine
//	rsync:USER@HOST:/DIR, rsync:/DIR   the program rsync, over ssh or on this machine
//
// What it cannot understand is a *SpecError.
func Open(ctx context.Context, spec string, opt Options) (Target, error) {
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	if opt.step == nil {
		opt.step = func(string) {}
	}
	if strings.ContainsAny(spec, "\x00\r\n") {
		return nil, &SpecError{spec, "it has characters that no name has"}
	}
	if rest, ok := strings.CutPrefix(spec, "rsync:"); ok {
		return openRsync(spec, rest, opt)
	}
	path, isFile := strings.CutPrefix(spec, "file:")
	if rest, ok := strings.CutPrefix(spec, "inplace:"); ok {
		path, isFile, opt.InPlace = rest, true, true
	}
	if isFile && strings.HasPrefix(path, "//") {
		if path = path[2:]; !strings.HasPrefix(path, "/") {
			return nil, &SpecError{spec, "after the colon comes a folder of this machine, as in file:/srv/site"}
		}
	}
	if !isFile && strings.Contains(spec, "://") {
		u, err := url.Parse(spec)
		switch {
		case err != nil:
			return nil, &SpecError{redacted(spec), "it is not an address"}
		case u.User != nil:
			return nil, &SpecError{u.Redacted(), "credentials do not belong in the address: use AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"}
		case u.Scheme == "s3":
			return openBucket(ctx, u, opt)
		}
		return nil, &SpecError{spec, "use a folder, a name that ends in " + archiveEnding + ", s3://bucket/prefix or rsync:user@host:/folder"}
	}
	if path == "" {
		return nil, &SpecError{spec, "it is empty"}
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if strings.HasSuffix(path, archiveEnding) && !opt.InPlace {
		return &archive{path: path, opt: opt}, nil
	}
	if filepath.Dir(path) == path {
		return nil, &SpecError{spec, "the root of the disk is no place for a site"}
	}
	return &folder{path: path, opt: opt}, nil
}

// redacted leaves out what may be a password.
func redacted(spec string) string {
	if at := strings.LastIndexByte(spec, '@'); at >= 0 {
		return "…" + spec[at:]
	}
	return spec
}

// ConflictError says that a build and its extras cannot be files of one folder.
type ConflictError struct{ Path, Reason string }

func (e *ConflictError) Error() string { return fmt.Sprintf("target: %s %s", e.Path, e.Reason) }

var errSize = errors.New("target: a file does not have the size that was said")
