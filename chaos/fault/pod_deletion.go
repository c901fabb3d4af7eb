package fault

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/vm"
)

// PodDeletion deletes pods, as a person with kubectl would.
type PodDeletion struct {
	// GracePeriod is how long a pod may take to end; nil leaves what its spec
	// says. Whole seconds.
	GracePeriod *time.Duration `json:"gracePeriodNs,omitempty" yaml:"gracePeriod"`

	// Force removes the pod object at once, whether or not its containers
	// have ended.
	Force bool `json:"force,omitempty" yaml:"force"`
}

// Name implements Fault.
func (*PodDeletion) Name() string { return "pod-deletion" }

// Effect implements Fault.
func (*PodDeletion) Effect() Effect { return TakesPods }

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
func (*PodDeletion) Available(*vm.Handle) error { return nil }

// Prepare implements Fault. A pod that no controller keeps is refused: nothing
// would bring it back.
func (*PodDeletion) Prepare(ctx context.Context, h *vm.Handle, targets []Target) ([]Object, error) {
	var objects []Object
	for _, t := range targets {
		pod, err := h.Kube.Typed.CoreV1().Pods(t.Namespace).Get(ctx, t.Name, metav1.GetOptions{})
		if err != nil {
			return nil, fmt.Errorf("prepare %s: %w", t, err)
		}
		if metav1.GetControllerOf(pod) == nil {
			return nil, fmt.Errorf("%s has no controller that would replace it; choose a pod of a Deployment, StatefulSet or DaemonSet", t)
		}
		objects = append(objects, Object{Target: t})
	}
	return objects, nil
}

// Inject implements Fault.
func (f *PodDeletion) Inject(ctx context.Context, h *vm.Handle, objects []Object) error {
	deleted := 0
	for _, o := range objects {
		options := metav1.DeleteOptions{Preconditions: metav1.NewUIDPreconditions(string(o.UID))}
		if f.GracePeriod != nil {
			seconds := int64(f.GracePeriod.Round(time.Second).Seconds())
			options.GracePeriodSeconds = &seconds
		}
		if f.Force {
			options.GracePeriodSeconds = new(int64)
		}
		switch err := h.Kube.Typed.CoreV1().Pods(o.Namespace).Delete(ctx, o.Name, options); {
		case vanished(err):
		case err != nil:
			return fmt.Errorf("delete %s: %w", o, err)
		default:
			deleted++
		}
	}
	if deleted == 0 {
		return ErrNoTarget
	}
	return nil
}

// Injected implements Fault.
func (*PodDeletion) Injected(ctx context.Context, h *vm.Handle, objects []Object) (string, error) {
	var seen []string
	var errs []error
	for _, o := range objects {
		pod, err := h.Kube.Typed.CoreV1().Pods(o.Namespace).Get(ctx, o.Name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			seen = append(seen, fmt.Sprintf("pod %s is gone", o.Name))
		case err != nil:
			errs = append(errs, err)
		case pod.UID != o.UID:
			seen = append(seen, fmt.Sprintf("pod %s has another UID, %s", o.Name, pod.UID))
		case pod.DeletionTimestamp != nil:
			seen = append(seen, fmt.Sprintf("pod %s carries a deletion timestamp", o.Name))
		default:
			errs = append(errs, fmt.Errorf("%s is still there", o))
		}
	}
	return strings.Join(seen, "; "), errors.Join(errs...)
}

// Undo implements Fault.
func (*PodDeletion) Undo(context.Context, *vm.Handle, []Object) error { return nil }

// Undone implements Fault.
func (*PodDeletion) Undone(context.Context, *vm.Handle, []Object) (string, error) {
	return "nothing to undo: controllers replace deleted pods", nil
}

// vanished tells whether an object is gone, or another has its name: the
// server answers the UID precondition with a conflict.
func vanished(err error) bool { return apierrors.IsNotFound(err) || apierrors.IsConflict(err) }
