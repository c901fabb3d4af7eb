package labs

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"axolotl/vm"
)

// byHandLab has its learner cordon a node, and uncordon it.
const byHandLab = `
name: by-hand
title: {en: t, es: t}
summary: {en: t, es: t}
level: beginner
minutes: 1
steps:
  - name: away
    say: {en: s, es: s}
    remember: [{name: node, list: {kind: Node}, cel: "objects.filter(n, n.metadata.name != 'cp-1')[0].metadata.name"}]
    do: [{break: {fault: node-cordon, node: "{{ node }}"}}]
    check: [{object: {kind: Node, name: "{{ node }}"}, cel: "object.spec.?unschedulable.orValue(false)"}]
    timeout: 20s
  - name: back
    say: {en: s, es: s}
    do: [{undo: node-cordon}]
    check: [{object: {kind: Node, name: "{{ node }}"}, cel: "!object.spec.?unschedulable.orValue(false)"}]
    timeout: 20s
`

// byHand patches a node, as a learner does by kubectl.
func byHand(t *testing.T, h *vm.Handle, node, patch string) {
	t.Helper()
	if _, err := h.Kube.Typed.CoreV1().Nodes().Patch(t.Context(), node, types.MergePatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
}

func nodeNow(t *testing.T, h *vm.Handle, name string) *corev1.Node {
	t.Helper()
	node, err := h.Kube.Typed.CoreV1().Nodes().Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return node
}

// What a learner did to nodes by hand is as it was when the lab has ended: what was
// cordoned before it stays so.
func TestQuitGivesBackNodesDisturbedByHand(t *testing.T) {
	h, _ := powered(t)
	t.Parallel()
	byHand(t, h, "cp-1", `{"spec":{"unschedulable":true}}`)
	g, err := StartGuide(t.Context(), h, parse(t, byHandLab), Options{Progress: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	byHand(t, h, "cp-1", `{"spec":{"unschedulable":null}}`)
	byHand(t, h, "worker-1", `{"spec":{"unschedulable":true,"taints":[{"key":"mine","effect":"NoSchedule"}]}}`)
	closeGuide(t, g)

	g = resume(t, h)
	defer closeGuide(t, g)
	if err := h.Driver.(vm.Powerer).PowerOff(t.Context(), h.Cluster, "worker-1"); err != nil {
		t.Fatal(err)
	}
	if err := g.Quit(t.Context()); err != nil {
		t.Fatal(err)
	}
	undisturbed(t, h)
	isMine := func(taint corev1.Taint) bool { return taint.Key == "mine" }
	if node := nodeNow(t, h, "worker-1"); node.Spec.Unschedulable || slices.ContainsFunc(node.Spec.Taints, isMine) {
		t.Errorf("worker-1 is left as the learner had it: %+v", node.Spec)
	}
	if !nodeNow(t, h, "cp-1").Spec.Unschedulable {
		t.Error("cp-1 was cordoned before the lab, and is not any more")
	}
}

// A node that was deleted by hand, whose machine runs, registers again.
func TestQuitHasDeletedNodesBack(t *testing.T) {
	h, _ := powered(t)
	t.Parallel()
	g, err := StartGuide(t.Context(), h, parse(t, byHandLab), Options{Progress: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	defer closeGuide(t, g)
	if err := h.Kube.Typed.CoreV1().Nodes().Delete(t.Context(), "worker-1", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := g.Quit(t.Context()); err != nil {
		t.Fatal(err)
	}
	undisturbed(t, h)
}

// powerless is a driver that cannot start what is off.
type powerless struct{ vm.Driver }

func (powerless) PowerOff(context.Context, *vm.Cluster, string) error { return nil }
func (powerless) PowerOn(context.Context, *vm.Cluster, string) error {
	return errors.New("no fuse")
}

func (powerless) Machines(context.Context, *vm.Cluster) ([]vm.MachineStatus, error) {
	return []vm.MachineStatus{{Name: "cp-1", State: vm.MachineStopped}}, nil
}

// The machine that cannot be had back is named, with what starts it.
func TestMachineThatCannotBeGivenBack(t *testing.T) {
	h := learner(t)
	t.Parallel()
	h.Driver = powerless{h.Driver}
	s := newSession(h, parse(t, byHandLab), time.Now)
	name := h.Cluster.Machines[0].Name
	s.nodes = map[string]NodeBefore{name: {Machine: vm.MachineRunning}}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	err := s.giveBackNodes(ctx)
	if err == nil || !strings.Contains(err.Error(), "machine "+name+" ran before the lab, was found stopped") ||
		!strings.Contains(err.Error(), "no fuse") || !strings.Contains(err.Error(), "axolotl node start "+h.Cluster.Name+" "+name) {
		t.Errorf("got %v", err)
	}
}
