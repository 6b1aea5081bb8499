package schemas

import (
	"regexp"
	"strings"
)

// ValidTaxCode reports whether s is the tax code (codice fiscale) of a body: 11
// digits of which the last is the control digit, computed as for VAT numbers
// (Decree of the Minister of Finance of 23 December 1976, art. 4 and 7).
func ValidTaxCode(s string) bool {
	if !digits(s, 11) || s == "00000000000" {
		return false
	}
	sum := 0
	for i := range 11 {
		d := int(s[i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

// personalTaxCode is the shape of a person's code, with slips or without: six
// letters of the names, then ten letters and digits.
var personalTaxCode = regexp.MustCompile(`^[A-Z]{6}[A-Z0-9]{10}$`)

// taxCodeDigits takes away what people write between the digits, and the
// country's letters before them.
func taxCodeDigits(s string) string {
	s = strings.ToUpper(strings.NewReplacer(" ", "", "\u00a0", "", ".", "", "-", "", "/", "").Replace(s))
	return strings.TrimPrefix(s, "IT")
}

func taxCode(s string) (string, bool) {
	s = taxCodeDigits(s)
	return s, ValidTaxCode(s)
}

// taxCodeFault tells a person's code from a wrong one, and does not repeat it:
// it is personal data.
func taxCodeFault(s string) []Issue {
	if personalTaxCode.MatchString(taxCodeDigits(s)) {
		return issue(CodeTaxCodePersonal, nil)
	}
	return wrong(CodeTaxCodeInvalid, s)
}
