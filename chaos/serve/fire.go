package serve

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"go.uber.org/zap"

	"axolotl/chaos"
	"axolotl/chaos/history"
	"axolotl/chaos/schedule"
)

// fire runs a firing that is written down as running.
func (d *Daemon) fire(ctx context.Context, f history.Firing, order Order) {
	log := d.Log.With(zap.String("schedule", f.Schedule), zap.String("cluster", f.Cluster), zap.String("experiment", f.Experiment))
	log.Info("a run begins", zap.Uint64("seed", order.Seed), zap.Time("due", f.Due))
	what := fmt.Sprintf("the run of schedule %s that was due at %s", f.Schedule, f.Due.Format("15:04:05"))
	d.work(f.Cluster, what, func() func() {
		report, err := d.execute(ctx, order)
		return func() { d.finish(ctx, log, f, order.Schedule, report, err) }
	}, func(p error) { d.finish(ctx, log, f, order.Schedule, nil, p) })
}

// execute restores the cluster where that is asked for, runs, and recreates
// it afterwards.
func (d *Daemon) execute(ctx context.Context, order Order) (*chaos.Report, error) {
	if order.Schedule.RestoreBefore {
		if err := d.recreate(ctx, order.Schedule.Cluster); err != nil {
			return nil, fmt.Errorf("the cluster could not be restored before the run: %w", err)
		}
	}
	report, err := d.Run(ctx, order)
	if err != nil {
		return report, err
	}
	after := order.Schedule.RecreateAfter
	if after == schedule.Always || after == schedule.IfNotHealed && broke(report.Verdict) {
		if err := d.recreate(ctx, order.Schedule.Cluster); err != nil {
			d.Log.Error("the cluster could not be recreated after the run", zap.String("cluster", order.Schedule.Cluster), zap.Error(err))
		}
	}
	return report, nil
}

// recreate throws a cluster's machines away and has them back.
func (d *Daemon) recreate(ctx context.Context, cluster string) error {
	start := d.Clock.Now()
	err := d.Recreate(ctx, cluster)
	d.Metrics.restored(cluster, d.Clock.Since(start), err)
	return err
}

// broke tells whether a run has left something that did not heal.
func broke(v chaos.Verdict) bool { return v == chaos.NotHealed || v == chaos.UndoFailed }

// finish writes down how a firing ended, tells it, and keeps the budget.
func (d *Daemon) finish(ctx context.Context, log *zap.Logger, f history.Firing, s schedule.Schedule, report *chaos.Report, err error) {
	d.conclude(ctx, log, &f, report, err)
	d.Metrics.firing(f.Schedule, string(f.Outcome), 1)
	log.Info("a run has ended", zap.String("run", f.Run), zap.String("outcome", string(f.Outcome)),
		zap.String("verdict", f.Verdict), zap.String("reason", f.Reason))
	d.tellRun(s, f, report)

	// NOTE: not with ctx, which has ended where the run was aborted.
	ctx = context.WithoutCancel(ctx)
	d.unsaved = append(d.unsaved, func() error {
		return d.History.EndFiring(ctx, f.ID, f.Outcome, f.Reason, f.Run, f.Verdict, f.Ended)
	})
	if report != nil && broke(report.Verdict) && s.Budget.StopAfterNotHealed > 0 {
		d.unsaved = append(d.unsaved, func() error { return d.stop(ctx, s) })
	}
	if err := d.save(); err != nil {
		log.Error("the end of a run is not written down yet", zap.Error(err))
	}
}

// conclude says of a firing how it ended.
func (d *Daemon) conclude(ctx context.Context, log *zap.Logger, f *history.Firing, report *chaos.Report, err error) {
	f.Ended = d.Clock.Now()
	f.Outcome, f.Reason = history.FiringRan, ""
	switch {
	case err != nil: // there was no run, or it ended in a panic
		f.Outcome, f.Reason = history.FiringSkipped, err.Error()
		var p *panicError
		if errors.As(err, &p) {
			f.Outcome = history.FiringInterrupted
			log.Error("a run has panicked, which is a bug", zap.Error(err), zap.ByteString("stack", p.stack))
		}
		return
	case report.Verdict == chaos.Refused, report.Verdict == chaos.Skipped:
		f.Outcome = history.FiringSkipped
	case report.Verdict == chaos.Aborted && ctx.Err() != nil:
		f.Outcome = history.FiringInterrupted
	}
	f.Run, f.Verdict, f.Reason = report.ID, string(report.Verdict), report.Reason
	d.Metrics.ran(report)
}

// save writes down what could not be before, in order.
func (d *Daemon) save() error {
	for len(d.unsaved) > 0 {
		if err := d.unsaved[0](); err != nil {
			return err
		}
		d.unsaved = d.unsaved[1:]
	}
	return nil
}

// stop pauses a schedule that has used up its budget of runs that did not
// heal.
func (d *Daemon) stop(ctx context.Context, s schedule.Schedule) error {
	all, err := d.History.Firings(ctx, history.FiringQuery{Schedule: s.Name})
	if err != nil {
		return err
	}
	r, err := d.Schedules.Change(s.Name, func(r *schedule.Record) bool {
		bad := 0
		for _, f := range all {
			if broke(chaos.Verdict(f.Verdict)) && !f.Ended.Before(r.Counted) {
				bad++
			}
		}
		if bad < r.Schedule.Budget.StopAfterNotHealed || r.Paused != nil || r.Schedule.Budget.StopAfterNotHealed == 0 {
			return false
		}
		r.Paused = &schedule.Pause{At: d.Clock.Now().UTC(), Reason: fmt.Sprintf("budget: %d run(s) did not heal; see to it and resume", bad)}
		return true
	})
	var gone *schedule.NotFoundError
	if errors.As(err, &gone) {
		return nil
	}
	if err == nil && r.Paused != nil {
		d.Log.Warn("a schedule is paused", zap.String("schedule", s.Name), zap.String("reason", r.Paused.Reason))
		if e := d.entries[s.Name]; e != nil {
			e.record = r
		}
	}
	return err
}

// panicError is a panic as an error.
type panicError struct {
	value any
	stack []byte
}

func (p *panicError) Error() string { return fmt.Sprintf("panic: %v", p.value) }

// guarded calls do and returns what it returns, or its panic.
func guarded(do func() func()) (finish func(), err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &panicError{p, debug.Stack()}
		}
	}()
	return do(), nil
}
