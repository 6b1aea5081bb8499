package schemas

import (
	"testing"

	"pgregory.net/rapid"
)

func TestValidTaxCode(t *testing.T) {
	for code, want := range map[string]bool{
		"80078750587": true, // a national institute
		"06363391001": true, // a national agency
		"01199250158": true, // a municipality
		"84006890481": true, // a municipality
		"80078750586": false, "08078750587": false, "00000000000": false, "8007875058": false, "800787505877": false,
		"8007875058a": false, "٨٠٠٧٨٧٥٠٥٨٧": false, "": false, "RSSMRA85T10A562S": false,
	} {
		if got := ValidTaxCode(code); got != want {
			t.Errorf("%q: %v", code, got)
		}
	}
}

// The control digit finds every wrong digit, and two digits that changed places
// unless they are 0 and 9.
func TestTaxCodeFindsSlips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := []byte(rapid.StringMatching(`[0-9]{10}`).Draw(t, "digits") + "0")
		for !ValidTaxCode(string(b)) {
			if b[10]++; b[10] > '9' {
				if string(b[:10]) == "0000000000" {
					return
				}
				t.Fatalf("%s has no control digit", b[:10])
			}
		}
		i := rapid.IntRange(0, 10).Draw(t, "place")
		wrong := []byte(string(b))
		wrong[i] = '0' + (wrong[i]-'0'+byte(rapid.IntRange(1, 9).Draw(t, "slip")))%10
		if ValidTaxCode(string(wrong)) {
			t.Fatalf("%s and %s are both valid", b, wrong)
		}
		if i == 10 || b[i] == b[i+1] || b[i]+b[i+1] == '0'+'9' && (b[i] == '0' || b[i] == '9') {
			return
		}
		b[i], b[i+1] = b[i+1], b[i]
		if ValidTaxCode(string(b)) {
			t.Fatalf("%s is valid with two digits exchanged", b)
		}
	})
}
