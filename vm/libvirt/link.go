package libvirt

import (
	"context"
	"fmt"

	"axolotl/vm"
)

var _ vm.Linker = (*Driver)(nil)

// netdevs are the host's ends of a machine's cards, as networkArguments calls
// them. Both are QEMU's own, and libvirt, which did not make them, does not know
// of their links.
var netdevs = map[vm.Card]string{vm.SegmentCard: "axoseg", vm.OutsideCard: "axouser"}

// SetLink implements vm.Linker. QEMU tells the guest, whose card loses its
// carrier.
func (d *Driver) SetLink(ctx context.Context, c *vm.Cluster, machine string, card vm.Card, up bool) error {
	m, err := d.powered(ctx, c, machine)
	if err != nil {
		return err
	}
	netdev, ok := netdevs[card]
	if !ok {
		return fmt.Errorf("a machine has no card %q; use %q or %q", card, vm.SegmentCard, vm.OutsideCard)
	}
	return d.at(m).monitor(m.UUID, "set_link", map[string]any{"name": netdev, "up": up}, nil)
}

// powered returns a machine of the cluster's own that has power. A crashed one
// is switched off and on before it runs again.
func (d *Driver) powered(ctx context.Context, c *vm.Cluster, machine string) (*vm.Machine, error) {
	m, dom, err := d.owned(ctx, c, machine)
	if err != nil {
		return nil, err
	}
	if dom.State == vm.MachineStopped || dom.State == vm.MachineCrashed {
		return nil, fmt.Errorf("machine %s: %w; start it ('axolotl up %s')", machine, vm.ErrMachineOff, c.Name)
	}
	return m, nil
}
