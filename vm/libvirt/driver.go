// Package libvirt is the driver whose machines are libvirt domains: real VMs,
// of qemu:///system for root and of qemu:///session for an ordinary user.
//
// Only objects that carry the cluster's UUID in their metadata are touched.
//
// A libvirt on another host (qemu+ssh://) serves too. What libvirt does not do
// there by its connection is done by ssh:
//   - the node image is copied there once, disks are made there by qemu-img, and
//     seeds, written here, are copied (remote.go, remote.sh);
//   - API server and NodePorts are forwarded to that host's loopback by QEMU and
//     from there to the same ports of this one by ssh (tunnel.go); machines speak
//     to each other on that host's loopback, at addresses that are the cluster's
//     own there (address.go);
//   - the cluster's first objects are written by programs here.
//
// Machines of one cluster may be on several hosts (site.go); their segment is then
// a switch in the process that has their ports here (segment.go).
//
// Golden snapshots and saved ones are of this host only: they map memory from
// files, and device states go through file descriptors, which libvirt passes on
// one host only; where they are save images, those are files here (form.go,
// freeze.go, monitor.go).
package libvirt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"

	"axolotl/internal/daemon"
	"axolotl/internal/store"
	"axolotl/internal/term"
	"axolotl/vm"
	"axolotl/vm/controlplane"
	"axolotl/vm/image"
	"axolotl/vm/kubeadm"
)

// Name is the word for this driver.
const Name = "libvirt"

// Driver makes machines through one libvirt connection.
type Driver struct {
	home    store.Home
	why     string // the URI of *site
	restore string // RestoreVariable
	*site          // of the machine that is spoken of, or of the first one
	sites   *sites // all

	// Balancer makes the command that runs Balance for a cluster's directory. The
	// default is this executable with BalanceCommand.
	Balancer func(dir string) (*exec.Cmd, error)

	// Tunnel is the same for Tunnel and TunnelCommand.
	Tunnel func(dir string) (*exec.Cmd, error)

	// What takes long. Tests put something quick in their place.
	nodeBinary  func(context.Context, store.Home, *term.Step) (string, error)
	credentials func(ctx context.Context, program, dir string, config kubeadm.Config) error
	first       func(ctx context.Context, s *controlplane.Server, kubeconfig string) error
	etcdutl     func(context.Context, store.Home, *term.Step) (string, error)
	divide      func(ctx context.Context, etcdutl, data string, members []controlplane.Member) error
	credential  func(ctx context.Context, program, dir string, config kubeadm.Config, node string) error
	overlay     func(ctx context.Context, path, backing, format string, sizeGiB int) error
}

var (
	_ vm.Driver = (*Driver)(nil)
)

// New returns the driver for a libvirt URI, or for the default one where that is
// empty. Clusters that are spread over hosts have their first control plane there,
// and machines at others, too. It connects when it must.
func New(home store.Home, uri string, others ...string) *Driver {
	why := "it was asked for"
	if uri == "" {
		uri, why = DefaultURI()
	}
	first := reach(uri)
	return &Driver{
		home: home, why: why, restore: os.Getenv(RestoreVariable), site: first, sites: newSites(first, others),
		Balancer: daemon.Self(BalanceCommand), Tunnel: daemon.Self(TunnelCommand),
		nodeBinary: image.Node.Ensure, credentials: kubeadm.Make, credential: kubeadm.MakeNode, overlay: makeOverlay,
		first: controlplane.First, etcdutl: image.Etcdutl.Ensure, divide: controlplane.Divide,
	}
}

// Name implements vm.Driver.
func (d *Driver) Name() string { return Name }

// Where says which libvirt this is, and why it is that one.
func (d *Driver) Where() string {
	var all []string
	for _, p := range d.places(nil) {
		all = append(all, p.where())
	}
	return strings.Join(all, " and ")
}

// where is Where of one host.
func (d *Driver) where() string { return fmt.Sprintf("%s (%s)", d.uri, d.why) }

// Traits implements vm.Driver.
func (d *Driver) Traits() vm.Traits {
	return vm.Traits{RealPods: true, RealMachines: true, Sealed: true}
}

// Plan implements vm.Driver.
func (d *Driver) Plan(_ context.Context, c *vm.Cluster) error {
	if c.Image == "" { // a new machine of an old cluster is like the others
		id, err := image.ID()
		if err != nil {
			return err
		}
		c.Image, c.URI = id, d.uri
	}
	c.Machines = vm.PlanMachines(c.Machines, c.Spec)
	for i := range c.Machines {
		c.Machines[i].Host = here(c.Machines[i].Host)
	}
	return assignPorts(d.home, c)
}

// Up implements vm.Driver.
func (d *Driver) Up(c *vm.Cluster) []vm.Action {
	actions := d.upCold
	if c.Golden != "" {
		actions = d.upRestored
	}
	return slices.Concat(actions(c), d.tunnel(c), d.balance(c))
}

