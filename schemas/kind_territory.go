package schemas

import (
	"fmt"
	"slices"
	"strings"
)

// territoryKind is the ISTAT code of a region (2 digits), province (3) or
// municipality (6). A province's acronym, in any case, becomes its code.
//
// A field that takes municipalities only accepts any code of a known province
// while no municipalities were imported.
type territoryKind struct{ base }

func (territoryKind) Name() string      { return "territory" }
func (territoryKind) Set() bool         { return true }
func (territoryKind) Options() []string { return []string{"levels"} }

func (territoryKind) Check(f *Field) error {
	for _, l := range f.Levels {
		if !slices.Contains(Levels, l) {
			return fmt.Errorf("unknown territory level %q", l)
		}
	}
	return nil
}

func (territoryKind) Parse(f *Field, v any, env *Env) (any, []Issue) {
	// Never a number: 015 is Milan, and a YAML reader makes 13 of it.
	s, ok := v.(string)
	if !ok {
		return nil, wrongType("text")
	}
	s = strings.TrimSpace(s)
	if s == "" {
		return nil, nil
	}
	all := env.territories(f)
	t, ok := all.Lookup(s)
	if ok && (len(f.Levels) == 0 || slices.Contains(f.Levels, t.Level)) {
		return t.ISTAT, nil
	}
	if !ok && len(f.Levels) == 1 && f.Levels[0] == LevelMunicipality && len(all.Municipalities()) == 0 && digits(s, 6) {
		if _, known := all.Lookup(s[:3]); known {
			return s, nil
		}
	}
	return nil, wrong(CodeUnknownTerritory, s)
}

func (territoryKind) JSONSchema(f *Field) map[string]any {
	var shapes []string
	for _, l := range Levels {
		if len(f.Levels) == 0 || slices.Contains(f.Levels, l) {
			shapes = append(shapes, territoryShapes[l])
		}
	}
	return map[string]any{"type": "string", "pattern": "^(" + strings.Join(shapes, "|") + ")$"}
}

var territoryShapes = map[string]string{
	LevelRegion:       "[0-9]{2}",
	LevelProvince:     "[0-9]{3}|[A-Za-z]{2}",
	LevelMunicipality: "[0-9]{6}",
}
