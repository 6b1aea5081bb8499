package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/schemas"
)

// maxDepth bounds how deep a JSON body nests; content nests four levels.
const maxDepth = 32

// maxErrors bounds the errors of one answer.
const maxErrors = 100

// decode reads a JSON body into the struct that into points at. Its json tags
// name the keys; a key without omitempty must be there; minimum, maximum and
// maxLength tags bound values: the same tags from which the OpenAPI document is
// made.
func (s *Server) decode(r *http.Request, into any) error {
	data, err := readBody(r, s.limits.Body, "application/json", "application/merge-patch+json")
	if err != nil {
		return err
	}
	tree, err := parseJSON(data)
	if err != nil {
		return err
	}
	return bind(tree, into)
}

// readBody reads a body of one of the media types, up to a number of bytes. What
// announces itself as larger is refused unread.
func readBody(r *http.Request, limit int64, types ...string) ([]byte, error) {
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset := params["charset"]
	if err != nil || !slices.Contains(types, media) || charset != "" && !strings.EqualFold(charset, "utf-8") || r.Header.Get("Content-Encoding") != "" {
		return nil, &content.Problem{Class: content.Invalid, Code: codeMediaType, Params: map[string]any{"expected": types[0]}}
	}
	tooLarge := &content.Problem{Class: content.TooLarge, Code: codeBodyTooLarge, Params: map[string]any{"max": limit}}
	if r.ContentLength > limit {
		return nil, tooLarge
	}
	var buf bytes.Buffer
	if r.ContentLength > 0 {
		buf.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	if _, err := buf.ReadFrom(io.LimitReader(r.Body, limit+1)); err != nil {
		var timeout net.Error
		if errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout() {
			return nil, &content.Problem{Class: content.Invalid, Code: codeTimeout, Err: err}
		}
		return nil, &content.Problem{Class: content.Invalid, Code: codeMalformedJSON, Params: map[string]any{"offset": buf.Len()}, Err: err}
	}
	if int64(buf.Len()) > limit {
		return nil, tooLarge
	}
	return buf.Bytes(), nil
}

// parseJSON reads one JSON text (RFC 8259) into maps, slices, strings, float64,
// bool and nil. It refuses what encoding/json would mend or pass over without a
// word: invalid UTF-8, lone surrogates, keys that come twice, deep nesting.
func parseJSON(data []byte) (any, error) {
	if at := invalidText(data); at >= 0 {
		return nil, &content.Problem{Class: content.Invalid, Code: codeInvalidUTF8, Params: map[string]any{"offset": at}}
	}
	p := &parser{dec: json.NewDecoder(bytes.NewReader(data))}
	p.dec.UseNumber()
	tree, err := p.value("", 0)
	if err != nil {
		return nil, err
	}
	if _, err := p.dec.Token(); !errors.Is(err, io.EOF) {
		return nil, p.malformed(err)
	}
	return tree, nil
}

// invalidText gives the offset of the first byte that is not UTF-8 or of the
// first escape of a lone surrogate, and -1 when there is none.
func invalidText(data []byte) int {
	for i := 0; i < len(data); {
		switch {
		case data[i] == '\\':
			r, n := escapeAt(data[i:])
			if utf16.IsSurrogate(r) {
				low, m := escapeAt(data[i+n:])
				if utf16.DecodeRune(r, low) == utf8.RuneError {
					return i
				}
				n += m
			}
			i += n
		case data[i] < utf8.RuneSelf:
			i++
		default:
			r, n := utf8.DecodeRune(data[i:])
			if r == utf8.RuneError && n <= 1 {
				return i
			}
			i += n
		}
	}
	return -1
}

// escapeAt reads a \uXXXX escape at the start of data and says how long it is;
// any other escape is two bytes that mean nothing here.
func escapeAt(data []byte) (rune, int) {
	if len(data) < 6 || data[0] != '\\' || data[1] != 'u' {
		return 0, min(2, len(data))
	}
	n, err := strconv.ParseUint(string(data[2:6]), 16, 16)
	if err != nil {
		return 0, 2
	}
	return rune(n), 6
}

// parser builds a tree from the tokens of a decoder.
type parser struct{ dec *json.Decoder }

func (p *parser) malformed(err error) error {
	return &content.Problem{Class: content.Invalid, Code: codeMalformedJSON, Params: map[string]any{"offset": p.dec.InputOffset()}, Err: err}
}

func (p *parser) value(path string, depth int) (any, error) {
	t, err := p.dec.Token()
	if err != nil {
		return nil, p.malformed(err)
	}
	switch t := t.(type) {
	case json.Delim:
		if depth == maxDepth {
			return nil, &content.Problem{Class: content.Invalid, Code: codeTooDeep, Params: map[string]any{"max": maxDepth}}
		}
		if t == '{' {
			return p.object(path, depth)
		}
		return p.list(path, depth)
	case json.Number:
		f, err := strconv.ParseFloat(string(t), 64)
		if err != nil {
			return nil, invalid(codeInvalidBody, path, schemas.CodeNotANumber, map[string]any{"value": echo(string(t))})
		}
		return f, nil
	}
	return t, nil // string, bool, nil
}

func (p *parser) object(path string, depth int) (any, error) {
	out := map[string]any{}
	for p.dec.More() {
		t, err := p.dec.Token()
		key, ok := t.(string)
		if err != nil || !ok {
			return nil, p.malformed(err)
		}
		at := pointer(path, echo(key))
		if _, twice := out[key]; twice {
			return nil, invalid(codeDuplicateKey, at, codeDuplicateKey, map[string]any{"key": echo(key)})
		}
		if out[key], err = p.value(at, depth+1); err != nil {
			return nil, err
		}
	}
	return out, p.close()
}

func (p *parser) list(path string, depth int) (any, error) {
	out := []any{}
	for p.dec.More() {
		v, err := p.value(path+"/"+strconv.Itoa(len(out)), depth+1)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, p.close()
}

func (p *parser) close() error {
	if _, err := p.dec.Token(); err != nil {
		return p.malformed(err)
	}
	return nil
}

// bind copies a tree into a struct and says all that does not fit.
func bind(tree any, into any) error {
	b := &binder{}
	b.bind("", tree, reflect.ValueOf(into).Elem(), "")
	if len(b.issues) == 0 {
		return nil
	}
	if len(b.issues) > maxErrors {
		b.issues = append(b.issues[:maxErrors], schemas.Issue{Code: schemas.CodeTooManyIssues, Params: map[string]any{"max": maxErrors}})
	}
	return &content.Problem{Class: content.Invalid, Code: codeInvalidBody, Fields: b.issues}
}

type binder struct{ issues []schemas.Issue }

func (b *binder) refuse(path, code string, params map[string]any) {
	b.issues = append(b.issues, schemas.Issue{Path: path, Code: code, Params: params})
}

// bind fits one value of the tree into one field; tag holds the field's bounds.
func (b *binder) bind(path string, v any, to reflect.Value, tag reflect.StructTag) {
	wrong := func(expected string) {
		b.refuse(path, schemas.CodeWrongType, map[string]any{"expected": expected})
	}
	switch to.Kind() {
	case reflect.Struct:
		if m, ok := v.(map[string]any); ok {
			b.fields(path, m, to)
			return
		}
		wrong("object")
	case reflect.String:
		s, ok := v.(string)
		if !ok {
			wrong("text")
			return
		}
		if most, err := strconv.Atoi(tag.Get("maxLength")); err == nil && utf8.RuneCountInString(s) > most {
			b.refuse(path, schemas.CodeTooLong, map[string]any{"max": most, "actual": utf8.RuneCountInString(s), "unit": "characters"})
			return
		}
		to.SetString(s)
	case reflect.Bool:
		t, ok := v.(bool)
		if !ok {
			wrong("boolean")
			return
		}
		to.SetBool(t)
	case reflect.Int32, reflect.Int64, reflect.Int:
		b.integer(path, v, to, tag)
	case reflect.Slice:
		list, ok := v.([]any)
		if !ok {
			wrong("list")
			return
		}
		out := reflect.MakeSlice(to.Type(), len(list), len(list))
		for i, item := range list {
			b.bind(path+"/"+strconv.Itoa(i), item, out.Index(i), tag)
		}
		to.Set(out)
	case reflect.Pointer: // to tell what was left out from what is empty
		p := reflect.New(to.Type().Elem())
		b.bind(path, v, p.Elem(), tag)
		to.Set(p)
	case reflect.Map: // only map[string]any: the fields of a document
		m, ok := v.(map[string]any)
		if !ok {
			wrong("object")
			return
		}
		to.Set(reflect.ValueOf(m))
	default:
		panic("api: a body cannot hold a " + to.Type().String())
	}
}

func (b *binder) integer(path string, v any, to reflect.Value, tag reflect.StructTag) {
	f, ok := v.(float64)
	if !ok {
		b.refuse(path, schemas.CodeWrongType, map[string]any{"expected": "number"})
		return
	}
	low, err1 := strconv.ParseFloat(tag.Get("minimum"), 64)
	high, err2 := strconv.ParseFloat(tag.Get("maximum"), 64)
	switch {
	case f != float64(int64(f)):
		b.refuse(path, schemas.CodeNotAnInteger, map[string]any{"value": strconv.FormatFloat(f, 'g', -1, 64)})
	case err1 == nil && f < low || err2 == nil && f > high || to.OverflowInt(int64(f)):
		b.refuse(path, schemas.CodeOutOfRange, map[string]any{"min": low, "max": high})
	default:
		to.SetInt(int64(f))
	}
}

// fields fits an object into a struct: every key must be one of the struct's,
// letter by letter, and every key without omitempty must be there.
func (b *binder) fields(path string, m map[string]any, to reflect.Value) {
	known := map[string]bool{}
	for i := range to.NumField() {
		f := to.Type().Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		known[name] = true
		v, given := m[name]
		switch {
		case given:
			b.bind(pointer(path, name), v, to.Field(i), f.Tag)
		case !strings.Contains(options, "omitempty"):
			b.refuse(pointer(path, name), schemas.CodeRequired, map[string]any{"field": name})
		}
	}
	for _, key := range sortedKeys(m) {
		if !known[key] {
			b.refuse(pointer(path, echo(key)), schemas.CodeUnknownKey, map[string]any{"key": echo(key)})
		}
	}
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
