package chaos

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"axolotl/internal/check"
)

// TestClusterGoneMeanwhile: a run whose cluster is taken down in the middle of it
// ends at once, says why, and brings no file of the cluster back.
func TestClusterGoneMeanwhile(t *testing.T) {
	t.Parallel()
	h := apart(t)
	e := deletion(t)
	e.HealWithin = time.Hour
	e.Fault = &failing{inject: func() error { return os.RemoveAll(h.Cluster.Dir) }}
	began := time.Now()
	r := runner(t, h)
	report := r.Run(t.Context(), e)
	if report.Verdict != Aborted || !strings.Contains(report.Reason, "was taken down meanwhile") {
		t.Errorf("verdict %s (%s)", report.Verdict, report.Reason)
	}
	if took := time.Since(began); took > time.Minute {
		t.Errorf("it took %s", took)
	}
	if _, err := os.Stat(h.Cluster.Dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("its directory is back: %v", err)
	}
	// The API server is the other tests', and so is what is in it.
	namespace := report.Plan.Targets[0].Namespace
	gone := check.Func("the namespace is gone", func(ctx context.Context) error { return removeNamespace(ctx, h.Kube, namespace, report.ID) })
	if err := check.Wait(t.Context(), gone, undoEvery, nil); err != nil {
		t.Error(err)
	}
}
