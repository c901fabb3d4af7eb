package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/labels"

	"axolotl/chaos"
	"axolotl/chaos/history"
	"axolotl/internal/store"
	"axolotl/internal/term"
	"axolotl/vm"
)

// chaosFlags change an experiment; 'chaos run' and 'chaos plan' have them.
type chaosFlags struct {
	cluster    string
	allow      string
	namespace  string
	deployment string
	selector   string
	seed       uint64
	deadline   time.Duration
	noProbe    bool
	dryRun     bool
	junit      fileFlag
	html       fileFlag
	all        bool
	trials     int
	noRestore  bool
	format     term.Format
}

func (f *chaosFlags) add(a *app, cmd *cobra.Command) {
	f.cluster, f.format = defaultCluster(), term.FormatTable
	flags := cmd.Flags()
	flags.StringVarP(&f.namespace, "namespace", "n", "", "target pods in this namespace instead of a temporary app")
	flags.StringVar(&f.deployment, "deployment", "", "the deployment whose pods are the target")
	flags.StringVarP(&f.selector, "selector", "l", "", "labels of the pods that are the target (a=b,c=d)")
	flags.Uint64Var(&f.seed, "seed", 0, "choose the same targets again (0: others each time)")
	spanVar(cmd, &f.deadline, "deadline", 0, "time within which all must be well (default: the experiment's)")
	flags.BoolVar(&f.noProbe, "no-probe", false, "send no client requests; needed on simulated nodes, where nothing answers them")
	flags.VarP(&f.format, "output", "o", "output format")
	f.addCluster(a, cmd)
}

// addCluster adds the flags that say which cluster is broken.
func (f *chaosFlags) addCluster(a *app, cmd *cobra.Command) {
	addClusterFlag(a, cmd, &f.cluster)
	cmd.Flags().StringVar(&f.allow, "allow-cluster", "", "the cluster's name once more, where somebody else has made it (--driver existing) and it may be broken")
	_ = cmd.RegisterFlagCompletionFunc("allow-cluster", cobra.NoFileCompletions) // it is to be typed
}

// experiment opens an experiment and applies the flags.
func (f *chaosFlags) experiment(nameOrFile string) (*chaos.Experiment, error) {
	e, err := chaos.Open(nameOrFile)
	if err != nil {
		return nil, err
	}
	if f.namespace == "" && (f.deployment != "" || f.selector != "") {
		return nil, codedError{errors.New("--deployment and --selector need --namespace (-n): say where the pods are"), exitUsage}
	}
	selector, err := labels.ConvertSelectorToLabelsMap(f.selector)
	if err != nil {
		return nil, codedError{fmt.Errorf("--selector: %w", err), exitUsage}
	}
	overrides := chaos.Overrides{
		Namespace: f.namespace, Deployment: f.deployment, Selector: selector,
		Seed: f.seed, HealWithin: f.deadline, NoProbe: f.noProbe,
	}
	if err := overrides.Apply(e); err != nil {
		return nil, codedError{err, exitUsage}
	}
	return e, nil
}

// experiments opens several, and says all that is wrong with any of them.
func (f *chaosFlags) experiments(namesOrFiles []string) ([]*chaos.Experiment, error) {
	var all []*chaos.Experiment
	var errs []error
	for _, name := range namesOrFiles {
		e, err := f.experiment(name)
		all, errs = append(all, e), append(errs, err)
	}
	return all, errors.Join(errs...)
}

func newChaosPlan(a *app) *cobra.Command {
	var flags chaosFlags
	cmd := &cobra.Command{
		Use:               "plan NAME|FILE",
		Short:             "Print exactly what a run would do, and its undo; change nothing",
		Args:              usageErrors(cobra.ExactArgs(1)),
		ValidArgsFunction: completeExperiments,
		RunE: func(cmd *cobra.Command, args []string) error {
			e, err := flags.experiment(args[0])
			if err != nil {
				return err
			}
			return planChaos(cmd.Context(), a, e, flags)
		},
	}
	flags.add(a, cmd)
	return cmd
}

