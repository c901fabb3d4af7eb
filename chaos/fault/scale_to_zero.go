package fault

import (
	"context"
	"fmt"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"axolotl/vm"
)

// ScaleToZero sets the number of replicas of deployments to none.
type ScaleToZero struct{}

// Name implements Fault.
func (*ScaleToZero) Name() string { return "scale-to-zero" }

// Effect implements Fault.
func (*ScaleToZero) Effect() Effect { return Effect{On: OnDeployments, Takes: TakesPods} }

// Doc implements Fault.
func (*ScaleToZero) Doc() Doc {
	return Doc{
		Does:   "sets the number of replicas of deployments to 0",
		Needs:  "nothing",
		Proved: "every pod of the deployment is gone or carries a deletion timestamp",
		Undone: "the number that was is set again, unless somebody else has set one; read again as proof",
	}
}

// Available implements Fault.
func (*ScaleToZero) Available(context.Context, *vm.Handle) error { return nil }

// Prepare implements Fault.
func (*ScaleToZero) Prepare(ctx context.Context, h *vm.Handle, targets []Target) ([]Object, error) {
	return prepare(targets, func(t Target) (map[string]string, error) {
		replicas, err := replicasOf(ctx, h, t)
		return map[string]string{priorReplicas: replicas}, err
	})
}

func replicasOf(ctx context.Context, h *vm.Handle, t Target) (string, error) {
	deployment, err := h.Kube.Typed.AppsV1().Deployments(t.Namespace).Get(ctx, t.Name, metav1.GetOptions{})
	if err == nil && deployment.UID != t.UID {
		err = errVanished
	}
	if err != nil {
		return "", err
	}
	return strconv.Itoa(int(*deployment.Spec.Replicas)), nil // the server defaults it
}

// setReplicas is a patch that sets the number of replicas.
const setReplicas = `{"spec":{"replicas":%s}}`

// podsOf are the pods that a deployment's selector finds and that its replica
// sets keep.
func podsOf(ctx context.Context, h *vm.Handle, o Object) ([]corev1.Pod, error) {
	deployment, err := h.Kube.Typed.AppsV1().Deployments(o.Namespace).Get(ctx, o.Name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	pods, err := h.Kube.Typed.CoreV1().Pods(o.Namespace).List(ctx, metav1.ListOptions{LabelSelector: metav1.FormatLabelSelector(deployment.Spec.Selector)})
	if err != nil {
		return nil, err
	}
	return pods.Items, nil
}

// Inject implements Fault.
func (*ScaleToZero) Inject(ctx context.Context, h *vm.Handle, objects []Object) error {
	return strike(objects, "scale", func(o Object) error {
		return merge(ctx, h, o.Target, types.MergePatchType, setReplicas, 0)
	})
}

// Injected implements Fault.
func (*ScaleToZero) Injected(ctx context.Context, h *vm.Handle, objects []Object) (string, error) {
	return look(objects, func(o Object) (string, error) {
		pods, err := podsOf(ctx, h, o)
		for _, p := range pods {
			if p.DeletionTimestamp == nil {
				return "", fmt.Errorf("pod %s of %s is still there", p.Name, o)
			}
		}
		return fmt.Sprintf("deployment %s has no pod that is not leaving", o.Name), err
	})
}

// Undo implements Fault.
func (*ScaleToZero) Undo(ctx context.Context, h *vm.Handle, objects []Object) error {
	return mend(objects, "scale", func(o Object) error {
		replicas, err := strconv.Atoi(o.Prior[priorReplicas])
		if err != nil {
			return err
		}
		none := func(deployment *unstructured.Unstructured) bool {
			now, _, err := unstructured.NestedInt64(deployment.Object, "spec", "replicas")
			return err == nil && now == 0
		}
		return restore(ctx, h, o.Target, none, types.MergePatchType, setReplicas, replicas)
	})
}

// Undone implements Fault.
func (*ScaleToZero) Undone(ctx context.Context, h *vm.Handle, objects []Object) (string, error) {
	return look(objects, func(o Object) (string, error) {
		now, err := replicasOf(ctx, h, o.Target)
		before := o.Prior[priorReplicas]
		if err == nil && now == "0" && before != now {
			err = fmt.Errorf("%s has no replicas, before it had %s", o, before)
		}
		return fmt.Sprintf("deployment %s has %s replicas, %s", o.Name, now, since(now, before)), err
	})
}
