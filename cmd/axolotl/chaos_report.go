package main

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"

	"axolotl/chaos"
	"axolotl/chaos/history"
	"axolotl/internal/term"
)

// runFilter says which runs a command is for.
type runFilter struct {
	cluster    string
	experiment string
	since      age
	limit      int
}

func (f *runFilter) addCluster(a *app, cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.cluster, "cluster", "", "only runs on this cluster (default: on all, also those that are gone)")
	_ = cmd.RegisterFlagCompletionFunc("cluster", a.completeClusters)
}

func (f *runFilter) add(a *app, cmd *cobra.Command) {
	f.addCluster(a, cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.experiment, "experiment", "", "only runs of this experiment")
	flags.Var(&f.since, "since", "only runs of the last so many days or hours (7d, 12h)")
	flags.IntVar(&f.limit, "limit", 0, "only the latest so many (0: all)")
	_ = cmd.RegisterFlagCompletionFunc("experiment", cobra.FixedCompletions(chaos.CatalogNames(), cobra.ShellCompDirectiveNoFileComp))
}

func (f *runFilter) query() history.RunQuery {
	q := history.RunQuery{Cluster: f.cluster, Experiment: f.experiment, Limit: f.limit}
	if f.since > 0 {
		q.Since = time.Now().Add(-time.Duration(f.since))
	}
	return q
}

// reports reads the reports that are asked for. A cluster of which there is
// nothing must at least exist.
func (f *runFilter) reports(ctx context.Context, a *app, db *history.DB) ([]*chaos.Report, error) {
	all, err := chaos.Reports(ctx, db, f.query())
	if len(all) == 0 && err == nil && f.cluster != "" {
		_, err = a.clusters().Load(f.cluster)
	}
	return all, err
}

func newChaosReport(a *app) *cobra.Command {
	flags := chaosFlags{format: term.FormatTable}
	var filter runFilter
	cmd := &cobra.Command{
		Use:   "report [RUN]",
		Short: "Show the report of a run, list the runs, compare them, see their trend",
		Long: `Show the report of a run, or list the runs. Every run on this host is in the
history, also where its cluster is gone: with its plan, seed, timeline, verdict
and raw data. One whose process was killed is told as interrupted.`,
		Example: `  axolotl chaos report
  axolotl chaos report 20261124-222027-qm3xv
  axolotl chaos report trend pod-deletion`,
		Args:              usageErrors(cobra.MaximumNArgs(1)),
		ValidArgsFunction: a.completeRuns(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return listRuns(cmd.Context(), a, filter, flags.format)
			}
			return showRun(cmd.Context(), a, filter, args[0], false, flags)
		},
	}
	cmd.Flags().VarP(&flags.format, "output", "o", "output format")
	flags.addResults(cmd)
	filter.addCluster(a, cmd)
	cmd.AddCommand(newChaosReportList(a), newChaosReportShow(a), newChaosReportDiff(a),
		newChaosReportTrend(a), newChaosReportExport(a), newChaosReportPrune(a))
	return cmd
}

func newChaosReportList(a *app) *cobra.Command {
	format := term.FormatTable
	var filter runFilter
	cmd := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List runs, the latest last",
		Args:    usageErrors(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return listRuns(cmd.Context(), a, filter, format)
		},
	}
	cmd.Flags().VarP(&format, "output", "o", "output format")
	filter.add(a, cmd)
	return cmd
}

func listRuns(ctx context.Context, a *app, filter runFilter, format term.Format) error {
	return a.withHistory(ctx, func(db *history.DB) error {
		all, err := filter.reports(ctx, a, db)
		if err != nil && len(all) == 0 {
			return err
		}
		if printed := format.Print(a.out, all, func() error { return printRuns(a.out, all) }); printed != nil {
			return printed
		}
		return err
	})
}

// reasonShown is how many characters of a reason a list has room for.
const reasonShown = 72

func printRuns(w io.Writer, all []*chaos.Report) error {
	var rows [][]string
	for _, p := range all {
		healed := ""
		if p.HealedAfter != nil {
			healed = term.Seconds(*p.HealedAfter)
		}
		rows = append(rows, []string{p.ID, p.Experiment, p.Cluster, string(p.Verdict), healed, ansi.Truncate(p.Reason, reasonShown, "…")})
	}
	return term.Table(w, []string{"RUN", "EXPERIMENT", "CLUSTER", "VERDICT", "HEALED AFTER", "REASON"}, rows)
}

func newChaosReportShow(a *app) *cobra.Command {
	flags := chaosFlags{format: term.FormatTable}
	var filter runFilter
	var raw bool
	cmd := &cobra.Command{
		Use:               "show [RUN]",
		Short:             "Show the report of a run, or of the latest one",
		Args:              usageErrors(cobra.MaximumNArgs(1)),
		ValidArgsFunction: a.completeRuns(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id := ""
			if len(args) > 0 {
				id = args[0]
			}
			return showRun(cmd.Context(), a, filter, id, raw, flags)
		},
	}
	cmd.Flags().VarP(&flags.format, "output", "o", "output format")
	cmd.Flags().BoolVar(&raw, "raw", false, "with -o json or yaml: also all that was seen, and each request of the client")
	flags.addResults(cmd)
	filter.addCluster(a, cmd)
	return cmd
}

// showRun shows one run, or the latest one where id is empty.
func showRun(ctx context.Context, a *app, filter runFilter, id string, raw bool, flags chaosFlags) error {
	return a.withHistory(ctx, func(db *history.DB) error {
		if id == "" {
			filter.limit = 1
			latest, err := filter.reports(ctx, a, db)
			if err != nil {
				return err
			}
			if len(latest) == 0 {
				return errors.New("there is no run yet; 'axolotl chaos run' makes one")
			}
			id = latest[0].ID
		}
		report, err := chaos.ReadReport(ctx, db, filter.cluster, id)
		if err == nil && raw {
			err = report.AddRaw(ctx, db)
		}
		if err != nil {
			return err
		}
		return printReport(a, report, flags)
	})
}