func planChaos(ctx context.Context, a *app, e *chaos.Experiment, flags chaosFlags) error {
	handle, err := a.handleToRun(ctx, flags.cluster)
	if err != nil {
		return err
	}
	plan, err := (&chaos.Runner{Handle: handle, Progress: a.progress, AllowCluster: flags.allow}).Plan(ctx, e)
	if err != nil {
		return chaos.Coded(err)
	}
	return flags.format.Print(a.out, plan, func() error {
		fmt.Fprintf(a.out, "experiment %s on cluster %s, seed %d; nothing is changed by this plan\n", plan.Experiment, plan.Cluster, plan.Seed)
		for i, step := range plan.Steps {
			fmt.Fprintf(a.out, "%3d  %s\n", i+1, term.Escape(step))
		}
		return nil
	})
}

func newChaosRun(a *app) *cobra.Command {
	var flags chaosFlags
	cmd := &cobra.Command{
		Use:   "run NAME|FILE... | --all",
		Short: "Break something, watch it heal on one clock, and give a verdict",
		Long: `Check the steady state, write the journal, inject the fault, prove that it took
effect, follow the healing over watches that were open before, undo, check the
steady state again, and give a verdict. Whatever happens, what was done is
undone: at once, or by the next run, or by 'axolotl chaos undo'.

With --trials each run begins with the cluster as it was before the first: a
snapshot is saved for it, restored before each, and deleted at the end. A target
that is put up for them is steady in it, and is removed after the last. All that
anybody changes in the cluster meanwhile is lost. The summary gives min, median, p95,
max and all values of each phase, and names the phase that made a trial differ.

Several experiments run one after another, and a table of them is printed; what
the cluster cannot give is skipped. They end early where an undo failed.

Faults: 'axolotl chaos list' has an experiment for each, and 'axolotl chaos show NAME'
says what it does, how that is proved and how it is undone.

Verdicts and exit codes:
` + chaos.VerdictTable() + `
An experiment may want another verdict than "healed" ("expect" in its file): then
that one exits with 0, and "healed" with 1. The code of several is that of an undo
that failed, else of the first that did not end as it should.`,
		Example: `  axolotl chaos run pod-deletion
  axolotl chaos run pod-deletion -n shop --deployment web --seed 7
  axolotl chaos run ./my-experiment.yaml --dry-run
  axolotl chaos run --all --cluster trial --junit chaos.xml`,
		ValidArgsFunction: completeExperiments,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := namedOrAll(args, flags.all, "experiments"); err != nil {
				return err
			}
			if flags.trials < 1 {
				return codedError{fmt.Errorf("--trials %d: use 1 or more", flags.trials), exitUsage}
			}
			if flags.all {
				args = chaos.CatalogNames()
			}
			experiments, err := flags.experiments(args)
			if err != nil {
				return err
			}
			if len(experiments) > 1 {
				return runSeveral(cmd.Context(), a, experiments, flags)
			}
			if flags.dryRun {
				return planChaos(cmd.Context(), a, experiments[0], flags)
			}
			return runChaos(cmd.Context(), a, experiments[0], flags)
		},
	}
	flags.add(a, cmd)
	cmd.Flags().BoolVar(&flags.all, "all", false, "run every experiment that comes with axolotl")
	cmd.Flags().BoolVar(&flags.dryRun, "dry-run", false, "print the plan and change nothing")
	cmd.Flags().IntVar(&flags.trials, "trials", 1, "number of runs, each with another seed, and a summary of them")
	flags.addNoRestore(cmd)
	flags.addResults(cmd)
	return cmd
}

// runner runs experiments on a cluster, whoever asks for it. db may be nil.
func (a *app) runner(handle *vm.Handle, db *history.DB, progress *term.Progress) *chaos.Runner {
	runner := &chaos.Runner{Handle: handle, Progress: progress}
	if db != nil { // else it would be a Recorder that is not nil
		runner.History = db
	}
	return runner
}

