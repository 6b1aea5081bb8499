package duplicates

import (
	"math"
	"slices"
	"strconv"

	"github.com/prassi-cms/prassi/geo"
)

// Bounds of likeness.
const (
	// MaxMetres is how far apart two of nearly the same name may be.
	MaxMetres = 200
	// MaxShared is how many subjects of one type may have a telephone number: what
	// more have is a switchboard.
	MaxShared = 4
)

// Codes of reasons. The comment names the parameters.
const (
	SamePhone    = "same_phone"     // phone
	SameTaxCode  = "same_tax_code"  // tax_code
	SameNameNear = "same_name_near" // metres
	SameNameTown = "same_name_town" // municipality (ISTAT code)
)

// Codes are the codes of reasons, for package messages.
var Codes = []string{SamePhone, SameTaxCode, SameNameNear, SameNameTown}

// Reason is why two may be the same.
type Reason struct {
	Code   string            `json:"code"`
	Params map[string]string `json:"params"`
}

// Likeness says how likely two are the same, and why.
type Likeness struct {
	// Score is between 0 and 1, in hundredths. It depends on the reasons and on
	// how alike the names are, never on a distance.
	Score   float64  `json:"score"`
	Reasons []Reason `json:"reasons"`
}

// Near compares two subjects; nil means that nothing suggests that they are the
// same. It is symmetric. That a telephone number is a switchboard's it cannot
// know: Finder does.
func Near(a, b Subject) *Likeness {
	return near(prepare(&a), prepare(&b), func(string, string) bool { return false })
}

func near(a, b *prepared, switchboard func(typ, phone string) bool) *Likeness {
	if a.typ != b.typ || a.id == b.id {
		return nil
	}
	kin := a.kin(b)
	var names float64
	for i := range a.names {
		for j := range b.names {
			if names < 1 {
				names = max(names, alike(&a.names[i], &b.names[j], kin))
			}
		}
	}
	metres, town, where := a.apart(b)
	here := where && (town != "" || metres <= MaxMetres)
	counts := !kin || names > 0 && (here || !where) // telephone and tax code
	var out Likeness
	doubt := 1.0
	add := func(certainty float64, r Reason) {
		doubt *= 1 - certainty
		out.Reasons = append(out.Reasons, r)
	}
	if counts {
		if t, ok := shared(a.taxes, b.taxes, nil); ok {
			add(0.9, Reason{Code: SameTaxCode, Params: map[string]string{"tax_code": t}})
		}
		if t, ok := shared(a.phones, b.phones, func(p string) bool { return switchboard(a.typ, p) }); ok {
			add(0.5, Reason{Code: SamePhone, Params: map[string]string{"phone": t}})
		}
	}
	if certainty := 0.8 - 2*(1-names); names > 0 && here {
		if town != "" {
			add(certainty-0.2, Reason{Code: SameNameTown, Params: map[string]string{"municipality": town}})
		} else {
			add(certainty, Reason{Code: SameNameNear, Params: map[string]string{"metres": strconv.Itoa(int(math.Round(metres)))}})
		}
	}
	if len(out.Reasons) == 0 {
		return nil
	}
	out.Score = math.Round(100*(1-doubt)) / 100
	return &out
}

// kin says whether two belong together by declaration.
func (p *prepared) kin(o *prepared) bool {
	if slices.Contains(p.within, o.id) || slices.Contains(o.within, p.id) {
		return true
	}
	return slices.ContainsFunc(p.within, func(id string) bool { return slices.Contains(o.within, id) })
}

// apart says how far apart the nearest exact places are; where one of two places
// is not exact, it names the municipality that both are in. known is false when
// nothing can be said.
func (p *prepared) apart(o *prepared) (metres float64, town string, known bool) {
	metres = math.Inf(1)
	for i := range p.points {
		for j := range o.points {
			metres = min(metres, geo.Metres(p.points[i].at, o.points[j].at))
		}
	}
	known = len(p.points) > 0 && len(o.points) > 0
	if metres <= MaxMetres {
		return metres, "", true
	}
	best := ""
	for _, pair := range [][2][]string{{p.coarse, o.towns}, {o.coarse, p.towns}} {
		if len(pair[0]) > 0 && len(pair[1]) > 0 {
			known = true
		}
		if t, ok := shared(pair[0], pair[1], nil); ok && (best == "" || t < best) {
			best = t
		}
	}
	return metres, best, known
}

// shared gives the first value that two sorted lists have in common and that is
// not to be left out.
func shared(a, b []string, out func(string) bool) (string, bool) {
	for _, x := range a {
		if _, found := slices.BinarySearch(b, x); found && (out == nil || !out(x)) {
			return x, true
		}
	}
	return "", false
}
