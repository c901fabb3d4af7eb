package timeline

import (
	"fmt"
	"math/rand/v2"
	"reflect"
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
	fault.Nodes = []Node{{UID: "u1", Name: "n1", Ready: true, BootID: "boot0"}}
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
			o = []Observation{node(r.IntN(2) == 0, fmt.Sprintf("boot%d", r.IntN(2))), power(r.IntN(2) == 0), {NodeGone: "u1"}, {Lease: &Lease{"n1"}}}[r.IntN(4)]
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
	complete := 0
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
		for _, n := range nodes {
			checkPhases(t, seed, n.Phases, n.Total)
		}
		pods, all := AllPods(recoveries), AllNodes(nodes)
		checkPhases(t, seed, pods.Phases, pods.Total)
		checkPhases(t, seed, all.Phases, all.Total)
		checkWhole(t, seed, pods, recoveries)
		if len(all.Phases) > 0 && !reflect.DeepEqual(all.Phases, nodes[0].Phases) {
			t.Fatalf("seed %d: of one node the whole is %+v, that one %+v", seed, all, nodes[0])
		}
	}
	if complete < 100 {
		t.Errorf("only %d random recoveries were complete: the test sees too little", complete)
	}
}

// checkWhole: no pod that was seen to be lost comes to a milestone after the whole
// has, and one does at that very instant.
func checkWhole(t *testing.T, seed uint64, whole Whole, recoveries []Recovery) {
	t.Helper()
	for _, phase := range whole.Phases {
		var last time.Duration
		for _, r := range recoveries {
			for _, p := range r.Phases {
				if p.Name == phase.Name {
					last = max(last, p.To)
				}
				if phase.Known && p.Name == phase.Name && !p.Known && reached(r.Phases, Noticed) {
					t.Fatalf("seed %d: all are %s at %v, nobody knows of %s", seed, p.Name, phase.To, r.Lost.Name)
				}
			}
		}
		if phase.Known && phase.To < last {
			t.Fatalf("seed %d: all are %s at %v, the last was at %v", seed, phase.Name, phase.To, last)
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
