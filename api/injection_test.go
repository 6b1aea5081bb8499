package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/prassi-cms/prassi/schemas"
)

// The attacks of this file are made from the table of operations: a new
// operation is attacked as soon as it has an example.

// operators are what a store might take for a condition, were it handed through.
var operators = []string{`{"$ne":null}`, `{"$gt":""}`, `{"$where":"1"}`}

// bodied lists the signed operations whose examples have a JSON body.
func bodied(w *world, calls map[string]func() []request) map[*operation]func() request {
	out := map[*operation]func() request{}
	for _, op := range w.server.operations {
		if op.Access != signed || op.Body == nil || calls[op.ID] == nil {
			continue
		}
		out[op] = func() request { return calls[op.ID]()[0] }
	}
	return out
}

// places lists the JSON Pointers of all strings in a tree, or of all objects.
func places(tree any, path string, strings bool) (out []string) {
	switch v := tree.(type) {
	case string:
		if strings {
			out = append(out, path)
		}
	case []any:
		for i, item := range v {
			out = append(out, places(item, fmt.Sprintf("%s/%d", path, i), strings)...)
		}
	case map[string]any:
		if !strings {
			out = append(out, path)
		}
		for _, k := range slices.Sorted(maps.Keys(v)) {
			out = append(out, places(v[k], pointer(path, k), strings)...)
		}
	}
	return out
}

