package libvirt

import (
	"fmt"

	"axolotl/vm"
)

var _ vm.BootOnly = (*Driver)(nil)

// BootOnly implements vm.BootOnly.
func (d *Driver) BootOnly() error {
	for _, p := range d.places(nil) {
		if p.remote != nil {
			return fmt.Errorf("machines on another host (%s) are booted, not saved or restored: their memory would have to come here", p.remote.host)
		}
	}
	return nil
}
