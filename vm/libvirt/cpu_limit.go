package libvirt

import (
	"context"
	"errors"
	"fmt"
	"time"

	"libvirt.org/go/libvirt"

	"axolotl/vm"
)

var _ vm.CPULimiter = (*Driver)(nil)

// errNoQuota is why a libvirt cannot hold processors back.
var errNoQuota = errors.New("the host's control groups hold no processor of a guest back; use a cluster of qemu:///system, on a host with the cpu controller")

// CanLimitCPU implements vm.CPULimiter. It asks for the limit of a machine that
// runs: nothing else tells which control groups libvirt has found. A session of
// an ordinary user has none.
func (d *Driver) CanLimitCPU(ctx context.Context, c *vm.Cluster) error {
	for _, m := range c.Machines {
		if _, err := d.CPULimit(ctx, c, m.Name); !errors.Is(err, vm.ErrMachineOff) {
			return err
		}
	}
	return nil // no machine runs, and what is done to one says so
}

// CPULimit implements vm.CPULimiter.
func (d *Driver) CPULimit(ctx context.Context, c *vm.Cluster, machine string) (vm.CPULimit, error) {
	m, err := d.powered(ctx, c, machine)
	if err != nil {
		return vm.CPULimit{}, err
	}
	return d.at(m).hypervisor.CPULimit(m.UUID)
}

// SetCPULimit implements vm.CPULimiter. QEMU's other threads, which serve disks
// and networks, are not held back.
func (d *Driver) SetCPULimit(ctx context.Context, c *vm.Cluster, machine string, limit vm.CPULimit) error {
	m, err := d.powered(ctx, c, machine)
	if err != nil {
		return err
	}
	return d.at(m).hypervisor.SetCPULimit(m.UUID, limit)
}

// CPUTime implements vm.CPULimiter.
func (d *Driver) CPUTime(ctx context.Context, c *vm.Cluster, machine string) (time.Duration, error) {
	m, err := d.powered(ctx, c, machine)
	if err != nil {
		return 0, err
	}
	return d.at(m).hypervisor.CPUTime(m.UUID)
}

func (c *connection) CPULimit(uuid string) (vm.CPULimit, error) {
	var limit vm.CPULimit
	err := c.againWith(uuid, func(dom *libvirt.Domain) error {
		parameters, err := dom.GetSchedulerParametersFlags(libvirt.DOMAIN_AFFECT_LIVE)
		if hasCode(err, libvirt.ERR_OPERATION_INVALID) || hasCode(err, libvirt.ERR_OPERATION_UNSUPPORTED) {
			return fmt.Errorf("%w (%w)", errNoQuota, err)
		}
		if err != nil {
			return err
		}
		if !parameters.VcpuPeriodSet || !parameters.VcpuQuotaSet {
			return errNoQuota
		}
		limit.Period = time.Duration(parameters.VcpuPeriod) * time.Microsecond
		limit.Quota = time.Duration(parameters.VcpuQuota) * time.Microsecond
		return nil
	})
	return limit, err
}

func (c *connection) SetCPULimit(uuid string, limit vm.CPULimit) error {
	parameters := libvirt.DomainSchedulerParameters{
		VcpuPeriodSet: true, VcpuPeriod: uint64(limit.Period.Microseconds()),
		VcpuQuotaSet: true, VcpuQuota: limit.Quota.Microseconds(),
	}
	if limit.Quota < 0 {
		parameters.VcpuQuota = -1
	}
	return c.againWith(uuid, func(dom *libvirt.Domain) error {
		return dom.SetSchedulerParametersFlags(&parameters, libvirt.DOMAIN_AFFECT_LIVE)
	})
}

func (c *connection) CPUTime(uuid string) (time.Duration, error) {
	var worked time.Duration
	err := c.againWith(uuid, func(dom *libvirt.Domain) error {
		worked = 0
		processors, err := dom.GetVcpus()
		for _, p := range processors {
			worked += time.Duration(p.CpuTime) // nanoseconds
		}
		return err
	})
	return worked, err
}
