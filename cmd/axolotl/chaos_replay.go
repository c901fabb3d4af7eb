package main

import (
	"github.com/spf13/cobra"

	"axolotl/chaos"
	"axolotl/chaos/history"
	"axolotl/internal/term"
)

func newChaosReplay(a *app) *cobra.Command {
	flags := chaosFlags{cluster: defaultCluster(), format: term.FormatTable}
	cmd := &cobra.Command{
		Use:   "replay RUN",
		Short: "Run an experiment again as a run had it, with the same seed",
		Long: `Run an experiment again as a run had it: the file as it was then, with the flags
of then, and the same seed, on the cluster of then, or on that of --cluster, where it
is gone. The targets are the same where their names are; of an app that is put up for
each run, they are on the same nodes, where its pods are.`,
		Args:              usageErrors(cobra.ExactArgs(1)),
		ValidArgsFunction: a.completeRuns(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var report *chaos.Report
			err := a.withHistory(cmd.Context(), func(db *history.DB) (err error) {
				report, err = chaos.ReadReport(cmd.Context(), db, "", args[0])
				return err
			})
			if err != nil {
				return err
			}
			e, err := report.Recipe()
			if err != nil {
				return err
			}
			if !cmd.Flags().Changed("cluster") {
				flags.cluster = report.Cluster
			}
			return runChaos(cmd.Context(), a, e, flags)
		},
	}
	cmd.Flags().VarP(&flags.format, "output", "o", "output format")
	flags.addResults(cmd)
	flags.addCluster(a, cmd)
	return cmd
}
