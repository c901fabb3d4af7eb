package cluster

import (
	"context"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"axolotl/internal/term"
	"axolotl/vm"
)

// adopt lists what records a cluster that somebody else has made, and changes
// nothing in it nor in the user's kubeconfig, which leads there already.
func (s Store) adopt(h *vm.Handle) []vm.Action {
	return append(h.Driver.Up(h.Cluster), openAPI(h),
		vm.Action{Name: "See its nodes", Run: func(ctx context.Context, step *term.Step) error {
			nodes, err := readNodes(ctx, h.Kube)
			if err != nil {
				return fmt.Errorf("%w; axolotl needs at least to read nodes", err)
			}
			step.Status("%d", len(nodes))
			return nil
		}},
		s.finish(h, UpOptions{}))
}

// ofForeign fills the status of a cluster whose machines are not ours: all that
// there is to see is what Kubernetes says.
func (status *Status) ofForeign(c *vm.Cluster, nodes map[string]*corev1.Node) {
	status.Nodes = []NodeStatus{}
	for _, name := range slices.Sorted(maps.Keys(nodes)) {
		node := nodes[name]
		n := NodeStatus{Name: name, Role: roleOf(node), Machine: vm.MachineForeign, Ready: readyOf(node), Address: addressOf(node), Note: notReady(node)}
		if n.Ready != string(corev1.ConditionTrue) {
			status.Healthy = false
		}
		status.Nodes = append(status.Nodes, n)
	}
}

// roleOf is a node's role by the label that kubeadm and its kin set; managed
// clusters show workers only.
func roleOf(node *corev1.Node) vm.Role {
	for _, role := range []string{"control-plane", "master"} {
		if _, ok := node.Labels["node-role.kubernetes.io/"+role]; ok {
			return vm.ControlPlane
		}
	}
	return vm.Worker
}

func addressOf(node *corev1.Node) string {
	for _, address := range node.Status.Addresses {
		if address.Type == corev1.NodeInternalIP {
			return address.Address
		}
	}
	return ""
}

func errForeign(c *vm.Cluster, do string) error {
	return fmt.Errorf("cluster %q is somebody else's (%s): it has no machines of ours to %s", c.Name, c.Source, do)
}
