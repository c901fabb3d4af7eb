package minikube

import (
	"testing"

	"axolotl/vm"
	"axolotl/vm/drivertest"
)

// The driver keeps its contract, as far as a minikube that makes nothing can
// tell: what it is called with, and what it makes of the answers.
func TestContract(t *testing.T) {
	newFake(t)
	drivertest.Run(t, drivertest.Subject{New: func(t *testing.T, workers int) (vm.Driver, *vm.Cluster) {
		return New("docker"), testCluster(t, workers)
	}})
}

func testCluster(t *testing.T, workers int) *vm.Cluster {
	t.Helper()
	return &vm.Cluster{
		Name: "c", ID: "1", Driver: Name, Dir: t.TempDir(),
		Spec: vm.Spec{ControlPlanes: 1, Workers: workers, CPUs: 2, MemoryMiB: 2048, DiskGiB: 10},
	}
}
