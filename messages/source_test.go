package messages_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// use is what the source text tells of a code.
type use struct {
	where   string // one place
	main    bool   // the command line uses it
	problem bool   // it names a whole problem somewhere
	params  map[string]bool
}

// source is what the packages that use codes say in their source text: their
// lists of codes, and the codes that they really use. It is read without
// compiling, because an import could only show the lists, and would let the
// tests of the words depend on every engine of the house.
type source struct {
	consts map[string]map[string]string // package → constant → value
	funcs  map[string][]slot            // package.function → where it takes codes
	uses   map[string]*use
	lists  map[string][]string // package.variable → the codes it lists
	local  map[string][]string // variable of the function being read → keys of its map
}

// slot is a parameter of a function that takes a code.
type slot struct {
	at       int
	variadic bool     // names and values of parameters follow
	params   []string // that the function itself gives
}

// folders are read relative to the module.
var folders = []string{
	"schemas", "content", "content/workflow", "content/markdown", "content/markdown/citation",
	"audit", "media", "interchange", "interchange/hsds", "interchange/generators", "catalog", "search", "auth", "auth/oidc", "jobs", "freshness", "duplicates", "feeds", "partners", "webhooks", "site", "widgets", "site/publish", "api", "cmd/prassi",
}

func readSource(t *testing.T) *source {
	t.Helper()
	s := &source{consts: map[string]map[string]string{}, funcs: map[string][]slot{}, uses: map[string]*use{}, lists: map[string][]string{}}
	packages := map[string][]*ast.File{}
	fset := token.NewFileSet()
	for _, folder := range folders {
		names, err := filepath.Glob(filepath.Join("..", filepath.FromSlash(folder), "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join("..", filepath.FromSlash(folder))); err != nil {
			t.Fatalf("%v: correct the list of folders", err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(fset, name, nil, parser.ParseComments|parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			packages[f.Name.Name] = append(packages[f.Name.Name], f)
		}
	}
	for pkg, files := range packages {
		s.consts[pkg] = map[string]string{}
		for _, f := range files {
			s.declarations(pkg, f)
		}
	}
	// A constant that is another package's constant.
	for pkg, files := range packages {
		for _, f := range files {
			for _, d := range f.Decls {
				s.constants(pkg, d, fset)
			}
		}
	}
	for pkg, files := range packages {
		for _, f := range files {
			s.readLists(t, pkg, f)
			ast.Inspect(f, func(n ast.Node) bool { s.node(pkg, n, fset); return true })
		}
	}
	s.templates(t)
	return s
}

var (
	templateSays  = regexp.MustCompile(`\bt "([a-z0-9_]+)"([^{}]*)`)
	templateParam = regexp.MustCompile(`"([a-z_]+)"`)
)

// templates notes what the site's templates say: {{t "code" "parameter" value …}}.
func (s *source) templates(t *testing.T) {
	t.Helper()
	names, err := filepath.Glob("../site/theme/templates/*.html")
	if err != nil || len(names) == 0 {
		t.Fatalf("the templates of the site were not found (%v)", err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range templateSays.FindAllSubmatch(text, -1) {
			u := s.uses[string(m[1])]
			if u == nil {
				u = &use{where: name, params: map[string]bool{}}
				s.uses[string(m[1])] = u
			}
			for _, p := range templateParam.FindAllSubmatch(m[2], -1) {
				u.params[string(p[1])] = true
			}
		}
	}
}

// declarations notes string constants and the functions that take a code.
func (s *source) declarations(pkg string, f *ast.File) {
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				v, ok := spec.(*ast.ValueSpec)
				if !ok || d.Tok != token.CONST {
					continue
				}
				for i, name := range v.Names {
					if i < len(v.Values) {
						if text, ok := literal(v.Values[i]); ok {
							s.consts[pkg][name.Name] = text
						}
					}
				}
			}
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			key := pkg + "." + n.Name.Name
			if n.Recv != nil {
				key = method(pkg, n.Name.Name)
			}
			s.function(key, n.Type, n.Body)
		case *ast.AssignStmt: // name := func(…) {…}
			for i, r := range n.Rhs {
				l, ok := r.(*ast.FuncLit)
				if name, named := n.Lhs[min(i, len(n.Lhs)-1)].(*ast.Ident); ok && named {
					s.function(pkg+"."+name.Name, l.Type, l.Body)
				}
			}
		}
		return true
	})
}

// method is the key of every method of that name: receivers are not told apart.
func method(pkg, name string) string { return pkg + ".()." + name }

