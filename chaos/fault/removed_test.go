package fault

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"axolotl/vm"
)

// remaining is a driver that can do all that a fault asks of one, to the machines
// that its cluster still has.
type remaining struct{ *devices }

func (d remaining) of(c *vm.Cluster, machine string) error {
	d.touched++
	if c.Machine(machine) == nil {
		return fmt.Errorf("cluster %q has no machine %q", c.Name, machine)
	}
	return nil
}

func (d remaining) Exec(_ context.Context, c *vm.Cluster, machine string, _ ...string) (string, error) {
	return "", d.of(c, machine)
}
func (d remaining) Reset(_ context.Context, c *vm.Cluster, machine string) error {
	return d.of(c, machine)
}
func (d remaining) Pause(_ context.Context, c *vm.Cluster, machine string) error {
	return d.of(c, machine)
}
func (d remaining) Resume(_ context.Context, c *vm.Cluster, machine string) error {
	return d.of(c, machine)
}
func (d remaining) PowerOff(_ context.Context, c *vm.Cluster, machine string) error {
	return d.of(c, machine)
}
func (d remaining) PowerOn(_ context.Context, c *vm.Cluster, machine string) error {
	return d.of(c, machine)
}
func (d remaining) Join(*vm.Cluster, ...string) []vm.Action { return nil }
func (d remaining) Leave(_ context.Context, c *vm.Cluster, machine string) error {
	return d.of(c, machine)
}
func (d remaining) Machines(_ context.Context, c *vm.Cluster) ([]vm.MachineStatus, error) {
	var all []vm.MachineStatus
	for _, m := range c.Machines {
		all = append(all, vm.MachineStatus{Name: m.Name, State: vm.MachineRunning})
	}
	return all, nil
}

// TestRemovedMachine: a node was taken out of the cluster while a fault was in it, and
// perhaps another one made by its name, which is nobody's of this fault. Nothing is
// left to undo, which is proved; or its cluster would be blocked for ever by a journal
// that nobody can close.
func TestRemovedMachine(t *testing.T) {
	tried := 0
	for _, f := range All() {
		if !OnMachines(f) {
			continue
		}
		tried++
		for how, take := range map[string]func(c *vm.Cluster){
			"removed":  func(c *vm.Cluster) { c.Machines = c.Machines[1:] },
			"replaced": func(c *vm.Cluster) { c.Machines[0].UUID = "machine-3" },
		} {
			t.Run(f.Name()+" "+how, func(t *testing.T) {
				d := newDevices()
				h, ctx := devicesOn(d), t.Context()
				h.Driver = remaining{d}
				h.Recreate = func(_ context.Context, _ bool, nodes ...string) error {
					return fmt.Errorf("node %s is not ours to make anew", strings.Join(nodes, ", "))
				}
				target := aim(f)[0]
				objects := []Object{{Target: target, Prior: map[string]string{priorUUID: "machine-1", priorBoot: "boot1", priorAddress: "10.88.0.11"}}}
				if target.Kind == OnPods {
					objects[0].Prior[priorMachine] = "n1"
				}
				take(h.Cluster)
				if err := f.Inject(ctx, h, objects); !errors.Is(err, ErrNoTarget) {
					t.Errorf("inject: %v", err)
				}
				for range 2 {
					must(t, f.Undo(ctx, h, objects))
				}
				words, err := f.Undone(ctx, h, objects)
				must(t, err)
				if want := fmt.Sprintf("%s %s is gone", strings.ToLower(target.Kind), target.Name); words != want {
					t.Errorf("the proof is %q, want %q", words, want)
				}
				if d.touched > 0 {
					t.Errorf("it did %d things to machines", d.touched)
				}
			})
		}
	}
	if tried < 30 {
		t.Errorf("only %d faults", tried)
	}
}

// TestMachinesAreNoted: whatever is done to machines notes which, so that another one
// of the name is left alone.
func TestMachinesAreNoted(t *testing.T) {
	for _, f := range All() {
		if !OnMachines(f) {
			continue
		}
		d := newDevices()
		if g, ok := f.(*guest); ok {
			d.guest = g
		}
		h := devicesOn(d)
		h.Driver = remaining{d}
		if ruin, ok := f.(*MachineRuin); ok {
			h.Cluster.Machines[0].Role = ruin.role
		}
		objects, err := f.Prepare(t.Context(), h, aim(f))
		if err != nil || objects[0].Prior[priorUUID] != "machine-1" {
			t.Errorf("%s: %v, %v", f.Name(), objects, err)
		}
	}
}
