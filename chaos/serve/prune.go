package serve

import (
	"context"
	"time"

	"go.uber.org/zap"
)

// pruneEvery is how often what is too old, or too much, is removed.
const pruneEvery = time.Hour

// prune removes old things, at the start and from then on, beside the loop.
func (d *Daemon) prune(ctx context.Context, now time.Time) {
	if d.Prune == nil || d.pruning || now.Sub(d.pruned).Abs() < pruneEvery {
		return
	}
	d.pruning, d.pruned = true, now
	d.beside(ctx, func() func() {
		pruned, err := d.Prune(ctx, now)
		return func() {
			d.pruning = false
			switch {
			case err != nil:
				d.Log.Error("the history is not pruned; it is tried again in an hour", zap.Error(err))
			case pruned.Runs+pruned.Firings+pruned.Recreations > 0:
				d.Log.Info("the history is pruned", zap.Int("runs", pruned.Runs), zap.Int("firings", pruned.Firings),
					zap.Int("recreations", pruned.Recreations), zap.Int64("bytes", pruned.Bytes), zap.Int64("before", pruned.BytesBefore))
			}
		}
	}, func() { d.pruning = false })
}