// chaosRunner is the runner that the flags ask for. The caller calls done when
// all has run.
func (a *app) chaosRunner(ctx context.Context, flags chaosFlags) (runner *chaos.Runner, done func(), err error) {
	handle, err := a.handleToRun(ctx, flags.cluster)
	if err != nil {
		return nil, nil, err
	}
	db := a.historyOrNone(ctx)
	runner = a.runner(handle, db, a.progress)
	runner.AllowCluster = flags.allow
	if !flags.noRestore {
		runner.Save = func(ctx context.Context) (chaos.Snapshot, error) {
			return a.clusters().SaveTemporary(ctx, flags.cluster, a.open, a.progress)
		}
	}
	return runner, func() {
		if db != nil {
			db.Close() //nolint:errcheck // each run is written by now, or says that it is not
		}
	}, nil
}

func runChaos(ctx context.Context, a *app, e *chaos.Experiment, flags chaosFlags) error {
	runner, done, err := a.chaosRunner(ctx, flags)
	if err != nil {
		return err
	}
	defer done()
	if flags.trials > 1 {
		return runTrials(ctx, a, runner, e, flags)
	}
	report := runner.Run(ctx, e)
	if err := printReport(a, report, flags); err != nil {
		return err
	}
	return report.Err()
}

// runSeveral runs experiments one after another.
func runSeveral(ctx context.Context, a *app, experiments []*chaos.Experiment, flags chaosFlags) error {
	if flags.dryRun || flags.trials > 1 || flags.html != "" {
		return codedError{errors.New("--dry-run, --trials and --html are of one experiment; name one"), exitUsage}
	}
	runner, done, err := a.chaosRunner(ctx, flags)
	if err != nil {
		return err
	}
	defer done()
	runs := runner.RunAll(ctx, experiments)
	if err := writeResults(flags, runs.Runs...); err != nil {
		return err
	}
	if err := flags.format.Print(a.out, runs, func() error { return runs.Draw(a.out) }); err != nil {
		return err
	}
	return runs.Err()
}

func runTrials(ctx context.Context, a *app, runner *chaos.Runner, e *chaos.Experiment, flags chaosFlags) error {
	trials, reports, err := runner.RunTrials(ctx, e, flags.trials)
	if trials == nil {
		return err
	}
	if err := writeResults(flags, reports...); err != nil {
		return err
	}
	if err := flags.format.Print(a.out, trials, func() error { return trials.Draw(a.out) }); err != nil {
		return err
	}
	return errors.Join(err, trials.Err())
}

func printReport(a *app, report *chaos.Report, flags chaosFlags) error {
	if err := writeResults(flags, report); err != nil {
		return err
	}
	return flags.format.Print(a.out, report, func() error { return report.Draw(a.out) })
}

// addNoRestore adds the flag that spares the cluster.
func (f *chaosFlags) addNoRestore(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.noRestore, "no-restore", false, "begin each trial where the one before has ended; save and restore no snapshot")
}

// addResults adds the flags for files that reports are also written to.
func (f *chaosFlags) addResults(cmd *cobra.Command) {
	cmd.Flags().Var(&f.junit, "junit", "also write the report to this file, as JUnit XML")
	cmd.Flags().Var(&f.html, "html", "also write the report to this file, as a page with the timeline drawn")
}

// writeResults writes the files that were asked for. The page is of the last
// report.
func writeResults(flags chaosFlags, reports ...*chaos.Report) error {
	for _, file := range []struct {
		path  fileFlag
		write func(io.Writer) error
	}{
		{flags.junit, func(w io.Writer) error { return chaos.WriteJUnit(w, reports...) }},
		{flags.html, reports[len(reports)-1].WriteHTML},
	} {
		if file.path == "" {
			continue
		}
		var data bytes.Buffer
		if err := file.write(&data); err != nil {
			return err
		}
		if err := store.WriteFile(string(file.path), data.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return nil
}
