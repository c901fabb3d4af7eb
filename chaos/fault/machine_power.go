package fault

import (
	"context"
	"errors"
	"fmt"

	"axolotl/vm"
)

// StartAnew resets a machine, or cuts its power and gives it back.
func StartAnew(ctx context.Context, h *vm.Handle, machine string) error {
	switch driver := h.Driver.(type) {
	case vm.Resetter:
		return driver.Reset(ctx, h.Cluster, machine)
	case vm.Powerer:
		if err := driver.PowerOff(ctx, h.Cluster, machine); err != nil {
			return err
		}
		return driver.PowerOn(ctx, h.Cluster, machine)
	}
	return errors.New("driver " + h.Driver.Name() + " cannot start it anew")
}

// noSuch is why a driver cannot do a thing to machines.
func noSuch(h *vm.Handle, what string) error {
	return fmt.Errorf("driver %q has no machines that can be %s; use a cluster made with --driver libvirt", h.Driver.Name(), what)
}

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
