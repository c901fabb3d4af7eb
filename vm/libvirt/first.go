package libvirt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"axolotl/internal/term"
	"axolotl/vm"
	"axolotl/vm/controlplane"
	"axolotl/vm/kubeadm"
)

// etcdDir is etcd's directory in a machine.
const etcdDir = "var/lib/etcd"

// firstData is what the etcd of a control plane begins with, once that of all is
// complete.
func firstData(c *vm.Cluster, machine string) string {
	return filepath.Join(firstMembers(c), machine)
}

func firstMembers(c *vm.Cluster) string { return c.Path("first", "members") }

// beginCluster writes what every cluster begins with into an etcd on this host,
// which the seeds of the control planes take into the machines. That spares an
// emulated machine 14 s, and several that wait for each other more than there is
// time for; only those are worth the 4 s here. Where a machine has its seed the
// cluster has begun, and the others take what there is.
func (d *Driver) beginCluster(ctx context.Context, program string, c *vm.Cluster, step *term.Step) error {
	if c.Spec.Accel != AccelTCG {
		return nil
	}
	var members []controlplane.Member
	part := firstMembers(c) + ".part"
	for _, m := range c.Machines {
		if m.Role != vm.ControlPlane {
			continue
		}
		seed := filepath.Join(c.Path("machines", m.Name), seedFile)
		if _, err := os.Stat(seed); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		members = append(members, controlplane.Member{Name: m.Name, PeerURL: peerURL(&m), Data: filepath.Join(part, m.Name)})
	}
	c.Begun = false // of an etcd that is no more
	// Somebody else may have that port on all addresses, another Kubernetes for
	// instance. The machine is no worse off than without us.
	if host := ownLoopback(c); !portFree(host, apiPort) {
		step.Status("something listens on %s:%d; the machine writes them itself, which takes longer", host, apiPort)
		return nil
	}
	// Whatever is there was not completed, or its machines not started.
	if err := os.RemoveAll(c.Path("first")); err != nil {
		return err
	}
	if err := d.beginMembers(ctx, program, c, members, step); err != nil {
		return err
	}
	if err := os.Rename(part, firstMembers(c)); err != nil {
		return err
	}
	c.Begun = true
	return nil
}

// beginMembers makes what the members of etcd, or the only one, begin with.
func (d *Driver) beginMembers(ctx context.Context, program string, c *vm.Cluster, members []controlplane.Member, step *term.Step) error {
	first := &c.Machines[0]
	only := c.Path("first", "only", "etcd")
	if !several(c) {
		only = members[0].Data
	}
	err := d.first(ctx, &controlplane.Server{
		Program: program, PKI: filepath.Join(kubeadm.NodeDir(c.Dir, first.Name), "pki"), Data: only,
		Node: first.Name, Address: first.Address, PeerURL: peerURL(first),
		// The port of the Service "kubernetes" is the one that the API server
		// has when it begins, so it must be that of the machine's.
		APIHost: ownLoopback(c), APIPort: apiPort,
		// The machine's ports on this host, which it does not use yet.
		EtcdPort: first.NodePortBase, PeerPort: first.NodePortBase + 1,
		Extra: c.Spec.APIServer.Flags(),
	}, kubeadm.AdminConf(c.Dir))
	if err != nil || !several(c) {
		return err
	}
	etcdutl, err := d.etcdutl(ctx, d.home, step)
	if err != nil {
		return err
	}
	return d.divide(ctx, etcdutl, only, members)
}

// ownLoopback is an address of this host's loopback that is no other cluster's.
func ownLoopback(c *vm.Cluster) string {
	return fmt.Sprintf("127.88.%d.%d", c.APIPort>>8, c.APIPort&0xff)
}

// endBeginning throws away what the seeds have taken in.
func endBeginning(c *vm.Cluster) error { return os.RemoveAll(c.Path("first")) }
