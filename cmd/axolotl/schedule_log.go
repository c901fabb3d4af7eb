package main

import (
	"context"
	"slices"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"

	"axolotl/chaos/history"
	"axolotl/internal/term"
)

func newScheduleLog(a *app) *cobra.Command {
	format := term.FormatTable
	query := history.FiringQuery{Limit: 20}
	var since age
	cmd := &cobra.Command{
		Use:     "log [NAME]",
		Aliases: []string{"history", "firings"},
		Short:   "Tell what became of each firing: ran, missed, skipped, interrupted",
		Long: `Tell what became of each time at which a schedule was due, the latest last: it
ran, was missed (nobody was there, or came too late), was skipped (overlap, quiet
times, budget, guard) or was interrupted, with the reason. Firings of schedules
that were removed are told too.`,
		Example: `  axolotl schedule log
  axolotl schedule log tuesdays --since 30d --limit 0`,
		Args:              usageErrors(cobra.MaximumNArgs(1)),
		ValidArgsFunction: completeSchedules,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				query.Schedule = args[0]
			}
			if since > 0 {
				query.Since = time.Now().Add(-time.Duration(since))
			}
			return logFirings(cmd.Context(), a, query, format)
		},
	}
	cmd.Flags().VarP(&format, "output", "o", "output format")
	cmd.Flags().Var(&since, "since", "only those of the last so many days or hours (7d, 12h)")
	cmd.Flags().IntVar(&query.Limit, "limit", query.Limit, "only the latest so many (0: all)")
	return cmd
}

// logFirings prints what became of firings. A schedule of which there is
// nothing must at least exist.
func logFirings(ctx context.Context, a *app, query history.FiringQuery, format term.Format) error {
	return a.withHistory(ctx, func(db *history.DB) error {
		all, err := db.Firings(ctx, query)
		if err != nil {
			return err
		}
		if len(all) == 0 && query.Schedule != "" {
			if _, err := a.schedules().Load(query.Schedule); err != nil {
				return err
			}
		}
		slices.Reverse(all)
		return format.Print(a.out, all, func() error {
			if len(all) == 0 {
				a.progress.Line("nothing was due yet; 'axolotl serve' runs what is")
				return nil
			}
			var rows [][]string
			for _, f := range all {
				rows = append(rows, []string{
					f.Due.Format(time.RFC3339), f.Schedule, f.Experiment, f.Cluster, string(f.Outcome),
					f.Verdict, f.Run, ansi.Truncate(f.Reason, reasonShown, "…"),
				})
			}
			return term.Table(a.out, []string{"DUE", "SCHEDULE", "EXPERIMENT", "CLUSTER", "OUTCOME", "VERDICT", "RUN", "REASON"}, rows)
		})
	})
}
