package main

import (
	"context"
	"errors"
	"os"

	"github.com/spf13/cobra"

	"axolotl/chaos"
	"axolotl/chaos/history"
	"axolotl/internal/store"
)

// withHistory opens the history with all reports in it, also those that were
// written as files. A file that cannot be read is an error beside what do does.
func (a *app) withHistory(ctx context.Context, do func(*history.DB) error) error {
	db, err := history.Open(ctx, history.Path(a.home))
	if err != nil {
		return err
	}
	unread := chaos.TakeIn(ctx, db, a.home)
	return errors.Join(do(db), unread, db.Close())
}

// historyOrNone opens the history for runs. One that cannot be opened is no
// reason not to run: nil, and the reports become files until it can.
func (a *app) historyOrNone(ctx context.Context) *history.DB {
	db, err := history.Open(ctx, history.Path(a.home))
	if err != nil {
		a.progress.Line("%v; until it can be opened reports are kept with the cluster", err)
		return nil
	}
	return db
}

// keepReports puts reports that were written as files into the history. What
// cannot be put there is told, and is no reason not to go on.
func (a *app) keepReports(ctx context.Context) {
	if !chaos.HasFiles(a.home) {
		return
	}
	if err := a.withHistory(ctx, func(*history.DB) error { return nil }); err != nil {
		a.progress.Line("%v; reports that are still files of a cluster go with it", err)
	}
}

// completeRuns completes up to n IDs of runs, the latest ones.
func (a *app) completeRuns(n int) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		home, err := store.FindHome()
		if err != nil || len(args) >= n {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		if _, err := os.Stat(history.Path(home)); err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp // a key press makes no history
		}
		db, err := history.Open(cmd.Context(), history.Path(home))
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		defer db.Close()                                                          //nolint:errcheck // it was only read
		runs, _ := db.Runs(cmd.Context(), history.RunQuery{Limit: completedRuns}) // those that can be read
		var ids []cobra.Completion
		for _, r := range runs {
			ids = append(ids, cobra.CompletionWithDesc(r.ID, r.Experiment+": "+r.Verdict))
		}
		return ids, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	}
}

const completedRuns = 50
