package vm

import (
	"fmt"

	"github.com/google/uuid"
)

// NewMachines returns the machines that a spec asks for, named, numbered and
// with a UUID each: control planes first. Their names do not hold the
// cluster's: every clone of a golden snapshot has the same nodes inside.
func NewMachines(spec Spec) []Machine {
	var machines []Machine
	add := func(role Role, prefix string, count int) {
		for n := 1; n <= count; n++ {
			machines = append(machines, Machine{
				Name:  fmt.Sprintf("%s-%d", prefix, n),
				UUID:  uuid.NewString(),
				Role:  role,
				Index: len(machines) + 1,
			})
		}
	}
	add(ControlPlane, "cp", spec.ControlPlanes)
	add(Worker, "worker", spec.Workers)
	return machines
}

// Fixed networks inside every cluster. Clusters cannot collide: each is alone
// in its own segment, and none of these addresses exists on the host.
const (
	ServiceCIDR   = "10.96.0.0/16"
	ClusterDNS    = "10.96.0.10"
	PodCIDR       = "10.244.0.0/16"
	ClusterDomain = "cluster.local"
)

// SegmentAddress is a machine's address on the private segment.
func SegmentAddress(index int) string { return fmt.Sprintf("10.88.0.%d", 10+index) }

// PodSubnet is the part of PodCIDR that a machine's pods live in.
func PodSubnet(index int) string { return fmt.Sprintf("10.244.%d.0/24", index) }
