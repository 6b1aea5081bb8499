package projectfiles

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestNPMAuditTellsTheTruth runs scripts/npm-audit with an npm of the test: a
// registry that does not answer is never a success.
func TestNPMAuditTellsTheTruth(t *testing.T) {
	for name, test := range map[string]struct {
		npm  string // what npm does
		code int
		want string
	}{
		"clean":       {`echo '{"auditReportVersion": 2, "vulnerabilities": {}}'`, 0, "no known vulnerability"},
		"vulnerable":  {`echo '{"auditReportVersion": 2, "vulnerabilities": {"x": {}}}'; exit 1`, 1, "known vulnerabilities"},
		"refused":     {`echo '{"message": "405 Method Not Allowed", "statusCode": 405, "error": {}}'; exit 1`, 77, "NOT looked for"},
		"unreachable": {`echo '{"error": {"code": "ENOTFOUND"}}'; exit 1`, 77, "NOT looked for"},
		"silent":      {`exit 0`, 77, "NOT looked for"},
		"no lock":     {`echo '{"error": {"code": "ENOLOCK"}}'; exit 1`, 1, "ENOLOCK"},
	} {
		t.Run(name, func(t *testing.T) {
			bin := t.TempDir()
			if err := os.WriteFile(filepath.Join(bin, "npm"), []byte("#!/bin/sh\n"+test.npm+"\n"), 0o755); err != nil {
				t.Fatal(err)
			}
			audit := exec.Command(filepath.Join(root, "scripts/npm-audit"), "internal/mongoengine/package-lock.json")
			audit.Env = append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
			out, err := audit.CombinedOutput()
			var exit *exec.ExitError
			if err != nil && !errors.As(err, &exit) {
				t.Fatal(err)
			}
			if code := audit.ProcessState.ExitCode(); code != test.code || !strings.Contains(string(out), test.want) {
				t.Errorf("exit code %d, want %d: %s", code, test.code, out)
			}
		})
	}
}
