package site

import (
	"bytes"
	"errors"
	"html/template"
	"io"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"text/template/parse"
	"time"
)

// html/template makes templates safe by writing escapers into their trees, which
// text/template then executes, with reflection for every call and every field. Most
// of the time of a build was spent there. fast executes such a tree, after
// html/template has made it safe, and does directly what templates do most.
//
// It knows a part of the language. Whatever else it meets, an error included, makes
// it give up: what it wrote is taken back, and html/template makes the page. That
// both write the same bytes is tested for every page of the example.
type fast struct {
	once  sync.Once
	from  *template.Template
	root  *parse.ListNode
	parts map[string]*parse.ListNode
	funcs template.FuncMap
}

// errSlow says that there is something that only html/template knows.
var errSlow = errors.New("site: only html/template knows")

// prepare has the template and those that it includes made safe.
func (f *fast) prepare() {
	_ = f.from.Execute(io.Discard, nothing{}) // fails at its first field, after that
	f.parts = map[string]*parse.ListNode{}
	for _, x := range f.from.Templates() {
		if x.Tree != nil {
			f.parts[x.Name()] = x.Tree.Root
		}
	}
	if f.from.Tree != nil {
		f.root = f.from.Tree.Root
	}
}

// execute appends the page to b, or leaves it as it is and answers false.
func (f *fast) execute(b *bytes.Buffer, data any) bool {
	if f == nil {
		return false
	}
	if f.once.Do(f.prepare); f.root == nil {
		return false
	}
	at := b.Len()
	x := &execution{fast: f, b: b}
	dot := reflect.ValueOf(data)
	x.vars = append(x.room[:0], variable{"$", dot})
	if err := x.list(f.root, dot); err != nil {
		b.Truncate(at)
		return false
	}
	return true
}

type variable struct {
	name  string
	value reflect.Value
}

type execution struct {
	*fast
	b    *bytes.Buffer
	vars []variable
	room [16]variable
	deep int
}

// maxDeep bounds templates that include each other.
const maxDeep = 100

func (x *execution) list(l *parse.ListNode, dot reflect.Value) error {
	if l == nil {
		return nil
	}
	for _, n := range l.Nodes {
		if err := x.node(n, dot); err != nil {
			return err
		}
	}
	return nil
}

func (x *execution) node(n parse.Node, dot reflect.Value) error {
	switch n := n.(type) {
	case *parse.TextNode:
		x.b.Write(n.Text)
		return nil
	case *parse.ActionNode:
		return x.action(n.Pipe, dot)
	case *parse.IfNode:
		return x.branch(&n.BranchNode, dot, false)
	case *parse.WithNode:
		return x.branch(&n.BranchNode, dot, true)
	case *parse.RangeNode:
		return x.loop(n, dot)
	case *parse.TemplateNode:
		return x.include(n, dot)
	case *parse.CommentNode:
		return nil
	}
	return errSlow
}

