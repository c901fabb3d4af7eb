package fault

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
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
func (*NodeCordon) Effect() Effect { return TakesNothing }

// Doc implements Fault.
func (*NodeCordon) Doc() Doc {
	return Doc{
		Does:   "marks nodes as unschedulable; what runs there goes on running",
		Needs:  "nothing",
		Proved: "the node, read again, is unschedulable",
		Undone: "the prior value is restored: a node cordoned before stays cordoned; read again as proof",
	}
}

// Available implements Fault.
func (*NodeCordon) Available(*vm.Handle) error { return nil }

// Prepare implements Fault.
func (*NodeCordon) Prepare(ctx context.Context, h *vm.Handle, targets []Target) ([]Object, error) {
	var objects []Object
	for _, t := range targets {
		node, err := h.Kube.Typed.CoreV1().Nodes().Get(ctx, t.Name, metav1.GetOptions{})
		if err != nil {
			return nil, fmt.Errorf("prepare %s: %w", t, err)
		}
		objects = append(objects, Object{Target: t, Prior: map[string]string{
			priorUnschedulable: strconv.FormatBool(node.Spec.Unschedulable),
		}})
	}
	return objects, nil
}

// Inject implements Fault.
func (*NodeCordon) Inject(ctx context.Context, h *vm.Handle, objects []Object) error {
	cordoned := 0
	for _, o := range objects {
		switch err := setUnschedulable(ctx, h, o, true); {
		case vanished(err):
		case err != nil:
			return fmt.Errorf("cordon %s: %w", o, err)
		default:
			cordoned++
		}
	}
	if cordoned == 0 {
		return ErrNoTarget
	}
	return nil
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

// Undo implements Fault.
func (*NodeCordon) Undo(ctx context.Context, h *vm.Handle, objects []Object) error {
	var errs []error
	for _, o := range objects {
		before := o.Prior[priorUnschedulable] == "true"
		if err := setUnschedulable(ctx, h, o, before); err != nil && !vanished(err) {
			errs = append(errs, fmt.Errorf("uncordon %s: %w", o, err))
		}
	}
	return errors.Join(errs...)
}

// Undone implements Fault.
func (*NodeCordon) Undone(ctx context.Context, h *vm.Handle, objects []Object) (string, error) {
	return eachNode(ctx, h, objects, func(o Object, node *corev1.Node) (string, error) {
		is, before := strconv.FormatBool(node.Spec.Unschedulable), o.Prior[priorUnschedulable]
		if is != before {
			return "", fmt.Errorf("%s has unschedulable: %s, before it was %s", o, is, before)
		}
		return fmt.Sprintf("node %s has unschedulable: %s, as before", o.Name, before), nil
	})
}

// setUnschedulable patches a node; the UID in the patch makes the server
// refuse, with a conflict, a node that only has the same name.
func setUnschedulable(ctx context.Context, h *vm.Handle, o Object, value bool) error {
	patch := fmt.Sprintf(`{"metadata":{"uid":%q},"spec":{"unschedulable":%t}}`, o.UID, value)
	_, err := h.Kube.Typed.CoreV1().Nodes().Patch(ctx, o.Name, types.StrategicMergePatchType, []byte(patch), metav1.PatchOptions{})
	return err
}

// eachNode reads every node again and collects what look says of it. A node
// that is gone, or is another by now, has nothing left to be said of.
func eachNode(ctx context.Context, h *vm.Handle, objects []Object, look func(Object, *corev1.Node) (string, error)) (string, error) {
	var seen []string
	var errs []error
	for _, o := range objects {
		node, err := h.Kube.Typed.CoreV1().Nodes().Get(ctx, o.Name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err), err == nil && node.UID != o.UID:
			seen = append(seen, fmt.Sprintf("node %s is gone", o.Name))
			continue
		case err != nil:
			errs = append(errs, err)
			continue
		}
		words, err := look(o, node)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		seen = append(seen, words)
	}
	return strings.Join(seen, "; "), errors.Join(errs...)
}
