package local

import (
	"os"
	"os/exec"
	"slices"
	"syscall"
	"testing"
	"time"

	"axolotl/internal/term"
)

// bystander is a process of the test that says of itself what env says.
func bystander(t *testing.T, env ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("sleep", "300")
	cmd.Env = append(os.Environ(), env...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended already
		_ = cmd.Wait()
	})
	return cmd
}

func alive(cmd *exec.Cmd) bool { return cmd.Process.Signal(syscall.Signal(0)) == nil }

func TestProcessesAreFoundByWhatTheySay(t *testing.T) {
	o := &orders{Dir: t.TempDir()}
	o.Cluster.ID = "11111111-aaaa"
	ours := bystander(t, o.environ("etcd")...)
	bystander(t, clusterVariable+"=22222222-bbbb", componentVariable+"=etcd")
	bystander(t)

	processes, err := Processes(o.Cluster.ID)
	want := []Process{{PID: ours.Process.Pid, Cluster: o.Cluster.ID, Dir: o.Dir, Component: "etcd"}}
	if err != nil || !slices.Equal(processes, want) {
		t.Errorf("found %+v, want %+v, error %v", processes, want, err)
	}
}

// A PID that was used again since we saw it belongs to a stranger.
func TestReusedPIDIsNotHeld(t *testing.T) {
	stranger := bystander(t, clusterVariable+"=22222222-bbbb", componentVariable+"=etcd")
	for name, stale := range map[string]Process{
		"used again": {PID: stranger.Process.Pid, Cluster: "11111111-aaaa", Component: "etcd"},
		"gone":       {PID: 1 << 22, Cluster: "11111111-aaaa", Component: "etcd"},
	} {
		if _, ok, err := hold(stale); ok || err != nil {
			t.Errorf("%s: held %t, error %v", name, ok, err)
		}
	}
}

func TestStopAll(t *testing.T) {
	step := term.NewProgress(t.Output(), true).Start("stop")
	o := &orders{Dir: t.TempDir()}
	o.Cluster.ID = "11111111-aaaa"
	orphan := bystander(t, o.environ("etcd")...)
	stranger := bystander(t, clusterVariable+"=22222222-bbbb", componentVariable+"=etcd")
	start := time.Now()
	if err := stopAll(t.Context(), o.Cluster.ID, step); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took > stopGrace {
		t.Errorf("took %s", took)
	}
	if err := orphan.Wait(); err == nil {
		t.Error("an orphan was not ended by a signal")
	}
	if !alive(stranger) {
		t.Error("a stranger was ended")
	}
	if err := stopAll(t.Context(), "", step); err == nil {
		t.Error("no error without an ID")
	}
}
