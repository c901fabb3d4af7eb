package libvirt

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"axolotl/vm"
)

// hardware is what can be done to a domain's devices while it runs, and is
// undone by its end.
type hardware struct {
	down   map[string]bool // cards without a link, by netdev
	limits vm.DiskLimits
	nodes  map[string]bool // what disks can be made of
	drive  string          // what the root disk is made of
	failed int             // reads and writes
	cpu    vm.CPULimit
	worked time.Duration
}

// soundHardware is what a machine starts with.
func soundHardware() hardware {
	const drive = "libvirt-2-format"
	return hardware{
		down: map[string]bool{}, limits: vm.DiskLimits{}, nodes: map[string]bool{drive: true}, drive: drive,
		cpu: vm.CPULimit{Period: 100 * time.Millisecond, Quota: -time.Microsecond},
	}
}

// monitor plays QEMU's monitor as far as devices go.
func (h *hardware) monitor(d *fakeDomain, c command) (any, error) {
	text := func(key string) string { return fmt.Sprint(c.Arguments[key]) }
	switch c.Execute {
	case "set_link":
		if !strings.Contains(d.running, "id="+text("name")+",") {
			return nil, fmt.Errorf("device '%s' not found", text("name"))
		}
		delete(h.down, text("name"))
		if c.Arguments["up"] != true {
			h.down[text("name")] = true
		}
		return map[string]any{}, nil
	case "query-named-block-nodes":
		var nodes []map[string]string
		for name := range h.nodes {
			nodes = append(nodes, map[string]string{"node-name": name})
		}
		return nodes, nil
	case "query-blockstats":
		if h.drive == brokenNode {
			h.failed = 3 // the guest goes on trying
		}
		stats := map[string]any{"failed_rd_operations": h.failed - h.failed/3, "failed_wr_operations": h.failed / 3}
		return []any{map[string]any{"qdev": rootDevice, "node-name": h.drive, "stats": stats}}, nil
	case "blockdev-add":
		if h.nodes[text("node-name")] {
			return nil, fmt.Errorf("duplicate nodes with node-name='%s'", text("node-name"))
		}
		if c.Arguments["driver"] != "blkdebug" || !h.nodes[text("image")] {
			return nil, fmt.Errorf("cannot find device='' nor node-name='%s'", text("image"))
		}
		h.nodes[text("node-name")] = true
		return map[string]any{}, nil
	}
	if c.Execute != "qom-get" && c.Execute != "qom-set" {
		return nil, fmt.Errorf("the command %s has not been found", c.Execute)
	}
	if c.Arguments["path"] != rootDevice || c.Arguments["property"] != "drive" {
		return nil, fmt.Errorf("device '%s' not found", text("path"))
	}
	if c.Execute == "qom-get" {
		return h.drive, nil
	}
	if text("value") == h.drive {
		d.state, d.running = vm.MachineCrashed, "" // bdrv_replace_child_noperm: Assertion `old_bs != new_bs' failed
		return nil, errors.New("end of file while reading from monitor")
	}
	h.drive = text("value")
	return map[string]any{}, nil
}

// onRunning is on for a domain that must run.
func (f *fake) onRunning(what, uuid string, do func(*hardware) error) error {
	return f.on(what, uuid, func(d *fakeDomain) error {
		if d.running == "" {
			return errors.New("requested operation is not valid: domain is not running")
		}
		return do(&d.hardware)
	})
}

func (f *fake) DiskLimits(uuid, disk string) (limits vm.DiskLimits, err error) {
	err = f.onRunning("DiskLimits", uuid, func(h *hardware) error {
		limits = maps.Clone(h.limits)
		return noDisk(disk)
	})
	return limits, err
}

func (f *fake) SetDiskLimits(uuid, disk string, limits vm.DiskLimits) error {
	return f.onRunning("SetDiskLimits", uuid, func(h *hardware) error {
		if _, err := tuneOf(limits); err != nil {
			return err
		}
		h.limits = maps.Clone(limits)
		return noDisk(disk)
	})
}

func noDisk(disk string) error {
	if disk != "vda" {
		return fmt.Errorf("invalid argument: missing persistent configuration for disk '%s'", disk)
	}
	return nil
}

func (f *fake) CPULimit(uuid string) (limit vm.CPULimit, err error) {
	err = f.onRunning("CPULimit", uuid, func(h *hardware) error {
		if limit = h.cpu; f.noQuota {
			return errNoQuota
		}
		return nil
	})
	return limit, err
}

func (f *fake) SetCPULimit(uuid string, limit vm.CPULimit) error {
	return f.onRunning("SetCPULimit", uuid, func(h *hardware) error {
		h.cpu = limit
		return nil
	})
}

func (f *fake) CPUTime(uuid string) (worked time.Duration, err error) {
	err = f.onRunning("CPUTime", uuid, func(h *hardware) error {
		h.worked += time.Second
		worked = h.worked
		return nil
	})
	return worked, err
}
