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
// not harm it. It is nil under -short.
var shared *vm.Handle

func TestMain(m *testing.M) {
	flag.Parse() // localtest asks for -short
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
