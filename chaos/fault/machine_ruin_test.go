package fault

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"axolotl/vm"
)

// ruinable is a driver of two machines that can be deleted.
type ruinable struct {
	inside
	there  map[string]bool
	ruined []string        // and nobody was told
	state  vm.MachineState // of those that are there; empty: they run
}

func (d *ruinable) PowerOff(context.Context, *vm.Cluster, string) error {
	return errors.New("nobody asked")
}
func (d *ruinable) PowerOn(context.Context, *vm.Cluster, string) error {
	d.state = vm.MachineRunning
	return nil
}
func (d *ruinable) Pause(context.Context, *vm.Cluster, string) error {
	return errors.New("nobody asked")
}
func (d *ruinable) Resume(context.Context, *vm.Cluster, string) error {
	d.state = vm.MachineRunning
	return nil
}

func (d *ruinable) Join(*vm.Cluster, ...string) []vm.Action { return nil }
func (d *ruinable) Leave(_ context.Context, _ *vm.Cluster, name string) error {
	delete(d.there, name)
	return nil
}
func (d *ruinable) Ruin(_ context.Context, _ *vm.Cluster, name string) error {
	d.ruined = append(d.ruined, name)
	delete(d.there, name)
	return nil
}
func (d *ruinable) Machines(context.Context, *vm.Cluster) ([]vm.MachineStatus, error) {
	var all []vm.MachineStatus
	for _, name := range []string{"n1", "n2"} {
		state := vm.MachineMissing
		if d.there[name] {
			state = cmp.Or(d.state, vm.MachineRunning)
		}
		all = append(all, vm.MachineStatus{Name: name, State: state})
	}
	return all, nil
}

// TestMachineRuin: what is deleted is made anew, once, and what was not deleted
// is left alone; a control plane is not touched.
func TestMachineRuin(t *testing.T) {
	f := &MachineRuin{vm.Worker}
	d := &ruinable{inside: inside{boot: "boot1"}, there: map[string]bool{"n1": true, "n2": true}}
	h := machineWith(&d.inside)
	h.Driver = d
	h.Cluster.Machines[0].Role, h.Cluster.Machines[1].Role = vm.Worker, vm.ControlPlane
	if err := f.Available(t.Context(), h); err == nil {
		t.Error("nobody can make it anew")
	}
	var recreated []string
	fails := true
	h.Recreate = func(_ context.Context, _ bool, nodes ...string) error {
		if fails {
			return errors.New("the disk is full")
		}
		recreated = append(recreated, nodes...)
		for _, name := range nodes {
			d.there[name] = true
		}
		return nil
	}
	must(t, f.Available(t.Context(), h))
	if _, err := f.Prepare(t.Context(), h, []Target{{Kind: OnNodes, Name: "n2"}}); err == nil || !strings.Contains(err.Error(), "control-plane") {
		t.Errorf("of a control plane: %v", err)
	}
	objects, err := f.Prepare(t.Context(), h, aim(f))
	must(t, err)
	must(t, f.Undo(t.Context(), h, objects)) // never injected
	if words, err := f.Injected(t.Context(), h, objects); err == nil {
		t.Errorf("proved before it was done: %s", words)
	}
	must(t, f.Inject(t.Context(), h, objects))
	if words, err := f.Injected(t.Context(), h, objects); err != nil || words != "machine n1 is missing" {
		t.Errorf("%q, %v", words, err)
	}
	if err := f.Undo(t.Context(), h, objects); err == nil {
		t.Error("an undo that failed is success")
	}
	if words, err := f.Undone(t.Context(), h, objects); err == nil {
		t.Errorf("proved while it is gone: %s", words)
	}
	fails = false
	ended, cancel := context.WithCancel(t.Context())
	cancel() // one try of a wait is shorter than the making of a machine
	for range 2 {
		must(t, f.Undo(ended, h, objects))
	}
	if !slices.Equal(recreated, []string{"n1"}) {
		t.Errorf("made anew: %v", recreated)
	}
	if words, err := f.Undone(t.Context(), h, objects); err != nil || words != "machine n1 is running; node n1 is Ready in boot boot1" {
		t.Errorf("%q, %v", words, err)
	}
	// Its host has crashed before it was deleted, or its process was killed: it has
	// its disk, which is somebody's.
	for _, state := range []vm.MachineState{vm.MachineStopped, vm.MachineCrashed, vm.MachinePaused} {
		d.state = state
		must(t, f.Undo(t.Context(), h, objects))
		if len(recreated) != 1 || d.state != vm.MachineRunning {
			t.Errorf("one that was %s is %s, made anew: %v", state, d.state, recreated)
		}
	}
	for _, state := range []vm.MachineState{vm.MachineUnknown, vm.MachineForeign} { // its host does not answer, or it is another's
		d.state = state
		if err := f.Undo(t.Context(), h, objects); err == nil || len(recreated) != 1 || d.state != state {
			t.Errorf("one that is %s: %v, made anew: %v", state, err, recreated)
		}
	}
	d.state = vm.MachineRunning
	h.Cluster.Joining = []string{"n1"} // the making was killed when it ran already
	must(t, f.Undo(t.Context(), h, objects))
	if !slices.Equal(recreated, []string{"n1", "n1"}) {
		t.Errorf("made anew: %v", recreated)
	}
}

