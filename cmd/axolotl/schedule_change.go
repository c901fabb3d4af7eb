package main

import (
	"time"

	"github.com/spf13/cobra"

	"axolotl/chaos/schedule"
)

func newSchedulePause(a *app) *cobra.Command {
	reason := "by hand"
	cmd := &cobra.Command{
		Use:   "pause NAME",
		Short: "Let a schedule rest; what is due meanwhile is not made up for",
		Args:  usageErrors(cobra.ExactArgs(1)),

		ValidArgsFunction: completeSchedules,
		RunE: func(_ *cobra.Command, args []string) error {
			_, err := a.schedules().Change(args[0], func(r *schedule.Record) bool {
				if r.Paused != nil {
					a.progress.Line("schedule %s is paused already, since %s: %s", args[0], r.Paused.At.Format(time.RFC3339), r.Paused.Reason)
					return false
				}
				r.Paused = &schedule.Pause{At: time.Now().UTC().Truncate(time.Second), Reason: reason}
				a.progress.Line("schedule %s is paused", args[0])
				return true
			})
			return err
		},
	}
	cmd.Flags().StringVar(&reason, "reason", reason, "why, for whoever looks")
	return cmd
}

func newScheduleResume(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "resume NAME",
		Short: "Let a paused schedule fire again; runs that did not heal count anew",
		Args:  usageErrors(cobra.ExactArgs(1)),

		ValidArgsFunction: completeSchedules,
		RunE: func(_ *cobra.Command, args []string) error {
			now := time.Now().UTC().Truncate(time.Second)
			r, err := a.schedules().Change(args[0], func(r *schedule.Record) bool {
				if r.Paused == nil {
					return false
				}
				r.Paused, r.Resumed, r.Counted = nil, now, now
				return true
			})
			if err != nil {
				return err
			}
			a.progress.Line("schedule %s fires next at %s", args[0], nextStart(r, now))
			return nil
		},
	}
}

func newScheduleRemove(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "remove NAME...",
		Aliases: []string{"rm"},
		Short:   "Remove schedules, also ones that cannot be read; their history stays",
		Args:    usageErrors(cobra.MinimumNArgs(1)),

		ValidArgsFunction: completeSchedules,
		RunE: func(_ *cobra.Command, args []string) error {
			for _, name := range args {
				if err := a.schedules().Remove(name); err != nil {
					return err
				}
				a.progress.Line("schedule %s is removed", name)
			}
			return nil
		},
	}
}
