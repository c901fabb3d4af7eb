package cluster

import (
	"context"
	"fmt"
	"reflect"
	"slices"

	"axolotl/internal/term"
	"axolotl/vm"
)

// refuse returns faults where the file asks of a cluster that is there for what
// cannot be changed.
func (f *File) refuse(c *vm.Cluster) error {
	have, asked := c.Spec, f.Spec()
	fault := func(path, format string, args ...any) {
		f.document.Faultf(path, "%s of cluster %q cannot be changed; take it down ('axolotl down %s') and up again with this file",
			fmt.Sprintf(format, args...), c.Name, c.Name)
	}
	if asked.DiskGiB != have.DiskGiB {
		fault("disk", "the disks (%d GiB)", have.DiskGiB)
	}
	if !reflect.DeepEqual(asked.APIServer, have.APIServer) {
		fault("apiServer", "the API server's settings")
	}
	if asked.Internet != have.Internet {
		fault("internet", "the way out (its machines reach %s)", have.Outside)
	} else if !asked.Outside.Equal(have.Outside) {
		fault("registryMirrors", "the mirrors of registries")
	}
	if asked.ControlPlanes != have.ControlPlanes {
		fault("controlPlane.count", "the number of control planes (%d)", have.ControlPlanes)
	}
	if have.Spread() && !asked.Spread() { // its machines are joined by a switch, not by their host
		f.document.Faultf("workers", "cluster %q is spread over hosts, and stays so; keep its groups on other hosts, with count: 0", c.Name)
	}
	for _, g := range asked.Groups {
		if g.Host != asked.Groups[0].Host && !have.Spread() {
			fault(f.pathOf(g.Name), "that all machines are on one host")
		}
		was, path := have.Group(g.Name), f.pathOf(g.Name)
		if was == nil {
			continue // it comes
		}
		if g.CPUs != was.CPUs {
			fault(path+".cpus", "the processors (%d) of machines %s", was.CPUs, g.Name)
		}
		if g.MemoryMiB != was.MemoryMiB {
			fault(path+".memory", "the memory (%d MiB) of machines %s", was.MemoryMiB, g.Name)
		}
		if g.Host != was.Host {
			fault(path+".host", "the host of machines %s", g.Name)
		}
		if !reflect.DeepEqual(g.Kubelet, was.Kubelet) {
			fault(path+".kubelet", "the kubelet's settings on machines %s", g.Name)
		}
	}
	return f.document.Err()
}

// reshape makes of a cluster that is up what a file asks for: labels and taints
// first, then the workers that are too few, then those that are too many. The
// caller holds its lock and has seen that nothing is refused. One that is
// interrupted is completed by the next one.
func (s Store) reshape(ctx context.Context, h *vm.Handle, f *File, progress *term.Progress) error {
	c, asked := h.Cluster, f.Spec()
	asked.Accel = c.Spec.Accel // it was chosen by proof
	if reflect.DeepEqual(asked, c.Spec) {
		return nil
	}
	if c.Spec = merge(c.Spec, asked); !reflect.DeepEqual(asked.Groups, c.Spec.Groups) {
		if _, ok := h.Driver.(vm.Grower); !ok {
			return errNoGrower(h.Driver)
		}
	}
	if err := s.Save(c); err != nil {
		return err
	}
	err := Run(ctx, progress, []vm.Action{{Name: "Label and taint the nodes", Run: func(ctx context.Context, step *term.Step) error {
		return wait(ctx, h, nodesReady(h), step)
	}}})
	if err != nil {
		return err
	}
	grown := c.Spec
	var gone []string
	for _, g := range c.Spec.Groups {
		count := 0
		if want := asked.Group(g.Name); want != nil {
			count = want.Count
		}
		if count > g.Count {
			grown = grown.Resize(g.Name, count-g.Count)
		}
		gone = append(gone, last(c, g.Name, g.Count-count)...)
	}
	if grower, ok := h.Driver.(vm.Grower); ok {
		if grown.Workers > c.Spec.Workers {
			if _, err := s.addWorkers(ctx, h, grower, grown, progress); err != nil {
				return err
			}
		}
		if err := s.removeWorkers(ctx, h, grower, gone, false, progress); err != nil {
			return err
		}
	}
	c.Spec = asked
	return s.Save(c)
}

// merge is a spec with the labels and taints of another one, and with its
// groups, of which those that are new have no machines yet.
func merge(have, asked vm.Spec) vm.Spec {
	have.Groups = slices.Clone(have.AllGroups())
	for _, g := range asked.Groups {
		i := slices.IndexFunc(have.Groups, func(was vm.Group) bool { return was.Name == g.Name })
		if i < 0 {
			g.Count = 0
			have.Groups = append(have.Groups, g)
			continue
		}
		have.Groups[i].Labels, have.Groups[i].Taints = g.Labels, g.Taints
	}
	return have
}

// last are the names of so many machines of a group, those that came last.
func last(c *vm.Cluster, group string, count int) []string {
	var names []string
	for i := len(c.Machines) - 1; i >= 0 && len(names) < count; i-- {
		if m := &c.Machines[i]; c.Spec.GroupOf(m).Name == group {
			names = append(names, m.Name)
		}
	}
	return names
}
