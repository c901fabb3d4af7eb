package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"axolotl/labs"
)

func newLabCheck(a *app) *cobra.Command {
	var flags guideFlags
	watch := false
	cmd := &cobra.Command{
		Use:   "check",
		Short: "See whether this step is done",
		Long: `Look at each check of the step under way. Exit code 1 where one does not hold.
With --watch it looks until all hold, and ticks each off as it comes true. The other
commands can be typed in another window meanwhile: it follows to the next step, and ends
with the lab.`,
		Args: usageErrors(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if watch {
				return a.watchChecks(cmd.Context(), flags)
			}
			return a.guided(cmd.Context(), flags, func(ctx context.Context, g *labs.Guide) error {
				if g.Step() == nil {
					return a.say(g)
				}
				results, seen, err := g.Check(ctx)
				if err != nil {
					return err
				}
				for _, result := range results {
					fmt.Fprintln(a.out, tick(result.Outcome == labs.Passed), result.That)
				}
				for _, problem := range seen {
					explainProblem(a.progress, problem, nil)
				}
				if len(seen) > 0 {
					return codedError{errors.New(g.Words("not yet; 'axolotl lab hint' helps", "todavía no; 'axolotl lab hint' ayuda")), exitFailed}
				}
				return a.stepDone(g)
			})
		},
	}
	flags.add(a, cmd)
	cmd.Flags().BoolVarP(&watch, "watch", "w", false, "look until all is done")
	return cmd
}

func (a *app) stepDone(g *labs.Guide) error {
	_, err := fmt.Fprintln(a.out, g.Words("This step is done: axolotl lab next", "Este paso está hecho: axolotl lab next"))
	return err
}

func tick(passed bool) string {
	if passed {
		return "[x]"
	}
	return "[ ]"
}
