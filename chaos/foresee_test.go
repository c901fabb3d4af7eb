package chaos

import (
	"bytes"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"axolotl/chaos/fault"
	"axolotl/internal/term"
)

// What can be refused without the run's own target is refused before that is put up.
func TestNothingIsPutUpForWhatIsRefused(t *testing.T) {
	t.Parallel()
	h := apart(t)
	standing(t, h, "foreseen", 1, func(ledger *unstructured.Unstructured) { onlyOn(t, ledger, "worker-1") })
	awaitReady(t, h, "foreseen", 1)
	onNodes := func(e *Experiment) {
		e.Fault, e.Target.Nodes, e.Guards = &fault.NodeTaint{}, "worker", Guards{MaxShare: 100}
	}
	for name, test := range map[string]struct {
		guard  string
		change func(*Experiment)
	}{
		"too many pods":  {"max-share", func(e *Experiment) { e.Target.Count = 2 }},
		"too many nodes": {"max-share", func(e *Experiment) { onNodes(e); e.Guards.MaxShare = 50 }},
		"of others":      {"last-replica", onNodes},
		"in a later step": {"last-replica", func(e *Experiment) {
			onNodes(e)
			e.Steps, e.Fault = []Step{{Fault: &fault.PodDeletion{}}, {Fault: e.Fault}}, nil
		}},
		"a node at work on": {"one-at-a-time", func(e *Experiment) { onNodes(e); e.Fault = &fault.NodeCordon{} }},
	} {
		t.Run(name, func(t *testing.T) {
			h := h
			if test.guard == "one-at-a-time" {
				lock, err := LockNode(h.Cluster, "worker-1")
				if err != nil {
					t.Fatal(err)
				}
				defer lock.Unlock() //nolint:errcheck // the test ends
			}
			e := deletion(t)
			test.change(e)
			var said bytes.Buffer
			report := (&Runner{Handle: h, Progress: term.NewProgress(&said, false)}).Run(t.Context(), e)
			if report.Verdict != Refused || report.Refusal.Guard != test.guard {
				t.Errorf("verdict %s by %+v (%s)", report.Verdict, report.Refusal, report.Reason)
			}
			if bytes.Contains(said.Bytes(), []byte("Put up the target")) || report.Took > settleWithin {
				t.Errorf("it came further than to its guards, in %s:\n%s", report.Took, said.String())
			}
			leftNothing(t, h, report.ID)
		})
	}
}

// A target that is there is asked for before it is waited for, too.
func TestGuardsAreAskedBeforeTheSteadyState(t *testing.T) {
	t.Parallel()
	h := apart(t)
	standing(t, h, "asked-first", 3, nil)
	awaitReady(t, h, "asked-first", 3)
	one, steps := deletion(t), parsed(t, combined)
	one.Target = Target{Namespace: "asked-first", Deployment: "pingapp", Count: 3}
	steps.Target, steps.Steps = one.Target, []Step{{Fault: &fault.PodDeletion{}, Count: 1}, {Fault: &fault.PodEviction{}, Count: 3}}
	for _, e := range []*Experiment{one, steps} {
		var said bytes.Buffer
		report := (&Runner{Handle: h, Progress: term.NewProgress(&said, false)}).Run(t.Context(), e)
		if report.Verdict != Refused || bytes.Contains(said.Bytes(), []byte("Open the watches")) {
			t.Errorf("verdict %s (%s)\n%s", report.Verdict, report.Reason, said.String())
		}
		leftNothing(t, h, report.ID)
	}
}

// The majority of etcd is known by the nodes alone.
func TestForeseeQuorum(t *testing.T) {
	h := apart(t)
	var nodes []corev1.Node
	for _, name := range []string{"cp-1", "cp-2", "cp-3"} {
		n := corev1.Node{}
		n.Name, n.UID, n.Labels = name, types.UID(name), map[string]string{controlPlaneLabel: ""}
		nodes = append(nodes, n)
	}
	f, err := fault.New("disk-full")
	if err != nil {
		t.Fatal(err)
	}
	e := deletion(t)
	e.Fault, e.Target.Nodes, e.Target.Count, e.Guards = f, "control-plane", 2, Guards{MaxShare: 100}
	x := runner(t, h).newRun(e)
	refusedBy(t, x.foreseeFault(t.Context(), e, nodes), "etcd-quorum")
	e.Target.Count = 1
	if err := x.foreseeFault(t.Context(), e, nodes); err != nil {
		t.Error(err)
	}
	e.Target.Nodes = "worker"
	refusedBy(t, x.foreseeFault(t.Context(), e, nodes), "zero-targets")
}
