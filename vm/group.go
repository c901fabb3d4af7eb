package vm

import (
	"cmp"
	"reflect"
	"slices"
)

// Group is machines of one cluster that are alike.
type Group struct {
	Name      string `json:"name"` // what the names of its machines begin with
	Role      Role   `json:"role"`
	Count     int    `json:"count"`
	CPUs      int    `json:"cpus"`      // virtual CPUs of each machine
	MemoryMiB int    `json:"memoryMiB"` // of each machine

	// Host is the URI of the libvirt that makes them, where that is on another
	// host, or ThisHost; empty: the one of the cluster.
	Host string `json:"host,omitempty"`

	// Labels and Taints are what their nodes are given once they are Ready.
	Labels map[string]string `json:"labels,omitempty"`
	Taints []Taint           `json:"taints,omitempty"`

	// Kubelet is what is changed in the settings of their kubelets; nil: nothing.
	Kubelet *Kubelet `json:"kubelet,omitempty"`
}

// ThisHost is the Host of machines that are here, where the control plane is not.
const ThisHost = "this host"

// Taint is a taint of a node, as Kubernetes has them.
type Taint struct {
	Key    string `yaml:"key,required" json:"key"`       // such as "dedicated"
	Value  string `yaml:"value" json:"value,omitempty"`  // such as "databases"
	Effect Effect `yaml:"effect,required" json:"effect"` // on pods that do not tolerate it
}

// The groups of a cluster that was not asked for by groups.
const (
	ControlPlaneGroup = "cp"
	WorkerGroup       = "worker"
)

// AllGroups are the groups of the cluster, the control plane's first.
func (s Spec) AllGroups() []Group {
	if len(s.Groups) > 0 {
		return s.Groups
	}
	return []Group{
		{Name: ControlPlaneGroup, Role: ControlPlane, Count: s.ControlPlanes, CPUs: s.CPUs, MemoryMiB: s.MemoryMiB, Taints: ControlPlaneTaints(s.Workers)},
		{Name: WorkerGroup, Role: Worker, Count: s.Workers, CPUs: s.CPUs, MemoryMiB: s.MemoryMiB},
	}
}

// ControlPlaneTaints are what control planes are given where nothing else was
// asked for: beside two workers or more they are the last choice of the
// scheduler, as an API server that shares its machine with the pods under test is
// what makes all of them late. They do run pods, as DaemonSets', and as what is
// left when workers are gone.
func ControlPlaneTaints(workers int) []Taint {
	if workers < 2 {
		return nil
	}
	return []Taint{{Key: "node-role.kubernetes.io/control-plane", Effect: PreferNoSchedule}}
}

// Group is the group with this name, or nil.
func (s Spec) Group(name string) *Group {
	for _, g := range s.AllGroups() {
		if g.Name == name {
			return &g
		}
	}
	return nil
}

// Spread tells whether machines are, or may come to be, on more than one host.
func (s Spec) Spread() bool {
	groups := s.AllGroups()
	return slices.ContainsFunc(groups, func(g Group) bool { return g.Host != groups[0].Host })
}

// AlikeMachines tells whether the machines of two groups are made alike. Labels and
// taints are their nodes'.
func (g Group) AlikeMachines(other Group) bool {
	return g.Role == other.Role && g.CPUs == other.CPUs && g.MemoryMiB == other.MemoryMiB && reflect.DeepEqual(g.Kubelet, other.Kubelet)
}

// GroupOf is the group of a machine. One whose group is not in the spec any
// more is as the spec's other machines are.
func (s Spec) GroupOf(m *Machine) Group {
	if g := s.Group(m.group()); g != nil {
		return *g
	}
	return Group{Name: m.group(), Role: m.Role, CPUs: s.CPUs, MemoryMiB: s.MemoryMiB}
}

// group is the name of a machine's group; records of before there were any do
// not hold it.
func (m *Machine) group() string {
	if m.Role == ControlPlane {
		return ControlPlaneGroup
	}
	return cmp.Or(m.Group, WorkerGroup)
}

// Resize returns the spec with so many workers more, or fewer, in a group that
// it has.
func (s Spec) Resize(group string, by int) Spec {
	s.Workers += by
	if len(s.Groups) > 0 {
		s.Groups = slices.Clone(s.Groups)
		for i := range s.Groups {
			if s.Groups[i].Name == group {
				s.Groups[i].Count += by
			}
		}
	}
	return s
}

// Bare is the spec as far as machines and what runs on them depend on it: all
// but what nodes are given once they are Ready, what they reach outside, and
// groups that have none. A cluster that was asked for by groups and need not
// have been is as one that was not.
func (s Spec) Bare() Spec {
	s.Outside = Outside{}
	groups := bare(s.Groups)
	s.Groups = nil
	if len(groups) > 0 && !reflect.DeepEqual(bare(s.AllGroups()), groups) {
		s.Groups = groups
	}
	return s
}

// bare are groups that have machines, without what their nodes are given.
func bare(groups []Group) []Group {
	groups = withMachines(groups)
	for i := range groups {
		groups[i].Labels, groups[i].Taints = nil, nil
	}
	return groups
}

func withMachines(groups []Group) []Group {
	return slices.DeleteFunc(slices.Clone(groups), func(g Group) bool { return g.Count == 0 })
}

// SameMachines tells whether two specs ask for the same machines.
func (s Spec) SameMachines(other Spec) bool { return reflect.DeepEqual(s.Bare(), other.Bare()) }

// AllMemoryMiB is the memory of all machines together.
func (s Spec) AllMemoryMiB() int {
	sum := 0
	for _, g := range s.AllGroups() {
		sum += g.Count * g.MemoryMiB
	}
	return sum
}
