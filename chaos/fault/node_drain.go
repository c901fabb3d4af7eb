package fault

import (
	"context"
	"fmt"
	"io"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/kubectl/pkg/drain"

	"axolotl/vm"
)

// NodeDrain cordons nodes and evicts what runs there, as kubectl drain does
// and by its library. The cordon is undone as NodeCordon's is.
type NodeDrain struct {
	NodeCordon `yaml:",inline"`

	// how long the evictions of a node may take, also where disruption budgets
	// refuse them at first
	Timeout time.Duration `json:"timeoutNs" yaml:"timeout"`
}

// Name implements Fault.
func (*NodeDrain) Name() string { return "node-drain" }

// Effect implements Fault.
func (*NodeDrain) Effect() Effect { return Effect{On: OnNodes, Takes: TakesPods} }

// Spares implements Sparing: what kubectl's library leaves to DaemonSets and to the
// kubelet itself, as helper asks it to.
func (*NodeDrain) Spares(p *corev1.Pod) bool {
	owner := metav1.GetControllerOf(p)
	_, mirror := p.Annotations[corev1.MirrorPodAnnotationKey]
	return mirror || owner != nil && owner.Kind == "DaemonSet"
}

// Doc implements Fault.
func (*NodeDrain) Doc() Doc {
	return Doc{
		Does:   "cordons nodes and evicts all of their pods but those of DaemonSets; disruption budgets are honoured",
		Needs:  "another node that takes the pods; no pod there without a controller",
		Proved: "the node is unschedulable, and no pod that a drain takes is left there, when both are read again",
		Undone: "the prior value of unschedulable is restored: a node cordoned before stays cordoned; read again as proof",
	}
}

// Inject implements Fault. The error is a *BlockedError where a budget kept a
// pod from being evicted until the timeout.
func (f *NodeDrain) Inject(ctx context.Context, h *vm.Handle, objects []Object) error {
	return strike(objects, "drain", func(o Object) error {
		if err := setUnschedulable(ctx, h, o, true); err != nil {
			return err
		}
		err := drain.RunNodeDrain(f.helper(ctx, h), o.Name)
		if err == nil || ctx.Err() != nil {
			return err
		}
		left, listErr := f.left(ctx, h, o)
		if listErr != nil {
			return fmt.Errorf("%w; what is left there: %w", err, listErr)
		}
		return blocked(ctx, h, left, err)
	})
}

func (f *NodeDrain) helper(ctx context.Context, h *vm.Handle) *drain.Helper {
	return &drain.Helper{
		Ctx: ctx, Client: h.Kube.Typed, GracePeriodSeconds: -1, IgnoreAllDaemonSets: true, DeleteEmptyDirData: true,
		Timeout: f.Timeout, EvictErrorRetryDelay: evictEvery, Out: io.Discard, ErrOut: io.Discard,
	}
}

// left are the pods of a node that a drain takes and that are not on their
// way out.
func (f *NodeDrain) left(ctx context.Context, h *vm.Handle, o Object) ([]corev1.Pod, error) {
	list, errs := f.helper(ctx, h).GetPodsForDeletion(o.Name)
	if len(errs) > 0 {
		return nil, errs[0]
	}
	var left []corev1.Pod
	for _, p := range list.Pods() {
		if p.DeletionTimestamp == nil {
			left = append(left, p)
		}
	}
	return left, nil
}

// Prepare implements Fault. What kubectl drain would refuse is refused here.
func (f *NodeDrain) Prepare(ctx context.Context, h *vm.Handle, targets []Target) ([]Object, error) {
	objects, err := f.NodeCordon.Prepare(ctx, h, targets)
	for _, o := range objects {
		if _, err := f.left(ctx, h, o); err != nil {
			return nil, fmt.Errorf("prepare %s: %w", o, err)
		}
	}
	return objects, err
}

// Injected implements Fault.
func (f *NodeDrain) Injected(ctx context.Context, h *vm.Handle, objects []Object) (string, error) {
	return eachNode(ctx, h, objects, func(o Object, node *corev1.Node) (string, error) {
		left, err := f.left(ctx, h, o)
		if err != nil {
			return "", err
		}
		if !node.Spec.Unschedulable || len(left) > 0 {
			return "", fmt.Errorf("%s has unschedulable: %t and %d pods left", o, node.Spec.Unschedulable, len(left))
		}
		return fmt.Sprintf("node %s is unschedulable and drained", o.Name), nil
	})
}
