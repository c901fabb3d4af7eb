package libvirt

import (
	"context"
	"slices"
	"testing"

	"axolotl/vm"
)

// watch watches a cluster's machines and returns what gives the next word.
func (w *world) watch(ctx context.Context, c *vm.Cluster) func() vm.MachineStatus {
	w.t.Helper()
	told, err := w.driver().Watch(ctx, c)
	w.must(err)
	return func() vm.MachineStatus { return <-told } // none where it is closed
}

// expect reads what is told until a machine is in a state.
func expect(t *testing.T, next func() vm.MachineStatus, machine string, state vm.MachineState) {
	t.Helper()
	for {
		switch status := next(); {
		case status.Name == "":
			t.Fatalf("the watch ended before %s was %s", machine, state)
		case status.Name == machine && status.State == state:
			return
		}
	}
}

// Whatever becomes of a machine, who watches is told: first how all are, then
// each change, of whosever making; of machines of others he hears nothing.
func TestWatch(t *testing.T) {
	w := newWorld(t)
	w.must(w.up(w.options("c", spec(2))))
	w.must(w.up(w.options("other", spec(0))))
	c, other := w.load("c"), w.load("other")
	w.become(c.Machines[2].UUID, vm.MachineStopped)
	next := w.watch(t.Context(), c)
	var first []vm.MachineState
	for range c.Machines {
		first = append(first, next().State)
	}
	if want := []vm.MachineState{vm.MachineRunning, vm.MachineRunning, vm.MachineStopped}; !slices.Equal(first, want) {
		t.Errorf("at first they are %v, want %v", first, want)
	}
	w.become(other.Machines[0].UUID, vm.MachineCrashed)
	for _, state := range []vm.MachineState{vm.MachineCrashed, vm.MachineStopped, vm.MachinePaused} {
		w.become(c.Machines[1].UUID, state)
		if status := next(); status.Name != "worker-1" || status.State != state {
			t.Errorf("%+v, want worker-1 %s", status, state)
		}
	}
	w.must(w.driver().PowerOff(t.Context(), c, "worker-1"))
	expect(t, next, "worker-1", vm.MachineStopped)
	w.fake.happen(func() { delete(w.fake.domains, c.Machines[1].UUID) }) // undefined by hand
	expect(t, next, "worker-1", vm.MachineMissing)
}

// A watch ends with its context, and with libvirtd; one that is begun anew
// tells what happened meanwhile.
func TestWatchEnds(t *testing.T) {
	w := newWorld(t)
	w.must(w.up(w.options("c", spec(0))))
	c := w.load("c")
	ctx, cancel := context.WithCancel(t.Context())
	next := w.watch(ctx, c)
	expect(t, next, "cp-1", vm.MachineRunning)
	cancel()
	if status := next(); status.Name != "" {
		t.Errorf("after the end it tells %+v", status)
	}
	next = w.watch(t.Context(), c)
	expect(t, next, "cp-1", vm.MachineRunning)
	w.fake.disconnect()
	w.become(c.Machines[0].UUID, vm.MachineCrashed)
	if status := next(); status.Name != "" {
		t.Errorf("without a connection it tells %+v", status)
	}
	expect(t, w.watch(t.Context(), c), "cp-1", vm.MachineCrashed)

	w.fake.arm(1, fails)
	if _, err := w.driver().Watch(t.Context(), c); err == nil {
		t.Error("it watches though it cannot")
	}
	w.fake.arm(2, fails)
	if _, err := w.driver().Watch(t.Context(), c); err == nil {
		t.Error("it watches though it cannot look")
	}
}

// The keeper's way: a machine crashes, is thrown away and joins anew, and its
// watch sees it run; the others are not touched.
func TestWatchedMachineIsRecreated(t *testing.T) {
	w := newWorld(t)
	w.must(w.up(w.options("c", spec(1))))
	w.healthy("c")
	c := w.load("c")
	w.fake.answer = answering().answer
	next := w.watch(t.Context(), c)
	w.become(c.Machines[1].UUID, vm.MachineCrashed)
	expect(t, next, "worker-1", vm.MachineCrashed)
	w.fake.arm(0, "")
	w.must(started(nil, w.clusters().RecreateNodes(t.Context(), "c", []string{"worker-1"}, true, w.open, quiet)))
	expect(t, next, "worker-1", vm.MachineRunning)
	for _, call := range w.fake.calls {
		if slices.Contains([]string{"Destroy axolotl-c-cp-1", "Undefine axolotl-c-cp-1", "Start axolotl-c-cp-1"}, call) {
			t.Errorf("the control plane was touched: %s", call)
		}
	}
}
