package libvirt

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/adrg/xdg"
)

// The agent's socket of a user's own libvirt lies where nobody else may go, and
// goes with the machine, whatever libvirt has left.
func TestAgentSocketOfASession(t *testing.T) {
	w := newWorld(t)
	w.must(w.up(w.options("c", spec(0))))
	m := w.load("c").Machines[0]
	socket := filepath.Join(w.home.State, "agents", m.UUID)
	if record := w.fake.domains[m.UUID].record; !strings.Contains(record, "path=\""+socket+"\"") {
		t.Errorf("the machine has another socket than %s:\n%s", socket, record)
	}
	info, err := os.Stat(filepath.Dir(socket))
	w.must(err)
	if mode := info.Mode().Perm(); mode != 0o700 {
		t.Errorf("mode %04o", mode)
	}
	w.must(os.WriteFile(socket, nil, 0o600))
	w.must(w.down("c"))
	w.assertEmpty()
}

// The host's libvirt has its own place for sockets.
func TestAgentSocketOfTheHost(t *testing.T) {
	w := newWorld(t)
	d := w.driver()
	d.uri = systemURI
	if socket := d.agentSocket("u"); socket != "" {
		t.Errorf("socket %s", socket)
	}
}

func TestCheckSession(t *testing.T) {
	w := newWorld(t)
	check := func(fails string) {
		t.Helper()
		found, err := w.driver().checkSession()
		if (err == nil) != (fails == "") || err != nil && !strings.Contains(err.Error(), fails) {
			t.Errorf("%s, %v, want %q", found, err, fails)
		}
	}
	t.Setenv("XDG_RUNTIME_DIR", "")
	check("")
	t.Setenv("XDG_RUNTIME_DIR", filepath.Join(w.home.State, "gone"))
	check("no such file or directory; log in anew")
	other := "/proc/1" // root's, whoever we are
	if os.Geteuid() == 0 {
		other = t.TempDir()
		w.must(os.Chown(other, 65534, 65534))
	}
	t.Setenv("XDG_RUNTIME_DIR", other)
	check("another user's")
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	check("")

	state := w.home.State
	w.home.State = filepath.Join(state, strings.Repeat("s", 80))
	check("XDG_STATE_HOME or AXOLOTL_HOME")
	w.home.State = state
	before := xdg.ConfigHome
	t.Cleanup(func() { xdg.ConfigHome = before })
	xdg.ConfigHome = "/" + strings.Repeat("c", 60)
	check("set XDG_CONFIG_HOME to a shorter directory")
}
