package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"axolotl/chaos"
	"axolotl/chaos/history"
	"axolotl/chaos/serve"
	"axolotl/internal/term"
)

func newScheduleRunNow(a *app) *cobra.Command {
	flags := chaosFlags{format: term.FormatTable}
	cmd := &cobra.Command{
		Use:   "run-now NAME",
		Short: "Run what a schedule runs, now and here, past its times and its budget",
		Long: `Run what a schedule runs, now and in this terminal, past its times, its window and
its budget; with its settings, and within the guards of 'chaos run'. The history
records it as asked for by hand: the schedule's own firings are not touched.

Verdicts and exit codes:
` + chaos.VerdictTable(),
		Args: usageErrors(cobra.ExactArgs(1)),

		ValidArgsFunction: completeSchedules,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			r, err := a.schedules().Load(args[0])
			if err != nil {
				return err
			}
			db, err := history.Open(cmd.Context(), history.Path(a.home))
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, db.Close()) }()
			report, err := newDaemon(a, db, zap.L(), serve.NewMetrics(), a.progress).Once(cmd.Context(), r)
			if err != nil {
				return fmt.Errorf("schedule %s: %w", args[0], err)
			}
			if err := printReport(a, report, flags); err != nil {
				return err
			}
			return report.Err()
		},
	}
	cmd.Flags().VarP(&flags.format, "output", "o", "output format")
	flags.addResults(cmd)
	return cmd
}
