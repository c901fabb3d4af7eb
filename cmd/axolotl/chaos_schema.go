package main

import (
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"axolotl/chaos"
)

// newChaosSchema prints the schema of experiment files, or that of a result.
func newChaosSchema(a *app) *cobra.Command {
	names := slices.Sorted(maps.Keys(chaos.ResultSchemas))
	asked := map[string]*bool{}
	cmd := newSchema(a, "an experiment", func() map[string]any {
		for name, yes := range asked {
			if *yes {
				return chaos.ResultSchemas[name]()
			}
		}
		return chaos.FileSchema()
	})
	for _, name := range names {
		asked[name] = cmd.Flags().Bool(name, false, "print that of what -o json prints of: "+name)
	}
	cmd.MarkFlagsMutuallyExclusive(names...)
	return cmd
}
