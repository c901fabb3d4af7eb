package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"axolotl/chaos"
	"axolotl/internal/term"
)

func newChaosAbort(a *app) *cobra.Command {
	name := defaultCluster()
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
