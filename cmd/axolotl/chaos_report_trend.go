package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"axolotl/chaos"
	"axolotl/chaos/history"
	"axolotl/internal/term"
)

func newChaosReportTrend(a *app) *cobra.Command {
	format := term.FormatTable
	var filter runFilter
	window := chaos.DefaultWindow
	cmd := &cobra.Command{
		Use:   "trend EXPERIMENT",
		Short: "Show how long each phase took over time, and when it became slower",
		Long: `Show median and 95th percentile of each phase over time, in windows of so many
runs, counted from the latest; and since which run a phase is slower or faster.

A phase counts as slower from a run on where the runs of the window before it
and those of the window from it on differ by the two-sided Mann-Whitney U test
(exact, p at most 0.001), and their medians by 10 % at least. Of neighbouring
runs for which that holds the one with the smallest p is told. So it takes twice
the window to tell anything, and a whole window of slow runs to tell that they
are slow. Only runs count whose fault was in and that were not ended from
without (healed, healed-late, not-healed); each driver has a trend of its own.`,
		Args:              usageErrors(cobra.ExactArgs(1)),
		ValidArgsFunction: completeExperiments,
		RunE: func(cmd *cobra.Command, args []string) error {
			if window < chaos.MinWindow || window > chaos.MaxWindow {
				return codedError{fmt.Errorf("--window %d: use %d to %d", window, chaos.MinWindow, chaos.MaxWindow), exitUsage}
			}
			filter.experiment = args[0]
			return a.withHistory(cmd.Context(), func(db *history.DB) error {
				runs, err := db.Runs(cmd.Context(), filter.query())
				if err != nil {
					return err
				}
				trends := chaos.TrendsOf(runs, window)
				if len(trends) == 0 {
					return fmt.Errorf("no run of experiment %q tells of a trend: %d in the history; see 'axolotl chaos report list --experiment %[1]s'",
						args[0], len(runs))
				}
				return format.Print(a.out, trends, func() error { return drawTrends(a, trends) })
			})
		},
	}
	cmd.Flags().VarP(&format, "output", "o", "output format")
	cmd.Flags().IntVar(&window, "window", window, "how many runs are summed up together")
	cmd.Flags().Var(&filter.since, "since", "only runs of the last so many days or hours (90d, 12h)")
	filter.addCluster(a, cmd)
	return cmd
}

func drawTrends(a *app, trends []*chaos.Trend) error {
	for i, t := range trends {
		if i > 0 {
			fmt.Fprintln(a.out)
		}
		if err := t.Draw(a.out); err != nil {
			return err
		}
	}
	return nil
}
