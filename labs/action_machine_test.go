package labs

import (
	"context"
	"slices"
	"testing"
	"time"

	"axolotl/vm"
)

// switches notes what is done to the power of machines, and does nothing else.
type switches struct {
	vm.Driver
	pressed []string
}

func (s *switches) PowerOff(_ context.Context, _ *vm.Cluster, machine string) error {
	s.pressed = append(s.pressed, "off "+machine)
	return nil
}

func (s *switches) PowerOn(_ context.Context, _ *vm.Cluster, machine string) error {
	s.pressed = append(s.pressed, "on "+machine)
	return nil
}

// A kubelet registers its node only when it starts: where the node was deleted
// and its machine runs, power alone would change nothing.
func TestMachineAddStartsAnewWhatRunsWithoutANode(t *testing.T) {
	needCluster(t)
	if given {
		t.Skip("presses no real switch")
	}
	t.Parallel()
	cluster := *handle.Cluster
	there := cluster.Machines[0].Name
	cluster.Machines = []vm.Machine{{Name: there, Role: vm.Worker}, {Name: "deleted", Role: vm.Worker}}
	for machine, want := range map[string][]string{
		"deleted": {"off deleted", "on deleted"},
		there:     {"on " + there},
	} {
		driver := &switches{Driver: handle.Driver}
		s := newSession(&vm.Handle{Cluster: &cluster, Driver: driver, Kube: handle.Kube}, &Lab{Name: "add"}, time.Now)
		if err := s.do(t.Context(), Action{Machine: &Machine{Name: machine, Do: MachineAdd}}); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(driver.pressed, want) {
			t.Errorf("%s: %v; want %v", machine, driver.pressed, want)
		}
	}
}
