package media

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"unicode/utf8"
)

const (
	mostRatio   = 200     // unpacked bytes for one packed, in an entry that is larger than
	smallEnough = 4 << 20 // this, in bytes: tables of equal cells pack very well
	mostXML     = 4 << 20 // bytes of the parts that are read
)

// office are the types of the main part of an OOXML document (ECMA-376 part 1,
// sections 11.3.10, 12.3.23, 13.3.6) and of the entry mimetype of an OpenDocument
// (ODF 1.3 part 2, section 3.3). The macro-enabled types and the templates are not
// there.
var office = map[string]struct{ media, ext string }{
	"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml":   {"application/vnd.openxmlformats-officedocument.wordprocessingml.document", ".docx"},
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml":         {"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ".xlsx"},
	"application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml": {"application/vnd.openxmlformats-officedocument.presentationml.presentation", ".pptx"},

	"application/vnd.oasis.opendocument.text":         {"application/vnd.oasis.opendocument.text", ".odt"},
	"application/vnd.oasis.opendocument.spreadsheet":  {"application/vnd.oasis.opendocument.spreadsheet", ".ods"},
	"application/vnd.oasis.opendocument.presentation": {"application/vnd.oasis.opendocument.presentation", ".odp"},
}

// isZip reports whether data can be opened as an archive, from its end, as
// archives are.
func isZip(data []byte) bool {
	if !bytes.Contains(data[max(0, len(data)-1<<16-22):], []byte("PK\x05\x06")) {
		return false
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	return (err == nil || errors.Is(err, zip.ErrInsecurePath)) && len(z.File) > 0
}

// checkOffice tells which office document an archive is, or refuses it.
func checkOffice(ctx context.Context, data []byte, limits Limits) (mediaType, ext string, err error) {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return "", "", refuse(codeDamaged, err)
	}
	if err := checkEntries(z, data, limits); err != nil {
		return "", "", err
	}
	parts, err := unpack(ctx, z, limits)
	if err != nil {
		return "", "", err
	}
	var main string
	switch {
	case parts["[content_types].xml"] != nil:
		main, err = checkOOXML(z, parts)
	case parts["mimetype"] != nil:
		main, err = checkODF(z, parts)
	}
	if err != nil {
		return "", "", err
	}
	t, known := office[main]
	if !known {
		return "", "", refuse(codeArchive, fmt.Errorf("the type is %q", main))
	}
	return t.media, t.ext, nil
}

// checkEntries looks at the archive's directory before anything is unpacked.
func checkEntries(z *zip.Reader, data []byte, limits Limits) error {
	unsafe := func(format string, args ...any) error { return refuse(codeUnsafeArchive, fmt.Errorf(format, args...)) }
	if len(z.File) > limits.Entries {
		return unsafe("%d entries", len(z.File))
	}
	if !endsWithDirectory(data) {
		return refuse(codeTwoKinds, errors.New("something follows the archive"))
	}
	var total, packed uint64
	seen := map[string]bool{}
	first := false
	for _, f := range z.File {
		name := strings.ToLower(f.Name)
		switch clean := path.Clean(f.Name); {
		case f.Name == "", !utf8.ValidString(f.Name), strings.ContainsAny(f.Name, "\\:\x00"),
			path.IsAbs(f.Name), clean == "..", strings.HasPrefix(clean, "../"), clean != strings.TrimSuffix(f.Name, "/"):
			return unsafe("the name %q", f.Name)
		case seen[name]:
			return unsafe("the name %q twice", f.Name)
		case f.Mode()&fs.ModeType&^fs.ModeDir != 0:
			return unsafe("%q is no file", f.Name)
		case f.Flags&1 != 0:
			return refuse(codeLocked, nil)
		case f.Method != zip.Store && f.Method != zip.Deflate:
			return unsafe("%q: method %d", f.Name, f.Method)
		case f.UncompressedSize64 > smallEnough && f.UncompressedSize64/mostRatio > f.CompressedSize64:
			return unsafe("%q: %d bytes in %d", f.Name, f.UncompressedSize64, f.CompressedSize64)
		}
		seen[name] = true
		if total += f.UncompressedSize64; total > uint64(limits.Unpacked) || f.UncompressedSize64 > uint64(limits.Unpacked) {
			return unsafe("%d bytes unpacked", total)
		}
		if packed += f.CompressedSize64; packed > uint64(len(data)) || f.CompressedSize64 > uint64(len(data)) {
			return unsafe("entries that overlap")
		}
		at, err := f.DataOffset()
		if err != nil {
			return refuse(codeDamaged, err)
		}
		header := localHeader(data, at, f)
		if header < 0 {
			return refuse(codeTwoKinds, fmt.Errorf("%q is called otherwise where it stands", f.Name))
		}
		first = first || header == 0
	}
	if !first {
		return refuse(codeTwoKinds, errors.New("the first entry is not in the directory"))
	}
	return nil
}