// action writes a value through its escapers, or sets a variable.
func (x *execution) action(p *parse.PipeNode, dot reflect.Value) error {
	v, err := x.command(p.Cmds[0], dot)
	if err != nil {
		return err
	}
	if len(p.Decl) > 0 {
		if len(p.Decl) != 1 || len(p.Cmds) != 1 {
			return errSlow
		}
		if p.IsAssign {
			for i := len(x.vars) - 1; i >= 0; i-- {
				if x.vars[i].name == p.Decl[0].Ident[0] {
					x.vars[i].value = v
					return nil
				}
			}
			return errSlow
		}
		x.vars = append(x.vars, variable{p.Decl[0].Ident[0], v})
		return nil
	}
	if len(p.Cmds) == 1 {
		return errSlow // without an escaper there is nothing that should be written
	}
	s, typ, ok := plain(v)
	if !ok {
		return errSlow
	}
	for _, c := range p.Cmds[1:] {
		name, ok := c.Args[0].(*parse.IdentifierNode)
		if !ok || len(c.Args) != 1 {
			return errSlow
		}
		switch name.Ident {
		case "_html_template_htmlescaper":
			if typ == typeHTML {
				x.b.WriteString(s)
			} else {
				x.escape(s)
			}
			if c != p.Cmds[len(p.Cmds)-1] {
				return errSlow
			}
			return nil
		case "_html_template_attrescaper", "_html_template_rcdataescaper":
			if typ == typeHTML || c != p.Cmds[len(p.Cmds)-1] {
				return errSlow
			}
			x.escape(s)
			return nil
		case "_html_template_urlfilter":
			if typ != typeURL {
				if scheme, _, ok := strings.Cut(s, ":"); ok && !strings.Contains(scheme, "/") && scheme != "https" && scheme != "http" && scheme != "mailto" {
					return errSlow
				}
			}
			typ = nil
		case "_html_template_urlnormalizer":
			if !only(s, "!#$&*+,/:;=?@[]-._~") {
				return errSlow
			}
			typ = nil
		case "_html_template_urlescaper":
			if !only(s, "-._~") {
				return errSlow
			}
			typ = nil
		case "_html_template_srcsetescaper":
			if typ != typeSrcset && s != "" {
				return errSlow
			}
			typ = nil
		case "_html_template_htmlnamefilter":
			if typ != typeAttr || c != p.Cmds[len(p.Cmds)-1] {
				return errSlow
			}
			x.b.WriteString(s)
			return nil
		default:
			return errSlow
		}
	}
	return errSlow
}

var (
	typeHTML   = reflect.TypeFor[template.HTML]()
	typeURL    = reflect.TypeFor[template.URL]()
	typeSrcset = reflect.TypeFor[template.Srcset]()
	typeAttr   = reflect.TypeFor[template.HTMLAttr]()
	typeString = reflect.TypeFor[string]()
)

// plain is a value as text with the type that escapers ask for; ok is false when
// only fmt knows how to write it.
func plain(v reflect.Value) (s string, typ reflect.Type, ok bool) {
	for v.Kind() == reflect.Interface && !v.IsNil() {
		v = v.Elem()
	}
	if !v.IsValid() {
		return "", nil, false
	}
	switch t := v.Type(); {
	case t == typeString:
		return v.String(), nil, true
	case t == typeHTML, t == typeURL, t == typeSrcset, t == typeAttr:
		return v.String(), t, true
	case t.NumMethod() > 0:
		return "", nil, false
	case t.Kind() == reflect.Int:
		return strconv.FormatInt(v.Int(), 10), nil, true
	case t.Kind() == reflect.Bool:
		return strconv.FormatBool(v.Bool()), nil, true
	}
	return "", nil, false
}

// escape writes a text as html/template's replacement table has it.
func (x *execution) escape(s string) {
	from := 0
	for i := range len(s) {
		var by string
		switch s[i] {
		case '"':
			by = "&#34;"
		case '&':
			by = "&amp;"
		case '\'':
			by = "&#39;"
		case '+':
			by = "&#43;"
		case '<':
			by = "&lt;"
		case '>':
			by = "&gt;"
		case 0:
			by = "\uFFFD"
		default:
			continue
		}
		x.b.WriteString(s[from:i])
		x.b.WriteString(by)
		from = i + 1
	}
	x.b.WriteString(s[from:])
}

// only reports that a text has letters and digits of ASCII and some other
// characters alone: escapers of addresses leave it as it is.
func only(s, others string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case strings.IndexByte(others, c) >= 0:
		default:
			return false
		}
	}
	return true
}

func (x *execution) branch(n *parse.BranchNode, dot reflect.Value, with bool) error {
	mark := len(x.vars)
	v, err := x.pipe(n.Pipe, dot)
	if err != nil {
		return err
	}
	switch {
	case !truth(v):
		err = x.list(n.ElseList, dot)
	case with:
		err = x.list(n.List, v)
	default:
		err = x.list(n.List, dot)
	}
	x.vars = x.vars[:mark]
	return err
}

