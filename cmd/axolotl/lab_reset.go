package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"axolotl/internal/term"
	"axolotl/labs"
)

func newLabReset(a *app) *cobra.Command {
	var flags guideFlags
	step := false
	cmd := &cobra.Command{
		Use:   "reset",
		Short: "Go back to before the lab, or to before this step, and begin anew",
		Long: `Throw away what the lab made and begin it anew at its first step.

With --step only the step under way is begun anew: what was broken in it is mended, by
the lab or by you, and what it compares with is noted as it is now. That is the way out
where a wrong move has made the step impossible, such as a pod deleted too early.
'axolotl lab solve' does so by itself before it gives up.`,
		Args: usageErrors(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.guided(cmd.Context(), flags, func(ctx context.Context, g *labs.Guide) error {
				if step {
					if err := a.progress.Do("Begin the step anew", func(*term.Step) error { return g.ResetStep(ctx) }); err != nil {
						return err
					}
					return a.say(g)
				}
				before := g.Namespace()
				if err := a.progress.Do("Begin anew", func(*term.Step) error { return g.Reset(ctx) }); err != nil {
					return err
				}
				return errors.Join(a.say(g), a.leaveNamespace(g, before, g.Namespace()))
			})
		},
	}
	flags.add(a, cmd)
	cmd.Flags().BoolVar(&step, "step", false, "only the step under way")
	return cmd
}
