package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"axolotl/vm"
	"axolotl/vm/cluster"
)

func newNodeStart(a *app) *cobra.Command {
	return nodePower(a, "start", "Give power to machines; those that are paused go on", "has power", nil,
		func(ctx context.Context, h *vm.Handle, power vm.Powerer, node string) error {
			pauser, ok := h.Driver.(vm.Pauser)
			states, err := h.Driver.Machines(ctx, h.Cluster)
			if err != nil {
				return err
			}
			for _, s := range states {
				if ok && s.Name == node && s.State == vm.MachinePaused {
					return pauser.Resume(ctx, h.Cluster, node)
				}
			}
			return power.PowerOn(ctx, h.Cluster, node)
		})
}

func newNodeStop(a *app) *cobra.Command {
	var force bool
	cmd := nodePower(a, "stop", "Cut the power of machines, as pulling the plug does", "has no power",
		func(ctx context.Context, h *vm.Handle, nodes []string) error {
			if force {
				return nil
			}
			return cluster.KeepsQuorum(ctx, h, nodes)
		},
		func(ctx context.Context, h *vm.Handle, power vm.Powerer, node string) error {
			return power.PowerOff(ctx, h.Cluster, node)
		})
	cmd.Flags().BoolVar(&force, "force", false, "also where etcd, of several control planes, loses its majority")
	return cmd
}

// nodePower is a command that does one thing to the power of nodes, where allowed,
// unless nil, has no objection to all of them.
func nodePower(a *app, name, short, done string, allowed func(context.Context, *vm.Handle, []string) error, do func(context.Context, *vm.Handle, vm.Powerer, string) error) *cobra.Command {
	return &cobra.Command{
		Use:               name + " NAME NODE...",
		Short:             short,
		Args:              usageErrors(cobra.MinimumNArgs(2)),
		ValidArgsFunction: a.completeNodes,
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.handle(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			power, ok := h.Driver.(vm.Powerer)
			if !ok {
				return fmt.Errorf("driver %s does not own the machines: their power is not ours", h.Driver.Name())
			}
			if allowed != nil {
				if err := allowed(cmd.Context(), h, args[1:]); err != nil {
					return err
				}
			}
			var errs []error
			for _, node := range args[1:] {
				if err := do(cmd.Context(), h, power, node); err != nil {
					errs = append(errs, fmt.Errorf("%s %s: %w", name, node, err))
					continue
				}
				a.progress.Line("%s %s", node, done)
			}
			return errors.Join(errs...)
		},
	}
}
