package labs

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/vm"
)

const twoNamespaces = `
name: by-hand
title: {en: t, es: t}
summary: {en: t, es: t}
level: beginner
minutes: 1
steps:
  - name: two
    say: {en: s, es: s}
    timeout: 30s
    do: [{namespace: "{{ namespace }}"}, {namespace: "{{ namespace }}-other"}]
    check:
      - object: {kind: Namespace, name: "{{ namespace }}"}
      - object: {kind: Namespace, name: "{{ namespace }}-other"}
`

// madeByHand makes a namespace as "kubectl create namespace" does.
func madeByHand(t *testing.T, h *vm.Handle, name string, labels map[string]string) {
	t.Helper()
	_, err := h.Kube.Typed.CoreV1().Namespaces().Create(t.Context(),
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

// The learner makes the namespaces that a step asks for: it can be solved all the
// same, and they go with the lab, and no others.
func TestNamespacesOfTheLearner(t *testing.T) {
	h := learner(t)
	t.Parallel()
	g, err := StartGuide(t.Context(), h, parse(t, twoNamespaces), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer closeGuide(t, g)
	first := g.Namespace()
	bystanders := []string{first + "x", first + "-of-another"}
	madeByHand(t, h, bystanders[0], nil)
	madeByHand(t, h, bystanders[1], map[string]string{LabelSession: "other"})
	t.Cleanup(func() {
		for _, name := range bystanders {
			if err := h.Kube.Typed.CoreV1().Namespaces().Delete(context.WithoutCancel(t.Context()), name, metav1.DeleteOptions{}); err != nil {
				t.Error(err)
			}
		}
	})
	madeByHand(t, h, first, nil)
	madeByHand(t, h, first+"-mine", nil)
	if problem, err := g.Solve(t.Context()); problem != nil || err != nil {
		t.Fatalf("%+v, %v", problem, err)
	}
	if err := g.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	second := g.Namespace()
	madeByHand(t, h, second+"-other", nil)
	if err := g.Quit(t.Context()); err != nil {
		t.Fatal(err)
	}
	list, err := h.Kube.Typed.CoreV1().Namespaces().List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for i := range list.Items {
		there[list.Items[i].Name] = list.Items[i].DeletionTimestamp == nil
	}
	for _, name := range []string{first, first + "-mine", first + "-other", second, second + "-other"} {
		if _, left := there[name]; left {
			t.Errorf("namespace %s is left", name)
		}
	}
	for _, name := range bystanders {
		if !there[name] {
			t.Errorf("namespace %s is gone, and was not the lab's", name)
		}
	}
}

// A lab that makes a namespace beside its own has its own too.
func TestNamespaceBeside(t *testing.T) {
	needCluster(t)
	t.Parallel()
	lab := oneStep(t, `
    do: [{namespace: "{{ namespace }}-b"}, {apply: "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}"}]
    check: [{object: {kind: ConfigMap, name: a}}, {object: {kind: Namespace, name: "{{ namespace }}-b"}}]
`)
	if result := run(t, lab); result.Outcome != Passed {
		t.Errorf("%s: %s", result.Outcome, result.Reason)
	}
}
