package localtest

import (
	"os"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"axolotl/vm"
)

var shared *vm.Handle

func TestMain(m *testing.M) {
	os.Exit(Main(m, 3, func(h *vm.Handle) { shared = h }))
}

func countNodes(t *testing.T, h *vm.Handle) int {
	t.Helper()
	nodes, err := h.Kube.Typed.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return len(nodes.Items)
}

// dropped is a test whose failures are kept, not told.
type dropped struct {
	*testing.T
	failures []string
	cleanups []func()
}

func (d *dropped) Errorf(format string, arguments ...any) {
	d.failures = append(d.failures, format)
}
func (d *dropped) Cleanup(f func()) { d.cleanups = append(d.cleanups, f) }

func (d *dropped) end() {
	for i := len(d.cleanups) - 1; i >= 0; i-- {
		d.cleanups[i]()
	}
}

// A cluster of a pool does not meet the one that the package shares. It is lent
// again where it came back whole, and not where it did not.
func TestPool(t *testing.T) {
	pool := Pool{Nodes: 1, Most: 1, patience: 2 * time.Second}
	var first *vm.Handle
	t.Run("lent", func(t *testing.T) {
		first = pool.Lend(t)
		if got := countNodes(t, first); got != 1 {
			t.Errorf("the cluster of the pool has %d nodes", got)
		}
		if got := countNodes(t, shared); got != 3 {
			t.Errorf("the shared cluster has %d nodes", got)
		}
	})
	t.Run("lent again, and broken", func(t *testing.T) {
		d := &dropped{T: t}
		if second := pool.Lend(d); second != first {
			t.Error("it is another one")
		}
		patch := []byte(`{"spec":{"taints":[{"key":"broken","effect":"NoSchedule"}]}}`)
		if _, err := first.Kube.Typed.CoreV1().Nodes().Patch(t.Context(), "cp-1", types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
			t.Error(err)
		}
		d.end()
		if len(d.failures) != 1 || !strings.Contains(d.failures[0], "does not come back") {
			t.Errorf("the test that broke it failed by %q", d.failures)
		}
		if len(pool.ready) > 0 {
			t.Error("it would be lent to others")
		}
	})
}
