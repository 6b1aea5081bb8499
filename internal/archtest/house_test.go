package archtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// root is the module's folder, seen from this package's.
const root = "../.."

func output(t *testing.T, program string, arguments ...string) []byte {
	t.Helper()
	command := exec.Command(program, arguments...)
	command.Dir = root
	var complaints bytes.Buffer
	command.Stderr = &complaints
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(arguments, " "), err, &complaints)
	}
	return out
}

// TestImports reads the real import graph. A package that does not build is
// somebody else's failure (make check builds everything): go list -e still
// tells what it imports.
func TestImports(t *testing.T) {
	var packages []Package
	decoder := json.NewDecoder(bytes.NewReader(output(t, "go", "list", "-e", "-json=ImportPath,Imports", "./...")))
	for {
		var p struct {
			ImportPath string
			Imports    []string
		}
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, Package{Folder: folderOf(p.ImportPath), Imports: p.Imports})
	}
	if len(packages) < 3 {
		t.Fatalf("go list found only %d packages; the test looks in the wrong place", len(packages))
	}
	for _, violation := range CheckImports(packages) {
		t.Error(violation)
	}
}

// committed lists the files that are committed or would be with git add.
func committed(t *testing.T) []string {
	t.Helper()
	out := output(t, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	names := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	if len(names) < 10 {
		t.Fatalf("git knows only %d files; the test looks in the wrong place", len(names))
	}
	return names
}

func TestCommittedFiles(t *testing.T) {
	for _, name := range committed(t) {
		content, err := os.ReadFile(filepath.Join(root, name))
		if errors.Is(err, os.ErrNotExist) {
			continue // deleted and not yet committed
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, violation := range CheckFile(name, content) {
			t.Error(violation)
		}
		if !strings.HasSuffix(name, ".go") {
			continue
		}
		violations, err := CheckSource(name, content)
		if err != nil {
			t.Errorf("%s does not parse: %v", name, err)
		}
		for _, violation := range violations {
			t.Error(violation)
		}
	}
}
