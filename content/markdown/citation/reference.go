package citation

// The schemes of identifiers that a Reference may carry.
const (
	SchemeNIR   = "urn:nir"
	SchemeELI   = "eli"
	SchemeCELEX = "celex"
	SchemeECLI  = "ecli"
)

// Reference is one citation of a legal act, or of one partition of it.
type Reference struct {
	// Identifier is the canonical name in its Scheme, such as
	// "urn:nir:stato:decreto.legislativo:1998-07-25;286~art5-com2" or
	// "32016R0679".
	Identifier string `json:"identifier"`
	// Scheme is one of the Scheme constants.
	Scheme string `json:"scheme"`
	// Label is the citation in one regular form, in Italian, as drafters
	// write it: "art. 5, comma 2, D.Lgs. 25 luglio 1998, n. 286".
	Label string `json:"label"`
	// URL is where the act can be read, or empty when no address is known
	// to hold it (circulars, regional laws).
	URL string `json:"url"`
	// Text is the part of the input that the reference came from, that is
	// input[Start:End]. The spans of two references never overlap.
	Text string `json:"text"`
	// Start and End are byte offsets into the input.
	Start int `json:"-"`
	End   int `json:"-"`
}

// normattiva is the resolver of URN:NIR names (Normattiva, "Come si fa a
// creare un link a una specifica norma").
const normattiva = "https://www.normattiva.it/uri-res/N2Ls?"

// act is a legal act before it becomes a Reference. The zero act is none.
type act struct {
	scheme string
	id     string // without partition
	label  string
	name   string // how the whole act is called, when label is an abbreviation
	url    string // without partition; "" when there is no honest address
	// short acts are named by an abbreviation ("Cost.", "c.c.") that
	// follows the article without a comma.
	short bool
	// treaty acts of the Union have one CELEX number for each article.
	treaty bool
}

// reference makes the Reference to partition p (which may be nil) of a, for
// the span s[start:end].
func (a act) reference(s string, start, end int, p *part) Reference {
	r := Reference{Identifier: a.id, Scheme: a.scheme, Label: a.label, URL: a.url, Text: s[start:end], Start: start, End: end}
	if p == nil {
		if a.name != "" {
			r.Label = a.name
		}
		return r
	}
	switch {
	case a.treaty:
		r.Identifier += leftPad(p.art.digits, 3)
		r.URL = celexURL(r.Identifier)
	case a.scheme == SchemeNIR:
		suffix := p.urn()
		r.Identifier += suffix
		if r.URL != "" {
			r.URL += suffix
		}
	}
	sep := ", "
	if a.short && p.onlyArticle() {
		sep = " "
	}
	r.Label = p.label() + sep + a.label
	return r
}

// celexLanguage is the language of the EUR-Lex pages that are linked to.
const celexLanguage = "IT"

func celexURL(number string) string {
	return "https://eur-lex.europa.eu/legal-content/" + celexLanguage + "/TXT/?uri=CELEX:" + number
}

func leftPad(s string, n int) string {
	for len(s) < n {
		s = "0" + s
	}
	return s
}
