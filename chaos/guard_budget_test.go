package chaos

import (
	"strings"
	"testing"

	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestOverBudget(t *testing.T) {
	budget := func(namespace, app string, allowed int32) policyv1.PodDisruptionBudget {
		b := policyv1.PodDisruptionBudget{}
		b.Namespace, b.Name = namespace, "of-"+app
		b.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": app}}
		b.Status.DisruptionsAllowed = allowed
		return b
	}
	for _, test := range []struct {
		name    string
		lost    string
		unready bool
		budget  policyv1.PodDisruptionBudget
		refused bool
	}{
		{"used up", "shop/a", false, budget("shop", "web", 0), true},
		{"one is left", "shop/a", false, budget("shop", "web", 1), false},
		{"two of one", "shop/a shop/b", false, budget("shop", "web", 1), true},
		{"not ready before", "shop/a", true, budget("shop", "web", 0), false},
		{"of others", "shop/a shop/b", false, budget("shop", "db", 0), false},
		{"in another namespace", "shop/a", false, budget("bank", "web", 0), false},
		{"nothing is lost", "", false, budget("shop", "web", 0), false},
	} {
		toll := tollOf(test.lost, "shop/a", "shop/b", "other/a")
		for i := range toll.pods {
			toll.pods[i].Labels = map[string]string{"app": "web"}
			if test.unready {
				toll.pods[i].Status.Conditions = nil
			}
		}
		refusal := overBudget(toll, []policyv1.PodDisruptionBudget{test.budget})
		if (refusal != nil) != test.refused {
			t.Errorf("%s: %v", test.name, refusal)
		}
		if refusal != nil {
			refusedBy(t, refusal, "disruption-budget")
		}
	}
}

// A deletion asks no budget; the guard does. What asks them itself is blocked, and
// not refused (TestShippedExperiments), and so is nothing where it is allowed.
func TestBudgetsAreKept(t *testing.T) {
	t.Parallel()
	h := cluster(t)
	for name, test := range map[string]struct {
		minAvailable int
		allowed      bool
		want         Verdict
	}{
		"used up": {3, false, Refused},
		"allowed": {3, true, Healed},
		"enough":  {2, false, Healed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := deletion(t)
			e.Target.MinAvailable, e.Guards.DisruptionBudget = test.minAvailable, test.allowed
			report := runner(t, h).Run(t.Context(), e)
			if report.Verdict != test.want {
				t.Fatalf("verdict %s (%s)", report.Verdict, report.Reason)
			}
			if test.want == Refused && (report.Refusal.Guard != "disruption-budget" || !strings.Contains(report.Reason, "/pingapp allows 0") || len(report.Pods) > 0) {
				t.Errorf("refused by %s: %s", report.Refusal.Guard, report.Reason)
			}
			leftNothing(t, h, report.ID)
		})
	}
}
