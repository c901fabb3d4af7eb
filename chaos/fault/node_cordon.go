package fault

import (
	"context"
	"fmt"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"axolotl/vm"
)

// NodeCordon marks nodes as unschedulable.
type NodeCordon struct{}

// priorUnschedulable is the key of what spec.unschedulable was before.
const priorUnschedulable = "unschedulable"

// Name implements Fault.
func (*NodeCordon) Name() string { return "node-cordon" }

// Effect implements Fault.
func (*NodeCordon) Effect() Effect { return Effect{On: OnNodes, Takes: TakesNothing} }

// Doc implements Fault.
func (*NodeCordon) Doc() Doc {
	return Doc{
		Does:   "marks nodes as unschedulable; what runs there goes on running",
		Needs:  "nothing",
		Proved: "the node, read again, is unschedulable",
		Undone: "the prior value is restored: a node cordoned before stays cordoned; read again as proof, without the taint of a cordoned node",
	}
}

// Available implements Fault.
func (*NodeCordon) Available(context.Context, *vm.Handle) error { return nil }

// Prepare implements Fault.
func (*NodeCordon) Prepare(ctx context.Context, h *vm.Handle, targets []Target) ([]Object, error) {
	return prepare(targets, func(t Target) (map[string]string, error) {
		node, err := h.Kube.Typed.CoreV1().Nodes().Get(ctx, t.Name, metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		return map[string]string{priorUnschedulable: strconv.FormatBool(node.Spec.Unschedulable)}, nil
	})
}

// Inject implements Fault.
func (*NodeCordon) Inject(ctx context.Context, h *vm.Handle, objects []Object) error {
	return strike(objects, "cordon", func(o Object) error { return setUnschedulable(ctx, h, o, true) })
}

// Injected implements Fault.
func (*NodeCordon) Injected(ctx context.Context, h *vm.Handle, objects []Object) (string, error) {
	return eachNode(ctx, h, objects, func(o Object, node *corev1.Node) (string, error) {
		if !node.Spec.Unschedulable {
			return "", fmt.Errorf("%s is still schedulable", o)
		}
		return fmt.Sprintf("node %s is unschedulable", o.Name), nil
	})
}

// Undo implements Fault. To a node that was cordoned before nothing was done.
func (*NodeCordon) Undo(ctx context.Context, h *vm.Handle, objects []Object) error {
	return mend(objects, "uncordon", func(o Object) error {
		if o.Prior[priorUnschedulable] == "true" {
			return nil
		}
		return setUnschedulable(ctx, h, o, false)
	})
}

// Undone implements Fault.
func (*NodeCordon) Undone(ctx context.Context, h *vm.Handle, objects []Object) (string, error) {
	return eachNode(ctx, h, objects, func(o Object, node *corev1.Node) (string, error) {
		is, before := strconv.FormatBool(node.Spec.Unschedulable), o.Prior[priorUnschedulable]
		if is == "true" && before != is {
			return "", fmt.Errorf("%s has unschedulable: %s, before it was %s", o, is, before)
		}
		// The node controller follows with a taint of its own, and until that
		// is gone no pod is put there.
		for _, taint := range node.Spec.Taints {
			if taint.Key == corev1.TaintNodeUnschedulable && !node.Spec.Unschedulable {
				return "", fmt.Errorf("%s still has the taint %s", o, taint.Key)
			}
		}
		return fmt.Sprintf("node %s has unschedulable: %s, %s", o.Name, is, since(is, before)), nil
	})
}

// setUnschedulable patches a node; the UID in the patch makes the server
// refuse a node that only has the same name.
func setUnschedulable(ctx context.Context, h *vm.Handle, o Object, value bool) error {
	patch := fmt.Sprintf(`{"metadata":{"uid":%q},"spec":{"unschedulable":%t}}`, o.UID, value)
	_, err := h.Kube.Typed.CoreV1().Nodes().Patch(ctx, o.Name, types.StrategicMergePatchType, []byte(patch), metav1.PatchOptions{})
	return err
}

// eachNode reads every node again and collects what see says of it. A node
// that is gone, or is another by now, has nothing left to be said of.
func eachNode(ctx context.Context, h *vm.Handle, objects []Object, see func(Object, *corev1.Node) (string, error)) (string, error) {
	return look(objects, func(o Object) (string, error) {
		node, err := h.Kube.Typed.CoreV1().Nodes().Get(ctx, o.Name, metav1.GetOptions{})
		if err == nil && node.UID != o.UID {
			err = errVanished
		}
		if err != nil {
			return "", err
		}
		return see(o, node)
	})
}
