package main

import (
	"context"
	"io"
	"os"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"axolotl/vm/libvirt"
	"axolotl/vm/local"
)

// newSupervise is what the local driver starts for each of its clusters; it is
// not for people.
func newSupervise() *cobra.Command {
	return newBackground(local.SuperviseCommand, "Supervise the processes of one local cluster", local.Supervise)
}

// newBalance is what the libvirt driver starts for clusters with several control
// planes; it is not for people.
func newBalance() *cobra.Command {
	return newBackground(libvirt.BalanceCommand, "Balance the API servers of one cluster", libvirt.Balance)
}

// newTunnel is what the libvirt driver starts for clusters on another host; it is
// not for people.
func newTunnel() *cobra.Command {
	return newBackground(libvirt.TunnelCommand, "Have the ports of one cluster on another host here", libvirt.Tunnel)
}

// newBackground is a command that is started for the directory of a cluster, and
// outlives who started it.
func newBackground(name, short string, run func(ctx context.Context, dir string, answer io.WriteCloser, log *zap.Logger) error) *cobra.Command {
	return &cobra.Command{
		Use:    name + " DIR",
		Short:  short,
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			log, err := zap.NewProduction() // to stderr, which is the daemon's log
			if err != nil {
				return err
			}
			defer log.Sync() //nolint:errcheck // stderr has nothing to sync
			return run(cmd.Context(), args[0], os.Stdout, log)
		},
	}
}