// pipe evaluates a value that is not written; it may set one variable.
func (x *execution) pipe(p *parse.PipeNode, dot reflect.Value) (reflect.Value, error) {
	if p == nil || len(p.Cmds) != 1 || len(p.Decl) > 1 || p.IsAssign {
		return reflect.Value{}, errSlow
	}
	v, err := x.command(p.Cmds[0], dot)
	if err != nil {
		return v, err
	}
	if len(p.Decl) == 1 {
		x.vars = append(x.vars, variable{p.Decl[0].Ident[0], v})
	}
	return v, nil
}

func (x *execution) loop(n *parse.RangeNode, dot reflect.Value) error {
	if len(n.Pipe.Cmds) != 1 || len(n.Pipe.Decl) > 2 || n.Pipe.IsAssign {
		return errSlow
	}
	v, err := x.command(n.Pipe.Cmds[0], dot)
	if err != nil {
		return err
	}
	for v.Kind() == reflect.Interface && !v.IsNil() {
		v = v.Elem()
	}
	if v.Kind() != reflect.Slice {
		return errSlow
	}
	mark := len(x.vars)
	if v.Len() == 0 {
		err = x.list(n.ElseList, dot)
	}
	for i := 0; i < v.Len() && err == nil; i++ {
		e := v.Index(i)
		switch d := n.Pipe.Decl; len(d) {
		case 1:
			x.vars = append(x.vars[:mark], variable{d[0].Ident[0], e})
		case 2:
			x.vars = append(x.vars[:mark], variable{d[0].Ident[0], reflect.ValueOf(i)}, variable{d[1].Ident[0], e})
		}
		body := len(x.vars)
		err = x.list(n.List, e)
		x.vars = x.vars[:body]
	}
	x.vars = x.vars[:mark]
	return err
}

func (x *execution) include(n *parse.TemplateNode, dot reflect.Value) error {
	part, ok := x.parts[n.Name]
	if !ok || x.deep == maxDeep {
		return errSlow
	}
	var v reflect.Value
	if n.Pipe != nil {
		var err error
		if v, err = x.pipe(n.Pipe, dot); err != nil {
			return err
		}
	}
	was := x.vars
	x.vars = append(make([]variable, 0, 8), variable{"$", v})
	x.deep++
	err := x.list(part, v)
	x.deep--
	x.vars = was
	return err
}

// truth is that of text/template.
func truth(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Invalid:
		return false
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() > 0
	case reflect.Bool:
		return v.Bool()
	case reflect.Interface:
		return !v.IsNil() && truth(v.Elem())
	case reflect.Pointer, reflect.Func:
		return !v.IsNil()
	case reflect.Int, reflect.Int64:
		return v.Int() != 0
	case reflect.Float64:
		return v.Float() != 0
	}
	return true
}

// command evaluates one command.
func (x *execution) command(c *parse.CommandNode, dot reflect.Value) (reflect.Value, error) {
	switch n := c.Args[0].(type) {
	case *parse.IdentifierNode:
		return x.call(n.Ident, c.Args[1:], dot)
	case *parse.FieldNode:
		if len(c.Args) > 1 {
			return x.method(dot, n.Ident, c.Args[1:], dot)
		}
	case *parse.VariableNode:
		if len(c.Args) > 1 {
			v, err := x.variable(n.Ident[0])
			if err != nil || len(n.Ident) == 1 {
				return v, errSlow
			}
			return x.method(v, n.Ident[1:], c.Args[1:], dot)
		}
	}
	if len(c.Args) > 1 {
		return reflect.Value{}, errSlow
	}
	return x.value(c.Args[0], dot)
}

func (x *execution) variable(name string) (reflect.Value, error) {
	for i := len(x.vars) - 1; i >= 0; i-- {
		if x.vars[i].name == name {
			return x.vars[i].value, nil
		}
	}
	return reflect.Value{}, errSlow
}

