package fault

import (
	"context"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"axolotl/vm"
)

// BlockedError is the error of a fault that disruption budgets have kept from
// striking.
type BlockedError struct {
	Budgets []string // NAMESPACE/NAME
	Err     error
}

func (e *BlockedError) Error() string {
	return fmt.Sprintf("blocked by PodDisruptionBudget %s: %v", join(e.Budgets), e.Err)
}

func (e *BlockedError) Unwrap() error { return e.Err }

// blocked is err with the names of the budgets that allow none of the pods to
// be disrupted now, or err itself where there are none.
func blocked(ctx context.Context, h *vm.Handle, pods []corev1.Pod, err error) error {
	names, listErr := blockers(ctx, h, pods)
	if len(names) == 0 {
		return errors.Join(err, listErr)
	}
	return &BlockedError{names, err}
}

// blockers are the budgets that select any of the pods and are used up.
func blockers(ctx context.Context, h *vm.Handle, pods []corev1.Pod) ([]string, error) {
	var names []string
	var errs []error
	for _, p := range pods {
		budgets, err := h.Kube.Typed.PolicyV1().PodDisruptionBudgets(p.Namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for _, b := range budgets.Items {
			if b.Status.DisruptionsAllowed < 1 && selects(&b, &p) {
				names = append(names, b.Namespace+"/"+b.Name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names), errors.Join(errs...)
}

func selects(b *policyv1.PodDisruptionBudget, p *corev1.Pod) bool {
	selector, err := metav1.LabelSelectorAsSelector(b.Spec.Selector)
	return err == nil && selector.Matches(labels.Set(p.Labels))
}
