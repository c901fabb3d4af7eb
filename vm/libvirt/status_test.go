package libvirt

import (
	"context"
	"errors"
	"testing"

	"axolotl/vm"
	"axolotl/vm/cluster"
)

// A watch shows what libvirt tells of, and nothing twice; it outlives a libvirt
// that hangs up, and ends with the cluster.
func TestStatusFollowsMachines(t *testing.T) {
	w := newWorld(t)
	w.must(w.up(w.options("c", spec(1))))
	w.healthy("c")
	c := w.load("c")
	shown := make(chan *cluster.Status, 100)
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		ended <- w.clusters().Watch(ctx, "c", w.open, func(s *cluster.Status) error {
			shown <- s
			return nil
		})
	}()
	// until waits for the status in which a machine has a state.
	until := func(machine int, want vm.MachineState) {
		t.Helper()
		for {
			select {
			case s := <-shown:
				if s.Nodes[machine].Machine == want {
					return
				}
			case err := <-ended:
				t.Fatalf("it ended: %v", err)
			case <-t.Context().Done():
				t.Fatalf("machine %d was never shown %s", machine, want)
			}
		}
	}
	until(1, vm.MachineRunning)
	w.become(c.Machines[1].UUID, vm.MachinePaused)
	until(1, vm.MachinePaused)
	w.fake.disconnect() // from here on it begins to listen anew, each second
	w.become(c.Machines[1].UUID, vm.MachineCrashed)
	until(1, vm.MachineCrashed)
	w.must(w.down("c"))
	if err := <-ended; err != nil {
		t.Errorf("of a cluster that is gone: %v", err)
	}
}

// The end of a watch by a person is no error of the cluster.
func TestStatusWatchIsEnded(t *testing.T) {
	w := newWorld(t)
	w.must(w.up(w.options("c", spec(0))))
	ctx, cancel := context.WithCancel(t.Context())
	err := w.clusters().Watch(ctx, "c", w.open, func(*cluster.Status) error {
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	var missing *cluster.NotFoundError
	if err := w.clusters().Watch(t.Context(), "nosuch", w.open, nil); !errors.As(err, &missing) {
		t.Errorf("of no cluster: %v", err)
	}
}
