package messages

import "strings"

// Bounds of what is read of a field.
const (
	maxHeader = 1024 // bytes
	maxRanges = 32   // language ranges
)

// Negotiate chooses the language to answer in by an Accept-Language field (RFC
// 9110, section 12.5.4): the one of Languages that a language range asks for
// with the greatest weight, the first of equals. A range asks for the language
// of its first subtag ("zh-CN" and "zh-Hant" ask for zh), "*" for the first of
// Languages that no range names. Ranges that are malformed or ask for other
// languages count for nothing; when none is left, or the field is empty, the
// answer is the first of Languages that the field does not refuse with "q=0".
//
// It allocates nothing and reads a bounded part of the field.
func Negotiate(acceptLanguage string) string {
	if acceptLanguage == "" {
		return Languages[0]
	}
	if len(acceptLanguage) > maxHeader {
		acceptLanguage = acceptLanguage[:maxHeader]
		// What is cut in the middle is not what the caller wrote.
		acceptLanguage = acceptLanguage[:max(0, strings.LastIndexByte(acceptLanguage, ','))]
	}
	var weights [8]int // in thousandths, one more; 0 when not named
	best, bestWeight := -1, 0
	wild := -1
	for n := 0; n < maxRanges && acceptLanguage != ""; n++ {
		var item string
		item, acceptLanguage, _ = strings.Cut(acceptLanguage, ",")
		tag, params, _ := strings.Cut(item, ";")
		weight, ok := quality(params)
		if !ok {
			continue
		}
		tag = strings.Trim(tag, " \t")
		if tag == "*" {
			wild = max(wild, weight)
			continue
		}
		i := requested(tag)
		if i < 0 {
			continue
		}
		weights[i] = max(weights[i], weight+1)
		if weight > bestWeight {
			best, bestWeight = i, weight
		}
	}
	if wild > bestWeight || best < 0 {
		for i := range Languages {
			if weights[i] == 0 {
				return Languages[i]
			}
		}
	}
	return Languages[max(best, 0)]
}

// requested gives the place in Languages that a range asks for, or -1.
func requested(tag string) int {
	if i := strings.IndexByte(tag, '-'); i >= 0 {
		tag = tag[:i]
	}
	for i, l := range Languages {
		if len(tag) == len(l) && strings.EqualFold(tag, l) {
			return i
		}
	}
	return -1
}

// quality reads the weight of a range in thousandths (RFC 9110, section 12.4.2).
func quality(params string) (weight int, ok bool) {
	params = strings.Trim(params, " \t")
	if params == "" {
		return 1000, true
	}
	if len(params) < 3 || params[0]|0x20 != 'q' || params[1] != '=' {
		return 0, false
	}
	whole, fraction, _ := strings.Cut(params[2:], ".")
	if len(whole) != 1 || whole[0] != '0' && whole[0] != '1' || len(fraction) > 3 {
		return 0, false
	}
	weight = int(whole[0]-'0') * 1000
	for i, scale := 0, 100; i < len(fraction); i, scale = i+1, scale/10 {
		if fraction[i] < '0' || fraction[i] > '9' {
			return 0, false
		}
		weight += int(fraction[i]-'0') * scale
	}
	return weight, weight <= 1000
}