// function notes where a function takes codes, unless they are a diagnosis.
func (s *source) function(key string, typ *ast.FuncType, body *ast.BlockStmt) {
	diagnosis := false
	if body != nil {
		ast.Inspect(body, func(n ast.Node) bool {
			c, ok := n.(*ast.CompositeLit)
			diagnosis = diagnosis || ok && isDiagnosis(c.Type)
			return !diagnosis
		})
	}
	if diagnosis {
		return
	}
	at := 0
	var slots []slot
	for _, p := range typ.Params.List {
		_, variadic := p.Type.(*ast.Ellipsis)
		for _, name := range p.Names {
			if name.Name == "code" || name.Name == "what" {
				slots = append(slots, slot{at: at, params: paramsWith(name.Name, body)})
			}
			at++
		}
		if variadic {
			for i := range slots {
				slots[i].variadic = true
			}
		}
	}
	for _, x := range slots {
		if !slices.ContainsFunc(s.funcs[key], func(y slot) bool { return x.at == y.at && x.variadic == y.variadic && slices.Equal(x.params, y.params) }) {
			s.funcs[key] = append(s.funcs[key], x)
		}
	}
}

// constants notes the codes that constants name, whose comments name the
// parameters: "// max, actual, unit: characters, bytes".
func (s *source) constants(pkg string, d ast.Decl, fset *token.FileSet) {
	g, ok := d.(*ast.GenDecl)
	if !ok || g.Tok != token.CONST {
		return
	}
	for _, spec := range g.Specs {
		v, ok := spec.(*ast.ValueSpec)
		if !ok || len(v.Names) != 1 || len(v.Values) != 1 {
			continue
		}
		name := v.Names[0].Name
		rest, ok := strings.CutPrefix(strings.ToLower(name[:1])+name[1:], "code")
		code, known := s.text(pkg, v.Values[0])
		if !ok || !known || rest == "" || rest[:1] == strings.ToLower(rest[:1]) {
			continue
		}
		s.consts[pkg][name] = code
		u := s.use(pkg, code, fset, v)
		for _, part := range strings.FieldsFunc(v.Comment.Text(), func(r rune) bool { return r == ',' || r == ';' || r == '(' || r == ')' }) {
			part, _, _ = strings.Cut(part, ":")
			if part = strings.TrimSpace(part); part != "" && !strings.ContainsAny(part, " -/") {
				u.params[part] = true
			}
		}
	}
}

// readLists reads the variables Codes, IssueCodes and those whose names end so,
// which must be written out. Codes may put several lists together.
func (s *source) readLists(t *testing.T, pkg string, f *ast.File) {
	t.Helper()
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.VAR {
			continue
		}
		for _, spec := range g.Specs {
			v := spec.(*ast.ValueSpec)
			if !strings.HasSuffix(v.Names[0].Name, "Codes") {
				continue
			}
			name := pkg + "." + v.Names[0].Name
			var c *ast.CompositeLit
			if len(v.Values) == 1 {
				value := v.Values[0]
				if call, ok := value.(*ast.CallExpr); ok && len(call.Args) > 0 { // slices.Concat([]string{…}, otherCodes)
					value = call.Args[0]
				}
				c, _ = value.(*ast.CompositeLit)
			}
			if c == nil {
				t.Errorf("%s is not a list that is written out", name)
				continue
			}
			for _, e := range c.Elts {
				code, ok := s.text(pkg, e)
				if !ok {
					t.Errorf("%s: entry %d is neither text nor a constant", name, len(s.lists[name]))
				}
				s.lists[name] = append(s.lists[name], code)
			}
		}
	}
}

