package schemas

import "strings"

// booleanKind is true or false.
type booleanKind struct{ base }

func (booleanKind) Name() string { return "boolean" }

// looseBooleans are words that other systems write.
var looseBooleans = map[string]bool{
	"true": true, "yes": true, "sì": true, "si": true, "vero": true, "1": true,
	"false": false, "no": false, "falso": false, "0": false,
}

func (booleanKind) Parse(f *Field, v any, env *Env) (any, []Issue) {
	if b, ok := v.(bool); ok {
		return b, nil
	}
	if env.loose() {
		if s, issues := stringOf(v, env); issues == nil {
			s = strings.ToLower(strings.TrimSpace(s))
			if s == "" {
				return nil, nil
			}
			if b, ok := looseBooleans[s]; ok {
				return b, nil
			}
		}
	}
	return nil, wrongType("boolean")
}

func (booleanKind) JSONSchema(*Field) map[string]any { return map[string]any{"type": "boolean"} }
