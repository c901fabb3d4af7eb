package labs

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"axolotl/chaos"
	"axolotl/internal/store"
	"axolotl/vm"
	"axolotl/vm/cluster"
	"axolotl/vm/local/localtest"
)

// darkLab is plain to begin with; then a node goes.
const darkLab = `
name: dark
title: {en: t, es: t}
summary: {en: t, es: t}
level: beginner
minutes: 1
needs: {node-power: true}
steps:
  - name: plain
    say: {en: s, es: s}
    do:
      - apply: "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}"
    check: [{object: {kind: ConfigMap, name: a}}]
  - name: lights-out
    say: {en: s, es: s}
    do:
      - machine: {name: worker-1, do: remove}
    check: [{object: {kind: Node, name: worker-1}, not: true}]
`

// powered is a cluster of a test's own that can be saved, and the store that it
// is in.
func powered(t *testing.T) (*vm.Handle, cluster.Store) {
	t.Helper()
	needCluster(t)
	h := localtest.Start(t, 2)
	h.Cluster.Phase = vm.PhaseUp
	s := cluster.Store{Home: store.Home{State: filepath.Dir(filepath.Dir(h.Cluster.Dir)), Cache: t.TempDir()}}
	if err := s.Save(h.Cluster); err != nil {
		t.Fatal(err)
	}
	return h, s
}

func kept(s cluster.Store, h *vm.Handle) Options {
	open := func(*vm.Cluster) (vm.Driver, error) { return h.Driver, nil }
	return Options{Snapshots: s.Kept(h.Cluster.Name, "lab", open, quiet()), Progress: quiet()}
}

// snapshots are the names of a cluster's snapshots.
func snapshots(t *testing.T, s cluster.Store, h *vm.Handle) []string {
	t.Helper()
	all, err := s.Snapshots(h.Cluster.Name)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, shot := range all {
		names = append(names, shot.Name)
	}
	return names
}

