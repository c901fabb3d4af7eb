package chaos

import (
	"slices"
	"strings"
	"testing"

	"axolotl/chaos/fault"
)

// A combined experiment is planned object by object where its target is there, by
// the seed by which its run chooses, and its guards are asked; nothing is changed.
func TestPlanOfACombinedExperiment(t *testing.T) {
	t.Parallel()
	h := apart(t)
	standing(t, h, "steps", 3, nil)
	const text = `
name: combined
title: two after another
target: {namespace: steps, deployment: pingapp}
steps:
  - {fault: {name: configmap-deletion}, lasts: 1s}
  - {fault: {name: kernel-panic}, optional: true}
  - fault: {name: pod-deletion}
guards: {maxShare: 100}
seed: 5
`
	e := parsed(t, text)
	plan, err := runner(t, h).Plan(t.Context(), e)
	if err != nil || len(plan.Targets) != 2 {
		t.Fatalf("%+v, %v", plan, err)
	}
	words := strings.Join(plan.Steps, "\n")
	for _, want := range []string{
		"step 1: write the journal, inject configmap-deletion into " + plan.Targets[0].String() + ": ",
		"step 3: write the journal, inject pod-deletion into " + plan.Targets[1].String() + " (of what is there now",
		"step 2: write the journal, inject kernel-panic into 1 Node(s), chosen by the seed when its turn comes",
	} {
		if !strings.Contains(words, want) {
			t.Errorf("the plan lacks %q:\n%s", want, words)
		}
	}
	report := runner(t, h).Run(t.Context(), parsed(t, text))
	if report.Verdict != Healed {
		t.Fatalf("verdict %s (%s)", report.Verdict, report.Reason)
	}
	var struck []fault.Target
	for _, s := range report.Steps {
		struck = append(struck, s.Targets...)
	}
	if !slices.Equal(struck, plan.Targets) || !slices.Equal(report.Plan.Targets, plan.Targets) {
		t.Errorf("planned %v, struck %v", plan.Targets, struck)
	}

	e = parsed(t, strings.Replace(text, "fault: {name: pod-deletion}", "{fault: {name: node-cordon}, each: true}", 1))
	plan, err = runner(t, h).Plan(t.Context(), e)
	if err != nil || len(plan.Targets) != 2 || plan.Targets[1].Kind != fault.OnNodes {
		t.Errorf("each node: %+v, %v", plan, err)
	}
	e = parsed(t, strings.Replace(text, "fault: {name: kernel-panic}, optional: true", "fault: {name: pod-eviction}", 1))
	if plan, err = runner(t, h).Plan(t.Context(), e); err != nil || len(plan.Targets) != 3 {
		t.Errorf("two steps on one deployment: %+v, %v", plan, err)
	}
	e = parsed(t, strings.Replace(text, "fault: {name: pod-deletion}", "{fault: {name: pod-deletion}, count: 3}", 1))
	_, err = runner(t, h).Plan(t.Context(), e)
	refusedBy(t, err, "last-replica")
	if err == nil || !strings.Contains(err.Error(), "step 3, pod-deletion") {
		t.Errorf("%v does not say of which step", err)
	}
	e = parsed(t, strings.Replace(text, "namespace: steps, deployment: pingapp", "app: pingapp", 1))
	plan, err = runner(t, h).Plan(t.Context(), e)
	if err != nil || len(plan.Targets) != 0 || !strings.Contains(strings.Join(plan.Steps, "\n"), "inject pod-deletion into 1 Pod(s), chosen by the seed when its turn comes") {
		t.Errorf("a target that is not there yet: %+v, %v", plan, err)
	}
	e = parsed(t, strings.Replace(text, "fault: {name: pod-deletion}", "parallel: [{fault: {name: pod-deletion}, healWithin: 7s}, {fault: {name: configmap-deletion}, lasts: 1s, healWithin: 5s}]", 1))
	e.Target = Target{App: AppPingapp, Count: 1}
	plan, err = runner(t, h).Plan(t.Context(), e)
	if err != nil || !slices.Contains(plan.Steps, "watch until all is well (pod-deletion healed within 7s, configmap-deletion healed within 5s)") {
		t.Errorf("each of several has its own time: %v, %v", plan, err)
	}
	for _, node := range []string{"worker-1", "cp-1"} { // plans keep no lock
		lock, err := LockNode(h.Cluster, node)
		if err != nil {
			t.Fatal(err)
		}
		if err := lock.Unlock(); err != nil {
			t.Fatal(err)
		}
	}
}
