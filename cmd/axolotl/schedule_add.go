package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/labels"

	"axolotl/chaos/schedule"
	"axolotl/vm/cluster"
)

// scheduleFlags give a schedule without a file.
type scheduleFlags struct {
	cluster       string
	experiments   []string
	cron, zone    string
	windows       []string
	quiet         []string
	jitter        time.Duration
	seed          int64
	deadline      time.Duration
	concurrency   string
	runsPerDay    int
	stopAfter     int
	restoreBefore bool
	recreateAfter string
	expires       string

	namespace, deployment, selector string
	noProbe                         bool
}

func (f *scheduleFlags) add(a *app, cmd *cobra.Command) {
	f.cluster = defaultCluster()
	flags := cmd.Flags()
	flags.StringSliceVar(&f.experiments, "experiment", nil, "experiment to run, by name or file; of several each firing takes one, by the seed")
	flags.StringVar(&f.cron, "cron", "", `when: five fields ("0 11 * * tue"), @daily, or "@every 90m"`)
	flags.StringVar(&f.zone, "zone", "UTC", "time zone of all times, such as Europe/Madrid")
	flags.StringArrayVar(&f.windows, "window", nil, `fire only then: days, dates, hours ("mon-fri 09:00-17:00")`)
	flags.StringArrayVar(&f.quiet, "quiet-times", nil, `skip what is due then ("12-24..01-06", "sat-sun")`)
	spanVar(cmd, &f.jitter, "jitter", 0, "delay each firing by up to so long, by the seed")
	flags.Int64Var(&f.seed, "seed", 0, "fixes jitter, choice and targets (0: one is made up)")
	spanVar(cmd, &f.deadline, "starting-deadline", 0, "how late a firing may start (default 1m, with queue 1h)")
	flags.StringVar(&f.concurrency, "concurrency", string(schedule.Forbid), "while a run is at work on the cluster: forbid or queue")
	flags.IntVar(&f.runsPerDay, "runs-per-day", 0, "run at most so often a day (0: no bound)")
	flags.IntVar(&f.stopAfter, "stop-after-not-healed", 0, "pause after so many runs that did not heal (0: never)")
	flags.BoolVar(&f.restoreBefore, "restore-before", false, "recreate the cluster before each run")
	flags.StringVar(&f.recreateAfter, "recreate-after", string(schedule.Never), "recreate the cluster after a run: never, not-healed or always")
	flags.StringVar(&f.expires, "expires", "", "the last date (2027-06-30) or instant (RFC 3339)")
	flags.StringVarP(&f.namespace, "namespace", "n", "", "target pods in this namespace instead of a temporary app")
	flags.StringVar(&f.deployment, "deployment", "", "the deployment whose pods are the target")
	flags.StringVarP(&f.selector, "selector", "l", "", "labels of the pods that are the target (a=b,c=d)")
	flags.BoolVar(&f.noProbe, "no-probe", false, "send no client requests; needed on simulated nodes, where nothing answers them")
	_ = cmd.RegisterFlagCompletionFunc("experiment", completeExperiments)
	_ = cmd.RegisterFlagCompletionFunc("concurrency", cobra.FixedCompletions(schedule.Forbid.Values(), cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("recreate-after", cobra.FixedCompletions(schedule.Never.Values(), cobra.ShellCompDirectiveNoFileComp))
	addClusterFlag(a, cmd, &f.cluster)
}

// schedule is the schedule that the flags give.
func (f *scheduleFlags) schedule(name string) (schedule.Schedule, error) {
	s := schedule.Schedule{
		Kind: schedule.Kind, Name: name, Cluster: f.cluster, Experiments: f.experiments, Cron: f.cron, Zone: f.zone,
		Jitter: schedule.Duration(f.jitter), Seed: f.seed, StartingDeadline: schedule.Duration(f.deadline),
		Budget:        schedule.Budget{RunsPerDay: f.runsPerDay, StopAfterNotHealed: f.stopAfter},
		RestoreBefore: f.restoreBefore, Expires: f.expires,
		With: schedule.With{Namespace: f.namespace, Deployment: f.deployment, NoProbe: f.noProbe},
	}
	errs := []error{s.Concurrency.UnmarshalText([]byte(f.concurrency)), s.RecreateAfter.UnmarshalText([]byte(f.recreateAfter))}
	if f.cron == "" {
		errs = append(errs, errors.New("--cron says when; it is missing"))
	}
	if f.jitter < 0 || f.deadline < 0 {
		errs = append(errs, errors.New("--jitter and --starting-deadline cannot be negative"))
	}
	for _, spans := range []struct {
		texts []string
		into  *[]schedule.Span
	}{{f.windows, &s.Window}, {f.quiet, &s.Quiet}} {
		for _, text := range spans.texts {
			span, err := schedule.ParseSpan(text)
			errs = append(errs, err)
			*spans.into = append(*spans.into, span)
		}
	}
	if f.selector != "" {
		selector, err := labels.ConvertSelectorToLabelsMap(f.selector)
		if err != nil {
			errs = append(errs, fmt.Errorf("--selector: %w", err))
		}
		s.With.Selector = selector
	}
	s.SetDefaults()
	return s, errors.Join(errs...)
}

func newScheduleAdd(a *app) *cobra.Command {
	var flags scheduleFlags
	var replace bool
	cmd := &cobra.Command{
		Use:   "add FILE | add NAME --experiment NAME --cron EXPRESSION",
		Short: "Add a schedule, from a YAML file or by flags",
		Long: `Add a schedule, from a YAML file (a path with a slash, or that ends in .yaml) or,
where the argument is a name, by flags. Every error is told with its place, those
of the cron expression by the character; nothing is added then.

Around a change of the clocks a firing at fixed hours runs once: at the first of
two equal times, or when the gap ends. One of every hour goes by elapsed time.`,
		Example: `  axolotl schedule add ./tuesdays.yaml
  axolotl schedule add nightly --experiment pod-deletion --cron "30 2 * * *" --zone Europe/Madrid`,
		Args: usageErrors(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			now := time.Now()
			s, err := flags.open(args[0], now)
			if err != nil {
				return err
			}
			if s.Seed == 0 {
				s.Seed = rand.Int64N(1<<31-1) + 1
			}
			r, err := a.schedules().Add(s, now, replace)
			if err != nil {
				return err
			}
			a.progress.Line("schedule %s is added; it fires next at %s, where 'axolotl serve' runs", s.Name, nextStart(r, now))
			if _, err := a.clusters().Load(s.Cluster); err != nil { // it may come yet
				a.progress.Line("its firings fail until then: %v", cluster.AdviseUp(err))
			}
			return nil
		},
	}
	flags.add(a, cmd)
	cmd.Flags().BoolVar(&replace, "replace", false, "replace a schedule of that name")
	return cmd
}

// open reads the file, or takes the flags.
func (f *scheduleFlags) open(nameOrFile string, now time.Time) (schedule.Schedule, error) {
	if strings.ContainsRune(nameOrFile, '/') || slices.Contains([]string{".yaml", ".yml"}, filepath.Ext(nameOrFile)) {
		s, err := schedule.ReadFile(nameOrFile, now)
		if err != nil {
			return schedule.Schedule{}, err
		}
		return *s, nil
	}
	s, err := f.schedule(nameOrFile)
	if err == nil {
		_, err = s.Timetable(now)
	}
	if err == nil {
		err = s.CheckExperiments(".")
	}
	if err != nil {
		err = codedError{err, exitUsage}
	}
	return s, err
}
