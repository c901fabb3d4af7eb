package daemon

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What says why it has not begun, and ends a moment later, is gone when that is told.
func TestLaunchThatFailsLeavesNothing(t *testing.T) {
	p := Process{Cluster: "33333333-cccc", Dir: t.TempDir(), Component: "tunnel"}
	failing := exec.Command("sh", "-c", "echo nobody lets us in; exec >&-; sleep 0.3")
	err := ofTest.Launch(t.Context(), failing, p, filepath.Join(p.Dir, "log"), "ready")
	if err == nil || !strings.Contains(err.Error(), "the tunnel did not start: nobody lets us in; see ") {
		t.Errorf("error %v", err)
	}
	if left, err := ofTest.Find(Of(p.Cluster)); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}
