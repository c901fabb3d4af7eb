package existing_test

import (
	"testing"

	"axolotl/vm"
	"axolotl/vm/drivertest"
	"axolotl/vm/existing"
)

// The driver keeps its contract: it has no machine, and no ability.
func TestContract(t *testing.T) {
	source := vm.Source{Kubeconfig: newTheirs(t).kubeconfig(t, t.TempDir()), Context: "axolotl-staging"}
	drivertest.Run(t, drivertest.Subject{New: func(t *testing.T, workers int) (vm.Driver, *vm.Cluster) {
		return existing.New(source), &vm.Cluster{Name: "staging", ID: "1", Driver: existing.Name, Spec: vm.Spec{Workers: workers}, Dir: t.TempDir()}
	}})
}
