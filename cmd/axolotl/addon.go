package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"axolotl/internal/term"
	"axolotl/vm"
	"axolotl/vm/addon"
)

func newAddon(a *app) *cobra.Command {
	cmd := family(&cobra.Command{
		Use:   "addon",
		Short: "Give a cluster ingress, storage, metrics, network policies, and take them away",
		Long: `An add-on is what a cluster does not have from the start. Labs that need one
install it and remove it with them; what is installed here stays until it is
removed here. It is compiled from source when it is first used, which takes
minutes; its container image stays in the machines.`,
	})
	cmd.AddCommand(newAddonList(a), newAddonInstall(a), newAddonRemove(a))
	return cmd
}

// addonState is one add-on on a cluster.
type addonState struct {
	Name      string   `json:"name"`
	Summary   string   `json:"summary"`
	Installed bool     `json:"installed"`
	Users     []string `json:"users,omitempty"` // labs by their IDs
}

func newAddonList(a *app) *cobra.Command {
	name, format := defaultCluster(), term.FormatTable
	cmd := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List the add-ons, and who uses them on a cluster",
		Args:    usageErrors(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			handle, err := a.handle(cmd.Context(), name)
			if err != nil {
				return err
			}
			var states []addonState
			var rows [][]string
			for _, add := range addon.All {
				users, installed, err := add.Users(cmd.Context(), handle.Kube)
				if err != nil {
					return err
				}
				state := addonState{add.Name, add.Summary, installed, users}
				states = append(states, state)
				used := "no"
				if installed {
					used = "used " + strings.Join(users, ", ")
				}
				rows = append(rows, []string{state.Name, used, state.Summary})
			}
			return format.Print(a.out, states, func() error {
				return term.Table(a.out, []string{"NAME", "INSTALLED", "WHAT IT IS"}, rows)
			})
		},
	}
	addClusterFlag(a, cmd, &name)
	cmd.Flags().VarP(&format, "output", "o", "output format")
	return cmd
}

func newAddonInstall(a *app) *cobra.Command {
	return addonCommand(a, "install", "Install add-ons and wait until they serve", func(ctx context.Context, h *vm.Handle, add *addon.Addon) error {
		reason, err := add.Missing(ctx, h)
		if err == nil && reason != "" {
			err = codedError{fmt.Errorf("add-on %s cannot be installed: %s", add.Name, reason), exitSkipped}
		}
		if err != nil {
			return err
		}
		err = a.progress.Do("Install "+add.Name, func(step *term.Step) error { return add.Use(ctx, h, addon.ByHand, step) })
		if err != nil {
			err = fmt.Errorf("%w; run it again, or remove what there is with: axolotl addon remove %s --cluster %s", err, add.Name, h.Cluster.Name)
		}
		return err
	})
}

func newAddonRemove(a *app) *cobra.Command {
	return addonCommand(a, "remove", "Remove add-ons, whoever uses them", func(ctx context.Context, h *vm.Handle, add *addon.Addon) error {
		return a.progress.Do("Remove "+add.Name, func(*term.Step) error { return add.Remove(ctx, h) })
	})
}

// addonCommand is a command that does something with each add-on it is given.
func addonCommand(a *app, verb, short string, each func(context.Context, *vm.Handle, *addon.Addon) error) *cobra.Command {
	name := defaultCluster()
	cmd := &cobra.Command{
		Use:       verb + " NAME...",
		Short:     short,
		Args:      usageErrors(cobra.MinimumNArgs(1)),
		ValidArgs: addon.Names(),
		RunE: func(cmd *cobra.Command, args []string) error {
			adds, err := findAddons(args)
			if err != nil {
				return err
			}
			handle, err := a.handle(cmd.Context(), name)
			if err != nil {
				return err
			}
			for _, add := range adds {
				if err := each(cmd.Context(), handle, add); err != nil {
					return err
				}
			}
			return nil
		},
	}
	addClusterFlag(a, cmd, &name)
	return cmd
}

func findAddons(names []string) ([]*addon.Addon, error) {
	var adds []*addon.Addon
	var errs []error
	for _, name := range names {
		add, err := addon.Find(name)
		adds, errs = append(adds, add), append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, codedError{err, exitUsage}
	}
	return adds, nil
}
