package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"axolotl/chaos/history"
	"axolotl/chaos/schedule"
	"axolotl/chaos/serve"
	"axolotl/internal/term"
)

func newKeep(a *app) *cobra.Command {
	format := term.FormatTable
	timeout, window, most := serve.DefaultUnhealthyTimeout, serve.DefaultKeepWindow, serve.DefaultMaxRecreations
	var off, list, log bool
	cmd := &cobra.Command{
		Use:   "keep [NAME]",
		Short: "Have 'axolotl serve' watch a cluster's machines, and recreate one that breaks",
		Long: `Have 'axolotl serve' watch the machines of a cluster. A worker that crashed, was
stopped or paused (by its disk's errors too), is gone, or whose node is not Ready as
its lease is stale, for longer than --unhealthy-timeout, is recreated as 'axolotl
recreate NAME NODE' does, while the others run on. Where the only control plane
breaks the whole cluster is recreated, and ALL THAT IS IN IT IS GONE; one of several
is started anew, with its disk, and recreated where that does not help.

It is one machine at a time, never one that a chaos run is at work on, and at most
--max-recreations within --window; after that it stops and you must step in. --log
lists past repairs, and after how long each node was Ready.

Changes of machines come from libvirt's events; only the nodes' leases are polled,
every ten seconds.`,
		Example: `  axolotl keep demo --max-recreations 2 --window 6h
  axolotl keep demo --log
  axolotl keep demo --off`,
		Args:              usageErrors(cobra.MaximumNArgs(1)),
		ValidArgsFunction: a.completeClusters,
		RunE: func(cmd *cobra.Command, args []string) error {
			keeps, name := serve.KeepsAt(a.home), nameArgument(args)
			if list {
				return printKeeps(a, keeps, format)
			}
			if log {
				return printRecreations(cmd.Context(), a, name, format)
			}
			if off {
				return unkeep(a, keeps, name)
			}
			if _, _, err := watched(cmd.Context(), a, name); err != nil {
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
	flags.BoolVar(&log, "log", false, "tell which of its machines were recreated, and how that went")
	spanVar(cmd, &timeout, "unhealthy-timeout", timeout, "how long a machine must be unhealthy without a break")
	flags.IntVar(&most, "max-recreations", most, "recreate at most so often within --window")
	spanVar(cmd, &window, "window", window, "see --max-recreations")
	flags.VarP(&format, "output", "o", "output format, with --list and --log")
	cmd.MarkFlagsMutuallyExclusive("off", "list", "log")
	return cmd
}

// unkeep has a cluster watched no more. A name that is none of those is as a rule
// mistyped, and the cluster that was meant is watched on.
func unkeep(a *app, keeps serve.Keeps, name string) error {
	all, unread := keeps.List()
	if err := keeps.Remove(name); err != nil {
		return err
	}
	// One that cannot be read is not in the list, and is gone now.
	if unread == nil && !slices.ContainsFunc(all, func(k serve.Keep) bool { return k.Cluster == name }) {
		return fmt.Errorf("cluster %q is not kept; 'axolotl keep --list' shows those that are", name)
	}
	a.progress.Line("cluster %s is kept no more", name)
	return nil
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

// printRecreations prints what the keeper did to a cluster, oldest first.
func printRecreations(ctx context.Context, a *app, name string, format term.Format) error {
	return a.withHistory(ctx, func(db *history.DB) error {
		all, err := db.Recreations(ctx, name, time.Time{})
		if err != nil {
			return err
		}
		return format.Print(a.out, all, func() error {
			var rows [][]string
			for _, r := range all {
				ready := term.Seconds(r.Ready)
				if r.Error != "" {
					ready = "failed: " + r.Error
				}
				rows = append(rows, []string{r.Started.Format(time.RFC3339), r.Machine, ready, r.Reason})
			}
			return term.Table(a.out, []string{"STARTED", "MACHINE", "READY AFTER", "REASON"}, rows)
		})
	})
}
