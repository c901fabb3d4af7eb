package libvirt

import (
	"libvirt.org/go/libvirt"
	"libvirt.org/go/libvirtxml"
)

// SaveImage writes what virDomainSave would. That ends the domain; this is the
// memory of an external snapshot, the same file, of which libvirt keeps no
// record. No disk is part of it.
func (c *connection) SaveImage(uuid, path string) error {
	return c.with(uuid, func(dom *libvirt.Domain) error {
		text, err := dom.GetXMLDesc(0)
		if err != nil {
			return err
		}
		var running libvirtxml.Domain
		if err := running.Unmarshal(text); err != nil {
			return err
		}
		wanted := libvirtxml.DomainSnapshot{
			Memory: &libvirtxml.DomainSnapshotMemory{Snapshot: "external", File: path},
			Disks:  &libvirtxml.DomainSnapshotDisks{},
		}
		for _, disk := range running.Devices.Disks {
			wanted.Disks.Disks = append(wanted.Disks.Disks, libvirtxml.DomainSnapshotDisk{Name: disk.Target.Dev, Snapshot: "no"})
		}
		if text, err = wanted.Marshal(); err != nil {
			return err
		}
		snapshot, err := dom.CreateSnapshotXML(text, libvirt.DOMAIN_SNAPSHOT_CREATE_NO_METADATA)
		if err != nil {
			return err
		}
		return snapshot.Free()
	})
}

func (c *connection) RestoreImage(path string) error {
	return c.do(func(conn *libvirt.Connect) error {
		return conn.DomainRestoreFlags(path, "", libvirt.DOMAIN_SAVE_PAUSED)
	})
}
