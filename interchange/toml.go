package interchange

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// readTOML reads TOML 1.0 front matter into a tree. The decoder checks the
// whole; a second walk over the syntax finds where each key stands.
func readTOML(data []byte, first int) (node, *fault) {
	// Places come first: they bound the depth of keys, and what comes after costs
	// more than it should for a key of ten thousand parts.
	places, bad := tomlPlaces(data, first)
	if bad != nil {
		return node{}, bad
	}
	var values map[string]any
	if err := toml.Unmarshal(data, &values); err != nil {
		at, detail := place{first, 1}, strings.TrimPrefix(err.Error(), "toml: ")
		if d, ok := errors.AsType[*toml.DecodeError](err); ok {
			line, column := d.Position()
			at = place{first + line - 1, column}
			detail = strings.TrimPrefix(d.Error(), "toml: ")
		}
		return node{}, faultAt(at, CodeSyntax, "notation", "TOML", "detail", detail)
	}
	r := tomlReader{places: places}
	n := r.node(values, "", place{first, 1}, 1)
	return n, r.bad
}

type tomlReader struct {
	places map[string]place
	bad    *fault
}

// tomlPlaces maps a path of keys, joined by NUL, to where it first stands. Keys
// of the tables of an array share one path and so the first one's place.
// A syntax error ends the walk; the decoder reports it.
func tomlPlaces(data []byte, first int) (map[string]place, *fault) {
	out := map[string]place{}
	p := &unstable.Parser{}
	p.Reset(data)
	var table []string
	for p.NextExpression() {
		e := p.Expression()
		var base []string
		if e.Kind == unstable.KeyValue {
			base = table
		}
		path := slices.Clone(base)
		for it := e.Key(); it.Next(); {
			k := it.Node()
			path = append(path, string(k.Data))
			start := p.Shape(k.Raw).Start
			if len(path) > MaxDepth {
				return nil, faultAt(place{first + start.Line - 1, start.Column}, CodeTooDeep, "max", MaxDepth)
			}
			name := strings.Join(path, "\x00")
			if _, known := out[name]; !known {
				out[name] = place{first + start.Line - 1, start.Column}
			}
		}
		if e.Kind != unstable.KeyValue {
			table = path
		}
	}
	return out, nil
}

func (r *tomlReader) node(v any, path string, at place, depth int) node {
	if depth > MaxDepth && r.bad == nil {
		r.bad = faultAt(at, CodeTooDeep, "max", MaxDepth)
	}
	if r.bad != nil {
		return node{}
	}
	switch v := v.(type) {
	case map[string]any:
		n := node{kind: objectNode, at: at, pairs: make([]pair, 0, len(v))}
		for key, value := range v {
			below := key
			if path != "" {
				below = path + "\x00" + key
			}
			keyAt, ok := r.places[below]
			if !ok {
				keyAt = at
			}
			n.pairs = append(n.pairs, pair{key, keyAt, r.node(value, below, keyAt, depth+1)})
		}
		slices.SortFunc(n.pairs, func(a, b pair) int {
			return cmp.Or(a.at.line-b.at.line, a.at.column-b.at.column, strings.Compare(a.key, b.key))
		})
		return n
	case []any:
		n := node{kind: listNode, at: at, items: make([]node, 0, len(v))}
		for _, item := range v {
			n.items = append(n.items, r.node(item, path, at, depth+1))
		}
		return n
	case string:
		if strings.IndexByte(v, 0) >= 0 {
			r.bad = faultAt(at, CodeNUL)
		}
		return scalar(v, at)
	case float64:
		return scalar(strconv.FormatFloat(v, 'f', -1, 64), at)
	case time.Time:
		return scalar(v.Format(time.RFC3339Nano), at)
	default: // booleans, integers, local dates and times
		return scalar(fmt.Sprint(v), at)
	}
}