// solved has steps of a guided lab done, and goes on after each.
func solved(t *testing.T, g *Guide, steps int) {
	t.Helper()
	for range steps {
		problem, err := g.Solve(t.Context())
		if problem != nil || err != nil {
			t.Fatalf("step %s: %+v, %v", g.Step().Name, problem, err)
		}
		if err := g.Next(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// undisturbed wants the worker to be there, as it was, and the journal to be
// done with.
func undisturbed(t *testing.T, h *vm.Handle) {
	t.Helper()
	node, err := h.Kube.Typed.CoreV1().Nodes().Get(t.Context(), "worker-1", metav1.GetOptions{})
	if err != nil || !slices.ContainsFunc(node.Status.Conditions, func(c corev1.NodeCondition) bool {
		return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
	}) {
		t.Errorf("the worker is not as it was: %v, %v", node, err)
	}
	if open, err := chaos.Unfinished(h.Cluster); err != nil || len(open) > 0 {
		t.Errorf("open in the journal: %+v, %v", open, err)
	}
}

// onlyNamespace wants a guided lab's namespace to be the one of any lab, but for
// those that are ending.
func onlyNamespace(t *testing.T, h *vm.Handle, want ...string) {
	t.Helper()
	list, err := h.Kube.Typed.CoreV1().Namespaces().List(t.Context(), metav1.ListOptions{LabelSelector: LabelLab})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for i := range list.Items {
		if list.Items[i].DeletionTimestamp == nil {
			names = append(names, list.Items[i].Name)
		}
	}
	if !slices.Equal(names, want) {
		t.Errorf("namespaces of labs: %v, want %v", names, want)
	}
}

// A lab that takes a node away saves the cluster before that, not before, and
// its reset goes back there, again and again, with nothing left of any go.
func TestResetGoesBackToTheSnapshot(t *testing.T) {
	h, s := powered(t)
	o := kept(s, h)
	if err := o.Snapshots.Save(t.Context()); err != nil { // an orphan of a lab that nobody knows of
		t.Fatal(err)
	}
	uid := func(h *vm.Handle) types.UID {
		node, err := h.Kube.Typed.CoreV1().Nodes().Get(t.Context(), "worker-1", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return node.UID
	}
	before, start := uid(h), time.Now()
	g, err := StartGuide(t.Context(), h, parse(t, darkLab), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("started in %.2f s", time.Since(start).Seconds())
	if names := snapshots(t, s, h); len(names) > 0 {
		t.Errorf("saved when it was started: %v", names)
	}
	start = time.Now()
	solved(t, g, 1)
	t.Logf("the first step and the snapshot: %.2f s", time.Since(start).Seconds())
	if names := snapshots(t, s, h); !slices.Equal(names, []string{"lab.kept"}) {
		t.Fatalf("before the node goes, snapshots are %v", names)
	}
	first := g.Namespace()
	for range 2 {
		solved(t, g, len(g.Lab.Steps)-g.state.Step)
		if _, err := h.Kube.Typed.CoreV1().Nodes().Get(t.Context(), "worker-1", metav1.GetOptions{}); err == nil {
			t.Fatal("the node did not go")
		}
		closeGuide(t, g)
		if g, err = ResumeGuide(h, o); err != nil { // another process
			t.Fatal(err)
		}
		start = time.Now()
		if err := g.Reset(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Logf("reset in %.2f s", time.Since(start).Seconds())
		h = g.runner.session.handle
		undisturbed(t, h)
		if got := uid(h); got != before {
			t.Errorf("the node is another one: uid %s, before the lab %s: it was not restored", got, before)
		}
		if g.Step() == nil || g.Step().Name != "plain" || g.Namespace() == first {
			t.Errorf("after reset: step %v in %s", g.Step(), g.Namespace())
		}
		onlyNamespace(t, h, g.Namespace())
	}
	if err := errors.Join(g.Quit(t.Context()), g.Close()); err != nil {
		t.Fatal(err)
	}
	gone(t, h, runsPrefix)
	if names := snapshots(t, s, h); len(names) > 0 {
		t.Errorf("after quit: %v", names)
	}
}

// What is no lab's own doing needs no snapshot; a lab says why it takes one.
func TestWhichLabsDisturb(t *testing.T) {
	want := map[string]bool{
		"break-the-vm": true, "control-plane-down": true, "daemonsets": true, "drain": true,
		"pods-are-volatile": true, "why-orchestrate": true,
	}
	for _, name := range CatalogNames() {
		lab, err := Open(name)
		if err != nil {
			t.Fatal(err)
		}
		if lab.Exclusive() != want[name] {
			t.Errorf("lab %s: does it disturb nodes? %t", name, lab.Exclusive())
		}
		if lab.Steps[0].disturbs() != "" {
			t.Errorf("lab %s would save the cluster when it is started, which takes seconds: %s", name, lab.Steps[0].disturbs())
		}
	}
}

// A process that dies with a machine off leaves it in the journal: the next lab
// gives it back. What the guided lab under way did stays.
func TestMachineOffIsUndoneByTheNext(t *testing.T) {
	h, _ := powered(t)
	die := func(s *session) { // in the middle of a step
		t.Helper()
		if err := s.do(t.Context(), Action{Machine: &Machine{Name: "worker-1", Do: MachineRemove}}); err != nil {
			t.Fatal(err)
		}
		if err := recoverKilled(t.Context(), h, quiet(), time.Now); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Kube.Typed.CoreV1().Nodes().Get(t.Context(), "worker-1", metav1.GetOptions{}); err == nil {
			t.Fatal("what is at work was undone by another")
		}
		if err := s.letGo(); err != nil { // as the kernel does
			t.Fatal(err)
		}
	}
	nothing := func() {
		t.Helper()
		if _, err := RunAll(t.Context(), h, nil, 1, Options{}, nil); err != nil {
			t.Fatal(err)
		}
	}
	lab := parse(t, darkLab)
	die(newSession(h, lab, time.Now))
	nothing()
	undisturbed(t, h)

	g, err := StartGuide(t.Context(), h, lab, Options{})
	if err != nil {
		t.Fatal(err)
	}
	solved(t, g, 1)
	die(g.runner.session)
	if err := errors.Join(g.save(), g.Close()); err != nil {
		t.Fatal(err)
	}
	nothing()
	if _, err := h.Kube.Typed.CoreV1().Nodes().Get(t.Context(), "worker-1", metav1.GetOptions{}); err == nil {
		t.Error("another lab undid what the learner is to see")
	}
	// Killed before it noted what it did, which the journal knows.
	g = resume(t, h)
	g.runner.session.struck = nil
	if err := errors.Join(g.save(), g.Quit(t.Context()), g.Close()); err != nil {
		t.Fatal(err)
	}
	undisturbed(t, h)
	gone(t, h, runsPrefix)
}
