package cluster

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"axolotl/vm"
)

// NodeFaults returns what is wrong with the node of each machine, by its name:
// "" where it is Ready. A node whose lease has become stale has the status
// Unknown. An error says that the API server does not answer. Machines are not
// looked at.
func NodeFaults(ctx context.Context, c *vm.Cluster) (map[string]string, error) {
	nodes, err := askNodes(ctx, c, statusTimeout)
	if err != nil {
		return nil, err
	}
	faults := map[string]string{}
	for _, m := range c.Machines {
		node := nodes[m.Name]
		switch {
		case node == nil:
			faults[m.Name] = "node is not registered"
		case readyOf(node) != string(corev1.ConditionTrue):
			faults[m.Name] = fmt.Sprintf("node is not Ready: %s (%s)", readyOf(node), notReady(node))
		default:
			faults[m.Name] = ""
		}
	}
	return faults, nil
}
