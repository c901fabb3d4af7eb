package labs

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/chaos/fault"
	"axolotl/vm"
)

// What a learner broke by hand, the lab undoes as if it had been by the lab.
func TestUndoOfWhatWasBrokenByHand(t *testing.T) {
	h, _ := powered(t)
	t.Parallel()
	g, err := StartGuide(t.Context(), h, parse(t, byHandLab), Options{Progress: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	byHand(t, h, "worker-1", `{"spec":{"unschedulable":true}}`)
	if err := g.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	closeGuide(t, g)
	g = resume(t, h)
	defer closeGuide(t, g)
	solved(t, g, 1)
	if nodeNow(t, h, "worker-1").Spec.Unschedulable {
		t.Error("the node is cordoned")
	}
	if err := g.Quit(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Where the lab does not know what was broken, it says so at once.
func TestUndoOfWhatNobodyKnows(t *testing.T) {
	h := learner(t)
	s := newSession(h, parse(t, byHandLab), time.Now)
	s.guided = true
	err := s.do(t.Context(), Action{Undo: "node-cordon"})
	if err == nil || !strings.Contains(err.Error(), "axolotl lab reset --cluster "+h.Cluster.Name) {
		t.Errorf("got %v", err)
	}
}

// typing is a driver whose machines keep what is run in them.
type typing struct {
	vm.Driver

	mu  sync.Mutex
	all []string
}

func (*typing) Traits() vm.Traits { return vm.Traits{RealPods: true, RealMachines: true} }

func (d *typing) Exec(_ context.Context, _ *vm.Cluster, machine string, argv ...string) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.all = append(d.all, machine+": "+strings.Join(argv, " "))
	return "", nil
}

// A unit that the learner stopped by hand is started by the undo, and when the lab
// ends.
func TestUnitsStoppedByHandAreStarted(t *testing.T) {
	h := learner(t)
	machines := &typing{Driver: h.Driver}
	h.Driver = machines
	lab := parse(t, `
name: stopped
title: {en: t, es: t}
summary: {en: t, es: t}
level: beginner
minutes: 1
needs: {machine-control: true}
steps:
  - name: only
    say: {en: s, es: s}
    do: [{break: {fault: scheduler-down}}]
    check: [{object: {kind: ConfigMap, name: never}}]
  - name: back
    say: {en: s, es: s}
    do: [{undo: scheduler-down}]
    check: [{object: {kind: ConfigMap, name: never}}]
`)
	s := newSession(h, lab, time.Now)
	s.guided = true
	s.foresee(t.Context(), &lab.Steps[0])
	started := func() bool {
		machines.mu.Lock()
		defer machines.mu.Unlock()
		return slices.ContainsFunc(machines.all, func(line string) bool {
			return strings.HasPrefix(line, h.Cluster.Machines[0].Name+": ") && strings.Contains(line, "systemctl start kube-scheduler.service")
		})
	}
	if started() {
		t.Fatal("started before anything was done")
	}
	for name, end := range map[string]func(context.Context) error{
		"undo": func(ctx context.Context) error { return s.do(ctx, Action{Undo: "scheduler-down"}) },
		"end":  s.mendAll,
	} {
		machines.all = nil
		if err := end(t.Context()); err != nil || !started() {
			t.Errorf("%s: %v, in machines: %q", name, err, machines.all)
		}
	}
}

// A node that was deleted by hand, whose machine runs, joins again.
func TestAddOfANodeDeletedByHand(t *testing.T) {
	h, _ := powered(t)
	t.Parallel()
	if err := h.Kube.Typed.CoreV1().Nodes().Delete(t.Context(), "worker-1", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	s := newSession(h, newLab(t, "adds"), time.Now)
	if err := s.do(t.Context(), Action{Machine: &Machine{Name: "worker-1", Do: MachineAdd}}); err != nil {
		t.Fatal(err)
	}
	s.foreseen = []Foreseen{{Fault: fault.Spec{Name: "node-power-cut"}, Objects: []fault.Object{{Target: fault.Target{Kind: fault.OnNodes, Name: "worker-1"}}}}}
	if err := s.mendAll(t.Context()); err != nil { // waits until it is Ready
		t.Fatal(err)
	}
	undisturbed(t, h)
}
