package main

import (
	"errors"

	"github.com/spf13/cobra"

	"axolotl/chaos"
	"axolotl/chaos/history"
	"axolotl/internal/term"
)

func newChaosReportDiff(a *app) *cobra.Command {
	format := term.FormatTable
	cmd := &cobra.Command{
		Use:   "diff RUN RUN",
		Short: "Compare two runs, phase by phase",
		Long: `Compare two runs, phase by phase. Of each phase the longest is compared, where
several pods or nodes were lost. What makes the two hard to compare is told.`,
		Args:              usageErrors(cobra.ExactArgs(2)),
		ValidArgsFunction: a.completeRuns(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withHistory(cmd.Context(), func(db *history.DB) error {
				first, err := chaos.ReadReport(cmd.Context(), db, "", args[0])
				second, err2 := chaos.ReadReport(cmd.Context(), db, "", args[1])
				if err := errors.Join(err, err2); err != nil {
					return err
				}
				diff := chaos.DiffOf(first, second)
				return format.Print(a.out, diff, func() error { return diff.Draw(a.out) })
			})
		},
	}
	cmd.Flags().VarP(&format, "output", "o", "output format")
	return cmd
}
