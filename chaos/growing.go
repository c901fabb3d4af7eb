package chaos

import (
	"context"
	"sync"
	"time"

	"axolotl/chaos/timeline"
)

// growEvery is how often what a run has seen is recorded while it watches.
const growEvery = time.Second

// growing records the timeline as it grows, until stop is called, for those
// who watch the run from another process. It goes on beside the run, whose own
// stamps it does not delay; that it cannot, be it by a panic, is no matter, as the
// end tells all.
func (r *run) growing(ctx context.Context) (stop func()) {
	if r.history == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var beside sync.WaitGroup
	beside.Go(func() {
		defer func() { _ = recover() }()
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
			if row, _, err := rowOf(report); err == nil {
				_ = r.history.BeginRun(ctx, row)
			}
		}
	})
	return func() { cancel(); beside.Wait() }
}
