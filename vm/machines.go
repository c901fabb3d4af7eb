package vm

import (
	"fmt"
	"slices"

	"github.com/google/uuid"
)

// PlanMachines returns the machines that a spec asks for: those that there are,
// and after them new ones, named, numbered and with a UUID each, for what is
// missing. Their names do not hold the cluster's: every clone of a golden
// snapshot has the same nodes inside. A name or number that has become free is
// given again.
func PlanMachines(have []Machine, spec Spec) []Machine {
	machines := slices.Clone(have)
	for _, g := range spec.AllGroups() {
		for n := 1; countOf(machines, g.Name) < g.Count; n++ {
			name := fmt.Sprintf("%s-%d", g.Name, n)
			if slices.ContainsFunc(machines, func(m Machine) bool { return m.Name == name }) {
				continue
			}
			index := 1
			for slices.ContainsFunc(machines, func(m Machine) bool { return m.Index == index }) {
				index++
			}
			m := Machine{Name: name, UUID: uuid.NewString(), Role: g.Role, Index: index, Host: g.Host}
			if g.Role == Worker && g.Name != WorkerGroup {
				m.Group = g.Name
			}
			machines = append(machines, m)
		}
	}
	return machines
}

func countOf(machines []Machine, group string) int {
	count := 0
	for i := range machines {
		if machines[i].group() == group {
			count++
		}
	}
	return count
}

// Fixed networks inside every cluster. Clusters cannot collide: each is alone
// in its own segment, and none of these addresses exists on the host.
const (
	ServiceCIDR   = "10.96.0.0/16"
	ClusterDNS    = "10.96.0.10"
	PodCIDR       = "10.244.0.0/16"
	ClusterDomain = "cluster.local"

	// APIServiceAddress is that of the Service "kubernetes": the first of ServiceCIDR.
	APIServiceAddress = "10.96.0.1"

	// OutsideDNS asks this host's DNS, where machines have a way out.
	OutsideDNS = "10.0.2.3"
)

// SegmentAddress is a machine's address on the private segment.
func SegmentAddress(index int) string { return fmt.Sprintf("10.88.0.%d", 10+index) }

// PodSubnet is the part of PodCIDR that a machine's pods live in.
func PodSubnet(index int) string { return fmt.Sprintf("10.244.%d.0/24", index) }
