package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"axolotl/chaos"
)

func newChaosCompare(a *app) *cobra.Command {
	var flags chaosFlags
	var settings []string
	cmd := &cobra.Command{
		Use:   "compare A [B]",
		Short: "Run two experiments by turns, and say whether they differ by more than noise",
		Long: `Run two experiments by turns, each trial from the same snapshot of the cluster as
'chaos run --trials' does, and tell whether the time until all was well again
differs by more than noise: by the Mann-Whitney U test, exact and two-sided, at
p = 0.05. The phases say where the difference is; they share that level among them.
EFFECT is the chance that a trial of B takes longer than one of A: 0.5 is no
difference. What did not heal counts as longer than what did.

B may be A with other settings, each as it stands in the file, by its path:
fault.with.gracePeriod=5s, target.tolerationSeconds=5, target.readinessSeconds=10.`,
		Example: `  axolotl chaos compare pod-deletion --set fault.with.gracePeriod=1s
  axolotl chaos compare node-power-cut --set target.tolerationSeconds=5 --trials 8
  axolotl chaos compare ./before.yaml ./after.yaml -o json`,
		Args:              usageErrors(cobra.RangeArgs(1, 2)),
		ValidArgsFunction: completeExperiments,
		RunE: func(cmd *cobra.Command, args []string) error {
			first, second, err := flags.pair(args, settings)
			if err != nil {
				return err
			}
			return compareChaos(cmd.Context(), a, first, second, flags)
		},
	}
	flags.add(a, cmd)
	cmd.Flags().StringArrayVar(&settings, "set", nil, "PATH=VALUE by which B differs from A, or from its own file; may be given again")
	cmd.Flags().IntVar(&flags.trials, "trials", chaos.DefaultCompareTrials, fmt.Sprintf("trials of each, %d to %d", chaos.MinCompareTrials, chaos.MaxCompareTrials))
	flags.addNoRestore(cmd)
	flags.addResults(cmd)
	return cmd
}

// pair are the two experiments that are compared.
func (f *chaosFlags) pair(args, settings []string) (a, b *chaos.Experiment, err error) {
	if len(args) == 1 && len(settings) == 0 {
		return nil, nil, codedError{errors.New("with one experiment say by what the other differs: --set PATH=VALUE"), exitUsage}
	}
	if f.trials < chaos.MinCompareTrials || f.trials > chaos.MaxCompareTrials {
		return nil, nil, codedError{fmt.Errorf("--trials %d: use %d to %d; of fewer none can differ by more than noise", f.trials, chaos.MinCompareTrials, chaos.MaxCompareTrials), exitUsage}
	}
	if a, err = f.experiment(args[0]); err != nil {
		return nil, nil, err
	}
	b = a
	if len(args) == 2 {
		if b, err = f.experiment(args[1]); err != nil {
			return nil, nil, err
		}
	}
	if len(settings) > 0 {
		if b, err = chaos.Variant(b, settings...); err != nil {
			return nil, nil, codedError{err, exitUsage}
		}
	}
	return a, b, nil
}

func compareChaos(ctx context.Context, a *app, first, second *chaos.Experiment, flags chaosFlags) error {
	runner, done, err := a.chaosRunner(ctx, flags)
	if err != nil {
		return err
	}
	defer done()
	comparison, reports, err := runner.Compare(ctx, first, second, flags.trials)
	if comparison == nil {
		return err
	}
	if err := writeResults(flags, reports...); err != nil {
		return err
	}
	if err := flags.format.Print(a.out, comparison, func() error { return comparison.Draw(a.out) }); err != nil {
		return err
	}
	return errors.Join(err, comparison.Err())
}
