package chaos

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"axolotl/chaos/timeline"
)

func TestOverBudget(t *testing.T) {
	s := &scene{namespace: "shop"}
	for _, name := range []string{"a", "b"} {
		p := corev1.Pod{}
		p.Namespace, p.Name, p.UID, p.Labels = "shop", name, types.UID(name), map[string]string{"app": "web"}
		s.pods = append(s.pods, p)
	}
	budget := func(app string, allowed int32) policyv1.PodDisruptionBudget {
		b := policyv1.PodDisruptionBudget{}
		b.Namespace, b.Name = "shop", "of-"+app
		b.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": app}}
		b.Status.DisruptionsAllowed = allowed
		return b
	}
	one, two, unready := []timeline.Pod{{UID: "a", Ready: true}}, []timeline.Pod{{UID: "a", Ready: true}, {UID: "b", Ready: true}}, []timeline.Pod{{UID: "a"}}
	for _, test := range []struct {
		name    string
		lost    []timeline.Pod
		budget  policyv1.PodDisruptionBudget
		refused bool
	}{
		{"used up", one, budget("web", 0), true},
		{"one is left", one, budget("web", 1), false},
		{"two of one", two, budget("web", 1), true},
		{"not ready before", unready, budget("web", 0), false},
		{"of others", two, budget("db", 0), false},
		{"nothing is lost", nil, budget("web", 0), false},
	} {
		refusal := overBudget(s, test.lost, []policyv1.PodDisruptionBudget{test.budget})
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