// TestWiped: of a machine that was ruined from inside nothing is left when it is off, and
// it is made anew though it is there.
func TestWiped(t *testing.T) {
	f := &MachineRuin{vm.Worker}
	d := &ruinable{inside: inside{boot: "boot1"}, there: map[string]bool{"n1": true}}
	h := machineWith(&d.inside)
	h.Driver, h.Cluster.Machines[0].Role = d, vm.Worker
	recreated := 0
	h.Recreate = func(context.Context, bool, ...string) error {
		recreated++
		d.state = vm.MachineRunning
		return nil
	}
	objects, err := f.Prepare(t.Context(), h, aim(f))
	must(t, err)
	Wiped(objects)
	must(t, f.Undo(t.Context(), h, kept(t, objects))) // never injected
	if recreated != 0 {
		t.Error("one that runs was made anew")
	}
	d.state = vm.MachineStopped
	for range 2 {
		must(t, f.Undo(t.Context(), h, kept(t, objects)))
	}
	if recreated != 1 {
		t.Errorf("it was made anew %d times", recreated)
	}
}

// TestControlPlaneRuin: of several control planes one goes, and its etcd leaves
// nobody; the only one is not touched.
func TestControlPlaneRuin(t *testing.T) {
	f, err := New("control-plane-ruined")
	must(t, err)
	d := &ruinable{inside: inside{boot: "boot1"}, there: map[string]bool{"n1": true, "n2": true}}
	h := machineWith(&d.inside)
	h.Driver = d
	h.Recreate = func(_ context.Context, _ bool, nodes ...string) error {
		for _, name := range nodes {
			d.there[name] = true
		}
		return nil
	}
	h.Cluster.Machines[0].Role, h.Cluster.Machines[1].Role = vm.ControlPlane, vm.Worker
	if err := f.Available(t.Context(), h); err == nil || !strings.Contains(err.Error(), "--control-planes 3") {
		t.Errorf("of the only one: %v", err)
	}
	h.Cluster.Machines[1].Role = vm.ControlPlane
	must(t, f.Available(t.Context(), h))
	if _, err := f.Prepare(t.Context(), h, []Target{{Kind: OnNodes, Name: "n1"}, {Kind: OnNodes, Name: "n2"}}); err == nil {
		t.Error("two at once")
	}
	objects, err := f.Prepare(t.Context(), h, aim(f))
	must(t, err)
	must(t, f.Inject(t.Context(), h, objects))
	if !slices.Equal(d.ruined, []string{"n1"}) {
		t.Errorf("ruined: %v", d.ruined)
	}
	must(t, f.Undo(t.Context(), h, objects))
	if words, err := f.Undone(t.Context(), h, objects); err != nil || words != "machine n1 is running; node n1 is Ready in boot boot1" {
		t.Errorf("%q, %v", words, err)
	}
}
