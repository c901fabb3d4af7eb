package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"axolotl/internal/term"
	"axolotl/vm/cluster"
)

func newRecreate(a *app) *cobra.Command {
	var all, cold, noContext bool
	cmd := &cobra.Command{
		Use:   "recreate [NAME [NODE...] | --all]",
		Short: "Throw a cluster's machines away and have them back, healthy",
		Long: `Throw the machines of a cluster away and have it back as 'axolotl up' made it,
whatever they are now: crashed, paused, hung, undefined in libvirt, their disks
wiped or deleted. It is restored from a golden snapshot in seconds.

All that was in the cluster is gone, also what its volumes held. Its name, ports,
kubeconfig context, snapshots and chaos reports stay.

With the names of nodes, only their machines are made anew, and rejoin the
cluster, which runs on. Pods that belong there are started there again; what they
had on the node's disk is gone. With 3 or 5 control planes you can recreate one at a
time: it leaves etcd and joins it again. A single control plane cannot be recreated
alone.

What is interrupted is completed by 'axolotl up NAME'.`,
		Example: `  axolotl recreate
  axolotl recreate broken --cold
  axolotl recreate demo worker-1`,
		Args:              usageErrors(cobra.ArbitraryArgs),
		ValidArgsFunction: a.completeNodes,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 && !all {
				start := time.Now()
				nodes := unique(args[1:])
				if err := a.clusters().RecreateNodes(cmd.Context(), args[0], nodes, cold, a.open, a.progress); err != nil {
					return fmt.Errorf("recreate %s of %s: %w", strings.Join(nodes, ", "), args[0], err)
				}
				a.progress.Line("%s of cluster %s: back, in %s", strings.Join(nodes, ", "), args[0], term.Seconds(time.Since(start)))
				return nil
			}
			names, err := a.namesOf(args, all)
			if err != nil {
				return err
			}
			var errs []error
			for _, name := range names {
				start := time.Now()
				_, err := a.clusters().Recreate(cmd.Context(), cluster.UpOptions{
					Name: name, Open: a.open, Cold: cold, Kubeconfig: a.userKubeconfig(noContext),
				}, a.progress)
				if err != nil {
					errs = append(errs, fmt.Errorf("recreate %s: %w", name, err))
					continue
				}
				a.progress.Line("cluster %s is back, in %s", name, term.Seconds(time.Since(start)))
			}
			return errors.Join(errs...)
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "all clusters")
	cmd.Flags().BoolVar(&cold, "cold", false, "boot the machines, also where they could be restored from a golden snapshot")
	cmd.Flags().BoolVar(&noContext, "no-context", false, "leave the user's kubeconfig alone")
	return cmd
}
