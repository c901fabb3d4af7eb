package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"axolotl/chaos"
	"axolotl/internal/term"
	"axolotl/vm/cluster"
)

func newSnapshot(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "snapshot",
		Short: "Save a whole cluster at one instant, and have it back in seconds",
		Long: `A snapshot is a whole cluster at one instant: what its machines have in memory and
on their disks, etcd with it. The machines are paused while it is saved, and go
on. To restore it takes seconds and boots nothing. It is kept with the cluster
and goes with it ('axolotl down').`,
		Example: `  axolotl snapshot save demo before-the-exam
  axolotl snapshot restore demo before-the-exam`,
	}
	cmd.AddCommand(newSnapshotSave(a), newSnapshotRestore(a), newSnapshotList(a), newSnapshotDelete(a))
	return family(cmd)
}

func newSnapshotSave(a *app) *cobra.Command {
	return &cobra.Command{
		Use:               "save NAME SNAPSHOT",
		Short:             "Save a cluster, running or stopped",
		Args:              usageErrors(cobra.ExactArgs(2)),
		ValidArgsFunction: a.completeSnapshots,
		RunE: func(cmd *cobra.Command, args []string) error {
			start := time.Now()
			c, err := a.clusters().Load(args[0])
			if err != nil {
				return err
			}
			// A snapshot would bring the fault back, and nobody would know of it.
			open, err := chaos.Unfinished(c)
			if err != nil {
				return err
			}
			if len(open) > 0 {
				return fmt.Errorf("cluster %q has %d fault(s) that are not undone; undo them first ('axolotl chaos undo --cluster %s')", c.Name, len(open), c.Name)
			}
			shot, err := a.clusters().SaveSnapshot(cmd.Context(), args[0], args[1], a.open, a.progress)
			if err != nil {
				return err
			}
			a.progress.Line("snapshot %s of cluster %s is saved, %s, in %s", shot.Name, args[0], mebibytes(shot.Bytes), term.Seconds(time.Since(start)))
			return nil
		},
	}
}

func newSnapshotRestore(a *app) *cobra.Command {
	var noContext bool
	cmd := &cobra.Command{
		Use:   "restore NAME SNAPSHOT",
		Short: "Bring a cluster back to what it was when a snapshot was saved",
		Long: `Bring a cluster back to what it was when a snapshot was saved: what it is now
gives way, whatever it is. Machines that ran then run, those that were off are
off. What is interrupted is completed by 'axolotl up NAME'.`,
		Args:              usageErrors(cobra.ExactArgs(2)),
		ValidArgsFunction: a.completeSnapshots,
		RunE: func(cmd *cobra.Command, args []string) error {
			start := time.Now()
			_, err := a.clusters().RestoreSnapshot(cmd.Context(), args[1], cluster.UpOptions{
				Name: args[0], Open: a.open, Kubeconfig: a.userKubeconfig(noContext),
			}, a.progress)
			if err != nil {
				return err
			}
			a.progress.Line("cluster %s is as it was in snapshot %s, in %s", args[0], args[1], term.Seconds(time.Since(start)))
			return nil
		},
	}
	cmd.Flags().BoolVar(&noContext, "no-context", false, "leave the user's kubeconfig alone")
	return cmd
}

func newSnapshotList(a *app) *cobra.Command {
	format := term.FormatTable
	cmd := &cobra.Command{
		Use:               "list [NAME]",
		Aliases:           []string{"ls"},
		Short:             "List the snapshots of a cluster",
		Args:              usageErrors(cobra.MaximumNArgs(1)),
		ValidArgsFunction: a.completeClusters,
		RunE: func(_ *cobra.Command, args []string) error {
			all, err := a.clusters().Snapshots(nameArgument(args))
			if err != nil {
				return err
			}
			return format.Print(a.out, all, func() error {
				var rows [][]string
				for _, shot := range all {
					state := "ok"
					if shot.Damage != "" {
						state = shot.Damage
					}
					rows = append(rows, []string{shot.Name, shot.Created.Local().Format(time.DateTime), shot.Cluster.Spec.String(), mebibytes(shot.Bytes), state})
				}
				return term.Table(a.out, []string{"NAME", "CREATED", "SHAPE", "SIZE", "STATE"}, rows)
			})
		},
	}
	cmd.Flags().VarP(&format, "output", "o", "output format")
	return cmd
}

func newSnapshotDelete(a *app) *cobra.Command {
	return &cobra.Command{
		Use:               "delete NAME SNAPSHOT",
		Aliases:           []string{"rm"},
		Short:             "Delete a snapshot",
		Args:              usageErrors(cobra.ExactArgs(2)),
		ValidArgsFunction: a.completeSnapshots,
		RunE: func(_ *cobra.Command, args []string) error {
			if err := a.clusters().DeleteSnapshot(args[0], args[1]); err != nil {
				return err
			}
			a.progress.Line("snapshot %s of cluster %s is deleted", args[1], args[0])
			return nil
		},
	}
}

// completeSnapshots completes a cluster's name, then one of its snapshots'.
func (a *app) completeSnapshots(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return a.completeClusters(cmd, args, word)
	}
	all, err := completionStore().Snapshots(args[0])
	if err != nil || len(args) > 1 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, shot := range all {
		names = append(names, shot.Name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