func (x *execution) value(n parse.Node, dot reflect.Value) (reflect.Value, error) {
	switch n := n.(type) {
	case *parse.DotNode:
		return dot, nil
	case *parse.FieldNode:
		return fields(dot, n.Ident)
	case *parse.VariableNode:
		v, err := x.variable(n.Ident[0])
		if err != nil {
			return v, err
		}
		return fields(v, n.Ident[1:])
	case *parse.StringNode:
		return reflect.ValueOf(n.Text), nil
	case *parse.NumberNode:
		if n.IsInt {
			return reflect.ValueOf(int(n.Int64)), nil
		}
	case *parse.BoolNode:
		return reflect.ValueOf(n.True), nil
	case *parse.IdentifierNode:
		return x.call(n.Ident, nil, dot)
	case *parse.ChainNode:
		v, err := x.value(n.Node, dot)
		if err != nil {
			return v, err
		}
		return fields(v, n.Field)
	case *parse.PipeNode:
		if len(n.Decl) == 0 {
			return x.pipe(n, dot)
		}
	}
	return reflect.Value{}, errSlow
}

// access is how a field is found in a struct, by its name; methods are not there.
var access = viewTypes()

var typeTime = reflect.TypeFor[time.Time]()

// viewTypes lists the fields of every type of view, so that looking one up takes no
// reflection.
func viewTypes() map[reflect.Type]map[string][]int {
	out := map[reflect.Type]map[string][]int{}
	var walk func(t reflect.Type)
	walk = func(t reflect.Type) {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct || t == typeTime || out[t] != nil {
			return
		}
		names := map[string][]int{}
		out[t] = names
		for _, f := range reflect.VisibleFields(t) {
			if f.IsExported() {
				names[f.Name] = f.Index
				walk(f.Type)
			}
		}
	}
	walk(reflect.TypeFor[Page]())
	return out
}

func fields(v reflect.Value, names []string) (reflect.Value, error) {
	for _, name := range names {
		for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
			if v.IsNil() {
				return v, errSlow
			}
			v = v.Elem()
		}
		switch v.Kind() {
		case reflect.Struct:
			if v.Type() == typeTime && name == "IsZero" {
				v = reflect.ValueOf(v.Interface().(time.Time).IsZero())
				continue
			}
			at, ok := access[v.Type()][name]
			if !ok {
				return v, errSlow // a method, or a fault
			}
			for _, i := range at {
				v = v.Field(i)
			}
		case reflect.Map:
			m, ok := v.Interface().(map[string]any)
			if !ok {
				return v, errSlow
			}
			e, ok := m[name]
			if !ok || e == nil {
				return v, errSlow
			}
			v = reflect.ValueOf(e)
		default:
			return v, errSlow
		}
	}
	return v, nil
}

// method calls Row and Text of an item.
func (x *execution) method(v reflect.Value, names []string, args []parse.Node, dot reflect.Value) (reflect.Value, error) {
	v, err := fields(v, names[:len(names)-1])
	if err != nil || len(args) != 1 || v.Kind() != reflect.Pointer {
		return v, errSlow
	}
	item, ok := v.Interface().(*Item)
	name, err := x.text(args[0], dot)
	if !ok || item == nil || err != nil {
		return v, errSlow
	}
	switch names[len(names)-1] {
	case "Row":
		return reflect.ValueOf(item.Row(name)), nil
	case "Text":
		return reflect.ValueOf(item.Text(name)), nil
	}
	return v, errSlow
}

// text evaluates an argument that has to be a string.
func (x *execution) text(n parse.Node, dot reflect.Value) (string, error) {
	v, err := x.value(n, dot)
	if err != nil {
		return "", err
	}
	if v.Kind() == reflect.Interface && !v.IsNil() {
		v = v.Elem()
	}
	if v.Kind() != reflect.String {
		return "", errSlow
	}
	return v.String(), nil
}

// boxed evaluates an argument of any type.
func (x *execution) boxed(n parse.Node, dot reflect.Value) (any, error) {
	v, err := x.value(n, dot)
	if err != nil {
		return nil, err
	}
	if !v.IsValid() || !v.CanInterface() {
		return nil, errSlow
	}
	return v.Interface(), nil
}

