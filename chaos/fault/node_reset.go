package fault

import (
	"context"
	"fmt"

	"axolotl/vm"
)

// MachineReset resets the machines of nodes, as their reset button does.
type MachineReset struct{}

// Name implements Fault.
func (*MachineReset) Name() string { return "node-reset" }

// Effect implements Fault.
func (*MachineReset) Effect() Effect { return Effect{On: OnNodes, Takes: TakesBoots} }

// Doc implements Fault.
func (*MachineReset) Doc() Doc {
	return Doc{
		Does:   "resets the nodes' machines at once, as their reset button does",
		Needs:  "a driver whose machines can be reset (libvirt)",
		Proved: "the machine does not answer any more, or is in another boot",
		Undone: "it comes back by itself; the node is Ready in the boot that the machine itself is in",
	}
}

// Available implements Fault.
func (*MachineReset) Available(_ context.Context, h *vm.Handle) error {
	if _, ok := h.Driver.(vm.Resetter); !ok || !h.Driver.Traits().RealMachines {
		return noSuch(h, "reset")
	}
	_, err := executor(h) // proves it
	return err
}

// Prepare implements Fault.
func (*MachineReset) Prepare(ctx context.Context, h *vm.Handle, targets []Target) ([]Object, error) {
	objects, err := prepareMachines(h, targets)
	if err != nil {
		return nil, err
	}
	for _, o := range objects {
		if o.Prior[priorBoot], err = bootOf(ctx, h, o.Name); err != nil {
			return nil, fmt.Errorf("prepare %s: %w", o, err)
		}
	}
	return objects, nil
}

// Inject implements Fault.
func (*MachineReset) Inject(ctx context.Context, h *vm.Handle, objects []Object) error {
	return strike(objects, "reset", unlessRemoved(h, func(o Object) error { return h.Driver.(vm.Resetter).Reset(ctx, h.Cluster, o.Name) }))
}

// Injected implements Fault.
func (*MachineReset) Injected(ctx context.Context, h *vm.Handle, objects []Object) (string, error) {
	return look(objects, func(o Object) (string, error) { return silent(ctx, h, o) })
}

// Undo implements Fault.
func (*MachineReset) Undo(context.Context, *vm.Handle, []Object) error { return nil }

// Undone implements Fault.
func (*MachineReset) Undone(ctx context.Context, h *vm.Handle, objects []Object) (string, error) {
	return readyInOwnBoot(ctx, h, objects)
}
