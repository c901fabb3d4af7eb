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
	states, err := h.Driver.Machines(ctx, h.Cluster)
	if err != nil {
		return err
	}
	members, left, taken := 0, 0, []string{}
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
	if majority := members/2 + 1; len(taken) > 0 && left < majority {
		return fmt.Errorf("etcd runs on %d nodes and needs %d: without %s it is on %d, and no API server answers; start another control plane first ('axolotl node start'), or say --force",
			members, majority, strings.Join(taken, " and "), left)
	}
	return nil
}
