package media

import (
	"bytes"
	"context"
)

// document checks what is kept as it came.
func (l *Library) document(ctx context.Context, k *kind, data []byte) ([]made, error) {
	mediaType, ext := typePDF, ".pdf"
	var err error
	if k.media == typePDF {
		err = checkPDF(ctx, data, l.limits.Unpacked)
	} else {
		mediaType, ext, err = checkOffice(ctx, data, l.limits)
	}
	if err != nil {
		return nil, err
	}
	return []made{newFile("document"+ext, mediaType, bytes.Clone(data), 0, 0)}, nil
}
