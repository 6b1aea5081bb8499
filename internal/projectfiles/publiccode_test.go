package projectfiles

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/language"
)

// TestPublicCode checks the mandatory keys and the closed vocabularies of the
// publiccode.yml standard 0.5, section "The Standard" (top-level keys).
func TestPublicCode(t *testing.T) {
	var p struct {
		Version           string `yaml:"publiccodeYmlVersion"`
		Name, URL         string
		SoftwareType      string `yaml:"softwareType"`
		DevelopmentStatus string `yaml:"developmentStatus"`
		Platforms         []string
		Categories        []string
		Audience          struct{ Countries, Scope []string } `yaml:"intendedAudience"`
		Description       map[string]struct {
			Short    string `yaml:"shortDescription"`
			Long     string `yaml:"longDescription"`
			Generic  string `yaml:"genericName"`
			Features []string
		}
		Legal       struct{ License string }
		Maintenance struct {
			Type     string
			Contacts []struct{ Name, Email, Affiliation string }
		}
		Localisation struct {
			Ready     *bool    `yaml:"localisationReady"`
			Languages []string `yaml:"availableLanguages"`
		}
		Italy struct {
			Version string `yaml:"countryExtensionVersion"`
		} `yaml:"IT"`
	}
	parse(t, "publiccode.yml", &p)

	check := func(ok bool, key string, value any) {
		t.Helper()
		if !ok {
			t.Errorf("publiccode.yml: %s: %v", key, value)
		}
	}
	check(p.Version == "0.5", "publiccodeYmlVersion", p.Version)
	check(p.Name == "Prassi", "name", p.Name)
	address, err := url.Parse(p.URL)
	check(err == nil && address.Scheme == "https" && address.Host != "", "url", p.URL)
	check(slices.Contains([]string{
		"standalone/mobile", "standalone/iot", "standalone/desktop", "standalone/web",
		"standalone/backend", "standalone/other", "addon", "library", "configurationFiles",
	}, p.SoftwareType), "softwareType", p.SoftwareType)
	check(slices.Contains([]string{"concept", "development", "beta", "stable", "obsolete"}, p.DevelopmentStatus),
		"developmentStatus", p.DevelopmentStatus)
	check(len(p.Platforms) > 0, "platforms", p.Platforms)
	for _, category := range p.Categories { // the part of the vocabulary that we use
		check(slices.Contains([]string{"content-management", "workflow-management", "knowledge-management", "website-builder"}, category),
			"categories", category)
	}
	for _, country := range p.Audience.Countries {
		region, err := language.ParseRegion(country)
		check(err == nil && region.String() == country, "intendedAudience/countries", country)
	}
	for _, scope := range p.Audience.Scope { // likewise
		check(slices.Contains([]string{"society", "welfare", "local-authorities"}, scope), "intendedAudience/scope", scope)
	}

	for _, locale := range []string{"it", "en"} {
		d, ok := p.Description[locale]
		check(ok, "description", locale+" is missing")
		check(d.Short != "" && utf8.RuneCountInString(d.Short) <= 150 && !strings.Contains(strings.TrimSpace(d.Short), "\n"),
			locale+"/shortDescription", utf8.RuneCountInString(d.Short))
		long := utf8.RuneCountInString(d.Long)
		check(long >= 150 && long <= 10000, locale+"/longDescription", long)
		check(len(d.Features) >= 5 && len(d.Features) <= 20, locale+"/features", len(d.Features))
		check(d.Generic == "", locale+"/genericName", "is deprecated")
	}
	check(len(p.Description["it"].Features) == len(p.Description["en"].Features), "features", "differ between it and en")

	check(p.Legal.License == "EUPL-1.2", "legal/license", p.Legal.License)
	check(p.Maintenance.Type == "community" || p.Maintenance.Type == "internal", "maintenance/type", p.Maintenance.Type)
	check(len(p.Maintenance.Contacts) > 0, "maintenance/contacts", "are mandatory for this type")
	for _, contact := range p.Maintenance.Contacts {
		check(contact.Name != "", "maintenance/contacts/name", contact)
	}
	check(p.Localisation.Ready != nil && *p.Localisation.Ready, "localisation/localisationReady", p.Localisation.Ready)
	check(len(p.Localisation.Languages) > 0, "localisation/availableLanguages", p.Localisation.Languages)
	for _, tag := range p.Localisation.Languages {
		parsed, err := language.Parse(tag)
		check(err == nil && parsed.String() == tag, "localisation/availableLanguages", tag)
	}
	check(p.Italy.Version == "1.0", "IT/countryExtensionVersion", p.Italy.Version)
}

// TestLicenceIsTheOfficialText pins the English text of the EUPL v. 1.2 as the
// European Commission publishes it, laid out for plain text.
func TestLicenceIsTheOfficialText(t *testing.T) {
	const official = "6fc9e709ccbfe0d77fbffa2427a983282be2eb88e47b1cdb49f21a83b4d1e665"
	sum := sha256.Sum256(read(t, "LICENSE"))
	if got := hex.EncodeToString(sum[:]); got != official {
		t.Fatalf("LICENSE was changed: sha256 %s", got)
	}
}
