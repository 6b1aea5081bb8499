package schemas

import _ "embed"

//go:embed territories/outlines.topojson
var outlines []byte

// Outlines is a TopoJSON 1.0 document with one object, "provinces", whose
// geometries have the ISTAT code of a province as their id (WGS84 degrees,
// simplified for a map of the country). It must not be changed. The data are
// those of ISTAT, CC BY; see territories/README.md.
func Outlines() []byte { return outlines }
