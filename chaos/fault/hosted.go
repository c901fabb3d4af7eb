package fault

import (
	"context"
	"errors"
	"strings"

	"axolotl/vm"
)

// hosted is a fault that the driver makes and undoes from outside of machines,
// in the devices of those that its nodes run on. A file declares it as a value
// of this type.
type hosted struct {
	name   string
	doc    Doc
	effect Effect
	with   any // points to the settings; nil for none

	able func(ctx context.Context, h *vm.Handle) error
	// note adds what the undo needs to an object's prior values; it refuses what
	// could not be proved, or would be lost.
	note func(ctx context.Context, h *vm.Handle, o Object) error
	// The others are Fault's of these names, for one machine that is still the
	// one that was noted. An undo need not know of machines that are off.
	inject, undo     func(ctx context.Context, h *vm.Handle, o Object) error
	injected, undone func(ctx context.Context, h *vm.Handle, o Object) (string, error)
}

// Name implements Fault.
func (f *hosted) Name() string { return f.name }

// Doc implements Fault.
func (f *hosted) Doc() Doc { return f.doc }

// Effect implements Fault.
func (f *hosted) Effect() Effect { return f.effect }

// Settings implements Configured.
func (f *hosted) Settings() any {
	if f.with == nil {
		return &struct{}{}
	}
	return f.with
}

// Available implements Fault.
func (f *hosted) Available(ctx context.Context, h *vm.Handle) error {
	if _, err := executor(h); err != nil {
		return err
	}
	return f.able(ctx, h)
}

// Prepare implements Fault.
func (f *hosted) Prepare(ctx context.Context, h *vm.Handle, targets []Target) ([]Object, error) {
	return prepare(targets, func(t Target) (map[string]string, error) {
		machine, err := ownMachine(h, t.Name)
		if err != nil {
			return nil, err
		}
		o := Object{Target: t, Prior: map[string]string{priorUUID: machine.UUID}}
		return o.Prior, f.note(ctx, h, o)
	})
}

// Inject implements Fault.
func (f *hosted) Inject(ctx context.Context, h *vm.Handle, objects []Object) error {
	return strike(objects, f.name+" on", func(o Object) error {
		if err := same(h, o); err != nil {
			return err
		}
		return f.inject(ctx, h, o)
	})
}

// Injected implements Fault.
func (f *hosted) Injected(ctx context.Context, h *vm.Handle, objects []Object) (string, error) {
	return look(objects, func(o Object) (string, error) {
		if err := same(h, o); err != nil {
			return "", err
		}
		return f.injected(ctx, h, o)
	})
}

// Undo implements Fault. With a machine's power went what was done to it.
func (f *hosted) Undo(ctx context.Context, h *vm.Handle, objects []Object) error {
	return mend(objects, "undo "+f.name+" on", func(o Object) error {
		if err := same(h, o); err != nil {
			return err
		}
		if err := f.undo(ctx, h, o); !errors.Is(err, vm.ErrMachineOff) {
			return err
		}
		return nil
	})
}

// Undone implements Fault.
func (f *hosted) Undone(ctx context.Context, h *vm.Handle, objects []Object) (string, error) {
	return look(objects, func(o Object) (string, error) {
		if err := same(h, o); err != nil {
			return "", err
		}
		return f.undone(ctx, h, o)
	})
}

// same returns errVanished where a node has another machine than it had.
func same(h *vm.Handle, o Object) error {
	if removed(h, o) {
		return errVanished
	}
	return nil
}

// ability is the driver as one that can do something to machines.
func ability[T any](h *vm.Handle, what string) (T, error) {
	driver, ok := h.Driver.(T)
	if !ok || !h.Driver.Traits().RealMachines {
		return driver, noSuch(h, what)
	}
	return driver, nil
}

// shellBegin is how each script begins that is run in a machine.
const shellBegin = "set -eu\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"

// shell runs a script in a machine and returns what it printed, in one line.
func shell(ctx context.Context, h *vm.Handle, machine, script string) (string, error) {
	inside, err := executor(h)
	if err != nil {
		return "", err
	}
	out, err := inside.Exec(ctx, h.Cluster, machine, "/bin/sh", "-c", shellBegin+script)
	return strings.Join(strings.Fields(out), " "), err
}
