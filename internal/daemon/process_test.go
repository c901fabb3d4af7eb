package daemon

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
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

// ofTest marks the processes of these tests.
const ofTest Kind = "TEST"

// etcdOf is what etcd of a cluster says of itself.
func etcdOf(cluster, dir string) []string {
	return ofTest.Environ(Process{Cluster: cluster, Dir: dir, Component: "etcd"})
}

func alive(cmd *exec.Cmd) bool { return cmd.Process.Signal(syscall.Signal(0)) == nil }

func TestProcessesAreFoundByWhatTheySay(t *testing.T) {
	dir := t.TempDir()
	ours := bystander(t, etcdOf("11111111-aaaa", dir)...)
	bystander(t, etcdOf("22222222-bbbb", dir)...)
	bystander(t, Kind("OTHER").Environ(Process{Cluster: "11111111-aaaa", Dir: dir, Component: "etcd"})...)
	bystander(t)

	processes, err := ofTest.Find(Of("11111111-aaaa"))
	want := []Process{{PID: ours.Process.Pid, Cluster: "11111111-aaaa", Dir: dir, Component: "etcd"}}
	if err != nil || !slices.Equal(processes, want) {
		t.Errorf("found %+v, want %+v, error %v", processes, want, err)
	}
}

// A PID that was used again since we saw it belongs to a stranger.
func TestReusedPIDIsNotHeld(t *testing.T) {
	stranger := bystander(t, etcdOf("22222222-bbbb", "")...)
	for name, stale := range map[string]Process{
		"used again": {PID: stranger.Process.Pid, Cluster: "11111111-aaaa", Component: "etcd"},
		"gone":       {PID: 1 << 22, Cluster: "11111111-aaaa", Component: "etcd"},
	} {
		if _, ok, err := ofTest.Hold(stale); ok || err != nil {
			t.Errorf("%s: held %t, error %v", name, ok, err)
		}
	}
}

func TestStop(t *testing.T) {
	const grace = 11 * time.Second
	orphan := bystander(t, etcdOf("11111111-aaaa", "")...)
	stranger := bystander(t, etcdOf("22222222-bbbb", "")...)
	start := time.Now()
	if err := ofTest.Stop(t.Context(), "11111111-aaaa", "supervisor", grace, nil); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took > grace {
		t.Errorf("took %s", took)
	}
	if err := orphan.Wait(); err == nil {
		t.Error("an orphan was not ended by a signal")
	}
	if !alive(stranger) {
		t.Error("a stranger was ended")
	}
	if err := ofTest.Stop(t.Context(), "", "supervisor", grace, nil); err == nil {
		t.Error("no error without an ID")
	}
}

// Who does not end when it is asked to is killed.
func TestStopOfWhatDoesNotEnd(t *testing.T) {
	deaf := exec.Command("sh", "-c", "trap '' TERM; echo deaf; exec sleep 300")
	said, err := deaf.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	deaf.Env = append(os.Environ(), etcdOf("33333333-cccc", "")...)
	if err := deaf.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := said.Read(make([]byte, 5)); err != nil { // from then on it is
		t.Fatal(err)
	}
	if err := ofTest.Stop(t.Context(), "33333333-cccc", "etcd", 100*time.Millisecond, nil); err != nil {
		t.Error(err)
	}
	if err := deaf.Wait(); err == nil {
		t.Error("it was not ended by a signal")
	}
}

// A process that was launched outlives the pipe on which it has answered; one
// that does not begin says why.
func TestLaunch(t *testing.T) {
	who := Process{Cluster: "44444444-dddd", Dir: t.TempDir(), Component: "sleeper"}
	log := filepath.Join(who.Dir, "logs", "sleeper.log")
	if err := ofTest.Launch(t.Context(), exec.Command("sh", "-c", "echo ready; exec sleep 300 >&2"), who, log, "ready\n"); err != nil {
		t.Fatal(err)
	}
	found, err := ofTest.Find(Component(who.Cluster, who.Component))
	if err != nil || len(found) != 1 || found[0].Dir != who.Dir {
		t.Errorf("found %+v, %v", found, err)
	}
	if err := ofTest.Stop(t.Context(), who.Cluster, who.Component, 10*time.Second, nil); err != nil {
		t.Error(err)
	}
	err = ofTest.Launch(t.Context(), exec.Command("sh", "-c", "echo no port; echo more >&2"), who, log, "ready\n")
	if err == nil || !strings.Contains(err.Error(), "the sleeper did not start: no port; see "+log) {
		t.Errorf("error %v", err)
	}
	if text, err := os.ReadFile(log); string(text) != "more\n" {
		t.Errorf("its log is %q, %v", text, err)
	}
}
