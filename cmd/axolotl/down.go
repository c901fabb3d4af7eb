package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"axolotl/chaos/serve"
	"axolotl/labs"
	"axolotl/vm/cluster"
)

// warnOfLabs says which labs there are on a cluster that is taken down. That is no
// reason to leave it: they end with it, and leave nothing.
func (a *app) warnOfLabs(name string) {
	c, err := a.clusters().Load(name)
	if err != nil {
		return // it is damaged, or there is none
	}
	for _, what := range labs.UnderWay(c) {
		a.progress.Line("cluster %s: %s, and ends with it", name, what)
	}
}

func newDown(a *app) *cobra.Command {
	var all, noContext bool
	var connect string
	cmd := &cobra.Command{
		Use:   "down [NAME | --all]",
		Short: "Remove a cluster with every trace of it",
		Long: `Remove a cluster: machines, disks, files and its context in the kubeconfig.
A cluster that is half-made or whose record is damaged is removed as well; where
its directory does not even say at which libvirt its machines are, --connect does.
Only objects that carry the cluster's own ID are touched. A cluster of --driver
existing is only forgotten: it and its context stay. Labs that are running there are
told to end.`,
		Args:              usageErrors(cobra.MaximumNArgs(1)),
		ValidArgsFunction: a.completeClusters,
		RunE: func(cmd *cobra.Command, args []string) error {
			names, err := a.namesOf(args, all)
			if err != nil {
				return err
			}
			// An 'up' that was killed may have left machines that were to become
			// a golden snapshot; they are of no cluster yet.
			errs := []error{a.clusters().DiscardAbandoned(cmd.Context(), a.downOptions(connect, true), a.progress)}
			// The history outlives the clusters: reports that are still files go
			// into it before their directory is removed.
			a.keepReports(cmd.Context())
			for _, name := range names {
				if err := nothingToUndo(a, name); err != nil {
					errs = append(errs, fmt.Errorf("down %s: %w", name, err))
					continue
				}
				fate := fateOf(a, name) // its record goes with it
				a.warnOfLabs(name)
				err := a.clusters().Down(cmd.Context(), name, a.downOptions(connect, noContext), a.progress)
				var missing *cluster.NotFoundError
				switch {
				case errors.As(err, &missing) && len(args) == 0:
					a.progress.Line("there is no cluster %q: nothing to do", name)
				case err != nil:
					errs = append(errs, fmt.Errorf("down %s: %w", name, err))
				default:
					errs = append(errs, serve.KeepsAt(a.home).Remove(name))
					a.progress.Line("cluster %s %s", name, fate)
				}
			}
			return errors.Join(errs...)
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "all clusters")
	cmd.Flags().StringVar(&connect, "connect", "", "libvirt URI of the machines of a cluster that says nothing of itself any more")
	cmd.Flags().BoolVar(&noContext, "no-context", false, "leave the user's kubeconfig alone")
	return cmd
}

// downOptions are how clusters are taken down here.
func (a *app) downOptions(connect string, noContext bool) cluster.DownOptions {
	return cluster.DownOptions{Open: a.open, Salvage: a.salvagers(connect), Named: connect != "", Kubeconfig: a.userKubeconfig(noContext)}
}
