package chaos

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/chaos/fault"
	"axolotl/internal/check"
	"axolotl/internal/term"
	"axolotl/vm"
	"axolotl/vm/local/localtest"
)

// shared is a real API server with two simulated nodes, for the tests that do
// not harm it: each breaks what is in a namespace of its own, and leaves nodes
// to TestFaultsOnNodes. It is nil under -short.
var shared *vm.Handle

// TestMain lets many tests run at once: they wait, for the most part five
// seconds each for a namespace to go, and hardly compute.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "12"); err != nil {
		panic(err) // the flag is testing's own
	}
	os.Exit(localtest.Main(m, 2, func(h *vm.Handle) { shared = h }))
}

// cluster returns the shared cluster, or skips the test.
func cluster(t *testing.T) *vm.Handle {
	t.Helper()
	if shared == nil {
		t.Skip("needs an API server")
	}
	return shared
}

// apart is the shared cluster with a journal and locks of the test's own: what
// it leaves behind on purpose is not undone by another test's run.
func apart(t *testing.T) *vm.Handle {
	t.Helper()
	h := *cluster(t)
	c := *h.Cluster
	c.Dir = t.TempDir()
	admin, err := os.ReadFile(h.Cluster.Kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(c.Kubeconfig(), admin, 0o600); err != nil {
		t.Fatal(err)
	}
	h.Cluster = &c
	return &h
}

// runner returns a runner whose progress is the test's log.
func runner(t *testing.T, h *vm.Handle) *Runner {
	return &Runner{Handle: h, Progress: term.NewProgress(t.Output(), false)}
}

var quiet = term.NewProgress(io.Discard, true)

// deletion is the shipped experiment without its client: nothing answers one
// on simulated nodes.
func deletion(t *testing.T) *Experiment {
	t.Helper()
	e, err := Open("pod-deletion")
	if err != nil {
		t.Fatal(err)
	}
	e.Probe = nil
	e.Seed = 1
	return e
}

// failing is a fault that does nothing but what its functions say.
type failing struct {
	fault.PodDeletion
	inject func() error
}

func (f *failing) Inject(ctx context.Context, h *vm.Handle, objects []fault.Object) error {
	if err := f.inject(); err != nil {
		return err
	}
	return f.PodDeletion.Inject(ctx, h, objects)
}

// vanishing is a deletion that comes too late: somebody else's was first.
type vanishing struct{ fault.PodDeletion }

func (f *vanishing) Inject(ctx context.Context, h *vm.Handle, objects []fault.Object) error {
	if err := f.PodDeletion.Inject(ctx, h, objects); err != nil {
		return err
	}
	gone := check.Func("the targets are gone", func(ctx context.Context) error {
		for _, o := range objects {
			if _, err := h.Kube.Typed.CoreV1().Pods(o.Namespace).Get(ctx, o.Name, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
				return fmt.Errorf("%s is still there: %v", o, err)
			}
		}
		return nil
	})
	if err := check.Wait(ctx, gone, pollEvery, nil); err != nil {
		return err
	}
	return f.PodDeletion.Inject(ctx, h, objects)
}
