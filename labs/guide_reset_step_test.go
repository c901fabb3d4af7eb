package labs

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// victimLab has its learner delete the one that was remembered; another one that is
// deleted too makes it impossible as it was begun.
const victimLab = `
name: victim
title: {en: t, es: t}
summary: {en: t, es: t}
level: beginner
minutes: 1
steps:
  - name: make
    say: {en: s, es: s}
    do:
      - apply: "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {app: x}}}"
      - apply: "{apiVersion: v1, kind: ConfigMap, metadata: {name: b, labels: {app: x}}}"
      - apply: "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, labels: {app: x}}}"
    check: [{list: {kind: ConfigMap, labels: {app: x}}, cel: objects.size() == 3}]
  - name: delete
    timeout: 10s
    say: {en: s, es: s}
    remember:
      - {name: victim, list: {kind: ConfigMap, labels: {app: x}}, cel: "objects[0].metadata.name"}
      - {name: count, list: {kind: ConfigMap, labels: {app: x}}, cel: objects.size()}
    do: [{delete: {kind: ConfigMap, name: "{{ victim }}"}}]
    check:
      - {object: {kind: ConfigMap, name: "{{ victim }}"}, not: true}
      - {list: {kind: ConfigMap, labels: {app: x}}, cel: objects.size() == vars.count - 1}
    hint: [{en: h, es: h}]
`

// astray has a learner make the step impossible: two are deleted, not one.
func astray(t *testing.T) *Guide {
	t.Helper()
	h := learner(t)
	g, err := StartGuide(t.Context(), h, parse(t, victimLab), Options{Progress: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	solved(t, g, 1)
	for _, name := range []string{"a", "b"} {
		if err := h.Kube.Typed.CoreV1().ConfigMaps(g.Namespace()).Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if _, seen, err := g.Check(t.Context()); err != nil || len(seen) != 1 {
		t.Fatalf("it is to be impossible now: %+v, %v", seen, err)
	}
	return g
}

// A step that a wrong move has made impossible is begun anew, alone.
func TestResetOfAStep(t *testing.T) {
	t.Parallel()
	g := astray(t)
	if _, err := g.Hint(t.Context()); err != nil {
		t.Fatal(err)
	}
	namespace := g.Namespace()
	closeGuide(t, g)
	g = resume(t, g.runner.session.handle)
	defer closeGuide(t, g)
	if err := g.ResetStep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if g.Step().Name != "delete" || g.Namespace() != namespace || len(g.state.Done) != 1 || g.state.Hints != 1 {
		t.Errorf("it is more than the step that was begun anew: %+v", g.Status())
	}
	if victim := g.runner.session.variables["victim"]; victim != "c" {
		t.Errorf("the victim is %v, of those that are there now", victim)
	}
	if err := g.runner.session.handle.Kube.Typed.CoreV1().ConfigMaps(namespace).Delete(t.Context(), "c", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := g.Next(t.Context()); err != nil {
		t.Error(err)
	}
	if err := g.ResetStep(t.Context()); err == nil {
		t.Error("a step was begun anew, and all are done")
	}
	if err := g.Quit(t.Context()); err != nil {
		t.Error(err)
	}
}

// Solve finds the way out by itself.
func TestSolveOfAStepGoneAstray(t *testing.T) {
	t.Parallel()
	g := astray(t)
	defer closeGuide(t, g)
	solved(t, g, 1)
	if done := g.state.Done; len(done) != 2 || !done[1].Solved {
		t.Errorf("done: %+v", done)
	}
	if err := g.Quit(t.Context()); err != nil {
		t.Error(err)
	}
}

// What was broken in the step is mended, and may be broken in it again.
func TestResetOfAStepMends(t *testing.T) {
	h, _ := powered(t)
	t.Parallel()
	g, err := StartGuide(t.Context(), h, parse(t, byHandLab), Options{Progress: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	defer closeGuide(t, g)
	for name, cordon := range map[string]func(){
		"by hand": func() { byHand(t, h, "worker-1", `{"spec":{"unschedulable":true}}`) },
		"by the lab": func() {
			if problem, err := g.Solve(t.Context()); problem != nil || err != nil {
				t.Fatal(problem, err)
			}
		},
	} {
		cordon()
		if err := g.ResetStep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if nodeNow(t, h, "worker-1").Spec.Unschedulable || g.state.Passed || len(g.state.Done) > 0 {
			t.Errorf("%s: cordoned %t, %+v", name, nodeNow(t, h, "worker-1").Spec.Unschedulable, g.Status())
		}
	}
	solved(t, g, 2)
	if err := g.Quit(t.Context()); err != nil {
		t.Error(err)
	}
}
