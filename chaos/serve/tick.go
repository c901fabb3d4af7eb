package serve

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"axolotl/chaos/history"
	"axolotl/chaos/schedule"
)

// tick accounts for all that is due and returns how long to wait until the
// next one.
func (d *Daemon) tick(ctx context.Context) time.Duration {
	now := d.Clock.Now()
	d.reload(ctx, now)
	_ = d.save() // that it cannot was told when it first could not
	// Before the firings: a run on a cluster with a broken machine would be
	// refused, and where one follows the other there is no other moment.
	d.keep(ctx, now)
	wait := poll
	failed := false
	for _, name := range d.order {
		e := d.entries[name]
		if e.timetable == nil || e.record.Paused != nil {
			continue
		}
		if err := d.advance(ctx, e, now); err != nil {
			if failed = true; !d.failing {
				d.Log.Error("firings cannot be accounted for, so none is run", zap.String("schedule", name), zap.Error(err))
			}
			continue
		}
		if e.hasOne && !e.waited {
			wait = min(wait, max(0, e.next.Start.Sub(now)))
		}
	}
	d.failing = failed
	d.prune(ctx, now)
	d.Metrics.upcoming(d.entries)
	return wait
}

// most is how many firings are accounted for at once.
const most = 1000

// advance accounts for the firings of a schedule that have come, in order. An
// error leaves what it is about to the next time.
func (d *Daemon) advance(ctx context.Context, e *entry, now time.Time) error {
	var gone []history.Firing
	record := func() error {
		if len(gone) == 0 {
			return nil
		}
		if err := d.History.RecordFirings(ctx, gone); err != nil {
			e.move(gone[0].Due.Add(-1))
			return err
		}
		d.tellGone(e.record.Schedule, gone)
		gone = nil
		return nil
	}
	for e.hasOne && !e.next.Start.After(now) {
		f := e.next
		outcome, reason, err := d.judge(ctx, e, f, now)
		if err != nil {
			return errors.Join(record(), err)
		}
		switch outcome {
		case waits:
			e.waited = true
			return record()
		case history.FiringRunning:
			if err := record(); err != nil {
				return err
			}
			return d.begin(ctx, e, f, now)
		}
		gone = append(gone, d.firing(e, f, outcome, reason))
		e.move(f.Due)
		if len(gone) == most {
			if err := record(); err != nil {
				return err
			}
		}
	}
	return record()
}

// waits is the outcome, never recorded, of a firing whose turn has not come.
const waits history.Outcome = ""

// judge says what becomes of a firing whose time has come.
func (d *Daemon) judge(ctx context.Context, e *entry, f schedule.Firing, now time.Time) (history.Outcome, string, error) {
	s := &e.record.Schedule
	if f.Quiet != "" {
		return history.FiringSkipped, f.Quiet, nil
	}
	if late := now.Sub(f.Start); late > e.timetable.Deadline() {
		return history.FiringMissed, d.lateness(e, f, late), nil
	}
	if d.undoing[s.Cluster] {
		return waits, "", nil
	}
	if s.Concurrency != schedule.Queue {
		// After a sleep several may be due: one stands for all.
		if later, ok := e.timetable.After(f.Due); ok && later.Quiet == "" && !later.Start.After(now) {
			return history.FiringMissed, "a later firing was due by then", nil
		}
	}
	if at, ok := d.busy[s.Cluster]; ok {
		if s.Concurrency == schedule.Queue {
			return waits, "", nil
		}
		return history.FiringSkipped, "overlap: " + at, nil
	}
	if s.Budget.RunsPerDay > 0 {
		spent, err := d.spent(ctx, e, now)
		if err != nil {
			return waits, "", err
		}
		if spent {
			return history.FiringSkipped, fmt.Sprintf("budget: %d run(s) on this day", s.Budget.RunsPerDay), nil
		}
	}
	return history.FiringRunning, "", nil
}

// lateness says why a firing is too late to be run.
func (d *Daemon) lateness(e *entry, f schedule.Firing, late time.Duration) string {
	what := fmt.Sprintf("late by %s", late.Round(time.Second))
	switch {
	case f.Start.Before(d.started):
		return what + ": the daemon did not run"
	case e.waited:
		return what + ": it waited for its turn on the cluster"
	case d.failing:
		return what + ": the history could not be written"
	}
	return what + ": the host slept, or its clock was set"
}

// spent tells whether a schedule has had its runs of the day, in its zone.
func (d *Daemon) spent(ctx context.Context, e *entry, now time.Time) (bool, error) {
	year, month, day := now.In(e.timetable.Zone()).Date()
	midnight := time.Date(year, month, day, 0, 0, 0, 0, e.timetable.Zone())
	if e.spent.Equal(midnight) { // what has run has run: nothing is read for it again
		return true, nil
	}
	s := e.record.Schedule
	// NOTE: what was due yesterday may have run today, by jitter or in a queue.
	all, err := d.History.Firings(ctx, history.FiringQuery{Schedule: s.Name, Since: midnight.AddDate(0, 0, -1)})
	if err != nil {
		return false, err
	}
	runs := 0
	for _, f := range all {
		if f.Outcome != history.FiringSkipped && f.Outcome != history.FiringMissed && !f.Started.Before(midnight) {
			runs++
		}
	}
	if runs < s.Budget.RunsPerDay {
		return false, nil
	}
	e.spent = midnight
	return true, nil
}

// firing is a firing as the history has it.
func (d *Daemon) firing(e *entry, f schedule.Firing, outcome history.Outcome, reason string) history.Firing {
	choice, _ := e.timetable.Choice(f.Due)
	s := e.record.Schedule
	return history.Firing{
		Schedule: s.Name, Cluster: s.Cluster, Experiment: s.Experiments[choice],
		Due: f.Due, Outcome: outcome, Reason: reason,
	}
}

// begin runs a firing. It is written down before: one that cannot be is not
// run, or it would be again after a crash.
func (d *Daemon) begin(ctx context.Context, e *entry, f schedule.Firing, now time.Time) error {
	recorded := d.firing(e, f, history.FiringRunning, "")
	recorded.Started = now
	id, err := d.History.BeginFiring(ctx, recorded)
	if errors.Is(err, history.ErrAccounted) {
		d.Log.Warn("a firing is accounted for already", zap.String("schedule", recorded.Schedule), zap.Time("due", f.Due))
		e.move(f.Due)
		return nil
	}
	if err != nil {
		return err
	}
	e.move(f.Due)
	recorded.ID = id
	_, seed := e.timetable.Choice(f.Due)
	d.fire(ctx, recorded, Order{Schedule: e.record.Schedule, Experiment: recorded.Experiment, Seed: seed, Due: f.Due})
	return nil
}