func (s *source) node(pkg string, n ast.Node, fset *token.FileSet) {
	switch n := n.(type) {
	case *ast.CompositeLit:
		var code string
		var params []string
		for _, e := range n.Elts {
			kv, ok := e.(*ast.KeyValueExpr)
			if !ok {
				continue
			}
			switch key, _ := kv.Key.(*ast.Ident); {
			case key == nil:
			case key.Name == "Code":
				code, _ = s.text(pkg, kv.Value)
			case key.Name == "Params":
				params = s.keys(kv.Value)
			}
		}
		if code != "" && !isDiagnosis(n.Type) {
			u := s.use(pkg, code, fset, n)
			u.add(params)
			u.problem = u.problem || isProblem(n.Type)
		}
	case *ast.CallExpr:
		var slots []slot
		switch f := n.Fun.(type) {
		case *ast.Ident:
			slots = s.funcs[pkg+"."+f.Name]
		case *ast.SelectorExpr:
			slots = s.funcs[method(pkg, f.Sel.Name)]
			if x, ok := f.X.(*ast.Ident); ok && s.consts[x.Name] != nil {
				slots = s.funcs[x.Name+"."+f.Sel.Name]
			}
		}
		for _, slot := range slots {
			if slot.at >= len(n.Args) {
				continue
			}
			code, ok := s.text(pkg, n.Args[slot.at])
			if !ok || code == "" || strings.Trim(code, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
				continue
			}
			u := s.use(pkg, code, fset, n)
			u.add(slot.params)
			for i, a := range n.Args[slot.at+1:] {
				u.add(s.keys(a))
				if name, ok := literal(a); ok && slot.variadic && i%2 == 0 {
					u.params[name] = true
				}
			}
		}
	case *ast.FuncDecl:
		s.local = localMaps(n.Body)
		ast.Inspect(n, func(a ast.Node) bool {
			if a, ok := a.(*ast.AssignStmt); ok {
				for i, l := range a.Lhs {
					if name, ok := l.(*ast.Ident); ok && name.Name == "code" && len(a.Lhs) == len(a.Rhs) {
						if code, ok := s.text(pkg, a.Rhs[i]); ok && code != "" {
							s.use(pkg, code, fset, a).add(paramsWith("code", n.Body))
						}
					}
				}
			}
			return true
		})
	}
}

// paramsWith gives the names of the parameters that a function gives with the
// code that the variable holds.
func paramsWith(variable string, body *ast.BlockStmt) []string {
	var out []string
	is := func(e ast.Expr) bool {
		name, ok := e.(*ast.Ident)
		return ok && name.Name == variable
	}
	if body == nil {
		return nil
	}
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if slices.ContainsFunc(n.Args, is) {
				for _, a := range n.Args {
					out = append(out, mapKeys(a)...)
				}
			}
		case *ast.CompositeLit:
			var params []string
			with := false
			for _, e := range n.Elts {
				if kv, ok := e.(*ast.KeyValueExpr); ok {
					key, _ := kv.Key.(*ast.Ident)
					with = with || key != nil && key.Name == "Code" && is(kv.Value)
					params = append(params, mapKeys(kv.Value)...)
				}
			}
			if with {
				out = append(out, params...)
			}
		}
		return true
	})
	return out
}

func (s *source) use(pkg, code string, fset *token.FileSet, n ast.Node) *use {
	u := s.uses[code]
	if u == nil {
		u = &use{where: fset.Position(n.Pos()).String(), params: map[string]bool{}}
		s.uses[code] = u
	}
	u.main = u.main || pkg == "main"
	return u
}

func (u *use) add(params []string) {
	for _, p := range params {
		u.params[p] = true
	}
}

// text gives the string that an expression is, if it is written out.
func (s *source) text(pkg string, e ast.Expr) (string, bool) {
	if text, ok := literal(e); ok {
		return text, true
	}
	switch e := e.(type) {
	case *ast.Ident:
		text, ok := s.consts[pkg][e.Name]
		return text, ok
	case *ast.SelectorExpr:
		if x, ok := e.X.(*ast.Ident); ok {
			text, ok := s.consts[x.Name][e.Sel.Name]
			return text, ok
		}
	}
	return "", false
}

func literal(e ast.Expr) (string, bool) {
	l, ok := e.(*ast.BasicLit)
	if !ok || l.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(l.Value)
	return text, err == nil
}

// keys gives the keys of a map that is written out, here or in a variable.
func (s *source) keys(e ast.Expr) []string {
	if name, ok := e.(*ast.Ident); ok {
		return s.local[name.Name]
	}
	return mapKeys(e)
}

// localMaps gives the keys that a function puts into maps that variables hold.
func localMaps(body *ast.BlockStmt) map[string][]string {
	out := map[string][]string{}
	if body == nil {
		return out
	}
	ast.Inspect(body, func(n ast.Node) bool {
		a, ok := n.(*ast.AssignStmt)
		if !ok || len(a.Lhs) != len(a.Rhs) {
			return true
		}
		for i, l := range a.Lhs {
			switch l := l.(type) {
			case *ast.Ident:
				out[l.Name] = append(out[l.Name], mapKeys(a.Rhs[i])...)
			case *ast.IndexExpr:
				name, ok := l.X.(*ast.Ident)
				if key, isText := literal(l.Index); ok && isText {
					out[name.Name] = append(out[name.Name], key)
				}
			}
		}
		return true
	})
	return out
}

