package fault

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"axolotl/vm"
)

// MachineRuin deletes the machines of workers with their disks.
type MachineRuin struct{}

// Name implements Fault.
func (*MachineRuin) Name() string { return "vm-ruined" }

// Effect implements Fault. A control plane has etcd on its disk, which no
// machine that is made anew brings back.
func (*MachineRuin) Effect() Effect {
	return Effect{On: OnNodes, Takes: TakesMachines, Role: string(vm.Worker)}
}

// Doc implements Fault.
func (*MachineRuin) Doc() Doc {
	return Doc{
		Does:   "deletes the machines of workers, with all that is on their disks",
		Needs:  "workers whose machines can be made anew (libvirt, --workers 1 or more)",
		Proved: "the driver says that there is no such machine",
		Undone: "the machine is made anew, and rejoins; the driver says that it runs, and the node is Ready in the boot that the machine itself is in",
	}
}

// Available implements Fault.
func (*MachineRuin) Available(h *vm.Handle) error {
	if _, ok := h.Driver.(vm.Grower); !ok || !h.Driver.Traits().RealMachines || h.Recreate == nil {
		return noSuch(h, "deleted and made anew")
	}
	if !slices.ContainsFunc(h.Cluster.Machines, func(m vm.Machine) bool { return m.Role == vm.Worker }) {
		return fmt.Errorf("cluster %q has no worker to lose; use one with --workers 1 or more", h.Cluster.Name)
	}
	return nil
}

// Prepare implements Fault.
func (*MachineRuin) Prepare(_ context.Context, h *vm.Handle, targets []Target) ([]Object, error) {
	return prepare(targets, func(t Target) (map[string]string, error) {
		machine, err := ownMachine(h, t.Name)
		if err == nil && machine.Role != vm.Worker {
			err = errors.New("it is a control plane, and etcd is on it; choose a worker")
		}
		return nil, err
	})
}

// Inject implements Fault.
func (*MachineRuin) Inject(ctx context.Context, h *vm.Handle, objects []Object) error {
	return strike(objects, "delete the machine of", func(o Object) error {
		return h.Driver.(vm.Grower).Leave(ctx, h.Cluster, o.Name)
	})
}

// Injected implements Fault.
func (*MachineRuin) Injected(ctx context.Context, h *vm.Handle, objects []Object) (string, error) {
	return machinesAre(ctx, h, objects, vm.MachineMissing)
}

// Undo implements Fault. What is there runs on: it was not deleted, or is back.
// To make a machine takes longer than ctx of one try may last, and half of it is
// worth nothing.
func (f *MachineRuin) Undo(ctx context.Context, h *vm.Handle, objects []Object) error {
	if h.Recreate == nil {
		return f.Available(h)
	}
	states, err := machineStates(ctx, h)
	if err != nil {
		return err
	}
	var lost []string
	for _, o := range objects {
		if h.Cluster.Machine(o.Name) != nil && states[o.Name] != vm.MachineRunning {
			lost = append(lost, o.Name)
		}
	}
	if len(lost) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), vm.Deadline)
	defer cancel()
	return h.Recreate(ctx, false, lost...)
}

// Undone implements Fault.
func (*MachineRuin) Undone(ctx context.Context, h *vm.Handle, objects []Object) (string, error) {
	return runningInOwnBoot(ctx, h, objects)
}
