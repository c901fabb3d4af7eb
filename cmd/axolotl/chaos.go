package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"axolotl/chaos"
	"axolotl/chaos/fault"
	"axolotl/internal/term"
)

func newChaos(a *app) *cobra.Command {
	cmd := family(&cobra.Command{
		Use:   "chaos",
		Short: "Break a cluster on purpose and prove that it heals",
		Long: `An experiment is a YAML file: a target, what must hold before and again after,
a client that is played, a fault, and the time within which all must be well. One
with steps breaks several things, one after another, or in parallel where it says so.
Experiments that come with axolotl go by their name, others by their file.`,
	})
	cmd.AddCommand(newChaosList(a), newChaosShow(a), newChaosPlan(a), newChaosRun(a), newChaosCompare(a),
		newChaosReplay(a), newChaosUndo(a), newChaosAbort(a), newChaosReport(a), newChaosLint(a), newChaosNew(a),
		newFormat(a, "an experiment", chaos.FileFormat), newChaosSchema(a))
	return cmd
}

func newChaosList(a *app) *cobra.Command {
	format := term.FormatTable
	cmd := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List the experiments that come with axolotl",
		Args:    usageErrors(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			var all []chaos.Description
			for _, name := range chaos.CatalogNames() {
				d, err := describe(name)
				if err != nil {
					return err
				}
				all = append(all, d)
			}
			return format.Print(a.out, all, func() error {
				var rows [][]string
				for _, d := range all {
					rows = append(rows, []string{d.Name, d.Breaks, d.HealWithin.String(), d.Title})
				}
				return term.Table(a.out, []string{"NAME", "FAULT", "HEALS WITHIN", "TITLE"}, rows)
			})
		},
	}
	cmd.Flags().VarP(&format, "output", "o", "output format")
	return cmd
}

func describe(nameOrFile string) (chaos.Description, error) {
	e, err := chaos.Open(nameOrFile)
	if err != nil {
		return chaos.Description{}, err
	}
	return e.Describe()
}

func newChaosShow(a *app) *cobra.Command {
	format := term.FormatTable
	cmd := &cobra.Command{
		Use:               "show NAME|FILE",
		Short:             "Say what an experiment breaks, how that is proved, and how it is undone",
		Args:              usageErrors(cobra.ExactArgs(1)),
		ValidArgsFunction: completeExperiments,
		RunE: func(_ *cobra.Command, args []string) error {
			d, err := describe(args[0])
			if err != nil {
				return err
			}
			return format.Print(a.out, d, func() error {
				_, err := fmt.Fprint(a.out, term.Escape(experimentText(d)))
				return err
			})
		},
	}
	cmd.Flags().VarP(&format, "output", "o", "output format")
	return cmd
}

func experimentText(d chaos.Description) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n\n", d.Name, d.Title)
	if d.About != "" {
		fmt.Fprintf(&b, "%s\n\n", d.About)
	}
	line := func(name, text string) { fmt.Fprintf(&b, "%-14s %s\n", name, text) }
	for _, f := range d.Faults {
		line("fault", f.Name)
		line("  does", f.Doc.Does)
		line("  needs", f.Doc.Needs)
		line("  proved by", f.Doc.Proved)
		line("  undone by", f.Doc.Undone)
		name := "  with"
		for _, setting := range fault.SettingLines(f.Settings) {
			line(name, setting)
			name = ""
		}
	}
	if d.Lasts > 0 {
		line("lasts", d.Lasts.String())
	}
	line("heals within", d.HealWithin.String())
	if d.Expect != "" {
		line("expects", string(d.Expect))
	}
	if d.Client {
		line("client", "played, past the API server; needs pods that run, or --no-probe")
	}
	for _, c := range d.Steady {
		line("steady state", c)
	}
	line("guards", strings.Join(d.Guards, ", "))
	return b.String()
}

func newChaosLint(a *app) *cobra.Command {
	format := term.FormatTable
	cmd := &cobra.Command{
		Use:   "lint NAME|FILE...",
		Short: "Find every error in experiment files",
		Long: `Find every error in experiment files: each with file, line and column. Nothing is
run.

Exit code 1 where there is an error.`,
		Args:              usageErrors(cobra.MinimumNArgs(1)),
		ValidArgsFunction: completeExperiments,
		RunE: func(_ *cobra.Command, args []string) error {
			return lint(a, format, args, func(nameOrFile string) error {
				_, err := chaos.Open(nameOrFile)
				return err
			})
		},
	}
	cmd.Flags().VarP(&format, "output", "o", "output format")
	return cmd
}

func newChaosUndo(a *app) *cobra.Command {
	name := defaultCluster()
	cmd := &cobra.Command{
		Use:   "undo",
		Short: "Undo what runs have left that were killed",
		Long: `Undo, and prove undone, what is open in the cluster's journal: faults and
namespaces of runs whose process has ended without doing so. Every run does this
first. Runs that are still at work are left alone.

What cannot be proved on a node for six minutes is tried in harder ways, as at the
end of a run: its machine is rebooted, then restored from the golden snapshot, then
made anew (the only control plane's is just rebooted).`,
		Args: usageErrors(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			handle, err := a.handle(cmd.Context(), name)
			if err != nil {
				return err
			}
			return a.progress.Do("Undo what was left", func(step *term.Step) error {
				done, err := chaos.Recover(cmd.Context(), handle, time.Now, step)
				for _, e := range done {
					fmt.Fprintf(a.out, "undone: run %s of %s\n", e.ID, term.Escape(e.Experiment))
				}
				if err == nil && len(done) == 0 {
					fmt.Fprintln(a.out, "nothing was left")
				}
				return err
			})
		},
	}
	addClusterFlag(a, cmd, &name)
	return cmd
}

func addClusterFlag(a *app, cmd *cobra.Command, name *string) {
	cmd.Flags().StringVar(name, "cluster", *name, "cluster to run on")
	_ = cmd.RegisterFlagCompletionFunc("cluster", a.completeClusters)
}

// completeExperiments completes the names of experiments, and files.
func completeExperiments(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return chaos.CatalogNames(), cobra.ShellCompDirectiveDefault
}