// mapKeys gives the keys of a map that is written out.
func mapKeys(e ast.Expr) []string {
	c, ok := e.(*ast.CompositeLit)
	if !ok {
		return nil
	}
	if _, ok := c.Type.(*ast.MapType); !ok {
		return nil
	}
	var out []string
	for _, e := range c.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			if key, ok := literal(kv.Key); ok {
				out = append(out, key)
			}
		}
	}
	return out
}

// isDiagnosis reports whether a type is one of what "prassi verify" finds. Its
// codes go with technical notes to whoever repairs the store, not into sentences.
func isDiagnosis(e ast.Expr) bool {
	if sel, ok := e.(*ast.SelectorExpr); ok {
		e = sel.Sel
	}
	name, ok := e.(*ast.Ident)
	return ok && (name.Name == "Fault" || name.Name == "Discrepancy")
}

// isProblem reports whether a type is Problem, content.Problem or a pointer to it.
func isProblem(e ast.Expr) bool {
	if star, ok := e.(*ast.StarExpr); ok {
		e = star.X
	}
	if sel, ok := e.(*ast.SelectorExpr); ok {
		x, _ := sel.X.(*ast.Ident)
		return x != nil && x.Name == "content" && sel.Sel.Name == "Problem"
	}
	name, ok := e.(*ast.Ident)
	return ok && name.Name == "Problem"
}

// The reader of source text finds what it is meant to find.
func TestSourceReader(t *testing.T) {
	const text = `package sample
import "example.org/schemas"
const (
	CodeA = "a_code" // max, actual: something; other (in words)
	codeB = schemas.CodeX // none; errors say what
	notIt = "not_a_code"
	codec = "neither"
)
func wrong(code, path, what string, params map[string]any) *content.Problem { return nil }
func faultAt(at place, code string, pairs ...any) *fault { return nil }
func (r *report) fault(code string) { r.found = append(r.found, Fault{Code: code}) }
func (b *bad) add(code, path string) { b.value(code) }
func echo(code string) Issue { return Issue{Code: code, Params: map[string]any{"v": 1}} }
var Codes = []string{CodeA, "c_code"}
func f() {
	params := map[string]any{"p": 1}
	params["p2"] = 2
	_ = Problem{Code: "c_code", Params: params}
	_ = []Issue{{Code: codeB, Params: map[string]any{"q": 1}}}
	_ = wrong("d_code", "/x", "e_code", map[string]any{"r": 1})
	_ = faultAt(place{}, CodeA, "s", 1, "t", "u")
	code := "f_code"
	code, other = "g_code", 1
	say(code, map[string]any{"w": 1})
	_ = echo("h_code")
	add := func(path, code string) { _ = Issue{Code: code} }
	add("i_path", "i_code")
	bad.add("j_code", "j_path")
	r.fault("k_fault")
	_ = catalog.Discrepancy{Code: "l_fault"}
}
`
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, "sample.go", text, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	s := &source{consts: map[string]map[string]string{"schemas": {"CodeX": "x_code"}, "sample": {}}, funcs: map[string][]slot{}, uses: map[string]*use{}, lists: map[string][]string{}}
	s.declarations("sample", f)
	for _, d := range f.Decls {
		s.constants("sample", d, fset)
	}
	s.readLists(t, "sample", f)
	ast.Inspect(f, func(n ast.Node) bool { s.node("sample", n, fset); return true })
	if got := s.lists["sample.Codes"]; !slices.Equal(got, []string{"a_code", "c_code"}) {
		t.Errorf("the list is %q", got)
	}
	want := map[string][]string{
		"a_code": {"actual", "max", "other", "s", "t"}, "x_code": {"none", "q"}, "c_code": {"p", "p2"},
		"d_code": {"r"}, "e_code": {"r"}, "f_code": {"w"}, "g_code": {"w"}, "h_code": {"v"}, "i_code": nil, "j_code": nil,
	}
	for code, params := range want {
		u := s.uses[code]
		if u == nil {
			t.Errorf("%s was not found", code)
			continue
		}
		for p := range u.params {
			if !slices.Contains(params, p) {
				t.Errorf("%s: parameter %q", code, p)
			}
		}
		for _, p := range params {
			if !u.params[p] {
				t.Errorf("%s: parameter %q was not found", code, p)
			}
		}
		if got, want := u.problem, code == "c_code"; got != want {
			t.Errorf("%s is a problem: %v, want %v", code, got, want)
		}
	}
	for code := range s.uses {
		if _, ok := want[code]; !ok {
			t.Errorf("%s is no code", code)
		}
	}
}
