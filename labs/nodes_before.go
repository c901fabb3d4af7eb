package labs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"axolotl/chaos"
	"axolotl/chaos/fault"
	"axolotl/internal/kube"
	"axolotl/vm"
)

// NodeBefore is what a node was like before a guided lab that disturbs nodes. What
// the lab itself does to one is in the journal; what its learner does by hand, as
// the lab tells them to, nobody writes down: it is seen by the difference.
type NodeBefore struct {
	UID           types.UID       `json:"uid"`
	Unschedulable bool            `json:"unschedulable,omitempty"`
	Taints        []corev1.Taint  `json:"taints,omitempty"`  // but for those that the control plane sets by itself
	Machine       vm.MachineState `json:"machine,omitempty"` // under the node; "" where its power is not ours
}

// rememberNodes notes what every node is like.
func (s *session) rememberNodes(ctx context.Context) error {
	list, err := s.handle.Kube.Typed.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("see what the nodes are like: %w", err)
	}
	states, err := s.machineStates(ctx)
	if err != nil {
		return fmt.Errorf("see what the machines are like: %w", err)
	}
	s.nodes = map[string]NodeBefore{}
	for i := range list.Items {
		node := &list.Items[i]
		s.nodes[node.Name] = NodeBefore{
			UID: node.UID, Unschedulable: node.Spec.Unschedulable, Taints: lastingTaints(node), Machine: states[node.Name],
		}
	}
	return nil
}

// machineStates are those of machines whose power is ours.
func (s *session) machineStates(ctx context.Context) (map[string]vm.MachineState, error) {
	states := map[string]vm.MachineState{}
	if _, ok := s.handle.Driver.(vm.Powerer); !ok {
		return states, nil
	}
	machines, err := s.handle.Driver.Machines(ctx, s.handle.Cluster)
	for _, m := range machines {
		states[m.Name] = m.State
	}
	return states, err
}

// lastingTaints are those that somebody has set: the control plane's own follow from
// what the node is like.
func lastingTaints(node *corev1.Node) []corev1.Taint {
	return slices.DeleteFunc(slices.Clone(node.Spec.Taints), passing)
}

func passing(t corev1.Taint) bool { return strings.HasPrefix(t.Key, "node.kubernetes.io/") }

// giveBackNodes has every node as it was before the lab: with power, in the cluster,
// schedulable or not, with its taints. What was off, or cordoned, before stays so.
func (s *session) giveBackNodes(ctx context.Context) error {
	if len(s.nodes) == 0 {
		return nil
	}
	states, err := s.machineStates(ctx)
	if err != nil {
		return fmt.Errorf("see what the machines are like: %w", err)
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(s.nodes)) {
		before := s.nodes[name]
		if s.handle.Cluster.Machine(name) != nil && before.Machine == vm.MachineRunning {
			if err := s.giveBackMachine(ctx, name, before, states[name]); err != nil {
				errs = append(errs, err)
				continue // to its node nothing can be said
			}
		}
		errs = append(errs, s.giveBackNode(ctx, name, before))
	}
	return errors.Join(errs...)
}

// giveBackMachine has a machine that ran before the lab run again, with its node in
// the cluster, and waits until that is Ready: a pod on one that is not never ends.
func (s *session) giveBackMachine(ctx context.Context, name string, before NodeBefore, now vm.MachineState) error {
	var f fault.Fault = &fault.PowerCut{}
	switch now {
	case vm.MachineRunning:
		_, err := s.handle.Kube.Typed.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
		if !apierrors.IsNotFound(err) {
			return err
		}
		// A kubelet registers its node when it starts, and not again.
		if err := fault.StartAnew(ctx, s.handle, name); err != nil {
			return fmt.Errorf("node %s was deleted, and its machine cannot be started anew: %w", name, err)
		}
	case vm.MachinePaused:
		f = &fault.NodeFreeze{}
	}
	node := fault.Target{Kind: fault.OnNodes, Name: name, UID: before.UID}
	if err := chaos.UndoOf(ctx, s.handle, f, []fault.Object{{Target: node}}); err != nil {
		return fmt.Errorf("machine %s ran before the lab, was found %s, and cannot be had back: %w; start it with: axolotl node start %s %[1]s",
			name, now, err, s.handle.Cluster.Name)
	}
	return nil
}

// giveBackNode has a node schedulable, or not, and with the taints, as it was. One
// that is gone with its machine is nobody's to give back.
func (s *session) giveBackNode(ctx context.Context, name string, before NodeBefore) error {
	nodes := s.handle.Kube.Typed.CoreV1().Nodes()
	err := kube.RetryOnConflict(func() error {
		node, err := nodes.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		lasting := lastingTaints(node)
		if node.Spec.Unschedulable == before.Unschedulable && equality.Semantic.DeepEqual(lasting, before.Taints) {
			return nil
		}
		node.Spec.Unschedulable = before.Unschedulable
		own := slices.DeleteFunc(node.Spec.Taints, func(t corev1.Taint) bool { return !passing(t) })
		node.Spec.Taints = append(own, before.Taints...)
		_, err = nodes.Update(ctx, node, metav1.UpdateOptions{})
		return err
	})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("have node %s as it was before the lab: %w; see it with: kubectl get node %[1]s", name, err)
	}
	return nil
}