// endsWithDirectory reports whether the archive ends at the end of the file,
// without a comment (APPNOTE 4.3.16).
func endsWithDirectory(data []byte) bool {
	const size = 22
	end := data[max(0, len(data)-size):]
	return len(end) == size && string(end[:4]) == "PK\x05\x06" && end[20] == 0 && end[21] == 0
}

// localHeader gives the place of the header before an entry's content, which must
// say the same as the directory does (APPNOTE 4.3.7): readers that stream believe
// the one, others the other. It is negative when there is none.
func localHeader(data []byte, content int64, f *zip.File) int {
	const size, mostExtra = 30, 1024
	for extra := range mostExtra {
		at := int(content) - size - len(f.Name) - extra
		if at < 0 {
			break
		}
		h := data[at:content]
		if string(h[:4]) == "PK\x03\x04" && int(binary.LittleEndian.Uint16(h[28:])) == extra && string(h[size:len(h)-extra]) == f.Name &&
			int(binary.LittleEndian.Uint16(h[26:])) == len(f.Name) && binary.LittleEndian.Uint16(h[6:]) == f.Flags && binary.LittleEndian.Uint16(h[8:]) == f.Method {
			return at
		}
	}
	return -1
}

// unpack reads every entry to its end, so that no declared size is believed, and
// gives the small parts that are looked into, by lower-case name.
func unpack(ctx context.Context, z *zip.Reader, limits Limits) (map[string][]byte, error) {
	parts := map[string][]byte{}
	left := limits.Unpacked
	for _, f := range z.File {
		name := strings.ToLower(f.Name)
		r, err := f.Open()
		if err != nil {
			return nil, refuse(codeDamaged, err)
		}
		in := &stream{ctx: ctx, r: io.LimitReader(r, left+1)}
		var out bytes.Buffer
		var to io.Writer = io.Discard
		if wanted(name) {
			if f.UncompressedSize64 > mostXML {
				return nil, refuse(codeUnsafeArchive, fmt.Errorf("%q has %d bytes", f.Name, f.UncompressedSize64))
			}
			to = &out
		}
		n, err := io.Copy(to, in)
		_ = r.Close()
		switch left -= n; {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case left < 0:
			return nil, refuse(codeUnsafeArchive, fmt.Errorf("%q unpacks to more than it says", f.Name))
		case err != nil: // a wrong checksum or size too
			return nil, refuse(codeDamaged, err)
		}
		if to != io.Discard {
			parts[name] = out.Bytes()
		}
	}
	return parts, nil
}

// wanted reports whether a part says what a document is or what it runs.
func wanted(name string) bool {
	return name == "[content_types].xml" || name == "mimetype" || name == "meta-inf/manifest.xml" ||
		strings.HasSuffix(name, ".rels") || strings.HasPrefix(name, "xl/externallinks/") && strings.HasSuffix(name, ".xml")
}

// active are words in the content types and relationships of OOXML that stand
// for something that runs (MS-OFFMACRO2, section 2; ECMA-376 part 1, section 18.14.4).
var active = []string{"macroenabled", "vbaproject", "vbadata", "macrosheet", "activex", "attachedtoolbars"}

