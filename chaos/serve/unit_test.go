package serve

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestUnit has systemd itself read the units, where it is there.
func TestUnit(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, user := range []bool{true, false} {
		unit := Unit{Executable: self, Arguments: []string{"--token-file=/a b/100%"}, Home: `/x"y`, User: user, Drain: 30 * time.Second}.String()
		for _, want := range []string{UnitMark, `"--token-file=/a b/100%%"`, `Environment="AXOLOTL_HOME=/x\"y"`, "TimeoutStopSec=3330"} {
			if !strings.Contains(unit, want) {
				t.Errorf("%s is missing from\n%s", want, unit)
			}
		}
		verify, err := exec.LookPath("systemd-analyze")
		if err != nil {
			t.Skip("no systemd-analyze")
		}
		path := filepath.Join(t.TempDir(), "axolotl.service")
		if err := os.WriteFile(path, []byte(unit), 0o644); err != nil {
			t.Fatal(err)
		}
		manager := "--system"
		if user {
			manager = "--user"
		}
		cmd := exec.Command(verify, manager, "--man=no", "--recursive-errors=no", "verify", path)
		cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+t.TempDir())
		if out, err := cmd.CombinedOutput(); err != nil || strings.Contains(string(out), "axolotl.service") {
			t.Errorf("%v\n%s\n%s", err, out, unit)
		}
	}
}
