package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"axolotl/chaos"
	"axolotl/chaos/fault"
	"axolotl/chaos/history"
	"axolotl/internal/term"
	"axolotl/vm/cluster"
)

func newChaosNew(a *app) *cobra.Command {
	faultName := "pod-deletion"
	cmd := &cobra.Command{
		Use:   "new NAME",
		Short: "Print a commented file for an experiment of your own",
		Example: `  axolotl chaos new rush-hour --fault cpu-pressure >rush-hour.yaml
  axolotl chaos lint ./rush-hour.yaml`,
		Args: usageErrors(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			text, err := chaos.NewFile(args[0], faultName)
			if err != nil {
				return codedError{err, exitUsage}
			}
			_, err = fmt.Fprint(a.out, text)
			return err
		},
	}
	cmd.Flags().StringVar(&faultName, "fault", faultName, "the fault that it injects")
	_ = cmd.RegisterFlagCompletionFunc("fault", cobra.FixedCompletions(fault.Names(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func newChaosReplay(a *app) *cobra.Command {
	flags := chaosFlags{cluster: cluster.DefaultName, format: term.FormatTable}
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

func newChaosAbort(a *app) *cobra.Command {
	name := cluster.DefaultName
	cmd := &cobra.Command{
		Use:   "abort [RUN]",
		Short: "End runs that are at work, and have them undo what they did",
		Long: `End a run that is at work, or all on the cluster, as Ctrl-C does in its own
terminal: it undoes what it did. Where its process is gone already, 'axolotl
chaos undo' does so.`,
		Args: usageErrors(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.clusters().Load(name)
			if err != nil {
				return err
			}
			id := ""
			if len(args) > 0 {
				id = args[0]
			}
			return a.progress.Do("Abort", func(step *term.Step) error {
				ended, err := chaos.Abort(cmd.Context(), c, id, step)
				for _, e := range ended {
					fmt.Fprintf(a.out, "ended: run %s of %s\n", e.ID, term.Escape(e.Experiment))
				}
				if err == nil && len(ended) == 0 {
					fmt.Fprintln(a.out, "no run is at work")
				}
				return err
			})
		},
	}
	addClusterFlag(a, cmd, &name)
	return cmd
}
