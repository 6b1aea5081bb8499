package hugo

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestInstall(t *testing.T) {
	program, err := Install(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), program, "version").CombinedOutput()
	if err != nil || !strings.Contains(string(out), Version) {
		t.Errorf("%v: %s", err, out)
	}
	if err := check(program); err != nil {
		t.Error(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if check(self) == nil {
		t.Error("another program passes for Hugo")
	}
}