// altered gives a copy of a JSON text in which do has changed the value at a place.
func altered(t *testing.T, body, place string, do func(any) any) string {
	t.Helper()
	var tree any
	if err := json.Unmarshal([]byte(body), &tree); err != nil {
		t.Fatal(err)
	}
	var change func(v any, rest []string) any
	change = func(v any, rest []string) any {
		if len(rest) == 0 {
			return do(v)
		}
		switch v := v.(type) {
		case map[string]any:
			v[rest[0]] = change(v[rest[0]], rest[1:])
		case []any:
			var i int
			fmt.Sscan(rest[0], &i)
			v[i] = change(v[i], rest[1:])
		}
		return v
	}
	parts := strings.Split(place, "/")[1:]
	if place == "" {
		parts = nil
	}
	data, err := json.Marshal(change(tree, parts))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// says tells whether a problem names a place, or one in it. Content is named by
// its fields, wherever they came from.
func says(p Problem, place string) bool {
	return slices.ContainsFunc(p.Errors, func(e FieldError) bool {
		return strings.HasPrefix(e.Path, place) || strings.HasPrefix("/fields"+e.Path, place)
	})
}

// TestOperatorsMatchNothing: a store's operators in place of text, in bodies, in
// paths and in queries, are refused or are text that nothing is called.
func TestOperatorsMatchNothing(t *testing.T) {
	onEngines(t, func(t *testing.T, w *world) {
		calls := examples(t, w)
		tried := 0
		for op, example := range bodied(w, calls) {
			r := example()
			var tree any
			w.must(json.Unmarshal([]byte(r.body), &tree))
			for _, place := range places(tree, "", true) {
				for _, operator := range operators {
					body := altered(t, r.body, place, func(any) any { return json.RawMessage(operator) })
					a := w.send(r.who, op.Method, r.path, body, r.headers...)
					tried++
					if a.StatusCode != 422 && a.StatusCode != 400 {
						t.Errorf("%s: %s: %d %s", op.ID, body, a.StatusCode, a.body)
						continue
					}
					var p Problem
					a.into(t, &p)
					if !says(p, place) {
						t.Errorf("%s: %s: the answer does not say where: %s", op.ID, body, a.body)
					}
				}
			}
		}
		for _, op := range w.server.operations {
			if op.Access != signed || calls[op.ID] == nil {
				continue
			}
			r := calls[op.ID]()[0]
			path, _, _ := strings.Cut(r.path, "?")
			route, parts := strings.Split(op.Route, "/"), strings.Split(path, "/")
			for i, part := range route {
				if !strings.HasPrefix(part, "{") {
					continue
				}
				for _, operator := range operators {
					hostile := slices.Clone(parts)
					hostile[i] = url.PathEscape(operator)
					a := w.send(r.who, op.Method, strings.Join(hostile, "/"), r.body, r.headers...)
					tried++
					if a.StatusCode == http.StatusSeeOther && op.Page { // a form: what is not there need not be ended
						w.send("", "GET", "/auth/me", "", r.headers...).want(t, 200)
					} else if a.StatusCode < 400 || a.StatusCode >= 500 {
						t.Errorf("%s %s: %d %s", op.Method, strings.Join(hostile, "/"), a.StatusCode, a.body)
					}
				}
			}
			for _, p := range op.Params {
				if p.In != "query" || op.Method != http.MethodGet {
					continue
				}
				for _, operator := range operators {
					for _, query := range []string{p.Name + "=" + url.QueryEscape(operator), url.QueryEscape(p.Name+"[$ne]") + "=x"} {
						a := w.send(r.who, op.Method, path+"?"+query, r.body, r.headers...)
						tried++
						var page struct{ Items []any }
						if a.StatusCode == 200 {
							a.into(t, &page)
						}
						if a.StatusCode != 400 && a.StatusCode != 200 || len(page.Items) > 0 {
							t.Errorf("%s %s?%s: %d %s", op.Method, path, query, a.StatusCode, a.body)
						}
					}
				}
			}
		}
		if tried < 200 {
			t.Errorf("only %d attacks were tried", tried)
		}
	}, withRogue(t))
}

// TestMassAssignment: what a body does not declare is refused, with its place, in
// every object of every body.
func TestMassAssignment(t *testing.T) {
	w := newWorld(t, withRogue(t), withSite(t))
	for op, example := range bodied(w, examples(t, w)) {
		r := example()
		declared := map[string]bool{}
		for i := range reflect.TypeOf(op.Body).NumField() {
			name, _, _ := strings.Cut(reflect.TypeOf(op.Body).Field(i).Tag.Get("json"), ",")
			declared[name] = true
		}
		var tree any
		w.must(json.Unmarshal([]byte(r.body), &tree))
		for _, place := range places(tree, "", false) {
			for _, member := range []string{"grants", "state", "author", "identities", "id", "erased", "live", "$set", "__proto__", "Name"} {
				if place == "" && declared[member] || place == "/fields" && slices.ContainsFunc(w.server.schemas.Types(), func(t *schemas.Type) bool {
					_, ok := t.Field(member) // an article's byline is called author
					return ok
				}) {
					continue
				}
				body := altered(t, r.body, place, func(v any) any {
					v.(map[string]any)[member] = "administrator"
					return v
				})
				a := w.send(r.who, op.Method, r.path, body, r.headers...)
				if a.StatusCode != 422 {
					t.Errorf("%s: %s: %d %s", op.ID, body, a.StatusCode, a.body)
					continue
				}
				var p Problem
				a.into(t, &p)
				if !says(p, pointer(place, member)) {
					t.Errorf("%s: %s: the answer does not say where: %s", op.ID, body, a.body)
				}
			}
		}
	}
}

// TestLinesEndNoHeader: what callers send never comes back as a header of its
// own, nor inside one.
func TestLinesEndNoHeader(t *testing.T) {
	w := newWorld(t, withRogue(t), withSite(t))
	const evil = "x\r\nX-Evil: 1\r\n\r\n<script>"
	calls := examples(t, w)
	look := func(op *operation, a answered) {
		t.Helper()
		if a.StatusCode >= 500 {
			t.Errorf("%s: %d %s", op.ID, a.StatusCode, a.body)
		}
		for name, values := range a.Header {
			if strings.Contains(strings.ToLower(name+strings.Join(values, " ")), "evil") {
				t.Errorf("%s: the answer's head has %s: %q", op.ID, name, values)
			}
		}
	}
	for op, example := range bodied(w, calls) {
		var tree any
		w.must(json.Unmarshal([]byte(example().body), &tree))
		for _, place := range places(tree, "", true) {
			r := example() // what is taken has changed something: begin anew
			body := altered(t, r.body, place, func(any) any { return evil })
			look(op, w.send(r.who, op.Method, r.path, body, r.headers...))
		}
	}
	for _, op := range w.server.operations {
		if op.Access != signed || calls[op.ID] == nil {
			continue
		}
		r := calls[op.ID]()[0]
		path, _, _ := strings.Cut(r.path, "?")
		parts := strings.Split(path, "/")
		for i, part := range strings.Split(op.Route, "/") {
			if strings.HasPrefix(part, "{") {
				hostile := slices.Clone(parts)
				hostile[i] = url.PathEscape(evil)
				look(op, w.send(r.who, op.Method, strings.Join(hostile, "/"), r.body, r.headers...))
			}
		}
		for _, p := range op.Params {
			if p.In == "query" && op.Method == http.MethodGet {
				a := w.send(r.who, op.Method, path+"?"+p.Name+"="+url.QueryEscape(evil), "", r.headers...)
				look(op, a)
				if a.StatusCode != 400 {
					t.Errorf("%s: %s takes line ends: %d", op.ID, p.Name, a.StatusCode)
				}
			}
		}
	}
}
