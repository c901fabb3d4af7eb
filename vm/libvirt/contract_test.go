package libvirt

import (
	"testing"

	"github.com/google/uuid"

	"axolotl/vm"
	"axolotl/vm/drivertest"
)

// The driver keeps its contract, on a libvirt in memory.
func TestContract(t *testing.T) {
	w := newWorld(t)
	w.fake.answer = answering().answer
	drivertest.Run(t, drivertest.Subject{New: func(_ *testing.T, workers int) (vm.Driver, *vm.Cluster) {
		name := "c-" + uuid.NewString()[:8]
		c := &vm.Cluster{Name: name, ID: uuid.NewString(), Driver: Name, Spec: spec(workers), Phase: vm.PhaseCreating, Dir: w.home.Cluster(name)}
		w.must(w.clusters().Save(c))
		return w.driver(), c
	}})
}
