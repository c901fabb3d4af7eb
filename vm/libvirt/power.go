package libvirt

import (
	"context"
	"errors"
	"fmt"
	"time"

	"axolotl/vm"
	"axolotl/vm/image"
)

var (
	_ vm.Powerer  = (*Driver)(nil)
	_ vm.Resetter = (*Driver)(nil)
	_ vm.Pauser   = (*Driver)(nil)
)

// PowerOff implements vm.Powerer.
func (d *Driver) PowerOff(ctx context.Context, c *vm.Cluster, machine string) error {
	m, _, err := d.owned(ctx, c, machine)
	if err != nil {
		return err
	}
	return d.at(m).hypervisor.Destroy(m.UUID)
}

// PowerOn implements vm.Powerer.
func (d *Driver) PowerOn(ctx context.Context, c *vm.Cluster, machine string) error {
	m, dom, err := d.owned(ctx, c, machine)
	if err != nil {
		return err
	}
	// Of an image that is not whole QEMU finds out whether it can be used.
	if img, err := image.Open(d.home, c.Image); err == nil {
		if err := d.sameBase(c, m, img); err != nil {
			return fmt.Errorf("disk of %s: %w", machine, err)
		}
	}
	if err := d.at(m).start(m.UUID, dom.State); err != nil {
		return err
	}
	return d.catchUp(ctx, c, m)
}

// Reset implements vm.Resetter.
func (d *Driver) Reset(ctx context.Context, c *vm.Cluster, machine string) error {
	m, dom, err := d.owned(ctx, c, machine)
	if err != nil {
		return err
	}
	if dom.State == vm.MachineRunning {
		return d.at(m).hypervisor.Reset(m.UUID)
	}
	// A processor that stands still takes no reset, and one without power
	// neither.
	if err := d.at(m).hypervisor.Destroy(m.UUID); err != nil {
		return err
	}
	if err := d.at(m).hypervisor.Start(m.UUID); err != nil {
		return err
	}
	return d.catchUp(ctx, c, m)
}

// Pause implements vm.Pauser.
func (d *Driver) Pause(ctx context.Context, c *vm.Cluster, machine string) error {
	m, _, err := d.owned(ctx, c, machine)
	if err != nil {
		return err
	}
	return d.at(m).hypervisor.Pause(m.UUID) // of a paused one it is success
}

// Resume implements vm.Pauser. The machine's clock stood still with it, and is
// set.
func (d *Driver) Resume(ctx context.Context, c *vm.Cluster, machine string) error {
	m, dom, err := d.owned(ctx, c, machine)
	if err != nil {
		return err
	}
	switch dom.State {
	case vm.MachineRunning:
		// Whoever has resumed it may have been stopped before its clock was
		// set. Where the agent is silent it boots, and reads the clock itself.
		if err := d.SetTime(ctx, c, machine, time.Now()); err != nil && !errors.Is(err, errAgentSilent) {
			return err
		}
		return d.catchUp(ctx, c, m)
	case vm.MachinePaused:
	default:
		return fmt.Errorf("machine %s is %s: there is nothing to resume", machine, dom.State)
	}
	if err := d.at(m).dropState(m.UUID); err != nil {
		return err
	}
	if err := d.at(m).hypervisor.Resume(m.UUID); err != nil {
		return err
	}
	if err := d.setClock(ctx, c, m); err != nil {
		return err
	}
	return d.catchUp(ctx, c, m)
}
