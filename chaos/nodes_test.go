package chaos

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

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
	t.Run("steps that do not wait for each other", func(t *testing.T) { partsDoNotWaitForEachOther(t, h) })
	t.Run("each in turn", func(t *testing.T) { eachNodeInTurn(t, h) })
	t.Run("what a fault leaves is not waited for", func(t *testing.T) { whatStaysIsNotWaitedFor(t, h) })
	t.Run("what others have there is kept", func(t *testing.T) { othersAreKept(t, h) })
	t.Run("a drain that a budget holds up", func(t *testing.T) { drainIsBlocked(t, h) })
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

// othersAreKept: what a fault takes on a node is asked for by whose it is, and not
// by whether it is the experiment's.
func othersAreKept(t *testing.T, h *vm.Handle) {
	standing(t, h, "shop", 2, nil)
	standing(t, h, "bank", 1, func(ledger *unstructured.Unstructured) {
		onlyOn(t, ledger, "worker-1")
		ledger.SetName("ledger")
	})
	awaitReady(t, h, "bank", 1)
	budget := func(min int32) *policyv1.PodDisruptionBudget {
		available := intstr.FromInt32(min)
		return &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Name: "ledger", Namespace: "bank"}, Spec: policyv1.PodDisruptionBudgetSpec{
			MinAvailable: &available, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "pingapp"}},
		}}
	}
	for name, test := range map[string]struct {
		guards Guards
		min    int32
		guard  string
		says   string
	}{
		"its last replica":     {Guards{MaxShare: 100, LastReplica: true}, 0, "last-replica", "of Deployment ledger has 1 ready pod(s) and the fault takes 1; add replicas, or set guards.othersLastReplica: true"},
		"its budget":           {Guards{MaxShare: 100, OthersLastReplica: true}, 1, "disruption-budget", "PodDisruptionBudget bank/ledger allows 0"},
		"where both may be so": {Guards{MaxShare: 100, OthersLastReplica: true, DisruptionBudget: true}, 1, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			budgets := h.Kube.Typed.PolicyV1().PodDisruptionBudgets("bank")
			if _, err := budgets.Create(t.Context(), budget(test.min), metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
			defer budgets.Delete(context.Background(), "ledger", metav1.DeleteOptions{}) //nolint:errcheck // its namespace goes
			e, err := Open("node-taint")
			if err != nil {
				t.Fatal(err)
			}
			e.Probe, e.Guards = nil, test.guards
			e.Target = Target{Namespace: "shop", Deployment: "pingapp", Count: 1, Nodes: "worker"}
			_, err = runner(t, h).Plan(t.Context(), e)
			if test.guard == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			refusedBy(t, err, test.guard)
			if !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v does not say %q", err, test.says)
			}
		})
	}
	if err := h.Kube.Typed.AppsV1().Deployments("bank").Delete(t.Context(), "ledger", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err) // or those after this one would be refused
	}
	awaitPods(t, h, "bank", 0)
}

// onlyOn keeps the pods of a deployment to one node.
func onlyOn(t *testing.T, deployment *unstructured.Unstructured, node string) {
	t.Helper()
	there := map[string]any{corev1.LabelHostname: node}
	if err := unstructured.SetNestedMap(deployment.Object, there, "spec", "template", "spec", "nodeSelector"); err != nil {
		t.Fatal(err)
	}
}

// whatStaysIsNotWaitedFor: pods that a fault leaves where they are come back from
// nowhere. Where it leaves all there are, it would show nothing.
func whatStaysIsNotWaitedFor(t *testing.T, h *vm.Handle) {
	there := map[string]any{corev1.LabelHostname: "worker-1"}
	standing(t, h, "stays", 1, func(patient *unstructured.Unstructured) {
		tiered(t, patient, "patient", map[string]any{"tolerations": []any{map[string]any{"operator": "Exists", "effect": "NoExecute"}}, "nodeSelector": there})
	})
	alsoStanding(t, h, "stays", "DaemonSet", "agent", 0, map[string]any{"nodeSelector": there})
	awaitReady(t, h, "stays", 2)
	on := func(fault, workload string) *Experiment {
		e, err := Open(fault)
		if err != nil {
			t.Fatal(err)
		}
		e.Probe, e.HealWithin, e.Guards.OthersLastReplica = nil, 10*time.Second, true
		e.Target = Target{Namespace: "stays", Selector: map[string]string{"app": workload}, Count: 1, Nodes: "worker"}
		return e
	}
	_, err := runner(t, h).Plan(t.Context(), on("node-taint", "patient"))
	refusedBy(t, err, "zero-targets")

	// Somebody else's pod is taken now: that theirs stays is what is shown.
	alsoStanding(t, h, "stays", "Deployment", "other", 1, map[string]any{"nodeSelector": there})
	awaitReady(t, h, "stays", 3)
	for fault, workload := range map[string]string{"node-taint": "patient", "node-drain": "agent"} {
		awaitReady(t, h, "stays", 3)
		report := runner(t, h).Run(t.Context(), on(fault, workload))
		if report.Verdict != Healed || len(report.Pods) > 0 {
			t.Errorf("%s: verdict %s (%s), %d pods are said to be lost", fault, report.Verdict, report.Reason, len(report.Pods))
		}
		leftNothing(t, h, report.ID)
	}

	for _, name := range []string{"patient", "other"} { // what a drain takes
		if err := h.Kube.Typed.AppsV1().Deployments("stays").Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	awaitPods(t, h, "stays", 1)
	_, err = runner(t, h).Plan(t.Context(), on("node-drain", "agent"))
	refusedBy(t, err, "zero-targets")
}

// drainIsBlocked: a run whose drain is held up by a budget until its time is over is
// blocked, and says by which; no pod is lost, and the node takes pods again.
func drainIsBlocked(t *testing.T, h *vm.Handle) {
	e, err := Open("node-drain")
	if err != nil {
		t.Fatal(err)
	}
	e.Probe, e.Fault, e.Target.MinAvailable = nil, &fault.NodeDrain{Timeout: 2 * time.Second}, e.Target.Replicas
	report := runner(t, h).Run(t.Context(), e)
	if report.Verdict != Blocked || report.ExitCode != 16 || !strings.Contains(report.Reason, "PodDisruptionBudget") || !strings.Contains(report.Reason, "/pingapp") {
		t.Errorf("verdict %s with code %d (%s)", report.Verdict, report.ExitCode, report.Reason)
	}
	for _, p := range report.Pods {
		if p.By != nil {
			t.Errorf("pod %s was taken past its budget", p.Lost.Name)
		}
	}
	if !strings.Contains(report.Undo, "unschedulable: false") {
		t.Errorf("it is not proved that the node takes pods again: %q", report.Undo)
	}
	leftNothing(t, h, report.ID) // and no node cordoned
}
