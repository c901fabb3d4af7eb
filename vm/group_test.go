package vm

import (
	"slices"
	"testing"
)

func grouped() Spec {
	s := Spec{ControlPlanes: 1, Workers: 3, CPUs: 2, MemoryMiB: 2048, DiskGiB: 10}
	s.Groups = []Group{
		{Name: "cp", Role: ControlPlane, Count: 1, CPUs: 2, MemoryMiB: 2048, Labels: map[string]string{"a": "b"}},
		{Name: "worker", Role: Worker, Count: 1, CPUs: 2, MemoryMiB: 2048},
		{Name: "big", Role: Worker, Count: 2, CPUs: 4, MemoryMiB: 4096, Taints: []Taint{{Key: "a", Effect: NoExecute}}},
	}
	return s
}

func TestPlanMachinesOfGroups(t *testing.T) {
	s := grouped()
	machines := PlanMachines(nil, s)
	if got, want := names(machines), []string{"cp-1", "worker-1", "big-1", "big-2"}; !slices.Equal(got, want) {
		t.Fatalf("%v, want %v", got, want)
	}
	if g := s.GroupOf(&machines[3]); g.Name != "big" || g.MemoryMiB != 4096 || machines[3].Role != Worker {
		t.Errorf("big-2 is of %+v", g)
	}
	if got := s.AllMemoryMiB(); got != 2*2048+2*4096 {
		t.Errorf("%d MiB in all", got)
	}
	// Only the group that grows gets a machine.
	grown := PlanMachines(machines, s.Resize("worker", 1))
	if got := names(grown); !slices.Equal(got, append(names(machines), "worker-2")) {
		t.Errorf("grown to %v", got)
	}
	if s.Groups[1].Count != 1 {
		t.Error("Resize changed the spec that it was given")
	}
}

// TestControlPlaneIsLastChoice: beside workers that can stand in for each other
// pods go elsewhere, and no machine is another one for it.
func TestControlPlaneIsLastChoice(t *testing.T) {
	s := Spec{ControlPlanes: 1, Workers: 1}
	cp := PlanMachines(nil, s)[0]
	if g := s.GroupOf(&cp); len(g.Taints) > 0 {
		t.Errorf("beside one worker: %v", g.Taints)
	}
	more := s.Resize("worker", 1)
	if g := more.GroupOf(&cp); len(g.Taints) != 1 || g.Taints[0].Effect != PreferNoSchedule {
		t.Errorf("beside two: %v", g.Taints)
	}
	if more.Bare().Groups != nil {
		t.Error("a taint makes other machines")
	}
}

// What nodes are given makes no other machines; sizes do.
func TestSameMachines(t *testing.T) {
	flags := Spec{ControlPlanes: 1, Workers: 1, CPUs: 2, MemoryMiB: 2048, DiskGiB: 10}
	file := flags
	file.Groups = slices.Clone(flags.AllGroups())
	file.Groups[1].Labels = map[string]string{"a": "b"}
	if !flags.SameMachines(file) || file.Bare().Groups != nil {
		t.Errorf("%+v asks for other machines than %+v", file, flags)
	}
	file.Groups[1].CPUs++
	if flags.SameMachines(file) {
		t.Error("other processors, the same machines")
	}
	if text := file.String(); text != "1 control plane(s), 1 worker(s), 2 CPUs, 2048 MiB, 10 GiB, 1 worker of 3 CPUs and 2048 MiB" {
		t.Error(text)
	}
}
