package target

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/url"
	"strings"

	"gocloud.dev/blob"
	"gocloud.dev/blob/s3blob"
	"gocloud.dev/gcerrors"

	"github.com/prassi-cms/prassi/site/release"
)

// bucketWorkers is how many files are under way at once: what is waited for is
// the network.
const bucketWorkers = 16

// bucket publishes to S3. Everything below the prefix is ours.
type bucket struct {
	blob  *blob.Bucket
	where string // for people
	opt   Options
}

func openBucket(ctx context.Context, u *url.URL, opt Options) (Target, error) {
	if u.Host == "" {
		return nil, &SpecError{u.String(), "the bucket is missing: s3://bucket/prefix?region=…"}
	}
	prefix := strings.Trim(u.Path, "/")
	if prefix != "" {
		if err := release.CheckPath(prefix); err != nil {
			return nil, &SpecError{u.String(), "its prefix is not a plain path"}
		}
	}
	where := "s3://" + u.Host + "/" + prefix
	bare := *u
	bare.Path = ""
	b, err := new(s3blob.URLOpener).OpenBucketURL(ctx, &bare)
	if err != nil {
		return nil, fmt.Errorf("target %s: %w", where, err)
	}
	if prefix != "" {
		b = blob.PrefixedBucket(b, prefix+"/")
	}
	return &bucket{blob: b, where: where, opt: opt}, nil
}

func (t *bucket) Close() error { return t.blob.Close() }

// Publish brings the bucket up to date: assets and extras, pages, removals.
func (t *bucket) Publish(ctx context.Context, b *release.Build, extra iter.Seq2[Extra, error]) (Report, error) {
	p, err := makePlan(ctx, b, extra, false)
	if err != nil {
		return Report{}, err
	}
	r, err := update(ctx, t, p)
	if err != nil {
		return r, fmt.Errorf("target %s: %w", t.where, err)
	}
	return r, nil
}

func (t *bucket) name() string { return t.where }
func (t *bucket) workers() int { return bucketWorkers }

// key has the headers too: when one changes the file is written again.
func (t *bucket) key(it *item) string {
	if it.hash == "" {
		return ""
	}
	return it.hash + " " + it.media + " " + it.cache
}

func (t *bucket) manifest(ctx context.Context) (*manifest, error) {
	text, err := t.blob.ReadAll(ctx, manifestPath)
	if gcerrors.Code(err) == gcerrors.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return parseManifest(text)
}

func (t *bucket) putManifest(ctx context.Context, m *manifest) error {
	text, err := m.encode()
	if err != nil {
		return err
	}
	it := textItem(manifestPath, text)
	it.media, it.cache = "application/json", "no-store"
	return t.put(ctx, &it)
}

func (t *bucket) empty(ctx context.Context) (bool, error) {
	_, err := t.blob.List(nil).Next(ctx)
	if errors.Is(err, io.EOF) {
		return true, nil
	}
	return false, err
}

// free: the prefix is ours alone, as is said where targets are explained; asking
// for each name would double the time.
func (t *bucket) free(context.Context, string, map[string]string) error { return nil }

func (t *bucket) put(ctx context.Context, it *item) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	t.opt.step("put object")
	w, err := t.blob.NewWriter(ctx, it.path, &blob.WriterOptions{
		ContentType:                 it.media,
		CacheControl:                it.cache,
		DisableContentTypeDetection: true,
	})
	if err != nil {
		return err
	}
	// The client wants the whole of a small file at once.
	var buf bytes.Buffer
	if it.size <= 1<<20 {
		if err = it.write(ctx, &buf); err == nil {
			_, err = w.Write(buf.Bytes())
		}
	} else {
		err = it.write(ctx, w)
	}
	if err != nil {
		cancel() // Close then gives the upload up
		_ = w.Close()
		return err
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("%s: %w", it.path, err)
	}
	return nil
}

func (t *bucket) remove(ctx context.Context, path string) error {
	t.opt.step("remove object")
	if err := t.blob.Delete(ctx, path); err != nil && gcerrors.Code(err) != gcerrors.NotFound {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
