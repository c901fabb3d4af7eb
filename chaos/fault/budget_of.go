package fault

import (
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
)

// BudgetsOf are those of some disruption budgets that select a pod, each as it is
// in the slice.
func BudgetsOf(p *corev1.Pod, budgets []policyv1.PodDisruptionBudget) []*policyv1.PodDisruptionBudget {
	var of []*policyv1.PodDisruptionBudget
	for i := range budgets {
		if budgets[i].Namespace == p.Namespace && selects(&budgets[i], p) {
			of = append(of, &budgets[i])
		}
	}
	return of
}