// upCold boots what does not run.
func (d *Driver) upCold(c *vm.Cluster) []vm.Action {
	var have supplies
	return []vm.Action{
		{Name: "Get the node image", Run: func(ctx context.Context, step *term.Step) (err error) {
			have, err = d.supplies(ctx, c, step)
			return err
		}},
		{Name: "Make certificates and kubeconfigs", Run: func(ctx context.Context, _ *term.Step) error {
			return d.credentials(ctx, have.node, c.Dir, kubeadmConfig(c))
		}},
		{Name: "Prove the acceleration", Run: func(ctx context.Context, step *term.Step) error {
			if c.Spec.Accel == AccelKVM || c.Spec.Accel == AccelTCG {
				return nil // asked for, or proved before
			}
			accel, why, err := d.accelerations(ctx, d.places(c), have.there)
			if err != nil {
				return err
			}
			step.Status("%s: %s", accel, why)
			c.Spec.Accel = accel
			return nil
		}},
		{Name: "Write the cluster's first objects", Run: func(ctx context.Context, step *term.Step) error {
			return d.beginCluster(ctx, have.node, c, step)
		}},
		{Name: "Start the machines", Run: func(ctx context.Context, _ *term.Step) error {
			if err := d.startAll(ctx, c, have.img); err != nil {
				return err
			}
			return endBeginning(c)
		}},
	}
}

// startAll starts the machines but those that are joining.
func (d *Driver) startAll(ctx context.Context, c *vm.Cluster, img *image.Image) error {
	machines := slices.DeleteFunc(pointers(c.Machines), func(m *vm.Machine) bool { return slices.Contains(c.Joining, m.Name) })
	return each(machines, func(m *vm.Machine) error { return d.ensureMachine(ctx, c, m, img) })
}

// upRestored starts machines from memory, or, where they ran already, those
// that do not run now from their disks.
func (d *Driver) upRestored(c *vm.Cluster) []vm.Action {
	if c.Resumed.IsZero() {
		return []vm.Action{{Name: "Restore the machines", Run: func(ctx context.Context, _ *term.Step) error {
			resumed, err := d.Thaw(ctx, c, d.home.Golden(c.Golden))
			if err == nil {
				c.Resumed = resumed // not before: what runs in part is thrown away
			}
			return err
		}}}
	}
	return []vm.Action{{Name: "Start the machines", Run: func(ctx context.Context, _ *term.Step) error {
		img, err := image.Open(d.home, c.Image)
		if err != nil {
			return fmt.Errorf("%w; take cluster %q down and up again", err, c.Name)
		}
		if err := d.startAll(ctx, c, img); err != nil {
			return err
		}
		return d.openWays(ctx, c)
	}}}
}

// image returns the node image that a cluster was made from, also where this
// axolotl makes another one by now: the overlays lie over that one.
func (d *Driver) image(ctx context.Context, c *vm.Cluster, step *term.Step) (*image.Image, error) {
	current, err := image.ID()
	if err != nil {
		return nil, err
	}
	if c.Image != current {
		img, err := image.Open(d.home, c.Image)
		if err != nil {
			return nil, fmt.Errorf("%w; cluster %q was made from it by another release: take it down and up again", err, c.Name)
		}
		return img, nil
	}
	return image.Ensure(ctx, d.home, step.Progress())
}

// ensureMachine makes what is missing of one machine and has it run, whatever
// it is now.
func (d *Driver) ensureMachine(ctx context.Context, c *vm.Cluster, m *vm.Machine, img *image.Image) error {
	d = d.at(m)
	dom, err := d.ownsOrFree(ctx, c, m)
	if err != nil {
		return err
	}
	boot, err := d.ensureDisks(ctx, c, m, img)
	if err != nil {
		return fmt.Errorf("disks of %s: %w", m.Name, err)
	}
	var mem memory
	if c.SharedMemory != "" {
		mem = memory{File: sharedMemory(c, m.Name), Shared: true}
		if err := d.makeSharedMemory(c, m); err != nil {
			return fmt.Errorf("memory of %s: %w", m.Name, err)
		}
	}
	text, err := domainXML(c, m, boot, mem)
	if err != nil {
		return err
	}
	switch dom.State {
	case "": // there is none
		if err := d.hypervisor.Define(text); err != nil {
			return fmt.Errorf("define %s: %w", m.Name, err)
		}
	case vm.MachinePaused, // by hand, or by QEMU when the host's disk was full
		vm.MachineRunning: // perhaps with a clock that stood still when the host slept
		return d.Resume(ctx, c, m.Name)
	}
	if err := d.start(m.UUID, dom.State); err != nil {
		return fmt.Errorf("start %s: %w; its console is in %s", m.Name, err, cmp.Or(boot.Console, consoleFile(c, m)))
	}
	return d.catchUp(ctx, c, m)
}

// start gives a machine in this state power. A QEMU whose guest has crashed
// may still be there, and libvirt says that it runs; it never goes on.
func (d *Driver) start(uuid string, state vm.MachineState) error {
	if state == vm.MachineCrashed {
		if err := d.hypervisor.Destroy(uuid); err != nil {
			return err
		}
	}
	return d.hypervisor.Start(uuid)
}

