package fault

import (
	"context"
	"fmt"

	"axolotl/vm"
)

// PowerCut takes the power from the machines of nodes, as pulling the plug
// does.
type PowerCut struct{}

// Name implements Fault.
func (*PowerCut) Name() string { return "node-power-cut" }

// Effect implements Fault.
func (*PowerCut) Effect() Effect { return Effect{On: OnNodes, Takes: TakesMachines} }

// Doc implements Fault.
func (*PowerCut) Doc() Doc {
	return Doc{
		Does:   "stops the nodes' machines at once, without a word to what runs on them",
		Needs:  "a driver whose machines have power (libvirt; on local a node falls silent, and boots)",
		Proved: "the driver says that the machine is off",
		Undone: "the machine is started; the driver says that it runs, and the node is Ready in the boot that the machine itself is in",
	}
}

// Available implements Fault. A simulated node's power is its heartbeats: without
// them the control plane misses it as it does a machine.
func (*PowerCut) Available(_ context.Context, h *vm.Handle) error {
	if _, ok := h.Driver.(vm.Powerer); !ok {
		return fmt.Errorf("driver %q has no machines whose power can be cut; use a cluster made with --driver libvirt", h.Driver.Name())
	}
	return nil
}

// Prepare implements Fault.
func (*PowerCut) Prepare(_ context.Context, h *vm.Handle, targets []Target) ([]Object, error) {
	return prepareMachines(h, targets)
}

// Inject implements Fault.
func (*PowerCut) Inject(ctx context.Context, h *vm.Handle, objects []Object) error {
	return strike(objects, "cut the power of", unlessRemoved(h, func(o Object) error {
		return h.Driver.(vm.Powerer).PowerOff(ctx, h.Cluster, o.Name)
	}))
}

// Injected implements Fault.
func (*PowerCut) Injected(ctx context.Context, h *vm.Handle, objects []Object) (string, error) {
	return machinesAre(ctx, h, objects, vm.MachineStopped)
}

// Undo implements Fault.
func (f *PowerCut) Undo(ctx context.Context, h *vm.Handle, objects []Object) error {
	power, ok := h.Driver.(vm.Powerer)
	if !ok {
		return f.Available(ctx, h)
	}
	return mend(objects, "give power back to", unlessRemoved(h, func(o Object) error {
		return power.PowerOn(ctx, h.Cluster, o.Name)
	}))
}

// Undone implements Fault. What the cluster says of a node outlives it by most
// of a minute, so a Ready counts only when it is told of the boot that the
// machine itself is in.
func (*PowerCut) Undone(ctx context.Context, h *vm.Handle, objects []Object) (string, error) {
	return runningInOwnBoot(ctx, h, objects)
}
