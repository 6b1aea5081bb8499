package opendata

import (
	"encoding/json"
	"net/url"
	"strings"

	"golang.org/x/text/language"
)

// node is a JSON-LD object. Its keys are written in order of name, so that the
// same content has the same bytes.
type node map[string]any

// Namespaces of the compact names, as the profiles write them.
var namespaces = map[string]string{
	"adms":     "http://www.w3.org/ns/adms#",
	"cpsv":     "http://purl.org/vocab/cpsv#",
	"cv":       "http://data.europa.eu/m8g/",
	"dcat":     "http://www.w3.org/ns/dcat#",
	"dcatapit": "http://dati.gov.it/onto/dcatapit#",
	"dct":      "http://purl.org/dc/terms/",
	"foaf":     "http://xmlns.com/foaf/0.1/",
	"geo":      "http://www.opengis.net/ont/geosparql#",
	"hydra":    "http://www.w3.org/ns/hydra/core#",
	"locn":     "http://www.w3.org/ns/locn#",
	"org":      "http://www.w3.org/ns/org#",
	"skos":     "http://www.w3.org/2004/02/skos/core#",
	"time":     "http://www.w3.org/2006/time#",
	"vcard":    "http://www.w3.org/2006/vcard/ns#",
	"xsd":      "http://www.w3.org/2001/XMLSchema#",
}

// links are the properties whose plain values are IRIs.
var links = []string{
	"cv:contactPage", "cv:currency", "cv:frequency", "cv:hasCompetentAuthority", "dcat:accessURL", "dcat:downloadURL", "dcat:endpointURL",
	"dcat:endpointDescription", "dcat:landingPage", "dcat:mediaType", "dcat:servesDataset", "dcat:theme", "dcat:themeTaxonomy", "dct:accessRights",
	"dct:accrualPeriodicity", "dct:conformsTo", "dct:format", "dct:language", "dct:rightsHolder", "dct:spatial", "foaf:homepage", "foaf:page", "hydra:next",
	"hydra:previous", "org:subOrganizationOf", "time:dayOfWeek", "vcard:hasEmail", "vcard:hasURL",
}

// typed are the properties whose plain values are literals of a type.
var typed = map[string]string{
	"dct:modified": "xsd:dateTime", "dct:issued": "xsd:dateTime", "cv:hasValue": "xsd:double", "dcat:centroid": "geo:wktLiteral",
	"time:hour": "xsd:nonNegativeInteger", "time:minute": "xsd:nonNegativeInteger",
}

// Context is the JSON-LD context of everything here.
var Context = func() json.RawMessage {
	c := node{}
	for prefix, ns := range namespaces {
		c[prefix] = ns
	}
	for _, p := range links {
		c[p] = node{"@type": "@id"}
	}
	for p, t := range typed {
		c[p] = node{"@type": t}
	}
	data, err := encode(c)
	if err != nil {
		panic("opendata: " + err.Error()) // text alone
	}
	return data
}()

// encode writes JSON with what means something to HTML escaped: pages carry JSON-LD
// in script elements, which "</script>" would end.
func encode(v any) ([]byte, error) { return json.Marshal(v) }

// Where the vocabularies are.
const (
	authority   = "http://publications.europa.eu/resource/authority/"
	territorial = "https://w3id.org/italia/controlled-vocabulary/territorial-classifications/"
	nuts        = "http://data.europa.eu/nuts/code/"
	mediaTypes  = "http://www.iana.org/assignments/media-types/"
	italy       = authority + "country/ITA"
)

// nutsOf gives a region's codes in the European nomenclature (NUTS 2021, level 2)
// by its ISTAT code; Trentino-Alto Adige is two.
var nutsOf = map[string][]string{
	"01": {"ITC1"}, "02": {"ITC2"}, "03": {"ITC4"}, "04": {"ITH1", "ITH2"}, "05": {"ITH3"}, "06": {"ITH4"}, "07": {"ITC3"}, "08": {"ITH5"},
	"09": {"ITI1"}, "10": {"ITI2"}, "11": {"ITI3"}, "12": {"ITI4"}, "13": {"ITF1"}, "14": {"ITF2"}, "15": {"ITF3"}, "16": {"ITF4"},
	"17": {"ITF5"}, "18": {"ITF6"}, "19": {"ITG1"}, "20": {"ITG2"},
}

// territoryIRIs names a territory by its ISTAT code: 2 digits for a region, 3 for
// a province, 6 for a municipality.
func territoryIRIs(code string) []string {
	switch len(code) {
	case 2:
		out := []string{territorial + "regions/" + code}
		for _, n := range nutsOf[code] {
			out = append(out, nuts+n)
		}
		return out
	case 3:
		return []string{territorial + "provinces/" + code}
	case 6:
		return []string{territorial + "cities/" + code}
	}
	return nil
}

// languageIRI names a language (BCP 47) in the authority table, or says that it
// is not known.
func languageIRI(tag string) (string, bool) {
	base, confidence := language.Make(tag).Base()
	code := base.ISO3()
	if confidence == language.No || len(code) != 3 || code == "und" {
		return "", false
	}
	return authority + "language/" + strings.ToUpper(code), true
}

// webIRI gives an http or https address as an IRI; other values are none.
func webIRI(s string) (string, bool) {
	u, err := url.Parse(strings.TrimSpace(s))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", false
	}
	return unwise.Replace(u.String()), true
}

// unwise escapes what may stand in no IRI (RFC 3987, section 2.2) and net/url leaves
// in queries.
var unwise = strings.NewReplacer(" ", "%20", `"`, "%22", "<", "%3C", ">", "%3E", `\`, "%5C", "^", "%5E", "`", "%60", "{", "%7B", "|", "%7C", "}", "%7D")

// text is a value in a language.
func text(locale, s string) node { return node{"@language": strings.ToLower(locale), "@value": s} }
