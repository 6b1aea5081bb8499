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
			if rule.pkg != imported || matches(rule.except, path.Dir(name)) {
				continue
			}
			local := path.Base(imported)
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
	ast.Inspect(file, func(node ast.Node) bool {
		if star, ok := node.(*ast.StarExpr); ok {
			pointers[star.X] = true
		}
		selector, ok := node.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if of, ok := selector.X.(*ast.Ident); ok {
			for _, rule := range rules[of.Name] {
				if slices.Contains(rule.names, selector.Sel.Name) && !(rule.made && pointers[selector]) {
					violations = append(violations, fmt.Sprintf("%s: %s.%s: %s",
						files.Position(selector.Pos()), rule.pkg, selector.Sel.Name, rule.reason))
				}
			}
		}
		return true
	})
	return violations, nil
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
