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
