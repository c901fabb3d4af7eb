package chaos

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"axolotl/chaos/observe"
	"axolotl/chaos/timeline"
	"axolotl/internal/check"
)

// Nodes of a real cluster give signs of life that a run sees.
func TestSignsOfLifeOfRealNodes(t *testing.T) {
	t.Parallel()
	h := cluster(t)
	log := timeline.NewLog(time.Now)
	o, err := observe.OpenWithLeases(t.Context(), h.Kube.Typed, "default", log)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err = check.Wait(ctx, check.Func("worker-1 gives a sign of life", func(context.Context) error {
		for _, e := range log.Entries() {
			if e.Lease != nil && e.Lease.Node == "worker-1" {
				return nil
			}
		}
		return errors.New("it does not")
	}), pollEvery, nil)
	if err != nil {
		t.Error(err)
	}
}

func TestDrawSignsOfLife(t *testing.T) {
	last, first := -2*time.Second, 70*time.Second
	p := &Report{Verdict: Healed, Recovered: Recovered{Nodes: []timeline.NodeRecovery{{Lost: timeline.Node{Name: "n1"}, LastSign: &last, FirstSign: &first}}}}
	var out strings.Builder
	if err := p.Draw(&out); err != nil || !strings.Contains(out.String(), "  last sign of life 2.00 s before the fault\n  first sign of life again 70.0 s after it\n") {
		t.Errorf("%v\n%s", err, out.String())
	}
}
