package main

import (
	"github.com/spf13/cobra"

	"axolotl/chaos"
)

// newChaosSchema prints the schema of experiment files, or that of reports.
func newChaosSchema(a *app) *cobra.Command {
	report := false
	cmd := newSchema(a, "an experiment", func() map[string]any {
		if report {
			return chaos.ReportSchema()
		}
		return chaos.FileSchema()
	})
	cmd.Flags().BoolVar(&report, "report", false, "print that of reports, as -o json prints them, instead")
	return cmd
}
