package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"axolotl/chaos/history"
	"axolotl/internal/term"
)

func newChaosReportPrune(a *app) *cobra.Command {
	format := term.FormatTable
	var olderThan age
	var maxSize bytesFlag
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "prune",
		Short: "Remove old runs from the history",
		Long: `Remove runs that are too old, or the oldest ones until the history takes no more
than so much of the disk, and give the space back. With the old runs go old
firings of schedules and recreations of machines. Runs that are under way stay,
and the last firing of each schedule, from which missed ones are counted.`,
		Example: `  axolotl chaos report prune --older-than 90d
  axolotl chaos report prune --max-size 200Mi --dry-run`,
		Args: usageErrors(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if olderThan == 0 && maxSize == 0 {
				return codedError{errors.New("nothing to go by: give --older-than or --max-size"), exitUsage}
			}
			retention := history.Retention{MaxBytes: int64(maxSize), DryRun: dryRun}
			if olderThan > 0 {
				retention.Before = time.Now().Add(-time.Duration(olderThan))
			}
			return a.withHistory(cmd.Context(), func(db *history.DB) error {
				pruned, err := db.Prune(cmd.Context(), retention)
				if err != nil {
					return err
				}
				return format.Print(a.out, pruned, func() error {
					what := "removed"
					if dryRun {
						what = "would remove"
					}
					_, err := fmt.Fprintf(a.out, "%s: %d run(s), %d firing(s), %d recreation(s); the history takes %s, before %s\n",
						what, pruned.Runs, pruned.Firings, pruned.Recreations, kibibytes(pruned.Bytes), kibibytes(pruned.BytesBefore))
					return err
				})
			})
		},
	}
	cmd.Flags().VarP(&format, "output", "o", "output format")
	cmd.Flags().Var(&olderThan, "older-than", "remove what is older than so many days or hours (90d, 36h)")
	cmd.Flags().Var(&maxSize, "max-size", "remove the oldest runs until no more than this is taken (200Mi, 1Gi)")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "only tell what would be removed")
	return cmd
}

func kibibytes(n int64) string { return fmt.Sprintf("%d KiB", (n+1023)/1024) }
