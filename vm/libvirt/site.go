package libvirt

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"axolotl/internal/term"
	"axolotl/vm"
	"axolotl/vm/image"
)

// site is one host that machines are on, by its libvirt.
type site struct {
	uri        string
	hypervisor hypervisor
	remote     *remote // what else is done there; nil: it is this host
}

// reach is the site of an URI.
func reach(uri string) *site {
	return &site{uri: uri, hypervisor: newConnection(uri), remote: remoteOf(uri)}
}

// sites are the hosts that a driver knows: one, as a rule.
type sites struct {
	reach func(uri string) *site

	mu  sync.Mutex
	all []*site // the first is that of machines which say nothing else
}

func newSites(first *site, others []string) *sites {
	s := &sites{reach: reach, all: []*site{first}}
	for _, uri := range others {
		s.of(here(uri))
	}
	return s
}

// of is the site of an URI, known from now on; empty: the first one.
func (s *sites) of(uri string) *site {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, known := range s.all {
		if uri == "" || known.uri == uri {
			return known
		}
	}
	added := s.reach(uri)
	s.all = append(s.all, added)
	return added
}

func (s *sites) known() []*site {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.all)
}

// here is the URI of a group's host.
func here(host string) string {
	if host == vm.ThisHost {
		host, _ = DefaultURI()
	}
	return host
}

// hostOf is the URI of the libvirt that makes a machine.
func hostOf(c *vm.Cluster, m *vm.Machine) string { return cmp.Or(m.Host, c.URI) }

// Hosts are the URIs, beside the cluster's own, that its machines are at, or may
// come to be.
func Hosts(c *vm.Cluster) []string {
	var all []string
	add := func(host string) {
		if host = here(host); host != "" && host != c.URI && !slices.Contains(all, host) {
			all = append(all, host)
		}
	}
	for _, m := range c.Machines {
		add(m.Host)
	}
	for _, g := range c.Spec.AllGroups() {
		add(g.Host)
	}
	return all
}

// at is the driver on the host of a machine.
func (d *Driver) at(m *vm.Machine) *Driver {
	if m == nil {
		return d
	}
	return d.on(d.sites.of(m.Host))
}

func (d *Driver) on(s *site) *Driver {
	if s == d.site {
		return d
	}
	there := *d
	there.site, there.why = s, "machines of the cluster are there"
	return &there
}

// places are the driver on each host that it knows, and that a cluster has
// machines on; c may be nil.
func (d *Driver) places(c *vm.Cluster) []*Driver {
	if c != nil {
		for _, host := range Hosts(c) {
			d.sites.of(host)
		}
	}
	var all []*Driver
	for _, s := range d.sites.known() {
		all = append(all, d.on(s))
	}
	return all
}

// eachPlace calls fn, side by side, for each host that machines of a cluster are
// on, with those.
func (d *Driver) eachPlace(c *vm.Cluster, fn func(there *Driver, machines []*vm.Machine) error) error {
	byHost := map[*site][]*vm.Machine{}
	var first []*vm.Machine
	for _, m := range pointers(c.Machines) {
		s := d.at(m).site
		if byHost[s] == nil {
			first = append(first, m)
		}
		byHost[s] = append(byHost[s], m)
	}
	return each(first, func(m *vm.Machine) error { return fn(d.at(m), byHost[d.at(m).site]) })
}

// bringImage has a node image where this host's machines read it.
func (d *Driver) bringImage(ctx context.Context, c *vm.Cluster, img *image.Image, step *term.Step) (*image.Image, error) {
	if d.remote == nil {
		return img, nil
	}
	step.Status("on %s, too", d.remote.host)
	return d.remote.bring(ctx, c.ID, img)
}

// leaveHost removes what a cluster has on the host of a machine that goes, where
// that was the last one there.
func (d *Driver) leaveHost(ctx context.Context, c *vm.Cluster, m *vm.Machine) error {
	d = d.at(m)
	others := slices.ContainsFunc(c.Machines, func(other vm.Machine) bool {
		return other.Name != m.Name && d.at(&other).site == d.site
	})
	if d.remote == nil || others {
		return nil
	}
	return d.remote.forget(ctx, c.ID)
}
