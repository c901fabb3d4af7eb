package chaos

import (
	"context"
	"fmt"
	"time"

	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/chaos/fault"
	"axolotl/chaos/observe"
	"axolotl/internal/check"
)

// budgetWithin is how long a budget may say no before it counts: its controller
// takes a moment to count pods that have just become ready.
const budgetWithin = 3 * time.Second

// guardBudgets keeps disruption budgets, whatever takes the pods: the cluster keeps
// them for evictions only.
func guardBudgets(ctx context.Context, r *run) error {
	if r.experiment.Guards.DisruptionBudget || asksBudgets(r.experiment.Fault) || !r.toll.any() {
		return nil
	}
	var refusal *Refusal
	limited, cancel := context.WithTimeout(ctx, budgetWithin)
	defer cancel()
	err := check.Wait(limited, check.Func("disruption budgets allow it", func(ctx context.Context) error {
		budgets, err := r.kube.Typed.PolicyV1().PodDisruptionBudgets(r.toll.namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return fmt.Errorf("disruption budgets: %w", err)
		}
		if refusal = overBudget(r.toll, budgets.Items); refusal != nil {
			return refusal
		}
		return nil
	}), pollEvery, nil)
	if refusal != nil && ctx.Err() == nil {
		return refusal
	}
	return err
}

// asksBudgets tells whether a fault asks budgets itself as it strikes, for longer
// than a guard would: where they say no its run ends as blocked.
func asksBudgets(f fault.Fault) bool {
	switch f.(type) {
	case *fault.PodEviction, *fault.NodeDrain:
		return true
	}
	return false
}

// overBudget is the refusal by the first budget that allows fewer of the lost pods
// to be disrupted than are lost; nil for none. One that is not ready costs nothing.
func overBudget(t *toll, budgets []policyv1.PodDisruptionBudget) *Refusal {
	taken := map[*policyv1.PodDisruptionBudget]int{}
	for i := range t.pods {
		if p := &t.pods[i]; t.lost[p.UID] && observe.PodState(p).Ready {
			for _, b := range fault.BudgetsOf(p, budgets) {
				taken[b]++
			}
		}
	}
	for i := range budgets {
		b := &budgets[i]
		if n := taken[b]; n > int(b.Status.DisruptionsAllowed) {
			return &Refusal{"disruption-budget",
				fmt.Sprintf("PodDisruptionBudget %s/%s allows %d pod(s) to be disrupted (%d are healthy, %d must be) and the fault takes %d",
					b.Namespace, b.Name, b.Status.DisruptionsAllowed, b.Status.CurrentHealthy, b.Status.DesiredHealthy, n),
				"take fewer, add replicas, or set guards.disruptionBudget: true"}
		}
	}
	return nil
}
