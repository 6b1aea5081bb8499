package api

import (
	"strings"

	"github.com/prassi-cms/prassi/catalog"
)

// Header values that many answers share. They are never changed.
var (
	typeJSON     = []string{"application/json"}
	typeProblem  = []string{"application/problem+json"}
	typeHTML     = []string{"text/html; charset=utf-8"}
	typeCSS      = []string{"text/css; charset=utf-8"}
	typeGeoJSON  = []string{"application/geo+json"}
	nosniff      = []string{"nosniff"}
	varyEncoding = []string{"Accept-Encoding"}
	varyLanguage = []string{"Accept-Language"}
	noStore      = []string{"no-store"}
	// publicShort lets caches keep what changes when somebody publishes: shown
	// again for a minute while it is asked anew (RFC 5861).
	publicShort  = []string{"public, max-age=10, stale-while-revalidate=60"}
	publicLonger = []string{"public, max-age=300, stale-while-revalidate=3600"}
	anyOrigin    = []string{"*"}
	exposed      = []string{"ETag, Content-Language, Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset"}
	closing      = []string{"close"}
	encodingName = map[catalog.Encoding][]string{
		catalog.Gzip: {"gzip"}, catalog.Brotli: {"br"}, catalog.Zstd: {"zstd"},
	}
)

// preference is the order in which encodings are tried when the caller likes
// them equally: the smallest first.
var preference = [...]catalog.Encoding{catalog.Brotli, catalog.Zstd, catalog.Gzip, catalog.Identity}

// accepts holds how much the caller likes each encoding, in thousandths; zero
// means that it does not take it.
type accepts [len(preference)]uint16

// parseAccept reads Accept-Encoding (RFC 9110, section 12.5.3). What does not
// parse is passed over, as the caller takes identity all the same.
func parseAccept(values []string) accepts {
	out := accepts{catalog.Identity: 1} // liked least, unless named
	var named [len(preference)]bool
	star := -1
	for _, header := range values {
		for rest := header; rest != ""; {
			var item string
			item, rest, _ = strings.Cut(rest, ",")
			coding, params, _ := strings.Cut(item, ";")
			q, ok := quality(params)
			if !ok {
				continue
			}
			enc := catalog.Identity
			switch coding = strings.TrimSpace(coding); {
			case coding == "br" || strings.EqualFold(coding, "br"):
				enc = catalog.Brotli
			case strings.EqualFold(coding, "gzip"), strings.EqualFold(coding, "x-gzip"):
				enc = catalog.Gzip
			case strings.EqualFold(coding, "zstd"):
				enc = catalog.Zstd
			case strings.EqualFold(coding, "identity"):
			case coding == "*":
				star = int(q)
				continue
			default:
				continue
			}
			out[enc], named[enc] = q, true
		}
	}
	if star >= 0 {
		for enc := range out {
			if !named[enc] && (catalog.Encoding(enc) != catalog.Identity || star == 0) {
				out[enc] = uint16(star)
			}
		}
	}
	return out
}

// quality reads ";q=0.8" as thousandths; without q it is 1000.
func quality(params string) (uint16, bool) {
	params = strings.TrimSpace(params)
	if params == "" {
		return 1000, true
	}
	if len(params) < 3 || params[0]|0x20 != 'q' || params[1] != '=' || len(params) > 7 {
		return 0, false
	}
	number := params[2:]
	if number[0] != '0' && number[0] != '1' || len(number) > 1 && number[1] != '.' {
		return 0, false
	}
	q := uint16(number[0]-'0') * 1000
	unit := uint16(100)
	for i := 2; i < len(number); i++ {
		if number[i] < '0' || number[i] > '9' {
			return 0, false
		}
		q += uint16(number[i]-'0') * unit
		unit /= 10
	}
	return min(q, 1000), true
}

// choose gives the encoding liked best among those that stored answers for, and
// false when the caller takes none of them.
func (a accepts) choose(stored func(catalog.Encoding) bool) (catalog.Encoding, bool) {
	best, ok := catalog.Identity, false
	for _, enc := range preference {
		if q := a[enc]; q > 0 && (!ok || q > a[best]) && (enc == catalog.Identity || stored(enc)) {
			best, ok = enc, true
		}
	}
	return best, ok
}

// matches says whether If-None-Match names the tag, by weak comparison (RFC
// 9110, sections 8.8.3.2 and 13.1.2).
func matches(values []string, etag string) bool {
	for _, v := range values {
		if v == etag {
			return true
		}
		for rest := v; rest != ""; {
			var item string
			item, rest = nextTag(rest)
			if item == "*" || item == etag {
				return true
			}
		}
	}
	return false
}

// nextTag cuts the first entity tag of a list, without its weakness. A comma may
// stand inside the quotes.
func nextTag(list string) (tag, rest string) {
	list = strings.TrimLeft(list, " \t,")
	list = strings.TrimPrefix(list, "W/")
	if list == "" {
		return "", ""
	}
	if list[0] != '"' {
		tag, rest, _ = strings.Cut(list, ",")
		return strings.TrimSpace(tag), rest
	}
	end := strings.IndexByte(list[1:], '"')
	if end < 0 {
		return "", ""
	}
	return list[:end+2], list[end+2:]
}
