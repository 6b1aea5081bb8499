package api

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/prassi-cms/prassi/content"
)

func TestParseJSONRefuses(t *testing.T) {
	for body, want := range map[string]struct{ code, path string }{
		``:                                {codeMalformedJSON, ""},
		`{`:                               {codeMalformedJSON, ""},
		`{"a":1}x`:                        {codeMalformedJSON, ""},
		`{"a":1}{}`:                       {codeMalformedJSON, ""},
		`{'a':1}`:                         {codeMalformedJSON, ""},
		`{"a":01}`:                        {codeMalformedJSON, ""},
		`{"a":NaN}`:                       {codeMalformedJSON, ""},
		"{\"a\":\"\n\"}":                  {codeMalformedJSON, ""},
		"\ufeff{}":                        {codeMalformedJSON, ""},
		`[1,]`:                            {codeMalformedJSON, ""},
		"{\"a\":\"\xff\"}":                {codeInvalidUTF8, ""},
		"{\"a\":\"\xed\xa0\x80\"}":        {codeInvalidUTF8, ""}, // a surrogate in UTF-8
		"{\"\xc0\xaf\":1}":                {codeInvalidUTF8, ""},
		`{"a":"\ud800"}`:                  {codeInvalidUTF8, ""},
		`{"a":"\ud800\u0041"}`:            {codeInvalidUTF8, ""},
		`{"a":"\udc00\ud800"}`:            {codeInvalidUTF8, ""},
		`{"a":"\uD800x"}`:                 {codeInvalidUTF8, ""},
		`{"\udfff":1}`:                    {codeInvalidUTF8, ""},
		`{"a":1,"a":2}`:                   {codeDuplicateKey, "/a"},
		`{"a":{"b/c":1,"b/c":2}}`:         {codeDuplicateKey, "/a/b~1c"},
		`{"a":1,"\u0061":2}`:              {codeDuplicateKey, "/a"},
		`[[{"x~":1,"x~":1}]]`:             {codeDuplicateKey, "/0/0/x~0"},
		`{"a":1e999}`:                     {codeInvalidBody, "/a"},
		strings.Repeat("[", 33):           {codeTooDeep, ""},
		strings.Repeat(`{"a":`, 40) + "1": {codeTooDeep, ""},
		strings.Repeat("[", 5_000_000):    {codeTooDeep, ""},
	} {
		_, err := parseJSON([]byte(body))
		p := content.AsProblem(err)
		if p == nil || p.Code != want.code {
			t.Errorf("%.60q: %v, want %s", body, err, want.code)
			continue
		}
		if want.path != "" && p.Fields[0].Path != want.path {
			t.Errorf("%.60q: path %q, want %q", body, p.Fields[0].Path, want.path)
		}
	}
	for _, body := range []string{`{"a":"\ud83d\ude00"}`, `{"a":"\\ud800"}`, `{"a":"\u0000"}`, `{"A":1,"a":2}`, strings.Repeat("[", 32) + strings.Repeat("]", 32), "  {} \n"} {
		if _, err := parseJSON([]byte(body)); err != nil {
			t.Errorf("%q: %v", body, err)
		}
	}
}

// TestParseJSONAgrees: what is taken is read as encoding/json reads it.
func TestParseJSONAgrees(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var tree func(depth int) *rapid.Generator[any]
		tree = func(depth int) *rapid.Generator[any] {
			text := rapid.Custom(func(t *rapid.T) any { return rapid.String().Draw(t, "s") })
			number := rapid.Custom(func(t *rapid.T) any { return rapid.Float64Range(-1e15, 1e15).Draw(t, "f") })
			if depth == 0 {
				return rapid.OneOf(text, number)
			}
			return rapid.OneOf(text, number,
				rapid.Custom(func(t *rapid.T) any { return rapid.SliceOfN(tree(depth-1), 0, 4).Draw(t, "l") }),
				rapid.Custom(func(t *rapid.T) any { return rapid.MapOfN(rapid.String(), tree(depth-1), 0, 4).Draw(t, "m") }))
		}
		want := tree(3).Draw(t, "tree")
		data, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := parseJSON(data)
		if err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		again, err := json.Marshal(got)
		if err != nil || !bytes.Equal(again, data) {
			t.Fatalf("%s became %s (%v)", data, again, err)
		}
	})
}

func TestBindSaysAllThatDoesNotFit(t *testing.T) {
	tree, err := parseJSON([]byte(`{"name":7,"Grants":["editor"],"days":1.5,"extra":{}}`))
	if err != nil {
		t.Fatal(err)
	}
	var in NewToken
	p := content.AsProblem(bind(tree, &in))
	got := map[string]string{}
	for _, f := range p.Fields {
		got[f.Path] = f.Code
	}
	want := map[string]string{"/name": "wrong_type", "/grants": "required", "/days": "not_an_integer", "/extra": "unknown_key", "/Grants": "unknown_key"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	for body, want := range map[string]string{
		`{"name":"x","grants":[1]}`:                               "/grants/0 wrong_type",
		`{"name":"x","grants":"editor"}`:                          "/grants wrong_type",
		`{"name":"x","grants":[],"days":0}`:                       "/days out_of_range",
		`{"name":"x","grants":[],"days":1e300}`:                   "/days not_an_integer",
		`{"name":"x","grants":[],"days":null}`:                    "/days wrong_type",
		`{"name":"` + strings.Repeat("à", 101) + `","grants":[]}`: "/name too_long",
		`[]`:   " wrong_type",
		`null`: " wrong_type",
		`{"name":"x","grants":[],"` + strings.Repeat("k", 500) + `":1}`: "/" + strings.Repeat("k", 79) + "… unknown_key",
	} {
		tree, err := parseJSON([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		p := content.AsProblem(bind(tree, new(NewToken)))
		if p == nil || len(p.Fields) != 1 || p.Fields[0].Path+" "+p.Fields[0].Code != want {
			t.Errorf("%.80s: %+v, want %s", body, p, want)
		}
	}
}

// FuzzParseJSON: nothing panics; what is taken is valid JSON and valid UTF-8 that
// encoding/json reads alike.
func FuzzParseJSON(f *testing.F) {
	for _, s := range []string{`{"a":[1,"\ud83d\ude00",null,true,{}]}`, `{"a":1,"a":2}`, `"\ud800"`, "\"\xff\"", `[[[[`, `{"a":1e5}`, `0`, ``} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		tree, err := parseJSON(data)
		if err != nil {
			if p := content.AsProblem(err); p.Class != content.Invalid {
				t.Fatalf("%v is not the input's fault", err)
			}
			return
		}
		if !json.Valid(data) || !utf8.Valid(data) {
			t.Fatalf("took %q", data)
		}
		var want any
		if err := json.Unmarshal(data, &want); err != nil || !reflect.DeepEqual(tree, want) {
			t.Fatalf("%q: %#v, encoding/json has %#v (%v)", data, tree, want, err)
		}
		for _, into := range []any{new(NewDocument), new(Edit), new(Step), new(NewToken), new(Preview)} {
			_ = bind(tree, into)
		}
	})
}
