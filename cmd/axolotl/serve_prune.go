package main

import (
	"context"
	"errors"
	"time"

	"axolotl/chaos"
	"axolotl/chaos/history"
)

// prune removes from the history what is older than the flags say, or too much,
// and from the journals what was undone before then: each run reads them.
func prune(ctx context.Context, a *app, db *history.DB, flags serveFlags, now time.Time) (history.Pruned, error) {
	before := now.Add(-time.Duration(flags.historyAge))
	pruned, err := db.Prune(ctx, history.Retention{Before: before, MaxBytes: int64(flags.historySize)})
	errs := []error{err}
	clusters, err := a.clusters().List()
	errs = append(errs, err)
	for _, c := range clusters {
		errs = append(errs, chaos.PruneJournal(c, before))
	}
	return pruned, errors.Join(errs...)
}
