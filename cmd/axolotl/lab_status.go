package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"axolotl/internal/term"
	"axolotl/labs"
)

func newLabStatus(a *app) *cobra.Command {
	var flags guideFlags
	format := term.FormatTable
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Say how far the lab under way has come",
		Args:  usageErrors(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.seen(cmd.Context(), flags, func(g *labs.Guide) error {
				status := g.Status()
				return format.Print(a.out, status, func() error {
					fmt.Fprintf(a.out, "%s (%s) in namespace %s\n", term.Escape(status.Title), status.Lab, status.Namespace)
					var rows [][]string
					for i, name := range status.Steps {
						how := ""
						switch {
						case i+1 == status.Step && !status.Passed:
							how = "under way"
						case i < len(status.Done):
							mark := status.Done[i]
							how = "done, " + counted(mark.Hints, "hint")
							if mark.Solved {
								how = "solved by axolotl"
							}
							if mark.Skipped != "" {
								how = "skipped: " + mark.Skipped
							}
						}
						rows = append(rows, []string{fmt.Sprint(i + 1), name, how})
					}
					if status.ScoreOf > 0 {
						fmt.Fprintf(a.out, "score %d of %d, seed %d\n", status.Score, status.ScoreOf, status.Seed)
					}
					return term.Table(a.out, []string{"#", "STEP", "STATE"}, rows)
				})
			})
		},
	}
	flags.add(a, cmd)
	cmd.Flags().VarP(&format, "output", "o", "output format")
	return cmd
}
