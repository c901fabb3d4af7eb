// Package serve is the daemon that runs schedules: it accounts for each firing
// exactly once, as run, missed or skipped, and never runs two experiments on
// one cluster at once.
//
// What it does not do itself it is given: the clock, how an experiment is run,
// how a cluster is recreated and what earlier runs left is undone. So it is
// tested without a cluster and without waiting.
package serve

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"k8s.io/utils/clock"

	"axolotl/chaos"
	"axolotl/chaos/history"
	"axolotl/chaos/schedule"
)

// Order is one run that is asked for.
type Order struct {
	Schedule   schedule.Schedule
	Experiment string // one of the schedule's
	Seed       uint64
	Due        time.Time
}

// History is what the daemon needs of a *history.DB.
type History interface {
	BeginFiring(ctx context.Context, f history.Firing) (int64, error)
	EndFiring(ctx context.Context, id int64, outcome history.Outcome, reason, run, verdict string, ended time.Time) error
	RecordFirings(ctx context.Context, firings []history.Firing) error
	Firings(ctx context.Context, q history.FiringQuery) ([]history.Firing, error)
	InterruptFirings(ctx context.Context, now time.Time) (int, error)
	LastDue(ctx context.Context, schedule string) (time.Time, error)
}

// Schedules is what the daemon needs of a schedule.Store.
type Schedules interface {
	// Fingerprint is another one whenever List would return others.
	Fingerprint() (uint64, error)
	// List returns all; those that cannot be used say why in Broken.
	List() ([]*schedule.Record, error)
	// Change changes one, as no other does at the same time.
	Change(name string, change func(*schedule.Record) (changed bool)) (*schedule.Record, error)
}

// Daemon runs schedules. All fields but the last group are set by whoever
// makes one.
type Daemon struct {
	Schedules Schedules
	History   History

	// Run runs an experiment and returns its report, or an error where there
	// was no run. When ctx ends it undoes what it did.
	Run func(ctx context.Context, order Order) (*chaos.Report, error)
	// Recreate throws a cluster's machines away and has them back.
	Recreate func(ctx context.Context, cluster string) error
	// Clusters are the clusters that there are.
	Clusters func() ([]string, error)
	// Recover undoes what runs on a cluster left whose processes have ended,
	// and returns how many those were.
	Recover func(ctx context.Context, cluster string) (int, error)
	// Tell passes a message on to those who are to be told. It does not wait.
	Tell func(to []schedule.Notify, m Message)

	// Prune removes what is too old, or too much, and returns how much that
	// was; nil: nothing is.
	Prune func(ctx context.Context, now time.Time) (history.Pruned, error)
	// Keeper watches machines; nil: nobody does.
	Keeper *Keeper

	Clock   clock.Clock
	Log     *zap.Logger
	Metrics *Metrics

	// Drain is how long runs may go on after the daemon was told to end,
	// before they are aborted and undone.
	Drain time.Duration

	entries map[string]*entry
	order   []string          // their names, sorted: whose turn it is where two are due at once
	seen    uint64            // the schedules' fingerprint when they were last read
	whole   bool              // all of them could be followed then
	busy    map[string]string // by cluster: what is at work on it
	undoing map[string]bool   // clusters of these on which what earlier runs left is being undone
	done    chan func()       // what work that has ended leaves to the loop
	unsaved []func() error    // what could not be written down yet
	started time.Time
	ready   atomic.Bool
	pruned  time.Time // when pruning began last
	pruning bool
	failing bool // the last write to the history failed
}

// poll is how often the daemon looks whether schedules have changed, and at
// the clock: timers stand still while a host sleeps.
const poll = time.Second

// Serve runs until ctx ends and then until what was at work has ended too.
func (d *Daemon) Serve(ctx context.Context) error {
	// NOTE: what is written down as the daemon ends must be, so the history is
	// not given the ctx that tells it to.
	work, abort := context.WithCancel(context.WithoutCancel(ctx))
	defer abort()
	d.Metrics.Leading(true)
	if err := d.start(work); err != nil {
		return err
	}
	for {
		timer := d.Clock.NewTimer(d.tick(work))
		select {
		case finish := <-d.done:
			finish()
		case <-timer.C():
		case <-ctx.Done():
			timer.Stop()
			return d.drain(abort)
		}
		timer.Stop()
	}
}

// start makes the daemon ready to tick.
func (d *Daemon) start(ctx context.Context) error {
	d.entries, d.busy, d.undoing, d.done = map[string]*entry{}, map[string]string{}, map[string]bool{}, make(chan func())
	d.started = d.Clock.Now()
	interrupted, err := d.History.InterruptFirings(ctx, d.started)
	if err != nil {
		return err
	}
	if interrupted > 0 {
		d.Log.Warn("runs were interrupted by the end of the last daemon", zap.Int("firings", interrupted))
		d.Metrics.firing("", string(history.FiringInterrupted), interrupted)
	}
	clusters, err := d.Clusters()
	if err != nil {
		return err
	}
	for _, cluster := range clusters {
		d.recover(ctx, cluster)
	}
	d.ready.Store(len(d.busy) == 0)
	return nil
}

// recover undoes on a cluster what runs left. Until that has ended firings on
// it wait, whatever their concurrency; the others need not wait for it.
func (d *Daemon) recover(ctx context.Context, cluster string) {
	d.undoing[cluster] = true
	d.work(cluster, "undoing what an earlier run left", func() func() {
		undone, err := d.Recover(ctx, cluster)
		return func() {
			log := d.Log.With(zap.String("cluster", cluster))
			switch {
			case err != nil: // each run tries again, first of all, and refuses
				d.Metrics.undoFailed(cluster)
				log.Error("what an earlier run left cannot be undone; see 'axolotl chaos undo'", zap.Error(err))
			case undone > 0:
				log.Warn("undone what earlier runs left", zap.Int("runs", undone))
			}
		}
	}, func(p error) { d.Log.Error("recovery", zap.String("cluster", cluster), zap.Error(p)) })
}

// work does something on a cluster, beside the loop, which then calls what it
// returns. A panic in it ends neither and is given to panicked.
func (d *Daemon) work(cluster, what string, do func() func(), panicked func(error)) {
	d.busy[cluster] = what
	d.Metrics.busy(cluster, true)
	go func() {
		finish, err := guarded(do)
		d.done <- func() {
			delete(d.busy, cluster)
			delete(d.undoing, cluster)
			d.Metrics.busy(cluster, false)
			if err != nil {
				panicked(err)
			} else {
				finish()
			}
			if len(d.busy) == 0 {
				d.ready.Store(true) // what was left at the start is undone, or told
			}
		}
	}()
}

// Ready tells whether the daemon runs what is due.
func (d *Daemon) Ready() error {
	if !d.ready.Load() {
		return errors.New("what earlier runs left is being undone")
	}
	return nil
}

// drain lets what is at work end, aborts it after a while, and waits for its
// undo.
func (d *Daemon) drain(abort func()) error {
	if len(d.busy) > 0 {
		d.Log.Info("no new runs; those at work may go on for a while", zap.Int("at work", len(d.busy)), zap.Duration("drain", d.Drain))
	}
	timer := d.Clock.NewTimer(d.Drain)
	defer timer.Stop()
	for len(d.busy) > 0 {
		select {
		case finish := <-d.done:
			finish()
		case <-timer.C():
			d.Log.Warn("runs at work are aborted and undone")
			abort()
		}
	}
	return d.save()
}
