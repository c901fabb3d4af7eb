package minikube

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"axolotl/internal/store"
	"axolotl/internal/term"
	"axolotl/vm"
	"axolotl/vm/cluster"
)

var quiet = term.NewProgress(io.Discard, true)

func do(t *testing.T, actions []vm.Action) error {
	t.Helper()
	return cluster.Run(t.Context(), quiet, actions)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// newCluster is a cluster that is up.
func newCluster(t *testing.T, workers int) (*Driver, *vm.Cluster) {
	t.Helper()
	d, c := New("kvm2"), testCluster(t, workers)
	must(t, d.Plan(t.Context(), c))
	must(t, do(t, d.Up(c)))
	return d, c
}

// What was asked for is what minikube is asked for, and a cluster that runs is
// not started again.
func TestStart(t *testing.T) {
	f := newFake(t)
	d, c := newCluster(t, 2)
	want := "start --output json --interactive=false --embed-certs --nodes 3 --cpus 2 --memory 2048mb --disk-size 10g --container-runtime containerd --cni kindnet --driver kvm2"
	if started := f.called("start"); !slices.Equal(started, []string{want}) {
		t.Errorf("started by %q, want %q", started, want)
	}
	must(t, do(t, d.Up(c)))
	if started := f.called("start"); len(started) != 1 {
		t.Errorf("it runs, and was started by %q", started)
	}
	must(t, d.PowerOff(t.Context(), c, "axolotl-c-m02"))
	must(t, do(t, d.Up(c)))
	if started := f.called("start"); len(started) != 2 || strings.Contains(started[1], "--nodes") {
		t.Errorf("a machine was off, and it was started by %q", started)
	}
}

// What minikube was stopped before is made by the next up.
func TestUpCompletes(t *testing.T) {
	f := newFake(t)
	d, c := newCluster(t, 2)
	f.write(fakeState{"axolotl-c": {{1, hostRunning}, {2, hostRunning}}})
	must(t, do(t, d.Up(c)))
	if added := f.called("node add"); len(added) != 1 {
		t.Errorf("added by %q", added)
	}
}

// A cluster that lost a machine in the middle gets the same ones again when it
// is made anew.
func TestUpWithAGap(t *testing.T) {
	f := newFake(t)
	d, c := newCluster(t, 2)
	must(t, d.Leave(t.Context(), c, "axolotl-c-m02"))
	c.Machines = slices.Delete(c.Machines, 1, 2)
	must(t, do(t, d.Down(c)))
	must(t, do(t, d.Up(c)))
	if got := f.read()["axolotl-c"]; len(got) != 2 || got[1].Number != 3 {
		t.Errorf("it has %+v", got)
	}
}

// Somebody's profile of the same name is neither used nor deleted.
func TestSomebodysProfile(t *testing.T) {
	f := newFake(t)
	theirs := fakeState{"axolotl-c": {{1, hostRunning}}}
	f.write(theirs)
	d, c := New(""), testCluster(t, 0)
	must(t, d.Plan(t.Context(), c))
	if err := do(t, d.Up(c)); err == nil || !strings.Contains(err.Error(), `minikube has a profile "axolotl-c" that axolotl did not make`) {
		t.Errorf("up: %v", err)
	}
	must(t, do(t, d.Down(c)))
	if calls := append(f.called("start"), f.called("delete")...); len(calls) > 0 {
		t.Errorf("called %q", calls)
	}
	if id, err := d.Salvage(t.Context(), c.Name, c.Dir); id != "" || err != nil {
		t.Errorf("salvaged %q, %v", id, err)
	}
	// A note of another cluster is none of this one.
	must(t, store.WriteJSON(c.Path(ownerFile), owner{Cluster: "2", Profile: "axolotl-c"}))
	if err := do(t, d.Down(c)); err == nil || !strings.Contains(err.Error(), "does not say that profile axolotl-c is ours") {
		t.Errorf("down: %v", err)
	}
	if len(f.called("delete")) > 0 {
		t.Error("it was deleted")
	}
}

// A profile is looked for where it was made, and minikube never gets to see the
// user's kubeconfig.
func TestEnvironment(t *testing.T) {
	newFake(t)
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "theirs"))
	t.Setenv(homeVariable, "/somewhere")
	_, c := newCluster(t, 0)
	t.Setenv(homeVariable, "/elsewhere")
	if got := of(c).environment; !slices.Equal(got, []string{"KUBECONFIG=" + c.Kubeconfig(), "MINIKUBE_HOME=/somewhere"}) {
		t.Errorf("environment %q", got)
	}
	if has(os.Getenv("KUBECONFIG")) {
		t.Error("the user's kubeconfig was written")
	}
}

// minikube gives numbers, and cannot be told which.
func TestCanRejoin(t *testing.T) {
	newFake(t)
	d, c := newCluster(t, 2)
	must(t, d.CanRejoin(t.Context(), c, "axolotl-c-m03"))
	must(t, d.CanRejoin(t.Context(), c, "axolotl-c-m02", "axolotl-c-m03"))
	err := d.CanRejoin(t.Context(), c, "axolotl-c-m02")
	if err == nil || !strings.Contains(err.Error(), "minikube would add axolotl-c-m04, and cannot add axolotl-c-m02") {
		t.Errorf("error %v", err)
	}
	// The next one that is planned is the next one that minikube adds.
	must(t, d.Leave(t.Context(), c, "axolotl-c-m02"))
	c.Machines = slices.Delete(c.Machines, 1, 2)
	c.Spec.Workers = 2
	must(t, d.Plan(t.Context(), c))
	if last := c.Machines[2].Name; last != "axolotl-c-m04" {
		t.Errorf("planned %s", last)
	}
	must(t, do(t, d.Join(c, "axolotl-c-m04")))
}

