package media

import (
	"bytes"
	"strings"

	"github.com/gabriel-vasile/mimetype"
)

// headSize is how much of a file its type is decided by, in bytes.
const headSize = 3072

// kind is a type of file that is taken.
type kind struct {
	media string
	image bool
	magic func(head []byte) bool
}

func begins(with ...string) func([]byte) bool {
	return func(head []byte) bool {
		for _, s := range with {
			if bytes.HasPrefix(head, []byte(s)) {
				return true
			}
		}
		return false
	}
}

const (
	typeJPEG = "image/jpeg"
	typePNG  = "image/png"
	typeGIF  = "image/gif"
	typeWebP = "image/webp"
	typePDF  = "application/pdf"
	typeZip  = "application/zip"
)

// kinds is the closed list. A file is of the kind whose signature stands at its
// first byte, and mimetype, which knows hundreds, must not know it as another.
var kinds = []kind{
	{typeJPEG, true, begins("\xff\xd8\xff")},
	{typePNG, true, begins("\x89PNG\r\n\x1a\n")},
	{typeGIF, true, begins("GIF87a", "GIF89a")},
	{typeWebP, true, func(head []byte) bool {
		return len(head) >= 12 && string(head[:4]) == "RIFF" && string(head[8:12]) == "WEBP"
	}},
	{typePDF, false, begins("%PDF-1.", "%PDF-2.")},
	{typeZip, false, begins("PK\x03\x04")}, // an office document, if anything: office.go
}

// refusals are types that people upload in good faith, with what to tell them.
// The most exact type of a file counts, then what it is a special case of.
var refusals = map[string]string{
	"image/heic":                    codeHEIC,
	"image/heic-sequence":           codeHEIC,
	"image/heif":                    codeHEIC,
	"image/heif-sequence":           codeHEIC,
	"image/avif":                    codeHEIC,
	"image/svg+xml":                 codeSVG,
	"application/x-ole-storage":     codeOldOffice,
	"application/zip":               codeArchive,
	"application/gzip":              codeArchive,
	"application/x-7z-compressed":   codeArchive,
	"application/x-rar-compressed":  codeArchive,
	"application/vnd.rar":           codeArchive,
	"application/x-tar":             codeArchive,
	"application/x-bzip2":           codeArchive,
	"application/x-xz":              codeArchive,
	"application/zstd":              codeArchive,
	"application/x-apple-diskimage": codeArchive,
}

// sniff tells the kind of a file from its first bytes.
func sniff(head []byte) (*kind, error) {
	known := mimetype.Detect(head)
	for i := range kinds {
		k := &kinds[i]
		if !k.magic(head) {
			continue
		}
		for m := known; m != nil; m = m.Parent() {
			if m.Is(k.media) {
				return k, nil
			}
		}
		return nil, refuse(codeTwoKinds, nil)
	}
	for m := known; m != nil; m = m.Parent() {
		name, _, _ := strings.Cut(m.String(), ";")
		if code := refusals[name]; code != "" {
			if code == codeOldOffice && bytes.Contains(head, utf16("EncryptedPackage")) {
				code = codeLocked // a modern document with a password (MS-OFFCRYPTO, section 1.3)
			}
			return nil, refuse(code, nil)
		}
	}
	if bytes.Contains(head, []byte("%PDF-")) {
		return nil, refuse(codeTwoKinds, nil) // readers look for it in the first kilobyte
	}
	return nil, refuse(codeUnsupported, nil)
}

func utf16(s string) []byte {
	out := make([]byte, 0, 2*len(s))
	for i := range len(s) {
		out = append(out, s[i], 0)
	}
	return out
}

// markup are beginnings of what a browser or a server would run.
var markup = []string{"<script", "<html", "<!doctype", "<body", "<iframe", "<?php"}

// hasMarkup reports whether there is one of them, in whatever case.
func hasMarkup(data []byte) bool {
	for {
		i := bytes.IndexByte(data, '<')
		if i < 0 {
			return false
		}
		data = data[i:]
		for _, m := range markup {
			if len(data) >= len(m) && bytes.EqualFold(data[:len(m)], []byte(m)) {
				return true
			}
		}
		data = data[1:]
	}
}
