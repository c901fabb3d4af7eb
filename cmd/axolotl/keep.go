package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"axolotl/chaos/schedule"
	"axolotl/chaos/serve"
	"axolotl/internal/term"
)

func newKeep(a *app) *cobra.Command {
	format := term.FormatTable
	timeout, window, most := serve.DefaultUnhealthyTimeout, serve.DefaultKeepWindow, serve.DefaultMaxRecreations
	var off, list bool
	cmd := &cobra.Command{
		Use:   "keep [NAME]",
		Short: "Have 'axolotl serve' watch a cluster's machines, and recreate it when one breaks",
		Long: `Have 'axolotl serve' watch the machines of a cluster. One that crashed, was stopped
or paused, is gone, or whose node is not Ready, for longer than --unhealthy-timeout,
has the cluster recreated as 'axolotl recreate' does: ALL THAT IS IN IT IS GONE. It
is never done while a chaos run is at work on the cluster, and at most
--max-recreations times within --window; then a person has to see to it.

The machines are looked at every ten seconds.`,
		Example: `  axolotl keep demo --max-recreations 2 --window 6h
  axolotl keep demo --off`,
		Args:              usageErrors(cobra.MaximumNArgs(1)),
		ValidArgsFunction: a.completeClusters,
		RunE: func(_ *cobra.Command, args []string) error {
			keeps, name := serve.KeepsAt(a.home), nameArgument(args)
			if list {
				return printKeeps(a, keeps, format)
			}
			if off {
				return keeps.Remove(name)
			}
			if _, err := a.clusters().Load(name); err != nil {
				return err
			}
			err := keeps.Set(serve.Keep{
				Cluster: name, UnhealthyTimeout: schedule.Duration(timeout), MaxRecreations: most, Window: schedule.Duration(window),
			})
			if err != nil {
				return codedError{err, exitUsage}
			}
			a.progress.Line("cluster %s is kept, where 'axolotl serve' runs", name)
			return nil
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&off, "off", false, "watch it no more")
	flags.BoolVar(&list, "list", false, "list the clusters that are watched")
	flags.DurationVar(&timeout, "unhealthy-timeout", timeout, "how long a machine must be unhealthy without a break")
	flags.IntVar(&most, "max-recreations", most, "recreate at most so often within --window")
	flags.DurationVar(&window, "window", window, "see --max-recreations")
	flags.VarP(&format, "output", "o", "output format, with --list")
	cmd.MarkFlagsMutuallyExclusive("off", "list")
	return cmd
}

func printKeeps(a *app, keeps serve.Keeps, format term.Format) error {
	all, unread := keeps.List()
	err := format.Print(a.out, all, func() error {
		var rows [][]string
		for _, k := range all {
			rows = append(rows, []string{k.Cluster, k.UnhealthyTimeout.String(), fmt.Sprintf("%d in %s", k.MaxRecreations, k.Window)})
		}
		return term.Table(a.out, []string{"CLUSTER", "UNHEALTHY TIMEOUT", "RECREATIONS AT MOST"}, rows)
	})
	if err == nil {
		err = unread
	}
	return err
}
