package main

import (
	"os"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"axolotl/vm/local"
)

// newSupervise is what the local driver starts for each of its clusters; it is
// not for people.
func newSupervise() *cobra.Command {
	return &cobra.Command{
		Use:    local.SuperviseCommand + " DIR",
		Short:  "Supervise the processes of one local cluster",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			log, err := zap.NewProduction() // to stderr, which is the cluster's supervisor.log
			if err != nil {
				return err
			}
			defer log.Sync() //nolint:errcheck // stderr has nothing to sync
			return local.Supervise(cmd.Context(), args[0], os.Stdout, log)
		},
	}
}
