package schedule

import (
	"time"

	"github.com/robfig/cron/v3"
)

// ticker gives the instants of a cron expression in a zone.
//
// Around a change of the clocks the library fires a job of 02:30 twice in the
// night in which that hour comes twice, and not at all in the one in which it
// does not come. As cron itself has it for decades (Vixie's), a job at fixed
// hours runs once in either night here: at the first of the two, or when the
// gap ends. One of every hour goes by elapsed time: it runs in both hours of
// the long night, and in no hour that is not there.
type ticker struct {
	spec   *cron.SpecSchedule
	zone   *time.Location
	every  time.Duration // for "@every": from anchor on
	anchor time.Time
}

// allHours are the bits of a field that names each hour.
const allHours = 1<<24 - 1

// newTicker is the ticker of an expression. Intervals count from the anchor,
// so that they do not depend on when anybody asks.
func newTicker(parsed cron.Schedule, zone *time.Location, anchor time.Time) ticker {
	t := ticker{zone: zone, anchor: anchor.Truncate(time.Second)}
	switch s := parsed.(type) {
	case cron.ConstantDelaySchedule:
		t.every = s.Delay
	case *cron.SpecSchedule:
		t.spec = s
	}
	return t
}

// next is the first instant after t, or zero where there is none in years.
func (k ticker) next(t time.Time) time.Time {
	switch {
	case k.every > 0:
		if t.Before(k.anchor) {
			t = k.anchor
		}
		n := t.Sub(k.anchor)/k.every + 1
		return k.anchor.Add(n * k.every).In(k.zone)
	case k.spec.Hour&allHours == allHours:
		return k.spec.Next(t.In(k.zone))
	}
	wall := asUTC(t.In(k.zone))
	for {
		if wall = k.spec.Next(wall); wall.IsZero() {
			return wall
		}
		if instant := onClock(wall, k.zone); instant.After(t) {
			return instant
		}
	}
}

// asUTC is the instant at which clocks in UTC show what t shows.
func asUTC(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// onClock is the first instant at which clocks in the zone show what wall
// shows in UTC. Where they never do, it is when the gap ends.
func onClock(wall time.Time, zone *time.Location) time.Time {
	// NOTE: time.Date alone does not promise which of two instants it returns.
	near := time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second(), 0, zone)
	begin, end := near.ZoneBounds()
	around := []time.Time{near}
	for _, change := range []time.Time{begin, end} {
		if !change.IsZero() {
			around = append(around, change.Add(-time.Second), change)
		}
	}
	var first, gapEnd time.Time
	for _, a := range around {
		_, offset := a.In(zone).Zone()
		instant := wall.Add(-time.Duration(offset) * time.Second).In(zone)
		if asUTC(instant).Equal(wall) && (first.IsZero() || instant.Before(first)) {
			first = instant
		}
	}
	if !first.IsZero() {
		return first
	}
	for _, change := range []time.Time{begin, end} {
		if change.IsZero() {
			continue
		}
		before, after := asUTC(change.Add(-time.Second).In(zone)), asUTC(change.In(zone))
		if before.Before(wall) && wall.Before(after) {
			gapEnd = change
		}
	}
	return gapEnd.In(zone)
}
