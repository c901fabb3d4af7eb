package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"axolotl/chaos"
	"axolotl/chaos/fault"
)

func newChaosNew(a *app) *cobra.Command {
	faultName := "pod-deletion"
	cmd := &cobra.Command{
		Use:   "new NAME",
		Short: "Print a commented file for an experiment of your own",
		Example: `  axolotl chaos new rush-hour --fault cpu-pressure >rush-hour.yaml
  axolotl chaos lint ./rush-hour.yaml`,
		Args: usageErrors(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			text, err := chaos.NewFile(args[0], faultName)
			if err != nil {
				return codedError{err, exitUsage}
			}
			_, err = fmt.Fprint(a.out, text)
			return err
		},
	}
	cmd.Flags().StringVar(&faultName, "fault", faultName, "the fault that it injects")
	_ = cmd.RegisterFlagCompletionFunc("fault", cobra.FixedCompletions(fault.Names(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}
