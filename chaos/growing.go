package chaos

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"axolotl/chaos/timeline"
	"axolotl/internal/bug"
)

// growEvery is how often what a run has seen is recorded while it watches.
const growEvery = time.Second

// growing records the timeline as it grows, until stop is called, for those
// who watch the run from another process. It goes on beside the run, whose own
// stamps it does not delay; that it cannot, be it by a panic, is logged and no more,
// as the end tells all.
func (r *run) growing(ctx context.Context) (stop func()) {
	if r.history == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var beside sync.WaitGroup
	beside.Go(func() {
		defer func() {
			if broken := bug.Error(recover()); broken != nil {
				zap.L().Error("what the run sees is not recorded any more until it ends", zap.String("run", r.id), zap.Error(broken))
			}
		}()
		told := false
		tick := time.NewTicker(growEvery)
		defer tick.Stop()
		for seen := 0; ; {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			entries := r.log.Entries()
			if len(entries) == seen {
				continue
			}
			seen = len(entries)
			report := r.outline()
			report.Took, report.Proof = r.now().Sub(r.started), r.proof
			report.Pods, report.Nodes = timeline.Pods(r.fault, entries), timeline.Nodes(r.fault, entries)
			row, _, err := rowOf(report)
			if err == nil {
				err = r.history.BeginRun(ctx, row)
			}
			if err != nil && ctx.Err() == nil && !told {
				zap.L().Warn("what the run sees cannot be recorded while it watches", zap.String("run", r.id), zap.Error(err))
				told = true // once: it is tried again every second
			}
		}
	})
	return func() { cancel(); beside.Wait() }
}
