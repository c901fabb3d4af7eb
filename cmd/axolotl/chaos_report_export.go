package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"axolotl/chaos"
	"axolotl/chaos/history"
	"axolotl/internal/term"
)

// exportFormat is the value of -o of an export.
type exportFormat string

const (
	exportJSON exportFormat = "json"
	exportCSV  exportFormat = "csv"
)

// Set implements pflag.Value.
func (f *exportFormat) Set(value string) error {
	switch exportFormat(value) {
	case exportJSON, exportCSV:
		*f = exportFormat(value)
		return nil
	}
	return fmt.Errorf("unknown format %q; use json or csv", value)
}

// String implements pflag.Value.
func (f *exportFormat) String() string { return string(*f) }

// Type implements pflag.Value.
func (f *exportFormat) Type() string { return "json|csv" }

func newChaosReportExport(a *app) *cobra.Command {
	format := exportJSON
	var filter runFilter
	var raw bool
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write runs as JSON or CSV, for other programs",
		Long: `Write runs to standard output: as JSON, a list of whole reports, or as CSV, a line
for each run with the times of its phases in seconds.`,
		Example: `  axolotl chaos report export -o csv >runs.csv
  axolotl chaos report export --experiment pod-deletion --since 90d --raw >runs.json`,
		Args: usageErrors(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if raw && format == exportCSV {
				return codedError{errors.New("--raw: a line of CSV has no room for raw data; use -o json"), exitUsage}
			}
			return a.withHistory(cmd.Context(), func(db *history.DB) error {
				all, err := filter.reports(cmd.Context(), a, db)
				if err != nil {
					return err
				}
				if format == exportCSV {
					return chaos.WriteCSV(a.out, all)
				}
				for _, p := range all {
					if !raw {
						break
					}
					if err := p.AddRaw(cmd.Context(), db); err != nil {
						return err
					}
				}
				return term.FormatJSON.Print(a.out, all, nil)
			})
		},
	}
	cmd.Flags().VarP(&format, "output", "o", "output format")
	cmd.Flags().BoolVar(&raw, "raw", false, "with -o json: also all that was seen, and each request of the client")
	filter.add(a, cmd)
	return cmd
}
