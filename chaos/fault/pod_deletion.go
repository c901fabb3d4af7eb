package fault

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/vm"
)

// PodDeletion deletes pods, as a person with kubectl would.
type PodDeletion struct {
	// how long a pod may take to end, in whole seconds; left out: what its spec says
	GracePeriod *time.Duration `json:"gracePeriodNs,omitempty" yaml:"gracePeriod"`

	// removes the pod's object at once, whether or not its containers have ended
	Force bool `json:"force,omitempty" yaml:"force"`
}

// Check implements Checked.
func (f *PodDeletion) Check() []Wrong {
	if f.GracePeriod != nil && *f.GracePeriod%time.Second != 0 {
		return []Wrong{{"gracePeriod", fmt.Sprintf("want whole seconds, found %s", *f.GracePeriod)}}
	}
	return nil
}

// Name implements Fault.
func (*PodDeletion) Name() string { return "pod-deletion" }

// Effect implements Fault.
func (*PodDeletion) Effect() Effect { return Effect{On: OnPods, Takes: TakesPods} }

// Doc implements Fault.
func (*PodDeletion) Doc() Doc {
	return Doc{
		Does:   "deletes pods through the API server, by name and UID",
		Needs:  "pods that a controller keeps; the client's view needs pods that really run",
		Proved: "the pod's UID is gone, or carries a deletion timestamp, when it is read again",
		Undone: "nothing to undo: its controller replaces the pod, and that is what is watched",
	}
}

// Available implements Fault. A deletion is the API server's own doing, so it
// is the same where nodes are simulated.
func (*PodDeletion) Available(context.Context, *vm.Handle) error { return nil }

// Prepare implements Fault. A pod that no controller keeps is refused: nothing
// would bring it back.
func (*PodDeletion) Prepare(ctx context.Context, h *vm.Handle, targets []Target) ([]Object, error) {
	return prepare(targets, func(t Target) (map[string]string, error) { return nil, keptPod(ctx, h, t) })
}

// keptPod returns nil where a controller would replace the pod.
func keptPod(ctx context.Context, h *vm.Handle, t Target) error {
	pod, err := h.Kube.Typed.CoreV1().Pods(t.Namespace).Get(ctx, t.Name, metav1.GetOptions{})
	if err == nil && metav1.GetControllerOf(pod) == nil {
		err = errors.New("it has no controller that would replace it; choose a pod of a Deployment, StatefulSet or DaemonSet")
	}
	return err
}

// Inject implements Fault.
func (f *PodDeletion) Inject(ctx context.Context, h *vm.Handle, objects []Object) error {
	return strike(objects, "delete", func(o Object) error {
		return h.Kube.Typed.CoreV1().Pods(o.Namespace).Delete(ctx, o.Name, f.options(o))
	})
}

// options ask for the pod itself, not for another one of its name.
func (f *PodDeletion) options(o Object) metav1.DeleteOptions {
	options := metav1.DeleteOptions{Preconditions: metav1.NewUIDPreconditions(string(o.UID))}
	if f.GracePeriod != nil {
		seconds := int64(f.GracePeriod.Seconds())
		options.GracePeriodSeconds = &seconds
	}
	if f.Force {
		options.GracePeriodSeconds = new(int64)
	}
	return options
}

// Injected implements Fault.
func (*PodDeletion) Injected(ctx context.Context, h *vm.Handle, objects []Object) (string, error) {
	return look(objects, func(o Object) (string, error) {
		pod, err := h.Kube.Typed.CoreV1().Pods(o.Namespace).Get(ctx, o.Name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			return fmt.Sprintf("pod %s is gone", o.Name), nil
		case err != nil:
			return "", err
		case pod.UID != o.UID:
			return fmt.Sprintf("pod %s has another UID, %s", o.Name, pod.UID), nil
		case pod.DeletionTimestamp != nil:
			return fmt.Sprintf("pod %s carries a deletion timestamp", o.Name), nil
		}
		return "", fmt.Errorf("%s is still there", o)
	})
}

// Undo implements Fault.
func (*PodDeletion) Undo(context.Context, *vm.Handle, []Object) error { return nil }

// Undone implements Fault.
func (*PodDeletion) Undone(context.Context, *vm.Handle, []Object) (string, error) {
	return "nothing to undo: controllers replace deleted pods", nil
}