// call calls a function: those of the language that templates use, and ours by
// their signature.
func (x *execution) call(name string, args []parse.Node, dot reflect.Value) (out reflect.Value, err error) {
	switch name {
	case "and", "or":
		for _, a := range args {
			if out, err = x.value(a, dot); err != nil {
				return out, err
			}
			if truth(out) == (name == "or") {
				break
			}
		}
		return out, nil
	case "not":
		if len(args) == 1 {
			out, err = x.value(args[0], dot)
			return reflect.ValueOf(!truth(out)), err
		}
	case "len":
		if len(args) == 1 {
			if out, err = x.value(args[0], dot); err == nil && (out.Kind() == reflect.Slice || out.Kind() == reflect.String) {
				return reflect.ValueOf(out.Len()), nil
			}
		}
	case "eq", "ne", "gt", "ge", "lt", "le":
		if len(args) == 2 {
			return x.compare(name, args, dot)
		}
	}
	switch f := x.funcs[name].(type) {
	case func(string, ...any) string:
		if len(args) == 0 {
			break
		}
		code, err := x.text(args[0], dot)
		params := make([]any, 0, 6)
		for _, a := range args[1:] {
			v, bad := x.boxed(a, dot)
			if bad != nil {
				return out, bad
			}
			params = append(params, v)
		}
		return reflect.ValueOf(f(code, params...)), err
	case func(any) string:
		if len(args) == 1 {
			if v, err := x.boxed(args[0], dot); err == nil {
				return reflect.ValueOf(f(v)), nil
			}
		}
	case func() []FilterOption:
		if len(args) == 0 {
			return reflect.ValueOf(f()), nil
		}
	case func(string) string:
		if len(args) == 1 {
			s, err := x.text(args[0], dot)
			return reflect.ValueOf(f(s)), err
		}
	case func(string, string) template.HTMLAttr:
		if len(args) == 2 {
			a, err := x.text(args[0], dot)
			if err != nil {
				return out, err
			}
			b, err := x.text(args[1], dot)
			return reflect.ValueOf(f(a, b)), err
		}
	case func(time.Time) string:
		if len(args) == 1 {
			if v, err := x.boxed(args[0], dot); err == nil {
				if t, ok := v.(time.Time); ok {
					return reflect.ValueOf(f(t)), nil
				}
			}
		}
	case func(*Page) (template.HTML, error):
		if len(args) == 1 {
			if v, err := x.boxed(args[0], dot); err == nil {
				if p, ok := v.(*Page); ok {
					html, err := f(p)
					return reflect.ValueOf(html), err
				}
			}
		}
	case func(...any) (map[string]any, error):
		pairs := make([]any, 0, len(args))
		for _, a := range args {
			v, err := x.boxed(a, dot)
			if err != nil {
				return out, err
			}
			pairs = append(pairs, v)
		}
		m, err := f(pairs...)
		return reflect.ValueOf(m), err
	}
	return out, errSlow
}

// compare compares two texts, two whole numbers or two truths.
func (x *execution) compare(name string, args []parse.Node, dot reflect.Value) (reflect.Value, error) {
	a, err := x.value(args[0], dot)
	if err != nil {
		return a, err
	}
	b, err := x.value(args[1], dot)
	if err != nil {
		return b, err
	}
	order := 0
	switch {
	case a.Kind() == reflect.String && b.Kind() == reflect.String:
		order = strings.Compare(a.String(), b.String())
	case a.Kind() == reflect.Int && b.Kind() == reflect.Int:
		order = int(min(1, max(-1, a.Int()-b.Int())))
	case a.Kind() == reflect.Bool && b.Kind() == reflect.Bool && (name == "eq" || name == "ne"):
		if a.Bool() != b.Bool() {
			order = 1
		}
	default:
		return a, errSlow
	}
	var out bool
	switch name {
	case "eq":
		out = order == 0
	case "ne":
		out = order != 0
	case "gt":
		out = order > 0
	case "ge":
		out = order >= 0
	case "lt":
		out = order < 0
	case "le":
		out = order <= 0
	}
	return reflect.ValueOf(out), nil
}