// fetching are kinds of relationships that, outside of the document, load and
// run what is there when it is opened.
var fetching = map[string]bool{"attachedtemplate": true, "oleobject": true, "frame": true, "subdocument": true, "afchunk": true}

// checkOOXML gives the type of the main part.
func checkOOXML(z *zip.Reader, parts map[string][]byte) (main string, err error) {
	for _, f := range z.File {
		name := strings.ToLower(f.Name)
		if runs(name) || strings.HasPrefix(path.Ext(name), ".") && macroFiles[path.Ext(name)] {
			return "", refuse(codeActive, errors.New(f.Name))
		}
	}
	err = elements(parts["[content_types].xml"], func(name string, attr func(string) string) error {
		t := attr("ContentType")
		if runs(strings.ToLower(t)) {
			return refuse(codeActive, errors.New(t))
		}
		if _, known := office[t]; known && name == "Override" {
			if main != "" && main != t {
				return refuse(codeTwoKinds, fmt.Errorf("%s and %s", main, t))
			}
			main = t
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	for name, data := range parts {
		switch {
		case strings.HasSuffix(name, ".rels"):
			err = elements(data, func(_ string, attr func(string) string) error {
				kind := strings.ToLower(path.Base(attr("Type")))
				if runs(kind) || fetching[kind] && strings.EqualFold(attr("TargetMode"), "External") {
					return refuse(codeActive, errors.New(kind))
				}
				return nil
			})
		case strings.HasPrefix(name, "xl/externallinks/"):
			err = elements(data, func(element string, _ func(string) string) error {
				if element == "ddeLink" {
					return refuse(codeActive, errors.New(element))
				}
				return nil
			})
		}
		if err != nil {
			return "", err
		}
	}
	return main, nil
}

// macroFiles are extensions of documents with macros, inside of another one.
var macroFiles = map[string]bool{".docm": true, ".dotm": true, ".xlsm": true, ".xltm": true, ".xlsb": true, ".xlam": true, ".pptm": true, ".potm": true, ".ppsm": true, ".ppam": true, ".exe": true, ".js": true, ".vbs": true}

func runs(s string) bool {
	for _, word := range active {
		if strings.Contains(s, word) {
			return true
		}
	}
	return false
}

// checkODF gives the type in the entry mimetype, which must be the first and not
// packed (ODF 1.3 part 2, section 3.3).
func checkODF(z *zip.Reader, parts map[string][]byte) (string, error) {
	if z.File[0].Name != "mimetype" || z.File[0].Method != zip.Store {
		return "", refuse(codeDamaged, errors.New("mimetype is not the first entry"))
	}
	for _, f := range z.File {
		name := strings.ToLower(f.Name)
		if f.UncompressedSize64 > 0 && (strings.HasPrefix(name, "basic/") || strings.HasPrefix(name, "scripts/")) ||
			macroFiles[path.Ext(name)] {
			return "", refuse(codeActive, errors.New(f.Name))
		}
	}
	manifest := parts["meta-inf/manifest.xml"]
	if manifest == nil {
		return "", refuse(codeDamaged, errors.New("there is no manifest"))
	}
	err := elements(manifest, func(name string, _ func(string) string) error {
		if name == "encryption-data" || name == "encrypted-key" {
			return refuse(codeLocked, nil)
		}
		return nil
	})
	return string(parts["mimetype"]), err
}

// elements calls see for each element of XML without a document type. What is not
// UTF-8 is refused: nothing in these formats writes another encoding, and one
// could hide in it what is looked for.
func elements(data []byte, see func(name string, attr func(string) string) error) error {
	d := xml.NewDecoder(bytes.NewReader(data))
	for {
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return refuse(codeDamaged, err)
		}
		switch t := token.(type) {
		case xml.Directive:
			return refuse(codeUnsafeArchive, errors.New("a document type"))
		case xml.StartElement:
			err := see(t.Name.Local, func(name string) string {
				for _, a := range t.Attr {
					if a.Name.Local == name {
						return a.Value
					}
				}
				return ""
			})
			if err != nil {
				return err
			}
		}
	}
}
