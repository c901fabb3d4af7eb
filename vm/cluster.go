// Package vm holds the words for machines and the clusters made of them, and
// the contract that every driver keeps. How each is made stands in the rooms
// below: cluster (the order of things), libvirt and local (drivers), image,
// kubeadm.
package vm

import (
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"time"
)

// Role is what a machine is for.
type Role string

// The two roles of a node.
const (
	ControlPlane Role = "control-plane"
	Worker       Role = "worker"
)

// Spec is what a person asked for.
type Spec struct {
	ControlPlanes int    `json:"controlPlanes"`
	Workers       int    `json:"workers"`
	CPUs          int    `json:"cpus"`      // virtual CPUs of each machine
	MemoryMiB     int    `json:"memoryMiB"` // of each machine
	DiskGiB       int    `json:"diskGiB"`   // size of each machine's root disk; it grows as it is used
	Accel         string `json:"accel,omitempty"`

	// Groups say it where machines are not all alike, the control plane's first;
	// then the sizes above are the control plane's. Empty: AllGroups makes them.
	Groups []Group `json:"groups,omitempty"`

	// APIServer is what is changed in the API server's settings; nil: nothing.
	APIServer *APIServer `json:"apiServer,omitempty"`

	Outside
}

// Nodes is how many nodes the cluster has.
func (s Spec) Nodes() int { return s.ControlPlanes + s.Workers }

// String is the spec in words.
func (s Spec) String() string {
	text := fmt.Sprintf("%d control plane(s), %d worker(s), %d CPUs, %d MiB, %d GiB", s.ControlPlanes, s.Workers, s.CPUs, s.MemoryMiB, s.DiskGiB)
	for _, g := range s.Bare().Groups {
		if g.Role == Worker {
			text += fmt.Sprintf(", %d %s of %d CPUs and %d MiB", g.Count, g.Name, g.CPUs, g.MemoryMiB)
		}
	}
	if s.Accel != "" {
		text += ", " + s.Accel
	}
	if s.Internet {
		text += ", with a way out"
	}
	return text
}

// Cluster is the record of one cluster. It is written before anything that it
// names is made, so that whatever exists can be found and removed.
type Cluster struct {
	Name     string    `json:"name"`
	ID       string    `json:"id"` // UUID that marks every object as this cluster's own
	Driver   string    `json:"driver"`
	URI      string    `json:"uri,omitempty"`      // libvirt connection
	Provider string    `json:"provider,omitempty"` // what minikube makes its machines with
	Image    string    `json:"image,omitempty"`
	Phase    Phase     `json:"phase"`
	Created  time.Time `json:"created"`
	Spec     Spec      `json:"spec"`
	Machines []Machine `json:"machines"`

	// APIPort is the port on 127.0.0.1 where the API server answers.
	APIPort int `json:"apiPort"`

	// SegmentPort is the UDP port on 127.0.0.1 of the private segment between
	// the machines (libvirt).
	SegmentPort int `json:"segmentPort,omitempty"`

	// Golden is the ID of the golden snapshot that the machines were restored
	// from; empty where they booted cold. Their overlays lie over its disks.
	Golden string `json:"golden,omitempty"`

	// Resumed is when the restored machines began to run, by the host's clock.
	// Zero: they did not yet, and whatever exists of them is thrown away and
	// restored anew.
	Resumed time.Time `json:"resumed,omitzero"`

	// Snapshot is the name of the person's own snapshot that is being restored,
	// in PhaseRestoring.
	Snapshot string `json:"snapshot,omitempty"`

	// Joining are the machines that are being added, or made anew, while the
	// others run. Whatever exists of them is thrown away and made anew.
	Joining []string `json:"joining,omitempty"`

	// Begun: its etcd began with what an API server writes at first (roles, priority
	// classes, namespaces).
	Begun bool `json:"begun,omitempty"`

	// SharedMemory is the directory of the files that the machines' memory
	// is, while a golden snapshot is being made of them that will be mapped.
	SharedMemory string `json:"sharedMemory,omitempty"`

	// Source is the context by which a cluster is reached that somebody else
	// has made; nil of others.
	Source *Source `json:"source,omitempty"`

	// Kubeconfigs are the files of the user that have, or may have, the
	// cluster's context.
	Kubeconfigs []string `json:"kubeconfigs,omitempty"`

	// Dir is the cluster's state directory.
	Dir string `json:"-"`
}

// Source is one context of somebody's kubeconfigs.
type Source struct {
	Kubeconfig string `json:"kubeconfig"` // a list, as in KUBECONFIG
	Context    string `json:"context"`
}

func (s Source) String() string { return fmt.Sprintf("context %q of %s", s.Context, s.Kubeconfig) }

// Machine is what one node runs on.
type Machine struct {
	Name    string `json:"name"` // also the node's name: "cp-1", "worker-2"
	UUID    string `json:"uuid"`
	Role    Role   `json:"role"`
	Group   string `json:"group,omitempty"`   // of the spec; empty: WorkerGroup
	Index   int    `json:"index"`             // 1 for the first, over both roles; addresses follow from it
	Address string `json:"address,omitempty"` // on the private segment

	// Host is the URI of the libvirt that makes it, where groups of the cluster say
	// on which host they are; empty: the cluster's.
	Host string `json:"host,omitempty"`

	// APIPort is the port on 127.0.0.1 that leads to the API server on this
	// machine; 0 on a worker.
	APIPort int `json:"apiPort,omitempty"`

	// NodePortBase is the port on 127.0.0.1 that leads to NodePortFirst on
	// this machine; the next ones follow. 0 where there are no forwards.
	NodePortBase int `json:"nodePortBase,omitempty"`

	// Fresh: it joined by booting, from the node image and a seed of its own, and
	// not from the golden snapshot that the others come from. That may hold a
	// machine of this name with another number and other settings, and of a control
	// plane an etcd that is too old.
	Fresh bool `json:"fresh,omitempty"`
}

// The NodePorts that a cluster allocates from, each forwarded from loopback.
const (
	NodePortFirst = 30000
	NodePortCount = 24
)

// Context is the name of the cluster's context in the user's kubeconfig.
func (c *Cluster) Context() string { return "axolotl-" + c.Name }

// Path is a file in the cluster's state directory.
func (c *Cluster) Path(elem ...string) string {
	return filepath.Join(append([]string{c.Dir}, elem...)...)
}

// Kubeconfig is the cluster's own admin kubeconfig, with full rights.
func (c *Cluster) Kubeconfig() string { return c.Path("admin.conf") }

// Machine returns the machine with this name, or nil.
func (c *Cluster) Machine(name string) *Machine {
	for i := range c.Machines {
		if c.Machines[i].Name == name {
			return &c.Machines[i]
		}
	}
	return nil
}

// NodePortAddress is where a client on the host reaches a NodePort of a
// machine without passing the API server: host:port on loopback.
func (m *Machine) NodePortAddress(nodePort int) (string, error) {
	if m.NodePortBase == 0 {
		return "", fmt.Errorf("machine %q forwards no NodePorts", m.Name)
	}
	if nodePort < NodePortFirst || nodePort >= NodePortFirst+NodePortCount {
		return "", fmt.Errorf("NodePort %d is outside %d-%d", nodePort, NodePortFirst, NodePortFirst+NodePortCount-1)
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(m.NodePortBase+nodePort-NodePortFirst)), nil
}

// RecordFile is the name of a cluster's record in its state directory.
const RecordFile = "cluster.json"
