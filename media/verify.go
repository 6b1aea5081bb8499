package media

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"

	"gocloud.dev/gcerrors"

	"github.com/prassi-cms/prassi/content"
)

// Verify reads every stored file and compares it with its Item. The codes of the
// faults are media_missing (the file is not in the bucket) and media_changed (it
// is not the file that was stored). It says how many files it read.
func (l *Library) Verify(ctx context.Context) (files int, faults []content.Fault, err error) {
	for after := ""; ; {
		items, err := l.List(ctx, after, 200)
		if err != nil || len(items) == 0 {
			return files, faults, err
		}
		for _, item := range items {
			after = item.ID
			for _, f := range item.Files {
				files++
				code, err := l.verifyFile(ctx, item.ID, f)
				if err != nil {
					return files, faults, err
				}
				if code == "media_missing" {
					if _, err := l.Get(ctx, item.ID); isNotFound(err) {
						break // removed meanwhile
					}
				}
				if code != "" {
					faults = append(faults, content.Fault{Where: key(item.ID, f.Name), Code: code})
				}
			}
		}
	}
}

func (l *Library) verifyFile(ctx context.Context, id string, f FileInfo) (code string, err error) {
	r, err := l.bucket.NewReader(ctx, key(id, f.Name), nil)
	if gcerrors.Code(err) == gcerrors.NotFound {
		return "media_missing", nil
	}
	if err != nil {
		return "", unavailable(err)
	}
	defer r.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, r); err != nil {
		return "", unavailable(err)
	}
	if hex.EncodeToString(sum.Sum(nil)) != f.SHA256 {
		return "media_changed", nil
	}
	return "", nil
}
