package chaos

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"axolotl/chaos/fault"
	"axolotl/chaos/journal"
	"axolotl/internal/term"
	"axolotl/vm"
	"axolotl/vm/local/localtest"
)

// TestFaultsOnNodes does what concerns all that runs on a node on a cluster of
// its own, one after another, while other tests use the shared one.
func TestFaultsOnNodes(t *testing.T) {
	t.Parallel()
	h := localtest.Start(t, 2)
	t.Run("strike and mend", func(t *testing.T) { strikeAndMend(t, h) })
	t.Run("cordon restores what was", func(t *testing.T) { cordonRestoresWhatWas(t, h) })
	t.Run("a cordon whose run was killed", func(t *testing.T) {
		e, err := Open("node-cordon")
		if err != nil {
			t.Fatal(err)
		}
		e.Probe = nil
		undoneByTheNext(t, h, killAfter(t, h, e, "Inject node-cordon"))
	})
	t.Run("steps", func(t *testing.T) { combinedHeals(t, h) })
	t.Run("steps whose run was killed", func(t *testing.T) { combinedIsUndoneByTheNext(t, h) })
	t.Run("each in turn", func(t *testing.T) { eachNodeInTurn(t, h) })
	for _, name := range []string{"node-drain", "node-taint"} {
		t.Run(name, func(t *testing.T) { shippedRuns(t, h, name, Healed, -1) })
	}
}

// strikeAndMend: what Strike breaks is in the journal, and Mend, as another process would
// call it, undoes it, once.
func strikeAndMend(t *testing.T, h *vm.Handle) {
	unschedulable := func() bool {
		node, err := h.Kube.Typed.CoreV1().Nodes().Get(t.Context(), "worker-1", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return node.Spec.Unschedulable
	}
	node, err := h.Kube.Typed.CoreV1().Nodes().Get(t.Context(), "worker-1", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	targets := []fault.Target{{Kind: "Node", Name: node.Name, UID: node.UID}}
	stroke, err := Strike(t.Context(), h, &fault.NodeCordon{}, targets, "lab x", time.Now)
	if err != nil || stroke == nil || !unschedulable() {
		t.Fatalf("stroke %v, error %v, unschedulable %t", stroke, err, unschedulable())
	}
	id, step := stroke.ID(), term.NewProgress(io.Discard, true).Start("")
	if done, err := Recover(t.Context(), h, time.Now, step); len(done) > 0 || err != nil || !unschedulable() {
		t.Errorf("one at work was undone by another: %v, %v", done, err)
	}
	if err := stroke.Release(); err != nil {
		t.Fatal(err)
	}
	if done, err := RecoverBut(t.Context(), h, []string{id}, time.Now, step); len(done) > 0 || err != nil || !unschedulable() {
		t.Errorf("one that was spared was undone: %v, %v", done, err)
	}
	entries, err := journalOf(h.Cluster).All()
	if err != nil || len(entries) != 1 || entries[0].ID != id || entries[0].State != journal.Open || entries[0].Experiment != "lab x" {
		t.Fatalf("journal: %+v, %v", entries, err)
	}
	for range 2 { // what is undone already is success
		if err := Mend(t.Context(), h, id, time.Now); err != nil || unschedulable() {
			t.Fatalf("error %v, unschedulable %t", err, unschedulable())
		}
	}
	if err := Mend(t.Context(), h, "no-such", time.Now); err == nil || !strings.Contains(err.Error(), "no-such") {
		t.Errorf("an unknown ID: %v", err)
	}
}

// cordonRestoresWhatWas: a node that was cordoned before is so afterwards.
func cordonRestoresWhatWas(t *testing.T, h *vm.Handle) {
	nodes, err := h.Kube.Typed.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	cordoned := nodes.Items[len(nodes.Items)-1].Name // the worker
	mark := func(value bool) {
		patch := `{"spec":{"unschedulable":` + map[bool]string{true: "true", false: "false"}[value] + `}}`
		_, err := h.Kube.Typed.CoreV1().Nodes().Patch(context.Background(), cordoned, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
		if err != nil {
			t.Fatal(err)
		}
	}
	mark(true)
	defer mark(false)
	e, err := Open("node-cordon")
	if err != nil {
		t.Fatal(err)
	}
	e.Probe, e.Lasts = nil, time.Millisecond
	report := runner(t, h).Run(t.Context(), e)
	if report.Verdict != Healed {
		t.Errorf("verdict %s (%s)", report.Verdict, report.Reason)
	}
	node, err := h.Kube.Typed.CoreV1().Nodes().Get(t.Context(), cordoned, metav1.GetOptions{})
	if err != nil || !node.Spec.Unschedulable {
		t.Errorf("the node that was cordoned before is not cordoned any more (%v)", err)
	}
}
