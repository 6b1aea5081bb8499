package main

import (
	"database/sql"
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

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/messages"
)

// Every fault that a package may find has its sentence, and no sentence is left
// over. The codes are read from the sources, where they are written out.
func TestFaultsHaveSentences(t *testing.T) {
	found := map[string]string{}
	for _, file := range []string{"content/verify.go", "audit/verify.go", "catalog/verify.go", "media/verify.go", "search/feed/verify.go"} {
		before := len(found)
		for _, code := range faultCodes(t, filepath.Join("..", "..", filepath.FromSlash(file))) {
			found["fault_"+code] = file
		}
		if len(found) == before {
			t.Errorf("%s shows no faults any more: correct this test", file)
		}
	}
	for code, file := range found {
		if !slices.Contains(Codes, code) {
			t.Errorf("%s: there is no message %s", file, code)
		}
	}
	for _, code := range Codes {
		if found[code] == "" {
			t.Errorf("nobody finds %s", code)
		}
		for _, lang := range messages.Languages {
			if messages.Text(lang, code, nil) == code {
				t.Errorf("%s: no message for %s", lang, code)
			}
		}
	}
}

// faultCodes reads which codes a file uses: in a call of fault or add, in a field
// Code, and in the answers of a function whose first result is called code.
func faultCodes(t *testing.T, name string) (codes []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	isCode := regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)
	take := func(e ast.Expr) {
		if l, ok := e.(*ast.BasicLit); ok && l.Kind == token.STRING {
			if s, _ := strconv.Unquote(l.Value); isCode.MatchString(s) {
				codes = append(codes, s)
			}
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			called := ""
			switch f := n.Fun.(type) {
			case *ast.Ident:
				called = f.Name
			case *ast.SelectorExpr:
				called = f.Sel.Name
			}
			if (called == "fault" || called == "add") && len(n.Args) > 1 {
				take(n.Args[1])
			}
		case *ast.KeyValueExpr:
			if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Code" {
				take(n.Value)
			}
		case *ast.FuncDecl:
			if r := n.Type.Results; r != nil && len(r.List[0].Names) > 0 && r.List[0].Names[0].Name == "code" {
				ast.Inspect(n, func(n ast.Node) bool {
					if ret, ok := n.(*ast.ReturnStmt); ok && len(ret.Results) > 0 {
						take(ret.Results[0])
					}
					return true
				})
			}
		}
		return true
	})
	return codes
}

// What is wrong is said in the reader's language, with the code and the place.
func TestVerifySpeaks(t *testing.T) {
	data := t.TempDir()
	in := filepath.Join(t.TempDir(), "articles.zip")
	if err := os.WriteFile(in, zipped(t, "a.md"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out := command(t, "import", "--data", data, "--locale-of-messages", "en", in); code != 0 {
		t.Fatalf("%d\n%s", code, out)
	}
	for lang, says := range map[string]string{"en": "Clean: everything is in order.", "it": "Pulito: tutto è in ordine.", "zh": "没有问题：一切正常。"} {
		if code, out := command(t, "verify", "--data", data, "--locale-of-messages", lang); code != 0 || !strings.HasSuffix(out, says+"\n") {
			t.Errorf("%s: %d\n%s", lang, code, out)
		}
	}
	db, err := sql.Open("sqlite", filepath.Join(data, databaseFile))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("DELETE FROM revisions"); err != nil {
		t.Fatal(err)
	}
	code, out := command(t, "verify", "--data", data, "--locale-of-messages", "it")
	if code != 1 || !strings.Contains(out, ": revision_missing: Manca una revisione.") || !strings.Contains(out, "Guasti: ") {
		t.Errorf("%d\n%s", code, out)
	}
}

func TestFaultLine(t *testing.T) {
	e := &env{cli: &cli{Locale: "es"}}
	for f, want := range map[content.Fault]string{
		{Where: "x it", Code: "hash_mismatch", Note: "number 3"}: "x it: hash_mismatch: Una revisión se cambió después de escribirse. (number 3)",
		{Where: "x", Code: "surplus"}:                            "x: surplus: El catálogo muestra algo que no es público.",
	} {
		if got := e.fault(f); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
