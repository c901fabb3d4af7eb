package timeline

import (
	"testing"
	"time"
)

// ladderOf makes phases that are known up to the seconds given; -1: not known.
func ladderOf(names []Milestone, ends ...float64) []Phase {
	var rungs []rung
	for i, end := range ends {
		rungs = append(rungs, rung{names[i], stamp{at: time.Duration(end * float64(time.Second)), known: end >= 0}})
	}
	return phases(0, rungs)
}

func TestAllPods(t *testing.T) {
	itself := []Milestone{Noticed, Started, Ready, Serving}
	for _, test := range []struct {
		name string
		pods [][]Phase
		of   int
		want string
	}{
		{"each milestone is that of the last one", [][]Phase{
			ladderOf(PodMilestones, 1, 2, 3, 8, 9, 10), ladderOf(PodMilestones, 0.5, 4, 5, 6, 7, 12),
		}, 2, "noticed 1, replaced 3, scheduled 1, started 3, ready 1, serving 3 = 12"},
		{"one is not replaced", [][]Phase{
			ladderOf(PodMilestones, 1, 2, 3, 8, 9, 10), ladderOf(PodMilestones, 2, -1, -1, -1, -1, -1),
		}, 2, "noticed 2, replaced ?, scheduled ?, started ?, ready ?, serving ? = 2"},
		{"one was not hurt", [][]Phase{
			ladderOf(PodMilestones, 1, 2, 3, 8, 9, 10), ladderOf(PodMilestones, -1, -1, -1, -1, -1, -1),
		}, 1, "noticed 1, replaced 1, scheduled 1, started 5, ready 1, serving 1 = 10"},
		{"one comes back itself, and late", [][]Phase{
			ladderOf(PodMilestones, 1, 2, 3, 8, 9, 10), ladderOf(itself, 6, 11, 12, 13),
		}, 2, "noticed 6, replaced 0, scheduled 0, started 5, ready 1, serving 1 = 13"},
		{"all come back themselves", [][]Phase{
			ladderOf(itself, 1, 5, 6, 7), ladderOf(itself, 2, 3, 4, 8),
		}, 2, "noticed 2, started 3, ready 1, serving 2 = 8"},
		{"a milestone of one was not seen", [][]Phase{
			ladderOf(PodMilestones, 1, 2, 3, 8, 9, 10), ladderOf(PodMilestones, 1, -1, 4, 5, 6, 7),
		}, 2, "noticed 1, replaced ?, scheduled 3, started 4, ready 1, serving 1 = 10"},
	} {
		var recoveries []Recovery
		for _, p := range test.pods {
			recoveries = append(recoveries, Recovery{Phases: p, Total: total(p)})
		}
		w := AllPods(recoveries)
		if got := showPhases(w.Phases, w.Total); got != test.want || w.Of != test.of {
			t.Errorf("%s: of %d\n%s\nwant of %d\n%s", test.name, w.Of, got, test.of, test.want)
		}
	}
}

// Power may be back before or after the cluster has missed a node; as a whole they
// stand in the order of the last ones.
func TestAllNodes(t *testing.T) {
	early := []Milestone{Down, Powered, NotReady, Ready}
	missed := []Milestone{Down, NotReady, Powered, Ready}
	all := func(want string, each ...[]Phase) {
		t.Helper()
		var nodes []NodeRecovery
		for _, phases := range each {
			nodes = append(nodes, NodeRecovery{Phases: phases})
		}
		w := AllNodes(nodes)
		if got := showPhases(w.Phases, w.Total); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
	all("down 2, powered 59, not ready 1, ready 28 = 90", ladderOf(missed, 1, 40, 60, 90), ladderOf(early, 2, 61, 62, 80))
	all("down 2, not ready 39, tainted 1, evicted 300, powered 18, ready 30 = 390",
		ladderOf(NodeMilestones, 1, 40, 41, 340, 360, 390), ladderOf(NodeMilestones, 2, 41, 42, 342, 350, 380))
	// One was not evicted from, so that not all were.
	tainted := []Milestone{Down, NotReady, Tainted, Powered, Ready}
	all("down 2, not ready 39, tainted 1, powered 318, ready 30 = 390",
		ladderOf(NodeMilestones, 1, 40, 41, 340, 360, 390), ladderOf(tainted, 2, 41, 42, 60, 80))
}
