package fault

import (
	"context"

	"axolotl/vm"
)

// NodeFreeze stops the processors of nodes' machines: a zombie node, which
// goes on afterwards as if no time had passed.
type NodeFreeze struct{}

// Name implements Fault.
func (*NodeFreeze) Name() string { return "node-freeze" }

// Effect implements Fault.
func (*NodeFreeze) Effect() Effect { return Effect{On: OnNodes, Takes: TakesContact} }

// Doc implements Fault.
func (*NodeFreeze) Doc() Doc {
	return Doc{
		Does:   "pauses the nodes' machines: connections stay open, nobody answers, and no time passes inside",
		Needs:  "a driver whose machines can be paused (libvirt; on local a node falls silent)",
		Proved: "the driver says that the machine is paused",
		Undone: "the machine is resumed; the driver says that it runs, and the node is Ready in the boot that the machine itself is in",
	}
}

// Available implements Fault.
func (*NodeFreeze) Available(_ context.Context, h *vm.Handle) error {
	if _, ok := h.Driver.(vm.Pauser); !ok {
		return noSuch(h, "paused")
	}
	return nil
}

// Prepare implements Fault.
func (*NodeFreeze) Prepare(_ context.Context, h *vm.Handle, targets []Target) ([]Object, error) {
	return prepareMachines(h, targets)
}

// Inject implements Fault.
func (*NodeFreeze) Inject(ctx context.Context, h *vm.Handle, objects []Object) error {
	return strike(objects, "pause", unlessRemoved(h, func(o Object) error { return h.Driver.(vm.Pauser).Pause(ctx, h.Cluster, o.Name) }))
}

// Injected implements Fault.
func (*NodeFreeze) Injected(ctx context.Context, h *vm.Handle, objects []Object) (string, error) {
	return machinesAre(ctx, h, objects, vm.MachinePaused)
}

// Undo implements Fault. A machine that is off, as after a crash of its host, is
// switched on. One that runs is resumed as well: perhaps its clock was not set yet.
func (f *NodeFreeze) Undo(ctx context.Context, h *vm.Handle, objects []Object) error {
	pauser, ok := h.Driver.(vm.Pauser)
	if !ok {
		return f.Available(ctx, h)
	}
	states, err := machineStates(ctx, h)
	if err != nil {
		return err
	}
	return mend(objects, "resume", unlessRemoved(h, func(o Object) error {
		if state := states[o.Name]; state == vm.MachineStopped || state == vm.MachineCrashed {
			return goOn(ctx, h, o.Name, state)
		}
		return pauser.Resume(ctx, h.Cluster, o.Name)
	}))
}

// Undone implements Fault.
func (*NodeFreeze) Undone(ctx context.Context, h *vm.Handle, objects []Object) (string, error) {
	return runningInOwnBoot(ctx, h, objects)
}
