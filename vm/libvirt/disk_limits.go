package libvirt

import (
	"context"
	"fmt"

	"libvirt.org/go/libvirt"

	"axolotl/vm"
)

var _ vm.DiskLimiter = (*Driver)(nil)

// DiskLimits implements vm.DiskLimiter.
func (d *Driver) DiskLimits(ctx context.Context, c *vm.Cluster, machine string) (vm.DiskLimits, error) {
	m, err := d.powered(ctx, c, machine)
	if err != nil {
		return nil, err
	}
	return d.at(m).hypervisor.DiskLimits(m.UUID, rootDisk)
}

// SetDiskLimits implements vm.DiskLimiter. QEMU itself holds the disk back: it
// needs no control groups, and works in a session too.
func (d *Driver) SetDiskLimits(ctx context.Context, c *vm.Cluster, machine string, limits vm.DiskLimits) error {
	m, err := d.powered(ctx, c, machine)
	if err != nil {
		return err
	}
	return d.at(m).hypervisor.SetDiskLimits(m.UUID, rootDisk, limits)
}

func (c *connection) DiskLimits(uuid, disk string) (vm.DiskLimits, error) {
	var limits vm.DiskLimits
	err := c.againWith(uuid, func(dom *libvirt.Domain) error {
		limits = vm.DiskLimits{}
		tune, err := dom.GetBlockIoTune(disk, libvirt.DOMAIN_AFFECT_LIVE)
		if err != nil {
			return err
		}
		for name, field := range tuneFields(tune) {
			if *field.value != 0 {
				limits[name] = *field.value
			}
		}
		return nil
	})
	return limits, err
}

func (c *connection) SetDiskLimits(uuid, disk string, limits vm.DiskLimits) error {
	tune, err := tuneOf(limits)
	if err != nil {
		return err
	}
	return c.againWith(uuid, func(dom *libvirt.Domain) error {
		return dom.SetBlockIoTune(disk, tune, libvirt.DOMAIN_AFFECT_LIVE)
	})
}

// tuneOf names every limit that libvirt has: one that is not named may stay.
func tuneOf(limits vm.DiskLimits) (*libvirt.DomainBlockIoTuneParameters, error) {
	var tune libvirt.DomainBlockIoTuneParameters
	fields := tuneFields(&tune)
	for name := range limits {
		if _, ok := fields[name]; !ok {
			return nil, fmt.Errorf("libvirt has no limit %q for disks", name)
		}
	}
	for name, field := range fields {
		*field.set, *field.value = true, limits[name]
	}
	return &tune, nil
}

type tuneField struct {
	set   *bool
	value *uint64
}

// tuneFields are the limits that libvirt has, by the names that virsh has for
// them.
func tuneFields(t *libvirt.DomainBlockIoTuneParameters) map[string]tuneField {
	return map[string]tuneField{
		vm.LimitBytesPerSecond: {&t.TotalBytesSecSet, &t.TotalBytesSec},
		"read_bytes_sec":       {&t.ReadBytesSecSet, &t.ReadBytesSec},
		"write_bytes_sec":      {&t.WriteBytesSecSet, &t.WriteBytesSec},
		vm.LimitIOPS:           {&t.TotalIopsSecSet, &t.TotalIopsSec},
		"read_iops_sec":        {&t.ReadIopsSecSet, &t.ReadIopsSec},
		"write_iops_sec":       {&t.WriteIopsSecSet, &t.WriteIopsSec},

		"total_bytes_sec_max": {&t.TotalBytesSecMaxSet, &t.TotalBytesSecMax},
		"read_bytes_sec_max":  {&t.ReadBytesSecMaxSet, &t.ReadBytesSecMax},
		"write_bytes_sec_max": {&t.WriteBytesSecMaxSet, &t.WriteBytesSecMax},
		"total_iops_sec_max":  {&t.TotalIopsSecMaxSet, &t.TotalIopsSecMax},
		"read_iops_sec_max":   {&t.ReadIopsSecMaxSet, &t.ReadIopsSecMax},
		"write_iops_sec_max":  {&t.WriteIopsSecMaxSet, &t.WriteIopsSecMax},

		"total_bytes_sec_max_length": {&t.TotalBytesSecMaxLengthSet, &t.TotalBytesSecMaxLength},
		"read_bytes_sec_max_length":  {&t.ReadBytesSecMaxLengthSet, &t.ReadBytesSecMaxLength},
		"write_bytes_sec_max_length": {&t.WriteBytesSecMaxLengthSet, &t.WriteBytesSecMaxLength},
		"total_iops_sec_max_length":  {&t.TotalIopsSecMaxLengthSet, &t.TotalIopsSecMaxLength},
		"read_iops_sec_max_length":   {&t.ReadIopsSecMaxLengthSet, &t.ReadIopsSecMaxLength},
		"write_iops_sec_max_length":  {&t.WriteIopsSecMaxLengthSet, &t.WriteIopsSecMaxLength},

		"size_iops_sec": {&t.SizeIopsSecSet, &t.SizeIopsSec},
	}
}
