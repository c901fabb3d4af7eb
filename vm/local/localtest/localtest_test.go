package localtest

import (
	"os"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

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

// A cluster of a test's own does not meet the one that the package shares.
func TestStartBesideShared(t *testing.T) {
	own := Start(t, 1)
	if got := countNodes(t, own); got != 1 {
		t.Errorf("the test's own cluster has %d nodes", got)
	}
	if got := countNodes(t, shared); got != 3 {
		t.Errorf("the shared cluster has %d nodes", got)
	}
}
