package interchange

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/prassi-cms/prassi/outgoing"
)

// Limits on what is fetched from an address.
const (
	// MaxFetch bounds a file that is fetched, in bytes.
	MaxFetch = 64 << 20
	// FetchTimeout is for one address: redirects and the whole answer.
	FetchTimeout = 2 * time.Minute
)

var addressLike = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*://`)

// IsAddress says whether a path of an import is an address on the network.
func IsAddress(name string) bool { return addressLike.MatchString(name) }

// fetcher fetches what an import names by its address.
type fetcher struct {
	allow  []netip.Prefix
	roots  *x509.CertPool // in tests
	client *http.Client
}

// get asks through the client that reaches no private address.
func (f *fetcher) get(ctx context.Context, u *url.URL) (*http.Response, error) {
	if f.client == nil {
		f.client = outgoing.New(outgoing.Options{
			Allow: f.allow, Plain: len(f.allow) > 0, MaxBytes: MaxFetch, Timeout: FetchTimeout, Roots: f.roots,
		})
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	return f.client.Do(req)
}

// fetch takes a file, or an archive, from an address. It is fetched whole before
// it is read. Reports name it without what follows a question mark, which may be
// a secret.
func (w *walker) fetch(ctx context.Context, address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		shown, _, _ := strings.Cut(address, "?")
		w.report(shown, faultAt(place{}, CodeAddressInvalid))
		return nil
	}
	shown := (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
	if u.User != nil {
		w.report(shown, faultAt(place{}, CodeAddressInvalid))
		return nil
	}
	s, err := newSpool()
	if err != nil {
		return err
	}
	w.close = append(w.close, s)
	base := path.Base(path.Clean("/" + u.Path))
	if base == "/" {
		base = "index"
	}
	kind, bad := w.fetcher.into(ctx, s, u, base)
	if err := ctx.Err(); err != nil {
		return err
	}
	if bad != nil {
		w.report(shown, bad)
		return nil
	}
	folder := "/" + u.Host + path.Dir(path.Clean("/"+u.Path))
	if kind == archiveExtension {
		whole := s.at[base]
		return w.addArchive(ctx, whole, whole.Size(), shown, path.Join(folder, strings.TrimSuffix(base, path.Ext(base))))
	}
	name := base
	if _, ok := notations[extension(base)]; !ok { // what reads the name cuts off an extension
		name += kind
		s.at[name] = s.at[base]
	}
	w.sources = append(w.sources, &source{name: shown, fsys: s, path: name, folder: path.Clean(folder), notation: notations[kind]})
	return nil
}

// into fetches an address into a spool under a name, and says by an extension
// what it is.
func (f *fetcher) into(ctx context.Context, s *spool, u *url.URL, name string) (kind string, bad *fault) {
	res, err := f.get(ctx, u)
	if err != nil {
		return "", fetchFault(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return "", faultAt(place{}, CodeAddressStatus, "status", res.StatusCode)
	}
	media, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if media == "text/html" || media == "application/xhtml+xml" { // a page to log in, or about the file
		return "", faultAt(place{}, CodeAddressPage)
	}
	in := &meter{r: res.Body, check: func(int64) *fault { return nil }}
	if err := s.take(name, in); err != nil {
		if in.err == nil { // the disk's
			return "", faultAt(place{}, CodeUnreadable)
		}
		return "", fetchFault(in.err)
	}
	head := make([]byte, 64<<10)
	n, _ := s.at[name].ReadAt(head, 0)
	kind = kindOf([]string{u.Path, res.Request.URL.Path}, media, head[:n])
	if kind == "" {
		return "", faultAt(place{}, CodeUnsupportedFile, "extension", first(path.Ext(name), media), "supported", supported())
	}
	return kind, nil
}

func fetchFault(err error) *fault {
	code, params := CodeAddressUnreachable, []any(nil)
	var slow net.Error
	switch {
	case errors.Is(err, outgoing.ErrRefused):
		code = CodeAddressRefused
	case errors.Is(err, outgoing.ErrTooManyRedirects):
		code = CodeAddressRedirects
	case errors.Is(err, outgoing.ErrTooLarge):
		code, params = CodeAddressTooLarge, []any{"max", MaxFetch}
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &slow) && slow.Timeout():
		code = CodeAddressSlow
	}
	return faultAt(place{}, code, params...)
}

// mediaKinds are the types that a server may give, by extension (RFC 7763, RFC
// 4180, RFC 8259). What is only text or bytes is told by its content.
var mediaKinds = map[string]string{
	"application/zip": archiveExtension, "application/x-zip-compressed": archiveExtension,
	"text/markdown": ".md", "text/x-markdown": ".md",
	"text/csv": ".csv", "application/csv": ".csv", "text/tab-separated-values": ".csv",
	"application/json": ".json", "text/json": ".json",
	"application/jsonl": ".jsonl", "application/x-ndjson": ".jsonl", "application/ndjson": ".jsonl",
	"application/jsonlines": ".jsonl",
}

// kindOf tells what was fetched, as an extension: by that of the address or of
// where it led, by the type that the server gave, by its beginning. "" is
// nothing that is read.
func kindOf(paths []string, media string, head []byte) string {
	for _, p := range paths {
		ext := extension(p)
		if _, ok := notations[ext]; ok || ext == archiveExtension {
			return ext
		}
	}
	if kind, ok := mediaKinds[media]; ok {
		return kind
	}
	text := bytes.TrimLeft(bytes.TrimPrefix(head, byteOrderMark), " \t\r\n")
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("PK\x05\x06")):
		return archiveExtension
	case bytes.HasPrefix(text, []byte("---\n")), bytes.HasPrefix(text, []byte("---\r\n")), bytes.HasPrefix(text, []byte("+++")):
		return ".md"
	case bytes.HasPrefix(text, []byte("[")):
		return ".json"
	case bytes.HasPrefix(text, []byte("{")):
		line, rest, _ := bytes.Cut(text, []byte("\n"))
		if json.Valid(line) && len(bytes.TrimSpace(rest)) > 0 {
			return ".jsonl"
		}
		return ".json"
	case media == "text/plain":
		return ".txt"
	}
	return ""
}

// supported lists what an import reads, for a message.
func supported() string { return strings.Join(append(Extensions(), archiveExtension), " ") }
