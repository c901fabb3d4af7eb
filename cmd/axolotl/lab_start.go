package main

import (
	"cmp"
	"errors"

	"github.com/spf13/cobra"

	"axolotl/chaos"
	"axolotl/labs"
)

func newLabStart(a *app) *cobra.Command {
	var flags guideFlags
	seed := 0
	cmd := &cobra.Command{
		Use:   "start NAME|FILE",
		Short: "Begin a lab to be done by hand, step by step",
		Long: `Begin a lab and print its first step. Do it in another window, with kubectl or
k9s or however you like: what counts is what the cluster becomes. Then:

  axolotl lab check --watch   see what is done, and tick it off as it comes true
  axolotl lab hint            a little help
  axolotl lab solve           have the step done
  axolotl lab next            go on
  axolotl lab status          where am I
  axolotl lab reset           begin anew; a lab that breaks nodes or has add-ons saved
                              the whole cluster before it did, and goes back to that
  axolotl lab reset --step    begin only this step anew, where a wrong move has made it
                              impossible
  axolotl lab quit            remove all that the lab made; nodes that you switched off or
                              cordoned for it are as they were before

Progress is kept with the cluster: it outlives this terminal.`,
		Args:              usageErrors(cobra.ExactArgs(1)),
		ValidArgsFunction: completeLabs,
		RunE: func(cmd *cobra.Command, args []string) error {
			lab, err := labs.Open(args[0])
			if err != nil {
				return err
			}
			handle, err := a.handleToRun(cmd.Context(), flags.cluster)
			if err != nil {
				return err
			}
			if flags.language == "" {
				flags.language = labs.EnvironmentLanguage()
			}
			options := a.guideOptions(flags)
			options.Seed = seed
			ctx, stop := chaos.WhileThere(cmd.Context(), handle)
			defer stop()
			guide, err := labs.StartGuide(ctx, handle, lab, options)
			if err != nil {
				return cmp.Or(chaos.GoneFrom(ctx), err)
			}
			return errors.Join(a.pointKubectl(guide, handle), a.say(guide), guide.Close())
		},
	}
	flags.add(a, cmd)
	cmd.Flags().Lookup("lang").Usage = "language of titles and texts (default: your locale's)"
	cmd.Flags().IntVar(&seed, "seed", 0, "by which a lab that draws its steps (game-day) draws them (default: any)")
	return cmd
}
