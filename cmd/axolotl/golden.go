package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"axolotl/internal/term"
	"axolotl/vm"
	"axolotl/vm/cluster"
	"axolotl/vm/libvirt"
)

func newGolden(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "golden",
		Short: "Build, list and prune golden snapshots",
		Long: `A golden snapshot is a formed, healthy, idle cluster with all that its machines
had in memory. The first 'axolotl up' of a shape (sizes, node count, image)
boots once and makes it; later ones map its memory, copy-on-write, and are up in
seconds. Where a small guest showed that this does not work ('axolotl doctor
--prove'), they read a save image of libvirt's whole, which is slower. It is made
anew where it is stale, damaged or of another build; clusters that lie over the old
one keep that, and the new one has an ID with a number (abc, abc-2).`,
	}
	cmd.AddCommand(newGoldenBuild(a), newGoldenList(a), newGoldenPrune(a))
	return family(cmd)
}

func newGoldenBuild(a *app) *cobra.Command {
	var flags upFlags
	cmd := &cobra.Command{
		Use:   "build",
		Short: "Make the golden snapshot for a shape, so that the first 'up' of it takes seconds",
		Example: `  axolotl golden build
  axolotl golden build --workers 2`,
		Args: usageErrors(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := flags.validate(); err != nil {
				return err
			}
			driver, err := a.choose(flags.driver, flags.connect)(cmd.Context())
			if err != nil {
				return err
			}
			freezer, err := vm.FreezerOf(driver)
			if err != nil {
				return err
			}
			spec := flags.options(a, "").Spec
			golden, err := a.clusters().EnsureGolden(cmd.Context(), driver, freezer, &spec, a.progress)
			if err != nil {
				return err
			}
			a.progress.Line("golden snapshot %s is there: %s", golden.ID, golden.Spec)
			return nil
		},
	}
	flags.addMachines(cmd)
	return cmd
}

func newGoldenList(a *app) *cobra.Command {
	format := term.FormatTable
	var verify bool
	cmd := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List the golden snapshots on this host",
		Long: `List the golden snapshots on this host. Each time that one is used its small files
are read and compared with what was sealed; of memory and disks, gigabytes, only size
and time are looked at. --verify reads those too: what it finds damaged is never used
again, and the next 'axolotl up' makes it anew.`,
		Args: usageErrors(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			build, err := goldenBuild(a)
			if err != nil {
				return err
			}
			if verify {
				err := a.progress.Do("Read every byte", func(*term.Step) error { return a.clusters().VerifyGoldens(cmd.Context()) })
				if err != nil {
					return err
				}
			}
			entries, err := a.clusters().Goldens()
			if err != nil {
				return err
			}
			cluster.MarkStale(entries, build)
			if err := format.Print(a.out, entries, func() error { return goldenTable(a, entries) }); err != nil || !verify {
				return err
			}
			for _, e := range entries {
				if e.Damage != "" {
					return fmt.Errorf("golden snapshot %s: %s; 'axolotl up' makes it anew where it is needed, 'axolotl golden prune' removes it", e.ID, e.Damage)
				}
			}
			return nil
		},
	}
	cmd.Flags().VarP(&format, "output", "o", "output format")
	cmd.Flags().BoolVar(&verify, "verify", false, "read every byte")
	return cmd
}

// goldenBuild names what of this program golden snapshots depend on.
func goldenBuild(a *app) (string, error) { return libvirt.New(a.home, "").Build() }

func goldenTable(a *app, entries []cluster.GoldenEntry) error {
	var rows [][]string
	for _, e := range entries {
		state, created := "ok", ""
		if e.Damage != "" {
			state = e.Damage
		} else {
			state = cmp.Or(e.Stale, state)
		}
		if !e.Created.IsZero() {
			created = e.Created.Local().Format("2006-01-02 15:04")
		}
		rows = append(rows, []string{e.ID, created, e.Spec.String(), string(e.Form), mebibytes(e.Bytes), state, strings.Join(e.Clusters, " ")})
	}
	return term.Table(a.out, []string{"ID", "CREATED", "SHAPE", "FORM", "SIZE", "STATE", "CLUSTERS"}, rows)
}

func newGoldenPrune(a *app) *cobra.Command {
	format := term.FormatTable
	var all, dryRun bool
	cmd := &cobra.Command{
		Use:   "prune",
		Short: "Remove golden snapshots that are of no use any more",
		Long: `Remove golden snapshots that are stale, damaged or made by another build of axolotl
(of another node image, say, or with other arguments for its kernel), and what is
left of builds that were killed. Those that a cluster lies over always stay.`,
		Args: usageErrors(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			build, err := goldenBuild(a)
			if err != nil {
				return err
			}
			unwanted := func(e cluster.GoldenEntry) bool { return all || e.Damage != "" || e.Build != build }
			var removed []cluster.GoldenEntry
			if dryRun {
				removed, err = a.clusters().PrunableGoldens(unwanted)
			} else {
				removed, err = a.clusters().PruneGoldens(cmd.Context(), a.downOptions("", true), unwanted, a.progress)
			}
			if err != nil {
				return err
			}
			cluster.MarkStale(removed, build)
			return format.Print(a.out, removed, func() error {
				if len(removed) == 0 {
					a.progress.Line("there is nothing to remove")
					return nil
				}
				return goldenTable(a, removed)
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "also those that could be used again")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "print the golden snapshots that would be removed, and remove nothing")
	cmd.Flags().VarP(&format, "output", "o", "output format")
	return cmd
}