// minikube fails to remove a machine whose node is gone already: it is given
// back before.
func TestLeaveOfAMachineWithoutANode(t *testing.T) {
	f := newFake(t)
	d, c := newCluster(t, 2)
	must(t, d.Leave(t.Context(), c, "axolotl-c-m03"))
	if f.registered != 0 {
		t.Error("a node that was there was given back")
	}
	f.gone = "axolotl-c-m02"
	must(t, d.Leave(t.Context(), c, "axolotl-c-m02"))
	if deleted := f.called("node delete"); f.registered != 1 || len(deleted) != 2 {
		t.Errorf("%d nodes were given back, deleted by %q", f.registered, deleted)
	}
}

// A machine that could not be made is left in the profile, since minikube does
// not remove it, and is made when it joins again.
func TestLeaveOfAMachineThatIsNone(t *testing.T) {
	f := newFake(t)
	d, c := newCluster(t, 1)
	f.write(fakeState{"axolotl-c": {{1, hostRunning}, {2, hostNone}}})
	must(t, d.Leave(t.Context(), c, "axolotl-c-m02"))
	must(t, do(t, d.Join(c, "axolotl-c-m02")))
	if got := f.read()["axolotl-c"]; len(got) != 2 || got[1].Host != hostRunning {
		t.Errorf("it has %+v", got)
	}
}

// minikube tells nothing of all machines when one is gone.
func TestMachineThatIsGone(t *testing.T) {
	f := newFake(t)
	d, c := newCluster(t, 1)
	f.write(fakeState{"axolotl-c": {{1, hostRunning}, {2, hostNone}}})
	got, err := d.Machines(t.Context(), c)
	must(t, err)
	if got[0].State != vm.MachineRunning || got[1].State != vm.MachineMissing {
		t.Errorf("machines are %+v", got)
	}
}

// An archive is taken away again, also where it could not be imported.
func TestLoadImages(t *testing.T) {
	f := newFake(t)
	d, c := newCluster(t, 1)
	must(t, d.LoadImages(t.Context(), c, "/images.tar"))
	want := []string{"cp /images.tar axolotl-c:" + archivePath, "cp /images.tar axolotl-c-m02:" + archivePath}
	if copied := f.called("cp"); !slices.Equal(copied, want) {
		t.Errorf("copied by %q", copied)
	}
	f.answer("ssh --native-ssh=false --node axolotl-c -- sudo 'ctr'", 1, "", "ctr: unrecognized image format\nssh: exit status 1\n")
	err := d.LoadImages(t.Context(), c, "/images.tar")
	if err == nil || !strings.Contains(err.Error(), "minikube ssh: ctr: unrecognized image format") {
		t.Errorf("error %v", err)
	}
	if calls := f.calls(); !strings.Contains(calls[len(calls)-1], "'rm' '-f' '"+archivePath+"'") {
		t.Errorf("the last call is %q", calls[len(calls)-1])
	}
	must(t, d.PowerOff(t.Context(), c, "axolotl-c-m02"))
	if err := d.LoadImages(t.Context(), c, "/images.tar"); err == nil || !strings.Contains(err.Error(), "axolotl-c-m02 is stopped; start it first") {
		t.Errorf("of a machine that is off: %v", err)
	}
}

func TestPlanRefuses(t *testing.T) {
	d := New("")
	for _, test := range []struct {
		spec vm.Spec
		want string
	}{
		{vm.Spec{ControlPlanes: 3}, "one control plane"},
		{vm.Spec{ControlPlanes: 1, APIServer: &vm.APIServer{}}, "all alike"},
		{vm.Spec{ControlPlanes: 1, Groups: []vm.Group{{Name: "big"}}}, "all alike"},
	} {
		if err := d.Plan(t.Context(), &vm.Cluster{Name: "c", Spec: test.spec}); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: %v", test.spec, err)
		}
	}
	if CheckProvider("") != nil || CheckProvider("docker") != nil || CheckProvider("hyperv") == nil {
		t.Error("providers are judged wrongly")
	}
}

func TestNotInstalled(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if err := cluster.Preflight(t.Context(), New("")); !errors.Is(err, errNotInstalled) {
		t.Errorf("error %v", err)
	}
}

func (f *fake) write(state fakeState) {
	f.t.Helper()
	data, err := json.Marshal(state)
	must(f.t, err)
	must(f.t, os.WriteFile(filepath.Join(f.dir, "state"), data, 0o600))
}

func (f *fake) read() fakeState {
	f.t.Helper()
	var state fakeState
	data, err := os.ReadFile(filepath.Join(f.dir, "state"))
	must(f.t, err)
	must(f.t, json.Unmarshal(data, &state))
	return state
}
