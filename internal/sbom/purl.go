package sbom

import (
	"net/url"
	"strings"
)

// goPackageURL is a Go module's package URL (purl-spec, type golang: namespace
// and name in lower case).
func goPackageURL(path, version string) string {
	return packageURL("golang", strings.ToLower(path), version)
}

// npmPackageURL is an npm package's package URL (purl-spec, type npm: the scope
// is the namespace).
func npmPackageURL(name, version string) string { return packageURL("npm", name, version) }

func packageURL(kind, path, version string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		parts[i] = escape(part)
	}
	return "pkg:" + kind + "/" + strings.Join(parts, "/") + "@" + escape(version)
}

// escape percent-encodes what a segment may not hold; the colon stays
// (purl-spec, "Rules for each purl component").
func escape(s string) string {
	return strings.NewReplacer("+", "%20", "%3A", ":").Replace(url.QueryEscape(s))
}
