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

// firstData is what the control plane's etcd begins with, once it is complete.
func firstData(c *vm.Cluster) string { return c.Path("first", "etcd") }

// beginCluster writes what every cluster begins with into an etcd on this host,
// which the seed of the control plane takes into the machine. That spares an
// emulated machine 14 s, and only that one is worth the 4 s here. Of several
// members each would need a share in it. A machine that has its seed has begun
// already.
func (d *Driver) beginCluster(ctx context.Context, program string, c *vm.Cluster, step *term.Step) error {
	first := &c.Machines[0]
	seed := filepath.Join(c.Path("machines", first.Name), seedFile)
	if _, err := os.Stat(seed); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if c.Spec.Accel != AccelTCG || c.Spec.ControlPlanes > 1 {
		return nil
	}
	// Somebody else may have that port on all addresses, another Kubernetes for
	// instance. The machine is no worse off than without us.
	if host := ownLoopback(c); !portFree(host, apiPort) {
		step.Status("something listens on %s:%d; the machine writes them itself, which takes longer", host, apiPort)
		return nil
	}
	// Whatever is there was not completed, or its machine not started.
	if err := os.RemoveAll(c.Path("first")); err != nil {
		return err
	}
	part := firstData(c) + ".part"
	err := d.first(ctx, &controlplane.Server{
		Program: program, PKI: filepath.Join(kubeadm.NodeDir(c.Dir, first.Name), "pki"), Data: part,
		Node: first.Name, Address: first.Address, PeerURL: peerURL(first),
		// The port of the Service "kubernetes" is the one that the API server
		// has when it begins, so it must be that of the machine's.
		APIHost: ownLoopback(c), APIPort: apiPort,
		// The machine's ports on this host, which it does not use yet.
		EtcdPort: first.NodePortBase, PeerPort: first.NodePortBase + 1,
		Extra: c.Spec.APIServer.Flags(),
	}, kubeadm.AdminConf(c.Dir))
	if err != nil {
		return err
	}
	return os.Rename(part, firstData(c))
}

// ownLoopback is an address of this host's loopback that is no other cluster's.
func ownLoopback(c *vm.Cluster) string {
	return fmt.Sprintf("127.88.%d.%d", c.APIPort>>8, c.APIPort&0xff)
}

// endBeginning throws away what the seeds have taken in.
func endBeginning(c *vm.Cluster) error { return os.RemoveAll(c.Path("first")) }
