package libvirt

import (
	"context"
	"errors"
	"slices"

	"libvirt.org/go/libvirt"

	"axolotl/vm"
)

var _ vm.Follower = (*Driver)(nil)

// Follow implements vm.Follower by libvirt's lifecycle events.
func (d *Driver) Follow(ctx context.Context, c *vm.Cluster, changed func()) error {
	return d.hypervisor.Follow(ctx, func(uuid string) {
		ours := func(m vm.Machine) bool { return m.UUID == uuid }
		if uuid == "" || slices.ContainsFunc(c.Machines, ours) {
			changed()
		}
	})
}

func (c *connection) Follow(ctx context.Context, changed func(uuid string)) error {
	conn, err := c.open()
	if err != nil {
		return err
	}
	id, err := conn.DomainEventLifecycleRegister(nil, func(_ *libvirt.Connect, dom *libvirt.Domain, _ *libvirt.DomainEventLifecycle) {
		if uuid, err := dom.GetUUIDString(); err == nil {
			changed(uuid)
		}
	})
	if err != nil {
		return err
	}
	defer conn.DomainEventDeregister(id) //nolint:errcheck // the connection may be gone
	closed := make(chan struct{}, 1)
	err = conn.RegisterCloseCallback(func(*libvirt.Connect, libvirt.ConnectCloseReason) {
		select {
		case closed <- struct{}{}:
		default: // it is told once
		}
	})
	if err != nil {
		return err
	}
	defer conn.UnregisterCloseCallback() //nolint:errcheck // the connection may be gone
	changed("")
	select {
	case <-ctx.Done():
		return nil
	case <-closed:
		return errors.New("libvirt has closed the connection; see that libvirtd runs")
	}
}
