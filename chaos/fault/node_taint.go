package fault

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/vm"
)

// NodeTaint puts a taint with effect NoExecute on nodes, which evicts all that
// does not tolerate it. No disruption budget holds that up.
type NodeTaint struct {
	Key string `json:"key" yaml:"key"` // the taint's
}

// Check implements Checked.
func (f *NodeTaint) Check() []Wrong { return some("key", f.Key) }

// priorTainted is the key of whether the node had the taint before.
const priorTainted = "tainted"

// Name implements Fault.
func (*NodeTaint) Name() string { return "node-taint" }

// Effect implements Fault.
func (*NodeTaint) Effect() Effect { return Effect{On: OnNodes, Takes: TakesPods} }

// Doc implements Fault.
func (*NodeTaint) Doc() Doc {
	return Doc{
		Does:   "puts a NoExecute taint on nodes: what does not tolerate it is evicted at once, past disruption budgets",
		Needs:  "another node that takes the pods",
		Proved: "the node, read again, has the taint, and no pod that does not tolerate it is there without a deletion timestamp",
		Undone: "the taint is taken off, unless it was there before; read again as proof",
	}
}

// Available implements Fault.
func (*NodeTaint) Available(context.Context, *vm.Handle) error { return nil }

// Prepare implements Fault.
func (f *NodeTaint) Prepare(ctx context.Context, h *vm.Handle, targets []Target) ([]Object, error) {
	return prepare(targets, func(t Target) (map[string]string, error) {
		node, err := h.Kube.Typed.CoreV1().Nodes().Get(ctx, t.Name, metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		return map[string]string{priorTainted: strconv.FormatBool(f.on(node))}, nil
	})
}

func (f *NodeTaint) is(t corev1.Taint) bool {
	return t.Key == f.Key && t.Effect == corev1.TaintEffectNoExecute
}

func (f *NodeTaint) on(node *corev1.Node) bool { return slices.ContainsFunc(node.Spec.Taints, f.is) }

// set puts the taint on a node or takes it off. Taints are one value to the
// API, so they are read and written back together.
func (f *NodeTaint) set(ctx context.Context, h *vm.Handle, o Object, want bool) error {
	nodes := h.Kube.Typed.CoreV1().Nodes()
	return unlessChanged(func() error {
		node, err := nodes.Get(ctx, o.Name, metav1.GetOptions{})
		switch {
		case err != nil:
			return err
		case node.UID != o.UID:
			return errVanished
		case f.on(node) == want:
			return nil
		case want:
			node.Spec.Taints = append(node.Spec.Taints, corev1.Taint{Key: f.Key, Effect: corev1.TaintEffectNoExecute})
		default:
			node.Spec.Taints = slices.DeleteFunc(node.Spec.Taints, f.is)
		}
		_, err = nodes.Update(ctx, node, metav1.UpdateOptions{})
		return err
	})
}

// Inject implements Fault.
func (f *NodeTaint) Inject(ctx context.Context, h *vm.Handle, objects []Object) error {
	return strike(objects, "taint", func(o Object) error { return f.set(ctx, h, o, true) })
}

// Injected implements Fault.
func (f *NodeTaint) Injected(ctx context.Context, h *vm.Handle, objects []Object) (string, error) {
	return eachNode(ctx, h, objects, func(o Object, node *corev1.Node) (string, error) {
		if !f.on(node) {
			return "", fmt.Errorf("%s has no taint %s", o, f.Key)
		}
		pods, err := h.Kube.Typed.CoreV1().Pods("").List(ctx, metav1.ListOptions{FieldSelector: "spec.nodeName=" + o.Name})
		if err != nil {
			return "", err
		}
		leaving := 0
		for _, p := range pods.Items {
			switch {
			case p.DeletionTimestamp != nil:
				leaving++
			case !f.tolerated(&p):
				return "", fmt.Errorf("pod %s/%s is still on %s", p.Namespace, p.Name, o)
			}
		}
		return fmt.Sprintf("node %s has taint %s:NoExecute, %d pods there are leaving and the others tolerate it", o.Name, f.Key, leaving), nil
	})
}

// tolerated tells whether a pod may stay, for a while at least.
func (f *NodeTaint) tolerated(p *corev1.Pod) bool {
	return slices.ContainsFunc(p.Spec.Tolerations, f.tolerates)
}

// tolerates tells whether a toleration is one of the taint, which has no value. Those
// of all taints have no key.
func (f *NodeTaint) tolerates(t corev1.Toleration) bool {
	return (t.Effect == corev1.TaintEffectNoExecute || t.Effect == "") && (t.Key == f.Key || t.Key == "") &&
		(t.Operator == corev1.TolerationOpExists || (t.Operator == corev1.TolerationOpEqual || t.Operator == "") && t.Value == "")
}

// Spares implements Sparing. Of several tolerations the one with the shortest time
// counts, says Kubernetes.
func (f *NodeTaint) Spares(p *corev1.Pod) bool {
	ends := func(t corev1.Toleration) bool { return f.tolerates(t) && t.TolerationSeconds != nil }
	return f.tolerated(p) && !slices.ContainsFunc(p.Spec.Tolerations, ends)
}

// Undo implements Fault. To a node that had the taint before nothing was done.
func (f *NodeTaint) Undo(ctx context.Context, h *vm.Handle, objects []Object) error {
	return mend(objects, "take the taint off", func(o Object) error {
		if o.Prior[priorTainted] == "true" {
			return nil
		}
		return f.set(ctx, h, o, false)
	})
}

// Undone implements Fault.
func (f *NodeTaint) Undone(ctx context.Context, h *vm.Handle, objects []Object) (string, error) {
	return eachNode(ctx, h, objects, func(o Object, node *corev1.Node) (string, error) {
		is, before := strconv.FormatBool(f.on(node)), o.Prior[priorTainted]
		if is == "true" && before != is {
			return "", fmt.Errorf("%s has taint %s: %s, before it was %s", o, f.Key, is, before)
		}
		return fmt.Sprintf("node %s has taint %s: %s, %s", o.Name, f.Key, is, since(is, before)), nil
	})
}
