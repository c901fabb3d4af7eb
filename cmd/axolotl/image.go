package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"axolotl/internal/term"
	"axolotl/vm"
	"axolotl/vm/cluster"
	"axolotl/vm/image"
	"axolotl/vm/local"
)

func newImage(a *app) *cobra.Command {
	cmd := family(&cobra.Command{
		Use:   "image",
		Short: "Build, list and prune node images, and load container images",
		Long: `A node image is what machines boot: a kernel and a root file system with Debian,
containerd, Kubernetes and every container image that labs need. It is made
once, from source and Debian's packages, and 'axolotl up' makes it by itself
where it is missing.

'image load' puts container images of yours into the machines of a cluster.`,
	})
	cmd.AddCommand(newImageBuild(a), newImageList(a), newImagePrune(a), newImageLoad(a), newImagePack(a))
	return cmd
}

func newImageBuild(a *app) *cobra.Command {
	format := term.FormatTable
	var verify bool
	cmd := &cobra.Command{
		Use:   "build",
		Short: "Make the node image, where it is missing or damaged",
		Args:  usageErrors(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if verify { // what is damaged is marked, and made anew below
				err := a.progress.Do("read every byte", func(*term.Step) error {
					_, err := image.List(a.home, true)
					return err
				})
				if err != nil {
					return err
				}
			}
			img, err := image.Ensure(cmd.Context(), a.home, a.progress)
			if err != nil {
				return err
			}
			entries, err := image.List(a.home, false)
			if err != nil {
				return err
			}
			for _, entry := range entries {
				if entry.Dir == img.Dir {
					return format.Print(a.out, entry, func() error { return imageTable(a, []image.Entry{entry}) })
				}
			}
			return fmt.Errorf("node image %s was removed while it was looked at; run 'axolotl image build' again", img.ID)
		},
	}
	cmd.Flags().VarP(&format, "output", "o", "output format")
	cmd.Flags().BoolVar(&verify, "verify", false, "read every byte of what is there first")
	return cmd
}

func newImageList(a *app) *cobra.Command {
	format := term.FormatTable
	var verify bool
	cmd := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List the node images on this host",
		Args:    usageErrors(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			entries, err := image.List(a.home, verify)
			if err != nil {
				return err
			}
			err = format.Print(a.out, entries, func() error { return imageTable(a, entries) })
			if err != nil {
				return err
			}
			for _, entry := range entries {
				if verify && entry.Damage != "" {
					return fmt.Errorf("node image %s: %s; 'axolotl image build' makes the current one anew, 'axolotl image prune' removes others",
						entry.ID, entry.Damage)
				}
			}
			return nil
		},
	}
	cmd.Flags().VarP(&format, "output", "o", "output format")
	cmd.Flags().BoolVar(&verify, "verify", false, "read every byte")
	return cmd
}

func imageTable(a *app, entries []image.Entry) error {
	var rows [][]string
	for _, e := range entries {
		current, state, created := "", "ok", ""
		if e.Current {
			current = "yes"
		}
		if e.Damage != "" {
			state = e.Damage
		}
		if !e.Created.IsZero() {
			created = e.Created.Local().Format("2006-01-02 15:04")
		}
		rows = append(rows, []string{e.ID, current, created, mebibytes(e.Bytes), state, e.Dir})
	}
	return term.Table(a.out, []string{"ID", "CURRENT", "CREATED", "SIZE", "STATE", "DIRECTORY"}, rows)
}

func newImagePrune(a *app) *cobra.Command {
	format := term.FormatTable
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "prune",
		Short: "Remove images and programs that neither a cluster nor this axolotl needs",
		Long: `Remove images and programs that neither a cluster nor this axolotl needs. Those
of root are read by the clusters of ordinary users, which root's axolotl knows
nothing of: one that lies over an image of an earlier release does not start
without it, and must be taken down and up again.`,
		Args: usageErrors(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			used, err := a.imagesInUse()
			if err != nil {
				return err
			}
			pruned, err := image.Prune(a.home, used, dryRun)
			if err != nil {
				return err
			}
			return format.Print(a.out, pruned, func() error {
				done := "removed"
				if dryRun {
					done = "would be removed"
				}
				var total int64
				for _, p := range pruned {
					total += p.Bytes
					fmt.Fprintf(a.out, "%s %s, %s\n", term.Escape(p.Path), done, mebibytes(p.Bytes))
				}
				fmt.Fprintf(a.out, "%s in all\n", mebibytes(total))
				return nil
			})
		},
	}
	cmd.Flags().VarP(&format, "output", "o", "output format")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "print what would be removed, and remove nothing")
	return cmd
}

// imagesInUse is what the clusters need that share this cache. A record that cannot
// be read may name any image.
func (a *app) imagesInUse() (image.InUse, error) {
	var used image.InUse
	homes, err := a.home.Sharing()
	if err != nil {
		return used, err
	}
	for _, home := range homes {
		if err := addInUse(&used, cluster.Store{Home: home}); err != nil {
			return used, err
		}
	}
	return used, nil
}

func addInUse(used *image.InUse, clusters cluster.Store) error {
	all, err := clusters.List()
	if err != nil {
		return err
	}
	for _, c := range all {
		if c.Phase == vm.PhaseBroken {
			return fmt.Errorf("the record of cluster %q in %s cannot be read, so it may need any image; remove what is left of it with 'axolotl down %s' first", c.Name, c.Dir, c.Name)
		}
		if c.Image != "" {
			used.Images = append(used.Images, c.Image)
		}
		shots, err := clusters.Snapshots(c.Name)
		if err != nil {
			return err
		}
		for _, shot := range shots {
			used.Images = append(used.Images, shot.Cluster.Image)
		}
		used.Programs = used.Programs || c.Driver == local.Name
	}
	return nil
}

func mebibytes(bytes int64) string { return fmt.Sprintf("%d MiB", bytes>>20) }
