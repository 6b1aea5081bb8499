// Package sbom says what the released program is made of: a software bill of
// materials in CycloneDX 1.6 (ECMA-424), JSON.
//
//	bin/prassi ── build info ─▶ modules, versions, sums ─┐
//	go list -deps ──▶ folders of packages, who needs whom ├─▶ Materials ─▶ BOM ─▶ JSON
//	licence files in those folders ──▶ SPDX identifiers  ─┤
//	committed package-lock.json ──▶ npm packages         ─┘
//
// Only what is in the program is listed: a module that only tests or tools need
// is not, nor is an npm package that is not shipped (policy.yaml names the
// folders). A component whose licence cannot be told, or is not one that a work
// under the EUPL-1.2 may carry, is an error with its name, so no release goes
// out with it.
//
// The same inputs give the same bytes: the time is the commit's, and the serial
// number is a UUID made from the content.
package sbom
