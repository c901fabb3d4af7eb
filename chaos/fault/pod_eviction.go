package fault

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"

	"axolotl/vm"
)

// PodEviction asks the API server to evict pods, which it refuses where a
// disruption budget says no. All else is as with a deletion.
type PodEviction struct {
	PodDeletion `yaml:",inline"`

	// how long a refused eviction is tried again, as a drain does
	Within time.Duration `json:"withinNs" yaml:"within"`
}

// evictEvery is how often a refused eviction is tried again.
const evictEvery = 500 * time.Millisecond

// Name implements Fault.
func (*PodEviction) Name() string { return "pod-eviction" }

// Doc implements Fault.
func (*PodEviction) Doc() Doc {
	return Doc{
		Does:   "evicts pods, as a drain does: disruption budgets are honoured, and asked again for a while",
		Needs:  "pods that a controller keeps",
		Proved: "the pod's UID is gone, or carries a deletion timestamp, when it is read again",
		Undone: "nothing to undo: its controller replaces the pod, and that is what is watched",
	}
}

// Inject implements Fault. The error is a *BlockedError where a budget kept a
// pod from being evicted.
func (f *PodEviction) Inject(ctx context.Context, h *vm.Handle, objects []Object) error {
	return strike(objects, "evict", func(o Object) error {
		return f.evict(ctx, h, o)
	})
}

func (f *PodEviction) evict(ctx context.Context, h *vm.Handle, o Object) error {
	options := f.options(o)
	eviction := &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Name: o.Name, Namespace: o.Namespace}, DeleteOptions: &options}
	var refused error
	err := wait.PollUntilContextTimeout(ctx, evictEvery, f.Within, true, func(ctx context.Context) (bool, error) {
		refused = h.Kube.Typed.CoreV1().Pods(o.Namespace).EvictV1(ctx, eviction)
		if apierrors.IsTooManyRequests(refused) {
			return false, nil
		}
		return true, refused
	})
	if !wait.Interrupted(err) || ctx.Err() != nil || refused == nil {
		return err
	}
	pod, err := h.Kube.Typed.CoreV1().Pods(o.Namespace).Get(ctx, o.Name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	return blocked(ctx, h, []corev1.Pod{*pod}, refused)
}
