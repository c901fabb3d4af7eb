package fault

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"axolotl/vm"
)

// MachineRuin deletes the machines of workers, or of some of several control
// planes, with their disks.
type MachineRuin struct{ role vm.Role }

// Name implements Fault.
func (f *MachineRuin) Name() string {
	if f.role == vm.ControlPlane {
		return "control-plane-ruined"
	}
	return "vm-ruined"
}

// Effect implements Fault.
func (f *MachineRuin) Effect() Effect {
	return Effect{On: OnNodes, Takes: TakesMachines, Role: string(f.role), Etcd: f.role == vm.ControlPlane, Thawed: true}
}

// Doc implements Fault.
func (f *MachineRuin) Doc() Doc {
	if f.role == vm.ControlPlane {
		return Doc{
			Does:   "deletes the machines of control planes, with all that is on their disks: the others' etcd still counts on them",
			Needs:  "three control planes whose machines can be made anew (libvirt, --control-planes 3)",
			Proved: "the driver says that there is no such machine",
			Undone: "etcd forgets the lost member; the machine is made anew, and joins as a new one, which gets from the others what is in etcd; the driver says that it runs, and the node is Ready in the boot that the machine itself is in",
		}
	}
	return Doc{
		Does:   "deletes the machines of workers, with all that is on their disks",
		Needs:  "workers whose machines can be made anew (libvirt, --workers 1 or more)",
		Proved: "the driver says that there is no such machine",
		Undone: "the machine is made anew, and rejoins; the driver says that it runs, and the node is Ready in the boot that the machine itself is in",
	}
}

// Available implements Fault.
func (f *MachineRuin) Available(_ context.Context, h *vm.Handle) error {
	if _, ok := h.Driver.(vm.Grower); !ok || !h.Driver.Traits().RealMachines || h.Recreate == nil {
		return noSuch(h, "deleted and made anew")
	}
	count := 0
	for _, m := range h.Cluster.Machines {
		if m.Role == f.role {
			count++
		}
	}
	switch _, ruins := h.Driver.(vm.Ruiner); {
	case f.role == vm.Worker && count == 0:
		return fmt.Errorf("cluster %q has no worker to lose; use one with --workers 1 or more", h.Cluster.Name)
	case f.role == vm.ControlPlane && count < 2:
		return fmt.Errorf("cluster %q has one control plane, with all of etcd on its disk; use one with --control-planes 3", h.Cluster.Name)
	case f.role == vm.ControlPlane && !ruins:
		return noSuch(h, "lost without their etcd being told")
	}
	return nil
}

// Prepare implements Fault.
func (f *MachineRuin) Prepare(_ context.Context, h *vm.Handle, targets []Target) ([]Object, error) {
	if f.role == vm.ControlPlane && len(targets) > 1 {
		return nil, errors.New("control planes are made anew one at a time, for each gets from the others what is in etcd; have count: 1")
	}
	return prepare(targets, func(t Target) (map[string]string, error) {
		machine, err := ownMachine(h, t.Name)
		if err != nil {
			return nil, err
		}
		if machine.Role != f.role {
			return nil, fmt.Errorf("it is a %s; %s is for a %s", machine.Role, f.Name(), f.role)
		}
		return map[string]string{priorUUID: machine.UUID}, nil
	})
}

// Inject implements Fault.
func (*MachineRuin) Inject(ctx context.Context, h *vm.Handle, objects []Object) error {
	return strike(objects, "delete the machine of", unlessRemoved(h, func(o Object) error {
		if ruiner, ok := h.Driver.(vm.Ruiner); ok {
			return ruiner.Ruin(ctx, h.Cluster, o.Name)
		}
		return h.Driver.(vm.Grower).Leave(ctx, h.Cluster, o.Name)
	}))
}

// Injected implements Fault.
func (*MachineRuin) Injected(ctx context.Context, h *vm.Handle, objects []Object) (string, error) {
	return machinesAre(ctx, h, objects, vm.MachineMissing)
}

// priorWiped is the key of a machine that is ruined from inside and stays where it is.
const priorWiped = "wiped"

// Wiped tells of objects of this fault that their machines are not deleted, but lose
// what is on their disks. One that is off after that cannot boot, so the undo makes it
// anew.
func Wiped(objects []Object) {
	for _, o := range objects {
		o.Prior[priorWiped] = "true"
	}
}

// Undo implements Fault. What was deleted is made anew, and nothing else: a machine
// that is only off, as after a crash of its host before it was deleted, or between
// both, has its disk still, and is switched on. To make a machine takes longer than
// ctx of one try may last, and half of it is worth nothing.
func (f *MachineRuin) Undo(ctx context.Context, h *vm.Handle, objects []Object) error {
	if h.Recreate == nil {
		return f.Available(ctx, h)
	}
	states, err := machineStates(ctx, h)
	if err != nil {
		return err
	}
	var lost []string
	err = mend(objects, "have back", unlessRemoved(h, func(o Object) error {
		// One that was being made anew when its process was killed may run, and
		// not have joined.
		half := slices.Contains(h.Cluster.Joining, o.Name)
		switch state := states[o.Name]; {
		case half, state == vm.MachineMissing, state == vm.MachineStopped && o.Prior[priorWiped] != "":
			lost = append(lost, o.Name)
		case state != vm.MachineRunning:
			return goOn(ctx, h, o.Name, state)
		}
		return nil
	}))
	if len(lost) == 0 {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), vm.Deadline)
	defer cancel()
	return errors.Join(err, h.Recreate(ctx, false, lost...))
}

// goOn has a machine run that is there, and does not.
func goOn(ctx context.Context, h *vm.Handle, machine string, state vm.MachineState) error {
	switch state {
	case vm.MachinePaused:
		if pauser, ok := h.Driver.(vm.Pauser); ok {
			return pauser.Resume(ctx, h.Cluster, machine)
		}
	case vm.MachineStopped, vm.MachineCrashed:
		if power, ok := h.Driver.(vm.Powerer); ok {
			return power.PowerOn(ctx, h.Cluster, machine)
		}
	}
	return fmt.Errorf("its machine is %s, and nobody knows that it is gone, so it is not made anew; have it run, and undo again", state)
}

// Undone implements Fault.
func (*MachineRuin) Undone(ctx context.Context, h *vm.Handle, objects []Object) (string, error) {
	return runningInOwnBoot(ctx, h, objects)
}
