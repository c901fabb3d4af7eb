package chaos

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/chaos/fault"
	"axolotl/chaos/journal"
	"axolotl/vm/local/localtest"
)

// What Strike breaks is in the journal, and Mend, as another process would
// call it, undoes it, once.
func TestStrikeAndMend(t *testing.T) {
	h := localtest.Start(t, 2)
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
	id, err := Strike(t.Context(), h, &fault.NodeCordon{}, targets, "lab x", time.Now)
	if err != nil || id == "" || !unschedulable() {
		t.Fatalf("id %q, error %v, unschedulable %t", id, err, unschedulable())
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
