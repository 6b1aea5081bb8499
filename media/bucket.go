package media

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"

	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
	"gocloud.dev/blob/s3blob"
	"gocloud.dev/gcerrors"
)

// prefix is where all files are: media/{id}/{file}.
const prefix = "media/"

func key(id, file string) string { return prefix + id + "/" + file }

// OpenBucket opens the place where the files are kept:
//
//	file:///var/lib/prassi/media   a folder, made when it is missing
//	s3://bucket?region=eu-south-1  S3 or what speaks its protocol (endpoint=…&use_path_style=true),
//	                               with the credentials that the AWS variables or the machine give
//
// Nothing is read from the address that is a secret.
func OpenBucket(ctx context.Context, address string) (*blob.Bucket, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("the address of the media store is not written correctly: use file:///folder or s3://bucket?region=…")
	}
	switch u.Scheme {
	case fileblob.Scheme:
		if u.Host != "" || u.Path == "" || u.RawQuery != "" {
			return nil, fmt.Errorf("media store %q: write file:// and an absolute folder, with three slashes and no more", u.Redacted())
		}
		// No files with metadata beside the blobs: the Item knows it all. The
		// unfinished file stands beside the finished one, on the same disk, where
		// renaming is atomic and the Purger finds what a crash left.
		return fileblob.OpenBucket(filepath.FromSlash(u.Path), &fileblob.Options{
			CreateDir: true, DirFileMode: 0o750, NoTempDir: true, Metadata: fileblob.MetadataDontWrite,
		})
	case s3blob.Scheme:
		if u.User != nil {
			return nil, errors.New("media store: credentials do not belong in the address; use AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
		}
		return new(s3blob.URLOpener).OpenBucketURL(ctx, u)
	}
	return nil, fmt.Errorf("media store %q: use file:///folder or s3://bucket?region=…", u.Redacted())
}

// writeFile writes one blob whole or not at all. On a folder the bytes are on
// the disk when it returns (the folder itself: syncFolder), as for the store.
func (l *Library) writeFile(ctx context.Context, key, mediaType string, data []byte) (folder string, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var disk *os.File
	w, err := l.bucket.NewWriter(ctx, key, &blob.WriterOptions{
		ContentType: mediaType,
		IfNotExist:  true,
		BeforeWrite: func(as func(any) bool) error { as(&disk); return nil },
	})
	if err != nil {
		return "", err
	}
	_, err = w.Write(data)
	if err == nil && disk != nil {
		err = disk.Sync()
	}
	if err != nil {
		cancel() // Close then gives up the write
		_ = w.Close()
		return "", err
	}
	if disk != nil {
		folder = filepath.Dir(disk.Name())
	}
	return folder, w.Close()
}

// syncFolder makes names durable: of the files in an item's folder, of that
// folder and of the one above. Windows knows no such thing.
func syncFolder(folder string) error {
	if folder == "" || runtime.GOOS == "windows" {
		return nil
	}
	for range 3 {
		d, err := os.Open(folder)
		if err != nil {
			return err
		}
		err = d.Sync()
		_ = d.Close()
		if err != nil {
			return err
		}
		folder = filepath.Dir(folder)
	}
	return nil
}

// deleteFiles removes blobs, and the empty folder that a bucket on disk keeps of
// an item. What is not there is no error.
func (l *Library) deleteFiles(ctx context.Context, keys ...string) error {
	var errs []error
	for _, key := range keys {
		folder := l.folder(ctx, key)
		if err := l.bucket.Delete(ctx, key); err != nil && gcerrors.Code(err) != gcerrors.NotFound {
			errs = append(errs, err)
		}
		if ValidID(filepath.Base(folder)) {
			_ = os.Remove(folder) // fails while a file is in it
		}
	}
	return errors.Join(errs...)
}

// folder is where a blob lies on disk, or empty.
func (l *Library) folder(ctx context.Context, key string) string {
	var disk *os.File
	r, err := l.bucket.NewRangeReader(ctx, key, 0, 0, &blob.ReaderOptions{
		BeforeRead: func(as func(any) bool) error { as(&disk); return nil },
	})
	if err != nil {
		return ""
	}
	defer r.Close()
	if disk == nil {
		return ""
	}
	return filepath.Dir(disk.Name())
}
