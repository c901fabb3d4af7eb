package chaos

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"axolotl/chaos/fault"
)

func TestChooseIsFixedByTheSeed(t *testing.T) {
	var all []fault.Target
	for i := range 20 {
		all = append(all, fault.Target{Name: fmt.Sprint("pod-", i)})
	}
	first := choose(all, Target{Count: 5}, 7)
	if !slices.Equal(first, choose(all, Target{Count: 5}, 7)) {
		t.Error("the same seed chose others")
	}
	if slices.Equal(first, choose(all, Target{Count: 5}, 8)) {
		t.Error("another seed chose the same, in the same order")
	}
	for _, test := range []struct {
		target Target
		want   int
	}{{Target{Count: 1}, 1}, {Target{Count: 50}, 20}, {Target{Percent: 50}, 10}, {Target{Percent: 1}, 1}, {Target{Percent: 100}, 20}} {
		if got := len(choose(all, test.target, 1)); got != test.want {
			t.Errorf("%+v chose %d, want %d", test.target, got, test.want)
		}
	}
	if got := choose(nil, Target{Percent: 50}, 1); len(got) != 0 {
		t.Errorf("of nothing it chose %v", got)
	}
}

func TestNodesOf(t *testing.T) {
	node := func(name string, plane bool) corev1.Node {
		n := corev1.Node{}
		n.Name = name
		if plane {
			n.Labels = map[string]string{controlPlaneLabel: ""}
		}
		return n
	}
	pod := func(on string) corev1.Pod { return corev1.Pod{Spec: corev1.PodSpec{NodeName: on}} }
	three := []corev1.Node{node("cp", true), node("w1", false), node("w2", false)}
	tests := map[string]struct {
		scene scene
		role  string
		want  string
	}{
		"workers first":                    {scene{nodes: three}, "", "w1 w2 "},
		"the only node":                    {scene{nodes: three[:1]}, "", "cp "},
		"control plane":                    {scene{nodes: three}, "control-plane", "cp "},
		"where the target's pods run":      {scene{nodes: three, pods: []corev1.Pod{pod("w2")}}, "", "w2 "},
		"no worker runs the target's pods": {scene{nodes: three, pods: []corev1.Pod{pod("cp")}}, "worker", "w1 w2 "},
	}
	for name, test := range tests {
		got := ""
		for _, n := range test.scene.busy(test.scene.nodesOf(test.role)) {
			got += n.Name + " "
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// The plan of an experiment with a target of its own names that, and what is chosen
// from, as far as it can be known.
func TestPlanOfAnOwnTarget(t *testing.T) {
	t.Parallel()
	h := apart(t)
	pod, node, release := deletion(t), deletion(t), deletion(t)
	node.Fault, node.Guards = &fault.NodeCordon{}, Guards{MaxShare: 100}
	release.Fault, release.Guards = toZero(t).Fault, Guards{MaxShare: 100}
	for e, wants := range map[*Experiment][]string{
		pod:     {"inject pod-deletion into 1 Pod(s) of the 3 of Deployment NS/pingapp, chosen by seed 1 once they exist: ", "undo, of those: "},
		node:    {"inject node-cordon into Node worker-1 (uid "},
		release: {"inject scale-to-zero into Deployment NS/pingapp: "},
	} {
		x, err := runner(t, h).Plan(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		words := strings.Join(x.Steps, "\n")
		_, namespace, _ := strings.Cut(words, "create namespace ")
		namespace, _, _ = strings.Cut(namespace, " ")
		for _, want := range append(wants, "undo: delete namespace NS with all that is in it, Deployment pingapp and its pods too") {
			if want = strings.ReplaceAll(want, "NS", namespace); !strings.Contains(words, want) {
				t.Errorf("the plan lacks %q:\n%s", want, words)
			}
		}
	}
	node.Guards.MaxShare = 50
	_, err := runner(t, h).Plan(t.Context(), node)
	refusedBy(t, err, "max-share")
}
