package serve

import (
	"context"

	"go.uber.org/zap"

	"axolotl/chaos"
	"axolotl/chaos/history"
	"axolotl/chaos/schedule"
)

// Once runs what a schedule would run now, past its times, its window and its
// budget, and records it as asked for by hand. The guards of the run hold; so
// does what the schedule says of restoring the cluster. It needs no loop.
func (d *Daemon) Once(ctx context.Context, r *schedule.Record) (*chaos.Report, error) {
	timetable, err := r.Timetable()
	if err != nil {
		return nil, err
	}
	now := d.Clock.Now()
	choice, seed := timetable.Choice(now)
	s := r.Schedule
	f := history.Firing{Schedule: s.Name, Cluster: s.Cluster, Experiment: s.Experiments[choice], Manual: true, Due: now, Started: now}
	if f.ID, err = d.History.BeginFiring(ctx, f); err != nil {
		return nil, err
	}
	report, err := d.execute(ctx, Order{Schedule: s, Experiment: f.Experiment, Seed: seed, Due: now})
	d.conclude(ctx, d.Log, &f, report, err)
	// NOTE: it was run, whatever becomes of the record.
	ended := d.History.EndFiring(context.WithoutCancel(ctx), f.ID, f.Outcome, f.Reason, f.Run, f.Verdict, f.Ended)
	if ended != nil {
		d.Log.Warn("the end of the run is not in the history of firings", zap.Error(ended))
	}
	return report, err
}
