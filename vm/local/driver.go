// Package local is the driver without machines: a real control plane as
// processes on this host, and nodes that kwok simulates. It serves where there
// is no virtualization, for tests, and for a thousand nodes.
//
// All ports are on 127.0.0.1 and all files are in the cluster's directory. One
// supervisor process a cluster (see Supervise) starts the others and outlives
// the command that started it.
package local

import (
	"context"
	"fmt"
	"os/exec"

	"axolotl/internal/daemon"
	"axolotl/internal/store"
	"axolotl/internal/term"
	"axolotl/vm"
	"axolotl/vm/image"
	"axolotl/vm/kubeadm"
)

// Name is the word for this driver.
const Name = "local"

// SuperviseCommand is the hidden subcommand of axolotl that is the supervisor
// of the cluster whose directory is its argument.
const SuperviseCommand = "local-supervise"

// Driver makes clusters of processes.
type Driver struct {
	home store.Home

	// Supervisor makes the command that runs Supervise for a cluster's
	// directory. The default is this executable with SuperviseCommand.
	Supervisor func(dir string) (*exec.Cmd, error)
}

var (
	_ vm.Driver  = (*Driver)(nil)
	_ vm.Powerer = (*Driver)(nil)
	_ vm.Pauser  = (*Driver)(nil)
)

// New returns the driver that keeps its programs in home's cache.
func New(home store.Home) *Driver {
	return &Driver{home: home, Supervisor: daemon.Self(SuperviseCommand)}
}

// Name implements vm.Driver.
func (d *Driver) Name() string { return Name }

// Traits implements vm.Driver: no container runs, and no machine.
func (d *Driver) Traits() vm.Traits { return vm.Traits{} }

// Plan implements vm.Driver. The caller holds the lock that guards new records.
func (d *Driver) Plan(_ context.Context, c *vm.Cluster) error {
	if c.Spec.ControlPlanes != 1 {
		return fmt.Errorf("driver %s has one control plane, asked for %d; ask for one, or for another driver", Name, c.Spec.ControlPlanes)
	}
	c.Machines = vm.PlanMachines(c.Machines, c.Spec)
	for i := range c.Machines {
		c.Machines[i].Address = nodeAddress(c.Machines[i].Index)
	}
	if c.APIPort != 0 {
		return nil
	}
	port, err := choosePorts(d.home, c)
	if err != nil {
		return err
	}
	c.APIPort, c.Machines[0].APIPort = port, port
	return nil
}

// nodeAddress is what a simulated node says its address is. Nothing on the
// host has it. It is vm.SegmentAddress, for more than two hundred nodes.
func nodeAddress(index int) string {
	n := 10 + index
	return fmt.Sprintf("10.88.%d.%d", n/256, n%256)
}

// Up implements vm.Driver.
func (d *Driver) Up(c *vm.Cluster) []vm.Action {
	var node, kwok string
	return []vm.Action{
		{Name: "Get Kubernetes", Run: func(ctx context.Context, step *term.Step) (err error) {
			node, err = image.Node.Ensure(ctx, d.home, step)
			return err
		}},
		{Name: "Get kwok", Run: func(ctx context.Context, step *term.Step) (err error) {
			kwok, err = image.Kwok.Ensure(ctx, d.home, step)
			return err
		}},
		{Name: "Make certificates and kubeconfigs", Run: func(ctx context.Context, _ *term.Step) error {
			return kubeadm.Make(ctx, node, c.Dir, kubeadmConfig(c))
		}},
		{Name: "Write the cluster's first objects", Run: func(ctx context.Context, step *term.Step) error {
			return d.beginCluster(ctx, c, node, step)
		}},
		{Name: "Start the control plane and simulated nodes", Run: func(ctx context.Context, step *term.Step) error {
			return d.start(ctx, &orders{Cluster: *c, Dir: c.Dir, Node: node, Kwok: kwok}, step)
		}},
	}
}

// kubeadmConfig says what the control plane's credentials are made for.
// Controller manager and scheduler get the API server's real address as a
// flag: kubeadm takes no loopback address for a node.
func kubeadmConfig(c *vm.Cluster) kubeadm.Config {
	first := c.Machines[0]
	return kubeadm.Config{
		ClusterName:       c.Name,
		KubernetesVersion: image.KubernetesVersion,
		ServiceSubnet:     vm.ServiceCIDR,
		PodSubnet:         vm.PodCIDR,
		Endpoint:          loopback(c.APIPort),
		HostPort:          c.APIPort,
		BindPort:          c.APIPort,
		Nodes:             []kubeadm.Node{{Name: first.Name, Address: first.Address, ControlPlane: true, Simulated: true}},
	}
}

// Down implements vm.Driver.
func (d *Driver) Down(c *vm.Cluster) []vm.Action {
	return []vm.Action{{Name: "Stop the control plane and simulated nodes", Run: func(ctx context.Context, step *term.Step) error {
		return stopAll(ctx, c.ID, step)
	}}}
}

// Salvage finds the ID of a cluster whose record is damaged, by what its
// processes say of themselves, or its supervisor's orders where none runs; it
// is "" where there are neither.
func (d *Driver) Salvage(_ context.Context, _, dir string) (string, error) {
	processes, err := kind.Find(func(p daemon.Process) bool { return p.Dir == dir })
	if err != nil {
		return "", err
	}
	if len(processes) > 0 {
		return processes[0].Cluster, nil
	}
	o, err := readOrders(dir)
	if err != nil {
		return "", nil //nolint:nilerr // missing or damaged: it tells nothing
	}
	return o.Cluster.ID, nil
}
