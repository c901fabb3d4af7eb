package libvirt

import (
	"context"
	"fmt"
	"os"
	"time"

	"axolotl/internal/daemon"
	"axolotl/internal/store"
	"axolotl/internal/term"
	"axolotl/vm"
)

// kind marks the processes of this driver.
const kind daemon.Kind = "LIBVIRT"

// balancerName is the component that a cluster with several control planes is
// reached by. A forward of QEMU ends with its machine; this stays. What is asked
// of it is at 127.0.0.1 as everywhere, for the API servers' certificates are for
// that address and, as they are a golden snapshot's, can be for none of the
// cluster's own.
const balancerName = "balancer"

// BalanceCommand is the hidden subcommand of axolotl that is the balancer of the
// cluster whose directory is its argument.
const BalanceCommand = "libvirt-balance"

// balancerGrace is how long a balancer, or a tunnel, gets to end by itself.
const balancerGrace = 3 * time.Second

func balancerLog(c *vm.Cluster) string { return c.Path("balancer.log") }

var _ vm.Mender = (*Driver)(nil)

// balance lists what has one address of this host lead to all API servers.
func (d *Driver) balance(c *vm.Cluster) []vm.Action {
	if !several(c) {
		return nil
	}
	return []vm.Action{{Name: "Balance the API servers", Run: func(ctx context.Context, _ *term.Step) error {
		return d.ensureBalancer(ctx, c)
	}}}
}

// Whole implements vm.Mender.
func (d *Driver) Whole(c *vm.Cluster) (bool, error) {
	if whole, err := d.tunnelled(c); !whole || err != nil {
		return whole, err
	}
	return d.balanced(c)
}

// Mend implements vm.Mender.
func (d *Driver) Mend(ctx context.Context, c *vm.Cluster) error {
	if err := d.ensureTunnel(ctx, c); err != nil {
		return err
	}
	return d.ensureBalancer(ctx, c)
}

// balanced tells whether a cluster's balancer runs, or none is needed.
func (d *Driver) balanced(c *vm.Cluster) (bool, error) {
	if !several(c) {
		return true, nil
	}
	running, err := kind.Find(daemon.Component(c.ID, balancerName))
	return len(running) > 0, err
}

// ensureBalancer starts a cluster's balancer where it needs one and none runs.
// The caller holds the cluster's lock.
func (d *Driver) ensureBalancer(ctx context.Context, c *vm.Cluster) error {
	if whole, err := d.balanced(c); whole || err != nil {
		return err
	}
	cmd, err := d.Balancer(c.Dir)
	if err != nil {
		return err
	}
	who := daemon.Process{Cluster: c.ID, Dir: c.Dir, Component: balancerName}
	if err := kind.Launch(ctx, cmd, who, balancerLog(c), balancing); err != nil {
		return fmt.Errorf("%w; 'axolotl up %s' tries again", err, c.Name)
	}
	return nil
}

// endBalancer ends a cluster's balancer.
func (d *Driver) endBalancer(ctx context.Context, c *vm.Cluster) error {
	return end(ctx, kind, c, balancerName, balancerLog(c))
}

// end ends a process of a cluster, with those that it has started, and removes
// what it wrote. One that does not run is success.
func end(ctx context.Context, kind daemon.Kind, c *vm.Cluster, component, log string) error {
	if err := kind.Stop(ctx, c.ID, component, balancerGrace, nil); err != nil {
		return err
	}
	if _, err := os.Stat(log); err != nil {
		return nil //nolint:nilerr // most clusters have none
	}
	return store.RemoveFile(log)
}
