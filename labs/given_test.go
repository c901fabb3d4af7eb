package labs

import (
	"context"
	"fmt"
	"testing"
	"time"

	"axolotl/internal/store"
	"axolotl/vm"
	"axolotl/vm/cluster"
	"axolotl/vm/libvirt"
	"axolotl/vm/local"
)

// clusterVariableName names a cluster of the user's on which the catalog is
// proved and sabotaged, in the place of simulated ones: with real machines
// also the labs that need pods that run.
//
//	axolotl up three --workers 2
//	AXOLOTL_TEST_CLUSTER=three go test ./labs -run 'TestCatalog|TestSabotage' -timeout 4h -v
const clusterVariableName = "AXOLOTL_TEST_CLUSTER"

// given tells that the cluster of the tests is the user's.
var given bool

// openGiven opens a cluster as the command line does.
func openGiven(name string) (*vm.Handle, error) {
	home, err := store.FindHome()
	if err != nil {
		return nil, err
	}
	return cluster.Store{Home: home}.Open(context.Background(), name, func(c *vm.Cluster) (vm.Driver, error) {
		switch c.Driver {
		case libvirt.Name:
			return libvirt.New(home, c.URI, libvirt.Hosts(c)...), nil
		case local.Name:
			return local.New(home), nil
		}
		return nil, fmt.Errorf("cluster %q is of driver %q, which these tests do not know", name, c.Driver)
	})
}

// patience is how long a step that was not done, or done wrong, is watched:
// its checks must not come true meanwhile. A real machine takes its time.
func patience(simulated, real time.Duration) time.Duration {
	if given {
		return real
	}
	return simulated
}

// abreast lets a test run beside others, unless it breaks a cluster that they
// share.
func abreast(t *testing.T, lab *Lab) {
	t.Helper()
	if !given || !lab.Exclusive() {
		t.Parallel()
	}
}

// abreastOfAll lets the labs of one test run beside those of others, which they
// cannot where some break the cluster that all have.
func abreastOfAll(t *testing.T) {
	t.Helper()
	if !given {
		t.Parallel()
	}
}
