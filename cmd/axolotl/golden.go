package main

import (
	"strings"

	"github.com/spf13/cobra"

	"axolotl/internal/term"
	"axolotl/vm/cluster"
	"axolotl/vm/image"
)

func newGolden(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "golden",
		Short: "List and prune golden snapshots",
		Long: `A golden snapshot is a formed, healthy, idle cluster with all that its machines
had in memory. The first 'axolotl up' of a shape (sizes, node count, image)
boots once and makes it; later ones map its memory, copy-on-write, and are up in
seconds. It is made anew where it is stale, damaged or of another build.`,
	}
	cmd.AddCommand(newGoldenList(a), newGoldenPrune(a))
	return family(cmd)
}

func newGoldenList(a *app) *cobra.Command {
	format := term.FormatTable
	cmd := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List the golden snapshots on this host",
		Args:    usageErrors(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			entries, err := a.clusters().Goldens()
			if err != nil {
				return err
			}
			return format.Print(a.out, entries, func() error { return goldenTable(a, entries) })
		},
	}
	cmd.Flags().VarP(&format, "output", "o", "output format")
	return cmd
}

func goldenTable(a *app, entries []cluster.GoldenEntry) error {
	var rows [][]string
	for _, e := range entries {
		state, created := "ok", ""
		if e.Damage != "" {
			state = e.Damage
		} else {
			created = e.Created.Local().Format("2006-01-02 15:04")
		}
		rows = append(rows, []string{e.ID, created, e.Spec.String(), mebibytes(e.Bytes), state, strings.Join(e.Clusters, " ")})
	}
	return term.Table(a.out, []string{"ID", "CREATED", "SHAPE", "SIZE", "STATE", "CLUSTERS"}, rows)
}

func newGoldenPrune(a *app) *cobra.Command {
	format := term.FormatTable
	var all bool
	cmd := &cobra.Command{
		Use:   "prune",
		Short: "Remove golden snapshots that are of no use any more",
		Long: `Remove golden snapshots that are stale, damaged or of another node image than the
one that this axolotl makes, and what is left of builds that were killed. Those
that a cluster lies over always stay.`,
		Args: usageErrors(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			current, err := image.ID()
			if err != nil {
				return err
			}
			removed, err := a.clusters().PruneGoldens(cmd.Context(), a.open, func(e cluster.GoldenEntry) bool {
				return all || e.Damage != "" || e.Image != current
			}, a.progress)
			if err != nil {
				return err
			}
			return format.Print(a.out, removed, func() error { return goldenTable(a, removed) })
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "also those that could be used again")
	cmd.Flags().VarP(&format, "output", "o", "output format")
	return cmd
}
