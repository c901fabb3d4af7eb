package libvirt

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"
)

// running is a world with one cluster of one machine.
func running(t *testing.T) (*world, *Driver, string) {
	t.Helper()
	w := newWorld(t)
	w.must(w.up(w.options("c", spec(0))))
	return w, w.driver(), w.load("c").Machines[0].UUID
}

func TestMonitor(t *testing.T) {
	w, d, uuid := running(t)
	var status struct{ Status string }
	w.must(d.monitor(uuid, "query-migrate", nil, &status))
	if status.Status != "active" {
		t.Errorf("decoded %+v", status)
	}
	for _, test := range []struct{ name, uuid, command, want string }{
		{"QEMU's own error", uuid, "unheard-of", "QEMU's unheard-of: the command unheard-of has not been found"},
		{"no domain", "none", "query-migrate", "QEMU's query-migrate: no such domain"},
		{"not in this state", uuid, "migrate-incoming", "QEMU's migrate-incoming: '-incoming'"},
	} {
		err := d.monitor(test.uuid, test.command, nil, nil)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	var wrong []string
	if err := d.monitor(uuid, "query-migrate", nil, &wrong); err == nil {
		t.Error("an object was decoded as a list")
	}
}

// A state that does not move is given up when the run ends, and its last
// status is told.
func TestAwaitStreamThatNeverEnds(t *testing.T) {
	w, d, uuid := running(t)
	w.must(w.fake.Pause(uuid))
	w.fake.migration = []string{"active"}
	file, err := os.CreateTemp(t.TempDir(), "")
	w.must(err)
	defer file.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	err = d.saveState(ctx, uuid, file)
	if err == nil || !strings.Contains(err.Error(), "(active)") {
		t.Errorf("error %v", err)
	}
}

// The memory of a machine is a file beside: it must not be in the state, and
// the default bandwidth is a network's.
func TestStreamIsPrepared(t *testing.T) {
	w, d, uuid := running(t)
	w.must(w.fake.Pause(uuid))
	file, err := os.CreateTemp(t.TempDir(), "")
	w.must(err)
	defer file.Close()
	w.fake.arm(0, "")
	w.must(d.saveState(t.Context(), uuid, file))
	got := strings.Join(w.fake.calls, "\n")
	want := strings.Join([]string{
		"Monitor migrate-set-capabilities axolotl-c-cp-1", "Monitor migrate-set-parameters axolotl-c-cp-1",
		"Monitor getfd axolotl-c-cp-1", "Monitor migrate axolotl-c-cp-1",
		"Monitor query-migrate axolotl-c-cp-1", "Monitor query-migrate axolotl-c-cp-1",
	}, "\n")
	if got != want {
		t.Errorf("calls\n%s\nwant\n%s", got, want)
	}
}
