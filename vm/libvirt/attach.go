package libvirt

import (
	"errors"
	"strings"

	"libvirt.org/go/libvirt"
	"libvirt.org/go/libvirtxml"
)

func (c *connection) AttachDisk(uuid, xml string) error {
	return c.with(uuid, func(dom *libvirt.Domain) error { return dom.AttachDeviceFlags(xml, libvirt.DOMAIN_DEVICE_MODIFY_LIVE) })
}

func (c *connection) DetachDisk(uuid, serial string) (gone bool, err error) {
	err = c.with(uuid, func(dom *libvirt.Domain) error {
		disk, err := diskOf(dom, serial)
		if gone = err == nil && disk == nil; gone || err != nil {
			return err
		}
		text, err := disk.Marshal()
		if err != nil {
			return err
		}
		err = dom.DetachDeviceFlags(text, libvirt.DOMAIN_DEVICE_MODIFY_LIVE)
		// libvirt has no code of its own for this.
		if err != nil && strings.Contains(err.Error(), "in the process of unplug") {
			return nil // it was asked before
		}
		return err
	})
	if errors.Is(err, errNoDomain) {
		return true, nil
	}
	return gone, err
}

// diskOf finds a disk that a domain has now, or nil. One that is off has only
// those that it starts with.
func diskOf(dom *libvirt.Domain, serial string) (*libvirtxml.DomainDisk, error) {
	text, err := dom.GetXMLDesc(0)
	if err != nil {
		return nil, err
	}
	var description libvirtxml.Domain
	if err := description.Unmarshal(text); err != nil {
		return nil, err
	}
	for i, disk := range description.Devices.Disks {
		if disk.Serial == serial {
			return &description.Devices.Disks[i], nil
		}
	}
	return nil, nil
}