// ownsOrFree returns a machine's domain, or none where there is none. It
// refuses to go on where a foreign domain has its UUID; one that has only its
// name is refused by libvirt.
func (d *Driver) ownsOrFree(ctx context.Context, c *vm.Cluster, m *vm.Machine) (domain, error) {
	dom, err := d.domain(ctx, m.UUID)
	if errors.Is(err, errNoDomain) {
		return domain{}, nil
	}
	if err != nil {
		return domain{}, err
	}
	if dom.Owner.ClusterID != c.ID {
		return domain{}, fmt.Errorf("domain %q has the UUID of machine %s but is not of cluster %q; undefine it by hand if it is nobody's",
			dom.Name, m.Name, c.Name)
	}
	return dom, nil
}

// Down implements vm.Driver. Domains are found by the record and by their
// metadata: a record may have been lost or may be older than a domain.
func (d *Driver) Down(c *vm.Cluster) []vm.Action {
	return []vm.Action{{Name: "Remove the machines", Run: func(ctx context.Context, _ *term.Step) error {
		if err := errors.Join(d.endTunnel(ctx, c), d.endBalancer(ctx, c)); err != nil {
			return err
		}
		var errs []error
		for _, p := range d.places(c) { // one that does not answer keeps no other one from it
			errs = append(errs, p.removeAll(ctx, c))
		}
		return errors.Join(errs...)
	}}}
}

// removeAll removes what a cluster has on one host.
func (d *Driver) removeAll(ctx context.Context, c *vm.Cluster) error {
	domains, err := unless(ctx, d.hypervisor.Domains)
	if err != nil {
		return err
	}
	var errs []error
	for _, dom := range domains {
		if dom.Owner.ClusterID != c.ID {
			continue
		}
		if err := d.remove(dom.UUID); err != nil {
			errs = append(errs, fmt.Errorf("remove %s: %w", dom.Name, err))
		}
	}
	if d.remote == nil || len(errs) > 0 {
		return errors.Join(errs...)
	}
	if c.Phase == vm.PhaseRecreating { // the image will be read again
		return d.remote.drop(ctx, c.ID, "machines")
	}
	return d.remote.forget(ctx, c.ID)
}

// remove cuts a machine's power and removes its record, which stays where it
// may still run: without one it would be a transient domain.
func (d *Driver) remove(uuid string) error {
	if err := d.hypervisor.Destroy(uuid); err != nil {
		return fmt.Errorf("stop it: %w", err)
	}
	if err := d.hypervisor.Undefine(uuid); err != nil {
		return fmt.Errorf("undefine it: %w", err)
	}
	if socket := d.agentSocket(uuid); socket != "" {
		return store.RemoveFile(socket) // libvirt has, but where it was killed
	}
	return nil
}

// Salvage implements cluster.Salvager: the metadata of a domain says of which
// cluster it is, and in which state directory that was made.
func (d *Driver) Salvage(ctx context.Context, name, dir string) (string, error) {
	for _, p := range d.places(nil) {
		domains, err := unless(ctx, p.hypervisor.Domains)
		if err != nil {
			return "", err
		}
		for _, dom := range domains {
			if dom.Owner.Cluster == name && dom.Owner.Dir == ownerDir(p.uri, dir) {
				return dom.Owner.ClusterID, nil
			}
		}
	}
	// Its machines are gone; what they were reached by may run.
	for _, k := range []daemon.Kind{kind, tunnelKind} {
		left, err := k.Find(func(p daemon.Process) bool { return p.Dir == dir })
		if err != nil {
			return "", err
		}
		if len(left) > 0 {
			return left[0].Cluster, nil
		}
	}
	return "", nil
}

// Machines implements vm.Driver.
func (d *Driver) Machines(ctx context.Context, c *vm.Cluster) ([]vm.MachineStatus, error) {
	statuses := make([]vm.MachineStatus, 0, len(c.Machines))
	for _, m := range c.Machines {
		status, err := d.status(ctx, &m)
		if err != nil && c.Spec.Spread() {
			status, err = vm.MachineStatus{Name: m.Name, State: vm.MachineUnknown, Reason: err.Error()}, nil
		}
		if err != nil {
			return nil, err
		}
		statuses = append(statuses, status)
	}
	return statuses, nil
}

// owned returns a machine and its domain, which exists and is the cluster's own.
func (d *Driver) owned(ctx context.Context, c *vm.Cluster, machine string) (*vm.Machine, domain, error) {
	m := c.Machine(machine)
	if m == nil {
		return nil, domain{}, fmt.Errorf("cluster %q has no machine %q", c.Name, machine)
	}
	dom, err := d.at(m).domain(ctx, m.UUID)
	if errors.Is(err, errNoDomain) {
		return nil, domain{}, fmt.Errorf("machine %s: %w; 'axolotl up %s' has it back", machine, err, c.Name)
	}
	if err != nil {
		return nil, domain{}, fmt.Errorf("machine %s: %w", machine, err)
	}
	if dom.Owner.ClusterID != c.ID {
		return nil, domain{}, fmt.Errorf("domain %q is not of cluster %q: not touched", dom.Name, c.Name)
	}
	return m, dom, nil
}
