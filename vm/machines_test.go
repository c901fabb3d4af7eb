package vm

import (
	"slices"
	"testing"
)

func names(machines []Machine) []string {
	var all []string
	for _, m := range machines {
		all = append(all, m.Name)
	}
	return all
}

func TestPlanMachines(t *testing.T) {
	first := PlanMachines(nil, Spec{ControlPlanes: 1, Workers: 2})
	if got, want := names(first), []string{"cp-1", "worker-1", "worker-2"}; !slices.Equal(got, want) {
		t.Fatalf("a new cluster has %v, want %v", got, want)
	}

	// What is there stays as it is, with its UUID and its number.
	grown := PlanMachines(first, Spec{ControlPlanes: 1, Workers: 3})
	if !slices.Equal(grown[:3], first) || grown[3].Name != "worker-3" || grown[3].Index != 4 {
		t.Fatalf("grown from %v to %v", first, grown)
	}

	// A name and a number that have become free are given again, to another
	// machine.
	left := slices.Delete(slices.Clone(grown), 1, 2)
	again := PlanMachines(left, Spec{ControlPlanes: 1, Workers: 3})
	back := again[len(again)-1]
	if back.Name != "worker-1" || back.Index != 2 || back.UUID == first[1].UUID {
		t.Fatalf("worker-1 left and came back as %+v, was %+v", back, first[1])
	}
	seen := map[int]bool{}
	for _, m := range again {
		if seen[m.Index] {
			t.Errorf("two machines have number %d: %v", m.Index, again)
		}
		seen[m.Index] = true
	}
}

func TestBecomeKeepsPortsOfThisHost(t *testing.T) {
	now := &Cluster{Name: "one", APIPort: 21, Machines: []Machine{{Name: "cp-1", UUID: "new", APIPort: 21, NodePortBase: 1}, {Name: "worker-1"}}, Joining: []string{"worker-1"}}
	then := &Cluster{Name: "one", APIPort: 11, Golden: "g", Image: "i", Spec: Spec{ControlPlanes: 1, Workers: 1}, Machines: []Machine{{Name: "cp-1", UUID: "old", APIPort: 11, NodePortBase: 9}, {Name: "worker-2", NodePortBase: 5}}}
	now.Become(then)
	if got := now.Machines; len(got) != 2 || got[1].NodePortBase != 0 || got[0].UUID != "old" || got[0].APIPort != 21 || got[0].NodePortBase != 1 {
		t.Errorf("machines are %+v", got)
	}
	if now.APIPort != 21 || now.Golden != "g" || now.Image != "i" || now.Spec.Nodes() != 2 || now.Joining != nil {
		t.Errorf("the cluster is %+v", now)
	}
	if then.Machines[0].APIPort != 11 {
		t.Error("the snapshot's own record was changed")
	}
}
