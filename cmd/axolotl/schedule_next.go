package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"axolotl/chaos/schedule"
	"axolotl/internal/term"
)

// firingRow is a firing as 'schedule next' prints it.
type firingRow struct {
	Start      string `json:"start"` // in the schedule's zone
	UTC        string `json:"utc"`
	Due        string `json:"due"` // without jitter
	Experiment string `json:"experiment"`
	Seed       uint64 `json:"seed"`
	Quiet      string `json:"quiet,omitempty"` // it falls into quiet times and is skipped
}

func newScheduleNext(a *app) *cobra.Command {
	format := term.FormatTable
	count, all, after := 10, false, ""
	cmd := &cobra.Command{
		Use:   "next NAME|FILE",
		Short: "Print the next firings, in the schedule's zone and in UTC",
		Long: `Print the next firings of a schedule, or of a file that is not added yet, as
'axolotl serve' will run them: with their jitter, the experiment that each takes,
and its seed. Budgets and what else is known only then is not foreseen.`,
		Args: usageErrors(cobra.ExactArgs(1)),

		ValidArgsFunction: completeSchedules,
		RunE: func(_ *cobra.Command, args []string) error {
			from := time.Now()
			if after != "" {
				var err error
				if from, err = time.Parse(time.RFC3339, after); err != nil {
					return codedError{fmt.Errorf("--after %q is no instant such as 2027-03-27T00:00:00Z", after), exitUsage}
				}
			}
			if count < 1 || count > 10_000 {
				return codedError{errors.New("--count: use 1 to 10000"), exitUsage}
			}
			r, err := a.scheduleOrFile(args[0], from)
			if err != nil {
				return err
			}
			rows, err := firingRows(r, from, count, all)
			if err != nil {
				return err
			}
			return format.Print(a.out, rows, func() error { return printFirings(a, r, rows) })
		},
	}
	cmd.Flags().VarP(&format, "output", "o", "output format")
	cmd.Flags().IntVar(&count, "count", count, "how many")
	cmd.Flags().BoolVar(&all, "all", false, "also those that fall into quiet times")
	cmd.Flags().StringVar(&after, "after", "", "those after this instant (RFC 3339) instead of now")
	return cmd
}

// scheduleOrFile loads a schedule, or reads a file as if it were added now.
func (a *app) scheduleOrFile(nameOrFile string, now time.Time) (*schedule.Record, error) {
	if strings.ContainsRune(nameOrFile, '/') || slices.Contains([]string{".yaml", ".yml"}, filepath.Ext(nameOrFile)) {
		s, err := schedule.ReadFile(nameOrFile, now)
		if err != nil {
			return nil, err
		}
		return &schedule.Record{Schedule: *s, Added: now}, nil
	}
	return a.schedules().Load(nameOrFile)
}

func firingRows(r *schedule.Record, from time.Time, count int, all bool) ([]firingRow, error) {
	timetable, err := r.Timetable()
	if err != nil {
		return nil, err
	}
	rows := []firingRow{} // not nil: it is printed as JSON
	for _, f := range timetable.Next(from, count, all) {
		choice, seed := timetable.Choice(f.Due)
		rows = append(rows, firingRow{
			Start: f.Start.Format(time.RFC3339), UTC: f.Start.UTC().Format(time.RFC3339), Due: f.Due.Format(time.RFC3339),
			Experiment: r.Schedule.Experiments[choice], Seed: seed, Quiet: f.Quiet,
		})
	}
	return rows, nil
}

func printFirings(a *app, r *schedule.Record, rows []firingRow) error {
	if len(rows) == 0 {
		a.progress.Line("schedule %s fires no more", r.Schedule.Name)
		return nil
	}
	if r.Paused != nil {
		a.progress.Line("schedule %s is paused: none of these is run before 'axolotl schedule resume %s'", r.Schedule.Name, r.Schedule.Name)
	}
	times := []string{strings.ToUpper(r.Schedule.Zone), "UTC"}
	if times[0] == times[1] {
		times = times[:1]
	}
	var cells [][]string
	for _, row := range rows {
		starts := []string{row.Start, row.UTC}[:len(times)]
		cells = append(cells, append(starts, row.Experiment, fmt.Sprint(row.Seed), row.Quiet))
	}
	return term.Table(a.out, append(times, "EXPERIMENT", "SEED", ""), cells)
}
