package cluster

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"axolotl/vm"
)

// KeepsQuorum returns an error where etcd, of several control planes, would lose
// its majority if these machines were off: then no API server answers any more. A
// single control plane has none to lose, and who stops it means it.
func KeepsQuorum(ctx context.Context, h *vm.Handle, off []string) error {
	if h.Cluster.Spec.ControlPlanes < 2 {
		return nil
	}
	members, left, taken, err := membersWithout(ctx, h, off)
	if err != nil {
		return err
	}
	if majority := members/2 + 1; len(taken) > 0 && left < majority {
		return fmt.Errorf("etcd runs on %d nodes and needs %d: without %s it is on %d, and no API server answers; start another control plane first ('axolotl node start'), or say --force",
			members, majority, strings.Join(taken, " and "), left)
	}
	return nil
}

// quorumWithout returns an error where the other control planes are not enough for
// etcd: whoever is not of use then cannot be replaced by their means.
func quorumWithout(ctx context.Context, h *vm.Handle, node string) error {
	members, left, _, err := membersWithout(ctx, h, []string{node})
	if err != nil {
		return err
	}
	if majority := members/2 + 1; left < majority {
		return fmt.Errorf("etcd runs on %d nodes and needs %d: without %s it is on %d, which cannot let a new one in; start another control plane first ('axolotl node start %s NODE'), or recreate the whole cluster ('axolotl recreate %s')",
			members, majority, node, left, h.Cluster.Name, h.Cluster.Name)
	}
	return nil
}

// membersWithout counts the members of etcd, and those that run and are not among
// off; taken are the others that run.
func membersWithout(ctx context.Context, h *vm.Handle, off []string) (members, left int, taken []string, err error) {
	states, err := h.Driver.Machines(ctx, h.Cluster)
	if err != nil {
		return 0, 0, nil, err
	}
	for i, m := range h.Cluster.Machines {
		if m.Role != vm.ControlPlane {
			continue
		}
		members++
		switch {
		case states[i].State != vm.MachineRunning:
		case slices.Contains(off, m.Name):
			taken = append(taken, m.Name)
		default:
			left++
		}
	}
	return members, left, taken, nil
}
