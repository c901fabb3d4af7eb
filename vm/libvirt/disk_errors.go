package libvirt

import (
	"context"
	"fmt"
	"syscall"

	"axolotl/vm"
)

var _ vm.DiskBreaker = (*Driver)(nil)

const (
	// rootDevice is the root disk, of which QEMU's object model knows by the
	// alias that libvirt has for the first virtio disk.
	rootDevice = "/machine/peripheral/virtio-disk0/virtio-backend"
	// brokenNode lies over what the disk reads and writes otherwise, and lets
	// nothing through.
	brokenNode = "axo-errors"
)

// BreakDisk implements vm.DiskBreaker. The errors come before the overlay's
// format is asked: what is in the file is never half-written, and boots again.
// QEMU reports them to the guest and goes on, as it does with all errors but
// that of a full disk.
func (d *Driver) BreakDisk(ctx context.Context, c *vm.Cluster, machine string) error {
	m, err := d.powered(ctx, c, machine)
	if err != nil {
		return err
	}
	var now string
	if err := d.at(m).monitor(m.UUID, "qom-get", map[string]any{"path": rootDevice, "property": "drive"}, &now); err != nil {
		return err
	}
	if now == brokenNode {
		return nil // NOTE: QEMU 7.2 ends by an assertion where it is put there twice
	}
	nodes, err := d.at(m).blockNodes(m.UUID)
	if err != nil {
		return err
	}
	if !nodes[brokenNode] { // else whoever has added it did not come to use it
		err := d.at(m).monitor(m.UUID, "blockdev-add", map[string]any{
			"driver": "blkdebug", "node-name": brokenNode, "image": now,
			"inject-error": []map[string]any{{"event": "none", "errno": int(syscall.EIO)}}, // from its beginning on
		}, nil)
		if err != nil {
			return fmt.Errorf("%w; it takes a QEMU with the driver blkdebug", err)
		}
	}
	err = d.at(m).monitor(m.UUID, "qom-set", map[string]any{"path": rootDevice, "property": "drive", "value": brokenNode}, nil)
	if err != nil {
		return fmt.Errorf("%w; it takes a QEMU that changes a disk's drive while it is used (7.2 does)", err)
	}
	return nil
}

// blockNodes are the names of what QEMU's disks are made of.
func (d *Driver) blockNodes(uuid string) (map[string]bool, error) {
	var nodes []struct {
		Name string `json:"node-name"`
	}
	if err := d.monitor(uuid, "query-named-block-nodes", map[string]any{"flat": true}, &nodes); err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for _, n := range nodes {
		names[n.Name] = true
	}
	return names, nil
}

// DiskErrors implements vm.DiskBreaker by QEMU's own count.
func (d *Driver) DiskErrors(ctx context.Context, c *vm.Cluster, machine string) (broken bool, failed int, err error) {
	m, err := d.powered(ctx, c, machine)
	if err != nil {
		return false, 0, err
	}
	var disks []struct {
		Device string `json:"qdev"`
		Node   string `json:"node-name"`
		Stats  struct {
			Reads  int `json:"failed_rd_operations"`
			Writes int `json:"failed_wr_operations"`
		} `json:"stats"`
	}
	if err := d.at(m).monitor(m.UUID, "query-blockstats", nil, &disks); err != nil {
		return false, 0, err
	}
	for _, disk := range disks {
		if disk.Device == rootDevice {
			return disk.Node == brokenNode, disk.Stats.Reads + disk.Stats.Writes, nil
		}
	}
	return false, 0, fmt.Errorf("QEMU knows of no disk %s of machine %s", rootDevice, machine)
}
