package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// CheckSource returns one sentence for each use of a forbidden name in a Go
// file. The name is its path under the module's root, with slashes.
func CheckSource(name string, source []byte) ([]string, error) {
	if strings.HasSuffix(name, "_test.go") {
		return nil, nil
	}
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var violations []string
	rules := map[string][]nameRule{} // by the package's name in this file
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, err
		}
		for _, rule := range nameRules {
			if rule.pkg != imported || !rule.concerns(path.Dir(name)) {
				continue
			}
			local := path.Base(strings.TrimSuffix(imported, "/v2"))
			if spec.Name != nil {
				local = spec.Name.Name
			}
			if local == "." && len(rules["."]) == 0 {
				violations = append(violations, fmt.Sprintf("%s: a dot import of %s hides what is used of it", files.Position(spec.Pos()), imported))
			}
			rules[local] = append(rules[local], rule)
		}
	}
	pointers := map[ast.Node]bool{} // selectors behind a star
	violate := func(at ast.Node, what, reason string) {
		violations = append(violations, fmt.Sprintf("%s: %s: %s", files.Position(at.Pos()), what, reason))
	}
	words := slices.DeleteFunc(slices.Clone(wordRules), func(r wordRule) bool { return !matches(r.only, path.Dir(name)) })
	ast.Inspect(file, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.StarExpr:
			pointers[node.X] = true
		case *ast.BasicLit:
			if text, err := strconv.Unquote(node.Value); err == nil && node.Kind == token.STRING {
				for _, rule := range words {
					if slices.Contains(rule.literals, text) {
						violate(node, node.Value, rule.reason)
					}
				}
			}
		case *ast.SelectorExpr:
			for _, rule := range words {
				if slices.Contains(rule.selectors, node.Sel.Name) {
					violate(node, "."+node.Sel.Name, rule.reason)
				}
			}
			of, ok := node.X.(*ast.Ident)
			if !ok {
				return true
			}
			for _, rule := range rules[of.Name] {
				if rule.forbids(node.Sel.Name) && !(rule.made && pointers[node]) {
					violate(node, rule.pkg+"."+node.Sel.Name, rule.reason)
				}
			}
		}
		return true
	})
	return violations, nil
}

func (r *nameRule) concerns(folder string) bool {
	return (len(r.only) == 0 || matches(r.only, folder)) && !matches(r.except, folder)
}

func (r *nameRule) forbids(name string) bool {
	if len(r.but) > 0 {
		return !slices.Contains(r.but, name)
	}
	return slices.Contains(r.names, name)
}

// fileRule forbids text in any committed file.
type fileRule struct {
	pattern *regexp.Regexp
	reason  string
}

// The patterns are put together from parts so that this file does not match
// itself.
var fileRules = []fileRule{
	{
		// A path of somebody's machine: not preceded by a name, a dot or a slash
		// (/var/lib/prassi/work/… or example.org/home/… are other things).
		pattern: regexp.MustCompile(`(?:^|[^\w./:\-])/(?:` + strings.Join([]string{"wo" + "rk", "ro" + "ot", "home/" + `\w+`, "Us" + `ers/\w+`}, "|") + `)/[\w.]`),
		reason:  "a path of one machine does not exist on another",
	},
	{
		pattern: regexp.MustCompile(`(?i)(?:regis` + `try\.npmjs|pro` + `xy\.golang|(?:deb|snap` + `shot)\.debian|pypi\.` + `org|cra` + `tes\.io)\b`),
		reason:  "registries come from the machine's own settings, never from a commit",
	},
	{
		pattern: regexp.MustCompile(`"resol` + `ved"\s*:`),
		reason:  "lock files hold no download addresses (omit-lockfile-registry-resolved)",
	},
	{
		pattern: regexp.MustCompile(`(?m)^(?:<{7} |>{7} )`),
		reason:  "a merge conflict was committed",
	},
	{
		pattern: regexp.MustCompile(`-----BEGIN [A-Z ]*PRIV` + `ATE KEY-----`),
		reason:  "a secret key does not belong in a commit",
	},
}

// CheckFile returns one sentence for each place of a committed file that must
// not leave the machine it was written on.
func CheckFile(name string, content []byte) (violations []string) {
	for _, rule := range fileRules {
		for _, found := range rule.pattern.FindAllIndex(content, 3) {
			line := 1 + strings.Count(string(content[:found[0]]), "\n")
			text := strings.TrimSpace(string(content[found[0]:found[1]]))
			violations = append(violations, fmt.Sprintf("%s:%d: %q: %s", name, line, text, rule.reason))
		}
	}
	return violations
}
