package sbom

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/CycloneDX/cyclonedx-go"
	"github.com/google/uuid"
)

// Options say which program to describe.
type Options struct {
	Root    string    // the module's folder, a git working tree
	Binary  string    // the built program
	Package string    // what it was built from ("./cmd/prassi")
	Version string    // the release, as the program itself says it
	Commit  string    // the commit it was built from; empty when it is not known
	Time    time.Time // of that commit; the zero time leaves it out
}

// Make describes the program and returns CycloneDX 1.6 as indented JSON with a
// final line end. The error names every component whose licence is unknown or
// refused.
func Make(ctx context.Context, opt Options) ([]byte, error) {
	policy, err := ReadPolicy()
	if err != nil {
		return nil, err
	}
	p, err := readProgram(ctx, opt.Root, opt.Binary, opt.Package)
	if err != nil {
		return nil, err
	}
	bom, err := describe(ctx, p, policy, opt)
	if err != nil {
		return nil, err
	}
	content, err := encode(bom)
	if err != nil {
		return nil, err
	}
	// RFC 9562, section 5.5: the same content has the same number.
	bom.SerialNumber = uuid.NewSHA1(uuid.NewSHA1(uuid.NameSpaceURL, []byte("https://"+p.main.path)), content).URN()
	return encode(bom)
}

func describe(ctx context.Context, p *program, policy *Policy, opt Options) (*cyclonedx.BOM, error) {
	components, depends, fault := p.components(policy)
	references := map[string]string{}
	for _, m := range p.linked {
		references[m.path] = goPackageURL(m.path, m.version)
	}
	main := dependency(goPackageURL(p.main.path, opt.Version), p.main.needs, references)

	names, err := LockFiles(ctx, opt.Root)
	if err != nil {
		return nil, err
	}
	for _, name := range policy.Ships(names) {
		data, err := os.ReadFile(filepath.Join(opt.Root, filepath.FromSlash(name)))
		if err != nil {
			return nil, err
		}
		packages, needs, direct, err := npmPackages(policy, name, data)
		fault = errors.Join(fault, err)
		for i, c := range packages {
			if !slices.ContainsFunc(components, func(have cyclonedx.Component) bool { return have.BOMRef == c.BOMRef }) {
				components = append(components, c)
				depends = append(depends, needs[i])
			}
		}
		if len(direct) > 0 {
			on := direct
			if main.Dependencies != nil {
				on = append(*main.Dependencies, direct...)
			}
			slices.Sort(on)
			on = slices.Compact(on)
			main.Dependencies = &on
		}
	}
	if fault != nil {
		return nil, fault
	}
	subject, err := p.subject(policy, opt)
	if err != nil {
		return nil, err
	}
	depends = append([]cyclonedx.Dependency{main}, depends...)

	bom := cyclonedx.NewBOM()
	bom.SpecVersion, bom.JSONSchema = cyclonedx.SpecVersion1_6, "http://cyclonedx.org/schema/bom-1.6.schema.json"
	bom.Metadata = &cyclonedx.Metadata{
		Component:  subject,
		Lifecycles: &[]cyclonedx.Lifecycle{{Phase: cyclonedx.LifecyclePhasePostBuild}},
	}
	if !opt.Time.IsZero() {
		bom.Metadata.Timestamp = opt.Time.UTC().Format(time.RFC3339)
	}
	bom.Components, bom.Dependencies = &components, &depends
	return bom, nil
}

// subject describes the program itself.
func (p *program) subject(policy *Policy, opt Options) (*cyclonedx.Component, error) {
	ids, err := policy.licencesIn(p.main.root, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.main.path, err)
	}
	binary, err := os.ReadFile(opt.Binary)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(binary)
	reference := goPackageURL(p.main.path, opt.Version)
	c := &cyclonedx.Component{
		BOMRef: reference, Type: cyclonedx.ComponentTypeApplication,
		Name: filepath.Base(opt.Binary), Version: opt.Version, PackageURL: reference,
		Licenses: licences(strings.Join(ids, " AND ")),
		Hashes:   &[]cyclonedx.Hash{{Algorithm: cyclonedx.HashAlgoSHA256, Value: hex.EncodeToString(sum[:])}},
		ExternalReferences: &[]cyclonedx.ExternalReference{
			{Type: cyclonedx.ERTypeVCS, URL: "https://" + p.main.path, Comment: opt.Commit},
		},
	}
	properties := []cyclonedx.Property{{Name: "prassi:go:version", Value: p.info.GoVersion}}
	for _, key := range []string{"GOOS", "GOARCH", "CGO_ENABLED"} {
		properties = append(properties, cyclonedx.Property{Name: "prassi:go:" + key, Value: p.setting[key]})
	}
	c.Properties = &properties
	return c, nil
}

func encode(bom *cyclonedx.BOM) ([]byte, error) {
	var out bytes.Buffer
	err := cyclonedx.NewBOMEncoder(&out, cyclonedx.BOMFileFormatJSON).SetPretty(true).SetEscapeHTML(false).EncodeVersion(bom, cyclonedx.SpecVersion1_6)
	return out.Bytes(), err
}
