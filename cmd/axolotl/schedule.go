package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"axolotl/chaos/schedule"
	"axolotl/internal/store"
	"axolotl/internal/term"
)

func newSchedule(a *app) *cobra.Command {
	cmd := family(&cobra.Command{
		Use:   "schedule",
		Short: "Say when experiments are run; 'axolotl serve' runs them",
		Long: `A schedule names experiments, a cluster and a cron expression with its time zone,
and may bound them: a window of days and hours, quiet times, a budget, an expiry.
It is written as a YAML file (kind: Schedule) or given by flags. 'axolotl serve'
follows what is added, changed, paused and removed without a restart.`,
	})
	cmd.AddCommand(newScheduleAdd(a), newScheduleList(a), newScheduleShow(a), newScheduleNext(a), newScheduleLog(a),
		newSchedulePause(a), newScheduleResume(a), newScheduleRemove(a), newScheduleRunNow(a),
		newFormat(a, "a schedule", schedule.FileFormat), newSchema(a, "a schedule", schedule.FileSchema))
	return cmd
}

// schedules are the schedules on disk.
func (a *app) schedules() schedule.Store { return schedule.At(a.home) }

// completeSchedules completes the names of schedules.
func completeSchedules(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	home, err := store.FindHome()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	all, err := schedule.At(home).List()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var names []string
	for _, r := range all {
		names = append(names, r.Schedule.Name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func newScheduleList(a *app) *cobra.Command {
	format := term.FormatTable
	cmd := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List the schedules on this host, and when each fires next",
		Args:    usageErrors(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			all, err := a.schedules().List()
			if err != nil {
				return err
			}
			return format.Print(a.out, all, func() error {
				now := time.Now()
				var rows [][]string
				for _, r := range all {
					s := r.Schedule
					rows = append(rows, []string{s.Name, r.State(now), s.Cluster, strings.Join(s.Experiments, ","), s.Cron, s.Zone, nextStart(r, now)})
				}
				return term.Table(a.out, []string{"NAME", "STATE", "CLUSTER", "EXPERIMENT", "CRON", "ZONE", "NEXT"}, rows)
			})
		},
	}
	cmd.Flags().VarP(&format, "output", "o", "output format")
	return cmd
}

// nextStart is when a schedule fires next, in its zone; empty: it does not.
func nextStart(r *schedule.Record, now time.Time) string {
	if r.Broken != "" || r.Paused != nil {
		return ""
	}
	timetable, err := r.Timetable()
	if err != nil {
		return ""
	}
	if next := timetable.Next(now, 1, false); len(next) > 0 {
		return next[0].Start.Format(time.RFC3339)
	}
	return ""
}

func newScheduleShow(a *app) *cobra.Command {
	format := term.FormatTable
	cmd := &cobra.Command{
		Use:   "show NAME",
		Short: "Show a schedule; with -o yaml as the file that 'schedule add' reads",
		Args:  usageErrors(cobra.ExactArgs(1)),

		ValidArgsFunction: completeSchedules,
		RunE: func(_ *cobra.Command, args []string) error {
			r, err := a.schedules().Load(args[0])
			if err != nil {
				return err
			}
			return format.Print(a.out, r.Schedule, func() error { return printSchedule(a, r) })
		},
	}
	cmd.Flags().VarP(&format, "output", "o", "output format")
	return cmd
}

func printSchedule(a *app, r *schedule.Record) error {
	s, now := r.Schedule, time.Now()
	rows := [][2]string{
		{"schedule", s.Name + ", " + r.State(now)},
		{"cluster", s.Cluster},
		{"experiment", strings.Join(s.Experiments, ", ")},
		{"fires", fmt.Sprintf("%s (%s)", s.Cron, s.Zone)},
		{"next", nextStart(r, now)},
		{"late by at most", s.StartingDeadline.String()},
		{"meanwhile", string(s.Concurrency)},
		{"seed", fmt.Sprint(s.Seed)},
		{"added", r.Added.Format(time.RFC3339)},
		{"expires", s.Expires},
	}
	add := func(shown bool, name, text string) {
		if shown {
			rows = append(rows, [2]string{name, text})
		}
	}
	for _, w := range s.Window {
		add(true, "window", w.String())
	}
	for _, q := range s.Quiet {
		add(true, "quiet", q.String())
	}
	add(s.Jitter > 0, "jitter", "up to "+s.Jitter.String())
	add(s.Budget.RunsPerDay > 0, "budget", fmt.Sprintf("at most %d runs a day", s.Budget.RunsPerDay))
	add(s.Budget.StopAfterNotHealed > 0, "budget", fmt.Sprintf("pauses after %d runs that did not heal", s.Budget.StopAfterNotHealed))
	add(s.RestoreBefore, "before a run", "the cluster is recreated")
	add(s.RecreateAfter != schedule.Never, "after a run", "the cluster is recreated: "+string(s.RecreateAfter))
	add(len(s.Notify) > 0, "notifies", fmt.Sprintf("%d receiver(s)", len(s.Notify)))
	if r.Paused != nil {
		add(true, "paused", r.Paused.At.Format(time.RFC3339)+": "+r.Paused.Reason)
	}
	for _, row := range rows {
		if row[1] == "" {
			continue
		}
		if _, err := fmt.Fprintf(a.out, "%-16s %s\n", row[0], term.Escape(row[1])); err != nil {
			return err
		}
	}
	return nil
}
