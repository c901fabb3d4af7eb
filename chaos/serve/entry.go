package serve

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"time"

	"go.uber.org/zap"

	"axolotl/chaos/schedule"
)

// entry is a schedule that the daemon follows.
type entry struct {
	record    *schedule.Record
	timetable *schedule.Timetable
	cursor    time.Time // firings that were due until then are accounted for
	waited    bool      // the next firing is due and waits for its turn

	next   schedule.Firing // the first after the cursor, where there is one
	hasOne bool
	shown  time.Time // what the metrics show of it
}

// move accounts for all that was due until then.
func (e *entry) move(cursor time.Time) {
	e.cursor, e.waited = cursor, false
	e.next, e.hasOne = e.timetable.After(cursor)
}

// reload follows what was added, changed, paused and removed.
func (d *Daemon) reload(ctx context.Context, now time.Time) {
	seen, err := d.Schedules.Fingerprint()
	if err != nil {
		d.Log.Error("schedules cannot be read; the last known ones go on", zap.Error(err))
		return
	}
	if d.whole && seen == d.seen {
		return
	}
	all, err := d.Schedules.List()
	if err != nil {
		d.Log.Error("schedules cannot be read; the last known ones go on", zap.Error(err))
		return
	}
	entries := make(map[string]*entry, len(all))
	d.whole, d.seen = true, seen // where not, all are read again the next time
	for _, r := range all {
		e, err := d.follow(ctx, r)
		if err != nil {
			d.Log.Error("a schedule is not followed for now", zap.String("schedule", r.Schedule.Name), zap.Error(err))
			d.whole = false
			continue
		}
		entries[r.Schedule.Name] = e
	}
	d.entries = entries
	d.order = slices.Sorted(maps.Keys(entries))
	d.Metrics.schedules(all, entries, now)
}

// follow is the entry of a schedule: the one that there is, where nothing has
// changed.
func (d *Daemon) follow(ctx context.Context, r *schedule.Record) (*entry, error) {
	name := r.Schedule.Name
	old := d.entries[name]
	if old != nil && reflect.DeepEqual(old.record, r) {
		return old, nil
	}
	log := d.Log.With(zap.String("schedule", name))
	if r.Broken != "" {
		if old == nil || old.record.Broken != r.Broken {
			log.Error("a schedule is broken and does not fire", zap.String("reason", r.Broken))
		}
		return &entry{record: r}, nil
	}
	timetable, err := r.Timetable()
	if err != nil {
		return nil, err
	}
	last, err := d.History.LastDue(ctx, name)
	if err != nil {
		return nil, err
	}
	e := &entry{record: r, timetable: timetable}
	if since := r.Since(); last.Before(since) {
		last = since
	}
	e.move(last)
	if now := d.Clock.Now(); last.After(now.Add(24 * time.Hour)) {
		log.Warn("the clock was ahead once: firings are accounted for until then, and none is run before", zap.Time("until", last))
	}
	if e.hasOne && r.Paused == nil {
		log.Info("a schedule is followed", zap.Time("next", e.next.Start))
	}
	return e, nil
}
