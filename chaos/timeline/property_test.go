package timeline

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// randomRun makes observations of a few pods and nodes in no sensible order:
// the worst that watches, gaps and a cluster in trouble could tell.
func randomRun(r *rand.Rand) (Fault, []Observation) {
	fault := Fault{At: time.Duration(r.IntN(int(10 * time.Second)))}
	uids := []types.UID{"a", "b", "c", "d", "e", "f"}
	for _, uid := range uids[:1+r.IntN(3)] {
		fault.Lost = append(fault.Lost, lost(string(uid), "web-"+string(uid)))
	}
	for i := range 1 + r.IntN(3) {
		fault.Nodes = append(fault.Nodes, Node{UID: types.UID(fmt.Sprint("u", i)), Name: fmt.Sprint("n", i), Ready: true, BootID: "boot0"})
	}
	fault.Boots = r.IntN(2) == 0
	stamps := map[time.Duration]bool{}
	var seen []Observation
	for range r.IntN(60) {
		uid := uids[r.IntN(len(uids))]
		var o Observation
		switch r.IntN(8) {
		case 0, 1, 2, 3:
			p := lost(string(uid), "web-"+string(uid))
			if r.IntN(3) == 0 {
				p.Name = "web-a" // as a StatefulSet would
			}
			p.Started, p.Ready, p.Leaving = r.IntN(2) == 0, r.IntN(2) == 0, r.IntN(4) == 0
			p.Restarts = int32(r.IntN(2))
			if r.IntN(3) == 0 {
				p.Node = ""
			}
			o.Pod = &p
		case 4:
			o.PodGone = uid
		case 5:
			o.Slice = &Slice{Name: fmt.Sprint(r.IntN(2)), Ready: uids[:r.IntN(len(uids))]}
		case 6:
			o.Answer = &Answer{From: []string{"", "web-a", "web-" + string(uid)}[r.IntN(3)]}
		case 7:
			n := fault.Nodes[r.IntN(len(fault.Nodes))]
			gone := n.UID
			n.Ready, n.BootID = r.IntN(2) == 0, fmt.Sprint("boot", r.IntN(2))
			if r.IntN(2) == 0 {
				n.Taints = []string{"node.kubernetes.io/unreachable"}
			}
			o = []Observation{{Node: &n}, {Machine: &Machine{Node: n.Name, On: r.IntN(2) == 0}}, {NodeGone: gone}, {Lease: &Lease{n.Name}}}[r.IntN(4)]
		}
		for o.At == 0 || stamps[o.At] {
			o.At = time.Duration(r.IntN(int(30 * time.Second)))
		}
		stamps[o.At] = true
		o.Late = time.Duration(r.IntN(2)) * time.Second
		seen = append(seen, o)
	}
	return fault, seen
}

// TestPhasesAlwaysAddUp holds over whatever may be seen, in whatever order:
// phases follow one another without gap or overlap, none is negative, and
// they add up to the total.
func TestPhasesAlwaysAddUp(t *testing.T) {
	complete, several := 0, 0
	for seed := range uint64(5000) {
		r := rand.New(rand.NewPCG(seed, 0))
		fault, seen := randomRun(r)
		recoveries, nodes := Pods(fault, seen), Nodes(fault, seen)

		shuffled := append([]Observation(nil), seen...)
		r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		if again := Pods(fault, shuffled); !reflect.DeepEqual(recoveries, again) {
			t.Fatalf("seed %d: the order of the list matters:\n%s\nand\n%s", seed, show(recoveries), show(again))
		}
		holders := map[types.UID]bool{}
		for _, rec := range recoveries {
			checkPhases(t, seed, rec.Phases, rec.Total)
			if rec.By != nil && holders[rec.By.UID] {
				t.Fatalf("seed %d: pod %s holds two places", seed, rec.By.UID)
			}
			if rec.By != nil {
				holders[rec.By.UID] = true
			}
			if rec.Reached(Serving) {
				complete++
			}
		}
		var ofNodes, ofPods [][]Phase
		for _, n := range nodes {
			checkPhases(t, seed, n.Phases, n.Total)
			ofNodes = append(ofNodes, n.Phases)
			if n.Reached(Ready) && fault.Boots && n.BootID == "boot0" {
				t.Fatalf("seed %d: node %s is back in the boot of before", seed, n.Lost.Name)
			}
		}
		for _, rec := range recoveries {
			ofPods = append(ofPods, rec.Phases)
		}
		pods, all := AllPods(recoveries), AllNodes(nodes)
		checkPhases(t, seed, pods.Phases, pods.Total)
		checkPhases(t, seed, all.Phases, all.Total)
		checkWhole(t, seed, pods, ofPods, false)
		checkWhole(t, seed, all, ofNodes, true)
		if len(all.Phases) > 0 && all.Of > 1 {
			several++
		}
		if len(nodes) == 1 && len(all.Phases) > 0 && !reflect.DeepEqual(all.Phases, nodes[0].Phases) {
			t.Fatalf("seed %d: of one node the whole is %+v, that one %+v", seed, all, nodes[0])
		}
	}
	if complete < 100 {
		t.Errorf("only %d random recoveries were complete: the test sees too little", complete)
	}
	if several < 100 {
		t.Errorf("only %d times several nodes were lost: the test sees too little", several)
	}
}

// checkWhole: nothing that was seen to be lost comes to a milestone after the whole has,
// and where each has to come to it by itself, as nodes do, one does at that very instant;
// what nobody knows of one is not known of the whole.
func checkWhole(t *testing.T, seed uint64, whole Whole, each [][]Phase, itself bool) {
	t.Helper()
	for _, phase := range whole.Phases {
		var last time.Duration
		unknown := false
		for _, phases := range each {
			seen := slices.ContainsFunc(phases, func(p Phase) bool { return p.Known })
			for _, p := range phases {
				if p.Name == phase.Name {
					last = max(last, p.To)
					unknown = unknown || seen && !p.Known
				}
			}
		}
		if phase.Known && (unknown || phase.To < last || itself && phase.To != last) {
			t.Fatalf("seed %d: all are %s at %v; the last one was at %v, one is not: %t", seed, phase.Name, phase.To, last, unknown)
		}
		if itself && !phase.Known && !unknown {
			t.Fatalf("seed %d: each is %s, at %v the last, and the whole is not", seed, phase.Name, last)
		}
	}
}

func checkPhases(t *testing.T, seed uint64, ps []Phase, total time.Duration) {
	t.Helper()
	var end, sum time.Duration
	for _, p := range ps {
		if !p.Known {
			if p.From != 0 || p.To != 0 {
				t.Fatalf("seed %d: unknown phase %s has times", seed, p.Name)
			}
			continue
		}
		if p.From != end || p.Took() < 0 || p.Late < 0 || p.Late > p.To {
			t.Fatalf("seed %d: phase %+v after %v", seed, p, end)
		}
		end = p.To
		sum += p.Took()
	}
	if sum != total {
		t.Fatalf("seed %d: phases add up to %v, total is %v", seed, sum, total)
	}
}
